/* recipe.c: a recipe, what it includes, and the overrides of the command line, merged to ordered sections in which each
 * key remembers where it came from. Precedence: included file < including file < -s. What a plugin's replacement would
 * leave without a reader is dropped here, by one rule; everything else that nobody reads is an error later. */
#define _GNU_SOURCE
#include "recipe/index.h"
#include "recipe/recipe.h"
#include "recipe/sections.h"
#include "base/message.h"
#include "base/place.h"
#include "base/spelling.h"
#include "base/text.h"
#include "recipe/path.h"
#include "recipe/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 16, MAX_FILES = 64 };

typedef struct reader {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_recipe *recipe;
    const char *stack[MAX_DEPTH]; /* the files being read, by real path: an include of one of them is a cycle */
    int depth, files;
    fpc_index sections; /* of the recipe under way, by name */
    fpc_index keys;     /* of the section that is merged */
} reader;

/* The recipe under way may be changed; what is found in it as well. */
static fpc_section *find_section(fpc_recipe *recipe, const char *name)
{
    return (fpc_section *)fpc_recipe_section(recipe, name);
}

static fpc_entry *find_entry(const fpc_section *section, const char *key)
{
    return (fpc_entry *)fpc_section_entry(section, key);
}

static fpc_status remove_section(reader *r, const fpc_section *section)
{
    fpc_recipe *recipe = r->recipe;
    const int32_t at = (int32_t)(section - recipe->section);

    recipe->n--;
    memmove(&recipe->section[at], &recipe->section[at + 1], (size_t)(recipe->n - at) * sizeof *section);
    fpc_index_clear(&r->sections);
    for (int32_t i = 0; i < recipe->n; i++)
        if (fpc_index_add(r->arena, &r->sections, recipe->section[i].name, i))
            return FPC_ENOMEM;
    return FPC_OK;
}

/* The section of that name in the recipe under way, or a new one; NULL: no memory. */
static fpc_section *section_of(reader *r, const char *name, const char *origin)
{
    const int32_t at = fpc_index_find(&r->sections, name);

    if (at >= 0)
        return &r->recipe->section[at];
    if (fpc_index_add(r->arena, &r->sections, name, r->recipe->n))
        return NULL;
    return fpc_recipe_add_section(r->arena, r->recipe, name, origin);
}

static int is_core_key(const char *section, const char *key)
{
    const fpc_option *table = fpc_core_section(section);

    for (; table && table->name; table++)
        if (strcmp(table->name, key) == 0)
            return 1;
    return 0;
}

/* A section gets another plugin: what its former plugin read goes, what the core reads in every such section stays. */
static void drop_plugin_keys(fpc_section *section)
{
    int32_t kept = 0;

    for (int32_t i = 0; i < section->n; i++)
        if (strcmp(section->entry[i].key, "use") == 0 || is_core_key(section->name, section->entry[i].key))
            section->entry[kept++] = section->entry[i];
    section->n = kept;
}

/* Makes r->keys that of the section. One that a large section left is too large to be cleared each time. */
static fpc_status index_keys(reader *r, const fpc_section *section)
{
    if (r->keys.cap > 64 && r->keys.cap / 8 > (uint32_t)section->n)
        r->keys = (fpc_index){0};
    fpc_index_clear(&r->keys);
    for (int32_t i = 0; i < section->n; i++)
        if (fpc_index_add(r->arena, &r->keys, section->entry[i].key, i))
            return FPC_ENOMEM;
    return FPC_OK;
}

/* r->keys is that of the section, before and afterwards. */
static fpc_status set_entry(reader *r, fpc_section *section, const fpc_entry *from)
{
    int32_t at = fpc_index_find(&r->keys, from->key);

    if (at >= 0 && strcmp(from->key, "use") == 0 && strcmp(section->entry[at].value, from->value) != 0) {
        drop_plugin_keys(section);
        if (index_keys(r, section))
            return FPC_ENOMEM;
        at = fpc_index_find(&r->keys, from->key);
    }
    if (at >= 0) {
        section->entry[at] = *from;
        return FPC_OK;
    }
    if (fpc_index_add(r->arena, &r->keys, from->key, section->n) ||
        !fpc_section_add_entry(r->arena, section, from->key, from->value, from->origin))
        return FPC_ENOMEM;
    return FPC_OK;
}

