/* test_run.c: the training loop with a tiny network on drawn faces, killed or cancelled at each point where that could
 * matter; the files that come of it in the end must be those of a training that nothing disturbed. */
#define _GNU_SOURCE
#include "training.h"
#include "data/classes.h"

/* ---- tests ---- */

static char *ends_a_line(const char *folder, const char *name)
{
    size_t n;
    char *text = slurp(folder, name, &n);

    assert_true(n > 1 && text[n - 1] == '\n' && text[n - 2] != '\n');
    return text;
}

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
    free(ends_a_line(folder, "run.json"));
    log = json_of(folder, "run.json");
    assert_string_equal(json_string_value(json_object_get(log, "status")), "complete");
    assert_int_equal(json_integer_value(json_object_get(log, "epochs_done")), 3);
    assert_int_equal(json_integer_value(json_object_get(log, "steps_done")), 9);
    json_decref(log);
}

static void killed_at_every_rename(void **state)
{
    static const char *const two[] = {"run.epochs=2"}; /* the second epoch's files replace those of the first */
    char straight[1024];
    int points = 0;

    (void)state;
    succeeds("straight", 1, two, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("straight"));
    for (int at = 1; at < 200; at++) {
        int killed = 0;
        for (int after = 0; after < 2; after++) {
            remove_tree("cut");
            kill_before_rename = after ? 0 : at;
            kill_after_rename = after ? at : 0;
            killed = run_in_child("cut", 1, two, NULL) == 1;
            clear_points();
            if (!*folder_of("cut")) {
                assert_true(at <= 6); /* the folder is made of six files' worth of renames */
                continue;
            }
            succeeds("cut", 1, two, folder_of("cut"));
            same_results(straight, folder_of("cut"), after ? "killed after rename" : "killed before rename", at);
            points += killed;
        }
        if (!killed)
            break;
    }
    assert_true(points > 20); /* or else the hook did not work */
}

/* The status of a training that is cancelled at an event; it goes on to the bytes of the one that was not. */
static int cancelled_at(int at, const char *straight, int n, const char *const *overrides)
{
    int status;

    remove_tree("cut");
    cancel_at_event = at;
    status = run_in_child("cut", n, overrides, NULL);
    clear_points();
    if (status == 0) /* behind the last step */
        return 0;
    assert_int_equal(status, FPC_ECANCEL);
    assert_non_null(strstr(message, "To go on: fpcore --resume "));
    assert_non_null(strstr(message, folder_of("cut")));
    succeeds("cut", n, overrides, folder_of("cut"));
    same_results(straight, folder_of("cut"), "cancelled at event", at);
    return status;
}

/* Most of a tiny training's time goes into pictures for people, so that the loggers that draw are there at a few events
 * alone; what is sent to them does not depend on them. */
static void cancelled_at_every_event(void **state)
{
    static const char *const overrides[] = {"run.ema=0.9",  "run.accumulate=2",     "dataset.train=20",
                                            "run.epochs=2", "logger.plot.use=none", "logger.tensorboard.use=none"};
    char straight[1024];
    int points = 0;

    (void)state;
    succeeds("straight", 6, overrides, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("straight"));
    while (points < 200 && cancelled_at(points + 1, straight, 6, overrides))
        points++;
    assert_true(points > 12 && points < 200);
    succeeds("drawn", 4, overrides, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("drawn"));
    for (int at = 1; at < points; at += points / 4)
        assert_int_equal(cancelled_at(at, straight, 4, overrides), FPC_ECANCEL);
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

/* Takes a line out of the recipe in a checkpoint's metadata; spaces behind the header keep its length. */
static void forget(const char *folder, const char *line)
{
    char path[1200], *data, *at, *end;
    const size_t gone = strlen(line);
    uint64_t header;
    size_t n;
    FILE *out;

    data = slurp(folder, "last.safetensors", &n);
    memcpy(&header, data, sizeof header);
    at = memmem(data, 8 + header, line, gone);
    assert_non_null(at);
    end = data + 8 + header;
    memmove(at, at + gone, (size_t)(end - at) - gone);
    memset(end - gone, ' ', gone);
    snprintf(path, sizeof path, "%s/last.safetensors", folder);
    out = fopen(path, "wb");
    assert_int_equal(fwrite(data, 1, n, out), n);
    fclose(out);
    free(data);
}

/* A key that an older fpcore did not know has its default there. */
static void older_checkpoints(void **state)
{
    static const char *const four[] = {"run.epochs=4"}, *const other[] = {"run.epochs=4", "run.smooth=2"};
    char folder[1024];

    (void)state;
    succeeds("a", 0, NULL, NULL);
    snprintf(folder, sizeof folder, "%s", folder_of("a"));
    forget(folder, "smooth = 1\\n");
    forget(folder, "begin = 0\\n");
    assert_int_equal(run_in_child("a", 2, other, folder), FPC_EINVAL);
    assert_non_null(strstr(message, "run.smooth = 2 (the run: nothing)"));
    assert_null(strstr(message, "begin"));
    succeeds("a", 1, four, folder);
    forget(folder, "clip_norm = 1\\n");
    assert_int_equal(run_in_child("a", 1, four, folder), FPC_EINVAL);
    assert_non_null(strstr(message, "run.clip_norm = 1 (the run: nothing)"));
}

/* Writes last.safetensors again without what tells of the pictures. */
static void forget_samples(const char *folder)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);
    const char *path = fpc_sprintf(arena, "%s/last.safetensors", folder);
    fpc_st_file *file;
    int32_t n = 0, n_meta = 0;

    assert_int_equal(fpc_st_read(ctx, arena, path, &file), FPC_OK);
    for (int32_t i = 0; i < file->n; i++)
        if (strncmp(file->tensor[i].name, "samples.", 8))
            file->tensor[n++] = file->tensor[i];
    for (int32_t i = 0; i < file->n_meta; i++)
        if (strcmp(file->meta[i].key, FPC_META_CLASSES))
            file->meta[n_meta++] = file->meta[i];
    assert_int_equal(n, file->n - 2);
    assert_int_equal(n_meta, file->n_meta - 1);
    assert_int_equal(fpc_st_write(ctx, path, n, file->tensor, n_meta, file->meta), FPC_OK);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
}

/* A run of an fpcore that kept nothing of the pictures goes on to the bytes of one that did. */
static void checkpoints_without_samples(void **state)
{
    static const char *const four[] = {"run.epochs=4"};
    char folder[1024];

    (void)state;
    succeeds("whole", 1, four, NULL);
    succeeds("a", 0, NULL, NULL);
    snprintf(folder, sizeof folder, "%s", folder_of("a"));
    forget_samples(folder);
    succeeds("a", 1, four, folder);
    same_results(folder_of("whole"), folder, "three epochs, pictures forgotten, and one more", 0);
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
    snprintf(path, sizeof path, "%s/afile", test_folder());
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(leaves_a_run_folder),
        TEST(killed_at_every_rename),
        TEST(cancelled_at_every_event),
        TEST(more_epochs_than_planned),
        TEST(a_complete_run_stays_as_it_is),
        TEST(stops_early),
        TEST(diverges),
        TEST(another_recipe_is_refused),
        TEST(older_checkpoints),
        TEST(checkpoints_without_samples),
        TEST(what_cannot_be_resumed),
        TEST(disk_full),
        TEST(bad_places),
        TEST(starts_from_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
