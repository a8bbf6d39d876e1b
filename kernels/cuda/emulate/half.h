/* half.h: bf16 and f16 on the host: 16 bits that only to_float and from_float look into. Rounding is to the nearest,
 * ties to even; infinities, NaN and denormal numbers are kept, what is too large becomes infinite, NaN is 0x7fff, as
 * on the device. */
#ifndef KERNELS_CUDA_EMULATE_HALF_H
#define KERNELS_CUDA_EMULATE_HALF_H

#include <stdint.h>
#include <string.h>

struct bf16 {
    uint16_t bits;
};
struct f16 {
    uint16_t bits;
};

inline uint32_t emulate_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
inline float emulate_real(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

inline float to_float(float x)
{
    return x;
}
inline float to_float(bf16 x)
{
    return emulate_real(static_cast<uint32_t>(x.bits) << 16);
}
inline float to_float(f16 x)
{
    const uint32_t sign = (x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31u, mantissa = x.bits & 0x3ffu;
    if (exponent == 31)
        return emulate_real(sign | 0x7f800000u | mantissa << 13);
    if (exponent)
        return emulate_real(sign | (exponent + 112) << 23 | mantissa << 13);
    const float x0 = static_cast<float>(mantissa) * (1.0f / 16777216.0f); /* denormal: mantissa * 2^-24 */
    return emulate_real(sign | emulate_bits(x0));
}

template <class T> inline T from_float(float x);
template <> inline float from_float<float>(float x)
{
    return x;
}
template <> inline bf16 from_float<bf16>(float x)
{
    const uint32_t u = emulate_bits(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return {0x7fff};
    return {static_cast<uint16_t>((u + 0x7fffu + (u >> 16 & 1u)) >> 16)};
}
template <> inline f16 from_float<f16>(float x)
{
    const uint32_t u = emulate_bits(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return {0x7fff};
    if (a >= 0x477ff000u) /* 65520 and more */
        return {static_cast<uint16_t>(sign | 0x7c00u)};
    if (a >= 0x38800000u) /* 2^-14: normal */
        return {static_cast<uint16_t>(sign | (a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13)};
    if (a <= 0x33000000u) /* half of the smallest, ties to even: zero */
        return {static_cast<uint16_t>(sign)};
    const uint32_t mantissa = (a & 0x7fffffu) | 0x800000u, shift = 126 - (a >> 23); /* 14 to 24 */
    const uint32_t half = 1u << (shift - 1), rest = mantissa & ((1u << shift) - 1);
    uint32_t n = mantissa >> shift;
    n += rest > half || (rest == half && (n & 1u));
    return {static_cast<uint16_t>(sign | n)};
}

#endif
