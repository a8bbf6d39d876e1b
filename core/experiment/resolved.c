/* resolved.c: the recipe as it was understood, with every default: key by key for those who compare recipes, and as INI
 * text. */
#include "experiment/experiment.h"
#include "base/text.h"
#include "recipe/option_value.h"
#include "recipe/sections.h"

#include <stdlib.h>
#include <string.h>

/* The value that a recipe gets which does not give the key; NULL: none. */
static const char *default_of(fpc_arena *arena, const fpc_option *row)
{
    fpc_option alone = *row;
    fpc_opt_value value;

    alone.offset = 0;
    return row->def && !fpc_opt_parse(arena, &alone, row->def, &value) ? fpc_option_text(arena, &alone, &value) : NULL;
}

/* Rows of a table; those without a table have none. */
static int32_t rows_of(const fpc_option_set *set)
{
    int32_t n = 0;

    while (set->table && fpc_opt_row(set, n).name)
        n++;
    return n;
}

static fpc_option_set own_options(const fpc_opened *o)
{
    return o->inst.plugin ? (fpc_option_set){.table = o->inst.plugin->options,
                                             .stride = o->inst.plugin->option_size,
                                             .object = o->inst.self}
                          : (fpc_option_set){0};
}

/* One key; its text is NULL where memory ran out. */
static fpc_resolved row_of(const fpc_experiment *s, fpc_arena *arena, const fpc_opened *o, const fpc_option_set *set,
                           int32_t i)
{
    const fpc_option row = fpc_opt_row(set, i);
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(s->recipe, o->name), row.name);
    const char *text = fpc_option_text(arena, &row, set->object), *usual = default_of(arena, &row);
    const int is_default = usual && text && !strcmp(usual, text);
    const int named = e && *e->value && !fpc_option_is_choice(&row, e->value);
    const int held = !e && s->known && s->known->bare; /* weights hold the table, not the file's name */
    const int is_file = (row.flags & FPC_OPT_CLASSES) && (named || held);

    return (fpc_resolved){
        .section = o->name,
        .key = row.name,
        .text = text,
        .origin = e ? e->origin : "default",
        .usual = usual,
        .is_default = is_default,
        .resumable = fpc_section_kind(o->name) == FPC_LOGGER || (row.flags & FPC_OPT_RESUMABLE) || is_file,
        .stated = e && row.type == FPC_OPT_PATH ? fpc_recipe_quote(arena, e->value) : NULL,
        .classes = is_file,
        .reads = e && *e->value && row.type == FPC_OPT_PATH && !(row.flags & FPC_OPT_HERE) && !is_default &&
                 !fpc_option_is_choice(&row, e->value) && fpc_section_kind(o->name) != FPC_LOGGER,
        .items = row.type == FPC_OPT_TEXT && (row.flags & FPC_OPT_ITEMS)};
}

static fpc_resolved use_of(const fpc_opened *o)
{
    const fpc_entry *e = fpc_section_entry(o->inst.section, "use");

    return (fpc_resolved){.section = o->name,
                          .key = "use",
                          .text = o->inst.plugin->name,
                          .origin = e ? e->origin : "default",
                          .resumable = fpc_section_kind(o->name) == FPC_LOGGER};
}

static int was_opened(const fpc_experiment *s, const char *name)
{
    for (int32_t k = 0; k < s->n_opened; k++)
        if (!strcmp(s->opened[k].name, name))
            return 1;
    return 0;
}

/* Sections that nobody opened (FPC_OPEN_USED) stay as the recipe states them. */
static void add_unopened(const fpc_experiment *s, fpc_arena *arena, int32_t *n, fpc_resolved *all)
{
    for (int32_t k = 0; k < s->recipe->n; k++) {
        const fpc_section *section = &s->recipe->section[k];
        for (int32_t i = 0; i < section->n && !was_opened(s, section->name); i++) {
            const fpc_entry *e = &section->entry[i];
            all[(*n)++] = (fpc_resolved){.section = section->name,
                                         .key = e->key,
                                         .text = fpc_recipe_quote(arena, e->value),
                                         .origin = e->origin,
                                         .resumable = fpc_section_kind(section->name) == FPC_LOGGER};
        }
    }
}

