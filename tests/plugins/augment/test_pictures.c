/* test_pictures.c: every augmentation carried out on pictures, by core and ops on the backends ref and cpu: nothing
 * drawn leaves every bit alone; both backends see the same; labels change sides with vertical flips; covered and moved
 * pixels get the label that `fill` says; mixed batches show what their plans say, with hard and with soft targets. */
#include "apply.h"

enum { N = 4, H = 40, W = 56, AREA = H * W };
#define STILL "[augment.still]\nuse = hflip\np = 0\n"
static const char *const all[] = {"hflip",
                                  "vflip",
                                  "rotate",
                                  "affine\ndegrees = 5, 20",
                                  "shear",
                                  "perspective",
                                  "crop",
                                  "resized_crop",
                                  "elastic",
                                  "thin_plate_spline",
                                  "color_jitter\nbrightness = 0.5, 0.6\nhue = 0.1, 0.2",
                                  "brightness\nfactor = 0.5, 0.6",
                                  "contrast\nfactor = 0.5, 0.6",
                                  "saturation\nfactor = 0.5, 0.6",
                                  "hue\nshift = 0.1, 0.2",
                                  "gamma\ngamma = 2, 3",
                                  "grayscale",
                                  "equalize",
                                  "posterize\nbits = 2, 3",
                                  "solarize",
                                  "invert",
                                  "auto_contrast",
                                  "channel_shuffle",
                                  "sharpness\nfactor = 2, 3",
                                  "gaussian_blur\nsigma = 1, 2",
                                  "box_blur",
                                  "median_blur",
                                  "motion_blur",
                                  "gaussian_noise",
                                  "erasing",
                                  "coarse_dropout\nlabels = fill",
                                  "jpeg",
                                  "mixup\nalpha = 2",
                                  "cutmix",
                                  "mosaic",
                                  "copy_paste\nclasses = 4, 5, 6, 7",
                                  "class_mix",
                                  "rand_augment\nmagnitude = 17",
                                  "trivial_augment",
                                  "augmix\nseverity = 8"};
enum { ALL = sizeof all / sizeof *all };

/* Stripes and blobs of 12 labels, colours that go with place and label and stay off the ends of [0,1]. */
static pictures some_pictures(bench *b)
{
    pictures p = new_pictures(b, N, H, W);
    for (int i = 0; i < N * AREA; i++) {
        const int n = i / AREA, y = i / W % H, x = i % W;
        const int label = (x * (n + 1) / 11 + y / 9 * (n + 2)) % 12;
        p.mask[i] = (uint8_t)label;
        for (int c = 0; c < 3; c++) {
            const int byte = 20 + (label * 31 * (c + 1) + x * (c + 2) + 3 * y + 7 * n) % 210;
            p.image[3 * i + c] = (float)byte / 255.0f;
        }
    }
    return p;
}

static const char *recipe_of(bench *b, const char *use, double p)
{
    return fpc_sprintf(b->arena, "%s[augment.x]\nuse = %s\np = %g\n", STILL, use, p);
}

static const char *const backends[] = {"ref", "cpu"};

static double most_apart(const pictures *a, const pictures *b, int64_t *labels)
{
    double worst = 0;
    *labels = 0;
    for (int i = 0; i < 3 * N * AREA; i++)
        worst = fmax(worst, fabs((double)a->image[i] - (double)b->image[i]));
    for (int i = 0; i < N * AREA; i++)
        *labels += a->mask[i] != b->mask[i];
    return worst;
}

/* All sections of the recipe at once, none of which does anything. */
static void nothing_drawn(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    const char *text = "[augment]\nmix = all\n";
    for (int k = 0; k < ALL; k++)
        text = fpc_sprintf(b->arena, "%s[augment.x%d]\nuse = %s\np = 0\n", text, k, all[k]);
    for (int k = 0; k < 2; k++) {
        const pictures out = apply_sections(b, backends[k], text, &in);
        assert_memory_equal(out.image, in.image, sizeof(float) * 3 * N * AREA);
        assert_memory_equal(out.mask, in.mask, N * AREA);
    }
}

/* p = 1: each does something to some picture, and the backends agree: to rounding, except where a threshold (equal
 * grey levels, the edges of moved labels) may fall to either side. */
static void backends_agree(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    for (int k = 0; k < ALL; k++) {
        const char *text = recipe_of(b, all[k], 1);
        int64_t labels, far = 0;
        const pictures one = apply_sections(b, "ref", text, &in), two = apply_sections(b, "cpu", text, &in);
        if (most_apart(&in, &one, &labels) < 0.01)
            fail_msg("%s leaves the pictures alone", all[k]);
        most_apart(&one, &two, &labels);
        for (int i = 0; i < 3 * N * AREA; i++)
            far += fabs((double)one.image[i] - (double)two.image[i]) > 1e-4;
        /* a coefficient of JPEG halfway between two levels moves its whole block of 8 x 8 */
        const int64_t most = strcmp(all[k], "jpeg") ? 3 * N * AREA / 500 : 2 * 3 * 64;
        if (far > most || labels > N * AREA / 500)
            fail_msg("%s: %lld numbers and %lld labels differ between ref and cpu", all[k], (long long)far,
                     (long long)labels);
        for (int i = 0; i < 3 * N * AREA; i++)
            assert_true(isfinite(one.image[i]) && isfinite(two.image[i]));
    }
}

