/* preview.h: a sheet of training samples as a recipe's augmentation leaves them, with what was drawn for each. */
#ifndef CORE_CMD_INSPECT_PREVIEW_H
#define CORE_CMD_INSPECT_PREVIEW_H

#include "experiment/experiment.h"

enum { FPC_PREVIEW_MOST = 64, FPC_PREVIEW_LINES = 24 };

typedef struct fpc_preview_sample {
    const char *name;
    const uint8_t *image, *mask; /* as the data set has them, h*w*3 and h*w */
    const float *augmented;      /* h*w*3, mostly in [0,1] */
    const uint8_t *labels;       /* the mask that goes with it */
    int32_t n_lines;
    const char *line[FPC_PREVIEW_LINES]; /* what was drawn */
} fpc_preview_sample;

/* What a matrix of draw.warp (output to input, pixel indices) does to the picture at its middle. angle: degrees,
 * counter-clockwise; mirrored: left and right, before all else; scale and shear along x and y; shift: pixels. */
typedef struct fpc_pose {
    int mirrored;
    double angle, scale_x, scale_y, shear, shift_x, shift_y, perspective;
} fpc_pose;
int fpc_pose_of(const float m[8], int32_t h, int32_t w, fpc_pose *); /* 0: it has no inverse there */

/* cmd/inspect/preview_text.c: fills the lines of a sample from its row of the draws. names: of the batch's samples. */
fpc_status fpc_preview_describe(fpc_arena *, const fpc_augments *, const fpc_batch *, int32_t row,
                                const char *const *names, fpc_preview_sample *);
/* cmd/inspect/preview_sheet.c */
fpc_status fpc_preview_draw(fpc_ctx *, fpc_arena *, const fpc_dataset_info *, const char *path, const char *title,
                            int32_t n, const fpc_preview_sample *);
/* A surface of 24 bits as a PNG file, whole or not at all. (struct _cairo_surface is cairo_surface_t.) */
struct _cairo_surface;
fpc_status fpc_surface_write(fpc_ctx *, fpc_arena *, const char *path, struct _cairo_surface *);

#endif
