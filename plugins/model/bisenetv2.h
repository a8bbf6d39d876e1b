/* bisenetv2.h: the blocks that BiSeNetV2 is built of; figures and tables are those of arXiv:2004.02147. */
#ifndef PLUGINS_MODEL_BISENETV2_H
#define PLUGINS_MODEL_BISENETV2_H

#include "conv_bn.h"

/* Picture to a quarter of its size by a convolution and a maximum side by side (figure 4 left). */
fpc_val fpc_bise_stem(fpc_graph *, fpc_val image, int32_t out);
/* Gather and expand, of stride 1 or 2 (figure 5 b, c). */
fpc_val fpc_bise_gather(fpc_graph *, fpc_val x, int32_t out, int32_t expansion, int32_t stride);
/* What the whole picture is about, added to every pixel (figure 4 right). */
fpc_val fpc_bise_context(fpc_graph *, fpc_val x);
/* Bilateral guided aggregation (figure 6), at the size of `detail`, which is four times that of `semantic`. arena: for
 * constants while they are copied. */
fpc_val fpc_bise_aggregate(fpc_graph *, fpc_arena *, fpc_val detail, fpc_val semantic, int32_t out);

#endif
