/* gemm_bf16.c: the products of gemm.h with operands rounded to bf16 and sums in fp32.
 *
 * Level avx512_bf16: VDPBF16PS adds two products to each lane, so operands lie in pairs of neighbours along the summed
 * axis: packed panels are [k/2][vectors][16][2], which is what tiles of AMX read too; the rows of the left operand are
 * rounded where they lie, a block at a time; for sums over rows both operands become pairs of rows. Odd lengths end
 * with a pair whose second half is 0. The instruction takes denormal numbers for 0.
 * Other levels: the rounded numbers are stored as floats and go through the products of fp32. */
#include "gemm.h"
#include <fpcore/half.h>

/* Rows of a block of so many bytes: a whole number of the tallest micro-kernel's. */
static int64_t block_rows(int64_t bytes, int64_t row_bytes)
{
    const int64_t fit = bytes / row_bytes / GEMM_LEAST_ROWS * GEMM_LEAST_ROWS;
    return fit < GEMM_LEAST_ROWS ? GEMM_LEAST_ROWS : fit;
}

static void *aligned(void *scratch)
{
    return (void *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
}

#ifdef __AVX512BF16__

#define UNROLL _Pragma("GCC unroll 16")

typedef uint16_t bf;
typedef void micro_fn(int64_t k, const bf *a, int64_t lda, const bf *b, const float *bias, float *c, int64_t ldc,
                      int64_t lanes);
typedef void outer_fn(int64_t pairs, const bf *a, int64_t lda, const bf *b, int64_t ldb, float *c, int64_t ldc,
                      int64_t lanes);

static inline __m512bh pairs_at(const bf *p)
{
    return (__m512bh)_mm512_loadu_si512(p);
}
/* One pair in all lanes. */
static inline __m512bh pair_in_all(const bf *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* k is even. */
FPC_INLINE void micro(const int mr, const int nv, int64_t k, const bf *a, int64_t lda, const bf *b, const float *bias,
                      float *c, int64_t ldc, int64_t lanes)
{
    __m512 acc[GEMM_MAX_MR][GEMM_MAX_NV];
    const bf *row[GEMM_MAX_MR / 4 + 1]; /* rows 0, 4, 8: the others are reached by 1, 2, 3 strides */

    UNROLL for (int i = 0; i < mr; i += 4) row[i / 4] = a + i * lda;
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++) acc[i][v] = _mm512_loadu_ps(bias + v * VL);
    for (int64_t p = 0; p < k; p += 2, b += nv * 2 * VL) {
        __m512bh bv[GEMM_MAX_NV];
        UNROLL for (int v = 0; v < nv; v++) bv[v] = pairs_at(b + v * 2 * VL);
        UNROLL for (int i = 0; i < mr; i++)
        {
            const __m512bh av = pair_in_all(row[i / 4] + (i % 4) * lda + p);
            UNROLL for (int v = 0; v < nv; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], av, bv[v]);
        }
    }
    const vmask mask = vmask_first(lanes);
    UNROLL for (int i = 0; i < mr; i++)
    {
        UNROLL for (int v = 0; v < nv - 1; v++) _mm512_storeu_ps(c + i * ldc + v * VL, acc[i][v]);
        _mm512_mask_storeu_ps(c + i * ldc + (nv - 1) * VL, mask, acc[i][nv - 1]);
    }
}

FPC_INLINE void outer(const int mr, const int nv, int64_t pairs, const bf *a, int64_t lda, const bf *b, int64_t ldb,
                      float *c, int64_t ldc, int64_t lanes)
{
    __m512 acc[GEMM_MAX_MR][GEMM_MAX_NV];

    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++) acc[i][v] = _mm512_setzero_ps();
    for (int64_t r = 0; r < pairs; r++, a += lda, b += ldb) {
        __m512bh bv[GEMM_MAX_NV];
        UNROLL for (int v = 0; v < nv; v++) bv[v] = pairs_at(b + v * 2 * VL);
        UNROLL for (int i = 0; i < mr; i++)
        {
            const __m512bh av = pair_in_all(a + 2 * i);
            UNROLL for (int v = 0; v < nv; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], av, bv[v]);
        }
    }
    const vmask mask = vmask_first(lanes);
    UNROLL for (int i = 0; i < mr; i++)
    {
        float *to = c + i * ldc, *last = to + (nv - 1) * VL;
        UNROLL for (int v = 0; v < nv - 1; v++)
            _mm512_storeu_ps(to + v * VL, _mm512_add_ps(_mm512_loadu_ps(to + v * VL), acc[i][v]));
        _mm512_mask_storeu_ps(last, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, last), acc[i][nv - 1]));
    }
}

