/* swa.c: stochastic weight averaging (Izmailov et al. 2018, arXiv:1803.05407): the mean of the weights at the ends
 * of epochs, from run.swa_start on. It is part of last.safetensors. When the run is over, the mean gets the statistics
 * of batch norm that belong to it, from one pass over the training batches, is validated, and written as
 * swa.safetensors with what it scored. */
#define _GNU_SOURCE
#include "base/message.h"
#include "experiment/trained.h"
#include "record/run_files.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* Epochs in the mean when `epochs` are finished. */
static int64_t in_mean(const fpc_run_options *run, int64_t epochs)
{
    return run->swa_start < 1 || epochs < run->swa_start ? 0 : (epochs - run->swa_start) / run->swa_every + 1;
}

fpc_status fpc_trainer_swa_epoch(fpc_trainer *t)
{
    const int64_t before = in_mean(&t->experiment->run, t->epoch), after = in_mean(&t->experiment->run, t->epoch + 1);

    return after > before ? fpc_experiment_swa(t->experiment, before) : FPC_OK;
}

/* The running statistics of the weights as they are, from all training batches of the epoch that would come next. */
static fpc_status new_statistics(fpc_trainer *t)
{
    fpc_status status = fpc_state_reset_buffers(t->experiment->state);
    const fpc_batch *batch = NULL;

    if (!status)
        status = fpc_data_start(t->experiment->data, FPC_TRAIN, t->epoch, 0);
    for (int64_t k = 1; !status; k++) {
        if (fpc_ctx_cancelled(t->ctx))
            return FPC_ECANCEL;
        if ((status = fpc_data_next(t->experiment->data, &batch)) || !batch)
            break;
        status = fpc_stats_step(t->experiment, batch, t->step + k, k);
    }
    return status;
}

static int is_result(const char *column)
{
    return !strncmp(column, "val_", 4);
}

static fpc_status save(fpc_trainer *t, const char *path)
{
    const fpc_record *record = &t->events->record;
    fpc_arena *arena = fpc_arena_new(t->ctx);
    fpc_st_meta *meta =
        arena ? fpc_alloc(arena, ((size_t)record->n_columns + FPC_TRAINED_META + 2) * sizeof *meta) : NULL;
    fpc_status status = FPC_ENOMEM;
    int32_t n = 0;

    if (meta) {
        n = fpc_trained_meta(t->experiment, arena, t->identity, t->seen.classes, meta);
        meta[n++] = (fpc_st_meta){"epoch", fpc_sprintf(arena, "%lld", (long long)t->epoch)};
        meta[n++] = (fpc_st_meta){"epochs.averaged",
                                  fpc_sprintf(arena, "%lld", (long long)in_mean(&t->experiment->run, t->epoch))};
        for (int32_t i = 0; i < record->n_columns; i++)
            if (is_result(record->column[i]) && isfinite(t->row[i]))
                meta[n++] = (fpc_st_meta){record->column[i], fpc_sprintf(arena, "%.17g", t->row[i])};
        status = fpc_weights_save(t->ctx, t->experiment->state, path, n, meta);
    }
    fpc_arena_free(arena);
    return status;
}

/* Whether the file is the mean of this run as far as it went. */
static int is_done(fpc_trainer *t, fpc_arena *arena, const char *path, fpc_st_file **file)
{
    const char *epoch, *recipe, *now = fpc_sprintf(arena, "%lld", (long long)t->epoch);

    if (!now || access(path, R_OK))
        return 0;
    if (fpc_st_read(t->ctx, arena, path, file)) {
        fpc_ctx_clear(t->ctx);
        return 0;
    }
    epoch = fpc_st_meta_find(*file, "epoch");
    recipe = fpc_st_meta_find(*file, "recipe");
    return epoch && recipe && !strcmp(epoch, now) && !strcmp(recipe, t->identity);
}

static fpc_status make(fpc_trainer *t, const char *path)
{
    fpc_state *state = t->experiment->state;
    fpc_status back, status = fpc_state_save_buffers(state, 0);

    fpc_experiment_epoch(t->experiment, t->epoch - 1); /* a run that is resumed when it is over has seen no epoch */

    if (status || (status = fpc_state_exchange_swa(state)))
        return status;
    if (!(status = new_statistics(t)) && !(status = fpc_trainer_validate(t))) {
        fpc_trainer_row(t);
        status = save(t, path);
    }
    back = fpc_state_exchange_swa(state);
    back = back ? back : fpc_state_restore_buffers(state, 0);
    return status ? status : back;
}

fpc_status fpc_trainer_swa_end(fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    const char *path = fpc_trainer_path(t, FPC_RUN_SWA);
    fpc_arena *arena;
    fpc_st_file *file;
    fpc_status status = FPC_OK;

    if (run->swa_start < 1)
        return FPC_OK;
    if (in_mean(run, t->epoch) == 0) {
        fpc_log(t->ctx, FPC_LOG_WARN,
                "run.swa_start = %lld: the run ended after %lld epochs; there is no mean of weights",
                (long long)run->swa_start, (long long)t->epoch);
        return FPC_OK;
    }
    if (!(arena = fpc_arena_new(t->ctx)))
        return FPC_ENOMEM;
    if (!is_done(t, arena, path, &file) && !(status = make(t, path)))
        status = fpc_st_read(t->ctx, arena, path, &file);
    if (!status)
        fpc_trainer_log_swa(t, file);
    if (status == FPC_ECANCEL)
        fpc_fail(t->ctx, status, "interrupted while the mean of the weights was made. To go on: fpcore --resume %s",
                 t->folder);
    fpc_arena_free(arena);
    return status;
}
