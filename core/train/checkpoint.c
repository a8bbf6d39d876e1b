/* checkpoint.c: last.safetensors, the truth about a training: weights, optimizer slots, averages, the record, the place
 * in the run and, in the middle of an epoch, the sums of its meter. It holds no time, host name or path, so that equal
 * trainings leave equal bytes. best.safetensors is written before the last.safetensors that tells of it: a run that is
 * cut between the two does the epoch again and writes the same best. */
#define _GNU_SOURCE
#include "base/message.h"
#include "experiment/trained.h"
#include "record/run_files.h"
#include "train/identity.h"
#include "train/trainer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

struct pieces {
    fpc_st_tensor *tensor;
    fpc_st_meta meta[FPC_TRAINED_META + 12];
    int32_t n, n_meta;
};

static void add_meta(struct pieces *p, const char *key, const char *value)
{
    p->meta[p->n_meta++] = (fpc_st_meta){key, value ? value : ""};
}

static void add_vector(struct pieces *p, const char *name, uint32_t dtype, int64_t count, const void *data)
{
    p->tensor[p->n++] =
        (fpc_st_tensor){.name = name, .dtype = dtype, .rank = 1, .dims = {count}, .count = count, .data = data};
}

static fpc_status add_state(struct pieces *p, const fpc_trainer *t, fpc_arena *arena)
{
    fpc_state *state = t->experiment->state;
    fpc_status status = fpc_state_snapshot_begin(state, 1);

    for (int32_t i = 0; i < state->n && !status; i++)
        if (state->entry[i].kind != FPC_STATE_GRAD)
            status = fpc_state_tensor(state, arena, &state->entry[i], fpc_state_dtype(state, &state->entry[i]),
                                      &p->tensor[p->n++]);
    fpc_state_snapshot_end(state);
    return status;
}

static fpc_status add_record(struct pieces *p, const fpc_trainer *t, fpc_arena *arena)
{
    const fpc_record *record = &t->events->record;

    for (int32_t i = 0; i < record->n_columns; i++) {
        const char *name = fpc_sprintf(arena, FPC_PREFIX_HISTORY "%s", record->column[i]);
        if (!name)
            return FPC_ENOMEM;
        add_vector(p, name, FPC_F64, record->n_rows, record->value[i]);
    }
    return FPC_OK;
}

/* The sums of an epoch that is not over, exactly. */
static fpc_status add_meter(struct pieces *p, const fpc_trainer *t, fpc_arena *arena)
{
    const fpc_meter *meter = &t->train;
    const int32_t classes = t->experiment->classes, terms = t->experiment->n_losses;
    double *sums = fpc_alloc(arena, (size_t)(2 + terms) * sizeof *sums);

    if (meter->steps == 0)
        return FPC_OK;
    if (!sums)
        return FPC_ENOMEM;
    sums[0] = meter->loss;
    sums[1] = meter->grad_norm;
    memcpy(sums + 2, meter->term, (size_t)terms * sizeof *sums);
    add_vector(p, FPC_PREFIX_EPOCH "sums", FPC_F64, 2 + terms, sums);
    add_vector(p, FPC_PREFIX_EPOCH "batches", FPC_I64, meter->batches, meter->batch_images);
    p->tensor[p->n++] = (fpc_st_tensor){.name = FPC_PREFIX_EPOCH "counts",
                                        .dtype = FPC_I32,
                                        .rank = 3,
                                        .dims = {meter->images, classes, 3},
                                        .count = meter->images * classes * 3,
                                        .data = meter->counts};
    return FPC_OK;
}

static void add_place(struct pieces *p, const fpc_trainer *t, fpc_arena *arena)
{
    p->n_meta += fpc_trained_meta(t->experiment, arena, t->identity, t->seen.classes, p->meta + p->n_meta);
    add_meta(p, "fpcore.checkpoint", fpc_sprintf(arena, "%d", FPC_CHECKPOINT_FORMAT));
    add_meta(p, "epoch", fpc_sprintf(arena, "%lld", (long long)t->epoch));
    add_meta(p, FPC_PREFIX_EPOCH "steps", fpc_sprintf(arena, "%lld", (long long)t->train.steps));
    if (t->train.skipped)
        add_meta(p, FPC_PREFIX_EPOCH "skipped", fpc_sprintf(arena, "%lld", (long long)t->train.skipped));
    add_meta(p, "step", fpc_sprintf(arena, "%lld", (long long)t->step));
    add_meta(p, "step.first", fpc_sprintf(arena, "%lld", (long long)t->first_step));
    add_meta(p, "epochs", fpc_sprintf(arena, "%lld", (long long)t->experiment->run.epochs));
    add_meta(p, "best.epoch", fpc_sprintf(arena, "%lld", (long long)t->best_epoch));
    add_meta(p, "best.value", fpc_sprintf(arena, "%.17g", t->best_epoch >= 0 ? t->best : 0));
    add_meta(p, "epochs.waited", fpc_sprintf(arena, "%lld", (long long)t->waited));
    add_meta(p, "seed", fpc_sprintf(arena, "%lld", (long long)t->experiment->run.seed));
}

