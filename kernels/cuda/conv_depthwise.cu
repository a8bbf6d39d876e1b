/* conv_depthwise.cu: convolutions in which every channel has a filter of its own (groups == c == k): nothing but memory
 * traffic. 3x3 at stride 1, forward or (with the kernel turned round) the gradient by the input: a block copies a tile
 * of pixels to shared memory, then each thread goes down a column and holds the three rows of sums that a row of x
 * takes part in. Every other kernel, stride and width goes pixel by pixel. The gradient by the weight is in
 * conv_depthwise_grad.cu. */
#include "kernels/cuda/conv_depthwise.h"

/* ---- 3x3, stride 1 ---- */

/* Shared memory: the tile of x, then the weights as [tap][channel]. */
template <class T>
__global__ void __launch_bounds__(DW_THREADS, 3)
    slide(dw_tiles t, int32_t turned, const T *x, const T *weight, const float *bias, T *y)
{
    FPC_DYNAMIC_SHARED(unsigned char, room);
    T *const tile = reinterpret_cast<T *>(room);
    float *const taps = reinterpret_cast<float *>(room + dw_room<T>(t.chunk));
    const int32_t block = (int32_t)blockIdx.x, first = block % t.chunks * t.chunk, lanes = t.chunk / DW_GROUP;
    const int32_t across = block / t.chunks % t.across, line = block / t.chunks / t.across, image = line / t.down;
    const int32_t y0 = line % t.down * DW_SIDE, x0 = across * DW_SIDE;

    dw_fetch(tile, x + (int64_t)image * t.h * t.w * t.c + first, y0 - t.pad, x0 - t.pad, (int32_t)DW_HALO, t.h, t.w,
             t.c, t.chunk);
    for (int32_t i = (int32_t)threadIdx.x; i < 9 * t.chunk; i += DW_THREADS) {
        const int32_t tap = i % 9;
        taps[(turned ? 8 - tap : tap) * t.chunk + i / 9] = to_float(weight[(int64_t)first * 9 + i]);
    }
    copy_wait();
    __syncthreads();

    const int32_t c = (int32_t)threadIdx.x % lanes * DW_GROUP, column = (int32_t)threadIdx.x / lanes % DW_SIDE;
    const int32_t row = (int32_t)threadIdx.x / lanes / DW_SIDE * lanes; /* of the thread's strip, `lanes` rows high */
    float w[9][DW_GROUP], b[DW_GROUP] = {}, sum[3][DW_GROUP];
    for (int tap = 0; tap < 9; tap++)
        dw_load(w[tap], taps + tap * t.chunk + c);
    for (int i = 0; bias && i < DW_GROUP; i++)
        b[i] = bias[first + c + i];
    for (int j = 0; j < 3; j++)
        for (int i = 0; i < DW_GROUP; i++)
            sum[j][i] = b[i];

    const T *at = tile + (row * DW_HALO + column) * t.chunk + c;
    T *to = y + (((int64_t)image * t.ho + y0 + row - 2) * t.wo + x0 + column) * t.c + first + c;
    for (int32_t r = 0; r < lanes + 2; r++, at += DW_HALO * t.chunk, to += (int64_t)t.wo * t.c) {
        for (int kx = 0; kx < 3;
             kx++) { /* sum[j] is that of output row r - 2 + j, which this row meets with tap 2 - j */
            float v[DW_GROUP];
            dw_load(v, at + kx * t.chunk);
            for (int j = 0; j < 3; j++)
                for (int i = 0; i < DW_GROUP; i++)
                    sum[j][i] += w[3 * (2 - j) + kx][i] * v[i];
        }
        if (r >= 2 && y0 + row + r - 2 < t.ho && x0 + column < t.wo) {
            pack<T, DW_GROUP> p;
            for (int i = 0; i < DW_GROUP; i++)
                p.v[i] = from_float<T>(sum[0][i]);
            *reinterpret_cast<pack<T, DW_GROUP> *>(to) = p;
        }
        for (int i = 0; i < DW_GROUP; i++) {
            sum[0][i] = sum[1][i];
            sum[1][i] = sum[2][i];
            sum[2][i] = b[i];
        }
    }
}

