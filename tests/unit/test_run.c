/* test_run.c: the training loop with a tiny network on drawn faces. Every training runs in a child process, which is
 * killed or cancelled at each point where that could matter; the files that come of it in the end must be those of a
 * training that nothing disturbed. rename and fpc_events_send are replaced here, so that points can be chosen exactly.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checkpoint.h"
#include "events.h"
#include "message.h"
#include "run.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char recipe_text[] =
    "[run]\nname = t\nseed = 3\nepochs = 3\nclip_norm = 1\n"
    "[dataset]\nuse = synthetic\nsize = 32\ntrain = 12\nval = 6\nbatch = 4\n"
    "[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\ndecoder_dim = 16\ndropout = 0.1\n"
    "[loss.ce]\nuse = cross_entropy\n[loss.dice]\nuse = dice\nweight = 1.5\n"
    "[optimizer]\nuse = adamw\nlr = 2e-3\n[schedule]\nuse = constant\n"
    "[metric.f_score]\nuse = fscore_batch\n[metric.f1]\nuse = f1_class\n"
    "[logger.history]\nuse = history\n[logger.tensorboard]\nuse = tensorboard\n[backend]\nuse = ref\n";

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

static char scratch[256], message[4096];

static fpc_status train(const char *out, int n, const char *const *overrides, const char *resume, fpc_ctx *ctx)
{
    static char program[] = "fpcore", *argv[] = {program, NULL};
    fpc_arena *arena = fpc_arena_new(ctx);
    const char *all[16] = {fpc_sprintf(arena, "run.out=%s/%s", scratch, out)};
    const fpc_run_args args = {resume, 1, argv};
    fpc_recipe *recipe;
    fpc_stages *stages;
    fpc_status status;

    for (int i = 0; i < n; i++)
        all[i + 1] = overrides[i];
    fpc_ctx_log_level(ctx, FPC_LOG_ERROR);
    status = fpc_recipe_parse(ctx, arena, "test.ini", recipe_text, n + 1, all, &recipe);
    if (!status)
        status = fpc_stages_open(ctx, arena, NULL, recipe, FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &stages);
    if (!status)
        status = fpc_run(stages, &args);
    fpc_arena_free(arena);
    return status;
}

static void child(const char *out, int n, const char *const *overrides, const char *resume, int tell)
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
static int run_in_child(const char *out, int n, const char *const *overrides, const char *resume)
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

static void succeeds(const char *out, int n, const char *const *overrides, const char *resume)
{
    const int status = run_in_child(out, n, overrides, resume);

    if (status)
        fail_msg("training %s ended with status %d: %s", out, status, message);
}

/* The run folder below `out`, "" where there is none. */
static const char *folder_of(const char *out)
{
    static char path[4][1024];
    static int next;
    char *result = path[next = (next + 1) % 4], parent[512];
    const struct dirent *entry;
    DIR *dir;

    *result = '\0';
    snprintf(parent, sizeof parent, "%s/%s", scratch, out);
    dir = opendir(parent);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            snprintf(result, sizeof path[0], "%s/%s", parent, entry->d_name);
    if (dir)
        closedir(dir);
    return result;
}

static char *slurp(const char *folder, const char *name, size_t *bytes)
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

static void same_file(const char *a, const char *b, const char *name, const char *when, int at)
{
    size_t na, nb;
    char *da = slurp(a, name, &na), *db = slurp(b, name, &nb);

    if (na != nb || memcmp(da, db, na))
        fail_msg("%s differs from the undisturbed training's, %s %d", name, when, at);
    free(da);
    free(db);
}

static void same_results(const char *a, const char *b, const char *when, int at)
{
    same_file(a, b, "last.safetensors", when, at);
    same_file(a, b, "best.safetensors", when, at);
    same_file(a, b, "history.json", when, at);
    same_file(a, b, "history.csv", when, at);
}

static void clear_points(void)
{
    kill_before_rename = kill_after_rename = cancel_at_event = 0;
    full_at = 0;
}