fpc_status fpc_trainer_save(fpc_trainer *t, const char *folder)
{
    fpc_arena *arena = fpc_arena_new(t->ctx);
    const size_t most = (size_t)t->experiment->state->n + (size_t)t->events->record.n_columns + 3 + FPC_SEEN_TENSORS;
    struct pieces *p = arena ? fpc_alloc(arena, sizeof *p) : NULL;
    const char *path = arena ? fpc_sprintf(arena, "%s/%s", folder, FPC_RUN_LAST) : NULL;
    fpc_status status = FPC_ENOMEM;

    if (p && path && (p->tensor = fpc_alloc(arena, most * sizeof *p->tensor)) && !(status = add_state(p, t, arena)) &&
        !(status = add_record(p, t, arena)) && !(status = add_meter(p, t, arena))) {
        fpc_seen_tensors(&t->seen, &p->tensor[p->n]);
        p->n += FPC_SEEN_TENSORS;
        add_place(p, t, arena);
        status = fpc_st_write(t->ctx, path, p->n, p->tensor, p->n_meta, p->meta);
    }
    fpc_arena_free(arena);
    return status;
}

fpc_status fpc_trainer_save_best(fpc_trainer *t, const char *path, int64_t epoch, double value)
{
    fpc_arena *arena = fpc_arena_new(t->ctx);
    struct pieces *p = arena ? fpc_alloc(arena, sizeof *p) : NULL;
    fpc_status status = FPC_ENOMEM;

    if (p) {
        p->n_meta += fpc_trained_meta(t->experiment, arena, t->identity, t->seen.classes, p->meta);
        add_meta(p, "epoch", fpc_sprintf(arena, "%lld", (long long)epoch));
        add_meta(p, "metric", t->events->record.column[t->monitor_column]);
        add_meta(p, "value", fpc_sprintf(arena, "%.17g", value));
        status = fpc_weights_save(t->ctx, t->experiment->state, path, p->n_meta, p->meta);
    }
    fpc_arena_free(arena);
    return status;
}

/* ---- reading ---- */

static fpc_status whole_number(fpc_trainer *t, const fpc_st_file *file, const char *key, int64_t least, int64_t *out)
{
    const char *text = fpc_st_meta_find(file, key);
    char *end;

    if (!text)
        return fpc_fail(t->ctx, FPC_EFORMAT, "%s: no training checkpoint: its metadata lack %s", file->path, key);
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (errno || end == text || *end || *out < least)
        return fpc_fail(t->ctx, FPC_EFORMAT, "%s: metadata %s = %.40s make no sense", file->path, key, text);
    return FPC_OK;
}

/* An epoch that was cut cannot be ended with other pictures: it begins again, from the weights that there are. */
static void start_epoch_anew(fpc_trainer *t)
{
    int64_t before;

    t->train.steps = t->train.skipped = 0;
    if (!__builtin_mul_overflow(t->epoch, t->steps_per_epoch, &before) &&
        !__builtin_sub_overflow(t->step, before, &before))
        t->first_step = before;
}

static int steps_agree(const fpc_trainer *t)
{
    int64_t steps;

    return !__builtin_mul_overflow(t->epoch, t->steps_per_epoch, &steps) &&
           !__builtin_add_overflow(steps, t->first_step, &steps) &&
           !__builtin_add_overflow(steps, t->train.steps, &steps) && steps == t->step;
}

