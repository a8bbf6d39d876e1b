/* autodiff.c: appends the backward pass. Backward ops are ordinary ops that each op's grad function appends, so one
 * planner, one kernel table and one list of test cases serve both directions. */
#include "graph/nodes.h"
#include "base/at_work.h"
#include <string.h>

enum { MOST_SLICES = 16 }; /* what concat takes at most (ops.def) */

/* Gradients that arrive at one value, summed when the value's producer is reached. */
typedef struct pending {
    int32_t n, cap;
    fpc_val *v;
} pending;

static int push(fpc_graph *g, pending *p, fpc_val v)
{
    if (p->n == p->cap) {
        const int32_t cap = p->cap ? p->cap * 2 : 4;
        fpc_val *more = fpc_alloc(g->arena, (size_t)cap * sizeof *more);
        if (!more)
            return 0;
        if (p->n)
            memcpy(more, p->v, (size_t)p->n * sizeof *more);
        p->v = more;
        p->cap = cap;
    }
    p->v[p->n++] = v;
    return 1;
}

/* Slices that together tile the channels: their gradients concatenate instead of being padded and added. */
static fpc_val join_slices(fpc_graph *g, const pending *p, const char *name)
{
    fpc_val part[MOST_SLICES];
    int32_t at = 0, total = 0;
    for (int32_t i = 0; i < p->n && i < MOST_SLICES; i++) {
        const int32_t node = g->value[p->v[i].id].node;
        if (node < 0 || strcmp(g->node[node].def->name, "slice_grad"))
            return (fpc_val){-1};
        total = ((const fpc_slice_attr *)g->node[node].attr)->total;
    }
    for (int32_t i = 0; i < p->n; i++) { /* in channel order; backward visits the slices in any order */
        int32_t found = -1;
        for (int32_t j = 0; j < p->n && j < MOST_SLICES && found < 0; j++) {
            const fpc_gnode *n = &g->node[g->value[p->v[j].id].node];
            if (((const fpc_slice_attr *)n->attr)->first == at)
                found = j;
        }
        if (found < 0)
            return (fpc_val){-1};
        const fpc_gnode *n = &g->node[g->value[p->v[found].id].node];
        part[i] = (fpc_val){n->in[0]};
        at += ((const fpc_slice_attr *)n->attr)->count;
    }
    return at == total ? fpc_op(g, "concat", name, p->n, part, NULL, 0, NULL) : (fpc_val){-1};
}

static fpc_val total_of(fpc_graph *g, pending *p, const char *name)
{
    if (p->n == 0)
        return (fpc_val){-1};
    if (p->n >= 2 && p->n <= MOST_SLICES) {
        const fpc_val joined = join_slices(g, p, name);
        if (joined.id >= 0)
            return joined;
    }
    fpc_val sum = p->v[0];
    for (int32_t i = 1; i < p->n; i++)
        sum = fpc_op(g, "add", name, 2, (fpc_val[]){sum, p->v[i]}, NULL, 0, NULL);
    return sum;
}

/* Which values lead to a parameter that is trained. */
static void mark_needed(const fpc_graph *g, int32_t n_nodes, uint8_t *need)
{
    for (int32_t v = 0; v < g->n_values; v++)
        need[v] = g->value[v].role == FPC_ROLE_PARAM && !g->value[v].frozen;
    for (int32_t i = 0; i < n_nodes; i++) {
        const fpc_gnode *n = &g->node[i];
        uint8_t any = 0;
        for (int32_t j = 0; j < n->n_in; j++)
            any |= need[n->in[j]];
        for (int32_t o = 0; o < n->n_out && n->def->grad; o++)
            need[n->out[o]] = any;
    }
}

