/* steps.h: what steps.c (graphs and steps) and steps_update.c (what happens to the parameters) share: the programs that
 * were compiled so far. Nobody else includes it. */
#ifndef CORE_STEPS_H
#define CORE_STEPS_H

#include "stages.h"

enum { FPC_MAX_PROGRAMS = 32, FPC_STEP_TERMS = 16 };

typedef enum fpc_program_kind {
    FPC_PROGRAM_TRAIN = 1,
    FPC_PROGRAM_EVAL,
    FPC_PROGRAM_PREDICT,
    FPC_PROGRAM_LABELS,    /* the masks as augmentation leaves them */
    FPC_PROGRAM_AUGMENTED, /* the pictures too */
    FPC_PROGRAM_STATS      /* forward in training mode, for the running statistics alone */
} fpc_program_kind;

typedef struct fpc_compiled {
    fpc_program_kind kind;
    int32_t n, h, w;
    fpc_program *program;
} fpc_compiled;

struct fpc_programs {
    int32_t n;
    fpc_compiled item[FPC_MAX_PROGRAMS];
    fpc_program *norm, *update, *accumulate, *clear, *perturb, *swa;
    int32_t *counts; /* of the last step, all micro-batches */
    int64_t cap_counts;
    double *norms; /* of the step under way: [micro-batch][term] */
    int32_t cap_norms;
};

/* NULL: no memory. */
struct fpc_programs *fpc_programs_of(fpc_stages *);

/* steps_update.c */
/* Programs `accumulate` (adds the gradients to a sum) and `clear`. */
fpc_status fpc_update_accumulate(fpc_stages *);
/* The norm of the gradient, or of the sum where micro-batches are accumulated, and what clipping makes of it. */
fpc_status fpc_update_norm(fpc_stages *, double *norm, double *scale);
/* Parameters and averages move: step `step` at rate `lr`. */
fpc_status fpc_update_apply(fpc_stages *, int64_t step, double lr, double scale);
/* Calls there(arg) while the parameters stand [optimizer] sam uphill along the gradient, whose norm is given. They come
 * back exactly whatever happens, and so do the running statistics. */
fpc_status fpc_update_uphill(fpc_stages *, double norm, fpc_status (*there)(void *arg), void *arg);

#endif
