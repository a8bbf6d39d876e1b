/* test_analyze.c: the analysis of a small record made by hand, whose numbers can be seen: best, gaps, stages, restarts
 * in both conventions of the learning rate; the tables made of it; classes and sides from a validation file. */
#define _GNU_SOURCE
#include "recordings.h"
#include "cmd/report/analyze/analyze.h"
#include "weights/weights.h"

#define CLOSE(got, want)                                                                                               \
    do {                                                                                                               \
        const double is_ = (got), ought_ = (want);                                                                     \
        if (isnan(ought_) ? !isnan(is_) : !(fabs(is_ - ought_) <= 1e-9))                                               \
            fail_msg("%s: %.12g instead of %.12g", #got, is_, ought_);                                                 \
    } while (0)

/* Warm-up of 2 epochs, a restart whose low epoch is the 6th, the former best 0.50 (epoch 5) passed in the 9th. */
#define VAL "0.10, 0.30, 0.40, 0.48, 0.50, 0.49, 0.41, 0.45, 0.55, 0.60, 0.60, 0.54"
#define TRAIN "0.12, 0.30, 0.38, 0.45, 0.52, 0.53, 0.47, 0.50, 0.60, 0.66, 0.70, 0.72"
#define NEXT "0.5, 1, 0.8, 0.4, 0.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4" /* the rate of the next epoch */
#define USED "0.1, 0.5, 1, 0.8, 0.4, 0.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5"
#define RECORD(val, lr)                                                                                                \
    "{\"train_loss\": [12,11,10,9,8,7,6,5,4,3,2,1], \"train_f_score\": [" TRAIN "], \"val_f_score\": [" val            \
    "], \"val_loss\": [9,8,7,6,5,4,5,6,3,2,3,4], \"lr\": [" lr "]}"

static fpc_analysis analyse(bench *b, const fpc_recorded *recorded)
{
    fpc_analysis a;

    if (fpc_analyze(b->ctx, b->arena, recorded, &a))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return a;
}

static void numbers(void **state)
{
    bench *b = *state;
    const fpc_analysis a = analyse(b, recorded_read(b, recorded_write(b, "r.json", RECORD(VAL, NEXT))));

    assert_true(a.n == 12 && a.best_epoch == 10 && a.window_end == 12 && a.low_loss_epoch == 10);
    CLOSE(a.best, 0.6);
    CLOSE(a.gap, 0.06);
    CLOSE(a.gap_percent, 10);
    CLOSE(a.final, 0.54);
    CLOSE(a.drop, 0.06);
    CLOSE(a.drop_percent, 10);
    CLOSE(a.final_gap, 0.18);
    CLOSE(a.after, 0.57);
    CLOSE(a.trend_after, -0.06);
    CLOSE(a.last10, 0.502);
    CLOSE(a.top5, (0.6 + 0.6 + 0.55 + 0.54 + 0.5) / 5);
    CLOSE(a.window, (0.45 + 0.55 + 0.6 + 0.6 + 0.54) / 5);
    CLOSE(a.above, 0.6 - 0.548);
    CLOSE(a.change_sigma, NAN); /* nothing lies behind epoch 30 */
    CLOSE(a.top_accuracy, NAN);
    assert_int_equal(a.top_accuracy_epoch, 0);
    CLOSE(fpc_analysis_best_so_far(&a, 8), 0.5);
    CLOSE(fpc_analysis_best_so_far(&a, 99), 0.6);
    CLOSE(fpc_analysis_best_so_far(&a, 0), NAN);
    CLOSE(fpc_analysis_at(&a, a.val, 13), NAN);
}

static void check_restart(const fpc_analysis *a)
{
    assert_int_equal(a->warmup, 2);
    assert_int_equal(a->n_restarts, 1);
    assert_int_equal(a->restart[0].after, 6);
    CLOSE(a->restart[0].low, 0.1);
    CLOSE(a->restart[0].high, 1);
    CLOSE(a->restart[0].before, 0.49);
    CLOSE(a->restart[0].former, 0.5);
    CLOSE(a->restart[0].dip, 0.41);
    assert_int_equal(a->restart[0].dip_epoch, 7);
    assert_int_equal(a->restart[0].regained, 9);
}

/* One run, recorded in both ways. */
static void rates_of_both_kinds(void **state)
{
    bench *b = *state;
    fpc_recorded *next = recorded_read(b, recorded_write(b, "next.json", RECORD(VAL, NEXT))),
                 *used = recorded_read(b, recorded_write(b, "used.json", RECORD(VAL, USED)));
    fpc_analysis x, y;

    used->lr_is_next = 0;
    x = analyse(b, next);
    y = analyse(b, used);
    check_restart(&x);
    check_restart(&y);
    for (int64_t e = 2; e <= 12; e++)
        CLOSE(fpc_analysis_at(&x, x.used, e), fpc_analysis_at(&y, y.used, e));
    CLOSE(fpc_analysis_at(&x, x.used, 1), NAN);
    CLOSE(fpc_analysis_at(&y, y.used, 1), 0.1);
    CLOSE(fpc_analysis_stage(&x, (fpc_span){2, 3}).rate, 0.9);
    CLOSE(fpc_analysis_stage(&x, (fpc_span){2, 3}).used, 0.75);
}

static void stages(void **state)
{
    bench *b = *state;
    const fpc_analysis a = analyse(b, recorded_read(b, recorded_write(b, "r.json", RECORD(VAL, NEXT))));
    fpc_span span[FPC_ANALYZE_SPANS];
    fpc_stage_row s = fpc_analysis_stage(&a, (fpc_span){9, 99});

    assert_true(s.span.from == 9 && s.span.to == 12);
    CLOSE(s.mean, 0.5725);
    CLOSE(s.train, 0.67);
    CLOSE(s.gap, 0.0975);
    CLOSE(s.gap_percent, 100 * 0.0975 / 0.5725);
    CLOSE(s.trend, -0.003);
    s = fpc_analysis_stage(&a, (fpc_span){13, 20});
    assert_int_equal(s.span.from, 0);
    CLOSE(s.mean, NAN);
    assert_int_equal(fpc_analysis_stages(&a, span), 3); /* warm-up, to the restart, the rest */
    assert_true(span[0].to == 2 && span[1].from == 3 && span[1].to == 6 && span[2].from == 7 && span[2].to == 12);
}

/* Every stage list covers the run once, in order, whatever the run. */
static void stages_cover_the_run(void **state)
{
    bench *b = *state;

    for (int n = 1; n <= 60; n += n < 12 ? 1 : 7) {
        char text[4096] = "{\"val_f_score\": [";
        fpc_span span[FPC_ANALYZE_SPANS];
        int64_t next = 1;
        for (int e = 0; e < n; e++)
            sprintf(text + strlen(text), "%s%d", e ? "," : "", e * 17 % 23);
        strcat(text, "], \"lr\": [");
        for (int e = 0; e < n; e++)
            sprintf(text + strlen(text), "%s%d", e ? "," : "", 9 - e % 9);
        strcat(text, "]}");
        const fpc_analysis a = analyse(b, recorded_read(b, recorded_write(b, "n.json", text)));
        const int32_t k = fpc_analysis_stages(&a, span);
        assert_in_range(k, 1, FPC_ANALYZE_SPANS);
        for (int32_t i = 0; i < k; i++) {
            assert_int_equal(span[i].from, next);
            assert_true(span[i].to >= span[i].from);
            next = span[i].to + 1;
        }
        assert_int_equal(next, n + 1);
        assert_int_equal(a.n_restarts, n > 2 ? (n - 1) / 9 : 0);
    }
}

/* null in the record: an epoch without a value is passed over and counts nowhere. */
static void holes(void **state)
{
    bench *b = *state;
    const fpc_analysis a = analyse(b, recorded_read(b, recorded_write(b, "h.json",
                                                                      "{\"val_f_score\": [null, 0.2, null, 0.4, "
                                                                      "null], \"train_f_score\": [1, 1, 1, "
                                                                      "null, 1]}")));
    const fpc_volatility v = fpc_analysis_volatility(&a, (fpc_span){1, 5});

    assert_int_equal(a.best_epoch, 4);
    CLOSE(a.gap, NAN);
    CLOSE(a.final, NAN);
    CLOSE(a.drop, NAN);
    CLOSE(v.mean, 0.3);
    CLOSE(v.largest, NAN);
    assert_int_equal(v.largest_epoch, 0);
    assert_int_equal(fpc_analysis_volatility(&a, (fpc_span){6, 7}).max_epoch, 0);
    assert_null(a.used);
}

static void lower_is_better(void **state)
{
    bench *b = *state;
    fpc_recorded *p = recorded_read(b, recorded_write(b, "l.json", RECORD(VAL, NEXT)));

    p->monitor = "val_loss";
    p->higher_is_better = 0;
    const fpc_analysis a = analyse(b, p);
    assert_int_equal(a.best_epoch, 10);
    CLOSE(a.best, 2);
    CLOSE(a.drop, 2);
    CLOSE(a.gap, 1);
    CLOSE(a.restart[0].former, 4);
    CLOSE(a.restart[0].dip, 6); /* the worst */
    p->monitor = NULL;
    fpc_analysis none;
    assert_int_equal(fpc_analyze(b->ctx, b->arena, p, &none), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "--metric COLUMN names one"));
}

