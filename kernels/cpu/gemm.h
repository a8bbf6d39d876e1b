/* gemm.h: matrix products for tall, narrow operands (rows = pixels). Used by linear, conv and attention.
 *
 * The right operand is packed once into panels of a few vectors; the left one is read where it lies. Every element of
 * a product is one chain of multiply-adds in the order of k, started at the bias, whatever the number of rows in the
 * call: a row's result does not depend on the tile it is computed in. Sums are fp32.
 *
 * Operands are of type `real` (simd.h). In bf16 (gemm_half.c) two neighbours of k are multiplied at once where the
 * processor has instructions for it (level avx512_bf16); elsewhere the operands are widened, which is exact, and go
 * through the products of fp32 of the same level. */
#ifndef KERNELS_CPU_GEMM_H
#define KERNELS_CPU_GEMM_H

#include <fpcore/backend.h>
#include "simd.h"

/* One copy of this code per instruction set and type. */
#define fpc_gemm FPC_CAT(fpc_gemm, FPC_ISA)
#define fpc_gemm_add FPC_CAT(fpc_gemm_add, FPC_ISA)
#define fpc_gemm_to_float FPC_CAT(fpc_gemm_to_float, FPC_ISA)
#define fpc_gemm_pack FPC_CAT(fpc_gemm_pack, FPC_ISA)
#define fpc_gemm_outer FPC_CAT(fpc_gemm_outer, FPC_ISA)
#define fpc_gemm_registers FPC_CAT(fpc_gemm_registers, FPC_ISA)

/* Bytes of a thread's scratch, for products of bf16 only: what has to be turned or widened is, a block at a time.
 * Blocks are of so many bytes, or of as many rows as two of the tallest micro-kernel. */
enum { GEMM_BLOCK = 64 << 10, GEMM_OUTER_BLOCK = 128 << 10, GEMM_LEAST_ROWS = 24 };
static inline int64_t gemm_row(int64_t k)
{
    return k > 0 ? (k + 31) / 32 * 32 : 32; /* a phase of a convolution without taps is a product with k = 0 */
}
static inline size_t gemm_block_bytes(int64_t floats_of_row, size_t usual)
{
#ifdef FPC_HALF
    const size_t least = (size_t)(GEMM_LEAST_ROWS * floats_of_row) * sizeof(float);
    return (least > usual ? least : usual) + 64;
#else
    (void)floats_of_row, (void)usual;
    return 0;
#endif
}
static inline size_t gemm_scratch(int64_t k, int64_t n)
{
    return gemm_block_bytes(gemm_row(k) + gemm_row(n), GEMM_BLOCK);
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
void fpc_gemm_pack(float *packed, int64_t k, int64_t n, const real *b, int64_t stride_k, int64_t stride_n,
                   const float *bias);

/* c[i][j] = bias[j] + sum_p a[i][p] B[p][j], i < m; rows of a and c are lda and ldc numbers apart. scratch: of the
 * calling thread, gemm_scratch(k, n) bytes. */
void fpc_gemm(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed, real *c,
              int64_t ldc);
/* The same, and add[i][j] more; NULL: nothing. Its rows are ldc numbers apart; it may be c. */
void fpc_gemm_add(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed,
                  const real *add, real *c, int64_t ldc);
/* The first, not rounded to what `real` stores. */
void fpc_gemm_to_float(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed,
                       float *c, int64_t ldc);

/* c[i][j] += sum_r a[r][i] b[r][j], r < rows, i < m, j < n. scratch: gemm_outer_scratch(m, n) bytes. */
void fpc_gemm_outer(void *scratch, int64_t rows, int64_t m, int64_t n, const real *a, int64_t lda, const real *b,
                    int64_t ldb, float *c, int64_t ldc);

/* The arithmetic of a product alone, in registers, `turns` times over: its rate is what no product can pass. Returns
 * how many multiply-accumulates were done. *keep is read and written, so that no compiler leaves the work out. Only at
 * the levels of fp32 and at avx512_bf16. */
double fpc_gemm_registers(int64_t turns, float *keep);

/* ---- what gemm.c and gemm_half.c share ---- */
enum { GEMM_CHAINS = VL == 16 ? 24 : 12 }; /* accumulators: enough to hide the latency of an addition */

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
/* Writes the bias (NULL: zeros) in front of the panels, and returns where they begin. */
static inline float *gemm_pack_bias(float *packed, int64_t n, const float *bias)
{
    const int64_t width = (n + VL - 1) / VL * VL;
    for (int64_t j = 0; j < width; j++)
        packed[j] = bias && j < n ? bias[j] : 0;
    return packed + width;
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
