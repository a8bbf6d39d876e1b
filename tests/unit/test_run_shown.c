/* test_run_shown.c: masks in which classes or everything is missing: what --check says of them before a training, what
 * the first epoch says, and when a training is refused because nothing in its masks counts or its metric never has a
 * value. */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"
#include "cmd/lint/lint.h"
#include "tiny.h"
#include <fpcore/metric.h>
#include "train/loop.h"

enum { SIDE = 32, PICTURES = 8 };

static char heard[4096]; /* warnings, a line each */

static void hear(void *arg, int level, const char *line)
{
    (void)arg;
    if (level <= FPC_LOG_WARN)
        snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s\n", line);
}

static void hear_lint(void *arg, const char *sentence)
{
    (void)arg;
    if (strstr(sentence, "dataset: none of") || strstr(sentence, "could not be read") || strstr(sentence, ".png"))
        snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s\n", sentence);
}

/* Eight pictures, of which the last in the order of names validate; mask i is full of `left` on its left half, of
 * `right` on its right one. */
static void make_halves(bench *b, const uint8_t left[PICTURES], const uint8_t right[PICTURES])
{
    static const char names[] = "[classes]\n0 = ground\n1 = ship\n2 = pier\n";
    make_set(b, "set", PICTURES, SIDE, SIDE);
    write_bytes("classes.ini", names, sizeof names - 1);
    write_bytes("val.txt", "06\n07\n", 6);
    for (int i = 0; i < PICTURES; i++) {
        fpc_image mask = picture(b->arena, SIDE, SIDE, 1, i);
        for (int p = 0; p < SIDE * SIDE; p++)
            mask.pixel[p] = p % SIDE < SIDE / 2 ? left[i] : right[i];
        write_png(b, fpc_sprintf(b->arena, "set/train/masks/%02d.png", i), &mask, NULL, 0);
    }
}

static fpc_status open_recipe(bench *b, const char *more)
{
    const char *text =
        fpc_sprintf(b->arena,
                    "[run]\nname = t\nepochs = 2\nmetric = f\nout = %s\n[dataset]\nuse = folder\nroot = "
                    "%s\nval_list = %s\nclasses = %s\nbatch = 2\n%s" TINY_MODEL TINY_LOSS
                    "[metric.f]\nuse = f1_class\n[backend]\nuse = ref\n",
                    in_folder("runs"), in_folder("set"), in_folder("val.txt"), in_folder("classes.ini"), more);
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "t.ini", text, 0, NULL, &b->recipe);
    *heard = 0;
    return status ? status
                  : fpc_experiment_open(b->ctx, b->arena, NULL, b->recipe,
                                        FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &b->s);
}

/* What --check says of the masks. */
static const char *check(bench *b, const char *more)
{
    if (open_recipe(b, more))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    fpc_lint(b->s, b->arena, hear_lint, NULL);
    assert_int_equal(fpc_ctx_status(b->ctx), FPC_OK);
    return heard;
}

/* --check refuses what would stop a training. */
static void refuses(bench *b, const char *more, const char *sentence)
{
    assert_int_equal(open_recipe(b, more), FPC_OK);
    fpc_lint(b->s, b->arena, hear_lint, NULL);
    assert_int_equal(fpc_ctx_status(b->ctx), FPC_EFORMAT);
    if (!strstr(fpc_ctx_error(b->ctx), sentence))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    fpc_ctx_clear(b->ctx);
}

static fpc_status train(bench *b, const char *more)
{
    static char program[] = "fpcore", *argv[] = {program, NULL};
    fpc_ctx_log_sink(b->ctx, hear, NULL);
    const fpc_status status = open_recipe(b, more);
    return status ? status : fpc_run(b->s, &(fpc_run_args){.argc = 1, .argv = argv});
}

static void heard_only(const char *want)
{
    if (*want ? !strstr(heard, want) : *heard != 0)
        fail_msg("heard \"%s\", wanted \"%s\"", heard, want);
}

static void all_classes(void **state)
{
    bench *b = *state;
    make_halves(b, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0}, (uint8_t[]){1, 2, 1, 1, 1, 1, 1, 1});
    assert_string_equal(check(b, ""), "");
    assert_int_equal(train(b, ""), FPC_OK);
    heard_only("");
}

