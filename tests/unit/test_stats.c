/* test_stats.c: the statistics behind a verdict: Student's t against its tables and closed forms, Holm against a table
 * worked by hand, resampling against the analytic variance, and the share of simulated experiments whose interval holds
 * the truth. All draws are fixed, so that each bound either holds on every machine or fails on every one. */
#define _GNU_SOURCE
#include "fixture.h"

#include "base/message.h"
#include "cmd/report/stats.h"
#include <fpcore/draw.h>
#include <math.h>

static void near(double a, double b, double bound)
{
    if (!(fabs(a - b) <= bound))
        fail_msg("%.17g is not %.17g +- %g", a, b, bound);
}

/* ---- distributions ---- */

static void student_tables(void **state)
{
    static const struct {
        double df, t975, t800;
    } row[] = {{1, 12.706204736, 1.376381920}, {2, 4.302652730, 1.060660172},  {5, 2.570581836, 0.919543780},
               {8, 2.306004135, 0.888889518},  {30, 2.042272456, 0.853767263}, {99, 1.984216952, 0.845271}};

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        near(fpc_stats_t_quantile(0.975, row[i].df), row[i].t975, 1e-7);
        near(fpc_stats_t_quantile(0.8, row[i].df), row[i].t800, 1e-5);
        near(fpc_stats_t_quantile(0.025, row[i].df), -row[i].t975, 1e-7);
    }
    near(fpc_stats_t_quantile(0.975, INFINITY), 1.959963985, 1e-8);
    near(fpc_stats_t_quantile(0.5, 7), 0, 1e-12);
}

static double density(double t, double df)
{
    return exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(df * acos(-1)) * pow(1 + t * t / df, -(df + 1) / 2);
}

static void student_closed_forms(void **state)
{
    (void)state;
    for (double t = -40; t <= 40; t += 0.37) {
        near(fpc_stats_t_cdf(t, 1), 0.5 + atan(t) / acos(-1), 1e-13);
        near(fpc_stats_t_cdf(t, 2), 0.5 + t / (2 * sqrt(2 + t * t)), 1e-13);
        near(fpc_stats_t_cdf(t, 1e6), fpc_stats_t_cdf(t, INFINITY), 1e-6);
    }
    for (double t = -4; t <= 4; t += 0.8) { /* Simpson's rule from 0, fractional degrees of freedom */
        double sum = density(0, 2.7) + density(t, 2.7);
        for (int i = 1; i < 2000; i++)
            sum += (i % 2 ? 4 : 2) * density(t * i / 2000, 2.7);
        near(fpc_stats_t_cdf(t, 2.7), 0.5 + sum * t / 6000, 1e-10);
    }
    assert_true(isnan(fpc_stats_t_cdf(1, 0)) && isnan(fpc_stats_t_quantile(1, 3)) &&
                isnan(fpc_stats_t_quantile(0.3, -1)));
}

static void moments(void **state)
{
    static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};

    (void)state;
    near(fpc_stats_mean(8, x), 5, 0);
    near(fpc_stats_sd(8, x), sqrt(32.0 / 7), 1e-15);
    near(fpc_stats_sd(1, x), 0, 0);
    assert_true(isnan(fpc_stats_mean(0, x)));
    near(fpc_stats_quantile(8, x, 0), 2, 0);
    near(fpc_stats_quantile(8, x, 1), 9, 0);
    near(fpc_stats_quantile(8, x, 0.5), 4.5, 0);
    near(fpc_stats_quantile(8, x, 0.95), 7 + 0.65 * 2, 1e-12);
}

/* ---- Holm ---- */

/* Sorted 0.005 0.01 0.03 0.04 times 4 3 2 1: 0.02 0.03 0.06 0.04; no corrected value is below one before it. */
static void holm_by_hand(void **state)
{
    bench *f = *state;
    double p[] = {0.01, 0.04, 0.03, NAN, 0.005}, one[] = {0.9, 0.8};
    static const double want[] = {0.03, 0.06, 0.06, 0, 0.02};

    assert_int_equal(fpc_stats_holm(f->arena, 5, p, p), FPC_OK);
    for (int i = 0; i < 5; i++)
        i == 3 ? assert_true(isnan(p[i])) : near(p[i], want[i], 1e-15);
    assert_int_equal(fpc_stats_holm(f->arena, 2, one, one), FPC_OK);
    near(one[0], 1, 0);
    near(one[1], 1, 0);
    assert_int_equal(fpc_stats_holm(f->arena, 0, NULL, NULL), FPC_OK);
}

/* ---- resampling ---- */

enum { ITEMS = 60, SEEDS = 4, SIMULATIONS = 250, ROUNDS = 400 };

typedef struct world {
    double score[2][SEEDS][ITEMS];
    const double *row[2][SEEDS];
    fpc_group group[2];
} world;

/* Scores of two recipes that differ by `effect`: a part of each item that both share, one of item and recipe, one of
 * each training (seed), one of each score. */
