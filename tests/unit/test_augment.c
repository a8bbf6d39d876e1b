/* test_augment.c: the draws of a recipe's [augment.*] sections become what the ops take: composition, its order, exact
 * flips, exchange of labels, angles on oblong pictures, purity; and the ops that are built. */
#include "plugins/open.h"
#include "data.h"
#include <math.h>

static const uint8_t pairs[][2] = {{4, 5}, {6, 7}};
static const fpc_dataset_info info = {.size = sizeof info,
                                      .h = 32,
                                      .w = 48,
                                      .c = 3,
                                      .classes = 19,
                                      .mirror_pairs = pairs,
                                      .n_mirror_pairs = 2,
                                      .ignore_label = -1};

typedef struct drawn {
    float warp[8], colour[64 * 16], pixel0[16], *pixel[1];
    uint8_t labels[256];
} drawn;

static fpc_status try_augments(bench *b, const char *text, const fpc_dataset_info *set, fpc_augments **out)
{
    fpc_recipe *recipe = NULL;
    const fpc_status st = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    return st ? st : fpc_augments_open(b->ctx, b->arena, b->registry, recipe, set, out);
}

static fpc_augments *open_augments(bench *b, const char *text)
{
    fpc_augments *a = NULL;
    if (try_augments(b, text, &info, &a))
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    return a;
}

static drawn draw_sized(bench *b, const fpc_augments *a, int64_t epoch, int64_t sample, int32_t h, int32_t w)
{
    drawn d;
    memset(&d, 0, sizeof d);
    d.pixel[0] = d.pixel0;
    fpc_draws to = {d.warp, d.colour, d.pixel, d.labels};
    if (fpc_augments_draw(a, 77, epoch, 3, sample, 0, 1, h, w, &to))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return d;
}

static drawn draw(bench *b, const char *text, int32_t h, int32_t w)
{
    return draw_sized(b, open_augments(b, text), 0, 0, h, w);
}

#define FLIP "[augment.flip]\nuse = hflip\np = 1\n"
#define KEEP "[augment.keep]\nuse = hflip\np = 1\nexchange = off\n"

static void flips_are_exact(void **state)
{
    bench *b = *state;
    const fpc_augments *a = open_augments(b, FLIP);
    for (int32_t w = 1; w < 5000; w++) {
        const drawn d = draw_sized(b, a, 0, 0, w + 3, w);
        const float want[8] = {-1, 0, (float)(w - 1), 0, 1, 0, 0, 0};
        assert_memory_equal(d.warp, want, sizeof want);
    }
    const drawn twice = draw(b, FLIP "[augment.again]\nuse = hflip\np = 1\n", 33, 47);
    const float identity[8] = {1, 0, 0, 0, 1, 0, 0, 0};
    assert_memory_equal(twice.warp, identity, sizeof identity);
    const drawn never = draw(
        b,
        "[augment.flip]\nuse = hflip\np = 0\n[augment.turn]\nuse = rotate\np = 0\n[augment.a]\nuse = affine\np = 0\n",
        33, 47);
    assert_memory_equal(never.warp, identity, sizeof identity);
}

static void labels_follow_mirrors(void **state)
{
    bench *b = *state;
    static const struct {
        const char *text;
        int exchanged;
    } cases[] = {{FLIP, 1},
                 {KEEP, 0},
                 {FLIP KEEP, 1},
                 {KEEP FLIP, 1},
                 {FLIP "[augment.again]\nuse = hflip\np = 1\n", 0},
                 {"[augment.turn]\nuse = rotate\ndegrees = 170, 170\np = 1\n", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const drawn d = draw(b, cases[i].text, 32, 32);
        for (int k = 0; k < 256; k++) {
            const int want = !cases[i].exchanged ? k : k == 4 ? 5 : k == 5 ? 4 : k == 6 ? 7 : k == 7 ? 6 : k;
            assert_int_equal(d.labels[k], want);
        }
    }
}

/* Where output pixel (x, y) is read. */
static void sent(const float m[8], double x, double y, double *ix, double *iy)
{
    const double k = m[6] * x + m[7] * y + 1;
    *ix = (m[0] * x + m[1] * y + m[2]) / k;
    *iy = (m[3] * x + m[4] * y + m[5]) / k;
}

static void quarter_turns(void **state)
{
    bench *b = *state;
    const drawn d = draw(b, "[augment.turn]\nuse = rotate\ndegrees = 90, 90\np = 1\n", 20, 20);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 20; x++) { /* counter-clockwise: what is at the right comes to the top */
            double ix, iy;
            sent(d.warp, x, y, &ix, &iy);
            assert_true(ix == 19 - y && iy == x);
        }
}

