/* test_schedule.c: the learning-rate curves against PyTorch's: golden/schedules.csv where it is present, and rates of
 * the recorded runs always. The warm-up is the core's (fpc_experiment_lr); it is stated here once more
 * so that the plugins are tested alone. */
#include "fixture.h"
#include <fpcore/schedule.h>
#include <math.h>

static double rate(const fpc_instance *s, double base, int64_t warmup, int64_t epochs, int64_t epoch)
{
    const fpc_schedule_vtbl *vtbl = s->vtbl;
    const fpc_clock clock = {.size = sizeof clock, .epoch = epoch - warmup, .epochs = epochs - warmup, .base_lr = base};

    if (epoch < warmup)
        return base * (0.1 + 0.9 * (double)epoch / (double)warmup);
    return base * vtbl->factor(s->self, &clock, NULL);
}

struct curve {
    const char *column, *text;
    double base;
    int64_t warmup, epochs;
};
static const struct curve curves[] = {
    {"cosine_300_w5_lr8e-4", "use = cosine", 8e-4, 5, 300},
    {"cosine_200_w5_lr8e-4", "use = cosine", 8e-4, 5, 200},
    {"cosine_tmax150_eta1e-6_w5_lr8e-4", "use = cosine\nt_max = 150\neta_min = 1e-6", 8e-4, 5, 200},
    {"cosine_tmax150_w10_lr1e-3", "use = cosine\nt_max = 150\neta_min = 1e-6", 1e-3, 10, 200},
    {"restarts_t25_m2_eta1e-6_w5_lr8e-4", "use = warm_restarts\nt_0 = 25\nt_mult = 2\neta_min = 1e-6", 8e-4, 5, 200},
    {"restarts_t30_m2_w8_lr8e-4", "use = warm_restarts\neta_min = 1e-6", 8e-4, 8, 200},
    {"restarts_t30_m1_nowarm_lr8e-4", "use = warm_restarts\nt_mult = 1", 8e-4, 0, 200},
    {"step_30_0.1_w5_lr8e-4", "use = step", 8e-4, 5, 200},
};
enum { CURVES = sizeof curves / sizeof curves[0] };

static void golden_curves(void **state)
{
    bench *b = *state;
    FILE *f = fopen(shared_file(b, "golden/schedules.csv"), "r");
    fpc_instance inst[CURVES];
    int column[64], n = 0, compared[CURVES] = {0};
    char line[2048];

    assert_non_null(f);
    for (int i = 0; i < CURVES; i++)
        inst[i] = open_plugin(b, "schedule", curves[i].text);
    assert_non_null(fgets(line, sizeof line, f));
    for (char *rest = line, *name; n < 64 && (name = strsep(&rest, ",\r\n")); n++) {
        column[n] = -1;
        for (int i = 0; i < CURVES; i++)
            if (!strcmp(name, curves[i].column))
                column[n] = i;
    }
    while (fgets(line, sizeof line, f)) {
        const int64_t epoch = atoll(line);
        char *rest = line, *cell;
        for (int k = 0; k < n && (cell = strsep(&rest, ",\r\n")); k++) {
            if (column[k] < 0 || !*cell)
                continue;
            const struct curve *c = &curves[column[k]];
            const double want = atof(cell), got = rate(&inst[column[k]], c->base, c->warmup, c->epochs, epoch);
            if (!(fabs(got - want) <= 1e-9 * fabs(want)))
                fail_msg("%s, epoch %lld: %.12g, PyTorch %.12g", c->column, (long long)epoch, got, want);
            compared[column[k]]++;
        }
    }
    fclose(f);
    for (int i = 0; i < CURVES; i++)
        assert_int_equal(compared[i], curves[i].epochs);
}

/* Rates of recorded runs, five digits as printed: {epoch counted from 0, rate}. */
static void recorded_rates(void **state)
{
    static const struct {
        const char *text;
        double base;
        int64_t warmup, epochs, epoch;
        double want;
    } row[] = {
        {"use = cosine", 8e-4, 5, 200, 0, 8e-5},
        {"use = cosine", 8e-4, 5, 200, 1, 2.24e-4},
        {"use = cosine", 8e-4, 5, 200, 25, 7.7941e-4},
        {"use = cosine", 8e-4, 5, 200, 150, 1.2291e-4},
        {"use = cosine", 8e-4, 5, 300, 200, 2.0618e-4},
        {"use = cosine", 1.5e-3, 5, 150, 92, 5.1824e-4},
        {"use = cosine\nt_max = 150\neta_min = 1e-6", 8e-4, 5, 200, 200, 1.6568e-4},
        {"use = warm_restarts\nt_0 = 25\neta_min = 1e-6", 8e-4, 5, 200, 29, 4.1500e-6},
        {"use = warm_restarts\nt_0 = 25\neta_min = 1e-6", 8e-4, 5, 200, 30, 8e-4},
        {"use = warm_restarts\nt_0 = 25\neta_min = 1e-6", 8e-4, 5, 200, 80, 8e-4},
        {"use = warm_restarts\nt_0 = 25\neta_min = 1e-6", 8e-4, 5, 200, 180, 8e-4},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const fpc_instance s = open_plugin(*state, "schedule", row[i].text);
        const double got = rate(&s, row[i].base, row[i].warmup, row[i].epochs, row[i].epoch);
        if (!(fabs(got - row[i].want) <= 5e-4 * row[i].want))
            fail_msg("%s, epoch %lld: %.6g, recorded %.6g", row[i].text, (long long)row[i].epoch, got, row[i].want);
    }
}

static void shapes(void **state)
{
    const fpc_instance poly = open_plugin(*state, "schedule", "use = poly\npower = 2");
    assert_float_equal(rate(&poly, 1, 0, 10, 0), 1, 0);
    assert_float_equal(rate(&poly, 1, 0, 10, 5), 0.25, 1e-12);
    assert_float_equal(rate(&poly, 1, 0, 10, 10), 0, 0);
    const fpc_instance step = open_plugin(*state, "schedule", "use = step\nstep_size = 2\ngamma = 0.5");
    assert_float_equal(rate(&step, 1, 0, 10, 1), 1, 0);
    assert_float_equal(rate(&step, 1, 0, 10, 2), 0.5, 0);
    assert_float_equal(rate(&step, 1, 0, 10, 5), 0.25, 0);
    const fpc_instance constant = open_plugin(*state, "schedule", "use = constant");
    assert_float_equal(rate(&constant, 3, 0, 10, 9), 3, 0);
    /* no epoch is left after the warm-up */
    const fpc_instance cosine = open_plugin(*state, "schedule", "use = cosine");
    assert_float_equal(rate(&cosine, 3, 5, 5, 5), 3, 0);
    assert_float_equal(rate(&cosine, 3, 0, 8, 8), 0, 0);
}

static void bad_options(void **state)
{
    refuse_plugin(*state, "schedule", "use = warm_restarts\nt_0 = 0", "test.ini:3: schedule.t_0 = 0");
    refuse_plugin(*state, "schedule", "use = warm_restarts\nt_00 = 3", "t_0");
    refuse_plugin(*state, "schedule", "use = step\ngamma = 2", "schedule.gamma = 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(golden_curves),
        CASE(recorded_rates),
        CASE(shapes),
        CASE(bad_options),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
