/* trained.c: see trained.h. A run folder has its recipe with the paths to the data. A file that lies in one is taken
 * for a part of it; one that was moved away has the recipe in its metadata, which holds no path. */
#define _GNU_SOURCE
#include "experiment/trained.h"
#include "base/message.h"
#include "data/classes.h"
#include "experiment/labels.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- finding ---- */

static int is_there(fpc_arena *arena, const char *folder, const char *name)
{
    const char *path = fpc_sprintf(arena, "%s/%s", folder, name);

    return path && !access(path, R_OK);
}

/* A recipe alone beside the file may be anybody's; a run has its report as well. */
fpc_status fpc_trained_find(fpc_arena *arena, const char *path, fpc_trained *out)
{
    const char *slash = strrchr(path, '/');
    struct stat st;

    *out = (fpc_trained){.weights = fpc_strdup(arena, path)};
    if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
        out->weights = fpc_sprintf(arena, "%s/best.safetensors", path);
        out->folder = is_there(arena, path, "recipe.ini") ? fpc_strdup(arena, path) : NULL;
        return out->weights ? FPC_OK : FPC_ENOMEM;
    }
    const char *beside = !slash ? "." : slash > path ? fpc_sprintf(arena, "%.*s", (int)(slash - path), path) : "/";
    if (!out->weights || !beside)
        return FPC_ENOMEM;
    if (is_there(arena, beside, "recipe.ini") && is_there(arena, beside, "run.json"))
        out->folder = beside;
    return FPC_OK;
}

/* ---- what the metadata tell ---- */

/* "512x512", or "512" as recipes have it; 0: no such text. */
int fpc_trained_size(const char *text, int32_t *h, int32_t *w)
{
    char *end;
    const long a = text ? strtol(text, &end, 10) : 0, b = a > 0 && *end == 'x' ? strtol(end + 1, &end, 10) : a;

    if (a < 1 || a > FPC_IMAGE_SIDE || b < 1 || b > FPC_IMAGE_SIDE || *end)
        return 0;
    *h = (int32_t)a;
    *w = (int32_t)b;
    return 1;
}

fpc_status fpc_trained_tell(fpc_ctx *ctx, fpc_arena *arena, const fpc_st_file *file, fpc_trained *t)
{
    const char *text = fpc_st_meta_find(file, FPC_META_CLASSES), *way = fpc_st_meta_find(file, FPC_META_ORIENTATION);
    const char *own = fpc_st_meta_find(file, "recipe"), *lost = fpc_st_meta_find(file, FPC_META_PATHS);
    const char *size = fpc_st_meta_find(file, FPC_META_INPUT);
    const char *shape = fpc_st_meta_find(file, FPC_META_FIT);
    const int32_t fit = shape ? fpc_fit_named(shape) : FPC_FIT_SQUEEZE;
    fpc_dataset_info *table = &t->known.table;
    fpc_status status;

    *table = (fpc_dataset_info){.size = sizeof *table, .c = 3, .ignore_label = -1};
    if ((status = fpc_weights_readable(ctx, file)))
        return status;
    if ((own && !(t->text = fpc_strdup(arena, own))) || (text && !(t->classes = fpc_strdup(arena, text))) ||
        (lost && !(t->known.lost = fpc_strdup(arena, lost))))
        return FPC_ENOMEM;
    if (text && (status = fpc_classes_parse(
                     ctx, arena, fpc_sprintf(arena, "%s: metadata " FPC_META_CLASSES, file->path), text, table)))
        return status;
    table->as_stored = way && !strcmp(way, "file");
    table->fit = fit > 0 ? fit : FPC_FIT_SQUEEZE;
    t->known.whole =
        size && strchr(size, 'x') && fpc_trained_size(size, &table->h, &table->w) && way && table->palette && fit >= 0;
    return FPC_OK;
}

/* ---- the recipe ---- */

/* Whoever sets a key of the data set by -s wants to have it read, however the key is spelt. */
static int sets_data(const fpc_recipe *recipe)
{
    const fpc_section *dataset = fpc_recipe_section(recipe, "dataset");

    for (int32_t i = 0; dataset && i < dataset->n; i++)
        if (!strncmp(dataset->entry[i].origin, "-s ", 3))
            return 1;
    return 0;
}

