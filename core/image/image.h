/* image.h: reading JPEG (libjpeg-turbo) and PNG (libpng) pictures and index masks, resizing them, writing PNG. Files
 * are hostile: sizes are checked before allocation (at most 16384 on a side and 64 Mpixel), truncated or lying files
 * get a sentence with their path. Pictures are turned upright as their EXIF tag says. Re-entrant. */
#ifndef CORE_IMAGE_IMAGE_H
#define CORE_IMAGE_IMAGE_H

#include <fpcore/base.h>

typedef struct fpc_image {
    int32_t w, h, c; /* c: 3 for pictures, 1 for masks */
    uint8_t *pixel;  /* h*w*c, in the arena */
} fpc_image;

FPC_API fpc_status fpc_image_read(fpc_ctx *, fpc_arena *, const char *path,
                                  fpc_image *out); /* RGB, from .jpg .jpeg .png */
/* Labels: 8-bit palette (the index) or grey; RGB and 16-bit are refused with a sentence. */
FPC_API fpc_status fpc_mask_read(fpc_ctx *, fpc_arena *, const char *path, fpc_image *out);
FPC_API fpc_status fpc_image_size(fpc_ctx *, const char *path, int32_t *w, int32_t *h); /* header only */
/* c 3: RGB; c 1: palette PNG where palette is given (n entries), else grey. Written to a temporary name, then renamed.
 */
FPC_API fpc_status fpc_png_write(fpc_ctx *, const char *path, const fpc_image *, const uint8_t (*palette)[3],
                                 int32_t n);
/* The same in memory. name: for messages. */
FPC_API fpc_status fpc_png_encode(fpc_ctx *, fpc_arena *, const char *name, const fpc_image *,
                                  const uint8_t (*palette)[3], int32_t n, const uint8_t **data, size_t *bytes);
/* A mask from memory, with its palette (entries of 3 bytes, as many as there are; 0: grey). */
FPC_API fpc_status fpc_mask_decode(fpc_ctx *, fpc_arena *, const char *name, const uint8_t *data, size_t bytes,
                                   fpc_image *, uint8_t palette[256][3], int32_t *n_palette);
/* Bilinear with antialiasing when shrinking (triangle filter whose support grows with the factor, as Pillow's
 * BILINEAR). */
FPC_API fpc_status fpc_image_resize(fpc_ctx *, fpc_arena *, const fpc_image *, int32_t w, int32_t h, fpc_image *out);
/* Nearest: source index floor((i + 0.5) * in/out). */
FPC_API fpc_status fpc_mask_resize(fpc_ctx *, fpc_arena *, const fpc_image *, int32_t w, int32_t h, fpc_image *out);

#endif
