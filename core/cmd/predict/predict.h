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
    int others;                    /* several words name pictures: one that is not there does not end the run */
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
