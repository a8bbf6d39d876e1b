/* weights.h: safetensors files (github.com/huggingface/safetensors: 8-byte little-endian header length, JSON header,
 * data), and training checkpoints in them, with PyTorch's tensor names and layouts. */
#ifndef CORE_WEIGHTS_WEIGHTS_H
#define CORE_WEIGHTS_WEIGHTS_H

#include <fpcore/logger.h>
#include <fpcore/tensor.h>
#include "runtime/state.h"

#define FPC_CHECKPOINT_FORMAT 1
/* What the metadata of weights mean (docs/training.md, "What a weights file holds"): a number under this key. */
#define FPC_META_MODEL "fpcore.model"
#define FPC_MODEL_FORMAT 1
#define FPC_MODEL_FORMAT_TEXT "1"

typedef struct fpc_st_tensor {
    const char *name;
    uint32_t dtype; /* FPC_F32 F64 F16 BF16 I64 I32 U8 */
    int32_t rank;
    int64_t dims[8];
    int64_t count;
    const void *data; /* in the arena, aligned to its dtype; or the caller's */
} fpc_st_tensor;
typedef struct fpc_st_meta {
    const char *key, *value;
} fpc_st_meta;
typedef struct fpc_st_file {
    const char *path;
    int32_t n, n_meta;
    fpc_st_tensor *tensor;
    fpc_st_meta *meta;
} fpc_st_file;
/* Reads and checks the whole header: sizes, offsets, overlaps, dtypes; lies get a sentence with path and tensor. */
fpc_status fpc_st_read(fpc_ctx *, fpc_arena *, const char *path, fpc_st_file **);
const fpc_st_tensor *fpc_st_find(const fpc_st_file *, const char *name);
const char *fpc_st_meta_find(const fpc_st_file *, const char *key);
/* Refuses weights whose metadata a later fpcore wrote in another way; files without that key are older, or of another
 * program. All that load weights ask. */
fpc_status fpc_weights_readable(fpc_ctx *, const fpc_st_file *);
/* "F32" of FPC_F32; NULL: of none that a file can have. */
const char *fpc_st_dtype_name(uint32_t dtype);
/* Converts any floating or integer tensor to float / double / int64. */
fpc_status fpc_st_as_f32(fpc_ctx *, const fpc_st_file *, const fpc_st_tensor *, float *out);
fpc_status fpc_st_as_f64(fpc_ctx *, const fpc_st_file *, const fpc_st_tensor *, double *out);
fpc_status fpc_st_as_i64(fpc_ctx *, const fpc_st_file *, const fpc_st_tensor *, int64_t *out); /* integers only */
/* "(64, 3, 7, 7)" into a buffer; returns it. */
const char *fpc_dims_text(char *buffer, size_t cap, int32_t rank, const int64_t *dims);
/* Temporary name in the same folder, fsync, rename, fsync of the folder. Deterministic bytes. */
fpc_status fpc_st_write(fpc_ctx *, const char *path, int32_t n, const fpc_st_tensor *, int32_t n_meta,
                        const fpc_st_meta *);
/* The same bytes in memory; what: their name in messages. */
fpc_status fpc_st_bytes(fpc_ctx *, fpc_arena *, const char *what, int32_t n, const fpc_st_tensor *, int32_t n_meta,
                        const fpc_st_meta *, const void **data, size_t *bytes);

/* Whether a tensor of that name is a training checkpoint's beside the weights: optimizer, averages, record. */
int fpc_weights_of_training(const char *name);
/* Parameters and buffers into a state: every one must be there with its shape and finite; further tensors named
 * optimizer.*, average.* are ignored here, others are an error that names the nearest expected. */
fpc_status fpc_weights_load(fpc_ctx *, fpc_state *, const char *path);
/* What run.init_skip and run.init_rename say. */
typedef struct fpc_transfer {
    const char *skip;   /* patterns with commas between: tensors that are left as they are */
    const char *rename; /* "OLD -> NEW" with commas between: what the file's names begin with and the model's do */
} fpc_transfer;
/* What it came to. The names of skipped tensors are the file's, renamed; fresh: those of the model that are as they
 * were. */
typedef struct fpc_taken {
    const char *file;
    int32_t n, n_skipped, n_fresh;
    int64_t numbers; /* in the n tensors taken */
    const char **skipped, **fresh;
} fpc_taken;
/* fpc_weights_load of what the transfer leaves; whatever does not fit and is not skipped is refused with the keys that
 * would take care of it. The names are in the arena. */
fpc_status fpc_weights_transfer(fpc_ctx *, fpc_arena *, fpc_state *, const char *path, const fpc_transfer *,
                                fpc_taken *);
/* The same as a validation saw them, for all that measure and predict: of a training checkpoint with run.ema the
 * running averages. epoch: how many were finished, by the file's metadata; 0: it does not say. */
fpc_status fpc_weights_load_validated(fpc_ctx *, fpc_state *, const char *path, int64_t *epoch);
/* The weights alone (best.safetensors): loads in PyTorch with load_state_dict. */
fpc_status fpc_weights_save(fpc_ctx *, fpc_state *, const char *path, int32_t n_meta, const fpc_st_meta *);
fpc_status fpc_weights_bytes(fpc_ctx *, fpc_arena *, fpc_state *, const char *what, int32_t n_meta, const fpc_st_meta *,
                             const void **data, size_t *bytes);
/* A host copy of one entry, ready for fpc_st_write. */
fpc_status fpc_state_tensor(const fpc_state *, fpc_arena *, const fpc_state_entry *, uint32_t dtype,
                            fpc_st_tensor *out);

#endif
