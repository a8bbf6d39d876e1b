/* predict.h: what `fpcore predict` reads and writes: the pictures, the files that come of each, and what is drawn over
 * a picture. */
#ifndef CORE_CMD_PREDICT_PREDICT_H
#define CORE_CMD_PREDICT_PREDICT_H

#include <fpcore/experiment.h>
#include "cmd/line/line.h"
#include "image/image.h"

/* Files of ours carry this text, so that a later run may replace them and no others. */
#define FPC_PREDICT_MARK "fpcore predict"
#define FPC_PREDICT_META "\"software\":\"" FPC_PREDICT_MARK "\"" /* in the head of a safetensors file */

typedef struct fpc_predict_item {
    const char *picture, *mask, *overlay, *probs; /* paths; the last two NULL: not wanted */
} fpc_predict_item;

typedef struct fpc_predict_files {
    fpc_cmdline *cmd;
    const char *out;               /* folder */
    int pipe;                      /* the one mask goes to standard output */
    int overlay, probs, recursive; /* what is wanted */
    int32_t n_maps;                /* files of probabilities for each picture; 0: not wanted */
    const char **map_end;          /* [n_maps] what they are called behind the picture's name: "_skin.png" */
    int npy;                       /* there is one, an array */
    int others;                    /* several words name pictures: one that is not there does not end the run */
    int32_t unlisted;              /* folders that could not be looked into */
    int32_t n, cap;
    fpc_predict_item *item; /* in the order in which pictures were named, those of a folder by name */
    const char *legend;     /* path, of all overlays; NULL: not wanted */
    int32_t folders, own;   /* passed over: sub-folders, and files that an earlier prediction wrote */
} fpc_predict_files;

/* cmd/predict/files.c: adds what a word of the command line names: a picture, "-" for that of standard input, or a
 * folder with pictures; the files of a sub-folder go to a folder of that name below `out`. */
fpc_status fpc_predict_add(fpc_predict_files *, const char *operand);
/* The picture of that path, or of standard input where it is "-", which is waited for until `until` is cancelled. */
fpc_status fpc_predict_read(fpc_ctx *, const fpc_ctx *until, fpc_arena *, const char *path, unsigned how, fpc_image *);
/* Once all are added, before anything is written: no file may replace a picture or be written twice, and what is there
 * already is replaced where an earlier prediction wrote it, or where `force` is set. */
fpc_status fpc_predict_check(const fpc_predict_files *, int force);

/* cmd/predict/class_maps.c: the probabilities of all classes at all pixels of a picture, to files. how: "png16" or "":
 * a grey PNG of 16 bits for each class, called by it; "npy": one array (height,width,classes) of float. NULL: none. */
fpc_status fpc_predict_name_maps(fpc_predict_files *, const char *how, int32_t classes, const char *const *name);
const char *fpc_predict_map_path(const fpc_predict_files *, fpc_arena *, const fpc_predict_item *, int32_t i);
/* Whether a file that begins so is such an array that an earlier prediction wrote. */
int fpc_predict_is_npy(const char *head, size_t bytes);
typedef struct fpc_class_maps fpc_class_maps;
/* Behind a failure of any of them comes the close all the same. */
fpc_status fpc_class_maps_open(const fpc_predict_files *, fpc_arena *, const fpc_predict_item *, int32_t h, int32_t w,
                               int32_t classes, fpc_class_maps **);
/* The next row, (w,classes). */
fpc_status fpc_class_maps_add(fpc_class_maps *, const float *row);
/* The files get their names where so_far is FPC_OK; else nothing is left of them. NULL is fine. */
fpc_status fpc_class_maps_close(fpc_class_maps *, fpc_status so_far);

/* cmd/predict/overlay.c: what the predictor is, whose size is set before. Of a data set without colours the labels get
 * some. */
fpc_status fpc_predict_describe(fpc_arena *, const fpc_predictor *, fpc_predictor_info *);
/* cmd/predict/overlay.c: tints the picture with the colours of its labels, and draws the border of each part. Label 0
 * is the ground and stays as it is. palette: by label. */
void fpc_overlay_draw(fpc_image *picture, const uint8_t *label, const uint8_t (*palette)[3]);
/* The classes with their colours, as a PNG. name NULL: numbers alone. */
fpc_status fpc_legend_write(fpc_ctx *, fpc_arena *scratch, const char *path, int32_t classes, const char *const *name,
                            const uint8_t (*palette)[3]);

#endif