/* A vertical flip mirrors, so left and right change places; together with a horizontal one it is a half turn. */
static void vertical_flip(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    static const char *const text[] = {"[augment.v]\nuse = vflip\np = 1\n",
                                       "[augment.v]\nuse = vflip\np = 1\nexchange = off\n",
                                       "[augment.v]\nuse = vflip\np = 1\n[augment.h]\nuse = hflip\np = 1\n",
                                       "[augment.r]\nuse = rotate\ndegrees = 180, 180\np = 1\n"};
    for (int k = 0; k < 4; k++) {
        const pictures out = apply_sections(b, "cpu", text[k], &in);
        for (int i = 0; i < N * AREA; i++) {
            const int y = i / W % H, x = i % W, from = i / AREA * AREA + (H - 1 - y) * W + (k < 2 ? x : W - 1 - x);
            const int label = in.mask[from], swapped = label >= 4 && label <= 9 ? label ^ 1 : label;
            assert_int_equal(out.mask[i], k == 0 ? swapped : label);
            for (int c = 0; c < 3; c++)
                assert_true(fabs((double)out.image[3 * i + c] - (double)in.image[3 * from + c]) < 1e-5);
        }
    }
}

/* What is covered, or comes in from outside, has the label of `fill`, which becomes 255 where none is ignored. */
static void fills(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    static const char *const use[] = {
        "erasing\nvalue = 1\nscale = 0.2, 0.3", "coarse_dropout\nvalue = 1\nlabels = fill\nsize = 0.2, 0.3",
        "coarse_dropout\nvalue = 1\nlabels = keep\nsize = 0.2, 0.3", "affine\ntranslate_x = 0.25, 0.25"};
    for (int k = 0; k < 4; k++)
        for (int background = 0; background < 2; background++) {
            const char *text = fpc_sprintf(b->arena, "[augment]\nfill = %s\n%s", background ? "background" : "ignore",
                                           recipe_of(b, use[k], 1));
            const pictures out = apply_sections(b, "cpu", text, &in);
            int gone = 0;
            for (int i = 0; i < N * AREA; i++) {
                const float *x = out.image + 3 * i;
                const int covered = k == 3 ? i % W < W / 4 : x[0] == 1 && x[1] == 1 && x[2] == 1;
                const int from = k == 3 ? i - W / 4 : i;
                gone += covered;
                assert_int_equal(out.mask[i], !covered || k == 2 ? in.mask[from] : background ? 0 : 255);
                if (covered && k == 3)
                    assert_true(x[0] == 0 && x[1] == 0 && x[2] == 0);
            }
            assert_true(gone > N * AREA / 25);
        }
}

/* ---- mixing ---- */
static const float *plan_of(const stage *s, int row)
{
    for (int32_t i = 0; i < s->a->n_inputs; i++)
        if (!strncmp(s->a->input[i].name, "draw.mix", 8) && s->a->input[i].dtype == FPC_F32)
            return (const float *)s->draws.data[i] + row * s->a->input[i].count;
    fail_msg("no plan");
    return NULL;
}

/* Pixels and labels by the plan's first layer. */
static void mixes_hard(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    static const char *const use[] = {"mixup\nalpha = 1\nper = image", "cutmix\nper = image"};
    for (int k = 0; k < 4; k++) {
        stage s = open_stage(b, backends[k / 2], open_sections(b, recipe_of(b, use[k % 2], 1), H, W), N, H, W);
        pictures out = new_pictures(b, N, H, W);
        int partners = 0;
        assert_int_equal(s.soft, 0);
        run_stage(&s, &in, 8, &out);
        for (int i = 0; i < N * AREA; i++) {
            const int row = i / AREA, x = i % W, y = i / W % H;
            const float *layer = plan_of(&s, row) + 12, u = (2 * (float)x + 1) / W - 1, v = (2 * (float)y + 1) / H - 1;
            const int inside = u >= layer[2] && u < layer[4] && v >= layer[3] && v < layer[5];
            const double alpha = inside ? (double)layer[1] : 0;
            const int other = (int)layer[0] * AREA + i % AREA;
            partners += i % AREA == 0 && (int)layer[0] != row;
            assert_int_equal(out.mask[i], alpha >= 0.5 ? in.mask[other] : in.mask[i]);
            for (int c = 0; c < 3; c++) {
                const double want = (1 - alpha) * (double)in.image[3 * i + c] + alpha * (double)in.image[3 * other + c];
                assert_true(fabs((double)out.image[3 * i + c] - want) < 1e-5);
            }
        }
        assert_true(partners > 1);
    }
}

