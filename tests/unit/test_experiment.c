/* test_experiment.c: what a recipe opens to, what it is refused for and with which sentence, the recipe as understood,
 * and the learning rate with its warm-up. */
#include "tiny.h"
#include "graph/nodes.h"

static const char *shared(void)
{
    const char *path = getenv("FPCORE_SHARED");
    return path && *path ? path : "../shared";
}

/* ---- refusals ---- */

typedef struct refusal {
    const char *text, *sets;
    unsigned what;
    const char *part[3]; /* all of them stand in the message */
} refusal;

static void check_refusals(const refusal *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bench b;
        const fpc_status status = bench_try(&b, list[i].text, list[i].sets, list[i].what);
        const char *said = fpc_ctx_error(b.ctx);
        if (!status)
            fail_msg("accepted: %s", list[i].text);
        for (int k = 0; k < 3 && list[i].part[k]; k++)
            if (!strstr(said, list[i].part[k]))
                fail_msg("`%s` is missing in: %s", list[i].part[k], said);
        assert_true(fpc_ctx_recipe_fault(b.ctx) || status == FPC_EINVAL);
        bench_free(&b);
    }
}

static void unknown_sections(void **state)
{
    (void)state;
    const refusal list[] = {
        {TINY "[optimiser]\nlr = 1\n",
         "",
         0,
         {"test.ini:", "[optimiser]: unknown section", "did you mean [optimizer]?"}},
        {TINY "[loss]\nuse = dice\n", "", 0, {"[loss]: unknown section", "did you mean [loss.NAME]?"}},
        {TINY "[los.focal]\nuse = focal\n", "", 0, {"[los.focal]: unknown section", "did you mean [loss.focal]?"}},
        {TINY "[loss.]\nuse = dice\n", "", 0, {"[loss.]"}},
        {TINY "[banana]\nlr = 1\n", "", 0, {"[banana]: unknown section", "logger.NAME"}},
        {TINY,
         "modle.dropout=0.1",
         OPEN_ALL,
         {"-s modle.dropout=0.1", "[modle]: unknown section", "did you mean [model]?"}},
    };
    check_refusals(list, sizeof list / sizeof *list);
}

/* In every section, whatever the verb opens. */
static void misspelt_keys(void **state)
{
    (void)state;
    const refusal list[] = {
        {TINY "[run]\nepoch = 3\n", "", 0, {"run.epoch", "epochs"}},
        {TINY, "dataset.bach=3", 0, {"dataset.bach", "batch", "-s"}},
        {TINY, "model.drop_out=0.1", 0, {"model.drop_out", "dropout"}},
        {TINY, "loss.ce.wieght=2", 0, {"loss.ce.wieght", "weight"}},
        {TINY "[optimizer]\nweight_deacy = 0\n", "", 0, {"test.ini:", "optimizer.weight_deacy", "weight_decay"}},
        {TINY "[schedule]\nuse = cosine\nwarmup = 5\n", "", 0, {"schedule.warmup", "warmup_epochs"}},
        {TINY "[metric.f_score]\nuse = fscore_batch\nclases = 3\n", "", 0, {"metric.f_score.clases"}},
        {TINY "[augment]\nfil = ignore\n", "", 0, {"augment.fil", "fill"}},
        {TINY "[augment.flip]\nuse = hflip\nexchang = off\n", "", 0, {"augment.flip.exchang", "exchange"}},
        {TINY "[logger.h]\nuse = history\nfoo = 1\n", "", 0, {"logger.h.foo"}},
        {TINY "[backend]\nuse = ref\nreel = double\n", "", 0, {"backend.reel", "real"}},
    };
    check_refusals(list, sizeof list / sizeof *list);
}

static void values_that_make_no_sense(void **state)
{
    (void)state;
    const refusal list[] = {
        {TINY_DATA TINY_MODEL, "", FPC_OPEN_TRAIN, {"test.ini", "[loss.NAME]", "cross_entropy"}},
        {TINY "[run]\nmetric = f_scor\n",
         "",
         FPC_OPEN_TRAIN,
         {"test.ini:22: run.metric = f_scor", "there is no [metric.f_scor]", "did you mean `f_score`?"}},
        {TINY "[metric.miou]\nuse = miou\n",
         "",
         FPC_OPEN_TRAIN,
         {"default: run.metric = f_score", "there is no [metric.f_score]"}},
        {TINY, "dataset.batch=13", OPEN_ALL, {"dataset.batch = 13", "12 images"}},
        {TINY, "model.max_params=100000000000000000000", 0, {"model.max_params"}},
        {TINY, "schedule.warmup_start=1.5", 0, {"schedule.warmup_start"}},
        {TINY, "model.use=microsegfomer", 0, {"microsegfomer", "microsegformer"}},
    };
    check_refusals(list, sizeof list / sizeof *list);
}

