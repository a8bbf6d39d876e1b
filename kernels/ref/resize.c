/* resize.c (reference): bilinear resize and its adjoint, pooling over the image and back and over windows,
 * and pad-and-crop. */
#include "ref.h"

/* resize(x) -> y, resize_add(x, r) -> y */
static fpc_status resize(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_resize_attr *a = node->attr;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const real *x = node->in[0].data, *plus = node->n_in > 1 ? node->in[1].data : NULL;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(ys, rows.first + r);
        const tap ty = tap_of(at.y, xs.h, ys.h, a->align_corners), tx = tap_of(at.x, xs.w, ys.w, a->align_corners);
        const real *x00 = x + row_of(xs, at.n, ty.i0, tx.i0) * xs.c, *x01 = x + row_of(xs, at.n, ty.i0, tx.i1) * xs.c;
        const real *x10 = x + row_of(xs, at.n, ty.i1, tx.i0) * xs.c, *x11 = x + row_of(xs, at.n, ty.i1, tx.i1) * xs.c;
        for (int64_t c = 0; c < xs.c; c++)
            y[r * xs.c + c] = ty.w0 * (tx.w0 * x00[c] + tx.w1 * x01[c]) + ty.w1 * (tx.w0 * x10[c] + tx.w1 * x11[c]) +
                              (plus ? plus[r * xs.c + c] : 0);
    }
    return FPC_OK;
}

static fpc_status resize_add(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    return resize(exec, node, rows);
}

/* resize_grad(dy) -> dx gathers: the outputs that read input position i along an axis are a contiguous range, since
 * the source position grows with the output position. */
typedef struct reach {
    int32_t first, end;
} reach;

static void find_reach(reach *of, int32_t in, int32_t out, int align_corners)
{
    for (int32_t i = 0; i < in; i++)
        of[i] = (reach){out, 0};
    for (int32_t o = 0; o < out; o++) {
        const tap t = tap_of(o, in, out, align_corners);
        for (int32_t i = t.i0; i <= t.i1; i++) {
            of[i].first = o < of[i].first ? o : of[i].first;
            of[i].end = o + 1;
        }
    }
}

/* Weight of input position i in the tap. */
static inline real weight_of(tap t, int32_t i)
{
    return (t.i0 == i ? t.w0 : 0) + (t.i1 == i ? t.w1 : 0);
}

static void resize_grad_need(const fpc_node *node, fpc_need *need)
{
    const fpc_shape xs = node->out[0].shape;
    need->shared = ((size_t)xs.h + (size_t)xs.w) * sizeof(reach);
    need->thread = (size_t)xs.c * sizeof(double);
}

static fpc_status resize_grad_begin(fpc_exec *exec, const fpc_node *node)
{
    const fpc_resize_attr *a = node->attr;
    const fpc_shape ys = node->in[0].shape, xs = node->out[0].shape;
    reach *y = fpc_exec_shared(exec), *x = y + xs.h;
    find_reach(y, xs.h, ys.h, a->align_corners);
    find_reach(x, xs.w, ys.w, a->align_corners);
    return FPC_OK;
}

static fpc_status resize_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int align_corners = ((const fpc_resize_attr *)node->attr)->align_corners;
    const fpc_shape ys = node->in[0].shape, xs = node->out[0].shape;
    const reach *reach_y = fpc_exec_shared(exec), *reach_x = reach_y + xs.h;
    const real *dy = node->in[0].data;
    real *dx = node->out[0].data;
    double *sum = fpc_exec_scratch(exec, rows.thread);
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(xs, rows.first + r);
        memset(sum, 0, (size_t)xs.c * sizeof *sum);
        for (int32_t y = reach_y[at.y].first; y < reach_y[at.y].end; y++) {
            const double wy = (double)weight_of(tap_of(y, xs.h, ys.h, align_corners), at.y);
            for (int32_t x = reach_x[at.x].first; x < reach_x[at.x].end; x++) {
                const double wx = (double)weight_of(tap_of(x, xs.w, ys.w, align_corners), at.x);
                const real *from = dy + row_of(ys, at.n, y, x) * ys.c;
                for (int64_t c = 0; c < xs.c; c++)
                    sum[c] += wy * wx * (double)from[c];
            }
        }
        for (int64_t c = 0; c < xs.c; c++)
            dx[r * xs.c + c] = (real)sum[c];
    }
    return FPC_OK;
}

