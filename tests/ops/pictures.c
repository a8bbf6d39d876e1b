/* pictures.c: what the ops of augmentation must do by their meaning, on every backend: borders are mirrored or held,
 * hues turn around, histograms become flat, windows and boxes lie where they should, a mosaic is halved pictures, and
 * what `jpeg` leaves of a picture is what libjpeg leaves of it. */
#include "try.h"
#include <fpcore/augment.h>
#include <jpeglib.h>
#include <math.h>

enum { H = 24, W = 32, PIXELS = H * W };

static double *real_of(const fpc_tensor t)
{
    return t.data;
}
static uint8_t *byte_of(const fpc_tensor t)
{
    return t.data;
}

static fpc_tensor labels(int32_t n, uint32_t seed)
{
    const fpc_tensor t = bytes(n, H, W, 1);
    for (int i = 0; i < n * PIXELS; i++)
        byte_of(t)[i] = (uint8_t)(19 * op_unit(seed, 3, (uint64_t)i));
    return t;
}

static void expect(const op_backend *b, const char *what, double got, double want, double bound)
{
    if (!(fabs(got - want) <= bound))
        fail_msg("%s (%s): %.9g instead of %.9g", what, b->name, got, want);
}

/* ---- borders ---- */

/* Where pixel i of n lies, mirrored about the centres of the border pixels, or held. */
static int by_hand(int i, int n, int border)
{
    while (i < 0 || i >= n)
        i = border == FPC_BORDER_EDGE ? (i < 0 ? 0 : n - 1) : i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

static void borders(const op_backend *b)
{
    const fpc_tensor x = random_reals(1, H, W, 3, 0, 1, 1), mask = labels(1, 2), table = bytes(1, 1, 1, 256);
    const fpc_tensor m = reals(1, 1, 1, 8), field = reals(1, FPC_FIELD_NODES, FPC_FIELD_NODES, 2);
    for (int i = 0; i < 256; i++)
        byte_of(table)[i] = (uint8_t)i;
    for (int border = FPC_BORDER_REFLECT; border <= FPC_BORDER_EDGE; border++)
        for (int by_field = 0; by_field < 2; by_field++) { /* 40 pixels to the left, 5 down: further than the picture */
            const op_case ci = {.op = "warp_image", .note = "", .attr.warp = {9, border}};
            const op_case cm = {.op = "warp_mask", .note = "", .attr.warp = {9, border}};
            real_of(m)[0] = real_of(m)[4] = 1;
            real_of(m)[2] = by_field ? 0 : -40, real_of(m)[5] = by_field ? 0 : 5;
            for (int i = 0; i < FPC_FIELD_NODES * FPC_FIELD_NODES * 2; i++)
                real_of(field)[i] = (double)(float)(!by_field ? 0 : i % 2 ? 5.0 * 2 / H : -40.0 * 2 / W);
            const op_result ri = run_op(b, &ci, 3, (fpc_tensor[]){x, m, field});
            const op_result rm = run_op(b, &cm, 4, (fpc_tensor[]){mask, m, table, field});
            for (int i = 0; i < PIXELS; i++) {
                const int from = by_hand(i / W + 5, H, border) * W + by_hand(i % W - 40, W, border);
                assert_int_equal((int)rm.value[0][i], byte_of(mask)[from]);
                for (int c = 0; c < 3; c++)
                    expect(b, "border", ri.value[0][i * 3 + c], real_of(x)[from * 3 + c], 2e-5);
            }
        }
}

/* ---- colours ---- */

static op_result colour(const op_backend *b, fpc_tensor x, int kind, double first)
{
    const op_case c = {.op = "colour", .note = ""};
    const fpc_tensor draws = reals(x.shape.n, 1, 1, 16);
    for (int32_t n = 0; n < x.shape.n; n++) {
        real_of(draws)[n * 16] = first;
        real_of(draws)[n * 16 + 15] = kind;
    }
    return run_op(b, &c, 2, (fpc_tensor[]){x, draws});
}

static void hues_turn(const op_backend *b)
{
    const fpc_tensor x = random_reals(1, H, W, 3, 0, 1, 5);
    const op_result third = colour(b, x, FPC_COLOUR_HUE, 1.0 / 3), whole = colour(b, x, FPC_COLOUR_HUE, -1);
    fpc_tensor half = reals(1, H, W, 3);
    memcpy(half.data, colour(b, x, FPC_COLOUR_HUE, 0.5).value[0], sizeof(double) * PIXELS * 3);
    const op_result twice = colour(b, half, FPC_COLOUR_HUE, 0.5);
    for (int i = 0; i < PIXELS * 3; i++) { /* red to green to blue */
        expect(b, "a third of a turn", third.value[0][i], real_of(x)[i / 3 * 3 + (i + 2) % 3], 2e-6);
        expect(b, "a whole turn", whole.value[0][i], real_of(x)[i], 2e-6);
        expect(b, "half a turn and again", twice.value[0][i], real_of(x)[i], 2e-6);
    }
}

/* Every byte equally often stays; two neighbouring bytes become black and white (PIL.ImageOps.equalize). */
static void histograms_become_flat(const op_backend *b)
{
    const fpc_tensor even = reals(1, 16, 64, 3), two = reals(1, 30, 34, 3);
    for (int i = 0; i < 1024 * 3; i++)
        real_of(even)[i] = (double)((float)(i / 3 % 256) / 255);
    for (int i = 0; i < 1020 * 3; i++)
        real_of(two)[i] = (double)((float)(100 + i / 3 % 2) / 255);
    const op_result same = colour(b, even, FPC_COLOUR_EQUALIZE, 1), apart = colour(b, two, FPC_COLOUR_EQUALIZE, 1);
    for (int i = 0; i < 1024 * 3; i++)
        expect(b, "equalize of an even picture", same.value[0][i], real_of(even)[i], 1e-6);
    for (int i = 0; i < 1020 * 3; i++)
        expect(b, "equalize of two bytes", apart.value[0][i], i / 3 % 2, 0);
}

static void contrasts_are_stretched(const op_backend *b)
{
    const fpc_tensor x = random_reals(2, H, W, 3, 0.2, 0.7, 6);
    for (int i = 0; i < PIXELS; i++)
        real_of(x)[i * 3 + 1] = 0.25; /* green of the first picture is flat: it stays */
    real_of(x)[0] = 0.125, real_of(x)[3 * 7] = 0.875;
    const op_result r = colour(b, x, FPC_COLOUR_AUTOCONTRAST, 1);
    for (int i = 0; i < PIXELS; i++) {
        expect(b, "autocontrast", r.value[0][i * 3], (real_of(x)[i * 3] - 0.125) / 0.75, 1e-6);
        expect(b, "autocontrast of a flat channel", r.value[0][i * 3 + 1], 0.25, 0);
    }
}

/* ---- windows ---- */

static void windows(const op_backend *b)
{
    const fpc_tensor x = random_reals(1, H, W, 3, 0, 1, 7), kernel = reals(1, 1, 1, 9), on = reals(1, 1, 1, 1);
    const op_case filter = {.op = "filter", .note = "", .attr.filter = {3, FPC_BORDER_REFLECT, 0}};
    const op_case median = {.op = "median", .note = "", .attr.filter = {3, 0, 0}};
    real_of(kernel)[3] = 0.5, real_of(kernel)[4] = 0.25, real_of(kernel)[7] = 2; /* left, here, below */
    const op_result r = run_op(b, &filter, 2, (fpc_tensor[]){x, kernel});
    for (int i = 0; i < PIXELS * 3; i++) {
        const int px = i / 3 % W, py = i / 3 / W, c = i % 3;
        const int left = (py * W + by_hand(px - 1, W, FPC_BORDER_REFLECT)) * 3 + c;
        const int below = (by_hand(py + 1, H, FPC_BORDER_REFLECT) * W + px) * 3 + c;
        expect(b, "filter", r.value[0][i], 0.5 * real_of(x)[left] + 0.25 * real_of(x)[i] + 2 * real_of(x)[below], 1e-6);
    }
    for (int i = 0; i < PIXELS * 3; i++) /* a ramp, which a median leaves alone, and one wrong pixel */
        real_of(x)[i] = i / 3 % W / 64.0;
    real_of(x)[(5 * W + 9) * 3 + 1] = 1;
    real_of(on)[0] = 1;
    const op_result m = run_op(b, &median, 2, (fpc_tensor[]){x, on});
    for (int i = 0; i < PIXELS * 3; i++)
        if (i / 3 % W > 0 && i / 3 % W < W - 1) /* at the sides the reflected neighbour counts twice */
            expect(b, "median", m.value[0][i], i / 3 % W / 64.0, (i / 3 / W >= 4 && i / 3 / W <= 6) ? 1.0 / 64 : 0);
    expect(b, "median of one wrong pixel", m.value[0][(5 * W + 9) * 3 + 1], 9 / 64.0, 1.0 / 64);
}

/* ---- jpeg ---- */

/* The picture through libjpeg, without subsampling. */
static void through_libjpeg(const uint8_t *from, uint8_t *to, int quality)
{
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct out = {.err = jpeg_std_error(&errors)};
    struct jpeg_decompress_struct in = {.err = &errors};
    unsigned char *file = NULL;
    unsigned long size = 0;
    jpeg_create_compress(&out);
    jpeg_mem_dest(&out, &file, &size);
    out.image_width = W, out.image_height = H, out.input_components = 3, out.in_color_space = JCS_RGB;
    jpeg_set_defaults(&out);
    jpeg_set_quality(&out, quality, TRUE);
    out.dct_method = JDCT_FLOAT;
    out.comp_info[0].h_samp_factor = out.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&out, TRUE);
    for (int y = 0; y < H; y++)
        jpeg_write_scanlines(&out, (JSAMPROW[]){(JSAMPROW)(uintptr_t)(from + y * W * 3)}, 1);
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    jpeg_create_decompress(&in);
    jpeg_mem_src(&in, file, size);
    jpeg_read_header(&in, TRUE);
    in.dct_method = JDCT_FLOAT;
    jpeg_start_decompress(&in);
    for (int y = 0; y < H; y++)
        jpeg_read_scanlines(&in, (JSAMPROW[]){to + y * W * 3}, 1);
    jpeg_finish_decompress(&in);
    jpeg_destroy_decompress(&in);
    free(file);
}

