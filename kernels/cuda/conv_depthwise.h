/* conv_depthwise.h: what the two files of depth-wise convolutions share: the tile of a picture that a block of the 3x3
 * kernels holds in shared memory, 16 by 16 pixels and a border, of as many channels as make 128 bytes where they can.
 */
#ifndef KERNELS_CUDA_CONV_DEPTHWISE_H
#define KERNELS_CUDA_CONV_DEPTHWISE_H

#include "kernels/cuda/conv.h"
#include "kernels/cuda/ptx.h"

enum { DW_THREADS = 256, DW_SIDE = 16, DW_HALO = DW_SIDE + 2, DW_GROUP = 4 /* channels of a thread */ };

/* y (n,ho,wo,c) is the correlation of x (n,h,w,c) with 3x3 kernels at stride 1, whose tap (0, 0) of pixel (0, 0) is x
 * at
 * (-pad, -pad). A block has `chunk` channels: chunk / 4 threads side by side, 16 columns, and strips of chunk / 4 rows.
 */
typedef struct dw_tiles {
    int32_t n, h, w, c, ho, wo, pad, chunk;
    int32_t across, down, chunks; /* tiles of an output picture, chunks of its channels */
} dw_tiles;

/* 16 bytes of channels at least, 128 at most. 0: these channels cannot be cut so. */
template <class T> static int32_t dw_chunk(int32_t c)
{
    int32_t chunk = 128 / (int32_t)sizeof(T);
    while (chunk >= wide<T>::n && c % chunk)
        chunk /= 2;
    return chunk >= wide<T>::n ? chunk : 0;
}

static inline dw_tiles dw_tiles_of(fpc_shape x, fpc_shape y, int32_t pad, int32_t chunk)
{
    const dw_tiles t = {
        x.n,        x.h, x.w, x.c, y.h, y.w, pad, chunk, (y.w + DW_SIDE - 1) / DW_SIDE, (y.h + DW_SIDE - 1) / DW_SIDE,
        x.c / chunk};
    return t;
}

/* Bytes of a tile of x. */
template <class T> BOTH int dw_room(int32_t chunk)
{
    return DW_HALO * DW_HALO * chunk * (int)sizeof(T);
}

/* Starts copying `side` by `side` pixels of the picture (h, w), from (y, x) on, zeros outside, to shared memory. from:
 * the picture's first number of the chunk. */
template <class T>
DEVICE void dw_fetch(T *to, const T *from, int32_t y, int32_t x, int32_t side, int32_t h, int32_t w, int32_t c,
                     int32_t chunk)
{
    const int32_t packs = chunk / wide<T>::n; /* a power of two */
    for (int32_t i = (int32_t)threadIdx.x; i < side * side * packs; i += DW_THREADS) {
        const int32_t pixel = i / packs, at = i % packs * wide<T>::n;
        const int32_t py = y + pixel / side, px = x + pixel % side;
        const bool there = (uint32_t)py < (uint32_t)h && (uint32_t)px < (uint32_t)w;
        copy_async<16>(to + pixel * chunk + at, there ? from + ((int64_t)py * w + px) * c + at : from, there);
    }
}

DEVICE void dw_load(float v[DW_GROUP], const float *from)
{
    const pack<float, DW_GROUP> p = *reinterpret_cast<const pack<float, DW_GROUP> *>(from);
    for (int i = 0; i < DW_GROUP; i++)
        v[i] = p.v[i];
}
template <class T> DEVICE void dw_load(float v[DW_GROUP], const T *from)
{
    const pack<T, DW_GROUP> p = *reinterpret_cast<const pack<T, DW_GROUP> *>(from);
    for (int i = 0; i < DW_GROUP; i++)
        v[i] = to_float(p.v[i]);
}

/* conv_depthwise_grad.cu */
fpc_status fpc_cuda_depthwise_grad_w_run(fpc_exec *, const fpc_node *, fpc_rows);
void fpc_cuda_depthwise_grad_w_need(const fpc_node *, fpc_need *);

#endif
