/* run_files.c: the folder of a run (run_files.h). What is read here may come from elsewhere: sizes are bounded, and
 * what is no plain file is refused. */
#define _GNU_SOURCE
#include "record/run_files.h"
#include "base/file.h"
#include "base/message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BYTES = 256 << 20 };

static const char *const word[] = {[FPC_RUN_UNKNOWN] = "unknown",         [FPC_RUN_RUNNING] = "running",
                                   [FPC_RUN_COMPLETE] = "complete",       [FPC_RUN_STOPPED] = "stopped early",
                                   [FPC_RUN_INTERRUPTED] = "interrupted", [FPC_RUN_DIVERGED] = "diverged",
                                   [FPC_RUN_FAILED] = "failed",           [FPC_RUN_KILLED] = "killed"};

const char *fpc_run_end_word(fpc_run_end end)
{
    return word[end];
}

fpc_run_end fpc_run_end_of(const char *text)
{
    for (size_t i = 0; text && i < sizeof word / sizeof *word; i++)
        if (!strcmp(word[i], text))
            return (fpc_run_end)i;
    return FPC_RUN_UNKNOWN;
}

int fpc_run_lock(const char *folder)
{
    const struct timespec pause = {0, 10000000};
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0;

    /* Who only looks whether the folder is locked holds the lock for a moment. */
    for (int i = 0; fd >= 0 && (failed = flock(fd, LOCK_EX | LOCK_NB)) && errno == EWOULDBLOCK && i < 30; i++)
        nanosleep(&pause, NULL);
    if (!failed || fd < 0 || errno != EWOULDBLOCK) /* a file system without locks */
        return fd;
    close(fd);
    errno = EWOULDBLOCK;
    return -1;
}

fpc_run_end fpc_run_end_in(const char *folder, const char *text)
{
    fpc_run_end end = fpc_run_end_of(text);
    int fd;

    if (end != FPC_RUN_RUNNING || (fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return end;
    if (!flock(fd, LOCK_SH | LOCK_NB))
        end = FPC_RUN_KILLED;
    close(fd);
    return end;
}

int fpc_run_is_done(fpc_run_end end)
{
    return end == FPC_RUN_COMPLETE || end == FPC_RUN_STOPPED;
}

int fpc_is_run(const char *folder)
{
    static const char *const file[] = {FPC_RUN_RECIPE, FPC_RUN_MANIFEST, FPC_RUN_HISTORY};
    int found = 0;

    for (size_t i = 0; i < sizeof file / sizeof *file && !found; i++) {
        char *path = NULL;
        found = asprintf(&path, "%s/%s", folder, file[i]) > 0 && !access(path, F_OK);
        free(path);
    }
    return found;
}

fpc_key_role fpc_key_role_of(const char *section, const char *key)
{
    static const struct {
        const char *section, *key;
        fpc_key_role role;
    } known[] = {{"run", "epochs", FPC_KEY_LENGTH},       {"run", "patience", FPC_KEY_LENGTH},
                 {"run", "seed", FPC_KEY_REPEAT},         {"run", "name", FPC_KEY_REPEAT},
                 {"run", "out", FPC_KEY_MACHINE},         {"run", "hours", FPC_KEY_MACHINE},
                 {"backend", "threads", FPC_KEY_MACHINE}, {"dataset", "readers", FPC_KEY_MACHINE},
                 {"dataset", "cache_mb", FPC_KEY_MACHINE}};

    if (!strncmp(section, "logger", 6))
        return FPC_KEY_MACHINE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].section, section) && !strcmp(known[i].key, key))
            return known[i].role;
    return FPC_KEY_RESULT;
}

/* ---- run folders in folders ---- */

enum { MAX_RUNS = 10000 };

typedef struct run_list {
    fpc_ctx *ctx;
    fpc_arena *arena;
    int32_t n;
    const char **path;
} run_list;

static int may_be_folder(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           (entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

static fpc_status add_runs(run_list *l, const char *folder, int levels)
{
    struct dirent **entry;
    const int n = scandir(folder, &entry, may_be_folder, alphasort);
    const size_t end = strlen(folder);
    fpc_status status = FPC_OK;

    if (n < 0) /* a folder of the user's that may not be read holds no runs; a file behind a link is none */
        return levels ? fpc_fail(l->ctx, FPC_EIO, "%s: the folder cannot be read: %s", folder, strerror(errno))
                      : FPC_OK;
    for (int i = 0; i < n; i++) {
        const char *path = status ? NULL
                                  : fpc_sprintf(l->arena, "%s%s%s", folder, end && folder[end - 1] == '/' ? "" : "/",
                                                entry[i]->d_name);
        if (!status && !path)
            status = FPC_ENOMEM;
        else if (path && fpc_is_run(path) && l->n == MAX_RUNS)
            status = fpc_fail(l->ctx, FPC_EINVAL, "%s: more than %d runs are not read at once", folder, MAX_RUNS);
        else if (path && fpc_is_run(path))
            l->path[l->n++] = path;
        else if (path && levels)
            status = add_runs(l, path, levels - 1);
        free(entry[i]);
    }
    free(entry);
    return status;
}

fpc_status fpc_run_folders(fpc_ctx *ctx, fpc_arena *arena, const char *folder, int32_t *n, const char ***path)
{
    run_list l = {.ctx = ctx, .arena = arena, .path = fpc_alloc(arena, MAX_RUNS * sizeof *l.path)};
    const fpc_status status = l.path ? add_runs(&l, folder, 1) : FPC_ENOMEM;

    *n = l.n;
    *path = l.path;
    return status;
}

/* ---- JSON ---- */

fpc_status fpc_json_read(fpc_ctx *ctx, const char *path, json_t **out)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    json_error_t error;
    char *text;
    size_t bytes;
    fpc_status status = arena ? fpc_read_file(ctx, arena, path, MAX_BYTES, &text, &bytes) : FPC_ENOMEM;

    *out = NULL;
    if (!status && !(*out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error)))
        status =
            fpc_fail(ctx, FPC_EFORMAT, "%s:%d: is no JSON, or only a part of it: %s%s", path, error.line, error.text,
                     strstr(error.text, "NaN") || strstr(error.text, "Infinity")
                         ? "; JSON has no such number, a missing value is null"
                         : "");
    if (arena)
        fpc_arena_free(arena);
    return status;
}

json_t *fpc_json_glance(fpc_ctx *ctx, const char *path, const char *consequence)
{
    fpc_ctx *own = path && !access(path, F_OK) ? fpc_ctx_new() : NULL;
    json_t *root = NULL;

    if (!own)
        return NULL;
    if (fpc_json_read(own, path, &root) && consequence)
        fpc_log(ctx, FPC_LOG_WARN, "%s; %s", fpc_ctx_error(own), consequence);
    fpc_ctx_free(own);
    return root;
}
