/* list.c: `fpcore -l [KIND]`: every plugin that can be found, by kind, one line each; `-l classes`: the classes of
 * known data sets. Files in the plugin folders that cannot be used are warned about on stderr. */
#include "cmd/cmd.h"
#include "cmd/help.h"
#include "base/spelling.h"
#include "recipe/sections.h"

#include <string.h>

/* Those that options of data sets name; a choice's value is the number of its classes. */
static fpc_status list_classes(fpc_ctx *ctx, fpc_arena *arena, const char *plugin_path)
{
    const fpc_found *all;
    fpc_registry *reg;
    fpc_status status;
    int32_t n;

    if ((status = fpc_registry_new(ctx, arena, plugin_path, &reg)) || (status = fpc_registry_all(reg, &n, &all)))
        return status;
    for (int32_t i = 0; i < n; i++)
        for (const fpc_option *o = all[i].plugin->kind == FPC_DATASET ? all[i].plugin->options : NULL; o && o->name;
             o++) {
            if (!(o->flags & FPC_OPT_CLASSES) || !o->choices)
                continue;
            fpc_print("dataset/%s: %s = NAME\n", all[i].plugin->name, o->name);
            for (const fpc_choice *c = o->choices; c->name; c++)
                fpc_print("  %-20s  %3d  %s\n", c->name, (int)c->value, c->help);
        }
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *names[16], *near;
    fpc_registry *reg;
    fpc_status status;
    uint32_t kind = 0;
    int32_t n = 0;

    if (cmd->argc > 2)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "fpcore -l: one KIND at most, but `%s` follows `%s`", cmd->argv[2],
                               cmd->argv[1]);
    if (cmd->argc == 2 && !strcmp(cmd->argv[1], "recipes"))
        return fpc_list_recipes(cmd->ctx, cmd->arena);
    if (cmd->argc == 2 && !strcmp(cmd->argv[1], "classes"))
        return list_classes(cmd->ctx, cmd->arena, cmd->plugin_path);
    if (cmd->argc == 2 && !(kind = fpc_kind_of(cmd->argv[1]))) {
        for (uint32_t k = 1; fpc_kind_name(k); k++)
            if (!fpc_section_row_of_kind(k)->later)
                names[n++] = fpc_kind_name(k);
        near = fpc_nearest(cmd->argv[1], n, names);
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL,
                               "fpcore -l: `%s` is no kind of plugin%s%s%s Kinds are model, "
                               "loss, schedule, optimizer, augment, metric, dataset, backend and logger",
                               cmd->argv[1], near ? "; did you mean `" : ".", near ? near : "", near ? "`?" : "");
    }
    status = fpc_registry_new(cmd->ctx, cmd->arena, cmd->plugin_path, &reg);
    return status ? status : fpc_help_list(cmd, reg, kind);
}

const fpc_cmd fpc_cmd_list = {
    .name = "list",
    .place = 30,
    .no_recipe = 1,
    .summary = "List the plugins (-l).",
    .help = "usage: fpcore -l [KIND | recipes | classes] [--plugin-path DIR]\n\n"
            "Lists every plugin by kind, one line each. KIND is model, loss, schedule, optimizer, augment, metric,\n"
            "dataset, backend or logger. Files in the plugin folders that are no plugins are warned about.\n"
            "recipes: the installed recipes, each with its first line; `-c NAME` and `include = NAME` find them.\n"
            "classes: what the labels of known data sets are called, for `classes = NAME` in [dataset], with their "
            "number.\n\n"
            "example: fpcore -l loss\n",
    .run = run};
