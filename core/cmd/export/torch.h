/* torch.h: a network as PyTorch source under way, and what the forms of ops (torch_ops.c) write into it. Maps are
 * (n,c,h,w) there; layers have the names of the state dict, so that the weights load by load_state_dict. */
#ifndef CORE_CMD_EXPORT_TORCH_H
#define CORE_CMD_EXPORT_TORCH_H

#include "graph/nodes.h"
#include <stdio.h>

typedef struct fpc_torch {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const fpc_graph *g;
    fpc_status status;
    FILE *layers, *steps;  /* the bodies of __init__ and forward */
    const char **variable; /* by value: what it is called in forward; NULL: not made so far */
    uint8_t *held;         /* by value: a parameter or buffer that belongs to a layer */
    const fpc_gnode *at;
} fpc_torch;

/* What is right of the = where the node's output gets its value; it may add a layer first. op: from the table. NULL:
 * it was refused, or there is no memory. */
typedef struct fpc_torch_op {
    const char *op;
    const char *(*form)(fpc_torch *, const fpc_gnode *, const char *python);
    const char *python; /* with %s for each input, where the form takes it from here */
} fpc_torch_op;
extern const fpc_torch_op fpc_torch_ops[]; /* ends with {0} */

/* The name that forward has for a value. */
const char *fpc_torch_in(fpc_torch *, int32_t value);
/* The layer whose parameters are `count` inputs of the node from the second on, of these names in it ("weight",
 * "bias"): adds `make` to __init__ under their common name, once, and returns what forward calls it. */
const char *fpc_torch_layer(fpc_torch *, const fpc_gnode *, int32_t count, const char *const *names, const char *make);
/* The node has no form in PyTorch; what: "" or why. */
const char *fpc_torch_refuse(fpc_torch *, const char *what);

#endif
