/* training.h: what the tests of the training loop share. Every training runs in a child process with a tiny network on
 * drawn faces, and can be killed or cancelled at chosen points: rename and fpc_events_send are replaced here. */
#ifndef TESTS_UNIT_TRAINING_H
#define TESTS_UNIT_TRAINING_H

#include "fixture.h"
#include "weights/weights.h"
#include "train/events.h"
#include "base/message.h"
#include "train/loop.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char recipe_text[] =
    "[run]\nname = t\nseed = 3\nepochs = 3\nclip_norm = 1\n"
    "[dataset]\nuse = synthetic\nsize = 32\ntrain = 12\nval = 6\nbatch = 4\n"
    "[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\ndecoder_dim = 16\ndropout = 0.1\n"
    "[loss.ce]\nuse = cross_entropy\n[loss.dice]\nuse = dice\nweight = 1.5\n"
    "[optimizer]\nuse = adamw\nlr = 2e-3\n[schedule]\nuse = constant\n"
    "[metric.f_score]\nuse = fscore_batch\n[metric.f1]\nuse = f1_class\n"
    "[logger.history]\nuse = history\n[logger.tensorboard]\nuse = tensorboard\n[logger.plot]\nuse = "
    "plot\n[backend]\nuse = ref\n";

/* ---- points to stop at ---- */

static int renames, kill_before_rename, kill_after_rename; /* counted from 1; 0: nowhere */
static int events, cancel_at_event;
static off_t full_at; /* the first file larger than this cannot be written; 0: none */

int rename(const char *from, const char *to)
{
    int result;

    if (++renames == kill_before_rename)
        kill(getpid(), SIGKILL);
    result = (int)syscall(SYS_rename, from, to);
    if (renames == kill_after_rename)
        kill(getpid(), SIGKILL);
    return result;
}

fpc_status fpc_events_send(fpc_events *e, uint32_t what, const fpc_clock *clock, int32_t n, const fpc_field *field)
{
    fpc_status (*real)(fpc_events *, uint32_t, const fpc_clock *, int32_t, const fpc_field *);

    *(void **)&real = dlsym(RTLD_NEXT, "fpc_events_send");
    if (++events == cancel_at_event)
        fpc_ctx_cancel(e->ctx);
    return real ? real(e, what, clock, n, field) : FPC_EINTERNAL;
}

/* ---- trainings in children ---- */

static char message[4096];

static inline fpc_status train(const char *out, int n, const char *const *overrides, const char *resume, fpc_ctx *ctx)
{
    static char program[] = "fpcore", *argv[] = {program, NULL};
    fpc_arena *arena = fpc_arena_new(ctx);
    const char *all[24] = {fpc_sprintf(arena, "run.out=%s/%s", test_folder(), out)};
    const fpc_run_args args = {.resume = resume, .argc = 1, .argv = argv};
    fpc_recipe *recipe;
    fpc_experiment *experiment;
    fpc_status status;

    for (int i = 0; i < n; i++)
        all[i + 1] = overrides[i];
    fpc_ctx_log_level(ctx, FPC_LOG_ERROR);
    status = fpc_recipe_parse(ctx, arena, "test.ini", recipe_text, n + 1, all, &recipe);
    if (!status)
        status = fpc_experiment_open(ctx, arena, NULL, recipe, FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND,
                                     &experiment);
    if (!status)
        status = fpc_run(experiment, &args);
    fpc_arena_free(arena);
    return status;
}

static inline void child(const char *out, int n, const char *const *overrides, const char *resume, int tell)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_status status;

    if (full_at) {
        struct rlimit limit = {(rlim_t)full_at, RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    status = train(out, n, overrides, resume, ctx);
    if (write(tell, fpc_ctx_error(ctx), strlen(fpc_ctx_error(ctx))) < 0)
        _exit(99);
    fpc_ctx_free(ctx);
    _exit(-status);
}

/* The status of a training, or 1 where it was killed; its sentence is left in `message`. */
static inline int run_in_child(const char *out, int n, const char *const *overrides, const char *resume)
{
    int pipes[2], how;
    ssize_t got, at = 0;
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(pipes[0]);
        child(out, n, overrides, resume, pipes[1]);
    }
    close(pipes[1]);
    while ((got = read(pipes[0], message + at, sizeof message - 1 - (size_t)at)) > 0)
        at += got;
    message[at] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (WIFSIGNALED(how)) {
        assert_int_equal(WTERMSIG(how), SIGKILL);
        return 1;
    }
    return -WEXITSTATUS(how);
}

