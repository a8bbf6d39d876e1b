/* resize.cu: bilinear resize, and its adjoint by gathering. Source positions are whole numbers over a common
 * denominator: which pixels an output reads, and who reads a pixel, is exact, and a weight has one rounding. A thread
 * has a column of pixels: lines next to each other share what was blended along the line (resize), or feed two
 * neighbours at once (resize_grad), so that memory is read little more than once. */
#include "kernels/cuda/packs.h"

static const int64_t most_lines = 8;

/* One axis of a resize from `in` to `out` positions: source = (by * i + from) / whole, kept within 0 .. in - 1. */
struct axis {
    int32_t in, out, by, from, whole;
    float part; /* 1 / whole */
};

static axis axis_of(int32_t in, int32_t out, int align_corners)
{
    axis a = {in, out, 2 * in, in - out, 2 * out, 0};
    if (align_corners && out > 1)
        a = {in, out, in - 1, 0, out - 1, 0};
    else if (align_corners)
        a = {in, out, 0, 0, 1, 0};
    a.part = 1.0f / (float)a.whole;
    return a;
}

/* Times `whole`. */
DEVICE int32_t source_of(const axis &a, int32_t i)
{
    const int32_t at = a.by * i + a.from;
    return at < 0 ? 0 : min(at, (a.in - 1) * a.whole);
}
/* What an output whose source is `at` takes of position i. */
DEVICE float share_of(const axis &a, int32_t at, int32_t i)
{
    const int32_t off = at - i * a.whole;
    return (float)max(a.whole - (off < 0 ? -off : off), 0) * a.part;
}
/* The outputs that read position i, or one of i .. last: [first_reader(i), readers_end(last)) */
DEVICE int32_t first_reader(const axis &a, int32_t i)
{
    const int32_t before = (i - 1) * a.whole - a.from; /* by * output > before */
    return i == 0 || a.by == 0 || before < 0 ? 0 : before / a.by + 1;
}
DEVICE int32_t readers_end(const axis &a, int32_t i)
{
    const int32_t behind = (i + 1) * a.whole - a.from; /* by * output < behind */
    if (i == a.in - 1 || a.by == 0)
        return a.out;
    return behind <= 0 ? 0 : min((behind + a.by - 1) / a.by, a.out);
}

/* Positions are 32-bit numbers. */
static int fits(const fpc_node *node)
{
    const fpc_shape a = node->in[0].shape, b = node->out[0].shape;
    return (int64_t)(a.h + 1) * (b.h + 1) < 1 << 29 && (int64_t)(a.w + 1) * (b.w + 1) < 1 << 29;
}

/* As many lines for a thread as leave enough threads. */
static int32_t lines_each(fpc_shape s, int32_t n)
{
    const int64_t each = fpc_count(s) / n / enough_threads;
    return (int32_t)(each < 1 ? 1 : each < most_lines ? each : most_lines);
}

template <class T> struct resize_job {
    const T *from, *plus; /* plus: added to what is written, or null */
    T *to;
    axis v, h;
    lines k; /* over `to` */
    int32_t c;
};

/* The blend along a line, at columns low and high. */
template <int N, class T> DEVICE void blend(float (&to)[N], const T *low, const T *high, float weight)
{
    const pack<T, N> a = load_pack<N>(low), b = load_pack<N>(high);
    for (int i = 0; i < N; i++)
        to[i] = (1 - weight) * to_float(a.v[i]) + weight * to_float(b.v[i]);
}

template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) resize_lines(resize_job<T> j)
{
    const line_place at = line_of(j.k, N);
    const int32_t source = source_of(j.h, at.x), low = source / j.h.whole, high = min(low + 1, j.h.in - 1);
    const float along = (float)(source - low * j.h.whole) / (float)j.h.whole;
    const int64_t line = (int64_t)j.h.in * j.c;
    const T *from = j.from + at.picture * j.v.in * line + at.channel;
    T *to = j.to + ((at.picture * j.v.out + at.first) * j.h.out + at.x) * j.c + at.channel;
    float top[N] = {}, bottom[N] = {};
    int32_t have = -2; /* top is the blend of this line, bottom of the next */
    for (int32_t y = at.first; y < at.end; y++, to += (int64_t)j.h.out * j.c) {
        const int32_t down = source_of(j.v, y), i = down / j.v.whole;
        const float w = (float)(down - i * j.v.whole) / (float)j.v.whole;
        if (i != have) {
            const T *next = from + (int64_t)min(i + 1, j.v.in - 1) * line;
            for (int k = 0; k < N; k++)
                top[k] = bottom[k];
            if (i != have + 1)
                blend<N>(top, from + i * line + low * j.c, from + i * line + high * j.c, along);
            blend<N>(bottom, next + low * j.c, next + high * j.c, along);
            have = i;
        }
        float out[N];
        for (int k = 0; k < N; k++)
            out[k] = (1 - w) * top[k] + w * bottom[k];
        if (j.plus) {
            const pack<T, N> r = load_pack<N>(j.plus + (to - j.to));
            for (int k = 0; k < N; k++)
                out[k] += to_float(r.v[k]);
        }
        store_floats<N>(to, out);
    }
}

