/* loop.c: the training loop. An epoch is: the rate of the schedule, the steps, the validation, best.safetensors where
 * the monitored metric rose, a row in the record, last.safetensors, and only then the loggers. last.safetensors is the
 * truth: whatever the moment at which a run is cut, it goes on from there to the same bytes as if it had not been cut.
 */
#define _GNU_SOURCE
#include "base/text.h"
#include "record/run_files.h"
#include "train/loop.h"
#include "base/message.h"
#include "train/check.h"
#include "train/identity.h"
#include "train/trainer.h"
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLES_EVERY = 60 /* seconds */ };

/* ---- beginning ---- */

static fpc_status measure_epoch(fpc_trainer *t)
{
    const fpc_experiment *s = t->experiment;
    const fpc_dataset_info *info = fpc_data_info(s->data);
    const int64_t batches = fpc_data_batches(s->data, FPC_TRAIN);
    fpc_status status;

    t->steps_per_epoch = (batches + s->run.accumulate - 1) / s->run.accumulate;
    t->val_images = info->unlabelled[FPC_VAL] ? 0 : info->count[FPC_VAL];
    t->val_batches = t->val_images ? fpc_data_batches(s->data, FPC_VAL) : 0;
    if (batches < 1)
        return fpc_fail(t->ctx, FPC_EINVAL, "dataset.batch: the %lld training images do not fill one batch of %lld",
                        (long long)info->count[FPC_TRAIN], (long long)fpc_data_options_of(s->data)->batch);
    if (t->val_images == 0)
        fpc_log(t->ctx, FPC_LOG_WARN,
                "the data set has no labelled validation images: the training metric picks the best checkpoint");
    if ((status = fpc_meter_open(&t->train, t->arena, info->count[FPC_TRAIN], batches, s->classes)) ||
        (status = fpc_meter_open(&t->val, t->arena, t->val_images, t->val_batches, s->classes)))
        return status;
    t->held = fpc_alloc(t->arena, (size_t)s->run.accumulate * sizeof *t->held);
    t->group = fpc_alloc(t->arena, (size_t)s->run.accumulate * sizeof *t->group);
    t->group_images = fpc_alloc(t->arena, (size_t)s->run.accumulate * sizeof *t->group_images);
    return t->held && t->group && t->group_images ? FPC_OK : FPC_ENOMEM;
}

static fpc_status start_afresh(fpc_trainer *t)
{
    const fpc_status status = fpc_trainer_init(t);

    return status ? status : fpc_trainer_new_folder(t);
}

static fpc_status tell_begin(fpc_trainer *t)
{
    const fpc_experiment *s = t->experiment;
    const fpc_clock clock = fpc_trainer_clock(t);
    const fpc_field field[] = {fpc_field_text("run_dir", t->folder),
                               fpc_field_text("name", s->run.name),
                               fpc_field_int("epochs", s->run.epochs),
                               fpc_field_int("steps_per_epoch", t->steps_per_epoch),
                               fpc_field_int("params", s->state->n_trainable),
                               fpc_field_int("train_images", fpc_data_info(s->data)->count[FPC_TRAIN]),
                               fpc_field_int("val_images", t->val_images),
                               fpc_field_int("batch", fpc_data_options_of(s->data)->batch),
                               fpc_field_int("resumed", t->resumed),
                               fpc_field_text("recipe", t->recipe),
                               fpc_field_text("model", s->model.plugin->name),
                               fpc_field_text("backend", s->backend->inst.plugin->name),
                               fpc_field_text("monitor", t->events->record.column[t->monitor_column]),
                               fpc_field_int("higher_is_better", t->higher),
                               fpc_field_int("best_epoch", t->best_epoch),
                               fpc_field_real("unix_time", fpc_clock_unix())};

    return fpc_events_send(t->events, FPC_RUN_BEGIN, &clock, sizeof field / sizeof *field, field);
}

