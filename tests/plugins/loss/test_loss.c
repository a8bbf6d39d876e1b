/* test_loss.c: every loss term and its gradient against PyTorch (golden/losses.safetensors), and values of the worked
 * example of reference 2.7, in float and in double. */
#include "plugins/open.h"
#include "checkpoint.h"
#include "program.h"
#include <fpcore/loss.h>
#include <math.h>

#define CLASS_WEIGHTS                                                                                                  \
    "class_weights = 0.0043, 0.0049, 0.0602, 0.3834, 0.5577, 0.5577, 0.2924, 0.2986, 0.2595, 0.3189, 0.4357, 0.3030, " \
    "0.1857, 0.0040, 0.1121, 0.6114, 14.5434, 0.0305, 0.0366"

/* logits are a parameter, so that their gradient can be read: (n, classes, h, w) as in files. */
typedef struct problem {
    bench *b;
    const char *backend; /* lines of [backend] */
    int32_t n, h, w, classes, ignore;
    const float *logits;
    const uint8_t *mask;
} problem;

static fpc_backend *open_backend(bench *b, const char *text)
{
    fpc_recipe *recipe;
    fpc_backend *be;
    if (fpc_recipe_parse(b->ctx, b->arena, "test.ini", fpc_sprintf(b->arena, "[backend]\n%s\n", text), 0, NULL,
                         &recipe) ||
        fpc_backend_open(b->ctx, b->arena, b->registry, fpc_recipe_section(recipe, "backend"), &be))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return be;
}

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s", fpc_ctx_error(p->b->ctx));                                                                  \
    } while (0)

/* The term's value; its gradient by the logits into grad, which may be NULL. */
static double evaluate(const problem *p, const char *loss, float *grad)
{
    const fpc_instance inst = open_plugin(p->b, "loss.term", loss);
    const fpc_loss_vtbl *v = inst.vtbl;
    fpc_backend *be = open_backend(p->b, p->backend);
    fpc_op_table *ops;
    fpc_graph *g;
    fpc_state *state;
    fpc_program *program;
    fpc_val d;
    double value = 0;

    MUST(fpc_op_table_new(p->b->ctx, p->b->arena, 0, NULL, &ops));
    MUST(fpc_graph_new(p->b->ctx, p->b->arena, ops, be->device.real, 1, &g));
    const fpc_val z = fpc_param(g, "z", 4, (fpc_shape){p->n, p->h, p->w, p->classes}, FPC_FILL_ZERO, 0);
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(g, "mask", (fpc_shape){p->n, p->h, p->w, 1}, FPC_U8),
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = p->classes,
                               .ignore = p->ignore};
    fpc_loss_io io = {.size = sizeof io, .logits = z, .target = &target, .term = {-1}};
    MUST(v->build(inst.self, g, &io));
    MUST(fpc_graph_check(g));
    fpc_output_mark(g, "loss", io.term);
    MUST(fpc_state_new(p->b->ctx, p->b->arena, be, g, 0, NULL, 0, &state));
    MUST(fpc_autodiff(g, io.term, 1, &d));
    g->n_grads = 1;
    g->grad = &d;
    MUST(fpc_graph_sweep(g, 1, &d));
    MUST(fpc_program_compile(p->b->ctx, p->b->arena, state, g, &program));
    MUST(fpc_state_set(state, fpc_state_find(state, "z"), p->logits));
    MUST(fpc_program_write(program, "mask", FPC_U8, p->mask, (int64_t)p->n * p->h * p->w));
    MUST(fpc_program_run(program));
    MUST(fpc_program_read(program, "loss", FPC_F64, &value, 1));
    if (grad)
        MUST(fpc_state_get(state, fpc_state_find(state, "grad.z"), grad));
    return value;
}

