/* help.c: prints what exists and what it takes, from the descriptors and option tables alone; no text about an option
 * stands a second time anywhere. */
#define _GNU_SOURCE
#include "cmd/help.h"
#include "cmd/line/terminal.h"
#include "recipe/sections.h"
#include "recipe/option_value.h"
#include "base/spelling.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "  NAME  what it is", its further lines in the second column. */
static void print_item(fpc_arena *arena, int width, const char *name, const char *text)
{
    const char *line = fpc_sprintf(arena, "  %-*s  %s\n", width, name, text);

    if (line)
        fpc_print_flow(line, fpc_terminal_width());
}

/* A text behind a margin. */
static void print_indented(fpc_arena *arena, int margin, const char *text)
{
    const char *line = fpc_sprintf(arena, "%*s%s\n", margin, "", text);

    if (line)
        fpc_print_flow(line, fpc_terminal_width());
}

void fpc_help_verb(const fpc_cmd *verb)
{
    fpc_print_flow(verb->help, fpc_terminal_width());
}

void fpc_help_usage(fpc_cmdline *cmd)
{
    const int width = fpc_terminal_width();

    fpc_print(
        "fpcore %s: trains small segmentation networks. A recipe is an INI file\nwhose sections name plugins.\n\n",
        FPC_VERSION);
    fpc_print_flow(
        "usage:\n"
        "  fpcore -c RECIPE.ini [--resume RUN]   train; --resume goes on where a run was cut, bit for bit\n"
        "  fpcore -c RECIPE.ini --check          lint, and print the recipe with every default and its origin\n"
        "  fpcore -l [KIND | recipes | classes]  list the plugins, installed recipes, known classes\n"
        "  fpcore -h KIND/NAME                   describe a plugin with its options\n"
        "  fpcore -h SECTION | VERB | --all      a section's own keys, a verb, or all options as Markdown\n"
        "  fpcore -h SECTION.KEY | KEY           a key of the recipe\n"
        "  fpcore VERB [options]                 see below; fpcore VERB --help\n"
        "  fpcore -V                             version, plugin ABI, checkpoint format\n\n"
        "options of every verb, before or behind it:\n"
        "  -c RECIPE.ini            the recipe: a file, or an installed one\n"
        "  -s SECTION.KEY=VALUE     replaces a key of the recipe; repeatable; SECTION.use=none removes a section\n"
        "  --plugin-path DIR[:DIR]  folders searched for plugins first; then FPCORE_PLUGIN_PATH, then fpcore's own\n\n"
        "verbs:\n",
        width);
    for (int i = 0; cmd->verbs && cmd->verbs[i]; i++)
        print_item(cmd->arena, 10, cmd->verbs[i]->name, cmd->verbs[i]->summary);
    fpc_print("\nexit codes:\n"
              "  0 done; 1 failed; 2 the command line, the recipe or a plugin that it names is\n"
              "  wrong; 3 training diverged; 130 interrupted after saving; 75 the same by\n"
              "  SIGUSR1, run.hours or --until: start it again\n"
              "\ninstalled recipes, which fpcore -l recipes lists:\n  %s\n",
              fpc_recipes_folder());
}

/* ---- lists ---- */

static int32_t print_kind(fpc_arena *arena, uint32_t kind, int32_t n, const fpc_found *all)
{
    int32_t count = 0;
    int width = 16;

    for (int32_t i = 0; i < n; i++)
        if (all[i].plugin->kind == kind && (int)strlen(all[i].plugin->name) > width)
            width = (int)strlen(all[i].plugin->name);
    for (int32_t i = 0; i < n; i++)
        if (all[i].plugin->kind == kind) {
            /* Where no person reads, a plugin is a line. */
            if (isatty(STDOUT_FILENO))
                print_item(arena, width, all[i].plugin->name, all[i].plugin->summary);
            else
                fpc_print("  %-*s  %s\n", width, all[i].plugin->name, all[i].plugin->summary);
            count++;
        }
    return count;
}