static fpc_status remove_named(reader *r, const char *name, const fpc_entry *use)
{
    fpc_section *section = find_section(r->recipe, name);
    const char *names[256], *near;
    int32_t n = 0;

    if (section)
        return remove_section(r, section);
    if (!strchr(name, '.'))
        return FPC_OK; /* one of its kind: `none` is the state asked for */
    for (int32_t i = 0; i < r->recipe->n && n < 256; i++)
        names[n++] = r->recipe->section[i].name;
    near = fpc_nearest(name, n, names);
    return fpc_fail_recipe(r->ctx, FPC_EINVAL, "%s: %s.use = none: there is no section [%s] to remove%s%s%s",
                           use->origin, name, name, near ? "; did you mean [" : "", near ? near : "", near ? "]?" : "");
}

static fpc_status merge(reader *r, const fpc_recipe *from)
{
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < from->n && !status; i++) {
        const fpc_section *in = &from->section[i];
        const fpc_entry *use = find_entry(in, "use");
        fpc_section *section;

        if (use && strcmp(use->value, "none") == 0) {
            status = remove_named(r, in->name, use);
            continue;
        }
        if (!(section = section_of(r, in->name, in->origin)) || index_keys(r, section))
            return FPC_ENOMEM;
        if (use) /* first: keys above `use` in the same section belong to the new plugin as well */
            status = set_entry(r, section, use);
        for (int32_t e = 0; e < in->n && !status; e++)
            status = set_entry(r, section, &in->entry[e]);
    }
    return status;
}

/* ---- includes ---- */

static fpc_status read_text(reader *r, const char *name, const char *text, size_t bytes);

static fpc_status read_file(reader *r, const char *where, const char *path)
{
    char *real = realpath(path, NULL), *text;
    const char *kept = real ? fpc_strdup(r->arena, real) : NULL;
    fpc_status status;
    size_t bytes;

    free(real);
    if (kept)
        for (int i = 0; i < r->depth; i++)
            if (strcmp(r->stack[i], kept) == 0)
                return fpc_fail_recipe(r->ctx, FPC_EINVAL, "%s%s includes itself; remove one include of the circle",
                                       where, path);
    if (r->depth == MAX_DEPTH)
        return fpc_fail_recipe(r->ctx, FPC_EINVAL, "%sincludes are nested more than %d deep", where, MAX_DEPTH);
    if (++r->files > MAX_FILES)
        return fpc_fail_recipe(r->ctx, FPC_EINVAL, "%smore than %d files are included", where, MAX_FILES);
    status = fpc_recipe_slurp(r->ctx, r->arena, where, path, &text, &bytes);
    if (status)
        return status;
    r->stack[r->depth++] = kept ? kept : "";
    status = read_text(r, path, text, bytes);
    r->depth--;
    return status;
}

const char *fpc_recipes_folder(void)
{
    const char *named = getenv("FPCORE_RECIPES");

    return named && *named ? named : fpc_place_recipes();
}

static const char *installed_recipe(fpc_arena *arena, const char *name)
{
    return fpc_sprintf(arena, "%s/%s", fpc_recipes_folder(), strncmp(name, "conf/", 5) ? name : name + 5);
}

/* A file that is included: beside the file that includes it, else among the recipes that were installed. */
static const char *find_include(fpc_arena *arena, const char *folder, const char *item)
{
    const char *beside = fpc_sprintf(arena, "%s%s", *item == '/' ? "" : folder, item), *installed;

    if (!beside || *item == '/' || access(beside, F_OK) == 0)
        return beside;
    installed = installed_recipe(arena, item);
    return installed && access(installed, F_OK) == 0 ? installed : beside;
}

