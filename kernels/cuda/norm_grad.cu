/* norm_grad.cu: the gradient of layer norm. With xhat = (x - mean) rstd and d = dy g:
 * dx = rstd (d - mean(d) - xhat mean(d xhat)) [+ r], dg = sum_r dy xhat, db = sum_r dy.
 * One pass over memory: a thread keeps its channels for all of its rows, so that dg and db add up in registers; then
 * the threads of a block add up in shared memory, warp after warp, and the blocks in a second launch. dx may lie where
 * x, dy or r does: each element is read by the thread that writes it, before. Rows that are no packs take two passes.
 */
#include "kernels/cuda/norm_grad.h"
#include "kernels/cuda/columns.h"
#include "kernels/cuda/norm.h"

template <class T> struct norm_grad_job {
    const T *x, *dy, *r; /* r: NULL, or added */
    const float *g, *mean, *rstd;
    T *dx;
    float *partial; /* [block][dg, db][c] */
    int64_t rows;
    int32_t c, shift;
};

/* Sums over the threads of a block that have the same channels, in a fixed order, to the block's partial sums. */
template <class T, int K, int N>
DEVICE void leave_sums(const norm_grad_job<T> &j, float (&dg)[K][N], float (&db)[K][N], const bool (&live)[K],
                       float *room)
{
    const int32_t lanes = 1 << j.shift, lane = (int32_t)threadIdx.x % 32;
    for (int32_t l = lanes; l < 32; l *= 2)
        for (int k = 0; k < K; k++)
            for (int i = 0; i < N; i++) {
                dg[k][i] += __shfl_xor_sync(FULL_MASK, dg[k][i], l);
                db[k][i] += __shfl_xor_sync(FULL_MASK, db[k][i], l);
            }
    for (int32_t warp = 0; warp < NORM_THREADS / 32; warp++) {
        if ((int32_t)threadIdx.x / 32 == warp && lane < lanes)
            for (int k = 0; k < K; k++)
                for (int i = 0; i < N && live[k]; i++) {
                    float *to = room + (lane + k * lanes) * N + i;
                    to[0] = warp > 0 ? to[0] + dg[k][i] : dg[k][i];
                    to[j.c] = warp > 0 ? to[j.c] + db[k][i] : db[k][i];
                }
        __syncthreads();
    }
    for (int32_t i = (int32_t)threadIdx.x; i < 2 * j.c; i += NORM_THREADS)
        j.partial[(int64_t)blockIdx.x * 2 * j.c + i] = room[i];
}

template <class T, int K>
__global__ void __launch_bounds__(NORM_THREADS, K <= 2 ? 2 : 1) norm_grad_rows(norm_grad_job<T> j)
{
    enum { N = wide<T>::n };
    FPC_DYNAMIC_SHARED(float, room);
    const int32_t lanes = 1 << j.shift, lane = (int32_t)threadIdx.x & (lanes - 1), each = NORM_THREADS >> j.shift;
    const float inverse = 1.0f / (float)j.c;
    float g[K][N] = {}, dg[K][N] = {}, db[K][N] = {};
    bool live[K];
    for (int k = 0; k < K; k++) {
        live[k] = (lane + k * lanes) * N < j.c;
        if (live[k])
            load_vector<N>(g[k], j.g + (lane + k * lanes) * N);
    }
    for (int64_t first = (int64_t)blockIdx.x * each; first < j.rows; first += (int64_t)gridDim.x * each) {
        const int64_t row = first + (threadIdx.x >> j.shift), at = row * j.c + lane * N;
        const bool in = row < j.rows;
        pack<T, N> x[K] = {}, dy[K] = {}, r[K] = {};
        for (int k = 0; k < K; k++)
            if (in && live[k]) {
                x[k] = load_pack<N>(j.x + at + k * lanes * N);
                dy[k] = load_pack<N>(j.dy + at + k * lanes * N);
                if (j.r)
                    r[k] = load_pack<N>(j.r + at + k * lanes * N);
            }
        const float mean = in ? j.mean[row] : 0, rstd = in ? j.rstd[row] : 0;
        float sum[2] = {};
        for (int k = 0; k < K; k++)
            for (int i = 0; i < N; i++) { /* g and dy are 0 where there is nothing */
                const float hat = (to_float(x[k].v[i]) - mean) * rstd, d = to_float(dy[k].v[i]);
                sum[0] += d * g[k][i];
                sum[1] += d * g[k][i] * hat;
                dg[k][i] += d * hat;
                db[k][i] += d;
            }
        row_sum<2>(sum, lanes);
        const float all = sum[0] * inverse, along = sum[1] * inverse;
        for (int k = 0; k < K; k++) {
            float dx[N];
            for (int i = 0; i < N; i++) {
                const float hat = (to_float(x[k].v[i]) - mean) * rstd, d = to_float(dy[k].v[i]) * g[k][i];
                dx[i] = rstd * (d - all - hat * along) + to_float(r[k].v[i]);
            }
            if (in && live[k])
                store_floats<N>(j.dx + at + k * lanes * N, dx);
        }
    }
    leave_sums<T, K, N>(j, dg, db, live, room);
}

