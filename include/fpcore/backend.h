/* backend.h: where the graph runs: memory, copies, threads and tables of kernels. What a backend supports is read off
 * them and declared nowhere else. Thread: [main], except where stated. */
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
    /* 1: kernels work on host memory, and those that other plugins bring run too. 0: of plugins' kernels those with
     * FPC_KERNEL_CUDA run. */
    uint32_t host;
    void *exec; /* passed to kernels by fpc_exec_backend */
    /* Before open: what run.precision asks for. open refuses what it cannot compute in, or puts its own option in. */
    uint32_t precision;  /* an fpc_precision */
    uint32_t precisions; /* after open: bit 1 << p for each fpc_precision p that it computes in; 0: fp32 alone */
    uint32_t fuses;      /* 1: the core may join nodes into linear_add, add_layer_norm and layer_norm_grad with a sum
                          * (ops.h); 2: into resize_add too */
} fpc_device;

/* What activations and products are computed in. Parameters, statistics, losses and sums are fp32 in any case. */
typedef enum fpc_precision { FPC_FP32 = 0, FPC_TF32, FPC_HALF_BF16, FPC_HALF_FP16 } fpc_precision;

typedef struct fpc_backend_vtbl {
    uint32_t size, kernel_size; /* kernel_size: sizeof(fpc_kernel) as the plugin saw it, the tables' stride */
    fpc_status (*open)(fpc_self *, fpc_device *);
    /* After open: tables, NULL behind the last of them; each ends with a row whose op is NULL. */
    const fpc_kernel *const *(*kernels)(fpc_self *);
    /* NULL: plain aligned host memory and memcpy. Memory from alloc is zeroed. */
    fpc_status (*alloc)(fpc_self *, size_t, void **);
    void (*release)(fpc_self *, void *);
    fpc_status (*copy)(fpc_self *, void *dst, const void *src, size_t, fpc_way);
    fpc_status (*sync)(fpc_self *);
    /* Calls body(arg, i, thread) for i in [0, n), thread < device.threads. NULL: one after another, thread 0. */
    void (*parallel)(fpc_self *, int32_t n, void (*body)(void *arg, int32_t i, int32_t thread), void *arg);

    /* For backends whose work is queued and runs while the host goes on; all NULL elsewhere. What follows happens in
     * the order in which it was queued, with the kernels; `copy` and `sync` above wait for everything before them. */
    /* Host memory that the device reaches by itself (pinned), zeroed; for `queue_copy` and nothing else. */
    fpc_status (*alloc_host)(fpc_self *, size_t, void **);
    void (*release_host)(fpc_self *, void *);
    /* The host side must be pinned memory that stays as it is until a later mark has been waited for. */
    fpc_status (*queue_copy)(fpc_self *, void *dst, const void *src, size_t, fpc_way);
    /* Remembers this point of the queue as number `at` (0 .. FPC_MARKS - 1); wait returns when it has been passed, at
     * once where it was never marked. A failure of queued work is reported by wait, copy or sync. */
    fpc_status (*mark)(fpc_self *, int32_t at);
    fpc_status (*wait)(fpc_self *, int32_t at);
    /* Records what is queued between them instead of running it; replay queues the record. Work memory and arguments
     * are those of the recording. *record NULL from record_end: it cannot be recorded, and was not run. */
    fpc_status (*record_begin)(fpc_self *);
    fpc_status (*record_end)(fpc_self *, void **record);
    fpc_status (*replay)(fpc_self *, void *record);
    void (*forget)(fpc_self *, void *record);

    /* NULL: not known. Multiply-accumulates a second that all threads together do in registers alone, in the precision
     * that was opened: what no program can pass. Measured by the call, some tens of milliseconds. */
    double (*peak)(fpc_self *);
} fpc_backend_vtbl;

enum { FPC_MARKS = 8 };

#ifdef __cplusplus
}
#endif
#endif
