/* image.cu: augmentation of a batch from numbers that were drawn on the host: images out of the data set that lies on
 * the device, geometric resampling of picture and mask, covering boxes, noise. Coordinates are double, computed in the
 * order of kernels/cpu/image.c without joined multiply-adds (this file is compiled with -fmad=false), so that labels
 * are those of the CPU. */
#include "kernels/cuda/image_picture.h"
#include "kernels/cuda/image_pixels.h"
#include <fpcore/augment.h>
#include <fpcore/rng.h>

enum { IMAGE_THREADS = 256 };

/* ---- bytes ---- */

/* y[i] = x[index[i]], packs of N bytes. An index beyond x is the nearest there is. */
template <int N>
__global__ void __launch_bounds__(256)
    take_kernel(uint8_t *y, const uint8_t *x, const int32_t *index, int images, int last, int64_t packs)
{
    const int64_t i = (int64_t)blockIdx.x * IMAGE_THREADS + threadIdx.x;
    if (i >= packs)
        return;
    for (int image = blockIdx.y; image < images; image += gridDim.y) {
        const int32_t at = index[image], from = at < 0 ? 0 : at < last ? at : last;
        reinterpret_cast<pack<uint8_t, N> *>(y)[image * packs + i] =
            reinterpret_cast<const pack<uint8_t, N> *>(x)[from * packs + i];
    }
}

static fpc_status take(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape s = node->out[0].shape;
    const int64_t bytes = (int64_t)s.h * s.w * s.c, packs = bytes % 16 ? bytes : bytes / 16;
    dim3 grid = blocks_for(packs, IMAGE_THREADS, INT32_MAX);
    grid.y = (unsigned)(s.n < PIXELS_MOST ? s.n : PIXELS_MOST);
    return launch(bytes % 16 ? take_kernel<1> : take_kernel<16>, grid, dim3(IMAGE_THREADS), 0, x, node,
                  data_of<uint8_t>(node->out[0]), data_of<const uint8_t>(node->in[0]),
                  data_of<const int32_t>(node->in[1]), s.n, node->in[0].shape.n - 1, packs);
}

__global__ void __launch_bounds__(256) to_real_kernel(float *y, const uint8_t *x, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * IMAGE_THREADS + threadIdx.x, packs = n / 4;
    if (i < packs) {
        const pack<uint8_t, 4> v = reinterpret_cast<const pack<uint8_t, 4> *>(x)[i];
        pack<float, 4> to;
        for (int k = 0; k < 4; k++)
            to.v[k] = (float)v.v[k] / 255.0f;
        reinterpret_cast<pack<float, 4> *>(y)[i] = to;
    }
    if (blockIdx.x == 0 && packs * 4 + threadIdx.x < n)
        y[packs * 4 + threadIdx.x] = (float)x[packs * 4 + threadIdx.x] / 255.0f;
}

static fpc_status to_real(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const int64_t n = count_of(node->out[0]);
    return launch(to_real_kernel, blocks_for(n, 4 * IMAGE_THREADS, INT32_MAX), dim3(IMAGE_THREADS), 0, x, node,
                  data_of<float>(node->out[0]), data_of<const uint8_t>(node->in[0]), n);
}

/* ---- warps ---- */

struct warp {
    const void *x;
    const float *draws, *field; /* field NULL: none */
    const uint8_t *table;       /* of masks */
    int n, h, w, border, fill;
};

struct source {
    double x, y;
};

/* Adds the field's shift at a pixel's centre. */
DEVICE void add_shift(const warp &a, int image, pixel_place at, source *s)
{
    const int cells = FPC_FIELD_NODES - 1;
    const double v = ((double)at.y + 0.5) * cells / a.h, u = ((double)at.x + 0.5) * ((double)cells / a.w);
    const int j = v < cells ? (int)v : cells - 1, i = u < cells ? (int)u : cells - 1;
    const float *p = a.field + ((image * FPC_FIELD_NODES + j) * FPC_FIELD_NODES + i) * 2, *q = p + FPC_FIELD_NODES * 2;
    for (int k = 0; k < 2; k++) {
        const double half = k ? a.h : a.w;
        const double left = ((double)p[k] + (v - j) * ((double)q[k] - (double)p[k])) * half * 0.5;
        const double right = ((double)p[k + 2] + (v - j) * ((double)q[k + 2] - (double)p[k + 2])) * half * 0.5;
        (k ? s->y : s->x) += left + (u - i) * (right - left);
    }
}

