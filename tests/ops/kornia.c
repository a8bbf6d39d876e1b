/* kornia.c: the ops of augmentation against Kornia 0.6.12 on PyTorch: given the parameters that Kornia drew, the same
 * pixels to 1e-3 and the same labels (FPCORE_SHARED/golden/augment_kornia.safetensors; skipped where it is absent).
 *
 * How a matrix of Kornia's becomes ours. Kornia's M sends input to output, in pixels of which the corner ones have
 * their centres at 0 and size - 1; warp_image wants output to input, so M is inverted: P = inv(M). Where Kornia samples
 * corner-aligned (flips, rotation), P is the pixel matrix itself. Where it does not (align_corners off: affine, shear),
 * grid_sample stretches these coordinates from edge to edge: with S(x) = (x + 1/2) (size - 1)/size, which takes a pixel
 * to where Kornia believes it is, the pixel matrix is inv(S) P S. Perspective mixes both: its grid is laid corner to
 * corner and its samples are taken edge to edge, so the pixel matrix is inv(S) P. In the coordinates of fpc_homography
 * ([-1,1] from edge to edge), the half-pixel case is C P inv(C) with C(x) = 2 x/(size - 1) - 1.
 *
 * Kornia's container samples masks corner-aligned whatever it does with the picture (extra_args of
 * AugmentationSequential), so in its results a mask lies up to half a pixel beside its picture. The labels here are
 * made with P, as Kornia's; an fpcore recipe keeps the mask on its picture, and then some labels next to a border
 * between classes are others: 56, 250 and 43 of 12288 in affine, shear and perspective, all less than 0.11 pixels from
 * where Kornia would take the same label. */
#include "weights/weights.h"
#include "try.h"
#include <fpcore/augment.h>
#include <math.h>

enum { N = 4, H = 48, W = 64, PIXELS = N * H * W };

static fpc_st_file *golden;
static fpc_arena *keep;          /* holds the file and the inputs */
static fpc_tensor image, mask;   /* (n,h,w,c) */
static const op_backend *device; /* under test */

static const fpc_st_tensor *entry(const char *name)
{
    const fpc_st_tensor *t = fpc_st_find(golden, name);
    if (!t)
        fail_msg("%s has no tensor %s", golden->path, name);
    return t;
}

/* Parameter NAME.param.PARAM of image n, number i. */
static double param(const char *name, const char *what, int n, int i)
{
    const fpc_st_tensor *t = entry(fpc_sprintf(all->scratch, "%s.param.%s", name, what));
    double *v = fpc_alloc(all->scratch, (size_t)t->count * sizeof *v);
    assert_int_equal(fpc_st_as_f64(all->b.ctx, golden, t, v), FPC_OK);
    return v[n * (t->count / t->dims[0]) + i];
}

/* ---- comparing ---- */

static void check_image(const char *name, const op_result *r)
{
    const fpc_st_tensor *t = entry(fpc_sprintf(all->scratch, "%s.image", name));
    const float *want = t->data;
    double worst = 0;
    for (int64_t i = 0; i < (int64_t)PIXELS * 3; i++) {
        const int64_t n = i / 3 / (H * W), at = i / 3 % (H * W), c = i % 3;
        const double error = fabs(r->value[0][i] - (double)want[(n * 3 + c) * H * W + at]);
        if (!(error <= 1e-3))
            fail_msg("%s (%s): picture %d, line %d, column %d, channel %d: %.6f instead of %.6f", name, device->name,
                     (int)n, (int)(at / W), (int)(at % W), (int)c, r->value[0][i],
                     (double)want[(n * 3 + c) * H * W + at]);
        worst = fmax(worst, error);
    }
    print_message("%-24s %-12s pictures differ by %.1e\n", name, device->name, worst);
}

