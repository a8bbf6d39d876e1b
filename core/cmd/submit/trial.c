/* trial.c: what was packed is tried before anybody else does: the archive's solution/ is unpacked into an empty folder,
 * its run.sh is run there with this very program on the first test picture, and the mask that it writes has to be the
 * archive's. Whatever the archive lacks (a file that the recipe names, a plugin, an option of the script) shows here.
 */
#define _GNU_SOURCE
#include "base/digest.h"
#include "base/file.h"
#include "cmd/submit/submit.h"
#include "image/codec.h"
#include "recipe/path.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct trial {
    fpc_submit *s;
    fpc_arena *arena;
    const char *folder; /* empty at first; gone at the end */
} trial;

static fpc_status failed(const trial *t, const char *what)
{
    return fpc_fail(t->s->cmd->ctx, FPC_EIO, "%s: the solution cannot be tried: %s: %s", t->s->out, what,
                    strerror(errno));
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static const char *in(const trial *t, const char *name)
{
    return fpc_sprintf(t->arena, "%s/%s", t->folder, name);
}

static fpc_status make_folder(trial *t)
{
    const char *tmp = getenv("TMPDIR");
    char *path = fpc_sprintf(t->arena, "%s/fpcore-submit-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");

    if (!path)
        return FPC_ENOMEM;
    if (!mkdtemp(path))
        return failed(t, path);
    t->folder = path;
    const char *solution = in(t, "solution"), *input = in(t, "in");
    if (!solution || !input)
        return FPC_ENOMEM;
    return mkdir(solution, 0777) || mkdir(input, 0777) ? failed(t, path) : FPC_OK;
}

static fpc_status unpack(const trial *t)
{
    fpc_ctx *ctx = t->s->cmd->ctx;
    fpc_zip_entry *entry;
    char *data;
    size_t bytes;
    int32_t n;
    fpc_status status;

    if ((status = fpc_read_file(ctx, t->arena, t->s->part, SIZE_MAX, &data, &bytes)) ||
        (status = fpc_zip_read(ctx, t->arena, t->s->out, data, bytes, &n, &entry)))
        return status;
    for (int32_t i = 0; i < n && !status; i++)
        if (!strncmp(entry[i].name, "solution/", 9) && !strchr(entry[i].name + 9, '/')) {
            const char *to = in(t, entry[i].name);
            status = to ? fpc_write_atomic(ctx, to, entry[i].data, entry[i].bytes) : FPC_ENOMEM;
        }
    return status;
}

/* The first test picture: its file where there is one, else as the data set gives it. */
static fpc_status put_picture(const trial *t)
{
    const fpc_submit_mask *m = &t->s->mask[0];
    const char *name = strrchr(m->path, '/'), *from = fpc_path_absolute(t->arena, m->path);
    const char *to = in(t, *m->path ? fpc_sprintf(t->arena, "in/%s", name ? name + 1 : m->path)
                                    : fpc_sprintf(t->arena, "in/%s.png", m->stem));
    fpc_batch one;
    fpc_status status;

    if (!to || !from)
        return FPC_ENOMEM;
    if (*m->path)
        return symlink(from, to) ? failed(t, to) : FPC_OK;
    if ((status = fpc_data_read(t->s->experiment->data, t->arena, FPC_TEST, 0, &one)))
        return status;
    const fpc_image picture = {one.w, one.h, 3, one.image};
    return fpc_png_write(t->s->cmd->ctx, to, &picture, NULL, 0);
}

/* Plugins are found there as here: NAME=FOLDER:FOLDER with absolute folders. */
static const char *plugin_path(const trial *t)
{
    const char *given = t->s->cmd->plugin_path, *around = getenv("FPCORE_PLUGIN_PATH"), *out = "FPCORE_PLUGIN_PATH=";
    char *list = fpc_sprintf(t->arena, "%s:%s", given ? given : "", around ? around : ""), *rest = list;

    for (char *item; list && out && (item = strsep(&rest, ":"));)
        if (*item)
            out = fpc_sprintf(t->arena, "%s%s:", out, fpc_path_absolute(t->arena, item));
    return list ? out : NULL;
}

/* The environment of the script: this program by its path, and the plugins. NULL: no memory. */
static const char **environment(const trial *t)
{
    char exe[4096];
    const ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    size_t n = 0, kept = 0;

    while (environ[n])
        n++;
    const char **out = fpc_alloc(t->arena, (n + 3) * sizeof *out);
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "FPCORE=", 7) && strncmp(environ[i], "FPCORE_PLUGIN_PATH=", 19))
            out[kept++] = environ[i];
    out[kept++] = fpc_sprintf(t->arena, "FPCORE=%.*s", (int)(length > 0 ? length : 6), length > 0 ? exe : "fpcore");
    out[kept++] = plugin_path(t);
    return out[kept - 2] && out[kept - 1] ? out : NULL;
}

