/* missing.cpp: empty tables of families whose files are being written. */
#include "kernels/cuda/device.h"

#define FAMILY(name)                                                                                                   \
    extern "C" const fpc_kernel fpc_cuda_##name[] __attribute__((weak)) = {FPC_CUDA_END};
FAMILY(linear)
FAMILY(conv)
FAMILY(depthwise)
FAMILY(norm)
FAMILY(batch_norm)
FAMILY(attention)
FAMILY(pointwise)
FAMILY(resize)
FAMILY(pool)
FAMILY(image)
FAMILY(colour)
FAMILY(filter)
FAMILY(jpeg)
FAMILY(mix)
FAMILY(loss)
FAMILY(loss_pixel)
FAMILY(distance)
FAMILY(train)
