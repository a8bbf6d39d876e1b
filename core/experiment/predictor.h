/* predictor.h: what the program knows of a predictor beside the public door (fpcore/experiment.h): it opens one in its
 * own context, so that messages and signals are the program's, and looks at what was opened. */
#ifndef CORE_EXPERIMENT_PREDICTOR_H
#define CORE_EXPERIMENT_PREDICTOR_H

#include <fpcore/experiment.h>
#include "experiment/experiment.h"
#include "experiment/tta.h"

/* what: FPC_OPEN_* beside backend and frozen weights. Errors stand in ctx, which must outlive it. */
fpc_status fpc_predictor_open_in(fpc_ctx *, const fpc_predictor_args *, unsigned what, fpc_predictor **out);
fpc_experiment *fpc_predictor_experiment(fpc_predictor *);
fpc_tta_run *fpc_predictor_tta(fpc_predictor *);
/* fpc_predictor_labels, with the probabilities of each pixel's classes to `rows` (fpc_tta_mask_rows). */
fpc_status fpc_predictor_labels_rows(fpc_predictor *, const fpc_image *picture, uint8_t *labels,
                                     const fpc_score_rows *rows);
/* Reads the file that --post names and has labels made so (experiment/post.h); path NULL: none is named. */
fpc_status fpc_predictor_post(fpc_predictor *, const char *path, const fpc_post **out);
/* Path of the weights that were loaded, the file itself where a run folder was given. */
const char *fpc_predictor_weights(const fpc_predictor *);
/* Sets the arguments that --scales, --flip and --no-exchange give. */
void fpc_predictor_take_tta(fpc_predictor_args *, const fpc_tta *);

#endif
