/* test_run_init.c: training from another run's weights: what `reset`, `keep` and `hybrid` take over,
 * what is refused, and that a run goes on without the one that it came from. */
#define _GNU_SOURCE
#include "training_files.h"

#include <math.h>

/* Whether all tensors of `a` that begin like that are in `b`, the same. Returns how many. */
static int same_tensors(const fpc_st_file *a, const fpc_st_file *b, const char *prefix)
{
    int n = 0;

    for (int32_t i = 0; i < a->n; i++) {
        const fpc_st_tensor *x = &a->tensor[i], *y = fpc_st_find(b, x->name);
        if (strncmp(x->name, prefix, strlen(prefix)))
            continue;
        assert_non_null(y);
        assert_int_equal(x->count, y->count);
        if (memcmp(x->data, y->data, (size_t)x->count * (x->dtype == FPC_I64 ? 8 : 4)))
            return -1;
        n++;
    }
    return n;
}

static double column(const char *folder, const char *name, int row)
{
    json_t *history = json_of(folder, "history.json");
    const double v = json_number_value(json_array_get(json_object_get(history, name), (size_t)row));

    json_decref(history);
    return v;
}

/* The first: two epochs of a cosine over four, with warm-up and a rate of its own. */
static const char *const first[] = {"run.epochs=2",
                                    "schedule.use=cosine",
                                    "schedule.epochs=4",
                                    "schedule.warmup_epochs=1",
                                    "optimizer.weight_decay=0.02",
                                    "run.ema=0.9"};
enum { FIRST = 6 };

static const char *keep_from(bench *b, const char *folder)
{
    return fpc_sprintf(b->arena, "run.init_from=%s", folder);
}

static void reset_takes_the_weights(void **state)
{
    bench *b = *state;
    char from[1200];
    const char *overrides[] = {from};

    succeeds("first", FIRST, first, NULL);
    snprintf(from, sizeof from, "run.init_from=%s/best.safetensors", folder_of("first"));
    succeeds("file", 1, overrides, NULL);
    snprintf(from, sizeof from, "run.init_from=%s/", folder_of("first"));
    succeeds("folder", 1, overrides, NULL);
    same_results(folder_of("file"), folder_of("folder"), "from a folder and from its best.safetensors", 0);
    assert_string_equal(fpc_st_meta_find(read_file(b, folder_of("folder"), "last.safetensors"), "step.first"), "0");
    assert_string_equal(fpc_st_meta_find(read_file(b, folder_of("folder"), "last.safetensors"), "step"), "9");

    cancel_at_event = 1; /* what it begins with */
    assert_int_equal(run_in_child("zero", 1, overrides, NULL), FPC_ECANCEL);
    clear_points();
    const fpc_st_file *zero = read_file(b, folder_of("zero"), "last.safetensors");
    assert_true(same_tensors(read_file(b, folder_of("first"), "best.safetensors"), zero, "decoder.") > 5);
    const fpc_st_tensor *m = fpc_st_find(zero, "optimizer.m.decoder.conv_seg.weight");
    assert_non_null(m);
    for (int64_t i = 0; i < m->count; i++)
        assert_true(((const float *)m->data)[i] == 0);
}

