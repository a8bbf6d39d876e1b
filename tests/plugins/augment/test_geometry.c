/* test_geometry.c: the matrices of flips, rotation, affine maps, shear, perspective and crops by their definition:
 * where points go, ranges, chances, which of them mirror, refusals; and against Kornia's own matrices
 * (golden/augment_kornia.safetensors) where that file is present. */
#include "draws.h"
#include "weights/weights.h"

static const fpc_homography identity = {{1, 0, 0, 0, 1, 0, 0, 0, 1}, 0};

static fpc_homography matrix(bench *b, const char *text, uint32_t sample, int32_t h, int32_t w)
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    fpc_homography m;
    draw_of(b, &inst, sample, h, w, &m, sizeof m);
    return m;
}

static void same_matrix(const double *got, const double *want, double tolerance)
{
    same_numbers(got, want, 9, tolerance);
}

static int mirrors(bench *b, const char *text)
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    return (int)((const fpc_augment_vtbl *)inst.vtbl)->mirrors;
}

static void apply(const double m[9], double x, double y, double *u, double *v)
{
    const double d = m[6] * x + m[7] * y + m[8];
    *u = (m[0] * x + m[1] * y + m[2]) / d;
    *v = (m[3] * x + m[4] * y + m[5]) / d;
}

static void flips(void **state)
{
    bench *b = *state;
    static const char *const name[] = {"hflip", "vflip"};
    for (int k = 0; k < 2; k++) {
        const double mirror[9] = {k ? 1 : -1, 0, 0, 0, k ? -1 : 1, 0, 0, 0, 1};
        fpc_homography m = matrix(b, fpc_sprintf(b->arena, "use = %s\np = 1\n", name[k]), 0, 9, 7);
        same_matrix(m.m, mirror, 0);
        assert_int_equal(m.keep_labels, 0);
        m = matrix(b, fpc_sprintf(b->arena, "use = %s\np = 1\nexchange = off\n", name[k]), 0, 9, 7);
        same_matrix(m.m, mirror, 0);
        assert_int_equal(m.keep_labels, 1);
        has_chance(b, name[k], "", &identity);
        assert_int_equal(mirrors(b, fpc_sprintf(b->arena, "use = %s\n", name[k])), 1);
        refuse_plugin(b, "augment.x", fpc_sprintf(b->arena, "use = %s\np = 1.5\n", name[k]), "augment.x.p = 1.5");
    }
    assert_int_equal(mirrors(b, "use = rotate\n"), 0);
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
    double low = 1e9, high = -1e9, sum = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_homography m;
        draw_of(b, &inst, i, 64, 64, &m, sizeof m);
        const double angle = atan2(m.m[3], m.m[0]) / rad;
        assert_true(fabs(m.m[0] * m.m[4] - m.m[1] * m.m[3] - 1) < 1e-12);
        low = fmin(low, angle), high = fmax(high, angle), sum += angle;
    }
    assert_true(low >= -10 && low < -9.8 && high <= 40 && high > 39.8 && fabs(sum / MANY - 15) < 1);
    has_chance(b, "rotate", "degrees = 5, 9", &identity);
    refuse_plugin(b, "augment.x", "use = rotate\ndegrees = 200\n", "augment.x.degrees = 200");
}

