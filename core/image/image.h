/* image.h (core): what the program's own verbs need of pictures beside the public fpcore/image.h. */
#ifndef CORE_IMAGE_IMAGE_H
#define CORE_IMAGE_IMAGE_H

#include <fpcore/image.h>

/* fpc_png_write_saying in memory; software NULL: without that text. name: for messages. */
fpc_status fpc_png_encode(fpc_ctx *, fpc_arena *, const char *name, const fpc_image *, const uint8_t (*palette)[3],
                          int32_t n, const char *software, const uint8_t **data, size_t *bytes);
/* fpc_image_open of a file that lies in memory. name: for messages. */
fpc_status fpc_image_decode(fpc_ctx *, fpc_arena *, const char *name, const void *data, size_t bytes, unsigned how,
                            fpc_image *);
/* A mask from memory, with its palette (entries of 3 bytes, as many as there are; 0: grey). */
fpc_status fpc_mask_decode(fpc_ctx *, fpc_arena *, const char *name, const uint8_t *data, size_t bytes, fpc_image *,
                           uint8_t palette[256][3], int32_t *n_palette);

/* fpc_png_write with a text `Software` in the file; whether the file at path is a PNG with that text. */
fpc_status fpc_png_write_saying(fpc_ctx *, const char *path, const fpc_image *, const uint8_t (*palette)[3], int32_t n,
                                const char *software);
int fpc_png_says(const char *path, const char *software);

/* A grey PNG of 16 bits that is written row by row, so that it need not be in memory: under a temporary name until it
 * is whole. Behind a failure of opening or adding comes the end all the same. */
typedef struct fpc_png_rows fpc_png_rows;
fpc_status fpc_png_rows_open(fpc_ctx *, fpc_arena *, const char *path, int32_t w, int32_t h, const char *software,
                             fpc_png_rows **);
/* w values, the high byte first. */
fpc_status fpc_png_rows_add(fpc_png_rows *, const uint8_t *row);
/* Puts the file in place, where so_far is FPC_OK and all rows were added; else nothing is left of it. NULL is fine. */
fpc_status fpc_png_rows_end(fpc_png_rows *, fpc_status so_far);

/* "squeeze", "pad", "crop": what recipes and weights call fpc_fit; -1: no such name. */
const char *fpc_fit_name(int32_t fit);
int32_t fpc_fit_named(const char *name);

/* The class of each pixel of a picture of w x h, from the scores (sh,sw,classes) that a network gives on a grid of its
 * own: scores are enlarged (bilinear, half-pixel centres, as PyTorch's interpolate with align_corners=False) and the
 * highest decides, the lowest class where they tie. At most 256 classes. Takes memory for the grid and some rows. */
fpc_status fpc_scores_labels(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                             int32_t w, uint8_t *labels);
/* Who takes the enlarged scores of a picture, a row of it at a time, from the top: (w,classes), to change as he likes,
 * and the row's labels. What he returns ends it. */
typedef struct fpc_score_rows {
    fpc_status (*take)(void *arg, float *score, const uint8_t *labels);
    void *arg;
} fpc_score_rows;
/* The enlarged scores of all pixels, of which memory holds one row. labels: fpc_scores_labels of the same. */
fpc_status fpc_scores_rows(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                           int32_t w, const uint8_t *labels, const fpc_score_rows *);
/* Scores of n points to probabilities. logits 1: their softmax; 0: they are means of probabilities already. No class is
 * more probable than the label, though the two may have been rounded in different order. */
void fpc_scores_probabilities(float *score, int64_t n, int32_t classes, int logits, const uint8_t *labels);
/* The scores inside of a box of a grid that is w wide, as a grid of their own; out may be the grid itself. */
void fpc_scores_within(const float *score, int32_t w, int32_t classes, const fpc_box *, float *out);
/* The same scores on a grid of (h,w), of the caller: enlarged as above, or made smaller by the same rule. */
fpc_status fpc_scores_resize(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                             int32_t w, float *out);

#endif
