/* image_filter.cu: windows of k x k pixels with drawn weights, and medians. A block has a tile of the picture and the
 * pixels around it in shared memory. A window that is the product of two lines of weights (blurs, boxes, straight
 * strokes) is applied along the lines first, then down the columns. Images whose weights are all zero are copied. */
#include "kernels/cuda/image_picture.h"
#include "kernels/cuda/reduce.h"

enum {
    WIDE = 32,      /* pixels of a tile along a line */
    ROW = WIDE * 3, /* numbers of such a line */
    RUN = 8,        /* outputs of a thread, one below the other */
    GROUPS = 2,     /* of RUN lines each */
    HIGH = RUN * GROUPS,
    THREADS = ROW * GROUPS,
    MAX_WINDOW = 31,
    LINES = 4, /* medians: lines of a tile */
    MEDIAN_THREADS = ROW * LINES,
    NETWORK = 7 /* largest window that is sorted out by pairs */
};

/* An image's pixels at and after the first of a tile. */
struct tile_place {
    int64_t first; /* the image's first number */
    int32_t x0, y0;
};

struct pictures {
    const float *x, *draws;
    float *y;
    int32_t h, w, k, border, clamp, along; /* along: tiles along a line */
};

/* blockIdx.x: the tile, blockIdx.y: the image */
DEVICE tile_place place_of(const pictures &s, int32_t lines)
{
    const int32_t tile = (int32_t)blockIdx.x;
    return {(int64_t)blockIdx.y * s.h * s.w * 3, tile % s.along * WIDE, tile / s.along * lines};
}

/* The tile's own pixels, as they are. */
DEVICE void copy_tile(const pictures &s, const tile_place &at, int32_t lines)
{
    const int32_t left = (s.w - at.x0) * 3 < ROW ? (s.w - at.x0) * 3 : ROW, column = (int32_t)threadIdx.x % ROW;
    for (int32_t line = (int32_t)threadIdx.x / ROW; line < lines && at.y0 + line < s.h; line += blockDim.x / ROW) {
        const int64_t i = at.first + ((int64_t)(at.y0 + line) * s.w + at.x0) * 3 + column;
        if (column < left)
            s.y[i] = s.x[i];
    }
}

/* ---- filter ---- */

/* sum[o] += sum over j < k of weight[j * gap] from[(o + j) * step], o < RUN: a number of `from` is read once. */
DEVICE void slide(float sum[RUN], const float *from, int32_t step, const float *weight, int32_t gap, int32_t k)
{
    float v[RUN];
    for (int o = 0; o < RUN; o++)
        v[o] = from[o * step];
    for (int32_t j0 = 0; j0 < k; j0 += RUN)
#pragma unroll
        for (int u = 0; u < RUN; u++)
            if (j0 + u < k) {
                const float w = weight[(j0 + u) * gap];
                for (int o = 0; o < RUN; o++)
                    sum[o] += w * v[(o + u) % RUN];
                if (j0 + u + 1 < k)
                    v[u] = from[(j0 + u + RUN) * step];
            }
}

/* The weights of an image, k x k; behind them, where the window is a product, down[k] and along[k] with weight[i][j] =
 * down[i] * along[j]. */
struct window {
    const float *weight, *down, *along;
    bool empty, split;
};

/* Place of the weight that is farthest from 0, the first of equals; every thread gets it. */
DEVICE int32_t farthest(const float *weight, int32_t count)
{
    __shared__ int32_t found;
    if (threadIdx.x < 32) {
        int32_t top = 0;
        float most = -1.0f;
        for (int32_t i = (int32_t)threadIdx.x; i < count; i += 32)
            if (fabsf(weight[i]) > most) {
                most = fabsf(weight[i]);
                top = i;
            }
        for (int lane = 16; lane > 0; lane /= 2) {
            const float other = __shfl_xor_sync(FULL_MASK, most, lane);
            const int32_t at = __shfl_xor_sync(FULL_MASK, top, lane);
            if (other > most || (other == most && at < top)) {
                most = other;
                top = at;
            }
        }
        if (threadIdx.x == 0)
            found = top;
    }
    __syncthreads();
    return found;
}

/* room: k * k + 2 k numbers */
DEVICE window load_window(const pictures &s, float *room)
{
    const int32_t k = s.k, count = k * k, t = (int32_t)threadIdx.x;
    float *down = room + count, *along = down + k;
    window w = {room, down, along, false, false};
    for (int32_t i = t; i < count; i += THREADS)
        room[i] = s.draws[(int64_t)blockIdx.y * count + i];
    __syncthreads();
    const int32_t top = farthest(room, count);
    w.empty = room[top] == 0.0f;
    if (w.empty || k <= 3)
        return w;
    if (t < k) {
        down[t] = room[t * k + top % k];
        along[t] = room[top / k * k + t] / room[top];
    }
    __syncthreads();
    int other = 0;
    for (int32_t i = t; i < count; i += THREADS)
        other |= !(fabsf(room[i] - down[i / k] * along[i % k]) <= 4e-7f * fabsf(room[i]));
    w.split = !__syncthreads_or(other);
    return w;
}