/* Some coefficients of a block are eighths of sums of bytes. Where these are odd none lies halfway between two
 * multiples of a step, where rounding errors would decide. */
static void make_sums_odd(uint8_t *from)
{
    for (int block = 0; block < PIXELS / 64; block++)
        for (int c = 0; c < 3; c++) {
            uint8_t *first = from + (block / (W / 8) * 8 * W + block % (W / 8) * 8) * 3 + c;
            int sum = 1;
            for (int i = 0; i < 64; i++)
                sum += first[(i / 8 * W + i % 8) * 3];
            *first = (uint8_t)(*first + sum % 2);
        }
}

/* Mean differences in bytes: of libjpeg's picture from the original, and of ours from libjpeg's. */
static void compare_with_libjpeg(const op_backend *b, int colour, int q, double *lost, double *differ)
{
    static uint8_t from[PIXELS * 3], to[PIXELS * 3];
    const op_case c = {.op = "jpeg", .note = ""};
    const fpc_tensor x = reals(1, H, W, 3), quality = reals(1, 1, 1, 1);
    for (int i = 0; i < PIXELS * 3; i++) {
        const int channel = colour ? i % 3 : 0;
        const double wave = sin(i / 3 % W * 0.4 + channel) * cos(i / 3 / W * 0.3);
        from[i] = (uint8_t)(110 + 80 * wave + 40 * op_unit(8, 8, (uint64_t)(i / 3 * 3 + channel)));
    }
    make_sums_odd(from);
    for (int i = 0; i < PIXELS * 3; i++)
        real_of(x)[i] = (double)((float)from[i] / 255);
    real_of(quality)[0] = q;
    *lost = *differ = 0;
    const op_result r = run_op(b, &c, 2, (fpc_tensor[]){x, quality});
    through_libjpeg(from, to, q);
    for (int i = 0; i < PIXELS * 3; i++) {
        *lost += fabs(to[i] - (double)from[i]) / (PIXELS * 3);
        *differ += fabs(to[i] - 255 * r.value[0][i]) / (PIXELS * 3);
    }
}

