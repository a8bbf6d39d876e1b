/* optimizer.h: parameters, gradients and slots are flat buffers, so that one node updates all. build appends that node
 * (an in-place op). Thread: [main].
 *
 * A flat buffer holds the tensors one after the other, each from a multiple of FPC_FLAT_ALIGN (ops.h) numbers on, as
 * (1,1,rows,256). A row of 256 numbers means nothing to the model: it is the grain by which row-wise ops (op.h) are
 * shared out among threads, a few times the length of any vector unit. Numbers between the tensors and at the end are
 * zero and have to stay so.
 */
#ifndef FPCORE_OPTIMIZER_H
#define FPCORE_OPTIMIZER_H

#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a parameter lies in the flat buffers. dims: rank of them, in the order of memory: (out, kh, kw, in/groups),
 * (out, in), (c); number i of it is number offset + i of the buffers. group: of parameters with factors of their own,
 * from 1 on; 0: those with factors of 1. */
typedef struct fpc_flat_tensor {
    uint32_t size;
    int32_t rank, dims[4], group;
    int64_t offset, count;
    const char *name; /* "block1.0.attn.q.weight" */
} fpc_flat_tensor;

typedef struct fpc_flat {
    uint32_t size;
    fpc_val param, grad;
    fpc_val slot[4];  /* n_slots of them, zero at the start, stored in checkpoints as optimizer.SLOTNAME.PARAM */
    fpc_val scale;    /* (1,1,1,1): multiplies the gradient (clipping); NaN: the step is skipped, nothing may change */
    fpc_val lr, step; /* (1,1,1,1) real; step counts from 1 */
    int32_t n_tensors;
    const fpc_flat_tensor *const *tensor; /* by rising offset */
    /* NULL: all are 1. Else (1,1,rows,256/FPC_FLAT_ALIGN*2), whose row is for the same row of the buffers: for each
     * FPC_FLAT_ALIGN (ops.h) numbers what the rate is multiplied by, then what the decay is. Where the rate's is 0,
     * nothing may change. */
    const fpc_val *factors;
} fpc_flat;

enum { FPC_OPTIMIZER_FACTORS = 1 /* the plugin looks at fpc_flat.factors; others get recipes without any */ };

typedef struct fpc_optimizer_vtbl {
    uint32_t size;
    int32_t n_slots;
    const char *slot_names[4];
    fpc_status (*build)(fpc_self *, fpc_graph *, const fpc_flat *);
    uint32_t flags; /* FPC_OPTIMIZER_* */
} fpc_optimizer_vtbl;

#ifdef __cplusplus
}
#endif
#endif