/* What falls on this thread's RUN pixels. tile: lines of `pitch` numbers; half: as many lines of ROW numbers. */
DEVICE void filter_tile(float sum[RUN], const window &w, const float *tile, float *half, int32_t k)
{
    const int32_t pitch = (WIDE + k - 1) * 3, t = (int32_t)threadIdx.x, column = t % ROW, line = t / ROW * RUN;
    for (int o = 0; o < RUN; o++)
        sum[o] = 0.0f;
    if (!w.split) {
        for (int32_t j = 0; j < k; j++)
            slide(sum, tile + line * pitch + column + j * 3, pitch, w.weight + j, k, k);
        return;
    }
    const int32_t runs = ROW / RUN; /* of a line */
    for (int32_t i = t; i < (HIGH + k - 1) * runs; i += THREADS) {
        const int32_t at = i % runs / 3 * RUN * 3 + i % 3; /* runs is a multiple of 3 */
        float across[RUN] = {0.0f};
        slide(across, tile + i / runs * pitch + at, 3, w.along, 1, k);
        for (int o = 0; o < RUN; o++)
            half[i / runs * ROW + at + o * 3] = across[o];
    }
    __syncthreads();
    slide(sum, half + line * ROW + column, ROW, w.down, 1, k);
}

static __global__ void __launch_bounds__(THREADS) filter_tiles(pictures s)
{
    FPC_DYNAMIC_SHARED(float, room);
    const int32_t k = s.k, r = k / 2, lines = HIGH + k - 1, pixels = WIDE + k - 1;
    const tile_place at = place_of(s, HIGH);
    float *tile = room + k * k + 2 * k, *half = tile + lines * pixels * 3, sum[RUN];
    const window w = load_window(s, room);
    if (w.empty) {
        copy_tile(s, at, HIGH);
        return;
    }
    load_tile(tile, s.x + at.first, s.h, s.w, at.y0 - r, at.x0 - r, lines, pixels, s.border);
    __syncthreads();
    filter_tile(sum, w, tile, half, k);
    const int32_t column = (int32_t)threadIdx.x % ROW, x = at.x0 + column / 3;
    for (int o = 0; o < RUN; o++) {
        const int32_t line = (int32_t)threadIdx.x / ROW * RUN + o, y = at.y0 + line;
        if (x >= s.w || y >= s.h)
            break;
        if (s.border == FPC_BORDER_KEEP && (x < r || y < r || x + r >= s.w || y + r >= s.h))
            sum[o] = tile[(line + r) * pixels * 3 + column + r * 3];
        else if (s.clamp)
            sum[o] = clamp01(sum[o]);
        s.y[at.first + ((int64_t)y * s.w + at.x0) * 3 + column] = sum[o];
    }
}

static pictures pictures_of(const fpc_node *node)
{
    const fpc_filter_attr *a = static_cast<const fpc_filter_attr *>(node->attr);
    const fpc_shape shape = node->in[0].shape;
    return {data_of<const float>(node->in[0]),
            data_of<const float>(node->in[1]),
            data_of<float>(node->out[0]),
            shape.h,
            shape.w,
            a->k,
            a->border,
            a->clamp,
            (shape.w + WIDE - 1) / WIDE};
}

static dim3 tiles_of(const fpc_node *node, int32_t lines)
{
    const fpc_shape s = node->in[0].shape;
    return dim3((unsigned)((s.w + WIDE - 1) / WIDE * ((s.h + lines - 1) / lines)), (unsigned)s.n);
}

static fpc_status filter(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const pictures s = pictures_of(node);
    const int32_t k = s.k, lines = HIGH + k - 1;
    const int32_t numbers = k * k + 2 * k + lines * (WIDE + k - 1) * 3 + (k > 3 ? lines * ROW : 0);
    return launch(filter_tiles, tiles_of(node, HIGH), dim3(THREADS), (size_t)numbers * sizeof(float), x, node, s);
}

/* ---- median ---- */

DEVICE void in_order(float *a, float *b)
{
    const float low = fminf(*a, *b);
    *b = fmaxf(*a, *b);
    *a = low;
}

