/* describe.c: `fpcore -h WHAT`: a plugin (KIND/NAME, or NAME where only one kind has it), a section of the recipe,
 * a verb, or with --all the whole reference of options in Markdown. */
#include "cmd/args.h"
#include "recipe/sections.h"
#include "cmd/help.h"
#include "base/spelling.h"

#include <string.h>

static fpc_status describe_path(fpc_cmdline *cmd, fpc_registry *reg, const char *what, const char *slash, int expert)
{
    const char *kind_name = fpc_sprintf(cmd->arena, "%.*s", (int)(slash - what), what);
    const fpc_found *found;
    fpc_status status;
    uint32_t kind;

    if (!kind_name)
        return FPC_ENOMEM;
    kind = fpc_kind_of(kind_name);
    if (!kind)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL,
                               "fpcore -h %s: `%s` is no kind of plugin; `fpcore -l` lists what there "
                               "is",
                               what, kind_name);
    status = fpc_registry_find(reg, kind, slash + 1, NULL, &found);
    return status ? status : fpc_help_plugin(cmd, found, expert);
}

static int is_verb(const fpc_cmdline *cmd, const char *name)
{
    for (int i = 0; cmd->verbs && cmd->verbs[i]; i++)
        if (strcmp(cmd->verbs[i]->name, name) == 0)
            return 1;
    return 0;
}

static fpc_status describe_section(fpc_cmdline *cmd, fpc_registry *reg, const char *what, int expert)
{
    const fpc_status status = fpc_help_section(cmd, reg, what, expert);

    if (!status && is_verb(cmd, what))
        fpc_print("\nThe verb of that name: fpcore %s --help\n", what);
    return status;
}

/* A bare name: of a verb, or of plugins of any kind. */
static fpc_status describe_name(fpc_cmdline *cmd, fpc_registry *reg, const char *what, int expert)
{
    const char *names[256], *near;
    const fpc_found *all;
    fpc_status status;
    int32_t n, hits = 0, k = 0;

    for (int i = 0; cmd->verbs && cmd->verbs[i]; i++)
        if (strcmp(cmd->verbs[i]->name, what) == 0) {
            fpc_help_verb(cmd->verbs[i]);
            return FPC_OK;
        }
    status = fpc_registry_all(reg, &n, &all);
    if (status)
        return status;
    for (int32_t i = 0; i < n; i++) {
        if (k < 256)
            names[k++] = all[i].plugin->name;
        if (strcmp(all[i].plugin->name, what) != 0)
            continue;
        if (hits++)
            fpc_print("\n");
        status = fpc_help_plugin(cmd, &all[i], expert);
        if (status)
            return status;
    }
    if (hits)
        return FPC_OK;
    if ((status = fpc_help_key(cmd, reg, NULL, what, &hits)) || hits)
        return status;
    near = fpc_nearest(what, k, names);
    return fpc_fail_recipe(cmd->ctx, FPC_ENOENT,
                           "fpcore -h %s: there is no plugin, section, verb or key of that name%s%s%s "
                           "`fpcore -l` lists the plugins",
                           what, near ? "; did you mean `" : ";", near ? near : "", near ? "`?" : "");
}

/* "run.ema", "loss.dice.weight": the key is behind the last dot, the kind before the first. */
static fpc_status describe_key(fpc_cmdline *cmd, fpc_registry *reg, const char *what)
{
    char *section = fpc_recipe_key(cmd->arena, what), *key = section ? strrchr(section, '.') : NULL;
    int32_t found;
    fpc_status status;

    if (!key)
        return FPC_ENOMEM;
    *key++ = '\0';
    section[strcspn(section, ".")] = '\0';
    if ((status = fpc_help_key(cmd, reg, section, key, &found)) || found)
        return status;
    const int known = fpc_core_section_help(section) != NULL;
    const char *near = NULL;
    if (known && (status = fpc_help_near_key(cmd, reg, section, key, &near)))
        return status;
    if (known)
        return fpc_fail_recipe(
            cmd->ctx, FPC_ENOENT, "fpcore -h %s: [%s] has no key `%s`; %s%s%s`fpcore -h %s` lists what it has", what,
            section, key, near ? "did you mean `" : "", near ? near : "", near ? "`? " : "", section);
    near = fpc_help_near_section(section);
    return fpc_fail_recipe(cmd->ctx, FPC_ENOENT, "fpcore -h %s: there is no section [%s]%s%s%s `fpcore -h` lists them",
                           what, section, near ? "; did you mean [" : ";", near ? near : "", near ? "]?" : "");
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *what, *slash, **words;
    fpc_registry *reg;
    fpc_status status;
    int32_t n;
    int all = 0;
    const fpc_arg table[] = {{"all", 0, FPC_ARG_FLAG, 0, &all}, {0}};

    if ((status = fpc_args_read(cmd, table, &n, &words)))
        return status;
    if (n > 1)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "fpcore -h: one thing at a time, but `%s` follows `%s`", words[1],
                               words[0]);
    what = n ? words[0] : NULL;
    if (!what && !all) {
        fpc_help_usage(cmd);
        return FPC_OK;
    }
    status = fpc_registry_new(cmd->ctx, cmd->arena, cmd->plugin_path, &reg);
    if (status)
        return status;
    if (!what)
        return fpc_help_markdown(cmd, reg);
    slash = strchr(what, '/');
    if (slash)
        return describe_path(cmd, reg, what, slash, all);
    if (strchr(what, '.'))
        return describe_key(cmd, reg, what);
    if (fpc_core_section_help(what))
        return describe_section(cmd, reg, what, all);
    return describe_name(cmd, reg, what, all);
}

const fpc_cmd fpc_cmd_describe = {
    .name = "describe",
    .place = 40,
    .no_recipe = 1,
    .summary = "Describe a plugin, a section or a verb (-h).",
    .help =
        "usage: fpcore -h KIND/NAME | NAME | SECTION | SECTION.KEY | KEY | VERB [--all] [--plugin-path DIR]\n"
        "       fpcore -h --all\n\n"
        "Describes a plugin with its options: type, default, range, unit and help. SECTION is run, dataset, augment,\n"
        "model, loss, metric, optimizer, schedule, logger or backend: the keys that fpcore itself reads there,\n"
        "and the plugins to choose from. SECTION.KEY or KEY is a key of the recipe, like run.ema. With --all, options "
        "for experts too; alone it prints the options of\n"
        "everything as Markdown.\n\n"
        "example: fpcore -h model/microsegformer\n",
    .run = run};
