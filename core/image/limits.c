/* limits.c: the largest picture that is read. */
#include "image/codec.h"

fpc_status fpc_image_check_size(fpc_ctx *ctx, const char *path, uint64_t w, uint64_t h)
{
    if (w >= 1 && h >= 1 && w <= FPC_IMAGE_SIDE && h <= FPC_IMAGE_SIDE && w * h <= FPC_IMAGE_PIXELS)
        return FPC_OK;
    return fpc_fail(ctx, FPC_EFORMAT,
                    "%s: the header says %llu x %llu; pictures of up to %d on a side and %d megapixels are read", path,
                    (unsigned long long)w, (unsigned long long)h, FPC_IMAGE_SIDE, FPC_IMAGE_PIXELS >> 20);
}
