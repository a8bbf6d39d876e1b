/* test_parts.c: sums of parts: the tree is that of the number of parts, whoever does its nodes, and the sum is as near
 * to one in double as a tree's has to be. */
#include "kernels/cpu/parts.h"
#include "fixture.h"
#include "kernels/cpu/threads.h"
#include "runtime/exec.h"
#include <math.h>

static const int32_t some_parts[] = {1, 2, 3, 7, 8, 9, 33, 64, 65, 100, 128, 200, 513};

static void on_pool(void *arg, int32_t n, void (*body)(void *, int32_t, int32_t), void *body_arg)
{
    fpc_threads_run(arg, n, body, body_arg);
}

/* Parts of `stride` floats. */
static fpc_exec exec_of(float *base, int64_t stride, int32_t parts, fpc_threads *pool)
{
    return (fpc_exec){.part = (char *)base,
                      .part_stride = (size_t)stride * sizeof *base,
                      .n_parts = parts,
                      .parallel = pool ? on_pool : NULL,
                      .parallel_arg = pool};
}

static float *noise(int64_t n)
{
    float *a = malloc((size_t)n * sizeof *a);
    assert_non_null(a);
    for (int64_t i = 0; i < n; i++)
        a[i] = 2 * fpc_unit(fpc_philox4x32(7, 8, (uint32_t)i, 0, 0, 0).v[0]) - 1;
    return a;
}

static float *copy_of(const float *a, int64_t n)
{
    float *b = malloc((size_t)n * sizeof *b);
    assert_non_null(b);
    memcpy(b, a, (size_t)n * sizeof *b);
    return b;
}

/* The tree as one writes it down: the first half, a power of two, and the rest. */
static float tree(const float *a, int64_t stride, int32_t parts)
{
    int32_t half = 1;
    if (parts == 1)
        return *a;
    while (2 * half < parts)
        half *= 2;
    return tree(a, stride, half) + tree(a + half * stride, stride, parts - half);
}

static void one_sum(const float *data, int64_t stride, int32_t parts, int64_t count, fpc_threads *pool)
{
    enum { OFFSET = 3 };
    const int64_t all = stride * parts;
    float *mine = copy_of(data, all), *kept = copy_of(data, all), *out = malloc((size_t)count * sizeof *out);
    fpc_exec x = exec_of(mine, stride, parts, pool), in_place = exec_of(kept, stride, parts, pool);
    assert_non_null(out);
    parts_sum(&x, out, count, OFFSET);
    parts_sum(&in_place, NULL, count, OFFSET);
    for (int64_t j = 0; j < count; j++) {
        double sum = 0, size = 0;
        for (int32_t p = 0; p < parts; p++) {
            sum += (double)data[p * stride + OFFSET + j];
            size += fabs((double)data[p * stride + OFFSET + j]);
        }
        const float want = tree(data + OFFSET + j, stride, parts);
        if (out[j] != want || kept[OFFSET + j] != want)
            fail_msg("%d parts of %lld numbers: number %lld is %.9g, in place %.9g; the tree gives %.9g", parts,
                     (long long)count, (long long)j, (double)out[j], (double)kept[OFFSET + j], (double)want);
        if (fabs((double)out[j] - sum) > 10 * 6e-8 * size)
            fail_msg("%d parts of %lld numbers: number %lld is %.9g instead of %.9g", parts, (long long)count,
                     (long long)j, (double)out[j], sum);
    }
    for (int64_t j = 0; j < OFFSET; j++) /* what is not added stays */
        assert_true(mine[j] == data[j]);
    free(out);
    free(kept);
    free(mine);
}

static void sums_are_those_of_the_tree(void **state)
{
    static const int64_t counts[] = {1, 5, 64, 2048, 2049, 9000};
    fpc_threads *pools[] = {NULL, fpc_threads_new(3, 2), fpc_threads_new(33, 2)};
    (void)state;
    for (size_t p = 0; p < sizeof some_parts / sizeof *some_parts; p++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            const int64_t stride = (counts[c] + 3 + 15) / 16 * 16;
            float *data = noise(stride * some_parts[p]);
            for (int i = 0; i < 3; i++)
                one_sum(data, stride, some_parts[p], counts[c], pools[i]);
            free(data);
        }
    fpc_threads_free(pools[1]);
    fpc_threads_free(pools[2]);
}

/* Several sums at once, as attention has them for its pictures. */
static void sums_side_by_side(void **state)
{
    enum { BATCH = 3, PARTS = 21, COUNT = 2500, STRIDE = 2512 };
    fpc_threads *pool = fpc_threads_new(7, 2);
    float *data = noise(BATCH * PARTS * STRIDE), *mine = copy_of(data, BATCH * PARTS * STRIDE);
    float *out = malloc(BATCH * COUNT * sizeof *out);
    fpc_exec x = exec_of(mine, STRIDE, PARTS, pool);
    (void)state;
    assert_non_null(out);
    parts_fold_run(&x, (parts_fold){.base = mine,
                                    .stride = STRIDE,
                                    .batch_stride = PARTS * STRIDE,
                                    .count = COUNT,
                                    .parts = PARTS,
                                    .batch = BATCH,
                                    .out = out});
    for (int64_t b = 0; b < BATCH; b++)
        for (int64_t j = 0; j < COUNT; j++)
            assert_true(out[b * COUNT + j] == tree(data + b * PARTS * STRIDE + j, STRIDE, PARTS));
    free(out);
    free(mine);
    free(data);
    fpc_threads_free(pool);
}

/* ---- the tree over anything else ---- */

typedef struct span {
    float first, last, prepared;
    float pad[13];
} span;

static void prepare(void *part, int64_t width)
{
    (void)width;
    ((span *)part)->prepared++;
}

/* Neighbours are joined, and only what was prepared once. */
static void join(void *into, const void *from, int64_t width)
{
    span *a = into;
    const span *b = from;
    (void)width;
    a->prepared = a->prepared == 1 && b->prepared == 1 && a->last + 1 == b->first ? 1 : -1;
    a->last = b->last;
}

static void every_part_is_joined_once_in_order(void **state)
{
    fpc_threads *pool = fpc_threads_new(33, 2);
    (void)state;
    for (size_t p = 0; p < sizeof some_parts / sizeof *some_parts; p++)
        for (int64_t width = 1; width <= 10000; width += 9999) { /* alone, with all threads */
            const int32_t n = some_parts[p];
            span *part = calloc((size_t)n, sizeof *part);
            assert_non_null(part);
            for (int32_t i = 0; i < n; i++)
                part[i].first = part[i].last = (float)i;
            fpc_exec x = exec_of(&part->first, sizeof *part / sizeof(float), n, pool);
            parts_tree_run(&x, prepare, join, width);
            assert_true(part[0].first == 0 && part[0].last == (float)(n - 1) && part[0].prepared == 1);
            free(part);
        }
    fpc_threads_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(sums_are_those_of_the_tree), CASE(sums_side_by_side),
                                       CASE(every_part_is_joined_once_in_order)};
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
