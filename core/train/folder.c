/* folder.c: the folder of a run. A new one is filled under a hidden name (recipe, run.json, the checkpoint of step
 * 0) and then renamed, so that every run folder can be resumed, whenever its run was cut. A lock on the folder keeps
 * two processes from training into it. And the comparison of recipes: what may differ when a run goes on, and what not.
 */
#define _GNU_SOURCE
#include "recipe/sections.h"
#include "base/message.h"
#include "recipe/option_value.h"
#include "record/run_files.h"
#include "train/trainer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *fpc_trainer_path(fpc_trainer *t, const char *name)
{
    const char *path = fpc_sprintf(t->arena, "%s/%s", t->folder, name);

    return path ? path : name;
}

/* ---- the recipe without what may differ between a run and its resumption ---- */

static const fpc_option *in_table(const fpc_option *table, uint32_t stride, const char *key)
{
    const char *row = (const char *)table;

    for (; row && ((const fpc_option *)(const void *)row)->name; row += stride)
        if (!strcmp(((const fpc_option *)(const void *)row)->name, key))
            return (const fpc_option *)(const void *)row;
    return NULL;
}

/* The option behind a key, the core's or the plugin's; NULL: none. */
static const fpc_option *option_of(fpc_trainer *t, const char *section, const char *key)
{
    const uint32_t kind = fpc_section_kind(section);
    const fpc_section *s = fpc_recipe_section(t->experiment->recipe, section);
    const fpc_entry *use = s ? fpc_section_entry(s, "use") : NULL;
    const fpc_option *core = in_table(fpc_core_section(section), sizeof(fpc_option), key);
    const fpc_found *found;

    if (core || kind == 0 || !use || fpc_registry_find(t->experiment->registry, kind, use->value, use->origin, &found))
        return core;
    return in_table(found->plugin->options, found->plugin->option_size, key);
}

static int resumable(fpc_trainer *t, const char *section, const char *key)
{
    const fpc_option *o = option_of(t, section, key);

    return fpc_section_kind(section) == FPC_LOGGER || (o && (o->flags & FPC_OPT_RESUMABLE));
}

/* Whether a key has its default: a checkpoint of an older fpcore, which did not know it, agrees then. */
static int is_default(fpc_trainer *t, const char *section, const char *key, const char *text)
{
    const fpc_option *o = option_of(t, section, key);
    fpc_option row;
    fpc_opt_value value;
    const char *usual;

    if (!o || !o->def)
        return 0;
    row = *o;
    row.offset = 0;
    if (fpc_opt_parse(t->arena, &row, row.def, &value))
        return 0;
    usual = fpc_option_text(t->arena, &row, &value);
    return usual && !strcmp(usual, text);
}

struct line {
    const char *section, *key, *value;
};

/* Splits INI text, as fpcore itself writes it, in place. Returns the number of keys. */
static int32_t split_lines(char *text, struct line *line)
{
    const char *section = "";
    int32_t n = 0;

    for (char *at = text, *next; at && *at; at = next) {
        char *equals;
        if ((next = strchr(at, '\n')))
            *next++ = '\0';
        at += strspn(at, " \t");
        if (*at == '[') {
            section = at + 1;
            at[strcspn(at, "]")] = '\0';
        } else if (*at && *at != ';' && *at != '#' && (equals = strchr(at, '='))) {
            char *end = equals;
            while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
            *end = '\0';
            equals++;
            line[n++] = (struct line){section, at, equals + strspn(equals, " \t")};
        }
    }
    return n;
}

static int32_t lines_of(fpc_trainer *t, const char *text, struct line **out)
{
    char *copy = fpc_strdup(t->arena, text);
    size_t most = 1;

    for (const char *c = text; *c; c++)
        most += *c == '\n';
    *out = copy ? fpc_alloc(t->arena, most * sizeof **out) : NULL;
    return *out ? split_lines(copy, *out) : -1;
}

