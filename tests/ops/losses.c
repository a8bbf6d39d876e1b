/* losses.c: seg_loss and its gradient against the golden numbers of PyTorch (golden/losses.safetensors, reference 2.7),
 * counts against golden/metrics.safetensors and reference 3, the same loss from low-resolution logits as from upsampled
 * ones, and what happens to labels that cannot be. On every backend. */
#include "try.h"
#include "weights/weights.h"
#include <math.h>

static const float class_weights[] = {0.0043f, 0.0049f, 0.0602f,  0.3834f, 0.5577f, 0.5577f, 0.2924f,
                                      0.2986f, 0.2595f, 0.3189f,  0.4357f, 0.3030f, 0.1857f, 0.0040f,
                                      0.1121f, 0.6114f, 14.5434f, 0.0305f, 0.0366f};

static const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY},
                          ce_smooth = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.1f},
                          ce_weights = {.kind = FPC_TERM_CROSS_ENTROPY, .class_weight = class_weights},
                          dice = {.kind = FPC_TERM_DICE, .eps = 1e-8f},
                          focal = {.kind = FPC_TERM_FOCAL, .alpha = 0.25f, .gamma = 2};
#define TERMS(n, ignore, ...)                                                                                          \
    {                                                                                                                  \
        n, ignore, 0, sizeof(fpc_seg_term),                                                                            \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

/* Gradient of sum_t dterm[t] * terms[t] by the logits. */
static op_result grad_of(const op_backend *b, const fpc_seg_loss_attr *attr, fpc_tensor logits, fpc_tensor mask,
                         const double *dterm)
{
    const op_case loss = {.op = "seg_loss", .note = "", .attr.seg = *attr},
                  grad = {.op = "seg_loss_grad", .note = "", .attr.seg = *attr};
    const op_result r = run_op(b, &loss, 2, (fpc_tensor[]){logits, mask});
    fpc_tensor stats = r.out[1], norm = r.out[2], dterms = reals(1, 1, 1, attr->n_terms);
    stats.dtype = norm.dtype = FPC_F64;
    stats.data = r.value[1];
    norm.data = r.value[2];
    memcpy(dterms.data, dterm, (size_t)attr->n_terms * sizeof(double));
    return run_op(b, &grad, 5, (fpc_tensor[]){logits, mask, stats, norm, dterms});
}

/* ---- the reports' worked examples ---- */

static void paper_values(const op_backend *b)
{
    static const float w[4] = {0.5f, 1, 2, 4};
    const double want[] = {1.9408172339, 2.0728442111, 1.9100880672, 2.1272536311, 0.8287579687, 0.3717333960};
    const int32_t want_counts[4][3] = {{1, 0, 3}, {0, 3, 4}, {1, 1, 3}, {0, 6, 0}};
    const fpc_seg_term weighted = {.kind = FPC_TERM_CROSS_ENTROPY, .class_weight = w},
                       both = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.1f, .class_weight = w};
    const op_case c = {
        .op = "seg_loss", .note = "", .attr.seg = TERMS(6, -1, &ce, &weighted, &ce_smooth, &both, &dice, &focal)};
    const fpc_tensor z = reals(2, 2, 3, 4), t = bytes(2, 2, 3, 1);
    for (int i = 0; i < 12; i++) {
        const int n = i / 6, y = i / 3 % 2, x = i % 3;
        for (int k = 0; k < 4; k++)
            ((double *)z.data)[i * 4 + k] = (3 * n + 2 * k + 5 * y + 7 * x) % 11 / 4.0 - 1;
        ((uint8_t *)t.data)[i] = (uint8_t)((n + y + 2 * x) % 3);
    }
    const op_result r = run_op(b, &c, 2, (fpc_tensor[]){z, t});
    for (int i = 0; i < 6; i++) /* 0.1 as a float is 1.5e-9 off */
        if (!(fabs(r.value[0][i] - want[i]) <= (b->real == FPC_F64 ? 2e-9 : 1e-6)))
            fail_msg("%s: term %d is %.10f instead of %.10f", b->name, i, r.value[0][i], want[i]);
    for (int k = 0; k < 12; k++)
        assert_int_equal((int)(r.value[3][k] + r.value[3][12 + k]), want_counts[k / 3][k % 3]);
}

