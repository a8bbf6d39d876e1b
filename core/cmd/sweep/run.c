/* run.c: the children of a sweep: starts so many at once, waits, and stops them where it is told to. A child is
 * in a process group of its own, so that a Ctrl-C at the terminal reaches it once, from here: its first signal makes it
 * save, a second one would end it. Progress goes to the log; what a child prints goes to a file of its own. */
#define _GNU_SOURCE
#include "cmd/sweep/sweep.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/message.h"
#include "base/text.h"
#include "record/run_files.h"
#include <fpcore/logger.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    TAIL = 4096,
    LOOK_EVERY = 20, /* rounds of waiting between two looks at the histories */
    /* exit codes of a training (cmd/main.c) */
    DIVERGED = 3,
    AGAIN = 75, /* saved, to be started again: run.hours or the epochs of --until are over, or SIGUSR1 */
    CUT = 130   /* saved after another signal */
};

/* ---- the manifest ---- */

static json_t *texts(int32_t n, const char *const *text)
{
    json_t *list = json_array();

    for (int32_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(text[i]));
    return list;
}

/* sweep.json: what was asked for, and which runs were stopped because they were worse. */
static fpc_status write_manifest(fpc_sweep *s)
{
    json_t *root = json_object(), *grid = json_object(), *seeds = json_array(), *pruned = json_object();
    const char *path = fpc_sprintf(s->cmd->arena, "%s/%s", s->out, FPC_SWEEP_MANIFEST);
    fpc_status status = FPC_ENOMEM;
    char *text;

    json_object_set_new(root, "command", texts(s->cmd->full_argc, (const char *const *)s->cmd->full_argv));
    json_object_set_new(root, "recipes", texts(s->n_recipes, s->recipe));
    for (int32_t a = 0; a < s->n_axes; a++)
        json_object_set_new(grid, s->axis[a].key, texts(s->axis[a].n, s->axis[a].value));
    json_object_set_new(root, "grid", grid);
    if (s->random) {
        json_object_set_new(root, "random", json_integer(s->random));
        json_object_set_new(root, "random_seed", json_integer(s->random_seed));
    }
    if (s->folds)
        json_object_set_new(root, "folds", json_integer(s->folds));
    if (s->halving)
        json_object_set_new(root, "halving", json_integer(s->halving));
    for (int32_t k = 0; k < s->n_seeds; k++)
        json_array_append_new(seeds, json_integer(s->seed[k]));
    json_object_set_new(root, "seeds", seeds);
    for (int32_t i = 0; i < s->n; i++)
        if (s->trial[i].state == FPC_TRIAL_PRUNED)
            json_object_set_new(pruned, s->trial[i].name, json_string(s->trial[i].why ? s->trial[i].why : ""));
    json_object_set_new(root, "pruned", pruned);
    if (path && (text = json_dumps(root, JSON_INDENT(2)))) {
        status = fpc_write_text(s->cmd->ctx, path, text);
        free(text);
    }
    json_decref(root);
    return status;
}

/* Runs that an earlier sweep stopped stay stopped where this one prunes too; else they go on. */
static void read_manifest(fpc_sweep *s)
{
    const char *path = fpc_sprintf(s->cmd->arena, "%s/%s", s->out, FPC_SWEEP_MANIFEST);
    json_t *root = s->prune ? fpc_json_glance(s->cmd->ctx, path, "runs that were stopped before go on") : NULL,
           *pruned = json_object_get(root, "pruned");

    for (int32_t i = 0; i < s->n; i++) {
        const char *why = json_string_value(json_object_get(pruned, s->trial[i].name));
        if (why && s->trial[i].state == FPC_TRIAL_CUT) {
            s->trial[i].state = FPC_TRIAL_PRUNED;
            s->trial[i].why = fpc_strdup(s->cmd->arena, why);
        }
    }
    json_decref(root);
}

/* ---- folders ---- */

