/* test_normalize.c: [model] mean and std: the network gets (x - mean) / std in every graph that has it, and nothing is
 * there where the recipe says nothing. */
#include "tiny.h"
#include "graph/nodes.h"

enum { SIDE = 32, PIXELS = 2 * SIDE * SIDE };
#define EXACT "[backend]\nuse = ref\nreal = double\n"
#define MEAN "model.mean=0.5, 0.25, 0.125"

/* Logits of two pictures of real numbers. */
static double *logits_of(bench *b, const char *sets, const double *picture)
{
    const fpc_probe_args args = {.n = 2, .h = SIDE, .w = SIDE, .logits = 1};
    fpc_program *p;

    bench_experiment(b, TINY EXACT, sets, OPEN_ALL);
    double *out = fpc_alloc(b->arena, sizeof *out * PIXELS * (size_t)b->s->classes);
    assert_int_equal(fpc_experiment_probe(b->s, &args, &p), FPC_OK);
    assert_int_equal(fpc_program_write(p, "image", FPC_F64, picture, 3 * PIXELS), FPC_OK);
    assert_int_equal(fpc_program_run(p), FPC_OK);
    assert_int_equal(fpc_program_read(p, "logits", FPC_F64, out, (int64_t)PIXELS * b->s->classes), FPC_OK);
    return out;
}

static double largest_difference(const double *a, const double *b, int64_t n)
{
    double d = 0;

    for (int64_t i = 0; i < n; i++)
        d = fmax(d, fabs(a[i] - b[i]));
    return d;
}

/* As if the pictures had been made so before. sets: what normalizes; mean and std by channel. */
static void check(const char *sets, const double mean[3], const double std[3])
{
    static double x[3 * PIXELS], y[3 * PIXELS];
    bench in, before;

    for (int i = 0; i < 3 * PIXELS; i++) {
        x[i] = (i * 37 % 256) / 255.;
        y[i] = (x[i] - mean[i % 3]) / std[i % 3];
    }
    const double *got = logits_of(&in, sets, x), *want = logits_of(&before, "", y);
    const int64_t n = (int64_t)PIXELS * in.s->classes;
    assert_true(largest_difference(got, want, n) < 1e-12);
    bench_free(&before);
    const double *plain = logits_of(&before, "", x);
    assert_true(largest_difference(got, plain, n) > 1e-4); /* it does something */
    bench_free(&before);
    bench_free(&in);
}

static void network_gets_normalized_pictures(void **state)
{
    (void)state;
    check(MEAN "\nmodel.std=0.25, 0.5, 0.2", (double[]){0.5, 0.25, 0.125}, (double[]){0.25, 0.5, 0.2});
    check(MEAN, (double[]){0.5, 0.25, 0.125}, (double[]){1, 1, 1});
    check("model.std=0.5", (double[]){0, 0, 0}, (double[]){0.5, 0.5, 0.5});
    check("model.mean=0.5\nmodel.std=0.5", (double[]){0.5, 0.5, 0.5}, (double[]){0.5, 0.5, 0.5});
}

/* Nodes that come from it, in the graph of a training step or another one. */
static int count_nodes(bench *b, fpc_program_kind kind)
{
    fpc_program *p;
    fpc_graph *made;
    int n = 0;

    if (kind)
        assert_int_equal(fpc_steps_program(b->s, kind, 2, SIDE, SIDE, &p), FPC_OK);
    else
        assert_int_equal(fpc_experiment_prediction(b->s, SIDE, SIDE, 0, &made), FPC_OK);
    const fpc_graph *g = kind ? fpc_program_graph(p) : made;
    for (int32_t i = 0; i < g->n_nodes; i++)
        n += !g->node[i].dead && !strncmp(g->node[i].name, "normalize", 9);
    return n;
}

/* Training, validation, prediction; with and without augmentation before it. */
static void every_graph_has_it(void **state)
{
    (void)state;
    static const fpc_program_kind kind[] = {FPC_PROGRAM_TRAIN, FPC_PROGRAM_EVAL, FPC_PROGRAM_PREDICT,
                                            FPC_PROGRAM_LOGITS, 0};
    bench b;

    for (int with = 0; with < 2; with++) {
        bench_experiment(&b, TINY EXACT "[augment.flip]\nuse = hflip\n", with ? MEAN : "", OPEN_ALL);
        for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
            assert_int_equal(count_nodes(&b, kind[i]), with ? 2 : 0);
        bench_free(&b);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const char *const list[][2] = {
        {"model.mean=0.5, 0.5", "model.mean has 2 numbers; pictures have 3 channels (red, green, blue), so give 3"},
        {"model.std=1, 1, 1, 1", "model.std has 4 numbers"},
        {"model.mean=123.7, 116.3, 103.5", "is out of range; give numbers with commas, each 0 .. 1 of 0 .. 1"},
        {"model.std=0", "is out of range"},
        {"model.std=-0.5", "is out of range"},
        {"model.mean=grey", "is not a number"},
        {"model.mean=nan", "is not a finite number"},
    };
    bench b;

    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        assert_int_equal(bench_try(&b, TINY, list[i][0], OPEN_ALL), FPC_EINVAL);
        if (!strstr(fpc_ctx_error(b.ctx), list[i][1]))
            fail_msg("`%s` is missing in: %s", list[i][1], fpc_ctx_error(b.ctx));
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(network_gets_normalized_pictures),
                                       cmocka_unit_test(every_graph_has_it), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