/* libjpeg rounds its result to bytes, by 0.25 on average. It also rounds YCbCr to bytes, which is exact for grey; where
 * steps are small it makes other multiples of many coefficients of a coloured picture, so that large ones are looked
 * at. */
static void jpeg_is_jpeg(const op_backend *b)
{
    static const int qualities[] = {1, 10, 30, 50, 75, 90, 100};
    for (int q = 0; q < (int)(sizeof qualities / sizeof qualities[0]); q++)
        for (int colour = 0; colour < (qualities[q] <= 10 ? 2 : 1); colour++) {
            double lost, differ;
            compare_with_libjpeg(b, colour, qualities[q], &lost, &differ);
            if (!(differ < (colour ? 0.05 * lost : 0.3)))
                fail_msg("%s: at quality %d a %s picture differs by %.2f bytes from libjpeg's, which differs by %.2f "
                         "from the original",
                         b->name, qualities[q], colour ? "coloured" : "grey", differ, lost);
            if (b == &all->exact)
                print_message("quality %d, %s: lost %.2f bytes, from libjpeg %.2f\n", qualities[q],
                              colour ? "colour" : "grey", lost, differ);
        }
}

/* ---- mixing ---- */

static fpc_tensor plan_of(int32_t n)
{
    const fpc_tensor t = reals(n, 1, FPC_MIX_LAYERS + 1, 12);
    for (int32_t i = 0; i < n; i++)
        real_of(t)[i * 60 + 1] = 1;
    return t;
}

