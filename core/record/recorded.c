/* recorded.c: reads a recorded run back (past.h). history.json is an object of arrays of equal length; the files that
 * come with the reports have seven columns, ours begin with the same ones and hold more. The file is hostile: its size
 * and the numbers of columns and epochs are bounded before anything is kept of it. */
#define _GNU_SOURCE
#include "record/recorded.h"
#include "base/message.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 256 << 20, STAMP = 15 /* YYYYMMDD_HHMMSS */ };

/* ---- a JSON file ---- */

static fpc_status slurp(fpc_ctx *ctx, const char *path, int fd, char **text, size_t *bytes)
{
    struct stat st;
    size_t used = 0;

    if (fstat(fd, &st))
        return fpc_fail(ctx, FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fpc_fail(ctx, FPC_EFORMAT, "%s: is neither a run folder nor a plain file", path);
    if (st.st_size > MAX_BYTES)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: has %lld bytes; a history has at most %d", path, (long long)st.st_size,
                        MAX_BYTES);
    if (!(*text = malloc((size_t)st.st_size + 1)))
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for its %lld bytes", path, (long long)st.st_size);
    while (used < (size_t)st.st_size) {
        const ssize_t got = read(fd, *text + used, (size_t)st.st_size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fpc_fail(ctx, FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            break;
        used += (size_t)got;
    }
    *bytes = used;
    return FPC_OK;
}

static fpc_status load_json(fpc_ctx *ctx, const char *path, json_t **out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;
    size_t bytes = 0;
    json_error_t error;
    fpc_status status;

    *out = NULL;
    if (fd < 0)
        return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
    status = slurp(ctx, path, fd, &text, &bytes);
    close(fd);
    if (!status && !(*out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error)))
        status =
            fpc_fail(ctx, FPC_EFORMAT, "%s:%d: is no JSON, or only a part of it: %s%s", path, error.line, error.text,
                     strstr(error.text, "NaN") || strstr(error.text, "Infinity")
                         ? "; JSON has no such number, a missing value is null"
                         : "");
    free(text);
    return status;
}

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
    if (json_object_size(root) > FPC_PAST_COLUMNS)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: has %zu columns; at most %d are read", path, json_object_size(root),
                        FPC_PAST_COLUMNS);
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
    if ((int64_t)epochs > FPC_PAST_EPOCHS)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: has %zu epochs; at most %lld are read", path, epochs,
                        (long long)FPC_PAST_EPOCHS);
    return FPC_OK;
}

static fpc_status read_columns(fpc_ctx *ctx, fpc_arena *arena, const char *path, json_t *root, fpc_past *past)
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
    past->column = column;
    past->value = value;
    json_object_foreach(root, key, array)
    {
        double *v = fpc_alloc(arena, json_array_size(array) * sizeof *v);
        fpc_status status;

        if (!v || !(column[past->n_columns] = fpc_strdup(arena, key)))
            return FPC_ENOMEM;
        if ((status = read_column(ctx, path, key, array, v)))
            return status;
        value[past->n_columns++] = v;
        past->epochs = (int64_t)json_array_size(array);
    }
    return FPC_OK;
}

static fpc_status read_history(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_past *past)
{
    json_t *root;
    fpc_status status = load_json(ctx, path, &root);

    if (!status)
        status = read_columns(ctx, arena, path, root, past);
    json_decref(root);
    return status;
}

