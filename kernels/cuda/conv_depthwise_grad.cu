/* conv_depthwise_grad.cu: the gradient of a depth-wise convolution by its weight: for each channel and tap a sum over
 * all pixels of dy and x. A block adds up its share in registers, over several tiles, then its threads in order through
 * shared memory; its partial weight goes to work memory, and a second launch adds those in order. 3x3 at stride 1 reads
 * x and dy from tiles in shared memory; every other kernel, stride and width reads four taps of a line pixel by pixel.
 */
#include "kernels/cuda/conv_depthwise.h"

enum {
    MANY = 1056, /* blocks: a few for each multiprocessor */
    TAPS = 4,    /* of a line, that a block of the general kernel has */
    PIECE = 512  /* pixels that are worth a block, at least */
};

static int is_3x3(const conv_shape &s)
{
    return s.kh == 3 && s.kw == 3 && s.stride == 1;
}

template <class T> static int32_t chunk_of(const conv_shape &s)
{
    return is_3x3(s) ? dw_chunk<T>(s.c) : 0;
}

/* ---- 3x3, stride 1 ---- */

/* Shared memory of a block: the tiles of x and dy; in the end nine numbers a channel of each thread. */
template <class T> BOTH size_t slide_room(int32_t chunk)
{
    const size_t tiles = (size_t)dw_room<T>(chunk) + (size_t)(DW_SIDE * DW_SIDE * chunk) * sizeof(T);
    const size_t sums = 9 * DW_THREADS * DW_GROUP * sizeof(float);
    return tiles > sums ? tiles : sums;
}

/* The block's sums over its threads' pixels, in order, to a partial weight [channel][tap] of the chunk. */
DEVICE void put_sums(float *room, const float sum[9][DW_GROUP], int32_t lanes, int32_t count, float *to)
{
    const int32_t chunk = lanes * DW_GROUP;
    __syncthreads();
    for (int tap = 0; tap < 9; tap++)
        for (int i = 0; i < DW_GROUP; i++)
            room[(tap * DW_THREADS + (int32_t)threadIdx.x) * DW_GROUP + i] = sum[tap][i];
    __syncthreads();
    for (int32_t i = (int32_t)threadIdx.x; i < 9 * chunk; i += DW_THREADS) {
        const int32_t tap = i / chunk, c = i % chunk;
        float all = 0.0f;
        for (int32_t p = 0; p < DW_THREADS / lanes; p++)
            all += room[(tap * DW_THREADS + p * lanes) * DW_GROUP + c];
        if (c < count)
            to[c * 9 + tap] = all;
    }
}

/* Blocks: chunk of channels first, then share of the tiles. parts: a whole weight for each share. */
template <class T>
__global__ void __launch_bounds__(DW_THREADS, 3)
    slide_weight(dw_tiles t, int32_t tiles, int32_t shares, const T *x, const T *dy, float *parts)
{
    FPC_DYNAMIC_SHARED(unsigned char, room);
    T *const tile = reinterpret_cast<T *>(room), *const tile_dy = tile + DW_HALO * DW_HALO * t.chunk;
    const int32_t chunk = (int32_t)blockIdx.x % t.chunks, share = (int32_t)blockIdx.x / t.chunks;
    const int32_t first = chunk * t.chunk, lanes = t.chunk / DW_GROUP, line = DW_HALO * t.chunk;
    const int32_t c = (int32_t)threadIdx.x % lanes * DW_GROUP, column = (int32_t)threadIdx.x / lanes % DW_SIDE;
    const int32_t row = (int32_t)threadIdx.x / lanes / DW_SIDE * lanes;
    float sum[9][DW_GROUP] = {};

    for (int32_t i = share; i < tiles; i += shares) {
        const int32_t y0 = i / t.across % t.down * DW_SIDE, x0 = i % t.across * DW_SIDE, image = i / t.across / t.down;
        dw_fetch(tile, x + (int64_t)image * t.h * t.w * t.c + first, y0 - t.pad, x0 - t.pad, (int32_t)DW_HALO, t.h, t.w,
                 t.c, t.chunk);
        dw_fetch(tile_dy, dy + (int64_t)image * t.ho * t.wo * t.c + first, y0, x0, (int32_t)DW_SIDE, t.ho, t.wo, t.c,
                 t.chunk);
        copy_wait();
        __syncthreads();
        const T *at = tile + (row * DW_HALO + column) * t.chunk + c;
        const T *at_dy = tile_dy + (row * DW_SIDE + column) * t.chunk + c;
        float d[3][DW_GROUP] = {}; /* dy of output rows r, r - 1, r - 2, which row r of x meets with taps 0, 1, 2 */
        for (int32_t r = 0; r < lanes + 2; r++, at += line, at_dy += DW_SIDE * t.chunk) {
            for (int j = 0; j < DW_GROUP; j++) {
                d[2][j] = d[1][j];
                d[1][j] = d[0][j];
                d[0][j] = 0.0f;
            }
            if (r < lanes)
                dw_load(d[0], at_dy);
            for (int kx = 0; kx < 3; kx++) {
                float v[DW_GROUP];
                dw_load(v, at + kx * t.chunk);
                for (int ky = 0; ky < 3; ky++)
                    for (int j = 0; j < DW_GROUP; j++)
                        sum[3 * ky + kx][j] += d[ky][j] * v[j];
            }
        }
        __syncthreads();
    }
    put_sums(reinterpret_cast<float *>(room), sum, lanes, t.chunk, parts + ((int64_t)share * t.c + first) * 9);
}

