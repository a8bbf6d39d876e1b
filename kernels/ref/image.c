/* image.c (reference): what augmentations do to a batch, from the numbers that were drawn on the host: one geometric
 * resampling, colour maps, noise. */
#include "ref.h"

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

/* Where output pixel (x, y) of image n reads the input; m22 is 1. */
typedef struct source {
    real x, y;
} source;

static source source_of(const fpc_tensor *draws, place at)
{
    const real *m = (const real *)draws->data + (int64_t)at.n * 8, x = (real)at.x, y = (real)at.y;
    const real d = m[6] * x + m[7] * y + 1;
    return (source){(m[0] * x + m[1] * y + m[2]) / d, (m[3] * x + m[4] * y + m[5]) / d};
}

/* warp_image(u8, draws) -> y: bilinear sample of x/255, zero outside */
static fpc_status warp_image(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const uint8_t *x = node->in[0].data;
    real *out = node->out[0].data;
    memset(out, 0, (size_t)(rows.count * ys.c) * sizeof *out);
    for (int64_t r = 0; r < rows.count; r++, out += ys.c) {
        const place at = place_of(ys, rows.first + r);
        const source s = source_of(&node->in[1], at);
        if (!(s.x > -1 && s.x < (real)xs.w && s.y > -1 && s.y < (real)xs.h))
            continue;
        const int32_t x0 = (int32_t)floor(s.x), y0 = (int32_t)floor(s.y);
        const real fx = s.x - (real)x0, fy = s.y - (real)y0;
        for (int32_t dy = 0; dy < 2; dy++)
            for (int32_t dx = 0; dx < 2; dx++) {
                if (y0 + dy < 0 || y0 + dy >= xs.h || x0 + dx < 0 || x0 + dx >= xs.w)
                    continue;
                const real w = (dy ? fy : 1 - fy) * (dx ? fx : 1 - fx);
                const uint8_t *px = x + row_of(xs, at.n, y0 + dy, x0 + dx) * xs.c;
                for (int64_t c = 0; c < ys.c; c++)
                    out[c] += w * ((real)px[c] / 255);
            }
    }
    return FPC_OK;
}

/* warp_mask(u8, draws, table) -> u8: nearest; table maps the labels of each image; outside: fill */
static fpc_status warp_mask(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape xs = node->in[0].shape, ys = node->out[0].shape;
    const uint8_t *x = node->in[0].data, fill = (uint8_t)((const fpc_warp_attr *)node->attr)->fill;
    uint8_t *out = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(ys, rows.first + r);
        const source s = source_of(&node->in[1], at);
        const real nx = floor(s.x + (real)0.5), ny = floor(s.y + (real)0.5);
        const uint8_t *table = (const uint8_t *)node->in[2].data + (int64_t)at.n * 256;
        const int in = nx >= 0 && nx < (real)xs.w && ny >= 0 && ny < (real)xs.h;
        out[r] = in ? table[x[row_of(xs, at.n, (int64_t)ny, (int64_t)nx)]] : fill;
    }
    return FPC_OK;
}

/* One colour stage of one image, in place: x' = m x + g . mean(x), 16 numbers m (3x4), g (3), clamp. */
static void colour_stage(const real *draw, real *image, int64_t pixels)
{
    const real *m = draw, *g = draw + 12;
    int used = 0;
    for (int i = 0; i < 16; i++)
        used |= draw[i] != 0;
    if (!used)
        return;
    double sum[3] = {0};
    for (int64_t i = 0; i < pixels * 3; i++)
        sum[i % 3] += (double)image[i];
    double k = 0;
    for (int c = 0; c < 3; c++)
        k += (double)g[c] * (sum[c] / (double)pixels);
    for (int64_t i = 0; i < pixels; i++, image += 3) {
        const real x[3] = {image[0], image[1], image[2]};
        for (int c = 0; c < 3; c++) {
            real v = m[c * 4] * x[0] + m[c * 4 + 1] * x[1] + m[c * 4 + 2] * x[2] + m[c * 4 + 3] + (real)k;
            if (draw[15] != 0)
                v = v < 0 ? 0 : v > 1 ? 1 : v;
            image[c] = v;
        }
    }
}

/* colour(x, draws) -> y: the stages of draws (n,1,stages,16) in order; all zero leaves the picture alone */
static fpc_status colour(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const fpc_shape s = node->in[0].shape;
    const int64_t stages = node->in[1].shape.w;
    real *y = node->out[0].data;
    memcpy(y, node->in[0].data, (size_t)fpc_count(s) * sizeof *y);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t k = 0; k < stages; k++)
            colour_stage((const real *)node->in[1].data + (n * stages + k) * 16, y + n * image_rows(s) * 3,
                         image_rows(s));
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

/* gaussian_noise(x, sigma, clock) -> y: x + sigma[image] N(0,1), clamped to [0,1] */
static fpc_status gaussian_noise(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const uint32_t stream = ((const fpc_noise_attr *)node->attr)->stream;
    const real *x = node->in[0].data, *sigma = node->in[1].data;
    real *y = node->out[0].data;
    for (int64_t i = 0; i < rows.count * s.c; i++) {
        const int64_t e = rows.first * s.c + i;
        const real v = x[i] + sigma[e / s.c / image_rows(s)] * normal(&node->in[2], stream, e);
        y[i] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(image)[] = {REF_ROW(to_real), REF_ROW(warp_image),     REF_ROW(warp_mask),
                                       REF_ROW(colour),  REF_ROW(gaussian_noise), {0}};
