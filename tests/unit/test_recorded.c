/* test_recorded.c: recorded runs read back: names, columns, what picks the best, what a record is cut by, run folders;
 * and files that are no history, each refused with its sentence. */
#define _GNU_SOURCE
#include "recordings.h"

#define SHORT "{\"val_f_score\": [0.1, 0.3, 0.2], \"train_f_score\": [1, null, 3.5], \"lr\": [1e-3, 5e-4, 0]}"

static void a_lone_file(void **state)
{
    bench *b = *state;
    const fpc_recorded *p = recorded_read(b, recorded_write(b, "lmsa_v1__microsegformer_20251007_153857.json", SHORT));

    assert_string_equal(p->name, "lmsa_v1");
    assert_string_equal(p->when, "20251007_153857");
    assert_string_equal(p->label, "lmsa_v1 (1007_153857)");
    assert_null(p->folder);
    assert_null(p->recipe);
    assert_null(p->ended);
    assert_true(p->epochs == 3 && p->n_columns == 3);
    assert_true(fpc_recorded_column(p, "val_f_score")[1] == 0.3);
    assert_true(isnan(fpc_recorded_column(p, "train_f_score")[1]) && fpc_recorded_column(p, "train_f_score")[2] == 3.5);
    assert_null(fpc_recorded_column(p, "val_loss"));
    assert_string_equal(p->monitor, "val_f_score");
    assert_true(p->higher_is_better && p->lr_is_next && !p->truncated);
    assert_int_equal(fpc_recorded_best(p), 1);
    assert_int_equal(fpc_recorded_number(p, "run", "epochs", 7), 7);
}

static void names(void **state)
{
    bench *b = *state;
    static const char *const of[][4] = {
        {"a/history.json", "a", "", "a"},
        {"dice2-20251009-193558-2/history.json", "dice2", "20251009_193558", "dice2 (1009_193558-2)"},
        {"a__b_,s1-20251009-193558/history.json", "a__b_,s1", "20251009_193558", "a__b_,s1 (1009_193558)"},
        {"plain.json", "plain", "", "plain"},
        {"-20251009-193558.json", "", "20251009_193558", " (1009_193558)"},
        {"x_2025100_1935589.json", "x_2025100_1935589", "", "x_2025100_1935589"}};
    fpc_recorded *p[6];

    for (int i = 0; i < 6; i++) {
        char *path = (char *)(uintptr_t)recorded_write(b, of[i][0], SHORT), *slash = strrchr(path, '/');
        if (!strcmp(slash, "/history.json"))
            strcpy(slash, "/"); /* a folder may end so */
        p[i] = recorded_read(b, path);
        assert_string_equal(p[i]->name, of[i][1]);
        assert_string_equal(p[i]->when, of[i][2]);
        assert_string_equal(p[i]->label, of[i][3]);
    }
    p[0]->label = p[1]->label = p[3]->label = "same";
    p[2]->label = "same #2";
    assert_int_equal(fpc_recorded_labels(b->arena, 6, p), FPC_OK);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(p[i]->label, p[k]->label);
    assert_string_equal(p[0]->label, "same");
}

static void a_run_folder(void **state)
{
    bench *b = *state;
    const fpc_recorded *p;

    recorded_write(b, "run-20260101-000000/history.json",
                   "{\"train_loss\": [3, 2], \"train_iou\": [0.2, 0.3], \"val_loss\": [4, 3], \"val_iou\": [0.5, 0.4], "
                   "\"lr\": [1, 2], \"grad_norm\": [1, 1]}");
    recorded_write(b, "run-20260101-000000/recipe.ini", "[run]\nepochs = 9\nmetric = iou\n[model]\nmax_params = x\n");
    recorded_write(b, "run-20260101-000000/run.json",
                   "{\"name\": \"my run\", \"status\": \"interrupted\", \"parameters\": 1747923, \"best_epoch\": 1, "
                   "\"sessions\": []}");
    p = recorded_read(b, fpc_sprintf(b->arena, "%s/run-20260101-000000", test_folder()));
    assert_string_equal(p->name, "my run");
    assert_string_equal(p->label, "run (0101_000000)");
    assert_string_equal(p->ended, "interrupted");
    assert_string_equal(p->monitor, "val_iou");
    assert_true(p->parameters == 1747923 && p->saved_epoch == 1 && !p->lr_is_next && !p->truncated);
    assert_int_equal(fpc_recorded_number(p, "run", "epochs", 0), 9);
    assert_int_equal(fpc_recorded_number(p, "model", "max_params", -1), -1); /* no number */
    assert_string_equal(p->folder, p->path);
    p = recorded_read(b, fpc_sprintf(b->arena, "%s/.", p->folder));
    assert_string_equal(p->label, "run (0101_000000)");
}

static void what_picks_the_best(void **state)
{
    bench *b = *state;
    const fpc_recorded *p =
        recorded_read(b, recorded_write(b, "l.json", "{\"val_f_score\": [null, null], \"val_loss\": [3, 2]}"));

    assert_string_equal(p->monitor, "val_loss");
    assert_false(p->higher_is_better);
    assert_int_equal(fpc_recorded_best(p), 1);
    p = recorded_read(b, recorded_write(b, "m.json", "{\"something\": [1, 2]}"));
    assert_null(p->monitor);
    assert_int_equal(fpc_recorded_best(p), -1);
    p = recorded_read(b, recorded_write(b, "n.json", "{\"val_f_score\": [0.5, 0.5], \"grad_norm\": [1, 1]}"));
    assert_int_equal(fpc_recorded_best(p), 0);
    assert_false(p->lr_is_next); /* a record of ours, moved elsewhere */
}

