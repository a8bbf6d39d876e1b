/* test_metric.c: every metric against numbers computed with NumPy (golden/metrics.safetensors), against the small
 * worked example, and at the edges: perfect, empty, ignored. */
#include "fixture.h"
#include "weights/weights.h"
#include <fpcore/metric.h>
#include <math.h>

enum { MOST = 64 * 19 * 3 };

/* Counts of n pictures of `pixels` pixels each; labels of 255 count nowhere. */
static fpc_counts count(int32_t *to, const uint8_t *truth, const uint8_t *guess, int32_t n, int64_t pixels,
                        int32_t classes)
{
    memset(to, 0, sizeof(int32_t) * (size_t)(n * classes * 3));
    for (int32_t i = 0; i < n; i++)
        for (int64_t p = 0; p < pixels; p++) {
            const int32_t t = truth[i * pixels + p], g = guess[i * pixels + p];
            int32_t *at = to + i * classes * 3;
            if (t == 255)
                continue;
            if (t == g) {
                at[t * 3]++;
            } else {
                at[g * 3 + 1]++;
                at[t * 3 + 2]++;
            }
        }
    return (fpc_counts){.size = sizeof(fpc_counts), .images = n, .classes = classes, .tp_fp_fn = to};
}

static double measure(bench *b, const char *name, int32_t n, const fpc_counts *batch)
{
    const fpc_instance m = open_plugin(b, "metric.m", fpc_sprintf(b->arena, "use = %s", name));
    const fpc_metric_vtbl *vtbl = m.vtbl;
    double value = 0;

    assert_int_equal(vtbl->higher_is_better, 1);
    for (int epoch = 0; epoch < 2; epoch++) { /* the second one shows that reset forgets */
        vtbl->reset(m.self, batch[0].classes);
        for (int32_t i = 0; i < n; i++)
            vtbl->update(m.self, &batch[i]);
        value = vtbl->value(m.self);
    }
    return value;
}

static void golden_numbers(void **state)
{
    bench *b = *state;
    fpc_st_file *f;
    static int32_t first[MOST], last[MOST];

    assert_int_equal(fpc_st_read(b->ctx, b->arena, shared_file(b, "golden/metrics.safetensors"), &f), FPC_OK);
    const fpc_st_tensor *t = fpc_st_find(f, "target"), *p = fpc_st_find(f, "pred");
    assert_true(t && p && t->dtype == FPC_U8 && p->dtype == FPC_U8 && t->rank == 3 && t->dims[0] == 6);
    const int64_t pixels = t->dims[1] * t->dims[2];
    const fpc_counts batch[] = {
        count(first, t->data, p->data, 4, pixels, 19),
        count(last, (const uint8_t *)t->data + 4 * pixels, (const uint8_t *)p->data + 4 * pixels, 2, pixels, 19)};
    const double *f_batch = fpc_st_find(f, "f_batch_of_4")->data, *f_image = fpc_st_find(f, "f_image")->data;
    const double *f_class = fpc_st_find(f, "f1_class_dataset")->data, *right = fpc_st_find(f, "pixel_accuracy")->data;
    double images = 0;

    for (int i = 0; i < 6; i++)
        images += f_image[i] / 6;
    assert_float_equal(measure(b, "fscore_batch", 2, batch), (f_batch[0] + f_batch[1]) / 2, 1e-12);
    assert_float_equal(measure(b, "fscore_batch", 1, batch + 1), f_batch[1], 1e-12);
    assert_float_equal(measure(b, "fscore_image", 2, batch), images, 1e-12);
    assert_float_equal(measure(b, "pixel_accuracy", 2, batch), right[0], 1e-12);

    const fpc_instance m = open_plugin(b, "metric.m", "use = f1_class");
    const fpc_metric_vtbl *vtbl = m.vtbl;
    double got[19];
    vtbl->reset(m.self, 19);
    vtbl->update(m.self, &batch[0]);
    vtbl->update(m.self, &batch[1]);
    vtbl->per_class(m.self, got);
    for (int c = 0; c < 19; c++) {
        assert_int_equal(isnan(got[c]), isnan(f_class[c]));
        if (!isnan(got[c]))
            assert_float_equal(got[c], f_class[c], 1e-6); /* golden has no 1e-7 below the bar */
    }
}

