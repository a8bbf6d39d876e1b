/* test_dataset.c: batches: order, tails, skipping, readers, cache, errors of readers. The data are synthetic faces of
 * 16 pixels, and a folder where a broken file is wanted. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include "data/dataset_private.h"

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

#define SMALL "[dataset]\nuse = synthetic\nsize = 16\ntrain = 23\nval = 10\ntest = 3\nbatch = 4\n"
#define HARD "[dataset]\nuse = synthetic\nsize = 64\ntrain = 64\nbatch = 2\n"
#define MOVED                                                                                                          \
    "[augment.flip]\nuse = hflip\n[augment.turn]\nuse = rotate\n[augment.jitter]\nuse = color_jitter\nbrightness = "   \
    "0.5, 1.5\n"                                                                                                       \
    "[augment.noise]\nuse = gaussian_noise\nsigma = 0.01, 0.1\n"

static const fpc_batch *next(bench *b, fpc_data *d)
{
    const fpc_batch *batch = NULL;
    if (fpc_data_next(d, &batch))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return batch;
}

/* Everything that an epoch delivers, one number for all of it (FNV-1a), and how many images. */
static uint64_t digest(bench *b, fpc_data *d, fpc_part part, int64_t epoch, int64_t skip, int64_t *images)
{
    uint64_t h = 1469598103934665603u;
    const fpc_augments *a = fpc_data_augments(d);
    *images = 0;
    assert_int_equal(fpc_data_start(d, part, epoch, skip), FPC_OK);
    for (const fpc_batch *batch; (batch = next(b, d));) {
        const size_t n = (size_t)batch->n, pixels = (size_t)(batch->h * batch->w);
        const void *piece[3] = {batch->image, batch->mask, batch->index};
        const size_t bytes[3] = {n * pixels * 3, n * pixels, n * 8};
        for (int k = 0; k < 3; k++)
            for (size_t i = 0; i < bytes[k]; i++)
                h = (h ^ ((const uint8_t *)piece[k])[i]) * 1099511628211u;
        for (int32_t k = 0; part == FPC_TRAIN && k < a->n_inputs; k++)
            for (size_t i = 0; i < n * a->input[k].bytes; i++)
                h = (h ^ ((const uint8_t *)batch->draws.data[k])[i]) * 1099511628211u;
        *images += batch->n;
    }
    assert_null(next(b, d)); /* the end stays the end */
    return h;
}

static void orders(void **state)
{
    bench *b = *state;
    fpc_data *d = open_data(b, SMALL "drop_last = off\n", 5);
    int64_t order[3][23];

    for (int e = 0; e < 3; e++) { /* epochs 0, 1, 0 */
        int seen[23] = {0}, n = 0;
        assert_int_equal(fpc_data_start(d, FPC_TRAIN, e % 2, 0), FPC_OK);
        for (const fpc_batch *batch; (batch = next(b, d));)
            for (int32_t i = 0; i < batch->n; i++) {
                assert_in_range(batch->index[i], 0, 22);
                assert_int_equal(seen[batch->index[i]]++, 0);
                order[e][n++] = batch->index[i];
            }
        assert_int_equal(n, 23);
    }
    assert_memory_equal(order[0], order[2], sizeof order[0]);
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    fpc_data *other = open_data(b, SMALL, 6);
    assert_int_equal(fpc_data_start(other, FPC_TRAIN, 0, 0), FPC_OK);
    int same = 0;
    const fpc_batch *batch = next(b, other);
    for (int i = 0; i < 4; i++)
        same += batch->index[i] == order[0][i];
    assert_true(same < 4);
}

static void counts_and_tails(void **state)
{
    bench *b = *state;
    fpc_data *d = open_data(b, SMALL, 1), *all = open_data(b, SMALL "drop_last = off\n", 1);
    int64_t images;

    assert_int_equal(fpc_data_batches(d, FPC_TRAIN), 5);
    assert_int_equal(fpc_data_batches(all, FPC_TRAIN), 6);
    assert_int_equal(fpc_data_batches(d, FPC_VAL), 3);
    assert_int_equal(fpc_data_batches(d, FPC_TEST), 1);
    assert_int_equal(fpc_data_batch_size(d, FPC_VAL, 1), 4);
    assert_int_equal(fpc_data_batch_size(d, FPC_VAL, 2), 2);
    digest(b, d, FPC_TRAIN, 0, 0, &images);
    assert_int_equal(images, 20);
    digest(b, all, FPC_TRAIN, 0, 0, &images);
    assert_int_equal(images, 23);
    digest(b, d, FPC_TEST, 0, 0, &images);
    assert_int_equal(images, 3);
    assert_int_equal(fpc_data_start(d, FPC_VAL, 7, 0), FPC_OK); /* in the order of indices, in every epoch */
    for (int64_t at = 0; at < 10;) {
        const fpc_batch *batch = next(b, d);
        for (int32_t i = 0; i < batch->n; i++)
            assert_int_equal(batch->index[i], at++);
    }
    assert_null(next(b, d));
}

