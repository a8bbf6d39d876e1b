/* image.c (reference): what augmentations do to a batch, from the numbers that were drawn on the host: geometric
 * resampling and noise. Colours: image_colour.c; what looks at neighbours: image_filter.c, image_jpeg.c; boxes and
 * mixing: image_mix.c. */
#include <fpcore/augment.h>
#include "image_border.h"
#include "ref.h"

/* take(x, index) -> y: image i of y is image index[i] of x, bytes. (An index beyond x is the nearest image there is.)
 */
static fpc_status take(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->out[0].shape;
    const uint8_t *x = node->in[0].data;
    uint8_t *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const int64_t row = rows.first + r, last = node->in[0].shape.n - 1;
        int64_t from = ((const int32_t *)node->in[1].data)[row / image_rows(s)];
        from = from < 0 ? 0 : from < last ? from : last;
        memcpy(y + r * s.c, x + (from * image_rows(s) + row % image_rows(s)) * s.c, (size_t)s.c);
    }
    return FPC_OK;
}

/* to_real(u8) -> y: x / 255 */
static fpc_status to_real(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const uint8_t *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t i = 0; i < rows.count * node->out[0].shape.c; i++)
        y[i] = (real)x[i] / 255;
    return FPC_OK;
}

/* Where output pixel (x, y) of image n reads the input: where the matrix points (m22 is 1), shifted by the field. */
typedef struct source {
    real x, y;
} source;

/* The field's shift at the centre of a pixel, in pixels. */
static source shift_of(const fpc_tensor *field, fpc_shape s, place at)
{
    const int32_t cells = FPC_FIELD_NODES - 1;
    const real *node = (const real *)field->data + (int64_t)at.n * FPC_FIELD_NODES * FPC_FIELD_NODES * 2;
    const real u = ((real)at.x + (real)0.5) * (real)cells / (real)s.w;
    const real v = ((real)at.y + (real)0.5) * (real)cells / (real)s.h;
    const int32_t i = u < (real)cells ? (int32_t)u : cells - 1, j = v < (real)cells ? (int32_t)v : cells - 1;
    const real fx = u - (real)i, fy = v - (real)j;
    real shift[2];
    for (int k = 0; k < 2; k++) {
        const real *p = node + ((int64_t)j * FPC_FIELD_NODES + i) * 2 + k, *q = p + FPC_FIELD_NODES * 2;
        shift[k] = (1 - fy) * ((1 - fx) * p[0] + fx * p[2]) + fy * ((1 - fx) * q[0] + fx * q[2]);
    }
    return (source){shift[0] * (real)s.w / 2, shift[1] * (real)s.h / 2};
}

/* field NULL: none. A point at infinity stays within what an integer holds. */
static source source_of(const fpc_tensor *draws, const fpc_tensor *field, fpc_shape s, place at)
{
    const real *m = (const real *)draws->data + (int64_t)at.n * 8, x = (real)at.x, y = (real)at.y, far = 1e9;
    const real d = m[6] * x + m[7] * y + 1;
    source p = {(m[0] * x + m[1] * y + m[2]) / d, (m[3] * x + m[4] * y + m[5]) / d};
    if (field) {
        const source more = shift_of(field, s, at);
        p.x += more.x, p.y += more.y;
    }
    p.x = p.x > -far ? p.x < far ? p.x : far : -far;
    p.y = p.y > -far ? p.y < far ? p.y : far : -far;
    return p;
}

/* warp_image(x, draws[, field]) -> y: bilinear sample of x (bytes: x/255); what lies outside as the border says */
static fpc_status warp_image(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const int32_t border = ((const fpc_warp_attr *)node->attr)->border, bytes = node->in[0].dtype == FPC_U8;
    real *out = node->out[0].data;
    memset(out, 0, (size_t)(rows.count * ys.c) * sizeof *out);
    for (int64_t r = 0; r < rows.count; r++, out += ys.c) {
        const place at = place_of(ys, rows.first + r);
        const source s = source_of(&node->in[1], node->n_in == 3 ? &node->in[2] : NULL, xs, at);
        const int32_t x0 = (int32_t)floor(s.x), y0 = (int32_t)floor(s.y);
        const real fx = s.x - (real)x0, fy = s.y - (real)y0;
        for (int32_t k = 0; k < 4; k++) {
            const int64_t x = border_index(x0 + k % 2, xs.w, border), y = border_index(y0 + k / 2, xs.h, border);
            if (x < 0 || y < 0)
                continue;
            const real w = (k / 2 ? fy : 1 - fy) * (k % 2 ? fx : 1 - fx);
            const int64_t from = row_of(xs, at.n, y, x) * xs.c;
            for (int64_t c = 0; c < ys.c; c++)
                out[c] += w * (bytes ? (real)((const uint8_t *)node->in[0].data)[from + c] / 255
                                     : ((const real *)node->in[0].data)[from + c]);
        }
    }
    return FPC_OK;
}

/* warp_mask(u8, draws, table[, field]) -> u8: nearest; table maps the labels of each image */
static fpc_status warp_mask(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const fpc_warp_attr *a = node->attr;
    const uint8_t *labels = node->in[0].data;
    uint8_t *out = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(ys, rows.first + r);
        const source s = source_of(&node->in[1], node->n_in == 4 ? &node->in[3] : NULL, xs, at);
        const int64_t x = border_index((int64_t)floor(s.x + (real)0.5), xs.w, a->border);
        const int64_t y = border_index((int64_t)floor(s.y + (real)0.5), xs.h, a->border);
        const uint8_t *table = (const uint8_t *)node->in[2].data + (int64_t)at.n * 256;
        out[r] = x < 0 || y < 0 ? (uint8_t)a->fill : table[labels[row_of(xs, at.n, y, x)]];
    }
    return FPC_OK;
}

/* N(0,1) for element e: Box and Muller's method on the pair of words (2i, 2i+1) that e belongs to. */
static real normal(const fpc_tensor *clock, uint32_t stream, int64_t e)
{
    const uint64_t block = (uint64_t)e / 4;
    const fpc_u32x4 u = draw_words(clock, (uint32_t)block, (uint32_t)(block >> 32), stream);
    const uint32_t first = u.v[e % 4 / 2 * 2], second = u.v[e % 4 / 2 * 2 + 1];
    const real radius = sqrt(-2 * log(1 - (real)fpc_unit(first)));
    const real angle = (real)6.28318530717958647693 * (real)fpc_unit(second);
    return radius * (e % 2 ? sin(angle) : cos(angle));
}

/* gaussian_noise(x, sigma, clock) -> y: x + sigma[image] N(0,1), clamped to [0,1] unless `unclamped` */
static fpc_status gaussian_noise(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const fpc_noise_attr *a = node->attr;
    const real *x = node->in[0].data, *sigma = node->in[1].data;
    real *y = node->out[0].data;
    for (int64_t i = 0; i < rows.count * s.c; i++) {
        const int64_t e = rows.first * s.c + i;
        const real v = x[i] + sigma[e / s.c / image_rows(s)] * normal(&node->in[2], a->stream, e);
        y[i] = a->unclamped ? v : clamp01(v);
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(image)[] = {REF_ROW(take),      REF_ROW(to_real),        REF_ROW(warp_image),
                                       REF_ROW(warp_mask), REF_ROW(gaussian_noise), {0}};
