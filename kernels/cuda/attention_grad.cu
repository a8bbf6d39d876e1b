/* attention_grad.cu: gradient of attention.cu. Probabilities are computed again from the log-sum-exp:
 *   P = exp(scale q k^T - lse), m: dropout's factors, D = rowsum(do o), dS = P (m (do v^T) - D) scale,
 *   dq = dS k, dk = dS^T q, dv = (m P)^T do.
 * One kernel goes over tiles of queries for dq, and leaves D in work memory; another over tiles of keys for dk and dv.
 * An image has few keys, so its queries are cut into pieces by a rule of the shapes alone; each piece leaves its sums
 * in work memory, and a third kernel adds the pieces in order. No atomics: two runs give the same bits. */
#include "kernels/cuda/attention.h"

enum { KEY_BLOCKS = 528 }; /* blocks that are enough to fill a device */

template <class T> struct gradient_of {
    attention_of<T> s;
    const T *o, *d_o;
    const float *lse;
    float *delta; /* D, as lse lies */
    T *dq, *dk, *dv;
    float *sums; /* of each piece: dk, dv; NULL: one piece */
    int32_t pieces;
};

/* ---- dq: a warp owns 16 queries, keys go by ---- */

/* Warps of a block, keys of a tile, tiles in shared memory, keys that a warp works on at a time, blocks that a
 * multiprocessor should hold; KEPT: q and do in registers */
template <int WARPS_, int KEYS_, int STAGES_, int STEP_, int BLOCKS_, bool KEPT_> struct query_tile_of {
    static const int WARPS = WARPS_, KEYS = KEYS_, STAGES = STAGES_, STEP = STEP_, BLOCKS = BLOCKS_, ROWS = 16 * WARPS_;
    static const bool KEPT = KEPT_;
};
template <class T, int D> struct query_tile;
template <class T> struct query_tile<T, 32> : query_tile_of<4, 128, 2, 32, 4, true> {
};
template <class T> struct query_tile<T, 64> : query_tile_of<4, 64, 2, 32, 3, true> {
};
template <class T> struct query_tile<T, 128> : query_tile_of<4, 32, 2, 32, 3, false> {
};
template <class T> struct query_tile<T, 256> : query_tile_of<2, 32, 1, 16, 3, false> {
};
template <> struct query_tile<float, 32> : query_tile_of<4, 64, 1, 32, 3, false> {
};
template <> struct query_tile<float, 64> : query_tile_of<4, 32, 1, 32, 3, false> {
};
template <> struct query_tile<float, 128> : query_tile_of<2, 32, 1, 16, 3, false> {
};
template <> struct query_tile<float, 256> : query_tile_of<1, 16, 1, 16, 3, false> {
};

template <class T, int D> struct query_room { /* in numbers: q and do of each warp, then buffers of keys and values */
    typedef query_tile<T, D> tile;
    static const int stride = row_stride<T, D>::value, own = 2 * 16 * stride, keys = tile::KEYS * stride;
    static const size_t bytes = sizeof(T) * (size_t)(tile::WARPS * own + tile::STAGES * 2 * keys);
};

/* D of rows g and g + 8: do is in shared memory, o is not. Also to memory. */
template <class T, int D>
DEVICE void sums_of_rows(const gradient_of<T> &r, const T *d_o, int64_t row, int64_t at, int head, int valid,
                         float (&delta)[2])
{
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, stride = row_stride<T, D>::value;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int i = g + 8 * h;
        float sum = 0;
        if (i < valid) {
            const T *o = r.o + at + (int64_t)i * r.s.c;
            if (r.s.chunk == 16) {
                const int each = wide<T>::n;
                for (int j = t * each; j < r.s.d; j += 4 * each) {
                    const pack<T, each> a = *reinterpret_cast<const pack<T, each> *>(o + j);
                    const pack<T, each> b = *reinterpret_cast<const pack<T, each> *>(d_o + i * stride + j);
#pragma unroll
                    for (int k = 0; k < each; k++)
                        sum += to_float(a.v[k]) * to_float(b.v[k]);
                }
            } else {
                for (int j = t; j < r.s.d; j += 4)
                    sum += to_float(o[j]) * to_float(d_o[i * stride + j]);
            }
        }
        sum += __shfl_xor_sync(FULL_MASK, sum, 1);
        sum += __shfl_xor_sync(FULL_MASK, sum, 2);
        delta[h] = sum;
        if (t == 0 && i < valid)
            r.delta[(row + i) * r.s.heads + head] = sum;
    }
}

