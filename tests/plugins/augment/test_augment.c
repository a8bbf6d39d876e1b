/* test_augment.c: each augmentation's draws: matrices and colour maps by their definition, ranges, refusals; and
 * against Kornia's matrices and pictures (golden/augment_kornia.safetensors) where that file is present. */
#define _GNU_SOURCE
#include "plugins/open.h"
#include <fpcore/augment.h>
#include "checkpoint.h"
#include <math.h>

static const double rad = 0.017453292519943295;

static void draw_of(bench *b, const fpc_instance *inst, uint32_t sample, int32_t h, int32_t w, void *out, size_t bytes)
{
    const fpc_rng rng = {{3, 5}, fpc_hash(inst->self->label), 7, sample};
    const fpc_image_info info = {sizeof info, h, w, 3, 32, (int32_t)(sample % 32), {{3, 5}, 1, 7, sample / 32}};
    const fpc_augment_vtbl *v = inst->vtbl;
    memset(out, 0, bytes);
    assert_int_equal(v->draw_size, bytes);
    if (v->draw(inst->self, rng, &info, out))
        fail_msg("%s", fpc_ctx_error(b->ctx));
}

static fpc_homography matrix(bench *b, const char *text, uint32_t sample, int32_t h, int32_t w)
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    fpc_homography m;
    draw_of(b, &inst, sample, h, w, &m, sizeof m);
    return m;
}

static void same_matrix(const double *got, const double *want, double tolerance)
{
    for (int i = 0; i < 9; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("entry %d is %.9g, wanted %.9g", i, got[i], want[i]);
}

static void hflip(void **state)
{
    bench *b = *state;
    const double mirror[9] = {-1, 0, 0, 0, 1, 0, 0, 0, 1}, identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    fpc_homography m = matrix(b, "use = hflip\np = 1\n", 0, 9, 7);
    same_matrix(m.m, mirror, 0);
    assert_int_equal(m.keep_labels, 0);
    m = matrix(b, "use = hflip\np = 1\nexchange = off\n", 0, 9, 7);
    same_matrix(m.m, mirror, 0);
    assert_int_equal(m.keep_labels, 1);
    same_matrix(matrix(b, "use = hflip\np = 0\n", 0, 9, 7).m, identity, 0);
    refuse_plugin(b, "augment.x", "use = hflip\np = 1.5\n", "augment.x.p = 1.5");
    const fpc_instance inst = open_plugin(b, "augment.x", "use = hflip\n");
    assert_int_equal(((const fpc_augment_vtbl *)inst.vtbl)->mirrors, 1);
    int flips = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        draw_of(b, &inst, i, 8, 8, &m, sizeof m);
        flips += m.m[0] < 0;
    }
    assert_in_range(flips, 1900, 2100);
}

static void rotate(void **state)
{
    bench *b = *state;
    const double c = cos(25 * rad), s = sin(25 * rad);
    same_matrix(matrix(b, "use = rotate\ndegrees = 25, 25\np = 1\n", 0, 64, 64).m,
                (double[]){c, -s, 0, s, c, 0, 0, 0, 1}, 1e-12);
    same_matrix(matrix(b, "use = rotate\ndegrees = 25, 25\np = 1\n", 0, 32, 64).m,
                (double[]){c, -s / 2, 0, 2 * s, c, 0, 0, 0, 1}, 1e-12);
    const fpc_instance inst = open_plugin(b, "augment.x", "use = rotate\ndegrees = -10, 40\np = 1\n");
    double low = 1e9, high = -1e9;
    for (uint32_t i = 0; i < 2000; i++) {
        fpc_homography m;
        draw_of(b, &inst, i, 64, 64, &m, sizeof m);
        const double angle = atan2(m.m[3], m.m[0]) / rad;
        assert_true(fabs(m.m[0] * m.m[4] - m.m[1] * m.m[3] - 1) < 1e-12);
        low = fmin(low, angle), high = fmax(high, angle);
    }
    assert_true(low >= -10 && low < -9.8 && high <= 40 && high > 39.8);
    refuse_plugin(b, "augment.x", "use = rotate\ndegrees = 200\n", "augment.x.degrees = 200");
}

