/* sampler.h: which training pictures an epoch shows: what labels each of them holds, and draws that favour those with
 * rare ones. */
#ifndef CORE_DATA_SAMPLER_H
#define CORE_DATA_SAMPLER_H

#include <fpcore/rng.h>
#include "data/data.h"

/* The labels of the training part, at the size that training sees. Pixels that count nowhere are left out. */
typedef struct fpc_label_table {
    int64_t samples;
    int32_t classes;
    int64_t *pixels, *images; /* by class: pixels with the label, pictures with at least one such pixel */
    uint64_t (*present)[4];   /* by sample: one bit per label */
} fpc_label_table;

/* Reads every training mask (pictures and masks stay in the cache as far as its budget goes). */
fpc_status fpc_label_table_new(fpc_ctx *, fpc_arena *, fpc_data *, fpc_label_table **);
/* Running sums of the pictures' weights; the weight is the mean over the classes in the picture of 1 / (pictures with
 * that class). */
fpc_status fpc_sampler_sums(fpc_ctx *, fpc_arena *, const fpc_label_table *, double **sums);
/* n draws with replacement, each a pure function of rng and its place. */
void fpc_sampler_draw(fpc_rng, int64_t n, const double *sums, int64_t *order);

#endif
