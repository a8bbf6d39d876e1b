/* image.c (cpu): augmentation of a batch from the numbers that were drawn on the host: geometric resampling of picture
 * and mask, and noise. Pictures have 3 channels, which is no width for vectors: the warp works on the 4 numbers of a
 * pixel and its neighbour's first, noise on vectors. Bytes, no field and black outside, the everyday case, is a copy of
 * the loop of its own. */
#include "math.h"
#include "philox.h"
#include "image_picture.h"
#include <fpcore/augment.h>

typedef uint8_t bytes_vl __attribute__((vector_size(VL)));

/* Whole images of bytes, by a list of their numbers. */
static fpc_status run_take(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->out[0].shape;
    const int64_t plane = (int64_t)s.h * s.w, last = node->in[0].shape.n - 1;
    const uint8_t *a = node->in[0].data;
    uint8_t *y = node->out[0].data;
    for (int64_t row = 0, n; row < rows.count; row += n, y += n * s.c) {
        const int64_t image = (rows.first + row) / plane, in = (rows.first + row) % plane;
        int64_t from = ((const int32_t *)node->in[1].data)[image];
        from = from < 0 ? 0 : from < last ? from : last;
        n = plane - in < rows.count - row ? plane - in : rows.count - row;
        memcpy(y, a + (from * plane + in) * s.c, (size_t)(n * s.c));
    }
    return FPC_OK;
}

/* x / 255 */
static fpc_status run_to_real(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t count = rows.count * node->out[0].shape.c;
    const uint8_t *a = node->in[0].data;
    float *y = node->out[0].data;
    for (FPC_COLUMNS(i, n, count)) {
        bytes_vl v = {0};
        memcpy(&v, a + i, (size_t)n);
        vf_put(y + i, __builtin_convertvector(v, vf) / 255.0f, n);
    }
    return FPC_OK;
}

/* ---- warps: coordinates in double, so that nearest pixels are those of the exact matrix ---- */

/* For one output line: the source of pixel (x, y) is ((m[0] x + m[1]) / d, (m[2] x + m[3]) / d) with d = m[4] x + m[5],
 * and the field's shifts, in pixels, at its columns of nodes. */
struct line {
    double m[6];
    int affine;
    double columns; /* of the field, for each pixel */
    double shift[FPC_FIELD_NODES][2];
};

FPC_INLINE void line_begin(struct line *l, const fpc_node *node, int32_t field, int64_t image, int64_t y)
{
    const float *m = (const float *)node->in[1].data + image * 8;
    const double at = (double)y;
    l->m[0] = (double)m[0], l->m[1] = (double)m[1] * at + (double)m[2];
    l->m[2] = (double)m[3], l->m[3] = (double)m[4] * at + (double)m[5];
    l->m[4] = (double)m[6], l->m[5] = (double)m[7] * at + 1;
    l->affine = m[6] == 0 && m[7] == 0;
    l->columns = 0;
    if (!field)
        return;
    const fpc_shape s = node->out[0].shape;
    const int32_t cells = FPC_FIELD_NODES - 1;
    const double v = (at + 0.5) * cells / s.h;
    const int32_t j = v < cells ? (int32_t)v : cells - 1;
    const float *a = (const float *)node->in[field].data + (image * FPC_FIELD_NODES + j) * FPC_FIELD_NODES * 2;
    const float *b = a + FPC_FIELD_NODES * 2;
    l->columns = (double)cells / s.w;
    for (int i = 0; i < FPC_FIELD_NODES * 2; i++)
        l->shift[i / 2][i % 2] = ((double)a[i] + (v - j) * ((double)b[i] - (double)a[i])) * (i % 2 ? s.h : s.w) * 0.5;
}

FPC_INLINE void source_of(const struct line *l, int has_field, int64_t x, double *sx, double *sy)
{
    *sx = l->m[0] * (double)x + l->m[1];
    *sy = l->m[2] * (double)x + l->m[3];
    if (!l->affine) {
        const double d = l->m[4] * (double)x + l->m[5];
        *sx /= d;
        *sy /= d;
    }
    if (has_field) {
        const double u = ((double)x + 0.5) * l->columns;
        const int32_t i = u < FPC_FIELD_NODES - 1 ? (int32_t)u : FPC_FIELD_NODES - 2;
        *sx += l->shift[i][0] + (u - i) * (l->shift[i + 1][0] - l->shift[i][0]);
        *sy += l->shift[i][1] + (u - i) * (l->shift[i + 1][1] - l->shift[i][1]);
    }
}

/* floor for |a| < 2^31, without a call at the SSE2 level */
FPC_INLINE int32_t whole(double a)
{
    const int32_t i = (int32_t)a;
    return i - (a < i);
}

/* A place that an integer holds, also where a perspective has its horizon. */
FPC_INLINE double bounded(double a)
{
    return a > -1e9 ? a < 1e9 ? a : 1e9 : -1e9;
}

typedef float f4 __attribute__((vector_size(16)));
typedef uint8_t b4 __attribute__((vector_size(4)));

