/* test_run_files.c: the folder of a run: the words for how it ended, what a run folder is, and that files are read
 * whole or refused with a sentence, FIFOs among them. */
#define _GNU_SOURCE
#include "recordings.h"
#include "base/file.h"
#include "record/run_files.h"

#include <errno.h>
#include <jansson.h>

static void words(void **state)
{
    (void)state;
    for (fpc_run_end end = FPC_RUN_UNKNOWN; end <= FPC_RUN_KILLED; end++) {
        assert_int_equal(fpc_run_end_of(fpc_run_end_word(end)), end);
        assert_int_equal(fpc_run_is_done(end), end == FPC_RUN_COMPLETE || end == FPC_RUN_STOPPED);
    }
    assert_string_equal(fpc_run_end_word(FPC_RUN_STOPPED), "stopped early");
    assert_int_equal(fpc_run_end_of(NULL), FPC_RUN_UNKNOWN);
    assert_int_equal(fpc_run_end_of("stopped"), FPC_RUN_UNKNOWN);
}

static void run_folders(void **state)
{
    bench *b = *state;
    static const char *const file[] = {FPC_RUN_RECIPE, FPC_RUN_MANIFEST, FPC_RUN_HISTORY};

    assert_false(fpc_is_run(test_folder()));
    assert_false(fpc_is_run("/nowhere"));
    for (int i = 0; i < 3; i++) {
        const char *path = recorded_write(b, fpc_sprintf(b->arena, "r%d/%s", i, file[i]), "");
        assert_true(fpc_is_run(fpc_sprintf(b->arena, "%s/r%d", test_folder(), i)));
        assert_false(fpc_is_run(path)); /* a file is no folder */
    }
    recorded_write(b, "weights/" FPC_RUN_BEST, "");
    assert_false(fpc_is_run(fpc_sprintf(b->arena, "%s/weights", test_folder())));
}

/* The manifest of a run that was killed says for ever that it runs; the lock of the folder tells. */
static void killed_or_running(void **state)
{
    bench *b = *state;
    const char *folder = fpc_sprintf(b->arena, "%s/r", test_folder());
    int lock;

    recorded_write(b, "r/history.json", "{\"train_loss\": [1, 2]}");
    recorded_write(b, "r/" FPC_RUN_MANIFEST, "{\"status\": \"running\", \"sessions\": []}");
    assert_string_equal(recorded_read(b, folder)->ended, "killed");
    assert_int_equal(fpc_run_end_in(folder, "complete"), FPC_RUN_COMPLETE);
    assert_int_equal(fpc_run_end_in("/nowhere", "running"), FPC_RUN_RUNNING);
    assert_true((lock = fpc_run_lock(folder)) >= 0);
    assert_string_equal(recorded_read(b, folder)->ended, "running");
    assert_int_equal(fpc_run_lock(folder), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    close(lock);
    assert_string_equal(recorded_read(b, folder)->ended, "killed");
    assert_int_equal(fpc_run_lock("/nowhere"), -1);
    assert_int_equal(errno, ENOENT);
}

static void refuse(bench *b, const char *path, size_t most, const char *sentence)
{
    char *text;
    size_t bytes;

    fpc_ctx_clear(b->ctx);
    assert_int_not_equal(fpc_read_file(b->ctx, b->arena, path, most, &text, &bytes), FPC_OK);
    assert_string_equal(fpc_ctx_error(b->ctx), fpc_sprintf(b->arena, "%s: %s", path, sentence));
}

static void whole_files(void **state)
{
    bench *b = *state;
    const char *path = recorded_write(b, "a.txt", "eight by");
    char *fifo = fpc_sprintf(b->arena, "%s/fifo", test_folder()), *text;
    size_t bytes;

    assert_int_equal(fpc_read_file(b->ctx, b->arena, path, 8, &text, &bytes), FPC_OK);
    assert_int_equal(bytes, 8);
    assert_string_equal(text, "eight by");
    refuse(b, path, 7, "is larger than 7 bytes, the most that is read");
    assert_int_equal(fpc_read_file(b->ctx, b->arena, recorded_write(b, "empty", ""), 0, &text, &bytes), FPC_OK);
    assert_int_equal(bytes, 0);
    assert_string_equal(text, "");
    assert_int_equal(mkfifo(fifo, 0666), 0);
    refuse(b, fifo, 8, "is no plain file");
    refuse(b, "/dev/zero", 8, "is no plain file");
    refuse(b, test_folder(), 8, "cannot be read: Is a directory");
    refuse(b, "/nowhere/a", 8, "cannot be read: No such file or directory");
}

static char warning[4200];
static void keep(void *arg, int level, const char *line)
{
    (void)arg;
    if (level == FPC_LOG_WARN)
        snprintf(warning, sizeof warning, "%s", line);
}

static void fifos_in_a_run(void **state)
{
    bench *b = *state;
    const char *folder = fpc_sprintf(b->arena, "%s/r", test_folder());
    const char *recipe = fpc_sprintf(b->arena, "%s/recipe.ini", folder);
    fpc_recorded *recorded;
    fpc_recipe *read;

    recorded_write(b, "r/history.json", "{\"val_f_score\": [0.5]}");
    fpc_ctx_log_sink(b->ctx, keep, NULL);
    assert_int_equal(mkfifo(fpc_sprintf(b->arena, "%s/run.json", folder), 0666), 0);
    assert_null(recorded_read(b, folder)->ended);
    assert_non_null(strstr(warning, "r/run.json: is no plain file; how the run ended is unknown"));
    assert_int_equal(mkfifo(recipe, 0666), 0);
    assert_int_not_equal(fpc_recipe_read(b->ctx, b->arena, recipe, 0, NULL, &read), FPC_OK);
    assert_string_equal(fpc_ctx_error(b->ctx), fpc_sprintf(b->arena, "the recipe %s is no plain file", recipe));
    fpc_ctx_clear(b->ctx);
    assert_int_equal(remove(fpc_sprintf(b->arena, "%s/history.json", folder)), 0);
    assert_int_equal(mkfifo(fpc_sprintf(b->arena, "%s/history.json", folder), 0666), 0);
    assert_int_not_equal(fpc_recorded_read(b->ctx, b->arena, folder, &recorded), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "r/history.json: is no plain file"));
}

