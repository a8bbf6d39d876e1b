/* resize_pool.cu: means and sums over the picture and back, maxima of windows and their gradient (by gathering: a pixel
 * asks the windows that it lies in), pad and crop. */
#include "kernels/cuda/columns.h"

/* ---- the whole picture ---- */

/* Of block (b, group, picture), times scale: to[picture][b][c]. */
template <class P, class T, int N>
__global__ void __launch_bounds__(PACK_THREADS) pool_sums(const T *x, columns k, float scale, P *to)
{
    FPC_DYNAMIC_SHARED(float, room);
    const column_place at = column_of(k, N);
    float sum[1][N] = {};
    x += (int64_t)blockIdx.z * k.rows * k.c;
    for (int64_t row = at.row; row < k.rows; row += COLUMN_TURN * at.step) {
        pack<T, N> v[COLUMN_TURN];
        load_turn<N>(v, x, k, at, row);
        for (int u = 0; u < COLUMN_TURN; u++)
            for (int i = 0; i < N; i++)
                sum[0][i] += to_float(v[u].v[i]);
    }
    for (int i = 0; i < N; i++)
        sum[0][i] *= scale;
    leave_columns<1, N>(sum, k, at, room, to + ((int64_t)blockIdx.z * k.blocks + blockIdx.x) * k.c);
}

template <class T>
__global__ void __launch_bounds__(PACK_THREADS)
    pool_blocks(const float *partial, int32_t blocks, int32_t c, int64_t count, double scale, T *y)
{
    const int64_t i = (int64_t)blockIdx.x * PACK_THREADS + threadIdx.x, picture = i / c;
    double sum = 0;
    if (i >= count)
        return;
    for (int32_t b = 0; b < blocks; b++)
        sum += (double)partial[(picture * blocks + b) * c + (i - picture * c)];
    y[i] = from_float<T>((float)(sum * scale));
}

static columns columns_in(const fpc_tensor &x)
{
    return columns_of((int64_t)x.shape.h * x.shape.w, x.shape.n, x.shape.c, pack_length(x));
}

static void pool_need(const fpc_node *node, fpc_need *need)
{
    const columns k = columns_in(node->in[0]);
    if (k.blocks > 1)
        need->shared = (size_t)node->in[0].shape.n * (size_t)k.blocks * (size_t)k.c * sizeof(float);
}

static fpc_status pool(fpc_exec *x, const fpc_node *node, double scale)
{
    const fpc_tensor &in = node->in[0], &out = node->out[0];
    const columns k = columns_in(in);
    const dim3 grid = column_grid(k, in.shape.n);
    float *partial = static_cast<float *>(fpc_exec_shared(x));
    return with_packs(in, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const int N = decltype(n)::n;
        const size_t room = PACK_THREADS * N * sizeof(float);
        if (k.blocks == 1)
            return launch(pool_sums<T, T, N>, grid, dim3(PACK_THREADS), room, x, node, data_of<T>(in), k, scale,
                          data_of<T>(out));
        const fpc_status st =
            launch(pool_sums<float, T, N>, grid, dim3(PACK_THREADS), room, x, node, data_of<T>(in), k, 1.0f, partial);
        const int64_t count = count_of(out);
        return st ? st
                  : launch(pool_blocks<T>, blocks_for(count, PACK_THREADS, INT32_MAX), dim3(PACK_THREADS), 0, x, node,
                           partial, k.blocks, k.c, count, scale, data_of<T>(out));
    });
}

static fpc_status pool_mean(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return pool(x, node, 1.0 / ((double)node->in[0].shape.h * node->in[0].shape.w));
}

static fpc_status pool_sum(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return pool(x, node, 1.0);
}

