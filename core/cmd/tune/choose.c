/* choose.c: which parts are kept, and what the whole choice is worth on pictures that it has not seen (tune.h). */
#include "base/message.h"
#include "cmd/tune/tune.h"
#include "image/blobs.h"

#include <math.h>
#include <string.h>

/* Shares of the picture that are tried. */
static const double share[] = {0, 0.0001, 0.0003, 0.001, 0.003};
enum { SHARES = sizeof share / sizeof *share };
#define LEAST 2e-5 /* of F, as for a step of a bias */

/* A choice on n of the pictures. F is kept by place in `which`. */
typedef struct choice {
    const fpc_tune_set *set;
    fpc_arena *arena, *scratch; /* of the choice; of one picture or one search */
    int32_t n, folds;
    const int32_t *which;
    double *f;      /* [n] with the parts so far */
    double *shaped; /* [n][classes or 1][SHARES]: what a threshold alone makes of each */
    uint8_t *labels;
    double *held; /* [n] */
    int32_t *sub; /* [n]: places of the pictures of a search */
} choice;

static double mean_of(int32_t n, const double *x)
{
    return fpc_stats_mean(n, x);
}

static fpc_status f_with(const choice *c, int32_t place, const fpc_post *post, double *out)
{
    const fpc_tune_picture *p = &c->set->picture[c->which[place]];
    fpc_status status;

    fpc_arena_reset(c->scratch);
    if ((status = fpc_tune_labels(c->set, c->scratch, p, post, c->labels)))
        return status;
    *out = fpc_tune_f(c->set, p, c->labels);
    return FPC_OK;
}

/* ---- parts ---- */

static fpc_status fit_biases(const choice *c, int32_t n, const int32_t *place, fpc_post *post)
{
    int32_t *which = fpc_alloc(c->scratch, ((size_t)n + 1) * sizeof *which);

    if (!which)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        which[i] = c->which[place[i]];
    return fpc_tune_biases(c->set, c->scratch, n, which, post);
}

/* 1: the first label of the pair lies to the right in the mask; -1: to the left; 0: it does not say. */
static int order_in(const fpc_tune_set *s, const uint8_t *mask, const uint8_t pair[2])
{
    int64_t pixels[2] = {0}, sum[2] = {0};

    for (int32_t y = 0; y < s->h; y++)
        for (int32_t x = 0; x < s->w; x++)
            for (int k = 0; k < 2; k++)
                if (mask[(int64_t)y * s->w + x] == pair[k]) {
                    pixels[k]++;
                    sum[k] += x;
                }
    if (!pixels[0] || !pixels[1])
        return 0;
    const double a = (double)sum[0] / (double)pixels[0], b = (double)sum[1] / (double)pixels[1];
    return (a > b) - (a < b);
}

/* The order of each pair in the masks; a pair without one, three in four masks, is left alone. */
static fpc_status fit_sides(const choice *c, int32_t n, const int32_t *place, fpc_post *post)
{
    const fpc_tune_set *s = c->set;

    post->n_sides = 0;
    for (int32_t i = 0; i < s->n_pairs && post->n_sides < FPC_POST_SIDES; i++) {
        int32_t right = 0, left = 0;
        for (int32_t k = 0; k < n; k++) {
            const int order = order_in(s, s->picture[c->which[place[k]]].mask, s->pairs[i]);
            right += order > 0;
            left += order < 0;
        }
        if (right == left || 4 * (right < left ? right : left) > right + left)
            continue;
        post->side[post->n_sides][0] = s->pairs[i][right > left];
        post->side[post->n_sides++][1] = s->pairs[i][right < left];
    }
    return FPC_OK;
}

