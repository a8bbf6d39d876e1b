/* schedule.c: what --check finds in the learning rate: a rate that rises where it was to fall, cycles that are
 * cut, a patience that cannot outlast a cycle, averages that never forget their start. The rates themselves are looked
 * at, so that schedules of other plugins are judged alike. */
#include "cmd/lint/lint_private.h"

#include <inttypes.h>
#include <string.h>

/* Epochs of the run that warm up: one that goes on with another's schedule has them behind it. */
static int64_t warmup(const lint *l)
{
    const int64_t left = (int64_t)l->s->warmup_epochs - l->s->schedule_begin;

    return left > 0 ? left : 0;
}

static double largest_rate(const lint *l)
{
    double most = 0;

    for (int64_t e = 0; e < l->s->run.epochs; e++)
        if (fpc_lint_rate(l, e) > most)
            most = fpc_lint_rate(l, e);
    return most;
}

/* A restart: the rate rises from one epoch to the next and falls again, after the warm-up. */
static int restarts_at(const lint *l, int64_t e)
{
    return fpc_lint_rate(l, e) > fpc_lint_rate(l, e - 1) &&
           (e + 1 >= l->s->run.epochs || fpc_lint_rate(l, e + 1) < fpc_lint_rate(l, e));
}

/* Schedules that look at the metric have no rates before a run. */
static int known_before(const lint *l)
{
    return l->s->schedule.plugin && strcmp(l->s->schedule.plugin->name, "plateau");
}

/* Periods between restarts: the longest within the run, and where the last one begins; their number. */
static int64_t periods(const lint *l, int64_t *longest, int64_t *last)
{
    int64_t restarts = 0;

    *last = warmup(l), *longest = 0;
    for (int64_t e = warmup(l) + 1; e < l->s->run.epochs; e++)
        if (restarts_at(l, e)) {
            restarts++;
            if (e - *last > *longest)
                *longest = e - *last;
            *last = e;
        }
    if (restarts && l->s->run.epochs - *last > *longest)
        *longest = l->s->run.epochs - *last;
    return restarts;
}

static int is_restarting(const lint *l)
{
    return known_before(l) && !strcmp(l->s->schedule.plugin->name, "warm_restarts");
}

static void patience_and_restarts(lint *l)
{
    int64_t longest, last;

    if (!is_restarting(l) || l->s->run.patience == 0 || !periods(l, &longest, &last))
        return;
    if (l->s->run.patience < longest)
        fpc_lint_found(l,
                       "%s: the schedule restarts, and its longest period within the run is %" PRId64
                       " epochs; scores fall after a restart and only pass the former best near a period's end, so "
                       "training would stop early; a patience of %" PRId64 " or more waits for it",
                       fpc_lint_where(l, "run", "patience"), longest, longest);
}

/* The last cycle is cut before it has come down. */
static void cut_cycle(lint *l)
{
    int64_t longest, last, t_0, t_mult;
    const double most = largest_rate(l), end = fpc_lint_rate(l, l->s->run.epochs - 1);

    if (!is_restarting(l) || !fpc_lint_int(&l->s->schedule, "t_0", &t_0) ||
        !fpc_lint_int(&l->s->schedule, "t_mult", &t_mult) || end < 0.1 * most)
        return;
    periods(l, &longest, &last);
    const int64_t first = (int64_t)l->s->warmup_epochs - l->s->schedule_begin;
    int64_t period = t_0, whole = first + t_0;
    while (whole < l->s->run.epochs) {
        period *= t_mult;
        whole += period;
    }
    if (whole == l->s->run.epochs)
        return;
    const int64_t before = whole - period > warmup(l) ? whole - period : whole;
    fpc_lint_found(l,
                   "%s: the run ends %" PRId64 " epochs into a cycle of %" PRId64 ", at a rate of %.3g (%.0f %% of the "
                   "largest); %" PRId64 " or %" PRId64 " epochs end with a cycle, at the least rate",
                   fpc_lint_where(l, "run", "epochs"), l->s->run.epochs - last, period, end, 100 * end / most, before,
                   whole);
}

static void cosine_length(lint *l)
{
    const int64_t usual = l->s->run.epochs - warmup(l);
    int64_t t_max;

    if (!known_before(l) || !fpc_lint_int(&l->s->schedule, "t_max", &t_max) || t_max == 0 || t_max == usual ||
        l->s->schedule_begin || l->s->schedule_epochs > l->s->run.epochs)
        return;
    const double end = fpc_lint_rate(l, l->s->run.epochs - 1);
    if (t_max < usual)
        fpc_lint_found(l,
                       "%s: the rate rises again after epoch %" PRId64 ", up to %.3g in the last one; %" PRId64
                       " (epochs - warmup_epochs) ends at the minimum",
                       fpc_lint_where(l, "schedule", "t_max"), t_max + warmup(l), end, usual);
    else
        fpc_lint_found(l,
                       "%s: the run ends before the cosine does, at a rate of %.3g; %" PRId64
                       " (epochs - warmup_epochs) ends at the minimum",
                       fpc_lint_where(l, "schedule", "t_max"), end, usual);
}

