/* conv.c (reference): convolutions with groups. Weights (k, kh, kw, c/groups); output channel o belongs to group
 * o / (k/groups) and reads the input channels of that group. */
#include "ref.h"

/* Input coordinate of tap t at output coordinate o. */
static inline int32_t input_at(const fpc_conv_attr *a, int32_t o, int32_t t)
{
    return o * a->stride - a->pad + t;
}
static inline int inside(int32_t i, int32_t n)
{
    return i >= 0 && i < n;
}

/* conv2d(x, w[, b]) -> y */
static fpc_status conv2d(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_conv_attr *a = node->attr;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const int64_t group_in = xs.c / a->groups, group_out = ys.c / a->groups;
    const real *x = node->in[0].data, *w = node->in[1].data, *b = node->n_in > 2 ? node->in[2].data : NULL;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++, y += ys.c) {
        const place at = place_of(ys, rows.first + r);
        for (int64_t o = 0; o < ys.c; o++) {
            real sum = 0;
            for (int32_t ky = 0; ky < a->kh; ky++)
                for (int32_t kx = 0; kx < a->kw; kx++) {
                    const int32_t iy = input_at(a, at.y, ky), ix = input_at(a, at.x, kx);
                    if (!inside(iy, xs.h) || !inside(ix, xs.w))
                        continue;
                    const real *px = x + row_of(xs, at.n, iy, ix) * xs.c + o / group_out * group_in;
                    const real *pw = w + ((o * a->kh + ky) * a->kw + kx) * group_in;
                    for (int64_t i = 0; i < group_in; i++)
                        sum += px[i] * pw[i];
                }
            y[o] = b ? sum + b[o] : sum;
        }
    }
    return FPC_OK;
}

/* Output coordinate whose tap t reads input coordinate i, or -1. */
static inline int32_t output_at(const fpc_conv_attr *a, int32_t i, int32_t t, int32_t n_out)
{
    const int32_t o = i + a->pad - t;
    return o >= 0 && o % a->stride == 0 && o / a->stride < n_out ? o / a->stride : -1;
}

/* conv2d_grad_x(dy, w[, b]) -> dx (n, h, w, c): the adjoint of conv2d in x; with b a transposed convolution. */
static fpc_status conv2d_grad_x(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_conv_attr *a = node->attr;
    const fpc_shape ys = node->in[0].shape, xs = node->out[0].shape;
    const int64_t group_in = xs.c / a->groups, group_out = ys.c / a->groups;
    const real *dy = node->in[0].data, *w = node->in[1].data, *b = node->n_in > 2 ? node->in[2].data : NULL;
    real *dx = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++, dx += xs.c) {
        const place at = place_of(xs, rows.first + r);
        memset(dx, 0, (size_t)xs.c * sizeof *dx);
        for (int32_t ky = 0; ky < a->kh; ky++)
            for (int32_t kx = 0; kx < a->kw; kx++) {
                const int32_t oy = output_at(a, at.y, ky, ys.h), ox = output_at(a, at.x, kx, ys.w);
                if (oy < 0 || ox < 0)
                    continue;
                const real *pdy = dy + row_of(ys, at.n, oy, ox) * ys.c;
                for (int64_t o = 0; o < ys.c; o++) {
                    const real *pw = w + ((o * a->kh + ky) * a->kw + kx) * group_in;
                    real *pdx = dx + o / group_out * group_in;
                    for (int64_t i = 0; i < group_in; i++)
                        pdx[i] += pdy[o] * pw[i];
                }
            }
        for (int64_t i = 0; b && i < xs.c; i++)
            dx[i] += b[i];
    }
    return FPC_OK;
}

/* conv2d_grad_w(x, dy) -> dw: dw[o,ky,kx,i] = sum over output pixels of dy[o] x[at the tap, i] */
static void conv2d_grad_w_need(const fpc_node *node, fpc_need *need)
{
    need->part = (size_t)fpc_count(node->out[0].shape) * sizeof(double);
}

static fpc_status conv2d_grad_w(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const fpc_conv_attr *a = node->attr;
    const fpc_shape xs = node->in[0].shape, ys = node->in[1].shape;
    const int64_t group_in = xs.c / a->groups, group_out = ys.c / a->groups;
    const real *x = node->in[0].data, *dy = node->in[1].data;
    double *sum = fpc_exec_part(exec, rows.part);
    for (int64_t r = 0; r < rows.count; r++, dy += ys.c) {
        const place at = place_of(ys, rows.first + r);
        for (int32_t ky = 0; ky < a->kh; ky++)
            for (int32_t kx = 0; kx < a->kw; kx++) {
                const int32_t iy = input_at(a, at.y, ky), ix = input_at(a, at.x, kx);
                if (!inside(iy, xs.h) || !inside(ix, xs.w))
                    continue;
                for (int64_t o = 0; o < ys.c; o++) {
                    const real *px = x + row_of(xs, at.n, iy, ix) * xs.c + o / group_out * group_in;
                    double *pw = sum + ((o * a->kh + ky) * a->kw + kx) * group_in;
                    for (int64_t i = 0; i < group_in; i++)
                        pw[i] += (double)dy[o] * (double)px[i];
                }
            }
    }
    return FPC_OK;
}

static fpc_status conv2d_grad_w_end(fpc_exec *exec, const fpc_node *node)
{
    add_parts(exec, 0, fpc_count(node->out[0].shape), node->out[0].data);
    return FPC_OK;
}

const fpc_kernel REF_TABLE(conv)[] = {REF_ROW(conv2d), REF_ROW(conv2d_grad_x), REF_SUM_ROW(conv2d_grad_w), {0}};
