/* machine.h: what plugins/backend/cuda.c (C) hands to the kernels of this folder (C++) through fpc_exec_backend: the
 * stream, the libraries' handles, what the recipe asked for. Work is queued on `stream` and never waited for inside of
 * a kernel's run, which may be recorded: no allocation, no synchronisation, no read of device memory there. */
#ifndef KERNELS_CUDA_MACHINE_H
#define KERNELS_CUDA_MACHINE_H

#include <fpcore/op.h>
#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FPC_CUDA_FAULTS = 4 };
/* What a kernel found wrong with its data: {fpc_cuda_fault, image, value, node id}, the first one wins (atomicCAS on
 * word 0). The backend looks at it whenever it waits for the device. */
typedef enum fpc_cuda_fault { FPC_CUDA_FINE = 0, FPC_CUDA_BAD_LABEL } fpc_cuda_fault;

typedef struct fpc_cuda {
    cudaStream_t stream;
    int32_t device, sms; /* multiprocessors */
    int32_t tf32;        /* products of fp32 matrices may use TF32 */
    int32_t deterministic;
    int32_t check;     /* wait after every node, so that a fault carries its op's name */
    void *blas, *dnn;  /* of linear_lt.cu and conv_cudnn.cu; NULL: not open */
    void *blas_work;   /* device memory for cuBLASLt */
    size_t blas_bytes; /* of it */
    int32_t *fault;    /* device memory, FPC_CUDA_FAULTS words */
} fpc_cuda;

/* The machine that is open: `need` and `match` of kernels get no fpc_exec. One device is open at a time. NULL: none. */
extern fpc_cuda *fpc_cuda_open_machine;

/* A failure's sentence: op, the node's name and shapes, and what the runtime says. what: NULL, or the call. */
fpc_status fpc_cuda_fail(fpc_exec *, const fpc_node *, const char *what, const char *error);
/* After a launch: FPC_OK, or the sentence. Waits where `check` is set. */
fpc_status fpc_cuda_launched(fpc_exec *, const fpc_node *);

/* Tables, each ending with op NULL. That of conv_cudnn.cu is there with FPC_HAVE_CUDNN. */
extern const fpc_kernel fpc_cuda_linear[], fpc_cuda_linear_lt[], fpc_cuda_conv[], fpc_cuda_conv_cudnn[],
    fpc_cuda_conv_depthwise[], fpc_cuda_norm[], fpc_cuda_norm_batch[], fpc_cuda_attention[], fpc_cuda_pointwise[],
    fpc_cuda_resize[], fpc_cuda_resize_pool[], fpc_cuda_image[], fpc_cuda_image_colour[], fpc_cuda_image_filter[],
    fpc_cuda_image_jpeg[], fpc_cuda_image_mix[], fpc_cuda_loss[], fpc_cuda_loss_pixel[], fpc_cuda_loss_distance[],
    fpc_cuda_train[];

/* linear_lt.cu and conv_cudnn.cu: the libraries' handles, made when the backend opens, which
 * opens the libraries themselves; without one, its table is left out. error: static text. FPC_ENOENT: no library. */
fpc_status fpc_cuda_blas_open(fpc_cuda *, const char **error);
void fpc_cuda_blas_close(fpc_cuda *);
fpc_status fpc_cuda_dnn_open(fpc_cuda *, const char **error);
void fpc_cuda_dnn_close(fpc_cuda *);

#ifdef __cplusplus
}
#endif
#endif