/* What the options say is done to the picture, in square pixels about the centre; the draw undoes it. */
static void affine(void **state)
{
    bench *b = *state;
    const int32_t h = 40, w = 60;
    const fpc_homography m = matrix(b,
                                    "use = affine\np = 1\ndegrees = 20, 20\nscale = 1.5, 1.5\nshear = 12, 12\n"
                                    "shear_y = -7, -7\ntranslate = 0.1, 0.1\ntranslate_x = 0.05, 0.05\n"
                                    "translate_y = -0.3, -0.3\n",
                                    0, h, w);
    const double kx = tan(12 * rad), ky = tan(-7 * rad), c = cos(20 * rad), s = sin(20 * rad), wide = (double)w / h;
    for (int i = 0; i < 25; i++) {
        const double u = i % 5 * 0.5 - 1, v = i / 5 * 0.5 - 1, x = u * wide, y = v;
        const double sx = x - kx * y, sy = y - ky * sx, zx = 1.5 * sx, zy = 1.5 * sy;
        const double ou = (c * zx + s * zy) / wide + 0.3, ov = -s * zx + c * zy - 0.4;
        double bu, bv;
        apply(m.m, ou, ov, &bu, &bv);
        assert_true(fabs(bu - u) < 1e-12 && fabs(bv - v) < 1e-12);
    }
    same_matrix(matrix(b, "use = affine\nscale = 2, 2\np = 1\n", 0, h, w).m, (double[]){0.5, 0, 0, 0, 0.5, 0, 0, 0, 1},
                1e-15);
    same_matrix(matrix(b, "use = affine\np = 1\n", 0, h, w).m, identity.m, 0);
    same_matrix(matrix(b, "use = affine\np = 1\nconvention = kornia\n", 0, 1, 1).m, identity.m, 0);
    has_chance(b, "affine", "scale = 1.1, 1.3", &identity);
    refuse_plugin(b, "augment.x", "use = affine\nscale = 0.2\n",
                  "test.ini:3: augment.x.scale = 0.2: is one number a, which would mean -a, a; give both ends");
    refuse_plugin(b, "augment.x", "use = affine\nconvention = opencv\n", "augment.x.convention = opencv");
}

static void affine_ranges(void **state)
{
    bench *b = *state;
    const fpc_instance inst =
        open_plugin(b, "augment.x", "use = affine\np = 1\ntranslate_x = 0.2\ntranslate_y = 0.1, 0.3\nscale = 0.5, 2\n");
    double scale[2] = {9, 0}, x[2] = {9, -9}, y[2] = {9, -9};
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_homography m;
        draw_of(b, &inst, i, 48, 64, &m, sizeof m);
        const double s = 1 / m.m[0], tx = -m.m[2] * s / 2, ty = -m.m[5] * s / 2;
        assert_true(m.m[0] == m.m[4] && m.m[1] == 0 && m.m[3] == 0);
        scale[0] = fmin(scale[0], s), scale[1] = fmax(scale[1], s);
        x[0] = fmin(x[0], tx), x[1] = fmax(x[1], tx), y[0] = fmin(y[0], ty), y[1] = fmax(y[1], ty);
    }
    assert_true(scale[0] > 0.499 && scale[0] < 0.51 && scale[1] > 1.99 && scale[1] < 2.001);
    assert_true(x[0] > -0.2001 && x[0] < -0.198 && x[1] < 0.2001 && x[1] > 0.198);
    assert_true(y[0] > 0.0999 && y[0] < 0.102 && y[1] < 0.3001 && y[1] > 0.298);
}

/* Positive along x moves the top to the right, along y the left side down. */
static void shear(void **state)
{
    bench *b = *state;
    const double k = tan(20 * rad);
    same_matrix(matrix(b, "use = shear\nx = 20, 20\np = 1\n", 0, 30, 60).m, (double[]){1, k / 2, 0, 0, 1, 0, 0, 0, 1},
                1e-12);
    same_matrix(matrix(b, "use = shear\nx = 0\ny = 20, 20\np = 1\n", 0, 30, 60).m,
                (double[]){1, 0, 0, 2 * k, 1, 0, 0, 0, 1}, 1e-12);
    double u, v; /* of the result, the upper edge shows what was left of it */
    apply(matrix(b, "use = shear\nx = 20, 20\np = 1\n", 0, 30, 30).m, 0, -1, &u, &v);
    assert_true(u < -0.3 && v == -1);
    has_chance(b, "shear", "x = 5, 9", &identity);
    refuse_plugin(b, "augment.x", "use = shear\nx = 90\n", "augment.x.x = 90");
}

