/* nodes.h: the graph behind include/fpcore/graph.h. A graph is a list of values and a list of nodes in an order
 * in which they can run. Builders append; graph/passes/rewrite.c and graph/passes/autodiff.c append and redirect;
 * runtime/plan.c reads. */
#ifndef CORE_GRAPH_NODES_H
#define CORE_GRAPH_NODES_H

#include <fpcore/graph.h>
#include <fpcore/op.h>
#include <fpcore/ops.h>
#include "base/message.h"
#include "base/pattern.h"

/* What one node may have, so that whoever looks at one needs no memory; fpc_op and fpc_run_node refuse more. */
enum { FPC_MAX_INPUTS = 32, FPC_MAX_OUTPUTS = 8 };

typedef enum fpc_role {
    FPC_ROLE_NODE = 0, /* made by a node */
    FPC_ROLE_INPUT,    /* written from the host before each run */
    FPC_ROLE_CONST,
    FPC_ROLE_PARAM, /* trainable, in the flat parameter buffer */
    FPC_ROLE_BUFFER /* stored, not trained */
} fpc_role;

typedef struct fpc_value {
    const char *name; /* full name of inputs, parameters, buffers; else NULL */
    fpc_shape shape;
    uint32_t dtype;
    uint8_t role, rank, fill;
    uint8_t frozen; /* of a parameter: it is not trained; of a buffer: training does not write it */
    int64_t fan_in;
    int32_t node, output;   /* producing node and which of its outputs; -1 */
    const double *constant; /* ROLE_CONST */
} fpc_value;

typedef struct fpc_gnode {
    const fpc_op_def *def;
    const char *name, *in_access;   /* letters for each input (def->in, last letter repeated) */
    int32_t n_in, n_out, *in, *out; /* value ids */
    void *attr;
    uint8_t dead, backward;
    uint8_t lazy; /* runtime/plan.c: joins the group of its first consumer */
} fpc_gnode;

typedef struct fpc_output {
    const char *name;
    int32_t value;
} fpc_output;

struct fpc_graph {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const struct fpc_op_table *ops;
    uint32_t real; /* FPC_F32 or FPC_F64 */
    int training, failed, backward;
    fpc_value *value;
    int32_t n_values, cap_values;
    fpc_gnode *node;
    int32_t n_nodes, cap_nodes;
    fpc_output *output;
    int32_t n_outputs, cap_outputs;
    fpc_val *grad; /* gradient of the i-th parameter, where autodiff ran and the program shall store it */
    int32_t n_grads;
    const fpc_patterns *freeze; /* parameters that are frozen when they are declared; NULL: none */
    int freeze_stats;           /* batch norms of frozen parameters use and keep the stored statistics */
    const char *verb;           /* that the author wrote and whose op comes next; NULL: fpc_op itself */
    char scope[256];
    int32_t scope_depth;
    uint16_t scope_len[32];
};

/* Every op there is: the built-in ones and those of the opened plugins. */
typedef struct fpc_op_table {
    int32_t n;
    const fpc_op_def **def;
    const char **who; /* whose op it is, for FPC_CALL; NULL: the core's */
} fpc_op_table;
/* Ops from one place. */
typedef struct fpc_op_rows {
    const fpc_op_def *row; /* NULL: none; the last has no name */
    const char *who;       /* the plugin, as in fpc_found; NULL: the core */
} fpc_op_rows;
/* fpc_builtin_rows first, then those of plugins, which may not take a name again. */
fpc_status fpc_op_table_new(fpc_ctx *, fpc_arena *, int32_t n_from, const fpc_op_rows *from, fpc_op_table **);
const fpc_op_def *fpc_op_find(const fpc_op_table *, const char *name);
const char *fpc_op_who(const fpc_op_table *, const fpc_op_def *);
/* Of graph/ops/ops.def. */
extern const fpc_op_rows fpc_builtin_rows;
extern const fpc_op_def fpc_builtin_ops[];
extern const int32_t fpc_n_builtin_ops;