static fpc_status read_place(fpc_trainer *t, const fpc_st_file *file)
{
    const char *value = fpc_st_meta_find(file, "best.value");
    int64_t format, seed, parameters;
    fpc_status status = FPC_OK;

    if (fpc_st_meta_find(file, "step.first")) /* older files: 0 */
        status = whole_number(t, file, "step.first", INT64_MIN, &t->first_step);
    if (!status && fpc_st_meta_find(file, "epochs"))
        status = whole_number(t, file, "epochs", 0, &t->epochs_before);
    if (!status && fpc_st_meta_find(file, FPC_PREFIX_EPOCH "skipped"))
        status = whole_number(t, file, FPC_PREFIX_EPOCH "skipped", 0, &t->train.skipped);
    if (status)
        return status;

    if ((status = whole_number(t, file, "fpcore.checkpoint", 0, &format)))
        return status;
    if (format != FPC_CHECKPOINT_FORMAT)
        return fpc_fail(t->ctx, FPC_EFORMAT, "%s: a training checkpoint of format %lld; this fpcore reads format %d",
                        file->path, (long long)format, FPC_CHECKPOINT_FORMAT);
    if ((status = whole_number(t, file, "epoch", 0, &t->epoch)) ||
        (status = whole_number(t, file, FPC_PREFIX_EPOCH "steps", 0, &t->train.steps)) ||
        (status = whole_number(t, file, "step", 0, &t->step)) ||
        (status = whole_number(t, file, "best.epoch", -1, &t->best_epoch)) ||
        (status = whole_number(t, file, "epochs.waited", 0, &t->waited)) ||
        (status = whole_number(t, file, "seed", INT64_MIN, &seed)) ||
        (status = whole_number(t, file, "parameters", 0, &parameters)))
        return status;
    if (t->train.skipped > t->train.steps)
        return fpc_fail(t->ctx, FPC_EFORMAT,
                        "%s: metadata " FPC_PREFIX_EPOCH
                        "skipped = %lld make no sense: the epoch has %lld steps so far",
                        file->path, (long long)t->train.skipped, (long long)t->train.steps);
    if (seed != t->experiment->run.seed || parameters != t->experiment->state->n_trainable)
        return fpc_fail(t->ctx, FPC_EFORMAT,
                        "%s: of a run with seed %lld and %lld parameters; the recipe has seed %lld and %lld parameters",
                        file->path, (long long)seed, (long long)parameters, (long long)t->experiment->run.seed,
                        (long long)t->experiment->state->n_trainable);
    if (t->other)
        start_epoch_anew(t);
    if (t->best_epoch >= t->epoch || t->train.steps > t->steps_per_epoch || !steps_agree(t))
        return fpc_fail(t->ctx, FPC_EFORMAT,
                        "%s: step %lld in epoch %lld does not fit this data set's %lld steps per epoch", file->path,
                        (long long)t->step, (long long)t->epoch, (long long)t->steps_per_epoch);
    if (t->best_epoch >= 0)
        t->best = value ? strtod(value, NULL) : NAN;
    return FPC_OK;
}

static fpc_status vector_of(fpc_trainer *t, const fpc_st_file *file, const char *name, uint32_t dtype, int64_t count,
                            const void **data)
{
    const fpc_st_tensor *v = fpc_st_find(file, name);

    if (!v || v->dtype != dtype || v->count != count)
        return fpc_fail(t->ctx, FPC_EFORMAT, "%s: tensor %s is %s", file->path, name,
                        v ? "of another size or dtype than the run needs" : "missing");
    *data = v->data;
    return FPC_OK;
}

static fpc_status read_record(fpc_trainer *t, const fpc_st_file *file, fpc_arena *arena)
{
    const int32_t n = t->events->record.n_columns;
    const void **column = fpc_alloc(arena, (size_t)n * sizeof *column);
    fpc_status status = column ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < n && !status; i++) {
        const char *name = fpc_sprintf(arena, FPC_PREFIX_HISTORY "%s", t->events->record.column[i]);
        status = name ? vector_of(t, file, name, FPC_F64, t->epoch, &column[i]) : FPC_ENOMEM;
    }
    for (int64_t row = 0; row < t->epoch && !status; row++) {
        for (int32_t i = 0; i < n; i++)
            t->row[i] = ((const double *)column[i])[row];
        status = fpc_events_row(t->events, t->arena, t->row);
    }
    return status;
}

