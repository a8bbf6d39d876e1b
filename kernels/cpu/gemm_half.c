/* gemm_half.c: the products of gemm.h for operands in bf16, with sums in fp32.
 *
 * Level avx512_bf16: VDPBF16PS adds two products to each lane, so operands lie in pairs of neighbours along the summed
 * axis: packed panels are [k/2][vectors][16][2], which is what tiles of AMX read too, and the rows of the left operand
 * are read where they lie; for sums over rows both operands become pairs of rows. Odd lengths end with a pair whose
 * second half is 0. The instruction takes denormal numbers for 0.
 * Other levels: the operands are widened and go through the products of fp32. */
#include "gemm.h"

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

#define UNROLL _Pragma("GCC unroll 24")

enum { LINE = 32 /* numbers of a cache line */ };

typedef void micro_fn(int64_t k, const real *a, int64_t lda, const real *b, const float *bias, const real *add, void *c,
                      int64_t ldc, int64_t lanes);
typedef void outer_fn(int64_t pairs, const real *a, int64_t lda, const real *b, int64_t ldb, float *c, int64_t ldc,
                      int64_t lanes);

static inline __m512bh pairs_at(const real *p)
{
    return (__m512bh)_mm512_loadu_si512(p);
}
/* One pair in all lanes. */
static inline __m512bh pair_in_all(const real *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* k is even. wide: c is float, otherwise real. */
FPC_INLINE void micro(const int mr, const int nv, const int wide, int64_t k, const real *a, int64_t lda, const real *b,
                      const float *bias, const real *add, void *c, int64_t ldc, int64_t lanes)
{
    __m512 acc[GEMM_MAX_MR][GEMM_MAX_NV];
    const real *row[GEMM_MAX_MR / 4 + 1]; /* rows 0, 4, 8: the others are reached by 1, 2, 3 strides */

    UNROLL for (int i = 0; i < mr; i += 4) row[i / 4] = a + i * lda;
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++) acc[i][v] = _mm512_loadu_ps(bias + v * VL);
    for (int64_t p = 0; p < k;) {
        /* The rows of the next call: short strided rows are too much for the processor's own guesses. */
        UNROLL for (int i = 0; i < mr; i++) __builtin_prefetch(row[i / 4] + (i % 4 + mr) * lda + p);
        for (const int64_t end = k - p < LINE ? k : p + LINE; p < end; p += 2, b += nv * 2 * VL) {
            __m512bh bv[GEMM_MAX_NV];
            UNROLL for (int v = 0; v < nv; v++) bv[v] = pairs_at(b + v * 2 * VL);
            UNROLL for (int i = 0; i < mr; i++)
            {
                const __m512bh av = pair_in_all(row[i / 4] + (i % 4) * lda + p);
                UNROLL for (int v = 0; v < nv; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], av, bv[v]);
            }
        }
    }
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++)
    {
        const __mmask16 mask = v < nv - 1 || lanes == VL ? (__mmask16)0xffff : vmask_first(lanes);
        if (add)
            acc[i][v] += (__m512)vr_get(add + i * ldc + v * VL, v < nv - 1 ? VL : lanes);
        if (wide)
            _mm512_mask_storeu_ps((float *)c + i * ldc + v * VL, mask, acc[i][v]);
        else
            _mm256_mask_storeu_epi16((real *)c + i * ldc + v * VL, mask, (__m256i)_mm512_cvtneps_pbh(acc[i][v]));
    }
}

FPC_INLINE void outer(const int mr, const int nv, int64_t pairs, const real *a, int64_t lda, const real *b, int64_t ldb,
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
    static void micro_##mr##x##nv(int64_t k, const real *a, int64_t lda, const real *b, const float *bias,             \
                                  const real *add, void *c, int64_t ldc, int64_t lanes)                                \
    {                                                                                                                  \
        micro(mr, nv, 0, k, a, lda, b, bias, add, c, ldc, lanes);                                                      \
    }                                                                                                                  \
    static void wide_##mr##x##nv(int64_t k, const real *a, int64_t lda, const real *b, const float *bias,              \
                                 const real *add, void *c, int64_t ldc, int64_t lanes)                                 \
    {                                                                                                                  \
        (void)add;                                                                                                     \
        micro(mr, nv, 1, k, a, lda, b, bias, NULL, c, ldc, lanes);                                                     \
    }                                                                                                                  \
    static void outer_##mr##x##nv(int64_t pairs, const real *a, int64_t lda, const real *b, int64_t ldb, float *c,     \
                                  int64_t ldc, int64_t lanes)                                                          \
    {                                                                                                                  \
        outer(mr, nv, pairs, a, lda, b, ldb, c, ldc, lanes);                                                           \
    }

