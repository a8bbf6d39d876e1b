/* math.h: elementary functions of vectors of floats, for the cpu kernels: about 1 unit in the last place each, without
 * branches or tables. NaN goes in and comes out, so that a diverged value is found where it arose.
 *
 * The coefficients are minimax fits made for this file (weighted least squares, Lawson's iteration). */
#ifndef KERNELS_CPU_MATH_H
#define KERNELS_CPU_MATH_H

#include "simd.h"

/* 2^x for x <= 126; 2^-126 below that. Error 1.5e-7 relative. */
static inline vf vf_exp2(vf x)
{
    x = vf_max(vf_set(-126.0f), x);
    /* Adding 1.5 * 2^23 rounds to an integer and leaves it, with the exponent's bias of 127, in the low bits. */
    const vf t = x + 12583039.0f, f = x - (t - 12583039.0f);
    const vf scale = (vf)((vu)t << 23);
    vf p = 0.00134072592f * f + 0.00967187528f;
    p = p * f + 0.0555030853f;
    p = p * f + 0.24022235f;
    p = p * f + 0.693147242f;
    return (p * f + 1.0f) * scale;
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
    const vf e = vf_exp(-0.5f * (a * a));
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
