/* backend_open.c: opens the plugin of [backend] and collects its kernels and those of the other opened plugins. */
#include "base/message.h"
#include "plugin/check.h"
#include "runtime/backend.h"
#include <stdio.h>
#include <string.h>

static int32_t count_kernels(const fpc_kernel *k)
{
    int32_t n = 0;
    for (; k && k->op; k++)
        n++;
    return n;
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
        (status = check_precision(ctx, be, precision)) ||
        (status = fpc_arena_defer(arena, fpc_backend_release_all, be)))
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
        fpc_backend_take_kernels(be, own[i], be->inst.who);
    for (int32_t i = 0; i < n_opened; i++)
        fpc_backend_add_kernels(be, opened[i].plugin->kernels, opened[i].who);
    if (be->device.real != FPC_F32 && be->device.real != FPC_F64)
        return fpc_fail(ctx, FPC_EINTERNAL, "backend %s computes in data type %u; it must be F32 or F64",
                        be->inst.plugin->name, be->device.real);
    *out = be;
    return FPC_OK;
}