/* One sweep at a time in a folder; tasks of a job array (--only) share it. */
static fpc_status lock_folder(fpc_sweep *s, int shared)
{
    if ((s->lock = open(s->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return fpc_fail(s->cmd->ctx, FPC_EIO, "%s: the sweep's folder cannot be opened: %s", s->out, strerror(errno));
    if (flock(s->lock, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) && errno == EWOULDBLOCK)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL, "%s: another fpcore sweep is at work in this folder", s->out);
    return FPC_OK;
}

/* ---- children ---- */

/* The last line that a child printed, without fpcore's own prefixes. */
static const char *last_words(fpc_arena *arena, const char *path)
{
    char tail[TAIL + 1];
    FILE *file = fopen(path, "rb");
    size_t n = 0;

    if (file) {
        if (fseek(file, -TAIL, SEEK_END))
            rewind(file);
        n = fread(tail, 1, TAIL, file);
        fclose(file);
    }
    while (n > 0 && tail[n - 1] == '\n')
        n--;
    tail[n] = '\0';
    const char *line = strrchr(tail, '\n');
    line = line ? line + 1 : tail;
    if (!strncmp(line, "fpcore: ", 8))
        line += 8;
    if (!strncmp(line, "error: ", 7))
        line += 7;
    return fpc_strdup(arena, *line ? line : "it printed nothing");
}

/* What a run that is done has to tell, from its manifest. */
static const char *result_of(fpc_sweep *s, const fpc_trial *c)
{
    const char *path = c->folder ? fpc_sprintf(s->cmd->arena, "%s/%s", c->folder, FPC_RUN_MANIFEST) : NULL;
    const char *text = "is complete";
    json_t *log = fpc_json_glance(s->cmd->ctx, path, NULL);

    if (json_is_number(json_object_get(log, "best_value")))
        text = fpc_sprintf(s->cmd->arena, "best epoch %lld: %s %.4f",
                           (long long)json_integer_value(json_object_get(log, "best_epoch")), c->column,
                           json_number_value(json_object_get(log, "best_value")));
    json_decref(log);
    return text;
}

static int64_t threads_each(const fpc_sweep *s)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > s->jobs ? n / s->jobs : 1;
}

static fpc_status spawn(fpc_sweep *s, fpc_trial *c, const char **word)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int error;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, c->log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    error = posix_spawn(&c->pid, "/proc/self/exe", &files, &attributes, (char *const *)(uintptr_t)word, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (error)
        return fpc_fail(s->cmd->ctx, FPC_EIO, "%s: the training cannot be started: %s", c->name, strerror(error));
    c->state = FPC_TRIAL_RUNNING;
    return FPC_OK;
}

static int count_of(const fpc_sweep *s, fpc_trial_state state)
{
    int n = 0;

    for (int32_t i = 0; i < s->n; i++)
        n += s->trial[i].state == state;
    return n;
}

/* ", about 12 min left", by the pace of the trainings that ended here; "" before the first one did. */
static const char *time_left(const fpc_sweep *s)
{
    const double pace = s->epochs > 0 ? s->seconds / (double)s->epochs : 0;
    double left = 0;

    for (int32_t i = 0; i < s->n; i++) {
        const fpc_trial *c = &s->trial[i];
        const int64_t from = c->pid > 0 ? c->began_at : c->epochs_done;
        if (c->pid <= 0 && c->state != FPC_TRIAL_NEW && c->state != FPC_TRIAL_CUT)
            continue;
        left += fmax(0, pace * (double)(c->epochs - from) - (c->pid > 0 ? fpc_clock_now() - c->began : 0));
    }
    left /= (double)s->jobs;
    if (s->only || s->epochs <= 0 || s->until) /* whose runs go on behind a rung is not known before */
        return "";
    if (left < 90)
        return fpc_sprintf(s->cmd->arena, ", about %.0f s left", left);
    if (left < 90 * 60)
        return fpc_sprintf(s->cmd->arena, ", about %.0f min left", left / 60);
    return fpc_sprintf(s->cmd->arena, ", about %.1f h left", left / 3600);
}

static fpc_status start(fpc_sweep *s, fpc_trial *c)
{
    const char *left = time_left(s);
    fpc_arena *arena = s->cmd->arena;
    const char *threads = fpc_sprintf(arena, "backend.threads=%lld", (long long)threads_each(s)), **word;

    if (!threads || !(c->log = fpc_sprintf(arena, "%s/logs/%s.log", s->out, c->name)))
        return FPC_ENOMEM;
    if (s->jobs > 1 && c->has_threads) {
        const char **set = fpc_alloc(arena, (size_t)(c->n_set + 1) * sizeof *set);
        if (!set)
            return FPC_ENOMEM;
        memcpy(set, c->set, (size_t)c->n_set * sizeof *set);
        set[c->n_set] = threads;
        c->set = set;
        c->n_set++;
        c->has_threads = 0;
    }
    if (!(word = fpc_sweep_command(s, c, "fpcore")))
        return FPC_ENOMEM;
    fpc_log(s->cmd->ctx, FPC_LOG_INFO, "%s: %s (%d of %d done%s)", c->name, c->folder ? "goes on" : "starts",
            count_of(s, FPC_TRIAL_DONE), (int)s->n, left ? left : "");
    c->began = fpc_clock_now();
    c->began_at = c->epochs_done;
    return spawn(s, c, word);
}

/* What became of a child, from its exit code (cmd/main.c). */
static void ended(fpc_sweep *s, fpc_trial *c, int how)
{
    const int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1, cut = code == CUT || code == AGAIN;

    c->pid = 0;
    if (WIFSIGNALED(how))
        c->why = fpc_sprintf(s->cmd->arena, "ended by signal %d (%s)", WTERMSIG(how), strsignal(WTERMSIG(how)));
    else if (c->state != FPC_TRIAL_PRUNED || !cut)
        c->why = last_words(s->cmd->arena, c->log);
    if (code == 0) {
        c->state = FPC_TRIAL_DONE;
        s->seconds += fpc_clock_now() - c->began;
        s->epochs += c->epochs > c->began_at ? c->epochs - c->began_at : 0;
        if (!fpc_sweep_find(s))
            c->why = result_of(s, c);
    } else if (code == DIVERGED) {
        c->state = FPC_TRIAL_DIVERGED;
    } else if (cut) {
        c->asked = 1; /* whoever stopped it wants it stopped */
        c->again = code == AGAIN;
        c->state = c->state == FPC_TRIAL_PRUNED ? FPC_TRIAL_PRUNED : FPC_TRIAL_CUT;
        if (s->until && !fpc_sweep_find(s) && c->epochs_done >= s->until)
            c->why = fpc_sprintf(s->cmd->arena, "is at epoch %lld", (long long)c->epochs_done);
    } else {
        c->state = FPC_TRIAL_FAILED;
    }
    fpc_log(s->cmd->ctx, code && !cut ? FPC_LOG_WARN : FPC_LOG_INFO, "%s: %s", c->name, c->why ? c->why : "ended");
}

static void reap(fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i++) {
        int how;
        if (s->trial[i].pid > 0 && waitpid(s->trial[i].pid, &how, WNOHANG) == s->trial[i].pid)
            ended(s, &s->trial[i], how);
    }
}