/* Pixel i as floats; the fourth is what follows in memory. */
FPC_INLINE f4 pixel_of(const void *picture, int is_float, int64_t i)
{
    if (is_float) {
        f4 v;
        memcpy(&v, (const float *)picture + i, sizeof v);
        return v;
    }
    b4 bytes;
    memcpy(&bytes, (const uint8_t *)picture + i, sizeof bytes);
    return __builtin_convertvector(bytes, f4);
}

/* Pixels at the picture's border and beyond it. */
static void sample_slowly(float *to, const void *picture, int is_float, fpc_shape s, int32_t border, int32_t x0,
                          int32_t y0, float fx, float fy)
{
    for (int64_t c = 0; c < 3; c++) {
        float corner[2][2];
        for (int32_t j = 0; j < 2; j++)
            for (int32_t i = 0; i < 2; i++) {
                const int64_t y = border_index(y0 + j, s.h, border), x = border_index(x0 + i, s.w, border);
                const int64_t at = (y * s.w + x) * 3 + c;
                corner[j][i] = y < 0 || x < 0 ? 0
                               : is_float     ? ((const float *)picture)[at]
                                              : (float)((const uint8_t *)picture)[at];
            }
        const float top = corner[0][0] + fx * (corner[0][1] - corner[0][0]);
        const float bottom = corner[1][0] + fx * (corner[1][1] - corner[1][0]);
        to[c] = (top + fy * (bottom - top)) * (is_float ? 1 : 1.0f / 255);
    }
}

/* is_float, has_field, filled: known where this is inlined. filled: black lies outside. */
FPC_INLINE void warp_image(const fpc_node *node, fpc_rows rows, int is_float, int has_field, int filled)
{
    const fpc_shape s = node->in[0].shape, out = node->out[0].shape;
    const int32_t border = ((const fpc_warp_attr *)node->attr)->border;
    const int64_t plane = (int64_t)out.h * out.w, count = (int64_t)s.h * s.w * 3;
    struct line line;
    float *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count;) {
        const int64_t image = (rows.first + row) / plane, in = (rows.first + row) % plane;
        const void *a = (const char *)node->in[0].data + image * count * (is_float ? 4 : 1);
        line_begin(&line, node, has_field ? 2 : 0, image, in / out.w);
        for (int64_t px = in % out.w; px < out.w && row < rows.count; px++, row++, y += 3) {
            double sx, sy;
            source_of(&line, has_field, px, &sx, &sy);
            if (filled && !(sx > -1 && sx < s.w && sy > -1 && sy < s.h)) {
                memset(y, 0, 3 * sizeof *y);
                continue;
            }
            if (!filled)
                sx = bounded(sx), sy = bounded(sy);
            const int32_t x0 = whole(sx), y0 = whole(sy);
            const float fx = (float)(sx - x0), fy = (float)(sy - y0);
            const int64_t corner = ((int64_t)y0 * s.w + x0) * 3, below = corner + (int64_t)s.w * 3;
            if (x0 < 0 || y0 < 0 || x0 + 1 >= s.w || y0 + 1 >= s.h || below + 7 > count) {
                sample_slowly(y, a, is_float, s, border, x0, y0, fx, fy);
                continue;
            }
            const f4 p00 = pixel_of(a, is_float, corner), p01 = pixel_of(a, is_float, corner + 3);
            const f4 p10 = pixel_of(a, is_float, below), p11 = pixel_of(a, is_float, below + 3);
            const f4 top = p00 + fx * (p01 - p00), bottom = p10 + fx * (p11 - p10);
            const f4 value = (top + fy * (bottom - top)) * (is_float ? 1 : 1.0f / 255);
            memcpy(y, &value, 3 * sizeof *y);
        }
    }
}

static fpc_status run_warp_image(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int32_t border = ((const fpc_warp_attr *)node->attr)->border;
    const int filled = border != FPC_BORDER_REFLECT && border != FPC_BORDER_EDGE,
              is_float = node->in[0].dtype != FPC_U8;
    if (!is_float && node->n_in == 2 && filled)
        warp_image(node, rows, 0, 0, 1);
    else if (!is_float && filled)
        warp_image(node, rows, 0, 1, 1);
    else
        warp_image(node, rows, is_float, node->n_in == 3, filled);
    return FPC_OK;
}

FPC_INLINE void warp_mask(const fpc_node *node, fpc_rows rows, int has_field)
{
    const fpc_shape s = node->in[0].shape, out = node->out[0].shape;
    const fpc_warp_attr *attr = node->attr;
    const uint8_t fill = (uint8_t)attr->fill;
    const int64_t plane = (int64_t)out.h * out.w;
    struct line line;
    uint8_t *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count;) {
        const int64_t image = (rows.first + row) / plane, in = (rows.first + row) % plane;
        const uint8_t *a = (const uint8_t *)node->in[0].data + image * s.h * s.w;
        const uint8_t *table = (const uint8_t *)node->in[2].data + image * 256;
        line_begin(&line, node, has_field ? 3 : 0, image, in / out.w);
        for (int64_t px = in % out.w; px < out.w && row < rows.count; px++, row++) {
            double sx, sy;
            source_of(&line, has_field, px, &sx, &sy);
            sx += 0.5, sy += 0.5;
            if (sx >= 0 && sx < s.w && sy >= 0 && sy < s.h) {
                y[row] = table[a[(int64_t)sy * s.w + (int64_t)sx]];
                continue;
            }
            const int64_t ix = border_index(whole(bounded(sx)), s.w, attr->border);
            const int64_t iy = border_index(whole(bounded(sy)), s.h, attr->border);
            y[row] = ix < 0 || iy < 0 ? fill : table[a[iy * s.w + ix]];
        }
    }
}