static void affine(void **state)
{
    bench *b = *state;
    const char *all = "use = affine\ndegrees = 20, 20\ntranslate = 0.1, 0.1\nscale = 1.5, 1.5\nshear = 12, 12\np = 1\n";
    const int32_t h = 40, w = 60;
    const fpc_homography m = matrix(b, all, 0, h, w);
    /* forward, in square pixels: shear along x, scale, turn, shift; the draw undoes it */
    const double k = tan(12 * rad), c = cos(20 * rad), s = sin(20 * rad), wide = (double)w / h;
    for (int i = 0; i < 25; i++) {
        const double u = i % 5 * 0.5 - 1, v = i / 5 * 0.5 - 1, x = u * wide, y = v;
        const double sx = 1.5 * (x + k * y), sy = 1.5 * y, rx = c * sx + s * sy, ry = -s * sx + c * sy;
        const double ou = rx / wide + 0.2, ov = ry + 0.2;
        assert_true(fabs(m.m[0] * ou + m.m[1] * ov + m.m[2] - u) < 1e-12);
        assert_true(fabs(m.m[3] * ou + m.m[4] * ov + m.m[5] - v) < 1e-12);
    }
    same_matrix(matrix(b, "use = affine\nscale = 2, 2\np = 1\n", 0, h, w).m, (double[]){0.5, 0, 0, 0, 0.5, 0, 0, 0, 1},
                1e-15);
    same_matrix(matrix(b, "use = affine\np = 1\n", 0, h, w).m, (double[]){1, 0, 0, 0, 1, 0, 0, 0, 1}, 0);
    refuse_plugin(b, "augment.x", "use = affine\nscale = 0.2\n",
                  "augment.x.scale: a factor is more than 0; give both ends");
}

/* ---- colour ---- */
enum { PIXELS = 6 };
static const float sample_pixels[PIXELS][3] = {{0.1f, 0.5f, 0.9f}, {0.7f, 0.7f, 0.2f},  {0, 0, 0},
                                               {1, 1, 1},          {0.3f, 0.05f, 0.6f}, {0.95f, 0.2f, 0.4f}};

/* The op `colour`, as augment.h states it. */
static void apply(const fpc_colour *stage, int n_stages, int n, float (*x)[3])
{
    for (int s = 0; s < n_stages; s++) {
        const float *raw = (const float *)&stage[s];
        double mean[3] = {0}, shift = 0;
        int empty = 1;
        for (int i = 0; i < 16; i++)
            empty &= raw[i] == 0;
        if (empty)
            continue;
        for (int i = 0; i < n; i++)
            for (int c = 0; c < 3; c++)
                mean[c] += (double)x[i][c] / n;
        for (int c = 0; c < 3; c++)
            shift += (double)stage[s].g[c] * mean[c];
        for (int i = 0; i < n; i++) {
            const float p[3] = {x[i][0], x[i][1], x[i][2]};
            for (int c = 0; c < 3; c++) {
                const float *m = stage[s].m + 4 * c;
                const double y = (double)m[0] * p[0] + (double)m[1] * p[1] + (double)m[2] * p[2] + m[3] + shift;
                x[i][c] = (float)(stage[s].clamp > 0 ? fmin(1, fmax(0, y)) : y);
            }
        }
    }
}

static double clamped(double x)
{
    return fmin(1, fmax(0, x));
}
static double grey(const float *p)
{
    return 0.299 * (double)p[0] + 0.587 * (double)p[1] + 0.114 * (double)p[2];
}

static void color_jitter(void **state)
{
    bench *b = *state;
    double mean_grey = 0, mean_all = 0;
    for (int i = 0; i < PIXELS; i++) {
        mean_grey += grey(sample_pixels[i]) / PIXELS;
        for (int c = 0; c < 3; c++)
            mean_all += (double)sample_pixels[i][c] / (3 * PIXELS);
    }
    for (int which = 0; which < 4; which++) {
        static const char *const text[] = {"brightness = 1.4, 1.4", "contrast = 0.6, 0.6",
                                           "contrast = 1.3, 1.3\ncontrast_mean = all", "saturation = 1.8, 1.8"};
        const fpc_instance inst =
            open_plugin(b, "augment.x", fpc_sprintf(b->arena, "use = color_jitter\np = 1\n%s\n", text[which]));
        fpc_colour stage[3];
        float x[PIXELS][3];
        draw_of(b, &inst, 4, 8, 8, stage, sizeof stage);
        memcpy(x, sample_pixels, sizeof x);
        apply(stage, 3, PIXELS, x);
        for (int i = 0; i < PIXELS; i++)
            for (int c = 0; c < 3; c++) {
                const double p = sample_pixels[i][c];
                const double want = which == 0   ? 1.4 * p
                                    : which == 1 ? 0.6 * p + 0.4 * mean_grey
                                    : which == 2 ? 1.3 * p - 0.3 * mean_all
                                                 : 1.8 * p - 0.8 * grey(sample_pixels[i]);
                assert_true(fabs((double)x[i][c] - clamped(want)) < 1e-6);
            }
    }
    refuse_plugin(b, "augment.x", "use = color_jitter\nbrightness = 0.2\n",
                  "augment.x.brightness: a factor is 0 or more; give both ends");
    refuse_plugin(b, "augment.x", "use = color_jitter\norder = sometimes\n", "augment.x.order = sometimes");
}

