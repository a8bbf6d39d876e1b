/* recorded.c: reads a recorded run back (recorded.h). history.json is an object of arrays of equal length; the files
 * that come with the reports have seven columns, ours begin with the same ones and hold more. The file is hostile: its
 * size and the numbers of columns and epochs are bounded before anything is kept of it. */
#define _GNU_SOURCE
#include "record/recorded.h"
#include "record/run_files.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAMP = 15 /* YYYYMMDD_HHMMSS */ };

/* ---- columns ---- */

static fpc_status read_column(fpc_ctx *ctx, const char *path, const char *key, const json_t *array, double *out)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *one = json_array_get(array, i);
        if (!json_is_number(one) && !json_is_null(one))
            return fpc_fail(ctx, FPC_EFORMAT, "%s: %s, epoch %zu: is neither a number nor null", path, key, i + 1);
        out[i] = json_is_number(one) ? json_number_value(one) : NAN;
    }
    return FPC_OK;
}

static fpc_status check_columns(fpc_ctx *ctx, const char *path, json_t *root)
{
    const char *key, *first = NULL;
    json_t *array;
    size_t epochs = 0;

    if (!json_is_object(root) || !json_object_size(root))
        return fpc_fail(ctx, FPC_EFORMAT,
                        "%s: is no history: an object of arrays is needed, like {\"val_f_score\": [0.1, 0.2], ...}",
                        path);
    if (json_object_size(root) > FPC_RECORDED_COLUMNS)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: has %zu columns; at most %d are read", path, json_object_size(root),
                        FPC_RECORDED_COLUMNS);
    json_object_foreach(root, key, array)
    {
        if (!json_is_array(array))
            return fpc_fail(ctx, FPC_EFORMAT, "%s: is no history: `%s` is no array of numbers", path, key);
        if (!first) {
            first = key;
            epochs = json_array_size(array);
        }
        if (json_array_size(array) != epochs)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: `%s` has %zu epochs and `%s` %zu: arrays of equal length are needed",
                            path, first, epochs, key, json_array_size(array));
    }
    if (!epochs)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: the history holds no epoch yet", path);
    if ((int64_t)epochs > FPC_RECORDED_EPOCHS)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: has %zu epochs; at most %lld are read", path, epochs,
                        (long long)FPC_RECORDED_EPOCHS);
    return FPC_OK;
}

static fpc_status read_columns(fpc_ctx *ctx, fpc_arena *arena, const char *path, json_t *root, fpc_recorded *recorded)
{
    const fpc_status bad = check_columns(ctx, path, root);
    const char **column, *key;
    const double **value;
    json_t *array;

    if (bad)
        return bad;
    column = fpc_alloc(arena, json_object_size(root) * sizeof *column);
    value = fpc_alloc(arena, json_object_size(root) * sizeof *value);
    if (!column || !value)
        return FPC_ENOMEM;
    recorded->column = column;
    recorded->value = value;
    json_object_foreach(root, key, array)
    {
        double *v = fpc_alloc(arena, json_array_size(array) * sizeof *v);
        fpc_status status;

        if (!v || !(column[recorded->n_columns] = fpc_strdup(arena, key)))
            return FPC_ENOMEM;
        if ((status = read_column(ctx, path, key, array, v)))
            return status;
        value[recorded->n_columns++] = v;
        recorded->epochs = (int64_t)json_array_size(array);
    }
    return FPC_OK;
}

static fpc_status read_history(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_recorded *recorded)
{
    json_t *root;
    fpc_status status = fpc_json_read(ctx, path, &root);

    if (!status)
        status = read_columns(ctx, arena, path, root, recorded);
    json_decref(root);
    return status;
}

int fpc_recorded_begun(fpc_ctx *ctx, fpc_arena *arena, const char *path)
{
    struct stat about;
    const int folder = !stat(path, &about) && S_ISDIR(about.st_mode);
    json_t *root = fpc_json_glance(ctx, folder ? fpc_sprintf(arena, "%s/%s", path, FPC_RUN_MANIFEST) : path, NULL);
    const json_t *done = json_object_get(root, "epochs_done"), *column = json_object_iter_value(json_object_iter(root));
    const int none = folder ? json_is_integer(done) && json_integer_value(done) == 0
                            : json_is_array(column) && json_array_size(column) == 0;

    json_decref(root);
    if (none)
        fpc_log(ctx, FPC_LOG_WARN, "%s: no epoch is finished; the run is left out", path);
    return !none;
}

