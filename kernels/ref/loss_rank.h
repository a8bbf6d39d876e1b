/* loss_rank.h: a stable sort of (real number >= 0, place) pairs: the bits of a float that is not negative rise with it,
 * so the numbers are sorted as integers, least significant digits first. Equal numbers stay in the order in which they
 * came, which makes every result below a function of the input alone. */
#ifndef KERNELS_REF_LOSS_RANK_H
#define KERNELS_REF_LOSS_RANK_H

#include "ref.h"

#define RANK_KEY_float uint32_t
#define RANK_KEY_double uint64_t
typedef REF_JOIN(RANK_KEY_, FPC_REAL) rank_key;

typedef struct ranked {
    rank_key key;
    int32_t at;
} ranked;

enum { RANK_BITS = 11, RANK_DIGITS = 1 << RANK_BITS, RANK_PASSES = (8 * sizeof(rank_key) + RANK_BITS - 1) / RANK_BITS };

static inline rank_key rank_rising(real v)
{
    rank_key key;
    memcpy(&key, &v, sizeof key);
    return key;
}
static inline rank_key rank_falling(real v)
{
    return ~rank_rising(v);
}
static inline real rank_value(rank_key rising)
{
    real v;
    memcpy(&v, &rising, sizeof v);
    return v;
}

/* Sorts a by key; b has room for as many. Returns the one of the two that holds the result. */
static inline ranked *rank_sort(ranked *a, ranked *b, int64_t n)
{
    int64_t count[RANK_DIGITS];
    for (int pass = 0; pass < RANK_PASSES; pass++) {
        const int shift = pass * RANK_BITS;
        int64_t at = 0;
        memset(count, 0, sizeof count);
        for (int64_t i = 0; i < n; i++)
            count[(a[i].key >> shift) % RANK_DIGITS]++;
        if (n > 0 && count[(a[0].key >> shift) % RANK_DIGITS] == n)
            continue; /* all alike in this digit */
        for (int d = 0; d < RANK_DIGITS; d++) {
            const int64_t here = count[d];
            count[d] = at;
            at += here;
        }
        for (int64_t i = 0; i < n; i++)
            b[count[(a[i].key >> shift) % RANK_DIGITS]++] = a[i];
        ranked *const swap = a;
        a = b;
        b = swap;
    }
    return a;
}

#endif
