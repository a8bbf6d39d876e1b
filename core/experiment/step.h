/* step.h: what the files of this room that make and run steps share: the programs that were compiled so far. Nobody
 * else includes it. */
#ifndef CORE_EXPERIMENT_STEP_H
#define CORE_EXPERIMENT_STEP_H

#include "runtime/queue.h"
#include "experiment/resident.h"

enum { FPC_MAX_PROGRAMS = 32 };

typedef struct fpc_compiled {
    fpc_program_kind kind;
    int32_t n, h, w;
    fpc_program *program;
} fpc_compiled;

/* A step that was queued, and where its results will be. */
typedef struct fpc_pending {
    fpc_program *program;
    int64_t step; /* 0: an evaluated batch */
    int32_t n;
    const void *loss, *terms, *counts, *norm, *scaler;
} fpc_pending;

struct fpc_programs {
    int32_t n;
    fpc_compiled item[FPC_MAX_PROGRAMS];
    fpc_program *norm, *update, *accumulate, *clear, *perturb, *swa;
    int32_t *counts; /* of the last step, all micro-batches */
    int64_t cap_counts;
    double *norms; /* of the step under way: [micro-batch][term] */
    int32_t cap_norms;
    fpc_queue *queue; /* NULL: each step is waited for */
    int queueing;     /* what is written goes through the queue */
    fpc_resident *resident;
    fpc_pending pending[FPC_QUEUE_DEPTH];
    int32_t n_pending;
};

/* NULL: no memory. */
struct fpc_programs *fpc_programs_of(fpc_experiment *);
/* An input of a program: by the queue in a queued step, at once otherwise. */
static inline fpc_status fpc_steps_write(fpc_experiment *s, fpc_program *p, const char *input, uint32_t dtype,
                                         const void *host, int64_t count)
{
    return s->programs->queueing ? fpc_queue_write(s->programs->queue, p, input, dtype, host, count)
                                 : fpc_program_write(p, input, dtype, host, count);
}
/* All that a batch's program takes: pictures, masks, draws, clock, weights of the losses times share (NULL: 1). */
fpc_status fpc_steps_inputs(fpc_experiment *, fpc_program *, const fpc_batch *, int64_t clock, const double *share);
fpc_status fpc_steps_draws(fpc_experiment *, fpc_program *, const fpc_batch *);
fpc_status fpc_steps_clock(fpc_experiment *, fpc_program *, int64_t count);
fpc_status fpc_steps_weights(fpc_experiment *, fpc_program *, const double *share);
/* FPC_ENAN with the first node whose result is not finite, from the inputs that the program has. */
fpc_status fpc_steps_diverged(fpc_experiment *, fpc_program *, int64_t step, const char *what, double value);

/* experiment/graphs.c: the graphs behind fpc_steps_program and fpc_experiment_probe. */
fpc_status fpc_steps_graph(fpc_experiment *, fpc_program_kind, int32_t n, int32_t h, int32_t w, fpc_graph **);
fpc_status fpc_steps_probe_graph(fpc_experiment *, const fpc_probe_args *, fpc_graph **);

/* experiment/normalize.c: the picture as [model] mean and std make it, or itself. */
fpc_val fpc_normalized_build(const fpc_experiment *, fpc_graph *, fpc_val image);

/* experiment/update.c */
/* Programs `accumulate` (adds the gradients to a sum) and `clear`. */
fpc_status fpc_update_accumulate(fpc_experiment *);
/* Runs fpc_update_program for step `step` at rate `lr`. FPC_ENAN without a sentence where the norm is not finite. */
fpc_status fpc_update_apply(fpc_experiment *, int64_t step, double lr, double *norm);
double fpc_update_decay(const fpc_experiment *, int64_t step);
/* After a gradient that was not finite: whether a smaller factor of the loss is left to try. state: 4 floats. */
int fpc_scaler_goes_on(const void *state);
/* Calls there(arg) while the parameters stand [optimizer] sam uphill along the gradient. They come back exactly
 * whatever happens, and so do the running statistics. */
fpc_status fpc_update_ascend(fpc_experiment *, fpc_status (*there)(void *arg), void *arg);

#endif
