/* events.h: tells the loggers what happens, and keeps the record that history.json holds. */
#ifndef CORE_TRAIN_EVENTS_H
#define CORE_TRAIN_EVENTS_H

#include <fpcore/logger.h>
#include "plugin/registry.h"

typedef struct fpc_record {
    int32_t n_columns;
    int64_t n_rows, cap_rows;
    const char **column; /* fixed at the start: train_loss train_f_score ... lr */
    double **value;
} fpc_record;

typedef struct fpc_events {
    fpc_ctx *ctx;
    int32_t n;
    fpc_instance *logger;
    fpc_record record;
} fpc_events;

/* Takes over the loggers that the recipe names, and opens the usual ones beside them. run_dir reaches them in
 * FPC_RUN_BEGIN. */
fpc_status fpc_events_new(fpc_ctx *, fpc_arena *, fpc_registry *, int32_t n, const fpc_instance *logger, fpc_events **);
fpc_status fpc_events_columns(fpc_events *, fpc_arena *, int32_t n, const char *const *names);
/* Appends a row to the record. */
fpc_status fpc_events_row(fpc_events *, fpc_arena *, const double *values);
/* Whether any logger wants an event of that kind, which costs something to make. */
int fpc_events_wanted(const fpc_events *, uint32_t what, const fpc_clock *);
/* Sends to every logger. A logger that fails is reported as a warning and dropped, except for a full disk. */
fpc_status fpc_events_send(fpc_events *, uint32_t what, const fpc_clock *, int32_t n, const fpc_field *);
fpc_status fpc_events_send_pictures(fpc_events *, uint32_t what, const fpc_clock *, const fpc_pictures *, int32_t n,
                                    const fpc_field *);

#endif