/* A warp's 16 queries and `valid` of a tile's keys, without the factor scale. */
template <class T, int D>
DEVICE void query_gradient(const attention_of<T> &s, const dropout_draw &draw,
                           const left_rows<T, D, query_tile<T, D>::KEPT> &q,
                           const left_rows<T, D, query_tile<T, D>::KEPT> &d_o, const T *k, const T *v, uint32_t row0,
                           int key, int valid, const float (&lse)[2], const float (&delta)[2], float (&dq)[D / 8][4])
{
    const int STEP = query_tile<T, D>::STEP, stride = row_stride<T, D>::value, t = threadIdx.x % 4;
    for (int j = 0; j < valid; j += STEP) {
        float p[STEP / 8][4], dp[STEP / 8][4];
        clear(p);
        rows_times_rows<T, D, STEP>(p, q, k + j * stride);
        clear(dp);
        rows_times_rows<T, D, STEP>(dp, d_o, v + j * stride);
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                p[n][e] = exponential<T>(p[n][e], s.scale, lse[e / 2]);
        if (valid - j < STEP) { /* behind the last key */
#pragma unroll
            for (int n = 0; n < STEP / 8; n++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    if (j + 8 * n + 2 * t + e % 2 >= valid)
                        p[n][e] = 0;
        }
        if (draw.on) {
#pragma unroll
            for (int n = 0; n < STEP / 8; n += 2) {
                const uint32_t kept =
                    kept_of_queries(draw, row0, (uint32_t)s.heads, (uint32_t)(key + j) / 8 + (uint32_t)n);
#pragma unroll
                for (int i = 0; i < 8; i++)
                    dp[n + i / 4][i % 4] *= query_is_kept(kept, i / 4, i % 4) ? s.keep : 0;
            }
        }
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                p[n][e] *= dp[n][e] - delta[e / 2];
        add_times_rows<T, STEP, D>(dq, p, k + j * stride, stride);
    }
}

/* Block x: image, head and `turns` tiles of queries. */
template <class T, int D>
static __global__ void __launch_bounds__(32 * query_tile<T, D>::WARPS, query_tile<T, D>::BLOCKS)
    queries(const gradient_of<T> r, int32_t turns, int32_t blocks)
{
    typedef query_tile<T, D> tile;
    typedef query_room<T, D> room;
    FPC_DYNAMIC_SHARED(T, shared);
    const attention_of<T> &s = r.s;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4;
    const query_block b = query_block_of(s, turns * tile::ROWS, blocks);
    const int image = b.image, head = b.head, first = b.first;
    const dropout_draw draw = dropout_of(s);
    T *const own = shared + warp * room::own, *const own_do = own + room::own / 2;
    T *const buffers = shared + tile::WARPS * room::own;

    const auto fetch = [&](int i) { fetch_keys<tile, D>(s, b, buffers, room::keys, i); };
    for (int turn = 0; turn < turns && first + turn * tile::ROWS < s.nq; turn++) {
        const int at = first + turn * tile::ROWS + 16 * warp, valid = s.nq - at < 16 ? s.nq - at : 16;
        const int64_t row = (int64_t)image * s.nq + at, rows_at = row * s.c + head * s.d;
        left_rows<T, D, tile::KEPT> q(own), d_o(own_do);
        float lse[2] = {0, 0}, delta[2], dq[D / 8][4];
        clear(dq);
        if (valid > 0) {
            copy_rows<T, D>(s, own, s.q + rows_at, 16, valid, lane, 32);
            copy_rows<T, D>(s, own_do, r.d_o + rows_at, 16, valid, lane, 32);
            for (int h = 0; h < 2; h++)
                if (g + 8 * h < valid)
                    lse[h] = r.lse[(row + g + 8 * h) * s.heads + head];
            copy_wait();
            __syncwarp();
            q.take();
            d_o.take();
            sums_of_rows<T, D>(r, own_do, row, rows_at, head, valid, delta);
        }
        const auto compute = [&](int i) {
            if (valid <= 0)
                return;
            const T *k = buffers + i % tile::STAGES * 2 * room::keys;
            const int left = s.nk - i * tile::KEYS;
            query_gradient<T, D>(s, draw, q, d_o, k, k + room::keys, (uint32_t)(row * s.heads + head), i * tile::KEYS,
                                 left < tile::KEYS ? left : tile::KEYS, lse, delta, dq);
        };
        walk_tiles<tile::STAGES>((s.nk + tile::KEYS - 1) / tile::KEYS, turn, fetch, compute);
        const float factor[2] = {s.scale, s.scale};
        if (valid > 0)
            store_rows<T, D>(s, r.dq + rows_at, own, dq, factor, valid);
    }
}

/* ---- dk and dv: a warp owns 16 keys, queries go by ---- */

/* Groups of 16 keys and of D / PARTS channels: a warp for each pair; queries of a tile, tiles in shared memory, queries
 * that a warp works on at a time, blocks that a multiprocessor should hold; KEPT: k and v in registers */
template <int GROUPS_, int PARTS_, int QUERIES_, int STAGES_, int STEP_, int BLOCKS_, bool KEPT_> struct key_tile_of {
    static const int GROUPS = GROUPS_, PARTS = PARTS_, QUERIES = QUERIES_, STAGES = STAGES_, STEP = STEP_;
    static const int WARPS = GROUPS * PARTS, ROWS = 16 * GROUPS, BLOCKS = BLOCKS_;
    static const bool KEPT = KEPT_;
};
template <class T, int D> struct key_tile;
template <class T> struct key_tile<T, 32> : key_tile_of<8, 1, 64, 2, 32, 2, true> {
};
template <class T> struct key_tile<T, 64> : key_tile_of<4, 1, 32, 2, 16, 3, true> {
};
template <class T> struct key_tile<T, 128> : key_tile_of<4, 1, 32, 2, 16, 2, false> {
};
template <class T> struct key_tile<T, 256> : key_tile_of<2, 2, 32, 1, 16, 2, false> {
};
template <> struct key_tile<float, 32> : key_tile_of<4, 1, 32, 1, 32, 2, false> {
};
template <> struct key_tile<float, 64> : key_tile_of<4, 1, 32, 1, 16, 3, false> {
};
template <> struct key_tile<float, 128> : key_tile_of<2, 2, 32, 1, 16, 3, false> {
};
template <> struct key_tile<float, 256> : key_tile_of<1, 4, 16, 1, 16, 2, false> {
};

/* In numbers: k and v, then buffers of q and do; then, in floats, lse and D of each buffer */
template <class T, int D> struct key_room {
    typedef key_tile<T, D> tile;
    static const int stride = row_stride<T, D>::value, keys = tile::ROWS * stride, queries = tile::QUERIES * stride;
    static const int numbers = 2 * keys + tile::STAGES * 2 * queries;
    static const size_t bytes =
        sizeof(T) * (size_t)numbers + sizeof(float) * (size_t)(tile::STAGES * 2 * tile::QUERIES);
};

/* A warp's 16 keys, from index `key`, and `valid` of a tile's queries, without the factors. row0: of the tile's first
 * query for dropout. lse, delta: of the queries. d_o and q to be added: from the warp's channels on. */
template <class T, int D>
DEVICE void key_gradient(const attention_of<T> &s, const dropout_draw &draw,
                         const left_rows<T, D, key_tile<T, D>::KEPT> &k, const left_rows<T, D, key_tile<T, D>::KEPT> &v,
                         const T *q, const T *d_o, const float *lse, const float *delta, int channel, uint32_t row0,
                         int key, int valid, float (&dk)[D / key_tile<T, D>::PARTS / 8][4],
                         float (&dv)[D / key_tile<T, D>::PARTS / 8][4])
{
    const int STEP = key_tile<T, D>::STEP, PART = D / key_tile<T, D>::PARTS, stride = row_stride<T, D>::value;
    const int t = threadIdx.x % 4;
    for (int j = 0; j < valid; j += STEP) {
        float p[STEP / 8][4], dp[STEP / 8][4];
        clear(p);
        rows_times_rows<T, D, STEP>(p, k, q + j * stride);
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                p[n][e] = exponential<T>(p[n][e], s.scale, lse[j + 8 * n + 2 * t + e % 2]);
        if (draw.on) { /* from here on the sign of a probability says whether it is dropped */
#pragma unroll
            for (int n = 0; n < STEP / 8; n += 2) {
                uint32_t kept[2][2];
                kept_of_keys(draw, row0 + (uint32_t)((j + 8 * n) * s.heads), (uint32_t)s.heads, (uint32_t)key / 8,
                             kept);
#pragma unroll
                for (int i = 0; i < 8; i++)
                    if (!key_is_kept(kept, i / 4, i % 4))
                        p[n + i / 4][i % 4] = -p[n + i / 4][i % 4];
            }
        }
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                dp[n][e] = p[n][e] < 0 ? 0 : p[n][e];
        add_times_rows<T, STEP, PART>(dv, dp, d_o + j * stride + channel, stride);
        clear(dp);
        rows_times_rows<T, D, STEP>(dp, v, d_o + j * stride);
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const float through = p[n][e] < 0 ? 0 : dp[n][e] * s.keep;
                p[n][e] = fabsf(p[n][e]) * (through - delta[j + 8 * n + 2 * t + e % 2]);
            }
        add_times_rows<T, STEP, PART>(dk, p, q + j * stride + channel, stride);
    }
}