/* The numbers stand in the sentence, and no tensor's memory was taken before. */
static void max_params(void **state)
{
    (void)state;
    bench b;
    assert_int_equal(bench_try(&b, TINY_DATA TINY_LOSS "[model]\nmax_params = 1747922\n", "", OPEN_ALL), FPC_EINVAL);
    const char *said = fpc_ctx_error(b.ctx);
    if (!strstr(said, "model.max_params = 1747922: the model has 1747923 parameters, 1 too many"))
        fail_msg("%s", said);
    assert_non_null(strstr(said, "test.ini:"));
    assert_non_null(b.s);
    assert_null(b.s->state);
    assert_int_equal(b.s->backend->n_blocks, 0);
    bench_free(&b);
    bench_experiment(&b, TINY_DATA TINY_LOSS "[model]\nmax_params = 1747923\n", "", OPEN_ALL);
    assert_int_equal(b.s->state->n_trainable, 1747923);
    bench_free(&b);
    bench_experiment(&b, TINY_DATA TINY_LOSS "[model]\nlmsa = off\n", "", OPEN_ALL);
    assert_int_equal(b.s->state->n_trainable, 1721939);
    bench_free(&b);
    /* far more than any memory: refused all the same, at once */
    assert_int_equal(bench_try(&b, TINY_DATA TINY_LOSS,
                               "model.dims=4096,4096,4096,4096\nmodel.depths=100,100,100,100\nmodel.max_params=1821085",
                               OPEN_ALL),
                     FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "-s model.max_params=1821085"));
    assert_int_equal(b.s->backend->n_blocks, 0);
    bench_free(&b);
}

/* ---- opening ---- */