fpc_status fpc_help_list(fpc_cmdline *cmd, fpc_registry *reg, uint32_t kind)
{
    const fpc_found *all;
    fpc_status status;
    int32_t n;

    status = fpc_registry_all(reg, &n, &all);
    if (status)
        return status;
    for (uint32_t k = 1; fpc_kind_name(k); k++) {
        int32_t has = 0;
        for (int32_t i = 0; i < n; i++)
            has += all[i].plugin->kind == k;
        if (kind ? k != kind : !has)
            continue;
        fpc_print("%s\n", fpc_kind_name(k));
        if (print_kind(cmd->arena, k, n, all) == 0)
            fpc_print("  (no plugin of this kind)\n");
    }
    return FPC_OK;
}

/* ---- options ---- */

const char *fpc_help_header(fpc_arena *arena, const char *section)
{
    const uint32_t kind = fpc_kind_of(section);
    const int labelled = kind == FPC_LOSS || kind == FPC_AUGMENT || kind == FPC_METRIC || kind == FPC_LOGGER;

    return fpc_sprintf(arena, "[%s%s]", section, labelled ? ".LABEL" : "");
}

/* The range alone: the unit is printed beside it. */
static const char *bare_range(fpc_arena *arena, const fpc_option *row)
{
    fpc_option bare = *row;

    bare.unit = "";
    return fpc_option_range_text(arena, &bare);
}

static void print_option(fpc_cmdline *cmd, const fpc_option *row)
{
    const int has_unit = row->unit && *row->unit;
    const char *def = row->def ? row->def : "";
    const char *range = bare_range(cmd->arena, row);

    const char *what = fpc_sprintf(cmd->arena, "type %s, %s%s%s%s%s%s%s%s", fpc_option_type_text(row),
                                   row->flags & FPC_OPT_REQUIRED ? "required" : "default ",
                                   row->flags & FPC_OPT_REQUIRED ? ""
                                   : *def                        ? def
                                                                 : "empty",
                                   row->type != FPC_OPT_TEXT && row->type != FPC_OPT_PATH ? ", range " : "",
                                   row->type != FPC_OPT_TEXT && row->type != FPC_OPT_PATH && range ? range : "",
                                   has_unit ? ", unit " : "", has_unit ? row->unit : "",
                                   row->flags & FPC_OPT_DEPRECATED ? ", deprecated" : "",
                                   row->flags & FPC_OPT_RESUMABLE ? ", may change on --resume" : "");

    fpc_print("  %s\n", row->name);
    print_indented(cmd->arena, 6, what ? what : "");
    print_indented(cmd->arena, 6, row->help ? row->help : "");
    for (const fpc_choice *c = row->choices; c && c->name; c++) {
        const char *choice = fpc_sprintf(cmd->arena, "%-12s  %s", c->name, c->help ? c->help : "");
        print_indented(cmd->arena, 8, choice ? choice : "");
    }
}

/* Returns how many rows were left out. */
static int32_t print_options(fpc_cmdline *cmd, fpc_option_set set, int expert)
{
    int32_t hidden = 0;
    fpc_option row;

    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++)
        if ((row.flags & FPC_OPT_EXPERT) && !expert)
            hidden++;
        else
            print_option(cmd, &row);
    return hidden;
}

static fpc_option_set set_of(const fpc_plugin *plugin)
{
    return (fpc_option_set){.table = plugin->options, .stride = plugin->option_size, .object = NULL};
}

fpc_status fpc_help_plugin(fpc_cmdline *cmd, const fpc_found *found, int expert)
{
    const fpc_plugin *p = found->plugin;
    const char *kind = fpc_kind_name(p->kind), *header = fpc_help_header(cmd->arena, kind);
    const fpc_option *core = fpc_core_options(p->kind);
    int32_t hidden;

    print_indented(cmd->arena, 0, fpc_sprintf(cmd->arena, "%s/%s %s: %s", kind, p->name, p->version, p->summary));
    fpc_print("file %s, license %s, ABI %u.%u\n", found->file, p->license, p->abi / 1000, p->abi % 1000);
    if (p->detail && *p->detail) {
        fpc_print("\n");
        print_indented(cmd->arena, 0, p->detail);
    }
    fpc_print("\nin a recipe:\n  %s\n  use = %s\n\noptions:\n", header ? header : "", p->name);
    if (!p->options || !p->options->name)
        fpc_print("  (none of its own)\n");
    hidden = print_options(cmd, set_of(p), expert);
    if (hidden)
        fpc_print("  and %d for experts: fpcore -h %s/%s --all\n", hidden, kind, p->name);
    if (core) {
        fpc_print("\nread by fpcore itself in every %s:\n", header ? header : "");
        print_options(cmd, fpc_core_set(core, NULL), 1);
    }
    return FPC_OK;
}

