/* test_preview.c: draws in words: the pose of matrices that are known, and the lines for maps, numbers and mixes that a
 * test wrote by hand; and that the sheet shows what training gets. */
#define _GNU_SOURCE
#include "tiny.h"
#include "image/image.h"
#include "cmd/inspect/preview.h"
#include <unistd.h>

enum { W = 80, H = 60 };

/* Output to input for: mirror the picture (if asked), scale by (sx, sy), turn by deg counter-clockwise, shift. */
static void matrix(int mirror, double deg, double sx, double sy, double tx, double ty, float out[8])
{
    const double a = -deg * acos(-1) / 180, c = cos(a), s = sin(a), cx = (W - 1) / 2.0, cy = (H - 1) / 2.0;
    const double f[4] = {c * sx * (mirror ? -1 : 1), -s * sy, s * sx * (mirror ? -1 : 1), c * sy}; /* in to out */
    const double det = f[0] * f[3] - f[1] * f[2];
    const double b[4] = {f[3] / det, -f[1] / det, -f[2] / det, f[0] / det};
    const double m[8] = {b[0], b[1], cx - b[0] * (cx + tx) - b[1] * (cy + ty),
                         b[2], b[3], cy - b[2] * (cx + tx) - b[3] * (cy + ty)};
    for (int i = 0; i < 8; i++)
        out[i] = (float)m[i];
}

static void poses(void **state)
{
    static const struct {
        int mirror;
        double deg, sx, sy, tx, ty;
    } list[] = {{0, 0, 1, 1, 0, 0},         {1, 0, 1, 1, 0, 0},   {0, 30, 1, 1, 0, 0},     {0, -12.5, 1.1, 1.1, 4, -3},
                {1, 20, 0.8, 0.9, -7, 2.5}, {1, -75, 2, 1, 0, 1}, {0, 170, 0.5, 1.5, 3, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        float m[8];
        fpc_pose p;
        matrix(list[i].mirror, list[i].deg, list[i].sx, list[i].sy, list[i].tx, list[i].ty, m);
        assert_int_equal(fpc_pose_of(m, H, W, &p), 1);
        assert_int_equal(p.mirrored, list[i].mirror);
        assert_true(fabs(p.angle - list[i].deg) < 1e-3);
        assert_true(fabs(p.scale_x - list[i].sx) < 1e-4 && fabs(p.scale_y - list[i].sy) < 1e-4);
        assert_true(fabs(p.shift_x - list[i].tx) < 1e-3 && fabs(p.shift_y - list[i].ty) < 1e-3);
        assert_true(fabs(p.shear) < 1e-4 && p.perspective == 0);
    }
    const float flat[8] = {0}, nan[8] = {NAN, 0, 0, 0, 1}, keystone[8] = {1, 0, 0, 0, 1, 0, 0.001f, 0};
    fpc_pose p;
    assert_int_equal(fpc_pose_of(flat, H, W, &p), 0);
    assert_int_equal(fpc_pose_of(nan, H, W, &p), 0);
    assert_int_equal(fpc_pose_of(keystone, H, W, &p), 1);
    assert_true(fabs(p.perspective - 0.08) < 1e-6);
}

#define AUGMENTED                                                                                                      \
    TINY "[augment.flip]\nuse = hflip\np = 1\n[augment.turn]\nuse = rotate\n[augment.jitter]\nuse = color_jitter\n"    \
         "brightness = 0.5, 1.5\n[augment.noise]\nuse = gaussian_noise\n[augment.cut]\nuse = cutmix\n"

static const char *const names[4] = {"ann", "bob", "cid", "dan"};

static const char *line(const fpc_preview_sample *s, const char *begin)
{
    for (int32_t i = 0; i < s->n_lines; i++)
        if (!strncmp(s->line[i], begin, strlen(begin)))
            return s->line[i];
    return "(none)";
}

static fpc_preview_sample describe(bench *b, const fpc_batch *batch, int32_t row)
{
    fpc_preview_sample s;
    assert_int_equal(fpc_preview_describe(b->arena, fpc_data_augments(b->s->data), batch, row, names, &s), FPC_OK);
    return s;
}

static void words(void **state)
{
    bench b;
    (void)state;
    bench_experiment(&b, AUGMENTED, "", OPEN_ALL);
    const fpc_augments *a = fpc_data_augments(b.s->data);
    fpc_batch batch = {.n = 4, .h = H, .w = W};
    assert_int_equal(fpc_draws_new(a, b.arena, 4, &batch.draws), FPC_OK);
    float *warp = fpc_draws_find(a, &batch.draws, "draw.warp");
    uint8_t *table = fpc_draws_find(a, &batch.draws, "draw.labels");
    float *colour = fpc_draws_find(a, &batch.draws, "draw.colour");
    float *noise = fpc_draws_find(a, &batch.draws, "draw.augment.noise");
    float *plan = fpc_draws_find(a, &batch.draws, "draw.mix");
    assert_true(warp && table && colour && noise && plan);
    for (int row = 0; row < 4; row++) {
        matrix(row == 1, row == 1 ? 10 : 0, 1, 1, 0, 0, warp + 8 * row);
        for (int i = 0; i < 256; i++)
            table[row * 256 + i] = (uint8_t)(row == 1 && i >= 4 && i < 10 ? i ^ 1 : i);
    }
    noise[1] = 0.125f;
    const int64_t floats = a->input[a->colour].count;
    fpc_colour c = {.m = {1.25f, 0, 0, 0, 0, 1.25f, 0, 0, 0, 0, 1.25f, 0}};
    memcpy(colour + floats, &c, sizeof c);
    const int64_t numbers = 60; /* of a plan: a head and four layers of 12 */
    plan[numbers + 1] = 1;
    const float layer[12] = {2, 1, -1, -1, 0, 0.5f, 1, 1, 0, 0, 1};
    memcpy(plan + numbers + 12, layer, sizeof layer);

    fpc_preview_sample s = describe(&b, &batch, 0);
    assert_string_equal(line(&s, "geometry"), "geometry: as it is");
    assert_string_equal(line(&s, "jitter"), "jitter: none");
    assert_string_equal(line(&s, "noise"), "noise: none");
    assert_string_equal(line(&s, "mix"), "mix: none");
    s = describe(&b, &batch, 1);
    assert_string_equal(line(&s, "geometry"), "geometry: mirrored, turned 10.0 deg, left and right labels exchanged");
    assert_string_equal(line(&s, "jitter"), "jitter: x 1.250");
    assert_string_equal(line(&s, "noise"), "noise: 0.125");
    assert_string_equal(line(&s, "mix"), "mix: 100 % of cid in x 0..40, y 0..45 px");

    static const struct {
        fpc_colour c;
        const char *want;
    } maps[] = {{{.m = {0.05f}, .kind = FPC_COLOUR_HUE}, "jitter: hue +0.050 turns"},
                {{.m = {0.5f, 1}, .kind = FPC_COLOUR_GAMMA}, "jitter: gamma 0.500, gain 1.000"},
                {{.m = {3}, .kind = FPC_COLOUR_POSTERIZE}, "jitter: posterized to 3 bits"},
                {{.m = {0.5f, -0.1f}, .kind = FPC_COLOUR_SOLARIZE}, "jitter: solarized from 0.500, -0.100"},
                {{.m = {1}, .kind = FPC_COLOUR_EQUALIZE}, "jitter: equalized"},
                {{.m = {1}, .kind = FPC_COLOUR_AUTOCONTRAST}, "jitter: contrast stretched"},
                {{.m = {0.5f, 0, 0, 0.1f, 0, 1, 0, 0, 0, 0, 2}, .g = {0.5f}},
                 "jitter: x 0.500 1.000 2.000 + 0.100 0.000 0.000 + means x 0.500 0.000 0.000"},
                {{.m = {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}},
                 "jitter: x (0.000 1.000 0.000; 1.000 0.000 0.000; 0.000 0.000 1.000)"}};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        memcpy(colour + floats, &maps[i].c, sizeof maps[i].c);
        s = describe(&b, &batch, 1);
        assert_string_equal(line(&s, "jitter"), maps[i].want);
    }
    bench_free(&b);
}

