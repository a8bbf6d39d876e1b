/* precision.c: half precision as a pass over the finished graph (Micikevicius et al. 2018, arXiv:1710.03740). What an
 * op may hold in half is said by its row in graph/ops/ops.def (fpc_op_def.half): activations and matrix weights;
 * statistics, sums, losses, and with them the gradients of all parameters, stay fp32. A node goes into half precision
 * where it works on pictures: small products of weights (what graph/passes/rewrite.c folds) stay exact. Where both
 * kinds meet stands a cast. Weights are fp32 in memory; one node at the front rounds all of them into a buffer of their
 * own, $half. */
#include "graph/flat.h"
#include "graph/nodes.h"
#include "graph/passes.h"
#include <string.h>

typedef struct pass {
    fpc_graph *g;
    uint32_t half;
    int32_t n_values;          /* before the pass */
    uint8_t *pictures, *fixed; /* fixed: keeps its type */
    int32_t *twin;             /* the same value in the other type; -1: none yet */
    int weights;               /* some are read in half */
} pass;

/* The letter of argument i on one side of "INPUTS>OUTPUTS". */
static char letter(const char *half, int output, int32_t i)
{
    const char *at = output ? strchr(half, '>') + 1 : half;
    while (i-- > 0 && at[1] && at[1] != '>')
        at++;
    return *at;
}

static int is_real(const pass *p, int32_t value)
{
    const uint32_t dtype = p->g->value[value].dtype;
    return dtype == p->g->real || dtype == p->half;
}

/* Which values hold something of each pixel or picture: what is summed over rows, and the loss, does not. */
static void find_pictures(pass *p)
{
    const fpc_graph *g = p->g;
    for (int32_t v = 0; v < p->n_values; v++)
        p->pictures[v] = g->value[v].role == FPC_ROLE_INPUT && fpc_rows_of(g->value[v].shape) > 1;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        const fpc_gnode *n = &g->node[i];
        int any = 0;
        for (int32_t j = 0; j < n->n_in; j++)
            any |= p->pictures[n->in[j]];
        for (int32_t o = 0; o < n->n_out; o++)
            p->pictures[n->out[o]] =
                any && fpc_access(n->def->out, o) != 's' && fpc_rows_of(g->value[n->out[o]].shape) > 1;
    }
}

/* What the host reads and what the state stores keeps its type. */
static void find_fixed(pass *p)
{
    for (int32_t i = 0; i < p->g->n_outputs; i++)
        p->fixed[p->g->output[i].value] = 1;
    for (int32_t i = 0; i < p->g->n_grads; i++)
        if (p->g->grad[i].id >= 0)
            p->fixed[p->g->grad[i].id] = 1;
}

static int goes_half(const pass *p, const fpc_gnode *n)
{
    if (!n->def->half)
        return 0;
    for (int32_t j = 0; j < n->n_in; j++)
        if (letter(n->def->half, 0, j) == 'h' && is_real(p, n->in[j]) && p->pictures[n->in[j]])
            return 1;
    return 0;
}

static int32_t cast(pass *p, int32_t value, const char *name)
{
    fpc_graph *g = p->g;
    const fpc_cast_attr to = {g->value[value].dtype == p->half ? g->real : p->half};
    return fpc_op(g, "cast", name, 1, &(fpc_val){value}, FPC_ATTR(to), NULL).id;
}

/* A weight in half lies where it lies among the parameters, in $half. */
static int32_t half_weight(pass *p, int32_t value)
{
    fpc_graph *g = p->g;
    const fpc_value w = g->value[value];
    const char *name = fpc_sprintf(g->arena, "%s.%s", fpc_flat_name(FPC_FLAT_HALF), w.name);
    p->weights = 1;
    return name ? fpc_buffer(g, name, w.rank, w.shape, p->half, FPC_FILL_ZERO).id : -1;
}

/* The value in the type that is wanted. Casts are appended, so they stand before the node that asks. */
static int32_t as(pass *p, int32_t value, int half, const char *name)
{
    const fpc_value *v = &p->g->value[value];
    if (!is_real(p, value) || (v->dtype == p->half) == half)
        return value;
    if (value < p->n_values && p->twin[value] >= 0)
        return p->twin[value];
    const int32_t twin = half && v->role == FPC_ROLE_PARAM ? half_weight(p, value) : cast(p, value, name);
    if (value < p->n_values)
        p->twin[value] = twin;
    return twin;
}

/* Outputs in half; those that must stay as they are come out of a cast behind the node. */
static void outputs(pass *p, fpc_gnode *n, int32_t *after)
{
    fpc_graph *g = p->g;
    for (int32_t o = 0; o < n->n_out; o++) {
        const int32_t v = n->out[o];
        after[o] = -1;
        if (letter(n->def->half, 1, o) != 'h' || g->value[v].dtype != g->real)
            continue;
        if (!p->fixed[v]) {
            g->value[v].dtype = p->half;
            continue;
        }
        after[o] = v;
    }
}