static void remove_tree(const char *out)
{
    char command[600];

    snprintf(command, sizeof command, "rm -rf '%s/%s'", scratch, out);
    assert_int_equal(system(command), 0);
}

static json_t *json_of(const char *folder, const char *name)
{
    size_t n;
    char *text = slurp(folder, name, &n);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(json);
    free(text);
    return json;
}

static int setup(void **state)
{
    (void)state;
    snprintf(scratch, sizeof scratch, "%s/fpc_run_XXXXXX", P_tmpdir);
    return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    clear_points();
    remove_tree("");
    return 0;
}

/* ---- tests ---- */

static void leaves_a_run_folder(void **state)
{
    static const char *const first[] = {"train_loss",  "train_f_score", "train_f1", "val_loss",
                                        "val_f_score", "val_f1",        "lr",       "val_f1.background"};
    static const char *const file[] = {"recipe.ini",       "history.json", "history.csv", "best.safetensors",
                                       "last.safetensors", "run.json",     "samples.png"};
    const char *folder, *key;
    json_t *history, *log, *column;
    struct stat st;
    char path[1200];
    size_t i = 0;

    (void)state;
    succeeds("a", 0, NULL, NULL);
    succeeds("b", 0, NULL, NULL);
    folder = folder_of("a");
    for (i = 0; i < sizeof file / sizeof *file; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, file[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size > 0);
    }
    same_results(folder, folder_of("b"), "the second of two equal runs", 0);
    history = json_of(folder, "history.json");
    i = 0;
    json_object_foreach(history, key, column)
    {
        assert_int_equal(json_array_size(column), 3);
        if (i < sizeof first / sizeof *first)
            assert_string_equal(key, first[i]);
        i++;
    }
    assert_non_null(json_object_get(history, "grad_norm"));
    assert_non_null(json_object_get(history, "train_loss.dice"));
    for (i = 0; i < 3; i++) /* the terms add up to the loss */
        assert_float_equal(json_number_value(json_array_get(json_object_get(history, "val_loss"), i)),
                           json_number_value(json_array_get(json_object_get(history, "val_loss.ce"), i)) +
                               1.5 * json_number_value(json_array_get(json_object_get(history, "val_loss.dice"), i)),
                           1e-5);
    json_decref(history);
    log = json_of(folder, "run.json");
    assert_string_equal(json_string_value(json_object_get(log, "status")), "complete");
    assert_int_equal(json_integer_value(json_object_get(log, "epochs_done")), 3);
    assert_int_equal(json_integer_value(json_object_get(log, "steps_done")), 9);
    json_decref(log);
}

static void killed_at_every_rename(void **state)
{
    char straight[1024];
    int points = 0;

    (void)state;
    succeeds("straight", 0, NULL, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("straight"));
    for (int at = 1; at < 200; at++) {
        int killed = 0;
        for (int after = 0; after < 2; after++) {
            remove_tree("cut");
            kill_before_rename = after ? 0 : at;
            kill_after_rename = after ? at : 0;
            killed = run_in_child("cut", 0, NULL, NULL) == 1;
            clear_points();
            if (!*folder_of("cut")) {
                assert_true(at <= 4); /* the folder is made of four files' worth of renames */
                continue;
            }
            succeeds("cut", 0, NULL, folder_of("cut"));
            same_results(straight, folder_of("cut"), after ? "killed after rename" : "killed before rename", at);
            points += killed;
        }
        if (!killed)
            break;
    }
    assert_true(points > 20); /* or else the hook did not work */
}

