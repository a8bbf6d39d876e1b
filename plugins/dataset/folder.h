/* folder.h: an opened folder of pictures and masks, as the parts of dataset/folder see it. */
#ifndef DATASET_FOLDER_H
#define DATASET_FOLDER_H

#include <fpcore/dataset.h>
#include <fpcore/image.h>
#include "folder_files.h"

typedef struct folder_part {
    const folder_files *images, *masks; /* masks NULL: the part has none */
    const uint8_t *exchange;            /* by picture: 1: its mask's mirror pairs change places; NULL: no list */
    int64_t n, *index;                  /* into images */
} folder_part;

typedef struct folder {
    fpc_self self;
    const char *root, *images, *masks, *image_suffix, *mask_suffix, *val_images, *val_masks, *test_images, *test_masks,
        *train_list, *val_list, *test_list, *classes, *sides, *map, *ignore_colour, *parts;
    double val_split;
    fpc_extent size;                                                      /* 0 x 0: as the files are */
    int64_t split_seed, ignore_label, orientation, fit;                   /* orientation: FPC_IMAGE_STORED or 0 */
    folder_files image, mask, val_image, val_mask, test_image, test_mask; /* val_*: where it has folders of its own */
    folder_part part[4];                                                  /* by fpc_part */
    int32_t n_classes, w, h;
    int32_t ignored;                /* the label that counts nowhere, of the recipe, else of the preset; -1: none */
    int32_t border;                 /* the same in what is read: `fit = pad` has one where the files have none */
    folder_order order;             /* where `parts` is given */
    int test_alone;                 /* there are no pictures to train on */
    uint8_t mirrored[256];          /* label of the other side */
    int16_t *label_of;              /* by value of a mask's file, where `map` is given; -1: not in it */
    const uint8_t (*palette)[3];    /* colours of the classes, for masks in RGB */
    const uint8_t *void_colour;     /* what counts nowhere in such a mask; NULL: no colour */
    const fpc_dataset_audit *audit; /* NULL: a training */
} folder;

/* folder_sides.c: reads the list of the option `sides` into the parts. */
fpc_status fpc_folder_sides(folder *);

/* folder_labels.c: reads the option `map`, once the classes are known; turns a mask's values or colours
 * (FPC_IMAGE_CODED) into labels, in place, and refuses those that are none, with the place of the first and what the
 * mask probably is. */
fpc_status fpc_folder_map(folder *);
fpc_status fpc_folder_labels(const folder *, fpc_arena *scratch, const char *path, fpc_image *mask);

/* folder_colours.c: reads the option `ignore_colour`, once the classes are known; turns a mask in RGB into labels. */
fpc_status fpc_folder_void_colour(folder *);
fpc_status fpc_folder_colours(const folder *, fpc_arena *scratch, const char *path, fpc_image *mask);

/* folder_parts.c: reads the option `parts`, once the classes are known; refuses pictures that would share their parts;
 * paints the parts of masks->file[at] into one mask. */
fpc_status fpc_folder_parts(folder *, const fpc_dataset_info *);
fpc_status fpc_folder_shared(const folder *, const folder_files *images, const folder_files *masks);
fpc_status fpc_folder_join(const folder *, fpc_arena *scratch, const folder_files *masks, int64_t at, fpc_image *out);

/* folder_read.c */
fpc_status fpc_folder_read(const fpc_self *, fpc_arena *scratch, fpc_part, int64_t index, fpc_sample *out);
fpc_status fpc_folder_native(const fpc_self *, fpc_arena *scratch, fpc_part, int64_t index, fpc_native_sample *out);
fpc_status fpc_folder_name(const fpc_self *, fpc_part, int64_t index, char *id, size_t cap);
fpc_status fpc_folder_file(const fpc_self *, fpc_part, int64_t index, char *path, size_t cap);

/* folder_fingerprint.c */
fpc_status fpc_folder_fingerprint(const fpc_self *, fpc_part, int64_t index, uint64_t *out);

#endif