static void pool(const fpc_node *node, double divisor)
{
    const fpc_shape s = node->in[0].shape;
    const int64_t rows = image_rows(s);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t c = 0; c < s.c; c++) {
            const real *x = (const real *)node->in[0].data + n * rows * s.c + c;
            double sum = 0;
            for (int64_t r = 0; r < rows; r++)
                sum += (double)x[r * s.c];
            ((real *)node->out[0].data)[n * s.c + c] = (real)(sum / divisor);
        }
}

/* pool_mean(x), pool_sum(x) -> y (n,1,1,c) */
static fpc_status pool_mean(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    pool(node, (double)image_rows(node->in[0].shape));
    return FPC_OK;
}

static fpc_status pool_sum(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    pool(node, 1);
    return FPC_OK;
}

/* broadcast(x) -> y: (n,1,1,c) to (n,h,w,c), times scale */
static fpc_status broadcast(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape ys = node->out[0].shape;
    const real scale = (real)((const fpc_broadcast_attr *)node->attr)->scale;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const real *x = (const real *)node->in[0].data + (rows.first + r) / image_rows(ys) * ys.c;
        for (int64_t c = 0; c < ys.c; c++)
            y[r * ys.c + c] = scale * x[c];
    }
    return FPC_OK;
}

/* The first maximum of channel c in the window of output (y, x), in the order of lines and columns: its row in x. */
static int64_t first_maximum(const fpc_tensor *t, const fpc_pool_attr *a, int32_t n, int32_t y, int32_t x, int64_t c)
{
    const real *v = t->data;
    int64_t best = row_of(t->shape, n, (int64_t)y * a->stride, (int64_t)x * a->stride);
    for (int32_t ky = 0; ky < a->k; ky++)
        for (int32_t kx = 0; kx < a->k; kx++) {
            const int64_t row = row_of(t->shape, n, (int64_t)y * a->stride + ky, (int64_t)x * a->stride + kx);
            if (v[row * t->shape.c + c] > v[best * t->shape.c + c])
                best = row;
        }
    return best;
}

/* max_pool(x) -> y: windows k x k, no padding; what does not fill a window is dropped */
static fpc_status max_pool(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape ys = node->out[0].shape;
    const real *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++)
        for (int64_t c = 0; c < ys.c; c++) {
            const place at = place_of(ys, rows.first + r);
            y[r * ys.c + c] = x[first_maximum(&node->in[0], node->attr, at.n, at.y, at.x, c) * ys.c + c];
        }
    return FPC_OK;
}

/* max_pool_grad(x, y, dy) -> dx: each dy goes to the first maximum of its window */
static fpc_status max_pool_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_pool_attr *a = node->attr;
    const fpc_shape xs = node->in[0].shape, ys = node->in[2].shape;
    const real *dy = node->in[2].data;
    real *dx = node->out[0].data;
    memset(dx, 0, (size_t)(rows.count * xs.c) * sizeof *dx);
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(xs, rows.first + r);
        for (int32_t y = at.y / a->stride; y >= 0 && y * a->stride + a->k > at.y; y--)
            for (int32_t x = at.x / a->stride; x >= 0 && x * a->stride + a->k > at.x; x--)
                for (int64_t c = 0; c < xs.c && y < ys.h && x < ys.w; c++)
                    if (first_maximum(&node->in[0], a, at.n, y, x, c) == rows.first + r)
                        dx[r * xs.c + c] += dy[row_of(ys, at.n, y, x) * ys.c + c];
    }
    return FPC_OK;
}

/* window(x) -> y: y[i,j] = x[i - top, j - left], zero outside */
static fpc_status window(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_window_attr *a = node->attr;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const size_t bytes = (size_t)ys.c * sizeof(real);
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(ys, rows.first + r);
        const int32_t y = at.y - a->top, x = at.x - a->left;
        real *to = (real *)node->out[0].data + r * ys.c;
        if (y >= 0 && y < xs.h && x >= 0 && x < xs.w)
            memcpy(to, (const real *)node->in[0].data + row_of(xs, at.n, y, x) * xs.c, bytes);
        else
            memset(to, 0, bytes);
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(resize)[] = {REF_ROW(resize),
                                        REF_ROW(resize_add),
                                        REF_ROW(resize_grad, .need = resize_grad_need, .begin = resize_grad_begin),
                                        REF_ROW(pool_mean),
                                        REF_ROW(pool_sum),
                                        REF_ROW(broadcast),
                                        REF_ROW(max_pool),
                                        REF_ROW(max_pool_grad),
                                        REF_ROW(window),
                                        {0}};
