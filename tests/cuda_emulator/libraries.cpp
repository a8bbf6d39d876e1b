/* libraries.cpp: in the place of kernels/cuda/linear_lt.cu, which needs cuBLASLt: it opens nothing and has no kernels.
 */
#include "kernels/cuda/machine.h"

fpc_status fpc_cuda_blas_open(fpc_cuda *, const char **)
{
    return FPC_OK;
}

void fpc_cuda_blas_close(fpc_cuda *) {}

const fpc_kernel fpc_cuda_linear_lt[] = {{}};
