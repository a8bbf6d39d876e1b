/* device.h: running single kernels on backends whose memory is a device's. */
#ifndef TESTS_OPS_DEVICE_H
#define TESTS_OPS_DEVICE_H

#include "cases.h"

/* Bytes before and behind each buffer that no kernel may touch, and what they hold. */
enum { OP_GUARD = 64, OP_GUARD_BYTE = 0xA5 };

/* Under the address sanitizer the guards may not even be read while a kernel runs. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

void op_lock_guards(const fpc_tensor *);
void op_unlock_guards(const fpc_tensor *);

/* A node whose arguments and work memory lie on the device. */
typedef struct op_loaded {
    fpc_ctx *ctx;
    const op_backend *b;
    const fpc_kernel *kernel;
    fpc_node node;
    fpc_tensor in[OP_MAX_IN], out[OP_MAX_OUT], work;
    int64_t rows;
    int in_place;
} op_loaded;

/* Copies the arguments of `host`, with their guards, to the device. */
fpc_status op_load(fpc_ctx *, const op_backend *, const fpc_kernel *, const fpc_op_def *, const fpc_node *host,
                   op_loaded *);
fpc_status op_go(op_loaded *); /* queues the kernel over all rows */
fpc_status op_wait(const op_loaded *);
/* Copies everything back, with the guards. Fails where the guards of the work memory do not hold. */
fpc_status op_fetch(op_loaded *, const fpc_node *host);
void op_unload(op_loaded *);

/* A node whose arguments lie in the backend's memory already (host memory: as fpc_run_node does). Waits. */
fpc_status op_run_node(fpc_ctx *, const op_backend *, const fpc_kernel *, const fpc_op_def *, fpc_node *, op_split);

#endif
