/* loss_overlap.h: loss terms that come from the sums of an image and class, I = sum p onehot, P = sum p, Y = sum
 * onehot, and their slopes; for kernels/ref and kernels/cpu, always in double. dice     1 - (2I + eps)/(P + Y + eps)
 *   tversky  u^(1/gamma) with u = 1 - (I + eps)/(I + alpha (P - I) + beta (Y - I) + eps), Salehi et al. 2017 (gamma 1)
 *            and Abraham and Khan 2018; u is formed without the difference, which would cancel */
#ifndef KERNELS_REF_LOSS_OVERLAP_H
#define KERNELS_REF_LOSS_OVERLAP_H

#include <fpcore/ops.h>
#include <math.h>

/* by_p: slope by the p of any pixel; by_hit: what being of the class adds to it. */
typedef struct overlap {
    double loss, by_p, by_hit;
} overlap;

static inline int is_overlap(const fpc_seg_term *t)
{
    return t->kind == FPC_TERM_DICE || t->kind == FPC_TERM_TVERSKY;
}

static inline overlap overlap_of(const fpc_seg_term *t, double i, double p, double y)
{
    const double eps = (double)t->eps;
    if (t->kind == FPC_TERM_DICE) {
        const double top = 2 * i + eps, low = p + y + eps;
        return (overlap){1 - top / low, top / (low * low), -2 / low};
    }
    const double alpha = (double)t->alpha, beta = (double)t->beta, power = 1 / (double)t->gamma;
    const double miss = alpha * (p > i ? p - i : 0) + beta * (y > i ? y - i : 0), low = i + miss + eps, u = miss / low;
    const double slope = t->gamma == 1 ? 1 : u > 0 ? power * pow(u, power - 1) : 0;
    return (overlap){t->gamma == 1 ? u : pow(u, power), slope * alpha * (i + eps) / (low * low),
                     slope * (-(alpha + beta) * low - miss * (1 - alpha - beta)) / (low * low)};
}

#endif
