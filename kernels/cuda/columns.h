/* columns.h: how the threads of a grid lie over the channels (columns) of many rows, for sums down the rows and for
 * what has numbers per channel. A thread keeps one pack of channels and steps over the rows; the threads of a block
 * that share a pack are slices. Block (b, group, picture) leaves its sums in work memory; a second launch adds the
 * blocks in their order. All is a function of the shapes alone. */
#ifndef KERNELS_CUDA_COLUMNS_H
#define KERNELS_CUDA_COLUMNS_H

#include "kernels/cuda/packs.h"

enum { COLUMN_TURN = 4 }; /* rows that a thread loads at once */

struct columns {
    int64_t rows; /* of a picture, where the grid has pictures */
    int32_t c, packs;
    int32_t wide, slices; /* packs side by side in a block, threads for each */
    int32_t groups;       /* blocks side by side */
    int32_t blocks;       /* down the rows */
};

/* n: channels of a pack */
static inline columns columns_of(int64_t rows, int64_t pictures, int32_t c, int32_t n)
{
    columns k = {rows, c, c / n, 0, 0, 0, 0};
    k.wide = k.packs < PACK_THREADS ? k.packs : PACK_THREADS;
    k.slices = PACK_THREADS / k.wide;
    k.groups = (k.packs + k.wide - 1) / k.wide;
    const int64_t turn = (int64_t)k.slices * COLUMN_TURN, useful = (rows + turn - 1) / turn;
    const int64_t most = most_blocks / (pictures * k.groups), blocks = useful < most ? useful : most;
    k.blocks = (int32_t)(blocks > 1 ? blocks : 1);
    return k;
}
static inline dim3 column_grid(const columns &k, int64_t pictures = 1)
{
    return dim3((unsigned)k.blocks, (unsigned)k.groups, (unsigned)pictures);
}

struct column_place {
    int64_t row, step; /* first row and distance to the next; threads without a pack start behind the last */
    int32_t slice, channel;
};
DEVICE column_place column_of(const columns &k, int32_t n)
{
    const int32_t slice = (int32_t)threadIdx.x / k.wide;
    const int32_t pack = (int32_t)blockIdx.y * k.wide + (int32_t)threadIdx.x - slice * k.wide;
    column_place at;
    at.slice = slice;
    at.step = (int64_t)gridDim.x * k.slices;
    at.row = slice < k.slices && pack < k.packs ? (int64_t)blockIdx.x * k.slices + slice : k.rows;
    at.channel = pack < k.packs ? pack * n : 0;
    return at;
}

/* The packs of COLUMN_TURN rows; zeros behind the last row. */
template <int N, class T>
DEVICE void load_turn(pack<T, N> (&v)[COLUMN_TURN], const T *x, const columns &k, const column_place &at, int64_t row)
{
    for (int u = 0; u < COLUMN_TURN; u++)
        v[u] = row + u * at.step < k.rows ? load_pack<N>(x + (row + u * at.step) * k.c + at.channel) : pack<T, N>();
}

/* Adds the slices of a block, in order: sum i of channel c goes to to[i * k.c + c]. room: M * N * PACK_THREADS numbers
 * of shared memory. Every thread of the block comes here. */
template <int M, int N, class P>
DEVICE void leave_columns(const float (&sum)[M][N], const columns &k, const column_place &at, float *room, P *to)
{
    const int32_t across = k.wide * N, first = (int32_t)blockIdx.y * across;
    if (at.slice < k.slices)
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++)
                room[(i * k.slices + at.slice) * across + ((int32_t)threadIdx.x - at.slice * k.wide) * N + j] =
                    sum[i][j];
    __syncthreads();
    for (int32_t t = (int32_t)threadIdx.x; t < M * across; t += PACK_THREADS) {
        const int32_t i = t / across, column = t - i * across;
        const float *from = room + i * k.slices * across + column;
        float total = 0;
        for (int32_t s = 0; s < k.slices; s++)
            total += from[s * across];
        if (first + column < k.c)
            to[i * k.c + first + column] = from_float<P>(total);
    }
}

/* first[c] = sum over the blocks of partial[block][0][c], divided by sqrt(var[c] + eps) where var is given;
 * second[c] = sum of partial[block][1][c] (norm_batch.cu). */
fpc_status fpc_cuda_add_blocks(fpc_exec *x, const fpc_node *node, const float *partial, int32_t blocks, int32_t c,
                               float *first, float *second, const float *var, float eps);

#endif
