/* test_labels.c: what losses are told of the training masks: the counts of the data, those that weights hold, or
 * made-up ones, and which terms asked; metadata are read as they were written, and refused where they make no sense. */
#include "fixture.h"
#include "experiment/labels.h"

static fpc_status ask(fpc_experiment *s, const int64_t **pixels, const int64_t **images)
{
    fpc_label_question q = {s, &s->loss[0]};

    return fpc_labels_answer(&q, pixels, images);
}

static void nobody_knows(void **state)
{
    fpc_experiment *s = open_experiment(*state, SMALL_RECIPE "[dataset]\nuse = synthetic\nsize = 32\n", FPC_OPEN_TRAIN);
    const int64_t *pixels, *images;
    fpc_st_meta meta[2];

    assert_int_equal(ask(s, &pixels, &images), FPC_ENOENT);
    assert_int_equal(fpc_labels_assume(s), FPC_OK);
    assert_false(s->loss[0].assumed); /* nobody has asked */
    assert_int_equal(ask(s, &pixels, &images), FPC_OK);
    assert_true(s->loss[0].assumed);
    for (int32_t c = 0; c < s->classes; c++)
        assert_true(pixels[c] > 0 && pixels[c] == pixels[0] && images[c] == images[0]);
    assert_int_equal(fpc_labels_meta(s, s->arena, meta), 0); /* weights do not hold what was made up */
}

static void weights_tell(void **state)
{
    bench *b = *state;
    const char *text = SMALL_RECIPE "[dataset]\nuse = synthetic\nsize = 32\ntrain = 4\nval = 2\nbatch = 2\n";
    fpc_experiment *s = open_experiment(b, text, FPC_OPEN_TRAIN | FPC_OPEN_DATA),
                   *t = open_experiment(b, text, FPC_OPEN_TRAIN);
    const int64_t *pixels, *images, *pixels_again, *images_again;
    fpc_st_meta meta[2];

    assert_int_equal(fpc_labels_meta(s, b->arena, meta), 0);
    assert_int_equal(ask(s, &pixels, &images), FPC_OK);
    assert_false(s->loss[0].assumed);
    assert_int_equal(fpc_labels_meta(s, b->arena, meta), 2);
    const fpc_st_file file = {.path = "w.safetensors", .n_meta = 2, .meta = meta};
    has_to_succeed(b, fpc_labels_know(t, &file), "what was written");
    assert_int_equal(ask(t, &pixels_again, &images_again), FPC_OK);
    assert_memory_equal(pixels_again, pixels, sizeof *pixels * (size_t)s->classes);
    assert_memory_equal(images_again, images, sizeof *images * (size_t)s->classes);
    assert_false(t->loss[0].assumed);
}

/* Weights of another number of classes tell nothing here. */
static void others_tell_nothing(void **state)
{
    fpc_experiment *s = open_experiment(*state, SMALL_RECIPE "[dataset]\nuse = synthetic\nsize = 32\n", FPC_OPEN_TRAIN);
    fpc_st_meta meta[] = {{FPC_META_LABEL_PIXELS, "12 0 7"}, {FPC_META_LABEL_IMAGES, "2 0 1"}};
    const fpc_st_file file = {.path = "w.safetensors", .n_meta = 2, .meta = meta};
    const int64_t *pixels, *images;

    assert_int_equal(fpc_labels_know(s, &file), FPC_OK);
    assert_int_equal(ask(s, &pixels, &images), FPC_ENOENT);
}

static void no_counts(void **state)
{
    bench *b = *state;
    fpc_experiment *s = open_experiment(b, SMALL_RECIPE "[dataset]\nuse = synthetic\nsize = 32\n", FPC_OPEN_TRAIN);
    static const char *const bad[] = {"1 -2", "1 2 x", "1  2", " 1", "9223372036854775808", "1,2"};
    const char *many = "1";

    for (int i = 0; i < 256; i++)
        many = fpc_sprintf(b->arena, "%s 1", many);
    for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
        fpc_st_meta meta = {FPC_META_LABEL_PIXELS, i < sizeof bad / sizeof *bad ? bad[i] : many};
        const fpc_st_file file = {.path = "w.safetensors", .n_meta = 1, .meta = &meta};

        has_to_fail(b, fpc_labels_know(s, &file), meta.value, "w.safetensors: metadata class.pixels = ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(nobody_knows), CASE(weights_tell), CASE(others_tell_nothing),
                                       CASE(no_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
