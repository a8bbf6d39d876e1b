/* ptx.h: the few instructions that CUDA C++ has no words for, for a warp: 16x16 blocks of halves out of shared memory,
 * a 16x8 product of them, and copies into shared memory that run while the warp computes. Fragments are those of the
 * PTX ISA ("Matrix fragments for mma.m16n8k16", "ldmatrix"), with g = lane / 4, t = lane % 4:
 *   A (16x16): register i holds row g + 8 (i % 2), columns 2t + 8 (i / 2) and the next
 *   B (16x8):  register i holds rows 2t + 8 i and the next, column g
 *   C (16x8):  number e stands in row g + 8 (e / 2), column 2t + e % 2
 * All PTX stands here: what cannot run PTX brings another file of this name. */
#ifndef KERNELS_CUDA_PTX_H
#define KERNELS_CUDA_PTX_H

#include "kernels/cuda/device.h"

/* Four 8x8 matrices of halves. Lanes 8i to 8i + 7 say where the rows of matrix i begin: shared memory, 16-aligned.
 * Register i: row g, columns 2t and 2t + 1 of matrix i. */
template <class T> DEVICE void load_matrix(uint32_t (&r)[4], const T *row)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at)
                 : "memory");
}

/* The same of the transposed matrices: register i: rows 2t and 2t + 1, column g of matrix i. */
template <class T> DEVICE void load_matrix_transposed(uint32_t (&r)[4], const T *row)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at)
                 : "memory");
}

/* c += a b */
template <class T> DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <> DEVICE void multiply_add<bf16>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <> DEVICE void multiply_add<f16>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Starts a copy of N = 4, 8 or 16 bytes into shared memory, zeros where `there` is 0. Both addresses N-aligned. */
template <int N> DEVICE void copy_async(void *to, const void *from, int there)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(to);
    const int bytes = there ? N : 0;
    if (N == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at), "l"(from), "r"(bytes) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(at), "l"(from), "r"(bytes), "n"(N)
                     : "memory");
}

/* Waits for the copies that this thread started. Others see them after the next __syncwarp or __syncthreads. */
DEVICE void copy_wait()
{
    asm volatile("cp.async.wait_all;" ::: "memory");
}

/* 2^x to 2 ulp, 0 where that is below the normal numbers. */
DEVICE float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* Two halves in a register, `low` in the lower bits. */
template <class T> DEVICE uint32_t pair_of(float low, float high);
template <> DEVICE uint32_t pair_of<bf16>(float low, float high)
{
    uint32_t r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
template <> DEVICE uint32_t pair_of<f16>(float low, float high)
{
    uint32_t r;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

#endif
