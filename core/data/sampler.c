/* sampler.c: see sampler.h. A picture's chance rises with the rarity of what it shows: balancing by the presence of
 * classes in pictures, not by their pixels, as a small part is as often in a picture as a large one. Sums and quotients
 * of doubles only, in the order of samples, so that an epoch's order has the same bits everywhere. */
#include "data/sampler.h"
#include <fpcore/draw.h>
#include "base/message.h"

static double weight_of(const fpc_label_table *t, int64_t sample)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t c = 0; c < t->classes; c++)
        if (t->present[sample][c / 64] >> (c % 64) & 1) {
            sum += 1 / (double)t->images[c];
            n++;
        }
    return n ? sum / n : 0;
}

fpc_status fpc_sampler_sums(fpc_ctx *ctx, fpc_arena *arena, const fpc_label_table *t, double **sums)
{
    double total = 0;
    *sums = fpc_alloc(arena, sizeof **sums * (size_t)t->samples);
    if (!*sums)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < t->samples; i++)
        (*sums)[i] = total += weight_of(t, i);
    return total > 0 ? FPC_OK
                     : fpc_fail_recipe(ctx, FPC_EINVAL,
                                       "dataset.sampler = class_balanced: no training mask has a label that counts");
}

/* The first sample whose sum is above x. */
static int64_t find(int64_t n, const double *sums, double x)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (sums[middle] > x)
            hi = middle;
        else
            lo = middle + 1;
    }
    return lo;
}

void fpc_sampler_draw(fpc_rng rng, int64_t n, const double *sums, int64_t *order)
{
    const double total = sums[n - 1];
    for (int64_t p = 0; p < n; p++) {
        const double x = fpc_draw_unit(rng, (uint32_t)p) * total;
        order[p] = x < total ? find(n, sums, x) : find(n, sums, 0); /* the product may round up to the total */
    }
}
