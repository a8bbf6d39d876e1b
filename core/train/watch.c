/* watch.c: what loggers show beside numbers, made only where one of them asks for it (fpc_logger_vtbl.wants):
 * pictures as the validated weights see them, and histograms of every parameter and of its gradient in the
 * last step (with run.accumulate: in the last micro-batch). Nothing of it touches the training. */
#define _GNU_SOURCE
#include "base/message.h"
#include "train/trainer.h"
#include "base/clock.h"

#include <math.h>

enum { BINS = 30 };

/* While the validated weights are in place: the pictures are kept until the epoch is told of. */
fpc_status fpc_trainer_take_pictures(fpc_trainer *t)
{
    const fpc_clock clock = fpc_trainer_clock(t);

    t->pictures.n = 0;
    if (!fpc_events_wanted(t->events, FPC_PICTURE, &clock))
        return FPC_OK;
    if (!t->watch && !(t->watch = fpc_arena_new(t->ctx)))
        return FPC_ENOMEM;
    fpc_arena_reset(t->watch);
    return fpc_samples_read(t->experiment, t->watch, FPC_N_PICTURES, NULL, &t->pictures);
}

static fpc_status tell_pictures(fpc_trainer *t, const fpc_clock *clock)
{
    const fpc_field field[] = {fpc_field_text("tag", "samples"), fpc_field_real("unix_time", fpc_clock_unix())};

    return t->pictures.n ? fpc_events_send_pictures(t->events, FPC_PICTURE, clock, &t->pictures, 2, field) : FPC_OK;
}

/* The scores are those in the folder, which the weights in place were saved with. */
fpc_status fpc_trainer_tell_samples(fpc_trainer *t, int64_t epoch)
{
    const fpc_clock clock = fpc_trainer_clock(t);
    fpc_pictures pictures;
    fpc_status status;
    fpc_arena *arena;

    t->samples_at = fpc_clock_now();
    if (!fpc_events_wanted(t->events, FPC_SAMPLES, &clock))
        return FPC_OK;
    if (!(arena = fpc_arena_new(t->ctx)))
        return FPC_ENOMEM;
    status = fpc_samples_read(t->experiment, arena, FPC_N_SAMPLES, fpc_trainer_validation(t, arena, epoch), &pictures);
    if (!status && pictures.n)
        status = fpc_events_send_pictures(t->events, FPC_SAMPLES, &clock, &pictures, 0, NULL);
    fpc_arena_free(arena);
    return status;
}

/* Equal bins between the least and the largest value; one where they are the same. Values that are not finite are in
 * no bin. */
static fpc_status tell_histogram(fpc_trainer *t, const fpc_clock *clock, const char *tag, const double *value,
                                 int64_t n)
{
    double limit[BINS], count[BINS] = {0}, sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
    int64_t finite = 0, bins;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(value[i])) {
            least = fmin(least, value[i]);
            most = fmax(most, value[i]);
            sum += value[i];
            squares += value[i] * value[i];
            finite++;
        }
    if (finite == 0)
        return FPC_OK;
    bins = most - least > 0 && isfinite(most - least) ? BINS : 1;
    for (int64_t b = 0; b < bins; b++)
        limit[b] = b == bins - 1 ? most : least + (most - least) * (double)(b + 1) / (double)bins;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(value[i])) {
            const int64_t b = bins > 1 ? (int64_t)((value[i] - least) / (most - least) * (double)bins) : 0;
            count[b < bins ? b : bins - 1]++;
        }
    const fpc_field field[] = {fpc_field_text("tag", tag),
                               fpc_field_real("min", least),
                               fpc_field_real("max", most),
                               fpc_field_int("count", finite),
                               fpc_field_real("sum", sum),
                               fpc_field_real("sum_squares", squares),
                               {.key = "limits", .type = FPC_OPT_REALS, .v.list = {bins, limit}},
                               {.key = "counts", .type = FPC_OPT_REALS, .v.list = {bins, count}},
                               fpc_field_real("unix_time", fpc_clock_unix())};
    return fpc_events_send(t->events, FPC_HISTOGRAM, clock, sizeof field / sizeof *field, field);
}

static fpc_status tell_tensor(fpc_trainer *t, fpc_arena *arena, const fpc_clock *clock, const fpc_state_entry *e)
{
    double *value = fpc_alloc(arena, (size_t)e->count * sizeof *value);
    const char *tag = fpc_sprintf(arena, "%s/%s", e->kind == FPC_STATE_PARAM ? "parameters" : "gradients", e->param);
    fpc_status status = value && tag ? fpc_state_read(t->experiment->state, e, FPC_F64, value) : FPC_ENOMEM;

    if (!status)
        status = tell_histogram(t, clock, tag, value, e->count);
    fpc_arena_reset(arena);
    return status;
}

fpc_status fpc_trainer_watch(fpc_trainer *t, const fpc_clock *clock)
{
    const fpc_state *state = t->experiment->state;
    fpc_status status = tell_pictures(t, clock);
    fpc_arena *arena;

    t->pictures.n = 0;
    if (status || !fpc_events_wanted(t->events, FPC_HISTOGRAM, clock))
        return status;
    if (!(arena = fpc_arena_new(t->ctx)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < state->n && !status; i++) {
        const fpc_state_entry *e = &state->entry[i];
        if (e->kind == FPC_STATE_PARAM || (e->kind == FPC_STATE_GRAD && t->steps_timed > 0))
            status = tell_tensor(t, arena, clock, e);
    }
    fpc_arena_free(arena);
    return status;
}
