/* attention.h: what attention.cu and attention_grad.cu share. Both work as flash attention does (Dao et al. 2022, "Fast
 * and memory-efficient exact attention with IO-awareness"; Dao 2023, "FlashAttention-2"): a warp owns 16 rows of the
 * matrix of scores and meets the columns block by block, so scores live in registers only. All kernels are written
 * with two products, rows_times_rows and add_times_rows, which are tensor-core instructions for halves and plain
 * arithmetic for float; whichever it is, lane 4g + t holds of an accumulator x[n][e] what an m16n8 fragment holds:
 * row g + 8 (e / 2), column 8n + 2t + e % 2. Heads are padded with zeros to the width D in shared memory. */
#ifndef KERNELS_CUDA_ATTENTION_H
#define KERNELS_CUDA_ATTENTION_H

#include "kernels/cuda/ptx.h"
#include <fpcore/rng.h>

enum { ATTENTION_MAX_WIDTH = 256 };
#define LOG2_E 1.44269504088896340736f

/* By value into every kernel. Head e owns the channels [e d, (e+1) d) of c = heads d. */
template <class T> struct attention_of {
    const T *q, *k, *v;
    const int32_t *clock; /* NULL: no dropout */
    int32_t nq, nk, c, heads, d;
    int32_t chunk; /* bytes that are copied at once: 16 or 8, of which a head is a whole number; 0: number by number */
    float scale, keep;
    uint32_t threshold, stream;
};

template <class T> static attention_of<T> attention_for(const fpc_node *node, int clock_at)
{
    const fpc_attention_attr *a = static_cast<const fpc_attention_attr *>(node->attr);
    const fpc_shape q = node->in[0].shape, k = node->in[1].shape;
    attention_of<T> s = {};
    s.q = data_of<const T>(node->in[0]);
    s.k = data_of<const T>(node->in[1]);
    s.v = data_of<const T>(node->in[2]);
    s.nq = q.h * q.w;
    s.nk = k.h * k.w;
    s.c = q.c;
    s.heads = a->heads;
    s.d = q.c / a->heads;
    s.chunk = s.d * (int)sizeof(T) % 16 == 0 ? 16 : s.d * (int)sizeof(T) % 8 == 0 ? 8 : 0;
    s.scale = a->scale;
    s.keep = 1;
    if (node->n_in > clock_at && a->drop > 0) {
        s.clock = data_of<const int32_t>(node->in[clock_at]);
        s.keep = fpc_drop_scale(a->drop);
        s.threshold = fpc_drop_threshold(a->drop) < 65535 ? fpc_drop_threshold(a->drop) : 65535;
        s.stream = a->stream;
    }
    return s;
}

static inline int attention_matches(const fpc_node *node)
{
    return node->in[0].shape.c / static_cast<const fpc_attention_attr *>(node->attr)->heads <= ATTENTION_MAX_WIDTH;
}

template <int D> struct padded_width {
    static const int value = D;
};
/* Calls f(padded_width<D>()) for the smallest D that holds heads of width d. */
template <class F> static fpc_status with_width(int d, F f)
{
    return d <= 32    ? f(padded_width<32>())
           : d <= 64  ? f(padded_width<64>())
           : d <= 128 ? f(padded_width<128>())
                      : f(padded_width<256>());
}

template <class T> struct is_half {
    static const bool value = sizeof(T) == 2;
};
/* Numbers between the beginnings of rows in shared memory: 16 bytes more than the row, so that the rows which a warp
 * reads at once begin in different banks. */
template <class T, int D> struct row_stride {
    static const int value = D + 16 / (int)sizeof(T);
};

/* ---- between memory and shared memory ---- */

template <class T, int D, int BYTES>
DEVICE void copy_chunks(const attention_of<T> &s, T *to, const T *from, int rows, int valid, int thread, int threads)
{
    const int each = BYTES / (int)sizeof(T), chunks = D / each;
    for (int i = thread; i < rows * chunks; i += threads) {
        const int row = i / chunks, at = i % chunks * each, there = row < valid && at < s.d;
        copy_async<BYTES>(to + row * row_stride<T, D>::value + at, there ? from + (int64_t)row * s.c + at : from,
                          there);
    }
}

/* Starts copying `valid` rows of d numbers, c apart, and zeros up to `rows` rows of D, by threads thread, thread +
 * threads, ...: to be waited for by copy_wait and a barrier. */
