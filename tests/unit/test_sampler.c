/* test_sampler.c: what the training masks hold, and epochs drawn by it: weights by hand, frequencies, the same order
 * with any number of readers and after a cut, and what does not go together. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include <math.h>
#include "data/sampler.h"

#define FACES "[dataset]\nuse = synthetic\nsize = 16\ntrain = 23\nval = 3\ntest = 0\nbatch = 4\n"
#define BALANCED FACES "sampler = class_balanced\n"

static fpc_data *try_data(bench *b, const char *text, uint64_t seed)
{
    fpc_recipe *recipe = NULL;
    fpc_data *data = NULL;
    if (fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe) == FPC_OK)
        fpc_data_open(b->ctx, b->arena, b->registry, recipe, seed, &data);
    return data;
}

static fpc_data *open_data(bench *b, const char *text, uint64_t seed)
{
    fpc_data *data = try_data(b, text, seed);
    if (!data)
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    return data;
}

/* Three pictures of four classes: 0 is everywhere, 1 in two, 2 in one, 3 nowhere. */
static const uint64_t seen[3][4] = {{1}, {3}, {7}};
static int64_t images[4] = {3, 2, 1, 0};
static const fpc_label_table by_hand = {3, 4, NULL, images, (uint64_t(*)[4])(uintptr_t)seen};

static void weights(void **state)
{
    bench *b = *state;
    double *sums;
    assert_int_equal(fpc_sampler_sums(b->ctx, b->arena, &by_hand, &sums), FPC_OK);
    const double w[3] = {1. / 3, (1. / 3 + 1. / 2) / 2, (1. / 3 + 1. / 2 + 1) / 3};
    assert_true(sums[0] == w[0]);
    assert_true(fabs(sums[1] - w[0] - w[1]) < 1e-15 && fabs(sums[2] - w[0] - w[1] - w[2]) < 1e-15);

    static const uint64_t nothing[2][4];
    const fpc_label_table empty = {2, 4, NULL, images, (uint64_t(*)[4])(uintptr_t)nothing};
    assert_int_equal(fpc_sampler_sums(b->ctx, b->arena, &empty, &sums), FPC_EINVAL);
    said(b, "no training mask has a label that counts");
}

/* 60000 draws: each share within five standard deviations of its weight; a picture without weight never comes. */
static void frequencies(void **state)
{
    (void)state;
    enum { N = 4, DRAWS = 60000 };
    const double w[N] = {0.5, 0, 0.3, 0.2}, sums[N] = {0.5, 0.5, 0.8, 1};
    int64_t got[N] = {0}, order[N];
    for (uint32_t epoch = 0; epoch < DRAWS / N; epoch++) {
        fpc_sampler_draw((fpc_rng){{1, 2}, 3, epoch, 0}, N, sums, order);
        for (int i = 0; i < N; i++) {
            assert_in_range(order[i], 0, N - 1);
            got[order[i]]++;
        }
    }
    assert_int_equal(got[1], 0);
    for (int i = 0; i < N; i++)
        if (fabs((double)got[i] - DRAWS * w[i]) > 5 * sqrt(DRAWS * w[i] * (1 - w[i])))
            fail_msg("sample %d came %lld times of %d, its weight is %g", i, (long long)got[i], DRAWS, w[i]);
}

static void counts(void **state)
{
    bench *b = *state;
    fpc_data *d = open_data(b, FACES, 1);
    const int64_t *pixels, *with, *again;
    const uint64_t(*present)[4];
    int64_t want_pixels[256] = {0}, want_images[256] = {0};

    assert_int_equal(fpc_data_label_counts(d, &pixels, &with, &present), FPC_OK);
    for (int64_t i = 0; i < 23; i++) {
        fpc_batch one;
        int here[256] = {0};
        assert_int_equal(fpc_data_read(d, b->arena, FPC_TRAIN, i, &one), FPC_OK);
        for (int k = 0; k < 256; k++)
            want_pixels[one.mask[k]]++, here[one.mask[k]] = 1;
        for (int c = 0; c < 19; c++) {
            want_images[c] += here[c];
            assert_int_equal(present[i][0] >> c & 1, here[c]);
        }
    }
    assert_memory_equal(pixels, want_pixels, 19 * sizeof *pixels);
    assert_memory_equal(with, want_images, 19 * sizeof *with);
    assert_int_equal(fpc_data_label_counts(d, &again, NULL, NULL), FPC_OK); /* counted once */
    assert_ptr_equal(again, pixels);
}

