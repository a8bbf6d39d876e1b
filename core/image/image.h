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

/* "squeeze", "pad", "crop": what recipes and weights call fpc_fit; -1: no such name. */
const char *fpc_fit_name(int32_t fit);
int32_t fpc_fit_named(const char *name);

/* The class of each pixel of a picture of w x h, from the scores (sh,sw,classes) that a network gives on a grid of its
 * own: scores are enlarged (bilinear, half-pixel centres, as PyTorch's interpolate with align_corners=False) and the
 * highest decides, the lowest class where they tie. At most 256 classes. Takes memory for the grid and some rows. */
fpc_status fpc_scores_labels(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                             int32_t w, uint8_t *labels);
/* The scores inside of a box of a grid that is w wide, as a grid of their own; out may be the grid itself. */
void fpc_scores_within(const float *score, int32_t w, int32_t classes, const fpc_box *, float *out);
/* The same scores on a grid of (h,w), of the caller: enlarged as above, or made smaller by the same rule. */
fpc_status fpc_scores_resize(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                             int32_t w, float *out);

#endif
