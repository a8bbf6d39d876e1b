/* gemm.h: matrix products for tall, narrow operands (rows = pixels). Used by linear, conv and attention.
 *
 * The right operand is packed once into panels of a few vectors; the left one is read where it lies. Every element of
 * a product is one chain of multiply-adds in the order of k, started at the bias, whatever the number of rows in the
 * call: a row's result does not depend on the tile it is computed in.
 *
 * In bf16 (gemm_bf16.c) both operands are rounded to bfloat16, to nearest and ties to even, and everything else stays
 * as it is: what comes in and goes out is fp32, and so are the sums. Two neighbours of k are then multiplied at once
 * where the processor has instructions for it (level avx512_bf16); elsewhere the rounded numbers go through the
 * products of fp32. */
#ifndef KERNELS_CPU_GEMM_H
#define KERNELS_CPU_GEMM_H

#include <fpcore/backend.h>
#include "simd.h"

/* One copy of this code per instruction set. */
#define fpc_gemm FPC_CAT(fpc_gemm, FPC_ISA)
#define fpc_gemm_pack FPC_CAT(fpc_gemm_pack, FPC_ISA)
#define fpc_gemm_outer FPC_CAT(fpc_gemm_outer, FPC_ISA)
#define fpc_gemm_pack_bf16 FPC_CAT(fpc_gemm_pack_bf16, FPC_ISA)
#define fpc_gemm_bf16 FPC_CAT(fpc_gemm_bf16, FPC_ISA)
#define fpc_gemm_outer_bf16 FPC_CAT(fpc_gemm_outer_bf16, FPC_ISA)

/* How the products of a node are computed. */
typedef struct gemm_way {
    int bf16;
    void *scratch; /* of the calling thread, for rounded operands: gemm_scratch or gemm_outer_scratch bytes */
} gemm_way;

static inline gemm_way gemm_way_of(const fpc_exec *x, void *scratch)
{
    return (gemm_way){fpc_exec_products(x) == FPC_HALF_BF16, scratch};
}

/* Bytes of a thread's scratch: rows of k numbers, or rows of m and of n numbers, are rounded there a block at a time.
 * Blocks are of so many bytes, or of as many rows as two of the tallest micro-kernel. */
enum { GEMM_BLOCK = 64 << 10, GEMM_OUTER_BLOCK = 128 << 10, GEMM_LEAST_ROWS = 24 };
static inline int64_t gemm_row(int64_t k)
{
    return k > 0 ? (k + 31) / 32 * 32 : 32; /* a phase of a convolution without taps is a product with k = 0 */
}
static inline size_t gemm_block_bytes(int64_t floats_of_row, size_t usual)
{
    const size_t least = (size_t)(GEMM_LEAST_ROWS * floats_of_row) * sizeof(float);
    return (least > usual ? least : usual) + 64;
}
static inline size_t gemm_scratch(int64_t k)
{
    return gemm_block_bytes(gemm_row(k), GEMM_BLOCK);
}
static inline size_t gemm_outer_scratch(int64_t m, int64_t n)
{
    return gemm_block_bytes(gemm_row(m) + gemm_row(n), GEMM_OUTER_BLOCK);
}

/* Floats of a packed k x n matrix and its bias. */
static inline size_t gemm_packed(int64_t k, int64_t n)
{
    return (size_t)((k + 1) * ((n + VL - 1) / VL * VL));
}

/* Packs B[p][j] = b[p*stride_k + j*stride_n], p < k, j < n, and the bias (NULL: zeros). packed: 64-byte aligned. */
void fpc_gemm_pack(gemm_way, float *packed, int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                   const float *bias);

/* c[i][j] = bias[j] + sum_p a[i][p] B[p][j], i < m; rows of a and c are lda and ldc floats apart. */
void fpc_gemm(gemm_way, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed, float *c,
              int64_t ldc);

/* c[i][j] += sum_r a[r][i] b[r][j], r < rows, i < m, j < n. */
void fpc_gemm_outer(gemm_way, int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b,
                    int64_t ldb, float *c, int64_t ldc);

/* What the three do in bf16; gemm_bf16.c. scratch is never NULL but in packing. */
void fpc_gemm_pack_bf16(float *packed, int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                        const float *bias);
void fpc_gemm_bf16(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
                   float *c, int64_t ldc);
