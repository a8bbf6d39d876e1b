/* math.h: elementary functions of vectors of floats, for the cpu kernels: about 1 unit in the last place each, without
 * branches or tables. NaN goes in and comes out, so that a diverged value is found where it arose.
 *
 * The coefficients are minimax fits made for this file (weighted least squares, Lawson's iteration). */
#ifndef KERNELS_CPU_MATH_H
#define KERNELS_CPU_MATH_H

#include "simd.h"

/* x = n + f, with n the nearest whole number. */
static inline vf vf_whole(vf x, vf *f)
{
#if VL == 16
    const vf n = (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    const vf n = (x + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23 leaves no room behind the point */
#endif
    *f = x - n;
    return n;
}
/* a 2^n for a in [1/2, 2] and whole n <= 126. */
static inline vf vf_scaled(vf a, vf n)
{
#if VL == 16
    return (vf)_mm512_scalef_ps((__m512)a, (__m512)n);
#else
    return a * (vf)((vu)(n + 12583039.0f) << 23); /* n and the exponent's bias of 127 in the low bits */
#endif
}

/* 2^x for -126 <= x <= 126. Error 1.5e-7 relative. */
static inline vf vf_exp2_inside(vf x)
{
    vf f;
    const vf n = vf_whole(x, &f);
    vf p = 0.00134072592f * f + 0.00967187528f;
    p = p * f + 0.0555030853f;
    p = p * f + 0.24022235f;
    p = p * f + 0.693147242f;
    return vf_scaled(p * f + 1.0f, n);
}
/* 2^x for x <= 126; 2^-126 below that. */
static inline vf vf_exp2(vf x)
{
    return vf_exp2_inside(vf_max(vf_set(-126.0f), x));
}

/* e^x; inf above 88.7, 1e-38 below -87.3. */
static inline vf vf_exp(vf x)
{
    x = vf_max(vf_set(-87.33f), vf_min(vf_set(89.0f), x));
    const vf t = x * 1.44269504f + 12583039.0f, n = t - 12583039.0f;
    vf r = x - n * 0.693145752f; /* ln 2 in two pieces: n times the first is exact */
    r = r - n * 1.42860677e-6f;
    vf p = 0.00139504881f * r + 0.00836888794f;
    p = p * r + 0.041666206f;
    p = p * r + 0.166665182f;
    p = p * r + 0.5f;
    p = p * (r * r) + r;
    const vf scale = (vf)((vu)t << 23); /* 2^128 is the bit pattern of inf: right above 88.7 */
    return p * scale + scale;
}

/* ln x for positive normal x. */
static inline vf vf_log(vf x)
{
    /* x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt 2) */
    const vi bits = (vi)x - 0x3f3504f3;
    const vf n = __builtin_convertvector(bits >> 23, vf);
    const vf f = (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    vf p = 0.0870043039f * f - 0.142674863f;
    p = p * f + 0.149147689f;
    p = p * f - 0.16577585f;
    p = p * f + 0.199630633f;
    p = p * f - 0.250013381f;
    p = p * f + 0.333339095f;
    const vf ff = f * f;
    p = vf_fma(p, ff * f, vf_fma(n, vf_set(1.42860677e-6f), -0.5f * ff));
    const vf y = n * 0.693145752f + (p + f);
    return y + (x - x); /* NaN and inf */
}

static inline vf vf_sigmoid(vf x)
{
    return 1.0f / (1.0f + vf_exp(-x));
}

/* The normal distribution: returns Phi(-|x|), and in *density exp(-x^2/2). Relative error about 1e-6 for |x| < 5. */
static inline vf vf_normal_tail(vf x, vf *density)
{
    const vf a = vf_min(vf_set(13.2f), vf_abs(x));
    const vf e = vf_exp2_inside(a * a * -0.721347520f);
    vf p = 0.00407758786f * a + 0.0403724073f;
    p = p * a + 0.182461398f;
    p = p * a + 0.437250331f;
    p = p * a + 0.500000003f;
    vf q = 0.0102208683f * a + 0.101205428f;
    q = q * a + 0.467427958f;
    q = q * a + 1.19928894f;
    q = q * a + 1.67238562f;
    q = q * a + 1.0f;
    *density = e;
    return e * p / q;
}

/* x Phi(x): the exact GELU, not the one with tanh. */
static inline vf vf_gelu(vf x)
{
    vf density;
    const vf tail = vf_normal_tail(x, &density);
    return vf_max(vf_set(0), x) - vf_min(vf_set(13.2f), vf_abs(x)) * tail;
}

/* Phi(x) + x phi(x) */
static inline vf vf_gelu_slope(vf x)
{
    vf density;
    const vf tail = vf_normal_tail(x, &density);
    const vf clipped = vf_max(vf_set(-13.2f), vf_min(vf_set(13.2f), x));
    return vm_pick(vm_gt(x, vf_set(0)), 1.0f - tail, tail) + clipped * density * 0.398942280f;
}

/* x Phi(x) for what is stored as real. With the 8 bits of bf16 a shorter exponential loses nothing, nor does a
 * polynomial where the exact one divides: together 4e-4 relative for x > -4.5, and beyond that 1e-6, a fifth of what
 * rounding costs. (The slope has a zero, near which this would show.) */
static inline vf vr_gelu(vf x)
{
#ifndef FPC_HALF
    return vf_gelu(x);
#else
    const vf a = vf_min(vf_set(13.2f), vf_abs(x));
    vf f;
    const vf n = vf_whole(a * a * -0.721347520f, &f);
    vf e = 0.0551713765f * f + 0.242611211f;
    e = e * f + 0.693261031f;
    e = vf_scaled(e * f + 0.99992807f, n);
    vf p = -3.65888096e-05f * a + 0.000746974876f;
    p = p * a - 0.00653854031f;
    p = p * a + 0.0325722499f;
    p = p * a - 0.104506658f;
    p = p * a + 0.235166531f;
    p = p * a - 0.395721941f;
    p = p * a + 0.499872862f;
    return vf_max(vf_set(0), x) - a * (e * p);
#endif
}

/* cos and sin of 2 pi u, for |u| <= 2^20. */
static inline vf vf_turn(vf u, vf *sine)
{
    const vf t = u * 4.0f + 12582912.0f; /* quarter turns in the low bits */
    const vf r = u - (t - 12582912.0f) * 0.25f;
    const vf z = r * r;
    vf s = -75.3935623f * z + 81.5923538f;
    s = s * z - 41.3416634f;
    s = (s * z + 6.28318548f) * r;
    vf c = 59.4217072f * z - 85.448761f;
    c = c * z + 64.9393692f;
    c = c * z - 19.7392082f;
    c = c * z + 1.0f;
    const vi quarter = (vi)t;
    const vi odd = -(quarter & 1);
    *sine = (vf)((vi)vf_select(odd, c, s) ^ ((vi)((vu)(quarter & 2) << 30)));
    return (vf)((vi)vf_select(odd, s, c) ^ ((vi)((vu)((quarter + 1) & 2) << 30)));
}

#endif
