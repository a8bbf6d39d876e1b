/* linear.cu: linear maps of rows without a library: one tiled product for y = x W' + b (+ r) and both gradients, and
 * sums over rows. A block holds a tile of the product in registers and walks along the summed axis through shared
 * memory; sums over rows are cut into pieces whose number depends on the shapes alone, each piece leaves a partial
 * result in work memory, and a second launch adds these in order. linear_lt.cu is faster where cuBLASLt is there. */
#include "kernels/cuda/linear.h"

enum {
    THREADS = 256,   /* of every block here: 16 x 16 threads share a tile */
    DEPTH = 16,      /* steps along the summed axis that lie in shared memory */
    WIDTH = 64,      /* columns of a tile */
    TALL = 128,      /* rows of a tile of pixels */
    MANY = 512,      /* blocks that keep every multiprocessor busy */
    PIECE = 512,     /* rows of pixels that are worth a block */
    ADD_THREADS = 8, /* threads that add the partial results of one number */
    ADD_WIDTH = 32
};

/* ---- one tile ---- */

/* A matrix of `lines` lines: line i of the product's operand, k along the summed axis. K_INNER: (i, k) lies at
 * p[i * ld + k]; else at p[k * ld + i]. ld is the number of elements along the inner axis. */
template <class T> struct operand {
    const T *p;
    int64_t lines;
    int32_t ld;
};

/* SIZE lines by DEPTH steps of an operand on their way from memory to shared memory: four numbers at a time. */
template <class T, int SIZE, bool K_INNER> struct stage {
    static const int PACKS = SIZE * DEPTH / 4 / THREADS;
    float v[PACKS][4];

    static DEVICE int line(int s)
    {
        const int at = (int)threadIdx.x + s * THREADS;
        return K_INNER ? at / (DEPTH / 4) : at % (SIZE / 4) * 4;
    }
    static DEVICE int step(int s)
    {
        const int at = (int)threadIdx.x + s * THREADS;
        return K_INNER ? at % (DEPTH / 4) * 4 : at / (SIZE / 4);
    }

    /* p: the tile's first number; lines, steps: how many there are from there on. Zeros beyond. */
    DEVICE void load(const T *p, int32_t ld, int64_t lines, int64_t steps)
    {
        for (int s = 0; s < PACKS; s++) {
            const int i = line(s), k = step(s);
            const T *from = K_INNER ? p + (int64_t)i * ld + k : p + (int64_t)k * ld + i;
            const int64_t inner = K_INNER ? steps - k : lines - i;
            const bool outer = K_INNER ? i < lines : k < steps;
            if (outer && inner >= 4 && ld % 4 == 0) {
                const pack<T, 4> four = *reinterpret_cast<const pack<T, 4> *>(from);
                for (int j = 0; j < 4; j++)
                    v[s][j] = to_float(four.v[j]);
            } else {
                for (int j = 0; j < 4; j++)
                    v[s][j] = outer && j < inner ? to_float(from[j]) : 0.0f;
            }
        }
    }

    DEVICE void put(float tile[DEPTH][SIZE + 4]) const
    {
        for (int s = 0; s < PACKS; s++) {
            const int i = line(s), k = step(s);
            for (int j = 0; j < 4; j++)
                tile[K_INNER ? k + j : k][K_INNER ? i : i + j] = v[s][j];
        }
    }
};

/* Padded: lines of one step are written by threads of many steps, which should meet in few banks. */
template <int SIZE> struct alignas(16) tiles {
    float a[DEPTH][SIZE + 4], b[DEPTH][WIDTH + 4];
};

/* sum[i][j] = sum over k in [first, end) of a(line0 + row i, k) b(column0 + column j, k), where a thread has SIZE/16
 * rows and 4 columns of the tile. */
