/* flat.h: how a graph names memory of the state as a whole. A buffer (fpc_buffer) with one of these names is that
 * memory; all parameters lie in it behind each other, so that one node works on all. runtime/state.c says where. */
#ifndef CORE_GRAPH_FLAT_H
#define CORE_GRAPH_FLAT_H

#include <fpcore/ops.h>

typedef enum fpc_flat_buffer {
    FPC_FLAT_PARAM,
    FPC_FLAT_GRAD,
    FPC_FLAT_ACCUM,   /* the sum of the gradients of several batches */
    FPC_FLAT_AVERAGE, /* the running average of the parameters */
    FPC_FLAT_SWA,     /* their mean over epochs */
    FPC_FLAT_SLOT0,   /* of the optimizer; the others follow */
    FPC_FLAT_SLOT1,
    FPC_FLAT_SLOT2,
    FPC_FLAT_SLOT3,
    FPC_FLAT_HALF,   /* the parameters in bf16 or fp16; "$half.NAME" is the one of that name */
    FPC_FLAT_SCALER, /* 4 numbers of dynamic loss scaling */
    FPC_FLAT_IMAGES, /* of the data set, as bytes, where it lies on the device */
    FPC_FLAT_MASKS,
    FPC_FLAT_FACTORS, /* of rate and decay, a pair for each FPC_FLAT_ALIGN numbers */
    FPC_N_FLAT
} fpc_flat_buffer;

/* Each parameter begins at a multiple of FPC_FLAT_ALIGN (ops.h) numbers, and all are as long as a multiple of this:
 * rows for kernels that go row by row. */
enum { FPC_FLAT_ROW = 256 };

static inline const char *fpc_flat_name(fpc_flat_buffer which)
{
    static const char *const name[FPC_N_FLAT] = {"$param",  "$grad",   "$accum", "$average", "$swa",
                                                 "$slot0",  "$slot1",  "$slot2", "$slot3",   "$half",
                                                 "$scaler", "$images", "$masks", "$factors"};
    return name[which];
}

/* Numbers from the beginning of a parameter of `count` numbers to that of the next. */
static inline int64_t fpc_flat_step(int64_t count)
{
    return (count + FPC_FLAT_ALIGN - 1) / FPC_FLAT_ALIGN * FPC_FLAT_ALIGN;
}

/* The shape of the whole, of the sum of all steps. */
static inline fpc_shape fpc_flat_shape(int64_t numbers)
{
    return (fpc_shape){1, 1, (int32_t)((numbers + FPC_FLAT_ROW - 1) / FPC_FLAT_ROW), FPC_FLAT_ROW};
}

/* The shape of the factors: a row for each row of the whole. */
static inline fpc_shape fpc_factors_shape(fpc_shape flat)
{
    return (fpc_shape){flat.n, flat.h, flat.w, FPC_FLAT_ROW / FPC_FLAT_ALIGN * 2};
}

#endif
