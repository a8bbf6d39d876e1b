/* norm_batch.cu: batch norm over the rows of a channel, step by step (ops.h), and what adds the partial sums of blocks.
 * Statistics: each thread sums differences from the first number that it sees, so nothing cancels for data far from
 * zero; threads and blocks are joined in double by count, mean and sum of squares (Chan, Golub and LeVeque 1983).
 * Batch normalization: Ioffe and Szegedy 2015, arXiv:1502.03167. */
#include "kernels/cuda/columns.h"

enum { JOIN_WIDE = 32, JOIN_SLICES = 32, JOIN_ROOM = JOIN_WIDE * JOIN_SLICES };

/* ---- joining blocks: a block of JOIN_WIDE x JOIN_SLICES threads has JOIN_WIDE columns ---- */

/* The sum of x over the slices, in order; every thread of a column gets it. */
DEVICE double join_slices(double x, double *room)
{
    const int32_t column = (int32_t)threadIdx.x % JOIN_WIDE;
    double sum = 0;
    __syncthreads();
    room[threadIdx.x] = x;
    __syncthreads();
    for (int32_t s = 0; s < JOIN_SLICES; s++)
        sum += room[s * JOIN_WIDE + column];
    return sum;
}

static __global__ void __launch_bounds__(JOIN_ROOM) add_blocks(const float *partial, int32_t blocks, int32_t c,
                                                               float *first, float *second, const float *var, float eps)
{
    __shared__ double room[JOIN_ROOM];
    const int32_t column = (int32_t)(blockIdx.x * JOIN_WIDE + threadIdx.x % JOIN_WIDE);
    double sum = 0;
    for (int32_t b = (int32_t)threadIdx.x / JOIN_WIDE; b < blocks && column < 2 * c; b += JOIN_SLICES)
        sum += (double)partial[(int64_t)b * 2 * c + column];
    sum = join_slices(sum, room);
    if (threadIdx.x >= JOIN_WIDE || column >= 2 * c)
        return;
    if (column >= c)
        second[column - c] = (float)sum;
    else
        first[column] = (float)(var ? sum / sqrt((double)var[column] + (double)eps) : sum);
}

fpc_status fpc_cuda_add_blocks(fpc_exec *x, const fpc_node *node, const float *partial, int32_t blocks, int32_t c,
                               float *first, float *second, const float *var, float eps)
{
    return launch(add_blocks, dim3((unsigned)((2 * c + JOIN_WIDE - 1) / JOIN_WIDE)), dim3(JOIN_ROOM), 0, x, node,
                  partial, blocks, c, first, second, var, eps);
}

/* ---- statistics ---- */

/* Rows start, start + step ... below rows. */
BOTH int64_t rows_from(int64_t start, int64_t step, int64_t rows)
{
    return start < rows ? (rows - 1 - start) / step + 1 : 0;
}

/* The rows that block b sees. */
DEVICE int64_t rows_of_block(const columns &k, int32_t b)
{
    const int64_t turn = (int64_t)k.blocks * k.slices, full = k.rows / turn;
    const int64_t left = k.rows - full * turn - (int64_t)b * k.slices;
    return full * k.slices + (left < 0 ? 0 : left < k.slices ? left : k.slices);
}

/* Joins the slices of a block: each column's mean and sum of squared differences from it. */
DEVICE void join_moments(const columns &k, int32_t n, const double *room, double *to)
{
    const int32_t across = k.wide * n, first = (int32_t)blockIdx.y * across;
    const double *mean = room, *square = room + (int64_t)k.slices * across;
    for (int32_t t = (int32_t)threadIdx.x; t < across && first + t < k.c; t += PACK_THREADS) {
        double count = 0, mu = 0, sum = 0;
        for (int32_t s = 0; s < k.slices; s++) {
            const double more =
                (double)rows_from((int64_t)blockIdx.x * k.slices + s, (int64_t)k.blocks * k.slices, k.rows);
            if (more == 0)
                break; /* later slices have none either */
            const double off = mean[s * across + t] - mu, both = count + more;
            mu += off * (more / both);
            sum += square[s * across + t] + off * off * (count * more / both);
            count = both;
        }
        to[first + t] = mu;
        to[k.c + first + t] = sum;
    }
}