static int alive(const fpc_sweep *s)
{
    int n = 0;

    for (int32_t i = 0; i < s->n; i++)
        n += s->trial[i].pid > 0;
    return n;
}

static void ask_to_stop(fpc_trial *c)
{
    if (c->pid > 0 && !c->asked) {
        c->asked = 1;
        kill(c->pid, SIGTERM);
    }
}

static void nap(void)
{
    const struct timespec t = {0, 50 * 1000 * 1000};

    nanosleep(&t, NULL);
}

/* ---- order ---- */

/* The next run that is to be started: by seeds, so that a sweep that is cut has something of every recipe; with --prune
 * by recipes, so that there is soon one to be worse than. */
static fpc_trial *next(fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i++) {
        fpc_trial *c = s->prune ? &s->trial[i] : &s->trial[i % s->n_groups * s->each + i / s->n_groups];
        if (s->only && c != &s->trial[s->only - 1])
            continue;
        if (c->state == FPC_TRIAL_NEW ||
            (c->state == FPC_TRIAL_CUT && !c->asked && !(s->until && c->epochs_done >= s->until)))
            return c;
    }
    return NULL;
}

/* ---- pruning ---- */

/* The runs of the best group that has at least two complete ones; *group -1: there is none. */
static fpc_progress *incumbent(fpc_sweep *s, fpc_arena *arena, int32_t *group, int32_t *n)
{
    fpc_progress *best = NULL;
    double top = 0;

    *group = -1, *n = 0;
    for (int32_t g = 0; g < s->n_groups; g++) {
        fpc_progress *list = fpc_alloc(arena, (size_t)s->each * sizeof *list);
        int32_t k = 0;
        double sum = 0;
        for (int32_t i = g * s->each; list && i < (g + 1) * s->each; i++) {
            if (s->trial[i].state != FPC_TRIAL_DONE || !s->trial[i].folder ||
                !(list[k].value = fpc_sweep_history(s->cmd->ctx, arena, &s->trial[i], &list[k].n)))
                continue;
            sum += fpc_sweep_best(&list[k], list[k].n);
            k++;
        }
        if (k >= 2 && (!best || sum / k > top))
            best = list, top = sum / k, *group = g, *n = k;
    }
    return best;
}

/* Marks a run that is worse than the best recipe's. Running ones are looked at again when an epoch was added. */
static fpc_status judge(fpc_sweep *s, fpc_trial *c, int *stopped)
{
    fpc_arena *arena = fpc_arena_new(s->cmd->ctx);
    fpc_progress run = {0}, *best;
    const char *why;
    int32_t group, n;

    if (!arena)
        return FPC_ENOMEM;
    if (c->folder && (run.value = fpc_sweep_history(s->cmd->ctx, arena, c, &run.n)) &&
        (c->pid <= 0 || run.n != c->seen) && (best = incumbent(s, arena, &group, &n)) && group != c->group &&
        (why = fpc_sweep_worse(s->cmd->arena, c->epochs, &run, n, best))) {
        c->why = why;
        c->state = FPC_TRIAL_PRUNED;
        ask_to_stop(c);
        fpc_log(s->cmd->ctx, FPC_LOG_INFO, "%s: stopped: %s", c->name, why);
        ++*stopped;
    }
    c->seen = run.n;
    fpc_arena_free(arena);
    return FPC_OK;
}

