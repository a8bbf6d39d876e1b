/* halving.c: `sweep --halving R`: successive halving (Jamieson and Talwalkar 2016). With G recipes or samples and E
 * epochs there are K rungs, the largest K with R^K <= G and R^K <= E; rung k lies at E / R^(K-k+1) epochs. All are
 * trained to the first one, the best G / R^k go on behind rung k, the last ones to the end. What counts at a rung is
 * the best value of the monitored metric so far, the mean over the seeds: what compare ranks by. All of it is computed
 * anew from the histories each time, so that a sweep which goes on, or has more samples than before, decides as if it
 * had never been cut. By rank alone: the noise of --prune's rule is known from complete runs, and at a rung there are
 * none. */
#include "cmd/sweep/sweep.h"
#include "base/print.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* R^exponent, as far as it is of use. */
static int64_t power(int64_t base, int exponent)
{
    int64_t p = 1;

    while (exponent-- > 0 && p <= INT32_MAX)
        p *= base;
    return p;
}

static int32_t rungs(const fpc_sweep *s)
{
    int32_t k = 0;

    while (power(s->halving, k + 1) <= s->n_groups && power(s->halving, k + 1) <= s->trial[0].epochs)
        k++;
    return k;
}

static int64_t rung_epoch(const fpc_sweep *s, int32_t rung)
{
    return s->trial[0].epochs / power(s->halving, rungs(s) - rung + 1);
}

/* How many go on behind a rung; behind 0 all. */
static int32_t kept(const fpc_sweep *s, int32_t rung)
{
    return (int32_t)(s->n_groups / power(s->halving, rung));
}

fpc_status fpc_sweep_halving_check(const fpc_sweep *s)
{
    fpc_ctx *ctx = s->cmd->ctx;
    const fpc_trial *first = &s->trial[0];

    for (int32_t i = 0; i < s->n; i += s->each) {
        const fpc_trial *c = &s->trial[i];
        if (c->epochs != first->epochs)
            return fpc_fail(ctx, FPC_EINVAL,
                            "fpcore sweep: --halving: %s has %lld epochs and %s %lld; rungs are for runs of one length",
                            first->label, (long long)first->epochs, c->label, (long long)c->epochs);
        if (strcmp(c->column, first->column) != 0 || c->sign != first->sign)
            return fpc_fail(ctx, FPC_EINVAL,
                            "fpcore sweep: --halving: %s is judged by %s and %s by %s; run.metric has to be one",
                            first->label, first->column, c->label, c->column);
    }
    if (s->n_groups < s->halving)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --halving %lld: the sweep has %d %s to choose from; give %lld or more",
                        (long long)s->halving, (int)s->n_groups,
                        fpc_word(s->n_groups, "recipe or value", "recipes or values"), (long long)s->halving);
    if (first->epochs < s->halving)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --halving %lld: of %lld %s none lies at one part in %lld of them",
                        (long long)s->halving, (long long)first->epochs, fpc_word(first->epochs, "epoch", "epochs"),
                        (long long)s->halving);
    return FPC_OK;
}

void fpc_sweep_halving_plan(const fpc_sweep *s)
{
    fpc_print("halving: %d to epoch %lld", (int)s->n_groups, (long long)rung_epoch(s, 1));
    for (int32_t k = 1; k <= rungs(s); k++)
        fpc_print(", the best %d to epoch %lld", (int)kept(s, k), (long long)rung_epoch(s, k + 1));
    fpc_print("\n");
}

void fpc_sweep_halving_told(const fpc_sweep *s)
{
    fpc_print("halving:");
    for (int32_t k = 1; k <= s->rungs_judged; k++) {
        int stopped = 0;
        for (int32_t i = 0; i < s->n; i += s->each)
            stopped += s->trial[i].rung == k;
        fpc_print("%s %d stopped at epoch %lld", k > 1 ? "," : "", stopped, (long long)rung_epoch(s, k));
    }
    fpc_print("%s; of %d %s\n", s->rungs_judged ? "" : " no rung was reached", (int)s->n_groups,
              fpc_word(s->n_groups, "recipe or value", "recipes or values"));
}

/* ---- a rung ---- */

typedef struct place {
    int32_t group;
    double score; /* higher is better; -INFINITY: a run of it diverged, or has no value */
} place;