static fpc_status back_node(fpc_graph *g, int32_t i, pending *arrived, const uint8_t *need, int32_t n_values)
{
    const fpc_gnode n = g->node[i];
    fpc_val in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS], dout[FPC_MAX_OUTPUTS], din[FPC_MAX_INPUTS];
    uint8_t want[FPC_MAX_INPUTS];
    int any_out = 0, any_in = 0;
    for (int32_t j = 0; j < n.n_in; j++) {
        in[j] = (fpc_val){n.in[j]};
        din[j] = (fpc_val){-1};
        want[j] = need[n.in[j]];
        any_in |= want[j];
    }
    if (!any_in || !n.def->grad)
        return FPC_OK;
    for (int32_t o = 0; o < n.n_out; o++) {
        out[o] = (fpc_val){n.out[o]};
        dout[o] = total_of(g, &arrived[n.out[o]], n.name);
        any_out |= dout[o].id >= 0;
    }
    if (!any_out)
        return FPC_OK;
    fpc_grad d = {.size = sizeof d,
                  .attr_size = n.def->attr_size,
                  .n_in = n.n_in,
                  .n_out = n.n_out,
                  .in = in,
                  .out = out,
                  .dout = dout,
                  .want = want,
                  .din = din,
                  .attr = n.attr,
                  .name = n.name};
    const fpc_status status = FPC_CALL(fpc_op_who(g->ops, n.def), n.def->grad(g, &d));
    if (g->failed)
        return fpc_graph_check(g);
    if (status)
        return fpc_fail(g->ctx, status, "%s: grad of the op `%s` failed and gave no reason", n.name, n.def->name);
    for (int32_t j = 0; j < n.n_in; j++)
        if (din[j].id >= g->n_values)
            return fpc_fail(g->ctx, FPC_EINTERNAL,
                            "%s (%s): the gradient of input %d is the id %d, which is of no value of the graph", n.name,
                            n.def->name, j, din[j].id);
    for (int32_t j = 0; j < n.n_in; j++)
        if (want[j] && din[j].id >= 0 && n.in[j] < n_values) {
            if (!fpc_same_shape(fpc_shape_of(g, din[j]), fpc_shape_of(g, in[j])))
                return fpc_fail(g->ctx, FPC_EINTERNAL,
                                "%s (%s): the gradient of input %d has the shape %s instead of %s", n.name, n.def->name,
                                j, fpc_shape_text(fpc_shape_of(g, din[j])), fpc_shape_text(fpc_shape_of(g, in[j])));
            if (!push(g, &arrived[n.in[j]], din[j]))
                return FPC_ENOMEM;
        }
    return FPC_OK;
}

/* The planner writes each parameter's gradient straight into the flat buffer, so each must be a value of its own. */
static fpc_val own_value(fpc_graph *g, fpc_val v, int32_t param, const fpc_val *taken, int32_t n_taken)
{
    const fpc_shape shape = g->value[param].shape;
    if (v.id < 0)
        v = fpc_const(g, shape, NULL);
    int copy = v.id >= 0 && g->value[v.id].role != FPC_ROLE_NODE;
    for (int32_t i = 0; i < n_taken; i++)
        copy |= taken[i].id == v.id;
    return copy ? fpc_op(g, "copy", g->value[param].name, 1, &v, NULL, 0, NULL) : v;
}

fpc_status fpc_autodiff(fpc_graph *g, fpc_val loss, int32_t n_params, fpc_val *grads)
{
    const int32_t n_nodes = g->n_nodes, n_values = g->n_values;
    if (g->failed || !fpc_value_known(g, loss))
        return fpc_graph_check(g);
    if (fpc_count(fpc_shape_of(g, loss)) != 1)
        return fpc_fail(g->ctx, FPC_EINVAL, "the loss is %s; it must be one number",
                        fpc_shape_text(fpc_shape_of(g, loss)));
    pending *arrived = fpc_alloc(g->arena, (size_t)n_values * sizeof *arrived);
    uint8_t *need = fpc_alloc(g->arena, (size_t)n_values);
    if (!arrived || !need)
        return FPC_ENOMEM;
    mark_needed(g, n_nodes, need);
    g->backward = 1;
    const double one = 1;
    if (!push(g, &arrived[loss.id], fpc_const(g, fpc_vector(1), &one)))
        return FPC_ENOMEM;
    for (int32_t i = n_nodes - 1; i >= 0; i--) {
        const fpc_status status = back_node(g, i, arrived, need, n_values);
        if (status)
            return status;
    }
    int32_t p = 0;
    for (int32_t v = 0; v < n_values && p < n_params; v++)
        if (g->value[v].role == FPC_ROLE_PARAM) {
            grads[p] = g->value[v].frozen ? (fpc_val){-1}
                                          : own_value(g, total_of(g, &arrived[v], g->value[v].name), v, grads, p);
            p++;
        }
    g->backward = 0;
    return fpc_graph_check(g);
}
