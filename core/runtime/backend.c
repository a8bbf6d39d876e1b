/* backend.c: the memory of a backend, and which kernel runs a node: the matching one of the highest rank. How one is
 * opened is in backend_open.c. */
#include "graph/nodes.h"
#include "runtime/backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fpc_backend_take_kernels(fpc_backend *be, const fpc_kernel *k, const char *who)
{
    for (; k && k->op; k++) {
        be->who[be->n_kernels] = who;
        be->kernels[be->n_kernels++] = k;
    }
}

void fpc_backend_add_kernels(fpc_backend *be, const fpc_kernel *k, const char *who)
{
    for (; k && k->op; k++)
        if (!(k->flags & FPC_KERNEL_CUDA) == (be->device.host != 0)) {
            be->who[be->n_kernels] = who;
            be->kernels[be->n_kernels++] = k;
        }
}

const char *fpc_backend_who(const fpc_backend *be, const fpc_kernel *kernel)
{
    for (int32_t i = 0; i < be->n_kernels && be->who; i++)
        if (be->kernels[i] == kernel)
            return be->who[i];
    return NULL;
}

/* ---- memory ---- */

static void release_block(fpc_backend *be, void *p)
{
    if (be->vtbl->alloc && be->vtbl->release)
        FPC_CALL_VOID(be->inst.who, be->vtbl->release(be->inst.self, p));
    else if (!be->vtbl->alloc)
        free(p);
}

void fpc_backend_release_all(void *arg)
{
    fpc_backend *be = arg;
    for (int32_t i = 0; i < be->n_blocks; i++)
        release_block(be, be->block[i].data);
    free(be->block);
}

void fpc_backend_release(fpc_backend *be, void *p)
{
    for (int32_t i = 0; i < be->n_blocks; i++)
        if (be->block[i].data == p && p) {
            release_block(be, p);
            be->allocated -= be->block[i].bytes;
            be->block[i] = be->block[--be->n_blocks];
            return;
        }
}

fpc_status fpc_backend_alloc(fpc_backend *be, fpc_ctx *ctx, size_t bytes, const char *what, void **out)
{
    const size_t n = ((bytes ? bytes : 1) + 63) & ~(size_t)63;
    *out = NULL;
    if (be->n_blocks == be->cap_blocks) {
        const int32_t cap = be->cap_blocks ? 2 * be->cap_blocks : 64;
        fpc_block *more = realloc(be->block, (size_t)cap * sizeof *more);
        if (!more)
            return fpc_fail(ctx, FPC_ENOMEM, "no memory for %s", what);
        be->block = more;
        be->cap_blocks = cap;
    }
    /* Ask before the system ends the process: memory that is promised may not be there when it is touched. */
    if (be->device.free && n > be->device.free - (be->allocated < be->device.free ? be->allocated : be->device.free))
        return fpc_fail(
            ctx, FPC_ENOMEM,
            "no memory for %s: %.1f MiB beside the %.1f in use, of %.1f free at the start; a smaller dataset.batch or "
            "dataset.size needs less",
            what, (double)n / 1048576, (double)be->allocated / 1048576, (double)be->device.free / 1048576);
    if (!be->vtbl->alloc) {
        *out = aligned_alloc(64, n);
        if (*out)
            memset(*out, 0, n);
    } else if (FPC_CALL(be->inst.who, be->vtbl->alloc(be->inst.self, n, out))) {
        *out = NULL;
    }
    if (!*out)
        return fpc_fail(ctx, FPC_ENOMEM,
                        "no memory for %s: %.1f MiB; a smaller dataset.batch or dataset.size needs less", what,
                        (double)n / 1048576);
    be->block[be->n_blocks++] = (fpc_block){*out, n};
    be->allocated += n;
    return FPC_OK;
}

typedef struct host_block {
    fpc_backend *backend;
    void *data;
} host_block;

static void release_host(void *arg)
{
    const host_block *b = arg;
    FPC_CALL_VOID(b->backend->inst.who, b->backend->vtbl->release_host(b->backend->inst.self, b->data));
}

fpc_status fpc_backend_alloc_host(fpc_backend *be, fpc_ctx *ctx, fpc_arena *arena, size_t bytes, const char *what,
                                  void **out)
{
    host_block *b = fpc_alloc(arena, sizeof *b);
    *out = NULL;
    if (!b)
        return FPC_ENOMEM;
    b->backend = be;
    if (FPC_CALL(be->inst.who, be->vtbl->alloc_host(be->inst.self, bytes, &b->data)))
        return fpc_fail(ctx, FPC_ENOMEM, "no pinned memory for %s: %.1f MiB", what, (double)bytes / 1048576);
    *out = b->data;
    return fpc_arena_defer(arena, release_host, b);
}

const fpc_kernel *fpc_backend_kernel(const fpc_backend *be, const fpc_node *node, uint32_t real)
{
    const fpc_kernel *best = NULL;
    for (int32_t i = 0; i < be->n_kernels; i++) {
        const fpc_kernel *k = be->kernels[i];
        if ((!best || k->rank > best->rank) && !strcmp(k->op, node->op) && (k->dtypes & FPC_DTYPE_BIT(real)) &&
            (!k->match || FPC_CALL(be->who ? be->who[i] : NULL, k->match(node))))
            best = k;
    }
    return best;
}

fpc_status fpc_backend_copy(fpc_backend *be, void *dst, const void *src, size_t bytes, fpc_way way)
{
    if (be->vtbl->copy)
        return FPC_CALL(be->inst.who, be->vtbl->copy(be->inst.self, dst, src, bytes, way));
    memcpy(dst, src, bytes);
    return FPC_OK;
}
