/* instance.c: from a recipe's section to a plugin at work: find it, allocate its struct, read its options and the
 * core's own for that kind, call init. fini runs when the arena is freed, in the reverse order of opening. */
#include "plugin/registry.h"
#include "base/message.h"

#include <string.h>

static void finish(void *arg)
{
    const fpc_instance *instance = arg;

    FPC_CALL_VOID(instance->who, instance->plugin->fini(instance->self));
}

fpc_status fpc_instance_says(const fpc_instance *inst, const char *function, fpc_status status)
{
    if (status && status != FPC_ECANCEL) /* the first failure's sentence wins: this one stands where there was none */
        fpc_fail(inst->self->ctx, status, "%s of %s/%s ([%s]) failed and gave no reason", function,
                 fpc_kind_name(inst->plugin->kind), inst->plugin->name, inst->self->label);
    return status;
}

static fpc_status no_use(fpc_registry *reg, fpc_ctx *ctx, fpc_arena *arena, uint32_t kind, const char *name,
                         const char *recipe, const fpc_section *section)
{
    const char *list = "";
    const fpc_found *all;
    fpc_status status;
    int32_t n;

    status = fpc_registry_all(reg, &n, &all);
    if (status)
        return status;
    for (int32_t i = 0; i < n && list; i++)
        if (all[i].plugin->kind == kind)
            list = fpc_sprintf(arena, "%s%s%s", list, *list ? ", " : "", all[i].plugin->name);
    return fpc_fail_recipe(ctx, FPC_EINVAL, "%s: the key `use` is missing; it names the %s plugin: %s",
                           fpc_section_place(arena, recipe, name, section), fpc_kind_name(kind),
                           list && *list ? list : "none is installed");
}

const char *fpc_origin(const fpc_self *self, const char *key)
{
    const fpc_entry *e = fpc_section_entry(self->section, key);

    return e ? e->origin : "default";
}

fpc_status fpc_instance_open(fpc_registry *reg, fpc_arena *arena, uint32_t kind, const char *name,
                             const fpc_section *section, const char *default_use, fpc_option_set common,
                             fpc_instance *out)
{
    fpc_ctx *ctx = fpc_registry_ctx(reg);
    const fpc_entry *use = fpc_section_entry(section, "use");
    const char *plugin_name = use ? use->value : default_use, *origin = NULL;
    const fpc_found *found;
    fpc_option_set sets[2] = {common};
    fpc_instance *kept;
    fpc_status status;

    memset(out, 0, sizeof *out);
    if (!plugin_name)
        return no_use(reg, ctx, arena, kind, name, common.recipe, section);
    if (use)
        origin = fpc_sprintf(arena, "%s: %s.use = %s", use->origin, name, use->value);
    status = fpc_registry_find(reg, kind, plugin_name, origin, &found);
    if (status)
        return status;
    kept = fpc_alloc(arena, sizeof *kept);
    if (!kept)
        return FPC_ENOMEM;
    kept->plugin = found->plugin;
    kept->vtbl = found->plugin->vtbl;
    kept->section = section;
    kept->who = found->who;
    kept->self = fpc_alloc(arena, found->plugin->self_size);
    if (!kept->self)
        return FPC_ENOMEM;
    *kept->self = (fpc_self){ctx, arena, fpc_strdup(arena, name), section};
    if (!kept->self->label)
        return FPC_ENOMEM;
    sets[1] = (fpc_option_set){.table = found->plugin->options,
                               .stride = found->plugin->option_size,
                               .object = kept->self,
                               .bare = common.bare,
                               .recipe = common.recipe};
    if ((status = fpc_options_read(ctx, arena, name, section, 2, sets)))
        return status;
    if (found->plugin->init && (status = FPC_ASK(kept, "init", found->plugin->init(kept->self))))
        return status;
    if (found->plugin->fini && (status = fpc_arena_defer(arena, finish, kept)))
        return status;
    *out = *kept;
    return FPC_OK;
}