/* An accumulator of W channels from `channel` on, times factor, to `valid` rows of d numbers, c apart. */
template <class OUT, int W, class T>
DEVICE void store_sums(const attention_of<T> &s, OUT *to, const float (&x)[W / 8][4], float factor, int channel,
                       int valid)
{
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int n = 0; n < W / 8; n++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const int at = channel + 8 * n + 2 * t;
            OUT *row = to + (int64_t)(g + 8 * h) * s.c;
            pack<OUT, 2> two;
            two.v[0] = from_float<OUT>(x[n][2 * h] * factor);
            two.v[1] = from_float<OUT>(x[n][2 * h + 1] * factor);
            if (g + 8 * h >= valid)
                continue;
            if (at + 1 < s.d && s.d % 2 == 0) {
                *reinterpret_cast<pack<OUT, 2> *>(row + at) = two;
            } else {
                if (at < s.d)
                    row[at] = two.v[0];
                if (at + 1 < s.d)
                    row[at + 1] = two.v[1];
            }
        }
}

/* Block (x, y): image, head and tile of keys; piece of the queries. count: numbers of k. */
template <class T, int D>
static __global__ void __launch_bounds__(32 * key_tile<T, D>::WARPS, key_tile<T, D>::BLOCKS)
    keys(const gradient_of<T> r, int32_t blocks, int64_t count)
{
    typedef key_tile<T, D> tile;
    typedef key_room<T, D> room;
    FPC_DYNAMIC_SHARED(T, shared);
    const attention_of<T> &s = r.s;
    const int warp = threadIdx.x / 32, group = warp / tile::PARTS, PART = D / tile::PARTS;
    const int channel = warp % tile::PARTS * PART;
    const int unit = (int)blockIdx.x / blocks, image = unit / s.heads, head = unit % s.heads;
    const int first = (int)blockIdx.x % blocks * tile::ROWS, key = first + 16 * group, threads = 32 * tile::WARPS;
    const int valid = s.nk - key < 16 ? s.nk - key : 16;
    const int tiles = (s.nq + tile::QUERIES - 1) / tile::QUERIES, piece = (int)blockIdx.y;
    const int from = (int)((int64_t)tiles * piece / r.pieces), end = (int)((int64_t)tiles * (piece + 1) / r.pieces);
    const int64_t keys_at = ((int64_t)image * s.nk + first) * s.c + head * s.d;
    const dropout_draw draw = dropout_of(s);
    T *const buffers = shared + 2 * room::keys;
    float *const rows = reinterpret_cast<float *>(shared + room::numbers);
    left_rows<T, D, tile::KEPT> k(shared + group * 16 * room::stride);
    left_rows<T, D, tile::KEPT> v(shared + room::keys + group * 16 * room::stride);
    float dk[PART / 8][4], dv[PART / 8][4];

    clear(dk);
    clear(dv);
    copy_rows<T, D>(s, shared, s.k + keys_at, tile::ROWS, s.nk - first, threadIdx.x, threads);
    copy_rows<T, D>(s, shared + room::keys, s.v + keys_at, tile::ROWS, s.nk - first, threadIdx.x, threads);
    copy_wait();
    __syncthreads();
    k.take();
    v.take();
    const auto fetch = [&](int i) {
        const int at = (from + i) * tile::QUERIES, left = s.nq - at;
        const int64_t row = (int64_t)image * s.nq + at, row_at = row * s.c + head * s.d;
        T *to = buffers + i % tile::STAGES * 2 * room::queries;
        float *sums = rows + i % tile::STAGES * 2 * tile::QUERIES;
        copy_rows<T, D>(s, to, s.q + row_at, tile::QUERIES, left, threadIdx.x, threads);
        copy_rows<T, D>(s, to + room::queries, r.d_o + row_at, tile::QUERIES, left, threadIdx.x, threads);
        for (int j = threadIdx.x; j < 2 * tile::QUERIES; j += threads) {
            const int query = j % tile::QUERIES, there = query < left;
            const float *of = j < tile::QUERIES ? r.lse : r.delta;
            copy_async<4>(sums + j, of + (there ? (row + query) * s.heads + head : 0), there);
        }
    };
    const auto compute = [&](int i) {
        if (valid <= 0)
            return;
        const int at = (from + i) * tile::QUERIES, left = s.nq - at;
        const T *q = buffers + i % tile::STAGES * 2 * room::queries;
        const float *lse = rows + i % tile::STAGES * 2 * tile::QUERIES;
        key_gradient<T, D>(s, draw, k, v, q, q + room::queries, lse, lse + tile::QUERIES, channel,
                           (uint32_t)(((int64_t)image * s.nq + at) * s.heads + head), key,
                           left < tile::QUERIES ? left : tile::QUERIES, dk, dv);
    };
    walk_tiles<tile::STAGES>(end - from, 0, fetch, compute);
    if (valid <= 0)
        return;
    const int64_t to = keys_at + (int64_t)group * 16 * s.c;
    if (r.sums) {
        float *sums = r.sums + piece * 2 * count + to;
        store_sums<float, D / tile::PARTS>(s, sums, dk, s.scale, channel, valid);
        store_sums<float, D / tile::PARTS>(s, sums + count, dv, s.keep, channel, valid);
    } else {
        store_sums<T, D / tile::PARTS>(s, r.dk + to, dk, s.scale, channel, valid);
        store_sums<T, D / tile::PARTS>(s, r.dv + to, dv, s.keep, channel, valid);
    }
}

