/* test_run_check.c: what training refuses before its first step, each with its place; the columns of the record,
 * and the time that is left. */
#include "tiny.h"
#include "base/file.h"
#include "train/check.h"
#include "train/trainer.h"

#include <math.h>

static const char tiny[] = "[run]\nmetric = f\n[dataset]\nuse = synthetic\n[loss.ce]\nuse = cross_entropy\n"
                           "[loss.d]\nuse = dice\nweight = 1 @1, 2 @3\n[metric.f]\nuse = fscore_batch\n"
                           "[metric.c]\nuse = f1_class\n";

static fpc_experiment *open_tiny(bench *b, int32_t n, const char *const *overrides)
{
    fpc_recipe *recipe;
    fpc_experiment *s;

    fpc_ctx_clear(b->ctx);
    if (fpc_recipe_parse(b->ctx, b->arena, "t.ini", tiny, n, overrides, &recipe) ||
        fpc_experiment_open(b->ctx, b->arena, NULL, recipe, FPC_OPEN_TRAIN, &s))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return s;
}

static void refused(bench *b, const char *a, const char *c, const char *sentence)
{
    const char *overrides[] = {a, c};
    const fpc_experiment *s = open_tiny(b, c ? 2 : 1, overrides);

    assert_int_not_equal(fpc_run_check(s, 0), FPC_OK);
    assert_true(fpc_ctx_recipe_fault(b->ctx));
    if (!strstr(fpc_ctx_error(b->ctx), sentence))
        fail_msg("%s: %s", sentence, fpc_ctx_error(b->ctx));
}

static void refusals(void **state)
{
    bench *b = *state;
    const char *gone[] = {"run.init_from=/nope/last.safetensors"};

    assert_int_equal(fpc_run_check(open_tiny(b, 0, NULL), 0), FPC_OK);
    refused(b, "run.beat=1,2", NULL, "-s run.beat=1,2: run.beat has 2 values");
    refused(b, "run.name=a/b", NULL, "run.name = a/b: a folder's name is wanted");
    refused(b, "run.name=.a", NULL, "run.name = .a: a folder's name is wanted");
    refused(b, "run.out=", NULL, "run.out is empty");
    refused(b, gone[0], NULL, "run.init_from: /nope/last.safetensors: No such file or directory");
    assert_int_equal(fpc_run_check(open_tiny(b, 1, gone), 1), FPC_OK); /* a resumed run needs them no more */
    refused(b, "metric.loss.use=miou", NULL,
            "the record itself and [metric.loss] (-s metric.loss.use=miou) both make "
            "the column train_loss");
    refused(b, "logger.a.use=plot", "logger.b.use=plot", "[logger.a] (-s logger.a.use=plot) and [logger.b]");
}

/* A logger may be opened without the record; what it is to show is looked up where the columns are known. */
static void columns_to_show(void **state)
{
    bench *b = *state;
    const char *good[] = {"logger.x.use=console", "logger.x.metrics=val_f, f,train_loss,lr,val_f"};

    assert_int_equal(fpc_run_check(open_tiny(b, 2, good), 0), FPC_OK);
    good[1] = "logger.x.metrics= ,";
    assert_int_equal(fpc_run_check(open_tiny(b, 2, good), 0), FPC_OK);
    refused(b, good[0], "logger.x.metrics=nothing",
            "-s logger.x.metrics=nothing: logger.x.metrics: the record has no column `nothing`; it has train_loss, ");
    refused(b, good[0], "logger.x.metrics=f,train_losss", "no column `train_losss`; did you mean `train_loss`?");
    refused(b, good[0], "logger.x.metrics=val_", "no column `val_`");
}

/* An epoch of 4 steps of 1 ms takes 2 s: its end counts too. */
static void time_left(void **state)
{
    fpc_experiment *s = open_tiny(*state, 0, NULL);
    fpc_trainer t = {.experiment = s, .epoch = 3, .steps_per_epoch = 4, .step_seconds = 0.001};

    s->run.epochs = 13;
    assert_true(fabs(fpc_trainer_left(&t, 0) - 0.04) < 1e-9); /* nothing else is known yet */
    t.train.steps = 1;
    fpc_trainer_time_epoch(&t); /* resumed in its middle: not a whole one */
    assert_true(t.whole_began == 0 && fabs(fpc_trainer_left(&t, 0) - 0.039) < 1e-9);
    t.train.steps = 0;
    t.epoch = 4;
    fpc_trainer_time_epoch(&t);
    assert_true(t.whole_began > 0 && t.whole_from == 4);
    assert_true(fabs(fpc_trainer_left(&t, 0) - 0.036) < 1e-9);
    t.epoch = 7; /* three of 2 s are over */
    t.whole_ended = t.whole_began + 6;
    assert_true(fabs(fpc_trainer_left(&t, 0) - 12) < 1e-9);
    t.whole_began -= 6;
    fpc_trainer_time_epoch(&t);
    const double left = fpc_trainer_left(&t, 0);
    assert_true(left > 10 && left < 13);
    t.epoch_began -= 1.5, t.whole_began -= 1.5, t.whole_ended -= 1.5;
    assert_true(fpc_trainer_left(&t, 0) < left - 1.4);
    t.epoch_began -= 600, t.whole_began -= 600, t.whole_ended -= 600; /* a slow one: its steps are still to come */
    assert_true(fpc_trainer_left(&t, 0) >= 10 + 0.004);
    t.epoch = 13;
    assert_true(fpc_trainer_left(&t, 0) <= 0);
}