static void absent_classes(void **state)
{
    bench *b = *state;
    make_halves(b, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0}, (uint8_t[]){1, 1, 1, 1, 1, 1, 2, 2}); /* validation has it */
    assert_string_equal(check(b, ""), "dataset: none of the 6 training masks shows pier\n");
    assert_int_equal(train(b, ""), FPC_OK);
    heard_only("none of the 6 training masks of the first epoch shows pier\n");
    assert_null(strstr(strstr(heard, "none of") + 1, "none of")); /* said once, not in each epoch */
    write_bytes("set/train/masks/03.png", "no mask", 7);
    refuses(b, "", "masks/03.png: neither a JPEG nor a PNG file");
}

/* The object was made to count nowhere: a perfect score at once, for what is no task. */
static void the_object_ignored(void **state)
{
    bench *b = *state;
    make_halves(b, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0}, (uint8_t[]){255, 255, 255, 255, 255, 255, 255, 255});
    assert_string_equal(check(b, "ignore_label = 255\n"),
                        "dataset: none of the 6 training masks shows ship, pier; label 255, which counts nowhere, has "
                        "50.0 % of their pixels\n");
    assert_int_equal(train(b, "ignore_label = 255\n"), FPC_OK);
    heard_only("shows ship, pier; all that counts in them is one class");
    refuses(b, "", "it is a mask in black and white");
    assert_string_equal(check(b, "map = 0:0, 255:1\n"), "dataset: none of the 6 training masks shows pier\n");
}

static const char *end_of_run(bench *b)
{
    char command[700];
    snprintf(command, sizeof command, "grep -ho '\"status\": \"failed\"' %s/*/run.json", in_folder("runs"));
    assert_int_equal(system(command), 0);
    return fpc_strdup(b->arena, fpc_ctx_error(b->ctx));
}

static void nothing_counts(void **state)
{
    bench *b = *state;
    const uint8_t nothing[] = {255, 255, 255, 255, 255, 255, 255, 255}, val[] = {0, 1, 2, 0, 0, 0, 255, 255};
    make_halves(b, nothing, nothing);
    assert_string_equal(check(b, "ignore_label = 255\n"),
                        "dataset: none of the 6 training masks shows a pixel that counts; label 255, which counts "
                        "nowhere, has 100.0 % of their pixels\n");
    assert_int_equal(train(b, "ignore_label = 255\n"), FPC_EFORMAT);
    assert_string_equal(fpc_ctx_error(b->ctx),
                        "epoch 1: no pixel of its 6 training masks counts; all have label 255, which counts nowhere "
                        "(ignore_label), so that nothing can be learned or measured");
    assert_true(access(in_folder("runs"), F_OK) || !rmdir(in_folder("runs"))); /* no epoch, so no run folder in it */
    fpc_ctx_clear(b->ctx);
    make_halves(b, val, val);
    assert_int_equal(train(b, "ignore_label = 255\n"), FPC_EFORMAT);
    said(b, "epoch 1: no pixel of its 2 validation masks counts; all have label 255");
}

/* A metric without a value for so many times, as one of a plugin may be. */
static int values_missing;

static double late_value(const fpc_self *self)
{
    (void)self;
    return values_missing-- > 0 ? NAN : 0.5;
}

static fpc_status train_scored(bench *b, int missing)
{
    static char program[] = "fpcore", *argv[] = {program, NULL};
    static fpc_metric_vtbl late;
    values_missing = missing;
    fpc_ctx_log_sink(b->ctx, hear, NULL);
    assert_int_equal(open_recipe(b, ""), FPC_OK);
    late = *(const fpc_metric_vtbl *)b->s->metric[0].inst.vtbl;
    late.value = late_value;
    b->s->metric[0].inst.vtbl = &late;
    return fpc_run(b->s, &(fpc_run_args){.argc = 1, .argv = argv});
}

static void no_score(void **state)
{
    bench *b = *state;
    make_halves(b, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0}, (uint8_t[]){1, 2, 1, 1, 1, 1, 1, 1});
    assert_int_equal(train_scored(b, 100), FPC_EFORMAT);
    heard_only("val_f has no value in the first epoch");
    assert_string_equal(end_of_run(b), "val_f had no value in any of the 2 epochs (run.metric = f): there is no best "
                                       "checkpoint; last.safetensors holds the weights of the last epoch");
    fpc_ctx_clear(b->ctx);
    assert_int_equal(train_scored(b, 2), FPC_OK); /* the first epoch's, of training and validation */
    heard_only("val_f has no value in the first epoch");
    assert_int_equal(train_scored(b, 0), FPC_OK);
    heard_only("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(all_classes), CASE(absent_classes), CASE(the_object_ignored),
                                       CASE(nothing_counts), CASE(no_score)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
