/* linear_mma.cu: y = x W' + b (+ r) in bf16 and fp16 on tensor cores. cuBLASLt takes a bias in the type of the result
 * only, which would round it; here bias and residual join the float sums and the result is rounded once. These products
 * read little and compute little (tens of channels), so what counts is that x passes through once, in 16-byte pieces,
 * and that the next step along the channels arrives while the last one is multiplied. */
#include "kernels/cuda/linear.h"
#include "kernels/cuda/ptx.h"

enum {
    THREADS = 256,        /* 4 x 2 warps of 32 lines by 32 or 64 columns */
    TALL = 128,           /* lines (pixels) of a tile */
    DEPTH = 32,           /* channels that lie in shared memory, twice */
    PIECE = 8,            /* halves of 16 bytes */
    PITCH = DEPTH + PIECE /* eight lines of a fragment lie in different banks */
};

template <class T> struct linear_job {
    const T *x, *w;
    const float *bias; /* may be null, as add */
    const T *add;
    T *y;
    int64_t rows;
    int32_t in, out;
};

template <class T, int COLUMNS> struct alignas(16) tiles {
    T a[2][TALL][PITCH], b[2][COLUMNS][PITCH];
};

/* Where column c of 32 lies in shared memory. The four products of 8 columns that a warp makes of them leave each lane
 * with columns 2t and 2t + 1 of each; in this order these are 8 columns side by side, which go to memory at once. */
DEVICE int place_of_column(int c)
{
    return c % 8 / 2 * 8 + c / 8 * 2 + c % 2;
}

/* Starts the copies of the channels from k0 on. */
template <class T, int COLUMNS>
DEVICE void fetch(const linear_job<T> &job, int64_t row0, int32_t column0, int32_t k0, T a[TALL][PITCH],
                  T b[COLUMNS][PITCH])
{
    const int pieces = DEPTH / PIECE;
    for (int i = (int)threadIdx.x; i < TALL * pieces; i += THREADS) {
        const int line = i / pieces, k = i % pieces * PIECE;
        const bool there = row0 + line < job.rows && k0 + k < job.in;
        copy_async<16>(&a[line][k], there ? job.x + (row0 + line) * job.in + k0 + k : job.x, there);
    }
    for (int i = (int)threadIdx.x; i < COLUMNS * pieces; i += THREADS) {
        const int c = i / pieces, k = i % pieces * PIECE;
        const bool there = column0 + c < job.out && k0 + k < job.in;
        copy_async<16>(&b[c / 32 * 32 + place_of_column(c % 32)][k],
                       there ? job.w + (int64_t)(column0 + c) * job.in + k0 + k : job.w, there);
    }
}

/* What a warp adds up: 2 x 16 lines by GROUPS x 32 columns. */
template <int GROUPS> struct sums {
    float v[2][GROUPS][4][4];
};

/* a: the warp's first line, b: its first column. */
template <class T, int GROUPS> DEVICE void multiply_step(sums<GROUPS> &sum, const T (*a)[PITCH], const T (*b)[PITCH])
{
    const int lane = (int)threadIdx.x % 32, matrix = lane / 8, line = lane % 8;
#pragma unroll
    for (int k = 0; k < DEPTH; k += 16) {
        uint32_t left[2][4];
        for (int m = 0; m < 2; m++)
            load_matrix(left[m], &a[m * 16 + matrix % 2 * 8 + line][k + matrix / 2 * 8]);
#pragma unroll
        for (int j = 0; j < GROUPS * 4; j += 2) {
            uint32_t right[4];
            load_matrix(right, &b[(j + matrix / 2) * 8 + line][k + matrix % 2 * 8]);
            for (int m = 0; m < 2; m++) {
                multiply_add<T>(sum.v[m][j / 4][j % 4], left[m], right[0], right[1]);
                multiply_add<T>(sum.v[m][j / 4][j % 4 + 1], left[m], right[2], right[3]);
            }
        }
    }
}

