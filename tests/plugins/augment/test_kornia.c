/* test_kornia.c: plugin, core and ops together against Kornia 0.6.12 (golden/augment_kornia.safetensors, see
 * docs/augmentations.md): given the parameters that Kornia drew, the same pictures to 1e-3 and the same masks, on the
 * backends ref and cpu. Parameters go in as ranges of one number; where options do not reach (the corners of a
 * perspective, the box of an erasing), the plugin draws them by its own functions.
 *
 * Kornia samples the pictures of affine maps and perspectives in other coordinates than their masks. So pictures are
 * compared under `convention = kornia`, and masks under `pixel`, which is what Kornia's masks are. */
#include "apply.h"
#include "weights/weights.h"
#include "plugins/augment/boxes.h"
#include "plugins/augment/perspective.c"

enum { H = 48, W = 64, HW = H * W, IMAGES = 4 };
/* A resampling at whole pixels, which changes nothing: where no section moves pixels, the core expects bytes. */
#define STILL "[augment.still]\nuse = hflip\np = 0\n"
static const char *const backends[] = {"ref", "cpu"};

typedef struct golden {
    bench *b;
    fpc_st_file *f;
    pictures in;
} golden;

static double *numbers(const golden *g, const char *name, int64_t count)
{
    const fpc_st_tensor *t = fpc_st_find(g->f, name);
    if (!t)
        fail_msg("%s is not in the golden file", name);
    assert_int_equal(t->count, count);
    double *out = fpc_alloc(g->b->arena, (size_t)count * sizeof *out);
    assert_non_null(out);
    assert_int_equal(fpc_st_as_f64(g->b->ctx, g->f, t, out), FPC_OK);
    return out;
}

static double *parameter(const golden *g, const char *of, const char *name, int64_t each)
{
    return numbers(g, fpc_sprintf(g->b->arena, "%s.param.%s", of, name), IMAGES * each);
}

static golden open_golden(void **state)
{
    golden g = {.b = *state};
    const char *path = shared_file(g.b, "golden/augment_kornia.safetensors");
    assert_int_equal(fpc_st_read(g.b->ctx, g.b->arena, path, &g.f), FPC_OK);
    const double *image = numbers(&g, "image", IMAGES * 3 * HW), *mask = numbers(&g, "mask", IMAGES * HW);
    g.in = new_pictures(g.b, IMAGES, H, W);
    for (int i = 0; i < IMAGES * HW; i++) {
        for (int c = 0; c < 3; c++)
            g.in.image[3 * i + c] = (float)image[(i / HW * 3 + c) * HW + i % HW];
        g.in.mask[i] = (uint8_t)mask[i];
    }
    return g;
}

static pictures one_of(const golden *g, int image)
{
    return (pictures){1, H, W, g->in.image + (int64_t)image * HW * 3, g->in.mask + (int64_t)image * HW};
}

enum { IMAGE = 1, MASK = 2, BOTH = 3 };

static void compare(const golden *g, const char *of, int image, const char *backend, const pictures *got, int what)
{
    const double *want = numbers(g, fpc_sprintf(g->b->arena, "%s.image", of), IMAGES * 3 * HW) + image * 3 * HW;
    const double *mask = numbers(g, fpc_sprintf(g->b->arena, "%s.mask", of), IMAGES * HW) + image * HW;
    for (int i = 0; i < HW; i++) {
        for (int c = 0; c < 3 && (what & IMAGE); c++)
            if (!(fabs((double)got->image[3 * i + c] - want[c * HW + i]) <= 1e-3))
                fail_msg("%s, %s, image %d at (%d, %d), channel %d: %g, wanted %g", of, backend, image, i % W, i / W, c,
                         (double)got->image[3 * i + c], want[c * HW + i]);
        if ((what & MASK) && got->mask[i] != mask[i])
            fail_msg("%s, %s, mask %d at (%d, %d): %d, wanted %g", of, backend, image, i % W, i / W, got->mask[i],
                     mask[i]);
    }
}

/* The recipe `text` on one image, compared on both backends. */
static void check(const golden *g, const char *of, int image, const char *text, int what)
{
    const pictures in = one_of(g, image);
    for (int k = 0; k < 2; k++) {
        const pictures out =
            apply_sections(g->b, backends[k], fpc_sprintf(g->b->arena, "[augment]\nfill = background\n%s", text), &in);
        compare(g, of, image, backends[k], &out, what);
    }
}

