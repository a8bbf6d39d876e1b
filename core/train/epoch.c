/* epoch.c: the steps of one epoch: batches from the reader, optimizer steps, then the validation. Looks for a
 * cancellation between steps, and leaves the meters such that a later run goes on behind the last step. */
#define _GNU_SOURCE
#include "base/message.h"
#include "train/trainer.h"
#include "base/clock.h"

#include <math.h>
#include <string.h>

/* A mean in which older steps count less and less, so that the time left follows the machine. */
static void smooth(double *mean, double seconds, double weight)
{
    *mean = *mean > 0 ? *mean + weight * (seconds - *mean) : seconds;
}

/* ---- training ---- */

static fpc_status copy_array(fpc_arena *arena, void *held, const void *from, size_t bytes, size_t cap)
{
    void **to = held;

    if (!from)
        return FPC_OK;
    if (!*to && !(*to = fpc_alloc(arena, cap)))
        return FPC_ENOMEM;
    memcpy(*to, from, bytes);
    return FPC_OK;
}

/* Keeps a batch beyond the next call of fpc_data_next. */
static fpc_status hold(fpc_trainer *t, fpc_batch *to, const fpc_batch *from)
{
    const fpc_augments *a = fpc_data_augments(t->experiment->data);
    const size_t n = (size_t)from->n, cap = (size_t)fpc_data_options_of(t->experiment->data)->batch;
    const size_t pixels = (size_t)from->h * (size_t)from->w;
    fpc_status status;

    to->n = from->n, to->h = from->h, to->w = from->w;
    if ((status = copy_array(t->arena, &to->image, from->image, n * pixels * 3, cap * pixels * 3)) ||
        (status = copy_array(t->arena, &to->mask, from->mask, n * pixels, cap * pixels)) ||
        (status = copy_array(t->arena, &to->index, from->index, n * sizeof(int64_t), cap * sizeof(int64_t))))
        return status;
    if (!to->draws.data)
        status = fpc_draws_new(a, t->arena, (int64_t)cap, &to->draws);
    for (int32_t i = 0; i < a->n_inputs && !status; i++)
        memcpy(to->draws.data[i], from->draws.data[i], n * a->input[i].bytes);
    return status;
}

/* The micro-batches of one step: run.accumulate of them, fewer at the end of the epoch. */
static fpc_status next_group(fpc_trainer *t, const fpc_batch **batch, int32_t *n)
{
    const int64_t most = t->experiment->run.accumulate;
    fpc_status status;

    for (*n = 0; *n < most; ++*n) {
        if ((status = fpc_data_next(t->experiment->data, &batch[*n])))
            return status;
        if (!batch[*n])
            break;
        if (most > 1) {
            if ((status = hold(t, &t->held[*n], batch[*n])))
                return status;
            batch[*n] = &t->held[*n];
        }
    }
    return FPC_OK;
}

static fpc_status tell_step(fpc_trainer *t, const fpc_step_result *r)
{
    const fpc_clock clock = fpc_trainer_clock(t);
    const fpc_field field[] = {fpc_field_real("loss", r->loss), fpc_field_real("lr", t->lr),
                               fpc_field_real("images_per_s", t->step_seconds > 0 ? r->images / t->step_seconds : 0),
                               fpc_field_real("seconds_left", fpc_trainer_left(t, 0)),
                               fpc_field_real("elapsed", fpc_clock_now() - t->began)};

    return fpc_events_send(t->events, FPC_STEP, &clock, sizeof field / sizeof *field, field);
}

/* The time of a step: from the last one's results to these. When the hours are over, all ends as by a signal. */
static void time_step(fpc_trainer *t, double *since)
{
    const double now = fpc_clock_now(), hours = t->experiment->run.hours;

    if (hours > 0 && now - t->began >= 3600 * hours && !fpc_ctx_cancelled(t->ctx)) {
        t->out_of_time = 1;
        fpc_ctx_cancel(t->ctx);
    }

    t->steps_timed++;
    smooth(&t->step_seconds, now - *since, t->steps_timed < 20 ? 1 / (double)t->steps_timed : 0.05);
    *since = now;
}

/* The results of queued steps, as far as they are there, or all of them. */
static fpc_status take_steps(fpc_trainer *t, int all, double *since)
{
    fpc_step_result r;
    fpc_status status;
    int got;

    while (!(status = fpc_queue_take(t->experiment, all, &r, &got)) && got) {
        if ((status = fpc_meter_add(&t->train, t->ctx, t->experiment, &r, 1, &r.images)))
            return status;
        t->step++;
        time_step(t, since);
        if ((status = tell_step(t, &r)))
            return status;
    }
    return status;
}

/* Steps of one batch each, up to FPC_QUEUE_DEPTH of them ahead of their results. Whatever ends it, every step that was
 * queued is taken, so that the meters and the weights tell of the same steps. */