#define MICRO(mr, nv)                                                                                                  \
    static void micro_##mr##x##nv(int64_t k, const bf *a, int64_t lda, const bf *b, const float *bias, float *c,       \
                                  int64_t ldc, int64_t lanes)                                                          \
    {                                                                                                                  \
        micro(mr, nv, k, a, lda, b, bias, c, ldc, lanes);                                                              \
    }                                                                                                                  \
    static void outer_##mr##x##nv(int64_t pairs, const bf *a, int64_t lda, const bf *b, int64_t ldb, float *c,         \
                                  int64_t ldc, int64_t lanes)                                                          \
    {                                                                                                                  \
        outer(mr, nv, pairs, a, lda, b, ldb, c, ldc, lanes);                                                           \
    }

typedef struct step {
    int mr;
    micro_fn *micro;
    outer_fn *outer;
} step;
#define STEP(mr, nv)                                                                                                   \
    {                                                                                                                  \
        mr, micro_##mr##x##nv, outer_##mr##x##nv                                                                       \
    }

GEMM_KERNELS(MICRO)
static const step steps[GEMM_MAX_NV][GEMM_STEPS] = GEMM_TABLE(STEP);

/* n floats, rounded; zeros up to a whole number of 32. */
static void round_row(bf *to, const float *from, int64_t n)
{
    int64_t j = 0;
    for (; j + 32 <= n; j += 32)
        _mm512_storeu_si512(to + j,
                            (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + j + 16), _mm512_loadu_ps(from + j)));
    if (j < n) {
        const __mmask32 mask = (__mmask32)((1ull << (n - j)) - 1);
        _mm512_storeu_si512(to + j,
                            (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps((__mmask16)(mask >> 16), from + j + 16),
                                                         _mm512_maskz_loadu_ps((__mmask16)mask, from + j)));
    }
}

/* Two rows of n floats to pairs, zeros up to a whole number of 16 pairs. second NULL: zeros. */
static void round_pair(bf *to, const float *first, const float *second, int64_t n)
{
    const __m512i turn = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                          21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (int64_t j = 0; j < n; j += 16) {
        const __mmask16 mask = n - j < 16 ? (__mmask16)((1u << (n - j)) - 1) : (__mmask16)0xffff;
        const __m512 low = _mm512_maskz_loadu_ps(mask, first + j),
                     high = second ? _mm512_maskz_loadu_ps(mask, second + j) : _mm512_setzero_ps();
        _mm512_storeu_si512(to + 2 * j, _mm512_permutexvar_epi16(turn, (__m512i)_mm512_cvtne2ps_pbh(high, low)));
    }
}

static void pack_panel(bf *panel, int64_t width, int64_t cols, int64_t k, const float *from, int64_t stride_k,
                       int64_t stride_n)
{
    if (stride_n == 1) {
        for (int64_t p = 0; p < k; p += 2, panel += 2 * width) {
            memset(panel + 2 * cols / 32 * 32, 0, (size_t)(2 * width - 2 * cols / 32 * 32) * sizeof *panel);
            round_pair(panel, from + p * stride_k, p + 1 < k ? from + (p + 1) * stride_k : NULL, cols);
        }
        return;
    }
    for (int64_t p = 0; p < k; p += 2, panel += 2 * width)
        for (int64_t j = 0; j < width; j++) {
            const float *at = from + p * stride_k + j * stride_n;
            panel[2 * j] = j < cols ? fpc_float_to_bf16(at[0]) : 0;
            panel[2 * j + 1] = j < cols && p + 1 < k ? fpc_float_to_bf16(at[stride_k]) : 0;
        }
}

void fpc_gemm_pack_bf16(float *packed, int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                        const float *bias)
{
    const int64_t vectors = (n + VL - 1) / VL;
    for (int64_t j = 0; j < vectors * VL; j++)
        packed[j] = bias && j < n ? bias[j] : 0;
    bf *panel = (bf *)(packed + vectors * VL);
    for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
        const int64_t width = at.nv * VL, cols = (at.nv - 1) * VL + at.lanes;
        pack_panel(panel, width, cols, k, b + at.v * VL * stride_n, stride_k, stride_n);
        panel += (k + 1) / 2 * 2 * width;
    }
}