/* "key = x, x" with all digits. */
static const char *fixed(const golden *g, const char *key, double x)
{
    return fpc_sprintf(g->b->arena, "%s = %.17g, %.17g\n", key, x, x);
}

static const char *section(const golden *g, const char *use, const char *rest)
{
    return fpc_sprintf(g->b->arena, "[augment.x]\nuse = %s\np = 1\n%s", use, rest);
}

/* ---- without parameters ---- */
static void plain(void **state)
{
    const golden g = open_golden(state);
    static const char *const pair[][2] = {{"hflip", "hflip"},
                                          {"vflip", "vflip"},
                                          {"invert", "invert"},
                                          {"grayscale", "grayscale"},
                                          {"equalize", "equalize"}};
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < IMAGES; i++)
            check(&g, pair[k][0], i,
                  fpc_sprintf(g.b->arena, "%s%s", STILL, section(&g, pair[k][1], k < 2 ? "exchange = off\n" : "")),
                  BOTH);
}

/* ---- geometry ---- */
static void rotation(void **state)
{
    const golden g = open_golden(state);
    const double *degrees = parameter(&g, "rotation15", "degrees", 1);
    for (int i = 0; i < IMAGES; i++)
        check(&g, "rotation15", i, section(&g, "rotate", fixed(&g, "degrees", degrees[i])), BOTH);
}

static void affine(void **state)
{
    const golden g = open_golden(state);
    static const char *const of[] = {"affine_scale_translate", "affine_shear"};
    for (int k = 0; k < 2; k++) {
        const double *scale = parameter(&g, of[k], "scale", 2), *shift = parameter(&g, of[k], "translations", 2),
                     *lean = parameter(&g, of[k], "shear_x", 1);
        for (int i = 0; i < IMAGES; i++)
            for (int mask = 0; mask < 2; mask++) {
                const char *rest = fpc_sprintf(
                    g.b->arena, "%s%s%s%sconvention = %s\n", fixed(&g, "scale", scale[2 * i]),
                    fixed(&g, "translate_x", shift[2 * i] / W), fixed(&g, "translate_y", shift[2 * i + 1] / H),
                    fixed(&g, "shear", lean[i]), mask ? "pixel" : "kornia");
                check(&g, of[k], i, section(&g, "affine", rest), mask ? MASK : IMAGE);
            }
    }
}

/* A plugin's table with another draw, which puts what the test has prepared. */
static fpc_homography prepared_matrix;
static float prepared_box[BOX];

static fpc_status put_matrix(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    (void)self, (void)rng, (void)image;
    memcpy(out, &prepared_matrix, sizeof prepared_matrix);
    return FPC_OK;
}

static fpc_status put_prepared_box(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    (void)self, (void)rng, (void)image;
    memcpy(out, prepared_box, sizeof prepared_box);
    return FPC_OK;
}

typedef fpc_status (*draw_fn)(const fpc_self *, fpc_rng, const fpc_image_info *, void *);

static void check_with(const golden *g, const char *of, int image, const char *text, draw_fn put, int what)
{
    const pictures in = one_of(g, image);
    for (int k = 0; k < 2; k++) {
        pictures out = new_pictures(g->b, 1, H, W);
        fpc_augments *a = open_sections(g->b, fpc_sprintf(g->b->arena, "[augment]\nfill = background\n%s", text), H, W);
        fpc_augment_item *last = &a->item[a->n - 1];
        fpc_augment_vtbl table = *(const fpc_augment_vtbl *)last->inst.vtbl;
        table.draw = put;
        last->inst.vtbl = &table;
        stage s = open_stage(g->b, backends[k], a, 1, H, W);
        run_stage(&s, &in, 0, &out);
        compare(g, of, image, backends[k], &out, what);
    }
}

/* Kornia's corners are pixels; the plugin's matrix takes them from -1 to 1, from corner pixel to corner pixel here. */
static void perspective_corners(void **state)
{
    const golden g = open_golden(state);
    const double *end = parameter(&g, "perspective0.2", "end_points", 8);
    const fpc_image_info info = {.size = sizeof info, .h = H, .w = W};
    const double wide = W / (W - 1.0), high = H / (H - 1.0);
    const double from_corners[9] = {1 / wide, 0, 0, 0, 1 / high, 0, 0, 0, 1};
    for (int i = 0; i < IMAGES; i++) {
        double point[4][2];
        for (int k = 0; k < 8; k++)
            point[k / 2][k % 2] = 2 * end[8 * i + k] / (k % 2 ? H - 1 : W - 1) - 1;
        prepared_matrix = identity_matrix();
        assert_int_equal(matrix_to_corners((const double(*)[2])point, prepared_matrix.m), 1);
        as_kornia(&info, prepared_matrix.m);
        check_with(&g, "perspective0.2", i, section(&g, "perspective", ""), put_matrix, IMAGE);
        multiply_matrices(from_corners, prepared_matrix.m, prepared_matrix.m);
        check_with(&g, "perspective0.2", i, section(&g, "perspective", ""), put_matrix, MASK);
    }
}

