/* option.c: option tables at work. Fills a plugin's struct from a section, checks ranges, and finds the keys that
 * nobody reads: no key of a recipe is ever ignored. Defaults go through the same parser as the recipe's text. Tables
 * come from plugins that may be built against a later minor version, so rows are walked by their stride. */
#define _GNU_SOURCE
#include "recipe/options.h"
#include "base/message.h"
#include "base/spelling.h"
#include "recipe/option_value.h"
#include "recipe/path.h"

#include <stdio.h>
#include <string.h>

/* Finds a key's row in one table; *out is a row with type FPC_OPT_END where there is none. */
static int find_row(const fpc_option_set *set, const char *key, fpc_option *out)
{
    for (int32_t i = 0; (*out = fpc_opt_row(set, i)).name; i++)
        if (strcmp(out->name, key) == 0)
            return 1;
    return 0;
}

enum { MAX_NAMES = 128 };

static fpc_status unknown_key(fpc_ctx *ctx, fpc_arena *arena, const char *section, const fpc_entry *entry,
                              int32_t n_sets, const fpc_option_set *sets)
{
    const char *names[MAX_NAMES], *near;
    const char *list = "use";
    int32_t n = 0;

    names[n++] = "use";
    for (int32_t s = 0; s < n_sets; s++)
        for (int32_t i = 0;; i++) {
            const fpc_option row = fpc_opt_row(&sets[s], i);

            if (!row.name)
                break;
            if (n < MAX_NAMES)
                names[n++] = row.name;
            list = fpc_sprintf(arena, "%s, %s", list, row.name);
            if (!list)
                return FPC_ENOMEM;
        }
    if (strcmp(entry->key, "include") == 0)
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "%s: %s.include = %s: unknown key; `include` belongs before the first "
                               "section",
                               entry->origin, section, entry->value);
    near = fpc_nearest(entry->key, n, names);
    if (near)
        return fpc_fail_recipe(ctx, FPC_EINVAL, "%s: %s.%s = %s: unknown key; did you mean `%s`?", entry->origin,
                               section, entry->key, entry->value, near);
    return fpc_fail_recipe(ctx, FPC_EINVAL, "%s: %s.%s = %s: unknown key; [%s] takes %s", entry->origin, section,
                           entry->key, entry->value, section, list);
}

int fpc_option_is_choice(const fpc_option *row, const char *text)
{
    for (const fpc_choice *c = row->choices; c && c->name; c++)
        if (!strcmp(text, c->name))
            return 1;
    return 0;
}

/* The value of the path option that the row names as its unit, which stands above it in the table; NULL: none. */
static const char *folder_beside(const fpc_option_set *set, const fpc_option *row)
{
    const char *folder = NULL;
    fpc_option other;

    if (row->unit && *row->unit && find_row(set, row->unit, &other) && other.type == FPC_OPT_PATH)
        memcpy(&folder, (const char *)set->object + other.offset, sizeof folder);
    return folder;
}

/* What the recipe's text means: absolute for a path, unless no recipe could state that. NULL: no memory. */
static const char *meaning(fpc_ctx *ctx, fpc_arena *arena, const char *name, const fpc_entry *entry,
                           const fpc_option_set *set, const fpc_option *row)
{
    if (row->type != FPC_OPT_PATH || (row->flags & FPC_OPT_HERE) || fpc_option_is_choice(row, entry->value))
        return entry->value;
    const char *path = fpc_path_of(ctx, arena, name, entry, folder_beside(set, row));
    return path && fpc_recipe_bad_value(path) ? entry->value : path;
}

/* Whether the training had a path there that has to be given again. Names of classes stand in the weights. */
static int is_lost(const char *name, const fpc_bare *bare, const fpc_option *row)
{
    const size_t n_name = strlen(name), n_key = strlen(row->name);

    if (row->type != FPC_OPT_PATH || (row->flags & FPC_OPT_CLASSES))
        return 0;
    for (const char *at = bare->lost; at && *at; at += strcspn(at, " "), at += *at == ' ')
        if (!strncmp(at, name, n_name) && at[n_name] == '.' && !strncmp(at + n_name + 1, row->name, n_key) &&
            (at[n_name + 1 + n_key] == ' ' || !at[n_name + 1 + n_key]))
            return 1;
    return (row->flags & FPC_OPT_REQUIRED) != 0;
}