fpc_status fpc_help_section(fpc_cmdline *cmd, fpc_registry *reg, const char *section, int expert)
{
    const uint32_t kind = fpc_kind_of(section);
    const fpc_option *core = kind ? fpc_core_options(kind) : fpc_core_section(section);
    const char *header = fpc_help_header(cmd->arena, section), *help = fpc_core_section_help(section);
    const fpc_found *all;
    fpc_status status;
    int32_t n;

    if (!header)
        return FPC_ENOMEM;
    print_indented(cmd->arena, 0, fpc_sprintf(cmd->arena, "%s: %s", header, help ? help : ""));
    if (core) {
        fpc_print("\nread by fpcore itself in %s:\n", header);
        print_options(cmd, fpc_core_set(core, NULL), expert);
    }
    if (kind == FPC_AUGMENT) { /* the one word that is a section of its own as well */
        fpc_print("\nread by fpcore itself in [augment]:\n");
        print_options(cmd, fpc_core_set(fpc_core_augment, NULL), expert);
    }
    if (!kind)
        return FPC_OK;
    status = fpc_registry_all(reg, &n, &all);
    if (status)
        return status;
    fpc_print("\nplugins (fpcore -h %s/NAME describes one):\n", section);
    if (print_kind(cmd->arena, kind, n, all) == 0)
        fpc_print("  (no plugin of this kind)\n");
    return FPC_OK;
}

/* ---- one key ---- */

/* Prints the row of that name in a set, under a heading. */
static int print_key(fpc_cmdline *cmd, const char *heading, fpc_option_set set, const char *key, int32_t before)
{
    fpc_option row;

    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++)
        if (!strcmp(row.name, key)) {
            fpc_print("%s%s\n", before ? "\n" : "", heading ? heading : "");
            print_option(cmd, &row);
            return 1;
        }
    return 0;
}

fpc_status fpc_help_key(fpc_cmdline *cmd, fpc_registry *reg, const char *section, const char *key, int32_t *found)
{
    const fpc_found *all;
    fpc_status status;
    int32_t n;

    *found = 0;
    if ((status = fpc_registry_all(reg, &n, &all)))
        return status;
    if (!section || !strcmp(section, "run"))
        *found += print_key(cmd, "[run]", fpc_core_set(fpc_core_run, NULL), key, *found);
    if (!section || !strcmp(section, "augment"))
        *found += print_key(cmd, "[augment]", fpc_core_set(fpc_core_augment, NULL), key, *found);
    for (uint32_t k = 1; fpc_kind_name(k); k++) {
        const char *kind = fpc_kind_name(k), *header = fpc_help_header(cmd->arena, kind);
        const fpc_option *core = fpc_core_options(k);
        if (section && strcmp(section, kind))
            continue;
        if (core)
            *found += print_key(cmd, header, fpc_core_set(core, NULL), key, *found);
        for (int32_t i = 0; i < n; i++)
            if (all[i].plugin->kind == k)
                *found +=
                    print_key(cmd, fpc_sprintf(cmd->arena, "%s use = %s", header ? header : kind, all[i].plugin->name),
                              set_of(all[i].plugin), key, *found);
    }
    return FPC_OK;
}

/* Names of a set's keys behind the n that are there. */
static int32_t add_names(fpc_option_set set, int32_t n, int32_t most, const char **names)
{
    fpc_option row;

    for (int32_t i = 0; n < most && (row = fpc_opt_row(&set, i)).name; i++)
        names[n++] = row.name;
    return n;
}

