/* stats.c: resampling of pictures and seeds, and what follows from it (stats.h). Efron and Tibshirani, An Introduction
 * to the Bootstrap, 1993; Owen, The pigeonhole bootstrap, 2007 (pictures and seeds are crossed: each is resampled by
 * itself, which errs on the side of caution); Rao and Wu, JASA 83, 1988 (n - 1 draws); Satterthwaite 1946 (degrees of
 * freedom); Holm 1979. */
#include "cmd/report/stats.h"

#include <fpcore/draw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t key[2] = {0x66706372u, 20251005u}; /* fixed: the same runs get the same verdict */

double fpc_stats_mean(int64_t n, const double *x)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return n > 0 ? sum / (double)n : NAN;
}

double fpc_stats_sd(int64_t n, const double *x)
{
    const double mean = fpc_stats_mean(n, x);
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(sum / (double)(n - 1)) : 0;
}

double fpc_stats_quantile(int64_t n, const double *sorted, double q)
{
    const double at = q * (double)(n - 1);
    const int64_t i = at <= 0 ? 0 : at >= (double)(n - 1) ? n - 1 : (int64_t)at;

    if (n < 1)
        return NAN;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* ---- resampling ---- */

static fpc_rng stream(const char *what, int32_t round, int32_t group)
{
    return (fpc_rng){{key[0], key[1]}, fpc_hash(what), (uint32_t)round, (uint32_t)group};
}

/* How often each of n things is drawn in a round: n - 1 draws; a single thing is always there. */
static void draw_times(fpc_rng rng, int64_t n, double *times)
{
    memset(times, 0, (size_t)n * sizeof *times);
    if (n == 1)
        times[0] = 1;
    for (int64_t i = 0; i < n - 1; i++)
        times[fpc_draw_below(rng, (uint32_t)i, n)] += 1;
}

static double weighted_mean(int64_t n, const double *times, const double *x)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += times[i] * x[i];
    return sum / (double)(n > 1 ? n - 1 : 1);
}

/* The mean of a group over items and seeds, each counted as often as it was drawn. */
static double group_mean(const fpc_group *g, int64_t items, const double *item_times, const double *seed_times)
{
    double sum = 0;

    for (int32_t s = 0; s < g->seeds; s++)
        if (seed_times[s] > 0)
            sum += seed_times[s] * weighted_mean(items, item_times, g->score[s]);
    return sum / (g->seeds > 1 ? g->seeds - 1 : 1);
}

static double observed_mean(const fpc_group *g, int64_t items)
{
    double sum = 0;

    for (int32_t s = 0; s < g->seeds; s++)
        sum += fpc_stats_mean(items, g->score[s]);
    return sum / g->seeds;
}

fpc_status fpc_stats_resample(fpc_ctx *ctx, fpc_arena *arena, int64_t items, int32_t n, const fpc_group *group,
                              int32_t rounds, fpc_resampled **out)
{
    fpc_resampled *r = fpc_alloc(arena, sizeof *r);
    double *item_times = fpc_alloc(arena, (size_t)(items > 0 ? items : 1) * sizeof *item_times), *seed_times;
    int32_t most = 1;

    if (items < 1 || items > INT32_MAX || n < 1 || rounds < 1)
        return fpc_fail(ctx, FPC_EINTERNAL, "resampling of %lld items in %d groups", (long long)items, (int)n);
    for (int32_t g = 0; g < n; g++)
        most = group[g].seeds > most ? group[g].seeds : most;
    seed_times = fpc_alloc(arena, (size_t)most * sizeof *seed_times);
    if (!r || !item_times || !seed_times || !(r->observed = fpc_alloc(arena, (size_t)n * sizeof *r->observed)) ||
        !(r->mean = fpc_alloc(arena, (size_t)n * sizeof *r->mean)))
        return FPC_ENOMEM;
    for (int32_t g = 0; g < n; g++) {
        if (!(r->mean[g] = fpc_alloc(arena, (size_t)rounds * sizeof **r->mean)))
            return FPC_ENOMEM;
        r->observed[g] = observed_mean(&group[g], items);
    }
    for (int32_t k = 0; k < rounds; k++) {
        draw_times(stream("compare.items", k, 0), items, item_times);
        for (int32_t g = 0; g < n; g++) {
            draw_times(stream("compare.seeds", k, g), group[g].seeds, seed_times);
            r->mean[g][k] = group_mean(&group[g], items, item_times, seed_times);
        }
    }
    r->n = n, r->rounds = rounds, r->items = items, r->group = group;
    *out = r;
    return FPC_OK;
}