static double *layer_of(fpc_tensor plan, int image, int k)
{
    return real_of(plan) + (image * (FPC_MIX_LAYERS + 1) + k + 1) * 12;
}

/* A quarter shows the whole partner at half its size; another takes two labels of it; the rest stays. */
static void mosaic(const op_backend *b)
{
    const fpc_tensor x = random_reals(2, H, W, 3, 0, 1, 9), mask = labels(2, 10), plan = plan_of(2),
                     table = bytes(2, 1, 4, 256);
    const op_case ci = {.op = "mix_image", .note = ""}, cm = {.op = "mix_mask", .note = ""};
    memcpy(layer_of(plan, 0, 0), (double[]){1, 1, 0, -1, 1, 0, 2, 2, -1, 1, 1}, 11 * sizeof(double));
    memcpy(layer_of(plan, 0, 2), (double[]){1, 0.5, -1, 0, 0, 1, 0, 0, 0, 0, 0}, 11 * sizeof(double));
    byte_of(table)[2 * 256 + 4] = byte_of(table)[2 * 256 + 7] = 1;
    const op_result ri = run_op(b, &ci, 4, (fpc_tensor[]){x, mask, plan, table});
    const op_result rm = run_op(b, &cm, 3, (fpc_tensor[]){mask, plan, table});
    const double *own = real_of(x), *other = own + PIXELS * 3;
    for (int i = 0; i < PIXELS; i++) {
        const int px = i % W, py = i / W, at = (py * 2 * W + (px - W / 2) * 2), label = byte_of(mask)[PIXELS + i];
        const int quarter = px >= W / 2 && py < H / 2, taken = px < W / 2 && py >= H / 2 && (label == 4 || label == 7);
        assert_int_equal((int)rm.value[0][i], quarter ? byte_of(mask)[PIXELS + at + W + 1]
                                              : taken ? label
                                                      : byte_of(mask)[i]);
        assert_int_equal((int)rm.value[0][PIXELS + i], byte_of(mask)[PIXELS + i]);
        for (int c = 0; c < 3; c++) {
            const double *p = other + (quarter ? at : 0) * 3 + c;
            const double want = quarter ? (p[0] + p[3] + p[W * 3] + p[W * 3 + 3]) / 4
                                : taken ? (own[i * 3 + c] + other[i * 3 + c]) / 2
                                        : own[i * 3 + c];
            expect(b, "mosaic", ri.value[0][i * 3 + c], want, 1e-6);
            expect(b, "the other picture", ri.value[0][(PIXELS + i) * 3 + c], other[i * 3 + c], 0);
        }
    }
}

