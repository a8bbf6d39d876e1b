/* tiny.h: what the tests of stages and steps share: a tiny recipe, a way to open it, its batches, and copies of
 * parameters to compare. */
#ifndef TESTS_UNIT_TINY_H
#define TESTS_UNIT_TINY_H

#include "fixture.h"

#include <math.h>

#define TINY_DATA "[dataset]\nuse = synthetic\nsize = 32\ntrain = 12\nval = 6\ntest = 2\nbatch = 4\nreaders = 1\n"
#define TINY_MODEL "[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\ndecoder_dim = 16\n"
#define TINY_LOSS "[loss.ce]\nuse = cross_entropy\n[loss.dice]\nuse = dice\nweight = 1.5\n"
#define TINY TINY_DATA TINY_MODEL "dropout = 0\nlmsa = off\n" TINY_LOSS

enum { OPEN_ALL = FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, MAX_SETS = 16 };

/* sets: "section.key=value" lines apart, as -s gives them. */
static inline fpc_status bench_try(bench *b, const char *text, const char *sets, unsigned what)
{
    const char *set[MAX_SETS];
    int32_t n = 0;

    assert_int_equal(bench_new(b), 0);
    fpc_ctx_log_level(b->ctx, FPC_LOG_ERROR);
    for (char *line = fpc_strdup(b->arena, sets), *rest; line && *line; line = rest) {
        rest = line + strcspn(line, "\n");
        if (*rest)
            *rest++ = 0;
        assert_true(n < MAX_SETS);
        set[n++] = line;
    }
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, n, set, &b->recipe);
    return status ? status : fpc_experiment_open(b->ctx, b->arena, NULL, b->recipe, what, &b->s);
}

static inline void bench_experiment(bench *b, const char *text, const char *sets, unsigned what)
{
    has_to_succeed(b, bench_try(b, text, sets, what), sets);
}

/* A copy that outlives the next fpc_data_next; draws are shared, so only for recipes without augmentation. */
static inline fpc_batch *copy_batch(bench *b, const fpc_batch *from)
{
    const size_t pixels = (size_t)from->n * (size_t)from->h * (size_t)from->w;
    fpc_batch *to = fpc_alloc(b->arena, sizeof *to);

    *to = (fpc_batch){.n = from->n,
                      .h = from->h,
                      .w = from->w,
                      .image = fpc_alloc(b->arena, pixels * 3),
                      .mask = fpc_alloc(b->arena, pixels),
                      .draws = from->draws};
    memcpy(to->image, from->image, pixels * 3);
    memcpy(to->mask, from->mask, pixels);
    return to;
}

/* Images first .. first+n-1 of a batch with their draws, without copying. */
static inline fpc_batch part_batch(bench *b, const fpc_batch *from, int32_t first, int32_t n)
{
    const size_t area = (size_t)from->h * (size_t)from->w;
    const fpc_augments *a = fpc_data_augments(b->s->data);
    void **draws = fpc_alloc(b->arena, (size_t)(a->n_inputs + 1) * sizeof *draws);

    for (int32_t i = 0; from->draws.data && i < a->n_inputs; i++)
        draws[i] = (char *)from->draws.data[i] + (size_t)first * a->input[i].bytes;
    return (fpc_batch){.n = n,
                       .h = from->h,
                       .w = from->w,
                       .image = from->image + (size_t)first * area * 3,
                       .mask = from->mask + (size_t)first * area,
                       .draws = {draws}};
}

/* The first `n` batches of an epoch of a part, as copies. */
static inline void take_batches(bench *b, fpc_part part, int32_t n, fpc_batch **out)
{
    assert_int_equal(fpc_data_start(b->s->data, part, 0, 0), FPC_OK);
    for (int32_t i = 0; i < n; i++) {
        const fpc_batch *next;
        if (fpc_data_next(b->s->data, &next))
            fail_msg("%s", fpc_ctx_error(b->ctx));
        assert_non_null(next);
        out[i] = copy_batch(b, next);
    }
}

/* All numbers of one kind of state entry (parameters, gradients, averages), one after another. */
static inline float *state_numbers(bench *b, uint32_t kind, int64_t *n)
{
    const fpc_state *status = b->s->state;
    int64_t count = 0, at = 0;

    for (int32_t i = 0; i < status->n; i++)
        count += status->entry[i].kind == kind && status->entry[i].dtype == FPC_F32 ? status->entry[i].count : 0;
    float *all = fpc_alloc(b->arena, (size_t)(count + 1) * sizeof *all);
    for (int32_t i = 0; i < status->n; i++)
        if (status->entry[i].kind == kind && status->entry[i].dtype == FPC_F32) {
            assert_int_equal(fpc_state_get(status, &status->entry[i], all + at), FPC_OK);
            at += status->entry[i].count;
        }
    *n = count;
    return all;
}

/* Largest |a-b| over the largest |a|. */
static inline double worst_of(const float *a, const float *b, int64_t n)
{
    double d = 0, m = 1e-300;

    for (int64_t i = 0; i < n; i++) {
        d = fmax(d, fabs((double)a[i] - (double)b[i]));
        m = fmax(m, fabs((double)a[i]));
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return INFINITY;
    }
    return d / m;
}

#endif
