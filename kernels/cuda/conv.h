/* conv.h: what the convolutions without a library share: shapes, division by constants, and a tile of 64 x 64 numbers
 * of a matrix product whose operands are fetched by a rule (a gathered picture, a weight) in place of lying in memory
 * as matrices. Four warps hold the tile; shared memory holds two steps of it, one being read, one being filled. */
#ifndef KERNELS_CUDA_CONV_H
#define KERNELS_CUDA_CONV_H

#include "kernels/cuda/warp_tile.h"

enum {
    CONV_TILE = 64,
    CONV_THREADS = 128,
    CONV_RESULT = CONV_TILE + 4 /* floats from one line of a result to the next */
};

/* x (n,h,w,c), y (n,ho,wo,k), whichever of the two is computed. */
typedef struct conv_shape {
    int32_t n, h, w, c, ho, wo, k, kh, kw, stride, pad, groups;
} conv_shape;

static inline conv_shape conv_shape_of(const fpc_node *node, fpc_shape x, fpc_shape y)
{
    const fpc_conv_attr *a = static_cast<const fpc_conv_attr *>(node->attr);
    const conv_shape s = {x.n, x.h, x.w, x.c, y.h, y.w, y.c, a->kh, a->kw, a->stride, a->pad, a->groups};
    return s;
}

/* parts: `pieces` times `count` numbers; to[i] = their sum over the pieces, in order. conv_grad_w.cu */
fpc_status fpc_cuda_add_pieces(fpc_exec *, const fpc_node *, const float *parts, int32_t pieces, int64_t count,
                               float *to);