template <class T, int D>
DEVICE void copy_rows(const attention_of<T> &s, T *to, const T *from, int rows, int valid, int thread, int threads)
{
    if (s.chunk == 16) {
        copy_chunks<T, D, 16>(s, to, from, rows, valid, thread, threads);
    } else if (s.chunk == 8) {
        copy_chunks<T, D, 8>(s, to, from, rows, valid, thread, threads);
    } else {
        for (int i = thread; i < rows * D; i += threads) {
            const int row = i / D, at = i % D;
            to[row * row_stride<T, D>::value + at] =
                row < valid && at < s.d ? from[(int64_t)row * s.c + at] : from_float<T>(0);
        }
    }
}

template <class T, int D, int EACH> DEVICE void store_chunks(const attention_of<T> &s, T *to, const T *room, int valid)
{
    const int chunks = D / EACH;
    for (int i = threadIdx.x % 32; i < valid * chunks; i += 32) {
        const int row = i / chunks, at = i % chunks * EACH;
        if (at < s.d)
            *reinterpret_cast<pack<T, EACH> *>(to + (int64_t)row * s.c + at) =
                *reinterpret_cast<const pack<T, EACH> *>(room + row * row_stride<T, D>::value + at);
    }
}

/* A warp's accumulator, rows g times factor[0] and rows g + 8 times factor[1], to `valid` rows of d numbers, c apart:
 * through `room`, 16 rows of shared memory that are the warp's own. */
template <class T, int D>
DEVICE void store_rows(const attention_of<T> &s, T *to, T *room, const float (&x)[D / 8][4], const float (&factor)[2],
                       int valid)
{
    const int stride = row_stride<T, D>::value, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    __syncwarp();
#pragma unroll
    for (int n = 0; n < D / 8; n++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            pack<T, 2> two;
            two.v[0] = from_float<T>(x[n][2 * h] * factor[h]);
            two.v[1] = from_float<T>(x[n][2 * h + 1] * factor[h]);
            *reinterpret_cast<pack<T, 2> *>(room + (g + 8 * h) * stride + 8 * n + 2 * t) = two;
        }
    __syncwarp();
    if (s.chunk == 16)
        store_chunks<T, D, 16 / sizeof(T)>(s, to, room, valid);
    else if (s.chunk == 8)
        store_chunks<T, D, 8 / sizeof(T)>(s, to, room, valid);
    else
        store_chunks<T, D, 1>(s, to, room, valid);
    __syncwarp();
}

/* Goes over tiles 0 ... tiles - 1 by fetch(i), which starts copies into buffer i % STAGES, and compute(i). Every thread
 * of the block takes part. With two buffers a tile is fetched while the one before it is computed with. Turns after the
 * first find the tiles where they are: there must be a buffer for each. */
template <int STAGES, class Fetch, class Compute>
DEVICE void walk_tiles(int tiles, int turn, Fetch fetch, Compute compute)
{
    for (int i = 1 - STAGES; i < tiles; i++) {
        if (STAGES == 1 && turn == 0) {
            if (i > 0)
                __syncthreads(); /* everyone is done with the tile before */
            fetch(i);
        }
        if (i >= 0 && turn == 0) {
            copy_wait();
            __syncthreads();
        }
        if (STAGES == 2 && turn == 0 && i + 1 < tiles)
            fetch(i + 1); /* over tile i - 1, which everyone left before the barrier above */
        if (i >= 0)
            compute(i);
    }
}

/* How many tiles of queries a block takes in turn, so that `tiles` of each of `units` heads still fill a device. (Less
 * than 1024 blocks, by -D: small cases take turns, too.) */
#ifndef FPC_CUDA_QUERY_BLOCKS
#define FPC_CUDA_QUERY_BLOCKS 1024
#endif
enum { QUERY_BLOCKS = FPC_CUDA_QUERY_BLOCKS, MOST_TURNS = 8 };
static inline int32_t turns_of(int64_t units, int64_t tiles)
{
    const int64_t turns = units * tiles / QUERY_BLOCKS;
    return (int32_t)(turns < 1 ? 1 : turns > MOST_TURNS ? (int64_t)MOST_TURNS : turns);
}

/* What a block that owns queries works on: image, head, its first query, and where the head's keys and values begin. */
struct query_block {
    int image, head, first;
    int64_t keys_at;
};
template <class T> DEVICE query_block query_block_of(const attention_of<T> &s, int queries, int32_t blocks)
{
    const int unit = (int)blockIdx.x / blocks, image = unit / s.heads, head = unit % s.heads;
    return {image, head, (int)blockIdx.x % blocks * queries, (int64_t)image * s.nk * s.c + head * s.d};
}

