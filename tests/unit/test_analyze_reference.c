/* test_analyze_reference.c: every number of the reports' analyses from the recorded histories of FPCORE_SHARED, to half
 * a unit of the last digit that the reference prints. Skipped where they are absent. */
#define _GNU_SOURCE
#include "fixture.h"
#include "cmd/report/analyze/analyze.h"

#include <math.h>

typedef struct fixture {
    bench *b;
    int32_t n;
    fpc_recorded **recorded;
    fpc_analysis *run;
} fixture;

static fixture *open_histories(void **state)
{
    static fixture f;
    const char *folder = shared_file(*state, "reference/histories");
    int32_t without, unreadable;

    f = (fixture){.b = *state};
    if (fpc_analyze_find(f.b->ctx, f.b->arena, 1, &folder, &f.n, &f.recorded, &without, &unreadable))
        fail_msg("%s", fpc_ctx_error(f.b->ctx));
    assert_true(f.n == 19 && without == 0 && unreadable == 0);
    f.run = fpc_alloc(f.b->arena, (size_t)f.n * sizeof *f.run);
    for (int32_t i = 0; i < f.n; i++)
        assert_int_equal(fpc_analyze(f.b->ctx, f.b->arena, f.recorded[i], &f.run[i]), FPC_OK);
    return &f;
}

static const fpc_analysis *run_of(const fixture *f, const char *label)
{
    for (int32_t i = 0; i < f->n; i++)
        if (!strcmp(f->recorded[i]->label, label))
            return &f->run[i];
    fail_msg("no run %s", label);
    return NULL;
}

/* unit: of the last digit printed. */
static void agree(const char *what, double got, double want, double unit)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= unit / 2 + 1e-12))
        fail_msg("%s: %.9g instead of %.9g", what, got, want);
}
#define AGREE(got, want, unit) agree(#got, got, want, unit)

/* ---- 8.1 ---- */