/* An epoch's first batch: the pictures of the sheet are those of the training graph. A flip alone moves pixels exactly.
 */
static void augmented_sheet(void **state)
{
    bench b;
    const fpc_batch *batch;
    static float image[4 * 32 * 32 * 3];
    static uint8_t mask[4 * 32 * 32];
    (void)state;
    bench_experiment(&b, TINY "[augment.flip]\nuse = hflip\np = 1\n", "", OPEN_ALL);
    assert_int_equal(fpc_data_start(b.s->data, FPC_TRAIN, 0, 0), FPC_OK);
    assert_int_equal(fpc_data_next(b.s->data, &batch), FPC_OK);
    assert_int_equal(fpc_augmented_step(b.s, batch, image, mask), FPC_OK);
    for (int i = 0; i < 4 * 32; i++)
        for (int x = 0; x < 32; x++) {
            const uint8_t was = batch->mask[i * 32 + 31 - x];
            assert_int_equal(mask[i * 32 + x], was >= 4 && was < 10 ? was ^ 1 : was);
            for (int c = 0; c < 3; c++)
                assert_true(fabs(image[(i * 32 + x) * 3 + c] - batch->image[(i * 32 + 31 - x) * 3 + c] / 255.) < 1e-6);
        }

    fpc_preview_sample s = {
        .name = "a", .image = batch->image, .mask = batch->mask, .augmented = image, .labels = mask};
    assert_int_equal(fpc_preview_describe(b.arena, fpc_data_augments(b.s->data), batch, 0, names, &s), FPC_OK);
    assert_string_equal(s.line[0], "geometry: mirrored, left and right labels exchanged");
    const char *path = fpc_sprintf(b.arena, "/var/tmp/fpcore-preview-%ld.png", (long)getpid());
    fpc_image sheet;
    assert_int_equal(fpc_preview_draw(b.ctx, b.arena, &b.s->info, path, "title", 1, &s), FPC_OK);
    assert_int_equal(fpc_image_read(b.ctx, b.arena, path, &sheet), FPC_OK);
    unlink(path);
    /* tiles of 160 from (8, 48), five of them: a corner of the mask has its colour, the overlay half of it */
    assert_int_equal(sheet.w, 8 + 5 * 168);
    const uint8_t *tile = sheet.pixel + ((48 + 2) * sheet.w + 8 + 168 + 2) * 3;
    assert_memory_equal(tile, b.s->info.palette[batch->mask[0]], 3);
    tile = sheet.pixel + ((48 + 2) * sheet.w + 8 + 3 * 168 + 2) * 3;
    assert_memory_equal(tile, b.s->info.palette[mask[0]], 3);
    fpc_preview_sample *many = fpc_alloc(b.arena, 300 * sizeof *many);
    for (int i = 0; i < 300; i++)
        many[i] = s;
    assert_int_equal(fpc_preview_draw(b.ctx, b.arena, &b.s->info, path, "title", 300, many), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "show fewer"));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(poses), cmocka_unit_test(words),
                                       cmocka_unit_test(augmented_sheet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
