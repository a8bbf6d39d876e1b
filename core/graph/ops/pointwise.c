/* pointwise.c: shapes and gradients of ops that look at one pixel at a time. */
#include "graph/ops/table.h"
#include <float.h>

fpc_status infer_bcast(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape a = n->in[0].shape, b = n->in[1].shape;
    if (b.h != 1 || b.w != 1 || b.c != a.c || (b.n != 1 && b.n != a.n))
        return fpc_node_fail(ctx, n, "%s cannot be spread over %s; it must be (n,1,1,c) or (1,1,1,c)",
                             fpc_shape_text(b), fpc_shape_text(a));
    n->out[0].shape = a;
    return FPC_OK;
}

fpc_status infer_concat(fpc_ctx *ctx, fpc_node *n)
{
    fpc_shape s = n->in[0].shape;
    for (int32_t i = 1; i < n->n_in; i++) {
        const fpc_shape x = n->in[i].shape;
        if (x.n != s.n || x.h != s.h || x.w != s.w)
            return fpc_node_fail(ctx, n, "%s and %s differ outside of the channels", fpc_shape_text(n->in[0].shape),
                                 fpc_shape_text(x));
        if (__builtin_add_overflow(s.c, x.c, &s.c))
            return fpc_node_fail(ctx, n, "more channels than can be");
    }
    n->out[0].shape = s;
    return FPC_OK;
}

fpc_status infer_fake_quantize(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_quantize_attr *a = n->attr;
    if (!(a->scale > 0) || !(a->scale <= FLT_MAX) || a->low >= a->high || a->zero < a->low || a->zero > a->high)
        return fpc_node_fail(ctx, n, "scale %g, zero %d in [%d, %d]; a scale above zero is wanted, and the zero within",
                             (double)a->scale, a->zero, a->low, a->high);
    n->out[0].shape = n->in[0].shape;
    return FPC_OK;
}

fpc_status infer_slice(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_slice_attr *a = n->attr;
    const fpc_shape x = n->in[0].shape;
    if (a->first < 0 || a->count < 1 || a->first > x.c - a->count || a->total != x.c)
        return fpc_node_fail(ctx, n, "channels %d to %d of %d", a->first, a->first + a->count - 1, x.c);
    n->out[0].shape = fpc_with_c(x, a->count);
    return FPC_OK;
}

fpc_status infer_slice_grad(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    n->out[0].shape = fpc_with_c(n->in[0].shape, ((const fpc_slice_attr *)n->attr)->total);
    return FPC_OK;
}

fpc_status infer_combine(fpc_ctx *ctx, fpc_node *n)
{
    if (n->in[0].shape.c != n->n_in - 1)
        return fpc_node_fail(ctx, n, "%d weights for %d terms", n->in[0].shape.c, n->n_in - 1);
    for (int32_t i = 1; i < n->n_in; i++)
        if (fpc_count(n->in[i].shape) != 1)
            return fpc_node_fail(ctx, n, "term %d is %s; it must be one number", i, fpc_shape_text(n->in[i].shape));
    n->out[0].shape = fpc_vector(1);
    return FPC_OK;
}

fpc_status grad_gelu(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = fpc_op1(g, "gelu_grad", d->name, 2, (fpc_val[]){d->in[0], d->dout[0]}, NULL);
    return FPC_OK;
}
fpc_status grad_relu(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = fpc_op1(g, "relu_grad", d->name, 2, (fpc_val[]){d->out[0], d->dout[0]}, NULL);
    return FPC_OK;
}
fpc_status grad_sigmoid(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = fpc_op1(g, "sigmoid_grad", d->name, 2, (fpc_val[]){d->out[0], d->dout[0]}, NULL);
    return FPC_OK;
}
fpc_status grad_add(fpc_graph *g, fpc_grad *d)
{
    (void)g;
    d->din[0] = d->din[1] = d->dout[0];
    return FPC_OK;
}
fpc_status grad_mul(fpc_graph *g, fpc_grad *d)
{
    if (d->want[0])
        d->din[0] = fpc_op1(g, "mul", d->name, 2, (fpc_val[]){d->dout[0], d->in[1]}, NULL);
    if (d->want[1])
        d->din[1] = fpc_op1(g, "mul", d->name, 2, (fpc_val[]){d->dout[0], d->in[0]}, NULL);
    return FPC_OK;
}

