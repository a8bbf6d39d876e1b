/* backend.h: an opened [backend]: its kernels, its memory, and copies between it and the host. */
#ifndef CORE_RUNTIME_BACKEND_H
#define CORE_RUNTIME_BACKEND_H

#include <fpcore/backend.h>
#include "plugin/registry.h"

typedef struct fpc_block {
    void *data;
    size_t bytes;
} fpc_block;
typedef struct fpc_backend {
    fpc_instance inst;
    const fpc_backend_vtbl *vtbl;
    fpc_device device;
    int32_t n_kernels;
    const fpc_kernel **kernels; /* the backend's and, on host backends, those of opened plugins */
    const char **who;           /* [n_kernels] whose, for FPC_CALL */
    int32_t n_blocks, cap_blocks;
    fpc_block *block; /* live memory */
    size_t allocated; /* bytes of it, against device.free */
} fpc_backend;
/* section: [backend] of the recipe, or NULL for `cpu` with defaults. precision: an fpc_precision, run.precision. */
fpc_status fpc_backend_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_section *, uint32_t precision,
                            fpc_backend **);
/* All kernels of a table; be->kernels and be->who must have room. */
void fpc_backend_take_kernels(fpc_backend *, const fpc_kernel *, const char *who);
/* Gives all its memory back: for fpc_arena_defer, when it is open. */
void fpc_backend_release_all(void *backend);
/* Of the kernels of the plugin `who` those that work on this backend's memory; be->kernels must have room. */
void fpc_backend_add_kernels(fpc_backend *, const fpc_kernel *, const char *who);
/* Whose kernel of this backend it is; NULL: of none. */
const char *fpc_backend_who(const fpc_backend *, const fpc_kernel *);
const fpc_kernel *fpc_backend_kernel(const fpc_backend *, const fpc_node *, uint32_t real);
fpc_status fpc_backend_copy(fpc_backend *, void *dst, const void *src, size_t, fpc_way);
/* Zeroed; freed with the backend's arena, or before by fpc_backend_release. what: for the message where there is none.
 */
fpc_status fpc_backend_alloc(fpc_backend *, fpc_ctx *, size_t, const char *what, void **);
void fpc_backend_release(fpc_backend *, void *);
/* Pinned host memory of a backend that queues; freed with the arena. */
fpc_status fpc_backend_alloc_host(fpc_backend *, fpc_ctx *, fpc_arena *, size_t, const char *what, void **);

#endif
