/* test_training_graphs.c: whole training graphs of the real models: with and without rewriting, in float on the fast
 * backend against double on the reference, and by finite differences. What the parts' own tests cannot see: ops in the
 * shapes, orders and tiles that models bring. */
#include "tiny.h"

enum { K = 19 };

typedef struct pass {
    const char *model, *sets; /* of the recipe */
    int32_t n, h, w, training;
} pass;

typedef struct outcome {
    double loss, term[16];
    int64_t n_logits, n_grad;
    double *logits;
    float *grad;
} outcome;

/* Numbers in [0, 1), a pure function of (stream, i). */
static double unit(uint32_t stream, int64_t i)
{
    return (double)fpc_unit(fpc_philox4x32(3, 1, (uint32_t)i, 0, 0, stream).v[0]);
}

static void write_inputs(fpc_program *p, uint32_t stream, int32_t n, int32_t h, int32_t w)
{
    const int64_t pixels = (int64_t)n * h * w;
    float *x = malloc((size_t)pixels * 3 * sizeof *x);
    uint8_t *mask = malloc((size_t)pixels);
    const int32_t clock[4] = {5, 6, 7, 0};
    assert_true(x && mask);
    for (int64_t i = 0; i < pixels * 3; i++)
        x[i] = (float)unit(stream, i);
    for (int64_t i = 0; i < pixels; i++) /* patches of labels; the last pictures lack some */
        mask[i] = (uint8_t)((i % w / 7 + i / w % h / 5 * 3) % (K - i / w / h));
    assert_int_equal(fpc_program_write(p, "image", FPC_F32, x, pixels * 3), FPC_OK);
    assert_int_equal(fpc_program_write(p, "mask", FPC_U8, mask, pixels), FPC_OK);
    if (fpc_program_has(p, "clock"))
        assert_int_equal(fpc_program_write(p, "clock", FPC_I32, clock, 4), FPC_OK);
    free(x);
    free(mask);
}