static const struct ranked {
    const char *label;
    double best;
    int best_epoch, epochs;
    double gap, final, drop, drop_percent, after, last10, top5, window;
    int window_end;
    double change_sigma, low_loss;
    int low_loss_epoch;
    double accuracy;
    int accuracy_epoch;
} ranking[] = {{"lmsa_advanced_aug (1010_153732)", 0.7149, 110, 140, -0.0200, 0.6719, 0.0430, 6.0, 0.6788, 0.6729,
                0.7022, 0.6960, 114, 0.0201, 1.0851, 110, 0.8939, 112},
               {"lmsa_gpu_aug (1009_173630)", 0.7041, 113, 143, 0.0280, 0.6555, 0.0487, 6.9, 0.6568, 0.6598, 0.6906,
                0.6782, 94, 0.0208, 1.1435, 113, 0.8920, 113},
               {"lmsa_continue_v2 (1009_172335)", 0.6958, 3, 33, 0.0060, 0.6670, 0.0289, 4.2, 0.6610, 0.6593, 0.6876,
                0.6758, 6, 0.0210, 1.1389, 4, 0.8880, 19},
               {"lmsa_enhanced_dice (1008_025917)", 0.6889, 92, 112, 0.0098, 0.6544, 0.0344, 5.0, 0.6503, 0.6492,
                0.6835, 0.6693, 93, 0.0251, 1.1512, 96, 0.8854, 81},
               {"lmsa_dice2.5_aggressive (1009_180413)", 0.6827, 78, 78, -0.0063, 0.6827, 0.0000, 0.0, NAN, 0.6402,
                0.6676, 0.6584, 78, 0.0245, 1.7013, 78, 0.8796, 77},
               {"lmsa_v1 (1007_153857)", 0.6819, 80, 100, -0.0018, 0.6503, 0.0316, 4.6, 0.6550, 0.6583, 0.6768, 0.6690,
                98, 0.0220, 0.8959, 94, 0.8896, 94},
               {"lmsa_strong_aug (1008_030003)", 0.6769, 75, 95, -0.0026, 0.6524, 0.0246, 3.6, 0.6533, 0.6561, 0.6709,
                0.6594, 92, 0.0182, 0.9033, 90, 0.8882, 95},
               {"optimized_with_dropout (1006_132005)", 0.6753, 124, 144, 0.0435, 0.6480, 0.0274, 4.1, 0.6454, 0.6398,
                0.6671, 0.6628, 127, 0.0169, 0.9358, 92, 0.8834, 103},
               {"optimized_v3_conservative (1007_211559)", 0.6736, 128, 148, 0.0398, 0.6460, 0.0276, 4.1, 0.6452,
                0.6465, 0.6701, 0.6553, 147, 0.0158, 0.9270, 143, 0.8842, 146},
               {"lmsa_enhanced_dice_v2 (1009_174443)", 0.6702, 68, 98, 0.0080, 0.6203, 0.0500, 7.5, 0.6467, 0.6448,
                0.6661, 0.6595, 85, 0.0193, 1.4051, 88, 0.8875, 88},
               {"lmsa_focal_v1 (1007_211515)", 0.6702, 78, 98, -0.0008, 0.6444, 0.0257, 3.8, 0.6409, 0.6334, 0.6630,
                0.6513, 86, 0.0262, 0.5867, 78, 0.8707, 98},
               {"lmsa_focal_v1 (1007_224140)", 0.6664, 74, 94, 0.0011, 0.6536, 0.0128, 1.9, 0.6383, 0.6413, 0.6604,
                0.6498, 74, 0.0233, 0.5820, 74, 0.8753, 77},
               {"optimized_with_dropout (1006_110635)", 0.6546, 97, 117, 0.0063, 0.6355, 0.0191, 2.9, 0.6316, 0.6352,
                0.6426, 0.6362, 101, 0.0113, 0.6739, 73, 0.8837, 117},
               {"baseline_microsegformer (1005_204126)", 0.6483, 99, 119, 0.0342, 0.6348, 0.0135, 2.1, 0.6325, 0.6365,
                0.6456, 0.6409, 116, 0.0125, 0.6669, 74, 0.8859, 101},
               {"lmsa_ultimate_v1 (1008_025627)", 0.6456, 50, 70, -0.0263, 0.6393, 0.0063, 1.0, 0.6299, 0.6343, 0.6433,
                0.6390, 70, 0.0206, 0.9315, 62, 0.8779, 70},
               {"lmsa_dice1.5_warm_restart (1009_192038)", 0.6294, 56, 56, 0.0012, 0.6294, 0.0000, 0.0, NAN, 0.5928,
                0.6089, 0.6072, 56, 0.0149, 1.2727, 55, 0.8627, 56},
               {"baseline_microsegformer (1005_192837)", 0.6036, 89, 109, 0.2371, 0.5928, 0.0108, 1.8, 0.5933, 0.5926,
                0.6019, 0.5980, 92, 0.0085, 0.7646, 48, 0.8674, 68},
               {"class_weighted_v1 (1006_153704)", 0.5985, 82, 102, -0.0140, 0.5794, 0.0191, 3.2, 0.5769, 0.5790,
                0.5918, 0.5851, 93, 0.0201, 1.5649, 53, 0.8324, 98},
               {"lmsa_dice2.0_warm_restart (1009_193558)", 0.5877, 40, 40, -0.0179, 0.5877, 0.0000, 0.0, NAN, 0.5600,
                0.5805, 0.5757, 40, 0.0111, 1.6597, 29, 0.8430, 30}};

static void ranking_table(void **state)
{
    const fixture *f = open_histories(state);

    for (size_t i = 0; i < sizeof ranking / sizeof *ranking; i++) {
        const struct ranked *r = &ranking[i];
        const fpc_analysis *a = run_of(f, r->label);
        print_message("%s\n", r->label);
        AGREE(a->best, r->best, 1e-4);
        assert_int_equal(a->best_epoch, r->best_epoch);
        assert_int_equal(a->n, r->epochs);
        AGREE(a->gap, r->gap, 1e-4);
        AGREE(a->final, r->final, 1e-4);
        AGREE(a->drop, r->drop, 1e-4);
        AGREE(a->drop_percent, r->drop_percent, 0.1);
        AGREE(a->after, r->after, 1e-4);
        AGREE(a->last10, r->last10, 1e-4);
        AGREE(a->top5, r->top5, 1e-4);
        AGREE(a->window, r->window, 1e-4);
        assert_int_equal(a->window_end, r->window_end);
        AGREE(a->change_sigma, r->change_sigma, 1e-4);
        AGREE(a->low_loss, r->low_loss, 1e-4);
        assert_int_equal(a->low_loss_epoch, r->low_loss_epoch);
        AGREE(a->top_accuracy, r->accuracy, 1e-4);
        assert_int_equal(a->top_accuracy_epoch, r->accuracy_epoch);
    }
}

