/* seen.h: which pictures a run trains on and which validate it. last.safetensors says it, so that a run goes on with
 * these and no others: a picture that wandered from training to validation would make every later score too good. */
#ifndef CORE_TRAIN_SEEN_H
#define CORE_TRAIN_SEEN_H

#include "experiment/experiment.h"
#include "weights/weights.h"

typedef struct fpc_seen {
    int64_t n[2];                   /* training and validation pictures, in their order */
    const uint64_t (*sample[2])[2]; /* n of each, as fpc_data_fingerprint */
    const char *classes;            /* their table, as fpc_classes_text */
} fpc_seen;

enum { FPC_SEEN_TENSORS = 2 };

/* Of the data set that is open. */
fpc_status fpc_seen_of(const fpc_experiment *, fpc_arena *, fpc_seen *out);
/* As tensors (n,2) of a checkpoint, and back; sample[0] NULL: the file is of an fpcore that did not keep them. */
void fpc_seen_tensors(const fpc_seen *, fpc_st_tensor out[FPC_SEEN_TENSORS]);
fpc_status fpc_seen_read(fpc_ctx *, const fpc_st_file *, fpc_seen *out);
/* In words how the pictures of a run differ from those of the data set, `is`: "" where they do not; and what can be
 * done. folder: of the run, whose lists know the names of pictures that are gone. */
fpc_status fpc_seen_difference(fpc_ctx *, fpc_arena *, const fpc_seen *was, const fpc_seen *is, const fpc_data *,
                               const char *folder, const char **out, const char **advice);
/* train.txt and val.txt into a run folder: the names, a line each, as dataset/folder takes them for its lists. */
fpc_status fpc_seen_lists(fpc_ctx *, const fpc_data *, const char *folder);
/* A warning where pictures that validate here were trained on by the run that the weights come from. */
fpc_status fpc_seen_warn(fpc_ctx *, const fpc_experiment *, const fpc_seen *, const char *weights);

#endif
