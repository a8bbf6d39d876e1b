/* labels.h: what labels the training pictures hold, counted once. */
#ifndef CORE_DATA_LABELS_H
#define CORE_DATA_LABELS_H

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

#endif