static void simulate(world *w, uint32_t number, int32_t seeds_a, int32_t seeds_b, double effect, double seed_sd)
{
    const fpc_rng rng = {{number, 77}, 1, 0, 0};

    for (uint32_t g = 0; g < 2; g++) {
        w->group[g] = (fpc_group){g ? seeds_b : seeds_a, w->row[g]};
        for (uint32_t s = 0; s < SEEDS; s++) {
            const double training = seed_sd * fpc_draw_normal(rng, 100000 + g * 100 + s);
            w->row[g][s] = w->score[g][s];
            for (uint32_t i = 0; i < ITEMS; i++)
                w->score[g][s][i] = 0.7 + (g ? 0 : effect) + 0.08 * fpc_draw_normal(rng, i) + training +
                                    0.02 * fpc_draw_normal(rng, 1000 + g * 1000 + i) +
                                    0.01 * fpc_draw_normal(rng, 10000 + (g * SEEDS + s) * ITEMS + i);
        }
    }
}

static fpc_difference compare(bench *f, const world *w, int32_t rounds)
{
    fpc_difference d;
    fpc_resampled *r;

    assert_int_equal(fpc_stats_resample(f->ctx, f->arena, ITEMS, 2, w->group, rounds, &r), FPC_OK);
    assert_int_equal(fpc_stats_difference(r, f->arena, 0, 1, FPC_STATS_LEVEL, &d), FPC_OK);
    return d;
}

static void identical(void **state)
{
    bench *f = *state;
    static world w;

    simulate(&w, 1, 3, 3, 0, 0.01);
    memcpy(w.score[1], w.score[0], sizeof w.score[0]);
    fpc_difference d = compare(f, &w, 500);
    assert_true(d.equal && d.value == 0 && d.p == 1);

    simulate(&w, 1, 1, 1, 0, 0);
    memcpy(w.score[1], w.score[0], sizeof w.score[0]);
    d = compare(f, &w, 500);
    assert_true(d.equal && d.value == 0 && d.p == 1 && d.se == 0 && d.lo == 0 && d.hi == 0 && d.smallest == 0);
}

/* One training each, shifted by a constant: the pictures agree about it without any spread. */
static void shifted(void **state)
{
    bench *f = *state;
    static world w;

    simulate(&w, 2, 1, 1, 0, 0);
    for (int i = 0; i < ITEMS; i++)
        w.score[0][0][i] = w.score[1][0][i] + 0.03125;
    const fpc_difference d = compare(f, &w, 500);
    assert_true(!d.equal && d.p == 0 && d.se == 0);
    near(d.value, 0.03125, 1e-15);
    near(d.lo, 0.03125, 1e-14);
    near(d.hi, 0.03125, 1e-14);
}

/* The resampled spread is the paired standard error, not that of two independent sets of pictures. */
static void analytic_error(void **state)
{
    bench *f = *state;
    static world w;
    double paired[ITEMS];

    simulate(&w, 3, 1, 1, 0.01, 0.01);
    for (int i = 0; i < ITEMS; i++)
        paired[i] = w.score[0][0][i] - w.score[1][0][i];
    const fpc_difference d = compare(f, &w, FPC_STATS_ROUNDS);
    const double se = fpc_stats_sd(ITEMS, paired) / sqrt(ITEMS), mean = fpc_stats_mean(ITEMS, paired);
    near(d.value, mean, 1e-14);
    near(d.se / se, 1, 0.03);
    near(d.df, ITEMS - 1, 1e-9);
    near((d.hi - d.lo) / (2 * se * fpc_stats_t_quantile(0.975, ITEMS - 1)), 1, 0.05);
    near(d.p, 2 * fpc_stats_t_cdf(-fabs(d.value) / d.se, ITEMS - 1), 1e-15);
    near(d.smallest, (fpc_stats_t_quantile(0.975, ITEMS - 1) + fpc_stats_t_quantile(0.8, ITEMS - 1)) * d.se, 1e-15);
    assert_true(d.se < fpc_stats_sd(ITEMS, w.score[0][0]) / sqrt(ITEMS) / 2);
}

/* A single number per training: what is left is the comparison of two means over seeds (Welch's test). */
static void seeds_alone(void **state)
{
    bench *f = *state;
    static const double a[] = {0.70, 0.71, 0.72, 0.73}, b[] = {0.69, 0.68, 0.70};
    const double *row_a[] = {a, a + 1, a + 2, a + 3}, *row_b[] = {b, b + 1, b + 2};
    const fpc_group group[] = {{4, row_a}, {3, row_b}, {1, row_a}};
    const double va = 0.05 / 3 / 100 / 4, vb = 1e-4 / 3, df = (va + vb) * (va + vb) / (va * va / 3 + vb * vb / 2);
    fpc_difference d;
    fpc_resampled *r;

    assert_int_equal(fpc_stats_resample(f->ctx, f->arena, 1, 3, group, FPC_STATS_ROUNDS, &r), FPC_OK);
    assert_int_equal(fpc_stats_difference(r, f->arena, 0, 1, 0.05, &d), FPC_OK);
    near(d.value, 0.025, 1e-15);
    near(d.df, df, 1e-6);
    near(d.se / sqrt(va + vb), 1, 0.03);
    /* One training against itself has nothing to resample. */
    assert_int_equal(fpc_stats_difference(r, f->arena, 2, 2, 0.05, &d), FPC_OK);
    assert_true(d.df == 0 && d.p == 1 && isnan(d.lo) && isnan(d.smallest));
}