static void reference_values(void **state)
{
    (void)state;
    on_each(paper_values);
}

/* ---- PyTorch's file ---- */

static fpc_st_file *golden;

/* (n,c,h,w) of the file to (n,h,w,c). */
static fpc_tensor nhwc(const char *name)
{
    const fpc_st_tensor *t = fpc_st_find(golden, name);
    assert_non_null(t);
    const fpc_tensor out = reals((int32_t)t->dims[0], (int32_t)t->dims[2], (int32_t)t->dims[3], (int32_t)t->dims[1]);
    double *from = fpc_alloc(all->scratch, (size_t)t->count * sizeof *from), *to = out.data;
    assert_non_null(from);
    assert_int_equal(fpc_st_as_f64(all->b.ctx, golden, t, from), FPC_OK);
    const int64_t c = t->dims[1], plane = t->dims[2] * t->dims[3];
    for (int64_t n = 0; n < t->dims[0]; n++)
        for (int64_t k = 0; k < c; k++)
            for (int64_t i = 0; i < plane; i++)
                to[(n * plane + i) * c + k] = from[(n * c + k) * plane + i];
    return out;
}

static fpc_tensor labels(const char *name)
{
    const fpc_st_tensor *t = fpc_st_find(golden, name);
    assert_non_null(t);
    const fpc_tensor out = bytes((int32_t)t->dims[0], (int32_t)t->dims[1], (int32_t)t->dims[2], 1);
    int64_t *from = fpc_alloc(all->scratch, (size_t)t->count * sizeof *from);
    assert_non_null(from);
    assert_int_equal(fpc_st_as_i64(all->b.ctx, golden, t, from), FPC_OK);
    for (int64_t i = 0; i < t->count; i++)
        ((uint8_t *)out.data)[i] = (uint8_t)from[i];
    return out;
}

static void read_golden(const char *name)
{
    if (fpc_st_read(all->b.ctx, all->b.arena, shared_file(&all->b, name), &golden))
        fail_msg("%s", op_error(all));
}

static void pytorch_losses(const op_backend *b)
{
    static const struct {
        const char *name;
        fpc_seg_loss_attr attr;
        double dterm[2];
    } list[] = {{"ce", TERMS(1, -1, &ce), {1}},
                {"ce_smooth_0.1", TERMS(1, -1, &ce_smooth), {1}},
                {"ce_class_weights", TERMS(1, -1, &ce_weights), {1}},
                {"dice", TERMS(1, -1, &dice), {1}},
                {"focal_0.25_2", TERMS(1, -1, &focal), {1}},
                {"ce_dice_1.5", TERMS(2, -1, &ce, &dice), {1, 1.5}}};
    const fpc_tensor z = nhwc("logits"), mask = labels("mask");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        const op_case c = {.op = "seg_loss", .note = "", .attr.seg = list[i].attr};
        const op_result r = run_op(b, &c, 2, (fpc_tensor[]){z, mask});
        double want, got = 0, most = 0, error = 0;
        const fpc_st_tensor *value = fpc_st_find(golden, fpc_sprintf(all->scratch, "value.%s", list[i].name));
        assert_non_null(value);
        assert_int_equal(fpc_st_as_f64(all->b.ctx, golden, value, &want), FPC_OK);
        for (int t = 0; t < list[i].attr.n_terms; t++)
            got += list[i].dterm[t] * r.value[0][t];
        if (!(fabs(got - want) <= 1e-6 * fabs(want)))
            fail_msg("%s: %s is %.9f instead of %.9f", b->name, list[i].name, got, want);
        const fpc_tensor grad = nhwc(fpc_sprintf(all->scratch, "grad.%s", list[i].name));
        const op_result g = grad_of(b, &list[i].attr, z, mask, list[i].dterm);
        for (int64_t k = 0; k < fpc_count(grad.shape); k++) {
            most = fmax(most, fabs(((double *)grad.data)[k]));
            error = fmax(error, fabs(((double *)grad.data)[k] - g.value[0][k]));
        }
        if (!(error <= 5e-6 * most)) /* PyTorch's own float error is about 1e-6 */
            fail_msg("%s: the gradient of %s is off by %.3g (largest magnitude %.3g)", b->name, list[i].name, error,
                     most);
    }
}

static void losses_as_pytorch(void **state)
{
    (void)state;
    read_golden("golden/losses.safetensors");
    on_each(pytorch_losses);
}