/* Tiles of all pictures, and in how many shares they are cut. */
static int32_t tiles_of(const dw_tiles &t)
{
    return t.n * t.down * t.across;
}
static int32_t shares_of(const dw_tiles &t)
{
    const int32_t tiles = tiles_of(t), shares = (MANY + t.chunks - 1) / t.chunks;
    return tiles < shares ? tiles : shares;
}

template <class T> static fpc_status run_slide(fpc_exec *x, const fpc_node *node, const dw_tiles &t)
{
    const int32_t shares = shares_of(t);
    float *const parts = static_cast<float *>(fpc_exec_shared(x));
    const fpc_status st =
        launch(slide_weight<T>, dim3((unsigned)(shares * t.chunks)), dim3(DW_THREADS), slide_room<T>(t.chunk), x, node,
               t, tiles_of(t), shares, data_of<T>(node->in[0]), data_of<T>(node->in[1]), parts);
    return st ? st : fpc_cuda_add_pieces(x, node, parts, shares, count_of(node->out[0]), data_of<float>(node->out[0]));
}

/* ---- any kernel, any stride ---- */

/* How the work is cut: chunks of channels, lines of taps in groups of four, pieces of the pixels. */
typedef struct dw_cut {
    int32_t lanes, chunks, groups, pieces; /* groups: of taps, in a line */
    int32_t pixels;                        /* of a piece */
} dw_cut;

static dw_cut cut_of(const conv_shape &s, int32_t v)
{
    const int32_t packs = s.c / v, lanes = packs < 8 ? packs : 8, chunks = (packs + lanes - 1) / lanes;
    const int32_t groups = (s.kw + TAPS - 1) / TAPS;
    const int64_t rows = (int64_t)s.n * s.ho * s.wo, most = (rows + PIECE - 1) / PIECE;
    const int64_t blocks = (int64_t)chunks * groups * s.kh;
    int64_t pieces = blocks < MANY ? (MANY + blocks - 1) / blocks : 1;
    pieces = pieces < most ? pieces : most;
    const int64_t pixels = (rows + pieces - 1) / pieces;
    const dw_cut p = {lanes, chunks, groups, (int32_t)((rows + pixels - 1) / pixels), (int32_t)pixels};
    return p;
}