static void classes_of_odd_names(void **state)
{
    bench *b = *state;
    fpc_experiment *s = open_tiny(b, 0, NULL);
    const char *names[256];

    for (int32_t i = 0; i < s->classes; i++)
        names[i] = i == 4 ? "\xff" : s->info.class_names[i];
    s->info.class_names = names;
    assert_int_not_equal(fpc_run_check(s, 0), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "the name of class 4"));
}

static void columns(void **state)
{
    static const char *const first[] = {"train_loss", "train_f", "train_c",          "val_loss",  "val_f",
                                        "val_c",      "lr",      "val_c.background", "val_c.skin"};
    static const char *const last[] = {"grad_norm",   "train_loss.ce", "train_loss.d",
                                       "val_loss.ce", "val_loss.d",    "weight.d"};
    bench *b = *state;
    const fpc_experiment *s = open_tiny(b, 0, NULL);
    fpc_columns c;

    assert_int_equal(fpc_columns_of(s, b->arena, 1, &c), FPC_OK);
    assert_int_equal(c.n, 7 + 19 + 6);
    for (int i = 0; i < 9; i++)
        assert_string_equal(c.name[i], first[i]);
    for (int i = 0; i < 6; i++)
        assert_string_equal(c.name[c.n - 6 + i], last[i]);
    assert_string_equal(c.name[c.monitor], "val_f");
    assert_int_equal(fpc_columns_of(s, b->arena, 0, &c), FPC_OK);
    assert_string_equal(c.name[c.monitor], "train_f");
}

/* A machine that is said to have less than training needs. */
static void memory(void **state)
{
    bench b;
    size_t all = 0, one = 0;

    (void)state;
    bench_experiment(&b, TINY "[optimizer]\nuse = adamw\n[backend]\nuse = ref\n", "dataset.batch=3", OPEN_ALL);
    assert_int_equal(fpc_experiment_memory(b.s, 3, 32, 32, &all), FPC_OK);
    assert_int_equal(fpc_experiment_memory(b.s, 1, 32, 32, &one), FPC_OK);
    assert_true(all > one && one > 4 * (size_t)b.s->state->n_trainable * 4); /* weights, gradients, two slots */
    b.s->backend->device.free = all;
    assert_int_equal(fpc_run_check_start(b.s), FPC_OK);
    b.s->backend->device.free = all - 1;
    assert_int_equal(fpc_run_check_start(b.s), FPC_ENOMEM);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "dataset.batch = 3 at 32x32 needs"));
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "dataset.batch = 2 is the largest that fits"));
    fpc_ctx_clear(b.ctx);
    b.s->backend->device.free = one - 1;
    assert_int_equal(fpc_run_check_start(b.s), FPC_ENOMEM);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "not even one picture fits"));
    fpc_ctx_clear(b.ctx);
    /* what is said is what is taken */
    const fpc_batch *batch;
    fpc_step_result r;
    b.s->backend->device.free = 0; /* no limit */
    assert_int_equal(fpc_data_start(b.s->data, FPC_TRAIN, 0, 0), FPC_OK);
    assert_int_equal(fpc_data_next(b.s->data, &batch), FPC_OK);
    if (fpc_train_step(b.s, 1, &batch, 1, 0.1, &r))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    assert_true(b.s->backend->allocated >= all && b.s->backend->allocated < all + all / 10);
    bench_free(&b);
}

/* Looking at where folders would be made finds what making them finds, and makes none. */
static void folders(void **state)
{
    static const char *const path[] = {"a/b/c", "/x", "file/runs", "file", "there/./new", "there", "dead/runs", "dead"};
    bench *b = *state;

    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        const char *at = fpc_sprintf(b->arena, "%s/%s", test_folder(), path[i]);
        char *text[2] = {NULL, NULL};
        fpc_status status[2];
        assert_int_equal(system(fpc_sprintf(b->arena, "cd '%s' && mkdir -p there && touch file && ln -sfn nowhere dead",
                                            test_folder())),
                         0);
        for (int make = 0; make < 2; make++) {
            fpc_ctx_clear(b->ctx);
            status[make] = make ? fpc_make_folders(b->ctx, "run.out", at) : fpc_check_folders(b->ctx, "run.out", at);
            text[make] = fpc_strdup(b->arena, fpc_ctx_error(b->ctx));
            assert_int_equal(access(at, F_OK) == 0, make ? status[1] == FPC_OK || i == 3 : i == 3 || i == 5);
        }
        assert_int_equal(status[0], status[1]);
        assert_string_equal(text[0], text[1]);
        assert_int_equal(status[0] == FPC_OK, i != 2 && i != 3 && i < 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(refusals), CASE(columns_to_show),    CASE(time_left), CASE(classes_of_odd_names),
        CASE(columns),  cmocka_unit_test(memory), CASE(folders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
