/* test_lint_keys.c: keys that do nothing beside the others, and files that are not there. */
#include "lints.h"

static void of_the_run(void **state)
{
    (void)state;
    warns(QUIET, "run.min_epochs=3", "run.min_epochs = 3: this key has no effect, because run.patience is 0");
    quiet(QUIET, "run.min_epochs=3\nrun.patience=9");
    warns(QUIET, "run.patience=10", "run.patience = 10: this key has no effect, because the run has 10 epochs");
    warns(QUIET, "run.min_delta=0.1", "run.min_delta = 0.1: this key has no effect");
    warns(QUIET, "run.smooth=3", "run.smooth = 3: this key has no effect");
    quiet(QUIET, "run.smooth=3\nrun.smooth_best=on");
    warns(QUIET, "run.smooth_best=on", "run.smooth is 1");
    warns(QUIET, "run.swa_every=2", "run.swa_start is 0");
    warns(QUIET, "run.init_optimizer=hybrid", "run.init_from is empty");
    warns(QUIET, "run.init_skip=decoder.*", "run.init_from is empty");
    warns(QUIET, "optimizer.freeze_stats=on", "optimizer.freeze is empty");
    warns(QUIET, "optimizer.freeze=block1.*",
          "keeps the numbers that are drawn for it, because run.init_from is empty");
    warns(QUIET, "run.init_rename=net. ->", "run.init_from is empty");
    quiet(QUIET, "run.init_optimizer=reset\nrun.min_epochs=0"); /* the defaults */
    warns(QUIET, "schedule.warmup_epochs=0\nschedule.warmup_start=0.2", "schedule.warmup_epochs is 0");
}

static void of_augmentations(void **state)
{
    (void)state;
    const char *flip = QUIET "[augment.flip]\nuse = hflip\n",
               *colour = QUIET "[augment.c]\nuse = color_jitter\nhue = 0.1\n";
    warns(flip, "augment.flip.p=0", "augment.flip.p = 0: this augmentation is never applied");
    quiet(flip, "augment.fill=background");
    warns(colour, "augment.fill=background",
          "augment.fill = background: this key has no effect, because no section moves");
    warns(colour, "augment.border=edge", "augment.border = edge: this key has no effect");
    warns(colour, "augment.c.hue=0", "augment.c.use = color_jitter: this augmentation changes nothing\naugment/color");
    quiet(colour, "");
    quiet(colour, "augment.c.hue=0\naugment.c.contrast=0.9, 1");
    warns(QUIET "[augment.a]\nuse = affine\n", "", "augment.a.use = affine: this augmentation changes nothing");
    quiet(QUIET "[augment.a]\nuse = affine\n", "augment.a.scale=0.9, 1");
    warns(flip, "augment.compose=off", "fewer than two sections move pixels");
    warns(flip, "augment.mix=all", "fewer than two sections mix pictures");
}

static void of_files(void **state)
{
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_the_run), cmocka_unit_test(of_augmentations),
                                       cmocka_unit_test(of_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
