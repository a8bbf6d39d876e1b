/* conv_depthwise.c: convolutions in which every channel has a filter of its own (groups == c == k), straight over
 * vectors of channels: there is nothing to gather and no product of matrices. Weights are turned to [tap][channel]
 * once. Every number of the result is summed over the taps in one order, inside and at the border alike. */
#include "conv.h"
#include "parts.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 10")

enum {
    PIXELS = 4, /* neighbours along x that share the loads of the weights */
    MOST = 7    /* side of the largest kernel that has straight code: PIXELS + MOST - 1 vectors are held at once */
};

static int64_t padded(int64_t c)
{
    return (c + VL - 1) / VL * VL;
}

/* A correlation: forward, or the gradient by x at stride 1 with the kernel turned round. */
typedef struct plan {
    int64_t h, w, c, ho, wo, kh, kw, stride, pad_y, pad_x;
    const float *bias, *taps; /* padded(c) numbers each */
} plan;

static int is_grad_x(const fpc_node *node)
{
    return !strcmp(node->op, "conv2d_grad_x");
}

static conv_shape shape_of(const fpc_node *node)
{
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    return is_grad_x(node) ? conv_shape_of(node->attr, out, in) : conv_shape_of(node->attr, in, out);
}

void depthwise_need(const fpc_node *node, fpc_need *need)
{
    const conv_shape s = shape_of(node);
    need->shared = (size_t)((s.kh * s.kw + 1) * padded(s.c)) * sizeof(float);
    need->thread = (size_t)padded(s.c) * sizeof(float);
}

fpc_status depthwise_begin(fpc_exec *x, const fpc_node *node)
{
    const conv_shape s = shape_of(node);
    const int64_t taps = s.kh * s.kw, cp = padded(s.c);
    const real *w = reals(&node->in[1]);
    const float *bias = node->n_in > 2 ? floats(&node->in[2]) : NULL;
    const int turned = is_grad_x(node) && s.stride == 1;
    float *to = fpc_exec_shared(x);

    for (int64_t c = 0; c < cp; c++)
        to[c] = bias && c < s.c ? bias[c] : 0;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t c = 0; c < cp; c++)
            to[(t + 1) * cp + c] = c < s.c ? real_get(w[c * taps + (turned ? taps - 1 - t : t)]) : 0;
    return FPC_OK;
}

/* `count` pixels of an output line whose taps [kx0, kx1) x [ky0, ky1) are inside; at: of tap (0, 0) of the first. */
INLINE void pixels(const int count, plan p, const real *at, int64_t c, int64_t ky0, int64_t ky1, int64_t kx0,
                   int64_t kx1, real *to, int64_t lanes)
{
    const int64_t cp = padded(p.c);
    vf acc[PIXELS];
    UNROLL for (int i = 0; i < count; i++) acc[i] = vf_load(p.bias + c);
    for (int64_t ky = ky0; ky < ky1; ky++)
        for (int64_t kx = kx0; kx < kx1; kx++) {
            const vf w = vf_load(p.taps + (ky * p.kw + kx) * cp + c);
            const real *from = at + (ky * p.w + kx) * p.c + c;
            UNROLL for (int i = 0; i < count; i++) acc[i] += w * vr_get(from + i * p.stride * p.c, lanes);
        }
    UNROLL for (int i = 0; i < count; i++) vr_put(to + i * p.c + c, acc[i], lanes);
}

INLINE void all_channels(const int count, plan p, const real *at, int64_t ky0, int64_t ky1, int64_t kx0, int64_t kx1,
                         real *to)
{
    int64_t c = 0;
    for (; c + VL <= p.c; c += VL)
        pixels(count, p, at, c, ky0, ky1, kx0, kx1, to, VL);
    if (c < p.c)
        pixels(count, p, at, c, ky0, ky1, kx0, kx1, to, p.c - c);
}

/* PIXELS pixels at stride 1 whose k x k taps are all inside: nothing is loaded twice. The order of the sums is that of
 * pixels(). */
