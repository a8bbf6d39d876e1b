/* intrinsics.h: arithmetic, bits and atomics of CUDA that <math.h> lacks. Fast forms (__expf ...) have the exact values
 * here. One thread runs at a time, so atomics are plain (races.cpp is told that they are not); there are none for
 * float, whose sums would depend on order. */
#ifndef TESTS_CUDA_EMULATOR_INTRINSICS_H
#define TESTS_CUDA_EMULATOR_INTRINSICS_H

#include <stdint.h>
#include "tests/cuda_emulator/bits.h"

/* ---- min and max, as CUDA overloads them ---- */

#define EMULATE_MIN_MAX(T)                                                                                             \
    inline T min(T a, T b)                                                                                             \
    {                                                                                                                  \
        return b < a ? b : a;                                                                                          \
    }                                                                                                                  \
    inline T max(T a, T b)                                                                                             \
    {                                                                                                                  \
        return a < b ? b : a;                                                                                          \
    }
EMULATE_MIN_MAX(int)
EMULATE_MIN_MAX(unsigned)
EMULATE_MIN_MAX(long)
EMULATE_MIN_MAX(unsigned long)
EMULATE_MIN_MAX(long long)
EMULATE_MIN_MAX(unsigned long long)
inline unsigned min(int a, unsigned b)
{
    return min(static_cast<unsigned>(a), b);
}
inline unsigned min(unsigned a, int b)
{
    return min(a, static_cast<unsigned>(b));
}
inline unsigned max(int a, unsigned b)
{
    return max(static_cast<unsigned>(a), b);
}
inline unsigned max(unsigned a, int b)
{
    return max(a, static_cast<unsigned>(b));
}
inline float min(float a, float b)
{
    return fminf(a, b);
}
inline float max(float a, float b)
{
    return fmaxf(a, b);
}
inline double min(double a, double b)
{
    return fmin(a, b);
}
inline double max(double a, double b)
{
    return fmax(a, b);
}

/* ---- real numbers ---- */

/* C23 has some of them: newer C libraries declare these names. */
#define rsqrtf emulate_rsqrtf
#define rsqrt emulate_rsqrt
#define sincospi emulate_sincospi
#define sincospif emulate_sincospif
#define sinpif emulate_sinpif
#define cospif emulate_cospif

inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}
inline double rsqrt(double x)
{
    return 1.0 / sqrt(x);
}
inline float __expf(float x)
{
    return expf(x);
}
inline float __exp10f(float x)
{
    return powf(10.0f, x);
}
inline float __logf(float x)
{
    return logf(x);
}
inline float __log2f(float x)
{
    return log2f(x);
}
inline float __powf(float x, float y)
{
    return powf(x, y);
}
inline float __sinf(float x)
{
    return sinf(x);
}
inline float __cosf(float x)
{
    return cosf(x);
}
inline void __sincosf(float x, float *s, float *c)
{
    *s = sinf(x);
    *c = cosf(x);
}
inline float __tanhf(float x)
{
    return tanhf(x);
}
inline float __fdividef(float x, float y)
{
    return emulate_approximate(x / y, y);
}
inline float fdividef(float x, float y)
{
    return x / y;
}
inline float __saturatef(float x)
{
    return x > 0 ? x < 1 ? x : 1.0f : 0.0f; /* NaN: 0 */
}
/* By reduction to [-1/4, 1/4], where x * pi is exact enough. */
inline void sincospi(double x, double *s, double *c)
{
    const double n = nearbyint(2 * x), r = (x - n / 2) * 3.14159265358979323846, a = sin(r), b = cos(r);
    const int quarter = static_cast<int>(fmod(n, 4.0)) & 3;
    *s = quarter == 0 ? a : quarter == 1 ? b : quarter == 2 ? -a : -b;
    *c = quarter == 0 ? b : quarter == 1 ? -a : quarter == 2 ? -b : a;
}
inline void sincospif(float x, float *s, float *c)
{
    double ds, dc;
    sincospi(static_cast<double>(x), &ds, &dc);
    *s = static_cast<float>(ds);
    *c = static_cast<float>(dc);
}
inline float sinpif(float x)
{
    float s, c;
    sincospif(x, &s, &c);
    return s;
}
inline float cospif(float x)
{
    float s, c;
    sincospif(x, &s, &c);
    return c;
}
/* One rounding each, never joined to a multiply-add. */
inline float __fadd_rn(float x, float y)
{
    return x + y;
}
inline float __fsub_rn(float x, float y)
{
    return x - y;
}
inline float __fmul_rn(float x, float y)
{
    return x * y;
}
inline float __fmaf_rn(float x, float y, float z)
{
    return fmaf(x, y, z);
}
inline float __fdiv_rn(float x, float y)
{
    return x / y;
}
inline float __fsqrt_rn(float x)
{
    return sqrtf(x);
}
inline float __frcp_rn(float x)
{
    return 1.0f / x;
}

