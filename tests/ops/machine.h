/* machine.h: runs a graph node after node, every value in memory of its own: no planner, no tiles, no executor. What it
 * says about gradients and rewrites therefore rests on graph, autodiff and kernels alone. */
#ifndef TESTS_OPS_MACHINE_H
#define TESTS_OPS_MACHINE_H

#include "cases.h"

typedef struct op_machine {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_graph *g;
    op_backend b;
    fpc_tensor *value; /* of each value of the graph, on the host */
    void **there;      /* the same on the device; NULL: the backend works on host memory */
} op_machine;

/* The built-in ops and one more, "dot": the sum of the products of its two inputs, a scalar to differentiate; its
 * second input takes no gradient. */
const fpc_op_table *op_table_with_dot(void);

/* Allocates everything, zeroed; fills in the constants. The backend's kernels and "dot". */
fpc_status op_machine_new(fpc_ctx *, fpc_arena *, fpc_graph *, const op_backend *, op_machine *);
/* On a device: copies what no node computes there first, and everything back. */
fpc_status op_machine_run(op_machine *);
void op_machine_free(op_machine *); /* gives back the device's memory */
static inline double *op_reals(const op_machine *m, fpc_val v)
{
    return m->value[v.id].data;
}

#endif
