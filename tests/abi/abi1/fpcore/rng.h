/* rng.h: counter-based random numbers, Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011), inline for host and device. A number is a pure function of (key, counter): there is no generator state,
 * so results do not depend on threads, reader order or processes, and resume has nothing to restore. */
#ifndef FPCORE_RNG_H
#define FPCORE_RNG_H

#include <fpcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* key: the run's seed; stream: fpc_hash of the section's label; epoch: epoch or optimizer step; sample: index of the
 * image in its data set, or of the row. */
typedef struct fpc_rng {
    uint32_t key[2], stream, epoch, sample;
} fpc_rng;

typedef struct fpc_u32x4 {
    uint32_t v[4];
} fpc_u32x4;

FPC_BOTH fpc_u32x4 fpc_philox4x32(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3)
{
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0, c1 = (uint32_t)p1, c2 = n2, c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    const fpc_u32x4 out = {{c0, c1, c2, c3}};
    return out;
}

/* Four words for draw number `draw` of this (seed, stream, epoch, sample). */
FPC_BOTH fpc_u32x4 fpc_philox(fpc_rng r, uint32_t draw)
{
    return fpc_philox4x32(r.key[0], r.key[1], draw, r.sample, r.epoch, r.stream);
}

/* [0, 1) from the top 24 bits: exact in float. */
FPC_BOTH float fpc_unit(uint32_t u)
{
    return (float)(u >> 8) * (1.0f / 16777216.0f);
}

/* FNV-1a, the stream of a label. */
FPC_BOTH uint32_t fpc_hash(const char *text)
{
    uint32_t h = 2166136261u;
    while (*text)
        h = (h ^ (unsigned char)*text++) * 16777619u;
    return h;
}

/* Dropout decisions (also of attention probabilities). Element j of row r of a matrix is kept when
 *   word16(r, j) >= threshold,  threshold = fpc_drop_threshold(p),  and is then scaled by fpc_drop_scale(p),
 * where word16 is the half-word j % 8 (low half of v[0], high half of v[0], low half of v[1], ...) of
 * fpc_philox4x32(seed, j / 8, r, step, stream). The probability is rounded to 1/65536 and the scale is that of the
 * rounded probability, so the expectation is exact. Forward and backward regenerate the same decisions. */
FPC_BOTH uint32_t fpc_drop_threshold(float p)
{
    return (uint32_t)(p * 65536.0f + 0.5f);
}
FPC_BOTH float fpc_drop_scale(float p)
{
    return 65536.0f / (65536.0f - (float)fpc_drop_threshold(p));
}
FPC_BOTH uint32_t fpc_half(fpc_u32x4 u, uint32_t j)
{
    return (u.v[j / 2 % 4] >> (j % 2 * 16)) & 0xffffu;
}

#ifdef __cplusplus
}
#endif
#endif