template <class T, int SIZE, bool A_INNER, bool B_INNER>
DEVICE void multiply(float sum[SIZE / 16][4], const operand<T> &a, const operand<T> &b, int64_t line0, int64_t column0,
                     int64_t first, int64_t end)
{
    __shared__ tiles<SIZE> shared;
    const int tx = threadIdx.x % 16, ty = threadIdx.x / 16, rows = SIZE / 16;
    stage<T, SIZE, A_INNER> next_a;
    stage<T, WIDTH, B_INNER> next_b;
    const T *pa = a.p + (A_INNER ? line0 * a.ld + first : first * a.ld + line0);
    const T *pb = b.p + (B_INNER ? column0 * b.ld + first : first * b.ld + column0);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 4; j++)
            sum[i][j] = 0.0f;
    next_a.load(pa, a.ld, a.lines - line0, end - first);
    next_b.load(pb, b.ld, b.lines - column0, end - first);
    for (int64_t k0 = first; k0 < end; k0 += DEPTH) {
        __syncthreads();
        next_a.put(shared.a);
        next_b.put(shared.b);
        __syncthreads();
        if (k0 + DEPTH < end) { /* on its way while this tile is multiplied */
            pa += DEPTH * (A_INNER ? (int64_t)1 : a.ld);
            pb += DEPTH * (B_INNER ? (int64_t)1 : b.ld);
            next_a.load(pa, a.ld, a.lines - line0, end - k0 - DEPTH);
            next_b.load(pb, b.ld, b.lines - column0, end - k0 - DEPTH);
        }
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            float left[rows], right[4];
            for (int i = 0; i < rows; i++)
                left[i] = shared.a[k][ty * rows + i];
            for (int j = 0; j < 4; j++)
                right[j] = shared.b[k][tx * 4 + j];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] += left[i] * right[j];
        }
    }
}

/* ---- linear, linear_add, linear_grad_x ---- */

/* y[r, j] = sum_k a(r, k) b(j, k) + bias[j] + r[r, j]; bias, r: may be null. A block has one tile; the tiles of a line
 * of tiles follow one another, so that its rows of x are still in the L2 cache. */
template <class T, bool B_INNER>
static __global__ void __launch_bounds__(THREADS)
    product(operand<T> a, operand<T> b, int64_t depth, const float *bias, const T *add, T *y)
{
    const int32_t columns = (int32_t)b.lines, tiles = (columns + WIDTH - 1) / WIDTH;
    const int64_t row0 = (int64_t)(blockIdx.x / (unsigned)tiles) * TALL;
    const int32_t column0 = (int32_t)(blockIdx.x % (unsigned)tiles) * WIDTH;
    const int32_t column = column0 + (int32_t)threadIdx.x % 16 * 4, left = columns - column;
    const int rows = TALL / 16;
    float sum[rows][4], offset[4];
    multiply<T, TALL, true, B_INNER>(sum, a, b, row0, column0, 0, depth);
    for (int j = 0; j < 4; j++)
        offset[j] = bias && j < left ? bias[column + j] : 0.0f;
    for (int i = 0; i < rows; i++) {
        const int64_t row = row0 + (int32_t)threadIdx.x / 16 * rows + i;
        if (row >= a.lines || left <= 0)
            break;
        const int64_t at = row * columns + column;
        if (columns % 4 == 0) {
            pack<T, 4> out, plus;
            if (add)
                plus = *reinterpret_cast<const pack<T, 4> *>(add + at);
            for (int j = 0; j < 4; j++)
                out.v[j] = from_float<T>(sum[i][j] + offset[j] + (add ? to_float(plus.v[j]) : 0.0f));
            *reinterpret_cast<pack<T, 4> *>(y + at) = out;
        } else {
            for (int j = 0; j < 4 && j < left; j++)
                y[at + j] = from_float<T>(sum[i][j] + offset[j] + (add ? to_float(add[at + j]) : 0.0f));
        }
    }
}