/* ---- folders, names, tables ---- */

static const fpc_table *table_of(const fpc_chapter *c, const char *key)
{
    for (int32_t i = 0; i < c->n_tables; i++)
        if (!strcmp(c->table[i]->key, key))
            return c->table[i];
    fail_msg("there is no table %s", key);
    return NULL;
}

static const fpc_cell *cell_of(const fpc_table *t, int32_t row, const char *key)
{
    assert_in_range(row, 0, t->n_rows - 1);
    for (int32_t c = 0; c < t->n_columns; c++)
        if (!strcmp(t->column[c].key, key))
            return &t->cell[row * t->n_columns + c];
    fail_msg("table %s has no column %s", t->key, key);
    return NULL;
}

typedef struct several {
    fpc_analyses all;
    fpc_analyze_options o;
    fpc_report r;
} several;

static void silence(void *arg, int level, const char *line)
{
    *(int *)arg += level == FPC_LOG_WARN && strstr(line, "left out");
}

/* Three runs and what else lies in a folder. */
static void open_several(bench *b, several *s, int *warnings)
{
    const char *root = test_folder();
    fpc_recorded **recorded;

    recorded_write(b, "a-20260101-000000/history.json", "{\"val_f_score\": [0.1, 0.5, 0.4]}");
    recorded_write(b, "b_20260103_000000.json", "{\"val_f_score\": [0.2, 0.3, 0.6]}");
    recorded_write(b, "c_20260102_000000.json", "{\"val_f_score\": [0.2, 0.45, 0.4]}");
    recorded_write(b, "d-20260104-000000/recipe.ini", "[run]\nepochs = 4\n");
    recorded_write(b, "broken.json", "{");
    recorded_write(b, "notes/readme.txt", "no run");
    *s = (several){.all = {.ctx = b->ctx, .arena = b->arena}};
    s->all.o = &s->o;
    fpc_ctx_log_sink(b->ctx, silence, warnings);
    assert_int_equal(
        fpc_analyze_find(b->ctx, b->arena, 1, &root, &s->all.n, &recorded, &s->all.without_history, &s->all.unreadable),
        FPC_OK);
    assert_int_equal(s->all.n, 3);
    s->all.run = fpc_alloc(b->arena, 3 * sizeof *s->all.run);
    for (int i = 0; i < 3; i++)
        s->all.run[i] = analyse(b, recorded[i]);
    s->r = (fpc_report){.arena = b->arena, .n_runs = 3, .run = fpc_alloc(b->arena, 3 * sizeof *s->r.run)};
}

