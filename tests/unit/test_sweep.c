/* test_sweep.c: the words of a sweep's command line, the runs that they make, samples, their commands, and the rule by
 * which a run may be stopped. What children do: tests/cli/sweep.sh. */
#include "fixture.h"
#include "cmd/sweep/sweep.h"
#include <fpcore/draw.h>
#include <math.h>

static void axes(void **state)
{
    bench *b = *state;
    fpc_axis a;

    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "loss.dice.weight=1.0, 1.5 ,2", &a), FPC_OK);
    assert_string_equal(a.key, "loss.dice.weight");
    assert_int_equal(a.n, 3);
    assert_string_equal(a.value[1], "1.5");
    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "augment.scale.scale=0.8,1.2;0.9,1.1", &a), FPC_OK);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.value[0], "0.8,1.2");
    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "schedule.use=poly", &a), FPC_OK);
    assert_int_equal(a.n, 1);
}

static void seeds(void **state)
{
    bench *b = *state;
    int32_t n;
    int64_t *seed;

    assert_int_equal(fpc_sweep_seeds(b->ctx, b->arena, "3", &n, &seed), FPC_OK);
    assert_true(n == 3 && seed[0] == 1 && seed[2] == 3);
    assert_int_equal(fpc_sweep_seeds(b->ctx, b->arena, "42, 0", &n, &seed), FPC_OK);
    assert_true(n == 2 && seed[0] == 42 && seed[1] == 0);
}

static void bad_words(void **state)
{
    static const struct {
        const char *grid, *seeds, *want;
    } row[] = {
        {"loss", NULL, "--grid loss: not of the form section.key=VALUE,VALUE..."},
        {"weight=1", NULL, "not of the form section.key"},
        {"=1", NULL, "not of the form section.key"},
        {"loss.ce.weight=", NULL, "value 1 of loss.ce.weight is empty"},
        {"loss.ce.weight=1,", NULL, "value 2 of loss.ce.weight is empty"},
        {"loss.ce.weight=1,2,1", NULL, "1 stands there twice"},
        {"run.out=a,b", NULL, "the sweep sets run.out by itself"},
        {"Run.Seed=5,6", NULL, "the sweep sets run.seed by itself"},
        {" run.seed =5,6", NULL, "the sweep sets run.seed by itself"},
        {"\tRUN.NAME=5", NULL, "the sweep sets run.name by itself"},
        {"optimizer.lr=3..1", NULL, "3 is not below 1; a range is LO..HI"},
        {"optimizer.lr=1e-3..1e-3", NULL, "1e-3 is not below 1e-3"},
        {"optimizer.lr=0..1:log", NULL, "0 has no logarithm; a range with :log begins above 0"},
        {"optimizer.lr=-1..1:log", NULL, "-1 has no logarithm"},
        {"optimizer.lr=1..2:lgo", NULL, "not a range of numbers, which is LO..HI or, by the logarithm, LO..HI:log"},
        {"optimizer.lr=1..", NULL, "not a range of numbers"},
        {"optimizer.lr=1..2..3", NULL, "not a range of numbers"},
        {"optimizer.lr=1..1e999", NULL, "not a range of numbers"},
        {"optimizer.lr=-1e308..1e308", NULL, "the range is too wide"},
        {"optimizer.lr=1e-300..1e300:log", NULL, "the range is too wide"},
        {"optimizer.lr=1..2,5", NULL, "1..2 is a range among other values"},
        {NULL, "0", "--seeds 0: not a number of seeds from 1 to 10000"},
        {NULL, "-1", "--seeds -1: not a number of seeds"},
        {NULL, "99999999", "not a number of seeds"},
        {NULL, "1,x", "`x` is no seed"},
        {NULL, "1,99999999999999999999", "is no seed"},
        {NULL, "4,2,4", "4 stands there twice"},
    };
    bench *b = *state;

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        fpc_axis a;
        int32_t n;
        int64_t *seed;
        const fpc_status status = row[i].grid ? fpc_sweep_axis(b->ctx, b->arena, row[i].grid, &a)
                                              : fpc_sweep_seeds(b->ctx, b->arena, row[i].seeds, &n, &seed);
        assert_int_equal(status, FPC_EINVAL);
        if (!strstr(fpc_ctx_error(b->ctx), row[i].want))
            fail_msg("the sentence is \"%s\", without \"%s\"", fpc_ctx_error(b->ctx), row[i].want);
        fpc_ctx_clear(b->ctx);
    }
}