/* A place that an integer holds, also where a perspective has its horizon. */
DEVICE double bounded(double a)
{
    return a > -1e9 ? a < 1e9 ? a : 1e9 : -1e9;
}

/* floor of a bounded number */
DEVICE int whole(double a)
{
    const int i = (int)a;
    return i - (a < i);
}

/* Where an output pixel reads the input. */
DEVICE source source_of(const warp &a, int image, pixel_place at)
{
    const float *m = a.draws + (int64_t)image * 8;
    const double x = (double)at.x, y = (double)at.y;
    source s = {(double)m[0] * x + ((double)m[1] * y + (double)m[2]),
                (double)m[3] * x + ((double)m[4] * y + (double)m[5])};
    if (m[6] != 0 || m[7] != 0) {
        const double d = (double)m[6] * x + ((double)m[7] * y + 1);
        s.x /= d;
        s.y /= d;
    }
    if (a.field)
        add_shift(a, image, at, &s);
    return s;
}

DEVICE float texel(const uint8_t *image, int i)
{
    return (float)image[i];
}
DEVICE float texel(const float *image, int i)
{
    return image[i];
}

/* T: uint8_t or float */
template <class T> DEVICE void sample(const warp &a, int image, source s, float v[3])
{
    const double sx = bounded(s.x), sy = bounded(s.y);
    const int x0 = whole(sx), y0 = whole(sy);
    const float fx = (float)(sx - x0), fy = (float)(sy - y0);
    const int left = border_index(x0, a.w, a.border), right = border_index(x0 + 1, a.w, a.border);
    const int upper = border_index(y0, a.h, a.border), lower = border_index(y0 + 1, a.h, a.border);
    const T *from = static_cast<const T *>(a.x) + (int64_t)image * a.h * a.w * 3;
    const int a00 = upper < 0 || left < 0 ? -1 : (upper * a.w + left) * 3;
    const int a01 = upper < 0 || right < 0 ? -1 : (upper * a.w + right) * 3;
    const int a10 = lower < 0 || left < 0 ? -1 : (lower * a.w + left) * 3;
    const int a11 = lower < 0 || right < 0 ? -1 : (lower * a.w + right) * 3;
    for (int c = 0; c < 3; c++) {
        const float p00 = a00 < 0 ? 0 : texel(from, a00 + c), p01 = a01 < 0 ? 0 : texel(from, a01 + c);
        const float p10 = a10 < 0 ? 0 : texel(from, a10 + c), p11 = a11 < 0 ? 0 : texel(from, a11 + c);
        const float top = p00 + fx * (p01 - p00), bottom = p10 + fx * (p11 - p10);
        v[c] = (top + fy * (bottom - top)) * (sizeof(T) == 1 ? 1.0f / 255 : 1.0f);
    }
}

template <class T> __global__ void __launch_bounds__(256) warp_image_kernel(const warp a, float *y)
{
    __shared__ float lines[PIXELS_H][PIXELS_W * 3];
    const pixel_place at = pixel_of(a.h, a.w);
    for (int image = blockIdx.z; image < a.n; image += gridDim.z) {
        float v[3] = {0, 0, 0};
        if (at.inside)
            sample<T>(a, image, source_of(a, image, at), v);
        write_line(y + (int64_t)image * a.h * a.w * 3, a.h, a.w, at, v, lines);
    }
}

static warp warp_of(const fpc_node *node, int field)
{
    const fpc_warp_attr *attr = static_cast<const fpc_warp_attr *>(node->attr);
    const fpc_shape s = node->in[0].shape;
    return {node->in[0].data,
            data_of<const float>(node->in[1]),
            node->n_in > field ? data_of<const float>(node->in[field]) : nullptr,
            nullptr,
            s.n,
            s.h,
            s.w,
            attr->border,
            attr->fill};
}

