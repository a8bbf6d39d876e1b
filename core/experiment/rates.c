/* rates.c: what changes from epoch to epoch: the weights of the losses and the learning rate. */
#include "experiment/experiment.h"

#include <math.h>

int fpc_curve_varies(const fpc_curve *c)
{
    for (int64_t i = 1; i < c->n; i++)
        if (c->value[i] != c->value[0])
            return 1;
    return 0;
}

void fpc_experiment_epoch(fpc_experiment *s, int64_t epoch)
{
    for (int32_t i = 0; i < s->n_losses; i++)
        s->loss[i].weight = fpc_curve_at(&s->loss[i].curve, epoch);
}

double fpc_experiment_base_lr(const fpc_experiment *s, int64_t epoch)
{
    return fpc_curve_at(&s->lr, s->schedule_begin + epoch);
}

double fpc_experiment_lr(const fpc_experiment *s, int64_t epoch, const fpc_history *history)
{
    const fpc_schedule_vtbl *v = s->schedule.vtbl;
    const int64_t warm = (int64_t)s->warmup_epochs, at = s->schedule_begin + epoch;
    const double lr = fpc_experiment_base_lr(s, epoch);
    if (at < warm)
        return lr * (s->warmup_start + (1 - s->warmup_start) * (double)at / (double)warm);
    const fpc_clock clock = {
        .size = sizeof clock, .epoch = at - warm, .epochs = s->schedule_epochs - warm, .base_lr = lr};
    const double factor = lr == 0 ? 0 : FPC_CALL(s->schedule.who, v->factor(s->schedule.self, &clock, history));
    if (isfinite(factor) && factor >= 0)
        return lr * factor;
    fpc_fail(s->ctx, FPC_EINVAL,
             "[schedule]: schedule/%s gives the factor %g for epoch %lld; factors are numbers from 0 on",
             s->schedule.plugin->name, factor, (long long)epoch);
    return NAN;
}