static void cancelled_at_every_event(void **state)
{
    static const char *const overrides[] = {"run.ema=0.9", "run.accumulate=2", "dataset.train=20"};
    char straight[1024];
    int points = 0;

    (void)state;
    succeeds("straight", 3, overrides, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("straight"));
    for (int at = 1; at < 200; at++) {
        int status;
        remove_tree("cut");
        cancel_at_event = at;
        status = run_in_child("cut", 3, overrides, NULL);
        clear_points();
        if (status == 0)
            break; /* behind the last step */
        assert_int_equal(status, FPC_ECANCEL);
        assert_non_null(strstr(message, "To go on: fpcore --resume "));
        assert_non_null(strstr(message, folder_of("cut")));
        succeeds("cut", 3, overrides, folder_of("cut"));
        same_results(straight, folder_of("cut"), "cancelled at event", at);
        points++;
    }
    assert_true(points > 15);
}

static void more_epochs_than_planned(void **state)
{
    static const char *const four[] = {"run.epochs=4"}, *const two[] = {"run.epochs=2", "run.name=other"};

    (void)state;
    succeeds("four", 1, four, NULL);
    succeeds("two", 2, two, NULL);
    succeeds("two", 1, four, folder_of("two"));
    same_results(folder_of("four"), folder_of("two"), "two epochs and two more", 0);
}

