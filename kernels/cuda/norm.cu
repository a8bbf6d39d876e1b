/* norm.cu: layer norm over the channels of a row, alone or of a sum that is made on the way (the gradient, which is in
 * norm_grad.cu, has its row in this table). A row stays in the registers of a part of a warp; its statistics are those
 * of two passes: the mean, then squares of the differences from it, with the mean's own rounding taken out. Rows that
 * are no packs, or too long, are read again for each pass.
 * Layer normalization: Ba, Kiros and Hinton 2016, arXiv:1607.06450. */
#include "kernels/cuda/norm.h"
#include "kernels/cuda/norm_grad.h"

template <class T> struct norm_job {
    const T *a, *b; /* b: added, where the op has one */
    const float *g, *beta;
    T *sum, *y; /* y, and sum, may lie where a or b does */
    float *mean, *rstd;
    int64_t rows;
    int32_t c, shift;
    float eps;
};

/* The row's pack, or a's and b's sum as it is stored: the gradient gets no other. */
template <bool ADD, int N, class T> DEVICE void fetch(float (&x)[N], const norm_job<T> &j, int64_t at)
{
    const pack<T, N> v = load_pack<N>(j.a + at), w = ADD ? load_pack<N>(j.b + at) : pack<T, N>();
    for (int i = 0; i < N; i++)
        x[i] = to_float(ADD ? from_float<T>(to_float(v.v[i]) + to_float(w.v[i])) : v.v[i]);
}

/* Two rows at once where a row is one pack for each lane: more loads are on their way. */
template <class T, int K, bool ADD> __global__ void __launch_bounds__(NORM_THREADS) norm_rows(norm_job<T> j)
{
    enum { N = wide<T>::n, ROWS = K == 1 ? 2 : 1 };
    const int32_t lanes = 1 << j.shift, lane = (int32_t)threadIdx.x & (lanes - 1), each = NORM_THREADS >> j.shift;
    const float inverse = 1.0f / (float)j.c;
    float g[K][N] = {}, beta[K][N] = {};
    bool live[K];
    for (int k = 0; k < K; k++) {
        live[k] = (lane + k * lanes) * N < j.c;
        if (live[k]) {
            load_vector<N>(g[k], j.g + (lane + k * lanes) * N);
            load_vector<N>(beta[k], j.beta + (lane + k * lanes) * N);
        }
    }
    for (int64_t first = (int64_t)blockIdx.x * each * ROWS; first < j.rows; first += (int64_t)gridDim.x * each * ROWS) {
        float x[ROWS][K][N] = {}, near[ROWS] = {}, rest[2 * ROWS] = {};
        const int64_t row = first + (threadIdx.x >> j.shift);
        for (int u = 0; u < ROWS; u++)
            for (int k = 0; k < K; k++)
                if (live[k] && row + u * each < j.rows)
                    fetch<ADD, N>(x[u][k], j, (row + u * each) * j.c + (lane + k * lanes) * N);
        for (int u = 0; u < ROWS; u++)
            for (int k = 0; k < K; k++)
                for (int i = 0; i < N; i++)
                    near[u] += x[u][k][i];
        row_sum<ROWS>(near, lanes);
        for (int u = 0; u < ROWS; u++) {
            near[u] *= inverse;
            for (int k = 0; k < K; k++)
                for (int i = 0; i < N; i++) {
                    const float d = live[k] ? x[u][k][i] - near[u] : 0;
                    rest[2 * u] += d;
                    rest[2 * u + 1] += d * d;
                }
        }
        row_sum<2 * ROWS>(rest, lanes);
        for (int u = 0; u < ROWS; u++) {
            const int64_t r = row + u * each;
            const float off = rest[2 * u] * inverse;
            const float rstd = 1.0f / sqrtf(rest[2 * u + 1] * inverse - off * off + j.eps);
            if (r >= j.rows)
                continue;
            for (int k = 0; k < K; k++) {
                const int64_t at = r * j.c + (lane + k * lanes) * N;
                if (ADD && live[k])
                    store_floats<N>(j.sum + at, x[u][k]);
                for (int i = 0; i < N; i++)
                    x[u][k][i] = (x[u][k][i] - near[u] - off) * rstd * g[k][i] + beta[k][i];
                if (live[k])
                    store_floats<N>(j.y + at, x[u][k]);
            }
            if (lane == 0) {
                j.mean[r] = near[u] + off;
                j.rstd[r] = rstd;
            }
        }
    }
}