const double *fpc_recorded_column(const fpc_recorded *recorded, const char *key)
{
    for (int32_t i = 0; i < recorded->n_columns; i++)
        if (!strcmp(recorded->column[i], key))
            return recorded->value[i];
    return NULL;
}

/* ---- names ---- */

/* Whether YYYYMMDD_HHMMSS, with - or _ between, stands at `at`. */
static int is_stamp(const char *at)
{
    for (int i = 0; i < STAMP; i++)
        if (i == 8 ? at[i] != '_' && at[i] != '-' : !isdigit((unsigned char)at[i]))
            return 0;
    return 1;
}

/* The path whose last part has a name: that of "." is that of the folder it stands for. */
static const char *named_path(fpc_arena *arena, const fpc_recorded *recorded)
{
    const char *slash = strrchr(recorded->path, '/'), *base = slash ? slash + 1 : recorded->path;
    char *real = !strcmp(base, ".") || !strcmp(base, "..") ? realpath(recorded->path, NULL) : NULL;
    const char *path = real ? fpc_strdup(arena, real) : recorded->path;

    free(real);
    return path;
}

/* "lmsa_v1__microsegformer_20251007_153857.json" and "lmsa_v1-20251007-153857-2" to name, when and label. */
static fpc_status read_names(fpc_arena *arena, fpc_recorded *recorded)
{
    const char *path = named_path(arena, recorded), *rest = "";
    size_t n = path ? strlen(path) : 0, stem, begin;
    char *base, *found = NULL;

    while (n > 1 && path[n - 1] == '/')
        n--;
    for (begin = n; begin > 0 && path[begin - 1] != '/'; begin--)
        ;
    if (!path || !(base = fpc_sprintf(arena, "%.*s", (int)(n - begin), path + begin)))
        return FPC_ENOMEM;
    stem = strlen(base);
    if (!recorded->folder && stem > 5 && !strcmp(base + stem - 5, ".json"))
        base[stem -= 5] = '\0';
    for (size_t i = 1; i + STAMP <= stem; i++)
        if ((base[i - 1] == '_' || base[i - 1] == '-') && is_stamp(base + i))
            found = base + i;
    recorded->name = recorded->when = "";
    if (found) {
        rest = found + STAMP;
        if (!(recorded->when = fpc_sprintf(arena, "%.8s_%.6s", found, found + 9)))
            return FPC_ENOMEM;
        const int by_reports = found[-1] == '_'; /* a name of ours ends where the time begins, and may hold __ */
        found[-1] = '\0';
        if ((found = by_reports ? strstr(base, "__") : NULL) && found > base)
            *found = '\0';
    }
    recorded->name = base;
    recorded->label = *recorded->when ? fpc_sprintf(arena, "%s (%s%s)", base, recorded->when + 4, rest) : base;
    return recorded->label ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_recorded_labels(fpc_arena *arena, int32_t n, fpc_recorded *const *recorded)
{
    for (int32_t i = 1; i < n; i++) {
        const char *label = recorded[i]->label;
        for (int32_t k = 2, j = 0; j < i; j++) {
            if (strcmp(recorded[j]->label, label))
                continue;
            if (!(label = fpc_sprintf(arena, "%s #%d", recorded[i]->label, (int)k++)))
                return FPC_ENOMEM;
            j = -1; /* once more against all */
        }
        recorded[i]->label = label;
    }
    return FPC_OK;
}

/* ---- what a folder holds beside the history ---- */

static const char *value_of(const fpc_recorded *recorded, const char *section, const char *key)
{
    const fpc_section *s = recorded->recipe ? fpc_recipe_section(recorded->recipe, section) : NULL;
    const fpc_entry *e = s ? fpc_section_entry(s, key) : NULL;

    return e ? e->value : NULL;
}

int64_t fpc_recorded_number(const fpc_recorded *recorded, const char *section, const char *key, int64_t other)
{
    const char *text = value_of(recorded, section, key);
    char *end;

    if (!text)
        return other;
    errno = 0;
    const long long v = strtoll(text, &end, 10);
    return errno || end == text || *end ? other : v;
}

static fpc_status take_manifest(fpc_arena *arena, const json_t *log, fpc_recorded *recorded)
{
    const char *status = json_string_value(json_object_get(log, "status"));
    const char *name = json_string_value(json_object_get(log, "name"));

    if (status && recorded->folder && fpc_run_end_in(recorded->folder, status) == FPC_RUN_KILLED)
        status = fpc_run_end_word(FPC_RUN_KILLED);
    if (status && !(recorded->ended = fpc_strdup(arena, status)))
        return FPC_ENOMEM;
    if (name && *name && !(recorded->name = fpc_strdup(arena, name)))
        return FPC_ENOMEM;
    recorded->parameters = json_integer_value(json_object_get(log, "parameters"));
    recorded->saved_epoch = json_integer_value(json_object_get(log, "best_epoch"));
    return FPC_OK;
}

static fpc_status read_manifest(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_recorded *recorded)
{
    json_t *log = fpc_json_glance(ctx, path, "how the run ended is unknown");
    const fpc_status status = log ? take_manifest(arena, log, recorded) : FPC_OK;

    json_decref(log);
    return status;
}

static fpc_status read_folder(fpc_ctx *ctx, fpc_arena *arena, fpc_recorded *recorded)
{
    const char *history = fpc_sprintf(arena, "%s/%s", recorded->path, FPC_RUN_HISTORY),
               *manifest = fpc_sprintf(arena, "%s/%s", recorded->path, FPC_RUN_MANIFEST),
               *recipe = fpc_sprintf(arena, "%s/%s", recorded->path, FPC_RUN_RECIPE);
    fpc_recipe *read = NULL;
    fpc_status status;

    if (!history || !manifest || !recipe)
        return FPC_ENOMEM;
    recorded->folder = recorded->path;
    if (access(history, F_OK))
        return fpc_fail(ctx, FPC_ENOENT, "%s: is no run folder, or its run finished no epoch: there is no %s",
                        recorded->path, FPC_RUN_HISTORY);
    if ((status = read_names(arena, recorded)) || (status = read_history(ctx, arena, history, recorded)) ||
        (status = read_manifest(ctx, arena, manifest, recorded)))
        return status;
    if (!access(recipe, F_OK)) {
        if ((status = fpc_recipe_read(ctx, arena, recipe, 0, NULL, &read)))
            return status;
        recorded->recipe = read;
    }
    return FPC_OK;
}

/* ---- what picks the best ---- */

const char *const fpc_recorded_usual[] = {"val_f_score",   "val_accuracy", "val_loss",
                                          "train_f_score", "train_loss",   NULL};

/* The column that the recipe names, else the first of the usual ones that has values. */
static fpc_status choose_monitor(fpc_arena *arena, fpc_recorded *recorded)
{
    const char *metric = value_of(recorded, "run", "metric");

    for (int part = 0; metric && part < 2; part++) {
        const char *key = fpc_sprintf(arena, "%s_%s", part ? "train" : "val", metric);
        if (!key)
            return FPC_ENOMEM;
        if (!recorded->monitor && fpc_recorded_has(recorded, key))
            recorded->monitor = key;
    }
    for (int32_t i = 0; fpc_recorded_usual[i] && !recorded->monitor; i++)
        if (fpc_recorded_has(recorded, fpc_recorded_usual[i]))
            recorded->monitor = fpc_recorded_usual[i];
    recorded->watched = recorded->monitor;
    recorded->higher_is_better = !recorded->monitor || !strstr(recorded->monitor, "loss");
    return FPC_OK;
}

int64_t fpc_recorded_best(const fpc_recorded *recorded)
{
    return recorded->monitor ? fpc_series_best(recorded->epochs, fpc_recorded_column(recorded, recorded->monitor),
                                               recorded->higher_is_better)
                             : -1;
}

void fpc_recorded_judge(fpc_recorded *recorded)
{
    const int64_t meant = fpc_recorded_number(recorded, "run", "epochs", 0);

    recorded->truncated = !recorded->ended && recorded->epochs > 1 &&
                          fpc_recorded_best(recorded) == recorded->epochs - 1 &&
                          (meant == 0 || recorded->epochs < meant);
}

fpc_status fpc_recorded_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_recorded **out)
{
    fpc_recorded *recorded = fpc_alloc(arena, sizeof *recorded);
    struct stat st;
    fpc_status status;

    if (!recorded || !(recorded->path = fpc_strdup(arena, path)))
        return FPC_ENOMEM;
    if (stat(path, &st))
        return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        status = read_folder(ctx, arena, recorded);
    else if (!(status = read_names(arena, recorded)))
        status = read_history(ctx, arena, path, recorded);
    if (status || (status = choose_monitor(arena, recorded)))
        return status;
    recorded->lr_is_next =
        !recorded->folder && !fpc_recorded_column(recorded, "grad_norm"); /* which every record of ours has */
    fpc_recorded_judge(recorded);
    *out = recorded;
    return FPC_OK;
}
