/* labels.h: what losses are told of the training masks (fpc_label_pixels): counted in the data; where weights hold the
 * counts of the training that made them, those; or made up, for who measures something else. */
#ifndef CORE_EXPERIMENT_LABELS_H
#define CORE_EXPERIMENT_LABELS_H

#include "experiment/experiment.h"
#include "weights/weights.h"

#define FPC_META_LABEL_PIXELS "class.pixels" /* keys of the weights' metadata: "13 4 0", a number for each class */
#define FPC_META_LABEL_IMAGES "class.images"

/* One loss that asks: the source of its fpc_target. */
typedef struct fpc_label_question {
    fpc_experiment *s;
    fpc_loss_term *term;
} fpc_label_question;
fpc_status fpc_labels_answer(void *question, const int64_t **pixels, const int64_t **images);

/* Every class alike, from now on; terms that ask are marked as `assumed`. */
fpc_status fpc_labels_assume(fpc_experiment *);
/* Those in a file of weights, from now on, where it has them for as many classes. */
fpc_status fpc_labels_know(fpc_experiment *, const fpc_st_file *);
/* For the metadata of weights: at most two. Returns how many; 0: no loss has asked. NULL values: no memory. */
int32_t fpc_labels_meta(const fpc_experiment *, fpc_arena *, fpc_st_meta to[2]);

#endif
