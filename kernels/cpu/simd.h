/* simd.h: vectors for the cpu kernels. Each kernels/cpu/FAMILY.c is compiled three times (generic: what every processor
 * has, SSE2 or NEON; AVX2+FMA; AVX-512), with FPC_ISA naming the level; plugins/backend/cpu.c picks the table at run
 * time by what the processor can do. GCC/clang vector types carry the arithmetic, so one source serves all levels; what
 * they cannot say well (maximum, masks, sums across lanes) is written once here, for AVX with intrinsics.
 *
 * Families that work on activations are compiled again at each level with FPC_HALF, and for AVX-512 with BF16 beside
 * them: there, what the type `real` stores is bfloat16 (run.precision = bf16). Arithmetic is the same in fp32: vr_get
 * widens what it reads, and vr_put rounds what it stores to nearest, ties to even. */
#ifndef KERNELS_CPU_SIMD_H
#define KERNELS_CPU_SIMD_H

#include <fpcore/ops.h>
#include <fpcore/half.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#if defined(__AVX512BF16__)
#define VL 16
#define FPC_LEVEL avx512_bf16
#elif defined(__AVX512F__)
#define VL 16
#define FPC_LEVEL avx512
#elif defined(__AVX2__)
#define VL 8
#define FPC_LEVEL avx2
#else
#define VL 4
#define FPC_LEVEL generic
#endif

#define FPC_CAT2(a, b) a##_##b
#define FPC_CAT(a, b) FPC_CAT2(a, b)
#ifdef FPC_HALF
#define FPC_ISA FPC_CAT(FPC_LEVEL, half)
#define FPC_STORED ".bf16"
#define FPC_STORED_DTYPE FPC_BF16
#else
#define FPC_ISA FPC_LEVEL
#define FPC_STORED ""
#define FPC_STORED_DTYPE FPC_F32
#endif
/* The kernel table that a family exports at this level: fpc_cpu_linear_avx512, and fpc_cpu_linear_avx512_half for
 * activations in bf16. Ends with a row whose op is NULL. */
#define FPC_CPU_TABLE(family) FPC_CAT(FPC_CAT(fpc_cpu, family), FPC_ISA)
#define FPC_STR2(a) #a
#define FPC_STR(a) FPC_STR2(a)
/* Kernel names: FPC_KNAME("linear") is "linear.avx512", or "linear.avx512.bf16". */
#define FPC_KNAME(op) op "." FPC_STR(FPC_LEVEL) FPC_STORED
/* A row of a table: FPC_CPU_ROW(gelu, .run = run_gelu). */
#define FPC_CPU_ROW(op_, ...) FPC_CPU_ROW_OF(0, op_, __VA_ARGS__)
#define FPC_CPU_ROW_OF(flags_, op_, ...)                                                                               \
    {                                                                                                                  \
        .size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC | FPC_KERNEL_CAPTURABLE | (flags_), .rank = 10,  \
        .dtypes = FPC_DTYPE_BIT(FPC_STORED_DTYPE), .op = #op_, .name = FPC_KNAME(#op_), __VA_ARGS__                    \
    }

/* For bodies that are compiled several times, with some arguments constant. */
#define FPC_INLINE static inline __attribute__((always_inline))
/* The head of a loop: j runs over the columns [0, c) by vectors; n is the number of columns of this one. */
#define FPC_COLUMNS(j, n, c)                                                                                           \
    int64_t j = 0, n;                                                                                                  \
    n = (c)-j < VL ? (c)-j : VL, n > 0;                                                                                \
    j += VL

typedef float vf __attribute__((vector_size(VL * 4), may_alias));
typedef int32_t vi __attribute__((vector_size(VL * 4), may_alias));
typedef uint32_t vu __attribute__((vector_size(VL * 4), may_alias));
typedef double vd __attribute__((vector_size(VL * 4), may_alias)); /* VL/2 of them */

