/* draw.h: distributions over the counter RNG of rng.h, for augmentations and data sets. Pure: a number is a function
 * of (rng, draw); `draw` numbers the calls, and calls of one rng use different numbers. Any thread.
 *
 * Only +, -, *, / and sqrt of doubles are used, each correctly rounded, so the numbers are the same on every machine.
 */
#ifndef FPCORE_DRAW_H
#define FPCORE_DRAW_H

#include <fpcore/base.h>
#include <fpcore/rng.h>

#ifdef __cplusplus
extern "C" {
#endif

FPC_API double fpc_draw_unit(fpc_rng, uint32_t draw);                          /* [0, 1), 53 bits */
FPC_API double fpc_draw_between(fpc_rng, uint32_t draw, double lo, double hi); /* uniform; lo where hi <= lo */
FPC_API int fpc_draw_chance(fpc_rng, uint32_t draw, double p);                 /* 1 with probability p */
FPC_API int64_t fpc_draw_below(fpc_rng, uint32_t draw, int64_t n);             /* 0 .. n-1; 0 where n < 2 */
FPC_API double fpc_draw_normal(fpc_rng, uint32_t draw);                        /* N(0, 1), cut at 8.5 sigma */
/* Shuffles n numbers in place (Fisher-Yates); uses the draws from `draw` on, n / 2 + 1 of them at most. */
FPC_API void fpc_draw_shuffle(fpc_rng, uint32_t draw, int64_t n, int64_t *values);
/* Element i of the permutation that fpc_draw_shuffle makes of 0 .. n-1; takes n steps and no memory. */
FPC_API int64_t fpc_draw_permuted(fpc_rng, uint32_t draw, int64_t n, int64_t i);
FPC_API double fpc_draw_beta(fpc_rng, uint32_t draw, double a, double b); /* Beta(a, b), in [0, 1]; a, b > 0 */
/* n shares that add up to 1: Dirichlet(alpha, ..., alpha), alpha > 0. */
FPC_API void fpc_draw_dirichlet(fpc_rng, uint32_t draw, double alpha, int n, double *shares);

#ifdef __cplusplus
}
#endif
#endif
