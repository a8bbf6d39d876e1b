/* trained.h: what a file of weights, or the folder of the run that wrote it, tells of itself: which recipe belongs to
 * it, its classes, the size of its pictures. All verbs that work with trained weights begin here. */
#ifndef CORE_EXPERIMENT_TRAINED_H
#define CORE_EXPERIMENT_TRAINED_H

#include "experiment/experiment.h"
#include "weights/weights.h"

#define FPC_META_INPUT "input"                   /* "512x512": height x width that the network was trained at */
#define FPC_META_ORIENTATION "input.orientation" /* "apply", or "file": pictures as their files store them */
#define FPC_META_FIT "input.fit"                 /* "pad" or "crop" (fpc_fit); absent: squeeze */
#define FPC_META_PATHS "recipe.paths"            /* "dataset.root": keys of the recipe whose paths are not held */

typedef struct fpc_trained {
    const char *weights; /* the file */
    const char *folder;  /* of the run that it lies in; NULL: none */
    const char *text;    /* the recipe in its metadata; NULL: none */
    const char *classes; /* the same of its classes */
    int named;           /* 1: the recipe below is another than its own */
    fpc_recipe *recipe;
    fpc_known known;
} fpc_trained;

/* Finds the file that a path means, which may be a run folder, and the folder. Reads nothing. */
fpc_status fpc_trained_find(fpc_arena *, const char *path, fpc_trained *out);
/* What a file tells, without a recipe. file: read before. */
fpc_status fpc_trained_tell(fpc_ctx *, fpc_arena *, const fpc_st_file *, fpc_trained *);
/* Both, and the recipe: the one that is named, that of the run folder, or the one that stands in the weights. */
fpc_status fpc_trained_read(fpc_ctx *, fpc_arena *, const char *path, const char *recipe, int32_t n_overrides,
                            const char *const *overrides, fpc_trained *out);
/* Opens it: what, as for fpc_experiment_open. */
fpc_status fpc_trained_open(fpc_ctx *, fpc_arena *, const fpc_trained *, const char *plugin_path, unsigned what,
                            fpc_experiment **);
/* Height and width of "384x512" or "512"; 0: the text is neither, and they stay as they are. */
int fpc_trained_size(const char *text, int32_t *h, int32_t *w);
/* How pictures come to the network's size: as the recipe states, else as in the training of the weights. */
int32_t fpc_trained_fit(const fpc_trained *, const fpc_experiment *);
/* Once the weights are loaded: warns where the recipe has another model, size, fit or classes than they were trained
 * with. size 0: another size is meant. */
fpc_status fpc_trained_compare(const fpc_trained *, const fpc_experiment *, int size);

/* The metadata that all weights have. identity, classes: the texts that they keep. Returns how many; to has room for
 * FPC_TRAINED_META. */
enum { FPC_TRAINED_META = 13 };
int32_t fpc_trained_meta(const fpc_experiment *, fpc_arena *, const char *identity, const char *classes,
                         fpc_st_meta *to);

#endif