static void golden_terms(void **state)
{
    static const struct {
        const char *name, *loss;
    } row[] = {
        {"ce", "use = cross_entropy"},
        {"ce_smooth_0.1", "use = cross_entropy\nlabel_smoothing = 0.1"},
        {"ce_class_weights", "use = cross_entropy\n" CLASS_WEIGHTS},
        {"dice", "use = dice"},
        {"focal_0.25_2", "use = focal"},
    };
    static const char *const backend[] = {"use = ref", "use = ref\nreal = double", "use = cpu"};
    bench *b = *state;
    fpc_st_file *f;

    assert_int_equal(fpc_st_read(b->ctx, b->arena, shared_file(b, "golden/losses.safetensors"), &f), FPC_OK);
    const fpc_st_tensor *z = fpc_st_find(f, "logits"), *m = fpc_st_find(f, "mask");
    int64_t *wide = fpc_alloc(b->arena, sizeof *wide * (size_t)m->count);
    uint8_t *mask = fpc_alloc(b->arena, (size_t)m->count);
    float *logits = fpc_alloc(b->arena, sizeof(float) * (size_t)z->count),
          *got = fpc_alloc(b->arena, sizeof(float) * (size_t)z->count);
    assert_int_equal(fpc_st_as_i64(b->ctx, f, m, wide), FPC_OK);
    assert_int_equal(fpc_st_as_f32(b->ctx, f, z, logits), FPC_OK);
    for (int64_t i = 0; i < m->count; i++)
        mask[i] = (uint8_t)wide[i];
    for (size_t k = 0; k < sizeof backend / sizeof backend[0]; k++)
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
            const problem p = {b,
                               backend[k],
                               (int32_t)z->dims[0],
                               (int32_t)z->dims[2],
                               (int32_t)z->dims[3],
                               (int32_t)z->dims[1],
                               -1,
                               logits,
                               mask};
            const float *value = fpc_st_find(f, fpc_sprintf(b->arena, "value.%s", row[i].name))->data;
            const float *grad = fpc_st_find(f, fpc_sprintf(b->arena, "grad.%s", row[i].name))->data;
            const double loss = evaluate(&p, row[i].loss, got);
            double most = 0, worst = 0;
            if (fabs(loss - (double)*value) > 1e-5 * fabs((double)*value))
                fail_msg("%s on %s: %.9g, PyTorch %.9g", row[i].name, backend[k], loss, (double)*value);
            for (int64_t j = 0; j < z->count; j++) {
                most = fmax(most, fabs((double)grad[j]));
                worst = fmax(worst, fabs((double)(got[j] - grad[j])));
            }
            if (!(worst <= 1e-4 * most))
                fail_msg("gradient of %s on %s: off by %.3g of the largest magnitude", row[i].name, backend[k],
                         worst / most);
        }
}

/* B=2, K=4, 2x3: z = ((3b+2k+5y+7x) mod 11)/4 - 1, label (b+y+2x) mod 3, weights (0.5, 1, 2, 4). */
static void worked_example(void **state)
{
    static const struct {
        const char *loss;
        double want;
    } row[] = {
        {"use = cross_entropy", 1.9408172339},
        {"use = cross_entropy\nclass_weights = 0.5, 1, 2, 4", 2.0728442111},
        {"use = cross_entropy\nlabel_smoothing = 0.1", 1.9100880672},
        {"use = cross_entropy\nclass_weights = 0.5, 1, 2, 4\nlabel_smoothing = 0.1", 2.1272536311},
        {"use = dice", 0.8287579687},
        {"use = focal", 0.3717333960},
        {"use = focal\nalpha = 1\ngamma = 0", 1.9408172339},
    };
    float z[48];
    uint8_t t[12];

    for (int b = 0; b < 2; b++)
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 3; x++) {
                t[(b * 2 + y) * 3 + x] = (uint8_t)((b + y + 2 * x) % 3);
                for (int k = 0; k < 4; k++)
                    z[((b * 4 + k) * 2 + y) * 3 + x] = (float)((3 * b + 2 * k + 5 * y + 7 * x) % 11) / 4 - 1;
            }
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const problem exact = {*state, "use = ref\nreal = double", 2, 2, 3, 4, -1, z, t};
        const problem fast = {*state, "use = cpu", 2, 2, 3, 4, -1, z, t};
        assert_float_equal(evaluate(&exact, row[i].loss, NULL), row[i].want, 2e-7); /* smoothing and eps are floats */
        assert_float_equal(evaluate(&fast, row[i].loss, NULL), row[i].want, 2e-6);
    }
}