static outcome run(const pass *a, const char *backend, uint32_t stream)
{
    bench b;
    char sets[500];
    fpc_program *p;
    outcome r = {0};
    snprintf(sets, sizeof sets, "%s%s%s%s%s", a->model, *a->sets ? "\n" : "", a->sets, *backend ? "\n" : "", backend);
    bench_experiment(&b, TINY_LOSS, sets, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
    const fpc_probe_args args = {
        .n = a->n, .h = a->h, .w = a->w, .training = a->training, .backward = 1, .logits = 1, .loss = 1};
    if (fpc_experiment_probe(b.s, &args, &p))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    write_inputs(p, stream, a->n, a->h, a->w);
    if (fpc_program_run(p))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    assert_int_equal(fpc_program_read(p, "loss", FPC_F64, &r.loss, 1), FPC_OK);
    assert_int_equal(fpc_program_read(p, "terms", FPC_F64, r.term, b.s->n_losses), FPC_OK);
    r.n_logits = (int64_t)a->n * a->h * a->w * K;
    r.logits = malloc((size_t)r.n_logits * sizeof *r.logits);
    assert_int_equal(fpc_program_read(p, "logits", FPC_F64, r.logits, r.n_logits), FPC_OK);
    const float *grad = state_numbers(&b, FPC_STATE_GRAD, &r.n_grad);
    r.grad = malloc((size_t)r.n_grad * sizeof *r.grad);
    memcpy(r.grad, grad, (size_t)r.n_grad * sizeof *r.grad);
    bench_free(&b);
    return r;
}

static void drop(outcome *r)
{
    free(r->logits);
    free(r->grad);
}

/* Fails where losses, terms or logits differ; gives back by how much the gradients do, relative to the largest. */
static double compare(const outcome *a, const outcome *b, double bound)
{
    double most = 1e-300, diff = 0;
    assert_int_equal(a->n_grad, b->n_grad);
    for (int64_t i = 0; i < a->n_logits; i++) {
        most = fmax(most, fabs(a->logits[i]));
        diff = fmax(diff, fabs(a->logits[i] - b->logits[i]));
        assert_true(isfinite(a->logits[i]) && isfinite(b->logits[i]));
    }
    assert_true(fabs(a->loss - b->loss) <= bound * a->loss);
    for (int t = 0; t < 16; t++)
        assert_true(fabs(a->term[t] - b->term[t]) <= bound * a->term[t]);
    if (!(diff <= bound * most))
        fail_msg("logits differ by %.2e of the largest", diff / most);
    return worst_of(a->grad, b->grad, a->n_grad);
}

/* A ReLU's input, or the lead of a maximum, may lie within rounding of zero: then two right answers differ in one
 * pixel's gradient, which for some pictures is seen. An error in an op is seen for all. So: the first of a few random
 * pictures whose gradients agree; and none may be far off. */
static void agree(const pass *a, const char *one, const char *other, double of_outputs, double of_gradients)
{
    double worst = 1;
    for (uint32_t stream = 1; stream <= 6 && !(worst <= of_gradients); stream++) {
        outcome x = run(a, one, stream), y = run(a, other, stream);
        worst = compare(&x, &y, of_outputs);
        drop(&x), drop(&y);
        assert_true(worst < 0.1);
    }
    if (!(worst <= of_gradients))
        fail_msg("%s\n%s against %s: gradients differ by %.2e of the largest", a->model, other, one, worst);
}

#define DOUBLE "backend.use=ref\nbackend.real=double"
#define FLOAT "backend.use=ref"
#define CPU "backend.use=cpu\nbackend.threads=2"

/* ---- rewriting changes nothing ---- */

static void rewriting_changes_nothing(void **state)
{
    (void)state;
    static const pass passes[] = {{"model.use=microsegformer\nmodel.lmsa=on\nmodel.dropout=0.15", "", 2, 64, 64, 1},
                                  {"model.use=unet\nmodel.width=8", "", 2, 64, 64, 1},
                                  {"model.use=unet\nmodel.width=8\nmodel.bilinear=off", "", 2, 64, 64, 1}};
    static const char *const backends[] = {DOUBLE, CPU};
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        for (int k = 0; k < 2; k++) {
            char off[200];
            snprintf(off, sizeof off, "%s\nrun.rewrite=off", backends[k]);
            agree(&passes[i], off, backends[k], k ? 1e-5 : 1e-12, k ? 1e-5 : 1e-7);
        }
}

/* ---- the fast backend against double ---- */

static void against_double(const pass *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        agree(&list[i], DOUBLE, CPU, 1e-5, 1e-4);
}

#define SMALL_SEG "model.use=microsegformer\nmodel.dims=8,16,24,40\nmodel.decoder_dim=20\n"

/* 0.3 of everything is dropped: one other decision anywhere would show in the first digit. */
static void microsegformer_on_cpu(void **state)
{
    (void)state;
    static const pass list[] = {
        {"model.use=microsegformer\nmodel.dropout=0.3", "", 3, 72, 56, 1},
        {SMALL_SEG "model.dropout=0.3", "", 3, 71, 53, 1},
        {SMALL_SEG "model.lmsa=off\nmodel.dropout=0", "run.rewrite=off", 3, 33, 95, 1},
        {SMALL_SEG "model.heads=1,2,3,5\nmodel.sr_ratios=4,2,1,1\nmodel.dropout=0", "", 2, 64, 40, 1},
        {SMALL_SEG "model.dropout=0.3", "", 3, 72, 56, 0}};
    against_double(list, sizeof list / sizeof *list);
}

static void unet_on_cpu(void **state)
{
    (void)state;
    static const pass list[] = {
        {"model.use=unet\nmodel.width=8", "", 3, 72, 56, 1},
        {"model.use=unet\nmodel.width=6\nmodel.bilinear=off\nmodel.dropout=0.2", "", 3, 53, 71, 1},
        {"model.use=unet\nmodel.width=5", "", 2, 40, 33, 0}};
    against_double(list, sizeof list / sizeof *list);
}

/* The loss's other shapes: class weights, smoothing, focal, more than eight terms (two fused nodes). */
static void losses_on_cpu(void **state)
{
    (void)state;
    static const pass list[] = {
        {SMALL_SEG "model.dropout=0",
         "loss.ce.class_weights=1,2,0.5,0,3,3,1,1,1,1,4,1,1,1,1,1,0.25,1,1\nloss.ce.label_smoothing=0.2", 3, 40, 56, 1},
        {SMALL_SEG "model.dropout=0",
         "loss.a.use=focal\nloss.b.use=dice\nloss.c.use=focal\nloss.c.gamma=0\nloss.d.use=cross_entropy\nloss.e.use="
         "dice\n"
         "loss.f.use=focal\nloss.g.use=dice",
         2, 40, 56, 1}};
    against_double(list, sizeof list / sizeof *list);
}

/* Dropout alone, bit for bit. */
static void dropout_drops_the_same(void **state)
{
    (void)state;
    static const char *const backends[] = {FLOAT, CPU, DOUBLE};
    enum { N = 3 * 9 * 7 * 21 };
    static double y[3][N];
    for (int k = 0; k < 3; k++) {
        bench b;
        fpc_graph *g;
        fpc_program *p;
        static double ones[N];
        const int32_t clock[4] = {11, -12, 13, 0};
        bench_experiment(&b, TINY, backends[k], FPC_OPEN_BACKEND);
        assert_int_equal(fpc_graph_new(b.ctx, b.arena, b.s->ops, b.s->backend->device.real, 1, &g), FPC_OK);
        fpc_val x = fpc_input(g, "x", (fpc_shape){3, 9, 7, 21}, g->real);
        x = fpc_dropout(g, "whole", fpc_dropout(g, "each", x, 0.4f, 0), 0.2f, 1);
        fpc_output_mark(g, "y", x);
        assert_int_equal(fpc_program_compile(b.ctx, b.arena, b.s->state, g, &p), FPC_OK);
        for (int i = 0; i < N; i++)
            ones[i] = 1;
        assert_int_equal(fpc_program_write(p, "x", FPC_F64, ones, N), FPC_OK);
        assert_int_equal(fpc_program_write(p, "clock", FPC_I32, clock, 4), FPC_OK);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        assert_int_equal(fpc_program_read(p, "y", FPC_F64, y[k], N), FPC_OK);
        bench_free(&b);
    }
    int kept = 0;
    for (int i = 0; i < N; i++) {
        assert_true(y[0][i] == y[1][i]);
        assert_true((y[0][i] == 0) == (y[2][i] == 0));
        kept += y[0][i] != 0;
    }
    assert_true(fabs(kept / (double)N - 0.6 * 0.8) < 0.06);
}

/* ---- finite differences through whole models ---- */

/* The loss's change along a random direction in all parameters, against the gradient: in training mode and with stored
 * statistics, where batch norm is a plain scale. */
static void gradients_by_differences(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int training;
    } cases[] = {{SMALL_SEG "model.dropout=0.2", 1},
                 {SMALL_SEG "model.dropout=0.2", 0},
                 {"model.use=unet\nmodel.width=3\nmodel.dropout=0.1", 1},
                 {"model.use=unet\nmodel.width=3", 0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        bench b;
        char sets[400];
        fpc_program *p;
        double loss[2], along = 0;
        snprintf(sets, sizeof sets, "%s\n" DOUBLE, cases[k].model);
        bench_experiment(&b, TINY_LOSS, sets, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
        const fpc_probe_args args = {.n = 2, .h = 32, .w = 32, .training = cases[k].training, .backward = 1, .loss = 1};
        assert_int_equal(fpc_experiment_probe(b.s, &args, &p), FPC_OK);
        write_inputs(p, 1, 2, 32, 32);
        const fpc_state *st = b.s->state;
        double *param = st->param;
        const double *grad = st->grad, h = 1e-6;
        const int64_t n = fpc_count(st->flat);
        /* stored statistics that are not those of a fresh model */
        for (int32_t i = 0; i < st->n; i++)
            for (int64_t j = 0;
                 st->entry[i].kind == FPC_STATE_BUFFER && st->entry[i].dtype == FPC_F32 && j < st->entry[i].count; j++)
                ((double *)st->entry[i].data)[j] += 0.3 * unit((uint32_t)i, j);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        for (int64_t i = 0; i < n; i++)
            along += grad[i] * (unit(77, i) - 0.5);
        for (int side = 0; side < 2; side++) {
            for (int64_t i = 0; i < n; i++)
                param[i] += (side ? -2 : 1) * h * (unit(77, i) - 0.5);
            assert_int_equal(fpc_program_run(p), FPC_OK);
            assert_int_equal(fpc_program_read(p, "loss", FPC_F64, &loss[side], 1), FPC_OK);
        }
        const double measured = (loss[0] - loss[1]) / (2 * h);
        if (!(fabs(measured - along) < 1e-4 * fabs(along) + 1e-7))
            fail_msg("%s, training %d: %.9g measured, %.9g by the gradient", cases[k].model, cases[k].training,
                     measured, along);
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewriting_changes_nothing),
        cmocka_unit_test(microsegformer_on_cpu),
        cmocka_unit_test(unet_on_cpu),
        cmocka_unit_test(losses_on_cpu),
        cmocka_unit_test(dropout_drops_the_same),
        cmocka_unit_test(gradients_by_differences),
    };
    return cmocka_run_group_tests_name("training_graphs", tests, NULL, NULL);
}
