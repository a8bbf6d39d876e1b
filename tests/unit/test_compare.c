/* test_compare.c: run folders made by hand, whose scores per picture are known: which verdict they get, tables of
 * them, and the Dice sweep of the reports. What is not compared: test_compare_apart.c. */
#define _GNU_SOURCE
#include "compared.h"

static void larger_than_the_noise(void **state)
{
    fixture *f = *state;

    seeds_of(f, "low", "1.0", 3, 0.60);
    seeds_of(f, "high", "1.5", 3, 0.63);
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_true(c.n_runs == 6 && c.n == 2 && c.n_verdicts == 1 && c.pictures == PICTURES && c.reference == 0);
    assert_string_equal(c.group[0].name, "high");
    assert_string_equal(c.group[0].label, "A");
    assert_true(c.group[0].n == 3 && c.group[0].n_finished == 3);
    near(c.group[0].score - c.group[1].score, 0.03, 0.003);
    near(c.group[0].best_sd, 0.002, 5e-5);
    assert_int_equal(c.n_differing, 1);
    assert_string_equal(c.by, "loss.dice.weight");
    assert_string_equal(fpc_compare_value(&c.group[1], "loss.dice.weight"), "1.0");
    const fpc_verdict *v = &c.verdict[0];
    assert_true(v->a == 1 && v->b == 0 && v->kind == FPC_VERDICT_LARGER && v->d.hi < 0 && v->corrected < 0.01);
    has_text(fpc_verdict_text(&c, v), "worse: the difference is larger than the noise");
    assert_true(c.spread_df == 4);
}

static void within_the_noise(void **state)
{
    fixture *f = *state;

    seeds_of(f, "one", "1.0", 3, 0.6000);
    seeds_of(f, "two", "1.5", 3, 0.6004);
    seeds_of(f, "far", "9", 3, 0.5);
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_true(c.n == 3 && c.n_verdicts == 3);
    for (int i = 0; i < 3; i++) {
        const fpc_verdict *v = &c.verdict[i];
        assert_int_equal(v->kind, v->a == 2 || v->b == 2 ? FPC_VERDICT_LARGER : FPC_VERDICT_WITHIN);
        assert_true(v->corrected >= v->d.p && v->corrected <= 1);
        assert_true(v->d.smallest > 0.001 && v->d.smallest < 0.02);
    }
    has_text(fpc_verdict_text(&c, &c.verdict[0]), "no difference is shown: it is within the noise");
}

/* One seed of each: pictures can be resampled, runs cannot. There is no verdict, and no number borrowed from elsewhere.
 */
static void one_seed(void **state)
{
    fixture *f = *state;

    seeds_of(f, "low", "1.0", 1, 0.60);
    seeds_of(f, "near", "1.2", 1, 0.6297);
    seeds_of(f, "top", "1.5", 1, 0.63);
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_true(c.n == 3 && c.spread_df == 0 && isnan(c.spread));
    for (int i = 0; i < c.n_verdicts; i++) {
        const fpc_verdict *v = &c.verdict[i];
        const char *text = fpc_verdict_text(&c, v);
        assert_int_equal(v->kind, FPC_VERDICT_ALONE);
        assert_int_equal(v->seeds_needed, -1);
        has_text(text, "no verdict: with one seed of each the noise between runs is unknown (fpcore sweep --seeds 3");
        has_text(text, v->a == 2 || v->b == 2 ? "this network scores worse by more than the noise of the pictures"
                                              : "these networks do not differ by more than the noise of the pictures");
        assert_null(strstr(text, "reports"));
        assert_null(strstr(text, "enough"));
        assert_true(v->shown == (v->a == 2 || v->b == 2));
    }
}

