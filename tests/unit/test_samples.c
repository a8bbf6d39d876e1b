/* test_samples.c: the pictures that loggers show: where scores are known the worst and the best, in the order of
 * scores, the same each time; else some that are spread evenly. */
#include "tiny.h"
#include "train/loop.h"

#define RECIPE                                                                                                         \
    "[dataset]\nuse = synthetic\nsize = 32\ntrain = 8\nval = 9\ntest = 0\nbatch = 4\nreaders = 1\n" TINY_MODEL         \
    "dropout = 0\n" TINY_LOSS

enum { VAL = 9, K = 19 };

/* Right pixels of a hundred of class 1, by picture; -1: nothing of it is labelled. 3 and 7 score the same. */
static const int right[VAL] = {50, 10, 90, 40, -1, 70, 20, 40, 99};

static fpc_validation scores(int32_t counts[VAL][K][3])
{
    memset(counts, 0, sizeof(int32_t[VAL][K][3]));
    for (int i = 0; i < VAL; i++)
        if (right[i] >= 0) {
            counts[i][1][0] = right[i];
            counts[i][1][1] = counts[i][1][2] = 100 - right[i];
        }
    return (fpc_validation){.epoch = 1, .images = VAL, .batch = 4, .classes = K, .counts = counts[0][0]};
}

static void check(bench *b, const fpc_pictures *p, int n, const int *want)
{
    static uint8_t labels[1024];
    char id[64];

    assert_int_equal(p->n, n);
    for (int i = 0; i < n; i++) {
        fpc_batch one;
        assert_int_equal(fpc_data_read(b->s->data, b->arena, FPC_VAL, want[i], &one), FPC_OK);
        assert_memory_equal(p->image + i * 3072, one.image, 3072);
        assert_memory_equal(p->label + i * 1024, one.mask, 1024);
        assert_int_equal(fpc_predict_step(b->s, 1, 32, 32, one.image, labels), FPC_OK);
        assert_memory_equal(p->prediction + i * 1024, labels, 1024);
        assert_int_equal(fpc_data_name(b->s->data, FPC_VAL, want[i], id, sizeof id), FPC_OK);
        assert_string_equal(p->name[i], id);
        if (p->score)
            assert_float_equal(p->score[i], right[want[i]] / 100.0, 1e-5);
    }
}

static void worst_and_best(void **state)
{
    static int32_t counts[VAL][K][3];
    const fpc_validation v = scores(counts);
    fpc_pictures p;
    bench b;

    (void)state;
    bench_experiment(&b, RECIPE, "", OPEN_ALL);
    assert_int_equal(fpc_samples_read(b.s, b.arena, 6, &v, &p), FPC_OK);
    check(&b, &p, 6, (const int[]){1, 6, 3, 5, 2, 8}); /* 3 before 7, which is as good */
    assert_int_equal(fpc_samples_read(b.s, b.arena, 3, &v, &p), FPC_OK);
    check(&b, &p, 3, (const int[]){1, 6, 8});
    assert_int_equal(fpc_samples_read(b.s, b.arena, 20, &v, &p), FPC_OK); /* all that have labels, each once */
    check(&b, &p, 8, (const int[]){1, 6, 3, 7, 0, 5, 2, 8});
    assert_int_equal(fpc_samples_read(b.s, b.arena, 3, NULL, &p), FPC_OK);
    check(&b, &p, 3, (const int[]){0, 3, 6});
    assert_null(p.score);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(worst_and_best)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