static int by_score(const void *a, const void *b)
{
    const place *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

static fpc_status score_of(fpc_sweep *s, fpc_arena *arena, int32_t group, int64_t epoch, double *out)
{
    double sum = 0;

    for (int32_t i = group * s->each; i < (group + 1) * s->each; i++) {
        fpc_trial *c = &s->trial[i];
        fpc_progress run = {0};
        if (c->state != FPC_TRIAL_DIVERGED && c->folder)
            run.value = fpc_sweep_history(s->cmd->ctx, arena, c, &run.n);
        if (run.n > 0 && !run.value)
            return FPC_ENOMEM;
        sum += fpc_sweep_best(&run, epoch);
    }
    *out = sum / s->each;
    return FPC_OK;
}

static fpc_status stop_group(fpc_sweep *s, int32_t group, int32_t rung, const char *why)
{
    if (!why)
        return FPC_ENOMEM;
    for (int32_t i = group * s->each; i < (group + 1) * s->each; i++) {
        s->trial[i].rung = rung;
        if (s->trial[i].state != FPC_TRIAL_CUT && s->trial[i].state != FPC_TRIAL_NEW)
            continue; /* it is complete from a sweep before, or diverged */
        s->trial[i].state = FPC_TRIAL_PRUNED;
        s->trial[i].why = why;
    }
    return FPC_OK;
}

/* Ranks those that are at the rung; the worse ones are stopped. What is as good as the last that goes on goes on too.
 */
static fpc_status judge_all(fpc_sweep *s, fpc_arena *arena, int32_t rung)
{
    const int64_t epoch = rung_epoch(s, rung);
    const double sign = s->trial[0].sign;
    place *list = fpc_alloc(arena, (size_t)s->n_groups * sizeof *list);
    int32_t n = 0, stopped = 0, most = kept(s, rung);
    fpc_status status = FPC_OK;

    if (!list)
        return FPC_ENOMEM;
    for (int32_t g = 0; g < s->n_groups && !status; g++)
        if (!s->trial[g * s->each].rung) {
            list[n].group = g;
            status = score_of(s, arena, g, epoch, &list[n++].score);
        }
    if (status)
        return status;
    qsort(list, (size_t)n, sizeof *list, by_score);
    if (most > n)
        most = n;
    for (int32_t i = most; i < n && !status; i++) {
        const double least = list[most - 1].score;
        if (list[i].score == least && isfinite(least))
            continue;
        stopped++;
        status = stop_group(
            s, list[i].group, rung,
            isfinite(list[i].score)
                ? fpc_sprintf(s->cmd->arena,
                              "halving, rung %d, epoch %lld: place %d of %d by its best %s so far, %.6g; %.6g went on",
                              (int)rung, (long long)epoch, (int)i + 1, (int)n, s->trial[0].column, sign * list[i].score,
                              sign * least)
                : fpc_sprintf(s->cmd->arena, "halving, rung %d, epoch %lld: a run of it diverged, or has no value",
                              (int)rung, (long long)epoch));
    }
    fpc_log(s->cmd->ctx, FPC_LOG_INFO, "halving: epoch %lld: %d stopped, %d %s on", (long long)epoch, (int)stopped,
            (int)(n - stopped), fpc_word(n - stopped, "goes", "go"));
    s->rungs_judged = rung;
    return status;
}

/* Whether all that are still in it are at the rung. Those were stopped there by the sweep itself, and may go on. */
static int all_there(fpc_sweep *s)
{
    int missing = 0;

    for (int32_t i = 0; i < s->n; i++) {
        fpc_trial *c = &s->trial[i];
        if (c->state == FPC_TRIAL_CUT && s->until && c->epochs_done >= s->until)
            c->asked = c->again = 0;
        else
            missing += c->state == FPC_TRIAL_NEW || c->state == FPC_TRIAL_CUT || c->state == FPC_TRIAL_FAILED;
    }
    return !missing;
}

fpc_status fpc_sweep_halving(fpc_sweep *s, fpc_status (*train)(fpc_sweep *), fpc_status (*note)(fpc_sweep *))
{
    const int32_t n = rungs(s);
    fpc_status status = FPC_OK;

    for (int32_t k = 1; k <= n + 1 && !status; k++) {
        s->until = k <= n ? rung_epoch(s, k) : 0;
        if ((status = train(s)) || (status = fpc_sweep_find(s)) || !all_there(s) || k > n)
            break;
        fpc_arena *arena = fpc_arena_new(s->cmd->ctx);
        status = arena ? judge_all(s, arena, k) : FPC_ENOMEM;
        fpc_arena_free(arena);
        if (!status)
            status = note(s);
    }
    return status;
}