/* 8 numbers of a line: v[j][e] is number 2j + e of them. */
template <class T>
DEVICE void store_eight(const linear_job<T> &job, int64_t row, int32_t column, const float v[8], const float bias[8])
{
    const int64_t at = row * job.out + column;
    if (job.out % PIECE == 0) {
        pack<T, 8> out, plus;
        if (job.add)
            plus = *reinterpret_cast<const pack<T, 8> *>(job.add + at);
        for (int i = 0; i < 8; i++)
            out.v[i] = from_float<T>(v[i] + bias[i] + (job.add ? to_float(plus.v[i]) : 0.0f));
        *reinterpret_cast<pack<T, 8> *>(job.y + at) = out;
        return;
    }
    for (int i = 0; i < 8 && column + i < job.out; i++)
        job.y[at + i] = from_float<T>(v[i] + bias[i] + (job.add ? to_float(job.add[at + i]) : 0.0f));
}

/* row0, column0: the warp's first. */
template <class T, int GROUPS>
DEVICE void store(const linear_job<T> &job, const sums<GROUPS> &sum, int64_t row0, int32_t column0)
{
    const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
#pragma unroll
    for (int group = 0; group < GROUPS; group++) {
        const int32_t column = column0 + group * 32 + t * 8;
        float bias[8];
        for (int i = 0; i < 8; i++)
            bias[i] = job.bias && column + i < job.out ? job.bias[column + i] : 0.0f;
#pragma unroll
        for (int m = 0; m < 2; m++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                const int64_t row = row0 + m * 16 + h * 8 + g;
                float v[8];
                for (int i = 0; i < 8; i++)
                    v[i] = sum.v[m][group][i / 2][h * 2 + i % 2];
                if (row < job.rows && column < job.out)
                    store_eight(job, row, column, v, bias);
            }
    }
}

/* COLUMNS: 64 or 128 of a tile. Tiles of the same lines follow one another, so that x comes from the cache again. */
template <class T, int COLUMNS> static __global__ void __launch_bounds__(THREADS) linear_tiles(linear_job<T> job)
{
    __shared__ tiles<T, COLUMNS> tile;
    const int groups = COLUMNS / 64, warp = (int)threadIdx.x / 32;
    const unsigned across = (unsigned)((job.out + COLUMNS - 1) / COLUMNS);
    const int64_t row0 = (int64_t)(blockIdx.x / across) * TALL;
    const int32_t column0 = (int32_t)(blockIdx.x % across) * COLUMNS;
    const int line = warp % 4 * 32, column = warp / 4 * groups * 32;
    sums<groups> sum;
#pragma unroll
    for (int i = 0; i < 2 * groups * 16; i++)
        sum.v[i / (groups * 16)][i / 16 % groups][i / 4 % 4][i % 4] = 0.0f;
    fetch<T, COLUMNS>(job, row0, column0, 0, tile.a[0], tile.b[0]);
    for (int32_t k = 0, now = 0; k < job.in; k += DEPTH, now = 1 - now) {
        copy_wait();
        __syncthreads(); /* this step is there, and the last one has been read */
        if (k + DEPTH < job.in)
            fetch<T, COLUMNS>(job, row0, column0, k + DEPTH, tile.a[1 - now], tile.b[1 - now]);
        multiply_step<T, groups>(sum, tile.a[now] + line, tile.b[now] + column);
    }
    store<T, groups>(job, sum, row0 + line, column0 + column);
}

template <class T, int COLUMNS>
static fpc_status run_linear(fpc_exec *x, const fpc_node *node, const linear_job<T> &job)
{
    const int64_t blocks = (job.rows + TALL - 1) / TALL * ((job.out + COLUMNS - 1) / COLUMNS);
    return launch(linear_tiles<T, COLUMNS>, dim3((unsigned)blocks), dim3(THREADS), 0, x, node, job);
}

template <class T> static fpc_status linear_of(fpc_exec *x, const fpc_node *node)
{
    const linear_job<T> job = {data_of<const T>(node->in[0]),
                               data_of<const T>(node->in[1]),
                               node->n_in > 2 ? data_of<const float>(node->in[2]) : nullptr,
                               node->n_in > 3 ? data_of<const T>(node->in[3]) : nullptr,
                               data_of<T>(node->out[0]),
                               rows_of(node->in[0]),
                               node->in[0].shape.c,
                               node->out[0].shape.c};
    return job.out <= 64 ? run_linear<T, 64>(x, node, job) : run_linear<T, 128>(x, node, job);
}

int fpc_cuda_linear_mma_match(const fpc_node *node)
{
    return node->in[0].shape.c % PIECE == 0;
}

fpc_status fpc_cuda_linear_mma_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return node->in[0].dtype == FPC_BF16 ? linear_of<bf16>(x, node) : linear_of<f16>(x, node);
}