INLINE void inside(const int k, plan p, const real *at, int64_t c, real *to)
{
    const int64_t cp = padded(p.c);
    vf acc[PIXELS];
    UNROLL for (int i = 0; i < PIXELS; i++) acc[i] = vf_load(p.bias + c);
    UNROLL for (int ky = 0; ky < k; ky++)
    {
        const real *line = at + ky * p.w * p.c + c;
        const float *taps = p.taps + ky * k * cp + c;
        vf x[PIXELS + MOST - 1];
        UNROLL for (int i = 0; i < PIXELS + k - 1; i++) x[i] = vr_load(line + i * p.c);
        UNROLL for (int kx = 0; kx < k; kx++)
        {
            const vf w = vf_load(taps + kx * cp);
            UNROLL for (int i = 0; i < PIXELS; i++) acc[i] += w * x[i + kx];
        }
    }
    UNROLL for (int i = 0; i < PIXELS; i++) vr_store(to + i * p.c + c, acc[i]);
}

/* The lowest of the k lines is new to the cache: it is asked for before it is needed. */
INLINE void all_inside(const int k, plan p, const real *at, real *to)
{
    const char *next = (const char *)(at + ((k - 1) * (p.w + 1) + 2 * PIXELS) * p.c);
    for (int64_t b = 0; b < PIXELS * p.c * (int64_t)sizeof(real); b += 64)
        __builtin_prefetch(next + b);
    for (int64_t c = 0; c < p.c; c += VL)
        inside(k, p, at, c, to);
}

static int64_t clamp(int64_t a, int64_t lo, int64_t hi)
{
    return a < lo ? lo : a > hi ? hi : a;
}

static void correlate(plan p, const real *x, fpc_rows rows, real *y)
{
    const int straight = p.kh == p.kw && p.stride == 1 && p.c % VL == 0;
    const int64_t side = straight && (p.kh == 3 || p.kh == 5 || p.kh == MOST) ? p.kh : -1;
    for (int64_t r = 0; r < rows.count;) {
        const int64_t row = rows.first + r, ox = row % p.wo, line = row / p.wo;
        const int64_t y0 = line % p.ho * p.stride - p.pad_y, x0 = ox * p.stride - p.pad_x;
        const int64_t ky0 = clamp(-y0, 0, p.kh), ky1 = clamp(p.h - y0, ky0, p.kh);
        const real *at = x + ((line / p.ho * p.h + y0) * p.w + x0) * p.c;
        const int fits =
            ox + PIXELS <= p.wo && r + PIXELS <= rows.count && x0 >= 0 && x0 + (PIXELS - 1) * p.stride + p.kw <= p.w;
        if (fits && ky1 - ky0 == side) {
            if (side == 3)
                all_inside(3, p, at, y + r * p.c);
            else if (side == 5)
                all_inside(5, p, at, y + r * p.c);
            else
                all_inside(MOST, p, at, y + r * p.c);
            r += PIXELS;
        } else if (fits) {
            all_channels(PIXELS, p, at, ky0, ky1, 0, p.kw, y + r * p.c);
            r += PIXELS;
        } else {
            const int64_t kx0 = clamp(-x0, 0, p.kw), kx1 = clamp(p.w - x0, kx0, p.kw);
            all_channels(1, p, at, ky0, ky1, kx0, kx1, y + r * p.c);
            r++;
        }
    }
}

fpc_status depthwise_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const conv_shape s = shape_of(node);
    const float *packed = fpc_exec_shared(x);
    const plan p = {s.h, s.w, s.c, s.ho, s.wo, s.kh, s.kw, s.stride, s.pad, s.pad, packed, packed + padded(s.c)};
    correlate(p, reals(&node->in[0]), rows, reals(&node->out[0]));
    return FPC_OK;
}

