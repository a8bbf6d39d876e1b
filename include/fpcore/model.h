/* model.h: a model describes its graph from image to logits. Called once for training and once for evaluation graphs,
 * and again for each batch size; it must declare the same parameters each time. Thread: [main]. */
#ifndef FPCORE_MODEL_H
#define FPCORE_MODEL_H

#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fpc_model_io {
    uint32_t size;
    fpc_val image; /* (n,h,w,c) real in [0,1]; c as the data set has it, 3 in this fpcore */
    int32_t classes;
    fpc_val logits; /* set by build: (n,h',w',classes). Another size than the image's is upsampled by the core:
                       bilinear, half-pixel centres */
} fpc_model_io;

typedef struct fpc_model_vtbl {
    uint32_t size;
    fpc_status (*build)(fpc_self *, fpc_graph *, fpc_model_io *);
} fpc_model_vtbl;

#ifdef __cplusplus
}
#endif
#endif
