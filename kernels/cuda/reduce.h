/* reduce.h: sums in a fixed order. A warp adds by butterflies, a block by its warps in order; sums over many blocks
 * leave one partial result per block in work memory (need.shared) that a second launch adds in the order of the blocks.
 * The same bits come out whatever the device does when. */
#ifndef KERNELS_CUDA_REDUCE_H
#define KERNELS_CUDA_REDUCE_H

#include "kernels/cuda/device.h"

/* Every lane gets the sum over its warp. */
template <class T> DEVICE T warp_sum(T x)
{
    for (int lane = 16; lane > 0; lane /= 2)
        x += __shfl_xor_sync(FULL_MASK, x, lane);
    return x;
}

template <class T> DEVICE T warp_max(T x)
{
    for (int lane = 16; lane > 0; lane /= 2) {
        const T y = __shfl_xor_sync(FULL_MASK, x, lane);
        x = y > x ? y : x;
    }
    return x;
}

/* Every thread gets the sum over its block of blockDim.x <= 1024 threads. room: 32 numbers of shared memory, free to be
 * used again when the next __syncthreads has been passed. */
template <class T> DEVICE T block_sum(T x, T *room)
{
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    x = warp_sum(x);
    __syncthreads();
    if (lane == 0)
        room[warp] = x;
    __syncthreads();
    x = room[0];
    for (int i = 1; i < warps; i++)
        x += room[i];
    return x;
}

#endif
