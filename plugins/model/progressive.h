/* progressive.h: a decoder that goes up step by step, shared by models whose encoders make a pyramid of maps: the
 * additions of a feature pyramid (Lin et al. 2017, arXiv:1612.03144), with separable convolutions in the place of full
 * ones, and one step further, to a map of half the picture's size. */
#ifndef PLUGINS_MODEL_PROGRESSIVE_H
#define PLUGINS_MODEL_PROGRESSIVE_H

#include "conv_bn.h"

/* map[0] is the finest, each further one half as large along each side. Every map is projected to `dim` channels; from
 * the coarsest on, what there is is doubled in size, the next finer map added, and both mixed by a separable 3x3
 * convolution. -> (n,h,w,dim) of map[0]'s size */
fpc_val fpc_prog_top_down(fpc_graph *, int32_t maps, const fpc_val *map, int32_t dim);
/* x at the size of `skip`, which is twice its own, beside it, mixed by two separable 3x3 convolutions of `dim`. */
fpc_val fpc_prog_join(fpc_graph *, fpc_val x, fpc_val skip, int32_t dim);

#endif