/* A longer run stretches a schedule over its length, so that the rate goes up again where it had come down. */
static void note_rate(const fpc_trainer *t)
{
    const fpc_record *record = &t->events->record;
    const fpc_history history = {sizeof history, record->n_rows, record->value[t->monitor_column]};
    const int64_t epochs = t->experiment->run.epochs;
    double now, last = NAN;

    if (t->epoch < 1 || t->epoch >= epochs || t->epochs_before == epochs)
        return;
    for (int32_t i = 0; i < record->n_columns; i++)
        if (!strcmp(record->column[i], "lr"))
            last = record->value[i][record->n_rows - 1];
    now = fpc_experiment_lr(t->experiment, t->epoch, &history);
    if (now > 1.01 * last)
        fpc_log(t->ctx, FPC_LOG_WARN,
                "run.epochs = %lld, so far %lld: epoch %lld has rate %.3g, the one before had %.3g, as the schedule "
                "spans more epochs now; to go on at a low rate, start a run with run.init_from = %s, "
                "run.init_optimizer = hybrid and a schedule of its own",
                (long long)epochs, (long long)t->epochs_before, (long long)t->epoch + 1, now, last, t->folder);
}

static fpc_status begin(fpc_trainer *t)
{
    fpc_status status;

    if ((status = fpc_run_check(t->experiment, t->resumed)) || (status = measure_epoch(t)) ||
        (status = fpc_experiment_fit(t->experiment)) || (status = fpc_experiment_queue(t->experiment)) ||
        (status = fpc_events_new(t->ctx, t->arena, t->experiment->registry, t->experiment->n_loggers,
                                 t->experiment->logger, &t->events)) ||
        (status = fpc_trainer_columns(t)) ||
        (status = fpc_identity_of(t->experiment, t->arena, &t->recipe, &t->identity, &t->own_classes)) ||
        (status = fpc_seen_of(t->experiment, t->arena, &t->seen)) ||
        (status = t->resumed ? fpc_trainer_old_folder(t) : start_afresh(t)))
        return status;
    if (t->resumed && t->best_epoch >= 0 && access(fpc_trainer_path(t, FPC_RUN_BEST), R_OK))
        fpc_log(t->ctx, FPC_LOG_WARN,
                "%s/best.safetensors is missing; it comes back with the next epoch that is better", t->folder);
    if (t->resumed)
        note_rate(t);
    fpc_ctx_training(t->ctx, t->folder); /* before anybody is told that it has begun */
    return tell_begin(t);
}

/* ---- an epoch ---- */

static int finished(const fpc_trainer *t)
{
    return t->epoch >= t->experiment->run.epochs || fpc_trainer_out_of_patience(t);
}

static fpc_status tell_checkpoint(fpc_trainer *t, const char *path, int best)
{
    const fpc_clock clock = fpc_trainer_clock(t);
    const fpc_field field[] = {fpc_field_text("path", path), fpc_field_int("best", best)};

    return fpc_events_send(t->events, FPC_CHECKPOINT, &clock, 2, field);
}

static fpc_status save_best(fpc_trainer *t)
{
    fpc_status status;

    if ((status = fpc_trainer_save_best(t, fpc_trainer_path(t, FPC_RUN_BEST), t->epoch + 1, fpc_trainer_score(t))) ||
        (status = fpc_trainer_save_validation(t, t->epoch + 1)))
        return status;
    return t->samples_at <= 0 || fpc_clock_now() - t->samples_at > SAMPLES_EVERY
               ? fpc_trainer_tell_samples(t, t->epoch + 1)
               : FPC_OK;
}

/* With the weights in place. An epoch without a validation has a row all the same, and pictures. */
static fpc_status validate_these(fpc_trainer *t)
{
    fpc_status status;

    if (!fpc_trainer_validates(t, t->epoch)) {
        fpc_meter_clear(&t->val);
        fpc_trainer_row(t);
        return fpc_trainer_take_pictures(t);
    }
    if ((status = fpc_trainer_validate(t)))
        return status;
    fpc_trainer_row(t);
    if ((status = fpc_trainer_check_validated(t)) || (status = fpc_trainer_save_ranked(t)) ||
        (fpc_trainer_better(t, fpc_trainer_score(t)) && (status = save_best(t))))
        return status;
    return fpc_trainer_take_pictures(t);
}

/* Validates with the averages where there are any; what is best is saved as it was validated. */
static fpc_status validate(fpc_trainer *t)
{
    const int averaged = t->experiment->run.ema > 0;
    fpc_status status, back = FPC_OK;

    if (averaged && (status = fpc_state_exchange_average(t->experiment->state)))
        return status;
    status = validate_these(t);
    if (averaged)
        back = fpc_state_exchange_average(t->experiment->state);
    return status ? status : back;
}