/* Corners come from within the share of half the sides, and no further; the middle of the range occurs. */
static void perspective(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = perspective\ndistortion = 0.4\np = 1\n");
    double most = 0, sum = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_homography m;
        double back[9];
        draw_of(b, &inst, i, 48, 64, &m, sizeof m);
        for (int k = 0; k < 9; k++) { /* adjugate: the inverse up to a factor, which a homography does not see */
            const int r = k % 3, c = k / 3;
            back[k] = m.m[(r + 1) % 3 * 3 + (c + 1) % 3] * m.m[(r + 2) % 3 * 3 + (c + 2) % 3] -
                      m.m[(r + 1) % 3 * 3 + (c + 2) % 3] * m.m[(r + 2) % 3 * 3 + (c + 1) % 3];
        }
        for (int k = 0; k < 4; k++) {
            const double x = k == 1 || k == 2 ? 1 : -1, y = k > 1 ? 1 : -1;
            double u, v;
            apply(back, x, y, &u, &v);
            const double in_x = 1 - u * x, in_y = 1 - v * y;
            assert_true(in_x > -1e-9 && in_x < 0.4 + 1e-9 && in_y > -1e-9 && in_y < 0.4 + 1e-9);
            most = fmax(most, fmax(in_x, in_y)), sum += in_x + in_y;
        }
        for (int k = 0; k < 25; k++) /* one side of the horizon: the picture does not fold over */
            assert_true(m.m[6] * (k % 5 * 0.5 - 1) + m.m[7] * (k / 5 * 0.5 - 1) + m.m[8] > 0);
    }
    assert_true(most > 0.398 && fabs(sum / (8.0 * MANY) - 0.2) < 0.005);
    same_matrix(matrix(b, "use = perspective\ndistortion = 0\np = 1\n", 0, 48, 64).m, identity.m, 1e-12);
    has_chance(b, "perspective", "", &identity);
    refuse_plugin(b, "augment.x", "use = perspective\ndistortion = 0.7\n", "augment.x.distortion = 0.7");
}

/* Windows lie within the picture, their size and places cover what the options allow. */
static void crop(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = crop\nsize = 0.5, 0.8\np = 1\n");
    double low = 9, high = 0, left = 9, right = -9;
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_homography m;
        draw_of(b, &inst, i, 40, 56, &m, sizeof m);
        const double s = m.m[0];
        assert_true(m.m[4] == s && fabs(m.m[2]) <= 1 - s + 1e-12 && fabs(m.m[5]) <= 1 - s + 1e-12);
        low = fmin(low, s), high = fmax(high, s);
        left = fmin(left, m.m[2] / (1 - s)), right = fmax(right, m.m[2] / (1 - s));
    }
    assert_true(low > 0.4999 && low < 0.502 && high < 0.8001 && high > 0.798 && left < -0.99 && right > 0.99);
    has_chance(b, "crop", "size = 0.5, 0.8", &identity);
    refuse_plugin(b, "augment.x", "use = crop\nsize = 0.5\n", "augment.x.size = 0.5: is one number a, which");
}

