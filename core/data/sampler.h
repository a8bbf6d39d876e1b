/* sampler.h: which training pictures an epoch shows, where those with rare labels are favoured. */
#ifndef CORE_DATA_SAMPLER_H
#define CORE_DATA_SAMPLER_H

#include <fpcore/rng.h>
#include "data/labels.h"

/* Running sums of the pictures' weights; the weight is the mean over the classes in the picture of 1 / (pictures with
 * that class). */
fpc_status fpc_sampler_sums(fpc_ctx *, fpc_arena *, const fpc_label_table *, double **sums);
/* n draws with replacement, each a pure function of rng and its place. */
void fpc_sampler_draw(fpc_rng, int64_t n, const double *sums, int64_t *order);

#endif