template <class T, bool B_INNER>
static fpc_status run_product(fpc_exec *x, const fpc_node *node, const float *bias, const T *add)
{
    const int64_t rows = rows_of(node->in[0]), columns = node->out[0].shape.c;
    const int32_t depth = node->in[0].shape.c;
    const operand<T> a = {data_of<const T>(node->in[0]), rows, depth};
    const operand<T> b = {data_of<const T>(node->in[1]), columns, B_INNER ? depth : (int32_t)columns};
    const int64_t blocks = (rows + TALL - 1) / TALL * ((columns + WIDTH - 1) / WIDTH);
    if (blocks == 0)
        return FPC_OK;
    return launch(product<T, B_INNER>, dim3((unsigned)blocks), dim3(THREADS), 0, x, node, a, b, (int64_t)depth, bias,
                  add, data_of<T>(node->out[0]));
}

/* linear(x, w[, b]) -> y; linear_add(x, w, b, r) -> y */
fpc_status fpc_cuda_linear_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return with_type(node->in[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const float *bias = node->n_in > 2 ? data_of<const float>(node->in[2]) : nullptr;
        const T *add = node->n_in > 3 ? data_of<const T>(node->in[3]) : nullptr;
        return run_product<T, true>(x, node, bias, add);
    });
}

/* linear_grad_x(dy, w) -> dx */
fpc_status fpc_cuda_linear_grad_x_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return with_type(node->in[0].dtype, [&](auto t) {
        return run_product<decltype(t), false>(x, node, nullptr, static_cast<const decltype(t) *>(nullptr));
    });
}

/* ---- the partial results of pieces ---- */

/* out[j] = sum over the pieces of part[piece * count + j]: each of ADD_THREADS threads adds every eighth piece, then
 * these sums are added in order. */
static __global__ void __launch_bounds__(ADD_WIDTH *ADD_THREADS)
    add_pieces(const float *part, int32_t pieces, int64_t count, float *out)
{
    __shared__ float room[ADD_THREADS][ADD_WIDTH];
    const int64_t at = (int64_t)blockIdx.x * ADD_WIDTH + threadIdx.x;
    float sum = 0.0f;
    if (at < count)
#pragma unroll 4
        for (int32_t piece = (int32_t)threadIdx.y; piece < pieces; piece += ADD_THREADS)
            sum += part[piece * count + at];
    room[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || at >= count)
        return;
    for (int i = 1; i < ADD_THREADS; i++)
        sum += room[i][threadIdx.x];
    out[at] = sum;
}

static fpc_status run_add_pieces(fpc_exec *x, const fpc_node *node, int32_t pieces, int64_t count)
{
    const float *part = static_cast<const float *>(fpc_exec_shared(x));
    return launch(add_pieces, dim3((unsigned)((count + ADD_WIDTH - 1) / ADD_WIDTH)), dim3(ADD_WIDTH, ADD_THREADS), 0, x,
                  node, part, pieces, count, data_of<float>(node->out[0]));
}

/* Pieces of `rows` rows where each is computed by `tiles` blocks. */
static int32_t pieces_of(int64_t rows, int64_t tiles)
{
    const int64_t most = (rows + PIECE - 1) / PIECE, wanted = (MANY + tiles - 1) / tiles;
    const int64_t pieces = most < wanted ? most : wanted;
    return (int32_t)(pieces < 1 ? 1 : pieces);
}

/* ---- linear_grad_w ---- */

static int64_t weight_tiles(const fpc_node *node)
{
    const int64_t in = node->in[0].shape.c, out = node->in[1].shape.c;
    return (out + WIDTH - 1) / WIDTH * ((in + WIDTH - 1) / WIDTH);
}