static fpc_status tell_epoch(fpc_trainer *t, fpc_clock clock, int is_best)
{
    const fpc_record *record = &t->events->record;
    const double seconds = (t->whole_ended = fpc_clock_now()) - t->epoch_began;
    fpc_arena *arena = fpc_arena_new(t->ctx);
    fpc_field *field = arena ? fpc_alloc(arena, ((size_t)record->n_columns + 8) * sizeof *field) : NULL;
    fpc_status status = FPC_ENOMEM;
    int32_t n = 0;

    if (field) {
        for (; n < record->n_columns; n++)
            field[n] = fpc_field_real(record->column[n], t->row[n]);
        field[n++] = fpc_field_int("best", is_best);
        field[n++] = fpc_field_real("seconds", seconds);
        field[n++] = fpc_field_real("seconds_left", finished(t) ? 0 : fpc_trainer_left(t, 0));
        field[n++] = fpc_field_real("elapsed", fpc_clock_now() - t->began);
        field[n++] = fpc_field_real("unix_time", fpc_clock_unix());
        field[n++] = fpc_field_int("best_epoch", t->best_epoch);
        status = fpc_events_send(t->events, FPC_EPOCH, &clock, n, field);
    }
    fpc_arena_free(arena);
    return status;
}

/* Of the epoch that is over. Now and then a step is skipped to find how large the factor may be; a whole epoch of them
 * learned nothing. */
static void tell_skipped(const fpc_trainer *t)
{
    if (t->train.skipped)
        fpc_log(
            t->ctx, t->train.skipped == t->train.steps ? FPC_LOG_WARN : FPC_LOG_INFO,
            "epoch %lld: fp16 overflowed in %lld of %lld steps, which were skipped; the loss scaling was halved each "
            "time",
            (long long)t->epoch, (long long)t->train.skipped, (long long)t->train.steps);
}

/* The epoch becomes part of the record and of last.safetensors; then people are told. */
static fpc_status conclude(fpc_trainer *t)
{
    const double value = fpc_trainer_score(t);
    const fpc_clock clock = fpc_trainer_clock(t);
    const int is_best = fpc_trainer_better(t, value);
    fpc_status status;

    if ((status = fpc_events_row(t->events, t->arena, t->row)) || (status = fpc_trainer_swa_epoch(t)))
        return status;
    if (is_best) {
        t->best = value;
        t->best_epoch = t->epoch;
    }
    t->waited = fpc_trainer_waited(t);
    t->epoch++;
    tell_skipped(t);
    fpc_meter_clear(&t->train);
    if ((status = fpc_trainer_save(t, t->folder)))
        return status;
    fpc_trainer_prune(t);
    if ((is_best && (status = tell_checkpoint(t, fpc_trainer_path(t, FPC_RUN_BEST), 1))) ||
        (status = tell_checkpoint(t, fpc_trainer_path(t, FPC_RUN_LAST), 0)))
        return status;
    status = tell_epoch(t, clock, is_best);
    return status ? status : fpc_trainer_watch(t, &clock);
}

static fpc_status run_epoch(fpc_trainer *t)
{
    const fpc_record *record = &t->events->record;
    const fpc_history history = {sizeof history, record->n_rows, record->value[t->monitor_column]};
    fpc_status status;

    fpc_trainer_time_epoch(t);
    fpc_experiment_epoch(t->experiment, t->epoch);
    t->lr = fpc_experiment_lr(t->experiment, t->epoch, &history);
    if (isnan(t->lr))
        return fpc_ctx_status(t->experiment->ctx);
    if ((status = fpc_trainer_train(t)) || (status = fpc_trainer_check_shown(t)) || (status = validate(t)))
        return status;
    return conclude(t);
}

/* ---- ending ---- */

/* folder NULL: it goes. */
static fpc_status tell_end(fpc_trainer *t, const char *how, const char *folder)
{
    const fpc_clock clock = fpc_trainer_clock(t);
    const fpc_field field[] = {fpc_field_text("status", how),
                               fpc_field_real("best_value", t->best_epoch >= 0 ? t->best : NAN),
                               fpc_field_int("best_epoch", t->best_epoch),
                               fpc_field_real("seconds", fpc_clock_now() - t->began),
                               fpc_field_text("run_dir", folder ? folder : ""),
                               fpc_field_real("unix_time", fpc_clock_unix())};

    return fpc_events_send(t->events, FPC_RUN_END, &clock, sizeof field / sizeof *field, field);
}