/* Lengths and angles are kept on an oblong picture, and the centre stays. */
static void rotation_on_oblong(void **state)
{
    bench *b = *state;
    const drawn d = draw(b, "[augment.turn]\nuse = rotate\ndegrees = 30, 30\np = 1\n", 30, 90);
    double cx, cy, rx, ry;
    sent(d.warp, 44.5, 14.5, &cx, &cy);
    assert_true(fabs(cx - 44.5) < 1e-4 && fabs(cy - 14.5) < 1e-4);
    sent(d.warp, 54.5, 14.5, &rx, &ry);
    assert_true(fabs(rx - cx - 10 * cos(30 * 0.017453292519943295)) < 1e-4);
    assert_true(fabs(ry - cy - 10 * sin(30 * 0.017453292519943295)) < 1e-4); /* from below: y points down */
}

/* A first, then B: the picture is first shifted by half its width, then mirrored; so what was at the left edge and went
 * to the middle ends in the middle, and what comes from outside ends at the right. */
static void order_of_sections(void **state)
{
    bench *b = *state;
    const char *shift = "[augment.shift]\nuse = affine\ntranslate = 0.5, 0.5\np = 1\n";
    double ix, iy;
    drawn d = draw(b, fpc_sprintf(b->arena, "%s%s", shift, FLIP), 10, 10);
    sent(d.warp, 4, 0, &ix, &iy);
    assert_true(ix == 0 && iy == -5);
    sent(d.warp, 9, 0, &ix, &iy);
    assert_true(ix == -5);
    d = draw(b, fpc_sprintf(b->arena, "%s%s", FLIP, shift), 10, 10);
    sent(d.warp, 5, 5, &ix, &iy);
    assert_true(ix == 9 && iy == 0);
    sent(d.warp, 0, 0, &ix, &iy);
    assert_true(ix == 14);
}

static void pure_and_spread(void **state)
{
    bench *b = *state;
    const fpc_augments *a =
        open_augments(b, "[augment.flip]\nuse = hflip\np = 0.3\n[augment.turn]\nuse = rotate\ndegrees = 20\np = 0.6\n"
                         "[augment.jitter]\nuse = color_jitter\nbrightness = 0.7, 1.3\np = 0.5\n"
                         "[augment.noise]\nuse = gaussian_noise\nsigma = 0.1, 0.2\np = 0.25\n");
    int flips = 0, turns = 0, jitters = 0, noises = 0;
    assert_int_equal(a->n, 4);
    assert_int_equal(a->n_colour, 3);
    assert_int_equal(a->n_pixel, 1);
    for (int i = 0; i < 2000; i++) {
        const drawn d = draw_sized(b, a, i / 500, i, 40, 40), again = draw_sized(b, a, i / 500, i, 40, 40);
        assert_memory_equal(d.warp, again.warp, sizeof d.warp);
        assert_memory_equal(d.colour, again.colour, sizeof d.colour);
        assert_memory_equal(d.pixel0, again.pixel0, sizeof d.pixel0);
        flips += d.warp[0] < 0;
        turns += d.warp[1] != 0;
        jitters += d.colour[0] != 0;
        noises += d.pixel0[0] != 0;
        if (d.pixel0[0] != 0)
            assert_true(d.pixel0[0] >= 0.1f && d.pixel0[0] <= 0.2f);
        assert_true(fabs((double)d.warp[1]) <= sin(20 * 0.017453292519943295) + 1e-6);
    }
    assert_in_range(flips, 540, 660);
    assert_in_range(turns, 1130, 1270);
    assert_in_range(jitters, 930, 1070);
    assert_in_range(noises, 440, 560);
}