/* ---- the plan ---- */

static fpc_sweep plan(bench *b, fpc_cmdline *cmd, fpc_status want)
{
    static fpc_axis axis[2];
    static const char *recipe[] = {"conf/a.ini", "other/a.ini"};
    fpc_sweep s = {.cmd = cmd, .n_recipes = 2, .recipe = recipe, .n_axes = 2, .axis = axis};

    *cmd = (fpc_cmdline){.ctx = b->ctx, .arena = b->arena};
    static const char *const overrides[] = {"run.epochs=2"};
    cmd->n_overrides = 1;
    cmd->overrides = overrides;
    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "loss.dice.weight=1,2", &axis[0]), FPC_OK);
    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "model.name=a/b,a b,c", &axis[1]), FPC_OK);
    assert_int_equal(fpc_sweep_seeds(b->ctx, b->arena, "2", &s.n_seeds, &s.seed), FPC_OK);
    assert_int_equal(fpc_sweep_plan(&s), want);
    return s;
}

static void all_combinations(void **state)
{
    bench *b = *state;
    fpc_cmdline cmd;
    const fpc_sweep s = plan(b, &cmd, FPC_OK);

    assert_true(s.n == 24 && s.n_groups == 12);
    assert_string_equal(s.out, "runs/sweep-a");
    assert_string_equal(s.trial[0].name, "a,dice.weight=1,model.name=a_b,s1");
    assert_string_equal(s.trial[1].name, "a,dice.weight=1,model.name=a_b,s2");
    assert_string_equal(s.trial[2].name, "a,dice.weight=1,model.name=a_b,g2,s1"); /* "a b" is tidied to the same */
    assert_string_equal(s.trial[23].name, "a-2,dice.weight=2,model.name=c,s2");
    for (int i = 0; i < s.n; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(s.trial[i].name, s.trial[k].name);
    static const char *const want[] = {"run.epochs=2", "loss.dice.weight=1", "model.name=a b", "run.seed=2"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(s.trial[3].set[i], want[i]);
}

static void commands(void **state)
{
    bench *b = *state;
    fpc_cmdline cmd;
    fpc_sweep s = plan(b, &cmd, FPC_OK);
    const char *line = fpc_shell_line(b->arena, fpc_sweep_command(&s, &s.trial[2], "fpcore"));

    assert_string_equal(line, "fpcore -c conf/a.ini -s run.epochs=2 -s loss.dice.weight=1 -s 'model.name=a b' "
                              "-s run.seed=1 -s run.name=a,dice.weight=1,model.name=a_b,g2,s1 -s run.out=runs/sweep-a");
    s.trial[0].folder = "runs/it's";
    line = fpc_shell_line(b->arena, fpc_sweep_command(&s, &s.trial[0], "fpcore"));
    assert_non_null(strstr(line, " --resume 'runs/it'\\''s'"));
}

static void own_keys(void **state)
{
    static const char *const seed[] = {"run.seed=3"};
    static fpc_axis twice[2] = {{.key = "a.b", .n = 1}, {.key = "a.b", .n = 1}};
    bench *b = *state;
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena, .n_overrides = 1, .overrides = seed};
    fpc_sweep s = {.cmd = &cmd};

    assert_int_equal(fpc_sweep_plan(&s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "-s run.seed=3: the sweep sets that key by itself"));
    static const char *const spelled[] = {"Run.Seed=3", " run.seed =3", "run.OUT = x"};
    for (int i = 0; i < 3; i++) {
        fpc_ctx_clear(b->ctx);
        cmd.overrides = &spelled[i];
        assert_int_equal(fpc_sweep_plan(&s), FPC_EINVAL);
        assert_non_null(strstr(fpc_ctx_error(b->ctx), "the sweep sets that key by itself"));
    }
    fpc_ctx_clear(b->ctx);
    static const char *const both[] = {"Optimizer.lr =3"};
    fpc_axis rate;
    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "optimizer.LR=1,2", &rate), FPC_OK);
    assert_string_equal(rate.key, "optimizer.lr");
    cmd.overrides = both, s.axis = &rate, s.n_axes = 1;
    assert_int_equal(fpc_sweep_plan(&s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "the grid has values for that key too; give it once"));
    fpc_ctx_clear(b->ctx);
    fpc_axis again[2] = {rate};
    assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, "Optimizer.lr =3,4", &again[1]), FPC_OK);
    cmd.n_overrides = 0;
    s.n_axes = 2, s.axis = again;
    assert_int_equal(fpc_sweep_plan(&s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "optimizer.lr is given twice"));
    fpc_ctx_clear(b->ctx);
    s.n_axes = 2, s.axis = twice;
    assert_int_equal(fpc_sweep_plan(&s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "a.b is given twice"));
    fpc_ctx_clear(b->ctx);
    fpc_axis big[] = {{.key = "a.b", .n = 200}, {.key = "c.d", .n = 200}};
    s.axis = big, s.n_recipes = s.n_seeds = 1;
    assert_int_equal(fpc_sweep_plan(&s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "more than 10000 runs"));
}

