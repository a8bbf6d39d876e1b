/* norm_grad.h: what norm.cu's table takes from norm_grad.cu. */
#ifndef KERNELS_CUDA_NORM_GRAD_H
#define KERNELS_CUDA_NORM_GRAD_H

#include <fpcore/op.h>

void fpc_cuda_layer_norm_grad_need(const fpc_node *, fpc_need *);
fpc_status fpc_cuda_layer_norm_grad(fpc_exec *, const fpc_node *, fpc_rows);

#endif
