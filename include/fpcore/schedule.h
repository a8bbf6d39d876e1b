/* schedule.h: the learning rate as a pure function of the clock (and, for reduce-on-plateau, of the metrics so far).
 * The factor multiplies [optimizer] lr. Warm-up is an option of the section itself and wraps any schedule: the core
 * calls factor with epoch counted from the end of the warm-up. Thread: [main]. */
#ifndef FPCORE_SCHEDULE_H
#define FPCORE_SCHEDULE_H

#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* epoch counts from 0; epochs: all of them; both without the warm-up epochs when passed to factor. step: within the
 * epoch for a logger, 0 for factor: rates change between epochs. base_lr: [optimizer] lr, for absolute floors. */
typedef struct fpc_clock {
    uint32_t size;
    int64_t step, steps_per_epoch, epoch, epochs;
    double base_lr;
} fpc_clock;

/* Metric history: value[e] of each finished epoch, NAN where unknown. */
typedef struct fpc_history {
    uint32_t size;
    int64_t n;
    const double *value;
} fpc_history;

typedef struct fpc_schedule_vtbl {
    uint32_t size;
    double (*factor)(const fpc_self *, const fpc_clock *, const fpc_history *);
} fpc_schedule_vtbl;

#ifdef __cplusplus
}
#endif
#endif