static void json(void **state)
{
    bench *b = *state;
    json_t *root;

    fpc_ctx_log_sink(b->ctx, keep, NULL);
    root = fpc_json_glance(b->ctx, recorded_write(b, "good.json", "{\"a\": 1}"), "nothing is known");
    assert_int_equal(json_integer_value(json_object_get(root, "a")), 1);
    json_decref(root);
    *warning = '\0';
    assert_null(fpc_json_glance(b->ctx, "/nowhere/a.json", "nothing is known"));
    assert_null(fpc_json_glance(b->ctx, recorded_write(b, "bad.json", "{"), NULL));
    assert_string_equal(warning, "");
    assert_null(fpc_json_glance(b->ctx, recorded_write(b, "bad.json", "{"), "nothing is known"));
    assert_non_null(strstr(warning, "bad.json:1: is no JSON, or only a part of it"));
    assert_non_null(strstr(warning, "; nothing is known"));
    assert_int_equal(fpc_ctx_status(b->ctx), FPC_OK);
}

static void keys(void **state)
{
    (void)state;
    assert_int_equal(fpc_key_role_of("run", "seed"), FPC_KEY_REPEAT);
    assert_int_equal(fpc_key_role_of("run", "patience"), FPC_KEY_LENGTH);
    assert_int_equal(fpc_key_role_of("backend", "threads"), FPC_KEY_MACHINE);
    assert_int_equal(fpc_key_role_of("logger.csv", "every"), FPC_KEY_MACHINE);
    assert_int_equal(fpc_key_role_of("optimizer", "lr"), FPC_KEY_RESULT);
    assert_int_equal(fpc_key_role_of("schedule", "epochs"), FPC_KEY_RESULT);
    assert_int_equal(fpc_key_role_of("loss.run", "seed"), FPC_KEY_RESULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words), cmocka_unit_test(keys), CASE(run_folders), CASE(killed_or_running),
        CASE(whole_files),       CASE(fifos_in_a_run),   CASE(json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
