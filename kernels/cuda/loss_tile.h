/* loss_tile.h: the fast way over upsampled logits, for up to 32 classes: a block owns a tile of TILE_W x TILE_H pixels,
 * a thread one column of it. Two rows of logits, interpolated along x, are kept in registers for all classes; as the
 * thread walks down its column, a pixel's logits are one multiply-add each. Rows of logits come through a ring of three
 * in shared memory, the next one while the block is busy with a row.
 *
 * K, the template argument, is the number of classes rounded up: the classes beyond get logits that are next to minus
 * infinity, so that their probabilities are 0. */
#ifndef KERNELS_CUDA_LOSS_TILE_H
#define KERNELS_CUDA_LOSS_TILE_H

#include "kernels/cuda/loss.h"

enum {
    TILE_W = 128,  /* pixels, and threads of a block */
    TILE_H = 64,   /* pixels; at most 255, which counts in bytes need */
    TILE_RING = 3, /* rows of logits in shared memory */
    TILE_AHEAD = 8 /* numbers that a thread has on the way to the next row */
};

/* One axis: `in` lines of logits, `out` pixels in tiles of `each`. */
struct axis {
    int32_t in, out, corners, each, tiles;
};
static inline axis axis_of(int32_t in, int32_t out, int32_t corners, int32_t each)
{
    return {in, out, corners, each, (out + each - 1) / each};
}
/* First and last line of logits that tile t reads. A tile owns the lines from its first to the next tile's first. */
BOTH int32_t first_line(const axis &a, int32_t t)
{
    return t >= a.tiles ? a.in : tap_of(t * a.each, a.in, a.out, a.corners).i0;
}
BOTH int32_t last_line(const axis &a, int32_t t)
{
    const int32_t end = (t + 1) * a.each < a.out ? (t + 1) * a.each : a.out;
    const int32_t i = tap_of(end - 1, a.in, a.out, a.corners).i0;
    return i + 1 < a.in ? i + 1 : i;
}

struct tile_plan {
    axis y, x;
    int32_t n, k;
    int32_t rows, columns; /* no tile reads more lines of logits */
    uint32_t over_k;       /* 2^32 / k, rounded up: numbers below 2^16 are divided by it */
};

/* The largest number of lines, or 0: tiles are no good here. They are for upsampling, where no line of logits is read
 * by a tile and the one after the next. */
static inline int32_t lines_of(const axis &a)
{
    int32_t most = 0;
    for (int32_t t = 0; t < a.tiles; t++) {
        const int32_t lines = last_line(a, t) - first_line(a, t) + 1;
        most = lines > most ? lines : most;
        if (t + 2 < a.tiles && last_line(a, t) >= first_line(a, t + 2))
            return 0;
    }
    return a.in <= a.out ? most : 0;
}

static inline tile_plan tile_plan_of(fpc_shape logits, int32_t h, int32_t w, int32_t corners)
{
    tile_plan p = {
        axis_of(logits.h, h, corners, TILE_H), axis_of(logits.w, w, corners, TILE_W), logits.n, logits.c, 0, 0, 0};
    p.rows = lines_of(p.y);
    p.columns = lines_of(p.x);
    p.over_k = (uint32_t)((((uint64_t)1 << 32) + (uint64_t)p.k - 1) / (uint64_t)p.k);
    return p;
}
static inline bool takes_tiles(const tile_plan &p)
{
    return p.k <= 32 && p.rows > 0 && p.columns > 0;
}
BOTH int32_t tiles_of_image(const tile_plan &p)
{
    return p.y.tiles * p.x.tiles;
}
static inline dim3 tile_grid(const tile_plan &p)
{
    return dim3((unsigned)(tiles_of_image(p) * p.n));
}

/* Calls f(class_count<K>()) for the smallest K that has room for k classes: f is a generic lambda. */
template <int N> struct class_count {
    static const int k = N;
};
template <class F> static fpc_status with_classes(int32_t k, F f)
{
    return k <= 8 ? f(class_count<8>()) : k <= 19 ? f(class_count<19>()) : f(class_count<32>());
}
/* Numbers from one column of a row in shared memory to the next: odd, so that columns lie in different banks. */
BOTH constexpr int32_t stride_of(int K)
{
    return K | 1;
}

/* Shared memory of the walk: the taps of the tile's rows, then the ring. */
static inline size_t walk_bytes(const tile_plan &p, int K)
{
    return TILE_H * sizeof(tap) + (size_t)(TILE_RING * p.columns * stride_of(K)) * sizeof(float);
}

/* A block's tile. */
struct tile {
    int32_t n, row, column;                       /* image; place among the tiles */
    int32_t y_begin, y_end, x;                    /* pixels; the thread's column */
    int32_t first_row, last_row, first_col, cols; /* of logits */
    int32_t left, right;                          /* the thread's two columns in a row of the ring */
    float w1;
    bool inside; /* the thread has a column */
    const tap *taps;
    float *ring;
};