static void truncated(void **state)
{
    bench *b = *state;
    fpc_recorded *p = recorded_read(b, recorded_write(b, "t.json", "{\"val_f_score\": [0.1, 0.2, 0.3]}"));
    fpc_recipe *recipe;

    assert_true(p->truncated);
    p->ended = "complete";
    fpc_recorded_judge(p);
    assert_false(p->truncated);
    p->ended = NULL;
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", "[run]\nepochs = 3\n", 0, NULL, &recipe), FPC_OK);
    p->recipe = recipe;
    fpc_recorded_judge(p);
    assert_false(p->truncated); /* it is as long as it was meant to be */
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "r.ini", "[run]\nepochs = 4\n", 0, NULL, &recipe), FPC_OK);
    p->recipe = recipe;
    fpc_recorded_judge(p);
    assert_true(p->truncated);
    assert_false(recorded_read(b, recorded_write(b, "one.json", "{\"val_f_score\": [0.1]}"))->truncated);
}

static void refuse(bench *b, const char *path, const char *want)
{
    fpc_recorded *recorded;

    assert_int_not_equal(fpc_recorded_read(b->ctx, b->arena, path, &recorded), FPC_OK);
    if (!strstr(fpc_ctx_error(b->ctx), want) || !strstr(fpc_ctx_error(b->ctx), path))
        fail_msg("%s: the sentence is \"%s\", without \"%s\"", path, fpc_ctx_error(b->ctx), want);
    fpc_ctx_clear(b->ctx);
}

static void bad_files(void **state)
{
    bench *b = *state;
    static const char *const bad[][2] = {
        {"{\"a\": [1, 2], \"b\": [1, 2, 3]}", "`a` has 2 epochs and `b` 3: arrays of equal length are needed"},
        {"{\"a\": [1, \"2\"]}", "a, epoch 2: is neither a number nor null"},
        {"{\"a\": [1, 2]", "is no JSON, or only a part of it"},
        {"{\"a\": [NaN]}", "JSON has no such number, a missing value is null"},
        {"{\"a\": [1e999]}", "is no JSON, or only a part of it"},
        {"{\"a\": [1], \"a\": [2]}", "is no JSON, or only a part of it"},
        {"[1, 2]", "is no history: an object of arrays is needed"},
        {"{}", "is no history: an object of arrays is needed"},
        {"{\"a\": 3}", "`a` is no array of numbers"},
        {"{\"a\": []}", "the history holds no epoch yet"},
        {"", "is no JSON, or only a part of it"}};
    char path[300];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(b, recorded_write(b, "bad.json", bad[i][0]), bad[i][1]);
    snprintf(path, sizeof path, "%s/nowhere.json", test_folder());
    refuse(b, path, "No such file");
    refuse(b, test_folder(), "there is no history.json");
    snprintf(path, sizeof path, "%s/fifo", test_folder());
    assert_int_equal(mkfifo(path, 0666), 0);
    refuse(b, path, "fifo: is no plain file");
}

static void too_much(void **state)
{
    bench *b = *state;
    const size_t columns = FPC_RECORDED_COLUMNS + 1;
    char *text = fpc_alloc(b->arena, 20 * columns + 3), *at = text;
    const char *path;

    *at++ = '{';
    for (size_t i = 0; i < columns; i++)
        at += sprintf(at, "%s\"c%zu\":[1]", i ? "," : "", i);
    strcpy(at, "}");
    refuse(b, recorded_write(b, "wide.json", text), "has 4097 columns; at most 4096 are read");
    path = recorded_write(b, "large.json", "{");
    assert_int_equal(truncate(path, ((off_t)1 << 28) + 1), 0); /* takes no room on the disk */
    refuse(b, path, "large.json: is larger than 268435456 bytes");
}

static int n_warnings;
static void count(void *arg, int level, const char *line)
{
    (void)arg;
    n_warnings += level == FPC_LOG_WARN && strstr(line, "how the run ended is unknown");
}

static void broken_manifest_and_recipe(void **state)
{
    bench *b = *state;
    const char *folder = fpc_sprintf(b->arena, "%s/r", test_folder());
    fpc_recorded *recorded;

    recorded_write(b, "r/history.json", SHORT);
    recorded_write(b, "r/run.json", "{\"status\": ");
    fpc_ctx_log_sink(b->ctx, count, NULL);
    n_warnings = 0;
    assert_null(recorded_read(b, folder)->ended);
    assert_int_equal(n_warnings, 1);
    recorded_write(b, "r/recipe.ini", "[run\n");
    assert_int_not_equal(fpc_recorded_read(b->ctx, b->arena, folder, &recorded), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "r/recipe.ini:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lone_file), CASE(names),     CASE(a_run_folder), CASE(what_picks_the_best),
        CASE(truncated),   CASE(bad_files), CASE(too_much),     CASE(broken_manifest_and_recipe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
