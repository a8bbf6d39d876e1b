/* events.c: tells the loggers what happens and keeps the record, a table of finished epochs that history.json holds. A
 * logger cannot stop a training: one that fails is dropped with a warning, except where the run folder cannot be
 * written. */
#define _GNU_SOURCE
#include "train/events.h"
#include "base/message.h"

#include <string.h>

static fpc_status open_usual(fpc_events *events, fpc_arena *arena, fpc_registry *registry, const char *label,
                             const char *plugin)
{
    const fpc_status status = fpc_instance_open(registry, arena, FPC_LOGGER, label, NULL, plugin, (fpc_option_set){0},
                                                &events->logger[events->n]);

    if (!status)
        events->n++;
    return status;
}

static int has_history(const fpc_events *events)
{
    for (int32_t i = 0; i < events->n; i++)
        if (!strcmp(events->logger[i].plugin->name, "history"))
            return 1;
    return 0;
}

/* A run folder always holds a history; a recipe without loggers gets the usual ones. */
static fpc_status add_usual(fpc_events *events, fpc_arena *arena, fpc_registry *registry)
{
    fpc_status status;

    if (events->n == 0 && ((status = open_usual(events, arena, registry, "logger.console", "console")) ||
                           (status = open_usual(events, arena, registry, "logger.plot", "plot"))))
        return status;
    return has_history(events) ? FPC_OK : open_usual(events, arena, registry, "logger.history", "history");
}

fpc_status fpc_events_new(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *registry, int32_t n, const fpc_instance *logger,
                          fpc_events **out)
{
    fpc_events *events = fpc_alloc(arena, sizeof *events);
    fpc_status status;

    if (!events || !(events->logger = fpc_alloc(arena, ((size_t)n + 3) * sizeof *events->logger)))
        return FPC_ENOMEM;
    events->ctx = ctx;
    if (n)
        memcpy(events->logger, logger, (size_t)n * sizeof *logger);
    events->n = n;
    if ((status = add_usual(events, arena, registry)))
        return status;
    *out = events;
    return FPC_OK;
}

fpc_status fpc_events_columns(fpc_events *events, fpc_arena *arena, int32_t n, const char *const *names)
{
    fpc_record *record = &events->record;

    record->column = fpc_alloc(arena, (size_t)n * sizeof *record->column);
    record->value = fpc_alloc(arena, (size_t)n * sizeof *record->value);
    if (!record->column || !record->value)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        if (!(record->column[i] = fpc_strdup(arena, names[i])))
            return FPC_ENOMEM;
    record->n_columns = n;
    return FPC_OK;
}

static fpc_status grow(fpc_record *record, fpc_arena *arena)
{
    const int64_t cap = record->cap_rows ? 2 * record->cap_rows : 64;

    for (int32_t i = 0; i < record->n_columns; i++) {
        double *wider = fpc_alloc(arena, (size_t)cap * sizeof *wider);
        if (!wider)
            return FPC_ENOMEM;
        if (record->n_rows)
            memcpy(wider, record->value[i], (size_t)record->n_rows * sizeof *wider);
        record->value[i] = wider;
    }
    record->cap_rows = cap;
    return FPC_OK;
}

fpc_status fpc_events_row(fpc_events *events, fpc_arena *arena, const double *values)
{
    fpc_record *record = &events->record;
    fpc_status status = record->n_rows < record->cap_rows ? FPC_OK : grow(record, arena);

    if (status)
        return status;
    for (int32_t i = 0; i < record->n_columns; i++)
        record->value[i][record->n_rows] = values[i];
    record->n_rows++;
    return FPC_OK;
}

/* Warns and drops the logger, or passes a failed write on. */
static fpc_status failed(fpc_events *events, fpc_instance *logger, fpc_status status, int first)
{
    if (status == FPC_EIO)
        return status;
    fpc_log(events->ctx, FPC_LOG_WARN, "%s: %s; this logger is left out from here on", logger->self->label,
            first ? fpc_ctx_error(events->ctx) : "failed");
    if (first)
        fpc_ctx_clear(events->ctx);
    logger->vtbl = NULL;
    return FPC_OK;
}

int fpc_events_wanted(const fpc_events *events, uint32_t what, const fpc_clock *clock)
{
    for (int32_t i = 0; i < events->n; i++) {
        const fpc_logger_vtbl *v = events->logger[i].vtbl;
        if (v && v->wants && FPC_CALL(events->logger[i].who, v->wants(events->logger[i].self, what, clock)))
            return 1;
    }
    return 0;
}

fpc_status fpc_events_send(fpc_events *events, uint32_t what, const fpc_clock *clock, int32_t n, const fpc_field *field)
{
    return fpc_events_send_pictures(events, what, clock, NULL, n, field);
}

fpc_status fpc_events_send_pictures(fpc_events *events, uint32_t what, const fpc_clock *clock,
                                    const fpc_pictures *pictures, int32_t n, const fpc_field *field)
{
    const fpc_record *record = &events->record;
    const fpc_event event = {.size = sizeof event,
                             .what = what,
                             .clock = clock,
                             .n = n,
                             .field = field,
                             .n_columns = record->n_columns,
                             .n_rows = record->n_rows,
                             .column = record->column,
                             .value = (const double *const *)record->value,
                             .pictures = pictures};
    fpc_status result = FPC_OK;

    for (int32_t i = 0; i < events->n; i++) {
        const fpc_logger_vtbl *vtbl = events->logger[i].vtbl;
        const int first = fpc_ctx_status(events->ctx) == FPC_OK;
        fpc_status status =
            vtbl && vtbl->event ? FPC_CALL(events->logger[i].who, vtbl->event(events->logger[i].self, &event)) : FPC_OK;
        if (status)
            status = failed(events, &events->logger[i], status, first);
        if (!result)
            result = status;
    }
    return result;
}

const fpc_field *fpc_event_field(const fpc_event *event, const char *key)
{
    for (int32_t i = 0; i < event->n; i++)
        if (!strcmp(event->field[i].key, key))
            return &event->field[i];
    return NULL;
}
