/* test_torch.c: schedules against PyTorch 1.13, whose calls stand beside the numbers. They were printed by
 *   o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-2)
 *   s = CALL
 *   for e in range(n): print('%.12g' % o.param_groups[0]['lr']); o.step(); s.step()
 * (plateau: s.step(metric[e])). PyTorch multiplies from epoch to epoch where we have closed forms: equal to 1e-9. */
#include "fixture.h"
#include <fpcore/schedule.h>
#include <math.h>

enum { MOST = 12, PLATEAU = 20, WARM = 3 };

static const double base = 1e-2;

struct curve {
    const char *text;
    int n;
    double lr[MOST];
};
struct plateau {
    const char *text;
    int falls; /* fed with 1 - metric */
    double lr[PLATEAU];
};

static const struct curve curves[] = {
    /* ExponentialLR(o, .9) */
    {"use = exponential\ngamma = 0.9", 8, {0.01, 0.009, 0.0081, 0.00729, 0.006561, 0.0059049, 0.00531441, 0.004782969}},
    /* LinearLR(o, .25, 1, 5) */
    {"use = linear\nstart_factor = 0.25\nend_factor = 1\ntotal = 5",
     8,
     {0.0025, 0.004, 0.0055, 0.007, 0.0085, 0.01, 0.01, 0.01}},
    /* LinearLR(o, 1, .1, 8) */
    {"use = linear\nend_factor = 0.1", 8, {0.01, 0.008875, 0.00775, 0.006625, 0.0055, 0.004375, 0.00325, 0.002125}},
    /* MultiStepLR(o, [2, 3, 6], .5) */
    {"use = multi_step\nmilestones = 2, 3, 6\ngamma = 0.5",
     8,
     {0.01, 0.01, 0.005, 0.0025, 0.0025, 0.0025, 0.00125, 0.00125}},
    /* OneCycleLR(o, 1e-2, 12) */
    {"use = one_cycle",
     12,
     {0.0004, 0.0034978965422, 0.00879285159122, 0.00994415435451, 0.00933012969841, 0.0081174565395, 0.00647378997695,
      0.00462637102667, 0.00283060998209, 0.00133477530189, 0.000345669874254, 4e-08}},
    /* OneCycleLR(.., anneal_strategy='linear') */
    {"use = one_cycle\nanneal = linear",
     12,
     {0.0004, 0.00409230769231, 0.00778461538462, 0.00952381142857, 0.00833334, 0.00714286857143, 0.00595239714286,
      0.00476192571429, 0.00357145428571, 0.00238098285714, 0.00119051142857, 3.99999999998e-08}},
    /* OneCycleLR(.., pct_start=.4, three_phase=True) */
    {"use = one_cycle\npct_start = 0.4\nthree_phase = on",
     12,
     {0.0004, 0.0019490484562, 0.00559638085827, 0.0089878744451, 0.00993453425633, 0.00782535115899, 0.00402166966172,
      0.000978525994209, 0.000386495796436, 0.000254747124755, 7.95051254169e-05, 4e-08}},
    /* OneCycleLR(.., pct_start=.4, three_phase=True, anneal_strategy='linear', div_factor=10, final_div_factor=100) */
    {"use = one_cycle\npct_start = 0.4\nthree_phase = on\nanneal = linear\ndiv_factor = 10\nfinal_div_factor = 100",
     12,
     {0.001, 0.00336842105263, 0.00573684210526, 0.00810526315789, 0.00952631578947, 0.00715789473684, 0.00478947368421,
      0.00242105263158, 0.000883529411765, 0.000592352941176, 0.000301176470588, 1e-05}},
    /* OneCycleLR(.., pct_start=.25, div_factor=10, final_div_factor=100) */
    {"use = one_cycle\npct_start = 0.25\ndiv_factor = 10\nfinal_div_factor = 100\ntotal = 12",
     12,
     {0.001, 0.0055, 0.01, 0.00969876464083, 0.00883139199338, 0.0075025, 0.00587237264745, 0.00413762735255, 0.0025075,
      0.00117860800662, 0.000311235359174, 1e-05}},
};

