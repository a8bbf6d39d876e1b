/* bits.h: the bits of a float and the float of bits, and the errors of a device's arithmetic, which tests of tolerances
 * have to meet before a device does. */
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

/* The result y of an approximate instruction for the argument x: off by two units, up or down by a hash of x. A result
 * that devices give exactly (0, infinity, NaN; 2^0) stays. */
inline float emulate_approximate(float y, float x)
{
    const uint32_t hash = emulate_bits(x) * 2654435761u;
    return x == 0 || y == 0 || y - y != 0 ? y : y * (hash >> 31 ? 1 + 0x1p-22f : 1 - 0x1p-22f);
}

/* The sum of n numbers as tensor cores make it: each is cut, not rounded, at 24 bits below the largest, and so is the
 * sum when it becomes a float. The error has a direction: towards zero. */
inline float emulate_cut_sum(const double *term, int n)
{
    double most = 0, plain = 0;
    int64_t sum = 0;
    for (int i = 0; i < n; i++) {
        const double size = term[i] < 0 ? -term[i] : term[i];
        most = size > most ? size : most;
        plain += term[i];
    }
    if (!(most >= 1e-37) || plain - plain != 0) /* nothing to cut; or infinity, or NaN */
        return (float)plain;
    uint64_t bits;
    memcpy(&bits, &most, sizeof bits);
    const uint64_t down = (uint64_t)(1023 + 24 - ((int)(bits >> 52) - 1023)) << 52,
                   up = (uint64_t)2046 * ((uint64_t)1 << 52) - down;
    double scale, unit; /* 2^24 over the power of two that the largest begins with, and its inverse */
    memcpy(&scale, &down, sizeof scale);
    memcpy(&unit, &up, sizeof unit);
    for (int i = 0; i < n; i++)
        sum += (int64_t)(term[i] * scale);
    const double exact = (double)sum * unit;
    const float y = (float)exact;
    return (double)(y < 0 ? -y : y) > (exact < 0 ? -exact : exact) ? emulate_real(emulate_bits(y) - 1) : y;
}

#endif
