/* draws.h: what the tests of augmentations share: one plugin's draw for a picture of a batch, counters that stand for
 * samples, batches of 32, and the checks that hold for all: pure draws, and the share of pictures that are touched. */
#ifndef TESTS_PLUGINS_AUGMENT_DRAWS_H
#define TESTS_PLUGINS_AUGMENT_DRAWS_H

#define _GNU_SOURCE
#include "fixture.h"
#include <fpcore/augment.h>
#include <math.h>

enum { BATCH = 32, MANY = 3200, SOME = 400 /* for what is certain */, CLASSES = 19 };
static const double rad = 0.017453292519943295;

typedef struct place_in_batch {
    int32_t row, rows, h, w;
    uint32_t sample, batch;
} place_in_batch;

static inline void draw_at(bench *b, const fpc_instance *inst, place_in_batch at, void *out, size_t bytes)
{
    const fpc_rng rng = {{3, 5}, fpc_hash(inst->self->label), 7, at.sample};
    const fpc_image_info info = {.size = sizeof info,
                                 .h = at.h,
                                 .w = at.w,
                                 .c = 3,
                                 .rows = at.rows,
                                 .row = at.row,
                                 .shared = {{3, 5}, 1, 7, at.batch},
                                 .classes = CLASSES};
    const fpc_augment_vtbl *v = inst->vtbl;
    memset(out, 0, bytes);
    assert_int_equal(v->draw_size, bytes);
    if (v->draw(inst->self, rng, &info, out))
        fail_msg("%s", fpc_ctx_error(b->ctx));
}

/* Sample i in batches of 32. */
static inline void draw_of(bench *b, const fpc_instance *inst, uint32_t i, int32_t h, int32_t w, void *out,
                           size_t bytes)
{
    draw_at(b, inst, (place_in_batch){(int32_t)(i % BATCH), BATCH, h, w, i, i / BATCH}, out, bytes);
}

static inline void same_numbers(const double *got, const double *want, int n, double tolerance)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("number %d is %.9g, wanted %.9g", i, got[i], want[i]);
}

static inline int all_zero(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return 0;
    return 1;
}

/* Draws `draws` times, each twice: the same bytes; returns how many differ from `nothing` (NULL: zeros). */
static inline int touched(bench *b, const char *text, uint32_t draws, const void *nothing)
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    const size_t bytes = ((const fpc_augment_vtbl *)inst.vtbl)->draw_size;
    char *first = fpc_alloc(b->arena, bytes), *second = fpc_alloc(b->arena, bytes);
    int n = 0;
    for (uint32_t i = 0; i < draws; i++) {
        draw_of(b, &inst, i, 40, 56, first, bytes);
        draw_of(b, &inst, i, 40, 56, second, bytes);
        assert_memory_equal(first, second, bytes);
        n += nothing ? memcmp(first, nothing, bytes) != 0 : !all_zero(first, bytes);
    }
    return n;
}

/* With p = 0 nothing, with p = 1 everything, with p = 0.3 three in ten are touched. rest: further lines. */
static inline void has_chance(bench *b, const char *name, const char *rest, const void *nothing)
{
    static const double chance[] = {0, 0.3, 1};
    for (int k = 0; k < 3; k++) {
        const int draws = k == 1 ? MANY : SOME;
        const int n = touched(b, fpc_sprintf(b->arena, "use = %s\n%s\np = %g\n", name, rest, chance[k]),
                              (uint32_t)draws, nothing);
        const double off = fabs((double)n / draws - chance[k]);
        if (k == 1 ? off > 0.03 : off > 0)
            fail_msg("%s: p = %g touches %d of %d", name, chance[k], n, draws);
    }
}

#endif
