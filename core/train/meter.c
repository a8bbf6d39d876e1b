/* meter.c: sums over an epoch, and the row of the record that they make. Metrics see the counts of each batch in
 * order when the epoch is over, so that nothing but the counts has to be kept when a run is cut in its middle. */
#include "base/message.h"
#include "train/check.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

fpc_status fpc_meter_open(fpc_meter *meter, fpc_arena *arena, int64_t images, int64_t batches, int32_t classes)
{
    meter->cap_images = images;
    meter->cap_batches = batches;
    meter->counts = fpc_alloc(arena, (size_t)images * (size_t)classes * 3 * sizeof *meter->counts);
    meter->batch_images = fpc_alloc(arena, (size_t)batches * sizeof *meter->batch_images);
    return meter->counts && meter->batch_images ? FPC_OK : FPC_ENOMEM;
}

void fpc_meter_clear(fpc_meter *meter)
{
    meter->loss = meter->grad_norm = 0;
    memset(meter->term, 0, sizeof meter->term);
    meter->images = meter->steps = meter->batches = meter->skipped = 0;
}

fpc_status fpc_meter_add(fpc_meter *meter, fpc_ctx *ctx, const fpc_experiment *experiment, const fpc_step_result *r,
                         int32_t n_batches, const int32_t *batch)
{
    const size_t numbers = (size_t)experiment->classes * 3;

    if (meter->images + r->images > meter->cap_images || meter->batches + n_batches > meter->cap_batches)
        return fpc_fail(ctx, FPC_EINTERNAL, "an epoch brought more than its %lld images in %lld batches",
                        (long long)meter->cap_images, (long long)meter->cap_batches);
    memcpy(meter->counts + (size_t)meter->images * numbers, r->tp_fp_fn,
           (size_t)r->images * numbers * sizeof *r->tp_fp_fn);
    for (int32_t i = 0; i < n_batches; i++)
        meter->batch_images[meter->batches++] = batch[i];
    meter->loss += r->loss * r->images;
    if (r->skipped)
        meter->skipped++;
    else
        meter->grad_norm += r->grad_norm;
    for (int32_t i = 0; i < experiment->n_losses && i < FPC_MAX_LOSSES; i++)
        meter->term[i] += r->term[i] * r->images;
    meter->images += r->images;
    meter->steps++;
    return FPC_OK;
}

/* ---- the row of an epoch, in the order of train/check.c ---- */

static const fpc_metric_vtbl *metric_of(const fpc_experiment_metric *m)
{
    return m->inst.vtbl;
}

static int has_classes(const fpc_experiment_metric *m)
{
    const fpc_metric_vtbl *v = metric_of(m);

    return v->per_class != NULL;
}

static int32_t terms_of(const fpc_experiment *s)
{
    return s->n_losses < FPC_MAX_LOSSES ? s->n_losses : FPC_MAX_LOSSES;
}

fpc_status fpc_trainer_columns(fpc_trainer *t)
{
    fpc_columns columns;
    fpc_status status;

    if ((status = fpc_columns_of(t->experiment, t->arena, t->val_images > 0, &columns)))
        return status;
    t->monitor_column = columns.monitor;
    if (!(t->row = fpc_alloc(t->arena, (size_t)columns.n * sizeof *t->row)))
        return FPC_ENOMEM;
    return fpc_events_columns(t->events, t->arena, columns.n, columns.name);
}

/* Feeds the counts of an epoch to a metric. */
static double measure(const fpc_experiment *s, const fpc_meter *meter, const fpc_experiment_metric *m)
{
    const fpc_metric_vtbl *v = metric_of(m);
    const int32_t *at = meter->counts;

    FPC_CALL_VOID(m->inst.who, v->reset(m->inst.self, s->classes));
    for (int64_t b = 0; b < meter->batches; b++) {
        const fpc_counts counts = {sizeof counts, (int32_t)meter->batch_images[b], s->classes, at};
        FPC_CALL_VOID(m->inst.who, v->update(m->inst.self, &counts));
        at += meter->batch_images[b] * s->classes * 3;
    }
    return meter->batches ? FPC_CALL(m->inst.who, v->value(m->inst.self)) : NAN;
}

static double mean(double sum, int64_t n)
{
    return n ? sum / (double)n : NAN;
}

void fpc_trainer_row(fpc_trainer *t)
{
    const fpc_experiment *s = t->experiment;
    double *at = t->row, *extra = t->row + 2 * (1 + s->n_metrics) + 1;

    *at++ = mean(t->train.loss, t->train.images);
    for (int32_t i = 0; i < s->n_metrics; i++)
        *at++ = measure(s, &t->train, &s->metric[i]);
    *at++ = mean(t->val.loss, t->val.images);
    for (int32_t i = 0; i < s->n_metrics; i++) {
        *at++ = measure(s, &t->val, &s->metric[i]);
        if (!has_classes(&s->metric[i]))
            continue;
        if (t->val.batches)
            metric_of(&s->metric[i])->per_class(s->metric[i].inst.self, extra);
        for (int32_t c = 0; c < s->classes && !t->val.batches; c++)
            extra[c] = NAN;
        extra += s->classes;
    }
    *at = t->lr;
    *extra++ = mean(t->train.grad_norm, t->train.steps - t->train.skipped);
    for (int32_t i = 0; i < terms_of(s); i++)
        *extra++ = mean(t->train.term[i], t->train.images);
    for (int32_t i = 0; i < terms_of(s); i++)
        *extra++ = mean(t->val.term[i], t->val.images);
    for (int32_t i = 0; i < s->n_losses; i++)
        if (fpc_curve_varies(&s->loss[i].curve))
            *extra++ = s->loss[i].weight;
}
