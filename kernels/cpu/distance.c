/* distance.c (cpu): kernels/ref/distance.c at this level of instructions. */
#include "plain.h"
#include "../ref/distance.c"