fpc_status fpc_experiment_settings(const fpc_experiment *s, fpc_arena *arena, int32_t *n, const fpc_resolved **out)
{
    fpc_resolved *all;
    int32_t most = 1;

    *n = 0;
    for (int32_t k = 0; k < s->n_opened; k++) {
        const fpc_option_set own = own_options(&s->opened[k]);
        most += 1 + rows_of(&own) + rows_of(&s->opened[k].common);
    }
    for (int32_t k = 0; k < s->recipe->n; k++)
        most += s->recipe->section[k].n;
    if (!(*out = all = fpc_alloc(arena, (size_t)most * sizeof *all)))
        return FPC_ENOMEM;
    for (int32_t k = 0; k < s->n_opened; k++) {
        const fpc_opened *o = &s->opened[k];
        const fpc_option_set own = own_options(o);
        if (o->inst.plugin)
            all[(*n)++] = use_of(o);
        for (int32_t i = 0; i < rows_of(&own); i++)
            all[(*n)++] = row_of(s, arena, o, &own, i);
        for (int32_t i = 0; i < rows_of(&o->common); i++)
            all[(*n)++] = row_of(s, arena, o, &o->common, i);
    }
    add_unopened(s, arena, n, all);
    for (int32_t i = 0; i < *n; i++)
        if (!all[i].text)
            return FPC_ENOMEM;
    return FPC_OK;
}

const fpc_resolved *fpc_resolved_find(const fpc_resolved *all, int32_t n, const char *section, const char *key)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(all[i].section, section) && !strcmp(all[i].key, key))
            return &all[i];
    return NULL;
}

/* Numbers are compared as they were parsed, because that is what their texts are made of; of items the blanks go, and
 * they are sorted. */
const char *fpc_resolved_meaning(fpc_arena *arena, const fpc_resolved *row, const char *text)
{
    char *bare, *to;
    const char **item, *out = "";
    int32_t n = 0;

    if (!row->items)
        return text;
    bare = to = fpc_alloc(arena, strlen(text) + 1);
    item = fpc_alloc(arena, (strlen(text) + 1) * sizeof *item);
    if (!bare || !item)
        return NULL;
    for (item[n++] = bare; *text; text++)
        if (*text == ',') {
            *to++ = '\0';
            item[n++] = to;
        } else if (*text != ' ' && *text != '\t') {
            *to++ = *text;
        }
    qsort(item, (size_t)n, sizeof *item, fpc_by_text);
    for (int32_t i = 0; i < n && out; i++)
        out = fpc_sprintf(arena, "%s%s%s", out, i ? "," : "", item[i]);
    return out;
}

/* ---- as text ---- */

typedef struct ini {
    fpc_arena *arena;
    const char *section; /* of the last line */
    char *text;
    size_t n, cap;
    int failed;
} ini;

static void put(ini *t, const char *line)
{
    const size_t n = line ? strlen(line) : 0;

    t->failed |= !line;
    if (t->n + n + 1 > t->cap) {
        const size_t cap = 2 * (t->n + n + 1024);
        char *more = fpc_alloc(t->arena, cap);
        if (!more) {
            t->failed = 1;
            return;
        }
        memcpy(more, t->text ? t->text : "", t->n);
        t->text = more;
        t->cap = cap;
    }
    memcpy(t->text + t->n, line ? line : "", n + 1);
    t->n += n;
}

static void put_key(ini *t, const fpc_resolved *r, int with_origin)
{
    if (!t->section || strcmp(t->section, r->section))
        put(t, fpc_sprintf(t->arena, "%s[%s]\n", t->section ? "\n" : "", r->section));
    t->section = r->section;
    put(t, with_origin ? fpc_sprintf(t->arena, "%s = %s   ; %s\n", r->key, r->text, r->origin)
                       : fpc_sprintf(t->arena, "%s = %s\n", r->key, r->text));
}

const char *fpc_resolved_text(fpc_arena *arena, const fpc_resolved *all, int32_t n, int with_origin, int resumable)
{
    ini t = {.arena = arena};

    put(&t, "");
    for (int32_t i = 0; i < n; i++)
        if (resumable || !all[i].resumable)
            put_key(&t, &all[i], with_origin);
    return t.failed ? NULL : t.text;
}

const char *fpc_resolved_kept(fpc_arena *arena, const fpc_resolved *all, int32_t n, int with_origin, int stated,
                              int32_t *n_classes)
{
    fpc_resolved *kept = fpc_alloc(arena, (size_t)(n + 1) * sizeof *kept);

    *n_classes = 0;
    for (int32_t i = 0; i < n && kept; i++) {
        kept[i] = all[i];
        *n_classes += all[i].classes;
        if (all[i].classes)
            kept[i].text = FPC_CLASSES_FILE;
        else if (stated && all[i].stated)
            kept[i].text = all[i].stated;
    }
    return kept ? fpc_resolved_text(arena, kept, n, with_origin, 1) : NULL;
}

const char *fpc_experiment_resolved(fpc_experiment *s, fpc_arena *arena, int with_origin)
{
    const fpc_resolved *all;
    int32_t n;

    return fpc_experiment_settings(s, arena, &n, &all) ? NULL : fpc_resolved_text(arena, all, n, with_origin, 1);
}
