/* packs.h: 16 bytes of neighbouring channels at a time where the width allows, one number where it does not, and how
 * the threads of a grid lie over (picture, lines, pixel, channels). Channels are contiguous and tensors start at
 * multiples of 64 bytes, so that packs are aligned where c is a multiple of their length. */
#ifndef KERNELS_CUDA_PACKS_H
#define KERNELS_CUDA_PACKS_H

#include "kernels/cuda/device.h"

enum { PACK_THREADS = 256 };

/* What a grid aims at: blocks for kernels that step over the rows (four for each of the 132 multiprocessors of the
 * largest device so far), threads that are enough. (Fewer, by -D: small cases reach every loop.) */
#ifndef FPC_CUDA_MOST_BLOCKS
#define FPC_CUDA_MOST_BLOCKS 528
#define FPC_CUDA_ENOUGH_THREADS (2 * 132 * 1024)
#endif
static const int64_t most_blocks = FPC_CUDA_MOST_BLOCKS, enough_threads = FPC_CUDA_ENOUGH_THREADS;

template <int N> struct number {
    static const int n = N;
};

/* Calls f(T(), number<N>()) for the type of the tensor's numbers and the length of the packs in its rows. */
template <class F> static fpc_status with_packs(const fpc_tensor &t, F f)
{
    return with_type(t.dtype, [&](auto zero) {
        const int n = wide<decltype(zero)>::n;
        return t.shape.c % n == 0 ? f(zero, number<n>()) : f(zero, number<1>());
    });
}
static inline int32_t pack_length(const fpc_tensor &t)
{
    const int32_t n = (int32_t)(16 / fpc_dtype_size(t.dtype));
    return t.shape.c % n == 0 ? n : 1;
}

template <int N, class T> DEVICE pack<T, N> load_pack(const T *p)
{
    return *reinterpret_cast<const pack<T, N> *>(p);
}
template <int N, class T> DEVICE void store_pack(T *p, const pack<T, N> &v)
{
    *reinterpret_cast<pack<T, N> *>(p) = v;
}
template <int N, class T> DEVICE void store_floats(T *p, const float (&v)[N])
{
    pack<T, N> to;
    for (int i = 0; i < N; i++)
        to.v[i] = from_float<T>(v[i]);
    store_pack<N>(p, to);
}
/* N floats of a vector, by fours where N is a multiple of four. */
template <int N> DEVICE void load_vector(float (&v)[N], const float *p)
{
    enum { STEP = N % 4 == 0 ? 4 : 1 };
    for (int i = 0; i < N; i += STEP) {
        const pack<float, STEP> from = load_pack<STEP>(p + i);
        for (int j = 0; j < STEP; j++)
            v[i + j] = from.v[j];
    }
}

/* ---- threads over the pixels of pictures: a thread has one column of a group of lines ---- */

struct lines {
    int32_t groups, each; /* groups of lines in a picture, lines in a group */
    int32_t blocks;       /* across a line */
    int32_t h, w, packs;
};

static inline lines lines_of(fpc_shape s, int32_t n, int32_t each)
{
    const int32_t packs = s.c / n, across = s.w * packs;
    return {(s.h + each - 1) / each, each, (across + PACK_THREADS - 1) / PACK_THREADS, s.h, s.w, packs};
}
static inline dim3 line_grid(const lines &k, int32_t pictures)
{
    return dim3((unsigned)((int64_t)pictures * k.groups * k.blocks));
}
static inline dim3 line_block(const lines &k)
{
    const int32_t across = k.w * k.packs;
    return dim3((unsigned)(across < PACK_THREADS ? (across + 31) / 32 * 32 : PACK_THREADS));
}

struct line_place {
    int64_t picture;
    int32_t first, end; /* lines; none for threads behind the last pixel */
    int32_t x, channel;
};
/* n: channels of a pack */
DEVICE line_place line_of(const lines &k, int32_t n)
{
    const int32_t in_line = (int32_t)(blockIdx.x % k.blocks * blockDim.x + threadIdx.x), rest = blockIdx.x / k.blocks;
    line_place at;
    at.picture = rest / k.groups;
    at.first = rest % k.groups * k.each;
    at.x = in_line / k.packs;
    at.channel = (in_line - at.x * k.packs) * n;
    at.end = at.x < k.w ? min(at.first + k.each, k.h) : 0;
    return at;
}

#endif