static const double metric[PLATEAU] = {0.1,  0.2, 0.2, 0.19, 0.2001, 0.3, 0.3, 0.3, 0.2,  0.1,
                                       0.31, 0.3, 0.3, 0.3,  0.3,    0.3, 0.3, 0.3, 0.32, 0.1};
static const struct plateau plateaus[] = {
    /* ReduceLROnPlateau(o, 'max', .5, 1) */
    {"use = plateau\nmode = max\nfactor = 0.5\npatience = 1",
     0,
     {0.01,    0.01,    0.01,    0.01,     0.005,    0.005,     0.005,     0.005,      0.0025,     0.0025,
      0.00125, 0.00125, 0.00125, 0.000625, 0.000625, 0.0003125, 0.0003125, 0.00015625, 0.00015625, 0.00015625}},
    /* ReduceLROnPlateau(o, 'max', .5, 1, threshold=.05, threshold_mode='abs') */
    {"use = plateau\nfactor = 0.5\npatience = 1\nthreshold = 0.05\nthreshold_mode = abs",
     0,
     {0.01,    0.01,    0.01,     0.01,     0.005,     0.005,     0.005,      0.005,      0.0025,     0.0025,
      0.00125, 0.00125, 0.000625, 0.000625, 0.0003125, 0.0003125, 0.00015625, 0.00015625, 7.8125e-05, 7.8125e-05}},
    /* ReduceLROnPlateau(o, 'max', .1, 0, cooldown=2, min_lr=2e-4) */
    {"use = plateau\nfactor = 0.1\npatience = 0\ncooldown = 2\nmin_lr = 2e-4",
     0,
     {0.01,   0.01,   0.01,   0.001,  0.001,  0.001,  0.001,  0.0002, 0.0002, 0.0002,
      0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002}},
    /* ReduceLROnPlateau(o, 'min', .3, 2, threshold=.01) */
    {"use = plateau\nmode = min\nfactor = 0.3\npatience = 2\nthreshold = 0.01",
     1,
     {0.01,   0.01,   0.01,   0.01,   0.01,    0.003,   0.003,   0.003,   0.003,   0.0009,
      0.0009, 0.0009, 0.0009, 0.0009, 0.00027, 0.00027, 0.00027, 8.1e-05, 8.1e-05, 8.1e-05}},
    /* ReduceLROnPlateau(o, 'min', .3, 1, threshold=.02, threshold_mode='abs') */
    {"use = plateau\nmode = min\nfactor = 0.3\npatience = 1\nthreshold = 0.02\nthreshold_mode = abs",
     1,
     {0.01,    0.01,    0.01,    0.01,    0.003,    0.003,    0.003,    0.003,    0.0009,    0.0009,
      0.00027, 0.00027, 8.1e-05, 8.1e-05, 2.43e-05, 2.43e-05, 7.29e-06, 7.29e-06, 2.187e-06, 2.187e-06}},
};

static double rate(const fpc_instance *s, int64_t epoch, int64_t epochs, const fpc_history *history)
{
    const fpc_clock clock = {.size = sizeof clock, .epoch = epoch, .epochs = epochs, .base_lr = base};
    return base * ((const fpc_schedule_vtbl *)s->vtbl)->factor(s->self, &clock, history);
}

static void compare(const char *text, int64_t epoch, double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * want))
        fail_msg("%s: epoch %lld has %.12g, PyTorch %.12g", text, (long long)epoch, got, want);
}

static void closed_forms(void **state)
{
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        const fpc_instance s = open_plugin(*state, "schedule", curves[i].text);
        for (int e = 0; e < curves[i].n; e++)
            compare(curves[i].text, e, rate(&s, e, curves[i].n, NULL), curves[i].lr[e]);
    }
}

/* The history of a run whose epochs so far are the first `n` of the metric, after `warm` others. */
static fpc_history history_of(const struct plateau *p, double *value, int warm, int n)
{
    for (int i = 0; i < warm; i++)
        value[i] = p->falls ? 0 : 1; /* better than all that follows: must not count */
    for (int i = 0; i < n; i++)
        value[warm + i] = p->falls ? 1 - metric[i] : metric[i];
    return (fpc_history){sizeof(fpc_history), warm + n, value};
}