/* Goes down the lines of dy that feed the thread's lines: each feeds `now` and the one below. */
template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) resize_grad_lines(resize_job<T> j)
{
    const line_place at = line_of(j.k, N);
    if (at.first >= at.end)
        return;
    const int32_t x0 = first_reader(j.h, at.x), x1 = readers_end(j.h, at.x), y1 = readers_end(j.v, at.end - 1);
    const T *from = j.from + (at.picture * j.v.out * j.h.out + x0) * j.c + at.channel;
    T *to = j.to + ((at.picture * j.v.in + at.first) * j.h.in + at.x) * j.c + at.channel;
    float sum[N] = {}, below[N] = {};
    int32_t now = at.first;
    for (int32_t y = first_reader(j.v, at.first); y < y1; y++) {
        const int32_t down = source_of(j.v, y);
        for (; (now + 1) * j.v.whole <= down && now + 1 < at.end; now++) {
            store_floats<N>(to, sum);
            to += (int64_t)j.h.in * j.c;
            for (int i = 0; i < N; i++) {
                sum[i] = below[i];
                below[i] = 0;
            }
        }
        float along[N] = {};
        const T *p = from + (int64_t)y * j.h.out * j.c;
        for (int32_t x = x0; x < x1; x++, p += j.c) {
            const float w = share_of(j.h, source_of(j.h, x), at.x);
            const pack<T, N> v = load_pack<N>(p);
            for (int i = 0; i < N; i++)
                along[i] += w * to_float(v.v[i]);
        }
        const float here = share_of(j.v, down, now), next = share_of(j.v, down, now + 1);
        for (int i = 0; i < N; i++) {
            sum[i] += here * along[i];
            below[i] += next * along[i];
        }
    }
    for (; now < at.end; now++, to += (int64_t)j.h.in * j.c) {
        store_floats<N>(to, sum);
        for (int i = 0; i < N; i++) {
            sum[i] = below[i];
            below[i] = 0;
        }
    }
}

/* back: from the shape of the result to that of the input */
static fpc_status run(fpc_exec *x, const fpc_node *node, bool back)
{
    const fpc_tensor &in = node->in[0], &out = node->out[0];
    const fpc_shape low = back ? out.shape : in.shape, high = back ? in.shape : out.shape;
    const int align_corners = static_cast<const fpc_resize_attr *>(node->attr)->align_corners;
    return with_packs(in, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const int N = decltype(n)::n;
        const lines k = lines_of(out.shape, N, lines_each(out.shape, N));
        const resize_job<T> j = {data_of<T>(in),
                                 node->n_in > 1 ? data_of<T>(node->in[1]) : nullptr,
                                 data_of<T>(out),
                                 axis_of(low.h, high.h, align_corners),
                                 axis_of(low.w, high.w, align_corners),
                                 k,
                                 out.shape.c};
        return back ? launch(resize_grad_lines<T, N>, line_grid(k, out.shape.n), line_block(k), 0, x, node, j)
                    : launch(resize_lines<T, N>, line_grid(k, out.shape.n), line_block(k), 0, x, node, j);
    });
}

/* and resize_add(x, r) -> y */
static fpc_status resize(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return run(x, node, false);
}

static fpc_status resize_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return run(x, node, true);
}

const fpc_kernel fpc_cuda_resize[] = {
    FPC_CUDA_ROW("resize", "plain", 0, FPC_CUDA_ALL, fits, nullptr, resize),
    FPC_CUDA_ROW("resize_add", "plain", 0, FPC_CUDA_ALL, fits, nullptr, resize),
    FPC_CUDA_ROW("resize_grad", "plain", 0, FPC_CUDA_ALL, fits, nullptr, resize_grad),
    FPC_CUDA_END,
};
