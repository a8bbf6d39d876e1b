/* cuda_fp16.h: f16 on the host, by the rules of cuda_bf16.h. */
#ifndef TESTS_CUDA_EMULATOR_CUDA_FP16_H
#define TESTS_CUDA_EMULATOR_CUDA_FP16_H

#include "tests/cuda_emulator/bits.h"

struct __half {
    uint16_t bits;
};

inline float __half2float(__half x)
{
    const uint32_t sign = (x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31u, mantissa = x.bits & 0x3ffu;
    if (exponent == 31)
        return emulate_real(sign | 0x7f800000u | mantissa << 13);
    if (exponent)
        return emulate_real(sign | (exponent + 112) << 23 | mantissa << 13);
    const float x0 = static_cast<float>(mantissa) * (1.0f / 16777216.0f); /* denormal: mantissa * 2^-24 */
    return emulate_real(sign | emulate_bits(x0));
}
inline __half __float2half_rn(float x)
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
