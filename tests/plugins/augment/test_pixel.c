/* test_pixel.c: the draws of filters, noise, boxes and JPEG: weights by their definition, ranges, chances, refusals,
 * and the nodes that are built over them. */
#include "draws.h"
#include "graph/nodes.h"
#include "graph/nodes.h"

enum { K = 31 };

static void weights_of(bench *b, const char *text, uint32_t sample, float w[K * K])
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    draw_of(b, &inst, sample, 40, 56, w, K * K * sizeof *w);
}

/* The k x k weights add up to 1, none beyond them. */
static void is_kernel(const float *w, int k)
{
    double sum = 0;
    for (int i = 0; i < k * k; i++) {
        assert_true(w[i] >= 0);
        sum += (double)w[i];
    }
    assert_true(fabs(sum - 1) < 1e-5);
    assert_true(all_zero(w + k * k, sizeof(float) * (size_t)(K * K - k * k)));
}

static void gaussian_blur(void **state)
{
    bench *b = *state;
    float w[K * K];
    weights_of(b, "use = gaussian_blur\nk = 7\nsigma = 1.3, 1.3\np = 1\n", 0, w);
    is_kernel(w, 7);
    for (int i = 0; i < 49; i++) {
        const int x = i % 7 - 3, y = i / 7 - 3;
        const double want = exp(-(x * x + y * y) / (2 * 1.3 * 1.3));
        assert_true(fabs((double)w[i] / (double)w[24] - want) < 1e-5);
    }
    has_chance(b, "gaussian_blur", "", NULL);
    refuse_plugin(b, "augment.x", "use = gaussian_blur\nk = 4\n", "augment.x.k = 4: a window has a middle pixel");
    refuse_plugin(b, "augment.x", "use = gaussian_blur\nk = 33\n", "augment.x.k = 33");
    refuse_plugin(b, "augment.x", "use = gaussian_blur\nsigma = 1\n",
                  "augment.x.sigma = 1: is one number a, which would mean -a, a");
}

/* Sigma covers its range: the middle weight tells which one was drawn. */
static void gaussian_blur_range(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = gaussian_blur\nsigma = 0.5, 2\np = 1\n");
    double low = 9, high = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        float w[K * K];
        draw_of(b, &inst, i, 40, 56, w, sizeof w);
        const double sigma = sqrt(-0.5 / log((double)w[1] / (double)w[4]));
        low = fmin(low, sigma), high = fmax(high, sigma);
    }
    assert_true(low > 0.4999 && low < 0.51 && high < 2.001 && high > 1.99);
}

static void box_blur(void **state)
{
    bench *b = *state;
    float w[K * K];
    weights_of(b, "use = box_blur\nk = 31\np = 1\n", 0, w);
    is_kernel(w, 31);
    for (int i = 1; i < K * K; i++)
        assert_true(w[i] == w[0]);
    has_chance(b, "box_blur", "", NULL);
    refuse_plugin(b, "augment.x", "use = box_blur\nk = 6\n",
                  "augment.x.k = 6: a window has a middle pixel, so its "
                  "size is odd; give 5 or 7");
}

static void motion_blur(void **state)
{
    bench *b = *state;
    float w[K * K];
    weights_of(b, "use = motion_blur\nk = 5\nangle = 0, 0\np = 1\n", 0, w);
    is_kernel(w, 5);
    for (int i = 0; i < 25; i++)
        assert_true(fabs((double)w[i] - (i / 5 == 2 ? 0.2 : 0)) < 1e-6);
    weights_of(b, "use = motion_blur\nk = 5\nangle = 90, 90\np = 1\n", 0, w);
    for (int i = 0; i < 25; i++)
        assert_true(fabs((double)w[i] - (i % 5 == 2 ? 0.2 : 0)) < 1e-6);
    weights_of(b, "use = motion_blur\nk = 5\nangle = 0, 0\ndirection = 1, 1\np = 1\n", 0, w);
    for (int i = 0; i < 5; i++)
        assert_true(fabs((double)w[10 + i] - 0.1 * (4 - i)) < 1e-6);
    weights_of(b, "use = motion_blur\nk = 9\nangle = 45, 45\np = 1\n", 0, w); /* from lower left to upper right */
    is_kernel(w, 9);
    assert_true(w[9 * 2 + 6] > 0.05f && w[9 * 6 + 2] > 0.05f && w[9 * 2 + 2] == 0 && w[9 * 6 + 6] == 0);
    for (uint32_t i = 0; i < 300; i++) {
        weights_of(b, "use = motion_blur\nk = 31\np = 1\ndirection = 1\n", i, w);
        is_kernel(w, 31);
    }
    has_chance(b, "motion_blur", "", NULL);
    refuse_plugin(b, "augment.x", "use = motion_blur\nk = 4\n", "augment.x.k = 4");
}