/* The recipe that -c names, which may be an installed one as the docs write it: quickstart.ini, conf/quickstart.ini. */
static fpc_status find_recipe(reader *r, const char *path, const char **out)
{
    const char *installed = *path == '/' ? NULL : installed_recipe(r->arena, path);
    const int missing = access(path, F_OK) ? errno : 0;

    *out = path;
    if (missing != ENOENT || !installed)
        return FPC_OK;
    if (access(installed, F_OK))
        return fpc_fail_recipe(r->ctx, FPC_ENOENT,
                               "the recipe %s cannot be read: %s; it is neither there, from %s on, nor among the "
                               "installed recipes (%s; `fpcore -l recipes` lists them)",
                               path, strerror(missing), fpc_path_absolute(r->arena, ""), fpc_recipes_folder());
    *out = installed;
    return FPC_OK;
}

static fpc_status read_includes(reader *r, const char *name, const fpc_entry *include)
{
    const char *folder = fpc_folder_of(r->arena, name);
    char *list = fpc_strdup(r->arena, include->value), *rest;

    if (!folder || !list)
        return FPC_ENOMEM;
    for (char *item = list; item; item = rest) {
        const char *path, *where;
        fpc_status status;

        rest = strchr(item, ',');
        if (rest)
            *rest++ = 0;
        item = fpc_trim(item);
        if (!*item)
            return fpc_fail_recipe(r->ctx, FPC_EINVAL, "%s: include = %s: a file's name is missing", include->origin,
                                   include->value);
        path = find_include(r->arena, folder, item);
        where = fpc_sprintf(r->arena, "%s: include = %s: ", include->origin, item);
        if (!path || !where)
            return FPC_ENOMEM;
        if (*item != '/' && access(path, F_OK) && errno == ENOENT)
            return fpc_fail_recipe(r->ctx, FPC_ENOENT,
                                   "%sthe recipe %s cannot be read: %s; it is neither beside the recipe that includes "
                                   "it nor among the installed recipes (%s; the variable FPCORE_RECIPES names another "
                                   "folder, such as conf of the sources)",
                                   where, path, strerror(ENOENT), fpc_recipes_folder());
        status = read_file(r, where, path);
        if (status)
            return status;
    }
    return FPC_OK;
}

static fpc_status read_text(reader *r, const char *name, const char *text, size_t bytes)
{
    fpc_status status;
    fpc_scan scan;

    if ((status = fpc_recipe_scan(r->ctx, r->arena, name, text, bytes, &scan)) ||
        (scan.include.value && (status = read_includes(r, name, &scan.include))))
        return status;
    return merge(r, &scan.recipe);
}

/* ---- overrides ---- */

typedef struct override {
    const char *section;
    fpc_entry entry;
} override;

