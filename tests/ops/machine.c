/* machine.c: the graph interpreter of the gradient tests: in double, or in float on the backend that is tested. */
#include "machine.h"
#include "device.h"
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
    static const char *who[256];
    static fpc_op_table table = {0, def, who};
    for (table.n = 0; table.n < fpc_n_builtin_ops; table.n++)
        def[table.n] = &fpc_builtin_ops[table.n];
    def[table.n++] = &dot_op;
    return &table;
}

static const fpc_kernel *kernel_of(const op_backend *b, const fpc_node *node)
{
    const fpc_kernel *best = NULL;
    for (const fpc_kernel *const *table = b->tables; *table; table++)
        for (const fpc_kernel *k = *table; k->op; k++)
            if (!strcmp(k->op, node->op) && (k->dtypes & FPC_DTYPE_BIT(b->real)) && (!k->match || k->match(node)) &&
                (!best || k->rank > best->rank))
                best = k;
    return best;
}

/* Numbers into a tensor of real ones. */
static void put_reals(const fpc_tensor *t, const double *v)
{
    for (int64_t i = 0; i < fpc_count(t->shape); i++)
        if (t->dtype == FPC_F64)
            ((double *)t->data)[i] = v[i];
        else
            ((float *)t->data)[i] = (float)v[i];
}

/* Memory of a node's outputs; in-place ops share that of their inputs. */
static fpc_status allocate(op_machine *m, int32_t v)
{
    const fpc_value *value = &m->g->value[v];
    fpc_tensor *t = &m->value[v];
    *t = (fpc_tensor){.shape = value->shape, .dtype = value->dtype};
    if (value->node >= 0 && (m->g->node[value->node].def->flags & FPC_OP_INPLACE)) {
        t->data = m->value[m->g->node[value->node].in[value->output]].data;
        return FPC_OK;
    }
    t->data = fpc_alloc(m->arena, fpc_bytes(value->shape, value->dtype));
    if (t->data && value->role == FPC_ROLE_CONST && value->constant)
        put_reals(t, value->constant);
    return t->data ? FPC_OK : FPC_ENOMEM;
}

static int shares(const op_machine *m, int32_t v)
{
    const int32_t node = m->g->value[v].node;
    return node >= 0 && (m->g->node[node].def->flags & FPC_OP_INPLACE);
}

static fpc_status allocate_there(op_machine *m, int32_t v)
{
    const fpc_value *value = &m->g->value[v];
    if (shares(m, v)) {
        m->there[v] = m->there[m->g->node[value->node].in[value->output]];
        return FPC_OK;
    }
    return m->b.vtbl->alloc(m->b.self, fpc_bytes(value->shape, value->dtype), &m->there[v]);
}

void op_machine_free(op_machine *m)
{
    for (int32_t v = 0; m->there && v < m->g->n_values; v++)
        if (m->there[v] && !shares(m, v))
            m->b.vtbl->release(m->b.self, m->there[v]);
    m->there = NULL;
}

fpc_status op_machine_new(fpc_ctx *ctx, fpc_arena *arena, fpc_graph *g, const op_backend *b, op_machine *m)
{
    *m = (op_machine){ctx, arena, g, *b, fpc_alloc(arena, (size_t)g->n_values * sizeof(fpc_tensor)), NULL};
    if (b->vtbl && !(m->there = fpc_alloc(arena, (size_t)g->n_values * sizeof(void *))))
        return FPC_ENOMEM;
    fpc_status status = m->value ? fpc_graph_check(g) : FPC_ENOMEM;
    for (int32_t v = 0; v < g->n_values && !status; v++) {
        status = allocate(m, v);
        status = status || !b->vtbl ? status : allocate_there(m, v);
    }
    return status;
}

static fpc_status to_device(op_machine *m)
{
    fpc_status status = FPC_OK;
    for (int32_t v = 0; v < m->g->n_values && !status; v++)
        if (m->g->value[v].node < 0)
            status = m->b.vtbl->copy(m->b.self, m->there[v], m->value[v].data,
                                     fpc_bytes(m->value[v].shape, m->value[v].dtype), FPC_TO_DEVICE);
    return status;
}

static fpc_status to_host(op_machine *m)
{
    fpc_status status = FPC_OK;
    for (int32_t v = 0; v < m->g->n_values && !status; v++)
        status = m->b.vtbl->copy(m->b.self, m->value[v].data, m->there[v],
                                 fpc_bytes(m->value[v].shape, m->value[v].dtype), FPC_TO_HOST);
    return status;
}

fpc_status op_machine_run(op_machine *m)
{
    fpc_status status = m->there ? to_device(m) : FPC_OK;
    for (int32_t i = 0; i < m->g->n_nodes && !status; i++) {
        const fpc_gnode *n = &m->g->node[i];
        fpc_tensor in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
        fpc_node node;
        if (n->dead)
            continue;
        fpc_gnode_view(m->g, n, in, out, &node);
        for (int32_t j = 0; j < n->n_in; j++)
            in[j].data = m->there ? m->there[n->in[j]] : m->value[n->in[j]].data;
        for (int32_t j = 0; j < n->n_out; j++)
            out[j].data = m->there ? m->there[n->out[j]] : m->value[n->out[j]].data;
        const fpc_kernel *k = n->def == &dot_op ? &dot_kernel : kernel_of(&m->b, &node);
        if (!k)
            return fpc_fail(m->ctx, FPC_ENOSUPPORT, "%s has no kernel for %s", m->b.name, node.op);
        status = op_run_node(m->ctx, &m->b, k, n->def, &node, (op_split){1, 0});
    }
    return status || !m->there ? status : to_host(m);
}
