/* machine.c: the graph interpreter of the gradient tests, in double. */
#include "machine.h"
#include <string.h>

static fpc_status infer_dot(fpc_ctx *ctx, fpc_node *n)
{
    if (!fpc_same_shape(n->in[0].shape, n->in[1].shape))
        return fpc_fail(ctx, FPC_EINTERNAL, "dot of different shapes");
    n->out[0].shape = (fpc_shape){1, 1, 1, 1};
    return FPC_OK;
}

/* The loss is the dot itself, so what arrives is 1. */
static fpc_status grad_dot(fpc_graph *g, fpc_grad *d)
{
    (void)g;
    d->din[0] = d->in[1];
    return FPC_OK;
}

static fpc_status run_dot(fpc_exec *x, const fpc_node *n, fpc_rows rows)
{
    const double *a = n->in[0].data, *b = n->in[1].data;
    double sum = 0;
    (void)x;
    (void)rows;
    for (int64_t i = 0; i < fpc_count(n->in[0].shape); i++)
        sum += a[i] * b[i];
    *(double *)n->out[0].data = sum;
    return FPC_OK;
}

static const fpc_op_def dot_op = {.size = sizeof dot_op,
                                  .name = "dot",
                                  .min_in = 2,
                                  .max_in = 2,
                                  .n_out = 1,
                                  .in = "w",
                                  .out = "w",
                                  .infer = infer_dot,
                                  .grad = grad_dot};
static const fpc_kernel dot_kernel = {.size = sizeof dot_kernel,
                                      .flags = FPC_KERNEL_DETERMINISTIC,
                                      .dtypes = FPC_DTYPE_BIT(FPC_F64),
                                      .op = "dot",
                                      .name = "dot.test",
                                      .run = run_dot};

const fpc_op_table *op_table_with_dot(void)
{
    static const fpc_op_def *def[256];
    static fpc_op_table table = {0, def};
    for (table.n = 0; table.n < fpc_n_builtin_ops; table.n++)
        def[table.n] = &fpc_builtin_ops[table.n];
    def[table.n++] = &dot_op;
    return &table;
}

/* Memory of a node's outputs; in-place ops share that of their inputs. */
static fpc_status allocate(op_machine *m, int32_t v)
{
    const fpc_value *value = &m->g->value[v];
    fpc_tensor *t = &m->value[v];
    *t = (fpc_tensor){.shape = value->shape, .dtype = value->dtype};
    if (value->node >= 0 && (m->g->node[value->node].def->flags & FPC_OP_INPLACE)) {
        t->data = m->value[m->g->node[value->node].in[value->slot]].data;
        return FPC_OK;
    }
    t->data = fpc_alloc(m->arena, fpc_bytes(value->shape, value->dtype));
    if (t->data && value->role == FPC_ROLE_CONST && value->constant)
        memcpy(t->data, value->constant, fpc_bytes(value->shape, value->dtype));
    return t->data ? FPC_OK : FPC_ENOMEM;
}

fpc_status op_machine_new(fpc_ctx *ctx, fpc_arena *arena, fpc_graph *g, const op_backend *b, op_machine *m)
{
    *m = (op_machine){ctx, arena, g, *b, fpc_alloc(arena, (size_t)g->n_values * sizeof(fpc_tensor))};
    fpc_status st = m->value ? fpc_graph_check(g) : FPC_ENOMEM;
    for (int32_t v = 0; v < g->n_values && !st; v++)
        st = allocate(m, v);
    return st;
}

fpc_status op_machine_run(op_machine *m)
{
    for (int32_t i = 0; i < m->g->n_nodes; i++) {
        const fpc_gnode *n = &m->g->node[i];
        fpc_tensor in[32], out[8];
        fpc_node node;
        if (n->dead)
            continue;
        fpc_gnode_view(m->g, n, in, out, &node);
        for (int32_t j = 0; j < n->n_in; j++)
            in[j].data = m->value[n->in[j]].data;
        for (int32_t j = 0; j < n->n_out; j++)
            out[j].data = m->value[n->out[j]].data;
        const fpc_kernel *k = n->def == &dot_op ? &dot_kernel : op_kernel_of(&m->b, &node);
        if (!k)
            return fpc_fail(m->ctx, FPC_ENOSUPPORT, "%s has no kernel for %s", m->b.name, node.op);
        const fpc_status st = fpc_run_node(m->ctx, k, n->def, &node, 1, 0, m->b.exec);
        if (st)
            return st;
    }
    return FPC_OK;
}
