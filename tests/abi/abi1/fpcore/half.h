/* half.h: bf16 and fp16 as they lie in memory (uint16_t), to float and back, for the host. To float is exact; from
 * float rounds to nearest, ties to even, with denormal numbers, infinities and NaN (which stays NaN, with its sign). */
#ifndef FPCORE_HALF_H
#define FPCORE_HALF_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t fpc_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float fpc_float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* bf16: the upper half of a float. */
static inline float fpc_bf16_to_float(uint16_t h)
{
    return fpc_float_of_bits((uint32_t)h << 16);
}
static inline uint16_t fpc_float_to_bf16(float x)
{
    const uint32_t bits = fpc_float_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) /* a NaN whose low bits alone say so must not become infinite */
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

/* fp16: a sign, 5 bits of exponent (bias 15), 10 of fraction. */
static inline float fpc_f16_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31u, fraction = h & 0x3ffu;
    if (exponent == 31)
        return fpc_float_of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) /* fraction times 2^-24 */
        return fpc_float_of_bits(sign | fpc_float_bits((float)fraction * 5.9604644775390625e-8f));
    return fpc_float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* What lies below fp16's normal numbers: `bits` (of |x| < 2^-14) in units of 2^-24. */
static inline uint32_t fpc_float_to_f16_low(uint32_t bits)
{
    const uint32_t exponent = bits >> 23, shift = 126 - exponent, fraction = (bits & 0x7fffffu) | 0x800000u;
    if (shift > 24)
        return 0;
    const uint32_t whole = fraction >> shift, rest = fraction & ((1u << shift) - 1), tie = 1u << (shift - 1);
    return whole + (rest > tie || (rest == tie && (whole & 1)));
}
static inline uint16_t fpc_float_to_f16(float x)
{
    const uint32_t bits = fpc_float_bits(x) & 0x7fffffffu, sign = fpc_float_bits(x) >> 16 & 0x8000u;
    if (bits > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (bits >> 13 & 0x3ffu));
    if (bits >= 0x47800000u) /* 2^16 and more; what lies between the largest number and that rounds below */
        return (uint16_t)(sign | 0x7c00u);
    if (bits < 0x38800000u)
        return (uint16_t)(sign | fpc_float_to_f16_low(bits));
    return (uint16_t)(sign | (bits + 0xfffu + (bits >> 13 & 1) - 0x38000000u) >> 13);
}

#ifdef __cplusplus
}
#endif
#endif