static fpc_status run_warp_mask(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    if (node->n_in == 3)
        warp_mask(node, rows, 0);
    else
        warp_mask(node, rows, 1);
    return FPC_OK;
}

/* ---- noise ---- */

enum { NOISE_BLOCK = 2 * VL }; /* elements made at a time, aligned: VL/2 counters of 4 words */

static void noise_words(int32_t words[NOISE_BLOCK], uint64_t counter, const int32_t *clock, uint32_t stream)
{
    const vq low = (vq){0} + 0xffffffffu, m0 = (vq){0} + 0xD2511F53u, m1 = (vq){0} + 0xCD9E8D57u;
    vq at = (vq){0} + counter;
    for (int i = 0; i < PHILOX_LANES; i++)
        at[i] += (uint64_t)i;
    vq c0 = at & low, c1 = at >> 32, c2 = (vq){0} + (uint32_t)clock[2], c3 = (vq){0} + stream;
    for (uint32_t r = 0; r < 10; r++) {
        const vq k0 = (vq){0} + (uint32_t)((uint32_t)clock[0] + r * 0x9E3779B9u);
        const vq k1 = (vq){0} + (uint32_t)((uint32_t)clock[1] + r * 0xBB67AE85u);
        const vq p0 = philox_mul(m0, c0), p1 = philox_mul(m1, c2);
        c0 = (p1 >> 32) ^ c1 ^ k0;
        c2 = (p0 >> 32) ^ c3 ^ k1;
        c1 = p1;
        c3 = p0;
    }
    philox_store((uint16_t *)words, (c0 & low) | (c1 << 32), (c2 & low) | (c3 << 32));
}

/* N(0,1) for elements [first, first + NOISE_BLOCK), first a multiple of it: Box and Muller, a pair from two words. */
static void noise_block(float z[NOISE_BLOCK], int64_t first, const int32_t *clock, uint32_t stream)
{
    int32_t words[NOISE_BLOCK];
    noise_words(words, (uint64_t)first / 4, clock, stream);
    vi u, v;
    for (int i = 0; i < VL; i++)
        u[i] = words[2 * i], v[i] = words[2 * i + 1];
    const vf radial = 1.0f - __builtin_convertvector((vi)((vu)u >> 8), vf) * 0x1p-24f;
    const vf radius = vf_sqrt(-2.0f * vf_log(radial));
    vf sine;
    const vf cosine = radius * vf_turn(__builtin_convertvector((vi)((vu)v >> 8), vf) * 0x1p-24f, &sine);
    sine *= radius;
    for (int i = 0; i < VL; i++)
        z[2 * i] = cosine[i], z[2 * i + 1] = sine[i];
}

static fpc_status run_gaussian_noise(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape;
    const int64_t image_size = (int64_t)s.h * s.w * s.c, begin = rows.first * s.c, end = begin + rows.count * s.c;
    const fpc_noise_attr *attr = node->attr;
    const float *a = node->in[0].data, *sigma = node->in[1].data;
    const int32_t *clock = node->in[2].data;
    float *y = node->out[0].data, z[NOISE_BLOCK];
    int64_t made = -1;
    for (int64_t e = begin; e < end;) {
        const int64_t image = e / image_size, block = e / NOISE_BLOCK * NOISE_BLOCK;
        int64_t stop = block + NOISE_BLOCK;
        stop = stop < end ? stop : end;
        stop = stop < (image + 1) * image_size ? stop : (image + 1) * image_size;
        if (sigma[image] != 0 && made != block)
            noise_block(z, made = block, clock, attr->stream);
        for (int64_t i = 0; i < stop - e; i += VL) {
            const int64_t n = stop - e - i < VL ? stop - e - i : VL;
            vf v = vf_get(a + (e - begin) + i, n);
            if (sigma[image] != 0)
                v = vf_fma(vf_set(sigma[image]), vf_get(z + (e - block) + i, n), v);
            vf_put(y + (e - begin) + i, attr->unclamped ? v : clamp01(v), n);
        }
        e = stop;
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(image)[] = {
    FPC_CPU_ROW(to_real, .run = run_to_real),
    {.op = NULL},
};
const fpc_kernel FPC_CPU_TABLE(image_batch)[] = {
    FPC_CPU_ROW(take, .run = run_take),
    FPC_CPU_ROW(warp_image, .run = run_warp_image),
    FPC_CPU_ROW(warp_mask, .run = run_warp_mask),
    FPC_CPU_ROW(gaussian_noise, .run = run_gaussian_noise),
    {.op = NULL},
};
