/* linear.c: shapes, gradients and costs of linear maps and convolutions. */
#include "graph/ops/table.h"

/* ---- linear: weights are (1,1,out,in), or (out,1,1,in) for a 1x1 convolution: rows times columns either way ---- */

fpc_status infer_linear(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, w = n->in[1].shape;
    if (w.c != x.c)
        return fpc_node_fail(ctx, n, "the weight takes %d channels, the input has %d (%s)", w.c, x.c,
                             fpc_shape_text(x));
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

/* ---- convolution ---- */

static fpc_status check_conv(fpc_ctx *ctx, const fpc_node *n, fpc_shape w, int32_t in_c)
{
    const fpc_conv_attr *a = n->attr;
    if (a->kh < 1 || a->kw < 1 || a->stride < 1 || a->pad < 0 || a->groups < 1 || w.h != a->kh || w.w != a->kw)
        return fpc_node_fail(ctx, n, "kernel %dx%d, stride %d, pad %d, groups %d for a weight of %s", a->kh, a->kw,
                             a->stride, a->pad, a->groups, fpc_shape_text(w));
    if (in_c % a->groups || w.n % a->groups || w.c != in_c / a->groups)
        return fpc_node_fail(ctx, n, "%d input and %d output channels in %d groups do not fit a weight of %s", in_c,
                             w.n, a->groups, fpc_shape_text(w));
    if (a->h + 2 * a->pad < a->kh || a->w + 2 * a->pad < a->kw)
        return fpc_node_fail(ctx, n, "a %dx%d kernel is larger than the padded %dx%d input; use larger pictures", a->kh,
                             a->kw, a->h + 2 * a->pad, a->w + 2 * a->pad);
    return FPC_OK;
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
    return FPC_OK;
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
    const fpc_status status = check_conv(ctx, n, w, w.c * a->groups);
    if (status)
        return status;
    if (dy.c != w.n || dy.h != conv_size(a->h, a->kh, a) || dy.w != conv_size(a->w, a->kw, a))
        return fpc_node_fail(ctx, n, "a gradient of %s does not belong to a %dx%d input", fpc_shape_text(dy), a->h,
                             a->w);
    n->out[0].shape = (fpc_shape){dy.n, a->h, a->w, w.c * a->groups};
    return FPC_OK;
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