static void classes_without_data(void **state)
{
    (void)state;
    bench b;
    bench_experiment(&b, TINY, "dataset.size=48", FPC_OPEN_BACKEND);
    assert_null(b.s->data);
    assert_int_equal(b.s->classes, 19);
    assert_int_equal(b.s->ignore, -1);
    assert_int_equal(b.s->info.h, 48);
    assert_string_equal(b.s->info.class_names[0], "background");
    assert_int_equal(b.s->info.n_mirror_pairs, 3);
    assert_int_equal(b.s->info.count[FPC_TRAIN], 0); /* nothing was counted */
    bench_free(&b);
    /* the folder's classes and ignore label come from its options; its root need not exist */
    bench_experiment(
        &b,
        "[dataset]\nuse = folder\nclasses = celebamask19\nroot = there/is/no/such/folder\nignore_label = 7\n" TINY_MODEL
            TINY_LOSS,
        "", FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
    assert_int_equal(b.s->classes, 19);
    assert_int_equal(b.s->ignore, 7);
    bench_free(&b);
}

static void defaults(void **state)
{
    (void)state;
    bench b;
    bench_experiment(&b, "[loss.ce]\nuse = cross_entropy\n[dataset]\ntrain = 40\n", "", OPEN_ALL);
    assert_string_equal(b.s->model.plugin->name, "microsegformer");
    assert_string_equal(b.s->optimizer.plugin->name, "adamw");
    assert_string_equal(b.s->schedule.plugin->name, "constant");
    assert_string_equal(b.s->backend->inst.plugin->name, "cpu");
    assert_int_equal(b.s->n_metrics, 2);
    assert_string_equal(b.s->metric[0].label, "f_score");
    assert_string_equal(b.s->metric[1].label, "accuracy");
    assert_true(b.s->loss[0].weight == 1 && b.s->lr.n == 1 && b.s->lr.value[0] == 1e-3);
    assert_null(b.s->state->average);
    bench_free(&b);
}

/* ---- the recipe as understood ---- */

#define RICH                                                                                                           \
    TINY_DATA TINY_MODEL                                                                                               \
        "dropout = 0.25\n" TINY_LOSS                                                                                   \
        "[run]\nname = \"a; b # c\"\nseed = 9007199254740992\nepochs = 7\n[optimizer]\nuse = sgd\nlr = 0.1\n"          \
        "[schedule]\nuse = warm_restarts\nwarmup_epochs = 2\neta_min = 1e-7\n[augment.flip]\nuse = hflip\n"            \
        "[augment.turn]\nuse = rotate\ndegrees = -20, 10\n[metric.f_score]\nuse = fscore_image\n[logger.h]\nuse = "    \
        "history\n"                                                                                                    \
        "[backend]\nuse = ref\nreal = double\n"

static void resolved_is_a_fixed_point(void **state)
{
    (void)state;
    bench a, b;
    bench_experiment(&a, RICH, "loss.ce.class_weights=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,0.1", OPEN_ALL);
    const char *once = fpc_experiment_resolved(a.s, a.arena, 0);
    bench_experiment(&b, once, "", OPEN_ALL);
    assert_string_equal(once, fpc_experiment_resolved(b.s, b.arena, 0));
    assert_string_equal(a.s->run.name, "a; b # c");
    assert_string_equal(b.s->run.name, "a; b # c");
    assert_true(b.s->run.seed == a.s->run.seed && b.s->warmup_epochs == 2);
    assert_int_equal(b.s->n_opened, a.s->n_opened);
    for (int64_t e = 0; e < 7; e++)
        assert_true(fpc_experiment_lr(a.s, e, NULL) == fpc_experiment_lr(b.s, e, NULL));
    bench_free(&b);
    /* with origins it is the same recipe */
    bench_experiment(&b, fpc_experiment_resolved(a.s, a.arena, 1), "", OPEN_ALL);
    assert_string_equal(once, fpc_experiment_resolved(b.s, b.arena, 0));
    bench_free(&b);
    bench_free(&a);
}

/* Key by key: what a resumed run, a sweep and the resolved text are made of. The backend stands in no recipe here and
 * is known all the same. */
static void settings_say_what_they_are(void **state)
{
    (void)state;
    const fpc_resolved *all, *r;
    int32_t n;
    bench b;
    bench_experiment(&b, TINY "[run]\nepochs = 7\n[logger.h]\nuse = history\n", "", FPC_OPEN_TRAIN);
    assert_int_equal(fpc_experiment_settings(b.s, b.arena, &n, &all), FPC_OK);
    assert_true(n > 50);
    assert_non_null(r = fpc_resolved_find(all, n, "run", "epochs"));
    assert_string_equal(r->text, "7");
    assert_true(!r->is_default && r->resumable);
    assert_non_null(r = fpc_resolved_find(all, n, "run", "seed"));
    assert_true(r->is_default && !r->resumable && !strcmp(r->text, "0") && !strcmp(r->origin, "default"));
    assert_non_null(r = fpc_resolved_find(all, n, "loss.dice", "weight"));
    assert_true(!r->is_default && !r->resumable && !strcmp(r->text, "1.5"));
    assert_non_null(r = fpc_resolved_find(all, n, "backend", "threads"));
    assert_true(r->is_default && r->resumable);
    assert_non_null(r = fpc_resolved_find(all, n, "logger.h", "use"));
    assert_true(r->resumable);
    assert_null(fpc_resolved_find(all, n, "loss.dice", "epochs"));
    const char *identity = fpc_resolved_text(b.arena, all, n, 0, 0);
    assert_null(strstr(identity, "threads"));
    assert_null(strstr(identity, "logger"));
    assert_non_null(strstr(identity, "[loss.dice]\nuse = dice\n"));
    bench_free(&b);
}

static void resolved_says_where_from(void **state)
{
    (void)state;
    bench b;
    bench_experiment(&b, RICH, "optimizer.momentum=0.5", 0);
    const char *text = fpc_experiment_resolved(b.s, b.arena, 1);
    const char *const lines[] = {"[run]\n",
                                 "epochs = 7   ; test.ini:23\n",
                                 "clip_norm = 0   ; default\n",
                                 "[dataset]\nuse = synthetic   ; test.ini:2\n",
                                 "size = 32   ; test.ini:3\n",
                                 "momentum = 0.5   ; -s optimizer.momentum=0.5\n",
                                 "[augment.turn]\nuse = rotate   ; test.ini:",
                                 "exchange = on   ; default\n",
                                 "[logger.h]\nuse = history   ; test.ini:",
                                 "[backend]\nuse = ref   ; test.ini:"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(text, lines[i]))
            fail_msg("`%s` is missing in\n%s", lines[i], text);
    bench_free(&b);
}

/* ---- the learning rate ---- */

/* Reference 4.4. e: epochs finished = number of the epoch, from 0. */
static void rate_formula(void **state)
{
    (void)state;
    bench b;
    const double pi = 3.14159265358979323846;
    bench_experiment(
        &b,
        TINY
        "[run]\nepochs = 30\n[optimizer]\nlr = 8e-4\n[schedule]\nuse = cosine\nwarmup_epochs = 5\neta_min = 1e-6\n",
        "", FPC_OPEN_TRAIN);
    for (int64_t e = 0; e < 40; e++) { /* past the end, too */
        const double t = (double)e - 5, base = 8e-4, eta = 1e-6;
        const double want =
            e < 5 ? base * (0.1 + 0.9 * (double)e / 5) : eta + (base - eta) * (1 + cos(pi * t / 25)) / 2;
        const double got = fpc_experiment_lr(b.s, e, NULL);
        if (fabs(got - want) > 1e-9 * want)
            fail_msg("epoch %d: %.15g instead of %.15g", (int)e, got, want);
    }
    bench_free(&b);
    bench_experiment(&b, TINY "[run]\nepochs = 4\n[schedule]\nuse = cosine\nwarmup_epochs = 9\nwarmup_start = 0.5\n",
                     "", FPC_OPEN_TRAIN);
    assert_true(fabs(fpc_experiment_lr(b.s, 0, NULL) - 0.5e-3) <
                1e-15); /* longer than the run: no division by what is left */
    assert_true(fabs(fpc_experiment_lr(b.s, 3, NULL) - 1e-3 * (0.5 + 0.5 * 3 / 9)) < 1e-15);
    assert_true(isfinite(fpc_experiment_lr(b.s, 9, NULL)));
    bench_free(&b);
}

static void rates_of_the_golden_curves(void **state)
{
    (void)state;
    const struct {
        int column;
        const char *sets;
    } curves[] = {
        {1, "run.epochs=300\nschedule.use=cosine\nschedule.warmup_epochs=5"},
        {3, "run.epochs=200\nschedule.use=cosine\nschedule.warmup_epochs=5\nschedule.t_max=150\nschedule.eta_min=1e-6"},
        {4, "run.epochs=200\nschedule.use=cosine\nschedule.warmup_epochs=10\nschedule.t_max=150\nschedule.eta_min=1e-"
            "6\noptimizer.lr=1e-3"},
        {5, "run.epochs=200\nschedule.use=warm_restarts\nschedule.warmup_epochs=5\nschedule.t_0=25\nschedule.eta_min="
            "1e-6"},
        {8, "run.epochs=300\nschedule.use=step\nschedule.warmup_epochs=5"},
    };
    char path[600], line[1000];
    snprintf(path, sizeof path, "%s/golden/schedules.csv", shared());
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("skipped: there is no %s\n", path);
        skip();
        return;
    }
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        bench b;
        int rows = 0;
        bench_experiment(&b, TINY "[optimizer]\nlr = 8e-4\n", curves[i].sets, FPC_OPEN_TRAIN);
        rewind(f);
        assert_non_null(fgets(line, sizeof line, f));
        while (fgets(line, sizeof line, f)) {
            char *at = line;
            const long epoch = strtol(line, NULL, 10);
            for (int c = 0; c < curves[i].column; c++)
                at = strchr(at, ',') + 1;
            if (*at == ',' || *at == '\n' || *at == '\r') /* a shorter training */
                break;
            const double want = strtod(at, NULL), got = fpc_experiment_lr(b.s, epoch, NULL);
            if (fabs(got - want) > 1e-9 * fabs(want) + 1e-18)
                fail_msg("column %d, epoch %ld: %.15g instead of %.15g", curves[i].column, epoch, got, want);
            rows++;
        }
        assert_true(rows >= 200);
        bench_free(&b);
    }
    fclose(f);
}

