/* test_compare_apart.c: runs that `fpcore compare` does not compare: of other pictures, names, labels or metrics, cut,
 * diverged, without scores; and what is no run. */
#define _GNU_SOURCE
#include "compared.h"

/* ---- what keeps runs apart ---- */

static void refused(fixture *f, made other, const char *want)
{
    make_run(f, (made){.name = "good", .weight = "1", .seed = 1, .level = 0.6, .spread = 0.01});
    make_run(f, (made){.name = "fine", .weight = "2", .seed = 1, .level = 0.59, .spread = 0.01});
    other.weight = "3", other.seed = 1, other.spread = 0.01, other.name = "other", other.level = 0.65;
    make_run(f, other);
    const fpc_comparison c = compare(f, NULL, NULL);
    int none = 0;
    assert_int_equal(c.n_verdicts, 2);
    assert_string_equal(c.group[2].name, "other"); /* the best value, and not the reference */
    for (int i = 0; i < 2; i++)
        if (c.verdict[i].kind == FPC_VERDICT_NONE) {
            none++;
            assert_true(c.verdict[i].a == 2 && c.verdict[i].b == 0);
            has_text(fpc_verdict_text(&c, &c.verdict[i]), want);
        }
    assert_int_equal(none, 1);
}

static void other_count(void **state)
{
    refused(*state, (made){.pictures = 39}, "no verdict: other validation data: 40 pictures of 2 classes, and 39 of 2");
}

static void other_names(void **state)
{
    refused(*state, (made){.first_picture = "q.jpg"},
            "other validation pictures: picture 1 is 0.jpg in one and q.jpg in the other");
}

static void other_labels(void **state)
{
    refused(*state, (made){.other_labels = 1}, "the labels of validation picture 4 (3.jpg) are not the same");
}

static void other_metric(void **state)
{
    refused(*state, (made){.metric = "miou"}, "other metrics pick the best epoch: fscore_batch and miou");
}

static void interrupted(void **state)
{
    refused(*state, (made){.status = "interrupted"}, "no verdict: was interrupted behind epoch 12 of 12");
}

static void diverged(void **state)
{
    refused(*state, (made){.status = "diverged"}, "no verdict: diverged behind epoch 12");
}

static void no_scores(void **state)
{
    refused(*state, (made){.no_scores = 1}, "no verdict: it has no validation.safetensors");
}

/* Without scores per picture, seeds alone tell of noise; a single run tells nothing. */
static void seeds_without_pictures(void **state)
{
    fixture *f = *state;
    static const double level[] = {0.60, 0.602, 0.598, 0.650, 0.652, 0.648};

    for (int i = 0; i < 6; i++)
        make_run(f, (made){.name = i < 3 ? "a" : "b",
                           .weight = i < 3 ? "1" : "2",
                           .seed = 1 + i % 3,
                           .level = level[i],
                           .no_scores = 1});
    make_run(f, (made){.name = "c", .weight = "3", .seed = 1, .level = 0.7, .no_scores = 1});
    const fpc_comparison c = compare(f, NULL, NULL);
    assert_true(c.pictures == 0 && c.n == 3 && c.n_verdicts == 2 && c.reference == 0);
    assert_string_equal(c.group[0].name, "b");
    assert_int_equal(c.verdict[0].kind, FPC_VERDICT_LARGER);
    near(c.verdict[0].d.value, -0.05, 1e-12);
    near(c.verdict[0].d.df, 4, 1e-6);
    has_text(fpc_verdict_text(&c, &c.verdict[1]),
             "neither scores per picture (validation.safetensors) nor a second seed");
}

/* ---- bad input ---- */

static void bad_paths(void **state)
{
    fixture *f = *state;
    fpc_comparison c = {.ctx = f->b->ctx, .arena = f->b->arena};
    const char *path = "/nowhere/run";

    assert_int_equal(fpc_compare_read(&c, 1, &path, NULL), FPC_ENOENT);
    has_text(fpc_ctx_error(f->b->ctx), "/nowhere/run: cannot be read: No such file");
    fpc_ctx_clear(f->b->ctx);
    path = test_folder();
    assert_int_equal(fpc_compare_read(&c, 1, &path, NULL), FPC_ENOENT);
    has_text(fpc_ctx_error(f->b->ctx), "neither a run folder (no recipe.ini) nor a folder that holds some");
    fpc_ctx_clear(f->b->ctx);
    make_run(f, (made){.name = "x", .seed = 1, .level = 0.5});
    assert_int_equal(truncate(fpc_sprintf(f->b->arena, "%s/validation.safetensors", f->path[0]), 99), 0);
    assert_int_equal(fpc_compare_read(&c, 1, f->path, NULL), FPC_EFORMAT);
    has_text(fpc_ctx_error(f->b->ctx), "validation.safetensors: ");
    fpc_ctx_clear(f->b->ctx);

    fpc_comparison d = {.ctx = f->b->ctx, .arena = f->b->arena};
    make_run(f, (made){.name = "y", .seed = 1, .level = 0.5});
    assert_int_equal(fpc_compare_read(&d, 1, &f->path[1], NULL), FPC_OK);
    assert_int_equal(fpc_compare_runs(&d, NULL, "elsewhere"), FPC_EINVAL);
    has_text(fpc_ctx_error(f->b->ctx), "--baseline elsewhere: is none of the runs that are compared");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(other_count), TEST(other_names), TEST(other_labels),           TEST(other_metric), TEST(interrupted),
        TEST(diverged),    TEST(no_scores),   TEST(seeds_without_pictures), TEST(bad_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
