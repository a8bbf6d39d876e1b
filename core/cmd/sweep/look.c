/* look.c: what the folder of a sweep holds already. A trial's run is known by its name, or, where a value was spelt in
 * another way, by its recipe; whether a run may be taken for the trial is decided by the recipes, resolved, key by key.
 */
#define _GNU_SOURCE
#include "cmd/sweep/sweep.h"
#include "base/digest.h"
#include "base/file.h"
#include "record/run_files.h"
#include "recipe/scan.h"
#include "train/identity.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- run folders ---- */

/* -20260131-093000 or -20260131-093000-2 */
static int is_time(const char *text)
{
    static const char form[] = "-00000000-000000";

    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return 0;
    text += sizeof form - 1;
    return !*text || (*text == '-' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1));
}

static int is_run_of(const char *entry, const char *name)
{
    const size_t n = strlen(name);

    return !strncmp(entry, name, n) && is_time(entry + n);
}

static int is_run(const char *entry)
{
    const char *dash = *entry == '.' ? NULL : strchr(entry, '-');

    while (dash && !is_time(dash))
        dash = strchr(dash + 1, '-');
    return dash != NULL;
}

/* How the run of a folder ended, from its manifest. */
static fpc_trial_state state_of(fpc_ctx *ctx, fpc_arena *arena, const char *folder, int64_t *epochs_done)
{
    const char *path = fpc_sprintf(arena, "%s/%s", folder, FPC_RUN_MANIFEST);
    json_t *log = fpc_json_glance(ctx, path, "how the run ended is unknown");
    const fpc_run_end end = fpc_run_end_of(json_string_value(json_object_get(log, "status")));

    *epochs_done = json_integer_value(json_object_get(log, "epochs_done"));
    json_decref(log);
    return fpc_run_is_done(end) ? FPC_TRIAL_DONE : end == FPC_RUN_DIVERGED ? FPC_TRIAL_DIVERGED : FPC_TRIAL_CUT;
}

/* Of several runs of a trial one that is done, else the latest. A child's own state is known better here. */
static fpc_status take_folder(fpc_sweep *s, fpc_trial *c, const char *entry)
{
    const char *folder = fpc_sprintf(s->cmd->arena, "%s/%s", s->out, entry);
    int64_t done;

    if (!folder)
        return FPC_ENOMEM;
    const fpc_trial_state state = state_of(s->cmd->ctx, s->cmd->arena, folder, &done);
    if (c->folder && (c->state > state || (c->state == state && strcmp(c->folder, folder) > 0)))
        return FPC_OK;
    c->folder = folder;
    c->epochs_done = done;
    if (c->state < FPC_TRIAL_RUNNING)
        c->state = state;
    return FPC_OK;
}

double *fpc_sweep_history(fpc_ctx *ctx, fpc_arena *arena, fpc_trial *c, int64_t *n)
{
    const char *path = fpc_sprintf(arena, "%s/%s", c->folder, FPC_RUN_HISTORY);
    json_t *root = fpc_json_glance(ctx, path, c->told ? NULL : "the run is not compared with others"),
           *list = json_object_get(root, c->column);
    double *value = NULL;

    c->told |= !root && path && !access(path, F_OK);
    *n = (int64_t)json_array_size(list);
    if (*n > 0 && (value = fpc_alloc(arena, (size_t)*n * sizeof *value)))
        for (int64_t i = 0; i < *n; i++) {
            const json_t *one = json_array_get(list, (size_t)i);
            value[i] = json_is_number(one) ? c->sign * json_number_value(one) : NAN;
        }
    json_decref(root);
    return value;
}

static int64_t number_in(const fpc_recipe *recipe, const char *section, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return e ? strtoll(e->value, NULL, 10) : 0;
}