static inline vf vf_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}
static inline vf vf_set(float a)
{
    return a - (vf){0};
}
static inline vi vi_load(const int32_t *p)
{
    vi v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vi_store(int32_t *p, vi v)
{
    memcpy(p, &v, sizeof v);
}
static inline vi vi_set(int32_t a)
{
    return a + (vi){0};
}

/* The first n of VL numbers, 0 <= n <= VL; zeros behind them. The result of a row never depends on whether its end
 * was computed as a whole vector or as part of one. */
static inline vf vf_load_n(const float *p, int64_t n)
{
#if VL == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float a[VL] = {0};
    for (int64_t i = 0; i < n; i++)
        a[i] = p[i];
    return vf_load(a);
#endif
}
static inline void vf_store_n(float *p, vf v, int64_t n)
{
#if VL == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    float a[VL];
    vf_store(a, v);
    for (int64_t i = 0; i < n; i++)
        p[i] = a[i];
#endif
}

static inline vf vf_get(const float *p, int64_t n)
{
    return n == VL ? vf_load(p) : vf_load_n(p, n);
}
static inline void vf_put(float *p, vf v, int64_t n)
{
    if (n == VL)
        vf_store(p, v);
    else
        vf_store_n(p, v, n);
}

/* Lane masks of comparisons are all-ones or zero integers. */
static inline vf vf_select(vi mask, vf a, vf b)
{
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/* ---- bfloat16 ---- */

typedef uint16_t vh __attribute__((vector_size(VL * 2), may_alias)); /* VL half-words */

static inline vf vf_of_bf16(vh h)
{
    return (vf)(__builtin_convertvector(h, vu) << 16);
}
/* To nearest, ties to even; a NaN stays one. The instruction of AVX512_BF16 takes denormal numbers for 0. */
static inline vh vf_to_bf16(vf v)
{
#ifdef __AVX512BF16__
    return (vh)_mm512_cvtneps_pbh((__m512)v);
#else
    const vu bits = (vu)v, odd = bits >> 16 & 1;
    const vi nan = (vi)((bits & 0x7fffffffu) > 0x7f800000u);
    const vu near = (vu)vf_select(nan, (vf)(bits | 0x400000u), (vf)(bits + 0x7fffu + odd));
    return __builtin_convertvector(near >> 16, vh);
#endif
}
static inline vh vh_load_n(const uint16_t *p, int64_t n)
{
#if VL == 16
    return (vh)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p);
#else
    uint16_t a[VL] = {0};
    vh h;
    for (int64_t i = 0; i < n; i++)
        a[i] = p[i];
    memcpy(&h, a, sizeof h);
    return h;
#endif
}
static inline void vh_store_n(uint16_t *p, vh h, int64_t n)
{
#if VL == 16
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m256i)h);
#else
    for (int64_t i = 0; i < n; i++)
        p[i] = h[i];
#endif
}

/* ---- real: what activations are stored in ---- */

#ifdef FPC_HALF
typedef uint16_t real;
static inline vf vr_load(const real *p)
{
    vh h;
    memcpy(&h, p, sizeof h);
    return vf_of_bf16(h);
}
static inline void vr_store(real *p, vf v)
{
    const vh h = vf_to_bf16(v);
    memcpy(p, &h, sizeof h);
}
static inline vf vr_get(const real *p, int64_t n)
{
    return n == VL ? vr_load(p) : vf_of_bf16(vh_load_n(p, n));
}
static inline void vr_put(real *p, vf v, int64_t n)
{
    if (n == VL)
        vr_store(p, v);
    else
        vh_store_n(p, vf_to_bf16(v), n);
}
static inline float real_get(real a)
{
    return fpc_bf16_to_float(a);
}
static inline real real_of(float a)
{
    return fpc_float_to_bf16(a);
}
#else
typedef float real;
static inline vf vr_load(const real *p)
{
    return vf_load(p);
}
static inline void vr_store(real *p, vf v)
{
    vf_store(p, v);
}
static inline vf vr_get(const real *p, int64_t n)
{
    return vf_get(p, n);
}
static inline void vr_put(real *p, vf v, int64_t n)
{
    vf_put(p, v, n);
}
static inline float real_get(real a)
{
    return a;
}
static inline real real_of(float a)
{
    return a;
}
#endif
static inline real *reals(const fpc_tensor *t)
{
    return t->data;
}
static inline float *floats(const fpc_tensor *t)
{
    return t->data;
}
/* n numbers as they are. */
static inline void real_copy(real *to, const real *from, int64_t n)
{
#ifdef FPC_HALF
    int64_t j = 0;
    for (; j + VL <= n; j += VL)
        memcpy(to + j, from + j, sizeof(vh));
    if (j < n)
        vh_store_n(to + j, vh_load_n(from + j, n - j), n - j);
#else
    for (FPC_COLUMNS(j, m, n))
        vf_put(to + j, vf_get(from + j, m), m);
#endif
}

/* vm: a lane mask in the form the processor likes best. vf_max and vf_min give b where either is NaN: put the number
 * that may be NaN second, so that a diverged value stays visible. */