static void keep_goes_on(void **state)
{
    bench *b = *state;
    const char *overrides[] = {NULL,
                               "run.init_optimizer=keep",
                               "optimizer.lr=0.5",
                               "optimizer.weight_decay=0.3",
                               "schedule.warmup_epochs=2",
                               "run.epochs=2",
                               "run.ema=0.9"};
    static const char *const four[] = {"run.epochs=4", "schedule.use=cosine", "schedule.warmup_epochs=1"};
    char text[1024];
    size_t n;

    succeeds("first", FIRST, first, NULL);
    succeeds("four", 3, four, NULL);
    overrides[0] = keep_from(b, folder_of("first"));

    cancel_at_event = 1;
    assert_int_equal(run_in_child("zero", 7, overrides, NULL), FPC_ECANCEL);
    clear_points();
    const fpc_st_file *was = read_file(b, folder_of("first"), "last.safetensors"),
                      *zero = read_file(b, folder_of("zero"), "last.safetensors");
    assert_true(same_tensors(was, zero, "optimizer.m.") > 20 && same_tensors(was, zero, "optimizer.v.") > 20);
    assert_true(same_tensors(was, zero, "block1.") > 5 && same_tensors(was, zero, "decoder.") > 5);
    assert_true(same_tensors(was, zero, "average.") > 20);
    assert_string_equal(fpc_st_meta_find(zero, "step"), "6");
    assert_string_equal(fpc_st_meta_find(zero, "epoch"), "0");

    succeeds("kept", 7, overrides, NULL);
    for (int e = 0; e < 2; e++) /* the rates of a run that was never cut; the recipe's are overridden */
        assert_true(column(folder_of("kept"), "lr", e) == column(folder_of("four"), "lr", e + 2));
    assert_true(column(folder_of("four"), "lr", 2) != column(folder_of("four"), "lr", 3));
    char *recipe = slurp(folder_of("kept"), "recipe.ini", &n);
    assert_non_null(strstr(recipe, "weight_decay = 0.02"));
    assert_non_null(strstr(recipe, "init_optimizer = hybrid"));
    assert_non_null(strstr(recipe, "begin = 2"));
    assert_non_null(strstr(recipe, "warmup_epochs = 1"));
    snprintf(text, sizeof text, "beat = %.15s", fpc_st_meta_find(was, "best.value"));
    if (!strstr(recipe, text))
        fail_msg("%s is not in the recipe:\n%s", text, recipe);
    free(recipe);
    /* only what passes the other run's best is a best */
    const double beat = strtod(fpc_st_meta_find(was, "best.value"), NULL);
    int best = 0;
    double value = beat;
    for (int e = 0; e < 2; e++)
        if (column(folder_of("kept"), "val_f_score", e) > value)
            value = column(folder_of("kept"), "val_f_score", e), best = e + 1;
    json_t *log = json_of(folder_of("kept"), "run.json");
    assert_int_equal(json_integer_value(json_object_get(log, "best_epoch")), best); /* null reads as 0 */
    json_decref(log);
}

/* Kept, and kept once more: the place in the schedule adds up. */
static void keep_twice(void **state)
{
    bench *b = *state;
    static const char *const one[] = {"run.epochs=1", "schedule.use=cosine", "schedule.epochs=3"};
    const char *overrides[] = {NULL, "run.init_optimizer=keep", "run.epochs=1"};
    static const char *const three[] = {"run.epochs=3", "schedule.use=cosine"};

    succeeds("three", 2, three, NULL);
    succeeds("one", 3, one, NULL);
    overrides[0] = keep_from(b, folder_of("one"));
    succeeds("two", 3, overrides, NULL);
    overrides[0] = keep_from(b, folder_of("two"));
    succeeds("last", 3, overrides, NULL);
    assert_true(column(folder_of("two"), "lr", 0) == column(folder_of("three"), "lr", 1));
    assert_true(column(folder_of("last"), "lr", 0) == column(folder_of("three"), "lr", 2));
    assert_string_equal(fpc_st_meta_find(read_file(b, folder_of("last"), "last.safetensors"), "step"), "9");
}

/* The optimizer's state under the recipe's own rate and schedule. */
static void hybrid_takes_the_state(void **state)
{
    bench *b = *state;
    const char *overrides[] = {NULL, "run.init_optimizer=hybrid", "optimizer.lr=3e-4", "run.epochs=1"};

    succeeds("first", FIRST, first, NULL);
    overrides[0] = keep_from(b, folder_of("first"));
    cancel_at_event = 1;
    assert_int_equal(run_in_child("zero", 4, overrides, NULL), FPC_ECANCEL);
    clear_points();
    assert_true(same_tensors(read_file(b, folder_of("first"), "last.safetensors"),
                             read_file(b, folder_of("zero"), "last.safetensors"), "optimizer.") > 40);
    succeeds("hybrid", 4, overrides, NULL);
    assert_true(column(folder_of("hybrid"), "lr", 0) == 3e-4);
}