static fpc_status train_queued(fpc_trainer *t)
{
    int64_t queued = t->train.steps;
    const int64_t ahead = t->step - t->train.steps;
    double since = fpc_clock_now();
    const fpc_batch *batch;
    fpc_status status = FPC_OK, rest;

    while (!status && queued < t->steps_per_epoch && !fpc_ctx_cancelled(t->ctx)) {
        if ((status = fpc_data_next(t->experiment->data, &batch)))
            break;
        if (!batch)
            return fpc_fail(t->ctx, FPC_EINTERNAL, "epoch %lld ended after %lld of %lld steps", (long long)t->epoch + 1,
                            (long long)queued, (long long)t->steps_per_epoch);
        queued++;
        status = fpc_train_queue(t->experiment, batch, ahead + queued, t->lr);
        if (!status)
            status = take_steps(t, 0, &since);
    }
    if (status == FPC_ENAN)
        return status;
    rest = take_steps(t, 1, &since);
    if (!status)
        status = rest;
    return !status && queued < t->steps_per_epoch ? FPC_ECANCEL : status;
}

static fpc_status train_waiting(fpc_trainer *t)
{
    const fpc_batch **batch = t->group;
    int32_t *images = t->group_images;
    double since = fpc_clock_now();
    fpc_step_result r;
    fpc_status status = FPC_OK;

    while (!status && t->train.steps < t->steps_per_epoch) {
        int32_t n;

        if (fpc_ctx_cancelled(t->ctx))
            return FPC_ECANCEL;
        if ((status = next_group(t, batch, &n)))
            return status;
        if (n == 0)
            return fpc_fail(t->ctx, FPC_EINTERNAL, "epoch %lld ended after %lld of %lld steps", (long long)t->epoch + 1,
                            (long long)t->train.steps, (long long)t->steps_per_epoch);
        for (int32_t i = 0; i < n; i++)
            images[i] = batch[i]->n;
        if ((status = fpc_train_step(t->experiment, n, batch, t->step + 1, t->lr, &r)) ||
            (status = fpc_meter_add(&t->train, t->ctx, t->experiment, &r, n, images)))
            return status;
        t->step++;
        time_step(t, &since);
        status = tell_step(t, &r);
    }
    return status;
}

fpc_status fpc_trainer_train(fpc_trainer *t)
{
    const fpc_status status =
        t->train.steps >= t->steps_per_epoch /* cut during the validation */
            ? FPC_OK
            : fpc_data_start(t->experiment->data, FPC_TRAIN, t->epoch, t->train.steps * t->experiment->run.accumulate);

    if (status || t->train.steps >= t->steps_per_epoch)
        return status;
    return fpc_experiment_queued(t->experiment) ? train_queued(t) : train_waiting(t);
}

/* ---- validation ---- */

static fpc_status tell_eval(fpc_trainer *t)
{
    const fpc_clock clock = fpc_trainer_clock(t);
    const fpc_field field[] = {fpc_field_int("done", t->val.batches), fpc_field_int("total", t->val_batches),
                               fpc_field_real("seconds_left", fpc_trainer_left(t, t->val.batches)),
                               fpc_field_real("elapsed", fpc_clock_now() - t->began)};

    return fpc_events_send(t->events, FPC_EVAL, &clock, sizeof field / sizeof *field, field);
}

/* What a validated batch counts for. */
static fpc_status take_batch(fpc_trainer *t, const fpc_step_result *r, double *since)
{
    const double now = fpc_clock_now();
    fpc_status status = fpc_meter_add(&t->val, t->ctx, t->experiment, r, 1, &r->images);

    if (!status && !isfinite(r->loss))
        status = fpc_fail(t->ctx, FPC_ENAN, "the validation loss of epoch %lld, batch %lld, is not finite",
                          (long long)t->epoch + 1, (long long)t->val.batches);
    smooth(&t->eval_seconds, now - *since, 0.1);
    *since = now;
    return status ? status : tell_eval(t);
}

static fpc_status take_batches(fpc_trainer *t, int all, double *since)
{
    fpc_step_result r;
    fpc_status status;
    int got;

    while (!(status = fpc_queue_take(t->experiment, all, &r, &got)) && got)
        if ((status = take_batch(t, &r, since)))
            break;
    return status;
}

/* One batch, done or queued. */
static fpc_status validate_batch(fpc_trainer *t, const fpc_batch *batch, double *since)
{
    fpc_step_result r;
    fpc_status status;

    if (fpc_experiment_queued(t->experiment)) {
        status = fpc_eval_queue(t->experiment, batch);
        return status ? status : take_batches(t, 0, since);
    }
    status = fpc_eval_step(t->experiment, batch, &r);
    return status ? status : take_batch(t, &r, since);
}

fpc_status fpc_trainer_validate(fpc_trainer *t)
{
    double since = fpc_clock_now();
    const fpc_batch *batch = NULL;
    fpc_status status, rest;

    fpc_meter_clear(&t->val);
    if (t->val_images == 0)
        return FPC_OK;
    status = fpc_data_start(t->experiment->data, FPC_VAL, t->epoch, 0);
    while (!status && !fpc_ctx_cancelled(t->ctx)) {
        if ((status = fpc_data_next(t->experiment->data, &batch)) || !batch)
            break;
        status = validate_batch(t, batch, &since);
    }
    if (!fpc_experiment_queued(t->experiment) || status)
        return status ? status : fpc_ctx_cancelled(t->ctx) ? FPC_ECANCEL : FPC_OK;
    rest = take_batches(t, 1, &since);
    return rest ? rest : fpc_ctx_cancelled(t->ctx) ? FPC_ECANCEL : FPC_OK;
}
