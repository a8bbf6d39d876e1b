/* test_draw.c: the counter RNG against the known answers of Random123, and the distributions drawn from it: pure,
 * within their bounds, with the right mean and spread. Samples are fixed by their counters, so the bounds cannot fail
 * by luck. */
#include "fixture.h"
#include <fpcore/draw.h>
#include <math.h>

enum { MANY = 20000 };
static const fpc_rng rng = {{7, 11}, 13, 17, 19};

static void philox_known_answers(void **state)
{
    static const uint32_t in[3][6] = {/* key, counter */
                                      {0, 0, 0, 0, 0, 0},
                                      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                      {0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t out[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const uint32_t *k = in[i];
        const fpc_u32x4 u = fpc_philox4x32(k[0], k[1], k[2], k[3], k[4], k[5]);
        assert_memory_equal(u.v, out[i], sizeof u.v);
    }
}

static void uniform(void **state)
{
    double sum = 0, squares = 0;
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        const double x = fpc_draw_unit(rng, i);
        assert_true(x >= 0 && x < 1);
        assert_true(x == fpc_draw_unit(rng, i));
        sum += x, squares += x * x;
    }
    assert_true(fabs(sum / MANY - 0.5) < 0.01);
    assert_true(fabs(squares / MANY - 1.0 / 3) < 0.01);
    assert_true(fpc_draw_between(rng, 3, 2, 2) == 2);
    assert_true(fpc_draw_between(rng, 3, -4, 6) == -4 + 10 * fpc_draw_unit(rng, 3));
}

static void chances(void **state)
{
    int hits = 0;
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        hits += fpc_draw_chance(rng, i, 0.3);
        assert_false(fpc_draw_chance(rng, i, 0));
        assert_true(fpc_draw_chance(rng, i, 1));
    }
    assert_true(fabs((double)hits / MANY - 0.3) < 0.012);
}

static void normal(void **state)
{
    double sum = 0, squares = 0, cubes = 0, fourth = 0;
    int beyond = 0;
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        const double x = fpc_draw_normal(rng, i);
        assert_true(fabs(x) < 9);
        sum += x, squares += x * x, cubes += x * x * x, fourth += x * x * x * x;
        beyond += fabs(x) > 1.959964;
    }
    assert_true(fabs(sum / MANY) < 0.03);
    assert_true(fabs(squares / MANY - 1) < 0.04);
    assert_true(fabs(cubes / MANY) < 0.1);
    assert_true(fabs(fourth / MANY - 3) < 0.25);
    assert_true(fabs((double)beyond / MANY - 0.05) < 0.006);
}

static void whole_numbers(void **state)
{
    int count[7] = {0};
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        const int64_t k = fpc_draw_below(rng, i, 7);
        assert_in_range(k, 0, 6);
        count[k]++;
    }
    for (int k = 0; k < 7; k++)
        assert_true(fabs((double)count[k] / MANY - 1.0 / 7) < 0.012);
    assert_int_equal(fpc_draw_below(rng, 0, 1), 0);
    assert_int_equal(fpc_draw_below(rng, 0, 0), 0);
}

static void shuffles(void **state)
{
    int at[5][5] = {{0}};
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        int64_t v[5] = {0, 1, 2, 3, 4};
        char seen[5] = {0};
        fpc_draw_shuffle(rng, 100 * i, 5, v);
        for (int k = 0; k < 5; k++) {
            assert_in_range(v[k], 0, 4);
            assert_int_equal(seen[v[k]]++, 0);
            at[k][v[k]]++;
        }
    }
    for (int k = 0; k < 25; k++)
        assert_true(fabs((double)at[k / 5][k % 5] / MANY - 0.2) < 0.013);
}