void fpc_gemm_bf16(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
                   float *c, int64_t ldc)
{
    const int64_t vectors = (n + VL - 1) / VL, even = (k + 1) / 2 * 2;
    const int64_t ld = gemm_row(k) % 1024 ? gemm_row(k) : gemm_row(k) + 32; /* rows of 2 KiB would share cache sets */
    const int64_t block = block_rows(GEMM_BLOCK, ld * (int64_t)sizeof(bf));
    bf *rows = aligned(scratch);

    for (int64_t r = 0; r < m; r += block) {
        const int64_t count = m - r < block ? m - r : block;
        const bf *panel = (const bf *)(packed + vectors * VL);
        for (int64_t i = 0; i < count; i++)
            round_row(rows + i * ld, a + (r + i) * lda, k);
        for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
            const step *s = steps[at.nv - 1];
            for (int64_t i = 0; i < count; i += s->mr) {
                while (s->mr > count - i)
                    s++;
                s->micro(even, rows + i * ld, ld, panel, packed + at.v * VL, c + (r + i) * ldc + at.v * VL, ldc,
                         at.lanes);
            }
            panel += even * at.nv * VL;
        }
    }
}

void fpc_gemm_outer_bf16(void *scratch, int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b,
                         int64_t ldb, float *c, int64_t ldc)
{
    const int64_t vectors = (n + VL - 1) / VL, wa = 2 * ((m + 15) / 16 * 16), wb = 2 * vectors * VL;
    const int64_t block = block_rows(GEMM_OUTER_BLOCK, (wa + wb) / 2 * (int64_t)sizeof(bf));
    bf *left = aligned(scratch), *right = left + block / 2 * wa;

    for (int64_t r = 0; r < rows; r += block) {
        const int64_t count = rows - r < block ? rows - r : block, pairs = (count + 1) / 2;
        for (int64_t p = 0; p < pairs; p++) {
            const int64_t at = r + 2 * p, both = 2 * p + 1 < count;
            round_pair(left + p * wa, a + at * lda, both ? a + (at + 1) * lda : NULL, m);
            round_pair(right + p * wb, b + at * ldb, both ? b + (at + 1) * ldb : NULL, n);
        }
        for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
            const step *s = steps[at.nv - 1];
            for (int64_t i = 0; i < m; i += s->mr) {
                while (s->mr > m - i)
                    s++;
                s->outer(pairs, left + 2 * i, wa, right + 2 * at.v * VL, wb, c + i * ldc + at.v * VL, ldc, at.lanes);
            }
        }
    }
}

#else

static vf rounded(vf x)
{
    const vu bits = (vu)x;
    const vi nan = (vi)((bits & 0x7fffffffu) > 0x7f800000u);
    return vf_select(nan, (vf)((bits | 0x400000u) & 0xffff0000u),
                     (vf)((bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u));
}

static const gemm_way fp32 = {0, NULL};

void fpc_gemm_pack_bf16(float *packed, int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                        const float *bias)
{
    const int64_t start = (n + VL - 1) / VL * VL, end = (int64_t)gemm_packed(k, n);
    fpc_gemm_pack(fp32, packed, k, n, b, stride_k, stride_n, bias);
    for (int64_t i = start; i < end; i += VL)
        vf_store(packed + i, rounded(vf_load(packed + i)));
}

/* A vector more than asked for may be written. */
static void round_row(float *to, const float *from, int64_t n)
{
    for (FPC_COLUMNS(j, count, n))
        vf_store(to + j, rounded(vf_get(from + j, count)));
}

void fpc_gemm_bf16(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
                   float *c, int64_t ldc)
{
    const int64_t ld = gemm_row(k), block = block_rows(GEMM_BLOCK, ld * (int64_t)sizeof(float));
    float *rows = aligned(scratch);

    for (int64_t r = 0; r < m; r += block) {
        const int64_t count = m - r < block ? m - r : block;
        for (int64_t i = 0; i < count; i++)
            round_row(rows + i * ld, a + (r + i) * lda, k);
        fpc_gemm(fp32, count, n, k, rows, ld, packed, c + r * ldc, ldc);
    }
}

void fpc_gemm_outer_bf16(void *scratch, int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b,
                         int64_t ldb, float *c, int64_t ldc)
{
    const int64_t wa = gemm_row(m), wb = gemm_row(n),
                  block = block_rows(GEMM_OUTER_BLOCK, (wa + wb) * (int64_t)sizeof(float));
    float *left = aligned(scratch), *right = left + block * wa;

    for (int64_t r = 0; r < rows; r += block) {
        const int64_t count = rows - r < block ? rows - r : block;
        for (int64_t i = 0; i < count; i++) {
            round_row(left + i * wa, a + (r + i) * lda, m);
            round_row(right + i * wb, b + (r + i) * ldb, n);
        }
        fpc_gemm_outer(fp32, count, m, n, left, wa, right, wb, c, ldc);
    }
}

#endif
