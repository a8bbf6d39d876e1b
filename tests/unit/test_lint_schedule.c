/* test_lint_schedule.c: warnings about the learning rate, patience and averages. */
#include "lints.h"

#define RESTARTS "schedule.use=warm_restarts\nschedule.t_0=4\nschedule.warmup_epochs=0\n"

static void restarts(void **state)
{
    (void)state;
    warns(QUIET, RESTARTS "schedule.t_mult=1\nrun.epochs=12\nrun.patience=2",
          "run.patience = 2: the schedule restarts\nperiod within the run is 4 epochs\na patience of 4 or more");
    quiet(QUIET, RESTARTS "schedule.t_mult=1\nrun.epochs=12\nrun.patience=4");
    quiet(QUIET, RESTARTS "schedule.t_mult=2\nrun.epochs=12");
    warns(QUIET, RESTARTS "schedule.t_mult=2\nrun.epochs=15",
          "the run ends 3 epochs into a cycle of 16\n12 or 28 epochs end with a cycle");
}

/* The reports' recipe: warm-up 5, periods 25, 50, 100 in 200 epochs: 20 epochs into the fourth. */
static void the_reports_restarts(void **state)
{
    (void)state;
    warns(QUIET,
          "schedule.use=warm_restarts\nschedule.t_0=25\nschedule.warmup_epochs=5\nrun.epochs=200\nrun.patience=0",
          "the run ends 20 epochs into a cycle of 200\n180 or 380 epochs");
}

static void cosines(void **state)
{
    (void)state;
    quiet(QUIET, "schedule.t_max=8");
    warns(QUIET, "schedule.t_max=4", "the rate rises again after epoch 6\n8 (epochs - warmup_epochs)");
    warns(QUIET, "schedule.t_max=80", "the run ends before the cosine does, at a rate of 0.00098");
    /* reference, fact 8; the rate recorded at epoch 200, 1.66e-4, is that of the next one */
    warns(QUIET,
          "run.epochs=200\nschedule.warmup_epochs=5\nschedule.t_max=150\noptimizer.lr=8e-4\nschedule.eta_min=1e-6",
          "the rate rises again after epoch 155\nup to 0.000159");
}

static void patience(void **state)
{
    (void)state;
    warns(QUIET, "run.epochs=200\nrun.patience=20",
          "run.patience = 20\n200 epochs\nrun.min_epochs = 100 waits for half of it");
    quiet(QUIET, "run.epochs=200\nrun.patience=60");
    quiet(QUIET, "run.epochs=200\nrun.patience=20\nrun.min_epochs=100");
    quiet(QUIET, "run.epochs=200\nrun.patience=20\nschedule.use=constant");
}

static void rates(void **state)
{
    (void)state;
    warns(QUIET, "schedule.warmup_epochs=10", "the warm-up is as long as the whole run of 10 epochs");
    quiet(QUIET, "schedule.warmup_epochs=10\nschedule.begin=10\nschedule.epochs=20"); /* goes on behind it */
    warns(QUIET, "schedule.warmup_epochs=13\nschedule.begin=2\nschedule.epochs=30", "the warm-up is as long");
    warns(QUIET, "optimizer.lr=0", "optimizer.lr = 0: nothing is learned");
    warns(QUIET, "schedule.warmup_start=0", "the rate of the first epoch is 0");
    quiet(QUIET, "optimizer.lr=1e-3 @1, 1e-4 @10");
    warns(QUIET, "optimizer.lr=1e-3 @1, 1e-4 @11", "the value from epoch 11 on has no effect\nends at epoch 10");
    quiet(QUIET, "schedule.begin=5\noptimizer.lr=1e-3 @1, 1e-4 @15");
}

static void averages(void **state)
{
    (void)state;
    quiet(QUIET, "run.ema=0.8"); /* 40 steps */
    warns(QUIET, "run.ema=0.99", "remembers about 100 steps and the run has 40\n0.75 or less");
    quiet(QUIET, "run.swa_start=8");
    warns(QUIET, "run.swa_start=11", "the run has 10 epochs, so that no weights are averaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(restarts), cmocka_unit_test(the_reports_restarts),
                                       cmocka_unit_test(cosines),  cmocka_unit_test(patience),
                                       cmocka_unit_test(rates),    cmocka_unit_test(averages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
