/* init.c: the state that a training starts with: fresh weights, or those of another run. `reset` takes
 * weights and the statistics of batch norm; `keep` and `hybrid` take the optimizer's state as well. What else they mean
 * is in the recipe already (experiment/continued.c). */
#define _GNU_SOURCE
#include "base/message.h"
#include "base/text.h"
#include "experiment/continued.h"
#include "train/init.h"
#include "train/trainer.h"

#include <math.h>

static int all_finite(const double *value, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(value[i]))
            return 0;
    return 1;
}

/* One slot or average from the file. */
static fpc_status take_tensor(fpc_state *state, fpc_arena *arena, const fpc_st_file *file, const fpc_state_entry *e)
{
    const fpc_st_tensor *v = fpc_st_find(file, e->name);
    double *value;
    fpc_status status;

    if (!v || v->count != e->count)
        return fpc_fail_recipe(state->ctx, FPC_EINVAL,
                               "run.init_optimizer: %s %s %s, which the optimizer of the recipe needs; that run was "
                               "trained by another one, or another model; `reset` starts with the weights alone",
                               file->path, v ? "has another size of" : "lacks", e->name);
    if (!(value = fpc_alloc(arena, (size_t)e->count * sizeof *value)))
        return FPC_ENOMEM;
    if ((status = fpc_st_as_f64(state->ctx, file, v, value)))
        return status;
    if (!all_finite(value, e->count))
        return fpc_fail(state->ctx, FPC_EFORMAT, "%s: tensor %s holds numbers that are not finite", file->path,
                        e->name);
    return fpc_state_write(state, e, FPC_F64, value);
}

static fpc_status take_state(fpc_experiment *s, const fpc_st_file *file, int64_t *first_step)
{
    fpc_state *state = s->state;
    fpc_arena *scratch = fpc_arena_new(s->ctx);
    fpc_status status = scratch ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < state->n && !status; i++) {
        const fpc_state_entry *e = &state->entry[i];
        if (e->kind == FPC_STATE_SLOT || (e->kind == FPC_STATE_AVERAGE && fpc_st_find(file, e->name)))
            status = take_tensor(state, scratch, file, e);
        fpc_arena_reset(scratch);
    }
    fpc_arena_free(scratch);
    if (!status)
        status = fpc_continued_number(s->ctx, file, "step", first_step);
    return status ? status : fpc_state_start_scaling(state, *first_step);
}

/* One line, so that a slip in a pattern is seen before a night is spent. */
static fpc_status tell_taken(fpc_experiment *s, const fpc_taken *t)
{
    const char *skipped = t->n_skipped ? fpc_sprintf(s->arena, ", %d skipped by init_skip", (int)t->n_skipped) : "";
    const char *fresh = t->n_fresh ? fpc_sprintf(s->arena, ", %d fresh", (int)t->n_fresh) : "";
    const char *numbers = fpc_grouped(s->arena, t->numbers);

    if (!skipped || !fresh || !numbers)
        return FPC_ENOMEM;
    fpc_log(s->ctx, FPC_LOG_INFO, "%d tensors taken (%s numbers)%s%s", (int)t->n, numbers, skipped, fresh);
    return FPC_OK;
}

fpc_status fpc_run_init(fpc_experiment *s, int64_t *first_step, fpc_taken *taken)
{
    const fpc_run_options *run = &s->run;
    fpc_status status = fpc_state_init(s->state, (uint64_t)run->seed);
    fpc_arena *arena = status ? NULL : fpc_arena_new(s->ctx);
    const char *path = arena ? fpc_continued_source(arena, run) : NULL;
    fpc_st_file *file;

    *first_step = 0;
    *taken = (fpc_taken){0};
    if (!status && !path)
        status = FPC_ENOMEM;
    if (!status && run->init_optimizer != FPC_INIT_RESET)
        status = fpc_continued_open(s->ctx, arena, run, &file);
    if (!status && *run->init_from &&
        !(status = fpc_weights_transfer(s->ctx, s->arena, s->state, path,
                                        &(fpc_transfer){run->init_skip, run->init_rename}, taken)))
        status = tell_taken(s, taken);
    if (!status && run->ema > 0)
        status = fpc_state_start_average(s->state);
    if (!status && run->init_optimizer != FPC_INIT_RESET)
        status = take_state(s, file, first_step);
    fpc_arena_free(arena);
    return status;
}

fpc_status fpc_trainer_init(fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    const char *path = fpc_continued_source(t->arena, run);
    fpc_status status;

    if (!path)
        return FPC_ENOMEM;
    if ((status = fpc_run_init(t->experiment, &t->first_step, &t->taken)))
        return status;
    t->step = t->first_step;
    if (*run->init_from && (status = fpc_normalized_warn(t->experiment, path)))
        return status;
    return *run->init_from ? fpc_seen_warn(t->ctx, t->experiment, &t->seen, path) : FPC_OK;
}