/* A training that begins in the middle of a schedule has its rates from there on. */
static void schedules_begin_anywhere(void **state)
{
    static const char *const kinds[] = {"schedule.use=cosine", "schedule.use=warm_restarts\nschedule.t_0=4",
                                        "optimizer.lr=1e-3 @1, 5e-4 @4, 2e-3 @9\nschedule.use=poly"};
    (void)state;
    for (int k = 0; k < 3; k++)
        for (int64_t begin = 0; begin < 12; begin += 3) {
            bench whole, rest;
            char sets[300];
            snprintf(sets, sizeof sets, "%s\nschedule.warmup_epochs=5\nrun.epochs=20", kinds[k]);
            bench_experiment(&whole, TINY, sets, FPC_OPEN_TRAIN);
            snprintf(sets, sizeof sets, "%s\nschedule.warmup_epochs=5\nrun.epochs=%d\nschedule.begin=%d%s", kinds[k],
                     begin == 6 ? 3 : (int)(20 - begin), (int)begin, begin == 6 ? "\nschedule.epochs=20" : "");
            bench_experiment(&rest, TINY, sets, FPC_OPEN_TRAIN);
            for (int64_t e = 0; e + begin < 20; e++) {
                assert_true(fpc_experiment_lr(rest.s, e, NULL) == fpc_experiment_lr(whole.s, e + begin, NULL));
                assert_true(fpc_experiment_base_lr(rest.s, e) == fpc_experiment_base_lr(whole.s, e + begin));
            }
            bench_free(&whole);
            bench_free(&rest);
        }
}