/* partial: [block][mean, squares][c] */
template <class T, int N>
__global__ void __launch_bounds__(PACK_THREADS) moments(const T *x, columns k, double *partial)
{
    FPC_DYNAMIC_SHARED(double, room);
    const column_place at = column_of(k, N);
    const int32_t across = k.wide * N, column = ((int32_t)threadIdx.x - at.slice * k.wide) * N;
    float shift[N] = {}, sum[N] = {}, square[N] = {};
    if (at.row < k.rows) {
        const pack<T, N> v = load_pack<N>(x + at.row * k.c + at.channel);
        for (int i = 0; i < N; i++)
            shift[i] = to_float(v.v[i]);
    }
    for (int64_t row = at.row; row < k.rows; row += COLUMN_TURN * at.step) {
        pack<T, N> v[COLUMN_TURN];
        load_turn<N>(v, x, k, at, row);
        for (int u = 0; u < COLUMN_TURN; u++)
            for (int i = 0; i < N; i++) {
                const float d = row + u * at.step < k.rows ? to_float(v[u].v[i]) - shift[i] : 0;
                sum[i] += d;
                square[i] += d * d;
            }
    }
    const double count = (double)rows_from(at.row, at.step, k.rows);
    for (int i = 0; i < N && at.slice < k.slices; i++) {
        const double off = count > 0 ? (double)sum[i] / count : 0, rest = (double)square[i] - off * (double)sum[i];
        room[at.slice * across + column + i] = (double)shift[i] + off;
        room[(k.slices + at.slice) * across + column + i] = rest > 0 || rest != rest ? rest : 0;
    }
    __syncthreads();
    join_moments(k, N, room, partial + (int64_t)blockIdx.x * 2 * k.c);
}

/* Two passes over the blocks' means: exact to the last place of double. */
static __global__ void __launch_bounds__(JOIN_ROOM)
    join_blocks(const double *partial, columns k, float *mean, float *var)
{
    __shared__ double room[JOIN_ROOM];
    const int32_t column = (int32_t)(blockIdx.x * JOIN_WIDE + threadIdx.x % JOIN_WIDE);
    const int32_t first = column < k.c ? (int32_t)threadIdx.x / JOIN_WIDE : k.blocks;
    double sum = 0, square = 0;
    for (int32_t b = first; b < k.blocks; b += JOIN_SLICES)
        sum += (double)rows_of_block(k, b) * partial[(int64_t)b * 2 * k.c + column];
    const double mu = join_slices(sum, room) / (double)k.rows;
    for (int32_t b = first; b < k.blocks; b += JOIN_SLICES) {
        const double *from = partial + (int64_t)b * 2 * k.c + column, off = from[0] - mu;
        square += from[k.c] + (double)rows_of_block(k, b) * off * off;
    }
    square = join_slices(square, room);
    if (threadIdx.x < JOIN_WIDE && column < k.c) {
        mean[column] = (float)mu;
        var[column] = (float)(square / (double)k.rows);
    }
}

static columns columns_in(const fpc_tensor &x)
{
    return columns_of(rows_of(x), 1, x.shape.c, pack_length(x));
}

static void batch_stats_need(const fpc_node *node, fpc_need *need)
{
    need->shared = (size_t)columns_in(node->in[0]).blocks * 2 * (size_t)node->in[0].shape.c * sizeof(double);
}

static fpc_status batch_stats(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &in = node->in[0];
    const columns k = columns_in(in);
    double *partial = static_cast<double *>(fpc_exec_shared(x));
    const fpc_status st = with_packs(in, [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const size_t room = 2 * (size_t)k.wide * (size_t)k.slices * decltype(n)::n * sizeof(double);
        return launch(moments<T, decltype(n)::n>, column_grid(k), dim3(PACK_THREADS), room, x, node, data_of<T>(in), k,
                      partial);
    });
    return st ? st
              : launch(join_blocks, dim3((unsigned)((k.c + JOIN_WIDE - 1) / JOIN_WIDE)), dim3(JOIN_ROOM), 0, x, node,
                       partial, k, data_of<float>(node->out[0]), data_of<float>(node->out[1]));
}

/* ---- batch_norm, its sums and its gradient ---- */

template <class T> struct batch_norm_job {
    const T *x, *dy;
    T *out; /* may lie where x or dy does */
    const float *g, *b, *mean, *var, *dg, *db;
    float eps;
    columns k;
};