typedef struct step {
    int mr;
    micro_fn *micro[2]; /* to real, to float */
    outer_fn *outer;
} step;
#define STEP(mr, nv)                                                                                                   \
    {                                                                                                                  \
        mr, {micro_##mr##x##nv, wide_##mr##x##nv}, outer_##mr##x##nv                                                   \
    }

GEMM_KERNELS(MICRO)
static const step steps[GEMM_MAX_NV][GEMM_STEPS] = GEMM_TABLE(STEP);

/* Two rows of n numbers to pairs, zeros up to a whole number of 16 pairs. second NULL: zeros. */
static void pair_rows(real *to, const real *first, const real *second, int64_t n)
{
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                         5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    int64_t j = 0;
    for (; j + 32 <= n && second; j += 32) {
        const __m512i a = _mm512_loadu_si512(first + j), b = _mm512_loadu_si512(second + j);
        _mm512_storeu_si512(to + 2 * j, _mm512_permutex2var_epi16(a, low, b));
        _mm512_storeu_si512(to + 2 * j + 32, _mm512_permutex2var_epi16(a, high, b));
    }
    for (; j < n; j += 16) {
        const __mmask16 mask = n - j < 16 ? (__mmask16)((1u << (n - j)) - 1) : (__mmask16)0xffff;
        const __m256i a = _mm256_maskz_loadu_epi16(mask, first + j),
                      b = second ? _mm256_maskz_loadu_epi16(mask, second + j) : _mm256_setzero_si256();
        _mm512_storeu_si512(to + 2 * j,
                            _mm512_permutex2var_epi16(_mm512_castsi256_si512(a), low, _mm512_castsi256_si512(b)));
    }
}

static void pack_panel(real *panel, int64_t width, int64_t cols, int64_t k, const real *from, int64_t stride_k,
                       int64_t stride_n)
{
    if (stride_n == 1) {
        for (int64_t p = 0; p < k; p += 2, panel += 2 * width) {
            memset(panel + 2 * cols / 32 * 32, 0, (size_t)(2 * width - 2 * cols / 32 * 32) * sizeof *panel);
            pair_rows(panel, from + p * stride_k, p + 1 < k ? from + (p + 1) * stride_k : NULL, cols);
        }
        return;
    }
    for (int64_t p = 0; p < k; p += 2, panel += 2 * width)
        for (int64_t j = 0; j < width; j++) {
            const real *at = from + p * stride_k + j * stride_n;
            panel[2 * j] = j < cols ? at[0] : 0;
            panel[2 * j + 1] = j < cols && p + 1 < k ? at[stride_k] : 0;
        }
}

void fpc_gemm_pack(float *packed, int64_t k, int64_t n, const real *b, int64_t stride_k, int64_t stride_n,
                   const float *bias)
{
    real *panel = (real *)gemm_pack_bias(packed, n, bias);
    for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
        const int64_t width = at.nv * VL, cols = (at.nv - 1) * VL + at.lanes;
        pack_panel(panel, width, cols, k, b + at.v * VL * stride_n, stride_k, stride_n);
        panel += (k + 1) / 2 * 2 * width;
    }
}

/* A product, where its result goes, and what is added to it (NULL: nothing; to real only). */
typedef struct job {
    int64_t n, k; /* k is even */
    const float *packed;
    int wide; /* to float */
    void *c;
    const real *add;
    int64_t ldc;
} job;