static fpc_status prune(fpc_sweep *s)
{
    fpc_status status = fpc_sweep_find(s);
    int stopped = 0;

    for (int32_t i = 0; i < s->n && !status; i++)
        if (s->trial[i].pid > 0 && !s->trial[i].asked)
            status = judge(s, &s->trial[i], &stopped);
    return !status && stopped ? write_manifest(s) : status;
}

/* The run may have been cut by a signal before this sweep knew that it is worse. */
static fpc_status start_or_prune(fpc_sweep *s, fpc_trial *c)
{
    int stopped = 0;
    fpc_status status = s->prune ? fpc_sweep_find(s) : FPC_OK;

    if (!status && s->prune && c->state == FPC_TRIAL_CUT)
        status = judge(s, c, &stopped);
    if (status)
        return status;
    return stopped ? write_manifest(s) : start(s, c);
}

/* ---- the sweep ---- */

/* Lets every child save, and waits for that. */
static void stop_all(fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i++)
        ask_to_stop(&s->trial[i]);
    while (alive(s)) {
        nap();
        reap(s);
    }
}

static const fpc_trial *first_failed(const fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i++)
        if (s->trial[i].state == FPC_TRIAL_FAILED)
            return &s->trial[i];
    return NULL;
}

/* A training that failed would, for the same reason, fail with the next seed: nothing new is started then. */
static fpc_status all(fpc_sweep *s)
{
    fpc_status status = FPC_OK;
    fpc_trial *c;

    for (int64_t round = 1; !status; round++) {
        if (fpc_ctx_cancelled(s->cmd->ctx))
            return FPC_ECANCEL;
        while (!status && !first_failed(s) && alive(s) < s->jobs && (c = next(s)))
            status = start_or_prune(s, c);
        if (status || !alive(s))
            break;
        nap();
        reap(s);
        if (s->prune && round % LOOK_EVERY == 0)
            status = prune(s);
    }
    return status;
}

static fpc_status verdict(fpc_sweep *s, fpc_status status)
{
    const fpc_trial *failed = first_failed(s);
    const char *again = fpc_shell_line(s->cmd->arena, (const char *const *)s->cmd->full_argv);
    int waiting = 0;

    for (int32_t i = 0; i < s->n; i++)
        waiting += s->trial[i].again && s->trial[i].state == FPC_TRIAL_CUT;
    if (status == FPC_ECANCEL)
        return fpc_fail(s->cmd->ctx, FPC_ECANCEL,
                        "interrupted; %d of %d runs are done, the others are saved. To go on: %s",
                        count_of(s, FPC_TRIAL_DONE), (int)s->n, again ? again : "the same command");
    if (!status && failed)
        return fpc_fail(s->cmd->ctx, FPC_EIO, "%s: %s (all of it: %s). The same command goes on when that is mended",
                        failed->name, failed->why, failed->log);
    if (!status && waiting)
        return fpc_fail(s->cmd->ctx, FPC_ECANCEL, "run.hours are over for %d of %d %s, which %s saved. To go on: %s",
                        waiting, (int)s->n, fpc_word(s->n, "run", "runs"), fpc_word(waiting, "is", "are"),
                        again ? again : "the same command");
    return status;
}

fpc_status fpc_sweep_folders(fpc_sweep *s)
{
    const char *logs = fpc_sprintf(s->cmd->arena, "%s/logs", s->out);

    const fpc_status status = logs ? fpc_make_folders(s->cmd->ctx, "fpcore sweep: --out", logs) : FPC_ENOMEM;

    return status || !s->folds ? status : fpc_sweep_folds_write(s);
}

fpc_status fpc_sweep_run(fpc_sweep *s)
{
    fpc_status status;

    if ((status = fpc_sweep_folders(s)) || (status = lock_folder(s, s->only > 0)))
        return status;
    read_manifest(s);
    if (!s->only)
        status = write_manifest(s);
    if (!status)
        status = s->halving ? fpc_sweep_halving(s, all, write_manifest) : all(s);
    stop_all(s);
    if (status == FPC_OK || status == FPC_ECANCEL) {
        const fpc_status found = fpc_sweep_find(s);
        if (!status)
            status = found;
    }
    close(s->lock);
    return verdict(s, status);
}
