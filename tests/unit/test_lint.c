/* test_lint.c: the walk through the lints: a plain recipe has none; each finding names the file and line of its key, or
 * that it is a default; several findings all come. */
#include "lints.h"

static void a_plain_recipe_has_none(void **state)
{
    (void)state;
    quiet(QUIET, "");
}

static void findings_say_where(void **state)
{
    (void)state;
    warns(QUIET "[loss.more]\nuse = dice\nweight = 0\n", "",
          "test.ini:35: loss.more.weight = 0: this term counts nothing");
    warns(QUIET, "loss.ce.weight=0", "-s loss.ce.weight=0: loss.ce.weight = 0: this term counts nothing");
    warns(QUIET "[augment.flip]\nuse = hflip\nexchange = off\n", "",
          "augment.flip.exchange = off: 50 % of the pictures");
}

static void several_come_together(void **state)
{
    (void)state;
    const heard h = lints_of(QUIET, "loss.ce.weight=0\noptimizer.lr=0\ndataset.batch=5");
    assert_int_equal(h.n, 3);
}

/* Without data, what is about data is left out, and nothing breaks. */
static void without_data(void **state)
{
    (void)state;
    bench b;
    heard h = {0};

    bench_experiment(&b, QUIET, "dataset.batch=5\noptimizer.lr=0", FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
    assert_int_equal(fpc_lint(b.s, b.arena, hear, &h), 1);
    assert_non_null(strstr(h.text[0], "optimizer.lr = 0: nothing is learned"));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_plain_recipe_has_none), cmocka_unit_test(findings_say_where),
                                       cmocka_unit_test(several_come_together), cmocka_unit_test(without_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
