/* data.h: batches. Order per epoch, reader threads ahead of training, cache of decoded pictures, augmentation draws. */
#ifndef CORE_DATA_DATA_H
#define CORE_DATA_DATA_H

#include <fpcore/dataset.h>
#include "data/augments.h"
#include "graph/nodes.h"
#include "plugin/registry.h"
#include "recipe/data_options.h"

/* ---- batches ---- */
typedef struct fpc_batch {
    int32_t n, h, w;
    uint8_t *image, *mask; /* n*h*w*3, n*h*w; mask NULL where the part has no labels (info.unlabelled) */
    int64_t *index;        /* of each sample in its part */
    fpc_draws draws;       /* training batches only */
    fpc_part part;
    const uint8_t *
        *borrowed; /* by row: picture, then mask, in memory of fpc_data_use_pool; NULL: they are in image and mask */
} fpc_batch;

typedef struct fpc_data fpc_data;
/* All plugins that deliver and change data, each opened once, and the core's keys beside theirs. */
typedef struct fpc_data_sources {
    fpc_instance dataset;
    fpc_data_options options;      /* [dataset] */
    fpc_augment_sources augments;  /* [augment] and [augment.*] */
    const fpc_dataset_info *known; /* the classes of trained weights, for a data set without its file; or NULL */
} fpc_data_sources;
/* Opens them by the recipe's sections; recipe NULL: defaults. */
fpc_status fpc_data_sources_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_recipe *, fpc_data_sources *);
/* What a data set plugin says of its classes and mirror pairs. name: the plugin's. */
fpc_status fpc_data_classes_check(fpc_ctx *, const char *name, const fpc_dataset_info *);
/* Takes the sources over: one fpc_data for each. audit NULL: for use. Else for looking at what is wrong with the data:
 * flaws go to `audit` as far as the plugin can tell them apart, samples that cannot be read fail one by one, and
 * nothing is kept in memory. */
fpc_status fpc_data_new(fpc_ctx *, fpc_arena *, const fpc_data_sources *, uint64_t seed, const fpc_dataset_audit *audit,
                        fpc_data **);
/* Both in one, for use. */
fpc_status fpc_data_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_recipe *, uint64_t seed, fpc_data **);
const fpc_dataset_info *fpc_data_info(const fpc_data *);
const fpc_data_options *fpc_data_options_of(const fpc_data *);
const fpc_augments *fpc_data_augments(const fpc_data *);
const fpc_instance *fpc_data_instance(const fpc_data *);
/* Refuses a set without training pictures, or with fewer than a batch: what only looks or measures takes any. */
fpc_status fpc_data_check_training(const fpc_data *);
int64_t fpc_data_batches(const fpc_data *, fpc_part); /* per epoch; where one is not full and alone it is taken */
int32_t fpc_data_batch_size(const fpc_data *, fpc_part, int64_t batch_index);
/* Starts an epoch: order is a pure function of (seed, epoch); `skip` batches are left out (resume in mid-epoch).
 * FPC_VAL and FPC_TEST: index order, no draws. Ends a running one. */
fpc_status fpc_data_start(fpc_data *, fpc_part, int64_t epoch, int64_t skip);
/* The next batch, valid until the next call; *out NULL at the end of the epoch. Failures name the sample. */
fpc_status fpc_data_next(fpc_data *, const fpc_batch **out);
/* One sample, now, without augmentation. */
fpc_status fpc_data_read(fpc_data *, fpc_arena *, fpc_part, int64_t index, fpc_batch *out);
/* The same at the size of its own picture (fpcore/dataset.h), until the arena is reset. */
fpc_status fpc_data_read_native(fpc_data *, fpc_arena *, fpc_part, int64_t index, fpc_native_sample *out);
/* A sample's name, and the path of its picture's file; "" where the plugin knows of none. */
fpc_status fpc_data_name(const fpc_data *, fpc_part, int64_t index, char *name, size_t cap);
fpc_status fpc_data_file(const fpc_data *, fpc_part, int64_t index, char *path, size_t cap);
/* Two numbers that tell a sample from others: of its name (of its place where it has none), and of its contents as far
 * as the plugin tells them apart; 0 where it does not. */
fpc_status fpc_data_fingerprint(const fpc_data *, fpc_part, int64_t index, uint64_t out[2]);
/* What the labels of the training part hold: by class the pixels and the pictures that show it, and by sample one bit
 * per label. Counted on the first call, which reads every training mask, then kept. Each result may be NULL. */
fpc_status fpc_data_label_counts(fpc_data *, const int64_t **pixels, const int64_t **images,
                                 const uint64_t (**present)[4]);
/* Samples whose byte is set are elsewhere already: batches leave their pictures and masks out. The caller sets bytes
 * while readers run (release), and keeps the array. */
void fpc_data_present(fpc_data *, fpc_part, const uint8_t *present);
/* The memory for decoded pictures from here on; batches then point at pictures that lie there. Before the first batch.
 */
void fpc_data_use_pool(fpc_data *, void *memory, size_t bytes);
void fpc_data_close(fpc_data *); /* joins the readers; also done when the arena is freed */

#endif
