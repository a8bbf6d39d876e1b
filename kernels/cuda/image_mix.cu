/* image_mix.cu: pictures of a batch laid over each other (fpc_mix of augment.h), a thread per pixel. The plan of an
 * image is the same for all its threads, so layers that are off cost a comparison. Positions are double, without joined
 * multiply-adds (this file is compiled with -fmad=false), so that pixels and labels are those of the CPU. */
#include "kernels/cuda/image_pixels.h"
#include <fpcore/augment.h>

/* Columns of a row of the plan. */
enum { PARTNER, ALPHA, X0, Y0, X1, Y1, SX, SY, TX, TY, ANY, PLAN_NUMBERS = 12 };

struct mix {
    const float *x; /* NULL where labels are mixed */
    const uint8_t *mask;
    const float *plan;
    const uint8_t *table;
    int n, h, w;
};

DEVICE const float *head_of(const mix &m, int image)
{
    return m.plan + (int64_t)image * (FPC_MIX_LAYERS + 1) * PLAN_NUMBERS;
}
DEVICE const float *layer_of(const mix &m, int image, int k)
{
    return head_of(m, image) + (k + 1) * PLAN_NUMBERS;
}
DEVICE int partner_of(const mix &m, const float *layer)
{
    const float p = layer[PARTNER] + 0.5f;
    return !(p > 0) ? 0 : p < (float)m.n ? (int)p : m.n - 1;
}

/* Where pixel i of a line of n reads the partner: from the picture's edge, so that pixel i reaches from i to i + 1. */
DEVICE double from_edge(int i, int n, double scale, double shift)
{
    return scale * ((double)i + 0.5) + (shift + 1 - scale) * (double)n / 2;
}
DEVICE int clamped(double at, int n)
{
    return at > 0 ? at < n - 1 ? (int)at : n - 1 : 0;
}

/* What a layer shows at a pixel. */
struct shown {
    int partner;
    double u, v;
    uint8_t label;
};

/* Whether layer k lies over the pixel, whose centre is (px, py) in [-1,1]. */
DEVICE bool lies_over(const mix &m, int image, int k, pixel_place at, double px, double py, shown *s)
{
    const float *layer = layer_of(m, image, k);
    if (!box_covers(layer + X0, px, py))
        return false;
    const bool unset = layer[SX] == 0 && layer[SY] == 0 && layer[TX] == 0 && layer[TY] == 0;
    s->partner = partner_of(m, layer);
    s->u = from_edge(at.x, m.w, unset ? 1 : (double)layer[SX], (double)layer[TX]);
    s->v = from_edge(at.y, m.h, unset ? 1 : (double)layer[SY], (double)layer[TY]);
    const int64_t row = (int64_t)s->partner * m.h + clamped(floor(s->v), m.h);
    s->label = m.mask[row * m.w + clamped(floor(s->u), m.w)];
    return layer[ANY] != 0 || m.table[((int64_t)image * FPC_MIX_LAYERS + k) * 256 + s->label];
}

/* Bilinear, clamped at the border. */
DEVICE void colour_at(const mix &m, const shown &s, float v[3])
{
    const double left = floor(s.u - 0.5), top = floor(s.v - 0.5);
    const float fx = (float)(s.u - 0.5 - left), fy = (float)(s.v - 0.5 - top);
    const float *image = m.x + (int64_t)s.partner * m.h * m.w * 3;
    const int x0 = clamped(left, m.w) * 3, x1 = clamped(left + 1, m.w) * 3;
    const float *upper = image + clamped(top, m.h) * m.w * 3, *lower = image + clamped(top + 1, m.h) * m.w * 3;
    for (int c = 0; c < 3; c++) {
        const float a = (1 - fx) * upper[x0 + c] + fx * upper[x1 + c];
        const float b = (1 - fx) * lower[x0 + c] + fx * lower[x1 + c];
        v[c] = (1 - fy) * a + fy * b;
    }
}