/* dw[o, i] = sum_r dy[r, o] x[r, i] over one piece of the rows: blockIdx.x is the tile, blockIdx.y the piece. */
template <class T>
static __global__ void __launch_bounds__(THREADS)
    product_of_columns(operand<T> dy, operand<T> x, int64_t rows, int64_t piece_rows, float *part)
{
    const int32_t in = (int32_t)x.lines, out = (int32_t)dy.lines;
    const unsigned tiles = (unsigned)((in + WIDTH - 1) / WIDTH);
    const int32_t o0 = (int32_t)(blockIdx.x / tiles) * WIDTH, i0 = (int32_t)(blockIdx.x % tiles) * WIDTH;
    const int64_t first = (int64_t)blockIdx.y * piece_rows;
    const int64_t end = first + piece_rows < rows ? first + piece_rows : rows;
    float sum[WIDTH / 16][4];
    multiply<T, WIDTH, false, false>(sum, dy, x, o0, i0, first, end);
    part += (int64_t)blockIdx.y * in * out;
    for (int k = 0; k < WIDTH / 16; k++)
        for (int j = 0; j < 4; j++) {
            const int32_t o = o0 + (int32_t)threadIdx.x / 16 * (WIDTH / 16) + k;
            const int32_t i = i0 + (int32_t)threadIdx.x % 16 * 4 + j;
            if (o < out && i < in)
                part[(int64_t)o * in + i] = sum[k][j];
        }
}

void fpc_cuda_linear_grad_w_need(const fpc_node *node, fpc_need *need)
{
    const int64_t count = (int64_t)node->in[0].shape.c * node->in[1].shape.c;
    const int32_t pieces = pieces_of(rows_of(node->in[0]), weight_tiles(node));
    need->shared = pieces > 1 ? (size_t)(pieces * count) * sizeof(float) : 0;
}

/* linear_grad_w(x, dy) -> dw */
fpc_status fpc_cuda_linear_grad_w_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const int64_t rows = rows_of(node->in[0]), tiles = weight_tiles(node);
    const int32_t in = node->in[0].shape.c, out = node->in[1].shape.c, pieces = pieces_of(rows, tiles);
    const int64_t piece_rows = ((rows + pieces - 1) / pieces + DEPTH - 1) / DEPTH * DEPTH;
    float *part = pieces > 1 ? static_cast<float *>(fpc_exec_shared(x)) : data_of<float>(node->out[0]);
    const fpc_status st = with_type(node->in[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const operand<T> dy = {data_of<const T>(node->in[1]), out, out}, from = {data_of<const T>(node->in[0]), in, in};
        return launch(product_of_columns<T>, dim3((unsigned)tiles, (unsigned)pieces), dim3(THREADS), 0, x, node, dy,
                      from, rows, piece_rows, part);
    });
    return st || pieces == 1 ? st : run_add_pieces(x, node, pieces, (int64_t)in * out);
}

/* ---- sum_rows ---- */

/* How a block of THREADS threads reads rows of c numbers, N at a time: `packs` threads side by side read a row (or a
 * part of it: blockIdx.y), `lines` rows at once. */
struct reading {
    int32_t packs, lines;
    int64_t rows, c, piece_rows;
};

static int32_t pack_of(const fpc_tensor &t)
{
    const int32_t n = t.dtype == FPC_F32 ? wide<float>::n : wide<bf16>::n;
    return t.shape.c % n == 0 ? n : 1;
}

template <class T, int N>
static __global__ void __launch_bounds__(THREADS) sum_piece(const T *dy, reading r, float *part)
{
    __shared__ float room[THREADS * N];
    const int32_t along = (int32_t)threadIdx.x % r.packs, line = (int32_t)threadIdx.x / r.packs;
    const int64_t column = ((int64_t)blockIdx.y * r.packs + along) * N, first = (int64_t)blockIdx.x * r.piece_rows;
    const int64_t end = first + r.piece_rows < r.rows ? first + r.piece_rows : r.rows;
    const bool used = line < r.lines && column < r.c;
    float sum[N] = {0.0f};
    if (used)
#pragma unroll 4
        for (int64_t row = first + line; row < end; row += r.lines) {
            const pack<T, N> v = *reinterpret_cast<const pack<T, N> *>(dy + row * r.c + column);
            for (int j = 0; j < N; j++)
                sum[j] += to_float(v.v[j]);
        }
    for (int j = 0; j < N; j++)
        room[threadIdx.x * N + j] = sum[j];
    __syncthreads();
    if (!used || line > 0)
        return;
    for (int32_t l = 1; l < r.lines; l++)
        for (int j = 0; j < N; j++)
            sum[j] += room[(l * r.packs + along) * N + j];
    for (int j = 0; j < N; j++)
        part[blockIdx.x * r.c + column + j] = sum[j];
}