/* Coverage: the share of simulated experiments whose 95 % interval holds the true difference. */
static double coverage(bench *f, int32_t seeds_a, int32_t seeds_b, double seed_sd)
{
    static world w;
    int held = 0;

    for (uint32_t k = 0; k < SIMULATIONS; k++) {
        simulate(&w, 1000 + k, seeds_a, seeds_b, 0.013, seed_sd);
        const fpc_difference d = compare(f, &w, ROUNDS);
        held += d.lo <= 0.013 && 0.013 <= d.hi;
        fpc_arena_reset(f->arena);
    }
    return (double)held / SIMULATIONS;
}

static void intervals_hold_the_truth(void **state)
{
    bench *f = *state;
    static const struct {
        int32_t a, b;
        double sd;
    } trial[] = {{1, 1, 0}, {SEEDS, SEEDS, 0.01}, {3, 2, 0.01}, {SEEDS, SEEDS, 0}};

    for (size_t i = 0; i < sizeof trial / sizeof *trial; i++) {
        const double c = coverage(f, trial[i].a, trial[i].b, trial[i].sd);
        if (c < 0.92 || c > 0.995)
            fail_msg("%d and %d seeds: %.1f %% of the intervals hold the truth", (int)trial[i].a, (int)trial[i].b,
                     100 * c);
    }
    /* Pictures alone say nothing of seeds: with one training each the interval is far too short for the recipes. */
    assert_true(coverage(f, 1, 1, 0.01) < 0.6);
}

/* A difference of the smallest size is found in four of five experiments; none in at most one of twenty. */
static void power_is_kept(void **state)
{
    bench *f = *state;
    static world w;
    double smallest = 0;
    int found = 0, wrong = 0;

    simulate(&w, 5, SEEDS, SEEDS, 0, 0.01);
    for (uint32_t k = 0; k < SIMULATIONS; k++) {
        simulate(&w, 3000 + k, SEEDS, SEEDS, 0, 0.01);
        const fpc_difference d = compare(f, &w, ROUNDS);
        wrong += d.p < FPC_STATS_LEVEL;
        smallest += d.smallest / SIMULATIONS;
        fpc_arena_reset(f->arena);
    }
    for (uint32_t k = 0; k < SIMULATIONS; k++) {
        simulate(&w, 5000 + k, SEEDS, SEEDS, smallest, 0.01);
        found += compare(f, &w, ROUNDS).p < FPC_STATS_LEVEL;
        fpc_arena_reset(f->arena);
    }
    assert_in_range(wrong, 0, SIMULATIONS / 12);
    assert_in_range(found, SIMULATIONS * 70 / 100, SIMULATIONS * 92 / 100);
}

static void same_numbers_again(void **state)
{
    bench *f = *state;
    static world w;

    simulate(&w, 9, 3, SEEDS, 0.004, 0.01);
    const fpc_difference one = compare(f, &w, 300), two = compare(f, &w, 300);
    assert_true(one.lo == two.lo && one.hi == two.hi && one.p == two.p && one.se == two.se);
}

/* Two trainings of one recipe of the reports differ by 0.0038: a spread of 0.0027. */
static void seeds_for_a_difference(void **state)
{
    const double spread = 0.0038 / sqrt(2);

    (void)state;
    assert_int_equal(fpc_stats_seeds_needed(spread, 1), 2);
    assert_int_equal(fpc_stats_seeds_needed(spread, 0), 0);
    assert_int_equal(fpc_stats_seeds_needed(0, 0.001), 2);
    for (double d = 0.001; d < 0.02; d += 0.0013) {
        const int32_t k = fpc_stats_seeds_needed(spread, d);
        assert_true(fpc_stats_smallest(spread * sqrt(2.0 / k), 2 * k - 2, 0.05, 0.8) <= d);
        assert_true(k == 2 || fpc_stats_smallest(spread * sqrt(2.0 / (k - 1)), 2 * k - 4, 0.05, 0.8) > d);
        assert_int_equal(fpc_stats_seeds_needed(spread, -d), k);
    }
}

static void nonsense(void **state)
{
    bench *f = *state;
    fpc_resampled *r;

    assert_int_equal(fpc_stats_resample(f->ctx, f->arena, 0, 1, NULL, 1, &r), FPC_EINTERNAL);
    assert_non_null(strstr(fpc_ctx_error(f->ctx), "resampling of 0 items"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(student_tables),
                                       CASE(student_closed_forms),
                                       CASE(moments),
                                       CASE(holm_by_hand),
                                       CASE(identical),
                                       CASE(shifted),
                                       CASE(analytic_error),
                                       CASE(seeds_alone),
                                       CASE(intervals_hold_the_truth),
                                       CASE(power_is_kept),
                                       CASE(same_numbers_again),
                                       CASE(seeds_for_a_difference),
                                       CASE(nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