/* ---- colour ---- */

/* Kornia's order of the steps is drawn for the batch: a section each, in that order. */
static void jitter(void **state)
{
    const golden g = open_golden(state);
    static const char *const of[] = {"color_jitter", "color_jitter_hue"};
    static const char *const key[] = {"brightness", "contrast", "saturation", "hue"};
    for (int k = 0; k < 2; k++) {
        const double *order = parameter(&g, of[k], "order", 1);
        for (int i = 0; i < IMAGES; i++) {
            const char *text = STILL;
            for (int step = 0; step < 4; step++) {
                const int which = (int)order[step];
                const double by = parameter(&g, of[k], fpc_sprintf(g.b->arena, "%s_factor", key[which]), 1)[i];
                text = fpc_sprintf(g.b->arena, "%s[augment.step%d]\nuse = color_jitter\np = 1\n%s", text, step,
                                   fixed(&g, key[which], by));
            }
            check(&g, of[k], i, text, BOTH);
        }
    }
}

static void colours(void **state)
{
    const golden g = open_golden(state);
    static const struct {
        const char *of, *use, *option[2], *parameter[2];
    } maps[] = {{"gamma", "gamma", {"gamma", "gain"}, {"gamma_factor", "gain_factor"}},
                {"solarize", "solarize", {"threshold", "addition"}, {"thresholds", "additions"}},
                {"posterize3", "posterize", {"bits", NULL}, {"bits_factor", NULL}}};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < IMAGES; i++) {
            const char *rest = "";
            for (int j = 0; j < 2 && maps[k].option[j]; j++)
                rest = fpc_sprintf(g.b->arena, "%s%s", rest,
                                   fixed(&g, maps[k].option[j], parameter(&g, maps[k].of, maps[k].parameter[j], 1)[i]));
            check(&g, maps[k].of, i, fpc_sprintf(g.b->arena, "%s%s", STILL, section(&g, maps[k].use, rest)), BOTH);
        }
}

/* ---- pixel ---- */
static void filters(void **state)
{
    const golden g = open_golden(state);
    const double *sigma = parameter(&g, "gaussian_blur3", "sigma", 1), *s = parameter(&g, "sharpness", "sharpness", 1);
    for (int i = 0; i < IMAGES; i++) {
        const char *blur = section(&g, "gaussian_blur", fixed(&g, "sigma", sigma[i]));
        check(&g, "gaussian_blur3", i, fpc_sprintf(g.b->arena, "%sk = 3\n%s", blur, STILL), BOTH);
        const char *sharp = section(&g, "sharpness", fixed(&g, "factor", s[i]));
        check(&g, "sharpness", i, fpc_sprintf(g.b->arena, "%s%s", sharp, STILL), BOTH);
    }
}

static void erasing_box(void **state)
{
    const golden g = open_golden(state);
    const double *w = parameter(&g, "erasing", "widths", 1), *h = parameter(&g, "erasing", "heights", 1),
                 *x = parameter(&g, "erasing", "xs", 1), *y = parameter(&g, "erasing", "ys", 1),
                 *value = parameter(&g, "erasing", "values", 1);
    const fpc_image_info info = {.size = sizeof info, .h = H, .w = W};
    for (int i = 0; i < IMAGES; i++) {
        const fpc_reals grey = {1, &value[i]};
        put_box(prepared_box, &info, (int64_t)x[i], (int64_t)y[i], (int64_t)w[i], (int64_t)h[i], grey);
        check_with(&g, "erasing", i, fpc_sprintf(g.b->arena, "%s%s", STILL, section(&g, "erasing", "")),
                   put_prepared_box, BOTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(plain),  CASE(rotation), CASE(affine),  CASE(perspective_corners),
                                       CASE(jitter), CASE(colours),  CASE(filters), CASE(erasing_box)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
