/* loop.h: the training loop and its run folder. */
#ifndef CORE_TRAIN_LOOP_H
#define CORE_TRAIN_LOOP_H

#include <fpcore/logger.h>
#include "experiment/experiment.h"
#include "record/validation.h"

typedef struct fpc_run_args {
    const char *resume; /* a run folder, or NULL */
    int argc;
    char **argv;    /* for run.json */
    int other_data; /* 1: go on with other pictures than before */
    int64_t until;  /* above 0: to end after so many epochs as by a signal, where the run has more */
} fpc_run_args;
/* Trains. Folder: <run.out>/<run.name>-<YYYYmmdd-HHMMSS>[-k]/ with recipe.ini history.json history.csv curves.png
 * best.safetensors last.safetensors validation.safetensors run.json samples.png train.txt val.txt and what loggers add;
 * with run.keep_best best-EPOCH.safetensors, with run.swa_start swa.safetensors. */
fpc_status fpc_run(fpc_experiment *, const fpc_run_args *);
/* FPC_OK where the folder holds what --resume needs; cheap, for before everything is opened. */
fpc_status fpc_run_resumable(fpc_ctx *, const char *folder);

/* Pictures of the validation part with what the weights in place make of them; out->n 0: there are none. scored: what
 * each picture scored with these weights: one half of the samples are the worst, the other the best; NULL: they are
 * evenly spread. The arrays lie in the arena. */
fpc_status fpc_samples_read(fpc_experiment *, fpc_arena *, int32_t n_samples, const fpc_validation *scored,
                            fpc_pictures *out);

#endif
