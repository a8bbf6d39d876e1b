/* backend.h: where the graph runs: memory, copies, threads and one kernel table. What a backend supports is read off
 * that table and declared nowhere else. Thread: [main], except where stated. */
#ifndef FPCORE_BACKEND_H
#define FPCORE_BACKEND_H

#include <fpcore/op.h>
#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_way { FPC_TO_DEVICE = 1, FPC_TO_HOST, FPC_ON_DEVICE } fpc_way;

typedef struct fpc_device {
    uint32_t size;
    char name[64];      /* "AMD EPYC, avx512, 2 threads" */
    size_t total, free; /* bytes of memory; 0: unknown */
    uint32_t real;      /* FPC_F32 or FPC_F64: what "real" means on it */
    int32_t threads;
    /* Bytes of fast private memory that a tile of rows should fit in (a core's level 2 cache). 0: row-wise ops are
     * not tiled, each node runs over all its rows at once. */
    size_t tile_bytes;
    uint32_t host; /* 1: kernels work on host memory, so kernels that other plugins bring can run too */
    void *exec;    /* passed to kernels by fpc_exec_backend */
} fpc_device;

typedef struct fpc_backend_vtbl {
    uint32_t size, kernel_size; /* kernel_size: sizeof(fpc_kernel) as the plugin saw it, the table's stride */
    fpc_status (*open)(fpc_self *, fpc_device *);
    const fpc_kernel *(*kernels)(fpc_self *); /* after open; ends with a row whose op is NULL */
    /* NULL: plain aligned host memory and memcpy. Memory from alloc is zeroed. */
    fpc_status (*alloc)(fpc_self *, size_t, void **);
    void (*release)(fpc_self *, void *);
    fpc_status (*copy)(fpc_self *, void *dst, const void *src, size_t, fpc_way);
    fpc_status (*sync)(fpc_self *);
    /* Calls body(arg, i, thread) for i in [0, n), thread < device.threads. NULL: one after another, thread 0. */
    void (*parallel)(fpc_self *, int32_t n, void (*body)(void *arg, int32_t i, int32_t thread), void *arg);
} fpc_backend_vtbl;

#ifdef __cplusplus
}
#endif
#endif