/* Row y of the grid: dk, dv. EACH divides count. */
template <class T, int EACH>
static __global__ void add_pieces(const float *sums, int32_t pieces, int64_t count, T *dk, T *dv)
{
    const int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) * EACH;
    const float *from = sums + blockIdx.y * count + i;
    T *to = (blockIdx.y ? dv : dk) + i;
    if (i >= count)
        return;
    pack<float, EACH> sum = *reinterpret_cast<const pack<float, EACH> *>(from);
    for (int p = 1; p < pieces; p++) {
        const pack<float, EACH> x = *reinterpret_cast<const pack<float, EACH> *>(from + p * 2 * count);
        for (int j = 0; j < EACH; j++)
            sum.v[j] += x.v[j];
    }
    pack<T, EACH> y;
    for (int j = 0; j < EACH; j++)
        y.v[j] = from_float<T>(sum.v[j]);
    *reinterpret_cast<pack<T, EACH> *>(to) = y;
}

/* ---- on the host ---- */

/* How many pieces the queries of an image are cut into: at least two tiles each. */
template <class T, int D> static int32_t pieces_of(const fpc_node *node)
{
    typedef key_tile<T, D> tile;
    const fpc_shape q = node->in[0].shape, k = node->in[1].shape;
    const int64_t heads = static_cast<const fpc_attention_attr *>(node->attr)->heads;
    const int64_t blocks = q.n * heads * (((int64_t)k.h * k.w + tile::ROWS - 1) / tile::ROWS);
    const int64_t most = (((int64_t)q.h * q.w + tile::QUERIES - 1) / tile::QUERIES) / 2;
    const int64_t wanted = (KEY_BLOCKS + blocks / 2) / blocks;
    return (int32_t)(wanted > most ? (most < 1 ? 1 : most) : wanted < 1 ? 1 : wanted);
}