static fpc_status warp_image(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return launch(node->in[0].dtype == FPC_U8 ? warp_image_kernel<uint8_t> : warp_image_kernel<float>,
                  pixel_blocks(node->out[0].shape), dim3(PIXELS_W, PIXELS_H), 0, x, node, warp_of(node, 2),
                  data_of<float>(node->out[0]));
}

__global__ void __launch_bounds__(256) warp_mask_kernel(const warp a, uint8_t *y)
{
    const pixel_place at = pixel_of(a.h, a.w);
    if (!at.inside)
        return;
    for (int image = blockIdx.z; image < a.n; image += gridDim.z) {
        const source s = source_of(a, image, at);
        const int ix = border_index(whole(bounded(s.x + 0.5)), a.w, a.border);
        const int iy = border_index(whole(bounded(s.y + 0.5)), a.h, a.border);
        const uint8_t *from = static_cast<const uint8_t *>(a.x) + (int64_t)image * a.h * a.w;
        y[((int64_t)image * a.h + at.y) * a.w + at.x] =
            ix < 0 || iy < 0 ? (uint8_t)a.fill : a.table[image * 256 + from[iy * a.w + ix]];
    }
}

static fpc_status warp_mask(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    warp a = warp_of(node, 3);
    a.table = data_of<const uint8_t>(node->in[2]);
    return launch(warp_mask_kernel, pixel_blocks(node->out[0].shape), dim3(PIXELS_W, PIXELS_H), 0, x, node, a,
                  data_of<uint8_t>(node->out[0]));
}

/* ---- boxes: x0 y0 x1 y1 r g b on ---- */

/* The topmost box over a pixel; NULL: none. */
DEVICE const float *box_over(const float *boxes, int count, int h, int w, pixel_place at)
{
    int b = count - 1;
    while (b >= 0 && boxes[b * 8 + 7] == 0)
        b--;
    if (b < 0)
        return nullptr; /* most pictures: no division */
    const double px = centre_of(at.x, w), py = centre_of(at.y, h);
    for (; b >= 0; b--)
        if (boxes[b * 8 + 7] != 0 && box_covers(boxes + b * 8, px, py))
            return boxes + b * 8;
    return nullptr;
}

__global__ void __launch_bounds__(256)
    erase_kernel(float *y, const float *x, const float *boxes, int count, int n, int h, int w)
{
    __shared__ float lines[PIXELS_H][PIXELS_W * 3];
    const pixel_place at = pixel_of(h, w);
    for (int image = blockIdx.z; image < n; image += gridDim.z) {
        const int64_t first = (int64_t)image * h * w * 3;
        float v[3] = {0, 0, 0};
        if (at.inside) {
            const float *box = box_over(boxes + (int64_t)image * count * 8, count, h, w, at);
            const float *from = box ? box + 4 : x + first + (at.y * w + at.x) * 3;
            v[0] = from[0], v[1] = from[1], v[2] = from[2];
        }
        write_line(y + first, h, w, at, v, lines);
    }
}

static fpc_status erase(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape s = node->in[0].shape;
    return launch(erase_kernel, pixel_blocks(s), dim3(PIXELS_W, PIXELS_H), 0, x, node, data_of<float>(node->out[0]),
                  data_of<const float>(node->in[0]), data_of<const float>(node->in[1]), node->in[1].shape.c / 8, s.n,
                  s.h, s.w);
}

__global__ void __launch_bounds__(256)
    erase_mask_kernel(uint8_t *y, const uint8_t *x, const float *boxes, int count, uint8_t fill, int n, int h, int w)
{
    const pixel_place at = pixel_of(h, w);
    if (!at.inside)
        return;
    for (int image = blockIdx.z; image < n; image += gridDim.z) {
        const int64_t i = ((int64_t)image * h + at.y) * w + at.x;
        y[i] = box_over(boxes + (int64_t)image * count * 8, count, h, w, at) ? fill : x[i];
    }
}

