/* backend.c: see backend.h. */
#include "seg/backend.h"
#include "base/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* plugins/backend/cpu.c, linked into this library. */
const fpc_plugin *const *fpc_plugins_v1(void);

/* The plugin's options as its table has them by default: numbers, switches and choices, which are all that it takes. */
static void set_option(const fpc_option *o, const char *text, void *self)
{
    int64_t value = o->type == FPC_OPT_BOOL ? !strcmp(text, "on") : strtoll(text, NULL, 10);

    for (const fpc_choice *c = o->choices; c && c->name; c++)
        if (!strcmp(c->name, text))
            value = c->value;
    memcpy((char *)self + o->offset, &value, sizeof value);
}

static void end_plugin(void *arg)
{
    fpc_backend *be = arg;

    if (be->inst.plugin->fini)
        be->inst.plugin->fini(be->inst.self);
}

static fpc_status make_instance(fpc_ctx *ctx, fpc_arena *arena, int32_t threads, fpc_backend *be)
{
    const fpc_plugin *plugin = fpc_plugins_v1()[0];
    fpc_self *self = fpc_alloc(arena, plugin->self_size);
    char number[16];

    if (!self)
        return FPC_ENOMEM;
    *self = (fpc_self){.ctx = ctx, .arena = arena, .label = "session"};
    snprintf(number, sizeof number, "%d", threads);
    for (const fpc_option *o = plugin->options; o->name; o++)
        set_option(o, strcmp(o->name, "threads") ? o->def : number, self);
    be->inst = (fpc_instance){.plugin = plugin, .self = self, .vtbl = plugin->vtbl, .who = "backend/cpu"};
    be->vtbl = plugin->vtbl;
    be->device.size = sizeof be->device;
    return fpc_arena_defer(arena, end_plugin, be);
}

static fpc_status take_kernels(fpc_arena *arena, fpc_backend *be)
{
    const fpc_kernel *const *table = be->vtbl->kernels(be->inst.self);
    size_t n = 0;

    for (int i = 0; table[i]; i++)
        for (const fpc_kernel *k = table[i]; k->op; k++)
            n++;
    be->kernels = fpc_alloc(arena, (n + 1) * sizeof *be->kernels);
    be->who = fpc_alloc(arena, (n + 1) * sizeof *be->who);
    if (!be->kernels || !be->who)
        return FPC_ENOMEM;
    for (int i = 0; table[i]; i++)
        fpc_backend_take_kernels(be, table[i], be->inst.who);
    return FPC_OK;
}

fpc_status seg_backend_open(fpc_ctx *ctx, fpc_arena *arena, int32_t threads, fpc_backend **out)
{
    fpc_backend *be = *out = fpc_alloc(arena, sizeof *be);
    fpc_status status = be ? make_instance(ctx, arena, threads, be) : FPC_ENOMEM;

    if (status || (status = be->vtbl->open(be->inst.self, &be->device)) ||
        (status = fpc_arena_defer(arena, fpc_backend_release_all, be)))
        return status;
    return take_kernels(arena, be);
}