static void skipping_is_cutting(void **state)
{
    bench *b = *state;
    fpc_data *d = open_data(b, SMALL MOVED, 3), *again = open_data(b, SMALL MOVED, 3);
    int64_t images;

    for (int64_t skip = 0; skip <= 5; skip++) {
        assert_int_equal(fpc_data_start(d, FPC_TRAIN, 2, 0), FPC_OK);
        for (int64_t i = 0; i < skip; i++)
            assert_non_null(next(b, d));
        assert_int_equal(fpc_data_start(again, FPC_TRAIN, 2, skip), FPC_OK);
        for (const fpc_batch *x = next(b, d); x; x = next(b, d)) {
            const fpc_batch *y = next(b, again);
            assert_non_null(y);
            assert_memory_equal(x->index, y->index, 4 * sizeof *x->index);
            assert_memory_equal(x->image, y->image, 4 * 16 * 16 * 3);
            assert_memory_equal(fpc_draws_find(fpc_data_augments(d), &x->draws, "draw.warp"),
                                fpc_draws_find(fpc_data_augments(again), &y->draws, "draw.warp"),
                                4 * 8 * sizeof(float));
        }
        assert_null(next(b, again));
    }
    digest(b, d, FPC_TRAIN, 0, 99, &images);
    assert_int_equal(images, 0);
}

/* The same bytes with one reader and with many, with and without room to keep pictures, and when epochs are cut short.
 */
static void readers_and_cache_show_nowhere(void **state)
{
    bench *b = *state;
    static const char *const how[] = {
        "readers = 1\n", "readers = 2\n", "readers = 7\n", "readers = 3\ncache_mb = 0\n", "", "cache_mb = 0\n"};
    uint64_t want[3] = {0};
    for (int k = 0; k < 6; k++) {
        fpc_data *d = open_data(b, fpc_sprintf(b->arena, SMALL "%s" MOVED, how[k]), 9);
        d->most_readers = 3;
        for (int e = 0; e < 3; e++) {
            int64_t images;
            if (k) /* a cut epoch leaves nothing behind */
                assert_int_equal(fpc_data_start(d, e ? FPC_VAL : FPC_TRAIN, 40, 0), FPC_OK);
            if (k > 1)
                next(b, d);
            const uint64_t h = digest(b, d, e == 2 ? FPC_VAL : FPC_TRAIN, e, 0, &images);
            if (!k)
                want[e] = h;
            assert_true(h == want[e]);
        }
    }
    assert_true(want[0] != want[1]);
}

/* Whether the batch that the trainer asks for next is there already. */
static int next_is_ready(fpc_data *d)
{
    pthread_mutex_lock(&d->lock);
    const int64_t number = d->current + 1;
    const struct slot *s = &d->slot[number % SLOTS];
    const int ready = number >= d->n_batches || (s->number == number && s->done == s->batch.n);
    pthread_mutex_unlock(&d->lock);
    return ready;
}

/* A trainer that waits gets more readers, as many as there are processors for; one that does not, and one whose recipe
 * says how many, has as many as it began with. */
static void readers_come_as_they_are_missed(void **state)
{
    bench *b = *state;
    static const struct {
        const char *how;
        int32_t bound, least, most;
        int waits;
    } want[] = {{"cache_mb = 0\n", 5, 2, 5, 1},
                {"cache_mb = 0\n", 1, 1, 1, 1},
                {"cache_mb = 0\n", 5, 1, 1, 0},
                {"cache_mb = 0\nreaders = 2\n", 5, 2, 2, 1}};
    for (int k = 0; k < 4; k++) {
        fpc_data *d = open_data(b, fpc_sprintf(b->arena, HARD "%s", want[k].how), 1);
        d->most_readers = want[k].bound;
        for (int e = 0; e < 3; e++) {
            const fpc_batch *batch;
            assert_int_equal(fpc_data_start(d, FPC_TRAIN, e, 0), FPC_OK);
            do {
                for (int pause = 0; pause < 200 && !want[k].waits && !next_is_ready(d); pause++)
                    usleep(20000);
                assert_int_equal(fpc_data_next(d, &batch), FPC_OK);
            } while (batch);
        }
        if (d->n_readers < want[k].least || d->n_readers > want[k].most)
            fail_msg("%s, bound %d: %d readers, not %d to %d", want[k].how, want[k].bound, d->n_readers, want[k].least,
                     want[k].most);
    }
}