static void folders(void **state)
{
    bench *b = *state;
    several s;
    int warnings = 0;

    open_several(b, &s, &warnings);
    assert_true(s.all.without_history == 1 && s.all.unreadable == 1 && warnings == 1);
    assert_int_equal(fpc_analyze_named(&s.all, "--against", "c (0102_000000)", 15), 2);
    assert_int_equal(fpc_analyze_named(&s.all, "--against", "b (=0.5", 3), 1);
    assert_int_equal(fpc_analyze_named(&s.all, "--against", "0000", 4), -1);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "--against 0000: may mean a (0101_000000), b (0103_000000)"));
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_analyze_named(&s.all, "--test", "x", 1), -1);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "--test x: no run of this name"));
}

static void overview(void **state)
{
    bench *b = *state;
    static const char *test[] = {"b (=0.55"}, *mark[] = {"20260102=new metric"};
    several s;
    int warnings = 0;
    const fpc_table *t;

    open_several(b, &s, &warnings);
    s.o.test = (fpc_texts){1, test};
    s.o.mark = (fpc_texts){1, mark};
    s.all.against = 1;
    assert_int_equal(fpc_analyze_overview(&s.all, &s.r), FPC_OK);
    t = table_of(&s.r.overview, "against");
    assert_int_equal(t->n_rows, 2);
    CLOSE(cell_of(t, 0, "difference")->number, -0.1);
    CLOSE(cell_of(t, 0, "other_at_epoch")->number, 0.3);
    CLOSE(cell_of(t, 0, "ahead")->number, 0.2);
    t = table_of(&s.r.overview, "endings");
    assert_int_equal(t->n_rows, 4); /* complete 2, truncated 1, no history 1, unreadable 1 */
    assert_string_equal(cell_of(t, 0, "ended")->text, "complete");
    CLOSE(cell_of(t, 0, "runs")->number, 2);
    t = table_of(&s.r.overview, "trajectory");
    assert_int_equal(t->n_rows, 3); /* a, the mark, b: c was no better */
    assert_string_equal(cell_of(t, 1, "remark")->text, "new metric");
    CLOSE(cell_of(t, 2, "step_percent")->number, 20);
    t = table_of(&s.r.overview, "tests");
    CLOSE(cell_of(t, 0, "gap")->number, 0.05);
    CLOSE(cell_of(t, 0, "gap_percent")->number, 100 * 0.05 / 0.6);
    assert_int_equal(s.r.overview.n_notes, 1);
    assert_non_null(strstr(s.r.overview.note[0], "Truncated: b (0103_000000). Its record ends"));
    test[0] = "b (=fast";
    assert_int_equal(fpc_analyze_overview(&s.all, &s.r), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "--test b (=fast: RUN=SCORE is needed"));
    fpc_ctx_clear(b->ctx);
    mark[0] = "monday=new metric";
    assert_int_equal(fpc_analyze_overview(&s.all, &s.r), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "--mark monday=new metric: WHEN=TEXT is needed"));
}