static int64_t order_of(bench *b, fpc_data *d, int64_t epoch, int64_t skip, int64_t *order)
{
    const fpc_batch *batch;
    int64_t n = 0;
    assert_int_equal(fpc_data_start(d, FPC_TRAIN, epoch, skip), FPC_OK);
    while (fpc_data_next(d, &batch) == FPC_OK && batch)
        for (int32_t i = 0; i < batch->n; i++)
            order[n++] = batch->index[i];
    said(b, "");
    return n;
}

static void orders(void **state)
{
    bench *b = *state;
    int64_t one[23], many[23], cut[23], next[23], other[23], seen_at[23] = {0};
    fpc_data *d = open_data(b, BALANCED, 5);
    assert_int_equal(order_of(b, d, 3, 0, one), 20);
    assert_int_equal(order_of(b, open_data(b, BALANCED "readers = 5\ncache_mb = 0\n", 5), 3, 0, many), 20);
    assert_memory_equal(one, many, 20 * sizeof *one);
    assert_int_equal(order_of(b, d, 3, 2, cut), 12);
    assert_memory_equal(one + 8, cut, 12 * sizeof *one);
    order_of(b, d, 4, 0, next);
    assert_memory_not_equal(one, next, 20 * sizeof *one);
    order_of(b, open_data(b, BALANCED, 6), 3, 0, other);
    assert_memory_not_equal(one, other, 20 * sizeof *one);
    int repeats = 0;
    for (int i = 0; i < 20; i++)
        repeats += seen_at[one[i]]++ > 0;
    assert_true(repeats > 0);
    assert_int_equal(order_of(b, open_data(b, BALANCED "drop_last = off\n", 5), 3, 0, many), 23);
}

/* A picture that comes twice is not augmented twice in the same way. */
static void repeats_differ(void **state)
{
    bench *b = *state;
    fpc_data *d = open_data(b,
                            "[dataset]\nuse = synthetic\nsize = 16\ntrain = 2\nval = 1\nbatch = 2\n"
                            "sampler = class_balanced\n[augment.turn]\nuse = rotate\np = 1\n",
                            1);
    int twice = 0;
    for (int64_t epoch = 0; epoch < 12; epoch++) {
        const fpc_batch *batch;
        assert_int_equal(fpc_data_start(d, FPC_TRAIN, epoch, 0), FPC_OK);
        assert_int_equal(fpc_data_next(d, &batch), FPC_OK);
        if (batch->index[0] != batch->index[1])
            continue;
        const fpc_augments *a = fpc_data_augments(d);
        int differ = 0;
        for (int32_t k = 0; k < a->n_inputs; k++) {
            const size_t bytes = a->input[k].bytes;
            const char *data = batch->draws.data[k];
            differ |= memcmp(data, data + bytes, bytes) != 0;
        }
        assert_true(differ);
        twice++;
    }
    assert_true(twice > 0);
}

static void refusals(void **state)
{
    bench *b = *state;
    assert_null(try_data(b, BALANCED "shuffle = off\n", 1));
    said(b, "use either");
    assert_null(try_data(b, FACES "sampler = balanced\n", 1));
    said(b, "class_balanced");
    fpc_data *d = open_data(b, "[dataset]\nuse = synthetic\nsize = 16\ntrain = 0\nval = 3\nbatch = 2\n", 1);
    assert_int_equal(fpc_data_label_counts(d, NULL, NULL, NULL), FPC_EINVAL);
    said(b, "the training part has no pictures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(weights), CASE(frequencies),    CASE(counts),
                                       CASE(orders),  CASE(repeats_differ), CASE(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