static void sharpness(void **state)
{
    bench *b = *state;
    static const double factor[] = {0, 1, 2.5};
    for (int k = 0; k < 3; k++) {
        const fpc_instance inst = open_plugin(
            b, "augment.x", fpc_sprintf(b->arena, "use = sharpness\nfactor = %g, %g\np = 1\n", factor[k], factor[k]));
        float w[9];
        draw_of(b, &inst, 0, 40, 56, w, sizeof w);
        for (int i = 0; i < 9; i++) {
            const double smooth = (i == 4 ? 5.0 : 1.0) / 13;
            assert_true(fabs((double)w[i] - (smooth + factor[k] * ((i == 4) - smooth))) < 1e-6);
        }
    }
    has_chance(b, "sharpness", "", NULL);
    refuse_plugin(b, "augment.x", "use = sharpness\nfactor = 2\n",
                  "augment.x.factor = 2: is one number a, which would mean -a, a");
}

/* One number per picture. */
static void single_numbers(void **state)
{
    bench *b = *state;
    const fpc_instance noise = open_plugin(b, "augment.x", "use = gaussian_noise\nsigma = 0.02, 0.04\np = 1\n");
    const fpc_instance jpeg = open_plugin(b, "augment.x", "use = jpeg\nquality = 30, 34\np = 1\n");
    const fpc_instance median = open_plugin(b, "augment.x", "use = median_blur\np = 1\n");
    double low = 1, high = 0;
    int quality[5] = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        float v;
        draw_of(b, &noise, i, 8, 8, &v, sizeof v);
        low = fmin(low, (double)v), high = fmax(high, (double)v);
        draw_of(b, &jpeg, i, 8, 8, &v, sizeof v);
        assert_true(v >= 30 && v <= 34 && v == rintf(v));
        quality[(int)v - 30]++;
        draw_of(b, &median, i, 8, 8, &v, sizeof v);
        assert_true(v == 1);
    }
    assert_true(low > 0.01999 && low < 0.0201 && high < 0.04001 && high > 0.0399);
    for (int k = 0; k < 5; k++)
        assert_true(fabs((double)quality[k] / MANY - 0.2) < 0.03);
    has_chance(b, "gaussian_noise", "", NULL);
    has_chance(b, "jpeg", "", NULL);
    has_chance(b, "median_blur", "", NULL);
    refuse_plugin(b, "augment.x", "use = gaussian_noise\nsigma = 0.1\n",
                  "augment.x.sigma = 0.1: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = jpeg\nquality = 0, 10\n", "augment.x.quality = 0, 10: is out of range");
    refuse_plugin(b, "augment.x", "use = jpeg\nquality = 10, 20.5\n", "augment.x.quality = 10, 20.5: whole numbers");
    refuse_plugin(b, "augment.x", "use = median_blur\nk = 2\n", "augment.x.k");
}

/* A box in pixels; fails where its sides are not whole or it leaves the picture. */
static void pixels_of(const float *box, int32_t h, int32_t w, double out[4])
{
    for (int k = 0; k < 4; k++) {
        out[k] = ((double)box[k] + 1) * (k % 2 ? h : w) / 2;
        assert_true(fabs(out[k] - rint(out[k])) < 1e-3);
        out[k] = rint(out[k]);
    }
    assert_true(out[0] >= 0 && out[1] >= 0 && out[2] <= w && out[3] <= h && out[0] < out[2] && out[1] < out[3]);
}

static void erasing(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(
        b, "augment.x", "use = erasing\nscale = 0.1, 0.3\nratio = 0.5, 2\nvalue = 0.25, 0.5, 0.75\np = 1\n");
    const int32_t h = 200, w = 240;
    double low = 1, high = 0, log_ratio = 0, left = 1e9, right = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        float box[8];
        double at[4];
        draw_of(b, &inst, i, h, w, box, sizeof box);
        pixels_of(box, h, w, at);
        assert_true(box[4] == 0.25f && box[5] == 0.5f && box[6] == 0.75f && box[7] == 1);
        const double bw = at[2] - at[0], bh = at[3] - at[1];
        low = fmin(low, bw * bh / (h * w)), high = fmax(high, bw * bh / (h * w));
        log_ratio += log(bh / bw), left = fmin(left, at[0]), right = fmax(right, at[2]);
        assert_true(bh / bw > 0.48 && bh / bw < 2.06);
    }
    assert_true(low > 0.098 && low < 0.104 && high > 0.295 && high < 0.302);
    assert_true(fabs(log_ratio / MANY) < 0.05 && left == 0 && right == w);
    has_chance(b, "erasing", "", NULL);
    refuse_plugin(b, "augment.x", "use = erasing\nscale = 0.3\n",
                  "augment.x.scale = 0.3: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = erasing\nratio = 3\n",
                  "augment.x.ratio = 3: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = erasing\nvalue = 0.1, 0.2\n", "augment.x.value has 2 numbers; give one");
    refuse_plugin(b, "augment.x", "use = erasing\nvalue = 3\n", "augment.x.value");
}