/* The permutation without memory is the shuffle's. */
static void permutations(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 40; n++)
        for (uint32_t draw = 0; draw < 300; draw += 100) {
            int64_t v[40];
            for (int64_t i = 0; i < n; i++)
                v[i] = i;
            fpc_draw_shuffle(rng, draw, n, v);
            for (int64_t i = 0; i < n; i++)
                assert_int_equal(fpc_draw_permuted(rng, draw, n, i), v[i]);
        }
}

/* Mean, variance, and for some the distribution function at three places (the incomplete beta integral, by the midpoint
 * rule). */
static void beta(void **state)
{
    static const struct {
        double a, b, cdf[3]; /* at 0.1, 0.5, 0.8 */
    } cases[] = {{0.2, 0.2, {0.336690, 0.5, 0.607278}}, {1, 1, {0.1, 0.5, 0.8}},
                 {2, 5, {0.114265, 0.890625, 0.9984}},  {0.5, 0.5, {0.204833, 0.5, 0.704833}},
                 {30, 10, {0, 0.000533, 0.758473}},     {1, 0.3, {0.031115, 0.187748, 0.382966}}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const double a = cases[k].a, b = cases[k].b, at[3] = {0.1, 0.5, 0.8};
        double sum = 0, squares = 0;
        int below[3] = {0};
        for (uint32_t i = 0; i < MANY; i++) {
            const double x = fpc_draw_beta(rng, i, a, b);
            assert_true(x >= 0 && x <= 1);
            assert_true(x == fpc_draw_beta(rng, i, a, b));
            sum += x, squares += x * x;
            for (int j = 0; j < 3; j++)
                below[j] += x < at[j];
        }
        const double mean = sum / MANY, variance = squares / MANY - mean * mean;
        const double want = a * b / ((a + b) * (a + b) * (a + b + 1));
        if (fabs(mean - a / (a + b)) > 0.01 || fabs(variance / want - 1) > 0.04)
            fail_msg("Beta(%g, %g): mean %.4f, variance %.5f, wanted %.4f, %.5f", a, b, mean, variance, a / (a + b),
                     want);
        for (int j = 0; j < 3; j++)
            if (fabs((double)below[j] / MANY - cases[k].cdf[j]) > 0.012)
                fail_msg("Beta(%g, %g): %.4f below %g, wanted %.4f", a, b, (double)below[j] / MANY, at[j],
                         cases[k].cdf[j]);
    }
    /* Shapes whose gamma numbers no double holds: all is near an end. */
    for (uint32_t i = 0; i < 2000; i++) {
        const double x = fpc_draw_beta(rng, i, 1e-3, 1e-3);
        assert_true(x >= 0 && x <= 1);
    }
}

static void dirichlet(void **state)
{
    static const double alphas[] = {0.05, 1, 4};
    (void)state;
    for (int k = 0; k < 3; k++) {
        double sum[3] = {0}, squares[3] = {0};
        for (uint32_t i = 0; i < MANY; i++) {
            double s[3], all = 0;
            fpc_draw_dirichlet(rng, i, alphas[k], 3, s);
            for (int j = 0; j < 3; j++) {
                assert_true(s[j] >= 0 && s[j] <= 1);
                all += s[j], sum[j] += s[j], squares[j] += s[j] * s[j];
            }
            assert_true(fabs(all - 1) < 1e-12);
        }
        const double want = 2.0 / 9 / (3 * alphas[k] + 1); /* variance of Beta(alpha, 2 alpha) */
        for (int j = 0; j < 3; j++) {
            const double mean = sum[j] / MANY;
            assert_true(fabs(mean - 1.0 / 3) < 0.012);
            assert_true(fabs((squares[j] / MANY - mean * mean) / want - 1) < 0.04);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(philox_known_answers),
                                       cmocka_unit_test(uniform),
                                       cmocka_unit_test(chances),
                                       cmocka_unit_test(normal),
                                       cmocka_unit_test(whole_numbers),
                                       cmocka_unit_test(shuffles),
                                       cmocka_unit_test(permutations),
                                       cmocka_unit_test(beta),
                                       cmocka_unit_test(dirichlet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
