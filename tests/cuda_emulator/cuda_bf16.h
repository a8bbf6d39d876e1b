/* cuda_bf16.h: bf16 on the host: 16 bits that only conversions look into. Rounding is to the nearest, ties to even;
 * infinities, NaN and denormal numbers are kept, what is too large becomes infinite, NaN is 0x7fff, as on the device.
 */
#ifndef TESTS_CUDA_EMULATOR_CUDA_BF16_H
#define TESTS_CUDA_EMULATOR_CUDA_BF16_H

#include "tests/cuda_emulator/bits.h"

struct __nv_bfloat16 {
    uint16_t bits;
};

inline float __bfloat162float(__nv_bfloat16 x)
{
    return emulate_real(static_cast<uint32_t>(x.bits) << 16);
}
inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    const uint32_t u = emulate_bits(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return {0x7fff};
    return {static_cast<uint16_t>((u + 0x7fffu + (u >> 16 & 1u)) >> 16)};
}

#endif
