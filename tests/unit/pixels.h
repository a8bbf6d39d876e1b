/* pixels.h: what tests of core/image on numbers alone share (scores, tiles, places in a frame): a context and an arena
 * for all cases, where PyTorch's interpolation looks, and who keeps the rows of scores that he is given. */
#ifndef TESTS_UNIT_PIXELS_H
#define TESTS_UNIT_PIXELS_H

#include "base/message.h"
#include "case.h"
#include "image/image.h"

static fpc_ctx *ctx;
static fpc_arena *arena;

static inline int open_all(void **state)
{
    (void)state;
    srand(7);
    ctx = fpc_ctx_new();
    arena = ctx ? fpc_arena_new(ctx) : NULL;
    return arena ? 0 : -1;
}

static inline int close_all(void **state)
{
    (void)state;
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return 0;
}

/* One axis of interpolate(mode='bilinear', align_corners=False): the place on the grid of a pixel. */
static inline double place(double at, int in, int out)
{
    at = (at + 0.5) * in / out - 0.5;
    return at < 0 ? 0 : at > in - 1 ? in - 1 : at;
}

/* Rows of scores, as they come. */
typedef struct kept_rows {
    float *score;          /* (h,w,classes) */
    const uint8_t *labels; /* (h,w) that they have to come with */
    int w, classes, rows;  /* rows: so far */
    fpc_status fails;      /* at the third row */
} kept_rows;

static inline fpc_status keep_row(void *arg, float *score, const uint8_t *labels)
{
    kept_rows *k = arg;
    const size_t n = (size_t)k->w * (size_t)k->classes;

    assert_ptr_equal(labels, k->labels + (size_t)k->rows * (size_t)k->w);
    memcpy(k->score + (size_t)k->rows * n, score, n * sizeof *score);
    memset(score, 255, n * sizeof *score); /* the row is the taker's: the next ones do not rest on it */
    return ++k->rows == 3 && k->fails ? k->fails : FPC_OK;
}

static inline kept_rows keep_rows(int h, int w, int classes, const uint8_t *labels)
{
    kept_rows k = {.w = w, .classes = classes, .labels = labels};

    k.score = fpc_alloc(arena, (size_t)(h * w * classes) * sizeof *k.score);
    assert_non_null(k.score);
    return k;
}

#endif