/* What the script said last. */
static const char *last_words(const trial *t)
{
    char *text = NULL, *end;
    const char *why, *log = in(t, "log");
    size_t bytes;

    if (!log || fpc_read_file_why(t->arena, log, 1 << 20, &text, &bytes, &why))
        return "it said nothing";
    for (end = text + strlen(text); end > text && end[-1] == '\n';)
        *--end = '\0';
    const char *line = strrchr(text, '\n');
    return *text ? line ? line + 1 : text : "it said nothing";
}

static fpc_status run_script(const trial *t)
{
    const char *log = in(t, "log"), **env = environment(t);
    const char *word[] = {"sh", "-c", "cd \"$0\" && exec sh solution/run.sh --input in --output out", t->folder, NULL};
    posix_spawn_file_actions_t files;
    pid_t pid;
    int how = 0;

    if (!log || !env)
        return FPC_ENOMEM;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT, 0666);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    errno = posix_spawn(&pid, "/bin/sh", &files, NULL, (char *const *)(uintptr_t)word, (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&files);
    if (errno)
        return failed(t, "/bin/sh");
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR)
            return failed(t, "run.sh");
    if (fpc_ctx_cancelled(t->s->cmd->ctx))
        return fpc_fail(t->s->cmd->ctx, FPC_ECANCEL, "interrupted while the solution was tried");
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return FPC_OK;
    return fpc_fail(t->s->cmd->ctx, FPC_EFORMAT,
                    "%s is not written: its solution/run.sh, unpacked into an empty folder, does not run: %s",
                    t->s->out, last_words(t));
}

static fpc_status compare(const trial *t)
{
    const fpc_submit_mask *m = &t->s->mask[0];
    const char *path = fpc_sprintf(t->arena, "%s/out/%s.png", t->folder, m->stem);
    fpc_image mask;
    fpc_status status;

    if (!path)
        return FPC_ENOMEM;
    if ((status = fpc_mask_read(t->s->cmd->ctx, t->arena, path, &mask)))
        return status;
    if (mask.w == m->w && mask.h == m->h && fpc_digest(mask.pixel, (size_t)mask.w * (size_t)mask.h) == m->digest)
        return FPC_OK;
    return fpc_fail(t->s->cmd->ctx, FPC_EINTERNAL,
                    "%s is not written: its solution/run.sh makes another mask of %s than masks/%s.png", t->s->out,
                    *m->path ? m->path : m->stem, m->stem);
}

fpc_status fpc_submit_trial(fpc_submit *s)
{
    trial t = {.s = s, .arena = fpc_arena_new(s->cmd->ctx)};
    fpc_status status = t.arena ? FPC_OK : FPC_ENOMEM;

    if (!status && !(status = make_folder(&t)) && !(status = unpack(&t)) && !(status = put_picture(&t)) &&
        !(status = run_script(&t)))
        status = compare(&t);
    if (t.folder)
        nftw(t.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (t.arena)
        fpc_arena_free(t.arena);
    return status;
}
