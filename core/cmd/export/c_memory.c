/* c_memory.c: where activations lie in the arena of a network's C file: each from the node that makes it to the last
 * one that reads it, and number-by-number ops in the place of their input where nobody else needs it. */
#include "cmd/export/c.h"
#include "runtime/blocks.h"

typedef struct plan {
    fpc_c *x;
    int32_t *last; /* by value: the last node that reads it */
    int32_t *lies; /* by value: the value in whose place it lies; itself: it has a place of its own */
    fpc_lifetime *block;
    int32_t n;
} plan;

static void find_last(plan *p)
{
    const fpc_graph *g = p->x->g;

    for (int32_t v = 0; v < g->n_values; v++)
        p->lies[v] = v;
    for (int32_t i = 0; i < g->n_nodes; i++)
        p->last[g->node[i].out[0]] = i;
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++)
            p->last[g->node[i].in[j]] = i;
}

/* What lies in a place lives as long as the last of them. */
static void share(plan *p)
{
    const fpc_graph *g = p->x->g;

    for (int32_t i = 0; i < g->n_nodes; i++) {
        const fpc_gnode *n = &g->node[i];
        const fpc_c_op *op = fpc_c_op_find(n->def->name);
        for (int32_t j = 0; op && j < op->in_place && j < n->n_in; j++) {
            const int32_t from = n->in[j], place = p->lies[from], to = n->out[0];
            if (g->value[from].role != FPC_ROLE_NODE || p->last[place] != i ||
                fpc_count(g->value[from].shape) != fpc_count(g->value[to].shape))
                continue;
            p->lies[to] = place;
            p->last[place] = p->last[to] > i ? p->last[to] : i;
            break;
        }
    }
}

static void add(plan *p, size_t floats, size_t *offset, int32_t first, int32_t last)
{
    if (floats)
        p->block[p->n] = (fpc_lifetime){floats, offset, first, last, p->n};
    p->n += floats != 0;
}

/* Of the nodes' outputs: the list of values has those of nodes that are gone too. */
static void list_blocks(plan *p)
{
    fpc_c *x = p->x;
    const fpc_graph *g = x->g;

    for (int32_t i = 0; i < g->n_nodes; i++) {
        const int32_t v = g->node[i].out[0];
        if (g->value[v].dtype != FPC_U8 && p->lies[v] == v)
            add(p, (size_t)fpc_count(g->value[v].shape), &x->offset[v], i, p->last[v]);
    }
    for (int32_t i = 0; i < g->n_nodes; i++)
        add(p, fpc_c_work(g, &g->node[i]), &x->work[i], i, i);
}

fpc_status fpc_c_plan(fpc_c *x, size_t tail, size_t *tail_offset)
{
    const size_t n_values = (size_t)x->g->n_values, n_nodes = (size_t)x->g->n_nodes;
    plan p = {.x = x};

    x->offset = fpc_alloc(x->arena, (n_values + 1) * sizeof *x->offset);
    x->work = fpc_alloc(x->arena, (n_nodes + 1) * sizeof *x->work);
    p.last = fpc_alloc(x->arena, (n_values + 1) * sizeof *p.last);
    p.lies = fpc_alloc(x->arena, (n_values + 1) * sizeof *p.lies);
    p.block = fpc_alloc(x->arena, (n_values + n_nodes + 1) * sizeof *p.block);
    if (!x->offset || !x->work || !p.last || !p.lies || !p.block)
        return FPC_ENOMEM;
    find_last(&p);
    share(&p);
    list_blocks(&p);
    /* the last node, seg_argmax, is no call: what is left of it is the tail, which reads the scores */
    add(&p, tail, tail_offset, x->g->n_nodes - 1, x->g->n_nodes - 1);
    x->floats = fpc_blocks_place(p.block, p.n);
    for (int32_t v = 0; v < x->g->n_values; v++)
        x->offset[v] = x->offset[p.lies[v]];
    if (x->floats > INT32_MAX)
        return fpc_fail(x->ctx, FPC_ENOSUPPORT,
                        "export --c: the activations take %zu numbers; the file counts to %d: give a smaller --size",
                        x->floats, INT32_MAX);
    return FPC_OK;
}
