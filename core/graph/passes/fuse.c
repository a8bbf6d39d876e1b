/* clang-format off */
/* fuse.c: joins nodes that a device runs better as one, after autodiff, for backends that want it (fpc_device.fuses):
 * each join saves a walk through memory. The values and their meaning stay; only what makes them changes.
 *   1 add(linear(x, w, b), r)          -> linear_add(x, w, b, r)
 *   2 layer_norm(add(a, b))            -> add_layer_norm(a, b)
 *   3 add(dx of layer_norm_grad, r)    -> layer_norm_grad(.., r)
 *   4 add(resize(x), r)                -> resize_add(x, r), where the backend has it (fuses is 2)
 * A joined node stands where the last of its parts stood that others wait for, so that the order stays one in which the
 * graph can run. */
/* clang-format on */
#include "graph/nodes.h"
#include "graph/passes.h"
#include <string.h>

static int is_op(const fpc_gnode *n, const char *op)
{
    return !n->dead && !strcmp(n->def->name, op);
}

/* The node that makes a value, if it is of that op. */
static int32_t maker(const fpc_graph *g, int32_t value, const char *op)
{
    const int32_t n = g->value[value].node;
    return n >= 0 && is_op(&g->node[n], op) ? n : -1;
}

static int is_kept(const fpc_graph *g, int32_t value)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (g->output[i].value == value)
            return 1;
    for (int32_t i = 0; i < g->n_grads; i++)
        if (g->grad[i].id == value)
            return 1;
    return 0;
}

/* The only node that reads a value; -1: none, several, or the host reads it too. */
static int32_t only_reader(const fpc_graph *g, int32_t value)
{
    int32_t reader = -1;
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in && !g->node[i].dead; j++)
            if (g->node[i].in[j] == value) {
                if (reader >= 0)
                    return -1;
                reader = i;
            }
    return is_kept(g, value) ? -1 : reader;
}

static int first_reader(const fpc_graph *g, int32_t value)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in && !g->node[i].dead; j++)
            if (g->node[i].in[j] == value)
                return i;
    return g->n_nodes;
}

/* Puts a node of `op` in the place of node `at`, making the values `out`; `gone` goes. 0: out of memory. */
static int put(fpc_graph *g, int32_t at, int32_t gone, const char *op, const char *name, int32_t n_in,
               const fpc_val *in, const void *attr, const int32_t *out)
{
    const uint8_t backward = g->node[at].backward;
    const int was = g->backward;
    g->backward = 1; /* names stay as they are */
    const fpc_val v = fpc_op_own(g, op, name, n_in, in, attr, NULL);
    g->backward = was;
    if (v.id < 0)
        return 0;
    fpc_gnode n = g->node[--g->n_nodes];
    n.backward = backward;
    for (int32_t o = 0; o < n.n_out; o++) {
        g->value[n.out[o]].node = -1; /* the values that there were already take their place */
        n.out[o] = out[o];
        g->value[out[o]].node = at;
        g->value[out[o]].output = o;
    }
    g->node[gone].dead = 1;
    g->node[at] = n;
    return 1;
}

static fpc_val val(int32_t id)
{
    return (fpc_val){id};
}

/* Join 1. The linear map moves down to the addition. */
static int linear_add(fpc_graph *g, int32_t i)
{
    const fpc_gnode *n = &g->node[i];
    if (!is_op(n, "add"))
        return 0;
    for (int32_t j = 0; j < 2; j++) {
        const int32_t l = maker(g, n->in[j], "linear");
        if (l < 0 || g->node[l].n_in != 3 || only_reader(g, n->in[j]) != i)
            continue;
        const int32_t *x = g->node[l].in, out[1] = {n->out[0]};
        const fpc_val in[4] = {val(x[0]), val(x[1]), val(x[2]), val(n->in[1 - j])};
        return put(g, i, l, "linear_add", g->node[l].name, 4, in, NULL, out);
    }
    return 0;
}

/* Join 2. The norm moves up to the addition, whose result others may read too. */
static int add_layer_norm(fpc_graph *g, int32_t i)
{
    const fpc_gnode *n = &g->node[i];
    const int32_t a = is_op(n, "layer_norm") ? maker(g, n->in[0], "add") : -1;
    if (a < 0 || g->value[n->in[1]].node >= 0 || g->value[n->in[2]].node >= 0)
        return 0;
    const fpc_gnode *add = &g->node[a];
    const int32_t out[4] = {add->out[0], n->out[0], n->out[1], n->out[2]};
    const fpc_val in[4] = {val(add->in[0]), val(add->in[1]), val(n->in[1]), val(n->in[2])};
    return put(g, a, i, "add_layer_norm", n->name, 4, in, n->attr, out);
}

/* Join 3. The gradient of the norm moves down to the addition, behind which nobody may read its other results. */
static int norm_grad_add(fpc_graph *g, int32_t i)
{
    const fpc_gnode *n = &g->node[i];
    if (!is_op(n, "add"))
        return 0;
    for (int32_t j = 0; j < 2; j++) {
        const int32_t l = maker(g, n->in[j], "layer_norm_grad");
        if (l < 0 || g->value[n->in[j]].output != 0 || g->node[l].n_in != 5 || only_reader(g, n->in[j]) != i)
            continue;
        const fpc_gnode *d = &g->node[l];
        if (first_reader(g, d->out[1]) < i || first_reader(g, d->out[2]) < i)
            continue;
        fpc_val in[6];
        for (int32_t k = 0; k < 5; k++)
            in[k] = val(d->in[k]);
        in[5] = val(n->in[1 - j]);
        const int32_t out[3] = {n->out[0], d->out[1], d->out[2]};
        return put(g, i, l, "layer_norm_grad", d->name, 6, in, d->attr, out);
    }
    return 0;
}

/* Join 4. The enlargement moves down to the addition; where two are added, the second one takes the sum. */
static int resize_add(fpc_graph *g, int32_t i)
{
    const fpc_gnode *n = &g->node[i];
    if (!is_op(n, "add"))
        return 0;
    for (int32_t j = 1; j >= 0; j--) {
        const int32_t r = maker(g, n->in[j], "resize");
        if (r < 0 || only_reader(g, n->in[j]) != i)
            continue;
        const int32_t out[1] = {n->out[0]};
        const fpc_val in[2] = {val(g->node[r].in[0]), val(n->in[1 - j])};
        return put(g, i, r, "resize_add", g->node[r].name, 2, in, g->node[r].attr, out);
    }
    return 0;
}

fpc_status fpc_graph_fuse(fpc_graph *g, uint32_t fuses)
{
    static int (*const joins[])(fpc_graph *, int32_t) = {linear_add, norm_grad_add, add_layer_norm, resize_add};
    for (size_t k = 0; k < (fuses > 1 ? 4 : 3); k++)
        for (int32_t i = 0; i < g->n_nodes; i++)
            if (!g->node[i].dead)
                joins[k](g, i);
    const fpc_status status = fpc_graph_check(g);
    return status ? status : fpc_graph_sweep(g, g->n_grads, g->grad);
}
