/* image_picture.h: what the cpu kernels of pictures share. */
#ifndef KERNELS_CPU_IMAGE_PICTURE_H
#define KERNELS_CPU_IMAGE_PICTURE_H

#include "simd.h"
#define FPC_BORDER_INT int64_t
#define FPC_BORDER_FUNCTION FPC_INLINE
#include "kernels/ref/image_border.h"

static inline vf clamp01(vf a)
{
    return vf_min(vf_set(1), vf_max(vf_set(0), a));
}

#endif
