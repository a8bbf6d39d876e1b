/* exec.h (core): what a kernel sees of the machine while its node runs. exec.c fills it; exec_node.c has the accessors.
 */
#ifndef CORE_RUNTIME_EXEC_H
#define CORE_RUNTIME_EXEC_H

#include <fpcore/backend.h>

struct fpc_exec {
    fpc_ctx *ctx;
    void *shared;
    char *scratch, *part;
    size_t scratch_stride, part_stride;
    int32_t n_parts, threads;
    /* NULL: one after another on the calling thread */
    void (*parallel)(void *arg, int32_t n, void (*body)(void *, int32_t, int32_t), void *body_arg);
    void *parallel_arg;
    void *backend;
};

/* Rows that the row-wise arguments share; 0 where there are none (a barrier). */
int64_t fpc_node_rows(const fpc_op_def *, const fpc_node *);
/* Runs one node by one kernel over memory of its own: the op tests and `fpcore bench` use it. Splits the rows into
 * n_parts parts of tiles of tile_rows (0: all at once), so that a kernel is tried the way a plan would run it. device:
 * of the kernel's backend, after open; one thread is used. */
fpc_status fpc_run_node(fpc_ctx *, const fpc_kernel *, const fpc_op_def *, fpc_node *, int32_t n_parts,
                        int64_t tile_rows, const fpc_device *device);

#endif