/* Sum over the pixels that b was spread over. */
static fpc_val sum_like(fpc_graph *g, const char *name, fpc_val dy, fpc_val b)
{
    return fpc_op1(g, fpc_shape_of(g, b).n == 1 ? "sum_rows" : "pool_sum", name, 1, &dy, NULL);
}
fpc_status grad_add_bcast(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = d->dout[0];
    if (d->want[1])
        d->din[1] = sum_like(g, d->name, d->dout[0], d->in[1]);
    return FPC_OK;
}
fpc_status grad_mul_bcast(fpc_graph *g, fpc_grad *d)
{
    if (d->want[0])
        d->din[0] = fpc_op1(g, "mul_bcast", d->name, 2, (fpc_val[]){d->dout[0], d->in[1]}, NULL);
    if (d->want[1])
        d->din[1] =
            sum_like(g, d->name, fpc_op1(g, "mul", d->name, 2, (fpc_val[]){d->dout[0], d->in[0]}, NULL), d->in[1]);
    return FPC_OK;
}

fpc_status grad_concat(fpc_graph *g, fpc_grad *d)
{
    int32_t at = 0;
    const int32_t total = fpc_shape_of(g, d->dout[0]).c;
    for (int32_t i = 0; i < d->n_in; i++) {
        const fpc_slice_attr a = {at, fpc_shape_of(g, d->in[i]).c, total};
        if (d->want[i])
            d->din[i] = fpc_op1(g, "slice", d->name, 1, d->dout, &a);
        at += a.count;
    }
    return FPC_OK;
}
fpc_status grad_slice(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = fpc_op1(g, "slice_grad", d->name, 1, d->dout, d->attr);
    return FPC_OK;
}
fpc_status grad_dropout(fpc_graph *g, fpc_grad *d)
{
    d->din[0] = fpc_op1(g, "dropout", d->name, 2, (fpc_val[]){d->dout[0], d->in[1]}, d->attr);
    return FPC_OK;
}
fpc_status grad_copy(fpc_graph *g, fpc_grad *d)
{
    (void)g;
    d->din[0] = d->dout[0];
    return FPC_OK;
}
fpc_status grad_combine(fpc_graph *g, fpc_grad *d)
{
    const fpc_val all = fpc_op1(g, "combine_grad", d->name, 2, (fpc_val[]){d->in[0], d->dout[0]}, NULL);
    for (int32_t i = 1; i < d->n_in; i++) {
        const fpc_slice_attr a = {i - 1, 1, d->n_in - 1};
        if (d->want[i])
            d->din[i] = fpc_op1(g, "slice", d->name, 1, &all, &a);
    }
    return FPC_OK;
}
fpc_status grad_softmax(fpc_graph *g, fpc_grad *d)
{
    /* dx = y * (dy - sum_c y dy): as y*dy minus y times its row sum, written with ops that exist: the row sum is a
     * linear map with a weight of ones. */
    const fpc_val y = d->out[0], t = fpc_op1(g, "mul", d->name, 2, (fpc_val[]){y, d->dout[0]}, NULL);
    const int32_t c = fpc_shape_of(g, y).c;
    double minus[FPC_MAX_CLASSES];
    if (c > FPC_MAX_CLASSES)
        return fpc_fail(g->ctx, FPC_ENOSUPPORT, "%s: the gradient of softmax takes at most %d channels, not %d",
                        d->name, FPC_MAX_CLASSES, c);
    fpc_val ones;
    {
        /* every output channel receives minus the sum of all inputs: rank one, built from two thin maps */
        for (int32_t i = 0; i < c; i++)
            minus[i] = -1;
        const fpc_val row = fpc_const(g, (fpc_shape){1, 1, 1, c}, minus);
        const fpc_val sum = fpc_op1(g, "linear", d->name, 2, (fpc_val[]){t, row}, NULL);
        for (int32_t i = 0; i < c; i++)
            minus[i] = 1;
        const fpc_val column = fpc_const(g, (fpc_shape){1, 1, c, 1}, minus);
        ones = fpc_op1(g, "linear", d->name, 2, (fpc_val[]){sum, column}, NULL);
    }
    d->din[0] = fpc_add(g, t, fpc_op1(g, "mul", d->name, 2, (fpc_val[]){y, ones}, NULL));
    return FPC_OK;
}

/* From one width of floating numbers to another. */
fpc_status infer_cast(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_cast_attr *a = n->attr;
    if (a->dtype < FPC_F32 || a->dtype > FPC_F64)
        return fpc_node_fail(ctx, n, "data type %u is no floating one", a->dtype);
    n->out[0].dtype = a->dtype;
    return infer_same(ctx, n);
}
