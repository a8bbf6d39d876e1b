/* stats.h: is a difference between trained networks larger than the noise? Resampling of pictures and of seeds
 * (bootstrap), correction for many comparisons (Holm), power, and the distributions that they need. Pure and
 * deterministic: all draws are a function of a fixed key. docs/compare.md has the formulas. */
#ifndef CORE_CMD_REPORT_STATS_H
#define CORE_CMD_REPORT_STATS_H

#include <fpcore/base.h>

enum { FPC_STATS_ROUNDS = 10000 };
#define FPC_STATS_LEVEL 0.05 /* of an error of the first kind, over all comparisons */
#define FPC_STATS_POWER 0.8

/* A recipe that was trained `seeds` times; every training scored the same items (pictures), in the same order. No score
 * is NAN. */
typedef struct fpc_group {
    int32_t seeds;
    const double *const *score; /* [seed][item] */
} fpc_group;

/* The means of all groups over the items, observed and in each round of resampling. In a round all groups see the same
 * items (that is the pairing), and each group, where it has several, its own seeds. n - 1 of n are drawn: the spread of
 * their means is then that of a mean of n, without the bias that matters with few seeds (Rao and Wu 1988). */
typedef struct fpc_resampled {
    int32_t n, rounds;
    int64_t items;
    const fpc_group *group;
    double *observed; /* [group] */
    double **mean;    /* [group][round] */
} fpc_resampled;
fpc_status fpc_stats_resample(fpc_ctx *, fpc_arena *, int64_t items, int32_t n, const fpc_group *, int32_t rounds,
                              fpc_resampled **out);

typedef struct fpc_difference {
    double value;    /* mean of group a minus mean of group b */
    double se;       /* standard deviation of the resampled differences */
    double df;       /* degrees of freedom behind it (Satterthwaite); 0: nothing varied that could be resampled */
    double lo, hi;   /* 95 %: percentiles of the resampled differences, widened for few seeds; NAN where df is 0 */
    double p;        /* two-sided, of value / se by Student's t; 1 where the groups are equal, NAN where df is 0 */
    double smallest; /* that this comparison shows with power 0.8; NAN where df is 0. See fpc_stats_smallest */
    int equal;       /* every score of a is that of b */
} fpc_difference;
/* level: for `smallest` (FPC_STATS_LEVEL over the number of comparisons). */
fpc_status fpc_stats_difference(const fpc_resampled *, fpc_arena *scratch, int32_t a, int32_t b, double level,
                                fpc_difference *out);

/* Holm 1979: corrected[i] < level for all i that may be called different with an error of `level` over all of them.
 * NAN stays NAN and is no comparison. corrected may be p. */
fpc_status fpc_stats_holm(fpc_arena *scratch, int32_t n, const double *p, double *corrected);
/* The smallest true difference that a two-sided test finds with this power. */
double fpc_stats_smallest(double se, double df, double level, double power);
/* Trainings of each of two recipes that show a difference with FPC_STATS_POWER at FPC_STATS_LEVEL, where two trainings
 * of one recipe differ by a standard deviation of `spread` each; 0: more than 1000. */
int32_t fpc_stats_seeds_needed(double spread, double difference);

/* First moments; sd has n - 1, 0 for n < 2. */
double fpc_stats_mean(int64_t n, const double *);
double fpc_stats_sd(int64_t n, const double *);
/* Quantile q in 0 .. 1 of sorted values, linear between them. */
double fpc_stats_quantile(int64_t n, const double *sorted, double q);
double fpc_stats_t_cdf(double t, double df); /* df > 0, may be fractional or INFINITY */
double fpc_stats_t_quantile(double p, double df);

#endif