static void plateau_replays_the_history(void **state)
{
    double value[WARM + PLATEAU];

    for (size_t i = 0; i < sizeof plateaus / sizeof *plateaus; i++) {
        const fpc_instance s = open_plugin(*state, "schedule", plateaus[i].text);
        double seen[PLATEAU];
        for (int warm = 0; warm <= WARM; warm += WARM)
            for (int e = 0; e < PLATEAU; e++) {
                const fpc_history history = history_of(&plateaus[i], value, warm, e);
                seen[e] = rate(&s, e, PLATEAU, &history);
                compare(plateaus[i].text, e, seen[e], plateaus[i].lr[e]);
            }
        /* No state: another instance, asked for the epochs the other way round, says the same to the last bit. */
        const fpc_instance again = open_plugin(*state, "schedule", plateaus[i].text);
        for (int e = PLATEAU - 1; e >= 0; e--) {
            const fpc_history history = history_of(&plateaus[i], value, WARM, e);
            assert_true(rate(&again, e, PLATEAU, &history) == seen[e]);
        }
    }
}

static void unknown_values(void **state)
{
    const fpc_instance s = open_plugin(*state, "schedule", "use = plateau\npatience = 1\nfactor = 0.5");
    const double gaps[] = {0.5, NAN, NAN, NAN, 0.4}, more[] = {0.5, NAN, 0.4, NAN, 0.3};
    const fpc_history quiet = {sizeof quiet, 5, gaps}, bad = {sizeof bad, 5, more};

    assert_float_equal(rate(&s, 5, 9, &quiet), base, 0);
    assert_float_equal(rate(&s, 5, 9, &bad), base / 2, 1e-15);
    assert_float_equal(rate(&s, 5, 9, NULL), base, 0); /* before a run: `fpcore lr` */
}

static void ends(void **state)
{
    const fpc_instance cycle = open_plugin(*state, "schedule", "use = one_cycle\ntotal = 6");
    assert_float_equal(rate(&cycle, 5, 9, NULL), base / 25e4, 1e-15);
    assert_float_equal(rate(&cycle, 8, 9, NULL), base / 25e4, 1e-15); /* PyTorch refuses to go on */
    const fpc_instance quick = open_plugin(*state, "schedule", "use = one_cycle\npct_start = 0");
    assert_float_equal(rate(&quick, 0, 1, NULL), base / 25e4, 1e-15);
    const fpc_instance line = open_plugin(*state, "schedule", "use = linear");
    assert_float_equal(rate(&line, 0, 0, NULL), 0, 0); /* no epoch is left after the warm-up */
    const fpc_instance falling = open_plugin(*state, "schedule", "use = exponential\ngamma = 0.5");
    assert_float_equal(rate(&falling, 3, 9, NULL), base / 8, 0);
}

static void refusals(void **state)
{
    refuse_plugin(*state, "schedule", "use = multi_step\nmilestones = 10, 5", "schedule.milestones: 5 comes after 10");
    refuse_plugin(*state, "schedule", "use = one_cycle\nthree_phase = on\npct_start = 0.6",
                  "schedule.pct_start = 0.6: with three_phase");
    refuse_plugin(*state, "schedule", "use = one_cycle\nanneal = cosine", "schedule.anneal = cosine");
    refuse_plugin(*state, "schedule", "use = plateau\nmode = up", "schedule.mode = up");
    refuse_plugin(*state, "schedule", "use = plateau\nfactor = 1.5", "schedule.factor = 1.5");
    refuse_plugin(*state, "schedule", "use = exponential\ngamma = 1.01", "schedule.gamma = 1.01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(closed_forms), CASE(plateau_replays_the_history), CASE(unknown_values), CASE(ends), CASE(refusals),
    };
    return cmocka_run_group_tests_name("schedules against torch", tests, NULL, NULL);
}
