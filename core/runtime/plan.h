/* plan.h (core): what plan.c decides and exec.c carries out: groups of nodes, and where every value lives. */
#ifndef CORE_RUNTIME_PLAN_H
#define CORE_RUNTIME_PLAN_H

#include "graph/nodes.h"
#include "runtime/backend.h"
#include <string.h>

/* Nodes that a group may have. */
enum { FPC_MAX_GROUP = 64 };

typedef enum fpc_place {
    FPC_PLACE_NONE = 0,
    FPC_PLACE_FIXED, /* state or constants: `data` */
    FPC_PLACE_ARENA, /* activation memory: `offset` */
    FPC_PLACE_TILE   /* exists for one tile at a time, in the thread's scratch: `offset` */
} fpc_place;

typedef struct fpc_storage {
    uint8_t place;
    void *data;
    size_t offset;
    int32_t first, last; /* groups between which it must stay */
} fpc_storage;

/* Nodes that run together over tiles of rows; a barrier is a group of one. parts and tile are functions of the shapes
 * alone, so that results do not depend on the number of threads. */
typedef struct fpc_plan_group {
    int32_t n, cap;
    int32_t *node;
    int64_t rows, tile;
    int32_t parts;
    uint8_t barrier;
    uint8_t constant; /* all its values are */
} fpc_plan_group;

typedef struct fpc_work { /* per node */
    const fpc_kernel *kernel;
    const char *who; /* whose kernel, for FPC_CALL */
    fpc_need need;
    size_t shared, part, scratch; /* offsets: shared and part in activation memory, scratch in the thread's */
    uint8_t kept;                 /* shared: an offset in the program's own memory, where it outlives a run */
} fpc_work;

typedef struct fpc_plan {
    fpc_graph *graph;
    int32_t n_groups, cap_groups;
    fpc_plan_group *group;
    int32_t *group_of;    /* per node */
    fpc_storage *storage; /* per value */
    fpc_work *work;       /* per node */
    size_t arena_bytes, thread_bytes, kept_bytes;
} fpc_plan;

/* Work memory and values begin at multiples of 64. */
static inline size_t fpc_round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* A node that runs once, as a whole: its outputs are neither made row by row nor summed over rows, or nothing in it is
 * row-wise. */
static inline int fpc_plan_is_barrier(const fpc_op_def *def, int64_t rows)
{
    return rows == 0 || !strpbrk(def->out, "rs");
}

/* storage[] comes with state and constants placed (FIXED). constant: the values that stay from run to run while the
 * weights do, which are FIXED too; NULL: none is counted on. tile_bytes 0: every node is a group of its own. */
fpc_status fpc_plan_make(fpc_ctx *, fpc_arena *, const fpc_backend *, fpc_graph *, fpc_storage *storage,
                         const uint8_t *constant, size_t tile_bytes, fpc_plan **);

#endif
