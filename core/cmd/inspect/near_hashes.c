/* near_hashes.c: an index over 64-bit hashes, for all pairs within a distance. A hash is cut into four bands of 16
 * bits. Two hashes that differ in at most d bits differ in at most d/4 bits of one band at least, so that whoever
 * looks, in each band, at the buckets of all values within d/4 bits of its own misses no pair: with 10 bits, 137
 * buckets a band of 65,536. Candidates are then compared as a whole. Where the buckets would be more than the hashes
 * (few of them, or a large distance), all pairs are compared, which finds the same. */
#include "cmd/inspect/near_hashes.h"

#include <stdlib.h>
#include <string.h>

enum { BANDS = 4, BITS = 64 / BANDS, VALUES = 1 << BITS };

/* The hashes by their value in one band: those of value v are item[start[v]] up to item[start[v + 1]], ascending. */
typedef struct band {
    int64_t *start, *item;
} band;

struct fpc_near_hashes {
    int64_t n;
    const uint64_t (*hash)[2];
    int32_t near, n_masks; /* n_masks 0: all pairs are compared */
    uint16_t *mask;        /* the bits in which a band may differ */
    band band[BANDS][2];   /* of pictures, of their mirror images */
    int64_t *seen;         /* seen[j] i + 1: j has been a candidate for i */
    int64_t *found;
};

static uint32_t value_of(uint64_t hash, int32_t k)
{
    return (uint32_t)(hash >> (BITS * k)) & (VALUES - 1);
}

static int32_t list_masks(uint16_t *mask, int32_t bits)
{
    int32_t n = 0;

    for (uint32_t v = 0; v < VALUES; v++)
        if (__builtin_popcount(v) <= bits)
            mask[n++] = (uint16_t)v;
    return n;
}

/* Sorts by counting, which keeps the order within a value. */
static fpc_status fill_band(const fpc_near_hashes *x, fpc_arena *arena, int32_t k, int mirrored, band *to)
{
    to->start = fpc_alloc(arena, (VALUES + 2) * sizeof *to->start);
    to->item = fpc_alloc(arena, (size_t)x->n * sizeof *to->item);
    if (!to->start || !to->item)
        return FPC_ENOMEM;
    int64_t *next = to->start + 1; /* where the next of a value goes; at last, where the next value begins */
    for (int64_t i = 0; i < x->n; i++)
        next[value_of(x->hash[i][mirrored], k) + 1]++;
    for (int32_t v = 1; v <= VALUES; v++)
        next[v] += next[v - 1];
    for (int64_t i = 0; i < x->n; i++)
        to->item[next[value_of(x->hash[i][mirrored], k)]++] = i;
    return FPC_OK;
}

fpc_status fpc_near_hashes_new(fpc_arena *arena, int64_t n, const uint64_t (*hash)[2], int32_t near,
                               fpc_near_hashes **out)
{
    fpc_near_hashes *x = fpc_alloc(arena, sizeof *x);
    fpc_status status = FPC_OK;

    *out = x;
    if (!x)
        return FPC_ENOMEM;
    *x = (fpc_near_hashes){.n = n, .hash = hash, .near = near};
    x->mask = fpc_alloc(arena, VALUES * sizeof *x->mask);
    x->seen = fpc_alloc(arena, (size_t)(n + 1) * sizeof *x->seen);
    x->found = fpc_alloc(arena, (size_t)(n + 1) * sizeof *x->found);
    if (!x->mask || !x->seen || !x->found)
        return FPC_ENOMEM;
    x->n_masks = list_masks(x->mask, near / BANDS);
    if ((int64_t)x->n_masks * BANDS * 2 >= n)
        x->n_masks = 0;
    for (int32_t k = 0; k < BANDS && x->n_masks && !status; k++)
        for (int mirrored = 0; mirrored < 2 && !status; mirrored++)
            status = fill_band(x, arena, k, mirrored, &x->band[k][mirrored]);
    return status;
}

static int is_near(const fpc_near_hashes *x, int64_t i, int64_t j)
{
    const uint64_t hash = x->hash[i][0];

    return __builtin_popcountll(hash ^ x->hash[j][0]) <= x->near ||
           __builtin_popcountll(hash ^ x->hash[j][1]) <= x->near;
}

/* The candidates of a bucket, from its end: those up to i are at its beginning. */
static int64_t search_bucket(fpc_near_hashes *x, const band *b, uint32_t value, int64_t i, int64_t n)
{
    for (int64_t k = b->start[value + 1]; k-- > b->start[value] && b->item[k] > i;) {
        const int64_t j = b->item[k];

        if (x->seen[j] == i + 1)
            continue;
        x->seen[j] = i + 1;
        if (is_near(x, i, j))
            x->found[n++] = j;
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t fpc_near_hashes_behind(fpc_near_hashes *x, int64_t i, const int64_t **found)
{
    int64_t n = 0;

    *found = x->found;
    if (!x->n_masks) {
        for (int64_t j = i + 1; j < x->n; j++)
            if (is_near(x, i, j))
                x->found[n++] = j;
        return n;
    }
    for (int32_t k = 0; k < BANDS; k++)
        for (int32_t m = 0; m < x->n_masks; m++) {
            const uint32_t value = value_of(x->hash[i][0], k) ^ x->mask[m];

            n = search_bucket(x, &x->band[k][0], value, i, n);
            n = search_bucket(x, &x->band[k][1], value, i, n);
        }
    qsort(x->found, (size_t)n, sizeof *x->found, ascending);
    return n;
}