/* Any width: the row is read for each pass. */
template <class T, bool ADD> __global__ void __launch_bounds__(NORM_THREADS) norm_any(norm_job<T> j)
{
    const int32_t lanes = 1 << j.shift, lane = (int32_t)threadIdx.x & (lanes - 1), each = NORM_THREADS >> j.shift;
    const float inverse = 1.0f / (float)j.c;
    for (int64_t first = (int64_t)blockIdx.x * each; first < j.rows; first += (int64_t)gridDim.x * each) {
        const int64_t row = first + (threadIdx.x >> j.shift), end = row < j.rows ? (row + 1) * j.c : 0;
        float x[1], near[1] = {}, rest[2] = {};
        for (int64_t i = row * j.c + lane; i < end; i += lanes) {
            fetch<ADD, 1>(x, j, i);
            near[0] += x[0];
        }
        row_sum<1>(near, lanes);
        near[0] *= inverse;
        for (int64_t i = row * j.c + lane; i < end; i += lanes) {
            fetch<ADD, 1>(x, j, i);
            rest[0] += x[0] - near[0];
            rest[1] += (x[0] - near[0]) * (x[0] - near[0]);
        }
        row_sum<2>(rest, lanes);
        const float off = rest[0] * inverse, rstd = 1.0f / sqrtf(rest[1] * inverse - off * off + j.eps);
        for (int32_t c = lane; c < j.c && end > 0; c += lanes) {
            fetch<ADD, 1>(x, j, row * j.c + c);
            if (ADD)
                j.sum[row * j.c + c] = from_float<T>(x[0]);
            j.y[row * j.c + c] = from_float<T>((x[0] - near[0] - off) * rstd * j.g[c] + j.beta[c]);
        }
        if (lane == 0 && end > 0) {
            j.mean[row] = near[0] + off;
            j.rstd[row] = rstd;
        }
    }
}

template <bool ADD, class T> static fpc_status norm(fpc_exec *x, const fpc_node *node, norm_job<T> j)
{
    const row_lanes at = row_lanes_of(node->in[0], true);
    const dim3 blocks((unsigned)norm_blocks(j.rows, at));
    j.shift = at.shift;
    if (at.packs == 0)
        return launch(norm_any<T, ADD>, blocks, dim3(NORM_THREADS), 0, x, node, j);
    return with_lane_packs(at.packs, [&](auto packs) {
        return launch(norm_rows<T, decltype(packs)::n, ADD>, blocks, dim3(NORM_THREADS), 0, x, node, j);
    });
}

static float eps_of(const fpc_node *node)
{
    return static_cast<const fpc_norm_attr *>(node->attr)->eps;
}

static fpc_status layer_norm(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in, *out = node->out;
    return with_type(in[0].dtype, [&](auto zero) {
        typedef decltype(zero) T;
        return norm<false>(x, node,
                           norm_job<T>{data_of<T>(in[0]), nullptr, data_of<float>(in[1]), data_of<float>(in[2]),
                                       nullptr, data_of<T>(out[0]), data_of<float>(out[1]), data_of<float>(out[2]),
                                       rows_of(in[0]), in[0].shape.c, 0, eps_of(node)});
    });
}

static fpc_status add_layer_norm(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in, *out = node->out;
    return with_type(in[0].dtype, [&](auto zero) {
        typedef decltype(zero) T;
        return norm<true>(x, node,
                          norm_job<T>{data_of<T>(in[0]), data_of<T>(in[1]), data_of<float>(in[2]),
                                      data_of<float>(in[3]), data_of<T>(out[0]), data_of<T>(out[1]),
                                      data_of<float>(out[2]), data_of<float>(out[3]), rows_of(in[0]), in[0].shape.c, 0,
                                      eps_of(node)});
    });
}

const fpc_kernel fpc_cuda_norm[] = {
    FPC_CUDA_ROW("layer_norm", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, layer_norm),
    FPC_CUDA_ROW("add_layer_norm", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, add_layer_norm),
    FPC_CUDA_ROW("layer_norm_grad", "plain", 0, FPC_CUDA_ALL, nullptr, fpc_cuda_layer_norm_grad_need,
                 fpc_cuda_layer_norm_grad),
    FPC_CUDA_END,
};
