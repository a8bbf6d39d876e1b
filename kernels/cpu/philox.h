/* philox.h: dropout decisions by the vector, the same numbers as include/fpcore/rng.h. The half-words that decide about
 * the elements of a row lie in memory as a row of uint16_t: element j is kept when words[j] >= threshold.
 *
 * Each 64-bit lane carries the low half of one counter word, since the multiplication that Philox needs (32 x 32 -> 64)
 * reads only the low halves of 64-bit lanes; the upper halves may hold anything until the last round. */
#ifndef KERNELS_CPU_PHILOX_H
#define KERNELS_CPU_PHILOX_H

#include "simd.h"
#include <fpcore/rng.h>

typedef uint64_t vq __attribute__((vector_size(VL * 4), may_alias));

enum {
    PHILOX_LANES = VL / 2,                      /* counters in a vector; one counter decides about 8 elements */
    PHILOX_STEP = 2,                            /* vectors computed at a time, to hide the multiplier's latency */
    PHILOX_PAD = PHILOX_LANES * PHILOX_STEP * 8 /* half-words that philox_words may write past the last row */
};

static inline vq philox_mul(vq a, vq b)
{
#if VL == 16
    return (vq)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif VL == 8
    return (vq)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
    return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

/* lo0 hi0 lo1 hi1 ...: the 16 bytes of each counter's result, in memory order. */
static inline void philox_store(uint16_t *out, vq lo, vq hi)
{
#if VL == 16
    const __m512i one = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i two = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    const vq first = (vq)_mm512_permutex2var_epi64((__m512i)lo, one, (__m512i)hi);
    const vq second = (vq)_mm512_permutex2var_epi64((__m512i)lo, two, (__m512i)hi);
#elif VL == 8
    const __m256i even = _mm256_unpacklo_epi64((__m256i)lo, (__m256i)hi);
    const __m256i odd = _mm256_unpackhi_epi64((__m256i)lo, (__m256i)hi);
    const vq first = (vq)_mm256_permute2x128_si256(even, odd, 0x20);
    const vq second = (vq)_mm256_permute2x128_si256(even, odd, 0x31);
#else
    const vq first = {lo[0], hi[0]}, second = {lo[1], hi[1]};
#endif
    memcpy(out, &first, sizeof first);
    memcpy((char *)out + sizeof first, &second, sizeof second);
}

/* Half-words of a row of `cols` elements: rows are this far apart in what philox_words writes. */
static inline int64_t philox_stride(int64_t cols)
{
    return (cols + 7) / 8 * 8;
}
/* Half-words that the buffer of philox_words must hold. */
static inline int64_t philox_room(int64_t rows, int64_t cols)
{
    return rows * philox_stride(cols) + PHILOX_PAD;
}

/* Writes the half-words of rows [row, row + rows) of a matrix of `cols` columns; row i at words +
 * i*philox_stride(cols). words: philox_room(rows, cols) of them. clock: {seed low, seed high, step}, the last input of
 * ops with dropout. */
static inline void philox_words(uint16_t *words, int64_t row, int64_t rows, int64_t cols, const int32_t *clock,
                                uint32_t stream)
{
    const uint32_t blocks = (uint32_t)((cols + 7) / 8); /* counters in a row */
    const int64_t count = rows * (int64_t)blocks;
    const vq low = (vq){0} + 0xffffffffu, m0 = (vq){0} + 0xD2511F53u, m1 = (vq){0} + 0xCD9E8D57u;
    const vq step = (vq){0} + (uint32_t)clock[2], label = (vq){0} + stream;
    const vq per_row = (vq){0} + blocks;
    vq block[PHILOX_STEP], at_row[PHILOX_STEP], k0[10], k1[10];
    uint64_t start[2][PHILOX_LANES * PHILOX_STEP];

    for (uint32_t r = 0; r < 10; r++) {
        k0[r] = (vq){0} + (uint32_t)((uint32_t)clock[0] + r * 0x9E3779B9u);
        k1[r] = (vq){0} + (uint32_t)((uint32_t)clock[1] + r * 0xBB67AE85u);
    }
    const uint32_t n = PHILOX_LANES * PHILOX_STEP; /* counters advance by n: by whole rows and a rest */
    const vq ahead_block = (vq){0} + n % blocks, ahead_row = (vq){0} + n / blocks;
    for (uint32_t i = 0; i < n; i++) {
        start[0][i] = i % blocks;
        start[1][i] = (uint32_t)row + i / blocks;
    }
    memcpy(block, start[0], sizeof block);
    memcpy(at_row, start[1], sizeof at_row);
    for (int64_t i = 0; i < count; i += n) {
        vq c0[PHILOX_STEP], c1[PHILOX_STEP], c2[PHILOX_STEP], c3[PHILOX_STEP];
        for (int s = 0; s < PHILOX_STEP; s++)
            c0[s] = block[s], c1[s] = at_row[s], c2[s] = step, c3[s] = label;
#pragma GCC unroll 10
        for (int r = 0; r < 10; r++)
#pragma GCC unroll 2
            for (int s = 0; s < PHILOX_STEP; s++) {
                const vq p0 = philox_mul(m0, c0[s]), p1 = philox_mul(m1, c2[s]);
                c0[s] = (p1 >> 32) ^ c1[s] ^ k0[r];
                c2[s] = (p0 >> 32) ^ c3[s] ^ k1[r];
                c1[s] = p1;
                c3[s] = p0;
            }
#pragma GCC unroll 2
        for (int s = 0; s < PHILOX_STEP; s++) {
            philox_store(words + (i + s * PHILOX_LANES) * 8, (c0[s] & low) | (c1[s] << 32),
                         (c2[s] & low) | (c3[s] << 32));
            block[s] += ahead_block;
            at_row[s] += ahead_row;
            const vq wrap = (vq)(block[s] >= per_row);
            block[s] -= wrap & per_row;
            at_row[s] -= wrap; /* wrap is -1 */
        }
    }
}

/* All ones in the lanes that are kept: words are those of VL consecutive elements. threshold: fpc_drop_threshold. */
static inline vi philox_kept(const uint16_t *words, vi threshold)
{
    vh half;
    memcpy(&half, words, sizeof half);
    return __builtin_convertvector(half, vi) >= threshold;
}

/* x scaled where kept, else 0. scale: fpc_drop_scale. */
static inline vf philox_drop(vf x, const uint16_t *words, vi threshold, vf scale)
{
    return (vf)((vi)(x * scale) & philox_kept(words, threshold));
}

#endif
