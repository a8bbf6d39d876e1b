/* image_jpeg.h: what the kernels of `jpeg` share: the tables of ITU-T T.81, annex K.1, and how a quality
 * scales them (the rule of the Independent JPEG Group's library, which everybody follows). */
#ifndef KERNELS_REF_IMAGE_JPEG_H
#define KERNELS_REF_IMAGE_JPEG_H

#include <fpcore/base.h>

/* Row by row: [vertical frequency][horizontal frequency]. */
static const uint8_t jpeg_luma[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                      14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                      18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                      49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
static const uint8_t jpeg_chroma[64] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                        24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

/* The step that coefficient i is rounded to. quality: 1 .. 100 */
FPC_BOTH int32_t jpeg_step(const uint8_t table[64], int32_t i, int32_t quality)
{
    const int32_t percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    const int32_t step = (table[i] * percent + 50) / 100;
    return step < 1 ? 1 : step > 255 ? 255 : step;
}
/* The drawn number as a quality; 0: the picture stays as it is. */
FPC_BOTH int32_t jpeg_quality(double drawn)
{
    return drawn <= 0 ? 0 : drawn < 1 ? 1 : drawn > 100 ? 100 : (int32_t)(drawn + 0.5);
}

#endif