/* The reports' noise is a hint where the runs are like theirs: 100 faces, 19 classes, 512x512, about as many epochs. */
static const char *hint_with(fixture *f, const char *size, int epochs, int pictures, int classes)
{
    const char *extra = fpc_sprintf(f->b->arena, "[dataset]\nsize = %s\n", size);

    for (int i = 0; i < 2; i++)
        make_run(f, (made){.name = fpc_sprintf(f->b->arena, "%s%d%d%d%d", size, epochs, pictures, classes, i),
                           .weight = i ? "1" : "2",
                           .seed = 1,
                           .level = 0.6 + 0.006 * i,
                           .spread = 0.001,
                           .extra = extra,
                           .epochs = epochs,
                           .pictures = pictures,
                           .classes = classes});
    fixture two = {.b = f->b, .n = 2, .path = {f->path[f->n - 2], f->path[f->n - 1]}};
    const fpc_comparison c = compare(&two, NULL, NULL);
    assert_int_equal(c.verdict[0].kind, FPC_VERDICT_ALONE);
    return fpc_verdict_text(&c, &c.verdict[0]);
}

static void noise_of_the_reports(void **state)
{
    fixture *f = *state;
    const char *hint = hint_with(f, "512", 250, 100, 19);

    has_text(hint, "no verdict: with one seed of each");
    has_text(hint, "; hint: two runs of one recipe of the reports, with the same number of pictures, size and about as "
                   "long, differ by 0.0038; by that measure 0.006");
    assert_null(strstr(hint, "enough"));
    assert_null(strstr(hint_with(f, "256", 250, 100, 19), "reports"));
    assert_null(strstr(hint_with(f, "512", 12, 100, 19), "reports"));
    assert_null(strstr(hint_with(f, "512", 250, 40, 19), "reports"));
    assert_null(strstr(hint_with(f, "512", 250, 100, 2), "reports"));
}

/* Several seeds of one side say how much runs differ: a hint, no verdict. */
static void seeds_of_one_side(void **state)
{
    fixture *f = *state;

    seeds_of(f, "low", "1.0", 4, 0.60);
    seeds_of(f, "top", "1.5", 1, 0.605);
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_int_equal(c.spread_df, 3);
    assert_int_equal(c.verdict[0].kind, FPC_VERDICT_ALONE);
    has_text(fpc_verdict_text(&c, &c.verdict[0]), "no verdict: with one seed of A the noise between runs is unknown");
    has_text(fpc_verdict_text(&c, &c.verdict[0]), "; hint: the seeds of the recipes here spread by 0.00");
}

/* ---- one measure for all ---- */

static fpc_comparison two_measures(fixture *f, const char *second)
{
    fpc_comparison c = {.ctx = f->b->ctx, .arena = f->b->arena};

    make_run(f, (made){.name = "x", .weight = "1", .seed = 1, .level = 0.6, .no_scores = 1});
    make_run(f, (made){.name = "y", .weight = "2", .seed = 1, .level = 0.9, .no_scores = 1, .watched = "iou"});
    if (second)
        put_text(f, f->path[1], "history.json", second);
    if (fpc_compare_read(&c, f->n, f->path, NULL) || fpc_compare_runs(&c, NULL, NULL))
        fail_msg("%s", fpc_ctx_error(f->b->ctx));
    return c;
}

static void first_measure_that_all_have(void **state)
{
    fixture *f = *state;
    const fpc_comparison c =
        two_measures(f, "{\"val_iou\": [0.9, 0.8], \"val_f_score\": [0.1, 0.5], \"train_f_score\": [0.2, 0.4]}");

    assert_string_equal(c.measure, "val_f_score");
    assert_string_equal(c.run[0].recorded->name, "x"); /* 0.6 against 0.5, not against 0.9 */
    near(c.run[1].summary.best, 0.5, 0);
    assert_int_equal(c.run[1].summary.best_epoch, 2);
    near(c.run[1].summary.train, 0.4, 0);
    has_text(c.measured,
             "Ranked by val_f_score, the first column that all runs have: y (0101_000001) watched val_iou.");
    char *text = printed(f, &c, 0);
    has_text(text, "ranking by the best val_f_score");
    has_text(text, "Ranked by val_f_score");
    assert_null(strstr(text, "0.9000"));
    free(text);
}