fpc_status fpc_help_near_key(fpc_cmdline *cmd, fpc_registry *reg, const char *section, const char *key,
                             const char **near)
{
    enum { MOST = 1024 };
    const char **names = fpc_alloc(cmd->arena, MOST * sizeof *names);
    const uint32_t kind = fpc_kind_of(section);
    const fpc_option *core = kind ? fpc_core_options(kind) : fpc_core_section(section);
    const fpc_found *all;
    fpc_status status;
    int32_t n_all, n;

    if (!names)
        return FPC_ENOMEM;
    if ((status = fpc_registry_all(reg, &n_all, &all)))
        return status;
    n = core ? add_names(fpc_core_set(core, NULL), 0, MOST, names) : 0;
    if (kind == FPC_AUGMENT)
        n = add_names(fpc_core_set(fpc_core_augment, NULL), n, MOST, names);
    for (int32_t i = 0; i < n_all; i++)
        if (kind && all[i].plugin->kind == kind)
            n = add_names(set_of(all[i].plugin), n, MOST, names);
    *near = fpc_nearest(key, n, names);
    return FPC_OK;
}

const char *fpc_help_near_section(const char *section)
{
    const char *names[32];
    int32_t n = 0;

    for (const fpc_section_row *r = fpc_section_rows; r->name && n < 32; r++)
        if (!r->later)
            names[n++] = r->name;
    return fpc_nearest(section, n, names);
}

/* ---- Markdown ---- */

/* A table's cell: no bars, no line ends. */
static const char *cell(fpc_arena *arena, const char *text)
{
    char *out = fpc_alloc(arena, 2 * strlen(text) + 1), *p = out;

    for (; out && *text; text++) {
        if (*text == '|')
            *p++ = '\\';
        *p++ = *text == '\n' ? ' ' : *text;
    }
    return out ? out : "";
}

static void print_rows(fpc_cmdline *cmd, fpc_option_set set)
{
    fpc_option row;

    fpc_print("| key | type | default | range | unit | what it does |\n| --- | --- | --- | --- | --- | --- |\n");
    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++) {
        const char *range = bare_range(cmd->arena, &row);
        const char *def = row.flags & FPC_OPT_REQUIRED ? "**required**" : row.def ? row.def : "";

        fpc_print("| `%s` | %s | %s | %s | %s | %s%s |\n", row.name, fpc_option_type_text(&row), cell(cmd->arena, def),
                  cell(cmd->arena, range ? range : ""), cell(cmd->arena, row.unit ? row.unit : ""),
                  row.flags & FPC_OPT_DEPRECATED ? "Deprecated: " : "", cell(cmd->arena, row.help ? row.help : ""));
    }
    fpc_print("\n");
}

static void print_section_rows(fpc_cmdline *cmd, const char *section, const char *header, const fpc_option *core)
{
    const char *help = fpc_core_section_help(section);

    fpc_print("## %s\n\n%s\n\n", header, help ? help : "");
    if (core)
        print_rows(cmd, fpc_core_set(core, NULL));
}

fpc_status fpc_help_markdown(fpc_cmdline *cmd, fpc_registry *reg)
{
    const fpc_found *all;
    fpc_status status;
    int32_t n;

    status = fpc_registry_all(reg, &n, &all);
    if (status)
        return status;
    fpc_print("# Options\n\nWritten by `fpcore -h --all`. Every section but `[run]` and `[augment]` has the key `use`, "
              "which names the plugin; `use = none` removes the section.\n\n");
    print_section_rows(cmd, "run", "[run]", fpc_core_run);
    print_section_rows(cmd, "augment", "[augment]", fpc_core_augment);
    for (uint32_t k = 1; fpc_kind_name(k); k++) {
        const char *kind = fpc_kind_name(k), *header = fpc_help_header(cmd->arena, kind);

        if (!header)
            return FPC_ENOMEM;
        if (fpc_section_row_of_kind(k)->later)
            continue;
        print_section_rows(cmd, kind, header, fpc_core_options(k));
        for (int32_t i = 0; i < n; i++) {
            const fpc_plugin *p = all[i].plugin;

            if (p->kind != k)
                continue;
            fpc_print("### %s/%s\n\n%s\n\n", kind, p->name, p->summary);
            if (p->detail && *p->detail)
                fpc_print("%s\n\n", p->detail);
            if (p->options && p->options->name)
                print_rows(cmd, set_of(p));
        }
    }
    return FPC_OK;
}