static void closes_in_the_middle(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 20; i++) {
        fpc_data *d = open_data(b, SMALL "readers = 3\n", 1);
        assert_int_equal(fpc_data_start(d, FPC_TRAIN, i, 0), FPC_OK);
        if (i % 2)
            next(b, d);
        fpc_data_close(d);
        fpc_data_close(d);
    }
    fpc_data_close(open_data(b, SMALL, 1)); /* never started */
}

static void single_samples(void **state)
{
    bench *b = *state;
    fpc_data *d = open_data(b, SMALL, 1);
    fpc_batch one;
    assert_int_equal(fpc_data_start(d, FPC_VAL, 0, 0), FPC_OK);
    const fpc_batch *batch = next(b, d);
    assert_int_equal(fpc_data_read(d, b->arena, FPC_VAL, 2, &one), FPC_OK);
    assert_int_equal(one.n, 1);
    assert_int_equal(one.index[0], 2);
    assert_memory_equal(one.image, batch->image + 2 * 16 * 16 * 3, 16 * 16 * 3);
    assert_memory_equal(one.mask, batch->mask + 2 * 16 * 16, 16 * 16);
    assert_int_equal(fpc_data_read(d, b->arena, FPC_VAL, 10, &one), FPC_EINVAL);
    said(b, "no sample 10");
}

static void refusals(void **state)
{
    bench *b = *state;
    const fpc_batch *batch;
    fpc_data *d = open_data(b, "[dataset]\nuse = synthetic\ntrain = 23\nbatch = 32\n", 1);
    assert_int_equal(fpc_data_check_training(d), FPC_EINVAL);
    said(b, "dataset.batch = 32 is larger than the training set of 23 images");
    assert_int_equal(fpc_data_batches(d, FPC_TRAIN), 1); /* to look at */
    assert_int_equal(fpc_data_batch_size(d, FPC_TRAIN, 0), 23);
    d = open_data(b, "[dataset]\nuse = synthetic\ntrain = 0\n", 1);
    assert_int_equal(fpc_data_check_training(d), FPC_EINVAL);
    said(b, "dataset/synthetic: there are no training pictures");
    assert_null(try_data(b, "[dataset]\nuse = synthetic\ntrain = 0\nval = 0\ntest = 0\n", 1));
    said(b, "not one image");
    d = open_data(b, "[dataset]\nuse = synthetic\nsize = 16\ntrain = 4\nval = 0\nbatch = 2\n", 1);
    assert_int_equal(fpc_data_next(d, &batch), FPC_EINTERNAL);
    said(b, "before an epoch was started");
    assert_int_equal(fpc_data_start(d, FPC_VAL, 0, 0), FPC_EINVAL);
    said(b, "no validation images");
}

/* A folder of twelve pictures, of which one mask is broken: its batch fails with its name, the others come. */
static void errors_of_readers(void **state)
{
    bench *b = *state;
    const fpc_batch *batch;
    make_folder("set/train/images");
    make_folder("set/train/masks");
    for (int i = 0; i < 12; i++) {
        const fpc_image image = picture(b->arena, 16, 16, 3, i), mask = picture(b->arena, 16, 16, 1, i);
        write_png(b, fpc_sprintf(b->arena, "set/train/images/p%02d.png", i), &image, NULL, 0);
        write_png(b, fpc_sprintf(b->arena, "set/train/masks/p%02d.png", i), &mask, NULL, 0);
    }
    write_bytes("set/train/masks/p07.png", "no mask", 7);
    const char *text = fpc_sprintf(b->arena,
                                   "[dataset]\nuse = folder\nclasses = celebamask19\nroot = %s\nbatch = 3\nval_split = "
                                   "0\nshuffle = off\nreaders = 2\n"
                                   "val_list =\n",
                                   in_folder("set"));
    fpc_data *d = open_data(b, text, 1);
    assert_int_equal(fpc_data_start(d, FPC_TRAIN, 0, 0), FPC_OK);
    int failures = 0, good = 0;
    for (int i = 0; i < 4; i++) {
        if (fpc_data_next(d, &batch) == FPC_OK) {
            good += batch->n;
            continue;
        }
        failures++;
        assert_null(batch);
        said(b, "p07.png: neither a JPEG nor a PNG");
    }
    assert_int_equal(failures, 1);
    assert_int_equal(good, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(orders),
                                       CASE(counts_and_tails),
                                       CASE(skipping_is_cutting),
                                       CASE(readers_and_cache_show_nowhere),
                                       CASE(readers_come_as_they_are_missed),
                                       CASE(refusals),
                                       CASE(closes_in_the_middle),
                                       CASE(single_samples),
                                       CASE(errors_of_readers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
