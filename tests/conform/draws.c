/* draws.c: the rules of augmentations and data sets, which the readers call from several threads: equal arguments give
 * equal results, whatever was asked before and whoever else asks. */
#include "conform.h"
#include "data/data.h"

#include <fpcore/augment.h>
#include <fpcore/dataset.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- augment ---- */

enum { DRAWS = 64, FURTHER = 4096, MOST = sizeof(fpc_field_draw), ROWS = 16, CLASSES = 19, GUARD = 32, THREADS = 4 };

typedef struct draw_job {
    conform *c;
    uint8_t (*out)[MOST + GUARD];
    fpc_status status;
} draw_job;

static fpc_rng counter(int32_t i)
{
    return (fpc_rng){{17, 4}, fpc_hash("augment.conform"), (uint32_t)i / 16, (uint32_t)i};
}

static void *draw_all(void *arg)
{
    draw_job *job = arg;
    const fpc_augment_vtbl *v = job->c->plugin->vtbl;

    for (int32_t i = 0; i < DRAWS && !job->status; i++) {
        const fpc_image_info info = {.size = sizeof info,
                                     .h = 96,
                                     .w = 128,
                                     .c = 3,
                                     .rows = ROWS,
                                     .row = i % ROWS,
                                     .shared = counter(1000 + i / ROWS),
                                     .classes = CLASSES};
        memset(job->out[i], 0, v->draw_size);
        memset(job->out[i] + v->draw_size, 0xa5, GUARD);
        job->status = v->draw(job->c->self, counter(i), &info, job->out[i]);
    }
    return NULL;
}

static int equal_draws(const fpc_augment_vtbl *v, const draw_job *a, const draw_job *b)
{
    for (int32_t i = 0; i < DRAWS; i++)
        if (memcmp(a->out[i], b->out[i], v->draw_size))
            return 0;
    return 1;
}

static int finite_matrix(const double m[9])
{
    for (int i = 0; i < 9; i++)
        if (!isfinite(m[i]))
            return 0;
    return 1;
}

