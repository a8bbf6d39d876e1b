/* exec_private.h: what exec.c (compiling, running, host access) and exec_look.c (diagnosis, profile) share. Nobody else
 * includes it. */
#ifndef CORE_RUNTIME_EXEC_PRIVATE_H
#define CORE_RUNTIME_EXEC_PRIVATE_H

#include "runtime/plan.h"

struct fpc_program {
    fpc_ctx *ctx;
    fpc_state *state;
    fpc_graph *graph;
    fpc_plan *plan;
    fpc_slot *slot;
    /* Of backends that queue: the record of a run, made at the second one (the first finds out what kernels have to
     * find out once), and the state's work memory as it was then. */
    void *record;
    int64_t record_of;
    int32_t runs;
    uint8_t never_record;
};

fpc_status fpc_exec_group(fpc_program *, const fpc_plan *, const fpc_group *);
/* Where a value lies; thread: of values in tiles. */
char *fpc_exec_base(const fpc_program *, const fpc_slot *, int32_t thread);
/* The state's shared memory grows to what the plan needs. */
fpc_status fpc_exec_reserve(fpc_program *, const fpc_plan *);
/* Number i of an array, floating ones of any width. */
double fpc_exec_number(const void *data, uint32_t dtype, int64_t i);

#endif
