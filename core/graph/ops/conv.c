/* conv.c: shapes, gradients and costs of convolutions. */
#include "graph/ops/table.h"

static fpc_status check_conv(fpc_ctx *ctx, const fpc_node *n, fpc_shape w, int64_t in_c)
{
    const fpc_conv_attr *a = n->attr;
    if (a->kh < 1 || a->kw < 1 || a->stride < 1 || a->pad < 0 || a->groups < 1 || w.h != a->kh || w.w != a->kw)
        return fpc_node_fail(ctx, n, "kernel %dx%d, stride %d, pad %d, groups %d for a weight of %s", a->kh, a->kw,
                             a->stride, a->pad, a->groups, fpc_shape_text(w));
    if (in_c % a->groups || w.n % a->groups || w.c != in_c / a->groups)
        return fpc_node_fail(ctx, n, "%lld input and %d output channels in %d groups do not fit a weight of %s",
                             (long long)in_c, w.n, a->groups, fpc_shape_text(w));
    const int64_t padding = 2 * (int64_t)a->pad;
    if (a->h < 1 || a->w < 1 || a->h + padding > INT32_MAX || a->w + padding > INT32_MAX || in_c > INT32_MAX)
        return fpc_node_fail(ctx, n, "an input of %dx%d and %lld channels, padded by %d", a->h, a->w, (long long)in_c,
                             a->pad);
    if (a->h + padding < a->kh || a->w + padding < a->kw)
        return fpc_node_fail(ctx, n, "a %dx%d kernel is larger than the padded %dx%d input; use larger pictures", a->kh,
                             a->kw, a->h + 2 * a->pad, a->w + 2 * a->pad);
    return FPC_OK;
}

/* Where there is one: a number for each channel of the output. */
static fpc_status check_bias(fpc_ctx *ctx, const fpc_node *n, int32_t out_c)
{
    if (n->n_in < 3 || fpc_count(n->in[2].shape) == out_c)
        return FPC_OK;
    return fpc_node_fail(ctx, n, "bias of %s for %d outputs", fpc_shape_text(n->in[2].shape), out_c);
}

static int32_t conv_size(int32_t in, int32_t k, const fpc_conv_attr *a)
{
    return (in + 2 * a->pad - k) / a->stride + 1;
}

fpc_status infer_conv2d(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, w = n->in[1].shape;
    const fpc_conv_attr *a = n->attr;
    if (a->h != x.h || a->w != x.w)
        return fpc_node_fail(ctx, n, "attributes say %dx%d, the input is %s", a->h, a->w, fpc_shape_text(x));
    const fpc_status status = check_conv(ctx, n, w, x.c);
    if (status)
        return status;
    n->out[0].shape = (fpc_shape){x.n, conv_size(x.h, a->kh, a), conv_size(x.w, a->kw, a), w.n};
    return check_bias(ctx, n, w.n);
}

fpc_status grad_conv2d(fpc_graph *g, fpc_grad *d)
{
    const fpc_val x = d->in[0], w = d->in[1], dy = d->dout[0];
    if (d->want[0])
        d->din[0] = fpc_op1(g, "conv2d_grad_x", d->name, 2, (fpc_val[]){dy, w}, d->attr);
    if (d->want[1])
        d->din[1] = fpc_op1(g, "conv2d_grad_w", d->name, 2, (fpc_val[]){x, dy}, d->attr);
    if (d->n_in > 2 && d->want[2])
        d->din[2] = fpc_op1(g, "sum_rows", d->name, 1, &dy, NULL);
    return FPC_OK;
}

int64_t macs_conv2d(const fpc_node *n)
{
    const fpc_shape w = n->in[1].shape;
    return fpc_count(n->out[0].shape) * w.h * w.w * w.c;
}

fpc_status infer_conv2d_grad_x(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape dy = n->in[0].shape, w = n->in[1].shape;
    const fpc_conv_attr *a = n->attr;
    const fpc_status status = check_conv(ctx, n, w, (int64_t)w.c * a->groups);
    if (status)
        return status;
    if (dy.c != w.n || dy.h != conv_size(a->h, a->kh, a) || dy.w != conv_size(a->w, a->kw, a))
        return fpc_node_fail(ctx, n, "a gradient of %s does not belong to a %dx%d input", fpc_shape_text(dy), a->h,
                             a->w);
    n->out[0].shape = (fpc_shape){dy.n, a->h, a->w, w.c * a->groups};
    return check_bias(ctx, n, w.c * a->groups);
}

/* As a layer (transposed convolution) it has inputs dy, w, bias. */
fpc_status grad_conv2d_grad_x(fpc_graph *g, fpc_grad *d)
{
    const fpc_val dy = d->in[0], w = d->in[1], up = d->dout[0];
    if (d->want[0])
        d->din[0] = fpc_op1(g, "conv2d", d->name, 2, (fpc_val[]){up, w}, d->attr);
    if (d->want[1])
        d->din[1] = fpc_op1(g, "conv2d_grad_w", d->name, 2, (fpc_val[]){up, dy}, d->attr);
    if (d->n_in > 2 && d->want[2])
        d->din[2] = fpc_op1(g, "sum_rows", d->name, 1, &up, NULL);
    return FPC_OK;
}

int64_t macs_conv2d_grad_x(const fpc_node *n)
{
    const fpc_shape w = n->in[1].shape;
    return fpc_count(n->in[0].shape) * w.h * w.w * w.c;
}

fpc_status infer_conv2d_grad_w(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, dy = n->in[1].shape;
    const fpc_conv_attr *a = n->attr;
    const fpc_shape w = {dy.c, a->kh, a->kw, x.c / (a->groups > 0 ? a->groups : 1)};
    n->out[0].shape = w;
    return check_conv(ctx, n, w, x.c);
}

int64_t macs_conv2d_grad_w(const fpc_node *n)
{
    const fpc_shape w = n->out[0].shape;
    return fpc_count(n->in[1].shape) * w.h * w.w * w.c;
}