/* One input pixel of a strided convolution: the taps that hit it. */
static void grad_pixel(conv_shape s, const float *packed, const real *dy, int64_t n, int64_t iy, int64_t ix, float *sum,
                       real *dx)
{
    const int64_t cp = padded(s.c);
    memcpy(sum, packed, (size_t)cp * sizeof *sum);
    for (int64_t ky = 0; ky < s.kh; ky++)
        for (int64_t kx = 0; kx < s.kw; kx++) {
            const int64_t ty = iy + s.pad - ky, tx = ix + s.pad - kx;
            if (ty < 0 || tx < 0 || ty % s.stride || tx % s.stride || ty / s.stride >= s.ho || tx / s.stride >= s.wo)
                continue;
            const real *from = dy + ((n * s.ho + ty / s.stride) * s.wo + tx / s.stride) * s.c;
            const float *w = packed + (ky * s.kw + kx + 1) * cp;
            for (FPC_COLUMNS(c, lanes, s.c))
                vf_store(sum + c, vf_load(sum + c) + vf_load(w + c) * vr_get(from + c, lanes));
        }
    for (FPC_COLUMNS(c, lanes, s.c))
        vr_put(dx + c, vf_load(sum + c), lanes);
}

fpc_status depthwise_grad_x_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const conv_shape s = shape_of(node);
    const float *packed = fpc_exec_shared(x);
    const real *dy = reals(&node->in[0]);
    real *dx = reals(&node->out[0]);

    if (s.stride == 1) {
        const plan p = {
            s.ho, s.wo, s.c, s.h, s.w, s.kh, s.kw, 1, s.kh - 1 - s.pad, s.kw - 1 - s.pad, packed, packed + padded(s.c)};
        correlate(p, dy, rows, dx);
        return FPC_OK;
    }
    for (int64_t r = 0; r < rows.count; r++) {
        const int64_t row = rows.first + r;
        grad_pixel(s, packed, dy, row / (s.w * s.h), row / s.w % s.h, row % s.w, fpc_exec_scratch(x, rows.thread),
                   dx + r * s.c);
    }
    return FPC_OK;
}

/* ---- gradient by the weight: part holds [tap][padded channel] ---- */

static conv_shape grad_w_shape(const fpc_node *node)
{
    return conv_shape_of(node->attr, node->in[0].shape, node->in[1].shape);
}

void depthwise_grad_w_need(const fpc_node *node, fpc_need *need)
{
    const conv_shape s = grad_w_shape(node);
    need->part = (size_t)(s.kh * s.kw * padded(s.c)) * sizeof(float);
}

/* `taps` neighbouring taps over `count` pixels of a line, all inside. x, dy: of the first pixel; at channel c. */
INLINE void line_taps(const int taps, conv_shape s, const real *x, const real *dy, int64_t count, int64_t lanes,
                      float *dw, int64_t cp)
{
    vf acc[7];
    UNROLL for (int t = 0; t < taps; t++) acc[t] = vf_load(dw + t * cp);
    for (int64_t i = 0; i < count; i++, dy += s.c, x += s.stride * s.c) {
        const vf d = vr_get(dy, lanes);
        UNROLL for (int t = 0; t < taps; t++) acc[t] += d * vr_get(x + t * s.c, lanes);
    }
    UNROLL for (int t = 0; t < taps; t++) vf_store(dw + t * cp, acc[t]);
}

static void taps_1(conv_shape s, const real *x, const real *dy, int64_t count, int64_t lanes, float *dw, int64_t cp)
{
    if (lanes == VL)
        line_taps(1, s, x, dy, count, VL, dw, cp);
    else
        line_taps(1, s, x, dy, count, lanes, dw, cp);
}
static void taps_3(conv_shape s, const real *x, const real *dy, int64_t count, int64_t lanes, float *dw, int64_t cp)
{
    if (lanes == VL)
        line_taps(3, s, x, dy, count, VL, dw, cp);
    else
        line_taps(3, s, x, dy, count, lanes, dw, cp);
}
static void taps_5(conv_shape s, const real *x, const real *dy, int64_t count, int64_t lanes, float *dw, int64_t cp)
{
    if (lanes == VL)
        line_taps(5, s, x, dy, count, VL, dw, cp);
    else
        line_taps(5, s, x, dy, count, lanes, dw, cp);
}
static void taps_7(conv_shape s, const real *x, const real *dy, int64_t count, int64_t lanes, float *dw, int64_t cp)
{
    if (lanes == VL)
        line_taps(7, s, x, dy, count, VL, dw, cp);
    else
        line_taps(7, s, x, dy, count, lanes, dw, cp);
}