#if VL == 16
typedef __mmask16 vm;
static inline vf vf_max(vf a, vf b)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}
static inline vf vf_min(vf a, vf b)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
static inline vf vf_sqrt(vf a)
{
    return (vf)_mm512_sqrt_ps((__m512)a);
}
static inline vm vm_gt(vf a, vf b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
}
static inline vm vm_same(vi a, vi b)
{
    return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b);
}
static inline vf vm_pick(vm m, vf a, vf b)
{
    return (vf)_mm512_mask_mov_ps((__m512)b, m, (__m512)a);
}
static inline vi vm_pick_i(vm m, vi a, vi b)
{
    return (vi)_mm512_mask_mov_epi32((__m512i)b, m, (__m512i)a);
}
static inline vf vm_only(vm m, vf a)
{
    return (vf)_mm512_maskz_mov_ps(m, (__m512)a);
}
/* s + (m ? a : 0) */
static inline vf vm_add(vm m, vf s, vf a)
{
    return (vf)_mm512_mask_add_ps((__m512)s, m, (__m512)s, (__m512)a);
}
#else
typedef vi vm;
static inline vm vm_gt(vf a, vf b)
{
    return a > b;
}
static inline vm vm_same(vi a, vi b)
{
    return a == b;
}
static inline vf vm_only(vm m, vf a)
{
    return (vf)((vi)a & m);
}
static inline vf vm_add(vm m, vf s, vf a)
{
    return s + vm_only(m, a);
}
#if VL == 8
static inline vf vf_max(vf a, vf b)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}
static inline vf vf_min(vf a, vf b)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
static inline vf vf_sqrt(vf a)
{
    return (vf)_mm256_sqrt_ps((__m256)a);
}
static inline vf vm_pick(vm m, vf a, vf b)
{
    return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m);
}
static inline vi vm_pick_i(vm m, vi a, vi b)
{
    return (vi)vm_pick(m, (vf)a, (vf)b);
}
#else
static inline vf vf_max(vf a, vf b)
{
    return vf_select(a > b, a, b);
}
static inline vf vf_min(vf a, vf b)
{
    return vf_select(a < b, a, b);
}
static inline vf vf_sqrt(vf a)
{
    return (vf){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
}
static inline vf vm_pick(vm m, vf a, vf b)
{
    return vf_select(m, a, b);
}
static inline vi vm_pick_i(vm m, vi a, vi b)
{
    return (a & m) | (b & ~m);
}
#endif
#endif
/* a in the first n lanes, 0 behind them */
static inline vf vf_first(vf a, int64_t n)
{
#if VL == 16
    return vm_only((vm)((1u << n) - 1), a);
#elif VL == 8
    return vm_only((vi){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)n, a);
#else
    return vm_only((vi){0, 1, 2, 3} < (int32_t)n, a);
#endif
}
/* a * b + c. The compiler fuses such sums by itself (-ffp-contract=fast), but of a * b + c * d it may fuse either
 * product, and not the same one in each copy of a loop: there, this says which. */
#if VL == 16
static inline vf vf_fma(vf a, vf b, vf c)
{
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif VL == 8
static inline vf vf_fma(vf a, vf b, vf c)
{
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#else
static inline vf vf_fma(vf a, vf b, vf c)
{
    return a * b + c;
}
#endif
static inline vf vf_abs(vf a)
{
    return (vf)((vi)a & 0x7fffffff);
}

/* Sum of the lanes, by halves: the order is fixed, and short chains of additions. */
static inline float vf_sum(vf v)
{
#if VL == 4
    return (v[0] + v[2]) + (v[1] + v[3]);
#else
#if VL == 16
    const __m512 w = (__m512)v;
    const __m256 h =
        _mm256_add_ps(_mm512_castps512_ps256(w), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(w), 1)));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
#else
    __m128 q = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
#endif
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    q = _mm_add_ss(q, _mm_shuffle_ps(q, q, 1));
    return _mm_cvtss_f32(q);
#endif
}

/* The sums of four vectors, each in the order of vf_sum: its halves fold together, so four cost little more than one.
 */
static inline void vf_sum_four(vf a, vf b, vf c, vf d, float *sum)
{
#if VL == 16
#define FOLD(a, b) _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee))
    const __m512 ab = FOLD((__m512)a, (__m512)b), cd = FOLD((__m512)c, (__m512)d);
#undef FOLD
    const __m512 q = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    const __m512 h = _mm512_add_ps(q, _mm512_permute_ps(q, 0x4e)), s = _mm512_add_ps(h, _mm512_permute_ps(h, 0xb1));
    _mm_storeu_ps(sum, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, s)));
#else
    sum[0] = vf_sum(a);
    sum[1] = vf_sum(b);
    sum[2] = vf_sum(c);
    sum[3] = vf_sum(d);
#endif
}

/* The largest lane. */
static inline float vf_most(vf v)
{
#if VL == 16
    return _mm512_reduce_max_ps((__m512)v);
#else
    float a[VL];
    vf_store(a, v);
    for (int n = VL / 2; n > 0; n /= 2)
        for (int l = 0; l < n; l++)
            a[l] = a[l] > a[l + n] ? a[l] : a[l + n];
    return a[0];
#endif
}

/* The halves of v as doubles, and the sum of VL/2 doubles. */
static inline vd vd_low(vf v)
{
#if VL == 16
    return (vd)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v));
#elif VL == 8
    return (vd)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v));
#else
    return (vd){v[0], v[1]};
#endif
}
static inline vd vd_high(vf v)
{
#if VL == 16
    return (vd)_mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)v), 1)));
#elif VL == 8
    return (vd)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
#else
    return (vd){v[2], v[3]};
#endif
}
static inline double vd_sum(vd v)
{
    double s = 0;
    for (int i = 0; i < VL / 2; i++)
        s += v[i];
    return s;
}

#endif