static fpc_status erase_mask(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape s = node->in[0].shape;
    return launch(erase_mask_kernel, pixel_blocks(s), dim3(PIXELS_W, PIXELS_H), 0, x, node,
                  data_of<uint8_t>(node->out[0]), data_of<const uint8_t>(node->in[0]),
                  data_of<const float>(node->in[1]), node->in[1].shape.c / 8,
                  (uint8_t) static_cast<const fpc_warp_attr *>(node->attr)->fill, s.n, s.h, s.w);
}

/* ---- noise ---- */

/* N(0,1) for elements 4 block .. 4 block + 3: Box and Muller's method, a pair from two words. */
DEVICE pack<float, 4> normal_four(const uint32_t *clock, uint32_t stream, uint64_t block)
{
    const fpc_u32x4 u = fpc_philox4x32(clock[0], clock[1], (uint32_t)block, (uint32_t)(block >> 32), clock[2], stream);
    pack<float, 4> z;
#pragma unroll
    for (int k = 0; k < 4; k += 2) {
        const float radius = sqrtf(-2 * logf(1 - fpc_unit(u.v[k])));
        float sine, cosine;
        sincospif(2 * fpc_unit(u.v[k + 1]), &sine, &cosine);
        z.v[k] = radius * cosine;
        z.v[k + 1] = radius * sine;
    }
    return z;
}

/* A thread has the numbers of one call of Philox, of which an image may own some only. */
__global__ void __launch_bounds__(256) noise_kernel(float *y, const float *x, const float *sigma, const uint32_t *clock,
                                                    uint32_t stream, bool clamps, int images, int64_t each)
{
    for (int image = blockIdx.y; image < images; image += gridDim.y) {
        const int64_t first = image * each, end = first + each;
        const int64_t block = first / 4 + (int64_t)blockIdx.x * IMAGE_THREADS + threadIdx.x, at = block * 4;
        const float scale = sigma[image];
        pack<float, 4> z = {{0, 0, 0, 0}}, v;
        if (at >= end)
            continue;
        if (scale != 0)
            z = normal_four(clock, stream, (uint64_t)block);
        const bool mine = at >= first && at + 4 <= end;
        if (mine)
            v = *reinterpret_cast<const pack<float, 4> *>(x + at);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            if (!mine)
                v.v[k] = at + k >= first && at + k < end ? x[at + k] : 0;
            v.v[k] += scale * z.v[k];
            v.v[k] = clamps ? clamp01(v.v[k]) : v.v[k];
            if (!mine && at + k >= first && at + k < end)
                y[at + k] = v.v[k];
        }
        if (mine)
            *reinterpret_cast<pack<float, 4> *>(y + at) = v;
    }
}

static fpc_status gaussian_noise(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape s = node->in[0].shape;
    const fpc_noise_attr *attr = static_cast<const fpc_noise_attr *>(node->attr);
    const int64_t each = (int64_t)s.h * s.w * s.c;
    dim3 grid = blocks_for(each / 4 + 2, IMAGE_THREADS, INT32_MAX);
    grid.y = (unsigned)(s.n < PIXELS_MOST ? s.n : PIXELS_MOST);
    return launch(noise_kernel, grid, dim3(IMAGE_THREADS), 0, x, node, data_of<float>(node->out[0]),
                  data_of<const float>(node->in[0]), data_of<const float>(node->in[1]),
                  data_of<const uint32_t>(node->in[2]), attr->stream, !attr->unclamped, s.n, each);
}

const fpc_kernel fpc_cuda_image[] = {
    FPC_CUDA_ROW("take", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, take),
    FPC_CUDA_ROW("to_real", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, to_real),
    FPC_CUDA_ROW("warp_image", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, warp_image),
    FPC_CUDA_ROW("warp_mask", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, warp_mask),
    FPC_CUDA_ROW("erase", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, erase),
    FPC_CUDA_ROW("erase_mask", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, erase_mask),
    FPC_CUDA_ROW("gaussian_noise", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, gaussian_noise),
    FPC_CUDA_END,
};