/* Two sided classes of which a third is put on the wrong side; a short last batch. */
static void classes_and_sides(void **state)
{
    bench *b = *state;
    static const int32_t counts[3 * 3 * 3] = {90, 10, 0, 10, 5,  5, 10, 5, 5, 80, 0, 20, 10, 5,
                                              5,  10, 5, 5,  50, 0, 0,  0, 0, 0,  0, 0,  0};
    static const int64_t confusion[9] = {220, 10, 10, 0, 20, 10, 0, 10, 20};
    static const uint8_t pairs[1][2] = {{1, 2}};
    static const char *const names[] = {"skin", "l_eye", "r_eye"};
    const fpc_validation v = {.epoch = 2,
                              .images = 3,
                              .batch = 2,
                              .classes = 3,
                              .counts = counts,
                              .n_pairs = 1,
                              .confusion = confusion,
                              .class_name = names,
                              .pairs = pairs};
    several s = {.all = {.ctx = b->ctx, .arena = b->arena, .n = 1}};
    fpc_chapter chapter = {0};
    const fpc_table *t;

    recorded_write(b, "v/history.json", "{\"val_f_score\": [0.1, 0.5], \"val_per_class.skin\": [0.2, 0.4]}");
    assert_int_equal(
        fpc_validation_write(b->ctx, fpc_sprintf(b->arena, "%s/v/validation.safetensors", test_folder()), &v), FPC_OK);
    const fpc_analysis a = analyse(b, recorded_read(b, fpc_sprintf(b->arena, "%s/v", test_folder())));
    s.all.o = &s.o;
    s.r.arena = b->arena;
    if (fpc_analyze_classes(&s.all, &s.r, &chapter, &a))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    t = table_of(&chapter, "classes");
    CLOSE(cell_of(t, 0, "pixels")->number, 240);
    CLOSE(cell_of(t, 1, "images")->number, 2);
    assert_true(fabs(cell_of(t, 1, "f")->number - 2 / 3.) < 1e-6);
    t = table_of(&chapter, "sides");
    CLOSE(cell_of(t, 0, "first_as_second")->number, 100 / 3.);
    CLOSE(cell_of(t, 0, "second_as_first")->number, 100 / 3.);
    assert_true(fabs(cell_of(t, 0, "either_f")->number - 2 * 0.75 / 1.75) < 1e-6); /* p 60/80, r 1 */
    t = table_of(&chapter, "confusions");
    assert_int_equal(t->n_rows, 4);
    assert_string_equal(cell_of(t, 0, "label")->text, "skin");
    assert_string_equal(cell_of(t, 3, "predicted")->text, "l_eye");
    CLOSE(cell_of(table_of(&chapter, "confusion"), 1, "2")->number, 100 / 3.);
    t = table_of(&chapter, "batches");
    assert_int_equal(t->n_rows, 2);
    CLOSE(cell_of(t, 0, "weight")->number, 25);
    CLOSE(cell_of(t, 1, "weight")->number, 50);
    t = table_of(&chapter, "worst_pictures");
    assert_int_equal(t->n_rows, 3);
    assert_true(cell_of(t, 0, "f")->number <= cell_of(t, 2, "f")->number);
    CLOSE(cell_of(table_of(&chapter, "class_history"), 0, "at_best")->number, 0.4);
    assert_int_equal(chapter.n_notes, 2);
    assert_non_null(strstr(chapter.note[0], "33.3 % of the pixels"));
    assert_non_null(strstr(chapter.note[1], "1 of 3 pictures"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(numbers),
                                       CASE(rates_of_both_kinds),
                                       CASE(stages),
                                       CASE(stages_cover_the_run),
                                       CASE(holes),
                                       CASE(lower_is_better),
                                       CASE(folders),
                                       CASE(overview),
                                       CASE(classes_and_sides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
