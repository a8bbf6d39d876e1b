/* resize.c (cpu): bilinear resize and its adjoint, pooling over the picture and over windows, and back, pad and crop.
 *
 * Everything here gathers: an output row reads what it needs, so rows can be computed in any order and no two threads
 * write to one place. The weights along each axis are tables, made once in begin. */
#include "simd.h"
#include <math.h>

/* Where the row with this index lies in a picture. */
struct place {
    int64_t n, y, x;
};
static struct place place_of(fpc_shape s, int64_t row)
{
    const int64_t plane = (int64_t)s.h * s.w, in = row % plane;
    return (struct place){row / plane, in / s.w, in % s.w};
}
static void step_on(struct place *p, fpc_shape s)
{
    if (++p->x == s.w) {
        p->x = 0;
        if (++p->y == s.h)
            p->y = 0, p->n++;
    }
}

/* value = in[low] + weight (in[high] - in[low]) */
struct tap {
    int32_t low, high;
    float weight;
};

static struct tap tap_of(int32_t i, int32_t in, int32_t out, int align_corners)
{
    const double at =
        align_corners ? (out > 1 ? i * ((double)(in - 1) / (out - 1)) : 0) : (i + 0.5) * ((double)in / out) - 0.5;
    int32_t low = at > 0 ? (int32_t)at : 0;
    low = low < in - 1 ? low : in - 1;
    const int inside = low < in - 1 && at > 0;
    return (struct tap){low, low < in - 1 ? low + 1 : low, inside ? (float)(at - low) : 0};
}

/* ---- resize ---- */

static int64_t padded(int64_t c)
{
    return (c + VL - 1) / VL * VL;
}

static void need_resize(const fpc_node *node, fpc_need *need)
{
    const fpc_shape y = node->out[0].shape;
    need->shared = ((size_t)y.h + (size_t)y.w) * sizeof(struct tap);
    need->thread = 2 * (size_t)padded(y.c) * sizeof(float);
}

static fpc_status begin_resize(fpc_exec *x, const fpc_node *node)
{
    const fpc_resize_attr *attr = node->attr;
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    struct tap *ty = fpc_exec_shared(x), *tx = ty + out.h;
    for (int32_t i = 0; i < out.h; i++)
        ty[i] = tap_of(i, in.h, out.h, attr->align_corners);
    for (int32_t i = 0; i < out.w; i++)
        tx[i] = tap_of(i, in.w, out.w, attr->align_corners);
    return FPC_OK;
}

static void blend_stored(float *to, const real *a, const real *b, float weight, int64_t c)
{
    const vf w = vf_set(weight);
    for (FPC_COLUMNS(j, n, c)) {
        const vf v = vr_get(a + j, n);
        vf_put(to + j, vf_fma(w, vr_get(b + j, n) - v, v), n);
    }
}

/* plus: added; NULL: nothing. It may lie where `to` does. */
FPC_INLINE void blend(real *to, const float *a, const float *b, float weight, const real *plus, int64_t c)
{
    const vf w = vf_set(weight);
    for (FPC_COLUMNS(j, n, c)) {
        const vf v = vf_get(a + j, n);
        vf y = vf_fma(w, vf_get(b + j, n) - v, v);
        if (plus)
            y += vr_get(plus + j, n);
        vr_put(to + j, y, n);
    }
}

/* Vertically first: pixels next to each other blend the same two columns of blended pixels, which are kept. */
FPC_INLINE void resize_rows(fpc_exec *x, const fpc_node *node, fpc_rows rows, const real *plus)
{
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    const int64_t c = out.c;
    const struct tap *ty = fpc_exec_shared(x), *tx = ty + out.h;
    float *keep[2];
    real *y = node->out[0].data;
    keep[0] = fpc_exec_scratch(x, rows.thread);
    keep[1] = keep[0] + padded(c);
    struct place at = place_of(out, rows.first);
    int64_t have[2] = {-1, -1}; /* columns of the input in keep[], of the current output row */
    for (int64_t row = 0; row < rows.count; row++, y += c) {
        const struct tap v = ty[at.y], h = tx[at.x];
        const real *top = (const real *)node->in[0].data + (at.n * in.h + v.low) * in.w * c;
        const real *bottom = (const real *)node->in[0].data + (at.n * in.h + v.high) * in.w * c;
        const int32_t column[2] = {h.low, h.high};
        for (int i = 0; i < 2; i++)
            if (have[column[i] & 1] != column[i]) {
                have[column[i] & 1] = column[i];
                blend_stored(keep[column[i] & 1], top + column[i] * c, bottom + column[i] * c, v.weight, c);
            }
        blend(y, keep[h.low & 1], keep[h.high & 1], h.weight, plus ? plus + row * c : NULL, c);
        step_on(&at, out);
        if (at.x == 0)
            have[0] = have[1] = -1;
    }
}
static fpc_status run_resize(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    resize_rows(x, node, rows, NULL);
    return FPC_OK;
}
static fpc_status run_resize_add(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    resize_rows(x, node, rows, node->in[1].data);
    return FPC_OK;
}