/* Starts copies of tile i of the keys, and of the values behind them, each of `numbers` with what pads it. */
template <class TILE, int D, class T>
DEVICE void fetch_keys(const attention_of<T> &s, const query_block &b, T *buffers, int numbers, int i)
{
    T *to = buffers + i % TILE::STAGES * 2 * numbers;
    const int64_t from = b.keys_at + (int64_t)i * TILE::KEYS * s.c;
    const int left = s.nk - i * TILE::KEYS;
    copy_rows<T, D>(s, to, s.k + from, TILE::KEYS, left, threadIdx.x, 32 * TILE::WARPS);
    copy_rows<T, D>(s, to + numbers, s.v + from, TILE::KEYS, left, threadIdx.x, 32 * TILE::WARPS);
}

/* ---- products ---- */

/* The 16 rows that a warp multiplies from the left: in shared memory, and KEPT in registers where that fits. */
template <class T, int D, bool KEPT> struct left_rows {
    const T *at; /* halves: where the lane reads */
    uint32_t r[KEPT ? D / 16 : 1][4];

    DEVICE explicit left_rows(const T *first) : at(first)
    {
        const int lane = threadIdx.x % 32;
        if (is_half<T>::value)
            at += lane % 16 * row_stride<T, D>::value + lane / 16 * 8;
    }
    /* when the rows have arrived */
    DEVICE void take()
    {
        if constexpr (KEPT) {
#pragma unroll
            for (int k = 0; k < D / 16; k++)
                load_matrix(r[k], at + 16 * k);
        }
    }
};

/* x += left right^T: right: N rows of D in shared memory. */
template <class T, int D, int N, bool KEPT>
DEVICE void rows_times_rows(float (&x)[N / 8][4], const left_rows<T, D, KEPT> &left, const T *right)
{
    const int stride = row_stride<T, D>::value, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    if constexpr (is_half<T>::value) {
        const T *from = right + (lane / 16 * 8 + lane % 8) * stride + lane / 8 % 2 * 8;
#pragma unroll
        for (int k = 0; k < D / 16; k++) {
            uint32_t a[4], b[4];
            if constexpr (KEPT)
                a[0] = left.r[k][0], a[1] = left.r[k][1], a[2] = left.r[k][2], a[3] = left.r[k][3];
            else
                load_matrix(a, left.at + 16 * k);
#pragma unroll
            for (int n = 0; n < N / 16; n++) {
                load_matrix(b, from + 16 * n * stride + 16 * k);
                multiply_add<T>(x[2 * n], a, b[0], b[1]);
                multiply_add<T>(x[2 * n + 1], a, b[2], b[3]);
            }
        }
    } else {
        typedef pack<float, 4> four;
        const float *a0 = left.at + g * stride, *a1 = a0 + 8 * stride, *b = right + 2 * t * stride;
        for (int k = 0; k < D; k += 4) {
            const four p = *reinterpret_cast<const four *>(a0 + k), q = *reinterpret_cast<const four *>(a1 + k);
#pragma unroll
            for (int n = 0; n < N / 8; n++) {
                const four u = *reinterpret_cast<const four *>(b + 8 * n * stride + k);
                const four v = *reinterpret_cast<const four *>(b + (8 * n + 1) * stride + k);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    x[n][0] += p.v[i] * u.v[i];
                    x[n][1] += p.v[i] * v.v[i];
                    x[n][2] += q.v[i] * u.v[i];
                    x[n][3] += q.v[i] * v.v[i];
                }
            }
        }
    }
}

/* x += p right: p: an accumulator of N columns, right: N rows in shared memory, of which W columns count; stride:
 * between its rows. */
template <class T, int N, int W>
DEVICE void add_times_rows(float (&x)[W / 8][4], const float (&p)[N / 8][4], const T *right, int stride)
{
    const int lane = threadIdx.x % 32, t = lane % 4;
    if constexpr (is_half<T>::value) {
        const T *from = right + lane % 16 * stride + lane / 16 * 8;
#pragma unroll
        for (int k = 0; k < N / 16; k++) {
            const uint32_t a[4] = {pair_of<T>(p[2 * k][0], p[2 * k][1]), pair_of<T>(p[2 * k][2], p[2 * k][3]),
                                   pair_of<T>(p[2 * k + 1][0], p[2 * k + 1][1]),
                                   pair_of<T>(p[2 * k + 1][2], p[2 * k + 1][3])};
#pragma unroll
            for (int n = 0; n < W / 16; n++) {
                uint32_t b[4];
                load_matrix_transposed(b, from + 16 * k * stride + 16 * n);
                multiply_add<T>(x[2 * n], a, b[0], b[1]);
                multiply_add<T>(x[2 * n + 1], a, b[2], b[3]);
            }
        }
    } else {
#pragma unroll
        for (int k = 0; k < N / 8; k++)
#pragma unroll
            for (int e = 0; e < 2; e++)
                for (int from = 0; from < 4; from++) { /* who holds column 8k + 2 from + e */
                    const float p0 = __shfl_sync(FULL_MASK, p[k][e], lane - t + from);
                    const float p1 = __shfl_sync(FULL_MASK, p[k][2 + e], lane - t + from);
                    const float *row = right + (8 * k + 2 * from + e) * stride + 2 * t;
#pragma unroll
                    for (int n = 0; n < W / 8; n++) {
                        const pack<float, 2> v = *reinterpret_cast<const pack<float, 2> *>(row + 8 * n);
                        x[n][0] += p0 * v.v[0];
                        x[n][1] += p0 * v.v[1];
                        x[n][2] += p1 * v.v[0];
                        x[n][3] += p1 * v.v[1];
                    }
                }
    }
}