fpc_status fpc_trainer_recipe(fpc_trainer *t)
{
    const char *section = "", *text;
    struct line *line;
    int32_t n;
    size_t used = 0, cap;
    char *out;

    if (!(t->recipe = text = fpc_experiment_resolved(t->experiment, t->arena, 0)) || (n = lines_of(t, text, &line)) < 0)
        return FPC_ENOMEM;
    cap = strlen(text) + 8 * (size_t)n + 1;
    if (!(out = fpc_alloc(t->arena, cap)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        if (resumable(t, line[i].section, line[i].key))
            continue;
        if (strcmp(section, line[i].section))
            used += (size_t)snprintf(out + used, cap - used, "%s[%s]\n", used ? "\n" : "", line[i].section);
        section = line[i].section;
        used += (size_t)snprintf(out + used, cap - used, "%s = %s\n", line[i].key, line[i].value);
    }
    t->identity = out;
    return FPC_OK;
}

static const char *value_in(const struct line *line, int32_t n, const struct line *like)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(line[i].section, like->section) && !strcmp(line[i].key, like->key))
            return line[i].value;
    return NULL;
}

/* A run may move to another backend, whose keys are others: draws and order stay, values differ by rounding. */
static int moves(const struct line *was, int32_t n_was, const struct line *is, int32_t n_is)
{
    const struct line use = {"backend", "use", NULL};
    const char *from = value_in(was, n_was, &use), *to = value_in(is, n_is, &use);

    return from && to && strcmp(from, to) != 0;
}

fpc_status fpc_trainer_same_recipe(fpc_trainer *t, const char *identity, const char *origin)
{
    struct line *was, *is;
    const int32_t n_was = lines_of(t, identity, &was), n_is = lines_of(t, t->identity, &is);
    const char *list = "", *other;

    if (n_was < 0 || n_is < 0)
        return FPC_ENOMEM;
    const int moved = moves(was, n_was, is, n_is);
    for (int32_t i = 0; i < n_was && list; i++)
        if (!(moved && !strcmp(was[i].section, "backend")) &&
            (!(other = value_in(is, n_is, &was[i])) || strcmp(other, was[i].value)) &&
            !resumable(t, was[i].section, was[i].key))
            list = fpc_sprintf(t->arena, "%s\n  %s.%s = %s (the run: %s)", list, was[i].section, was[i].key,
                               other ? other : "nothing", was[i].value);
    for (int32_t i = 0; i < n_is && list; i++)
        if (!(moved && !strcmp(is[i].section, "backend")) && !value_in(was, n_was, &is[i]) &&
            !is_default(t, is[i].section, is[i].key, is[i].value))
            list = fpc_sprintf(t->arena, "%s\n  %s.%s = %s (the run: nothing)", list, is[i].section, is[i].key,
                               is[i].value);
    if (!list)
        return FPC_ENOMEM;
    if (*list)
        return fpc_fail(t->ctx, FPC_EINVAL,
                        "%s: the run was made with another recipe; it can go on only where these agree:%s", origin,
                        list);
    return FPC_OK;
}

/* ---- folders ---- */

static fpc_status lock_folder(fpc_trainer *t, const char *folder)
{
    t->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->lock < 0)
        return fpc_fail(t->ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: the run folder cannot be opened: %s",
                        folder, strerror(errno));
    if (flock(t->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return fpc_fail(t->ctx, FPC_EINVAL, "%s: another fpcore is training in this run folder", folder);
    return FPC_OK;
}

static fpc_status make_folders(fpc_trainer *t, const char *path)
{
    char *copy = fpc_strdup(t->arena, path);

    if (!copy)
        return FPC_ENOMEM;
    for (char *slash = copy + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        const char was = *slash;
        *slash = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            return fpc_fail(t->ctx, FPC_EIO, "run.out = %s: the folder %s cannot be made: %s", path, copy,
                            strerror(errno));
        *slash = was;
        if (!was)
            return FPC_OK;
    }
}

static fpc_status fill(fpc_trainer *t, const char *folder)
{
    const char *recipe = fpc_sprintf(t->arena, "%s/%s", folder, FPC_RUN_RECIPE);
    fpc_status status;

    if (!recipe)
        return FPC_ENOMEM;
    if ((status = lock_folder(t, folder)) ||
        (status = fpc_write_atomic(t->ctx, recipe, t->recipe, strlen(t->recipe))) ||
        (status = fpc_trainer_log_begin(t, folder)))
        return status;
    return fpc_trainer_save(t, folder);
}

static void discard(fpc_trainer *t, const char *folder)
{
    static const char *const file[] = {FPC_RUN_RECIPE, FPC_RUN_MANIFEST, FPC_RUN_LAST};

    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        const char *path = fpc_sprintf(t->arena, "%s/%s", folder, file[i]);
        if (path)
            unlink(path);
    }
    rmdir(folder);
}

