/* read.c: the runs behind the words of a command line: run folders, folders that hold run folders (a sweep),
 * lone history files. Reads the record, the resolved recipe, the manifest and the scores per picture, and says of each
 * run whether it is to be taken as finished. Files are hostile: columns are checked for kind and length. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"
#include "base/message.h"
#include "recipe/sections.h"
#include "record/run_files.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_RUNS = 10000 };

static const char *join(fpc_comparison *c, const char *folder, const char *name)
{
    return fpc_sprintf(c->arena, "%s/%s", folder, name);
}

static int is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* ---- the recipe ---- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const fpc_setting *)a)->key, ((const fpc_setting *)b)->key);
}

static const char *value_of(const fpc_recipe *recipe, const char *section, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return e ? e->value : "";
}

/* Augmentations run in the order of their sections. */
static const char *augment_order(fpc_comparison *c, const fpc_recipe *recipe)
{
    const char *order = "";

    for (int32_t i = 0; i < recipe->n && order; i++)
        if (fpc_section_kind(recipe->section[i].name) == FPC_AUGMENT && *fpc_section_label(recipe->section[i].name))
            order =
                fpc_sprintf(c->arena, "%s%s%s", order, *order ? " " : "", fpc_section_label(recipe->section[i].name));
    return order;
}

static fpc_status take_recipe(fpc_comparison *c, fpc_compared_run *r, const fpc_recipe *recipe)
{
    int32_t n = 1;

    for (int32_t i = 0; i < recipe->n; i++)
        n += recipe->section[i].n;
    if (!(r->setting = fpc_alloc(c->arena, (size_t)n * sizeof *r->setting)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < recipe->n; i++)
        for (int32_t k = 0; k < recipe->section[i].n; k++) {
            const fpc_entry *e = &recipe->section[i].entry[k];
            const fpc_key_role role = fpc_key_role_of(recipe->section[i].name, e->key);
            if (role == FPC_KEY_REPEAT || role == FPC_KEY_MACHINE)
                continue;
            const char *key = fpc_sprintf(c->arena, "%s.%s", recipe->section[i].name, e->key);
            if (!key)
                return FPC_ENOMEM;
            r->setting[r->n_settings++] = (fpc_setting){key, e->value};
        }
    if (!(r->setting[r->n_settings].value = augment_order(c, recipe)))
        return FPC_ENOMEM;
    if (strchr(r->setting[r->n_settings].value, ' '))
        r->setting[r->n_settings++].key = "augment (order)";
    qsort(r->setting, (size_t)r->n_settings, sizeof *r->setting, by_key);
    return FPC_OK;
}

/* The plugin behind the column "val_LABEL" that picked the best epoch. */
static const char *metric_of(fpc_comparison *c, const fpc_recorded *recorded)
{
    const char *label = recorded->watched ? strchr(recorded->watched, '_') : NULL;
    const char *section = label ? fpc_sprintf(c->arena, "metric.%s", label + 1) : NULL;

    return section ? value_of(recorded->recipe, section, "use") : "";
}

/* A sweep's runs are named RECIPE,KEY=VALUE,sSEED. */
static const char *without_seed(fpc_comparison *c, const char *name, const char *seed)
{
    char *common = fpc_strdup(c->arena, name);
    const char *tail = fpc_sprintf(c->arena, ",s%s", seed);
    const size_t n = common ? strlen(common) : 0, m = tail ? strlen(tail) : 0;

    if (n > m && m && !strcmp(common + n - m, tail))
        common[n - m] = '\0';
    return tail ? common : NULL;
}

static fpc_status read_recipe(fpc_comparison *c, fpc_compared_run *r)
{
    const fpc_status status = take_recipe(c, r, r->recorded->recipe);

    if (status)
        return status;
    r->seed = value_of(r->recorded->recipe, "run", "seed");
    r->metric = metric_of(c, r->recorded);
    return (r->recipe = without_seed(c, r->recorded->name, r->seed)) ? FPC_OK : FPC_ENOMEM;
}

/* ---- how it ended ---- */

static fpc_status judge_end(fpc_comparison *c, fpc_compared_run *r)
{
    const long long n = r->recorded->epochs, planned = fpc_recorded_number(r->recorded, "run", "epochs", 0);
    const char *ended = r->recorded->ended, *how = NULL;
    const fpc_run_end end = fpc_run_end_of(ended);

    if (fpc_run_is_done(end))
        r->finished = 1;
    else if (end == FPC_RUN_INTERRUPTED)
        how = fpc_sprintf(c->arena, "was interrupted behind epoch %lld of %lld", n, planned);
    else if (end == FPC_RUN_RUNNING)
        how = fpc_sprintf(c->arena, "is still running, behind epoch %lld of %lld", n, planned);
    else if (end == FPC_RUN_KILLED)
        how = fpc_sprintf(c->arena, "was killed behind epoch %lld of %lld", n, planned);
    else if (ended)
        how = fpc_sprintf(c->arena, "%s behind epoch %lld of %lld", ended, n, planned);
    else if (r->recorded->truncated)
        how = fpc_sprintf(
            c->arena, "the history ends at its best epoch, %lld: truncated, it seems; what came later is unknown", n);
    else if (n < planned)
        how = fpc_sprintf(c->arena, "ends behind epoch %lld of %lld; why is not recorded", n, planned);
    else
        r->finished = 1;
    r->remark = how;
    return r->finished || how ? FPC_OK : FPC_ENOMEM;
}

/* ---- runs ---- */

void fpc_run_summary_of(int64_t n, const double *val, const double *train, int higher, fpc_run_summary *s)
{
    const int64_t best = fpc_series_best(n, val, higher);
    int64_t end;

    *s = (fpc_run_summary){0, 0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (best < 0)
        return;
    s->best_epoch = best + 1;
    s->best = val[best];
    s->train = train ? train[best] : NAN;
    s->gap = s->train - s->best;
    s->last = val[n - 1];
    s->drop = s->best - s->last;
    s->after = fpc_series_mean(n - best - 1, val + best + 1);
    s->last10 = fpc_series_last(n, val, 10);
    s->top5 = fpc_series_top(n, val, 5, higher);
    s->window = fpc_series_window(n, val, 5, higher, &end);
    s->window_end = end + 1;
    s->jitter = n > 31 ? fpc_series_change_sigma(n - 30, val + 30) : NAN;
}

static fpc_status read_scores(fpc_comparison *c, fpc_compared_run *r)
{
    const char *path = r->recorded->folder ? join(c, r->recorded->folder, FPC_RUN_VALIDATION) : NULL;

    if (!path || access(path, F_OK))
        return r->recorded->folder && !path ? FPC_ENOMEM : FPC_OK;
    return fpc_validation_read(c->ctx, c->arena, path, &r->scores);
}

static fpc_status read_run(fpc_comparison *c, const char *path)
{
    fpc_compared_run *r = &c->run[c->n_runs];
    fpc_status status;

    if (!fpc_recorded_begun(c->ctx, c->arena, path)) /* no mistake of whoever names a sweep's folder */
        return FPC_OK;
    *r = (fpc_compared_run){.metric = "", .seed = ""};
    if ((status = fpc_recorded_read(c->ctx, c->arena, path, &r->recorded)))
        return status;
    if (!r->recorded->watched)
        return fpc_fail(c->ctx, FPC_EFORMAT, "%s: no column to compare: neither that of run.metric nor val_f_score",
                        path);
    r->recipe = r->recorded->label;
    if ((r->recorded->recipe && (status = read_recipe(c, r))) || (status = read_scores(c, r)))
        return status;
    c->n_runs++;
    return FPC_OK;
}

static int is_known(const fpc_comparison *c, const char *path)
{
    struct stat a, b;

    for (int32_t i = 0; i < c->n_runs; i++)
        if (!stat(path, &a) && !stat(c->run[i].recorded->path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return 1;
    return 0;
}

static fpc_status add_run(fpc_comparison *c, const char *path)
{
    if (is_known(c, path))
        return FPC_OK;
    if (c->n_runs >= MAX_RUNS)
        return fpc_fail(c->ctx, FPC_EINVAL, "fpcore compare: more than %d runs", MAX_RUNS);
    return read_run(c, path);
}

/* The run folders in a folder and in the folders of it. */
static fpc_status add_all(fpc_comparison *c, const char *folder)
{
    const char **path;
    int32_t n;
    fpc_status status = fpc_run_folders(c->ctx, c->arena, folder, &n, &path);

    if (!status && !n)
        return fpc_fail(c->ctx, FPC_ENOENT,
                        "%s: neither a run folder (no recipe.ini) nor a folder that holds some, or folders of some",
                        folder);
    for (int32_t i = 0; i < n && !status; i++)
        status = add_run(c, path[i]);
    return status;
}

static fpc_status measure(fpc_comparison *c, fpc_compared_run *r)
{
    const fpc_recorded *p = r->recorded;
    const char *label = !strncmp(p->monitor, "val_", 4) ? p->monitor + 4 : NULL,
               *train = label ? fpc_sprintf(c->arena, "train_%s", label) : NULL;

    if (label && !train)
        return FPC_ENOMEM;
    r->val = fpc_recorded_column(p, p->monitor);
    r->train = train ? fpc_recorded_column(p, train) : NULL;
    fpc_run_summary_of(c->measure ? p->epochs : 0, r->val, r->train, p->higher_is_better, &r->summary);
    return judge_end(c, r);
}

/* Names, and the column that ranks all runs: the numbers of each are taken from it. */
static fpc_status measure_all(fpc_comparison *c, const char *metric)
{
    fpc_recorded **recorded = fpc_alloc(c->arena, ((size_t)c->n_runs + 1) * sizeof *recorded);
    fpc_status status;
    int ranked = 1;

    if (!recorded)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < c->n_runs; i++)
        recorded[i] = c->run[i].recorded;
    if ((status = fpc_recorded_labels(c->arena, c->n_runs, recorded)) || !c->n_runs)
        return status;
    for (int32_t i = 0; i < c->n_runs && metric && !status; i++)
        status = fpc_recorded_check(c->ctx, c->arena, "fpcore compare", metric, recorded[i]);
    if (status || (status = fpc_recorded_common(c->arena, c->n_runs, recorded, metric, &c->measured, &ranked)))
        return status;
    c->measure = ranked ? recorded[0]->monitor : NULL;
    for (int32_t i = 0; i < c->n_runs && !status; i++)
        status = measure(c, &c->run[i]);
    return status;
}

fpc_status fpc_compare_read(fpc_comparison *c, int32_t n, const char *const *path, const char *metric)
{
    fpc_status status = FPC_OK;

    if (!(c->run = fpc_alloc(c->arena, (size_t)MAX_RUNS * sizeof *c->run)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n && !status; i++) {
        struct stat st;
        if (stat(path[i], &st))
            return fpc_fail(c->ctx, FPC_ENOENT, "%s: cannot be read: %s", path[i], strerror(errno));
        status = is_folder(path[i]) && !fpc_is_run(path[i]) ? add_all(c, path[i]) : add_run(c, path[i]);
    }
    return status ? status : measure_all(c, metric);
}