/* ---- 8.2, 8.7 ---- */

static void stage_tables(void **state)
{
    const fixture *f = open_histories(state);
    static const struct {
        const char *label;
        int from, to;
        double mean, sigma, train, gap, percent, rate;
    } stage[] = {{"lmsa_enhanced_dice (1008_025917)", 1, 30, 0.3998, 0.1582, 0.3932, -0.0066, -1.65, 7.48e-4},
                 {"lmsa_enhanced_dice (1008_025917)", 31, 60, 0.6203, 0.0239, 0.6183, -0.0020, -0.32, 7.62e-4},
                 {"lmsa_enhanced_dice (1008_025917)", 61, 92, 0.6519, 0.0189, 0.6777, 0.0258, 3.96, 6.88e-4},
                 {"lmsa_enhanced_dice (1008_025917)", 93, 112, 0.6503, 0.0191, 0.7107, 0.0604, 9.29, 6.03e-4},
                 {"lmsa_enhanced_dice (1008_025917)", 61, 112, 0.6513, 0.0190, 0.6904, 0.0391, 6.01, 6.55e-4},
                 {"lmsa_gpu_aug (1009_173630)", 1, 5, 0.1108, -1, -1, 0.0074, -1, 5.12e-4},
                 {"lmsa_gpu_aug (1009_173630)", 6, 30, 0.4668, 0.1095, -1, -0.0210, -1, 7.89e-4},
                 {"lmsa_gpu_aug (1009_173630)", 31, 90, 0.6319, 0.0255, -1, 0.0241, -1, 6.41e-4},
                 {"lmsa_gpu_aug (1009_173630)", 91, 120, 0.6635, 0.0214, -1, 0.0608, -1, 3.81e-4},
                 {"lmsa_gpu_aug (1009_173630)", 121, 143, 0.6569, 0.0110, -1, 0.0984, -1, 2.18e-4}};

    for (size_t i = 0; i < sizeof stage / sizeof *stage; i++) {
        const fpc_stage_row r = fpc_analysis_stage(run_of(f, stage[i].label), (fpc_span){stage[i].from, stage[i].to});
        AGREE(r.mean, stage[i].mean, 1e-4);
        AGREE(r.gap, stage[i].gap, 1e-4);
        AGREE(r.rate, stage[i].rate, 1e-6);
        if (stage[i].sigma >= 0)
            AGREE(r.sigma, stage[i].sigma, 1e-4);
        if (stage[i].train < 0)
            continue; /* the reference does not say */
        AGREE(r.train, stage[i].train, 1e-4);
        AGREE(r.gap_percent, stage[i].percent, 0.01);
    }
}

static void plateau(void **state)
{
    const fpc_analysis *a = run_of(open_histories(state), "lmsa_enhanced_dice (1008_025917)");

    AGREE(fpc_analysis_stage(a, (fpc_span){61, 92}).trend, 0.0013, 1e-4);
    AGREE(fpc_analysis_stage(a, (fpc_span){93, 112}).trend, -0.00019, 1e-5);
    AGREE(fpc_analysis_stage(a, (fpc_span){61, 112}).trend, 0.00025, 1e-5);
    AGREE(a->trend_after, -0.00019, 1e-5);
    AGREE(a->after, 0.6503, 1e-4);
}

/* ---- 8.3 ---- */