/* Values @EPOCH that no epoch of the run has. */
static void late_values(lint *l, const fpc_curve *c, int64_t begin, const char *section, const char *key)
{
    if (c->n > 1 && c->epoch[c->n - 1] > begin + l->s->run.epochs)
        fpc_lint_found(l,
                       "%s: the value from epoch %" PRId64 " on has no effect, because the run ends at epoch %" PRId64
                       "; leave it out or train longer",
                       fpc_lint_where(l, section, key), c->epoch[c->n - 1], begin + l->s->run.epochs);
}

static void late_changes(lint *l)
{
    late_values(l, &l->s->lr, l->s->schedule_begin, "optimizer", "lr");
    for (int32_t i = 0; i < l->s->n_losses; i++)
        late_values(l, &l->s->loss[i].curve, 0, l->s->loss[i].inst.self->label, "weight");
}

/* A run that patience may end while the rate is still high never sees the low rates that the schedule is made for. */
static void patience_and_decay(lint *l)
{
    const double most = largest_rate(l);

    if (!known_before(l) || l->s->run.patience == 0 || is_restarting(l) || l->s->run.epochs < 50 ||
        l->s->run.min_epochs >= l->s->run.epochs / 2)
        return;
    if (fpc_lint_rate(l, l->s->run.epochs - 1) < 0.1 * most && l->s->run.patience < l->s->run.epochs / 5)
        fpc_lint_found(l,
                       "%s: the rate falls to %.3g at the end of %" PRId64 " epochs, but %" PRId64
                       " epochs without a new best end the run; the reports' runs ended at 11 to 93 %% of their "
                       "largest rate. 0 lets the schedule end; run.min_epochs = %" PRId64 " waits for half of it",
                       fpc_lint_where(l, "run", "patience"), fpc_lint_rate(l, l->s->run.epochs - 1), l->s->run.epochs,
                       l->s->run.patience, l->s->run.epochs / 2);
}

static void only_warmup(lint *l)
{
    if (l->s->schedule.plugin && warmup(l) > 0 && warmup(l) >= l->s->run.epochs)
        fpc_lint_found(l, "%s: the warm-up is as long as the whole run of %" PRId64 " epochs; make it a tenth or less",
                       fpc_lint_where(l, "schedule", "warmup_epochs"), l->s->run.epochs);
}

static int is_zero(const fpc_curve *c)
{
    for (int64_t i = 0; i < c->n; i++)
        if (c->value[i] != 0)
            return 0;
    return 1;
}

static void zero_rate(lint *l)
{
    if (!l->s->optimizer.plugin)
        return;
    if (is_zero(&l->s->lr))
        fpc_lint_found(l, "%s: nothing is learned at a rate of 0; 1e-3 is a usual start",
                       fpc_lint_where(l, "optimizer", "lr"));
    else if (!l->s->schedule.plugin || fpc_lint_rate(l, 0) != 0)
        return;
    else if (l->s->schedule_begin >= (int64_t)l->s->warmup_epochs && l->s->schedule_begin > 0)
        fpc_lint_found(l,
                       "%s: the rate of the first epoch is 0: of the schedule's %" PRId64 " epochs %" PRId64
                       " lie behind it; a larger [schedule] epochs leaves some to learn in",
                       fpc_lint_where(l, "schedule", "begin"), l->s->schedule_epochs, l->s->schedule_begin);
    else
        fpc_lint_found(l,
                       "%s: the rate of the first epoch is 0, so that it is wasted; a warmup_start above 0 avoids "
                       "that",
                       fpc_lint_where(l, "schedule", "warmup_start"));
}

/* An average with decay d remembers about 1/(1-d) steps. */
static void slow_average(lint *l)
{
    const int64_t steps = fpc_lint_steps(l) * l->s->run.epochs;
    const double memory = l->s->run.ema > 0 ? 1 / (1 - l->s->run.ema) : 0;

    if (steps > 0 && memory * 3 > (double)steps)
        fpc_lint_found(l,
                       "%s: the average remembers about %.0f steps and the run has %" PRId64
                       ", so that it still holds much of the start; %.4g or less forgets it",
                       fpc_lint_where(l, "run", "ema"), memory, steps, steps > 10 ? 1 - 10 / (double)steps : 0.0);
}

static void late_swa(lint *l)
{
    if (l->s->run.swa_start > l->s->run.epochs)
        fpc_lint_found(l,
                       "%s: the run has %" PRId64 " epochs, so that no weights are averaged; three quarters of them "
                       "is usual",
                       fpc_lint_where(l, "run", "swa_start"), l->s->run.epochs);
}

lint_fn *const fpc_lints_of_schedule[] = {patience_and_restarts, cut_cycle, cosine_length, patience_and_decay,
                                          only_warmup,           zero_rate, slow_average,  late_swa,
                                          late_changes,          NULL};