template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) normalise(batch_norm_job<T> j)
{
    const column_place at = column_of(j.k, N);
    float mean[N], scale[N], b[N];
    for (int i = 0; i < N; i++) {
        mean[i] = j.mean[at.channel + i];
        scale[i] = j.g[at.channel + i] / sqrtf(j.var[at.channel + i] + j.eps);
        b[i] = j.b[at.channel + i];
    }
    for (int64_t row = at.row; row < j.k.rows; row += COLUMN_TURN * at.step) {
        pack<T, N> v[COLUMN_TURN];
        load_turn<N>(v, j.x, j.k, at, row);
        for (int u = 0; u < COLUMN_TURN; u++) {
            float y[N];
            for (int i = 0; i < N; i++)
                y[i] = (to_float(v[u].v[i]) - mean[i]) * scale[i] + b[i];
            if (row + u * at.step < j.k.rows)
                store_floats<N>(j.out + (row + u * at.step) * j.k.c + at.channel, y);
        }
    }
}

/* Of dy (x - mean) and of dy; the first is divided by the deviation at the end. */
template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) sums(batch_norm_job<T> j, float *partial)
{
    FPC_DYNAMIC_SHARED(float, room);
    const column_place at = column_of(j.k, N);
    float sum[2][N] = {}, mean[N];
    for (int i = 0; i < N; i++)
        mean[i] = j.mean[at.channel + i];
    for (int64_t row = at.row; row < j.k.rows; row += COLUMN_TURN * at.step) {
        pack<T, N> x[COLUMN_TURN], dy[COLUMN_TURN];
        load_turn<N>(x, j.x, j.k, at, row);
        load_turn<N>(dy, j.dy, j.k, at, row);
        for (int u = 0; u < COLUMN_TURN; u++)
            for (int i = 0; i < N; i++) { /* dy is 0 behind the last row */
                const float d = to_float(dy[u].v[i]);
                sum[0][i] += d * (to_float(x[u].v[i]) - mean[i]);
                sum[1][i] += d;
            }
    }
    leave_columns<2, N>(sum, j.k, at, room, partial + (int64_t)blockIdx.x * 2 * j.k.c);
}

/* dx = g rstd (dy - db/rows - (x - mean) rstd dg/rows) */
template <class T, int N> __global__ void __launch_bounds__(PACK_THREADS) normalise_grad(batch_norm_job<T> j)
{
    const column_place at = column_of(j.k, N);
    const float rows = (float)j.k.rows;
    float mean[N], scale[N], db[N], dg[N];
    for (int i = 0; i < N; i++) {
        const float rstd = 1.0f / sqrtf(j.var[at.channel + i] + j.eps);
        mean[i] = j.mean[at.channel + i];
        scale[i] = j.g[at.channel + i] * rstd;
        db[i] = j.db[at.channel + i] / rows;
        dg[i] = j.dg[at.channel + i] / rows * rstd;
    }
    for (int64_t row = at.row; row < j.k.rows; row += COLUMN_TURN * at.step) {
        pack<T, N> x[COLUMN_TURN], dy[COLUMN_TURN];
        load_turn<N>(x, j.x, j.k, at, row);
        load_turn<N>(dy, j.dy, j.k, at, row);
        for (int u = 0; u < COLUMN_TURN; u++) {
            float dx[N];
            for (int i = 0; i < N; i++)
                dx[i] = scale[i] * (to_float(dy[u].v[i]) - db[i] - (to_float(x[u].v[i]) - mean[i]) * dg[i]);
            if (row + u * at.step < j.k.rows)
                store_floats<N>(j.out + (row + u * at.step) * j.k.c + at.channel, dx);
        }
    }
}

static float eps_of(const fpc_node *node)
{
    return static_cast<const fpc_norm_attr *>(node->attr)->eps;
}

static fpc_status batch_norm(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in;
    const columns k = columns_in(in[0]);
    return with_packs(in[0], [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const batch_norm_job<T> j = {data_of<T>(in[0]),
                                     nullptr,
                                     data_of<T>(node->out[0]),
                                     data_of<float>(in[1]),
                                     data_of<float>(in[2]),
                                     data_of<float>(in[3]),
                                     data_of<float>(in[4]),
                                     nullptr,
                                     nullptr,
                                     eps_of(node),
                                     k};
        return launch(normalise<T, decltype(n)::n>, column_grid(k), dim3(PACK_THREADS), 0, x, node, j);
    });
}

