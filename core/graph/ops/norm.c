/* norm.c: shapes and gradients of layer norm and batch norm. Batch norm in training is several ops: batch_stats
 * gives the batch's statistics, batch_norm applies statistics, running_stats updates the stored ones in place. */
#include "graph/ops/table.h"

fpc_status infer_layer_norm(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape;
    if (fpc_count(n->in[1].shape) != x.c || fpc_count(n->in[2].shape) != x.c)
        return fpc_node_fail(ctx, n, "weight %s and bias %s for %d channels", fpc_shape_text(n->in[1].shape),
                             fpc_shape_text(n->in[2].shape), x.c);
    n->out[0].shape = x;
    n->out[1].shape = n->out[2].shape = fpc_with_c(x, 1);
    return FPC_OK;
}

/* Weight, bias, mean and variance are of the channels. */
fpc_status infer_batch_norm(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape;
    for (int32_t i = 1; i < n->n_in; i++)
        if (fpc_count(n->in[i].shape) != x.c)
            return fpc_node_fail(ctx, n, "input %d is %s for %d channels", i, fpc_shape_text(n->in[i].shape), x.c);
    n->out[0].shape = x;
    return FPC_OK;
}

fpc_status infer_add_layer_norm(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape;
    if (!fpc_same_shape(n->in[1].shape, x) || fpc_count(n->in[2].shape) != x.c || fpc_count(n->in[3].shape) != x.c)
        return fpc_node_fail(ctx, n, "%s + %s with weight %s and bias %s", fpc_shape_text(x),
                             fpc_shape_text(n->in[1].shape), fpc_shape_text(n->in[2].shape),
                             fpc_shape_text(n->in[3].shape));
    n->out[0].shape = n->out[1].shape = x;
    n->out[2].shape = n->out[3].shape = fpc_with_c(x, 1);
    return FPC_OK;
}

fpc_status infer_layer_norm_grad(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    n->out[0].shape = n->in[0].shape;
    n->out[1].shape = n->out[2].shape = fpc_vector(n->in[0].shape.c);
    return FPC_OK;
}

fpc_status grad_layer_norm(fpc_graph *g, fpc_grad *d)
{
    fpc_val out[3];
    const fpc_val in[5] = {d->in[0], d->in[1], d->out[1], d->out[2], d->dout[0]};
    fpc_op(g, "layer_norm_grad", d->name, 5, in, d->attr, d->attr_size, out);
    d->din[0] = out[0], d->din[1] = out[1], d->din[2] = out[2];
    return FPC_OK;
}

/* dx through the batch's own statistics; with stored ones (an evaluation graph) they do not depend on x, and dx is the
 * same scale as the forward pass without its shifts: batch_norm(dy) with mean and bias 0. */
static fpc_val batch_norm_dx(fpc_graph *g, fpc_grad *d, const fpc_val *sums)
{
    const fpc_val x = d->in[0], w = d->in[1], mean = d->in[3], var = d->in[4], dy = d->dout[0];
    if (g->value[mean.id].role != FPC_ROLE_NODE) {
        const fpc_val zero = fpc_const(g, fpc_shape_of(g, mean), NULL);
        return fpc_op1(g, "batch_norm", d->name, 5, (fpc_val[]){dy, w, zero, zero, var}, d->attr);
    }
    return fpc_op1(g, "batch_norm_grad", d->name, 7, (fpc_val[]){x, w, mean, var, sums[0], sums[1], dy}, d->attr);
}

fpc_status grad_batch_norm(fpc_graph *g, fpc_grad *d)
{
    const fpc_val x = d->in[0], mean = d->in[3], var = d->in[4], dy = d->dout[0];
    fpc_val sums[2];
    fpc_op(g, "batch_norm_sums", d->name, 4, (fpc_val[]){x, mean, var, dy}, d->attr, d->attr_size, sums);
    if (d->want[0])
        d->din[0] = batch_norm_dx(g, d, sums);
    d->din[1] = sums[0], d->din[2] = sums[1];
    return FPC_OK;
}
