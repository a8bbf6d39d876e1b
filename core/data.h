/* data.h: batches. Order per epoch, reader threads ahead of training, cache of decoded pictures, augmentation draws. */
#ifndef CORE_DATA_H
#define CORE_DATA_H

#include <fpcore/augment.h>
#include <fpcore/dataset.h>
#include "graph.h"
#include "registry.h"

/* Core keys of [dataset], beside the plugin's. */
typedef struct fpc_data_options {
    int64_t batch;     /* 32 */
    int64_t readers;   /* 1: threads that read and draw ahead */
    int64_t cache_mb;  /* 4096: decoded pictures kept in memory up to this budget, MiB */
    int64_t drop_last; /* on: a last training batch that is not full is left out */
    int64_t shuffle;   /* on */
} fpc_data_options;

/* ---- augmentation: the [augment.NAME] sections ---- */
typedef struct fpc_pixel_stage {
    fpc_instance inst;
    int32_t floats; /* per image */
} fpc_pixel_stage;
typedef struct fpc_augments {
    int32_t n; /* all sections */
    fpc_instance *inst;
    int32_t has_geometry, n_colour, n_pixel; /* n_colour: fpc_colour's per image */
    fpc_pixel_stage *pixel;
    int32_t fill; /* label of the area outside: core key `fill` of [augment]: background (0) | ignore */
    fpc_dataset_info info;
} fpc_augments;
fpc_status fpc_augments_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_recipe *, const fpc_dataset_info *,
                             fpc_augments **);

/* Draws of one batch, ready for fpc_program_write: inputs "draw.warp" (n,1,1,8), "draw.labels" (n,1,1,256) U8,
 * "draw.colour" (n,1,n_colour,16), "draw.LABEL" (n,1,1,floats) for each pixel stage. */
typedef struct fpc_draws {
    float *warp, *colour, **pixel;
    uint8_t *labels;
} fpc_draws;
/* Draws for image `row` of `rows` in a batch, written at that row; sample: index in the training part; batch: number of
 * the batch in its epoch (for what all its images share). */
fpc_status fpc_augments_draw(const fpc_augments *, uint64_t seed, int64_t epoch, int64_t batch, int64_t sample,
                             int32_t row, int32_t rows, int32_t h, int32_t w, fpc_draws *);
/* Appends inputs and ops: u8 image (n,h,w,3) and mask to real image and u8 mask. augs NULL: to_real only. */
void fpc_augments_build(const fpc_augments *, fpc_graph *, fpc_val image_u8, fpc_val mask_u8, fpc_val *image,
                        fpc_val *mask);

/* ---- batches ---- */
typedef struct fpc_batch {
    int32_t n, h, w;
    uint8_t *image, *mask; /* n*h*w*3, n*h*w; mask NULL where the part has no labels (info.unlabelled) */
    int64_t *index;        /* of each sample in its part */
    fpc_draws draws;       /* training batches only */
} fpc_batch;

typedef struct fpc_data fpc_data;
/* registry+recipe: opens [dataset] and [augment.*]. */
fpc_status fpc_data_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_recipe *, uint64_t seed, fpc_data **);
const fpc_dataset_info *fpc_data_info(const fpc_data *);
const fpc_data_options *fpc_data_options_of(const fpc_data *);
const fpc_augments *fpc_data_augments(const fpc_data *);
const fpc_instance *fpc_data_instance(const fpc_data *);
int64_t fpc_data_batches(const fpc_data *, fpc_part); /* per epoch */
int32_t fpc_data_batch_size(const fpc_data *, fpc_part, int64_t batch_index);
/* Starts an epoch: order is a pure function of (seed, epoch); `skip` batches are left out (resume in mid-epoch).
 * FPC_VAL and FPC_TEST: index order, no draws. Ends a running one. */
fpc_status fpc_data_start(fpc_data *, fpc_part, int64_t epoch, int64_t skip);
/* The next batch, valid until the next call; *out NULL at the end of the epoch. Failures name the sample. */
fpc_status fpc_data_next(fpc_data *, const fpc_batch **out);
/* One sample, now, without augmentation. */
fpc_status fpc_data_read(fpc_data *, fpc_arena *, fpc_part, int64_t index, fpc_batch *out);
void fpc_data_close(fpc_data *); /* joins the readers; also done when the arena is freed */

#endif
