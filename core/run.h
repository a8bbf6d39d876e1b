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
 * best.safetensors last.safetensors validation.safetensors run.json samples.png and what loggers add; with
 * run.keep_best best-EPOCH.safetensors, with run.swa_start swa.safetensors. */
fpc_status fpc_run(fpc_stages *, const fpc_run_args *);
/* FPC_OK where the folder holds what --resume needs; cheap, for before everything is opened. */
fpc_status fpc_run_resumable(fpc_ctx *, const char *folder);

/* Where the recipe goes on from another run with `init_optimizer = keep`: a copy in which [optimizer], [schedule] and
 * run.beat are what that means, and run->init_optimizer says `hybrid`. Else the recipe itself. */
fpc_status fpc_init_recipe(fpc_ctx *, fpc_arena *, const fpc_recipe *, fpc_run_options *run, const fpc_recipe **out);

/* A row of pictures per sample: image, label, prediction (label colours), PNG. */
fpc_status fpc_samples_write(fpc_stages *, const char *path, int32_t n_samples);
/* The same in memory; *png NULL where there are no pictures. */
fpc_status fpc_samples_png(fpc_stages *, fpc_arena *, int32_t n_samples, const void **png, size_t *bytes);

#endif