const char *fpc_recipe_bad_value(const char *value)
{
    const size_t length = strlen(value);
    const int quoted =
        length > 0 && (strpbrk(value, ";#") || *value == '"' || *value == '\'' || value[length - 1] == '\\');

    if (length > FPC_RECIPE_VALUE)
        return "the value is too long";
    for (const char *p = value; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return "a value holds no control characters";
    if (quoted && strchr(value, '"') && strchr(value, '\''))
        return "a value with both kinds of quotes and one of ; # \\ cannot be written into a recipe";
    return NULL;
}

char *fpc_recipe_key(fpc_arena *arena, const char *text)
{
    char *key = fpc_sprintf(arena, "%.*s", (int)strcspn(text, "="), text);

    if (!key)
        return NULL;
    key = fpc_trim(key);
    for (char *p = key; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    return key;
}

static fpc_status parse_override(reader *r, const char *text, override *out)
{
    const char *equals = strchr(text, '='), *bad;
    char *name, *dot, *value;

    if (!equals)
        return fpc_fail_recipe(r->ctx, FPC_EINVAL, "-s %s: there is no =; give -s section.key=value", text);
    if (!(name = fpc_recipe_key(r->arena, text)) || !(value = fpc_strdup(r->arena, equals + 1)))
        return FPC_ENOMEM;
    value = fpc_trim(value);
    dot = strrchr(name, '.');
    if (!dot)
        return fpc_fail_recipe(r->ctx, FPC_EINVAL, "-s %s: the key has no section; give -s section.key=value", text);
    *dot = 0;
    bad = fpc_recipe_bad_section(name);
    if (!bad)
        bad = fpc_recipe_bad_key(dot + 1);
    if (!bad)
        bad = fpc_recipe_bad_value(value);
    if (bad)
        return fpc_fail_recipe(r->ctx, FPC_EINVAL, "-s %.80s: %s", text, bad);
    out->section = name;
    out->entry = (fpc_entry){dot + 1, value, fpc_sprintf(r->arena, "-s %s", text)};
    return out->entry.origin ? FPC_OK : FPC_ENOMEM;
}

static fpc_status apply(reader *r, const override *o)
{
    fpc_section *section;

    if (strcmp(o->entry.key, "use") == 0 && strcmp(o->entry.value, "none") == 0)
        return remove_named(r, o->section, &o->entry);
    if (!(section = section_of(r, o->section, o->entry.origin)) || index_keys(r, section))
        return FPC_ENOMEM;
    return set_entry(r, section, &o->entry);
}

/* -s loss.dcie.weight=2 would otherwise make a section that nobody meant. */
static fpc_status check_created(reader *r, int32_t n, const override *o)
{
    for (int32_t i = 0; i < n; i++) {
        const fpc_section *section = find_section(r->recipe, o[i].section);
        const char *names[256], *near;
        int32_t k = 0;

        if (!section || find_entry(section, "use") || !strchr(section->name, '.') ||
            strncmp(section->origin, "-s ", 3) != 0)
            continue;
        for (int32_t j = 0; j < r->recipe->n && k < 256; j++)
            if (&r->recipe->section[j] != section)
                names[k++] = r->recipe->section[j].name;
        near = fpc_nearest(section->name, k, names);
        return fpc_fail_recipe(r->ctx, FPC_EINVAL,
                               "%s: the recipe has no section [%s]%s%s%s; a new one needs "
                               "-s %s.use=PLUGIN",
                               section->origin, section->name, near ? "; did you mean [" : "", near ? near : "",
                               near ? "]?" : "", section->name);
    }
    return FPC_OK;
}

/* `use` first, whatever the order on the command line: the other overrides are meant for the plugin that it names. */
static fpc_status apply_overrides(reader *r, int32_t n, const char *const *texts)
{
    override *o = fpc_alloc(r->arena, (size_t)n * sizeof *o);
    fpc_status status = o ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < n && !status; i++)
        status = parse_override(r, texts[i], &o[i]);
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = 0; i < n && !status; i++)
            if ((strcmp(o[i].entry.key, "use") == 0) == (pass == 0))
                status = apply(r, &o[i]);
    return status ? status : check_created(r, n, o);
}

static fpc_status begin(reader *r, fpc_ctx *ctx, fpc_arena *arena, const char *path)
{
    *r = (reader){.ctx = ctx, .arena = arena, .recipe = fpc_alloc(arena, sizeof(fpc_recipe))};
    if (!r->recipe)
        return FPC_ENOMEM;
    r->recipe->path = fpc_strdup(arena, path);
    return r->recipe->path ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_recipe_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, int32_t n_overrides,
                           const char *const *overrides, fpc_recipe **out)
{
    fpc_status status;
    reader r;

    *out = NULL;
    if ((status = begin(&r, ctx, arena, path)) || (status = find_recipe(&r, r.recipe->path, &r.recipe->path)) ||
        (status = read_file(&r, "", r.recipe->path)) || (status = apply_overrides(&r, n_overrides, overrides)))
        return status;
    *out = r.recipe;
    return FPC_OK;
}

fpc_status fpc_recipe_parse(fpc_ctx *ctx, fpc_arena *arena, const char *name, const char *text, int32_t n_overrides,
                            const char *const *overrides, fpc_recipe **out)
{
    fpc_status status;
    reader r;

    *out = NULL;
    if ((status = begin(&r, ctx, arena, name)) || (status = read_text(&r, r.recipe->path, text, strlen(text))) ||
        (status = apply_overrides(&r, n_overrides, overrides)))
        return status;
    *out = r.recipe;
    return FPC_OK;
}
