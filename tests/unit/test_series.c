/* test_series.c: the statistics of a column against numbers made by hand, and epochs without a value. */
#include "fixture.h"
#include "record/series.h"

#include <math.h>

static const double zigzag[] = {1, 4, 2, 8, 8, 3}, gaps[] = {NAN, 2, NAN, 6, 4, NAN};

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("%.17g instead of %.17g", got, want);
}

static void best_is_the_first_extreme(void **state)
{
    (void)state;
    assert_int_equal(fpc_series_best(6, zigzag, 1), 3);
    assert_int_equal(fpc_series_best(6, zigzag, 0), 0);
    assert_int_equal(fpc_series_best(6, gaps, 1), 3);
    assert_int_equal(fpc_series_best(6, gaps, 0), 1);
    assert_int_equal(fpc_series_best(1, gaps, 1), -1);
    assert_int_equal(fpc_series_best(0, gaps, 1), -1);
}

static void moments(void **state)
{
    (void)state;
    near(fpc_series_mean(6, zigzag), 26 / 6.);
    near(fpc_series_mean(6, gaps), 4);
    assert_true(isnan(fpc_series_mean(1, gaps)));
    near(fpc_series_sigma(6, gaps), sqrt(8 / 3.));
    near(fpc_series_sigma(1, zigzag), 0);
    near(fpc_series_last(6, zigzag, 2), 5.5);
    near(fpc_series_last(6, gaps, 3), 5);
    assert_true(isnan(fpc_series_last(6, zigzag, 7)));
}

static void top_means(void **state)
{
    (void)state;
    near(fpc_series_top(6, zigzag, 2, 1), 8);
    near(fpc_series_top(6, zigzag, 3, 1), 20 / 3.);
    near(fpc_series_top(6, zigzag, 2, 0), 1.5);
    near(fpc_series_top(6, zigzag, 6, 0), 26 / 6.);
    near(fpc_series_top(6, gaps, 3, 1), 4);
    assert_true(isnan(fpc_series_top(6, gaps, 4, 1)));
    assert_true(isnan(fpc_series_top(6, zigzag, 0, 1)));
}

static void windows(void **state)
{
    int64_t end;

    (void)state;
    near(fpc_series_window(6, zigzag, 2, 1, &end), 8);
    assert_int_equal(end, 4);
    near(fpc_series_window(6, zigzag, 3, 0, &end), 7 / 3.);
    assert_int_equal(end, 2);
    near(fpc_series_window(6, gaps, 2, 1, &end), 5); /* the only two in a row */
    assert_int_equal(end, 4);
    assert_true(isnan(fpc_series_window(6, gaps, 3, 1, &end)));
    assert_int_equal(end, -1);
    assert_true(isnan(fpc_series_window(6, zigzag, 7, 1, &end)));
}

static void changes(void **state)
{
    static const double line[] = {1, 3, 5, 7};
    int64_t at;

    (void)state;
    near(fpc_series_change_sigma(4, line), 0);
    near(fpc_series_change_sigma(3, zigzag), 2.5);
    near(fpc_series_change_sigma(6, gaps), 0); /* one change: 6 to 4 */
    assert_true(isnan(fpc_series_change_sigma(3, gaps)));
    near(fpc_series_largest_change(6, zigzag, &at), 6);
    assert_int_equal(at, 3);
    assert_true(isnan(fpc_series_largest_change(1, zigzag, &at)));
    assert_int_equal(at, -1);
}

static void trends(void **state)
{
    static const double line[] = {1, 3, 5, 7}, holes[] = {1, NAN, 5, NAN, 9};

    (void)state;
    near(fpc_series_trend(4, line), 2);
    near(fpc_series_trend(5, holes), 2);
    near(fpc_series_trend(3, zigzag), 0.5);
    assert_true(isnan(fpc_series_trend(1, line)));
    assert_true(isnan(fpc_series_trend(2, gaps)));
}

static void smoothing(void **state)
{
    double out[6];

    (void)state;
    fpc_series_smooth(6, zigzag, 3, out);
    near(out[0], 2.5);
    near(out[1], 7 / 3.);
    near(out[4], 19 / 3.);
    near(out[5], 5.5);
    fpc_series_smooth(6, gaps, 3, out);
    near(out[0], 2);
    near(out[2], 4);
    fpc_series_smooth(6, zigzag, 1, out);
    assert_memory_equal(out, zigzag, sizeof out);
    fpc_series_smooth(2, zigzag, 5, out);
    near(out[0], 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(best_is_the_first_extreme),
                                       cmocka_unit_test(moments),
                                       cmocka_unit_test(top_means),
                                       cmocka_unit_test(windows),
                                       cmocka_unit_test(changes),
                                       cmocka_unit_test(trends),
                                       cmocka_unit_test(smoothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
