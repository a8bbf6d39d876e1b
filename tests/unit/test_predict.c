/* test_predict.c: what `fpcore predict` draws over a picture, its legend, and which files it may write. The verb as a
 * whole: tests/cli/predict.sh. */
#include "fixture.h"
#include "cmd/predict/predict.h"
#include "plugins/pictures.h"

static const uint8_t palette[3][3] = {{0, 0, 0}, {250, 10, 10}, {10, 10, 250}};

static int is(const fpc_image *p, int x, int y, int r, int g, int b)
{
    const uint8_t *at = p->pixel + 3 * (y * p->w + x);

    return at[0] == r && at[1] == g && at[2] == b;
}

/* Label 1 left, 2 right, ground below: tints within, full colours along borders, a dark line where the ground begins.
 */
static void overlay(void **state)
{
    enum { W = 20, H = 12 };
    uint8_t pixel[W * H * 3], label[W * H] = {0};
    fpc_image picture = {W, H, 3, pixel};

    (void)state;
    memset(pixel, 100, sizeof pixel);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < W; x++)
            label[y * W + x] = x < 10 ? 1 : 2;
    fpc_overlay_draw(&picture, label, palette);
    assert_true(is(&picture, 3, 3, 150, 70, 70) && is(&picture, 15, 3, 70, 70, 150)); /* a third of the colour */
    assert_true(is(&picture, 9, 3, 250, 10, 10) && is(&picture, 10, 3, 10, 10, 250));
    assert_true(is(&picture, 8, 3, 150, 70, 70) && is(&picture, 0, 3, 150, 70, 70)); /* an edge is no border */
    assert_true(is(&picture, 3, 7, 250, 10, 10) && is(&picture, 3, 8, 33, 33, 33));
    assert_true(is(&picture, 3, 9, 100, 100, 100) && is(&picture, 19, 11, 100, 100, 100));
}

/* Large pictures have thicker lines. */
static void thick_lines(void **state)
{
    enum { SIDE = 1024 };
    bench *b = *state;
    fpc_image picture = {SIDE, SIDE, 3, fpc_alloc(b->arena, SIDE * SIDE * 3)};
    uint8_t *label = fpc_alloc(b->arena, SIDE * SIDE);

    for (int i = 0; i < SIDE * SIDE; i++)
        label[i] = i % SIDE < 500 ? 1 : 2;
    fpc_overlay_draw(&picture, label, palette);
    assert_true(is(&picture, 499, 9, 250, 10, 10) && is(&picture, 498, 9, 250, 10, 10));
    assert_false(is(&picture, 497, 9, 250, 10, 10));
}

static void legend(void **state)
{
    static const char *const name[] = {"ground", "a part", "another"};
    bench *b = *state;
    fpc_image few, many;
    uint8_t colours[100][3];

    has_to_succeed(b, fpc_legend_write(b->ctx, b->arena, in_folder("l.png"), 3, name, palette), "the legend");
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("l.png"), &few), FPC_OK);
    assert_true(fpc_png_says(in_folder("l.png"), FPC_PREDICT_MARK));
    for (int c = 0; c < 3; c++)
        assert_true(is(&few, 15, 15 + 22 * c, palette[c][0], palette[c][1], palette[c][2]));
    fpc_palette_make(100, colours);
    has_to_succeed(b, fpc_legend_write(b->ctx, b->arena, in_folder("m.png"), 100, NULL, colours), "a large legend");
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("m.png"), &many), FPC_OK);
    assert_true(many.h < 1000 && many.w > few.w); /* in columns */
}

static void files(void **state)
{
    bench *b = *state;
    const fpc_image rgb = picture(b->arena, 4, 4, 3, 0);
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena};
    const char *folder = fpc_strdup(b->arena, in_folder("p")), *out = fpc_strdup(b->arena, in_folder("o"));
    fpc_predict_files f = {.cmd = &cmd, .out = out, .overlay = 1};

    make_folder("p");
    write_png(b, "p/b.png", &rgb, NULL, 0);
    write_png(b, "p/a.png", &rgb, NULL, 0);
    assert_int_equal(fpc_predict_add(&f, folder), FPC_OK);
    assert_true(f.n == 2 && strstr(f.item[0].picture, "/a.png")); /* by name, whatever the folder's order */
    assert_string_equal(f.item[1].mask, fpc_sprintf(b->arena, "%s/b.png", out));
    assert_string_equal(f.item[1].overlay, fpc_sprintf(b->arena, "%s/b.overlay.png", out));
    assert_int_equal(fpc_predict_check(&f, 0), FPC_OK);
    make_folder("o");
    write_png(b, "o/b.overlay.png", &rgb, NULL, 0);
    assert_int_equal(fpc_predict_check(&f, 0), FPC_EINVAL);
    said(b, "o/b.overlay.png: is there already");
    assert_int_equal(fpc_predict_check(&f, 1), FPC_OK);
    f.out = folder;
    assert_int_equal(fpc_predict_add(&f, in_folder("p/a.png")), FPC_OK);
    assert_int_equal(fpc_predict_check(&f, 1), FPC_EINVAL);
    said(b, "would be replaced");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(overlay), CASE(thick_lines), CASE(legend), CASE(files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