static fpc_status read_recipe(fpc_ctx *ctx, fpc_arena *arena, const char *recipe, int32_t n_overrides,
                              const char *const *overrides, fpc_trained *t)
{
    const char *path = t->folder && !recipe ? fpc_sprintf(arena, "%s/recipe.ini", t->folder) : recipe;

    if (t->folder && !path)
        return FPC_ENOMEM;
    t->named = recipe != NULL;
    t->known.bare = !path;
    if (!path && !t->text)
        return fpc_fail(ctx, FPC_EINVAL, "%s: these weights do not hold their recipe; name the recipe's file",
                        t->weights);
    const fpc_status status =
        path ? fpc_recipe_read(ctx, arena, path, n_overrides, overrides, &t->recipe)
             : fpc_recipe_parse(ctx, arena, t->weights, t->text, n_overrides, overrides, &t->recipe);
    if (!status)
        t->known.whole = t->known.whole && !recipe && !sets_data(t->recipe);
    return status;
}

fpc_status fpc_trained_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, const char *recipe, int32_t n_overrides,
                            const char *const *overrides, fpc_trained *out)
{
    fpc_arena *scratch = fpc_arena_new(ctx);
    fpc_status status = scratch ? fpc_trained_find(arena, path, out) : FPC_ENOMEM;
    fpc_st_file *file;

    if (!status && !(status = fpc_st_read(ctx, scratch, out->weights, &file)))
        status = fpc_trained_tell(ctx, arena, file, out);
    fpc_arena_free(scratch);
    return status ? status : read_recipe(ctx, arena, recipe, n_overrides, overrides, out);
}

/* Most data sets know their classes and colours without the data; the others are opened with them. */
fpc_status fpc_trained_open(fpc_ctx *ctx, fpc_arena *arena, const fpc_trained *t, const char *plugin_path,
                            unsigned what, fpc_experiment **out)
{
    const fpc_status status = fpc_experiment_open_known(ctx, arena, plugin_path, t->recipe, what, &t->known, out);

    if (status || (*out)->info.palette)
        return status;
    return fpc_experiment_open_known(ctx, arena, plugin_path, t->recipe, what | FPC_OPEN_DATA, &t->known, out);
}

/* ---- the recipe against what the weights were trained with ---- */

static const char *origin_of(fpc_arena *arena, const fpc_recipe *recipe, const char *section, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return fpc_sprintf(arena, "%s: %s.%s", e ? e->origin : recipe->path, section, key);
}

/* Both as fpcore itself writes them, with every default, so that equal options have equal texts. */
static fpc_status compare_model(const fpc_trained *t, const fpc_experiment *s, fpc_arena *arena, const fpc_recipe *was)
{
    const fpc_section *before = fpc_recipe_section(was, "model"), *now;
    const fpc_resolved *all;
    fpc_recipe *is;
    int32_t n;
    fpc_status status = fpc_experiment_settings(s, arena, &n, &all);
    const char *text = status ? NULL : fpc_resolved_text(arena, all, n, 0, 0);

    if (status || !text || (status = fpc_recipe_parse(s->ctx, arena, "recipe", text, 0, NULL, &is)))
        return status ? status : FPC_ENOMEM;
    now = fpc_recipe_section(is, "model");
    for (int32_t i = 0; now && i < now->n; i++) {
        const fpc_entry *a = fpc_section_entry(before, now->entry[i].key), *b = &now->entry[i];
        const char *then = a ? a->value : fpc_normalized_key(b->key) ? "" : NULL; /* "": weights of before the key */
        if (then && strcmp(then, b->value) && strcmp(b->key, "max_params"))
            fpc_log(s->ctx, FPC_LOG_WARN, "%s = %s, but %s was trained with %s",
                    origin_of(arena, s->recipe, "model", b->key), b->value, t->weights, *then ? then : "none");
    }
    return FPC_OK;
}

static void compare_size(const fpc_trained *t, const fpc_experiment *s, fpc_arena *arena, const fpc_recipe *was)
{
    const fpc_entry *before = was ? fpc_section_entry(fpc_recipe_section(was, "dataset"), "size") : NULL;
    const fpc_entry *now = fpc_section_entry(fpc_recipe_section(s->recipe, "dataset"), "size");
    const fpc_dataset_info *is = &s->info;
    int32_t h = t->known.table.h, w = t->known.table.w;

    if (!h && before) /* older weights tell by their recipe alone */
        fpc_trained_size(before->value, &h, &w);
    if (h < 1 || is->h < 1 || (h == is->h && w == is->w))
        return;
    fpc_log(s->ctx, FPC_LOG_WARN, "%s = %s: pictures of %dx%d (height x width), but %s was trained at %dx%d",
            origin_of(arena, s->recipe, "dataset", "size"), now ? now->value : "(default)", is->h, is->w, t->weights, h,
            w);
}

static const fpc_entry *stated_fit(const fpc_experiment *s)
{
    return fpc_section_entry(fpc_recipe_section(s->recipe, "dataset"), "fit");
}

