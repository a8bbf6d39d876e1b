/* list.c: `fpcore -l [KIND]`: every plugin that can be found, by kind, one line each. Files in the plugin folders
 * that cannot be used are warned about on stderr. */
#include "cmd/cmd.h"
#include "cmd/help.h"
#include "base/spelling.h"
#include "recipe/sections.h"

#include <string.h>

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
    .summary = "List the plugins (-l).",
    .help = "usage: fpcore -l [KIND | recipes] [--plugin-path DIR]\n\n"
            "Lists every plugin by kind, one line each. KIND is model, loss, schedule, optimizer, augment, metric,\n"
            "dataset, backend or logger. Files in the plugin folders that are no plugins are warned about.\n"
            "recipes: the installed recipes, each with its first line; `-c NAME` and `include = NAME` find them.\n\n"
            "example: fpcore -l loss\n",
    .run = run};