static void check_mask(const char *name, const op_result *r)
{
    const uint8_t *want = entry(fpc_sprintf(all->scratch, "%s.mask", name))->data;
    int differ = 0;
    for (int i = 0; i < PIXELS; i++)
        differ += (uint8_t)r->value[0][i] != want[i];
    if (differ)
        fail_msg("%s (%s): %d labels differ", name, device->name, differ);
}

/* ---- geometry ---- */

static void product(const double a[9], const double b[9], double out[9])
{
    double r[9] = {0};
    for (int i = 0; i < 27; i++)
        r[i / 9 * 3 + i % 3] += a[i / 9 * 3 + i / 3 % 3] * b[i / 3 % 3 * 3 + i % 3];
    memcpy(out, r, sizeof r);
}

static void inverse(const double m[9], double out[9])
{
    const double det =
        m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
    for (int i = 0; i < 9; i++) { /* the cofactor of the transposed place */
        const int a = (i % 3 + 1) % 3, b = (i % 3 + 2) % 3, c = (i / 3 + 1) % 3, d = (i / 3 + 2) % 3;
        out[i] = (m[a * 3 + c] * m[b * 3 + d] - m[a * 3 + d] * m[b * 3 + c]) / det;
    }
}

typedef enum sampling { CORNERS, HALF_PIXELS, MIXED } sampling;

static fpc_tensor matrices(const char *name, sampling how)
{
    const double sx = (W - 1.0) / W, sy = (H - 1.0) / H;
    const double believed[9] = {sx, 0, sx / 2, 0, sy, sy / 2, 0, 0, 1};
    const fpc_st_tensor *t = entry(fpc_sprintf(all->scratch, "%s.matrix", name));
    const fpc_tensor out = reals(N, 1, 1, 8);
    for (int n = 0; n < N; n++) {
        double m[9], back[9];
        inverse((const double *)t->data + n * 9, m);
        inverse(believed, back);
        if (how != CORNERS)
            product(back, m, m);
        if (how == HALF_PIXELS)
            product(m, believed, m);
        for (int i = 0; i < 8; i++)
            ((double *)out.data)[n * 8 + i] = m[i] / m[8];
    }
    return out;
}

static fpc_tensor plain_labels(void)
{
    const fpc_tensor t = bytes(N, 1, 1, 256);
    for (int i = 0; i < N * 256; i++)
        ((uint8_t *)t.data)[i] = (uint8_t)i;
    return t;
}

static void check_warp(const char *name, sampling how)
{
    const op_case c = {.op = "warp_image", .note = name}, m = {.op = "warp_mask", .note = name};
    const op_result ri = run_op(device, &c, 2, (fpc_tensor[]){image, matrices(name, how)});
    const op_result rm = run_op(device, &m, 3, (fpc_tensor[]){mask, matrices(name, CORNERS), plain_labels()});
    check_image(name, &ri);
    check_mask(name, &rm);
}

static void geometry(const op_backend *b)
{
    device = b;
    check_warp("hflip", CORNERS);
    check_warp("vflip", CORNERS);
    check_warp("rotation15", CORNERS);
    check_warp("affine_scale_translate", HALF_PIXELS);
    check_warp("affine_shear", HALF_PIXELS);
    check_warp("perspective0.2", MIXED);
}

/* ---- colour ---- */

static const double grey[3] = {0.299, 0.587, 0.114};

/* Writes a map; m, g: as in fpc_colour. */
static void put_map(fpc_tensor *draws, int n, int stage, int kind, const double m[12], const double g[3])
{
    double *to = (double *)draws->data + (n * draws->shape.w + stage) * 16;
    for (int i = 0; i < 12; i++)
        to[i] = m[i];
    for (int i = 0; i < 3; i++)
        to[12 + i] = g ? g[i] : 0;
    to[15] = kind;
}

/* own x + shared (of the grey level of the pixel, or of the mean of the picture) */
static void put_blend(fpc_tensor *draws, int n, int stage, int kind, double own, double of_pixel, double of_mean)
{
    double m[12] = {0}, g[3];
    for (int i = 0; i < 9; i++)
        m[i / 3 * 4 + i % 3] = (i / 3 == i % 3 ? own : 0) + of_pixel * grey[i % 3];
    for (int i = 0; i < 3; i++)
        g[i] = of_mean * grey[i];
    put_map(draws, n, stage, kind, m, g);
}

