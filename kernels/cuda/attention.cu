/* attention.cu: softmax(scale q k^T) v within each image and head, in one pass and without a matrix of scores in memory
 * (attention.h). A warp keeps 16 queries and the running maximum, sum and weighted mean of each (Milakov and Gimelshein
 * 2018, "Online normalizer calculation for softmax"); a block's warps share the keys and values that go by. Where all
 * keys of an image fit into shared memory at once, a block stays for several tiles of queries. */
#include "kernels/cuda/attention.h"

/* Warps of a block, keys of a tile, tiles in shared memory, keys whose scores a warp holds, blocks that a
 * multiprocessor should hold; KEPT: queries in registers */
template <int WARPS_, int KEYS_, int STAGES_, int STEP_, int BLOCKS_, bool KEPT_> struct forward_tile_of {
    static const int WARPS = WARPS_, KEYS = KEYS_, STAGES = STAGES_, STEP = STEP_, BLOCKS = BLOCKS_, ROWS = 16 * WARPS_;
    static const bool KEPT = KEPT_;
};
template <class T, int D> struct forward_tile;
template <class T> struct forward_tile<T, 32> : forward_tile_of<4, 128, 2, 64, 4, true> {
};
template <class T> struct forward_tile<T, 64> : forward_tile_of<4, 64, 2, 64, 3, true> {
};
template <class T> struct forward_tile<T, 128> : forward_tile_of<4, 32, 2, 32, 3, true> {
};
template <class T> struct forward_tile<T, 256> : forward_tile_of<4, 32, 1, 32, 2, false> {
};
template <> struct forward_tile<float, 32> : forward_tile_of<4, 64, 1, 32, 4, false> {
};
template <> struct forward_tile<float, 64> : forward_tile_of<4, 64, 1, 32, 3, false> {
};
template <> struct forward_tile<float, 128> : forward_tile_of<4, 32, 1, 32, 3, false> {
};
template <> struct forward_tile<float, 256> : forward_tile_of<2, 16, 1, 16, 3, false> {
};

template <class T, int D> struct forward_room { /* in numbers: queries of each warp, then buffers of keys and values */
    typedef forward_tile<T, D> tile;
    static const int stride = row_stride<T, D>::value, own = 16 * stride, keys = tile::KEYS * stride;
    static const size_t bytes = sizeof(T) * (size_t)(tile::WARPS * own + tile::STAGES * 2 * keys);
};

/* Of rows g and g + 8, while keys go by */
template <int D> struct running_mean {
    float mean[D / 8][4], most[2], sum[2];
};

/* Scores become exp(scale (score - largest)); what was summed before shrinks to the new largest. */
template <class T, int D, int STEP>
DEVICE void normalise(running_mean<D> &run, float (&x)[STEP / 8][4], float scale, int valid)
{
    const int t = threadIdx.x % 4;
    if (valid < STEP) {
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                if (8 * n + 2 * t + e % 2 >= valid)
                    x[n][e] = -INFINITY;
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float most = run.most[h], sum = 0;
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
            most = fmaxf(most, fmaxf(x[n][2 * h], x[n][2 * h + 1]));
        most = fmaxf(most, __shfl_xor_sync(FULL_MASK, most, 1));
        most = fmaxf(most, __shfl_xor_sync(FULL_MASK, most, 2));
        const float shift = most * scale, shrink = exponential<T>(run.most[h], scale, shift);
        run.most[h] = most;
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int e = 2 * h; e < 2 * h + 2; e++) {
                x[n][e] = exponential<T>(x[n][e], scale, shift);
                sum += x[n][e];
            }
        run.sum[h] = run.sum[h] * shrink + sum;
#pragma unroll
        for (int n = 0; n < D / 8; n++) {
            run.mean[n][2 * h] *= shrink;
            run.mean[n][2 * h + 1] *= shrink;
        }
    }
}

/* A warp's 16 queries and `valid` of a tile's keys; key: the first one's index. */
template <class T, int D>
DEVICE void attend_tile(const attention_of<T> &s, const dropout_draw &draw,
                        const left_rows<T, D, forward_tile<T, D>::KEPT> &q, const T *k, const T *v, uint32_t row0,
                        int key, int valid, running_mean<D> &run)
{
    const int STEP = forward_tile<T, D>::STEP, stride = row_stride<T, D>::value;
    for (int j = 0; j < valid; j += STEP) {
        float x[STEP / 8][4];
        clear(x);
        rows_times_rows<T, D, STEP>(x, q, k + j * stride);
        normalise<T, D, STEP>(run, x, s.scale, valid - j);
        if (draw.on) {
#pragma unroll
            for (int n = 0; n < STEP / 8; n += 2) {
                const uint32_t kept =
                    kept_of_queries(draw, row0, (uint32_t)s.heads, (uint32_t)(key + j) / 8 + (uint32_t)n);
#pragma unroll
                for (int i = 0; i < 8; i++)
                    if (!query_is_kept(kept, i / 4, i % 4))
                        x[n + i / 4][i % 4] = 0;
            }
        }
        add_times_rows<T, STEP, D>(run.mean, x, v + j * stride, stride);
    }
}

