/* test_loss.c: every loss term and its gradient against PyTorch (golden/losses.safetensors), and values of the worked
 * worked example, in float and in double. */
#include "plugins/loss/term.h"

#define CLASS_WEIGHTS                                                                                                  \
    "class_weights = 0.0043, 0.0049, 0.0602, 0.3834, 0.5577, 0.5577, 0.2924, 0.2986, 0.2595, 0.3189, 0.4357, 0.3030, " \
    "0.1857, 0.0040, 0.1121, 0.6114, 14.5434, 0.0305, 0.0366"

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
    for (size_t k = 0; k < TERM_BACKENDS; k++)
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
            const problem p = {.b = b,
                               .backend = term_backends[k],
                               .n = (int32_t)z->dims[0],
                               .h = (int32_t)z->dims[2],
                               .w = (int32_t)z->dims[3],
                               .classes = (int32_t)z->dims[1],
                               .ignore = -1,
                               .logits = logits,
                               .mask = mask};
            const float *value = fpc_st_find(f, fpc_sprintf(b->arena, "value.%s", row[i].name))->data;
            const float *grad = fpc_st_find(f, fpc_sprintf(b->arena, "grad.%s", row[i].name))->data;
            const double loss = evaluate(&p, row[i].loss, got);
            double most = 0, worst = 0;
            if (fabs(loss - (double)*value) > 1e-5 * fabs((double)*value))
                fail_msg("%s on %s: %.9g, PyTorch %.9g", row[i].name, term_backends[k], loss, (double)*value);
            for (int64_t j = 0; j < z->count; j++) {
                most = fmax(most, fabs((double)grad[j]));
                worst = fmax(worst, fabs((double)(got[j] - grad[j])));
            }
            if (!(worst <= 1e-4 * most))
                fail_msg("gradient of %s on %s: off by %.3g of the largest magnitude", row[i].name, term_backends[k],
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
        const problem exact = {*state, "use = ref\nreal = double", 2, 2, 3, 4, -1, z, t, NULL, NULL, NULL, NULL};
        const problem fast = {*state, "use = cpu", 2, 2, 3, 4, -1, z, t, NULL, NULL, NULL, NULL};
        assert_float_equal(evaluate(&exact, row[i].loss, NULL), row[i].want, 2e-7); /* smoothing and eps are floats */
        assert_float_equal(evaluate(&fast, row[i].loss, NULL), row[i].want, 2e-6);
    }
}

/* Pixels with the ignored label change nothing: the loss of the others alone, and no gradient. */
static void ignored_pixels(void **state)
{
    static const char *const loss[] = {"use = cross_entropy\nlabel_smoothing = 0.1",
                                       "use = focal",
                                       "use = cross_entropy\nclass_weights = 1, 2, 3",
                                       "use = tversky",
                                       "use = lovasz_softmax",
                                       "use = lovasz_softmax\nclasses = all\nper_image = off",
                                       "use = ohem_cross_entropy\nkeep = 0.5"};
    float z[12], half[6], grad[12];
    uint8_t t[4] = {0, 2, 255, 255}, few[2] = {0, 2};

    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 4; i++)
            z[c * 4 + i] = (float)((c * 5 + i * 7) % 11) / 5;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 2; i++)
            half[c * 2 + i] = z[c * 4 + i];
    for (size_t i = 0; i < sizeof loss / sizeof loss[0]; i++) {
        const problem all = {.b = *state,
                             .backend = "use = ref",
                             .n = 1,
                             .h = 1,
                             .w = 4,
                             .classes = 3,
                             .ignore = 255,
                             .logits = z,
                             .mask = t};
        problem rest = all;
        rest.w = 2, rest.ignore = -1, rest.logits = half, rest.mask = few;
        assert_float_equal(evaluate(&all, loss[i], grad), evaluate(&rest, loss[i], NULL), 1e-6);
        for (int c = 0; c < 3; c++)
            assert_true(grad[c * 4 + 2] == 0 && grad[c * 4 + 3] == 0 && grad[c * 4] != 0);
    }
}

static void normalisers(void **state)
{
    const int64_t pixels[] = {10, 0, 5};
    const fpc_label_counts counts = {sizeof counts, 2, 3, pixels};
    static const struct {
        const char *loss;
        double want;
    } row[] = {{"use = cross_entropy", 15},
               {"use = cross_entropy\nclass_weights = 0.5, 1, 2", 15},
               {"use = dice", 2},
               {"use = focal", 15},
               {"use = cross_entropy\nclass_weights = 0.5, 1, 4", 25},
               {"use = tversky", 2},
               {"use = lovasz_softmax", 2},
               {"use = ohem_cross_entropy", 2},
               {"use = boundary", 2}};

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

    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 1, &fpc_builtin_rows, &ops), FPC_OK);
    assert_int_equal(fpc_graph_new(b->ctx, b->arena, ops, FPC_F32, 1, &g), FPC_OK);
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(g, "mask", (fpc_shape){1, 4, 4, 1}, FPC_U8),
                               .mask_b = {-1},
                               .classes = 19};
    fpc_loss_io io = {
        .size = sizeof io, .logits = fpc_input(g, "z", (fpc_shape){1, 4, 4, 19}, FPC_F32), .target = &target};
    assert_int_equal(((const fpc_loss_vtbl *)inst.vtbl)->build(inst.self, g, &io), FPC_EINVAL);
    assert_non_null(
        strstr(fpc_ctx_error(b->ctx), "loss.ce.class_weights has 3 numbers, but the data set has 19 classes"));
    fpc_ctx_clear(b->ctx);
    refuse_plugin(b, "loss.ce", "use = cross_entropy\nlabel_smoothing = 1.5", "loss.ce.label_smoothing = 1.5");
    refuse_plugin(b, "loss.ce", "use = cross_entropy\nclass_weights = 1, -2", "loss.ce.class_weights = 1, -2");
    refuse_plugin(b, "loss.dice", "use = dice\nesp = 1", "did you mean `eps`?");
    refuse_plugin(b, "loss.t", "use = tversky\nalpha = 0\nbeta = 0", "loss.t.alpha and loss.t.beta are both 0");
    refuse_plugin(b, "loss.t", "use = tversky\ngamma = 0", "loss.t.gamma = 0");
    refuse_plugin(b, "loss.l", "use = lovasz_softmax\nclasses = some", "present, all");
    refuse_plugin(b, "loss.o", "use = ohem_cross_entropy\nkeep = 2", "loss.o.keep = 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(golden_terms), CASE(worked_example), CASE(ignored_pixels), CASE(normalisers), CASE(refusals),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