DEVICE void mix_pixel(const mix &m, int image, pixel_place at, float v[3])
{
    const float *own = m.x + (((int64_t)image * m.h + at.y) * m.w + at.x) * 3;
    double px = 0, py = 0;
    bool known = false;
    v[0] = own[0], v[1] = own[1], v[2] = own[2];
    for (int k = 0; k < FPC_MIX_LAYERS; k++) {
        const float alpha = layer_of(m, image, k)[ALPHA];
        shown s;
        float other[3];
        if (alpha == 0)
            continue;
        if (!known) { /* two divisions, for pictures that are mixed */
            px = centre_of(at.x, m.w), py = centre_of(at.y, m.h);
            known = true;
        }
        if (!lies_over(m, image, k, at, px, py, &s))
            continue;
        colour_at(m, s, other);
        for (int c = 0; c < 3; c++)
            v[c] = (1 - alpha) * v[c] + alpha * other[c];
    }
}

__global__ void __launch_bounds__(256) mix_image_kernel(const mix m, float *y)
{
    __shared__ float lines[PIXELS_H][PIXELS_W * 3];
    const pixel_place at = pixel_of(m.h, m.w);
    for (int image = blockIdx.z; image < m.n; image += gridDim.z) {
        float v[3] = {0, 0, 0};
        if (at.inside)
            mix_pixel(m, image, at, v);
        write_line(y + (int64_t)image * m.h * m.w * 3, m.h, m.w, at, v, lines);
    }
}

/* x, mask, plan, table */
static fpc_status mix_image(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape s = node->in[0].shape;
    const mix m = {data_of<const float>(node->in[0]),
                   data_of<const uint8_t>(node->in[1]),
                   data_of<const float>(node->in[2]),
                   data_of<const uint8_t>(node->in[3]),
                   s.n,
                   s.h,
                   s.w};
    return launch(mix_image_kernel, pixel_blocks(s), dim3(PIXELS_W, PIXELS_H), 0, x, node, m,
                  data_of<float>(node->out[0]));
}

DEVICE uint8_t mix_label(const mix &m, int image, pixel_place at, bool second)
{
    const float *head = head_of(m, image);
    const int64_t in_image = (int64_t)at.y * m.w + at.x, plane = (int64_t)m.h * m.w;
    if (head[0] != 0) { /* soft: lambda is the share of the picture's own mask */
        const int from = (head[1] < 0.5f) != second ? partner_of(m, layer_of(m, image, 0)) : image;
        return m.mask[from * plane + in_image];
    }
    uint8_t label = m.mask[image * plane + in_image];
    for (int k = 0; k < FPC_MIX_LAYERS; k++) {
        shown s;
        if (layer_of(m, image, k)[ALPHA] >= 0.5f &&
            lies_over(m, image, k, at, centre_of(at.x, m.w), centre_of(at.y, m.h), &s))
            label = s.label;
    }
    return label;
}

__global__ void __launch_bounds__(256) mix_mask_kernel(const mix m, bool second, uint8_t *y)
{
    const pixel_place at = pixel_of(m.h, m.w);
    if (!at.inside)
        return;
    for (int image = blockIdx.z; image < m.n; image += gridDim.z)
        y[((int64_t)image * m.h + at.y) * m.w + at.x] = mix_label(m, image, at, second);
}

/* mask, plan, table */
static fpc_status mix_mask(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape s = node->in[0].shape;
    const mix m = {nullptr,
                   data_of<const uint8_t>(node->in[0]),
                   data_of<const float>(node->in[1]),
                   data_of<const uint8_t>(node->in[2]),
                   s.n,
                   s.h,
                   s.w};
    return launch(mix_mask_kernel, pixel_blocks(s), dim3(PIXELS_W, PIXELS_H), 0, x, node, m,
                  static_cast<const fpc_mix_attr *>(node->attr)->which == 1, data_of<uint8_t>(node->out[0]));
}

const fpc_kernel fpc_cuda_image_mix[] = {
    FPC_CUDA_ROW("mix_image", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, mix_image),
    FPC_CUDA_ROW("mix_mask", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, mix_mask),
    FPC_CUDA_END,
};
