/* gemm.c: the micro-kernels behind gemm.h, in fp32. A kernel holds `mr` rows by `nv` vectors of the result in registers
 * and walks along the summed axis once: 24 accumulators of the 32 registers of AVX-512, 12 of the 16 of SSE2 and AVX2.
 * The kernels are one inline function each, instantiated for constant mr and nv so that the loops over them vanish. */
#include "gemm.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")

enum { LINE = 16 /* floats of a cache line */, TURN = 64 };

typedef struct left {
    const float *p;
    int64_t stride;
} left;

typedef void micro_fn(int64_t k, left a, const float *b, const float *bias, const float *add, float *c, int64_t ldc,
                      int64_t lanes);
typedef void outer_fn(int64_t rows, left a, left b, float *c, int64_t ldc, int64_t lanes);

INLINE void micro(const int mr, const int nv, int64_t k, left a, const float *b, const float *bias, const float *add,
                  float *c, int64_t ldc, int64_t lanes)
{
    vf acc[GEMM_MAX_MR][GEMM_MAX_NV];
    const float *row[GEMM_MAX_MR / 4 + 1]; /* rows 0, 4, 8: the others are reached by 1, 2, 3 strides */

    UNROLL for (int i = 0; i < mr; i += 4) row[i / 4] = a.p + i * a.stride;
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++) acc[i][v] = vf_load(bias + v * VL);
    for (int64_t p = 0; p < k;) {
        /* The rows of the next call: short strided rows are too much for the processor's own guesses. */
        UNROLL for (int i = 0; i < mr; i++) __builtin_prefetch(row[i / 4] + (i % 4 + mr) * a.stride + p);
        for (const int64_t end = k - p < LINE ? k : p + LINE; p < end; p++) {
            vf bv[GEMM_MAX_NV];
            UNROLL for (int v = 0; v < nv; v++) bv[v] = vf_load(b + v * VL);
            UNROLL for (int i = 0; i < mr; i++)
            {
                const vf av = vf_set(row[i / 4][(i % 4) * a.stride + p]);
                UNROLL for (int v = 0; v < nv; v++) acc[i][v] += av * bv[v];
            }
            b += nv * VL;
        }
    }
    if (add)
        UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++) acc[i][v] +=
            v < nv - 1 ? vf_load(add + i * ldc + v * VL) : vf_get(add + i * ldc + v * VL, lanes);
    if (lanes == VL) {
        UNROLL for (int i = 0; i < mr; i++) UNROLL for (int v = 0; v < nv; v++)
            vf_store(c + i * ldc + v * VL, acc[i][v]);
        return;
    }
    const vmask mask = vmask_first(lanes);
    UNROLL for (int i = 0; i < mr; i++)
    {
        UNROLL for (int v = 0; v < nv - 1; v++) vf_store(c + i * ldc + v * VL, acc[i][v]);
        vf_store_mask(c + i * ldc + (nv - 1) * VL, acc[i][nv - 1], mask);
    }
}

/* masked: the last vector of b and c has only `lanes` lanes. */
INLINE void outer(const int mr, const int nv, const int masked, int64_t rows, left a, left b, float *c, int64_t ldc,
                  int64_t lanes)
{
    const vmask mask = vmask_first(lanes);
    const int full = nv - masked;
    vf acc[GEMM_MAX_MR][GEMM_MAX_NV] = {{{0}}};

    for (int64_t r = 0; r < rows; r++) {
        vf bv[GEMM_MAX_NV];
        UNROLL for (int v = 0; v < full; v++) bv[v] = vf_load(b.p + v * VL);
        if (masked)
            bv[full] = vf_load_mask(b.p + full * VL, mask);
        UNROLL for (int i = 0; i < mr; i++)
        {
            const vf av = vf_set(a.p[i]);
            UNROLL for (int v = 0; v < nv; v++) acc[i][v] += av * bv[v];
        }
        a.p += a.stride;
        b.p += b.stride;
    }
    UNROLL for (int i = 0; i < mr; i++)
    {
        float *to = c + i * ldc;
        UNROLL for (int v = 0; v < full; v++) vf_store(to + v * VL, vf_load(to + v * VL) + acc[i][v]);
        if (masked)
            vf_store_mask(to + full * VL, vf_load_mask(to + full * VL, mask) + acc[i][full], mask);
    }
}