/* The share with the largest mean gain on some pictures; of equals the smallest. */
static double best_share(const choice *c, int32_t n, const int32_t *place, int32_t of, int32_t each)
{
    double most = LEAST;
    int best = 0;

    for (int t = 1; t < SHARES; t++) {
        double gain = 0;
        for (int32_t k = 0; k < n; k++)
            gain += c->shaped[((int64_t)place[k] * each + of) * SHARES + t] - c->f[place[k]];
        if (gain / n > most) {
            most = gain / n;
            best = t;
        }
    }
    return share[best];
}

static fpc_status fit_blobs(const choice *c, int32_t n, const int32_t *place, fpc_post *post)
{
    for (int32_t i = 0; i < c->set->classes; i++)
        post->smallest[i] = best_share(c, n, place, i, c->set->classes);
    return FPC_OK;
}

static fpc_status fit_holes(const choice *c, int32_t n, const int32_t *place, fpc_post *post)
{
    post->holes = best_share(c, n, place, 0, 1);
    return FPC_OK;
}

/* The smallest blob of each class in a picture with the parts so far: a lower threshold changes nothing. */
static fpc_status smallest_blobs(const choice *c, int32_t place, const fpc_post *post, int64_t *least)
{
    fpc_blobs b;
    fpc_status status;

    fpc_arena_reset(c->scratch);
    for (int32_t i = 0; i < c->set->classes; i++)
        least[i] = INT64_MAX;
    if ((status = fpc_tune_labels(c->set, c->scratch, &c->set->picture[c->which[place]], post, c->labels)) ||
        (status = fpc_blobs_find(c->scratch, c->labels, c->set->h, c->set->w, &b)))
        return status;
    for (int32_t i = 0; i < b.n; i++)
        if (b.blob[i].pixels < least[b.blob[i].label])
            least[b.blob[i].label] = b.blob[i].pixels;
    return FPC_OK;
}

/* What each threshold alone makes of each picture. Thresholds of classes hardly meet: each is chosen by itself, and
 * what all of them together are worth is measured. */