template <class T, int N>
__global__ void __launch_bounds__(PACK_THREADS) spread(const T *x, columns k, float scale, T *y)
{
    const column_place at = column_of(k, N);
    pack<T, N> v = load_pack<N>(x + (int64_t)blockIdx.z * k.c + at.channel);
    for (int i = 0; i < N; i++)
        v.v[i] = from_float<T>(to_float(v.v[i]) * scale);
    y += (int64_t)blockIdx.z * k.rows * k.c + at.channel;
    for (int64_t row = at.row; row < k.rows; row += at.step)
        store_pack<N>(y + row * k.c, v);
}

static fpc_status broadcast(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &in = node->in[0], &out = node->out[0];
    const columns k = columns_in(out);
    return with_packs(out, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        return launch(spread<T, decltype(n)::n>, column_grid(k, out.shape.n), dim3(PACK_THREADS), 0, x, node,
                      data_of<T>(in), k, static_cast<const fpc_broadcast_attr *>(node->attr)->scale, data_of<T>(out));
    });
}

/* ---- windows ---- */

template <class T> struct window_job {
    const T *x, *y, *dy;
    T *to;
    lines k;      /* over `to` */
    int32_t h, w; /* of what is read: the picture; in max_pool_grad the pooled one */
    int32_t c, size, stride;
};

template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) max_pool_lines(window_job<T> j)
{
    const line_place at = line_of(j.k, N);
    for (int32_t y = at.first; y < at.end; y++) {
        const T *corner = j.x + ((at.picture * j.h + y * j.stride) * j.w + at.x * j.stride) * (int64_t)j.c + at.channel;
        pack<T, N> most = load_pack<N>(corner);
        for (int32_t r = 0; r < j.size; r++)
            for (int32_t s = 0; s < j.size; s++) {
                const pack<T, N> v = load_pack<N>(corner + ((int64_t)r * j.w + s) * j.c);
                for (int i = 0; i < N; i++)
                    most.v[i] = to_float(v.v[i]) > to_float(most.v[i]) ? v.v[i] : most.v[i];
            }
        store_pack<N>(j.to + ((at.picture * j.k.h + y) * j.k.w + at.x) * j.c + at.channel, most);
    }
}

/* Adds to dx what the window (wy, wx) gives the pixel `place` of its k x k: dy, where the pixel is its maximum and none
 * before it is. */
template <class T, int N>
DEVICE void take_share(float (&dx)[N], const window_job<T> &j, const line_place &at, const pack<T, N> &mine, int32_t wy,
                       int32_t wx, int32_t place)
{
    const int64_t window = ((at.picture * j.h + wy) * j.w + wx) * j.c + at.channel;
    const T *corner = j.x + ((at.picture * j.k.h + wy * j.stride) * j.k.w + wx * j.stride) * (int64_t)j.c + at.channel;
    const pack<T, N> most = load_pack<N>(j.y + window), dy = load_pack<N>(j.dy + window);
    bool first[N];
    for (int i = 0; i < N; i++)
        first[i] = to_float(mine.v[i]) == to_float(most.v[i]);
    for (int32_t before = 0, r = 0, s = 0; before < place; before++) {
        const pack<T, N> v = load_pack<N>(corner + ((int64_t)r * j.k.w + s) * j.c);
        for (int i = 0; i < N; i++)
            first[i] = first[i] && to_float(v.v[i]) != to_float(most.v[i]);
        if (++s == j.size)
            s = 0, r++;
    }
    for (int i = 0; i < N; i++)
        dx[i] += first[i] ? to_float(dy.v[i]) : 0;
}

template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) max_pool_grad_lines(window_job<T> j)
{
    const line_place at = line_of(j.k, N);
    for (int32_t y = at.first; y < at.end; y++) {
        const int32_t y0 = y < j.size ? 0 : (y - j.size) / j.stride + 1, y1 = min(y / j.stride, j.h - 1);
        const int32_t x0 = at.x < j.size ? 0 : (at.x - j.size) / j.stride + 1, x1 = min(at.x / j.stride, j.w - 1);
        const int64_t here = ((at.picture * j.k.h + y) * j.k.w + at.x) * j.c + at.channel;
        const pack<T, N> mine = load_pack<N>(j.x + here);
        float dx[N] = {};
        for (int32_t wy = y0; wy <= y1; wy++)
            for (int32_t wx = x0; wx <= x1; wx++)
                take_share<T, N>(dx, j, at, mine, wy, wx, (y - wy * j.stride) * j.size + at.x - wx * j.stride);
        store_floats<N>(j.to + here, dx);
    }
}

