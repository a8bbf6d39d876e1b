/* find.c: the recorded runs that words of the command line name. A run folder or a history file that cannot be
 * read is an error where it was named, and a warning where it was only found in a folder that was. A run without an
 * epoch is also left out where others were named. */
#define _GNU_SOURCE
#include "cmd/report/analyze/analyze.h"
#include "base/message.h"
#include "record/run_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_RUNS = 4096 };

typedef struct finder {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_recorded **recorded;
    int32_t n, without_history, unreadable;
} finder;

static int holds(const finder *f, const char *folder, const char *name)
{
    const char *path = fpc_sprintf(f->arena, "%s/%s", folder, name);

    return path && !access(path, F_OK);
}

static int is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static fpc_status add(finder *f, fpc_ctx *ctx, const char *path)
{
    fpc_recorded *recorded;
    fpc_status status;

    if (f->n == MAX_RUNS)
        return fpc_fail(ctx, FPC_EINVAL, "%s: more than %d runs are not read at once", path, MAX_RUNS);
    if ((status = fpc_recorded_read(ctx, f->arena, path, &recorded)))
        return status;
    f->recorded[f->n++] = recorded;
    return FPC_OK;
}

/* What was found in a folder need not be a history at all. */
static fpc_status try(finder *f, const char *path)
{
    fpc_ctx *own = fpc_ctx_new();

    if (!own)
        return fpc_fail(f->ctx, FPC_ENOMEM, "%s: no memory to read it", path);
    if (add(f, own, path)) {
        f->unreadable++;
        fpc_log(f->ctx, FPC_LOG_WARN, "%s; left out", fpc_ctx_error(own));
    }
    fpc_ctx_free(own);
    return FPC_OK;
}

static fpc_status add_named(finder *f, const char *path, int others)
{
    if (!others || fpc_recorded_begun(f->ctx, f->arena, path))
        return add(f, f->ctx, path);
    f->unreadable++;
    return FPC_OK;
}

/* A history, by its name. A sweep's own file is none. */
static int is_json(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".json") &&
           strcmp(entry->d_name, FPC_SWEEP_MANIFEST);
}

static fpc_status add_histories(finder *f, const char *folder)
{
    struct dirent **entry;
    const int n = scandir(folder, &entry, is_json, alphasort);
    fpc_status status = FPC_OK;

    if (n < 0)
        return fpc_fail(f->ctx, FPC_EIO, "%s: the folder cannot be read: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        const char *path =
            fpc_sprintf(f->arena, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", entry[i]->d_name);
        if (!path)
            status = FPC_ENOMEM;
        else if (!status && !is_folder(path))
            status = try(f, path);
        free(entry[i]);
    }
    free(entry);
    return status;
}

/* Run folders, those of sweeps in it, and lone histories. */
static fpc_status look_into(finder *f, const char *folder)
{
    const int32_t before = f->n + f->without_history + f->unreadable;
    const char **run;
    int32_t n;
    fpc_status status = fpc_run_folders(f->ctx, f->arena, folder, &n, &run);

    for (int32_t i = 0; i < n && !status; i++) {
        if (holds(f, run[i], FPC_RUN_HISTORY))
            status = try(f, run[i]);
        else
            f->without_history++;
    }
    if (!status)
        status = add_histories(f, folder);
    if (!status && f->n + f->without_history + f->unreadable == before)
        return fpc_fail(f->ctx, FPC_ENOENT,
                        "%s: is no run folder and holds none: there is no history.json, and no "
                        "folder with one",
                        folder);
    return status;
}

/* RUN/history.json beside its manifest means the run. NULL without memory. */
static const char *run_of(fpc_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *folder, *manifest;

    if (strcmp(slash ? slash + 1 : path, FPC_RUN_HISTORY))
        return path;
    folder = !slash ? "." : slash == path ? "/" : fpc_sprintf(arena, "%.*s", (int)(slash - path), path);
    manifest = folder ? fpc_sprintf(arena, "%s/%s", folder, FPC_RUN_MANIFEST) : NULL;
    return !manifest ? NULL : access(manifest, F_OK) ? path : folder;
}

fpc_status fpc_analyze_find(fpc_ctx *ctx, fpc_arena *arena, int32_t n, const char *const *operand, int32_t *n_past,
                            fpc_recorded ***recorded, int32_t *without_history, int32_t *unreadable)
{
    finder f = {.ctx = ctx, .arena = arena, .recorded = fpc_alloc(arena, MAX_RUNS * sizeof(fpc_recorded *))};
    fpc_status status = f.recorded ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < n && !status; i++) {
        const char *path = run_of(arena, operand[i]);
        status = !path                                           ? FPC_ENOMEM
                 : *path && is_folder(path) && !fpc_is_run(path) ? look_into(&f, path)
                                                                 : add_named(&f, path, n > 1);
    }
    if (!status)
        status = fpc_recorded_labels(arena, f.n, f.recorded);
    *n_past = f.n;
    *recorded = f.recorded;
    *without_history = f.without_history;
    *unreadable = f.unreadable;
    return status;
}

/* ---- names on the command line ---- */

static int means(const fpc_recorded *p, const char *name, int exactly)
{
    if (exactly)
        return !strcmp(p->label, name) || !strcmp(p->path, name);
    return strstr(p->label, name) != NULL;
}

int32_t fpc_analyze_named(fpc_analyses *all, const char *option, const char *text, size_t length)
{
    const char *name = fpc_sprintf(all->arena, "%.*s", (int)length, text), *list = "";
    int32_t found = -1, n = 0;

    for (int exactly = 1; name && *name && exactly >= 0 && !n; exactly--)
        for (int32_t i = 0; i < all->n; i++)
            if (means(all->run[i].recorded, name, exactly)) {
                list = fpc_sprintf(all->arena, "%s%s%s", list ? list : "", n ? ", " : "", all->run[i].recorded->label);
                found = i;
                n++;
            }
    if (n == 1)
        return found;
    if (n > 1)
        fpc_fail(all->ctx, FPC_EINVAL, "%s %s: may mean %s; a part of the name that only one run has is needed", option,
                 name, list ? list : "several runs");
    else
        fpc_fail(all->ctx, FPC_EINVAL, "%s %s: no run of this name was given", option, name ? name : "");
    return -1;
}