int32_t fpc_trained_fit(const fpc_trained *t, const fpc_experiment *s)
{
    return stated_fit(s) || !t->text ? s->info.fit : t->known.table.fit;
}

/* Where the recipe states none, pictures are predicted as the weights were trained, but those of the data set are read
 * otherwise. */
static void compare_fit(const fpc_trained *t, const fpc_experiment *s, fpc_arena *arena)
{
    const fpc_entry *now = stated_fit(s);

    if (t->text && s->info.fit != t->known.table.fit && (now || s->data))
        fpc_log(s->ctx, FPC_LOG_WARN, "%s = %s%s, but %s was trained with %s",
                origin_of(arena, s->recipe, "dataset", "fit"), fpc_fit_name(s->info.fit), now ? "" : " (default)",
                t->weights, fpc_fit_name(t->known.table.fit));
}

static fpc_status compare_classes(const fpc_trained *t, const fpc_experiment *s, fpc_arena *arena)
{
    const fpc_dataset_info *is = s->data ? &s->info : &s->stated;
    const char *difference, *text;
    fpc_status status;

    if (!t->classes || t->known.bare || is->classes < 1)
        return FPC_OK;
    if (!(text = fpc_classes_text(arena, is)))
        return FPC_ENOMEM;
    if (!(status = fpc_classes_differ(s->ctx, arena, t->weights, t->classes, text, &difference)) && *difference)
        fpc_log(s->ctx, FPC_LOG_WARN, "%s: other classes than those that %s was trained with: %s",
                origin_of(arena, s->recipe, "dataset", "classes"), t->weights, difference);
    return status;
}

fpc_status fpc_trained_compare(const fpc_trained *t, const fpc_experiment *s, int size)
{
    fpc_arena *arena = fpc_arena_new(s->ctx);
    fpc_recipe *was = NULL;
    fpc_status status = arena ? FPC_OK : FPC_ENOMEM;

    if (!status && t->text)
        status = fpc_recipe_parse(s->ctx, arena, t->weights, t->text, 0, NULL, &was);
    if (!status && was)
        status = compare_model(t, s, arena, was);
    if (!status && size)
        compare_size(t, s, arena, was);
    if (!status)
        compare_fit(t, s, arena);
    if (!status)
        status = compare_classes(t, s, arena);
    fpc_arena_free(arena);
    return status;
}

/* ---- writing ---- */

/* The paths that the recipe states, by their keys: who measures elsewhere has to give them again. */
static const char *lost_paths(const fpc_experiment *s, fpc_arena *arena)
{
    const fpc_resolved *all;
    const char *list = "";
    int32_t n;

    if (fpc_experiment_settings(s, arena, &n, &all))
        return NULL;
    for (int32_t i = 0; i < n && list; i++)
        if (all[i].reads && !all[i].classes)
            list = fpc_sprintf(arena, "%s%s%s.%s", list, *list ? " " : "", all[i].section, all[i].key);
    return list;
}

int32_t fpc_trained_meta(const fpc_experiment *s, fpc_arena *arena, const char *identity, const char *classes,
                         fpc_st_meta *to)
{
    int32_t n = 0;

    to[n++] = (fpc_st_meta){"format", "pt"};
    to[n++] = (fpc_st_meta){FPC_META_MODEL, FPC_MODEL_FORMAT_TEXT};
    to[n++] = (fpc_st_meta){"fpcore.version", FPC_VERSION};
    to[n++] = (fpc_st_meta){"model", s->model.plugin->name};
    to[n++] = (fpc_st_meta){"parameters", fpc_sprintf(arena, "%lld", (long long)s->state->n_trainable)};
    to[n++] = (fpc_st_meta){FPC_META_INPUT, fpc_sprintf(arena, "%dx%d", s->info.h, s->info.w)};
    to[n++] = (fpc_st_meta){FPC_META_ORIENTATION, s->info.as_stored ? "file" : "apply"};
    if (s->info.fit != FPC_FIT_SQUEEZE)
        to[n++] = (fpc_st_meta){FPC_META_FIT, fpc_fit_name(s->info.fit)};
    to[n++] = (fpc_st_meta){"recipe", identity};
    to[n++] = (fpc_st_meta){FPC_META_PATHS, lost_paths(s, arena)};
    to[n++] = (fpc_st_meta){FPC_META_CLASSES, classes};
    n += fpc_labels_meta(s, arena, to + n);
    for (int32_t i = 0; i < n; i++)
        to[i].value = to[i].value ? to[i].value : "";
    return n;
}
