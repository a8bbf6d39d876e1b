/* backend.c: opens the [backend] plugin and answers which kernel runs a node: the matching one of the highest rank. */
#include "graph/nodes.h"
#include "plugin/check.h"
#include "runtime/backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t count_kernels(const fpc_kernel *k)
{
    int32_t n = 0;
    for (; k && k->op; k++)
        n++;
    return n;
}

static void add_kernel(fpc_backend *be, const fpc_kernel *k, const char *who)
{
    be->who[be->n_kernels] = who;
    be->kernels[be->n_kernels++] = k;
}

void fpc_backend_add_kernels(fpc_backend *be, const fpc_kernel *k, const char *who)
{
    for (; k && k->op; k++)
        if (!(k->flags & FPC_KERNEL_CUDA) == (be->device.host != 0))
            add_kernel(be, k, who);
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

static void release_all(void *arg)
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

/* Backends from before there was a choice, and those for processors, compute in what they are made of. */
static fpc_status check_precision(fpc_ctx *ctx, const fpc_backend *be, uint32_t asked)
{
    static const char *const word[] = {"fp32", "tf32", "bf16", "fp16"};
    if (be->device.precision == FPC_FP32 || (be->device.precisions >> be->device.precision & 1))
        return FPC_OK;
    char can[32] = "fp32";
    for (uint32_t p = FPC_TF32; p <= FPC_HALF_FP16; p++)
        if (be->device.precisions >> p & 1)
            snprintf(can + strlen(can), sizeof can - strlen(can), ", %s", word[p]);
    return fpc_fail_recipe(ctx, FPC_EINVAL,
                           "run.precision = %s: backend %s computes in %s; that, or another backend.use, is needed",
                           word[asked & 3], be->inst.plugin->name, be->device.real == FPC_F64 ? "fp64" : can);
}

fpc_status fpc_backend_open(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *reg, const fpc_section *section,
                            uint32_t precision, fpc_backend **out)
{
    fpc_backend *be = fpc_alloc(arena, sizeof *be);
    if (!be)
        return FPC_ENOMEM;
    fpc_status status = fpc_instance_open(reg, arena, FPC_BACKEND, "backend", section,
                                          fpc_section_row_of_kind(FPC_BACKEND)->use, (fpc_option_set){0}, &be->inst);
    if (status)
        return status;
    be->vtbl = be->inst.vtbl;
    be->device.size = sizeof be->device;
    be->device.precision = precision;
    if ((status = FPC_ASK(&be->inst, "open", be->vtbl->open(be->inst.self, &be->device))) ||
        (status = check_precision(ctx, be, precision)) || (status = fpc_arena_defer(arena, release_all, be)))
        return status;
    const fpc_kernel *const *table = FPC_CALL(be->inst.who, be->vtbl->kernels(be->inst.self));
    const fpc_found *opened;
    const int32_t n_opened = fpc_registry_opened(reg, &opened);
    const char *bad = NULL;
    int32_t n_tables = 0, n = 0;
    while (table && table[n_tables])
        n_tables++;
    const fpc_kernel **own = fpc_alloc(arena, ((size_t)n_tables + 1) * sizeof *own);
    if (!own)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n_tables && !bad; i++) {
        own[i] = fpc_kernels_own(arena, table[i], be->vtbl->kernel_size, &bad);
        n += bad ? 0 : count_kernels(own[i]);
    }
    if (bad)
        return fpc_fail(ctx, FPC_EABI, "backend %s: %s", be->inst.plugin->name, bad);
    for (int32_t i = 0; i < n_opened; i++)
        n += count_kernels(opened[i].plugin->kernels);
    be->kernels = fpc_alloc(arena, (size_t)(n + 1) * sizeof(void *));
    be->who = fpc_alloc(arena, (size_t)(n + 1) * sizeof(void *));
    if (!be->kernels || !be->who)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n_tables; i++)
        for (const fpc_kernel *k = own[i]; k->op; k++)
            add_kernel(be, k, be->inst.who);
    for (int32_t i = 0; i < n_opened; i++)
        fpc_backend_add_kernels(be, opened[i].plugin->kernels, opened[i].who);
    if (be->device.real != FPC_F32 && be->device.real != FPC_F64)
        return fpc_fail(ctx, FPC_EINTERNAL, "backend %s computes in data type %u; it must be F32 or F64",
                        be->inst.plugin->name, be->device.real);
    *out = be;
    return FPC_OK;
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