/* Rows [first, first + m) of the result, from rows of a that begin with the first of them. */
static void product(const job *j, int64_t first, int64_t m, const real *a, int64_t lda)
{
    const int64_t size = j->wide ? sizeof(float) : sizeof(real);
    const real *panel = (const real *)(j->packed + (j->n + VL - 1) / VL * VL);

    for (gemm_panel at = gemm_first(j->n); at.nv; at = gemm_next(at)) {
        const step *s = steps[at.nv - 1];
        for (int64_t i = 0; i < m; i += s->mr) {
            while (s->mr > m - i)
                s++;
            const int64_t to = (first + i) * j->ldc + at.v * VL;
            s->micro[j->wide](j->k, a + i * lda, lda, panel, j->packed + at.v * VL, j->add ? j->add + to : NULL,
                              (char *)j->c + to * size, j->ldc, at.lanes);
        }
        panel += j->k * at.nv * VL;
    }
}

/* Rows of odd length have no whole last pair: they are copied, with a 0 behind them. */
static void product_of_any(job j, void *scratch, int64_t m, const real *a, int64_t lda)
{
    const int64_t ld = gemm_row(j.k + 1), block = block_rows(GEMM_BLOCK, ld * (int64_t)sizeof(real)), k = j.k;
    real *rows = aligned(scratch);

    if (k % 2 == 0) {
        product(&j, 0, m, a, lda);
        return;
    }
    j.k++;
    for (int64_t r = 0; r < m; r += block) {
        const int64_t count = m - r < block ? m - r : block;
        for (int64_t i = 0; i < count; i++) {
            real_copy(rows + i * ld, a + (r + i) * lda, k);
            rows[i * ld + k] = 0;
        }
        product(&j, r, count, rows, ld);
    }
}

void fpc_gemm_add(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed,
                  const real *add, real *c, int64_t ldc)
{
    product_of_any((job){n, k, packed, 0, c, add, ldc}, scratch, m, a, lda);
}

void fpc_gemm_to_float(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed,
                       float *c, int64_t ldc)
{
    product_of_any((job){n, k, packed, 1, c, NULL, ldc}, scratch, m, a, lda);
}

