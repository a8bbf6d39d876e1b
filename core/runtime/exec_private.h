/* exec_private.h: what program.c (compiling, host access), exec.c (running), exec_node.c (one node alone), find_nan.c
 * and profile.c share. Nobody else includes it. */
#ifndef CORE_RUNTIME_EXEC_PRIVATE_H
#define CORE_RUNTIME_EXEC_PRIVATE_H

#include "runtime/plan.h"
#include "runtime/program.h"

struct fpc_program {
    fpc_ctx *ctx;
    fpc_state *state;
    fpc_graph *graph;
    fpc_plan *plan;
    fpc_storage *storage;
    /* Of backends that queue: the record of a run, made at the second one (the first finds out what kernels have to
     * find out once), and the state's work memory as it was then. */
    void *record;
    int64_t record_of;
    int32_t runs;
    uint8_t never_record;
    /* In inference: packed weights, and whether they and the constant values are those of the present weights. */
    void *kept;
    int64_t kept_of; /* fpc_state.weights_version; 0: nothing yet */
    uint8_t fresh;   /* during a run */
    uint8_t updates; /* changes weights or buffers */
};

/* Runs one group of the plan; the program says where values and work memory lie. jobs, which begins as zeros, is for
 * backends with one thread; NULL: not wanted. */
fpc_status fpc_exec_group(fpc_program *, const fpc_plan *, const fpc_plan_group *, fpc_jobs *jobs);
/* Where a value lies; thread: of values in tiles. */
char *fpc_exec_base(const fpc_program *, const fpc_storage *, int32_t thread);
/* The state's shared memory grows to what the plan needs. */
fpc_status fpc_exec_reserve(fpc_program *, const fpc_plan *);
/* What the backend recorded of a run, if it did, goes. */
void fpc_exec_forget(fpc_program *);

#endif