/* Pixels with the ignored label change nothing: the loss of the others alone, and no gradient. */
static void ignored_pixels(void **state)
{
    static const char *const loss[] = {"use = cross_entropy\nlabel_smoothing = 0.1", "use = focal",
                                       "use = cross_entropy\nclass_weights = 1, 2, 3"};
    float z[12], half[6], grad[12];
    uint8_t t[4] = {0, 2, 255, 255}, few[2] = {0, 2};

    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 4; i++)
            z[c * 4 + i] = (float)((c * 5 + i * 7) % 11) / 5;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 2; i++)
            half[c * 2 + i] = z[c * 4 + i];
    for (size_t i = 0; i < sizeof loss / sizeof loss[0]; i++) {
        const problem all = {*state, "use = ref", 1, 1, 4, 3, 255, z, t},
                      rest = {*state, "use = ref", 1, 1, 2, 3, -1, half, few};
        assert_float_equal(evaluate(&all, loss[i], grad), evaluate(&rest, loss[i], NULL), 1e-6);
        for (int c = 0; c < 3; c++)
            assert_true(grad[c * 4 + 2] == 0 && grad[c * 4 + 3] == 0 && grad[c * 4] != 0);
    }
}

static void normalisers(void **state)
{
    const int64_t pixels[] = {10, 0, 5};
    const fpc_label_counts counts = {2, 3, pixels};
    static const struct {
        const char *loss;
        double want;
    } row[] = {{"use = cross_entropy", 15},
               {"use = cross_entropy\nclass_weights = 0.5, 1, 2", 15},
               {"use = dice", 2},
               {"use = focal", 15},
               {"use = cross_entropy\nclass_weights = 0.5, 1, 4", 25}};

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const fpc_instance inst = open_plugin(*state, "loss.term", row[i].loss);
        assert_float_equal(((const fpc_loss_vtbl *)inst.vtbl)->norm(inst.self, &counts), row[i].want, 0);
    }
}

static void refusals(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "loss.ce", "use = cross_entropy\nclass_weights = 1, 2, 3");
    fpc_op_table *ops;
    fpc_graph *g;

    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 0, NULL, &ops), FPC_OK);
    assert_int_equal(fpc_graph_new(b->ctx, b->arena, ops, FPC_F32, 1, &g), FPC_OK);
    const fpc_target target = {
        .size = sizeof target, .mask = fpc_input(g, "mask", (fpc_shape){1, 4, 4, 1}, FPC_U8), .classes = 19};
    fpc_loss_io io = {
        .size = sizeof io, .logits = fpc_input(g, "z", (fpc_shape){1, 4, 4, 19}, FPC_F32), .target = &target};
    assert_int_equal(((const fpc_loss_vtbl *)inst.vtbl)->build(inst.self, g, &io), FPC_EINVAL);
    assert_non_null(
        strstr(fpc_ctx_error(b->ctx), "loss.ce.class_weights has 3 numbers, but the data set has 19 classes"));
    fpc_ctx_clear(b->ctx);
    refuse_plugin(b, "loss.ce", "use = cross_entropy\nlabel_smoothing = 1.5", "loss.ce.label_smoothing = 1.5");
    refuse_plugin(b, "loss.ce", "use = cross_entropy\nclass_weights = 1, -2", "loss.ce.class_weights = 1, -2");
    refuse_plugin(b, "loss.dice", "use = dice\nesp = 1", "did you mean `eps`?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(golden_terms, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(worked_example, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(ignored_pixels, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(normalisers, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(refusals, bench_open, bench_close),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