#define MICRO(mr, nv)                                                                                                  \
    static void micro_##mr##x##nv(int64_t k, left a, const float *b, const float *bias, const float *add, float *c,    \
                                  int64_t ldc, int64_t lanes)                                                          \
    {                                                                                                                  \
        micro(mr, nv, k, a, b, bias, add, c, ldc, lanes);                                                              \
    }                                                                                                                  \
    static void outer_##mr##x##nv(int64_t rows, left a, left b, float *c, int64_t ldc, int64_t lanes)                  \
    {                                                                                                                  \
        if (lanes == VL)                                                                                               \
            outer(mr, nv, 0, rows, a, b, c, ldc, lanes);                                                               \
        else                                                                                                           \
            outer(mr, nv, 1, rows, a, b, c, ldc, lanes);                                                               \
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

void fpc_gemm_pack(float *packed, int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                   const float *bias)
{
    float *panel = gemm_pack_bias(packed, n, bias);
    for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
        const int64_t width = at.nv * VL, cols = (at.nv - 1) * VL + at.lanes;
        const float *from = b + at.v * VL * stride_n;
        if (stride_n == 1)
            for (int64_t p = 0; p < k; p++) {
                for (int64_t j = 0; j < cols; j++)
                    panel[p * width + j] = from[p * stride_k + j];
                for (int64_t j = cols; j < width; j++)
                    panel[p * width + j] = 0;
            }
        else
            for (int64_t p0 = 0; p0 < k; p0 += TURN) /* what is written stays in level 1 */
                for (int64_t j = 0; j < width; j++)
                    for (int64_t p = p0; p < k && p < p0 + TURN; p++)
                        panel[p * width + j] = j < cols ? from[p * stride_k + j * stride_n] : 0;
        panel += k * width;
    }
}

void fpc_gemm_add(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
                  const float *add, float *c, int64_t ldc)
{
    const int64_t vectors = (n + VL - 1) / VL;
    const float *panel = packed + vectors * VL;

    (void)scratch;
    for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
        const step *s = steps[at.nv - 1];
        for (int64_t i = 0; i < m; i += s->mr) {
            while (s->mr > m - i)
                s++;
            const int64_t to = i * ldc + at.v * VL;
            s->micro(k, (left){a + i * lda, lda}, panel, packed + at.v * VL, add ? add + to : NULL, c + to, ldc,
                     at.lanes);
        }
        panel += k * at.nv * VL;
    }
}

void fpc_gemm(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
              float *c, int64_t ldc)
{
    fpc_gemm_add(scratch, m, n, k, a, lda, packed, NULL, c, ldc);
}

void fpc_gemm_to_float(void *scratch, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
                       float *c, int64_t ldc)
{
    fpc_gemm(scratch, m, n, k, a, lda, packed, c, ldc);
}

void fpc_gemm_outer(void *scratch, int64_t rows, int64_t m, int64_t n, const float *a, int64_t lda, const float *b,
                    int64_t ldb, float *c, int64_t ldc)
{
    (void)scratch;
    for (gemm_panel at = gemm_first(n); at.nv; at = gemm_next(at)) {
        const step *s = steps[at.nv - 1];
        for (int64_t i = 0; i < m; i += s->mr) {
            while (s->mr > m - i)
                s++;
            s->outer(rows, (left){a + i, lda}, (left){b + at.v * VL, ldb}, c + i * ldc + at.v * VL, ldc, at.lanes);
        }
    }
}

double fpc_gemm_registers(int64_t turns, float *keep)
{
    vf acc[GEMM_CHAINS], sum = {0};
    const vf a = vf_set(keep[0]), b = vf_set(1 - keep[0]);
    UNROLL for (int c = 0; c < GEMM_CHAINS; c++) acc[c] = b + (float)c;
    for (int64_t i = 0; i < turns; i++)
        UNROLL for (int c = 0; c < GEMM_CHAINS; c++) acc[c] = acc[c] * a + b;
    UNROLL for (int c = 0; c < GEMM_CHAINS; c++) sum += acc[c];
    *keep = vf_sum(sum);
    return (double)turns * GEMM_CHAINS * VL;
}
