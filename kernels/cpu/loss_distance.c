/* loss_distance.c (cpu): kernels/ref/loss_distance.c at this level of instructions. */
#include "plain.h"
#include "../ref/loss_distance.c"