/* A rate and weights that change between epochs; the absolute floor of a schedule stays where it is. */
static void curves_are_followed(void **state)
{
    (void)state;
    bench b;
    bench_experiment(&b, TINY,
                     "run.epochs=8\noptimizer.lr=1e-3 @1, 4e-3 @3, 0 @7\nschedule.use=cosine\nschedule.eta_min=1e-4\n"
                     "loss.ce.weight=0.5 @1, 2 @4",
                     FPC_OPEN_TRAIN);
    for (int64_t e = 0; e < 8; e++) {
        const double lr = e < 2 ? 1e-3 : e < 6 ? 4e-3 : 0;
        const double want = lr == 0 ? 0 : 1e-4 + (lr - 1e-4) * (1 + cos(3.14159265358979323846 * (double)e / 8)) / 2;
        assert_true(fabs(fpc_experiment_lr(b.s, e, NULL) - want) < 1e-15);
        fpc_experiment_epoch(b.s, e);
        assert_true(b.s->loss[0].weight == (e < 3 ? 0.5 : 2) && b.s->loss[1].weight == 1.5);
    }
    assert_true(fpc_curve_varies(&b.s->loss[0].curve) && !fpc_curve_varies(&b.s->loss[1].curve));
    bench_free(&b);
}

/* ---- the graph for tables ---- */

/* Issue: rewriting brings the forward pass of the model with LMSA from 4.16 to at most 2.6 G multiply-accumulates. */
static void rewriting_saves_work(void **state)
{
    (void)state;
    bench b;
    fpc_graph *plain, *rewritten;
    bench_experiment(&b, "[dataset]\nuse = synthetic\n[model]\nuse = microsegformer\nlmsa = on\n" TINY_LOSS, "",
                     FPC_OPEN_TRAIN);
    assert_int_equal(fpc_experiment_graph(b.s, 1, 512, 512, 1, 0, &plain), FPC_OK);
    assert_int_equal(fpc_experiment_graph(b.s, 1, 512, 512, 1, 1, &rewritten), FPC_OK);
    const double before = (double)fpc_graph_macs(plain, 1), after = (double)fpc_graph_macs(rewritten, 1);
    print_message("forward multiply-accumulates: %.3f G, rewritten %.3f G\n", before / 1e9, after / 1e9);
    assert_true(fabs(before - 4.16e9) < 0.01e9);
    assert_true(after <= 2.6e9);
    assert_int_equal(b.s->backend->n_blocks, 0); /* and no memory was taken */
    bench_free(&b);
}

static void pictures_too_small_for_the_model(void **state)
{
    (void)state;
    bench b;
    fpc_graph *g;
    bench_experiment(&b, "[dataset]\nuse = synthetic\n[model]\nuse = unet\n" TINY_LOSS, "", FPC_OPEN_TRAIN);
    assert_int_equal(fpc_experiment_graph(b.s, 1, 3, 3, 1, 1, &g), FPC_EINVAL);
    if (!strstr(fpc_ctx_error(b.ctx), "pictures of 3x3 pixels are too small; 16x16 is the least"))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_sections),
        cmocka_unit_test(misspelt_keys),
        cmocka_unit_test(values_that_make_no_sense),
        cmocka_unit_test(max_params),
        cmocka_unit_test(classes_without_data),
        cmocka_unit_test(defaults),
        cmocka_unit_test(resolved_is_a_fixed_point),
        cmocka_unit_test(settings_say_what_they_are),
        cmocka_unit_test(resolved_says_where_from),
        cmocka_unit_test(rate_formula),
        cmocka_unit_test(rates_of_the_golden_curves),
        cmocka_unit_test(schedules_begin_anywhere),
        cmocka_unit_test(curves_are_followed),
        cmocka_unit_test(rewriting_saves_work),
        cmocka_unit_test(pictures_too_small_for_the_model),
    };
    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
