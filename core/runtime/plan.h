/* plan.h (core): what plan.c decides and exec.c carries out: groups of nodes, and where every value lives. */
#ifndef CORE_RUNTIME_PLAN_H
#define CORE_RUNTIME_PLAN_H

#include "runtime/program.h"

typedef enum fpc_place {
    FPC_PLACE_NONE = 0,
    FPC_PLACE_FIXED, /* state or constants: `data` */
    FPC_PLACE_ARENA, /* activation memory: `offset` */
    FPC_PLACE_TILE   /* exists for one tile at a time, in the thread's scratch: `offset` */
} fpc_place;

typedef struct fpc_slot {
    uint8_t place;
    void *data;
    size_t offset;
    int32_t first, last; /* groups between which it must stay */
} fpc_slot;

/* Nodes that run together over tiles of rows; a barrier is a group of one. parts and tile are functions of the shapes
 * alone, so that results do not depend on the number of threads. */
typedef struct fpc_group {
    int32_t n, cap;
    int32_t *node;
    int64_t rows, tile;
    int32_t parts;
    uint8_t barrier;
} fpc_group;

typedef struct fpc_work { /* per node */
    const fpc_kernel *kernel;
    fpc_need need;
    size_t shared, part, scratch; /* offsets: shared and part in activation memory, scratch in the thread's */
} fpc_work;

typedef struct fpc_plan {
    fpc_graph *graph;
    int32_t n_groups, cap_groups;
    fpc_group *group;
    int32_t *group_of; /* per node */
    fpc_slot *slot;    /* per value */
    fpc_work *work;    /* per node */
    size_t arena_bytes, thread_bytes;
} fpc_plan;

/* slot[] comes with state and constants placed (FIXED). tile_bytes 0: every node is a group of its own. */
fpc_status fpc_plan_make(fpc_ctx *, fpc_arena *, const fpc_backend *, fpc_graph *, fpc_slot *slot, size_t tile_bytes,
                         fpc_plan **);

#endif
