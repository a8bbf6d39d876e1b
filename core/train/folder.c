/* folder.c: the folder of a run. A new one is filled under a hidden name (recipe, run.json, the checkpoint of step
 * 0) and then renamed, so that every run folder can be resumed, whenever its run was cut. A lock on the folder keeps
 * two processes from training into it. */
#define _GNU_SOURCE
#include "base/message.h"
#include "record/run_files.h"
#include "base/file.h"
#include "train/trainer.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static fpc_status lock_folder(fpc_trainer *t, const char *folder)
{
    t->lock = fpc_run_lock(folder);
    if (t->lock < 0 && errno == EWOULDBLOCK)
        return fpc_fail(t->ctx, FPC_EINVAL, "%s: another fpcore is training in this run folder", folder);
    if (t->lock < 0)
        return fpc_fail(t->ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: the run folder cannot be opened: %s",
                        folder, strerror(errno));
    return FPC_OK;
}

static fpc_status make_folders(fpc_trainer *t, const char *path)
{
    const char *what = fpc_sprintf(t->arena, "run.out = %s", path);

    return what ? fpc_make_folders(t->ctx, what, path) : FPC_ENOMEM;
}

/* The recipe, and the classes that it names by the file beside it. */
static fpc_status write_recipe(fpc_trainer *t, const char *folder)
{
    const char *recipe = fpc_sprintf(t->arena, "%s/%s", folder, FPC_RUN_RECIPE);
    const char *classes = fpc_sprintf(t->arena, "%s/%s", folder, FPC_CLASSES_FILE);
    fpc_status status;

    if (!recipe || !classes)
        return FPC_ENOMEM;
    if (t->own_classes && (status = fpc_write_atomic(t->ctx, classes, t->seen.classes, strlen(t->seen.classes))))
        return status;
    return fpc_write_atomic(t->ctx, recipe, t->recipe, strlen(t->recipe));
}

static fpc_status fill(fpc_trainer *t, const char *folder)
{
    fpc_status status;

    if ((status = lock_folder(t, folder)) || (status = write_recipe(t, folder)) ||
        (status = fpc_seen_lists(t->ctx, t->experiment->data, folder)) || (status = fpc_trainer_log_begin(t, folder)))
        return status;
    return fpc_trainer_save(t, folder);
}

/* With its files, all of which are of this process. */
static void discard(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

void fpc_trainer_discard(fpc_trainer *t)
{
    discard(t->folder);
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

static fpc_status nothing_made(fpc_ctx *ctx, const char *out)
{
    return fpc_fail(ctx, FPC_EIO, "run.out = %s: no folder can be made there: %s", out, strerror(errno));
}

fpc_status fpc_trainer_out_check(const fpc_experiment *s)
{
    const char *what = fpc_sprintf(s->arena, "run.out = %s", s->run.out);
    const fpc_status status = what ? fpc_check_folders(s->ctx, what, s->run.out) : FPC_ENOMEM;

    if (status || !access(s->run.out, W_OK | X_OK) || errno == ENOENT)
        return status;
    return nothing_made(s->ctx, s->run.out);
}

fpc_status fpc_trainer_new_folder(fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    char *hidden = fpc_sprintf(t->arena, "%s/.new-XXXXXX", run->out);
    fpc_status status;

    if (!hidden)
        return FPC_ENOMEM;
    if ((status = make_folders(t, run->out)))
        return status;
    if (!mkdtemp(hidden))
        return nothing_made(t->ctx, run->out);
    chmod(hidden, 0755);
    if ((status = fill(t, hidden)) || (status = publish(t, hidden)))
        discard(hidden);
    return status;
}

/* What a killed process may have left half written. */
static void sweep(fpc_trainer *t)
{
    static const char *const file[] = {FPC_RUN_RECIPE ".tmp",     FPC_RUN_MANIFEST ".tmp",   FPC_RUN_LAST ".tmp",
                                       FPC_RUN_BEST ".tmp",       FPC_RUN_HISTORY ".tmp",    FPC_RUN_HISTORY_CSV ".tmp",
                                       "curves.png.tmp",          "samples.png.tmp",         FPC_RUN_SWA ".tmp",
                                       FPC_RUN_VALIDATION ".tmp", FPC_RUN_TRAIN_LIST ".tmp", FPC_RUN_VAL_LIST ".tmp",
                                       FPC_CLASSES_FILE ".tmp"};

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
    if ((status = write_recipe(t, folder)) || (status = fpc_seen_lists(t->ctx, t->experiment->data, folder)))
        return status;
    return fpc_trainer_log_begin(t, folder);
}