static int append(pass *p, const fpc_gnode *n)
{
    fpc_graph *g = p->g;
    if (g->n_nodes >= g->cap_nodes)
        return 0;
    for (int32_t o = 0; o < n->n_out; o++) {
        g->value[n->out[o]].node = g->n_nodes;
        g->value[n->out[o]].output = o;
    }
    g->node[g->n_nodes++] = *n;
    return 1;
}

/* Output o of the node just appended, which must keep its type: the node makes a half twin, and a cast the value. */
static void cast_behind(pass *p, int32_t node, int32_t o, int32_t value)
{
    fpc_graph *g = p->g;
    const int32_t twin =
        cast(p, value, g->node[node].name); /* a half value, made by a cast of `value`: turned around */
    if (twin < 0)
        return;
    fpc_gnode *c = &g->node[g->n_nodes - 1];
    c->in[0] = twin;
    c->out[0] = value;
    ((fpc_cast_attr *)c->attr)->dtype = g->real;
    g->node[node].out[o] = twin;
    g->value[twin].node = node;
    g->value[twin].output = o;
    g->value[value].node = g->n_nodes - 1;
    g->value[value].output = 0;
    p->twin[value] = twin;
}

static fpc_status convert(pass *p, fpc_gnode n)
{
    fpc_graph *g = p->g;
    const int half = goes_half(p, &n);
    int32_t after[FPC_MAX_OUTPUTS];
    g->backward = 1; /* casts carry the names of the nodes they serve */
    for (int32_t j = 0; j < n.n_in; j++) {
        const int want = half && letter(n.def->half, 0, j) == 'h';
        const int32_t v = as(p, n.in[j], want, n.name);
        if (v < 0)
            return FPC_ENOMEM;
        n.in[j] = v;
    }
    if (half)
        outputs(p, &n, after);
    if (!append(p, &n))
        return fpc_fail(g->ctx, FPC_EINTERNAL, "half precision needs more casts than was thought");
    const int32_t node = g->n_nodes - 1;
    for (int32_t o = 0; o < n.n_out && half; o++)
        if (after[o] >= 0)
            cast_behind(p, node, o, after[o]);
    return FPC_OK;
}

/* At the very front: all parameters, rounded. */
static fpc_status cast_weights(pass *p)
{
    fpc_graph *g = p->g;
    int64_t numbers = 0;
    for (int32_t v = 0; v < p->n_values; v++)
        numbers += g->value[v].role == FPC_ROLE_PARAM ? fpc_flat_step(fpc_count(g->value[v].shape)) : 0;
    const fpc_shape flat = fpc_flat_shape(numbers);
    const fpc_val in[2] = {fpc_buffer(g, fpc_flat_name(FPC_FLAT_HALF), 1, flat, p->half, FPC_FILL_ZERO),
                           fpc_buffer(g, fpc_flat_name(FPC_FLAT_PARAM), 1, flat, FPC_F32, FPC_FILL_ZERO)};
    if (fpc_op(g, "narrow", "weights", 2, in, NULL, 0, NULL).id < 0)
        return fpc_graph_check(g);
    const fpc_gnode last = g->node[g->n_nodes - 1];
    memmove(g->node + 1, g->node, (size_t)(g->n_nodes - 1) * sizeof *g->node);
    g->node[0] = last;
    for (int32_t v = 0; v < g->n_values; v++)
        if (g->value[v].role == FPC_ROLE_NODE && g->value[v].node >= 0)
            g->value[v].node = g->value[v].node == g->n_nodes - 1 ? 0 : g->value[v].node + 1;
    return FPC_OK;
}

fpc_status fpc_graph_cast_half(fpc_graph *g, uint32_t half)
{
    pass p = {.g = g, .half = half, .n_values = g->n_values};
    const fpc_gnode *old = g->node;
    const int32_t n = g->n_nodes, was = g->backward;
    const size_t values = (size_t)g->n_values + 1;
    int32_t most = n + 1;
    fpc_status status;
    for (int32_t i = 0; i < n; i++)
        most += old[i].n_in + old[i].n_out;
    p.pictures = fpc_alloc(g->arena, values);
    p.fixed = fpc_alloc(g->arena, values);
    p.twin = fpc_alloc(g->arena, values * sizeof *p.twin);
    fpc_gnode *node = fpc_alloc(g->arena, (size_t)most * sizeof *node);
    if (!p.pictures || !p.fixed || !p.twin || !node)
        return FPC_ENOMEM;
    memset(p.twin, 0xff, values * sizeof *p.twin);
    find_pictures(&p);
    find_fixed(&p);
    g->node = node;
    g->n_nodes = 0;
    g->cap_nodes = most;
    for (int32_t i = 0; i < n; i++)
        if (!old[i].dead && (status = convert(&p, old[i])))
            return status;
    if (p.weights && (status = cast_weights(&p)))
        return status;
    g->backward = was;
    return fpc_graph_check(g);
}