static fpc_status lost_path(fpc_ctx *ctx, const char *name, const fpc_section *section, const fpc_option *row)
{
    const char *help = row->help ? row->help : "a path";

    return fpc_fail_recipe(ctx, FPC_EINVAL,
                           "%s%sthe recipe that weights hold has no paths, and `%s` of [%s] is missing, %s: -s "
                           "%s.%s=%s gives it, or -c the recipe",
                           section ? section->origin : "", section ? ": " : "", row->name, name, help, name, row->name,
                           strncmp(help, "folder", 6) ? "FILE" : "FOLDER");
}

const char *fpc_section_place(fpc_arena *arena, const char *recipe, const char *name, const fpc_section *section)
{
    const char *origin = section ? section->origin : NULL;
    const size_t n = recipe ? strlen(recipe) : 0;
    const int own = origin && (!recipe || (!strncmp(origin, recipe, n) && origin[n] == ':'));
    const char *text = own ? fpc_sprintf(arena, "%s: [%s]", origin, name)
                           : fpc_sprintf(arena, "%s%s[%s]%s%s%s", recipe ? recipe : "", recipe ? ": " : "", name,
                                         origin ? " (" : "", origin ? origin : "", origin ? ")" : "");

    return text ? text : name;
}

/* The value of one row: the recipe's, or its default. Writes it to the object. */
static fpc_status read_row(fpc_ctx *ctx, fpc_arena *arena, const char *name, const fpc_section *section,
                           const fpc_option *row, const fpc_option_set *set)
{
    const fpc_entry *entry = fpc_section_entry(section, row->name);
    const char *text = entry ? meaning(ctx, arena, name, entry, set, row) : row->def ? row->def : "";
    fpc_opt_value value;
    const char *what = NULL;

    if (!text)
        return FPC_ENOMEM;
    if (!entry && set->bare && set->bare->wanted && is_lost(name, set->bare, row))
        return lost_path(ctx, name, section, row);
    if (!entry && set->bare && (row->flags & FPC_OPT_REQUIRED) && row->type == FPC_OPT_PATH) {
        memcpy((char *)set->object + row->offset, &(const char *){""}, sizeof(const char *));
        return FPC_OK;
    }
    if (!entry && (row->flags & FPC_OPT_REQUIRED)) {
        const char *type = fpc_option_range_text(arena, row);

        return fpc_fail_recipe(ctx, FPC_EINVAL, "%s: the key `%s` is missing; it has no default: give %s%s%s",
                               fpc_section_place(arena, set->recipe, name, section), row->name, type ? type : "a value",
                               row->help ? ", " : "", row->help ? row->help : "");
    }
    what = fpc_opt_parse(arena, row, text, &value);
    if (what && entry)
        return fpc_fail_recipe(ctx, FPC_EINVAL, "%s: %s.%s = %s: %s", entry->origin, name, row->name, text, what);
    if (what)
        return fpc_fail_recipe(ctx, FPC_EABI,
                               "%s.%s: its default \"%s\" is no valid value, which is a bug in the plugin: "
                               "%s",
                               name, row->name, text, what);
    fpc_opt_store(row, &value, set->object);
    return FPC_OK;
}

fpc_status fpc_options_read(fpc_ctx *ctx, fpc_arena *arena, const char *name, const fpc_section *section,
                            int32_t n_sets, const fpc_option_set *sets)
{
    fpc_option row;

    for (int32_t e = 0; section && e < section->n; e++) {
        int known = strcmp(section->entry[e].key, "use") == 0;

        for (int32_t s = 0; s < n_sets && !known; s++)
            known = find_row(&sets[s], section->entry[e].key, &row);
        if (!known)
            return unknown_key(ctx, arena, name, &section->entry[e], n_sets, sets);
    }
    for (int32_t s = 0; s < n_sets; s++)
        for (int32_t i = 0; (row = fpc_opt_row(&sets[s], i)).name; i++) {
            fpc_status status = read_row(ctx, arena, name, section, &row, &sets[s]);

            if (status)
                return status;
        }
    return FPC_OK;
}
