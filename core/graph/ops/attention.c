/* attention.c: shapes, gradient and cost of attention within each image. */
#include "graph/ops/table.h"

fpc_status infer_attention(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape q = n->in[0].shape, k = n->in[1].shape, v = n->in[2].shape;
    const fpc_attention_attr *a = n->attr;
    if (!fpc_same_shape(k, v) || k.n != q.n || k.c != q.c)
        return fpc_node_fail(ctx, n, "q %s, k %s and v %s do not fit", fpc_shape_text(q), fpc_shape_text(k),
                             fpc_shape_text(v));
    if (a->heads < 1 || q.c % a->heads)
        return fpc_node_fail(ctx, n, "%d channels cannot be cut into %d heads", q.c, a->heads);
    if (a->drop > 0 && n->n_in < 4)
        return fpc_node_fail(ctx, n, "dropout %g needs the clock as fourth input", (double)a->drop);
    n->out[0].shape = q;
    n->out[1].shape = fpc_with_c(q, a->heads);
    return FPC_OK;
}

fpc_status infer_attention_grad(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < 3; i++)
        n->out[i].shape = n->in[i].shape;
    return FPC_OK;
}

fpc_status grad_attention(fpc_graph *g, fpc_grad *d)
{
    fpc_val out[3];
    const fpc_val in[7] = {
        d->in[0], d->in[1], d->in[2], d->out[0], d->out[1], d->dout[0], d->n_in > 3 ? d->in[3] : (fpc_val){-1}};
    fpc_op(g, "attention_grad", d->name, d->n_in > 3 ? 7 : 6, in, d->attr, d->attr_size, out);
    for (int i = 0; i < 3; i++)
        d->din[i] = out[i];
    return FPC_OK;
}

static int64_t product(const fpc_node *n)
{
    const fpc_shape q = n->in[0].shape, k = n->in[1].shape;
    return fpc_count(q) * k.h * k.w;
}
int64_t macs_attention(const fpc_node *n)
{
    return 2 * product(n);
}
int64_t macs_attention_grad(const fpc_node *n)
{
    return 5 * product(n);
}
