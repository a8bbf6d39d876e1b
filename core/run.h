/* run.h: the training loop and its run folder. */
#ifndef CORE_RUN_H
#define CORE_RUN_H

#include "stages.h"

typedef struct fpc_run_args {
    const char *resume; /* a run folder, or NULL */
    int argc;
    char **argv; /* for run.json */
} fpc_run_args;
/* Trains. Folder: <run.out>/<run.name>-<YYYYmmdd-HHMMSS>[-k]/ with recipe.ini history.json history.csv curves.png
 * best.safetensors last.safetensors run.json samples.png and what loggers add. */
fpc_status fpc_run(fpc_stages *, const fpc_run_args *);
/* FPC_OK where the folder holds what --resume needs; cheap, for before everything is opened. */
fpc_status fpc_run_resumable(fpc_ctx *, const char *folder);

/* A row of pictures per sample: image, label, prediction (label colours), PNG. */
fpc_status fpc_samples_write(fpc_stages *, const char *path, int32_t n_samples);

#endif