/* Block x: image, head and `turns` tiles of queries. */
template <class T, int D>
static __global__ void __launch_bounds__(32 * forward_tile<T, D>::WARPS, forward_tile<T, D>::BLOCKS)
    attend(const attention_of<T> s, T *o, float *lse, int32_t turns, int32_t blocks)
{
    typedef forward_tile<T, D> tile;
    typedef forward_room<T, D> room;
    FPC_DYNAMIC_SHARED(T, shared);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4;
    const query_block b = query_block_of(s, turns * tile::ROWS, blocks);
    const int image = b.image, head = b.head, first = b.first;
    const dropout_draw draw = dropout_of(s);
    T *const own = shared + warp * room::own, *const buffers = shared + tile::WARPS * room::own;

    const auto fetch = [&](int i) { fetch_keys<tile, D>(s, b, buffers, room::keys, i); };
    for (int turn = 0; turn < turns && first + turn * tile::ROWS < s.nq; turn++) {
        const int at = first + turn * tile::ROWS + 16 * warp, valid = s.nq - at < 16 ? s.nq - at : 16;
        const int64_t row = (int64_t)image * s.nq + at, rows_at = row * s.c + head * s.d;
        left_rows<T, D, tile::KEPT> q(own);
        running_mean<D> run;
        clear(run.mean);
        run.most[0] = run.most[1] = -3e38f;
        run.sum[0] = run.sum[1] = 0;
        if (valid > 0) {
            copy_rows<T, D>(s, own, s.q + rows_at, 16, valid, lane, 32);
            copy_wait();
            __syncwarp();
            q.take();
        }
        const auto compute = [&](int i) {
            if (valid <= 0)
                return;
            const T *k = buffers + i % tile::STAGES * 2 * room::keys;
            const int left = s.nk - i * tile::KEYS;
            attend_tile<T, D>(s, draw, q, k, k + room::keys, (uint32_t)(row * s.heads + head), i * tile::KEYS,
                              left < tile::KEYS ? left : tile::KEYS, run);
        };
        walk_tiles<tile::STAGES>((s.nk + tile::KEYS - 1) / tile::KEYS, turn, fetch, compute);
        if (valid <= 0)
            continue;
        float factor[2];
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float sum = run.sum[h];
            sum += __shfl_xor_sync(FULL_MASK, sum, 1);
            sum += __shfl_xor_sync(FULL_MASK, sum, 2);
            factor[h] = s.keep / sum;
            if (lane % 4 == 0 && g + 8 * h < valid)
                lse[(row + g + 8 * h) * s.heads + head] = run.most[h] * s.scale + logf(sum);
        }
        store_rows<T, D>(s, o + rows_at, own, run.mean, factor, valid);
    }
}

template <class T, int D> static fpc_status attend_of(fpc_exec *x, const fpc_node *node)
{
    typedef forward_tile<T, D> tile;
    const attention_of<T> s = attention_for<T>(node, 3);
    const int64_t units = (int64_t)node->in[0].shape.n * s.heads, tiles = (s.nq + tile::ROWS - 1) / tile::ROWS;
    const int32_t turns = s.nk <= tile::KEYS * tile::STAGES ? turns_of(units, tiles) : 1;
    const int64_t blocks = (tiles + turns - 1) / turns;
    return launch(attend<T, D>, dim3((unsigned)(units * blocks)), dim3(32 * tile::WARPS), forward_room<T, D>::bytes, x,
                  node, s, data_of<T>(node->out[0]), data_of<float>(node->out[1]), turns, (int32_t)blocks);
}

static fpc_status attention(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int d = node->in[0].shape.c / static_cast<const fpc_attention_attr *>(node->attr)->heads;
    (void)rows;
    return with_type(node->in[0].dtype, [&](auto number) {
        return with_width(d, [&](auto width) { return attend_of<decltype(number), decltype(width)::value>(x, node); });
    });
}

const fpc_kernel fpc_cuda_attention[] = {
    FPC_CUDA_ROW("attention", "flash", 10, FPC_CUDA_ALL, attention_matches, nullptr, attention),
    FPC_CUDA_ROW("attention_grad", "flash", 10, FPC_CUDA_ALL, attention_matches, fpc_cuda_attention_grad_need,
                 fpc_cuda_attention_grad_run),
    FPC_CUDA_END};
