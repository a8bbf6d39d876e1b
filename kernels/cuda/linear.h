/* linear.h: what the files of linear maps offer to each other: linear.cu computes where cuBLASLt has no algorithm
 * (linear_lt.cu), and has linear_mma.cu's kernels in its table. */
#ifndef KERNELS_CUDA_LINEAR_H
#define KERNELS_CUDA_LINEAR_H

#include "kernels/cuda/device.h"

fpc_status fpc_cuda_linear_run(fpc_exec *, const fpc_node *, fpc_rows); /* also linear_add */
fpc_status fpc_cuda_linear_grad_x_run(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status fpc_cuda_linear_grad_w_run(fpc_exec *, const fpc_node *, fpc_rows);
void fpc_cuda_linear_grad_w_need(const fpc_node *, fpc_need *);

int fpc_cuda_linear_mma_match(const fpc_node *);
fpc_status fpc_cuda_linear_mma_run(fpc_exec *, const fpc_node *, fpc_rows); /* also linear_add */

#endif