/* The last pictures and the confusion of labels are those of the best weights. */
static fpc_status look_at_best(fpc_trainer *t)
{
    const char *best = fpc_trainer_path(t, FPC_RUN_BEST);
    fpc_status status;

    if (t->best_epoch < 0 || access(best, R_OK))
        return FPC_OK;
    if ((status = fpc_weights_load(t->ctx, t->experiment->state, best)) ||
        (status = fpc_trainer_tell_samples(t, t->best_epoch + 1)))
        return status;
    return fpc_trainer_confusion(t);
}

/* Saves the middle of the epoch; the sentence says how to go on. */
static fpc_status interrupted(fpc_trainer *t)
{
    fpc_status status = fpc_trainer_save(t, t->folder);

    if (status)
        return status;
    if (t->at_until)
        return fpc_fail(t->ctx, FPC_ECANCEL,
                        "epoch %lld of %lld is over (--until); saved. To go on: fpcore --resume %s",
                        (long long)t->epoch, (long long)t->experiment->run.epochs, t->folder);
    return fpc_fail(t->ctx, FPC_ECANCEL,
                    "%s in epoch %lld after step %lld of %lld; saved. To go on: fpcore --resume %s",
                    t->out_of_time ? "run.hours are over" : "interrupted", (long long)t->epoch + 1,
                    (long long)t->train.steps, (long long)t->steps_per_epoch, t->folder);
}

static fpc_run_end ending_of(const fpc_trainer *t, fpc_status status)
{
    return status == FPC_OK        ? t->epoch < t->experiment->run.epochs ? FPC_RUN_STOPPED : FPC_RUN_COMPLETE
           : status == FPC_ECANCEL ? FPC_RUN_INTERRUPTED
           : status == FPC_ENAN    ? FPC_RUN_DIVERGED
                                   : FPC_RUN_FAILED;
}

/* Whether the run failed before there was anything to go on from or to look at. */
static int failed_to_start(fpc_trainer *t, fpc_status status)
{
    return status && status != FPC_ECANCEL && status != FPC_ENAN && !t->resumed && t->folder && t->epoch == 0 &&
           access(fpc_trainer_path(t, FPC_RUN_BEST), F_OK);
}

/* A training that failed has said why; what fails on the way out must not cover it. */
static fpc_status end(fpc_trainer *t, fpc_status status)
{
    const char *how;
    fpc_status last;

    if (status == FPC_ECANCEL)
        status = interrupted(t);
    else if (!status && !(status = fpc_trainer_swa_end(t)) && !(status = look_at_best(t)))
        status = fpc_trainer_check_scored(t);
    how = fpc_run_end_word(ending_of(t, status));
    if (failed_to_start(t, status)) {
        tell_end(t, how, NULL);
        return status;
    }
    last = fpc_trainer_log_end(t, how, fpc_ctx_error(t->ctx));
    if (!last)
        last = tell_end(t, how, t->folder);
    return status ? status : last;
}

fpc_status fpc_run(fpc_experiment *experiment, const fpc_run_args *args)
{
    fpc_trainer *t = fpc_alloc(experiment->arena, sizeof *t);
    fpc_status status;

    if (!t)
        return FPC_ENOMEM;
    *t = (fpc_trainer){.experiment = experiment,
                       .ctx = experiment->ctx,
                       .arena = experiment->arena,
                       .args = args,
                       .monitor = experiment->monitor,
                       .higher = experiment->higher,
                       .best_epoch = -1,
                       .beat = experiment->run.beat.n ? experiment->run.beat.v[0] : NAN,
                       .lock = -1,
                       .resumed = args->resume != NULL,
                       .began = fpc_clock_now()};
    status = begin(t);
    if (!status && t->resumed && finished(t))
        fpc_log(t->ctx, FPC_LOG_INFO, "%s: the run is complete after %lld %s; nothing is left to train", t->folder,
                (long long)t->epoch, fpc_word(t->epoch, "epoch", "epochs"));
    if (!status) {
        while (!status && !finished(t)) {
            t->at_until = args->until > 0 && t->epoch >= args->until;
            status = t->at_until || fpc_ctx_cancelled(t->ctx) ? FPC_ECANCEL : run_epoch(t);
        }
        status = end(t, status);
    }
    fpc_ctx_training(t->ctx, NULL);
    if (failed_to_start(t, status))
        fpc_trainer_discard(t);
    fpc_arena_free(t->watch);
    if (t->lock >= 0)
        close(t->lock);
    return status;
}
