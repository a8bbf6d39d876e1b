/* tta.c: see tta.h. For each scale s the picture goes through the model at floor(size * s), bilinear with half-pixel
 * centres there, softmax, and the probabilities bilinear back; the same for its mirror image, whose probabilities are
 * mirrored back. Of a picture without labels the person's left lies to the right, so that in the mirror image the model
 * sees what it calls `right` where the person's left is: the channels of a pair change places. Branches are added in
 * pairs, so that the mean of a mirrored picture is exactly the mirrored mean. Logits are taken at the size of the
 * scaled picture; the reference's network ends at a multiple of 4, which differs where that size is none (563 and 564).
 */
#include "experiment/tta.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "graph/nodes.h"

struct fpc_tta_run {
    fpc_experiment *experiment;
    fpc_tta how;
    int32_t h, w, classes;
    fpc_program *program[FPC_TTA_SCALES];
    uint8_t *mirrored;       /* h*w*3 */
    float *one, *two, *mean; /* NULL: nobody asked for probabilities so far */
    fpc_arena *arena;
    int32_t channel[256]; /* of the mirrored branch that belongs to a class */
    fpc_tiles tiles;
    fpc_tta_watch watch;
    const fpc_post *post; /* NULL: none */
};

/* ---- options ---- */

fpc_status fpc_tta_read(fpc_ctx *ctx, const char *what, const char *scales, int flip, int no_exchange, fpc_tta *out)
{
    *out = (fpc_tta){.flip = flip, .exchange = !no_exchange};
    if (no_exchange && !flip)
        return fpc_fail(ctx, FPC_EINVAL, "fpcore %s: --no-exchange says what happens to mirrored pictures; add --flip",
                        what);
    if (!scales) {
        out->n_scales = 1;
        out->scale[0] = 1;
        return FPC_OK;
    }
    for (const char *at = scales;; at++) {
        char *end;
        const double value = strtod(at, &end);
        if (end == at || !(value >= 0.1 && value <= 10) || out->n_scales == FPC_TTA_SCALES)
            return fpc_fail(ctx, FPC_EINVAL,
                            "fpcore %s: --scales %s: numbers from 0.1 to 10, at most %d, with commas between them",
                            what, scales, FPC_TTA_SCALES);
        for (int32_t i = 0; i < out->n_scales; i++)
            if (out->scale[i] == value)
                return fpc_fail(ctx, FPC_EINVAL, "fpcore %s: --scales %s: %g stands there twice", what, scales, value);
        out->scale[out->n_scales++] = value;
        at = end + strspn(end, " \t");
        if (!*at)
            return FPC_OK;
        if (*at != ',')
            return fpc_fail(ctx, FPC_EINVAL, "fpcore %s: --scales %s: `%s` is no number", what, scales, at);
    }
}

/* A whole number from least to most; -1: none. */
static int32_t whole_number(const char *text, int32_t least, int32_t most)
{
    char *end;
    const long value = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1; /* LONG_MAX where it is too large */

    return value >= least && value <= most && !*end ? (int32_t)value : -1;
}

fpc_status fpc_tta_read_tiles(fpc_ctx *ctx, const char *what, const char *tiles, const char *overlap, fpc_tiles *out)
{
    *out = (fpc_tiles){0};
    if (!tiles)
        return !overlap ? FPC_OK
                        : fpc_fail(ctx, FPC_EINVAL,
                                   "fpcore %s: --overlap %s says by how many pixels tiles overlap; add --tiles N", what,
                                   overlap);
    const int32_t side = whole_number(tiles, FPC_TILES_LEAST, FPC_IMAGE_SIDE);
    if (side < 0)
        return fpc_fail(ctx, FPC_EINVAL, "fpcore %s: --tiles %s: not a whole number of pixels from %d to %d", what,
                        tiles, FPC_TILES_LEAST, FPC_IMAGE_SIDE);
    const int32_t shared = overlap ? whole_number(overlap, 0, side - 1) : side / 4;
    if (shared < 0)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore %s: --overlap %s: not a whole number of pixels from 0 to %d, less than a tile has",
                        what, overlap, side - 1);
    *out = (fpc_tiles){side, shared};
    return FPC_OK;
}

