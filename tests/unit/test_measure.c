/* test_measure.c: the one column that ranks several recorded runs: the first that all have, counted in one way, or the
 * one that was asked for; and the sentences where there is none. */
#define _GNU_SOURCE
#include "recordings.h"

static fpc_recorded *run_of(bench *b, const char *name, const char *history, const char *recipe)
{
    recorded_write(b, fpc_sprintf(b->arena, "%s/history.json", name), history);
    if (recipe)
        recorded_write(b, fpc_sprintf(b->arena, "%s/recipe.ini", name), recipe);
    return recorded_read(b, fpc_sprintf(b->arena, "%s/%s", test_folder(), name));
}

typedef struct common {
    fpc_recorded *run[3];
    const char *note;
    int ranked;
} common;

static void choose(bench *b, common *c, int n, const char *chosen)
{
    assert_int_equal(fpc_recorded_common(b->arena, n, c->run, chosen, &c->note, &c->ranked), FPC_OK);
}

static void one_watched(void **state)
{
    bench *b = *state;
    common c = {.run = {run_of(b, "a", "{\"val_iou\": [1, 2], \"val_f_score\": [1, 2]}", "[run]\nmetric = iou\n"),
                        run_of(b, "b", "{\"val_iou\": [1, 3], \"val_f_score\": [1, 3]}", "[run]\nmetric = iou\n")}};

    choose(b, &c, 2, NULL);
    assert_true(c.ranked && !c.note);
    assert_string_equal(c.run[1]->monitor, "val_iou");
}

/* Columns without a value do not count; the first run's comes before the second's, these before the usual ones. */
static void first_that_all_have(void **state)
{
    bench *b = *state;
    common c = {.run = {run_of(b, "a", "{\"val_iou\": [0.3, 0.2], \"val_accuracy\": [1, 2], \"val_loss\": [1, 2]}",
                               "[run]\nmetric = iou\n"),
                        run_of(b, "b", "{\"val_iou\": [null, null], \"val_loss\": [1, 2], \"val_accuracy\": [2, 1]}",
                               "[run]\nmetric = accuracy\n"),
                        run_of(b, "c", "{\"val_loss\": [1, 2], \"val_accuracy\": [2, 1]}", NULL)}};

    choose(b, &c, 3, NULL);
    assert_true(c.ranked);
    for (int i = 0; i < 3; i++)
        assert_string_equal(c.run[i]->monitor, "val_accuracy");
    assert_string_equal(c.run[0]->watched, "val_iou");
    assert_int_equal(fpc_recorded_best(c.run[0]), 1);
    assert_true(c.run[0]->higher_is_better);
    assert_non_null(strstr(c.note, "Ranked by val_accuracy, the first column that all runs have: a watched val_iou."));
}

static void a_loss_ranks_the_other_way(void **state)
{
    bench *b = *state;
    common c = {.run = {run_of(b, "a", "{\"val_iou\": [1, 2], \"val_loss\": [1, 2]}", "[run]\nmetric = iou\n"),
                        run_of(b, "b", "{\"val_loss\": [2, 1]}", NULL)}};

    choose(b, &c, 2, NULL);
    assert_string_equal(c.run[0]->monitor, "val_loss");
    assert_false(c.run[0]->higher_is_better);
    assert_int_equal(fpc_recorded_best(c.run[0]), 0);
}

/* A column of one name that another plugin, other options or other losses count is another measure. */
static void counted_in_another_way(void **state)
{
    bench *b = *state;
    static const char *const recipe[][2] = {{"[run]\nmetric = f_score\n[metric.f_score]\nuse = fscore_image\n",
                                             "[run]\nmetric = f_score\n[metric.f_score]\nuse = fscore_batch\n"},
                                            {"[run]\nmetric = f_score\n[metric.f_score]\nuse = x\nversion = old\n",
                                             "[run]\nmetric = f_score\n[metric.f_score]\nuse = x\nversion = current\n"},
                                            {"[run]\nmetric = loss\n[loss.ce]\nuse = ce\nweight = 1\n",
                                             "[run]\nmetric = loss\n[loss.ce]\nuse = ce\nweight = 2\n"}};

    for (int i = 0; i < 3; i++) {
        const char *column = i < 2 ? "val_f_score" : "val_loss",
                   *history = fpc_sprintf(b->arena, "{\"%s\": [1, 2]}", column);
        common c = {.run = {run_of(b, "a", history, recipe[i][0]), run_of(b, "b", history, recipe[i][1])}};
        choose(b, &c, 2, NULL);
        assert_false(c.ranked);
        assert_non_null(strstr(
            c.note, fpc_sprintf(b->arena, "No ranking: %s is not one measure in all runs: a has \"use=", column)));
        choose(b, &c, 2, column); /* asked for: so be it, and said */
        assert_true(c.ranked);
        assert_non_null(strstr(c.note, "is not one measure in all runs: b has \"use="));
        c.run[1] = run_of(b, "lone", history, NULL); /* of which nothing is known */
        choose(b, &c, 2, NULL);
        assert_true(c.ranked && !c.note);
    }
}

static void none(void **state)
{
    bench *b = *state;
    common c = {.run = {run_of(b, "a", "{\"val_iou\": [1, 2]}", "[run]\nmetric = iou\n"),
                        run_of(b, "b", "{\"val_loss\": [2, 1]}", NULL)}};

    choose(b, &c, 2, NULL);
    assert_false(c.ranked);
    assert_non_null(strstr(c.note, "No ranking: no column measures all runs. a watched val_iou, b watched val_loss,"));
    assert_string_equal(c.run[0]->monitor, "val_iou"); /* each keeps its own */
    assert_string_equal(c.run[1]->monitor, "val_loss");
    assert_int_equal(fpc_recorded_check(b->ctx, b->arena, "fpcore compare", "val_loss", c.run[0]), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "fpcore compare: --metric val_loss: "));
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "/a has no such column; it has: val_iou"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(one_watched), CASE(first_that_all_have), CASE(a_loss_ranks_the_other_way),
                                       CASE(counted_in_another_way), CASE(none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