/* A run of no trial's name. Its recipe says its seed; one that has none that can be read is none of the sweep's. */
static fpc_status add_stray(fpc_sweep *s, const char *entry)
{
    fpc_arena *arena = s->cmd->arena;
    const char *path = fpc_sprintf(arena, "%s/%s/%s", s->out, entry, FPC_RUN_RECIPE), *why;
    fpc_stray *more =
        s->n_strays == s->cap_strays ? fpc_alloc(arena, (size_t)(2 * s->cap_strays + 16) * sizeof *more) : s->stray;
    fpc_recipe *recipe;
    char *text;
    size_t bytes;

    if (!path || !more)
        return FPC_ENOMEM;
    if (more != s->stray) {
        if (s->n_strays)
            memcpy(more, s->stray, (size_t)s->n_strays * sizeof *more);
        s->stray = more;
        s->cap_strays = 2 * s->cap_strays + 16;
    }
    if (fpc_read_file_why(arena, path, FPC_RECIPE_BYTES, &text, &bytes, &why) ||
        fpc_recipe_parse(s->cmd->ctx, arena, path, text, 0, NULL, &recipe)) {
        fpc_ctx_clear(s->cmd->ctx);
        return FPC_OK;
    }
    fpc_stray *stray = &s->stray[s->n_strays++];
    *stray = (fpc_stray){.entry = fpc_strdup(arena, entry), .seed = number_in(recipe, "run", "seed")};
    stray->lines = fpc_identity_lines(arena, text, &stray->n_lines);
    return stray->entry && stray->lines ? FPC_OK : FPC_ENOMEM;
}

static fpc_status find(fpc_sweep *s, int strays)
{
    DIR *dir = opendir(s->out);
    const struct dirent *entry;
    fpc_status status = FPC_OK;

    if (!dir)
        return errno == ENOENT ? FPC_OK
                               : fpc_fail(s->cmd->ctx, FPC_EIO, "%s: the sweep's folder cannot be read: %s", s->out,
                                          strerror(errno));
    while (!status && (entry = readdir(dir))) {
        int known = 0;
        for (int32_t i = 0; i < s->n && !status; i++)
            if (is_run_of(entry->d_name, s->trial[i].name)) {
                status = take_folder(s, &s->trial[i], entry->d_name);
                known = 1;
            }
        if (!status && strays && !known && is_run(entry->d_name))
            status = add_stray(s, entry->d_name);
    }
    closedir(dir);
    return status;
}

fpc_status fpc_sweep_find(fpc_sweep *s)
{
    return find(s, 0);
}

/* What may differ where a run is resumed by hand, and not within a sweep: the length of the training. */
static fpc_status same_length(fpc_experiment *experiment, fpc_arena *arena, const fpc_recipe *was)
{
    const fpc_resolved *all;
    int32_t n;
    fpc_status status = fpc_experiment_settings(experiment, arena, &n, &all);

    for (int32_t i = 0; i < n && !status; i++) {
        if (strcmp(all[i].section, "run") || fpc_key_role_of("run", all[i].key) != FPC_KEY_LENGTH)
            continue;
        const int64_t before = number_in(was, "run", all[i].key), wanted = strtoll(all[i].text, NULL, 10);
        if (before != wanted)
            status = fpc_fail(
                experiment->ctx, FPC_EINVAL,
                "%s: the run was made with run.%s = %lld, the sweep wants %lld; give it another folder (--out)",
                was->path, all[i].key, (long long)before, (long long)wanted);
    }
    return status;
}

static fpc_status same_recipe(fpc_sweep *s, fpc_arena *arena, const fpc_trial *c, fpc_experiment *experiment)
{
    const char *path = fpc_sprintf(arena, "%s/%s", c->folder, FPC_RUN_RECIPE), *why;
    fpc_recipe *was;
    const char *classes = fpc_sprintf(arena, "%s/%s", c->folder, FPC_CLASSES_FILE);
    char *text, *table;
    size_t bytes;
    fpc_status status;

    if (!path || !classes)
        return FPC_ENOMEM;
    if ((status = fpc_read_file_why(arena, path, FPC_RECIPE_BYTES, &text, &bytes, &why)))
        return fpc_fail(s->cmd->ctx, status, "%s: %s; remove the folder where the run is not wanted", path, why);
    if ((status = fpc_recipe_parse(s->cmd->ctx, arena, path, text, 0, NULL, &was)) ||
        (status = fpc_identity_agrees(experiment, arena, text, path)))
        return status;
    if (!fpc_read_file_why(arena, classes, FPC_RECIPE_BYTES, &table, &bytes,
                           &why) && /* there is none but for a file's */
        (status = fpc_identity_classes(experiment, arena, table, classes)))
        return status;
    return same_length(experiment, arena, was);
}