void fpc_gemm_outer(void *scratch, int64_t rows, int64_t m, int64_t n, const real *a, int64_t lda, const real *b,
                    int64_t ldb, float *c, int64_t ldc)
{
    const int64_t vectors = (n + VL - 1) / VL, wa = 2 * ((m + 15) / 16 * 16), wb = 2 * vectors * VL;
    const int64_t block = block_rows(GEMM_OUTER_BLOCK, (wa + wb) / 2 * (int64_t)sizeof(real));
    real *left = aligned(scratch), *right = left + block / 2 * wa;

    for (int64_t r = 0; r < rows; r += block) {
        const int64_t count = rows - r < block ? rows - r : block, pairs = (count + 1) / 2;
        for (int64_t p = 0; p < pairs; p++) {
            const int64_t at = r + 2 * p, both = 2 * p + 1 < count;
            pair_rows(left + p * wa, a + at * lda, both ? a + (at + 1) * lda : NULL, m);
            pair_rows(right + p * wb, b + at * ldb, both ? b + (at + 1) * ldb : NULL, n);
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

double fpc_gemm_registers(int64_t turns, float *keep)
{
    __m512 acc[GEMM_CHAINS], sum = _mm512_setzero_ps();
    const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(keep[0]), _mm512_set1_ps(keep[0]));
    UNROLL for (int c = 0; c < GEMM_CHAINS; c++) acc[c] = _mm512_set1_ps(keep[0] + (float)c);
    for (int64_t i = 0; i < turns; i++)
        UNROLL for (int c = 0; c < GEMM_CHAINS; c++) acc[c] = _mm512_dpbf16_ps(acc[c], a, a);
    UNROLL for (int c = 0; c < GEMM_CHAINS; c++) sum = _mm512_add_ps(sum, acc[c]);
    *keep = vf_sum((vf)sum);
    return (double)turns * GEMM_CHAINS * VL * 2;
}

#else

/* The products of fp32 at this level. */
#define OF_LEVEL2(level) fpc_gemm_##level
#define OUTER_OF_LEVEL2(level) fpc_gemm_outer_##level
#define OF_LEVEL(level) OF_LEVEL2(level)
#define OUTER_OF_LEVEL(level) OUTER_OF_LEVEL2(level)
#define gemm_fp32 OF_LEVEL(FPC_LEVEL)
#define gemm_outer_fp32 OUTER_OF_LEVEL(FPC_LEVEL)
void gemm_fp32(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
               float *c, int64_t ldc);
void gemm_outer_fp32(void *scratch, int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b,
                     int64_t ldb, float *c, int64_t ldc);

void fpc_gemm_pack(float *packed, int64_t k, int64_t n, const real *b, int64_t stride_k, int64_t stride_n,
                   const float *bias)
{
    float *panel = gemm_pack_bias(packed, n, bias);
    for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
        const int64_t width = at.nv * VL, cols = (at.nv - 1) * VL + at.lanes;
        const real *from = b + at.v * VL * stride_n;
        for (int64_t p = 0; p < k; p++, panel += width)
            for (int64_t j = 0; j < width; j++)
                panel[j] = j < cols ? real_get(from[p * stride_k + j * stride_n]) : 0;
    }
}

/* A vector more than asked for may be written. */
static void widen_row(float *to, const real *from, int64_t n)
{
    for (FPC_COLUMNS(j, count, n))
        vf_store(to + j, vr_get(from + j, count));
}

void fpc_gemm_to_float(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed,
                       float *c, int64_t ldc)
{
    const int64_t ld = gemm_row(k), block = block_rows(GEMM_BLOCK, ld * (int64_t)sizeof(float));
    float *rows = aligned(scratch);

    for (int64_t r = 0; r < m; r += block) {
        const int64_t count = m - r < block ? m - r : block;
        for (int64_t i = 0; i < count; i++)
            widen_row(rows + i * ld, a + (r + i) * lda, k);
        gemm_fp32(NULL, count, n, k, rows, ld, packed, c + r * ldc, ldc);
    }
}

void fpc_gemm_add(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed,
                  const real *add, real *c, int64_t ldc)
{
    const int64_t ld = gemm_row(k), wide = gemm_row(n),
                  block = block_rows(GEMM_BLOCK, (ld + wide) * (int64_t)sizeof(float));
    float *rows = aligned(scratch), *result = rows + block * ld;

    for (int64_t r = 0; r < m; r += block) {
        const int64_t count = m - r < block ? m - r : block;
        for (int64_t i = 0; i < count; i++)
            widen_row(rows + i * ld, a + (r + i) * lda, k);
        gemm_fp32(NULL, count, n, k, rows, ld, packed, result, wide);
        for (int64_t i = 0; i < count; i++)
            for (FPC_COLUMNS(j, columns, n)) {
                const int64_t to = (r + i) * ldc + j;
                const vf sum = vf_get(result + i * wide + j, columns);
                vr_put(c + to, sum + (add ? vr_get(add + to, columns) : (vf){0}), columns);
            }
    }
}

void fpc_gemm_outer(void *scratch, int64_t rows, int64_t m, int64_t n, const real *a, int64_t lda, const real *b,
                    int64_t ldb, float *c, int64_t ldc)
{
    const int64_t wa = gemm_row(m), wb = gemm_row(n),
                  block = block_rows(GEMM_OUTER_BLOCK, (wa + wb) * (int64_t)sizeof(float));
    float *left = aligned(scratch), *right = left + block * wa;

    for (int64_t r = 0; r < rows; r += block) {
        const int64_t count = rows - r < block ? rows - r : block;
        for (int64_t i = 0; i < count; i++) {
            widen_row(left + i * wa, a + (r + i) * lda, m);
            widen_row(right + i * wb, b + (r + i) * ldb, n);
        }
        gemm_outer_fp32(NULL, count, m, n, left, wa, right, wb, c, ldc);
    }
}

#endif

void fpc_gemm(void *scratch, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const float *packed, real *c,
              int64_t ldc)
{
    fpc_gemm_add(scratch, m, n, k, a, lda, packed, NULL, c, ldc);
}