/* Soft: both whole masks, the larger share first. */
static void soft_labels(const op_backend *b)
{
    const fpc_tensor mask = labels(3, 11), plan = plan_of(3), table = bytes(3, 1, 4, 256);
    const op_case which[2] = {{.op = "mix_mask", .note = "", .attr.mix = {0}},
                              {.op = "mix_mask", .note = "", .attr.mix = {1}}};
    const double share[3] = {0.75, 0.25, 1};
    for (int n = 0; n < 3; n++) {
        real_of(plan)[n * 60] = n < 2; /* the third is not mixed */
        real_of(plan)[n * 60 + 1] = share[n];
        memcpy(layer_of(plan, n, 0), (double[]){2 - n, n < 2 ? 1 - share[n] : 0, -1, -1, 1, 1, 1, 1, 0, 0, 1},
               11 * sizeof(double));
    }
    for (int k = 0; k < 2; k++) {
        const op_result r = run_op(b, &which[k], 3, (fpc_tensor[]){mask, plan, table});
        for (int i = 0; i < 3 * PIXELS; i++) {
            const int n = i / PIXELS, own = n == 2 || (share[n] > 0.5) == !k, from = own ? n : 2 - n;
            assert_int_equal((int)r.value[0][i], byte_of(mask)[from * PIXELS + i % PIXELS]);
        }
    }
}

/* ---- noise ---- */

static void noise_may_leave(const op_backend *b)
{
    const fpc_tensor in[3] = {random_reals(1, H, W, 3, 0, 1, 12), random_reals(1, 1, 1, 1, 0.5, 0.5, 1),
                              clock_at(1, 2, 3)};
    const op_case held = {.op = "gaussian_noise", .note = "", .attr.noise = {3, 0}};
    const op_case free_ = {.op = "gaussian_noise", .note = "", .attr.noise = {3, 1}};
    const op_result a = run_op(b, &held, 3, in), f = run_op(b, &free_, 3, in);
    int outside = 0;
    for (int i = 0; i < PIXELS * 3; i++) {
        outside += f.value[0][i] < 0 || f.value[0][i] > 1;
        expect(b, "clamped noise", a.value[0][i], fmin(1, fmax(0, f.value[0][i])), 0);
    }
    assert_true(outside > PIXELS * 3 / 4);
}

#define TEST(name)                                                                                                     \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        on_each(name);                                                                                                 \
    }
TEST(borders)
TEST(hues_turn)
TEST(histograms_become_flat)
TEST(contrasts_are_stretched)
TEST(windows)
TEST(jpeg_is_jpeg)
TEST(mosaic)
TEST(soft_labels)
TEST(noise_may_leave)

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(test_borders),
                                      cmocka_unit_test(test_hues_turn),
                                      cmocka_unit_test(test_histograms_become_flat),
                                      cmocka_unit_test(test_contrasts_are_stretched),
                                      cmocka_unit_test(test_windows),
                                      cmocka_unit_test(test_jpeg_is_jpeg),
                                      cmocka_unit_test(test_mosaic),
                                      cmocka_unit_test(test_soft_labels),
                                      cmocka_unit_test(test_noise_may_leave)};
    all = op_backends_open(NULL);
    const int failed = cmocka_run_group_tests(test, NULL, NULL);
    op_backends_close(all);
    return failed;
}