static void coarse_dropout(void **state)
{
    bench *b = *state;
    enum { HOLES = 32 };
    const fpc_instance inst =
        open_plugin(b, "augment.x", "use = coarse_dropout\nholes = 2, 5\nsize = 0.1, 0.2\nvalue = 0.5\np = 1\n");
    int count[HOLES + 1] = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        float box[HOLES * 8];
        int n = 0;
        draw_of(b, &inst, i, 100, 200, box, sizeof box);
        for (int k = 0; k < HOLES; k++) {
            double at[4];
            if (box[8 * k + 7] == 0) {
                assert_true(all_zero(box + 8 * k, 8 * sizeof *box));
                continue;
            }
            assert_int_equal(n++, k);
            pixels_of(box + 8 * k, 100, 200, at);
            assert_true(at[2] - at[0] >= 20 && at[2] - at[0] <= 40 && at[3] - at[1] >= 10 && at[3] - at[1] <= 20);
        }
        count[n]++;
    }
    for (int k = 2; k <= 5; k++)
        assert_true(fabs((double)count[k] / MANY - 0.25) < 0.03);
    has_chance(b, "coarse_dropout", "", NULL);
    assert_int_equal(touched(b, "use = coarse_dropout\nholes = 32, 32\nsize = 1, 1\np = 1\n", SOME, NULL), SOME);
    refuse_plugin(b, "augment.x", "use = coarse_dropout\nholes = 3\n",
                  "augment.x.holes = 3: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = coarse_dropout\nholes = 33, 34\n", "augment.x.holes");
    refuse_plugin(b, "augment.x", "use = coarse_dropout\nsize = 0.2\n",
                  "augment.x.size = 0.2: is one number a, which would mean -a, a");
}

/* The nodes that each builds, with their attributes, and what becomes of the mask. */
static const fpc_gnode *built(bench *b, const char *text, int32_t fill, int *changes_mask)
{
    fpc_op_table *ops;
    fpc_graph *g;
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    const fpc_augment_vtbl *v = inst.vtbl;
    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 1, &fpc_builtin_rows, &ops), FPC_OK);
    assert_int_equal(fpc_graph_new(b->ctx, b->arena, ops, FPC_F32, 1, &g), FPC_OK);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){2, 16, 24, 3}, FPC_F32);
    const fpc_val m = fpc_input(g, "m", (fpc_shape){2, 16, 24, 1}, FPC_U8);
    const fpc_val d = fpc_input(g, "d", (fpc_shape){2, 1, 1, (int32_t)(v->draw_size / sizeof(float))}, FPC_F32);
    const fpc_val y = v->build(inst.self, g, x, d);
    const fpc_val to = v->build_mask ? v->build_mask(inst.self, g, m, d, fill) : m;
    if (fpc_graph_check(g))
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    *changes_mask = to.id != m.id;
    return &g->node[g->value[*changes_mask ? to.id : y.id].node];
}

static void builds(void **state)
{
    bench *b = *state;
    static const struct {
        const char *text, *op;
        int32_t k, border, clamp;
    } filters[] = {{"use = gaussian_blur\nk = 5\n", "filter", 5, FPC_BORDER_REFLECT, 0},
                   {"use = box_blur\nk = 31\n", "filter", 31, FPC_BORDER_REFLECT, 0},
                   {"use = motion_blur\nk = 3\n", "filter", 3, FPC_BORDER_REFLECT, 0},
                   {"use = median_blur\nk = 7\n", "median", 7, FPC_BORDER_REFLECT, 0},
                   {"use = sharpness\n", "filter", 3, FPC_BORDER_KEEP, 1}};
    int mask;
    for (int i = 0; i < 5; i++) {
        const fpc_gnode *n = built(b, filters[i].text, 9, &mask);
        const fpc_filter_attr *a = n->attr;
        assert_string_equal(n->def->name, filters[i].op);
        assert_true(a->k == filters[i].k && a->border == filters[i].border && a->clamp == filters[i].clamp && !mask);
    }
    assert_int_equal(((const fpc_noise_attr *)built(b, "use = gaussian_noise\n", 9, &mask)->attr)->unclamped, 0);
    assert_int_equal(
        ((const fpc_noise_attr *)built(b, "use = gaussian_noise\nclamp = off\n", 9, &mask)->attr)->unclamped, 1);
    assert_string_equal(built(b, "use = jpeg\n", 9, &mask)->def->name, "jpeg");
    static const char *const box[] = {"erasing", "coarse_dropout"};
    for (int i = 0; i < 2; i++) {
        const fpc_gnode *n = built(b, fpc_sprintf(b->arena, "use = %s\nlabels = fill\n", box[i]), 9, &mask);
        assert_string_equal(n->def->name, "erase_mask");
        assert_int_equal(((const fpc_warp_attr *)n->attr)->fill, 9);
        n = built(b, fpc_sprintf(b->arena, "use = %s\nlabels = keep\n", box[i]), 9, &mask);
        assert_string_equal(n->def->name, "erase");
        assert_int_equal(mask, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(gaussian_blur), CASE(gaussian_blur_range), CASE(box_blur),
                                       CASE(motion_blur),   CASE(sharpness),           CASE(single_numbers),
                                       CASE(erasing),       CASE(coarse_dropout),      CASE(builds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