/* ---- samples ---- */

enum { SAMPLES = 1000 };

static void read_axes(bench *b, int32_t n, const char *const *text, fpc_axis *axis)
{
    for (int32_t a = 0; a < n; a++)
        assert_int_equal(fpc_sweep_axis(b->ctx, b->arena, text[a], &axis[a]), FPC_OK);
}

static void ranges(void **state)
{
    static const char *const text[] = {"optimizer.lr = 1e-4 .. 3e-3:log", "a.b=-2..-.5"};
    static const char *const other[] = {
        "dataset.root=../a", "dataset.root=1../b", "dataset.root=x..y", "a.b=1,2", "a.b=1", "a.b=..2"};
    bench *b = *state;
    fpc_axis a[6];

    read_axes(b, 2, text, a);
    assert_true(a[0].range && a[0].log && a[0].range->lo == 1e-4 && a[0].range->hi == 3e-3);
    assert_true(a[1].range && !a[1].log && a[1].range->lo == -2 && a[1].range->hi == -.5);
    read_axes(b, 6, other, a);
    for (int i = 0; i < 6; i++)
        assert_null(a[i].range);
}

static int below(const fpc_axis *axis, int32_t n, double limit)
{
    int count = 0;

    for (int32_t i = 0; i < n; i++)
        count += strtod(axis->drawn[i], NULL) < limit;
    return count;
}

/* What is drawn is spread as it was asked for, within its ends, and written briefly. */
static void draws(void **state)
{
    static const char *const text[] = {"optimizer.lr=1e-4..1e-2:log",
                                       "loss.dice.weight=0.5..2",
                                       "m.d=64..128",
                                       "m.e=1..1000:log",
                                       "s.use=a,b,c",
                                       "a.b=100..101",
                                       "a.c=0.12345..0.9"};
    bench *b = *state;
    fpc_axis a[7];
    int of[3] = {0}, seen[129] = {0};

    read_axes(b, 7, text, a);
    a[2].whole = a[3].whole = 1;
    assert_int_equal(fpc_sweep_draw(b->ctx, b->arena, 7, a, SAMPLES, 1), FPC_OK);
    for (int32_t k = 0; k < 7; k++)
        for (int32_t i = 0; i < SAMPLES && a[k].range; i++) {
            const double v = strtod(a[k].drawn[i], NULL);
            assert_true(v >= a[k].range->lo && v <= a[k].range->hi);
            assert_true(strlen(a[k].drawn[i]) <= 7);
            assert_true(!a[k].whole || !strpbrk(a[k].drawn[i], ".e"));
        }
    assert_in_range(below(&a[0], SAMPLES, 1e-3), 440, 560); /* the geometric middle: 3.8 standard deviations */
    assert_in_range(below(&a[0], SAMPLES, 3.16e-4), 200, 300);
    assert_in_range(below(&a[1], SAMPLES, 1.25), 440, 560);
    assert_in_range(below(&a[2], SAMPLES, 96.5), 440, 570);
    assert_in_range(below(&a[3], SAMPLES, 31), 440, 560); /* ln 31 is nearly half of ln 1001 */
    assert_in_range(below(&a[5], SAMPLES, 100.5), 440, 560);
    for (int32_t i = 0; i < SAMPLES; i++) {
        of[*a[4].drawn[i] - 'a']++;
        seen[strtol(a[2].drawn[i], NULL, 10)]++;
    }
    assert_true(seen[64] && seen[128]);
    for (int i = 0; i < 3; i++)
        assert_in_range(of[i], 270, 400);
    assert_string_equal(a[0].drawn[0], "1.06e-4"); /* the stream is part of what a sweep's command means */
    assert_string_equal(a[1].drawn[0], "1.97");
    assert_string_equal(a[2].drawn[0], "77");
}