/* Whether the backend takes `threads` and the recipe leaves them to the program. */
static int leaves_threads(const fpc_experiment *experiment, fpc_arena *arena)
{
    const fpc_resolved *all, *threads = NULL;
    int32_t n;

    if (!fpc_experiment_settings(experiment, arena, &n, &all))
        threads = fpc_resolved_find(all, n, "backend", "threads");
    return threads && *threads->text == '0';
}

/* A digest of all that the recipe says, but for what the sweep sets by itself. */
static fpc_status find_meaning(fpc_experiment *experiment, fpc_arena *arena, uint64_t *out)
{
    const fpc_resolved *all;
    int32_t n;
    fpc_status status = fpc_experiment_settings(experiment, arena, &n, &all);

    *out = 0;
    for (int32_t i = 0; i < n && !status; i++) {
        const char *key = fpc_sprintf(arena, "%s.%s", all[i].section, all[i].key), *line;

        if (key && fpc_sweep_own_key(key))
            continue;
        line = fpc_sprintf(arena, "%llx %s = %s", (unsigned long long)*out, key ? key : "",
                           fpc_resolved_meaning(arena, &all[i], all[i].text));
        if (!key || !line)
            return FPC_ENOMEM;
        *out = fpc_digest(line, strlen(line));
    }
    return status;
}

/* The grid has a value twice that is spelt in two ways, or a recipe was named twice: the same would be trained twice,
 * and compared with itself. */
static fpc_status check_meanings(const fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i += s->each)
        for (int32_t k = 0; k < i; k += s->each) {
            const fpc_trial *a = &s->trial[k], *b = &s->trial[i];
            if (a->meaning != b->meaning)
                continue;
            if (a->recipe == b->recipe)
                return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                                "fpcore sweep: --grid: %s and %s mean the same; give each value once", a->label,
                                b->label);
            return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                            "fpcore sweep: --with %s: %s and %s mean the same recipe; give each once",
                            s->recipe[b->recipe], a->label, b->label);
        }
    return FPC_OK;
}

/* ---- strays ---- */

/* The strays by what their recipes come to under the tables of some trials. Most sweeps need one index; a sweep over
 * plugins, one for each. */
typedef struct digested {
    uint64_t digest;
    int32_t stray;
} digested;

typedef struct fpc_stray_index {
    struct fpc_stray_index *next;
    uint64_t tables;
    digested *of; /* sorted, one for each stray */
} fpc_stray_index;

static int by_digest(const void *a, const void *b)
{
    const digested *x = a, *y = b;

    if (x->digest != y->digest)
        return x->digest < y->digest ? -1 : 1;
    return x->stray < y->stray ? -1 : x->stray > y->stray;
}

/* The index for settings of these tables, made where it is missing. NULL: no memory. */
static const fpc_stray_index *index_for(fpc_sweep *s, fpc_arena *scratch, const fpc_resolved *all, int32_t n)
{
    const uint64_t tables = fpc_identity_tables(all, n);
    fpc_stray_index *index = s->indices;

    while (index && index->tables != tables)
        index = index->next;
    if (index)
        return index;
    if (!(index = fpc_alloc(s->cmd->arena, sizeof *index)) ||
        !(index->of = fpc_alloc(s->cmd->arena, ((size_t)s->n_strays + 1) * sizeof *index->of)))
        return NULL;
    for (int32_t i = 0; i < s->n_strays; i++) {
        index->of[i].stray = i;
        if (fpc_identity_digest(scratch, all, n, s->stray[i].lines, s->stray[i].n_lines, &index->of[i].digest))
            return NULL;
    }
    qsort(index->of, (size_t)s->n_strays, sizeof *index->of, by_digest);
    index->tables = tables;
    index->next = s->indices;
    return s->indices = index;
}