/* ---- the difference of two groups ---- */

static int equal_groups(const fpc_group *a, const fpc_group *b, int64_t items)
{
    if (a->seeds != b->seeds)
        return 0;
    for (int32_t s = 0; s < a->seeds; s++)
        if (memcmp(a->score[s], b->score[s], (size_t)items * sizeof(double)) != 0)
            return 0;
    return 1;
}

/* Variance of the group's mean over its seeds. */
static double seed_variance(const fpc_group *g, int64_t items, double *mean)
{
    for (int32_t s = 0; s < g->seeds; s++)
        mean[s] = fpc_stats_mean(items, g->score[s]);
    const double sd = fpc_stats_sd(g->seeds, mean);
    return g->seeds > 1 ? sd * sd / g->seeds : 0;
}

/* Variance of the mean difference over its items. */
static double item_variance(const fpc_group *a, const fpc_group *b, int64_t items, double *difference)
{
    for (int64_t i = 0; i < items; i++) {
        double x = 0, y = 0;
        for (int32_t s = 0; s < a->seeds; s++)
            x += a->score[s][i];
        for (int32_t s = 0; s < b->seeds; s++)
            y += b->score[s][i];
        difference[i] = x / a->seeds - y / b->seeds;
    }
    const double sd = fpc_stats_sd(items, difference);
    return items > 1 ? sd * sd / (double)items : 0;
}

/* Satterthwaite's degrees of freedom of a sum of variances, each estimated with n - 1 of its own. Where nothing spreads
 * at all they are those of the most numerous part. */
static double freedom(const fpc_resampled *r, const fpc_group *a, const fpc_group *b, double *scratch)
{
    const double v[3] = {item_variance(a, b, r->items, scratch), seed_variance(a, r->items, scratch),
                         seed_variance(b, r->items, scratch)};
    const double n[3] = {(double)r->items - 1, a->seeds - 1.0, b->seeds - 1.0};
    double sum = 0, below = 0, most = 0;

    for (int i = 0; i < 3; i++) {
        sum += v[i];
        if (n[i] > 0)
            below += v[i] * v[i] / n[i];
        most = n[i] > most ? n[i] : most;
    }
    return below > 0 && sum * sum > 0 ? sum * sum / below : most;
}

/* Percentiles of the resampled differences. They are those of a normal distribution in effect; with few seeds behind
 * them the tails have to be as much longer as Student's are. */
static void interval(const fpc_resampled *r, double *sorted, fpc_difference *d)
{
    const double wide = fpc_stats_t_quantile(0.975, d->df) / fpc_stats_t_quantile(0.975, INFINITY);

    qsort(sorted, (size_t)r->rounds, sizeof *sorted, ascending);
    d->lo = d->value + wide * (fpc_stats_quantile(r->rounds, sorted, 0.025) - d->value);
    d->hi = d->value + wide * (fpc_stats_quantile(r->rounds, sorted, 0.975) - d->value);
}

fpc_status fpc_stats_difference(const fpc_resampled *r, fpc_arena *scratch, int32_t a, int32_t b, double level,
                                fpc_difference *d)
{
    const fpc_group *x = &r->group[a], *y = &r->group[b];
    int64_t most = r->rounds > r->items ? r->rounds : r->items;

    most = x->seeds > most ? x->seeds : most;
    most = y->seeds > most ? y->seeds : most;
    double *room = fpc_alloc(scratch, (size_t)most * sizeof *room);
    if (!room)
        return FPC_ENOMEM;
    *d = (fpc_difference){.value = r->observed[a] - r->observed[b], .equal = equal_groups(x, y, r->items)};
    d->df = freedom(r, x, y, room);
    if (!(d->df > 0)) {
        d->df = 0;
        d->lo = d->hi = d->smallest = NAN;
        d->p = d->equal ? 1 : NAN;
        return FPC_OK;
    }
    for (int32_t k = 0; k < r->rounds; k++)
        room[k] = r->mean[a][k] - r->mean[b][k];
    d->se = fpc_stats_sd(r->rounds, room);
    if (d->se < 1e-13 * (fabs(r->observed[a]) + fabs(r->observed[b]))) /* rounding, no spread */
        d->se = 0;
    interval(r, room, d);
    d->p = d->value == 0 ? 1 : d->se == 0 ? 0 : 2 * fpc_stats_t_cdf(-fabs(d->value) / d->se, d->df);
    d->smallest = fpc_stats_smallest(d->se, d->df, level, FPC_STATS_POWER);
    return FPC_OK;
}

