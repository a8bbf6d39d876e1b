/* image_picture.h: what image_colour.cu, image_filter.cu and image_jpeg.cu share: where pixels beyond the border come
 * from, and a tile of a picture in shared memory. Pictures are (n,h,w,3) float. */
#ifndef KERNELS_CUDA_IMAGE_PICTURE_H
#define KERNELS_CUDA_IMAGE_PICTURE_H

#include "kernels/cuda/device.h"
#define FPC_BORDER_INT int32_t
#define FPC_BORDER_FUNCTION DEVICE
#include "kernels/ref/image_border.h"

DEVICE float clamp01(float v)
{
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}

/* Lines [y0, y0 + lines) of an image from pixel x0 on, `pixels` of each (both may lie outside), to lines of 3 * pixels
 * numbers; zero where the border has nothing. All warps of the block take part; a barrier must follow. */
DEVICE void load_tile(float *tile, const float *image, int32_t h, int32_t w, int32_t y0, int32_t x0, int32_t lines,
                      int32_t pixels, int32_t border)
{
    const int32_t pitch = pixels * 3;
    for (int32_t line = (int32_t)threadIdx.x / 32; line < lines; line += (int32_t)blockDim.x / 32) {
        const int32_t y = border_index(y0 + line, h, border);
        const float *from = image + (int64_t)(y < 0 ? 0 : y) * w * 3;
        for (int32_t i = (int32_t)threadIdx.x % 32; i < pitch; i += 32) {
            const int32_t x = border_index(x0 + i / 3, w, border);
            tile[line * pitch + i] = y < 0 || x < 0 ? 0.0f : from[x * 3 + i % 3];
        }
    }
}

#endif