static void dice_sweep(void **state)
{
    const fixture *f = open_histories(state);
    static const struct {
        const char *label;
        int epoch;
        double best, train, gap, final, drop, percent;
    } row[] = {{"lmsa_v1 (1007_153857)", 80, 0.6819, 0.6802, -0.0018, 0.6503, 0.0316, 4.6},
               {"lmsa_enhanced_dice (1008_025917)", 92, 0.6889, 0.6987, 0.0098, 0.6544, 0.0344, 5.0},
               {"lmsa_enhanced_dice_v2 (1009_174443)", 68, 0.6702, 0.6783, 0.0080, 0.6203, 0.0500, 7.5}};
    double best[3];

    for (int i = 0; i < 3; i++) {
        const fpc_analysis *a = run_of(f, row[i].label);
        AGREE(best[i] = a->best, row[i].best, 1e-4);
        assert_int_equal(a->best_epoch, row[i].epoch);
        AGREE(a->train_at_best, row[i].train, 1e-4);
        AGREE(a->gap, row[i].gap, 1e-4);
        AGREE(a->final, row[i].final, 1e-4);
        AGREE(a->drop, row[i].drop, 1e-4);
        AGREE(a->drop_percent, row[i].percent, 0.1);
    }
    AGREE(100 * (best[1] / best[0] - 1), 1.02, 0.01);
    AGREE(100 * (best[2] / best[1] - 1), -2.70, 0.01);
}

/* ---- 8.4 to 8.6 ---- */

static void rates(void **state)
{
    const fixture *f = open_histories(state);
    const fpc_analysis *a = run_of(f, "lmsa_enhanced_dice (1008_025917)"), *g = run_of(f, "lmsa_gpu_aug (1009_173630)");
    static const struct {
        int epoch;
        double rate, percent;
    } at[] = {{5, 8.00e-4, 100}, {60, 7.33e-4, 91.7}, {92, 6.40e-4, 80.0}, {112, 5.67e-4, 70.9}};

    for (int i = 0; i < 4; i++) {
        AGREE(fpc_analysis_at(a, a->rate, at[i].epoch), at[i].rate, 1e-6);
        AGREE(100 * fpc_analysis_at(a, a->rate, at[i].epoch) / 8e-4, at[i].percent, 0.1);
        assert_true(fpc_analysis_at(a, a->used, at[i].epoch) == fpc_analysis_at(a, a->rate, at[i].epoch - 1));
    }
    AGREE(fpc_analysis_at(g, g->rate, 113), 3.327e-4, 1e-7);
    assert_true(isnan(fpc_analysis_at(a, a->used, 1)));
    assert_int_equal(a->warmup, 5);
    assert_int_equal(run_of(f, "lmsa_continue_v2 (1009_172335)")->warmup, 0);
    assert_int_equal(run_of(f, "lmsa_ultimate_v1 (1008_025627)")->warmup, 12);
}

static void volatility(void **state)
{
    const fpc_analysis *a = run_of(open_histories(state), "lmsa_enhanced_dice (1008_025917)");
    const fpc_volatility v = fpc_analysis_volatility(a, (fpc_span){61, 112});
    static const double values[] = {0.6532, 0.6555, 0.6385, 0.6618, 0.6804, 0.6769, 0.6889, 0.6387, 0.6569, 0.6202};

    AGREE(v.mean, 0.6513, 1e-4);
    AGREE(v.sigma, 0.0190, 1e-4);
    AGREE(v.max, 0.6889, 1e-4);
    assert_int_equal(v.max_epoch, 92);
    AGREE(v.min, 0.6102, 1e-4);
    assert_int_equal(v.min_epoch, 110);
    AGREE(v.range, 0.0787, 1e-4);
    AGREE(v.range_percent, 12.08, 0.01);
    AGREE(v.largest, 0.0639, 1e-4);
    AGREE(v.change_sigma, 0.0268, 1e-4);
    AGREE(a->change_sigma, 0.0251, 1e-4);
    for (int i = 0; i < 10; i++)
        AGREE(fpc_analysis_at(a, a->val, 86 + i), values[i], 1e-4);
}

static void gaps(void **state)
{
    const fpc_analysis *a = run_of(open_histories(state), "lmsa_enhanced_dice (1008_025917)");

    AGREE(a->gap, 0.0098, 1e-4);
    AGREE(a->gap_percent, 1.43, 0.01);
    AGREE(a->final_gap, 0.0647, 1e-4);
    AGREE(a->final_gap_percent, 9.89, 0.01);
    AGREE(fpc_analysis_at(a, a->train, 112), 0.7192, 1e-4);
}

