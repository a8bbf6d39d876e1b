/* continued.h: the run that [run] init_from names, where training goes on from another one. */
#ifndef CORE_EXPERIMENT_CONTINUED_H
#define CORE_EXPERIMENT_CONTINUED_H

#include "experiment/experiment.h"
#include "weights/weights.h"

/* Where the recipe goes on from another run with `init_optimizer = keep`: a copy in which [optimizer], [schedule] and
 * run.beat are what that means, and run->init_optimizer says `hybrid`. Else the recipe itself. */
fpc_status fpc_continued_recipe(fpc_ctx *, fpc_arena *, const fpc_recipe *, fpc_run_options *run,
                                const fpc_recipe **out);
/* The file that run.init_from means; NULL: no memory. */
const char *fpc_continued_source(fpc_arena *, const fpc_run_options *);
/* The failure that it is not there, as errno says. */
fpc_status fpc_continued_missing(fpc_ctx *, fpc_arena *, const fpc_recipe *, const char *path);
/* That file as a checkpoint of a training, or a sentence. */
fpc_status fpc_continued_open(fpc_ctx *, fpc_arena *, const fpc_run_options *, fpc_st_file **out);
/* A whole number of its metadata. */
fpc_status fpc_continued_number(fpc_ctx *, const fpc_st_file *, const char *key, int64_t *out);

#endif