static void no_measure_in_common(void **state)
{
    fixture *f = *state;
    const fpc_comparison c = two_measures(f, "{\"val_iou\": [0.91, 0.8]}");
    char *text = printed(f, &c, 0), *json = printed(f, &c, 1);

    assert_null(c.measure);
    assert_null(strstr(text, "ranking by"));
    assert_null(strstr(text, "0.91"));
    assert_null(strstr(text, "at equal epochs"));
    has_text(text, "No ranking: no column measures all runs. x (0101_000001) watched val_f_score, y (0101_000001) "
                   "watched val_iou");
    has_text(text, "no verdict: other metrics pick the best epoch: val_iou and val_f_score");
    assert_null(strstr(json, "0.91"));
    json_t *root = json_loads(json, 0, NULL);
    assert_true(json_is_null(json_object_get(root, "measure")));
    has_text(json_string_value(json_array_get(json_object_get(root, "notes"), 0)), "No ranking:");
    json_decref(root);
    free(text);
    free(json);
}

static void equal_scores(void **state)
{
    fixture *f = *state;

    make_run(f, (made){.name = "x", .weight = "1", .seed = 1, .level = 0.6});
    make_run(f, (made){.name = "y", .weight = "2", .seed = 1, .level = 0.6});
    make_run(f, (made){.name = "z", .weight = "1", .seed = 1, .level = 0.6});
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_true(c.n == 2 && c.n_verdicts == 1 && c.verdict[0].kind == FPC_VERDICT_EQUAL);
    char *text = printed(f, &c, 0), *json = printed(f, &c, 1); /* one seed shows no noise, equal scores no spread */
    has_text(json, "\"smallest\": null");
    has_text(text, "no verdict: the scores are the same, one by one, but one seed each");
    assert_true(strstr(text, "1 + 1 seed alone") && !strstr(text, "shows differences"));
    free(json), free(text);
    /* x and z are one training: seed, recipe and numbers are the same. */
    int once = 0;
    for (int i = 0; i < 3; i++)
        once +=
            c.run[i].remark && strstr(c.run[i].remark, "once more, the same recipe, seed and numbers; it counts once");
    assert_int_equal(once, 1);
}

/* ---- tables ---- */

static void sweep_rows(void **state)
{
    fixture *f = *state;
    fpc_sweep_row *row;
    static const char *const weight[] = {"10", "0.5", "3"};

    for (int i = 0; i < 3; i++)
        make_run(f, (made){.name = fpc_sprintf(f->b->arena, "w%d", i),
                           .weight = weight[i],
                           .seed = 1,
                           .level = 0.6 + 0.01 * i,
                           .extra = i == 1 ? "[model]\nuse = unet\n" : "[model]\nuse = x\n"});
    fpc_comparison c = compare(f, NULL, NULL);
    assert_true(!c.by && c.n_differing == 2);
    assert_string_equal(c.differing[1], "model.use");
    c = compare(f, "loss.dice.weight", NULL);
    assert_int_equal(fpc_compare_sweep(&c, &row), 3);
    assert_string_equal(row[0].value, "0.5");
    assert_string_equal(row[1].value, "3");
    assert_string_equal(row[2].value, "10");
    near(row[1].share, 0.75, 1e-15);
    near(row[0].drop, 0.01, 1e-4);
    near(row[0].gap, 0.02, 1e-12);
    near(row[2].best_epoch, EPOCHS - 1, 0);

    fpc_comparison bad = {.ctx = f->b->ctx, .arena = f->b->arena};
    assert_int_equal(fpc_compare_read(&bad, f->n, f->path, NULL), FPC_OK);
    assert_int_equal(fpc_compare_runs(&bad, "loss.dice.wieght", NULL), FPC_EINVAL);
    has_text(fpc_ctx_error(f->b->ctx), "did you mean `loss.dice.weight`?");
}