static void resized_crop(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = resized_crop\nscale = 0.2, 0.6\nratio = 0.5, 2\n");
    const int32_t h = 500, w = 500;
    double area[2] = {9, 0}, log_ratio = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_homography m;
        draw_of(b, &inst, i, h, w, &m, sizeof m);
        const double ww = m.m[0] * w, wh = m.m[4] * h, x = ((m.m[2] + 1) * w - ww) / 2, y = ((m.m[5] + 1) * h - wh) / 2;
        assert_true(fabs(ww - rint(ww)) < 1e-9 && fabs(wh - rint(wh)) < 1e-9 && fabs(x - rint(x)) < 1e-9 &&
                    fabs(y - rint(y)) < 1e-9);
        assert_true(x > -1e-9 && y > -1e-9 && x + ww < w + 1e-9 && y + wh < h + 1e-9);
        assert_true(ww / wh > 0.49 && ww / wh < 2.03);
        area[0] = fmin(area[0], ww * wh / (h * w)), area[1] = fmax(area[1], ww * wh / (h * w));
        log_ratio += log(ww / wh);
    }
    assert_true(area[0] > 0.199 && area[0] < 0.21 && area[1] < 0.601 && area[1] > 0.58);
    assert_true(fabs(log_ratio / MANY) < 0.05);
    /* no window of that shape fits: the largest in the middle */
    same_matrix(matrix(b, "use = resized_crop\nscale = 1, 1\nratio = 2, 2\n", 0, 40, 40).m,
                (double[]){1, 0, 0, 0, 0.5, 0, 0, 0, 1}, 1e-12);
    has_chance(b, "resized_crop", "scale = 0.1, 0.5", &identity);
    refuse_plugin(b, "augment.x", "use = resized_crop\nscale = 0.5\n", "augment.x.scale = 0.5: is one number a, which");
    refuse_plugin(b, "augment.x", "use = resized_crop\nratio = 2\n", "augment.x.ratio = 2: is one number a, which");
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
        double ox, oy, u, v;
        apply(kornia, x, y, &ox, &oy);
        apply(draw->m, (2 * ox + 1) / w - 1, (2 * oy + 1) / h - 1, &u, &v);
        const double bx = ((u + 1) * w - 1) / 2, by = ((v + 1) * h - 1) / 2;
        if (fabs(bx - x) > 1e-3 || fabs(by - y) > 1e-3)
            fail_msg("(%g, %g) comes back as (%g, %g)", x, y, bx, by);
    }
}

static void kornia_matrices(void **state)
{
    bench *b = *state;
    fpc_st_file *f;
    assert_int_equal(fpc_st_read(b->ctx, b->arena, shared_file(b, "golden/augment_kornia.safetensors"), &f), FPC_OK);
    const double *flip = numbers(b, f, "hflip.matrix", 36), *flip_v = numbers(b, f, "vflip.matrix", 36),
                 *turn = numbers(b, f, "rotation15.matrix", 36);
    const double *degrees = numbers(b, f, "rotation15.param.degrees", 4);
    for (int i = 0; i < 4; i++) {
        fpc_homography m = matrix(b, "use = hflip\np = 1\n", 0, 48, 64);
        undoes(&m, flip + 9 * i, 48, 64);
        m = matrix(b, "use = vflip\np = 1\n", 0, 48, 64);
        undoes(&m, flip_v + 9 * i, 48, 64);
        m = matrix(b, fpc_sprintf(b->arena, "use = rotate\np = 1\ndegrees = %.9f, %.9f\n", degrees[i], degrees[i]), 0,
                   48, 64);
        undoes(&m, turn + 9 * i, 48, 64);
    }
    for (int k = 0; k < 2; k++) {
        const char *of = k ? "affine_shear" : "affine_scale_translate";
        const double *want = numbers(b, f, fpc_sprintf(b->arena, "%s.matrix", of), 36);
        const double *scale = numbers(b, f, fpc_sprintf(b->arena, "%s.param.scale", of), 8);
        const double *shift = numbers(b, f, fpc_sprintf(b->arena, "%s.param.translations", of), 8);
        const double *lean = numbers(b, f, fpc_sprintf(b->arena, "%s.param.shear_x", of), 4);
        for (int i = 0; i < 4; i++) {
            const double s = scale[2 * i], x = shift[2 * i] / 64, y = shift[2 * i + 1] / 48, l = lean[i];
            const fpc_homography m =
                matrix(b,
                       fpc_sprintf(b->arena,
                                   "use = affine\np = 1\nscale = %.9f, %.9f\ntranslate_x = %.9f, %.9f\n"
                                   "translate_y = %.9f, %.9f\nshear = %.9f, %.9f\n",
                                   s, s, x, x, y, y, l, l),
                       0, 48, 64);
            undoes(&m, want + 9 * i, 48, 64);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(flips),         CASE(rotate),       CASE(affine),
                                       CASE(affine_ranges), CASE(shear),        CASE(perspective),
                                       CASE(crop),          CASE(resized_crop), CASE(kornia_matrices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