/* Takes a stray where its recipe is the trial's. */
static fpc_status try_stray(fpc_sweep *s, fpc_arena *arena, fpc_trial *c, fpc_experiment *experiment,
                            const fpc_stray *stray)
{
    fpc_trial as_if = *c;
    fpc_status status;

    if (stray->seed != c->seed)
        return FPC_OK;
    as_if.folder = fpc_sprintf(arena, "%s/%s", s->out, stray->entry);
    status = as_if.folder ? same_recipe(s, arena, &as_if, experiment) : FPC_ENOMEM;
    if (!status)
        return take_folder(s, c, stray->entry);
    if (status == FPC_ENOMEM)
        return status;
    fpc_ctx_clear(s->cmd->ctx);
    return FPC_OK;
}

/* The run that an earlier sweep made of the same recipe under another name: a value was spelt in another way. Only
 * those are compared whose digest says that they may be. */
static fpc_status find_stray(fpc_sweep *s, fpc_arena *arena, fpc_trial *c, fpc_experiment *experiment)
{
    const fpc_resolved *all;
    const fpc_stray_index *index;
    uint64_t digest;
    int32_t n, low = 0, high = s->n_strays;
    fpc_status status;

    if (!s->n_strays)
        return FPC_OK;
    if ((status = fpc_experiment_settings(experiment, arena, &n, &all)) ||
        (status = fpc_identity_digest(arena, all, n, NULL, 0, &digest)))
        return status;
    if (!(index = index_for(s, arena, all, n)))
        return FPC_ENOMEM;
    while (low < high) { /* the first that is not less */
        const int32_t middle = low + (high - low) / 2;
        if (index->of[middle].digest < digest)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->n_strays && index->of[low].digest == digest && !status; low++)
        status = try_stray(s, arena, c, experiment, &s->stray[index->of[low].stray]);
    return status;
}

/* Opens the recipe of a trial as training would, but for data and model. */
static fpc_status look_at(fpc_sweep *s, fpc_trial *c)
{
    fpc_arena *arena = fpc_arena_new(s->cmd->ctx);
    fpc_recipe *recipe;
    fpc_experiment *experiment;
    fpc_status status = arena ? FPC_OK : FPC_ENOMEM;

    if (!status && !(status = fpc_recipe_read(s->cmd->ctx, arena, s->recipe[c->recipe], c->n_set, c->set, &recipe)) &&
        !(status = fpc_experiment_open(s->cmd->ctx, arena, s->cmd->plugin_path, recipe, FPC_OPEN_TRAIN, &experiment))) {
        status = find_meaning(experiment, arena, &c->meaning);
        c->epochs = experiment->run.epochs;
        c->has_threads = leaves_threads(experiment, arena);
        c->column = fpc_sprintf(s->cmd->arena, "val_%s", experiment->run.metric);
        c->sign = experiment->higher ? 1 : -1;
        if (!status)
            status = c->folder ? same_recipe(s, arena, c, experiment) : find_stray(s, arena, c, experiment);
    }
    if (arena)
        fpc_arena_free(arena);
    return status;
}

fpc_status fpc_sweep_look(fpc_sweep *s)
{
    fpc_status status = find(s, !s->folds); /* the recipe does not tell which fold a run of another name is of */

    for (int32_t i = 0; i < s->n && !status; i++) {
        fpc_trial *c = &s->trial[i];
        const fpc_trial *first = &s->trial[c->group * s->each];
        if (c->folder || c == first || s->n_strays) {
            status = look_at(s, c);
            continue;
        }
        c->meaning = first->meaning;
        c->epochs = first->epochs, c->has_threads = first->has_threads;
        c->column = first->column, c->sign = first->sign;
    }
    return status ? status : check_meanings(s);
}