/* Reference 2.7 and 3: two pictures of 2x3 with four classes; class 3 is predicted and never true. */
static void worked_example(void **state)
{
    const uint8_t truth[] = {0, 2, 1, 1, 0, 2, 1, 0, 2, 2, 1, 0};
    uint8_t guess[12];
    int32_t both[24], one[12], two[12];

    for (int b = 0; b < 2; b++)
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 3; x++) {
                int best = 0;
                for (int k = 1; k < 4; k++)
                    if ((3 * b + 2 * k + 5 * y + 7 * x) % 11 > (3 * b + 2 * best + 5 * y + 7 * x) % 11)
                        best = k;
                guess[(b * 2 + y) * 3 + x] = (uint8_t)best;
                assert_int_equal(truth[(b * 2 + y) * 3 + x], (b + y + 2 * x) % 3);
            }
    const fpc_counts all = count(both, truth, guess, 2, 6, 4);
    const fpc_counts single[] = {count(one, truth, guess, 1, 6, 4), count(two, truth + 6, guess + 6, 1, 6, 4)};
    assert_float_equal(measure(*state, "fscore_batch", 1, &all), 0.2444444099, 1e-9);
    assert_float_equal(measure(*state, "fscore_image", 1, &all), (0.0 + 0.4444443852) / 2, 1e-9);
    assert_float_equal(measure(*state, "fscore_batch", 2, single), (0.0 + 0.4444443852) / 2, 1e-9);
    assert_float_equal(measure(*state, "f1_class", 1, &all), (0.39999995 + 0 + 0.33333328) / 3, 1e-8);
    /* the old metric: 4 classes, absent ones count; two batches of one picture weigh as one of two */
    assert_float_equal(measure(*state, "fscore_batch\nversion = old", 1, &all), 0.1833333307, 1e-9);
    const fpc_counts uneven[] = {all, single[1]};
    const double last = measure(*state, "fscore_batch\nversion = old", 1, single + 1);
    assert_float_equal(last, 0.4444443852 * 3 / 4, 2e-7); /* three of the four classes are labelled there */
    assert_float_equal(measure(*state, "fscore_batch\nversion = old", 2, uneven), (2 * 0.1833333307 + last) / 3, 1e-9);
    /* tp fp fn by class: (1,0,3) (0,3,4) (1,1,3) (0,6,0) */
    assert_float_equal(measure(*state, "miou", 1, &all), (1. / 4 + 0 + 1. / 5) / 3, 1e-12);
    assert_float_equal(measure(*state, "pixel_accuracy", 1, &all), 2. / 12, 1e-12);
}

static void edges(void **state)
{
    const uint8_t truth[] = {0, 0, 1, 255}, nothing[] = {255, 255, 255, 255}, guess[] = {0, 0, 1, 2};
    static const char *const name[] = {"fscore_batch", "fscore_image", "f1_class", "miou", "pixel_accuracy"};
    int32_t a[9], e[9];
    const fpc_counts perfect = count(a, truth, guess, 1, 4, 3), empty = count(e, nothing, guess, 1, 4, 3);
    const fpc_counts mixed[] = {perfect, empty};

    for (int i = 0; i < 5; i++) {
        const double one = measure(*state, name[i], 1, &perfect);
        assert_true(one > 0.999999 && one <= 1);
        assert_true(isnan(measure(*state, name[i], 1, &empty)));
        assert_float_equal(measure(*state, name[i], 2, mixed), one, 0); /* a batch without labels weighs nothing */
    }
}

static void per_class_of_the_absent(void **state)
{
    const uint8_t truth[] = {0, 0, 1, 1}, guess[] = {0, 0, 1, 2};
    int32_t a[12];
    const fpc_counts batch = count(a, truth, guess, 1, 4, 4);
    static const char *const name[] = {"use = f1_class", "use = miou"};

    for (int i = 0; i < 2; i++) {
        const fpc_instance m = open_plugin(*state, "metric.m", name[i]);
        const fpc_metric_vtbl *vtbl = m.vtbl;
        double out[4];
        vtbl->reset(m.self, 4);
        vtbl->update(m.self, &batch);
        vtbl->per_class(m.self, out);
        assert_true(out[0] > 0.999 && out[1] < 0.7);
        assert_float_equal(out[2], 0, 0);
        assert_true(isnan(out[3]));
        assert_float_equal(vtbl->value(m.self), (out[0] + out[1]) / 2, 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(golden_numbers),
        CASE(worked_example),
        CASE(edges),
        CASE(per_class_of_the_absent),
    };
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
