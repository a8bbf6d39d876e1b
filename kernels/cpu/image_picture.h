/* image_picture.h: what the cpu kernels of pictures share. */
#ifndef KERNELS_CPU_IMAGE_PICTURE_H
#define KERNELS_CPU_IMAGE_PICTURE_H

#include "simd.h"

/* Pixel i of a line of n, where i may lie outside: the pixel that the border takes for it; -1: none. */
FPC_INLINE int64_t border_index(int64_t i, int64_t n, int32_t border)
{
    if (i >= 0 && i < n)
        return i;
    if (border == FPC_BORDER_EDGE || (border == FPC_BORDER_REFLECT && n == 1))
        return i < 0 ? 0 : n - 1;
    if (border != FPC_BORDER_REFLECT)
        return -1;
    const int64_t period = 2 * (n - 1), at = (i % period + period) % period;
    return at < n ? at : period - at;
}

static inline vf clamp01(vf a)
{
    return vf_min(vf_set(1), vf_max(vf_set(0), a));
}

#endif
