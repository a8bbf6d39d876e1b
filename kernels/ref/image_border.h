/* image_border.h: what lies beyond the border of a picture, for all backends. They say how their functions are declared
 * and which whole numbers their positions are: 64 bits, which hold every position that a map can ask for, or 32. */
#ifndef KERNELS_REF_IMAGE_BORDER_H
#define KERNELS_REF_IMAGE_BORDER_H

#include <fpcore/ops.h>

#ifndef FPC_BORDER_INT
#define FPC_BORDER_INT int64_t
#define FPC_BORDER_FUNCTION static inline
#endif

/* Pixel i of a line of n, where i may lie outside: the pixel that the border takes for it; -1: none. */
FPC_BORDER_FUNCTION FPC_BORDER_INT border_index(FPC_BORDER_INT i, FPC_BORDER_INT n, int32_t border)
{
    if (i >= 0 && i < n)
        return i;
    if (border == FPC_BORDER_EDGE || (border == FPC_BORDER_REFLECT && n == 1))
        return i < 0 ? 0 : n - 1;
    if (border != FPC_BORDER_REFLECT)
        return -1;
    const FPC_BORDER_INT period = 2 * (n - 1), at = (i % period + period) % period;
    return at < n ? at : period - at;
}

#endif