/* conv.cu, conv_grad_w.cu; conv_cudnn.cu falls back on them */
fpc_status fpc_cuda_conv2d_run(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status fpc_cuda_conv2d_grad_x_run(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status fpc_cuda_conv_grad_w_run(fpc_exec *, const fpc_node *, fpc_rows);
void fpc_cuda_conv_grad_w_need(const fpc_node *, fpc_need *);

/* Division by a number that is known before the loop, n < 2^31: Granlund and Montgomery, PLDI 1994. */
typedef struct divider {
    uint32_t by, factor, shift;
} divider;

BOTH divider divider_of(uint32_t by)
{
    divider d = {by, 0, 0};
    while (((uint64_t)1 << d.shift) < by)
        d.shift++;
    d.factor = (uint32_t)((((((uint64_t)1 << d.shift) - by) << 32) / by) + 1);
    return d;
}
BOTH int32_t quotient(int32_t n, const divider &d)
{
    const uint32_t high = (uint32_t)(((uint64_t)(uint32_t)n * d.factor) >> 32);
    return (int32_t)((high + (uint32_t)n) >> d.shift);
}

/* Numbers that are fetched at once where each of a, b is a multiple of it: 16 bytes, 8, or one number. */
template <class T> static int conv_pack(int32_t a, int32_t b)
{
    return a % wide<T>::n == 0 && b % wide<T>::n == 0 ? wide<T>::n : a % 4 == 0 && b % 4 == 0 ? 4 : 1;
}

/* ---- from memory to shared memory ---- */

/* How far one step goes along the summed axis: 128 bytes, or 64 where single halves go through registers. */
template <class T, int VA, int VB> struct conv_depth {
    static const int value = ((VA < VB ? VA : VB) * (int)sizeof(T) < 4 ? 64 : 128) / (int)sizeof(T);
};

/* One step of an operand: 64 lines by DEPTH, V numbers at a time. RULE::at(line, k) says where the V numbers lie that
 * begin there, or nullptr where zeros stand; RULE::from is any address of the tensor. Packs of 4, 8 and 16 bytes are
 * copied past the registers and have arrived after copy_wait; single halves are held until put. */
template <class T, int V, bool INNER, int DEPTH> struct conv_stage {
    static const int LD = (INNER ? DEPTH : (int)CONV_TILE) + 16 / (int)sizeof(T);
    static const int SIZE = (INNER ? (int)CONV_TILE : DEPTH) * LD;
    static const int PACKS = CONV_TILE * DEPTH / V / CONV_THREADS;
    static const int BYTES = V * (int)sizeof(T);
    T held[BYTES < 4 ? PACKS : 1];

    static DEVICE int line_of(int i)
    {
        const int at = (int)threadIdx.x + i * CONV_THREADS;
        return INNER ? at / (DEPTH / V) : at % (CONV_TILE / V) * V;
    }
    static DEVICE int k_of(int i)
    {
        const int at = (int)threadIdx.x + i * CONV_THREADS;
        return INNER ? at % (DEPTH / V) * V : at / (CONV_TILE / V);
    }
    static DEVICE T *place(T *tile, int i)
    {
        return INNER ? tile + line_of(i) * LD + k_of(i) : tile + k_of(i) * LD + line_of(i);
    }
    template <class RULE> DEVICE void fetch(const RULE &rule, int32_t k, T *tile)
    {
        for (int i = 0; i < PACKS; i++) {
            const T *at = rule.at(line_of(i), k + k_of(i)), *from = at ? at : rule.from;
            if (BYTES < 4)
                held[i] = at ? *at : from_float<T>(0.0f);
            else if (BYTES == 16)
                copy_async<16>(place(tile, i), from, at != nullptr);
            else
                for (int j = 0; j < V; j += 4 / (int)sizeof(T))
                    copy_async<4>(place(tile, i) + j, from + j, at != nullptr);
        }
    }
    DEVICE void put(T *tile) const
    {
        for (int i = 0; BYTES < 4 && i < PACKS; i++)
            *place(tile, i) = held[i];
    }
};

/* ---- the tile ---- */

/* Bytes of shared memory that a tile needs: two steps of both operands, or its result. Aligned to 128. */
template <class T, int VA, bool A_INNER, int VB, bool B_INNER> struct conv_room {
    static const int DEPTH = conv_depth<T, VA, VB>::value;
    static const int STEPS =
        2 * (int)sizeof(T) * (conv_stage<T, VA, A_INNER, DEPTH>::SIZE + conv_stage<T, VB, B_INNER, DEPTH>::SIZE);
    static const int RESULT = CONV_TILE * CONV_RESULT * (int)sizeof(float);
    static const int BYTES = STEPS > RESULT ? STEPS : RESULT;
};

/* The product of 64 lines of a by 64 of b over k in [first, end), left in room as floats, CONV_RESULT from line to
 * line. rows, columns: how many lines of each there are; a warp beyond them saves its work. Ends with a
 * __syncthreads(). */
template <class T, bool TENSOR, int VA, bool A_INNER, int VB, bool B_INNER, class A, class B>
DEVICE void conv_tile(const A &a, const B &b, int32_t rows, int32_t columns, int32_t first, int32_t end,
                      unsigned char *room)
{
    const int DEPTH = conv_depth<T, VA, VB>::value;
    typedef conv_stage<T, VA, A_INNER, conv_depth<T, VA, VB>::value> a_stage;
    typedef conv_stage<T, VB, B_INNER, conv_depth<T, VA, VB>::value> b_stage;
    T *const tile_a = reinterpret_cast<T *>(room), *const tile_b = tile_a + 2 * a_stage::SIZE;
    const int warp = (int)threadIdx.x / 32, row = warp / 2 * WARP_TILE, column = warp % 2 * WARP_TILE;
    const T *const my_a = tile_a + (A_INNER ? row * a_stage::LD : row);
    const T *const my_b = tile_b + (B_INNER ? column * b_stage::LD : column);
    const bool works = row < rows && column < columns;
    typename warp_tile<T, TENSOR, A_INNER, B_INNER, a_stage::LD, b_stage::LD, DEPTH>::type sum;
    a_stage from_a;
    b_stage from_b;
    int now = 0;

    sum.clear();
    if (first < end) {
        from_a.fetch(a, first, tile_a);
        from_b.fetch(b, first, tile_b);
        from_a.put(tile_a);
        from_b.put(tile_b);
    }
    for (int32_t k = first; k < end; k += DEPTH, now ^= 1) {
        T *const next_a = tile_a + (now ^ 1) * a_stage::SIZE, *const next_b = tile_b + (now ^ 1) * b_stage::SIZE;
        const bool more = k + DEPTH < end;
        copy_wait();
        __syncthreads(); /* this step has arrived, and nobody reads the one before it */
        if (more) {
            from_a.fetch(a, k + DEPTH, next_a);
            from_b.fetch(b, k + DEPTH, next_b);
        }
        if (works)
            sum.add(my_a + now * a_stage::SIZE, my_b + now * b_stage::SIZE);
        if (more) {
            from_a.put(next_a);
            from_b.put(next_b);
        }
    }
    __syncthreads();
    sum.put(reinterpret_cast<float *>(room) + row * CONV_RESULT + column, CONV_RESULT);
    __syncthreads();
}

#endif