template <int N> DEVICE void clear(float (&x)[N][4])
{
#pragma unroll
    for (int n = 0; n < N; n++)
        x[n][0] = x[n][1] = x[n][2] = x[n][3] = 0;
}

/* exp(scale x - shift). Halves: by one instruction more than the power; float: with the rounding errors of a difference
 * that is small where the result counts. */
template <class T> DEVICE float exponential(float x, float scale, float shift)
{
    if constexpr (is_half<T>::value)
        return exp2_fast(x * (scale * LOG2_E) - shift * LOG2_E);
    else
        return exp2f((x * scale - shift) * LOG2_E);
}

/* ---- dropout of probabilities: include/fpcore/rng.h ---- */

struct dropout_draw {
    uint32_t seed[2], step, stream, threshold;
    int on;
};

template <class T> DEVICE dropout_draw dropout_of(const attention_of<T> &s)
{
    dropout_draw r = {};
    r.on = s.clock != nullptr;
    if (r.on) {
        r.seed[0] = (uint32_t)s.clock[0];
        r.seed[1] = (uint32_t)s.clock[1];
        r.step = (uint32_t)s.clock[2];
        r.stream = s.stream;
        r.threshold = s.threshold << 16;
    }
    return r;
}

/* Bit i: whether element 8 block + i of a row is kept. A half-word is compared in the upper half of a word, where what
 * stands below it does not matter. */
DEVICE uint32_t kept_of_block(const dropout_draw &r, uint32_t block, uint32_t row)
{
    const fpc_u32x4 u = fpc_philox4x32(r.seed[0], r.seed[1], block, row, r.step, r.stream);
    uint32_t bits = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        bits |= u.v[i] << 16 >= r.threshold ? 1u << (2 * i) : 0;
        bits |= u.v[i] >= r.threshold ? 2u << (2 * i) : 0;
    }
    return bits;
}

/* For the 16 x 16 numbers of a warp whose rows are queries: row0: the first one's row for dropout, `heads` apart;
 * block: of the first 8 keys. Each lane draws for one row and 8 keys; the result's bit 16 (n % 2) + 8 (e / 2) + e % 2
 * is the decision about x[n][e]. */
DEVICE uint32_t kept_of_queries(const dropout_draw &r, uint32_t row0, uint32_t heads, uint32_t block)
{
    const uint32_t lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint32_t bits = kept_of_block(r, block + t / 2, row0 + (g + t % 2 * 8) * heads) << (8 * t);
    bits |= __shfl_xor_sync(FULL_MASK, bits, 1);
    bits |= __shfl_xor_sync(FULL_MASK, bits, 2);
    return bits >> (2 * t);
}
DEVICE bool query_is_kept(uint32_t bits, int n, int e)
{
    return bits >> (16 * (n % 2) + 8 * (e / 2) + e % 2) & 1;
}

/* The same for a warp whose rows are 16 keys, two blocks of 8: bit 8 (e / 2) of kept[n % 2][e % 2] for x[n][e]. */
DEVICE void kept_of_keys(const dropout_draw &r, uint32_t row0, uint32_t heads, uint32_t block, uint32_t (&kept)[2][2])
{
    const uint32_t lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint32_t bits = kept_of_block(r, block + lane / 16, row0 + lane % 16 * heads) << (lane / 16 * 8);
    bits |= __shfl_xor_sync(FULL_MASK, bits, 16);
#pragma unroll
    for (int n = 0; n < 2; n++)
#pragma unroll
        for (int e = 0; e < 2; e++)
            kept[n][e] = __shfl_sync(FULL_MASK, bits, (int)(8 * n + 2 * t) + e) >> g;
}
DEVICE bool key_is_kept(const uint32_t (&kept)[2][2], int n, int e)
{
    return kept[n % 2][e % 2] >> (e / 2 * 8) & 1;
}

/* attention_grad.cu */
void fpc_cuda_attention_grad_need(const fpc_node *, fpc_need *);
fpc_status fpc_cuda_attention_grad_run(fpc_exec *, const fpc_node *, fpc_rows);

#endif