void fpc_gemm_outer_bf16(void *scratch, int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b,
                         int64_t ldb, float *c, int64_t ldc);

/* ---- what gemm.c and gemm_bf16.c share ---- */

enum { GEMM_MAX_MR = 12, GEMM_MAX_NV = VL == 16 ? 4 : 2 };

/* The micro-kernels that there are: mr rows by nv vectors fill the registers. For panels of nv vectors, by falling
 * number of rows; the last has one row. */
/* clang-format off */
#if VL == 16
enum { GEMM_STEPS = 5 };
#define GEMM_KERNELS(X)                                                                                                \
    X(12, 1) X(8, 1) X(4, 1) X(2, 1) X(1, 1) X(12, 2) X(8, 2) X(4, 2) X(2, 2) X(1, 2)                                  \
    X(8, 3) X(4, 3) X(2, 3) X(1, 3) X(6, 4) X(4, 4) X(2, 4) X(1, 4)
#define GEMM_TABLE(S)                                                                                                  \
    {{S(12, 1), S(8, 1), S(4, 1), S(2, 1), S(1, 1)}, {S(12, 2), S(8, 2), S(4, 2), S(2, 2), S(1, 2)},                   \
     {S(8, 3), S(4, 3), S(2, 3), S(1, 3)}, {S(6, 4), S(4, 4), S(2, 4), S(1, 4)}}
#else
enum { GEMM_STEPS = 4 };
#define GEMM_KERNELS(X) X(8, 1) X(4, 1) X(2, 1) X(1, 1) X(6, 2) X(4, 2) X(2, 2) X(1, 2)
#define GEMM_TABLE(S) {{S(8, 1), S(4, 1), S(2, 1), S(1, 1)}, {S(6, 2), S(4, 2), S(2, 2), S(1, 2)}}
#endif
/* clang-format on */

/* A walk over the panels of n columns: for (gemm_panel p = gemm_first(n); p.nv; p = gemm_next(p)). */
typedef struct gemm_panel {
    int64_t n, v;  /* columns in all; vectors before this panel */
    int nv;        /* vectors of this one; 0: behind the last */
    int64_t lanes; /* of its last vector */
} gemm_panel;

static inline gemm_panel gemm_at(int64_t n, int64_t v)
{
    const int64_t vectors = (n + VL - 1) / VL, left = vectors - v;
    const int64_t nv = left <= GEMM_MAX_NV                          ? left
                       : left == GEMM_MAX_NV + 1 && GEMM_MAX_NV > 2 ? GEMM_MAX_NV - 1
                                                                    : GEMM_MAX_NV;
    return (gemm_panel){n, v, (int)nv, nv == left ? n - (vectors - 1) * VL : VL};
}
static inline gemm_panel gemm_first(int64_t n)
{
    return gemm_at(n, 0);
}
static inline gemm_panel gemm_next(gemm_panel p)
{
    return gemm_at(p.n, p.v + p.nv);
}

/* ---- the first lanes of a vector ---- */
#if VL == 16
typedef __mmask16 vmask;
static inline vmask vmask_first(int64_t n)
{
    return (vmask)((1u << n) - 1u);
}
static inline vf vf_load_mask(const float *p, vmask m)
{
    return (vf)_mm512_maskz_loadu_ps(m, p);
}
static inline void vf_store_mask(float *p, vf v, vmask m)
{
    _mm512_mask_storeu_ps(p, m, (__m512)v);
}
#elif VL == 8
typedef __m256i vmask;
static inline vmask vmask_first(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf vf_load_mask(const float *p, vmask m)
{
    return (vf)_mm256_maskload_ps(p, m);
}
static inline void vf_store_mask(float *p, vf v, vmask m)
{
    _mm256_maskstore_ps(p, m, (__m256)v);
}
#else
typedef int vmask;
static inline vmask vmask_first(int64_t n)
{
    return (vmask)n;
}
static inline vf vf_load_mask(const float *p, vmask m)
{
    return m == VL ? vf_load(p) : vf_load_n(p, m);
}
static inline void vf_store_mask(float *p, vf v, vmask m)
{
    if (m == VL)
        vf_store(p, v);
    else
        vf_store_n(p, v, m);
}
#endif

#endif