/* Two masks and the share of the first, which is the larger one. */
static void mixes_soft(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    for (int k = 0; k < 2; k++) {
        const char *text = recipe_of(b, "mixup\nalpha = 1\nper = image\nlabels = soft", 1);
        stage s = open_stage(b, backends[k], open_sections(b, text, H, W), N, H, W);
        pictures out = new_pictures(b, N, H, W);
        static uint8_t second[N * AREA];
        float lambda[N];
        int swapped = 0;
        assert_int_equal(s.soft, 1);
        for (int64_t first = 0; first < 40; first += N) {
            run_stage(&s, &in, first, &out);
            assert_int_equal(fpc_program_read(s.program, "out.mask_b", FPC_U8, second, N * AREA), FPC_OK);
            assert_int_equal(fpc_program_read(s.program, "out.lambda", FPC_F32, lambda, N), FPC_OK);
            for (int row = 0; row < N; row++) {
                const float *plan = plan_of(&s, row), own = plan[1];
                const uint8_t *mine = in.mask + row * AREA, *other = in.mask + (int)plan[12] * AREA;
                const int mine_first = own > 0.5f;
                swapped += !mine_first;
                assert_true(plan[0] == 1 && fabsf(lambda[row] - (mine_first ? own : 1 - own)) < 1e-6f);
                assert_memory_equal(out.mask + row * AREA, mine_first ? mine : other, AREA);
                assert_memory_equal(second + row * AREA, mine_first ? other : mine, AREA);
            }
        }
        assert_true(swapped > 5 && swapped < 35);
    }
}

/* Quarters show their pictures whole: each label of the four appears where its place was squeezed to. */
static void mosaic_shows_four(void **state)
{
    bench *b = *state;
    pictures in = some_pictures(b);
    for (int i = 0; i < N * AREA; i++) { /* picture n: label 3 n + third of the height */
        in.mask[i] = (uint8_t)(3 * (i / AREA) + 3 * (i / W % H) / H);
        in.image[3 * i] = (float)(i / AREA) / 10;
    }
    stage s = open_stage(b, "cpu", open_sections(b, recipe_of(b, "mosaic\ncentre = 0.5, 0.5", 1), H, W), N, H, W);
    pictures out = new_pictures(b, N, H, W);
    run_stage(&s, &in, 0, &out);
    for (int i = 0; i < N * AREA; i++) {
        const int row = i / AREA, x = i % W, y = i / W % H, quarter = 2 * (2 * y >= H) + (2 * x >= W);
        const int partner = (int)plan_of(&s, row)[12 * (1 + quarter)], third = 3 * (2 * y % H + 1) / H;
        assert_int_equal(out.mask[i] / 3, partner);
        if ((2 * y % H + 1) * 3 % H > 6) /* not at the edge of a third */
            assert_int_equal(out.mask[i] % 3, third);
        if (x != W / 2 && x != W / 2 - 1 && y != H / 2 && y != H / 2 - 1)
            assert_true(fabsf(out.image[3 * i] - (float)partner / 10) < 1e-5f);
    }
}

/* Only the listed classes come over, where the partner has them. */
static void pasted_classes(void **state)
{
    bench *b = *state;
    const pictures in = some_pictures(b);
    for (int k = 0; k < 2; k++) {
        stage s =
            open_stage(b, backends[k], open_sections(b, recipe_of(b, "copy_paste\nclasses = 3, 7", 1), H, W), N, H, W);
        pictures out = new_pictures(b, N, H, W);
        int pasted = 0;
        run_stage(&s, &in, 4, &out);
        for (int i = 0; i < N * AREA; i++) {
            const int other = (int)plan_of(&s, i / AREA)[12] * AREA + i % AREA;
            const int taken = in.mask[other] == 3 || in.mask[other] == 7, from = taken ? other : i;
            pasted += taken && other != i;
            assert_int_equal(out.mask[i], in.mask[from]);
            assert_true(fabsf(out.image[3 * i] - in.image[3 * from]) < 1e-6f);
        }
        assert_true(pasted > 100);
    }
}

/* A batch of one mixes with itself: nothing changes. */
static void alone(void **state)
{
    bench *b = *state;
    const pictures batch = some_pictures(b), in = {1, H, W, batch.image, batch.mask};
    static const char *const use[] = {"mixup\nalpha = 1", "cutmix", "class_mix", "copy_paste"};
    for (int k = 0; k < 4; k++) {
        const pictures out = apply_sections(b, "cpu", recipe_of(b, use[k], 1), &in);
        for (int i = 0; i < 3 * AREA; i++)
            assert_true(fabsf(out.image[i] - in.image[i]) < 1e-6f);
        assert_memory_equal(out.mask, in.mask, AREA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_drawn), CASE(backends_agree),    CASE(vertical_flip),  CASE(fills), CASE(mixes_hard),
        CASE(mixes_soft),    CASE(mosaic_shows_four), CASE(pasted_classes), CASE(alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
