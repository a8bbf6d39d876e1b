/* augments.h: the [augment.NAME] sections of a recipe: opened and sorted into stages, drawn on the host image by image,
 * built in front of the model. What is drawn lies in named buffers, one for each input of the graph, so that batches,
 * copies of batches and programs treat them alike and know nothing of their meaning. */
#ifndef CORE_DATA_AUGMENTS_H
#define CORE_DATA_AUGMENTS_H

#include <fpcore/augment.h>
#include <fpcore/dataset.h>
#include "graph/nodes.h"
#include "plugin/registry.h"
#include "recipe/data_options.h"

/* An input of the training graph that the draws fill: "draw.warp" and the like. */
typedef struct fpc_draw_input {
    const char *name;
    uint32_t dtype;  /* FPC_F32 or FPC_U8, as drawn; reals take the graph's type when they are written */
    fpc_shape shape; /* of one image: n is 1 */
    int64_t count;   /* numbers of one image */
    size_t bytes;    /* of one image */
} fpc_draw_input;

/* One resampling: all geometry sections, or one of them where `compose = off`. Indices of inputs; -1: none. */
typedef struct fpc_warp_group {
    int32_t matrix, labels, field;
} fpc_warp_group;
typedef struct fpc_mix_group {
    int32_t plan, table;
} fpc_mix_group;

/* A section and where its draws go. -1: to none. */
typedef struct fpc_augment_item {
    fpc_instance inst;
    uint32_t stage;
    int32_t warp;   /* group */
    int32_t colour; /* its first map among those of an image */
    int32_t pixel;  /* input */
    int32_t mix;    /* group */
} fpc_augment_item;

typedef struct fpc_augments {
    int32_t n; /* sections, in the recipe's order */
    fpc_augment_item *item;
    int32_t n_inputs, n_warps, n_colours, n_mixes;
    fpc_draw_input *input;
    fpc_warp_group *warp;
    fpc_mix_group *mix;
    int32_t n_mix_sections;
    int32_t colour, lambda;        /* inputs; -1: none. lambda: share of the first mask, where draws may be soft */
    int32_t fill, border, mix_all; /* keys of [augment]; fill: the label itself */
    int32_t ignore; /* the label that counts nowhere: the data set's, or 255 where `fill = ignore` made it; -1 */
    int32_t changes_labels; /* 1: training masks are not those of the data set */
    fpc_dataset_info info;
} fpc_augments;

/* The plugins, each opened once, and the keys of [augment]. */
typedef struct fpc_augment_sources {
    fpc_augment_common shared;
    const fpc_section *section; /* [augment], for messages; NULL: defaults */
    int32_t n;
    fpc_instance *inst; /* [augment.*] in the recipe's order */
} fpc_augment_sources;
/* By the recipe's sections; recipe NULL: none. */
fpc_status fpc_augment_sources_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_recipe *, fpc_augment_sources *);
fpc_status fpc_augments_new(fpc_ctx *, fpc_arena *, const fpc_augment_sources *, const fpc_dataset_info *,
                            fpc_augments **);
/* Both in one. */
fpc_status fpc_augments_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_recipe *, const fpc_dataset_info *,
                             fpc_augments **);

/* data[i]: rows of input[i]; row r begins at r * input[i].bytes. */
typedef struct fpc_draws {
    void **data;
} fpc_draws;
fpc_status fpc_draws_new(const fpc_augments *, fpc_arena *, int64_t rows, fpc_draws *);
/* The buffer of an input by its name; NULL: there is none. */
void *fpc_draws_find(const fpc_augments *, const fpc_draws *, const char *name);
/* Draws for image `row` of `rows` in a batch, written at that row; sample: index in the training part; batch: number of
 * the batch in its epoch (for what all its images share). [reader: re-entrant] */
fpc_status fpc_augments_draw(const fpc_augments *, uint64_t seed, int64_t epoch, int64_t batch, int64_t sample,
                             int32_t row, int32_t rows, int32_t h, int32_t w, fpc_draws *);

/* What the model and the losses get. mask_b, lambda: id -1 unless draws may be soft (loss.h, fpc_target). */
typedef struct fpc_augmented {
    fpc_val image, mask, mask_b, lambda;
} fpc_augmented;
/* Appends inputs and ops: u8 image (n,h,w,3) and mask (id -1: none) to a real image and u8 masks. augs NULL: to_real
 * only. */
fpc_augmented fpc_augments_build(const fpc_augments *, fpc_graph *, fpc_val image_u8, fpc_val mask_u8);

#endif