/* ---- resize_grad: node->out has the size of the input of resize, node->in of its output ---- */

/* Output positions [first, first + count) that read input position i, with their weights. */
struct reach {
    int32_t first, count, weights;
};

static size_t axis_bytes(int32_t in, int32_t out)
{
    return (((size_t)in * sizeof(struct reach) + 2 * (size_t)out * sizeof(float)) + 63) & ~(size_t)63;
}
static const float *axis_weights(const struct reach *r, int32_t in)
{
    return (const float *)(r + in);
}

static void need_resize_grad(const fpc_node *node, fpc_need *need)
{
    const fpc_shape dx = node->out[0].shape, dy = node->in[0].shape;
    need->shared = axis_bytes(dx.h, dy.h) + axis_bytes(dx.w, dy.w);
}

static void begin_axis(struct reach *r, int32_t in, int32_t out, int align_corners)
{
    float *weights = (float *)(r + in);
    int32_t used = 0, from = 0;
    for (int32_t i = 0; i < in; i++) {
        r[i] = (struct reach){0, 0, used};
        while (from < out && tap_of(from, in, out, align_corners).high < i)
            from++;
        for (int32_t o = from; o < out; o++) {
            const struct tap t = tap_of(o, in, out, align_corners);
            if (t.low > i)
                break;
            if (r[i].count == 0)
                r[i].first = o;
            weights[used++] = (t.low == i ? 1 - t.weight : 0) + (t.high == i ? t.weight : 0);
            r[i].count++;
        }
    }
}

static fpc_status begin_resize_grad(fpc_exec *x, const fpc_node *node)
{
    const fpc_resize_attr *attr = node->attr;
    const fpc_shape dx = node->out[0].shape, dy = node->in[0].shape;
    char *shared = fpc_exec_shared(x);
    begin_axis((struct reach *)shared, dx.h, dy.h, attr->align_corners);
    begin_axis((struct reach *)(shared + axis_bytes(dx.h, dy.h)), dx.w, dy.w, attr->align_corners);
    return FPC_OK;
}

/* `vectors` vectors of channels at one input pixel: rows of dy first, then these sums by the vertical weights. */
FPC_INLINE void gather(int vectors, int64_t n, real *to, const real *dy, int64_t line, int64_t c, struct reach v,
                       const float *wy, struct reach h, const float *wx)
{
    vf sum[8];
    for (int k = 0; k < vectors; k++)
        sum[k] = vf_set(0);
    for (int32_t i = 0; i < v.count; i++) {
        const real *from = dy + (v.first + i) * line + h.first * c;
        vf part[8];
        for (int k = 0; k < vectors; k++)
            part[k] = vf_set(0);
        for (int32_t j = 0; j < h.count; j++, from += c)
            for (int k = 0; k < vectors; k++)
                part[k] = vf_fma(vf_set(wx[j]), vr_get(from + k * VL, n), part[k]);
        for (int k = 0; k < vectors; k++)
            sum[k] = vf_fma(vf_set(wy[i]), part[k], sum[k]);
    }
    for (int k = 0; k < vectors; k++)
        vr_put(to + k * VL, sum[k], n);
}

static fpc_status run_resize_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    const int64_t c = out.c, line = (int64_t)in.w * c;
    const char *shared = fpc_exec_shared(x);
    const struct reach *ry = (const struct reach *)shared;
    const struct reach *rx = (const struct reach *)(shared + axis_bytes(out.h, in.h));
    real *to = node->out[0].data;
    struct place at = place_of(out, rows.first);
    for (int64_t row = 0; row < rows.count; row++, to += c, step_on(&at, out)) {
        const real *dy = (const real *)node->in[0].data + at.n * in.h * line;
        const struct reach v = ry[at.y], h = rx[at.x];
        const float *wy = axis_weights(ry, out.h) + v.weights, *wx = axis_weights(rx, out.w) + h.weights;
        int64_t j = 0;
        for (; j + 8 * VL <= c; j += 8 * VL)
            gather(8, VL, to + j, dy + j, line, c, v, wy, h, wx);
        for (; j + 2 * VL <= c; j += 2 * VL)
            gather(2, VL, to + j, dy + j, line, c, v, wy, h, wx);
        for (; j < c; j += VL)
            gather(1, c - j < VL ? c - j : VL, to + j, dy + j, line, c, v, wy, h, wx);
    }
    return FPC_OK;
}