/* Blocks along the rows, blocks along the channels, and what they read. */
static reading reading_of(const fpc_node *node, int32_t *pieces, int32_t *columns)
{
    reading r;
    const int32_t all = node->in[0].shape.c / pack_of(node->in[0]);
    r.rows = rows_of(node->in[0]);
    r.c = node->in[0].shape.c;
    r.packs = all < THREADS ? all : THREADS;
    r.lines = THREADS / r.packs;
    *columns = (all + r.packs - 1) / r.packs;
    *pieces = pieces_of((r.rows + r.lines - 1) / r.lines * (PIECE / 16), *columns); /* 16 rows of a thread */
    r.piece_rows = (r.rows + *pieces - 1) / *pieces;
    return r;
}

static void sum_rows_need(const fpc_node *node, fpc_need *need)
{
    int32_t pieces, columns;
    reading_of(node, &pieces, &columns);
    need->shared = pieces > 1 ? (size_t)pieces * (size_t)node->in[0].shape.c * sizeof(float) : 0;
}

template <class T, int N> static fpc_status run_sum_rows(fpc_exec *x, const fpc_node *node)
{
    int32_t pieces, columns;
    const reading r = reading_of(node, &pieces, &columns);
    float *part = pieces > 1 ? static_cast<float *>(fpc_exec_shared(x)) : data_of<float>(node->out[0]);
    const fpc_status st = launch(sum_piece<T, N>, dim3((unsigned)pieces, (unsigned)columns), dim3(THREADS), 0, x, node,
                                 data_of<const T>(node->in[0]), r, part);
    return st || pieces == 1 ? st : run_add_pieces(x, node, pieces, r.c);
}

/* sum_rows(dy) -> db */
static fpc_status sum_rows(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return with_type(node->in[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        return pack_of(node->in[0]) > 1 ? run_sum_rows<T, wide<T>::n>(x, node) : run_sum_rows<T, 1>(x, node);
    });
}

/* Halves: what 16-byte copies can feed to tensor cores. */
#define HALVES (FPC_DTYPE_BIT(FPC_BF16) | FPC_DTYPE_BIT(FPC_F16))

const fpc_kernel fpc_cuda_linear[] = {
    FPC_CUDA_ROW("linear", "mma", 5, HALVES, fpc_cuda_linear_mma_match, nullptr, fpc_cuda_linear_mma_run),
    FPC_CUDA_ROW("linear_add", "mma", 5, HALVES, fpc_cuda_linear_mma_match, nullptr, fpc_cuda_linear_mma_run),
    FPC_CUDA_ROW("linear", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, fpc_cuda_linear_run),
    FPC_CUDA_ROW("linear_add", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, fpc_cuda_linear_run),
    FPC_CUDA_ROW("linear_grad_x", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, fpc_cuda_linear_grad_x_run),
    FPC_CUDA_ROW("linear_grad_w", "plain", 0, FPC_CUDA_ALL, nullptr, fpc_cuda_linear_grad_w_need,
                 fpc_cuda_linear_grad_w_run),
    FPC_CUDA_ROW("sum_rows", "plain", 0, FPC_CUDA_ALL, nullptr, sum_rows_need, sum_rows),
    FPC_CUDA_END};
