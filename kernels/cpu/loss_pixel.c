/* loss_pixel.c (cpu): kernels/ref/loss_pixel.c at this level of instructions. Sorting and the distances dominate; the
 * softmax uses vectors (plain.h). */
#include "plain.h"
#include "../ref/loss_pixel.c"