/* ---- the whole picture ---- */

enum { POOL_CHUNK = 1024 /* rows that a task adds up */, POOL_SEGMENT = 64 /* of them as floats */ };

static int64_t pool_chunks(fpc_shape s)
{
    return ((int64_t)s.h * s.w + POOL_CHUNK - 1) / POOL_CHUNK;
}

static void need_pool(const fpc_node *node, fpc_need *need)
{
    const fpc_shape s = node->in[0].shape;
    need->shared = (size_t)(s.n * pool_chunks(s)) * (size_t)padded(s.c) * sizeof(double);
    need->thread = (size_t)padded(s.c) * sizeof(float);
}

struct pool_job {
    fpc_exec *x;
    const fpc_node *node;
};

static void pool_task(void *arg, int32_t i, int32_t thread)
{
    const struct pool_job *job = arg;
    const fpc_shape s = job->node->in[0].shape;
    const int64_t c = s.c, plane = (int64_t)s.h * s.w, chunks = pool_chunks(s), first = i % chunks * POOL_CHUNK;
    const int64_t end = first + POOL_CHUNK < plane ? first + POOL_CHUNK : plane;
    const real *a = (const real *)job->node->in[0].data + (i / chunks * plane + first) * c;
    double *total = (double *)fpc_exec_shared(job->x) + i * padded(c);
    float *part = fpc_exec_scratch(job->x, thread);
    memset(total, 0, (size_t)c * sizeof *total);
    for (int64_t row = first; row < end; row += POOL_SEGMENT) {
        memset(part, 0, (size_t)c * sizeof *part);
        for (int64_t r = row; r < end && r < row + POOL_SEGMENT; r++, a += c)
            for (FPC_COLUMNS(j, n, c))
                vf_put(part + j, vf_get(part + j, n) + vr_get(a + j, n), n);
        for (int64_t j = 0; j < c; j++)
            total[j] += (double)part[j];
    }
}

static fpc_status pool(fpc_exec *x, const fpc_node *node, double divisor)
{
    const fpc_shape s = node->in[0].shape;
    const int64_t chunks = pool_chunks(s);
    struct pool_job job = {x, node};
    fpc_exec_parallel(x, (int32_t)(s.n * chunks), pool_task, &job);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t j = 0; j < s.c; j++) {
            const double *total = (const double *)fpc_exec_shared(x) + n * chunks * padded(s.c) + j;
            double sum = 0;
            for (int64_t i = 0; i < chunks; i++)
                sum += total[i * padded(s.c)];
            ((real *)node->out[0].data)[n * s.c + j] = real_of((float)(sum / divisor));
        }
    return FPC_OK;
}

static fpc_status run_pool_mean(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    return pool(x, node, (double)node->in[0].shape.h * node->in[0].shape.w);
}

static fpc_status run_pool_sum(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    return pool(x, node, 1);
}

static fpc_status run_broadcast(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->out[0].shape;
    const int64_t c = s.c, plane = (int64_t)s.h * s.w;
    const vf scale = vf_set(((const fpc_broadcast_attr *)node->attr)->scale);
    real *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++, y += c) {
        const real *a = (const real *)node->in[0].data + (rows.first + row) / plane * c;
        for (FPC_COLUMNS(j, n, c))
            vr_put(y + j, scale * vr_get(a + j, n), n);
    }
    return FPC_OK;
}

/* ---- windows ---- */

static fpc_status run_max_pool(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_pool_attr *attr = node->attr;
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    const int64_t c = out.c;
    real *y = node->out[0].data;
    struct place at = place_of(out, rows.first);
    for (int64_t row = 0; row < rows.count; row++, y += c, step_on(&at, out)) {
        const real *a =
            (const real *)node->in[0].data + ((at.n * in.h + at.y * attr->stride) * in.w + at.x * attr->stride) * c;
        for (FPC_COLUMNS(j, n, c)) {
            vf most = vr_get(a + j, n);
            for (int32_t i = 0; i < attr->k; i++)
                for (int32_t l = 0; l < attr->k; l++)
                    most = vf_max(vr_get(a + ((int64_t)i * in.w + l) * c + j, n), most);
            vr_put(y + j, most, n);
        }
    }
    return FPC_OK;
}

