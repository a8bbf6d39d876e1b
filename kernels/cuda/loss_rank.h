/* loss_rank.h: a stable sort of (key, place) pairs in segments of equal length: least significant digit first, eight
 * bits at a time, each pass in three launches: how often each tile has each digit; sums over the tiles before; every
 * pair to its place. Within a tile a warp ranks 32 pairs at once, in their order, so that equal keys stay in the order
 * in which they came and nothing depends on what the device does first. (Satish, Harris and Garland 2009 has the
 * scheme.) */
#ifndef KERNELS_CUDA_LOSS_RANK_H
#define KERNELS_CUDA_LOSS_RANK_H

#include "kernels/cuda/loss.h"

enum {
    RANK_DIGITS = 256,
    RANK_BLOCK = 256, /* a thread for each digit */
    RANK_WARPS = RANK_BLOCK / 32,
    RANK_TURNS = 16, /* pairs of a lane */
    RANK_TILE = RANK_BLOCK * RANK_TURNS
};

struct alignas(8) ranked {
    uint32_t key, at;
};

struct rank_job {
    ranked *list, *other;     /* [segment][length]; the result is in list */
    int32_t *counts, *totals; /* [segment][digit][tile], [segment][digit] */
    int64_t length;
    int32_t segments, tiles;
    const int32_t *active; /* nullptr, or: segment s is left alone where active[s * step] is 0 */
    int32_t step;
};

static inline rank_job rank_job_of(int32_t segments, int64_t length, char *base, size_t *at)
{
    rank_job r = {};
    r.length = length;
    r.segments = segments;
    r.tiles = (int32_t)((length + RANK_TILE - 1) / RANK_TILE);
    r.list = piece<ranked>(base, at, segments * length);
    r.other = piece<ranked>(base, at, segments * length);
    r.counts = piece<int32_t>(base, at, (int64_t)segments * RANK_DIGITS * r.tiles);
    r.totals = piece<int32_t>(base, at, (int64_t)segments * RANK_DIGITS);
    return r;
}
DEVICE bool is_active(const rank_job &r, int32_t segment)
{
    return !r.active || r.active[(int64_t)segment * r.step];
}

/* Sum over the threads before; *total: over all. room: 32 numbers, free again behind the next __syncthreads. */
DEVICE int32_t sum_before(int32_t x, int32_t *room, int32_t *total)
{
    const int32_t lane = (int32_t)threadIdx.x % 32, warp = (int32_t)threadIdx.x / 32;
    int32_t sum = x, before = 0, all = 0;
    for (int32_t by = 1; by < 32; by *= 2) {
        const int32_t y = __shfl_up_sync(FULL_MASK, sum, (unsigned)by);
        sum += lane >= by ? y : 0;
    }
    __syncthreads();
    if (lane == 31)
        room[warp] = sum;
    __syncthreads();
    for (int32_t i = 0; i < (int32_t)blockDim.x / 32; i++) {
        before += i < warp ? room[i] : 0;
        all += room[i];
    }
    *total = all;
    return before + sum - x;
}

static __global__ void __launch_bounds__(RANK_BLOCK) count_digits(rank_job r, const ranked *list, int32_t shift)
{
    __shared__ int32_t counts[RANK_DIGITS];
    const int32_t segment = (int32_t)blockIdx.y, tile = (int32_t)blockIdx.x, me = (int32_t)threadIdx.x;
    const ranked *const from = list + segment * r.length;
    if (!is_active(r, segment))
        return;
    counts[me] = 0;
    __syncthreads();
    for (int32_t turn = 0; turn < RANK_TURNS; turn++) {
        const int64_t i = (int64_t)tile * RANK_TILE + turn * RANK_BLOCK + me;
        if (i < r.length)
            atomicAdd(counts + (from[i].key >> shift) % RANK_DIGITS, 1);
    }
    __syncthreads();
    r.counts[((int64_t)segment * RANK_DIGITS + me) * r.tiles + tile] = counts[me];
}