/* Pixels [ox, ox + count) of an output line, one row ky of the kernel, VL channels. x: the input line, from its left
 * end; dy: of pixel ox. Inside, whole rows of taps; at the left and right border tap by tap. */
static void grad_line(conv_shape s, const real *x, const real *dy, int64_t ox, int64_t count, int64_t lanes, float *dw)
{
    const int64_t cp = padded(s.c), end = ox + count;
    /* all taps of pixels [lo, hi) are inside */
    const int64_t lo = clamp((s.pad + s.stride - 1) / s.stride, ox, end);
    const int64_t last = s.w + s.pad - s.kw;
    const int64_t hi = clamp(last < 0 ? 0 : last / s.stride + 1, lo, end);

    for (int64_t kx = 0; kx < s.kw;) {
        const int64_t left = s.kw - kx;
        const int taps = left >= 7 ? 7 : left >= 5 ? 5 : left >= 3 ? 3 : 1;
        if (hi > lo)
            (taps == 7   ? taps_7
             : taps == 5 ? taps_5
             : taps == 3 ? taps_3
                         : taps_1)(s, x + (lo * s.stride - s.pad + kx) * s.c, dy + (lo - ox) * s.c, hi - lo, lanes,
                                   dw + kx * cp, cp);
        kx += taps;
    }
    for (int64_t i = ox; i < end; i++) {
        if (i == lo && hi > lo)
            i = hi;
        for (int64_t kx = 0; kx < s.kw && i < end; kx++) {
            const int64_t ix = i * s.stride - s.pad + kx;
            if (ix >= 0 && ix < s.w)
                taps_1(s, x + ix * s.c, dy + (i - ox) * s.c, 1, lanes, dw + kx * cp, cp);
        }
    }
}

fpc_status depthwise_grad_w_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const conv_shape s = grad_w_shape(node);
    const int64_t cp = padded(s.c);
    const real *image = reals(&node->in[0]), *dy = reals(&node->in[1]);
    float *dw = fpc_exec_part(x, rows.part);

    for (int64_t r = 0; r < rows.count;) {
        const int64_t ox = (rows.first + r) % s.wo, line = (rows.first + r) / s.wo;
        const int64_t count = s.wo - ox < rows.count - r ? s.wo - ox : rows.count - r;
        for (int64_t ky = 0; ky < s.kh; ky++) {
            const int64_t iy = line % s.ho * s.stride - s.pad + ky;
            if (iy < 0 || iy >= s.h)
                continue;
            for (int64_t c = 0; c < s.c; c += VL)
                grad_line(s, image + (line / s.ho * s.h + iy) * s.w * s.c + c, dy + r * s.c + c, ox, count,
                          s.c - c < VL ? s.c - c : VL, dw + ky * s.kw * cp + c);
        }
        r += count;
    }
    return FPC_OK;
}

fpc_status depthwise_grad_w_end(fpc_exec *x, const fpc_node *node)
{
    const conv_shape s = grad_w_shape(node);
    const int64_t taps = s.kh * s.kw, cp = padded(s.c);
    const float *sum = fpc_exec_part(x, 0);
    float *out = floats(&node->out[0]);

    parts_sum(x, NULL, taps * cp, 0);
    for (int64_t c = 0; c < s.c; c++)
        for (int64_t t = 0; t < taps; t++)
            out[c * taps + t] = sum[t * cp + c];
    return FPC_OK;
}
