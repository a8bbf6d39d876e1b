/* check.h: what a training refuses before its first step, so that --check refuses it too. */
#ifndef CORE_TRAIN_CHECK_H
#define CORE_TRAIN_CHECK_H

#include "experiment/experiment.h"

/* The recipe as training needs it: [run], that the weights to start from are there (resume 0), loggers, and columns of
 * the record that can be told apart. The experiment is opened to train. What the weights hold is for fpc_run_init. */
fpc_status fpc_run_check(const fpc_experiment *, int resume);

/* What else the start of a training refuses and can be known without training or writing: memory, graphs that cannot be
 * built or have no kernels, a cache that the backend does not have, loggers, the folder of runs and, where the data set
 * is open, files that cannot be read. */
fpc_status fpc_run_check_start(fpc_experiment *);

/* The columns of the record, in their order; monitor: index of the one that picks the best, of training where nothing
 * validates. Two of one name are refused with both origins. */
typedef struct fpc_columns {
    int32_t n, monitor;
    const char **name;
} fpc_columns;
fpc_status fpc_columns_of(const fpc_experiment *, fpc_arena *, int validates, fpc_columns *out);

#endif