static void a_complete_run_stays_as_it_is(void **state)
{
    char before[1024];
    size_t na, nb;
    char *a, *b;

    (void)state;
    succeeds("a", 0, NULL, NULL);
    snprintf(before, sizeof before, "%s", folder_of("a"));
    a = slurp(before, "last.safetensors", &na);
    succeeds("a", 0, NULL, before);
    b = slurp(before, "last.safetensors", &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    free(a);
    free(b);
}

static void stops_early(void **state)
{
    static const char *const overrides[] = {"run.epochs=60", "run.patience=2", "optimizer.lr=0"};
    json_t *log;
    const char *folder;

    (void)state;
    succeeds("a", 3, overrides, NULL);
    folder = folder_of("a");
    log = json_of(folder, "run.json");
    assert_string_equal(json_string_value(json_object_get(log, "status")), "stopped early");
    assert_int_equal(json_integer_value(json_object_get(log, "epochs_done")),
                     json_integer_value(json_object_get(log, "best_epoch")) + 2);
    json_decref(log);
    succeeds("a", 3, overrides, folder); /* nothing is left to do */
}

static void diverges(void **state)
{
    static const char *const overrides[] = {"optimizer.use=sgd", "optimizer.lr=1e6", "run.clip_norm=0"};
    json_t *log;

    (void)state;
    assert_int_equal(run_in_child("a", 3, overrides, NULL), FPC_ENAN);
    assert_non_null(strstr(message, "step "));
    assert_non_null(strstr(message, "not finite"));
    log = json_of(folder_of("a"), "run.json");
    assert_string_equal(json_string_value(json_object_get(log, "status")), "diverged");
    json_decref(log);
    assert_int_equal(run_in_child("a", 3, overrides, folder_of("a")), FPC_ENAN); /* what it left can be read */
}

static void another_recipe_is_refused(void **state)
{
    static const char *const overrides[] = {"optimizer.lr=0.5", "dataset.batch=2", "run.patience=7", "run.epochs=9"};

    (void)state;
    succeeds("a", 0, NULL, NULL);
    assert_int_equal(run_in_child("a", 4, overrides, folder_of("a")), FPC_EINVAL);
    assert_non_null(strstr(message, "optimizer.lr = 0.5 (the run: 0.002)"));
    assert_non_null(strstr(message, "dataset.batch = 2 (the run: 4)"));
    assert_null(strstr(message, "run.patience"));
    assert_null(strstr(message, "run.epochs"));
    assert_null(strstr(message, "run.out"));
}

static void what_cannot_be_resumed(void **state)
{
    char path[1200];
    size_t n;
    char *data;
    FILE *out;

    (void)state;
    assert_int_equal(run_in_child("a", 0, NULL, "no/such/run"), FPC_ENOENT);
    assert_non_null(strstr(message, "no such run folder"));
    succeeds("a", 0, NULL, NULL);
    data = slurp(folder_of("a"), "last.safetensors", &n);
    snprintf(path, sizeof path, "%s/last.safetensors", folder_of("a"));
    assert_int_equal(truncate(path, (off_t)n / 2), 0);
    assert_int_equal(run_in_child("a", 0, NULL, folder_of("a")), FPC_EFORMAT);
    assert_non_null(strstr(message, "truncated"));
    unlink(path);
    assert_int_equal(run_in_child("a", 0, NULL, folder_of("a")), FPC_ENOENT);
    assert_non_null(strstr(message, "there is no last.safetensors to go on from"));
    free(data);
    data = slurp(folder_of("a"), "best.safetensors", &n); /* weights alone are no training checkpoint */
    out = fopen(path, "wb");
    assert_int_equal(fwrite(data, 1, n, out), n);
    fclose(out);
    free(data);
    assert_int_equal(run_in_child("a", 0, NULL, folder_of("a")), FPC_EFORMAT);
    assert_non_null(strstr(message, "no training checkpoint"));
}

static void disk_full(void **state)
{
    static const char *const one[] = {"run.epochs=1"};
    char folder[1024];
    size_t na, nb;
    char *a, *b;

    (void)state;
    full_at = 100000; /* weights fit, slots do not */
    assert_int_equal(run_in_child("none", 0, NULL, NULL), FPC_EIO);
    assert_non_null(strstr(message, "last.safetensors: cannot be written: File too large"));
    assert_string_equal(folder_of("none"), "");
    clear_points();
    succeeds("a", 1, one, NULL);
    snprintf(folder, sizeof folder, "%s", folder_of("a"));
    a = slurp(folder, "last.safetensors", &na);
    full_at = (off_t)na - 1;
    assert_int_equal(run_in_child("a", 0, NULL, folder), FPC_EIO);
    assert_non_null(strstr(message, "the former file stays as it was"));
    clear_points();
    b = slurp(folder, "last.safetensors", &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    free(a);
    free(b);
    succeeds("a", 0, NULL, folder);
    succeeds("straight", 0, NULL, NULL);
    same_results(folder_of("straight"), folder, "after a full disk", 0);
}

static void bad_places(void **state)
{
    static const char *const file[] = {"run.out=afile"}, *const name[] = {"run.name=../up"};
    char path[600];

    (void)state;
    snprintf(path, sizeof path, "%s/afile", scratch);
    fclose(fopen(path, "w"));
    assert_int_equal(run_in_child("afile", 0, file, NULL), FPC_EIO);
    assert_non_null(strstr(message, "Not a directory"));
    assert_int_equal(run_in_child("a", 1, name, NULL), FPC_EINVAL);
    assert_non_null(strstr(message, "run.name = ../up"));
}

static void starts_from_weights(void **state)
{
    char from[1200];
    const char *overrides[3] = {from, "optimizer.lr=0", "run.epochs=1"};
    json_t *a, *b;

    (void)state;
    succeeds("a", 0, NULL, NULL);
    snprintf(from, sizeof from, "run.init_from=%s/last.safetensors", folder_of("a"));
    succeeds("b", 3, overrides, NULL);
    a = json_of(folder_of("a"), "history.json");
    b = json_of(folder_of("b"), "history.json");
    /* with rate 0 the weights stay: the loss goes on where the first run ended, not near that of random weights */
    assert_true(json_number_value(json_array_get(json_object_get(b, "train_loss"), 0)) <
                json_number_value(json_array_get(json_object_get(a, "train_loss"), 1)));
    json_decref(a);
    json_decref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leaves_a_run_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_every_rename, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_at_every_event, setup, teardown),
        cmocka_unit_test_setup_teardown(more_epochs_than_planned, setup, teardown),
        cmocka_unit_test_setup_teardown(a_complete_run_stays_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_early, setup, teardown),
        cmocka_unit_test_setup_teardown(diverges, setup, teardown),
        cmocka_unit_test_setup_teardown(another_recipe_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_resumed, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_places, setup, teardown),
        cmocka_unit_test_setup_teardown(starts_from_weights, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