int fpc_tta_on(const fpc_tta *t)
{
    return t->flip || t->n_scales > 1 || (t->n_scales == 1 && t->scale[0] != 1);
}

const char *fpc_tta_text(fpc_arena *arena, const fpc_tta *t)
{
    const char *text = "scales";
    for (int32_t i = 0; i < t->n_scales && text; i++)
        text = fpc_sprintf(arena, "%s%s %g", text, i ? "," : "", t->scale[i]);
    if (text && t->flip)
        text = fpc_sprintf(arena, "%s, mirrored %s", text, t->exchange ? "with exchanged labels" : "as it is");
    return text ? text : "";
}

/* ---- programs ---- */

static int32_t scaled(int32_t size, double scale)
{
    const double n = floor(size * scale + 1e-9); /* 100 * 1.15 is a little less than 115 */
    return n < 1 ? 1 : n > 16384 ? 16384 : (int32_t)n;
}

static fpc_status compile(fpc_tta_run *r, fpc_arena *arena, double scale, fpc_program **out)
{
    fpc_experiment *s = r->experiment;
    const int32_t h = scaled(r->h, scale), w = scaled(r->w, scale);
    fpc_graph *g;
    fpc_val logits;
    fpc_status status = fpc_graph_new(s->ctx, arena, s->ops, s->backend->device.real, 0, &g);
    if (status)
        return status;
    const fpc_val bytes = fpc_input(g, "image", (fpc_shape){1, r->h, r->w, 3}, FPC_U8);
    const fpc_val image = fpc_op(g, "to_real", "tta.to_real", 1, &bytes, NULL, 0, NULL);
    status = fpc_experiment_model(s, g, fpc_resize(g, image, h, w, 0), &logits);
    if (status)
        return status;
    const fpc_val p = fpc_op(g, "softmax", "tta.softmax", 1, &logits, NULL, 0, NULL);
    fpc_output_mark(g, "probabilities", fpc_resize(g, p, r->h, r->w, 0));
    if ((status = fpc_graph_check(g)) || (status = fpc_graph_rewrite(g, (int)s->run.rewrite)))
        return status;
    return fpc_program_compile(s->ctx, arena, s->state, g, out);
}

/* Programs and buffers for probabilities, which a plain prediction of labels does without. */
static fpc_status prepare(fpc_tta_run *r)
{
    const fpc_experiment *s = r->experiment;
    const fpc_tta *how = &r->how;
    fpc_arena *arena = r->arena;
    const size_t pixels = (size_t)r->h * (size_t)r->w, values = pixels * (size_t)s->classes;
    fpc_status status = FPC_OK;
    r->mirrored = fpc_alloc(arena, pixels * 3);
    r->one = fpc_alloc(arena, values * sizeof *r->one);
    r->two = fpc_alloc(arena, values * sizeof *r->two);
    r->mean = fpc_alloc(arena, values * sizeof *r->mean);
    if (!r->mirrored || !r->one || !r->two || !r->mean)
        return FPC_ENOMEM;
    for (int32_t c = 0; c < 256; c++)
        r->channel[c] = c;
    for (int32_t i = 0; how->exchange && i < s->info.n_mirror_pairs; i++) {
        r->channel[s->info.mirror_pairs[i][0]] = s->info.mirror_pairs[i][1];
        r->channel[s->info.mirror_pairs[i][1]] = s->info.mirror_pairs[i][0];
    }
    for (int32_t i = 0; i < how->n_scales && !status; i++)
        status = compile(r, arena, how->scale[i], &r->program[i]);
    return status;
}

fpc_status fpc_tta_open(fpc_experiment *s, fpc_arena *arena, const fpc_tta *how, int32_t h, int32_t w,
                        fpc_tta_run **out)
{
    fpc_tta_run *r = fpc_alloc(arena, sizeof *r);
    *out = NULL;
    if (!r)
        return FPC_ENOMEM;
    *r = (fpc_tta_run){.experiment = s, .how = *how, .h = h, .w = w, .classes = s->classes, .arena = arena};
    const fpc_status status = fpc_tta_on(how) ? prepare(r) : FPC_OK;
    if (!status)
        *out = r;
    return status;
}

