/* tensor.h: four axes, channels last: (n, h, w, c). An image of (n,h,w,c) IS n*h*w tokens ("rows") of c numbers:
 * linear maps, norms and attention take it as it is, so the interface has no permute, flatten or reshape.
 * Weights: convolution (out, kh, kw, in/groups); linear (1, 1, out, in); vectors (1, 1, 1, c).
 *
 * Four axes of int32_t, and labels of one byte, are decided (docs/architecture.md). Shapes and tensors are passed by
 * value and in arrays, so neither ever grows. */
#ifndef FPCORE_TENSOR_H
#define FPCORE_TENSOR_H

#include <fpcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_dtype { FPC_F32 = 1, FPC_BF16, FPC_F16, FPC_F64, FPC_U8, FPC_I32, FPC_I64 } fpc_dtype;

typedef struct fpc_shape {
    int32_t n, h, w, c;
} fpc_shape;

/* Dense, row-major, no strides. Inside a kernel's run, `data` of a row-wise tensor points at the first row of the
 * range that the kernel was given, while `shape` stays that of the whole tensor (see op.h). */
typedef struct fpc_tensor {
    void *data;
    fpc_shape shape;
    uint32_t dtype, flags;
} fpc_tensor;

FPC_BOTH int64_t fpc_rows_of(fpc_shape s)
{
    return (int64_t)s.n * s.h * s.w;
}
FPC_BOTH int64_t fpc_count(fpc_shape s)
{
    return fpc_rows_of(s) * s.c;
}
FPC_BOTH size_t fpc_dtype_size(uint32_t dtype)
{
    return dtype == FPC_F64 || dtype == FPC_I64    ? 8
           : dtype == FPC_F32 || dtype == FPC_I32  ? 4
           : dtype == FPC_BF16 || dtype == FPC_F16 ? 2
                                                   : 1;
}
FPC_BOTH size_t fpc_bytes(fpc_shape s, uint32_t dtype)
{
    return (size_t)fpc_count(s) * fpc_dtype_size(dtype);
}
FPC_BOTH int fpc_same_shape(fpc_shape a, fpc_shape b)
{
    return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c;
}

#ifdef __cplusplus
}
#endif
#endif