/* Gives the folder its name: NAME-TIME, or NAME-TIME-2 ... where that is taken. */
static fpc_status publish(fpc_trainer *t, const char *hidden)
{
    const time_t now = time(NULL);
    const fpc_run_options *run = &t->experiment->run;
    struct tm local;
    char stamp[32];

    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    for (int k = 1; k < 1000; k++) {
        char *path = k == 1 ? fpc_sprintf(t->arena, "%s/%s-%s", run->out, run->name, stamp)
                            : fpc_sprintf(t->arena, "%s/%s-%s-%d", run->out, run->name, stamp, k);
        if (!path)
            return FPC_ENOMEM;
        if (!access(path, F_OK))
            continue;
        if (!rename(hidden, path)) {
            t->folder = path;
            return FPC_OK;
        }
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return fpc_fail(t->ctx, FPC_EIO, "%s: the run folder cannot be made: %s", path, strerror(errno));
    }
    return fpc_fail(t->ctx, FPC_EIO, "%s: no free name for a run folder %s-%s", run->out, run->name, stamp);
}

fpc_status fpc_trainer_new_folder(fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    char *hidden = fpc_sprintf(t->arena, "%s/.new-XXXXXX", run->out);
    fpc_status status;

    if (!*run->name || *run->name == '.' || strchr(run->name, '/'))
        return fpc_fail(t->ctx, FPC_EINVAL,
                        "run.name = %s: a folder's name is wanted, without / and not beginning with .", run->name);
    if (!*run->out)
        return fpc_fail(t->ctx, FPC_EINVAL, "run.out is empty; it names the folder of the runs");
    if (!hidden)
        return FPC_ENOMEM;
    if ((status = make_folders(t, run->out)))
        return status;
    if (!mkdtemp(hidden))
        return fpc_fail(t->ctx, FPC_EIO, "run.out = %s: no folder can be made there: %s", run->out, strerror(errno));
    chmod(hidden, 0755);
    if ((status = fill(t, hidden)) || (status = publish(t, hidden)))
        discard(t, hidden);
    return status;
}

/* What a killed process may have left half written. */
static void sweep(fpc_trainer *t)
{
    static const char *const file[] = {FPC_RUN_RECIPE ".tmp",    FPC_RUN_MANIFEST ".tmp", FPC_RUN_LAST ".tmp",
                                       FPC_RUN_BEST ".tmp",      FPC_RUN_HISTORY ".tmp",  FPC_RUN_HISTORY_CSV ".tmp",
                                       "curves.png.tmp",         "samples.png.tmp",       FPC_RUN_SWA ".tmp",
                                       FPC_RUN_VALIDATION ".tmp"};

    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        unlink(fpc_trainer_path(t, file[i]));
}

fpc_status fpc_run_resumable(fpc_ctx *ctx, const char *folder)
{
    static const char *const file[] = {FPC_RUN_RECIPE, FPC_RUN_LAST};
    struct stat st;
    fpc_status status = FPC_OK;

    if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        return fpc_fail(ctx, FPC_ENOENT, "--resume %s: no such run folder", folder);
    for (size_t i = 0; i < sizeof file / sizeof *file && !status; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, file[i]) < 0)
            return fpc_fail(ctx, FPC_ENOMEM, "out of memory");
        if (access(path, R_OK))
            status = fpc_fail(ctx, FPC_ENOENT, "--resume %s: there is no %s to go on from: %s", folder, file[i],
                              strerror(errno));
        free(path);
    }
    return status;
}

fpc_status fpc_trainer_old_folder(fpc_trainer *t)
{
    const size_t length = strlen(t->args->resume);
    char *folder = fpc_strdup(t->arena, t->args->resume);
    fpc_status status;

    if (!folder)
        return FPC_ENOMEM;
    for (size_t i = length; i > 1 && folder[i - 1] == '/'; i--)
        folder[i - 1] = '\0';
    t->folder = folder;
    if ((status = fpc_run_resumable(t->ctx, folder)) || (status = lock_folder(t, folder)))
        return status;
    sweep(t);
    if ((status = fpc_trainer_load(t)))
        return status;
    if ((status = fpc_write_atomic(t->ctx, fpc_trainer_path(t, FPC_RUN_RECIPE), t->recipe, strlen(t->recipe))))
        return status;
    return fpc_trainer_log_begin(t, folder);
}
