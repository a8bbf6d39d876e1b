/* bits.h: the bits of a float, and the float of bits. */
#ifndef TESTS_CUDA_EMULATOR_BITS_H
#define TESTS_CUDA_EMULATOR_BITS_H

#include <stdint.h>
#include <string.h>

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

#endif
