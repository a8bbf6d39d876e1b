/* prune.c: when a run may be stopped because it is worse. The rule, at the epoch e that the run has reached:
 *   level of a run: mean of the metric over epochs e-4 .. e
 *   incumbent: k complete runs of one recipe, k >= 2; M and S: mean and standard deviation of their levels at epoch e
 *   noise of the run's level: sqrt(S^2 + s^2 / 5), s: standard deviation of its one-epoch changes of the last 10 epochs
 *   over sqrt(2); S stands for the noise between runs of one recipe
 *   stopped where  level + t * noise  <  M - t * S / sqrt(k),  t: 99 % of Student's t with k - 1 degrees of freedom.
 * Nothing is stopped before epoch 10 or a quarter of its epochs. A schedule with restarts makes runs worse at equal
 * epochs that end better: prune only where the schedules are the same. */
#include "cmd/report/stats.h"
#include "cmd/sweep/sweep.h"

#include <math.h>

enum { WINDOW = 5, CHANGES = 10, EARLIEST = 10 };

static double level(const fpc_progress *run, int64_t e)
{
    return fpc_stats_mean(WINDOW, run->value + e - WINDOW);
}

/* Noise of one epoch's value. */
static double jitter(const fpc_progress *run)
{
    double change[CHANGES - 1];

    for (int i = 0; i < CHANGES - 1; i++) {
        const double *at = run->value + run->n - CHANGES + i;
        change[i] = at[1] - at[0];
    }
    return fpc_stats_sd(CHANGES - 1, change) / sqrt(2);
}

double fpc_sweep_best(const fpc_progress *run, int64_t epochs)
{
    double best = -INFINITY;

    for (int64_t e = 0; e < run->n && e < epochs; e++)
        best = run->value[e] > best ? run->value[e] : best; /* not where it is NAN */
    return best;
}

const char *fpc_sweep_worse(fpc_arena *arena, int64_t epochs, const fpc_progress *run, int32_t n_incumbent,
                            const fpc_progress *incumbent)
{
    const int64_t e = run->n;
    double *at = fpc_alloc(arena, ((size_t)n_incumbent + 1) * sizeof *at);
    int32_t k = 0;

    if (!at || e < EARLIEST || 4 * e < epochs)
        return NULL;
    for (int32_t i = 0; i < n_incumbent; i++)
        if (incumbent[i].n >= e)
            at[k++] = level(&incumbent[i], e);
    if (k < 2)
        return NULL;
    const double t = fpc_stats_t_quantile(0.99, k - 1), m = fpc_stats_mean(k, at), s = fpc_stats_sd(k, at),
                 j = jitter(run);
    const double mine = level(run, e), most = mine + t * sqrt(s * s + j * j / WINDOW), least = m - t * s / sqrt(k);
    if (!(most < least))
        return NULL;
    return fpc_sprintf(arena,
                       "at epoch %lld its mean of %d epochs is %.4f, at most %.4f; %d complete runs of the best recipe "
                       "had %.4f there, at least %.4f",
                       (long long)e, WINDOW, mine, most, (int)k, m, least);
}