/* ---- conversions: out of range is the nearest number, NaN is 0 ---- */

inline int emulate_to_int(float x)
{
    return !(x == x) ? 0 : x >= 2147483648.0f ? INT32_MAX : x < -2147483648.0f ? INT32_MIN : static_cast<int>(x);
}
inline int __float2int_rn(float x)
{
    return emulate_to_int(nearbyintf(x));
}
inline int __float2int_rd(float x)
{
    return emulate_to_int(floorf(x));
}
inline int __float2int_ru(float x)
{
    return emulate_to_int(ceilf(x));
}
inline int __float2int_rz(float x)
{
    return emulate_to_int(x);
}
inline unsigned emulate_to_unsigned(float x)
{
    return !(x > 0) ? 0 : x >= 4294967296.0f ? UINT32_MAX : static_cast<unsigned>(x);
}
inline unsigned __float2uint_rn(float x)
{
    return emulate_to_unsigned(nearbyintf(x));
}
inline unsigned __float2uint_rz(float x)
{
    return emulate_to_unsigned(x);
}
inline float __int2float_rn(int x)
{
    return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x)
{
    return static_cast<float>(x);
}
inline int __float_as_int(float x)
{
    return static_cast<int>(emulate_bits(x));
}
inline float __int_as_float(int x)
{
    return emulate_real(static_cast<uint32_t>(x));
}
inline unsigned __float_as_uint(float x)
{
    return emulate_bits(x);
}
inline float __uint_as_float(unsigned x)
{
    return emulate_real(x);
}

/* ---- bits ---- */

inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
inline int __ffsll(long long x)
{
    return __builtin_ffsll(x);
}
inline int __clz(int x)
{
    return x ? __builtin_clz(static_cast<unsigned>(x)) : 32;
}
inline int __clzll(long long x)
{
    return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64;
}
inline unsigned __brev(unsigned x)
{
    unsigned y = 0;
    for (int i = 0; i < 32; i++)
        y |= (x >> i & 1u) << (31 - i);
    return y;
}
inline unsigned __umulhi(unsigned a, unsigned b)
{
    return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32);
}
inline int __mulhi(int a, int b)
{
    return static_cast<int>(static_cast<int64_t>(a) * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}

/* ---- memory ---- */

template <class T> inline T __ldg(const T *p)
{
    return *p;
}
inline void __threadfence(void) {}
inline void __threadfence_block(void) {}

#ifdef FPC_CHECK_RACES
#define EMULATE_ATOMIC_FUNCTION __attribute__((no_sanitize("thread"), noinline)) inline
#define EMULATE_SEES_ATOMIC(p) emulate_touch(p, sizeof *(p), EMULATE_ATOMIC, __builtin_return_address(0))
#else
#define EMULATE_ATOMIC_FUNCTION inline
#define EMULATE_SEES_ATOMIC(p) ((void)0)
#endif

#define EMULATE_ATOMICS(T)                                                                                             \
    EMULATE_ATOMIC_FUNCTION T atomicAdd(T *p, T x)                                                                     \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = static_cast<T>(static_cast<unsigned long long>(old) + static_cast<unsigned long long>(x));                \
        return old;                                                                                                    \
    }                                                                                                                  \
    EMULATE_ATOMIC_FUNCTION T atomicMax(T *p, T x)                                                                     \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = max(old, x);                                                                                              \
        return old;                                                                                                    \
    }                                                                                                                  \
    EMULATE_ATOMIC_FUNCTION T atomicMin(T *p, T x)                                                                     \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = min(old, x);                                                                                              \
        return old;                                                                                                    \
    }                                                                                                                  \
    EMULATE_ATOMIC_FUNCTION T atomicOr(T *p, T x)                                                                      \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = old | x;                                                                                                  \
        return old;                                                                                                    \
    }                                                                                                                  \
    EMULATE_ATOMIC_FUNCTION T atomicAnd(T *p, T x)                                                                     \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = old & x;                                                                                                  \
        return old;                                                                                                    \
    }                                                                                                                  \
    EMULATE_ATOMIC_FUNCTION T atomicExch(T *p, T x)                                                                    \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = x;                                                                                                        \
        return old;                                                                                                    \
    }                                                                                                                  \
    EMULATE_ATOMIC_FUNCTION T atomicCAS(T *p, T expected, T x)                                                         \
    {                                                                                                                  \
        EMULATE_SEES_ATOMIC(p);                                                                                        \
        const T old = *p;                                                                                              \
        *p = old == expected ? x : old;                                                                                \
        return old;                                                                                                    \
    }
EMULATE_ATOMICS(int)
EMULATE_ATOMICS(unsigned)
EMULATE_ATOMICS(unsigned long long)

#endif