static void check_colour(const char *name, fpc_tensor draws)
{
    const op_case c = {.op = "colour", .note = name};
    const op_result r = run_op(device, &c, 2, (fpc_tensor[]){image, draws});
    check_image(name, &r);
}

/* Brightness, contrast, saturation, hue in the order that Kornia drew for the batch. */
static void check_jitter(const char *name)
{
    fpc_tensor draws = reals(N, 1, 4, 16);
    for (int n = 0; n < N; n++)
        for (int k = 0; k < 4; k++) {
            const double brightness = param(name, "brightness_factor", n, 0),
                         contrast = param(name, "contrast_factor", n, 0),
                         saturation = param(name, "saturation_factor", n, 0), hue = param(name, "hue_factor", n, 0);
            switch ((int)param(name, "order", k, 0)) {
            case 0:
                put_blend(&draws, n, k, FPC_COLOUR_CLAMPED, brightness, 0, 0);
                break;
            case 1:
                put_blend(&draws, n, k, FPC_COLOUR_CLAMPED, contrast, 0, 1 - contrast);
                break;
            case 2:
                put_blend(&draws, n, k, FPC_COLOUR_CLAMPED, saturation, 1 - saturation, 0);
                break;
            default:
                put_map(&draws, n, k, FPC_COLOUR_HUE, (double[12]){hue}, NULL);
            }
        }
    check_colour(name, draws);
}

/* One map of up to two parameters for each picture; NULL: the number 1. */
static void check_kind(const char *name, int kind, const char *first, const char *second)
{
    fpc_tensor draws = reals(N, 1, 1, 16);
    for (int n = 0; n < N; n++)
        put_map(&draws, n, 0, kind,
                (double[12]){first ? param(name, first, n, 0) : 1, second ? param(name, second, n, 0) : 0}, NULL);
    check_colour(name, draws);
}

static void colours(const op_backend *b)
{
    device = b;
    fpc_tensor draws = reals(N, 1, 1, 16);
    check_jitter("color_jitter");
    check_jitter("color_jitter_hue");
    check_kind("gamma", FPC_COLOUR_GAMMA, "gamma_factor", "gain_factor");
    check_kind("solarize", FPC_COLOUR_SOLARIZE, "thresholds", "additions");
    check_kind("posterize3", FPC_COLOUR_POSTERIZE, "bits_factor", NULL);
    check_kind("equalize", FPC_COLOUR_EQUALIZE, NULL, NULL);
    for (int n = 0; n < N; n++)
        put_blend(&draws, n, 0, FPC_COLOUR_AFFINE, 0, 1, 0);
    check_colour("grayscale", draws);
    for (int n = 0; n < N; n++)
        put_map(&draws, n, 0, FPC_COLOUR_AFFINE, (double[12]){-1, 0, 0, 1, 0, -1, 0, 1, 0, 0, -1, 1}, NULL);
    check_colour("invert", draws);
}

/* ---- windows and boxes ---- */

static void check_filter(const char *name, int border, const fpc_tensor kernel)
{
    const op_case c = {.op = "filter", .note = name, .attr.filter = {3, border, 1}};
    const op_result r = run_op(device, &c, 2, (fpc_tensor[]){image, kernel});
    check_image(name, &r);
}