/* F of one image from its counts: mean over the classes that its labels have. */
static double f_score(const double *counts, int classes)
{
    double sum = 0;
    int present = 0;
    for (int k = 0; k < classes; k++) {
        const double tp = counts[k * 3], fp = counts[k * 3 + 1], fn = counts[k * 3 + 2];
        const double p = tp / (tp + fp + 1e-7), r = tp / (tp + fn + 1e-7);
        if (tp + fn > 0) {
            sum += 2 * p * r / (p + r + 1e-7);
            present++;
        }
    }
    return sum / present;
}

static void counts_of_file(const op_backend *b)
{
    const fpc_tensor target = labels("target"), pred = labels("pred");
    const fpc_shape s = target.shape;
    const fpc_tensor z = reals(s.n, s.h, s.w, 19);
    const op_case c = {.op = "seg_loss", .note = "", .attr.seg = TERMS(1, -1, &ce)};
    double want[6], f = 0;
    for (int64_t i = 0; i < fpc_rows_of(s); i++)
        ((double *)z.data)[i * 19 + ((uint8_t *)pred.data)[i]] = 3;
    const op_result r = run_op(b, &c, 2, (fpc_tensor[]){z, target});
    assert_int_equal(fpc_st_as_f64(all->b.ctx, golden, fpc_st_find(golden, "f_image"), want), FPC_OK);
    for (int n = 0; n < 6; n++) {
        f = f_score(r.value[3] + n * 57, 19);
        if (!(fabs(f - want[n]) <= 1e-12))
            fail_msg("%s: F of image %d is %.15f instead of %.15f", b->name, n, f, want[n]);
    }
}

static void counts_hold(void **state)
{
    (void)state;
    read_golden("golden/metrics.safetensors");
    on_each(counts_of_file);
}

/* ---- upsampling inside equals upsampling before ---- */

static void fused_equals_two_steps(const op_backend *b)
{
    static const fpc_seg_loss_attr attr = TERMS(3, 255, &ce, &dice, &focal);
    const double dterm[3] = {1, -0.5, 2};
    const op_case loss = {.op = "seg_loss", .note = "", .attr.seg = attr},
                  up = {.op = "resize", .note = "", .attr.resize = {20, 28, 0}},
                  back = {.op = "resize_grad", .note = "", .attr.resize = {5, 7, 0}},
                  label = {.op = "seg_argmax", .note = "", .attr.resize = {20, 28, 0}};
    const fpc_tensor z = random_reals(2, 5, 7, 19, -2, 2, 1), mask = bytes(2, 20, 28, 1);
    for (int i = 0; i < 2 * 20 * 28; i++)
        ((uint8_t *)mask.data)[i] = i % 9 == 4 ? 255 : (uint8_t)(19 * op_unit(6, 6, (uint64_t)i));
    const op_result large = run_op(b, &up, 1, &z);
    fpc_tensor zl = large.out[0];
    zl.dtype = FPC_F64;
    zl.data = large.value[0];
    const op_result one = run_op(b, &loss, 2, (fpc_tensor[]){z, mask}),
                    two = run_op(b, &loss, 2, (fpc_tensor[]){zl, mask});
    for (int t = 0; t < 3; t++)
        if (!(fabs(one.value[0][t] - two.value[0][t]) <= accuracy(b) * fabs(two.value[0][t])))
            fail_msg("%s: term %d is %.12g fused and %.12g in two steps", b->name, t, one.value[0][t], two.value[0][t]);
    const op_result g = grad_of(b, &attr, z, mask, dterm), gl = grad_of(b, &attr, zl, mask, dterm);
    fpc_tensor wide = gl.out[0];
    wide.dtype = FPC_F64;
    wide.data = gl.value[0];
    const op_result down = run_op(b, &back, 1, &wide);
    double most = 0, error = 0;
    for (int64_t i = 0; i < fpc_count(z.shape); i++) {
        most = fmax(most, fabs(down.value[0][i]));
        error = fmax(error, fabs(down.value[0][i] - g.value[0][i]));
    }
    if (!(error <= accuracy(b) * most))
        fail_msg("%s: the gradient differs by %.3g (largest magnitude %.3g)", b->name, error, most);
    const op_result a = run_op(b, &label, 1, &z), al = run_op(b, &label, 1, &zl);
    int64_t differ = 0;
    for (int64_t i = 0; i < 2 * 20 * 28; i++)
        differ += a.value[0][i] != al.value[0][i];
    assert_int_equal(differ, 0);
}

