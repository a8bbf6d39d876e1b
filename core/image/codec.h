/* codec.h: what the parts of the picture reader share. */
#ifndef CORE_IMAGE_CODEC_H
#define CORE_IMAGE_CODEC_H

#include "image/image.h"
#include <stdio.h>

/* Refuses sizes that no picture here has, before any memory is taken for them. */
fpc_status fpc_image_check_size(fpc_ctx *, const char *path, uint64_t w, uint64_t h);
/* The file stands at its beginning. pixels 0: only w, h and c are filled. The picture comes as it is stored. */
fpc_status fpc_jpeg_decode(fpc_ctx *, fpc_arena *, const char *path, FILE *, int pixels, fpc_image *out,
                           fpc_image_facts *);
/* how: FPC_IMAGE_MASK, with FPC_IMAGE_CODED or without, as fpc_image_open says; else RGB, c 3. */
fpc_status fpc_png_decode(fpc_ctx *, fpc_arena *, const char *path, FILE *, int pixels, unsigned how, fpc_image *out,
                          fpc_image_facts *);

/* What EXIF says of the orientation, 1 to 8; 1 where it says nothing that can be read. tiff: from the byte order on. */
int fpc_exif_orientation(const uint8_t *tiff, size_t n);
/* Turns a stored picture as its orientation says. Without pixels only w and h are exchanged. */
fpc_status fpc_image_turn(fpc_arena *, int orientation, fpc_image *);

#endif
