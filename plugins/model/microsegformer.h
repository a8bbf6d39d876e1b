/* microsegformer.h: what the files of MicroSegFormer share: its options, and the two halves of the network. The encoder
 * makes a map for each stage, the decoder logits from the maps. */
#ifndef PLUGINS_MODEL_MICROSEGFORMER_H
#define PLUGINS_MODEL_MICROSEGFORMER_H

#include "progressive.h"

enum { MICRO_MAX_STAGES = 8 };

typedef enum micro_decoder {
    MICRO_STANDARD,     /* every stage projected, enlarged, concatenated; two linear maps */
    MICRO_SINGLE_SCALE, /* the last stage alone */
    MICRO_DEEP_MLP,     /* three linear maps in the place of two */
    MICRO_ENHANCED,     /* standard, then 3x3 convolutions on the way to full size */
    MICRO_LIGHTWEIGHT,  /* fewer of those, without batch norms */
    MICRO_PROGRESSIVE,  /* step by step from the last stage to half of the picture's size */
    MICRO_REFINE        /* standard, then the last of those steps */
} micro_decoder;

struct microsegformer {
    fpc_self self;
    fpc_ints dims, depths, sr_ratios, heads;
    int64_t decoder_dim, refine_dim, half_dim, stem_dim, mlp_ratio, mix_ffn, attention, decoder, lmsa;
    double dropout;
};

/* image (n,h,w,3) -> map[i] (n,h/s,w/s,dims[i]), s = 4, 8, 16 .. */
void fpc_micro_encode(fpc_graph *, const struct microsegformer *, fpc_val image, fpc_val *map);
/* Maps -> logits, four times as large along each side as map[0], or twice where the decoder ends at half of the
 * picture's size: only then is the picture read. */
fpc_val fpc_micro_decode(fpc_graph *, const struct microsegformer *, fpc_val image, const fpc_val *map,
                         int32_t classes);

#endif
