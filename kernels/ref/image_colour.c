/* image_colour.c (reference): colour maps of pictures, one after another, each from 16 numbers: fpc_colour of
 * augment.h. Bytes are floor(255 x), as of pictures that came from bytes; histograms count floor(256 x), as Kornia's
 * do, which is the same for such pictures. */
#include <fpcore/augment.h>
#include "ref.h"

/* x' = m x + g . mean(x) */
static void affine(const real *m, real *image, int64_t pixels, int clamped)
{
    double sum[3] = {0}, k = 0;
    for (int64_t i = 0; i < pixels * 3; i++)
        sum[i % 3] += (double)image[i];
    for (int c = 0; c < 3; c++)
        k += (double)m[12 + c] * (sum[c] / (double)pixels);
    for (int64_t i = 0; i < pixels; i++, image += 3) {
        const real x[3] = {image[0], image[1], image[2]};
        for (int c = 0; c < 3; c++) {
            const real v = m[c * 4] * x[0] + m[c * 4 + 1] * x[1] + m[c * 4 + 2] * x[2] + m[c * 4 + 3] + (real)k;
            image[c] = clamped ? clamp01(v) : v;
        }
    }
}

/* RGB to HSV, turn the hue, and back (Smith, "Color gamut transform pairs", SIGGRAPH 1978). */
static void turn_hue(real *p, real turns)
{
    const real r = p[0], g = p[1], b = p[2];
    const real v = r > g ? (r > b ? r : b) : g > b ? g : b, low = r < g ? (r < b ? r : b) : g < b ? g : b, d = v - low;
    if (d == 0)
        return;
    const real sixth = v == r ? (g - b) / d : v == g ? 2 + (b - r) / d : 4 + (r - g) / d;
    real h = sixth / 6 + turns;
    h = (h - floor(h)) * 6;
    const int i = (int)h;
    const real f = h - (real)i, q = v - d * f, t = v - d * (1 - f);
    const real to[7][3] = {{v, t, low}, {q, v, low}, {low, v, t}, {low, q, v}, {t, low, v}, {v, low, q}, {v, t, low}};
    memcpy(p, to[i], sizeof to[i]);
}

static void gamma_map(const real *m, real *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = clamp01(m[1] * pow(x[i] > 0 ? x[i] : 0, m[0]));
}

static int byte_of(real x)
{
    return (int)(clamp01(x) * 255);
}

static void posterize(const real *m, real *x, int64_t count)
{
    const int bits = (int)(m[0] + (real)0.5);
    for (int64_t i = 0; i < count && bits < 8; i++)
        x[i] = (real)(byte_of(x[i]) >> (8 - bits) << (8 - bits)) / 255;
}

static void solarize(const real *m, real *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const real v = clamp01(x[i] + m[1]);
        x[i] = v < m[0] ? v : 1 - v;
    }
}

/* One channel; image: its first number. */
static void equalize(real *image, int64_t pixels)
{
    int64_t histogram[256] = {0}, above = 0, sum = 0;
    uint8_t level[256];
    for (int64_t i = 0; i < pixels; i++) {
        const int bin = (int)(clamp01(image[i * 3]) * 256);
        histogram[bin < 255 ? bin : 255]++;
    }
    for (int i = 255; i >= 0 && !above; i--)
        above = histogram[i];
    const int64_t step = (pixels - above) / 255; /* pixels below the brightest bin, for each level */
    if (step == 0)
        return;
    for (int i = 0; i < 256; i++) {
        const int64_t at = i ? (sum + step / 2) / step : 0;
        level[i] = (uint8_t)(at < 255 ? at : 255);
        sum += histogram[i];
    }
    for (int64_t i = 0; i < pixels; i++)
        image[i * 3] = (real)level[byte_of(image[i * 3])] / 255;
}

static void autocontrast(real *image, int64_t pixels)
{
    real low = image[0], high = image[0];
    for (int64_t i = 0; i < pixels; i++) {
        low = image[i * 3] < low ? image[i * 3] : low;
        high = image[i * 3] > high ? image[i * 3] : high;
    }
    for (int64_t i = 0; i < pixels && high > low; i++)
        image[i * 3] = (image[i * 3] - low) / (high - low);
}

/* One map of one image, in place. */
static void colour_stage(const real *draw, real *image, int64_t pixels)
{
    int used = 0;
    for (int i = 0; i < 15; i++)
        used |= draw[i] != 0;
    if (!used)
        return;
    switch ((int)(draw[15] + (real)0.5)) {
    case FPC_COLOUR_HUE:
        for (int64_t i = 0; i < pixels; i++)
            turn_hue(image + i * 3, draw[0]);
        break;
    case FPC_COLOUR_GAMMA:
        gamma_map(draw, image, pixels * 3);
        break;
    case FPC_COLOUR_POSTERIZE:
        posterize(draw, image, pixels * 3);
        break;
    case FPC_COLOUR_SOLARIZE:
        solarize(draw, image, pixels * 3);
        break;
    case FPC_COLOUR_EQUALIZE:
        for (int c = 0; c < 3; c++)
            equalize(image + c, pixels);
        break;
    case FPC_COLOUR_AUTOCONTRAST:
        for (int c = 0; c < 3; c++)
            autocontrast(image + c, pixels);
        break;
    default:
        affine(draw, image, pixels, draw[15] != 0);
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

const fpc_kernel REF_TABLE(image_colour)[] = {REF_ROW(colour), {0}};