/* Any width: dg and db ... */
template <class T> __global__ void __launch_bounds__(PACK_THREADS) norm_grad_columns(norm_grad_job<T> j, columns k)
{
    FPC_DYNAMIC_SHARED(float, room);
    const column_place at = column_of(k, 1);
    float sum[2][1] = {};
    for (int64_t row = at.row; row < k.rows; row += at.step) {
        const float d = to_float(j.dy[row * k.c + at.channel]);
        sum[0][0] += d * ((to_float(j.x[row * k.c + at.channel]) - j.mean[row]) * j.rstd[row]);
        sum[1][0] += d;
    }
    leave_columns<2, 1>(sum, k, at, room, j.partial + (int64_t)blockIdx.x * 2 * k.c);
}

/* ... and then dx. */
template <class T> __global__ void __launch_bounds__(NORM_THREADS) norm_grad_any(norm_grad_job<T> j)
{
    const int32_t lanes = 1 << j.shift, lane = (int32_t)threadIdx.x & (lanes - 1), each = NORM_THREADS >> j.shift;
    const float inverse = 1.0f / (float)j.c;
    for (int64_t first = (int64_t)blockIdx.x * each; first < j.rows; first += (int64_t)gridDim.x * each) {
        const int64_t row = first + (threadIdx.x >> j.shift);
        const int32_t c = row < j.rows ? j.c : 0;
        const float mean = c > 0 ? j.mean[row] : 0, rstd = c > 0 ? j.rstd[row] : 0;
        float sum[2] = {};
        for (int32_t i = lane; i < c; i += lanes) {
            const float d = to_float(j.dy[row * j.c + i]) * j.g[i];
            sum[0] += d;
            sum[1] += d * ((to_float(j.x[row * j.c + i]) - mean) * rstd);
        }
        row_sum<2>(sum, lanes);
        const float all = sum[0] * inverse, along = sum[1] * inverse;
        for (int32_t i = lane; i < c; i += lanes) {
            const float d = to_float(j.dy[row * j.c + i]) * j.g[i];
            const float hat = (to_float(j.x[row * j.c + i]) - mean) * rstd;
            j.dx[row * j.c + i] =
                from_float<T>(rstd * (d - all - hat * along) + (j.r ? to_float(j.r[row * j.c + i]) : 0));
        }
    }
}

static int32_t partial_sums(const fpc_tensor &x)
{
    const row_lanes at = row_lanes_of(x, false);
    return at.packs > 0 ? norm_blocks(rows_of(x), at) : columns_of(rows_of(x), 1, x.shape.c, 1).blocks;
}

void fpc_cuda_layer_norm_grad_need(const fpc_node *node, fpc_need *need)
{
    need->shared = (size_t)partial_sums(node->in[0]) * 2 * (size_t)node->in[0].shape.c * sizeof(float);
}

template <class T> static fpc_status layer_norm_grad(fpc_exec *x, const fpc_node *node, const norm_grad_job<T> &j)
{
    const row_lanes at = row_lanes_of(node->in[0], false);
    const dim3 blocks((unsigned)norm_blocks(j.rows, at));
    if (at.packs > 0)
        return with_lane_packs(at.packs, [&](auto packs) {
            return launch(norm_grad_rows<T, decltype(packs)::n>, blocks, dim3(NORM_THREADS),
                          2 * (size_t)j.c * sizeof(float), x, node, j);
        });
    const columns k = columns_of(j.rows, 1, j.c, 1);
    const fpc_status st = launch(norm_grad_columns<T>, column_grid(k), dim3(PACK_THREADS),
                                 2 * PACK_THREADS * sizeof(float), x, node, j, k);
    return st ? st : launch(norm_grad_any<T>, blocks, dim3(NORM_THREADS), 0, x, node, j);
}

fpc_status fpc_cuda_layer_norm_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in, *out = node->out;
    float *partial = static_cast<float *>(fpc_exec_shared(x));
    const fpc_status st = with_type(in[0].dtype, [&](auto zero) {
        typedef decltype(zero) T;
        return layer_norm_grad<T>(x, node,
                                  {data_of<T>(in[0]), data_of<T>(in[4]), node->n_in > 5 ? data_of<T>(in[5]) : nullptr,
                                   data_of<float>(in[1]), data_of<float>(in[2]), data_of<float>(in[3]),
                                   data_of<T>(out[0]), partial, rows_of(in[0]), in[0].shape.c,
                                   row_lanes_of(in[0], false).shift});
    });
    return st ? st
              : fpc_cuda_add_blocks(x, node, partial, partial_sums(in[0]), in[0].shape.c, data_of<float>(out[1]),
                                    data_of<float>(out[2]), nullptr, 0);
}