/* A sample is its number's, whatever the count, and the order of the keys; and none is there twice. */
static void same_draws(void **state)
{
    static const char *const text[] = {"a.b=1..12", "c.d=x,y"}, *const turned[] = {"c.d=x,y", "a.b=1..12"};
    bench *b = *state;
    fpc_axis few[2], many[2], other[2], back[2];
    int differ = 0;

    read_axes(b, 2, text, few);
    read_axes(b, 2, text, many);
    read_axes(b, 2, text, other);
    read_axes(b, 2, turned, back);
    few[0].whole = many[0].whole = other[0].whole = back[1].whole = 1;
    assert_int_equal(fpc_sweep_draw(b->ctx, b->arena, 2, few, 5, 1), FPC_OK);
    assert_int_equal(fpc_sweep_draw(b->ctx, b->arena, 2, many, 24, 1), FPC_OK); /* all that there are */
    assert_int_equal(fpc_sweep_draw(b->ctx, b->arena, 2, other, 5, 2), FPC_OK);
    assert_int_equal(fpc_sweep_draw(b->ctx, b->arena, 2, back, 5, 1), FPC_OK);
    for (int32_t i = 0; i < 5; i++) {
        assert_string_equal(few[0].drawn[i], many[0].drawn[i]);
        assert_string_equal(few[1].drawn[i], many[1].drawn[i]);
        assert_string_equal(few[0].drawn[i], back[1].drawn[i]);
        differ += strcmp(few[0].drawn[i], other[0].drawn[i]) != 0;
    }
    assert_true(differ > 0);
    for (int32_t i = 0; i < 24; i++)
        for (int32_t k = 0; k < i; k++)
            assert_true(strcmp(many[0].drawn[i], many[0].drawn[k]) || strcmp(many[1].drawn[i], many[1].drawn[k]));
    assert_int_equal(fpc_sweep_draw(b->ctx, b->arena, 2, many, 25, 1), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "--random 25: after 24 samples 1000 further draws brought none"));
}

/* ---- pruning ---- */

enum { EPOCHS = 40 };

/* A curve that rises to `top`, with noise of one epoch and of the run. */
static fpc_progress curve(bench *b, uint32_t run, int64_t n, double top, double run_sd, double epoch_sd)
{
    const fpc_rng rng = {{7, run}, 1, 0, 0};
    fpc_progress p = {n, fpc_alloc(b->arena, (size_t)n * sizeof(double))};

    for (int64_t e = 0; e < n; e++)
        p.value[e] = top * (double)(e + 1) / (double)(e + 5) + run_sd * fpc_draw_normal(rng, 0) +
                     epoch_sd * fpc_draw_normal(rng, (uint32_t)e + 1);
    return p;
}

static void prune_rule(void **state)
{
    bench *b = *state;
    fpc_progress best[5];
    int stopped = 0;

    for (uint32_t i = 0; i < 5; i++)
        best[i] = curve(b, i, EPOCHS, 0.70, 0.003, 0.01);
    const fpc_progress bad = curve(b, 20, 15, 0.55, 0.003, 0.01), early = curve(b, 20, 9, 0.3, 0.003, 0.01);
    const char *why = fpc_sweep_worse(b->arena, EPOCHS, &bad, 5, best);
    assert_non_null(why);
    assert_non_null(strstr(why, "at epoch 15 its mean of 5 epochs is 0."));
    assert_null(fpc_sweep_worse(b->arena, EPOCHS, &early, 5, best));    /* before epoch 10 */
    assert_null(fpc_sweep_worse(b->arena, 10 * EPOCHS, &bad, 5, best)); /* before a quarter of its epochs */
    assert_null(fpc_sweep_worse(b->arena, EPOCHS, &bad, 1, best));      /* one run tells no noise */
    assert_null(fpc_sweep_worse(b->arena, EPOCHS, &best[0], 5, best));
    /* Runs as good as the best, looked at in every epoch, are hardly ever stopped. */
    for (uint32_t i = 0; i < 100; i++) {
        fpc_progress p = curve(b, 100 + i, EPOCHS, 0.70, 0.003, 0.01);
        int hit = 0;
        for (p.n = 10; p.n <= EPOCHS; p.n++)
            hit |= fpc_sweep_worse(b->arena, EPOCHS, &p, 5, best) != NULL;
        stopped += hit;
    }
    assert_in_range(stopped, 0, 5);
}

