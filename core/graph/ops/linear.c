/* linear.c: shapes, gradients and costs of linear maps. */
#include "graph/ops/table.h"

/* ---- linear: weights are (1,1,out,in), or (out,1,1,in) for a 1x1 convolution: rows times columns either way ---- */

fpc_status infer_linear(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, w = n->in[1].shape;
    if (w.c != x.c)
        return fpc_node_fail(ctx, n, "the weight takes %d channels, the input has %d (%s)", w.c, x.c,
                             fpc_shape_text(x));
    if (fpc_rows_of(w) > INT32_MAX)
        return fpc_node_fail(ctx, n, "a weight of %s has more outputs than can be", fpc_shape_text(w));
    if (n->n_in > 2 && fpc_count(n->in[2].shape) != fpc_rows_of(w))
        return fpc_node_fail(ctx, n, "bias of %s for %lld outputs", fpc_shape_text(n->in[2].shape),
                             (long long)fpc_rows_of(w));
    n->out[0].shape = fpc_with_c(x, (int32_t)fpc_rows_of(w));
    return FPC_OK;
}

fpc_status infer_linear_add(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_status status = infer_linear(ctx, n);
    if (!status && !fpc_same_shape(n->in[3].shape, n->out[0].shape))
        return fpc_node_fail(ctx, n, "%s is to be added to %s", fpc_shape_text(n->in[3].shape),
                             fpc_shape_text(n->out[0].shape));
    return status;
}

fpc_status grad_linear(fpc_graph *g, fpc_grad *d)
{
    const fpc_val x = d->in[0], w = d->in[1], dy = d->dout[0];
    if (d->want[0])
        d->din[0] = fpc_op1(g, "linear_grad_x", d->name, 2, (fpc_val[]){dy, w}, NULL);
    if (d->want[1]) {
        const fpc_like_attr like = {fpc_shape_of(g, w)};
        d->din[1] = fpc_op1(g, "linear_grad_w", d->name, 2, (fpc_val[]){x, dy}, &like);
    }
    if (d->n_in > 2 && d->want[2])
        d->din[2] = fpc_op1(g, "sum_rows", d->name, 1, &dy, NULL);
    return FPC_OK;
}

int64_t macs_linear(const fpc_node *n)
{
    return fpc_rows_of(n->in[0].shape) * fpc_count(n->in[1].shape);
}

fpc_status infer_linear_grad_x(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape dy = n->in[0].shape, w = n->in[1].shape;
    if (dy.c != fpc_rows_of(w))
        return fpc_node_fail(ctx, n, "the weight gives %lld channels, the gradient has %d", (long long)fpc_rows_of(w),
                             dy.c);
    n->out[0].shape = fpc_with_c(dy, w.c);
    return FPC_OK;
}

/* Also the product of two weights in the folding of two linear maps, so it is differentiated itself. */
fpc_status grad_linear_grad_x(fpc_graph *g, fpc_grad *d)
{
    const fpc_val dy = d->in[0], w = d->in[1], up = d->dout[0];
    if (d->want[0])
        d->din[0] = fpc_op1(g, "linear", d->name, 2, (fpc_val[]){up, w}, NULL);
    if (d->want[1]) {
        const fpc_like_attr like = {fpc_shape_of(g, w)};
        d->din[1] = fpc_op1(g, "linear_grad_w", d->name, 2, (fpc_val[]){up, dy}, &like);
    }
    return FPC_OK;
}

int64_t macs_linear_grad_x(const fpc_node *n)
{
    return fpc_rows_of(n->in[0].shape) * fpc_count(n->in[1].shape);
}

fpc_status infer_linear_grad_w(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape w = ((const fpc_like_attr *)n->attr)->shape;
    if (w.c != n->in[0].shape.c || fpc_rows_of(w) != n->in[1].shape.c)
        return fpc_node_fail(ctx, n, "weight %s for input %s and gradient %s", fpc_shape_text(w),
                             fpc_shape_text(n->in[0].shape), fpc_shape_text(n->in[1].shape));
    n->out[0].shape = w;
    return FPC_OK;
}

int64_t macs_linear_grad_w(const fpc_node *n)
{
    return fpc_rows_of(n->in[0].shape) * fpc_count(n->out[0].shape);
}