/* Lanes of a window, whose corner is a, where no pixel before (row, column) equals its maximum. */
FPC_INLINE vf none_before(const real *a, int64_t n, int64_t c, int64_t width, int32_t k, int32_t row, int32_t column,
                          vf most, vf value)
{
    for (int32_t i = 0; i < row * k + column; i++) {
        const vf before = vr_get(a + ((int64_t)(i / k) * width + i % k) * c, n);
        value = vm_pick(vm_same((vi)(before == most), vi_set(-1)), vf_set(0), value);
    }
    return value;
}

static fpc_status run_max_pool_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_pool_attr *attr = node->attr;
    const int32_t k = attr->k, stride = attr->stride;
    const fpc_shape in = node->in[0].shape, pooled = node->in[1].shape;
    const int64_t c = in.c;
    const real *a = node->in[0].data, *y = node->in[1].data, *dy = node->in[2].data;
    real *dx = node->out[0].data;
    struct place at = place_of(in, rows.first);
    for (int64_t row = 0; row < rows.count; row++, dx += c, step_on(&at, in)) {
        const int64_t y0 = at.y < k ? 0 : (at.y - k) / stride + 1, x0 = at.x < k ? 0 : (at.x - k) / stride + 1;
        const int64_t y1 = at.y / stride < pooled.h - 1 ? at.y / stride : pooled.h - 1;
        const int64_t x1 = at.x / stride < pooled.w - 1 ? at.x / stride : pooled.w - 1;
        const real *here = a + ((at.n * in.h + at.y) * in.w + at.x) * c;
        for (FPC_COLUMNS(j, n, c)) {
            const vf mine = vr_get(here + j, n);
            vf sum = {0};
            for (int64_t oy = y0; oy <= y1; oy++)
                for (int64_t ox = x0; ox <= x1; ox++) {
                    const int64_t window = ((at.n * pooled.h + oy) * pooled.w + ox) * c + j;
                    const real *corner = a + ((at.n * in.h + oy * stride) * in.w + ox * stride) * c + j;
                    const vf most = vr_get(y + window, n);
                    const vf d = vm_only(vm_same((vi)(mine == most), vi_set(-1)), vr_get(dy + window, n));
                    sum += none_before(corner, n, c, in.w, k, (int32_t)(at.y - oy * stride),
                                       (int32_t)(at.x - ox * stride), most, d);
                }
            vr_put(dx + j, sum, n);
        }
    }
    return FPC_OK;
}

static fpc_status run_window(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_window_attr *attr = node->attr;
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    const int64_t c = out.c;
    real *to = node->out[0].data;
    struct place at = place_of(out, rows.first);
    for (int64_t row = 0; row < rows.count; row++, to += c, step_on(&at, out)) {
        const int64_t y = at.y - attr->top, l = at.x - attr->left;
        if (y >= 0 && y < in.h && l >= 0 && l < in.w)
            memcpy(to, (const real *)node->in[0].data + ((at.n * in.h + y) * in.w + l) * c, (size_t)c * sizeof *to);
        else
            memset(to, 0, (size_t)c * sizeof *to);
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(resize)[] = {
    FPC_CPU_ROW_OF(FPC_KERNEL_PACKS, resize, .need = need_resize, .begin = begin_resize, .run = run_resize),
    FPC_CPU_ROW_OF(FPC_KERNEL_PACKS, resize_add, .need = need_resize, .begin = begin_resize, .run = run_resize_add),
    FPC_CPU_ROW(pool_mean, .need = need_pool, .run = run_pool_mean),
    FPC_CPU_ROW(pool_sum, .need = need_pool, .run = run_pool_sum),
    FPC_CPU_ROW(broadcast, .run = run_broadcast),
    FPC_CPU_ROW(max_pool, .run = run_max_pool),
    FPC_CPU_ROW(window, .run = run_window),
    {.op = NULL},
};
const fpc_kernel FPC_CPU_TABLE(resize_grad)[] = {
    FPC_CPU_ROW(resize_grad, .need = need_resize_grad, .begin = begin_resize_grad, .run = run_resize_grad),
    FPC_CPU_ROW(max_pool_grad, .run = run_max_pool_grad),
    {.op = NULL},
};