/* ---- prediction ---- */

static void mirror(const uint8_t *from, int32_t h, int32_t w, uint8_t *to)
{
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++)
            memcpy(to + 3 * ((int64_t)y * w + x), from + 3 * ((int64_t)y * w + w - 1 - x), 3);
}

static fpc_status branch(fpc_tta_run *r, int32_t i, const uint8_t *image, float *out)
{
    const int64_t pixels = (int64_t)r->h * r->w;
    fpc_status status;
    if ((status = fpc_program_write(r->program[i], "image", FPC_U8, image, pixels * 3)) ||
        (status = fpc_program_run(r->program[i])))
        return status;
    return fpc_program_read(r->program[i], "probabilities", FPC_F32, out, pixels * r->classes);
}

/* one += two, mirrored back. */
static void add_mirrored(fpc_tta_run *r)
{
    for (int32_t y = 0; y < r->h; y++)
        for (int32_t x = 0; x < r->w; x++) {
            float *to = r->one + ((int64_t)y * r->w + x) * r->classes;
            const float *from = r->two + ((int64_t)y * r->w + r->w - 1 - x) * r->classes;
            for (int32_t c = 0; c < r->classes; c++)
                to[c] += from[r->channel[c]];
        }
}

fpc_status fpc_tta_probabilities(fpc_tta_run *r, const uint8_t *image, const float **out)
{
    const int64_t n = (int64_t)r->h * r->w * r->classes;
    const float share = 1.0f / (float)(r->how.n_scales * (r->how.flip ? 2 : 1));
    fpc_status status = r->mean ? FPC_OK : prepare(r);
    if (status)
        return status;
    if (r->how.flip)
        mirror(image, r->h, r->w, r->mirrored);
    for (int32_t i = 0; i < r->how.n_scales; i++) {
        status = branch(r, i, image, r->one);
        if (!status && r->how.flip && !(status = branch(r, i, r->mirrored, r->two)))
            add_mirrored(r);
        if (status)
            return status;
        for (int64_t k = 0; k < n; k++)
            r->mean[k] = i ? r->mean[k] + r->one[k] : r->one[k];
    }
    for (int64_t k = 0; k < n; k++)
        r->mean[k] *= share;
    *out = r->mean;
    return FPC_OK;
}

fpc_status fpc_tta_scores(fpc_tta_run *r, fpc_arena *scratch, const uint8_t *image, float **out)
{
    const int averaged = fpc_tta_on(&r->how);
    const float *mean;
    const fpc_status status = averaged ? fpc_tta_probabilities(r, image, &mean)
                                       : fpc_logits_step(r->experiment, scratch, r->h, r->w, image, out);

    if (status)
        return status;
    if (averaged)
        *out = r->mean;
    if (r->post && r->post->biased)
        fpc_post_scores(r->post, averaged, (int64_t)r->h * r->w, *out);
    return FPC_OK;
}

/* Without what follows from shapes, which is a matter of the whole picture. */
static fpc_status best_of(fpc_tta_run *r, fpc_arena *scratch, const uint8_t *image, uint8_t *labels)
{
    float *p;
    if (!fpc_tta_on(&r->how) && !(r->post && r->post->biased)) /* the plain prediction, to the bit */
        return fpc_predict_step(r->experiment, 1, r->h, r->w, image, labels);
    const fpc_status status = fpc_tta_scores(r, scratch, image, &p);
    for (int64_t i = 0; i < (int64_t)r->h * r->w && !status; i++, p += r->classes) {
        int32_t best = 0;
        for (int32_t c = 1; c < r->classes; c++)
            best = p[c] > p[best] ? c : best;
        labels[i] = (uint8_t)best;
    }
    return status;
}

/* What shapes tell of a whole picture's labels. */
static fpc_status finish(const fpc_tta_run *r, fpc_arena *scratch, int32_t h, int32_t w, uint8_t *labels)
{
    return r->post ? fpc_post_labels(scratch, r->post, h, w, labels) : FPC_OK;
}