/* Reference 6.1: brightness in half of the pictures, contrast in half of those, in this order. */
static void jitter_chances(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x",
                                          "use = color_jitter\nbrightness = 0.7, 1.3\ncontrast = 0.8, 1.2\n"
                                          "contrast_mean = all\np = 0.5\np_contrast = 0.5\n");
    int bright = 0, both = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        fpc_colour s[3];
        draw_of(b, &inst, i, 8, 8, s, sizeof s);
        const int has_bright = s[0].m[0] != 0, has_contrast = s[1].m[0] != 0;
        bright += has_bright, both += has_bright && has_contrast;
        assert_true(!has_contrast || has_bright);
        assert_true(s[2].m[0] == 0 && s[2].clamp == 0);
        if (has_bright)
            assert_true(s[0].m[0] >= 0.7f && s[0].m[0] <= 1.3f && s[0].g[0] == 0 && s[0].clamp == 1);
        if (has_contrast)
            assert_true(s[1].m[0] >= 0.8f && s[1].m[0] <= 1.2f && s[1].g[0] == s[1].g[2]);
    }
    assert_in_range(bright, 1900, 2100);
    assert_in_range(both, 910, 1090);
}

/* order = random: one order for a batch, all six of them in the long run. */
static void jitter_order(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x",
                                          "use = color_jitter\nbrightness = 0.9, 0.9\ncontrast = 0.9, 0.9\n"
                                          "saturation = 0.9, 0.9\np = 1\norder = random\n");
    int seen[27] = {0}, kinds = 0, last = -1;
    for (uint32_t i = 0; i < 32 * 60; i++) {
        fpc_colour s[3];
        int code = 0;
        draw_of(b, &inst, i, 8, 8, s, sizeof s);
        for (int k = 0; k < 3; k++) /* saturation mixes channels, contrast has a mean */
            code = code * 3 + (s[k].m[1] != 0 ? 2 : s[k].g[0] != 0 ? 1 : 0);
        assert_true(i % 32 == 0 || code == last);
        last = code;
        kinds += seen[code]++ == 0;
    }
    assert_int_equal(kinds, 6);
}

static void gaussian_noise(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = gaussian_noise\nsigma = 0.02, 0.04\np = 0.3\n");
    int noisy = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        float sigma;
        draw_of(b, &inst, i, 8, 8, &sigma, sizeof sigma);
        noisy += sigma != 0;
        assert_true(sigma == 0 || (sigma >= 0.02f && sigma <= 0.04f));
    }
    assert_in_range(noisy, 1110, 1290);
    refuse_plugin(b, "augment.x", "use = gaussian_noise\nsigma = 0.1\n",
                  "augment.x.sigma: a deviation is 0 or more; give both ends");
}

/* ---- Kornia ---- */
static double *numbers(bench *b, const fpc_st_file *f, const char *name, int64_t count)
{
    const fpc_st_tensor *t = fpc_st_find(f, name);
    if (!t)
        fail_msg("%s is not in the golden file", name);
    assert_int_equal(t->count, count);
    double *out = fpc_alloc(b->arena, (size_t)count * sizeof *out);
    assert_non_null(out);
    assert_int_equal(fpc_st_as_f64(b->ctx, f, t, out), FPC_OK);
    return out;
}

