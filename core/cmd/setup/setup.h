/* setup.h: a recipe made of a folder of pictures and masks: `fpcore data --init`. Three steps: which picture has which
 * mask (pairs.c, layout.c), what the masks hold (values.c) and mean (classes.c), what to train with that (recipe.c).
 * Thread: [main]. */
#ifndef CORE_CMD_SETUP_SETUP_H
#define CORE_CMD_SETUP_SETUP_H

#include <fpcore/dataset.h>
#include "cmd/line/line.h"

typedef struct fpc_pairs {
    const char *images, *masks;             /* folders in the root, as dataset/folder names them; masks NULL: none */
    const char *image_suffix, *mask_suffix; /* behind what the names of a pair share, in front of .jpg and .png */
    int64_t n, alone;                       /* pictures with a mask, and without */
    const char **image, **mask;             /* their names, in order of the pictures' */
} fpc_pairs;

/* Masks in parts: a file for each class that a picture shows. */
enum { FPC_CUT_CLASSES = 128 };
typedef struct fpc_cut_part {
    int64_t picture; /* in the listing of their folder */
    int32_t label;   /* place in `class` as it was found */
    const char *name;
} fpc_cut_part;
typedef struct fpc_cut_class {
    const char *name;
    int64_t pixels, pictures; /* of those that were counted */
} fpc_cut_class;
typedef struct fpc_cut {
    int32_t classes;
    fpc_cut_class class[FPC_CUT_CLASSES + 1];
    int64_t n, room, *first; /* first: by pair, its first part; then n */
    fpc_cut_part *part;      /* by picture */
    int64_t ground, with_ground;
} fpc_cut;

typedef struct fpc_layout {
    const char *root;                  /* the folder that was named, or the one in it that holds all */
    const char *kind;                  /* what it was recognised by: a sentence */
    const char *preset;                /* the classes that sets of this layout mostly have; NULL: any */
    fpc_cut *cut;                      /* masks in parts, of `train`; NULL: whole ones */
    fpc_pairs train, val, test;        /* n 0: none of its own; of test, n counts pictures without masks too */
    const char *train_list, *val_list; /* in the root; NULL: none */
    int64_t listed_train, listed_val;  /* pictures that these name */
} fpc_layout;

/* Recognises how pictures and masks lie in the folder. What is not recognised is refused with what was found and what
 * is known. */
fpc_status fpc_layout_find(fpc_ctx *, fpc_arena *, const char *folder, fpc_layout *out);

/* One value of masks: a number, or a colour as 0xRRGGBB. */
typedef struct fpc_mask_value {
    uint32_t value;
    int64_t pixels, pictures;
} fpc_mask_value;

typedef struct fpc_mask_values {
    int colours; /* values are colours */
    int32_t n;   /* rising; of colours black comes first */
    const fpc_mask_value *value;
    int64_t masks, pixels;
    int32_t w, h;    /* the middle one of the pictures' widths and heights */
    int64_t squares; /* pictures that are as wide as high */
    double broadest; /* of width through height of the pictures the largest, and the smallest */
    double narrowest;
    int64_t pictures; /* whose size was looked at */
} fpc_mask_values;

/* Reads every mask of the layout, and the size of every picture. Masks that are none (smoothed, one value alone,
 * numbers here and colours there) are refused with a file's name. */
fpc_status fpc_mask_values_read(fpc_ctx *, fpc_arena *, const fpc_layout *, fpc_mask_values *out);

/* cut.c, for values.c: counts the parts of a pair (*pixels: of its mask), and makes the values of what was counted: the
 * ground, then the classes, the larger parts first. */
fpc_status fpc_cut_count(fpc_ctx *, fpc_arena *scratch, const fpc_layout *, int64_t pair, int64_t *pixels);
fpc_status fpc_cut_conclude(fpc_arena *, const fpc_layout *, fpc_mask_values *);

/* What the values mean. */
typedef struct fpc_setup_classes {
    const char *preset;    /* the data set whose classes they are; NULL: they are called after their values */
    fpc_dataset_info info; /* names, colours, pairs, ignore_label */
    int mapped;            /* numbers that are not the labels */
    int16_t label[256];    /* by place in fpc_mask_values; ignore_label too */
    int32_t ignored;       /* the place of what counts nowhere; -1: none */
} fpc_setup_classes;

/* Names the classes: those of a known data set where layout and values, or the colours, are its; else after the values.
 */
fpc_status fpc_setup_classes_find(fpc_cmdline *, const fpc_layout *, const fpc_mask_values *, fpc_setup_classes *out);

/* Writes the recipe `path`, beside it the file of classes, and lists of the pictures with a mask where some have none.
 * force 0: what is there already is refused. */
fpc_status fpc_setup_write(fpc_cmdline *, const fpc_layout *, const fpc_mask_values *, const fpc_setup_classes *,
                           const char *path, int force);

#endif
