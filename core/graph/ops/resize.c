/* resize.c: shapes and gradients of ops that move or pool pixels. */
#include "graph/ops/table.h"

fpc_status infer_resize(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_resize_attr *a = n->attr;
    const fpc_shape x = n->in[0].shape;
    if (a->h < 1 || a->w < 1)
        return fpc_node_fail(ctx, n, "size %dx%d", a->h, a->w);
    n->out[0].shape = (fpc_shape){x.n, a->h, a->w, x.c};
    return FPC_OK;
}
fpc_status infer_resize_add(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_status status = infer_resize(ctx, n);
    if (!status && !fpc_same_shape(n->in[1].shape, n->out[0].shape))
        return fpc_node_fail(ctx, n, "%s is to be added to %s", fpc_shape_text(n->in[1].shape),
                             fpc_shape_text(n->out[0].shape));
    return status;
}
fpc_status grad_resize(fpc_graph *g, fpc_grad *d)
{
    const fpc_shape x = fpc_shape_of(g, d->in[0]);
    const fpc_resize_attr a = {x.h, x.w, ((const fpc_resize_attr *)d->attr)->align_corners};
    d->din[0] = fpc_op1(g, "resize_grad", d->name, 1, d->dout, &a);
    return FPC_OK;
}

fpc_status infer_pool(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    n->out[0].shape = (fpc_shape){n->in[0].shape.n, 1, 1, n->in[0].shape.c};
    return FPC_OK;
}
static fpc_val spread(fpc_graph *g, fpc_grad *d, float scale)
{
    const fpc_shape x = fpc_shape_of(g, d->in[0]);
    const fpc_broadcast_attr a = {x.h, x.w, scale};
    return fpc_op1(g, "broadcast", d->name, 1, d->dout, &a);
}
fpc_status grad_pool_mean(fpc_graph *g, fpc_grad *d)
{
    const fpc_shape x = fpc_shape_of(g, d->in[0]);
    d->din[0] = spread(g, d, 1.0f / ((float)x.h * (float)x.w));
    return FPC_OK;
}
fpc_status grad_pool_sum(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = spread(g, d, 1.0f);
    return FPC_OK;
}

fpc_status infer_broadcast(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_broadcast_attr *a = n->attr;
    const fpc_shape x = n->in[0].shape;
    if (x.h != 1 || x.w != 1 || a->h < 1 || a->w < 1)
        return fpc_node_fail(ctx, n, "%s to %dx%d; the input must be (n,1,1,c)", fpc_shape_text(x), a->h, a->w);
    n->out[0].shape = (fpc_shape){x.n, a->h, a->w, x.c};
    return FPC_OK;
}
fpc_status grad_broadcast(fpc_graph *g, fpc_grad *d)
{
    const fpc_broadcast_attr *a = d->attr;
    const fpc_val sum = fpc_op1(g, "pool_sum", d->name, 1, d->dout, NULL);
    if (a->scale == 1.0f) {
        d->din[0] = sum;
        return FPC_OK;
    }
    const fpc_broadcast_attr one = {1, 1, a->scale};
    d->din[0] = fpc_op1(g, "broadcast", d->name, 1, &sum, &one);
    return FPC_OK;
}

fpc_status infer_max_pool(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_pool_attr *a = n->attr;
    const fpc_shape x = n->in[0].shape;
    if (a->k < 1 || a->stride < 1 || x.h < a->k || x.w < a->k)
        return fpc_node_fail(ctx, n, "window %d, stride %d over %s; use larger pictures", a->k, a->stride,
                             fpc_shape_text(x));
    n->out[0].shape = (fpc_shape){x.n, (x.h - a->k) / a->stride + 1, (x.w - a->k) / a->stride + 1, x.c};
    return FPC_OK;
}
fpc_status grad_max_pool(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = fpc_op1(g, "max_pool_grad", d->name, 3, (fpc_val[]){d->in[0], d->out[0], d->dout[0]}, d->attr);
    return FPC_OK;
}

fpc_status infer_window(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_window_attr *a = n->attr;
    const fpc_shape x = n->in[0].shape;
    if (a->h < 1 || a->w < 1)
        return fpc_node_fail(ctx, n, "size %dx%d", a->h, a->w);
    n->out[0].shape = (fpc_shape){x.n, a->h, a->w, x.c};
    return FPC_OK;
}
fpc_status grad_window(fpc_graph *g, fpc_grad *d)
{
    const fpc_window_attr *a = d->attr;
    const fpc_shape x = fpc_shape_of(g, d->in[0]);
    const fpc_window_attr back = {-a->top, -a->left, x.h, x.w};
    d->din[0] = fpc_op1(g, "window", d->name, 1, d->dout, &back);
    return FPC_OK;
}