static size_t delta_bytes(const fpc_node *node)
{
    return ((size_t)count_of(node->in[4]) * sizeof(float) + 63) / 64 * 64;
}

static int head_width(const fpc_node *node)
{
    return node->in[0].shape.c / static_cast<const fpc_attention_attr *>(node->attr)->heads;
}

void fpc_cuda_attention_grad_need(const fpc_node *node, fpc_need *need)
{
    with_type(node->in[0].dtype, [&](auto number) {
        return with_width(head_width(node), [&](auto width) {
            const int32_t pieces = pieces_of<decltype(number), decltype(width)::value>(node);
            need->shared = delta_bytes(node);
            if (pieces > 1)
                need->shared += 2 * (size_t)pieces * (size_t)count_of(node->in[1]) * sizeof(float);
            return FPC_OK;
        });
    });
}

template <class T> static fpc_status add_up(fpc_exec *x, const fpc_node *node, const gradient_of<T> &r)
{
    const int64_t count = count_of(node->in[1]);
    dim3 grid = blocks_for(count, count % 4 ? 256 : 4 * 256, INT32_MAX);
    grid.y = 2;
    return count % 4 ? launch(add_pieces<T, 1>, grid, dim3(256), 0, x, node, r.sums, r.pieces, count, r.dk, r.dv)
                     : launch(add_pieces<T, 4>, grid, dim3(256), 0, x, node, r.sums, r.pieces, count, r.dk, r.dv);
}