/* Kornia's matrix maps input pixel to output pixel; after the draw's map from output to input it is the identity. */
static void undoes(const fpc_homography *draw, const double *kornia, int32_t h, int32_t w)
{
    for (int i = 0; i < 9; i++) {
        const double x = i % 3 * (w - 1) / 2.0, y = i / 3 * (h - 1) / 2.0;
        const double ox = kornia[0] * x + kornia[1] * y + kornia[2], oy = kornia[3] * x + kornia[4] * y + kornia[5];
        const double u = (2 * ox + 1) / w - 1, v = (2 * oy + 1) / h - 1;
        const double iu = draw->m[0] * u + draw->m[1] * v + draw->m[2],
                     iv = draw->m[3] * u + draw->m[4] * v + draw->m[5];
        const double bx = ((iu + 1) * w - 1) / 2, by = ((iv + 1) * h - 1) / 2;
        if (fabs(bx - x) > 1e-3 || fabs(by - y) > 1e-3)
            fail_msg("(%g, %g) comes back as (%g, %g)", x, y, bx, by);
    }
}

static void kornia_geometry(void **state)
{
    bench *b = *state;
    fpc_st_file *f;
    assert_int_equal(fpc_st_read(b->ctx, b->arena, shared_file(b, "golden/augment_kornia.safetensors"), &f), FPC_OK);
    const double *flip = numbers(b, f, "hflip.matrix", 36), *turn = numbers(b, f, "rotation15.matrix", 36);
    const double *degrees = numbers(b, f, "rotation15.param.degrees", 4),
                 *scaled = numbers(b, f, "affine_scale_translate.matrix", 36);
    for (int i = 0; i < 4; i++) {
        fpc_homography m = matrix(b, "use = hflip\np = 1\n", 0, 48, 64);
        undoes(&m, flip + 9 * i, 48, 64);
        m = matrix(b, fpc_sprintf(b->arena, "use = rotate\np = 1\ndegrees = %.9f, %.9f\n", degrees[i], degrees[i]), 0,
                   48, 64);
        undoes(&m, turn + 9 * i, 48, 64);
        /* translate draws x and y from one range, so scale is compared alone, about the centre */
        const double *k = scaled + 9 * i, s = k[0], alone[9] = {s, 0, (1 - s) * 31.5, 0, s, (1 - s) * 23.5, 0, 0, 1};
        assert_true(fabs(k[0] - k[4]) < 1e-6 && fabs(k[1]) < 1e-6 && fabs(k[2] - alone[2]) <= 0.05 * 64 + 1e-3);
        m = matrix(b, fpc_sprintf(b->arena, "use = affine\np = 1\nscale = %.9f, %.9f\n", s, s), 0, 48, 64);
        undoes(&m, alone, 48, 64);
    }
}

static void kornia_colour(void **state)
{
    enum { HW = 48 * 64 };
    bench *b = *state;
    fpc_st_file *f;
    assert_int_equal(fpc_st_read(b->ctx, b->arena, shared_file(b, "golden/augment_kornia.safetensors"), &f), FPC_OK);
    const double *image = numbers(b, f, "image", 4 * 3 * HW), *want = numbers(b, f, "color_jitter.image", 4 * 3 * HW);
    const double *factor[3] = {numbers(b, f, "color_jitter.param.brightness_factor", 4),
                               numbers(b, f, "color_jitter.param.contrast_factor", 4),
                               numbers(b, f, "color_jitter.param.saturation_factor", 4)};
    const double *order = numbers(b, f, "color_jitter.param.order", 4);
    static const char *const key[] = {"brightness", "contrast", "saturation"};
    static float x[HW][3];
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 3 * HW; k++)
            x[k % HW][k / HW] = (float)image[i * 3 * HW + k];
        for (int step = 0; step < 4; step++) {
            const int which = (int)order[step];
            if (which > 2)
                continue; /* hue, by 0 here */
            const char *text = fpc_sprintf(b->arena, "use = color_jitter\np = 1\n%s = %.9f, %.9f\n", key[which],
                                           factor[which][i], factor[which][i]);
            const fpc_instance inst = open_plugin(b, "augment.x", text);
            fpc_colour stage[3];
            draw_of(b, &inst, 0, 48, 64, stage, sizeof stage);
            apply(stage, 3, HW, x);
        }
        for (int k = 0; k < 3 * HW; k++)
            if (fabs((double)x[k % HW][k / HW] - want[i * 3 * HW + k]) > 2e-5)
                fail_msg("image %d, number %d: %g, wanted %g", i, k, (double)x[k % HW][k / HW], want[i * 3 * HW + k]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(hflip),          TEST(rotate),          TEST(affine),
                                       TEST(color_jitter),   TEST(jitter_chances),  TEST(jitter_order),
                                       TEST(gaussian_noise), TEST(kornia_geometry), TEST(kornia_colour)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