/* y[i, j] = x[i - top, j - left]; size is top and stride is left here. */
template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) window_lines(window_job<T> j)
{
    const line_place at = line_of(j.k, N);
    for (int32_t y = at.first; y < at.end; y++) {
        const int32_t from_y = y - j.size, from_x = at.x - j.stride;
        const bool in = from_y >= 0 && from_y < j.h && from_x >= 0 && from_x < j.w;
        const pack<T, N> v =
            in ? load_pack<N>(j.x + ((at.picture * j.h + from_y) * j.w + from_x) * j.c + at.channel) : pack<T, N>();
        store_pack<N>(j.to + ((at.picture * j.k.h + y) * j.k.w + at.x) * j.c + at.channel, v);
    }
}

static fpc_status max_pool(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &in = node->in[0], &out = node->out[0];
    const fpc_pool_attr *a = static_cast<const fpc_pool_attr *>(node->attr);
    return with_packs(in, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const lines k = lines_of(out.shape, decltype(n)::n, 1);
        const window_job<T> j = {data_of<T>(in), nullptr,     nullptr, data_of<T>(out), k, in.shape.h,
                                 in.shape.w,     out.shape.c, a->k,    a->stride};
        return launch(max_pool_lines<T, decltype(n)::n>, line_grid(k, out.shape.n), line_block(k), 0, x, node, j);
    });
}

static fpc_status max_pool_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &in = node->in[0], &pooled = node->in[1], &out = node->out[0];
    const fpc_pool_attr *a = static_cast<const fpc_pool_attr *>(node->attr);
    return with_packs(in, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const lines k = lines_of(out.shape, decltype(n)::n, 1);
        const window_job<T> j = {data_of<T>(in),
                                 data_of<T>(pooled),
                                 data_of<T>(node->in[2]),
                                 data_of<T>(out),
                                 k,
                                 pooled.shape.h,
                                 pooled.shape.w,
                                 out.shape.c,
                                 a->k,
                                 a->stride};
        return launch(max_pool_grad_lines<T, decltype(n)::n>, line_grid(k, out.shape.n), line_block(k), 0, x, node, j);
    });
}

static fpc_status window(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &in = node->in[0], &out = node->out[0];
    const fpc_window_attr *a = static_cast<const fpc_window_attr *>(node->attr);
    return with_packs(in, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const lines k = lines_of(out.shape, decltype(n)::n, 1);
        const window_job<T> j = {data_of<T>(in), nullptr,    nullptr,     data_of<T>(out), k,
                                 in.shape.h,     in.shape.w, out.shape.c, a->top,          a->left};
        return launch(window_lines<T, decltype(n)::n>, line_grid(k, out.shape.n), line_block(k), 0, x, node, j);
    });
}

const fpc_kernel fpc_cuda_resize_pool[] = {
    FPC_CUDA_ROW("pool_mean", "plain", 0, FPC_CUDA_ALL, nullptr, pool_need, pool_mean),
    FPC_CUDA_ROW("pool_sum", "plain", 0, FPC_CUDA_ALL, nullptr, pool_need, pool_sum),
    FPC_CUDA_ROW("broadcast", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, broadcast),
    FPC_CUDA_ROW("max_pool", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, max_pool),
    FPC_CUDA_ROW("max_pool_grad", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, max_pool_grad),
    FPC_CUDA_ROW("window", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, window),
    FPC_CUDA_END,
};