/* ---- 8.8, 8.10 ---- */

static void warm_restarts(void **state)
{
    const fixture *f = open_histories(state);
    const fpc_analysis *winner = run_of(f, "lmsa_gpu_aug (1009_173630)");
    static const struct {
        const char *label;
        int epoch;
        double best, difference, train, gap, before, dip;
        int dip_epoch;
        double other, so_far;
    } row[] = {
        {"lmsa_dice1.5_warm_restart (1009_192038)", 56, 0.6294, -0.0747, 0.6306, 0.0012, 0.5671, 0.5357, 31, 0.6338,
         0.6398},
        {"lmsa_dice2.0_warm_restart (1009_193558)", 40, 0.5877, -0.1164, 0.5698, -0.0179, 0.5733, 0.5274, 33, 0.6099,
         0.6158},
        {"lmsa_dice2.5_aggressive (1009_180413)", 78, 0.6827, -0.0214, 0.6764, -0.0063, 0, 0, 0, 0.6544, 0.6818}};

    for (int i = 0; i < 3; i++) {
        const fpc_analysis *a = run_of(f, row[i].label);
        AGREE(a->best, row[i].best, 1e-4);
        assert_true(a->best_epoch == row[i].epoch && a->n == row[i].epoch && a->recorded->truncated);
        assert_string_equal(fpc_analysis_ended(a), "truncated");
        AGREE(a->best - winner->best, row[i].difference, 1e-4);
        AGREE(a->train_at_best, row[i].train, 1e-4);
        AGREE(a->gap, row[i].gap, 1e-4);
        AGREE(fpc_analysis_at(winner, winner->val, row[i].epoch), row[i].other, 1e-4);
        AGREE(fpc_analysis_best_so_far(winner, row[i].epoch), row[i].so_far, 1e-4);
        assert_int_equal(a->n_restarts, row[i].dip_epoch ? 1 : 0);
        if (!row[i].dip_epoch)
            continue;
        assert_int_equal(a->restart[0].after, 30);
        AGREE(a->restart[0].low, 4.15e-6, 1e-8);
        AGREE(a->restart[0].high, 8e-4, 1e-9);
        AGREE(a->restart[0].before, row[i].before, 1e-4);
        AGREE(a->restart[0].dip, row[i].dip, 1e-4);
        assert_int_equal(a->restart[0].dip_epoch, row[i].dip_epoch);
        assert_int_equal(a->restart[0].regained, 39); /* as the reports state */
    }
}

static void bookkeeping(void **state)
{
    const fixture *f = open_histories(state);
    int truncated = 0, restarts = 0;

    for (int32_t i = 0; i < f->n; i++) {
        truncated += f->recorded[i]->truncated;
        restarts += f->run[i].n_restarts;
        assert_true(f->recorded[i]->truncated == !strcmp(fpc_analysis_ended(&f->run[i]), "truncated"));
    }
    assert_int_equal(truncated, 3);
    assert_int_equal(restarts, 2);
}

/* The numbers that the reports' progress is told with are all on the way; two more runs were best when they ended. */
static void trajectory(void **state)
{
    const fixture *f = open_histories(state);
    static const double best[] = {0.6036, 0.6483, 0.6546, 0.6753, 0.6819, 0.6889, 0.6958, 0.7041, 0.7149};
    fpc_analyze_options o = {0};
    fpc_analyses all = {.ctx = f->b->ctx, .arena = f->b->arena, .n = f->n, .run = f->run, .o = &o};
    fpc_report r = {.arena = f->b->arena, .n_runs = f->n};
    const fpc_table *t;

    assert_int_equal(fpc_analyze_trajectory(&all, &r), FPC_OK);
    t = r.overview.table[0];
    assert_int_equal(t->n_rows, 9);
    for (int i = 0; i < 9; i++)
        AGREE(t->cell[i * t->n_columns + 2].number, best[i], 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(ranking_table), CASE(stage_tables), CASE(plateau), CASE(dice_sweep),
                                       CASE(rates),         CASE(volatility),   CASE(gaps),    CASE(warm_restarts),
                                       CASE(bookkeeping),   CASE(trajectory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