static void fill_and_refusals(void **state)
{
    bench *b = *state;
    fpc_augments *a = NULL;
    fpc_dataset_info with = info;
    with.ignore_label = 255;
    assert_int_equal(try_augments(b, "[augment]\nfill = ignore\n" FLIP, &with, &a), FPC_OK);
    assert_int_equal(a->fill, 255);
    assert_int_equal(a->n, 1);
    assert_int_equal(open_augments(b, FLIP)->fill, 0);
    assert_int_not_equal(try_augments(b, "[augment]\nfill = ignore\n", &info, &a), FPC_OK);
    assert_non_null(
        strstr(fpc_ctx_error(b->ctx), "test.ini:2: augment.fill = ignore: the data set has no ignore label"));
    fpc_ctx_clear(b->ctx);
    assert_int_not_equal(try_augments(b, "[augment.flip]\nuse = hflip\ndegrees = 3\n", &info, &a), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "augment.flip.degrees"));
    fpc_ctx_clear(b->ctx);
    assert_int_not_equal(try_augments(b, "[augment.flip]\nuse = affine\nscale = 0, 0\np = 1\n", &info, &a), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "augment.flip.scale"));
}

static int has_op(const fpc_graph *g, const char *op)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, op))
            return 1;
    return 0;
}

static void builds_what_is_needed(void **state)
{
    bench *b = *state;
    fpc_op_table *ops;
    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 0, NULL, &ops), FPC_OK);
    static const char *const texts[] = {"", FLIP, "[augment.j]\nuse = color_jitter\n",
                                        "[augment.n]\nuse = gaussian_noise\n",
                                        FLIP "[augment.j]\nuse = color_jitter\n[augment.n]\nuse = gaussian_noise\n"};
    for (int i = 0; i < 6; i++) {
        fpc_graph *g;
        fpc_val image, mask;
        assert_int_equal(fpc_graph_new(b->ctx, b->arena, ops, FPC_F32, 1, &g), FPC_OK);
        const fpc_val u8 = fpc_input(g, "image", (fpc_shape){2, 32, 48, 3}, FPC_U8);
        const fpc_val labels = fpc_input(g, "mask", (fpc_shape){2, 32, 48, 1}, FPC_U8);
        fpc_augments_build(i == 5 ? NULL : open_augments(b, texts[i]), g, u8, labels, &image, &mask);
        if (fpc_graph_check(g))
            fail_msg("%s", fpc_ctx_error(b->ctx));
        const fpc_shape s = fpc_shape_of(g, image), m = fpc_shape_of(g, mask);
        assert_true(s.n == 2 && s.h == 32 && s.w == 48 && s.c == 3 && m.h == 32 && m.w == 48 && m.c == 1);
        assert_int_equal(fpc_dtype_of(g, image), FPC_F32);
        assert_int_equal(fpc_dtype_of(g, mask), FPC_U8);
        assert_int_equal(has_op(g, "warp_image"), i == 1 || i == 4);
        assert_int_equal(has_op(g, "warp_mask"), i == 1 || i == 4);
        assert_int_equal(has_op(g, "to_real"), !(i == 1 || i == 4));
        assert_int_equal(has_op(g, "colour"), i == 2 || i == 4);
        assert_int_equal(has_op(g, "gaussian_noise"), i == 3 || i == 4);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(flips_are_exact),    TEST(labels_follow_mirrors), TEST(quarter_turns),
                                       TEST(rotation_on_oblong), TEST(order_of_sections),     TEST(pure_and_spread),
                                       TEST(fill_and_refusals),  TEST(builds_what_is_needed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
