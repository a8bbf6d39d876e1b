/* test_class_weights.c: weights of classes computed from the training masks: the formulas on given counts
 * (the reports' among them), what a class without a pixel gets, and the refusals. */
#include "plugins/loss/term.h"

enum { K = 19 };

/* Weights as seen from outside: cross entropy over one pixel a class, all logits 0 but z at the label, has the mean of
 * w_y ce_y over w_y; the normaliser of one pixel of class c is the weight itself. */
static void read_weights(bench *b, const char *loss, int32_t classes, const int64_t *pixels, const int64_t *images,
                         double *weight)
{
    float z[32] = {0};
    uint8_t mask[1] = {0};
    const problem p = {.b = b,
                       .backend = "use = ref",
                       .n = 1,
                       .h = 1,
                       .w = 1,
                       .classes = classes,
                       .ignore = 255,
                       .logits = z,
                       .mask = mask,
                       .pixels = pixels,
                       .images = images};
    const fpc_instance inst = open_plugin(b, "loss.ce", loss);
    term_of(&p, &inst, NULL);
    for (int32_t c = 0; c < classes; c++) {
        int64_t one[32] = {0};
        one[c] = 1;
        weight[c] = ((const fpc_loss_vtbl *)inst.vtbl)
                        ->norm(inst.self, &(fpc_label_counts){sizeof(fpc_label_counts), 1, classes, one});
    }
}

static void check_weights(bench *b, const char *loss, int32_t classes, const int64_t *pixels, const int64_t *images,
                          const double *want, double tolerance)
{
    double got[32], sum = 0;
    read_weights(b, loss, classes, pixels, images, got);
    for (int32_t c = 0; c < classes; c++) {
        sum += got[c];
        if (!(fabs(got[c] - want[c]) <= tolerance))
            fail_msg("%s: class %d has the weight %.9g instead of %.9g", loss, c, got[c], want[c]);
    }
    assert_float_equal(sum, classes, 1e-4);
}

/* The weights of the reports, from the pixels of all 1000 masks (validation included); and their square root. */
static void reference_weights(void **state)
{
    static const int64_t pixels[K] = {75419063, 66795646, 5426020, 851532,   585397,  585441,  1116589,
                                      1093311,  1258075,  1023854, 749380,   1077462, 1757933, 81316678,
                                      2911854,  534035,   22449,   10694540, 8924741};
    static const double want[K] = {0.0043, 0.0049, 0.0602, 0.3834, 0.5577, 0.5577, 0.2924,  0.2986, 0.2595, 0.3189,
                                   0.4357, 0.3030, 0.1857, 0.0040, 0.1121, 0.6114, 14.5434, 0.0305, 0.0366};
    double root[K], roots = 0;
    for (int c = 0; c < K; c++)
        roots += 1 / sqrt((double)pixels[c]);
    for (int c = 0; c < K; c++)
        root[c] = 1 / sqrt((double)pixels[c]) * K / roots;
    check_weights(*state, "use = cross_entropy\nclass_weight_preset = inverse", K, pixels, pixels, want, 5.1e-5);
    check_weights(*state, "use = cross_entropy\nclass_weight_preset = sqrt", K, pixels, pixels, root, 1e-6);
    for (int c = 0; c < K; c++) /* the same as the square root of each weight, but for its scale */
        assert_float_equal(root[c] / root[0], sqrt((double)pixels[0] / (double)pixels[c]), 1e-6);
}

static void formulas(void **state)
{
    /* w: inverse 1, 1/10, 1/1000; frequencies n/images 10, 20, 1000, their median 20: 2, 1, 0.02 */
    static const int64_t pixels[4] = {100, 1000, 100000, 0}, images[4] = {10, 50, 100, 0};
    const double inverse[4] = {4 / 1.101, 0.4 / 1.101, 0.004 / 1.101, 0};
    const double median[4] = {2 * 4 / 3.02, 1 * 4 / 3.02, 0.02 * 4 / 3.02, 0};
    double effective[4] = {0}, sum = 0;
    for (int c = 0; c < 3; c++)
        sum += effective[c] = (1 - 0.999) / (1 - pow(0.999, (double)pixels[c]));
    for (int c = 0; c < 3; c++)
        effective[c] *= 4 / sum;
    check_weights(*state, "use = cross_entropy\nclass_weight_preset = inverse", 4, pixels, images, inverse, 1e-6);
    check_weights(*state, "use = cross_entropy\nclass_weight_preset = median", 4, pixels, images, median, 1e-6);
    check_weights(*state, "use = cross_entropy\nclass_weight_preset = effective\nbeta = 0.999", 4, pixels, images,
                  effective, 1e-6);
    /* beta 0: one pixel of a class is worth as much as all of them */
    check_weights(*state, "use = cross_entropy\nclass_weight_preset = effective\nbeta = 0", 4, pixels, images,
                  (double[]){4.0 / 3, 4.0 / 3, 4.0 / 3, 0}, 1e-6);
}

