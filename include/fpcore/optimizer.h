/* optimizer.h: parameters, gradients and slots are flat buffers (1,1,rows,256), zero where padded, so that one node
 * updates all. build appends that node (an in-place op). Thread: [main]. */
#ifndef FPCORE_OPTIMIZER_H
#define FPCORE_OPTIMIZER_H

#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fpc_flat {
    uint32_t size;
    fpc_val param, grad;
    fpc_val slot[4];  /* n_slots of them, zero at the start, stored in checkpoints as optimizer.SLOTNAME.PARAM */
    fpc_val scale;    /* (1,1,1,1): multiplies the gradient (clipping); NaN: the step is skipped, nothing may change */
    fpc_val lr, step; /* (1,1,1,1) real; step counts from 1 */
} fpc_flat;

typedef struct fpc_optimizer_vtbl {
    uint32_t size;
    int32_t n_slots;
    const char *slot_names[4];
    fpc_status (*build)(fpc_self *, fpc_graph *, const fpc_flat *);
} fpc_optimizer_vtbl;

#ifdef __cplusplus
}
#endif
#endif