static void best_so_far(void **state)
{
    double value[] = {NAN, 0.2, 0.1, NAN, 0.5};
    const fpc_progress run = {5, value}, none = {0};

    (void)state;
    assert_true(fpc_sweep_best(&run, 3) == 0.2 && fpc_sweep_best(&run, 100) == 0.5);
    assert_true(isinf(fpc_sweep_best(&run, 1)) && isinf(fpc_sweep_best(&none, 1)));
}

/* ---- folds ---- */

static const char **numbered(bench *b, int64_t n, int backwards)
{
    const char **name = fpc_alloc(b->arena, (size_t)(n + 1) * sizeof *name);

    for (int64_t i = 0; i < n; i++)
        name[i] = fpc_sprintf(b->arena, "p%02d", (int)(backwards ? n - 1 - i : i));
    return name;
}

static int lines_of(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Each picture in one fold, folds as equal as can be, the same whatever the order of the names. */
static void folds_are_disjoint_and_cover_all(void **state)
{
    bench *b = *state;

    for (int32_t k = 2; k <= 5; k++)
        for (int64_t n = k; n < 40; n++) {
            fpc_folds *f, *back, *other;
            int count[6] = {0}, differs = 0;
            has_to_succeed(b, fpc_folds_deal(b->ctx, b->arena, n, numbered(b, n, 0), k, 42, &f), "deal");
            has_to_succeed(b, fpc_folds_deal(b->ctx, b->arena, n, numbered(b, n, 1), k, 42, &back), "deal");
            has_to_succeed(b, fpc_folds_deal(b->ctx, b->arena, n, numbered(b, n, 0), k, 43, &other), "deal");
            for (int64_t i = 0; i < n; i++) {
                assert_in_range(f->fold[i], 1, k);
                count[f->fold[i]]++;
                assert_string_equal(f->name[i], back->name[i]);
                assert_int_equal(f->fold[i], back->fold[i]);
                differs |= f->fold[i] != other->fold[i];
            }
            assert_true(differs || n < 12);
            for (int32_t one = 1; one <= k; one++) {
                const char *train = fpc_folds_list(b->arena, f, one, 0), *val = fpc_folds_list(b->arena, f, one, 1);
                assert_in_range(count[one], n / k, (n + k - 1) / k);
                assert_int_equal(lines_of(val), count[one]);
                assert_int_equal(lines_of(train), n - count[one]);
                for (int64_t i = 0; i < n; i++)
                    assert_true((strstr(val, f->name[i]) != NULL) == (f->fold[i] == one) &&
                                (strstr(train, f->name[i]) != NULL) == (f->fold[i] != one));
            }
        }
}

static void folds_multiply_the_runs(void **state)
{
    static const char *recipe[] = {"a.ini"};
    static int64_t seed[] = {7, 9};
    bench *b = *state;
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena};
    fpc_sweep s = {.cmd = &cmd, .n_recipes = 1, .recipe = recipe, .n_seeds = 2, .seed = seed, .folds = 3, .out = "o"};

    has_to_succeed(b, fpc_sweep_plan(&s), "plan");
    assert_true(s.n == 6 && s.n_groups == 1 && s.each == 6);
    assert_string_equal(s.trial[0].name, "a,s7,f1");
    assert_string_equal(s.trial[5].name, "a,s9,f3");
    assert_true(s.trial[5].seed == 9 && s.trial[5].fold == 3);
    assert_string_equal(s.trial[5].set[s.trial[5].n_set - 2], "dataset.train_list=o/folds/3.train.txt");
    assert_string_equal(s.trial[5].set[s.trial[5].n_set - 1], "dataset.val_list=o/folds/3.val.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(axes),
                                       CASE(seeds),
                                       CASE(bad_words),
                                       CASE(all_combinations),
                                       CASE(commands),
                                       CASE(own_keys),
                                       CASE(ranges),
                                       CASE(draws),
                                       CASE(same_draws),
                                       CASE(prune_rule),
                                       CASE(best_so_far),
                                       CASE(folds_are_disjoint_and_cover_all),
                                       CASE(folds_multiply_the_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