template <class T> static fpc_status launch_slide(fpc_exec *x, const fpc_node *node, const dw_tiles &t, int32_t turned)
{
    const int64_t blocks = (int64_t)t.n * t.down * t.across * t.chunks;
    if (blocks > INT32_MAX)
        return fpc_cuda_fail(x, node, NULL, "the tensors are too large for a launch");
    return launch(slide<T>, dim3((unsigned)blocks), dim3(DW_THREADS),
                  (size_t)dw_room<T>(t.chunk) + 9 * (size_t)t.chunk * sizeof(float), x, node, t, turned,
                  data_of<T>(node->in[0]), data_of<T>(node->in[1]),
                  node->n_in > 2 ? data_of<float>(node->in[2]) : nullptr, data_of<T>(node->out[0]));
}

/* ---- any kernel, any stride ---- */

enum { PIXELS = 4 /* of a thread, one after another */, MOST_TAPS = 128 /* whose weights fit into shared memory */ };

/* How a block divides its threads: `lanes` packs of channels, the rest pixels. */
template <int V> BOTH int32_t lanes_of(int32_t c)
{
    const int32_t packs = c / V;
    return packs < 8 ? packs : 8;
}

/* Where tap t of output o reads, or -1. TURNED: the output is the input of the convolution, and reads its gradient. */
template <bool TURNED> DEVICE int32_t tap_at(int32_t o, int32_t t, int32_t stride, int32_t pad, int32_t end)
{
    const int32_t i = TURNED ? o + pad - t : o * stride - pad + t;
    if (TURNED && (i < 0 || i % stride))
        return -1;
    const int32_t at = TURNED ? i / stride : i;
    return at < end ? at : -1;
}

/* Shared memory: the weights as [tap][channel]. in, out: pictures, s.n of them. */
template <class T, int V, bool TURNED>
__global__ void pixel_by_pixel(conv_shape s, int64_t groups_of_pixels, const T *in, const T *weight, const float *bias,
                               T *out)
{
    FPC_DYNAMIC_SHARED(float, taps);
    const int32_t lanes = lanes_of<V>(s.c), chunk = lanes * V, count = s.kh * s.kw, at_once = DW_THREADS / lanes;
    const int32_t first = (int32_t)(blockIdx.x / groups_of_pixels) * chunk;
    const int32_t h = TURNED ? s.ho : s.h, w = TURNED ? s.wo : s.w, ho = TURNED ? s.h : s.ho, wo = TURNED ? s.w : s.wo;
    const int32_t c = (int32_t)threadIdx.x % lanes * V, mine = (int32_t)threadIdx.x / lanes;
    const int64_t rows = (int64_t)s.n * ho * wo, begin = (int64_t)(blockIdx.x % groups_of_pixels) * at_once * PIXELS;

    for (int32_t i = (int32_t)threadIdx.x; i < chunk * count; i += DW_THREADS)
        if (first + i / count < s.c)
            taps[i % count * chunk + i / count] = to_float(weight[(int64_t)first * count + i]);
    __syncthreads();
    if (mine >= at_once || first + c >= s.c)
        return;
    for (int64_t row = begin + mine; row < rows && row < begin + at_once * PIXELS; row += at_once) {
        const int64_t line = row / wo, image = line / ho;
        const int32_t oy = (int32_t)(line % ho), ox = (int32_t)(row % wo);
        const T *from = in + image * h * w * s.c + first + c;
        float sum[V];
        for (int i = 0; i < V; i++)
            sum[i] = bias ? bias[first + c + i] : 0.0f;
        for (int32_t ky = 0; ky < s.kh; ky++) {
            const int32_t y = tap_at<TURNED>(oy, ky, s.stride, s.pad, h);
            for (int32_t kx = 0; kx < s.kw && y >= 0; kx++) {
                const int32_t x = tap_at<TURNED>(ox, kx, s.stride, s.pad, w);
                if (x < 0)
                    continue;
                const pack<T, V> v = *reinterpret_cast<const pack<T, V> *>(from + ((int64_t)y * w + x) * s.c);
                for (int i = 0; i < V; i++)
                    sum[i] += taps[(ky * s.kw + kx) * chunk + c + i] * to_float(v.v[i]);
            }
        }
        pack<T, V> p;
        for (int i = 0; i < V; i++)
            p.v[i] = from_float<T>(sum[i]);
        *reinterpret_cast<pack<T, V> *>(out + row * s.c + first + c) = p;
    }
}

