/* norm.h: how a row lies over the lanes of a warp: 2^shift lanes share a row and each keeps K packs of it in registers,
 * lane after lane, so that a warp reads whole lines of memory. Used by norm.cu and norm_grad.cu. */
#ifndef KERNELS_CUDA_NORM_H
#define KERNELS_CUDA_NORM_H

#include "kernels/cuda/packs.h"

enum { NORM_THREADS = 256, NORM_MOST_PACKS = 4 };

struct row_lanes {
    int32_t shift, packs; /* packs of a lane; 0: the row is not cut into packs, or too long for registers */
};

static inline int32_t lanes_for(int32_t items)
{
    int32_t shift = 0;
    while (shift < 5 && 1 << shift < items)
        shift++;
    return shift;
}

/* The fewest packs for each lane; full: the fewest idle lanes first (what a kernel with registers to spare wants). */
static inline row_lanes row_lanes_of(const fpc_tensor &x, bool full)
{
    const int32_t n = (int32_t)(16 / fpc_dtype_size(x.dtype)), all = x.shape.c / n;
    row_lanes best = {lanes_for(x.shape.c), 0};
    int32_t room = 0;
    for (int32_t packs = 1; packs <= NORM_MOST_PACKS && x.shape.c % n == 0; packs++) {
        const int32_t shift = lanes_for((all + packs - 1) / packs);
        if (packs << shift >= all && (room == 0 || (full && packs << shift < room))) {
            best = {shift, packs};
            room = packs << shift;
        }
    }
    return best;
}

/* A function of the shapes alone: it is also the number of partial sums. */
static inline int32_t norm_blocks(int64_t rows, const row_lanes &at)
{
    const int64_t each = NORM_THREADS >> at.shift, blocks = (rows + each - 1) / each;
    return (int32_t)(blocks < most_blocks ? blocks : most_blocks);
}

/* Calls f(number<packs>()): packs from 1 to NORM_MOST_PACKS. */
template <class F> static fpc_status with_lane_packs(int32_t packs, F f)
{
    return packs == 1 ? f(number<1>()) : packs == 2 ? f(number<2>()) : packs == 3 ? f(number<3>()) : f(number<4>());
}

/* Sums of each of M numbers over the lanes that share a row. */
template <int M> DEVICE void row_sum(float (&v)[M], int32_t lanes)
{
    for (int32_t l = lanes / 2; l > 0; l /= 2)
        for (int m = 0; m < M; m++)
            v[m] += __shfl_xor_sync(FULL_MASK, v[m], l);
}

#endif