static int finite_floats(const void *from, size_t count)
{
    const float *x = from;

    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

static int finite_mix(const fpc_mix *m)
{
    for (int k = 0; k < FPC_MIX_LAYERS; k++)
        if (!finite_floats(&m->layer[k].alpha, 9))
            return 0;
    return isfinite(m->lambda);
}

/* As training asks (core/data/draws.c): what has no inverse can place no pixel. */
static int inverse_exists(const double m[9])
{
    return fabs(m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                m[2] * (m[3] * m[7] - m[4] * m[6])) > 1e-9;
}

static int usable_matrix(const fpc_augment_vtbl *v, const uint8_t *out)
{
    static const double none[9];
    fpc_homography matrix;
    fpc_composite composite;

    if (v->stage == FPC_STAGE_GEOMETRY) {
        memcpy(&matrix, out, sizeof matrix);
        return inverse_exists(matrix.m);
    }
    if (v->stage != FPC_STAGE_COMPOSITE)
        return 1;
    memcpy(&composite, out, sizeof composite);
    return !memcmp(composite.geometry.m, none, sizeof none) || inverse_exists(composite.geometry.m);
}

static int finite_draw(const fpc_augment_vtbl *v, const uint8_t *out)
{
    union {
        fpc_homography matrix;
        fpc_composite composite;
        fpc_mix mix;
        fpc_field_draw field;
    } d;

    memcpy(&d, out, v->draw_size);
    switch (v->stage) {
    case FPC_STAGE_GEOMETRY:
        return finite_matrix(d.matrix.m);
    case FPC_STAGE_COMPOSITE:
        return finite_matrix(d.composite.geometry.m) &&
               finite_floats(d.composite.colour, sizeof d.composite.colour / (sizeof(float))) &&
               finite_floats(d.composite.pixel, FPC_PIXEL_FLOATS);
    case FPC_STAGE_MIX:
        return finite_mix(&d.mix);
    default:
        return finite_floats(&d, v->draw_size / sizeof(float));
    }
}

/* Shares are in [0,1], partners in the batch. */
static int possible_mix(const uint8_t *out, int32_t rows)
{
    fpc_mix m;

    memcpy(&m, out, sizeof m);
    for (int k = 0; k < FPC_MIX_LAYERS; k++) {
        const fpc_mix_layer *l = &m.layer[k];
        if (l->partner < 0 || l->partner >= rows || l->alpha < 0 || l->alpha > 1)
            return 0;
    }
    return !m.soft || (m.lambda >= 0 && m.lambda <= 1);
}

/* What is wrong with a draw; NULL: nothing. */
static const char *draw_bad(const fpc_augment_vtbl *v, const uint8_t *out, int32_t rows)
{
    if (!finite_draw(v, out))
        return "is not finite";
    if (!usable_matrix(v, out))
        return "is a matrix that cannot be inverted (m[8] of a plain map is 1)";
    return v->stage == FPC_STAGE_MIX && !possible_mix(out, rows)
               ? "has a partner outside of the batch, or a share outside of 0 .. 1"
               : NULL;
}

/* What is rare, or comes at other sizes only. */
static void check_further_draws(conform *c)
{
    static const struct {
        int32_t h, w, rows, classes;
    } of[] = {{96, 128, ROWS, CLASSES}, {33, 17, 1, 19}, {512, 512, 4, 150}, {8, 200, 2, 256}};
    const fpc_augment_vtbl *v = c->plugin->vtbl;
    const char *bad = NULL;
    int32_t i = 0;

    for (; i < FURTHER && !bad; i++) {
        const fpc_image_info info = {.size = sizeof info,
                                     .h = of[i % 4].h,
                                     .w = of[i % 4].w,
                                     .c = 3,
                                     .rows = of[i % 4].rows,
                                     .row = i / 4 % of[i % 4].rows,
                                     .shared = counter(100000 + i),
                                     .classes = of[i % 4].classes};
        _Alignas(64) uint8_t out[MOST] = {0};
        bad = v->draw(c->self, counter(i), &info, out) ? "fails" : draw_bad(v, out, info.rows);
    }
    check(c, !bad, "draws are finite, matrices have an inverse, partners are of the batch and shares 0 .. 1",
          "draw %d, for a picture of %dx%d in a batch of %d, %s", i - 1, of[(i - 1) % 4].w, of[(i - 1) % 4].h,
          of[(i - 1) % 4].rows, bad ? bad : "");
}

static void check_pixel_stage(conform *c)
{
    const fpc_augment_vtbl *v = c->plugin->vtbl;
    const fpc_shape shape = {2, 16, 24, 3};
    fpc_graph *g = NULL;

    const int32_t floats = v->stage == FPC_STAGE_PIXEL       ? (int32_t)(v->draw_size / sizeof(float))
                           : v->stage == FPC_STAGE_COMPOSITE ? (int32_t)v->pixel_floats
                                                             : 0;

    if (!floats)
        return;
    if (!check(c, v->build != NULL, "a pixel stage builds", "build is NULL") ||
        fpc_graph_new(c->ctx, c->arena, c->ops, FPC_F32, 1, &g))
        return;
    const fpc_val image = fpc_input(g, "image", shape, FPC_F32);
    const fpc_val draws = fpc_input(g, "draws", (fpc_shape){2, 1, 1, floats}, FPC_F32);
    const fpc_val out = v->build(c->self, g, image, draws);
    check(c,
          !fpc_graph_closed(g, c->plugin->name) && fpc_value_known(g, out) &&
              fpc_same_shape(fpc_shape_of(g, out), shape),
          "build keeps the picture's shape", "graph");
    if (!v->build_mask)
        return;
    const fpc_shape labels = {2, 16, 24, 1};
    const fpc_val mask = v->build_mask(c->self, g, fpc_input(g, "mask", labels, FPC_U8), draws, 255);
    check(c,
          !fpc_graph_closed(g, c->plugin->name) && fpc_value_known(g, mask) &&
              fpc_same_shape(fpc_shape_of(g, mask), labels),
          "build_mask keeps the mask's shape", "graph");
}

void check_augment(conform *c)
{
    static uint8_t first[DRAWS][MOST + GUARD], threaded[THREADS][DRAWS][MOST + GUARD];
    const fpc_augment_vtbl *v = c->plugin->vtbl;
    draw_job one = {c, first, FPC_OK}, many[THREADS];
    pthread_t thread[THREADS];
    int32_t started = 0, beyond = 0, equal = 1;

    if (!check(c, v->draw_size <= MOST, "draws are small", "%u bytes; at most %d are possible", v->draw_size, MOST))
        return;
    draw_all(&one);
    if (!check(c, !one.status, "draws", "status %d", one.status))
        return;
    for (int32_t i = 0; i < DRAWS; i++)
        for (int32_t k = 0; k < GUARD; k++)
            beyond |= first[i][v->draw_size + (uint32_t)k] != 0xa5;
    if (!check(c, !beyond, "a draw stays within draw_size", "it writes beyond %u bytes", v->draw_size))
        return;
    check_further_draws(c);
    for (; started < THREADS; started++) {
        many[started] = (draw_job){c, threaded[started], FPC_OK};
        if (pthread_create(&thread[started], NULL, draw_all, &many[started]))
            break;
    }
    for (int32_t i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
        equal &= equal_draws(v, &one, &many[i]);
    }
    check(c, equal, "equal counters give equal draws, in any thread",
          "draw() must be a pure function of options, counter and picture size");
    check_pixel_stage(c);
}

/* ---- dataset ---- */

typedef struct sample_check {
    fpc_dataset_info info;
    uint8_t *image[2], *mask[2];
    fpc_arena *scratch;
} sample_check;

static void check_info(conform *c, const fpc_dataset_info *i)
{
    check(c, i->h > 0 && i->w > 0 && i->h <= 16384 && i->w <= 16384 && i->c == 3, "the sample's size is possible",
          "%dx%dx%d", i->h, i->w, i->c);
    check(c, i->classes >= 2 && i->classes <= FPC_MAX_CLASSES && i->class_names && i->palette,
          "classes have names and colours", "%d classes", i->classes);
    check(c, !fpc_data_classes_check(c->ctx, c->plugin->name, i),
          "every class has a name, mirror pairs are two classes, ignore_label is a byte or -1", "%s", "");
    check(c,
          i->count[FPC_TRAIN] >= 0 && i->count[FPC_VAL] >= 0 && i->count[FPC_TEST] >= 0 &&
              i->count[FPC_TRAIN] + i->count[FPC_VAL] + i->count[FPC_TEST] > 0,
          "there are samples", "%lld, %lld, %lld", (long long)i->count[FPC_TRAIN], (long long)i->count[FPC_VAL],
          (long long)i->count[FPC_TEST]);
}

static fpc_status read_sample(conform *c, sample_check *s, fpc_part part, int64_t index, int which, char id[64])
{
    const fpc_dataset_vtbl *v = c->plugin->vtbl;
    fpc_sample sample = {sizeof sample, s->image[which], s->mask[which], id, 64};
    const fpc_status status = v->read(c->self, s->scratch, part, index, &sample);

    fpc_arena_reset(s->scratch);
    return status;
}

static void check_part(conform *c, sample_check *s, fpc_part part)
{
    const fpc_dataset_vtbl *v = c->plugin->vtbl;
    const size_t pixels = (size_t)s->info.h * (size_t)s->info.w;
    const int64_t last = s->info.count[part] - 1;
    char id[2][64] = {"", ""}, name[64] = "";
    int bad = -1;

    if (last < 0)
        return;
    fpc_status status = read_sample(c, s, part, last, 0, id[0]);
    if (!status && last > 0)
        status = read_sample(c, s, part, 0, 1, id[1]);
    if (!status)
        status = read_sample(c, s, part, last, 1, id[1]);
    if (!check(c, !status, "samples can be read", "part %d, status %d", part, status))
        return;
    check(c, !memcmp(s->image[0], s->image[1], pixels * 3) && !memcmp(s->mask[0], s->mask[1], pixels),
          "a sample is the same when read again", "part %d, sample %lld differs", part, (long long)last);
    for (size_t i = 0; i < pixels; i++)
        if (s->mask[0][i] >= s->info.classes && s->mask[0][i] != s->info.ignore_label)
            bad = s->mask[0][i];
    check(c, bad < 0, "labels are classes", "label %d of %d classes", bad, s->info.classes);
    status = v->name(c->self, part, last, name, sizeof name);
    check(c, !status && *name && !strcmp(name, id[0]), "name says what read says", "`%s` and `%s`", name, id[0]);
    uint64_t print[2] = {0, 0};
    if (v->fingerprint)
        for (int i = 0; i < 2 && !status; i++)
            status = v->fingerprint(c->self, part, last, &print[i]);
    check(c, !status && print[0] == print[1], "a fingerprint is the same when asked again", "part %d, sample %lld",
          part, (long long)last);
    fpc_sample without = {sizeof without, s->image[1], NULL, id[1], sizeof id[1]};
    check(c, !v->read(c->self, s->scratch, part, last, &without), "a sample can be read without its mask", "status");
}

void check_dataset(conform *c)
{
    const fpc_dataset_vtbl *v = c->plugin->vtbl;
    sample_check s = {.info = {.size = sizeof s.info, .ignore_label = -1}};

    if (!check(c, v->open(c->self, &s.info) == FPC_OK, "opens", "open"))
        return;
    const int32_t before = c->failed;
    check_info(c, &s.info);
    if (c->failed > before)
        return;
    const size_t pixels = (size_t)s.info.h * (size_t)s.info.w;
    s.scratch = fpc_arena_new(c->ctx);
    for (int i = 0; i < 2; i++) {
        s.image[i] = fpc_alloc(c->arena, pixels * 3);
        s.mask[i] = fpc_alloc(c->arena, pixels);
    }
    if (check(c, s.scratch && s.image[1] && s.mask[1], "there is memory for two samples", "%zu pixels", pixels))
        for (fpc_part part = FPC_TRAIN; part <= FPC_TEST; part++)
            check_part(c, &s, part);
    fpc_arena_free(s.scratch);
}
