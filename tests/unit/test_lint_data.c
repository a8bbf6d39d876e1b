/* test_lint_data.c: warnings about data, batches, and the metric that depends on them. */
#include "lints.h"

static void sides(void **state)
{
    (void)state;
    const char *flip = QUIET "[augment.flip]\nuse = hflip\n";
    quiet(flip, "");
    quiet(flip, "augment.flip.exchange=on");
    warns(flip, "augment.flip.exchange=off\naugment.flip.p=0.25",
          "25 % of the pictures are mirrored\n3 left/right pairs\nl_eye and r_eye\n`on` exchanges them");
}

static void batches(void **state)
{
    (void)state;
    warns(QUIET, "run.accumulate=5", "a step takes 3 x 5 pictures\nonly 12");
    warns(QUIET, "dataset.batch=5", "leaves out 2 of the 12 training pictures\na batch that divides 12");
    warns(QUIET, "dataset.batch=5\ndataset.shuffle=off", "the last 2 training pictures are never seen");
    warns(QUIET, "dataset.train=13\ndataset.batch=6\ndataset.drop_last=off",
          "the last batch of each epoch has 1 of 6 pictures\n6.0 times the variance");
    quiet(QUIET, "dataset.train=31\ndataset.batch=5"); /* one of 31 left out */
    quiet(QUIET, "dataset.train=11\ndataset.batch=4\ndataset.drop_last=off");
}

static void one_picture(void **state)
{
    (void)state;
    quiet(QUIET, "dataset.batch=1");
    warns(QUIET, "dataset.batch=1\nmodel.lmsa=on", "statistics from one picture\nmodel.lmsa = off");
    quiet(QUIET, "dataset.batch=2\nmodel.lmsa=on");
}

static void the_metric(void **state)
{
    (void)state;
    const char *pooled = QUIET "[metric.f_score]\nuse = fscore_batch\n";
    quiet(pooled, "");
    quiet(pooled, "run.metric=f_score"); /* 6 pictures in batches of 3 */
    warns(pooled, "run.metric=f_score\ndataset.batch=4",
          "the last 2 of 6 validation pictures\ncarry 50 % of it\nfscore_image");
    quiet(pooled, "run.metric=f_score\ndataset.batch=4\nmetric.f_score.version=old");
    quiet(pooled, "run.metric=f_score\ndataset.batch=12"); /* one batch */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sides), cmocka_unit_test(batches),
                                       cmocka_unit_test(one_picture), cmocka_unit_test(the_metric)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
