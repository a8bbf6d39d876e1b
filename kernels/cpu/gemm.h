/* gemm.h: matrix products for tall, narrow operands (rows = pixels). Used by linear, conv and attention.
 *
 * The right operand is packed once into panels of a few vectors; the left one is read where it lies. Every element of
 * a product is one chain of multiply-adds in the order of k, started at the bias, whatever the number of rows in the
 * call: a row's result does not depend on the tile it is computed in. */
#ifndef KERNELS_CPU_GEMM_H
#define KERNELS_CPU_GEMM_H

#include "simd.h"

/* One copy of this code per instruction set. */
#define fpc_gemm FPC_CAT(fpc_gemm, FPC_ISA)
#define fpc_gemm_pack FPC_CAT(fpc_gemm_pack, FPC_ISA)
#define fpc_gemm_outer FPC_CAT(fpc_gemm_outer, FPC_ISA)

/* Floats of a packed k x n matrix and its bias. */
static inline size_t gemm_packed(int64_t k, int64_t n)
{
    return (size_t)((k + 1) * ((n + VL - 1) / VL * VL));
}

/* Packs B[p][j] = b[p*stride_k + j*stride_n], p < k, j < n, and the bias (NULL: zeros). packed: 64-byte aligned. */
void fpc_gemm_pack(float *packed, int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                   const float *bias);

/* c[i][j] = bias[j] + sum_p a[i][p] B[p][j], i < m; rows of a and c are lda and ldc floats apart. */
void fpc_gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed, float *c, int64_t ldc);

/* c[i][j] += sum_r a[r][i] b[r][j], r < rows, i < m, j < n. */
void fpc_gemm_outer(int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b, int64_t ldb,
                    float *c, int64_t ldc);

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