const double *fpc_past_column(const fpc_past *past, const char *key)
{
    for (int32_t i = 0; i < past->n_columns; i++)
        if (!strcmp(past->column[i], key))
            return past->value[i];
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
static const char *named_path(fpc_arena *arena, const fpc_past *past)
{
    const char *slash = strrchr(past->path, '/'), *base = slash ? slash + 1 : past->path;
    char *real = !strcmp(base, ".") || !strcmp(base, "..") ? realpath(past->path, NULL) : NULL;
    const char *path = real ? fpc_strdup(arena, real) : past->path;

    free(real);
    return path;
}

/* "lmsa_v1__microsegformer_20251007_153857.json" and "lmsa_v1-20251007-153857-2" to name, when and label. */
static fpc_status read_names(fpc_arena *arena, fpc_past *past)
{
    const char *path = named_path(arena, past), *rest = "";
    size_t n = path ? strlen(path) : 0, stem, begin;
    char *base, *found = NULL;

    while (n > 1 && path[n - 1] == '/')
        n--;
    for (begin = n; begin > 0 && path[begin - 1] != '/'; begin--)
        ;
    if (!path || !(base = fpc_sprintf(arena, "%.*s", (int)(n - begin), path + begin)))
        return FPC_ENOMEM;
    stem = strlen(base);
    if (!past->folder && stem > 5 && !strcmp(base + stem - 5, ".json"))
        base[stem -= 5] = '\0';
    for (size_t i = 1; i + STAMP <= stem; i++)
        if ((base[i - 1] == '_' || base[i - 1] == '-') && is_stamp(base + i))
            found = base + i;
    past->name = past->when = "";
    if (found) {
        rest = found + STAMP;
        if (!(past->when = fpc_sprintf(arena, "%.8s_%.6s", found, found + 9)))
            return FPC_ENOMEM;
        const int by_reports = found[-1] == '_'; /* a name of ours ends where the time begins, and may hold __ */
        found[-1] = '\0';
        if ((found = by_reports ? strstr(base, "__") : NULL) && found > base)
            *found = '\0';
    }
    past->name = base;
    past->label = *past->when ? fpc_sprintf(arena, "%s (%s%s)", base, past->when + 4, rest) : base;
    return past->label ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_past_labels(fpc_arena *arena, int32_t n, fpc_past *const *past)
{
    for (int32_t i = 1; i < n; i++) {
        const char *label = past[i]->label;
        for (int32_t k = 2, j = 0; j < i; j++) {
            if (strcmp(past[j]->label, label))
                continue;
            if (!(label = fpc_sprintf(arena, "%s #%d", past[i]->label, (int)k++)))
                return FPC_ENOMEM;
            j = -1; /* once more against all */
        }
        past[i]->label = label;
    }
    return FPC_OK;
}

/* ---- what a folder holds beside the history ---- */

static const char *value_of(const fpc_past *past, const char *section, const char *key)
{
    const fpc_section *s = past->recipe ? fpc_recipe_section(past->recipe, section) : NULL;
    const fpc_entry *e = s ? fpc_section_entry(s, key) : NULL;

    return e ? e->value : NULL;
}

int64_t fpc_past_number(const fpc_past *past, const char *section, const char *key, int64_t other)
{
    const char *text = value_of(past, section, key);
    char *end;

    if (!text)
        return other;
    errno = 0;
    const long long v = strtoll(text, &end, 10);
    return errno || end == text || *end ? other : v;
}

static fpc_status take_papers(fpc_arena *arena, const json_t *log, fpc_past *past)
{
    const char *status = json_string_value(json_object_get(log, "status"));
    const char *name = json_string_value(json_object_get(log, "name"));

    if (status && !(past->ended = fpc_strdup(arena, status)))
        return FPC_ENOMEM;
    if (name && *name && !(past->name = fpc_strdup(arena, name)))
        return FPC_ENOMEM;
    past->parameters = json_integer_value(json_object_get(log, "parameters"));
    past->saved_epoch = json_integer_value(json_object_get(log, "best_epoch"));
    return FPC_OK;
}

/* The papers only add to the record: where they are broken, that is said, and the rest is read. */
static fpc_status read_papers(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_past *past)
{
    fpc_ctx *own;
    json_t *log;
    fpc_status status = FPC_OK;

    if (access(path, F_OK))
        return FPC_OK;
    if (!(own = fpc_ctx_new()))
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory to read it", path);
    if (load_json(own, path, &log))
        fpc_log(ctx, FPC_LOG_WARN, "%s; how the run ended is unknown", fpc_ctx_error(own));
    else
        status = take_papers(arena, log, past);
    json_decref(log);
    fpc_ctx_free(own);
    return status;
}

static fpc_status read_folder(fpc_ctx *ctx, fpc_arena *arena, fpc_past *past)
{
    const char *history = fpc_sprintf(arena, "%s/history.json", past->path),
               *papers = fpc_sprintf(arena, "%s/run.json", past->path),
               *recipe = fpc_sprintf(arena, "%s/recipe.ini", past->path);
    fpc_recipe *read = NULL;
    fpc_status status;

    if (!history || !papers || !recipe)
        return FPC_ENOMEM;
    past->folder = past->path;
    if (access(history, F_OK))
        return fpc_fail(ctx, FPC_ENOENT, "%s: is no run folder, or its run finished no epoch: there is no history.json",
                        past->path);
    if ((status = read_names(arena, past)) || (status = read_history(ctx, arena, history, past)) ||
        (status = read_papers(ctx, arena, papers, past)))
        return status;
    if (!access(recipe, F_OK)) {
        if ((status = fpc_recipe_read(ctx, arena, recipe, 0, NULL, &read)))
            return status;
        past->recipe = read;
    }
    return FPC_OK;
}

/* ---- what picks the best ---- */

static int has_values(const fpc_past *past, const char *key)
{
    const double *v = fpc_past_column(past, key);

    return v && fpc_series_best(past->epochs, v, 1) >= 0;
}

/* The column that the recipe names, else the first of the usual ones that has values. */
static fpc_status choose_monitor(fpc_arena *arena, fpc_past *past)
{
    static const char *const usual[] = {"val_f_score", "val_accuracy", "val_loss", "train_f_score", "train_loss"};
    const char *metric = value_of(past, "run", "metric");

    for (int part = 0; metric && part < 2; part++) {
        const char *key = fpc_sprintf(arena, "%s_%s", part ? "train" : "val", metric);
        if (!key)
            return FPC_ENOMEM;
        if (!past->monitor && has_values(past, key))
            past->monitor = key;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !past->monitor; i++)
        if (has_values(past, usual[i]))
            past->monitor = usual[i];
    past->higher_is_better = !past->monitor || !strstr(past->monitor, "loss");
    return FPC_OK;
}

int64_t fpc_past_best(const fpc_past *past)
{
    return past->monitor ? fpc_series_best(past->epochs, fpc_past_column(past, past->monitor), past->higher_is_better)
                         : -1;
}

void fpc_past_judge(fpc_past *past)
{
    const int64_t meant = fpc_past_number(past, "run", "epochs", 0);

    past->truncated = !past->ended && past->epochs > 1 && fpc_past_best(past) == past->epochs - 1 &&
                      (meant == 0 || past->epochs < meant);
}

fpc_status fpc_past_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_past **out)
{
    fpc_past *past = fpc_alloc(arena, sizeof *past);
    struct stat st;
    fpc_status status;

    if (!past || !(past->path = fpc_strdup(arena, path)))
        return FPC_ENOMEM;
    if (stat(path, &st))
        return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        status = read_folder(ctx, arena, past);
    else if (!(status = read_names(arena, past)))
        status = read_history(ctx, arena, path, past);
    if (status || (status = choose_monitor(arena, past)))
        return status;
    past->lr_is_next = !past->folder && !fpc_past_column(past, "grad_norm"); /* which every record of ours has */
    fpc_past_judge(past);
    *out = past;
    return FPC_OK;
}
