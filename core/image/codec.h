/* codec.h: what the parts of the picture reader share. */
#ifndef CORE_IMAGE_CODEC_H
#define CORE_IMAGE_CODEC_H

#include "image/image.h"
#include <stdio.h>

/* Refuses sizes that no picture here has, before any memory is taken for them. */
fpc_status fpc_image_check_size(fpc_ctx *, const char *path, uint64_t w, uint64_t h);
/* The file stands at its beginning. pixels 0: only w, h and c are filled. */
fpc_status fpc_jpeg_decode(fpc_ctx *, fpc_arena *, const char *path, FILE *, int pixels, fpc_image *out);
/* labels 1: indices of a palette or grey values as they are, c 1; 0: RGB, c 3. */
fpc_status fpc_png_decode(fpc_ctx *, fpc_arena *, const char *path, FILE *, int pixels, int labels, fpc_image *out);

#endif