static void text_and_json(void **state)
{
    fixture *f = *state;

    seeds_of(f, "low", "1.0", 2, 0.60);
    seeds_of(f, "high", "1.5", 2, 0.68);
    const fpc_comparison c = compare(f, NULL, "low");
    char *text = printed(f, &c, 0), *json = printed(f, &c, 1);
    assert_string_equal(c.group[c.reference].name, "low");
    has_text(text, "   1  A  high,s2 (0101_000002)    0.6820 @ 11/12  +0.0200");
    has_text(text, "loss.dice.weight  1.5  1.0");
    has_text(text, "verdicts against B (low): F per validation picture");
    has_text(text, "A against B: better: the difference is larger than the noise\n    +0.08");
    has_text(text, "2 + 2 seeds, 40 pictures; shows differences from 0.0");
    json_t *root = json_loads(json, 0, NULL);
    const json_t *v = json_array_get(json_object_get(root, "verdicts"), 0);
    assert_string_equal(json_string_value(json_object_get(v, "call")), "larger");
    near(json_number_value(json_object_get(v, "difference")), -c.group[0].score + c.group[1].score, 1e-12);
    assert_int_equal(json_array_size(json_object_get(root, "runs")), 4);
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "sweep"), "rows")), 2);
    assert_int_equal(json_integer_value(json_object_get(root, "pictures")), PICTURES);
    json_decref(root);
    free(text);
    free(json);
}

/* The three runs of report D: table 8.3 of the reference, to its four decimals. */
static void dice_sweep_of_the_reports(void **state)
{
    static const struct {
        const char *name, *weight, *file;
        double best, epoch, train, gap, last, drop, percent;
    } want[] = {
        {"d1", "1.0", "lmsa_v1__microsegformer_20251007_153857", 0.6819, 80, 0.6802, -0.0018, 0.6503, 0.0316, 4.6},
        {"d15", "1.5", "lmsa_enhanced_dice__microsegformer_20251008_025917", 0.6889, 92, 0.6987, 0.0098, 0.6544, 0.0344,
         5.0},
        {"d2", "2.0", "lmsa_enhanced_dice_v2__microsegformer_20251009_174443", 0.6702, 68, 0.6783, 0.0080, 0.6203,
         0.0500, 7.5}};
    fixture *f = *state;
    fpc_sweep_row *row;

    for (int i = 0; i < 3; i++) {
        const char *from = shared_file(f->b, fpc_sprintf(f->b->arena, "reference/histories/%s.json", want[i].file));
        make_run(f, (made){.name = want[i].name, .weight = want[i].weight, .seed = 1, .no_scores = 1, .level = 0.5});
        const char *to = fpc_sprintf(f->b->arena, "%s/history.json", f->path[i]);
        char *real = realpath(from, NULL);
        assert_true(real && !unlink(to) && !symlink(real, to));
        free(real);
    }
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_string_equal(c.by, "loss.dice.weight");
    assert_int_equal(fpc_compare_sweep(&c, &row), 3);
    for (int i = 0; i < 3; i++) {
        near(row[i].best, want[i].best, 5e-5);
        near(row[i].best_epoch, want[i].epoch, 0);
        near(row[i].train, want[i].train, 5e-5);
        near(row[i].gap, want[i].gap, 5.1e-5);
        near(row[i].last, want[i].last, 5e-5);
        near(row[i].drop, want[i].drop, 5e-5);
        near(100 * row[i].drop / row[i].best, want[i].percent, 0.05);
    }
    near(100 * (row[1].best / row[0].best - 1), 1.02, 0.005);
    near(100 * (row[2].best / row[1].best - 1), -2.70, 0.005);
    near(row[1].share, 0.6, 1e-15);
    /* Robust columns, as the reports give them. */
    const fpc_run_summary *s = &c.run[0].summary;
    near(s->after, 0.6503, 5e-5);
    near(s->last10, 0.6492, 5e-5);
    near(s->top5, 0.6835, 5e-5);
    near(s->window, 0.6693, 5e-5);
    near(s->jitter, 0.0251, 5e-5);
    assert_int_equal(s->window_end, 93);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(larger_than_the_noise),
        TEST(within_the_noise),
        TEST(one_seed),
        TEST(noise_of_the_reports),
        TEST(seeds_of_one_side),
        TEST(first_measure_that_all_have),
        TEST(no_measure_in_common),
        TEST(equal_scores),
        TEST(sweep_rows),
        TEST(text_and_json),
        TEST(dice_sweep_of_the_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