fpc_status fpc_tta_predict(fpc_tta_run *r, fpc_arena *scratch, const uint8_t *image, uint8_t *labels)
{
    const fpc_status status = best_of(r, scratch, image, labels);

    return status ? status : finish(r, scratch, r->h, r->w, labels);
}

void fpc_tta_post(fpc_tta_run *r, const fpc_post *post)
{
    r->post = post;
}

/* ---- pictures of any shape ---- */

/* How pictures come to the network, and where one of w x h lies in what it sees. */
static fpc_fit fit_of(const fpc_tta_run *r)
{
    return r->experiment->info.fit == FPC_FIT_SQUEEZE ? FPC_FIT_SQUEEZE : FPC_FIT_PAD;
}

static fpc_box box_of(const fpc_tta_run *r, int32_t w, int32_t h)
{
    fpc_fitted at;

    fpc_fit_place(fit_of(r), w, h, r->w, r->h, &at);
    return at.to;
}

static fpc_status see(const fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, fpc_image *seen)
{
    return fpc_image_fit(r->experiment->ctx, scratch, picture, fit_of(r), r->w, r->h, seen);
}

/* The scores inside of a box, as a grid of their own. */
static fpc_status within(const fpc_tta_run *r, fpc_arena *scratch, const fpc_box *box, const float **score)
{
    float *own;

    if (box->w == r->w && box->h == r->h)
        return FPC_OK;
    if (!(own = fpc_alloc(scratch, (size_t)box->w * (size_t)box->h * (size_t)r->classes * sizeof *own)))
        return FPC_ENOMEM;
    fpc_scores_within(*score, r->w, r->classes, box, own);
    *score = own;
    return FPC_OK;
}

/* Rows of scores on their way to who wants probabilities. */
struct probable {
    const fpc_score_rows *to;
    int32_t w, classes;
    int logits;
};

static fpc_status make_probable(void *arg, float *score, const uint8_t *labels)
{
    const struct probable *p = arg;

    fpc_scores_probabilities(score, p->w, p->classes, p->logits, labels);
    return p->to->take(p->to->arg, score, labels);
}

/* A picture of the network's size gets the plain prediction, to the bit, whoever wants its scores as well. */
static fpc_status mask_of_whole(fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, uint8_t *labels,
                                const fpc_score_rows *rows)
{
    const int plain = picture->h == r->h && picture->w == r->w;
    fpc_image seen;
    const float *score;
    float *own;
    fpc_status status = see(r, scratch, picture, &seen);

    if (status || (plain && ((status = best_of(r, scratch, seen.pixel, labels)) || !rows)))
        return status;
    const fpc_box box = box_of(r, picture->w, picture->h);
    if ((status = fpc_tta_scores(r, scratch, seen.pixel, &own)))
        return status;
    score = own;
    if ((status = within(r, scratch, &box, &score)))
        return status;
    if (!plain)
        status = fpc_scores_labels(scratch, score, box.h, box.w, r->classes, picture->h, picture->w, labels);
    if (status || !rows)
        return status;
    return fpc_scores_rows(scratch, score, box.h, box.w, r->classes, picture->h, picture->w, labels, rows);
}

fpc_status fpc_tta_grid(fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, float *out)
{
    fpc_image seen;
    const float *score;
    fpc_status status = see(r, scratch, picture, &seen);

    if (status)
        return status;
    const fpc_box box = box_of(r, picture->w, picture->h);
    if ((status = fpc_tta_probabilities(r, seen.pixel, &score)) || (status = within(r, scratch, &box, &score)))
        return status;
    if (box.h != r->h || box.w != r->w)
        return fpc_scores_resize(scratch, score, box.h, box.w, r->classes, r->h, r->w, out);
    memcpy(out, score, (size_t)r->h * (size_t)r->w * (size_t)r->classes * sizeof *out);
    return FPC_OK;
}

/* ---- tiles ---- */