template <class T, int V, bool TURNED>
static fpc_status launch_pixels(fpc_exec *x, const fpc_node *node, const conv_shape &s)
{
    const int32_t lanes = lanes_of<V>(s.c), chunk = lanes * V;
    const int64_t each = (int64_t)(DW_THREADS / lanes) * PIXELS;
    const int64_t groups_of_pixels = (rows_of(node->out[0]) + each - 1) / each;
    const int64_t blocks = groups_of_pixels * ((s.c + chunk - 1) / chunk);
    if (blocks > INT32_MAX)
        return fpc_cuda_fail(x, node, NULL, "the tensors are too large for a launch");
    return launch(pixel_by_pixel<T, V, TURNED>, dim3((unsigned)blocks), dim3(DW_THREADS),
                  (size_t)s.kh * (size_t)s.kw * (size_t)chunk * sizeof(float), x, node, s, groups_of_pixels,
                  data_of<T>(node->in[0]), data_of<T>(node->in[1]),
                  node->n_in > 2 ? data_of<float>(node->in[2]) : nullptr, data_of<T>(node->out[0]));
}

/* ---- the ops ---- */

template <bool TURNED> static fpc_status run_depthwise(fpc_exec *x, const fpc_node *node)
{
    const fpc_shape in = node->in[0].shape, out = node->out[0].shape;
    const conv_shape s = TURNED ? conv_shape_of(node, out, in) : conv_shape_of(node, in, out);
    return with_type(node->in[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const int32_t chunk = dw_chunk<T>(s.c);
        if (chunk && s.kh == 3 && s.kw == 3 && s.stride == 1)
            return launch_slide<T>(x, node, dw_tiles_of(in, out, TURNED ? 2 - s.pad : s.pad, chunk), TURNED);
        return s.c % wide<T>::n ? launch_pixels<T, 1, TURNED>(x, node, s)
                                : launch_pixels<T, wide<T>::n, TURNED>(x, node, s);
    });
}

static fpc_status conv2d(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return run_depthwise<false>(x, node);
}

static fpc_status conv2d_grad_x(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return run_depthwise<true>(x, node);
}

static int is_depthwise(const fpc_node *node)
{
    const fpc_conv_attr *a = static_cast<const fpc_conv_attr *>(node->attr);
    return a->groups == node->in[0].shape.c && a->groups == node->out[0].shape.c && a->kh * a->kw <= MOST_TAPS;
}

static int is_depthwise_weight(const fpc_node *node)
{
    const fpc_conv_attr *a = static_cast<const fpc_conv_attr *>(node->attr);
    return a->groups == node->in[0].shape.c && a->groups == node->in[1].shape.c;
}

extern "C" {
const fpc_kernel fpc_cuda_conv_depthwise[] = {
    FPC_CUDA_ROW("conv2d", "depthwise", 20, FPC_CUDA_ALL, is_depthwise, nullptr, conv2d),
    FPC_CUDA_ROW("conv2d_grad_x", "depthwise", 20, FPC_CUDA_ALL, is_depthwise, nullptr, conv2d_grad_x),
    FPC_CUDA_ROW("conv2d_grad_w", "depthwise", 20, FPC_CUDA_ALL, is_depthwise_weight, fpc_cuda_depthwise_grad_w_need,
                 fpc_cuda_depthwise_grad_w_run),
    FPC_CUDA_END};
}