/* The smallest of `have` numbers to the front and the largest to the end, by rounds of a knock-out. */
template <int HAVE> DEVICE void forget_two(float *v)
{
    const int half = HAVE / 2, low = HAVE - half; /* the middle of an odd number may still be the smallest */
#pragma unroll
    for (int i = 0; i < half; i++)
        in_order(&v[i], &v[HAVE - 1 - i]);
#pragma unroll
    for (int step = 1; step < low; step *= 2)
#pragma unroll
        for (int i = 0; i + step < low; i += 2 * step)
            in_order(&v[i], &v[i + step]);
#pragma unroll
    for (int step = 1; step < low; step *= 2)
#pragma unroll
        for (int i = HAVE - 1; i - step >= half; i -= 2 * step)
            in_order(&v[i - step], &v[i]);
}

/* Number i of the window whose first number is `from`. */
template <int K> DEVICE float of_window(const float *from, int i)
{
    return from[i / K * ((WIDE + K - 1) * 3) + i % K * 3];
}

/* Among n/2 + 2 of n numbers neither the smallest nor the largest can be the median: both are forgotten and the next
 * one joins, until three are left. */
template <int K, int HAVE> struct median_rounds {
    static DEVICE void run(float *v, const float *from)
    {
        forget_two<HAVE>(v);
        v[0] = of_window<K>(from, K * K - HAVE + 3);
        median_rounds<K, HAVE - 1>::run(v, from);
    }
};
template <int K> struct median_rounds<K, 3> {
    static DEVICE void run(float *v, const float *) { forget_two<3>(v); }
};

template <int K> DEVICE float median_by_pairs(const float *from)
{
    const int first = K * K / 2 + 2;
    float v[first];
#pragma unroll
    for (int i = 0; i < first; i++)
        v[i] = of_window<K>(from, i);
    median_rounds<K, first>::run(v, from);
    return v[1];
}

/* Order of floats as order of integers; its own inverse. */
DEVICE int32_t ordered(int32_t bits)
{
    return bits ^ ((bits >> 31) & 0x7fffffff);
}

/* Of large windows: bit after bit, the largest number that has at most half of the window below it. tile: of ordered
 * integers. */
DEVICE int32_t median_by_bits(const int32_t *from, int32_t k)
{
    const int32_t pitch = (WIDE + k - 1) * 3;
    uint32_t found = 0x80000000u;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t candidate = found ^ (1u << bit);
        int32_t below = 0;
        for (int32_t i = 0; i < k; i++)
            for (int32_t j = 0; j < k; j++)
                below += from[i * pitch + j * 3] < (int32_t)candidate;
        if (below <= k * k / 2)
            found = candidate;
    }
    return (int32_t)found;
}

/* K: the window; 0: s.k, by bits. */
template <int K> static __global__ void __launch_bounds__(MEDIAN_THREADS) median_tiles(pictures s)
{
    FPC_DYNAMIC_SHARED(float, tile);
    const int32_t k = K ? K : s.k, lines = LINES + k - 1, pixels = WIDE + k - 1;
    const tile_place at = place_of(s, LINES);
    if (s.draws[blockIdx.y] == 0.0f) {
        copy_tile(s, at, LINES);
        return;
    }
    load_tile(tile, s.x + at.first, s.h, s.w, at.y0 - k / 2, at.x0 - k / 2, lines, pixels, FPC_BORDER_REFLECT);
    __syncthreads();
    if (!K) {
        for (int32_t i = (int32_t)threadIdx.x; i < lines * pixels * 3; i += MEDIAN_THREADS)
            tile[i] = __int_as_float(ordered(__float_as_int(tile[i])));
        __syncthreads();
    }
    const int32_t column = (int32_t)threadIdx.x % ROW, line = (int32_t)threadIdx.x / ROW, y = at.y0 + line;
    if (at.x0 + column / 3 >= s.w || y >= s.h)
        return;
    const float *from = tile + line * pixels * 3 + column;
    s.y[at.first + ((int64_t)y * s.w + at.x0) * 3 + column] =
        K ? median_by_pairs < K ? K : 3 > (from)
          : __int_as_float(ordered(median_by_bits(reinterpret_cast<const int32_t *>(from), k)));
}

static fpc_status median(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const pictures s = pictures_of(node);
    const size_t shared = (size_t)((LINES + s.k - 1) * (WIDE + s.k - 1) * 3) * sizeof(float);
    void (*const kernel)(pictures) = s.k == 3   ? median_tiles<3>
                                     : s.k == 5 ? median_tiles<5>
                                     : s.k == 7 ? median_tiles<7>
                                                : median_tiles<0>;
    return launch(kernel, tiles_of(node, LINES), dim3(MEDIAN_THREADS), shared, x, node, s);
}

const fpc_kernel fpc_cuda_image_filter[] = {
    FPC_CUDA_ROW("filter", "plain", 0, FPC_CUDA_FLOAT, nullptr, nullptr, filter),
    FPC_CUDA_ROW("median", "plain", 0, FPC_CUDA_FLOAT, nullptr, nullptr, median), FPC_CUDA_END};