static fpc_status read_meter(fpc_trainer *t, const fpc_st_file *file)
{
    fpc_meter *meter = &t->train;
    const int32_t terms = t->experiment->n_losses;
    const int64_t numbers = (int64_t)t->experiment->classes * 3;
    const fpc_st_tensor *batches = fpc_st_find(file, FPC_PREFIX_EPOCH "batches");
    const void *sums, *images, *counts;
    fpc_status status;

    if (meter->steps == 0)
        return FPC_OK;
    if (!batches || batches->count > meter->cap_batches)
        return fpc_fail(t->ctx, FPC_EFORMAT, "%s: tensor epoch.batches does not fit the data set", file->path);
    if ((status = vector_of(t, file, FPC_PREFIX_EPOCH "sums", FPC_F64, 2 + terms, &sums)) ||
        (status = vector_of(t, file, FPC_PREFIX_EPOCH "batches", FPC_I64, batches->count, &images)))
        return status;
    for (meter->batches = 0, meter->images = 0; meter->batches < batches->count; meter->batches++) {
        const int64_t n = ((const int64_t *)images)[meter->batches];
        if (n < 1 || n > meter->cap_images - meter->images)
            return fpc_fail(t->ctx, FPC_EFORMAT, "%s: tensor epoch.batches does not fit the data set", file->path);
        meter->batch_images[meter->batches] = n;
        meter->images += n;
    }
    if ((status = vector_of(t, file, FPC_PREFIX_EPOCH "counts", FPC_I32, meter->images * numbers, &counts)))
        return status;
    memcpy(meter->counts, counts, (size_t)(meter->images * numbers) * sizeof *meter->counts);
    meter->loss = ((const double *)sums)[0];
    meter->grad_norm = ((const double *)sums)[1];
    memcpy(meter->term, (const double *)sums + 2, (size_t)terms * sizeof(double));
    return FPC_OK;
}

/* All tensors but gradients, in the precision in which they were saved. The weights have been checked already. */
static fpc_status read_state(fpc_trainer *t, const fpc_st_file *file)
{
    fpc_state *state = t->experiment->state;
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < state->n && !status; i++) {
        const fpc_state_entry *e = &state->entry[i];
        const fpc_st_tensor *v = fpc_st_find(file, e->name);
        if (e->kind == FPC_STATE_SCALER && !v) { /* of a run in another precision */
            status = fpc_state_start_scaling(state, t->step);
            continue;
        }
        const uint32_t dtype = v && v->dtype == FPC_F64 && e->dtype == FPC_F32 ? FPC_F64 : e->dtype;
        const void *data;
        if (e->kind == FPC_STATE_GRAD)
            continue;
        if (!(status = vector_of(t, file, e->name, dtype, e->count, &data)))
            status = fpc_state_write(state, e, dtype, data);
    }
    return status;
}

/* The pictures of the run against those of the data set. */
static fpc_status check_seen(fpc_trainer *t, const fpc_st_file *file)
{
    fpc_seen was;
    const char *difference, *advice;
    fpc_status status;

    if ((status = fpc_seen_read(t->ctx, file, &was)))
        return status;
    if (!was.sample[0]) {
        fpc_log(t->ctx, FPC_LOG_INFO,
                "%s: of an fpcore that did not keep which pictures were trained on; they are taken to be these",
                file->path);
        return FPC_OK;
    }
    if ((status = fpc_seen_difference(t->ctx, t->arena, &was, &t->seen, t->experiment->data, t->folder, &difference,
                                      &advice)))
        return status;
    if (!*difference)
        return FPC_OK;
    if (!t->args->other_data)
        return fpc_fail(t->ctx, FPC_EINVAL, "%s: %s. %s", file->path, difference, advice);
    t->other = difference;
    fpc_log(t->ctx, FPC_LOG_WARN, "%s: %s; epochs up to here were measured on the others", t->folder, difference);
    return FPC_OK;
}

static fpc_status read_training(fpc_trainer *t, const fpc_st_file *file, fpc_arena *arena)
{
    const char *recipe = fpc_st_meta_find(file, "recipe");
    fpc_status status;

    if (!recipe)
        return fpc_fail(t->ctx, FPC_EFORMAT, "%s: no training checkpoint: its metadata lack recipe", file->path);
    if ((status = fpc_identity_agrees(t->experiment, t->arena, recipe, file->path)) || (status = check_seen(t, file)) ||
        (status = read_place(t, file)) || (status = read_record(t, file, arena)) || (status = read_meter(t, file)) ||
        (status = fpc_weights_load(t->ctx, t->experiment->state, file->path)))
        return status;
    t->waited = fpc_trainer_waited(t); /* run.patience and its like may have changed */
    return read_state(t, file);
}

fpc_status fpc_trainer_load(fpc_trainer *t)
{
    fpc_arena *arena = fpc_arena_new(t->ctx);
    fpc_st_file *file;
    fpc_status status = arena ? fpc_st_read(t->ctx, arena, fpc_trainer_path(t, FPC_RUN_LAST), &file) : FPC_ENOMEM;

    if (!status)
        status = read_training(t, file, arena);
    fpc_arena_free(arena);
    return status;
}