/* graph/sentence.c. fpc_fail with the place in front: while a graph is built, the verb that the author wrote, the scope
 * and the inputs ("fpc_add in block1.attn of block1.attn.q and image"), else the node's name and op. */
fpc_status fpc_node_fail(fpc_ctx *, const fpc_node *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* From now on fpc_node_fail about `view` speaks of this place in the graph; view NULL: of none. */
void fpc_node_place(const fpc_graph *, const fpc_gnode *, const fpc_node *view);
/* "4x128x128x19" into a ring of small buffers, for messages. */
const char *fpc_shape_text(fpc_shape);
static inline fpc_shape fpc_with_c(fpc_shape s, int32_t c)
{
    return (fpc_shape){s.n, s.h, s.w, c};
}
static inline fpc_shape fpc_vector(int32_t c)
{
    return (fpc_shape){1, 1, 1, c};
}
/* fpc_op for the core's own calls: the attributes are of the size that this build gives them, NULL for none. */
fpc_val fpc_op_own(fpc_graph *, const char *op, const char *name, int32_t n_in, const fpc_val *in, const void *attr,
                   fpc_val *out);

/* fpc_op for the gradients of ops, which need one output. */
static inline fpc_val fpc_op1(fpc_graph *g, const char *op, const char *name, int32_t n, const fpc_val *in,
                              const void *attr)
{
    return fpc_op_own(g, op, name, n, in, attr, NULL);
}

fpc_status fpc_graph_new(fpc_ctx *, fpc_arena *, const fpc_op_table *, uint32_t real, int training, fpc_graph **);
/* After building: FPC_OK, or the first error. */
fpc_status fpc_graph_check(fpc_graph *);
/* The same of what the plugin `who` ("model/unet") built, and the scopes that it entered have been left. */
fpc_status fpc_graph_closed(fpc_graph *, const char *who);
/* Whether the graph has such a value; what plugins hand over is asked. */
static inline int fpc_value_known(const fpc_graph *g, fpc_val v)
{
    return v.id >= 0 && v.id < g->n_values;
}
/* graph/ops/loss.c: the attributes of a seg_loss node get terms of this build's size. 0: no memory, or no size. */
int fpc_seg_terms_own(fpc_graph *, fpc_seg_loss_attr *);
/* Written from the host before each run, by name. */
fpc_val fpc_input(fpc_graph *, const char *name, fpc_shape, uint32_t dtype);
/* Read by the host after a run, by name; kept alive to the end. */
void fpc_output_mark(fpc_graph *, const char *name, fpc_val);
fpc_val fpc_output_find(const fpc_graph *, const char *name);
uint32_t fpc_dtype_of(const fpc_graph *, fpc_val);

/* Exact identities, to a fixed point; then dead nodes go. on = 0: only the dead nodes. Call before autodiff. */
fpc_status fpc_graph_rewrite(fpc_graph *, int on);
/* Keeps the nodes that outputs, effects or `extra` values need, in an order in which they can run. */
fpc_status fpc_graph_sweep(fpc_graph *, int32_t n_extra, const fpc_val *extra);
/* Appends the backward pass of the scalar `loss`; grads[i]: gradient of the i-th ROLE_PARAM value in order of creation
 * (a zero constant where the loss does not depend on it; id < 0 where it is frozen: nothing is made for it). */
fpc_status fpc_autodiff(fpc_graph *, fpc_val loss, int32_t n_params, fpc_val *grads);
/* What a kernel would see of the node, without data. in: FPC_MAX_INPUTS tensors, out: FPC_MAX_OUTPUTS. */
void fpc_gnode_view(const fpc_graph *, const fpc_gnode *, fpc_tensor *in, fpc_tensor *out, fpc_node *view);
int64_t fpc_gnode_macs(const fpc_graph *, const fpc_gnode *);
int64_t fpc_graph_macs(const fpc_graph *, int forward_only);

#endif