/* Row (digit, segment) of n counts: each becomes the sum of those before it. */
static __global__ void __launch_bounds__(RANK_BLOCK) sum_counts(rank_job r, int32_t *counts, int32_t n, int32_t *totals)
{
    __shared__ int32_t room[32];
    const int64_t row = (int64_t)blockIdx.y * gridDim.x + blockIdx.x;
    int32_t before = 0;
    if (!is_active(r, (int32_t)blockIdx.y))
        return;
    for (int32_t first = 0; first < n; first += RANK_BLOCK) {
        const int32_t i = first + (int32_t)threadIdx.x;
        int32_t total;
        const int32_t sum = sum_before(i < n ? counts[row * n + i] : 0, room, &total);
        if (i < n)
            counts[row * n + i] = before + sum;
        before += total;
    }
    if (threadIdx.x == 0)
        totals[row] = before;
}

static __global__ void __launch_bounds__(RANK_BLOCK)
    move_ranked(rank_job r, const ranked *list, ranked *to, int32_t shift)
{
    __shared__ int32_t place[RANK_WARPS][RANK_DIGITS], room[32];
    const int32_t segment = (int32_t)blockIdx.y, tile = (int32_t)blockIdx.x, me = (int32_t)threadIdx.x;
    const int32_t warp = me / 32, lane = me % 32;
    const int64_t first = (int64_t)tile * RANK_TILE + warp * 32 * RANK_TURNS + lane;
    const ranked *const from = list + segment * r.length;
    if (!is_active(r, segment))
        return;
    for (int32_t w = 0; w < RANK_WARPS; w++)
        place[w][me] = 0;
    __syncthreads();
    for (int32_t turn = 0; turn < RANK_TURNS; turn++)
        if (first + turn * 32 < r.length)
            atomicAdd(&place[warp][(from[first + turn * 32].key >> shift) % RANK_DIGITS], 1);
    int32_t all; /* sum_before has barriers */
    int32_t next = sum_before(r.totals[(int64_t)segment * RANK_DIGITS + me], room, &all) +
                   r.counts[((int64_t)segment * RANK_DIGITS + me) * r.tiles + tile];
    for (int32_t w = 0; w < RANK_WARPS; w++) {
        const int32_t count = place[w][me];
        place[w][me] = next;
        next += count;
    }
    __syncthreads();
    for (int32_t turn = 0; turn < RANK_TURNS; turn++) {
        const bool inside = first + turn * 32 < r.length;
        const ranked x = inside ? from[first + turn * 32] : ranked{0, 0};
        const uint32_t digit = (x.key >> shift) % RANK_DIGITS;
        uint32_t same = __ballot_sync(FULL_MASK, inside); /* lanes with my digit */
        for (int32_t bit = 0; bit < 8; bit++) {
            const uint32_t ones = __ballot_sync(FULL_MASK, (int)(digit >> bit & 1));
            same &= digit >> bit & 1 ? ones : ~ones;
        }
        const int32_t before = __popc(same & ((1u << lane) - 1));
        const int32_t start = place[warp][digit];
        __syncwarp();
        if (inside && before == 0)
            place[warp][digit] = start + __popc(same);
        __syncwarp();
        if (inside)
            to[segment * r.length + start + before] = x;
    }
}

/* Sorts every segment by rising keys. */
static inline fpc_status queue_rank(fpc_exec *x, const fpc_node *node, const rank_job &r)
{
    const dim3 tiles((unsigned)r.tiles, (unsigned)r.segments), rows(RANK_DIGITS, (unsigned)r.segments);
    ranked *from = r.list, *to = r.other;
    fpc_status st = FPC_OK;
    for (int32_t shift = 0; shift < 32 && !st; shift += 8) {
        st = launch(count_digits, tiles, dim3(RANK_BLOCK), 0, x, node, r, from, shift);
        if (!st)
            st = launch(sum_counts, rows, dim3(RANK_BLOCK), 0, x, node, r, r.counts, r.tiles, r.totals);
        if (!st)
            st = launch(move_ranked, tiles, dim3(RANK_BLOCK), 0, x, node, r, from, to, shift);
        ranked *const swap = from;
        from = to;
        to = swap;
    }
    return st;
}

#endif
