/* dataset_private.h: what dataset.c (order, readers, batches) and dataset_sample.c (one sample, the cache) share.
 * Nobody else includes it. */
#ifndef CORE_DATA_DATASET_PRIVATE_H
#define CORE_DATA_DATASET_PRIVATE_H

#include "data/data.h"
#include "data/labels.h"
#include "data/sampler.h"
#include <pthread.h>

enum { SLOTS = 4, MAX_READERS = 64, ID_BYTES = 256 };

struct slot {
    fpc_batch batch;
    uint8_t *mask;  /* room for labels; batch.mask is NULL where the part has none */
    int64_t number; /* which batch of the epoch it holds; -1: none */
    int32_t done;   /* rows written */
    fpc_status failed;
};

struct fpc_data {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_instance inst;
    const fpc_dataset_vtbl *vtbl;
    fpc_dataset_info info;
    const fpc_dataset_info *known; /* classes of trained weights; or NULL */
    fpc_data_options opt;
    fpc_augments *augs;
    uint64_t seed;
    int64_t *order; /* room for the largest part */
    struct slot slot[SLOTS];
    int ready; /* slots and threads exist */
    int32_t n_readers, most_readers;
    pthread_t reader[MAX_READERS];
    fpc_arena *scratch; /* of the calling thread */
    fpc_label_table *labels;
    double *sums;                   /* of the balanced sampler; NULL: not asked for */
    const fpc_dataset_audit *audit; /* NULL: the data are for use */

    pthread_mutex_t lock;
    pthread_cond_t work, filled;
    int closed, quit;
    int32_t busy; /* readers at work on a position */
    fpc_part part;
    int64_t epoch, n_pos, next_pos; /* the epoch's positions; the first that nobody took */
    int64_t n_batches, current;     /* current: batch that the trainer holds or asks for; -1 before the first */
    int64_t first;                  /* of the epoch's batches, the one that it began with */
    int64_t freed;                  /* batches below this number are no longer in use */
    uint8_t **cache[4];             /* by part and sample: image, then mask; NULL: not there */
    int64_t cache_left;             /* bytes */
    const uint8_t *present[4];      /* fpc_data_present */
    uint8_t *pool;                  /* fpc_data_use_pool: pictures are kept there, not freed; NULL: each by malloc */
    size_t pool_used;
};

extern const char *const fpc_part_name[4]; /* "training" .. by fpc_part */
static inline int64_t fpc_sample_pixels(const fpc_data *d)
{
    return (int64_t)d->info.h * d->info.w;
}
/* "" where the plugin knows of none. */
void fpc_sample_name(const fpc_data *, fpc_part, int64_t index, char id[ID_BYTES]);
/* From the cache, or from the plugin, checked. mask NULL: not wanted. [reader] */
fpc_status fpc_sample_read_native(const fpc_data *, fpc_arena *, fpc_part, int64_t index, fpc_native_sample *out);
fpc_status fpc_sample_read(fpc_data *, fpc_arena *scratch, fpc_part, int64_t index, uint8_t *image, uint8_t *mask);
/* Where the cache has it: picture, then mask; NULL: it has not. */
const uint8_t *fpc_sample_kept(fpc_data *, fpc_part, int64_t index);

#endif