static void goes_on_without_its_source(void **state)
{
    bench *b = *state;
    const char *overrides[] = {NULL, "run.init_optimizer=keep", "run.epochs=2"};
    char cut[1024];

    succeeds("first", FIRST, first, NULL);
    overrides[0] = keep_from(b, folder_of("first"));
    succeeds("straight", 3, overrides, NULL);
    cancel_at_event = 9;
    assert_int_equal(run_in_child("cut", 3, overrides, NULL), FPC_ECANCEL);
    clear_points();
    snprintf(cut, sizeof cut, "%s", folder_of("cut"));
    /* with the recipe that was given (keep), and later with the run's own */
    cancel_at_event = 4;
    assert_int_equal(run_in_child("cut", 3, overrides, cut), FPC_ECANCEL);
    clear_points();
    remove_tree("first");
    char *program[2];
    char recipe[1200];
    snprintf(recipe, sizeof recipe, "%s/recipe.ini", cut);
    const char *const none[] = {NULL};
    fpc_recipe *own;
    fpc_experiment *experiment;
    program[0] = recipe, program[1] = NULL;
    fpc_ctx_log_level(b->ctx, FPC_LOG_ERROR);
    if (fpc_recipe_read(b->ctx, b->arena, recipe, 0, none, &own) ||
        fpc_experiment_open(b->ctx, b->arena, NULL, own, FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND,
                            &experiment) ||
        fpc_run(experiment, &(fpc_run_args){.resume = cut, .argc = 1, .argv = program}))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    same_results(folder_of("straight"), cut, "without its source", 0);
}

static void what_cannot_be_kept(void **state)
{
    bench *b = *state;
    const char *overrides[4] = {NULL, "run.init_optimizer=keep"};

    succeeds("first", FIRST, first, NULL);
    overrides[0] = fpc_sprintf(b->arena, "run.init_from=%s/best.safetensors", folder_of("first"));
    assert_int_equal(run_in_child("a", 2, overrides, NULL), FPC_EINVAL);
    assert_non_null(strstr(message, "run.init_optimizer = keep: "));
    assert_non_null(strstr(message, "best.safetensors holds weights and no state of an optimizer; give the "
                                    "last.safetensors of a run, or `reset`"));
    overrides[0] = "run.init_from=";
    assert_int_equal(run_in_child("a", 2, overrides, NULL), FPC_EINVAL);
    assert_non_null(strstr(message, "run.init_from is empty"));
    overrides[0] = "run.init_from=nowhere/at/all";
    assert_int_equal(run_in_child("a", 2, overrides, NULL), FPC_ENOENT);
    assert_non_null(strstr(message, "nowhere/at/all"));
    overrides[0] = keep_from(b, folder_of("first"));
    overrides[1] = "run.init_optimizer=hybrid";
    overrides[2] = "optimizer.use=sgd";
    assert_int_equal(run_in_child("a", 3, overrides, NULL), FPC_EINVAL);
    assert_non_null(strstr(message, "lacks optimizer."));
    assert_non_null(strstr(message, "that run was trained by another one"));
    overrides[1] = "run.init_optimizer=keep"; /* whose [optimizer] comes along */
    overrides[3] = "run.epochs=1";
    succeeds("sgd", 4, overrides, NULL);
    overrides[2] = "model.decoder_dim=24";
    assert_int_equal(run_in_child("a", 3, overrides, NULL), FPC_EFORMAT);
    assert_non_null(strstr(message, "for another model"));
    assert_string_equal(folder_of("a"), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reset_takes_the_weights),    TEST(keep_goes_on),        TEST(keep_twice), TEST(hybrid_takes_the_state),
        TEST(goes_on_without_its_source), TEST(what_cannot_be_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