/* ---- many comparisons, power ---- */

typedef struct ranked {
    double p;
    int32_t at;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    return x->p < y->p ? -1 : x->p > y->p ? 1 : x->at - y->at;
}

fpc_status fpc_stats_holm(fpc_arena *scratch, int32_t n, const double *p, double *corrected)
{
    ranked *order = fpc_alloc(scratch, ((size_t)n + 1) * sizeof *order);
    int32_t m = 0;
    double least = 0;

    if (!order)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        if (!isnan(p[i]))
            order[m++] = (ranked){p[i], i};
        corrected[i] = p[i];
    }
    qsort(order, (size_t)m, sizeof *order, by_p);
    for (int32_t i = 0; i < m; i++) {
        const double q = (m - i) * order[i].p;
        least = q > least ? q : least;
        corrected[order[i].at] = least < 1 ? least : 1;
    }
    return FPC_OK;
}

double fpc_stats_smallest(double se, double df, double level, double power)
{
    return (fpc_stats_t_quantile(1 - level / 2, df) + fpc_stats_t_quantile(power, df)) * se;
}

int32_t fpc_stats_seeds_needed(double spread, double difference)
{
    for (int32_t k = 2; k <= 1000; k++)
        if (fpc_stats_smallest(spread * sqrt(2.0 / k), 2.0 * k - 2, FPC_STATS_LEVEL, FPC_STATS_POWER) <=
            fabs(difference))
            return k;
    return 0;
}

/* ---- Student's t ---- */

/* Continued fraction of the incomplete beta function by Lentz's method (DLMF 8.17.22); converges fast for x below
 * (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), f;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    f = d;
    for (int m = 1; m < 10000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d, d = 1 / (fabs(d) < tiny ? tiny : d);
        c = 1 + even / c, c = fabs(c) < tiny ? tiny : c;
        f *= c * d;
        d = 1 + odd * d, d = 1 / (fabs(d) < tiny ? tiny : d);
        c = 1 + odd / c, c = fabs(c) < tiny ? tiny : c;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return f;
}

static double beta_share(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    if (x > (a + 1) / (a + b + 2))
        return 1 - beta_share(b, a, 1 - x);
    return exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a * beta_fraction(a, b, x);
}

double fpc_stats_t_cdf(double t, double df)
{
    if (isnan(t) || !(df > 0))
        return NAN;
    if (df > 1e7) /* as good as normal, and lgamma has no digits left for more */
        return 0.5 * erfc(-t / sqrt(2));
    if (t * t < 1) /* digits near the middle; the other form has them in the tails */
        return 0.5 + copysign(0.5 * beta_share(0.5, df / 2, t * t / (df + t * t)), t);
    const double tail = 0.5 * beta_share(df / 2, 0.5, df / (df + t * t));
    return t > 0 ? 1 - tail : tail;
}

/* By bisection: the bounds hold every quantile down to 1e-12 at one degree of freedom. */
double fpc_stats_t_quantile(double p, double df)
{
    double lo = -1e12, hi = 0;

    if (!(p > 0 && p < 1) || !(df > 0))
        return NAN;
    if (p > 0.5)
        return -fpc_stats_t_quantile(1 - p, df);
    for (int i = 0; i < 200 && hi - lo > 1e-14 * fabs(lo); i++) {
        const double middle = (lo + hi) / 2;
        if (fpc_stats_t_cdf(middle, df) < p)
            lo = middle;
        else
            hi = middle;
    }
    return (lo + hi) / 2;
}