template <int K> DEVICE tile begin_tile(const tile_plan &p, unsigned char *shared)
{
    tile t;
    const int32_t at = (int32_t)blockIdx.x % tiles_of_image(p);
    t.n = (int32_t)blockIdx.x / tiles_of_image(p);
    t.row = at / p.x.tiles;
    t.column = at % p.x.tiles;
    t.y_begin = t.row * TILE_H;
    t.y_end = min(t.y_begin + TILE_H, p.y.out);
    t.x = t.column * TILE_W + (int32_t)threadIdx.x;
    t.first_row = first_line(p.y, t.row);
    t.last_row = last_line(p.y, t.row);
    t.first_col = first_line(p.x, t.column);
    t.cols = last_line(p.x, t.column) - t.first_col + 1;
    t.inside = t.x < p.x.out;
    const tap tx = tap_of(min(t.x, p.x.out - 1), p.x.in, p.x.out, p.x.corners);
    t.left = (tx.i0 - t.first_col) * stride_of(K);
    t.right = tx.i0 + 1 < p.x.in ? t.left + stride_of(K) : t.left;
    t.w1 = tx.w1;
    tap *const taps = reinterpret_cast<tap *>(shared);
    t.taps = taps;
    t.ring = reinterpret_cast<float *>(taps + TILE_H);
    for (int32_t y = t.y_begin + (int32_t)threadIdx.x; y < t.y_end; y += TILE_W)
        taps[y - t.y_begin] = tap_of(y, p.y.in, p.y.out, p.y.corners);
    for (int32_t i = (int32_t)threadIdx.x; i < TILE_RING * p.columns * stride_of(K); i += TILE_W)
        t.ring[i] = -1e30f;
    __syncthreads();
    return t;
}

/* A row of logits on its way into the ring: fetch starts, store ends. Rows behind the last are the last. */
template <int K> struct row_loader {
    const float *image;
    const tile_plan &p;
    const tile &t;
    float ahead[TILE_AHEAD];

    DEVICE row_loader(const float *logits, const tile_plan &p_, const tile &t_)
        : image(logits + (int64_t)t_.n * p_.y.in * p_.x.in * p_.k), p(p_), t(t_)
    {
    }
    DEVICE const float *from(int32_t row) const
    {
        return image + ((int64_t)min(row, p.y.in - 1) * p.x.in + t.first_col) * p.k;
    }
    DEVICE int32_t place(int32_t o) const /* of number o of a row */
    {
        return p.k == stride_of(K) ? o : o + (int32_t)__umulhi((unsigned)o, p.over_k) * (stride_of(K) - p.k);
    }
    DEVICE void fetch(int32_t row)
    {
        const float *const z = from(row);
        const int32_t count = t.cols * p.k;
#pragma unroll
        for (int m = 0; m < TILE_AHEAD; m++) {
            const int32_t o = m * TILE_W + (int32_t)threadIdx.x;
            ahead[m] = o < count ? z[o] : 0;
        }
    }
    DEVICE void store(int32_t row, float *slot)
    {
        const float *const z = from(row);
        const int32_t count = t.cols * p.k;
#pragma unroll
        for (int m = 0; m < TILE_AHEAD; m++) {
            const int32_t o = m * TILE_W + (int32_t)threadIdx.x;
            if (o < count)
                slot[place(o)] = ahead[m];
        }
        for (int32_t o = TILE_AHEAD * TILE_W + (int32_t)threadIdx.x; o < count; o += TILE_W)
            slot[place(o)] = z[o];
    }
};

template <int K> DEVICE void expand(const float *row, const tile &t, float *e)
{
#pragma unroll
    for (int c = 0; c < K; c++)
        e[c] = blend(row[t.left + c], row[t.right + c], t.w1);
}

/* Logit c of the pixel between two rows of the ring: the bits that the walk has. */
DEVICE float logit_between(const float *top, const float *low, const tile &t, float wy, int32_t c)
{
    const float a = blend(top[t.left + c], top[t.right + c], t.w1), b = blend(low[t.left + c], low[t.right + c], t.w1);
    return fmaf(b - a, wy, a);
}

/* Calls pixel(y, wy, e0, d, top, low) for each pixel of the thread's column, top to bottom: logit c is e0[c] + wy d[c],
 * top and low are the rows of the ring that it lies between. After the pixels of row i of logits, line(i): every
 * thread of the block is there, and so it is once more with the last row. */
template <int K, class Pixel, class Line>
DEVICE void walk(const float *logits, const tile_plan &p, const tile &t, Pixel &&pixel, Line &&line)
{
    const int32_t size = p.columns * stride_of(K);
    float *top = t.ring, *low = top + size, *next = low + size;
    float e0[K], e1[K], d[K];
    row_loader<K> load(logits, p, t);
    load.fetch(t.first_row);
    load.store(t.first_row, top);
    load.fetch(t.first_row + 1);
    load.store(t.first_row + 1, low);
    __syncthreads();
    expand<K>(top, t, e0);
    int32_t y = t.y_begin;
    for (int32_t i = t.first_row; i <= t.last_row; i++) {
        if (y < t.y_end) { /* else the last row of all, which only gets its share of gradients */
            load.fetch(i + 2);
            expand<K>(low, t, e1);
#pragma unroll
            for (int c = 0; c < K; c++)
                d[c] = e1[c] - e0[c];
        }
        for (; y < t.y_end && t.taps[y - t.y_begin].i0 == i; y++)
            pixel(y, t.taps[y - t.y_begin].w1, e0, d, top, low);
        if (y < t.y_end)
            load.store(i + 2, next);
        line(i);
        __syncthreads();
        float *const old = top;
        top = low, low = next, next = old;
#pragma unroll
        for (int c = 0; c < K; c++)
            e0[c] = e1[c];
    }
}

#endif
