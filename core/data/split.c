/* split.c: NumPy's legacy generator, so that a split drawn years ago in Python can be drawn again: MT19937 seeded with
 * one word (Matsumoto and Nishimura, 1998; Knuth's initialiser), and Fisher-Yates whose indices are drawn by masking
 * and rejection. Nothing else in fpcore uses this generator: see rng.h. */
#include <fpcore/dataset.h>

enum { WORDS = 624, AHEAD = 397 };

struct twister {
    uint32_t word[WORDS];
    int next;
};

static void seed_with(struct twister *t, uint32_t seed)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        t->word[i] = seed;
        seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
    }
    t->next = WORDS;
}

static void refill(struct twister *t)
{
    for (int i = 0; i < WORDS; i++) {
        const uint32_t y = (t->word[i] & 0x80000000u) | (t->word[(i + 1) % WORDS] & 0x7fffffffu);
        t->word[i] = t->word[(i + AHEAD) % WORDS] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    t->next = 0;
}

static uint32_t draw(struct twister *t)
{
    if (t->next == WORDS)
        refill(t);
    uint32_t y = t->word[t->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

/* 0 .. max: the lowest bits that max needs, drawn again until they fit. */
static uint32_t draw_upto(struct twister *t, uint32_t max)
{
    uint32_t mask = max;
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    uint32_t value;
    do
        value = draw(t) & mask;
    while (value > max);
    return value;
}

fpc_status fpc_split_permutation(fpc_ctx *ctx, uint32_t seed, int64_t n, int64_t *perm)
{
    if (n < 0 || n > (int64_t)1 << 32)
        return fpc_fail(ctx, FPC_EINVAL, "cannot split %lld samples: at most 2^32", (long long)n);
    struct twister t;
    seed_with(&t, seed);
    for (int64_t i = 0; i < n; i++)
        perm[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = draw_upto(&t, (uint32_t)i), kept = perm[i];
        perm[i] = perm[j];
        perm[j] = kept;
    }
    return FPC_OK;
}