static inline void succeeds(const char *out, int n, const char *const *overrides, const char *resume)
{
    const int status = run_in_child(out, n, overrides, resume);

    if (status)
        fail_msg("training %s ended with status %d: %s", out, status, message);
}

/* The run folder below `out`, "" where there is none. */
static inline const char *folder_of(const char *out)
{
    static char path[4][1024];
    static int next;
    char *result = path[next = (next + 1) % 4], parent[512];
    const struct dirent *entry;
    DIR *dir;

    *result = '\0';
    snprintf(parent, sizeof parent, "%s/%s", test_folder(), out);
    dir = opendir(parent);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            snprintf(result, sizeof path[0], "%s/%s", parent, entry->d_name);
    if (dir)
        closedir(dir);
    return result;
}

static inline char *slurp(const char *folder, const char *name, size_t *bytes)
{
    char path[1200], *data;
    struct stat st;
    FILE *in;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    in = fopen(path, "rb");
    if (!in)
        fail_msg("%s is missing", path);
    assert_int_equal(fstat(fileno(in), &st), 0);
    data = calloc(1, (size_t)st.st_size + 1);
    *bytes = fread(data, 1, (size_t)st.st_size, in);
    fclose(in);
    return data;
}

static inline void same_file(const char *a, const char *b, const char *name, const char *when, int at)
{
    size_t na, nb;
    char *da = slurp(a, name, &na), *db = slurp(b, name, &nb);

    if (na != nb || memcmp(da, db, na))
        fail_msg("%s differs from the undisturbed training's, %s %d", name, when, at);
    free(da);
    free(db);
}

static inline int is_checkpoint(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);

    return n > 12 && !strcmp(entry->d_name + n - 12, ".safetensors");
}

/* Every file that holds results: which there are, and their bytes. */
static inline void same_results(const char *a, const char *b, const char *when, int at)
{
    struct dirent **in_a, **in_b;
    const int n = scandir(a, &in_a, is_checkpoint, alphasort), m = scandir(b, &in_b, is_checkpoint, alphasort);

    assert_true(n >= 1 && m >= 0); /* last.safetensors at least */
    for (int i = 0; i < n || i < m; i++) {
        if (n != m || strcmp(in_a[i]->d_name, in_b[i]->d_name))
            fail_msg("%s is in one folder only, %s %d", i < n ? in_a[i]->d_name : in_b[i]->d_name, when, at);
        same_file(a, b, in_a[i]->d_name, when, at);
    }
    for (int i = 0; i < n; i++)
        free(in_a[i]), free(in_b[i]);
    free(in_a);
    free(in_b);
    same_file(a, b, "history.json", when, at);
    same_file(a, b, "history.csv", when, at);
}

static inline void clear_points(void)
{
    kill_before_rename = kill_after_rename = cancel_at_event = 0;
    full_at = 0;
}

static inline void remove_tree(const char *out)
{
    char command[600];

    snprintf(command, sizeof command, "rm -rf '%s/%s'", test_folder(), out);
    assert_int_equal(system(command), 0);
}

static inline json_t *json_of(const char *folder, const char *name)
{
    size_t n;
    char *text = slurp(folder, name, &n);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(json);
    free(text);
    return json;
}

static inline int setup(void **state)
{
    const int failed = bench_open(state);
    test_folder(); /* made here: a child would not tell its name */
    return failed;
}

static inline int teardown(void **state)
{
    clear_points();
    return bench_close(state);
}

#endif