static void batch_norm_sums_need(const fpc_node *node, fpc_need *need)
{
    need->shared = (size_t)columns_in(node->in[0]).blocks * 2 * (size_t)node->in[0].shape.c * sizeof(float);
}

static fpc_status batch_norm_sums(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in;
    const columns k = columns_in(in[0]);
    float *partial = static_cast<float *>(fpc_exec_shared(x));
    const fpc_status st = with_packs(in[0], [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const batch_norm_job<T> j = {
            data_of<T>(in[0]),     data_of<T>(in[3]), nullptr, nullptr, nullptr, data_of<float>(in[1]),
            data_of<float>(in[2]), nullptr,           nullptr, 0,       k};
        const size_t room = 2 * PACK_THREADS * decltype(n)::n * sizeof(float);
        return launch(sums<T, decltype(n)::n>, column_grid(k), dim3(PACK_THREADS), room, x, node, j, partial);
    });
    return st ? st
              : fpc_cuda_add_blocks(x, node, partial, k.blocks, k.c, data_of<float>(node->out[0]),
                                    data_of<float>(node->out[1]), data_of<float>(in[2]), eps_of(node));
}

static fpc_status batch_norm_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in;
    const columns k = columns_in(in[0]);
    return with_packs(in[0], [&](auto zero, auto n) {
        typedef decltype(zero) T;
        const batch_norm_job<T> j = {data_of<T>(in[0]),
                                     data_of<T>(in[6]),
                                     data_of<T>(node->out[0]),
                                     data_of<float>(in[1]),
                                     nullptr,
                                     data_of<float>(in[2]),
                                     data_of<float>(in[3]),
                                     data_of<float>(in[4]),
                                     data_of<float>(in[5]),
                                     eps_of(node),
                                     k};
        return launch(normalise_grad<T, decltype(n)::n>, column_grid(k), dim3(PACK_THREADS), 0, x, node, j);
    });
}

/* ---- running_stats ---- */

struct running_job {
    const float *old_mean, *old_var, *mean, *var;
    const int64_t *old_batches;
    float *run_mean, *run_var;
    int64_t *batches;
    float momentum;
    double unbias;
    int32_t c;
};

static __global__ void running(running_job j)
{
    const int32_t i = (int32_t)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i == 0)
        *j.batches = *j.old_batches + 1;
    if (i >= j.c)
        return;
    const float mean = j.old_mean[i], var = j.old_var[i];
    const int fine = isfinite(j.mean[i]) && isfinite(j.var[i]);
    j.run_mean[i] = fine ? mean + j.momentum * (j.mean[i] - mean) : mean;
    j.run_var[i] = fine ? var + j.momentum * ((float)((double)j.var[i] * j.unbias) - var) : var;
}

static fpc_status running_stats(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor *in = node->in, *out = node->out;
    const fpc_norm_attr *attr = static_cast<const fpc_norm_attr *>(node->attr);
    const double unbias = attr->rows > 1 ? (double)attr->rows / (double)(attr->rows - 1) : 1;
    const running_job j = {data_of<float>(in[0]),   data_of<float>(in[1]),
                           data_of<float>(in[3]),   data_of<float>(in[4]),
                           data_of<int64_t>(in[2]), data_of<float>(out[0]),
                           data_of<float>(out[1]),  data_of<int64_t>(out[2]),
                           attr->momentum,          unbias,
                           (int32_t)count_of(in[0])};
    return launch(running, blocks_for(j.c, PACK_THREADS), dim3(PACK_THREADS), 0, x, node, j);
}

const fpc_kernel fpc_cuda_norm_batch[] = {
    FPC_CUDA_ROW("batch_stats", "plain", 0, FPC_CUDA_ALL, nullptr, batch_stats_need, batch_stats),
    FPC_CUDA_ROW("batch_norm", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, batch_norm),
    FPC_CUDA_ROW("batch_norm_sums", "plain", 0, FPC_CUDA_ALL, nullptr, batch_norm_sums_need, batch_norm_sums),
    FPC_CUDA_ROW("batch_norm_grad", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, batch_norm_grad),
    FPC_CUDA_ROW("running_stats", "plain", 0, FPC_CUDA_FLOAT, nullptr, nullptr, running_stats),
    FPC_CUDA_END,
};