static void fused(void **state)
{
    (void)state;
    on_each(fused_equals_two_steps);
}

/* ---- distances, against every pair of pixels ---- */

static double nearest(const uint8_t *mask, int h, int w, int at, int c, int inside)
{
    double best = -1;
    for (int i = 0; i < h * w; i++) {
        const double y = i / w - at / w, x = i % w - at % w, d = y * y + x * x;
        const int site = inside ? mask[i] != c && mask[i] != 255 : mask[i] == c;
        if (site && (best < 0 || d < best))
            best = d;
    }
    return best;
}

static void distances(const op_backend *b)
{
    enum { N = 6, H = 13, W = 17, C = 5 };
    const op_case c = {.op = "signed_distance", .note = "", .attr.distance = {C, 255, 0}};
    const fpc_tensor mask = bytes(N, H, W, 1);
    uint8_t *m = mask.data;
    for (int i = 0; i < N * H * W; i++) { /* blobs; two with ignored pixels; one class alone; a class of one pixel */
        const int n = i / (H * W), y = i / W % H, x = i % W;
        m[i] = (uint8_t)(n == 2   ? 1
                         : n == 3 ? (y == 6 && x == 9 ? 2 : 0)
                                  : 3 * op_unit(1, (uint32_t)n, (uint64_t)(y / 4 * 9 + x / 5)));
        if ((n == 1 || n == 4) && op_unit(2, 2, (uint64_t)i) < 0.3)
            m[i] = 255;
    }
    const op_result r = run_op(b, &c, 1, &mask);
    for (int i = 0; i < N * H * W; i++)
        for (int k = 0; k < C; k++) {
            const int inside = m[i] == k;
            const double square = m[i] == 255 ? -1 : nearest(m + i / (H * W) * H * W, H, W, i % (H * W), k, inside);
            const double want = square < 0 ? 0 : inside ? 1 - sqrt(square) : sqrt(square), got = r.value[0][i * C + k];
            if (!(fabs(got - want) <= (b->real == FPC_F64 ? 0 : 1e-6 * fabs(want))))
                fail_msg("%s: image %d, pixel %d, class %d: %.9g instead of %.9g", b->name, i / (H * W), i % (H * W), k,
                         got, want);
        }
}

static void distances_hold(void **state)
{
    (void)state;
    on_each(distances);
}

/* ---- labels that cannot be ---- */

static void bad_label(const op_backend *b)
{
    static const op_case list[] = {
        {.op = "seg_loss", .note = "", .attr.seg = TERMS(1, 255, &ce)},
        {.op = "lovasz", .note = "", .attr.pixel = {.ignore = 255}},
        {.op = "ohem", .note = "", .attr.pixel = {.ignore = 255, .threshold = 0.5}},
    };
    const fpc_tensor z = random_reals(2, 4, 4, 19, -1, 1, 1), mask = bytes(2, 8, 8, 1);
    op_result r;
    ((uint8_t *)mask.data)[3] = 255;
    ((uint8_t *)mask.data)[64 + 17] = 19;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        assert_int_equal(try_op(b, &list[i], 2, (fpc_tensor[]){z, mask}, &r), FPC_EFORMAT);
        if (!strstr(fpc_ctx_error(all->b.ctx), "image 1") || !strstr(fpc_ctx_error(all->b.ctx), "label 19"))
            fail_msg("%s: the sentence names neither image 1 nor label 19: %s", b->name, fpc_ctx_error(all->b.ctx));
        fpc_ctx_clear(all->b.ctx);
    }
}

static void bad_label_is_refused(void **state)
{
    (void)state;
    on_each(bad_label);
}

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(reference_values), cmocka_unit_test(losses_as_pytorch),
                                      cmocka_unit_test(counts_hold),      cmocka_unit_test(fused),
                                      cmocka_unit_test(distances_hold),   cmocka_unit_test(bad_label_is_refused)};
    all = op_backends_open(NULL);
    const int failed = cmocka_run_group_tests(test, NULL, NULL);
    op_backends_close(all);
    return failed;
}