template <class T, int D> static fpc_status gradient(fpc_exec *x, const fpc_node *node)
{
    typedef query_tile<T, D> over_queries;
    typedef key_tile<T, D> over_keys;
    const int64_t count = count_of(node->in[1]);
    gradient_of<T> r = {};
    r.s = attention_for<T>(node, 6);
    r.o = data_of<const T>(node->in[3]);
    r.lse = data_of<const float>(node->in[4]);
    r.d_o = data_of<const T>(node->in[5]);
    r.dq = data_of<T>(node->out[0]);
    r.dk = data_of<T>(node->out[1]);
    r.dv = data_of<T>(node->out[2]);
    r.delta = static_cast<float *>(fpc_exec_shared(x));
    r.pieces = pieces_of<T, D>(node);
    if (r.pieces > 1)
        r.sums = reinterpret_cast<float *>(static_cast<char *>(fpc_exec_shared(x)) + delta_bytes(node));

    const unsigned units = (unsigned)(node->in[0].shape.n * r.s.heads);
    const int32_t query_tiles = (r.s.nq + over_queries::ROWS - 1) / over_queries::ROWS;
    const int32_t turns = r.s.nk <= over_queries::KEYS * over_queries::STAGES ? turns_of(units, query_tiles) : 1;
    const unsigned query_blocks = (unsigned)((query_tiles + turns - 1) / turns);
    const unsigned key_blocks = (unsigned)((r.s.nk + over_keys::ROWS - 1) / over_keys::ROWS);
    fpc_status st = launch(queries<T, D>, dim3(units * query_blocks), dim3(32 * over_queries::WARPS),
                           query_room<T, D>::bytes, x, node, r, turns, (int32_t)query_blocks);
    if (st == FPC_OK)
        st = launch(keys<T, D>, dim3(units * key_blocks, (unsigned)r.pieces), dim3(32 * over_keys::WARPS),
                    key_room<T, D>::bytes, x, node, r, (int32_t)key_blocks, count);
    return st == FPC_OK && r.sums ? add_up(x, node, r) : st;
}

fpc_status fpc_cuda_attention_grad_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    return with_type(node->in[0].dtype, [&](auto number) {
        return with_width(head_width(node),
                          [&](auto width) { return gradient<decltype(number), decltype(width)::value>(x, node); });
    });
}