static fpc_status try_shares(choice *c, const fpc_post *post, int holes)
{
    const int32_t each = holes ? 1 : c->set->classes;
    const double pixels = (double)c->set->h * c->set->w;
    int64_t least[256] = {0}; /* for holes nothing is known before */
    fpc_status status = FPC_OK;

    if (!(c->shaped = fpc_alloc(c->arena, (size_t)c->n * (size_t)each * SHARES * sizeof *c->shaped)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < c->n && !status; i++) {
        if (!holes)
            status = smallest_blobs(c, i, post, least);
        for (int32_t k = 0; k < each; k++)
            for (int t = 0; t < SHARES && !status; t++) {
                double *to = &c->shaped[((int64_t)i * each + k) * SHARES + t];
                fpc_post trial = *post;
                *to = c->f[i];
                if (holes)
                    trial.holes = share[t];
                else
                    trial.smallest[k] = share[t];
                if (t && (double)least[k] < share[t] * pixels)
                    status = f_with(c, i, &trial, to);
            }
    }
    return status;
}

typedef fpc_status (*fit)(const choice *, int32_t n, const int32_t *place, fpc_post *);
static const fit fits[FPC_TUNE_PARTS] = {fit_biases, fit_sides, fit_blobs, fit_holes};

/* ---- whether a part is kept ---- */

/* Every picture with numbers that were chosen without its fold. */
static fpc_status hold_out(choice *c, int part, const fpc_post *post)
{
    fpc_status status = FPC_OK;

    for (int32_t k = 0; k < c->folds && !status; k++) {
        fpc_post trial = *post;
        int32_t n = 0;
        for (int32_t i = 0; i < c->n; i++)
            if (i % c->folds != k)
                c->sub[n++] = i;
        fpc_arena_reset(c->scratch);
        if (fpc_ctx_cancelled(c->set->ctx))
            return fpc_fail(c->set->ctx, FPC_ECANCEL, "interrupted; nothing is written");
        status = fits[part](c, n, c->sub, &trial);
        for (int32_t i = k; i < c->n && !status; i += c->folds)
            status = f_with(c, i, &trial, &c->held[i]);
    }
    return status;
}

static fpc_status keep_all(choice *c, int part, fpc_post *post)
{
    fpc_status status;

    for (int32_t i = 0; i < c->n; i++)
        c->sub[i] = i;
    fpc_arena_reset(c->scratch);
    status = fits[part](c, c->n, c->sub, post);
    for (int32_t i = 0; i < c->n && !status; i++)
        status = f_with(c, i, post, &c->f[i]);
    return status;
}

static fpc_status judge(choice *c, int part, fpc_post *post, fpc_tune_part *out)
{
    fpc_status status = part >= FPC_TUNE_BLOBS ? try_shares(c, post, part == FPC_TUNE_HOLES) : FPC_OK;

    if (status || (status = hold_out(c, part, post)))
        return status;
    for (int32_t i = 0; i < c->n; i++)
        c->held[i] -= c->f[i];
    out->gain = mean_of(c->n, c->held);
    out->se = fpc_stats_sd(c->n, c->held) / sqrt(c->n);
    out->kept = out->gain > LEAST && out->gain > out->se;
    return out->kept ? keep_all(c, part, post) : FPC_OK;
}

/* ---- all parts, on some pictures ---- */

static fpc_status open_choice(choice *c)
{
    const size_t n = (size_t)c->n + 1;

    c->f = fpc_alloc(c->arena, n * sizeof *c->f);
    c->held = fpc_alloc(c->arena, n * sizeof *c->held);
    c->sub = fpc_alloc(c->arena, n * sizeof *c->sub);
    c->labels = fpc_alloc(c->arena, (size_t)c->set->h * (size_t)c->set->w);
    return c->f && c->held && c->sub && c->labels ? FPC_OK : FPC_ENOMEM;
}

static fpc_status choose_on(choice *c, fpc_post *post, fpc_tune_part *part)
{
    fpc_status status = open_choice(c);

    *post = (fpc_post){.classes = c->set->classes};
    for (int32_t i = 0; i < c->n && !status; i++)
        status = f_with(c, i, post, &c->f[i]);
    for (int k = 0; k < FPC_TUNE_PARTS && !status; k++)
        status = judge(c, k, post, &part[k]);
    return status;
}

static fpc_status choose(const fpc_tune_set *s, fpc_arena *arena, fpc_arena *scratch, int32_t folds, int32_t n,
                         const int32_t *which, fpc_post *post, fpc_tune_part *part, double *f)
{
    choice c = {.set = s, .arena = arena, .scratch = scratch, .n = n, .folds = folds, .which = which};
    const fpc_status status = choose_on(&c, post, part);

    if (!status && f)
        memcpy(f, c.f, (size_t)n * sizeof *f);
    return status;
}

/* ---- the whole choice, held out ---- */

typedef struct judged {
    const fpc_tune_set *set;
    fpc_arena *arena, *own, *scratch; /* of the result; of one choice; of one search or picture */
    int32_t folds;
    int32_t *order, *rest;
    double *without, *held, *chosen; /* by place in order */
} judged;

static fpc_status open_judged(judged *j, int64_t seed)
{
    const fpc_tune_set *s = j->set;
    const size_t n = (size_t)s->n + 1;
    int64_t *drawn = fpc_alloc(j->arena, n * sizeof *drawn);

    j->order = fpc_alloc(j->arena, n * sizeof *j->order);
    j->rest = fpc_alloc(j->arena, n * sizeof *j->rest);
    j->without = fpc_alloc(j->arena, n * sizeof *j->without);
    j->held = fpc_alloc(j->arena, n * sizeof *j->held);
    j->chosen = fpc_alloc(j->arena, n * sizeof *j->chosen);
    if (!drawn || !j->order || !j->rest || !j->without || !j->held || !j->chosen)
        return FPC_ENOMEM;
    const fpc_status status = fpc_split_permutation(s->ctx, (uint32_t)seed, s->n, drawn);
    for (int32_t i = 0; i < s->n; i++) {
        j->order[i] = (int32_t)drawn[i];
        j->without[i] = fpc_tune_f(s, &s->picture[j->order[i]], s->picture[j->order[i]].label);
    }
    return status;
}

/* Chooses without the fold, and measures on it. */
static fpc_status judge_fold(judged *j, int32_t fold)
{
    fpc_tune_part part[FPC_TUNE_PARTS];
    fpc_post post;
    int32_t n = 0;
    uint8_t *labels;
    fpc_status status;

    for (int32_t i = 0; i < j->set->n; i++)
        if (i % j->folds != fold)
            j->rest[n++] = j->order[i];
    fpc_arena_reset(j->own);
    status = choose(j->set, j->own, j->scratch, j->folds, n, j->rest, &post, part, NULL);
    if (!status && !(labels = fpc_alloc(j->own, (size_t)j->set->h * (size_t)j->set->w)))
        status = FPC_ENOMEM;
    for (int32_t i = fold; i < j->set->n && !status; i += j->folds) {
        const fpc_tune_picture *p = &j->set->picture[j->order[i]];
        fpc_arena_reset(j->scratch);
        if (!(status = fpc_tune_labels(j->set, j->scratch, p, &post, labels)))
            j->held[i] = fpc_tune_f(j->set, p, labels);
    }
    return status;
}

static fpc_status compare(const judged *j, fpc_tune_result *out)
{
    const double *const held[] = {j->held}, *const without[] = {j->without};
    const fpc_group group[] = {{1, held}, {1, without}};
    fpc_resampled *r;
    fpc_status status;

    if ((status = fpc_stats_resample(j->set->ctx, j->arena, j->set->n, 2, group, FPC_STATS_ROUNDS, &r)) ||
        (status = fpc_stats_difference(r, j->arena, 0, 1, FPC_STATS_LEVEL, &out->gained)))
        return status;
    out->without = mean_of(j->set->n, j->without);
    out->held = mean_of(j->set->n, j->held);
    out->with = mean_of(j->set->n, j->chosen);
    for (int k = 0; k < FPC_TUNE_PARTS; k++)
        out->any |= out->part[k].kept;
    out->shown = out->any && out->gained.value > 0 && out->gained.p < FPC_STATS_LEVEL && out->gained.lo > 0;
    return FPC_OK;
}

static fpc_status run(judged *j, int64_t seed, void (*progress)(int32_t, int32_t), fpc_tune_result *out)
{
    fpc_status status = open_judged(j, seed);

    for (int32_t k = 0; k < j->folds && !status; k++) {
        status = judge_fold(j, k);
        if (progress && !status)
            progress(k + 1, j->folds + 1);
    }
    if (status)
        return status;
    fpc_arena_reset(j->own);
    status = choose(j->set, j->own, j->scratch, j->folds, j->set->n, j->order, &out->post, out->part, j->chosen);
    return status ? status : compare(j, out);
}

fpc_status fpc_tune_choose(const fpc_tune_set *s, int32_t folds, int64_t seed, void (*progress)(int32_t, int32_t),
                           fpc_tune_result *out)
{
    judged j = {.set = s, .arena = s->arena, .folds = folds};
    fpc_status status = FPC_ENOMEM;

    *out = (fpc_tune_result){0};
    if (folds < 2 || s->n < 2 * folds)
        return fpc_fail(s->ctx, FPC_EINVAL,
                        "%d %s with labels: %d folds want %d or more, two in each; fewer folds, or more "
                        "pictures",
                        s->n, s->n == 1 ? "picture" : "pictures", folds, 2 * folds);
    j.own = fpc_arena_new(s->ctx);
    j.scratch = fpc_arena_new(s->ctx);
    if (j.own && j.scratch)
        status = run(&j, seed, progress, out);
    fpc_arena_free(j.own);
    fpc_arena_free(j.scratch);
    return status;
}