static void windows(const op_backend *b)
{
    device = b;
    const fpc_tensor blur = reals(N, 1, 1, 9), sharp = reals(N, 1, 1, 9);
    for (int n = 0; n < N; n++) {
        const double sigma = param("gaussian_blur3", "sigma", n, 0), factor = param("sharpness", "sharpness", n, 0);
        const double side = exp(-1 / (2 * sigma * sigma)), sum = 1 + 2 * side;
        for (int i = 0; i < 9; i++) {
            const int centre = i == 4;
            ((double *)blur.data)[n * 9 + i] = (i / 3 == 1 ? 1 : side) * (i % 3 == 1 ? 1 : side) / (sum * sum);
            ((double *)sharp.data)[n * 9 + i] = factor * centre + (1 - factor) * (centre ? 5 : 1) / 13;
        }
    }
    check_filter("gaussian_blur3", FPC_BORDER_REFLECT, blur);
    check_filter("sharpness", FPC_BORDER_KEEP, sharp);
}

/* Kornia's box covers xs .. xs + widths - 1; label 0 is its fill. */
static void erasing(const op_backend *b)
{
    device = b;
    const op_case c = {.op = "erase", .note = "erasing"}, m = {.op = "erase_mask", .note = "erasing"};
    const fpc_tensor boxes = reals(N, 1, 1, 8);
    for (int n = 0; n < N; n++) {
        double *box = (double *)boxes.data + n * 8;
        const double x = param("erasing", "xs", n, 0), y = param("erasing", "ys", n, 0);
        box[0] = 2 * x / W - 1;
        box[1] = 2 * y / H - 1;
        box[2] = 2 * (x + param("erasing", "widths", n, 0)) / W - 1;
        box[3] = 2 * (y + param("erasing", "heights", n, 0)) / H - 1;
        box[4] = box[5] = box[6] = param("erasing", "values", n, 0);
        box[7] = 1;
    }
    const op_result ri = run_op(device, &c, 2, (fpc_tensor[]){image, boxes});
    const op_result rm = run_op(device, &m, 2, (fpc_tensor[]){mask, boxes});
    check_image("erasing", &ri);
    check_mask("erasing", &rm);
}

static void geometry_as_kornia(void **state)
{
    (void)state;
    on_each(geometry);
}

static void colours_as_kornia(void **state)
{
    (void)state;
    on_each(colours);
}

static void windows_as_kornia(void **state)
{
    (void)state;
    on_each(windows);
}

static void erasing_as_kornia(void **state)
{
    (void)state;
    on_each(erasing);
}

/* The batch, channels last. */
static int open_golden(const char *path)
{
    keep = fpc_arena_new(all->b.ctx);
    if (!keep || fpc_st_read(all->b.ctx, keep, path, &golden))
        return 0;
    const float *from = entry("image")->data;
    image = (fpc_tensor){fpc_alloc(keep, (size_t)PIXELS * 3 * sizeof(double)), {N, H, W, 3}, FPC_F64, 0};
    mask = (fpc_tensor){fpc_alloc(keep, PIXELS), {N, H, W, 1}, FPC_U8, 0};
    if (!image.data || !mask.data || entry("image")->count != (int64_t)PIXELS * 3 || entry("mask")->count != PIXELS)
        return 0;
    for (int64_t i = 0; i < (int64_t)PIXELS * 3; i++)
        ((double *)image.data)[i] = (double)from[(i / 3 / (H * W) * 3 + i % 3) * H * W + i / 3 % (H * W)];
    memcpy(mask.data, entry("mask")->data, PIXELS);
    return 1;
}

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(geometry_as_kornia), cmocka_unit_test(colours_as_kornia),
                                      cmocka_unit_test(windows_as_kornia), cmocka_unit_test(erasing_as_kornia)};
    const char *root = getenv("FPCORE_SHARED");
    all = op_backends_open(NULL);
    const char *path =
        fpc_sprintf(all->scratch, "%s/golden/augment_kornia.safetensors", root && *root ? root : "../shared");
    int failed = 77;
    if (access(path, R_OK)) {
        printf("skipped: %s is not there\n", path);
    } else if (!open_golden(path)) {
        printf("%s: %s\n", path, op_error(all));
        failed = 1;
    } else {
        failed = cmocka_run_group_tests(test, NULL, NULL);
    }
    fpc_arena_free(keep);
    op_backends_close(all);
    return failed;
}