void fpc_tta_cut(fpc_tta_run *r, fpc_tiles tiles, fpc_tta_watch watch)
{
    r->tiles = tiles;
    r->watch = watch;
}

struct cutting {
    fpc_tta_run *run;
    const fpc_image *picture;
    fpc_arena *scratch; /* of one tile */
    fpc_box box;        /* of any tile: all are of one size */
    int32_t done, n;
};

static fpc_status tell(const fpc_tta_run *r, int32_t done, int32_t n)
{
    return r->watch.tile ? r->watch.tile(r->watch.arg, done, n) : FPC_OK;
}

static fpc_status tile_scores(void *arg, const fpc_window *at, const float **out)
{
    struct cutting *c = arg;
    const size_t line = (size_t)at->w * 3;
    float *own;
    fpc_image tile = {at->w, at->h, 3, NULL};
    fpc_status status = tell(c->run, c->done++, c->n);

    if (status)
        return status;
    fpc_arena_reset(c->scratch);
    if (!(tile.pixel = fpc_alloc(c->scratch, line * (size_t)at->h)))
        return FPC_ENOMEM;
    for (int32_t y = 0; y < at->h; y++)
        memcpy(tile.pixel + (size_t)y * line, c->picture->pixel + ((int64_t)(at->y + y) * c->picture->w + at->x) * 3,
               line);
    if ((status = see(c->run, c->scratch, &tile, &tile)) ||
        (status = fpc_tta_scores(c->run, c->scratch, tile.pixel, &own)))
        return status;
    *out = own;
    return within(c->run, c->scratch, &c->box, out);
}

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static fpc_status mask_of_tiles(fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, int32_t n,
                                uint8_t *labels, const fpc_score_rows *rows)
{
    fpc_ctx *ctx = r->experiment->ctx;
    struct cutting c = {.run = r, .picture = picture, .scratch = fpc_arena_new(ctx), .n = n};

    if (!c.scratch)
        return FPC_ENOMEM;
    c.box = box_of(r, lesser(picture->w, r->tiles.side), lesser(picture->h, r->tiles.side));
    const fpc_tiles_source source = {c.box.h, c.box.w, r->classes, tile_scores, &c};
    const fpc_status status = fpc_tiles_labels(ctx, scratch, r->tiles, &source, picture->h, picture->w, labels, rows);
    fpc_arena_free(c.scratch);
    return status;
}

/* rows: for who wants the scores too; NULL: nobody. */
static fpc_status mask_of(fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, uint8_t *labels,
                          const fpc_score_rows *rows)
{
    const int32_t n = fpc_tiles_along(r->tiles, picture->h) * fpc_tiles_along(r->tiles, picture->w);
    const fpc_status stop = n == 1 ? tell(r, 0, 1) : FPC_OK;

    if (stop)
        return stop;
    return n == 1 ? mask_of_whole(r, scratch, picture, labels, rows)
                  : mask_of_tiles(r, scratch, picture, n, labels, rows);
}

fpc_status fpc_tta_mask(fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, uint8_t *labels)
{
    const fpc_status status = mask_of(r, scratch, picture, labels, NULL);

    return status ? status : finish(r, scratch, picture->h, picture->w, labels);
}

fpc_status fpc_tta_mask_rows(fpc_tta_run *r, fpc_arena *scratch, const fpc_image *picture, uint8_t *labels,
                             const fpc_score_rows *to)
{
    struct probable p = {to, picture->w, r->classes, !fpc_tta_on(&r->how)};

    return mask_of(r, scratch, picture, labels, &(fpc_score_rows){make_probable, &p});
}

void fpc_tta_count(const fpc_experiment *s, const uint8_t *mask, const uint8_t *labels, int64_t pixels,
                   int32_t *tp_fp_fn)
{
    for (int64_t i = 0; i < pixels; i++) {
        if (mask[i] == s->ignore || mask[i] >= s->classes)
            continue;
        if (mask[i] == labels[i]) {
            tp_fp_fn[3 * mask[i]]++;
        } else {
            tp_fp_fn[3 * labels[i] + 1]++;
            tp_fp_fn[3 * mask[i] + 2]++;
        }
    }
}