/* The value is that of the same numbers given as a list. */
static void same_as_a_list(void **state)
{
    static const int64_t pixels[3] = {100, 200, 400}, images[3] = {4, 4, 4}; /* 12/7, 6/7, 3/7 */
    float z[24];
    uint8_t mask[8];
    for (int i = 0; i < 24; i++)
        z[i] = (float)((i * 7) % 11) / 5;
    for (int i = 0; i < 8; i++)
        mask[i] = (uint8_t)(i % 3);
    const problem p = {.b = *state,
                       .backend = "use = cpu",
                       .n = 2,
                       .h = 2,
                       .w = 2,
                       .classes = 3,
                       .ignore = -1,
                       .logits = z,
                       .mask = mask,
                       .pixels = pixels,
                       .images = images};
    static const char *const loss[] = {"use = cross_entropy\nlabel_smoothing = 0.1", "use = ohem_cross_entropy"};
    for (int i = 0; i < 2; i++) {
        const double preset = evaluate(&p, fpc_sprintf(p.b->arena, "%s\nclass_weight_preset = inverse", loss[i]), NULL);
        const double list =
            evaluate(&p, fpc_sprintf(p.b->arena, "%s\nclass_weights = 1.7142857, 0.8571429, 0.4285714", loss[i]), NULL);
        assert_float_equal(preset, list, 1e-6);
        assert_true(fabs(preset - evaluate(&p, loss[i], NULL)) > 1e-3);
    }
}

static char last_line[512];
static void keep_line(void *arg, int level, const char *line)
{
    (void)arg, (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static void empty_class_is_told(void **state)
{
    static const int64_t pixels[3] = {10, 0, 20}, images[3] = {1, 0, 1};
    bench *b = *state;
    double weight[3];
    fpc_ctx_log_sink(b->ctx, keep_line, NULL);
    read_weights(b, "use = cross_entropy\nclass_weight_preset = inverse", 3, pixels, images, weight);
    assert_float_equal(weight[1], 0, 0);
    assert_float_equal(weight[0], 2, 1e-6);
    assert_non_null(strstr(last_line, "loss.ce: class 1 has no pixel in the training masks; its weight is 0"));
}

static void refusals(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "loss.ce", "use = cross_entropy\nclass_weight_preset = sqrt");
    fpc_op_table *ops;
    fpc_graph *g;
    const problem p = {.b = b, .n = 1, .h = 4, .w = 4, .classes = 3, .ignore = -1};

    refuse_plugin(b, "loss.ce", "use = cross_entropy\nclass_weights = 1, 2, 3\nclass_weight_preset = inverse",
                  "test.ini:3: loss.ce.class_weights gives 3 numbers, and test.ini:4: loss.ce.class_weight_preset = "
                  "inverse asks for computed ones; give one of the two");
    refuse_plugin(b, "loss.o", "use = ohem_cross_entropy\nclass_weights = 1, 2, 3\nclass_weight_preset = median",
                  "test.ini:4: loss.o.class_weight_preset = median");
    refuse_plugin(b, "loss.ce", "use = cross_entropy\nclass_weight_preset = invers", "did you mean `inverse`?");
    refuse_plugin(b, "loss.ce", "use = cross_entropy\nbeta = 1", "loss.ce.beta = 1");
    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 1, &fpc_builtin_rows, &ops), FPC_OK);
    assert_int_equal(fpc_graph_new(b->ctx, b->arena, ops, FPC_F32, 1, &g), FPC_OK);
    const fpc_target target = term_target(&p, g);
    fpc_loss_io io = {
        .size = sizeof io, .logits = fpc_input(g, "z", (fpc_shape){1, 4, 4, 3}, FPC_F32), .target = &target};
    assert_int_not_equal(((const fpc_loss_vtbl *)inst.vtbl)->build(inst.self, g, &io), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx),
                           "test.ini:3: loss.ce.class_weight_preset = sqrt is computed from the training masks, and no "
                           "data set is open here; give the numbers as class_weights"));
    fpc_ctx_clear(b->ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(reference_weights), CASE(formulas), CASE(same_as_a_list), CASE(empty_class_is_told), CASE(refusals),
    };
    return cmocka_run_group_tests_name("class weights", tests, NULL, NULL);
}