/* Blocks: group of taps first, then line of taps, chunk, piece. parts: a whole weight for each piece. */
template <class T, int V> __global__ void tap_sums(conv_shape s, dw_cut p, const T *x, const T *dy, float *parts)
{
    __shared__ float room[TAPS][DW_THREADS][V];
    const int32_t block = (int32_t)blockIdx.x, kx = block % p.groups * TAPS, ky = block / p.groups % s.kh;
    const int32_t first = block / p.groups / s.kh % p.chunks * p.lanes * V, piece = block / p.groups / s.kh / p.chunks;
    const int32_t c = first + (int32_t)threadIdx.x % p.lanes * V, mine = (int32_t)threadIdx.x / p.lanes;
    const int32_t at_once = DW_THREADS / p.lanes, rows = s.n * s.ho * s.wo, begin = piece * p.pixels;
    const int32_t end = rows - begin < p.pixels ? rows : begin + p.pixels;
    const divider width = divider_of((uint32_t)s.wo), height = divider_of((uint32_t)s.ho);
    float sum[TAPS][V] = {};

    for (int32_t row = begin + mine; mine < at_once && c < s.c && row < end; row += at_once) {
        const int32_t line = quotient(row, width), image = quotient(line, height);
        const int32_t y = (line - image * s.ho) * s.stride - s.pad + ky,
                      x0 = (row - line * s.wo) * s.stride - s.pad + kx;
        if ((uint32_t)y >= (uint32_t)s.h)
            continue;
        const pack<T, V> d = *reinterpret_cast<const pack<T, V> *>(dy + (int64_t)row * s.c + c);
        const T *from = x + ((int64_t)image * s.h + y) * s.w * s.c + c;
        for (int t = 0; t < TAPS; t++) {
            if (kx + t >= s.kw || (uint32_t)(x0 + t) >= (uint32_t)s.w)
                continue;
            const pack<T, V> v = *reinterpret_cast<const pack<T, V> *>(from + (int64_t)(x0 + t) * s.c);
            for (int i = 0; i < V; i++)
                sum[t][i] += to_float(d.v[i]) * to_float(v.v[i]);
        }
    }
    for (int t = 0; t < TAPS; t++)
        for (int i = 0; i < V; i++)
            room[t][threadIdx.x][i] = sum[t][i];
    __syncthreads();
    for (int32_t i = (int32_t)threadIdx.x; i < TAPS * p.lanes * V; i += DW_THREADS) {
        const int32_t t = i / (p.lanes * V), channel = i % (p.lanes * V);
        float all = 0.0f;
        for (int32_t j = 0; j < at_once; j++)
            all += room[t][j * p.lanes + channel / V][channel % V];
        if (kx + t < s.kw && first + channel < s.c)
            parts[(((int64_t)piece * s.c + first + channel) * s.kh + ky) * s.kw + kx + t] = all;
    }
}

template <class T, int V> static fpc_status run_taps(fpc_exec *x, const fpc_node *node, const conv_shape &s)
{
    const dw_cut p = cut_of(s, V);
    const int64_t blocks = (int64_t)p.chunks * p.groups * s.kh * p.pieces;
    float *const parts = static_cast<float *>(fpc_exec_shared(x));
    if (blocks > INT32_MAX || (int64_t)s.n * s.ho * s.wo + p.pixels > INT32_MAX)
        return fpc_cuda_fail(x, node, NULL, "the tensors are too large for a launch");
    const fpc_status st = launch(tap_sums<T, V>, dim3((unsigned)blocks), dim3(DW_THREADS), 0, x, node, s, p,
                                 data_of<T>(node->in[0]), data_of<T>(node->in[1]), parts);
    return st ? st
              : fpc_cuda_add_pieces(x, node, parts, p.pieces, count_of(node->out[0]), data_of<float>(node->out[0]));
}

/* ---- the op ---- */

static conv_shape shape_of(const fpc_node *node)
{
    return conv_shape_of(node, node->in[0].shape, node->in[1].shape);
}

void fpc_cuda_depthwise_grad_w_need(const fpc_node *node, fpc_need *need)
{
    const conv_shape s = shape_of(node);
    const fpc_shape x = node->in[0].shape, y = node->in[1].shape;
    int32_t pieces = 1;
    with_type(node->in[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const int32_t chunk = chunk_of<T>(s);
        pieces =
            chunk ? shares_of(dw_tiles_of(x, y, s.pad, chunk)) : cut_of(s, s.c % wide<T>::n ? 1 : wide<T>::n).pieces;
        return FPC_OK;
    });
    need->shared = (size_t)pieces * (size_t)count_of(node->out[0]) * sizeof(float);
}

fpc_status fpc_cuda_depthwise_grad_w_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const conv_shape s = shape_of(node);
    return with_type(node->in[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const int32_t chunk = chunk_of<T>(s);
        if (chunk)
            return run_slide<T>(x, node, dw_tiles_of(node->in[0].shape, node->in[1].shape, s.pad, chunk));
        return s.c % wide<T>::n ? run_taps<T, 1>(x, node, s) : run_taps<T, wide<T>::n>(x, node, s);
    });
}
