/* test_colour.c: colour maps by their definition: what single maps and the jitter do to given pixels, ranges, chances,
 * orders, refusals. What the maps of other kinds do to a picture is the business of the op and of test_kornia.c. */
#include "draws.h"

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
                x[i][c] = (float)(stage[s].kind == FPC_COLOUR_CLAMPED ? fmin(1, fmax(0, y)) : y);
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
        fpc_colour stage[4];
        float x[PIXELS][3];
        draw_of(b, &inst, 4, 8, 8, stage, sizeof stage);
        memcpy(x, sample_pixels, sizeof x);
        apply(stage, 4, PIXELS, x);
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
                  "augment.x.brightness = 0.2: is one number a, which would mean -a, a");
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
        fpc_colour s[4];
        draw_of(b, &inst, i, 8, 8, s, sizeof s);
        const int has_bright = s[0].m[0] != 0, has_contrast = s[1].m[0] != 0;
        bright += has_bright, both += has_bright && has_contrast;
        assert_true(!has_contrast || has_bright);
        assert_true(all_zero(s + 2, 2 * sizeof *s));
        if (has_bright)
            assert_true(s[0].m[0] >= 0.7f && s[0].m[0] <= 1.3f && s[0].g[0] == 0 && s[0].kind == FPC_COLOUR_CLAMPED);
        if (has_contrast)
            assert_true(s[1].m[0] >= 0.8f && s[1].m[0] <= 1.2f && s[1].g[0] == s[1].g[2]);
    }
    assert_in_range(bright, 1900, 2100);
    assert_in_range(both, 910, 1090);
}

/* order = random: one order for a batch, all 24 of them in the long run. */
static void jitter_order(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x",
                                          "use = color_jitter\nbrightness = 0.9, 0.9\ncontrast = 0.9, 0.9\n"
                                          "saturation = 0.9, 0.9\nhue = 0.1, 0.1\np = 1\norder = random\n");
    int seen[256] = {0}, kinds = 0, last = -1;
    for (uint32_t i = 0; i < BATCH * 200; i++) {
        fpc_colour s[4];
        int code = 0;
        draw_of(b, &inst, i, 8, 8, s, sizeof s);
        for (int k = 0; k < 4; k++) /* saturation mixes channels, contrast has a mean */
            code = code * 4 + (s[k].kind == FPC_COLOUR_HUE ? 3 : s[k].m[1] != 0 ? 2 : s[k].g[0] != 0 ? 1 : 0);
        assert_true(i % BATCH == 0 || code == last);
        last = code;
        kinds += seen[code]++ == 0;
    }
    assert_int_equal(kinds, 24);
}

/* The steps' own chances are independent of each other; hue is symmetric. */
static void jitter_steps(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x",
                                          "use = color_jitter\nbrightness = 0.5, 0.9\ncontrast = 0.5, 0.9\n"
                                          "saturation = 0.5, 0.9\nhue = 0.1\np = 1\np_brightness = 0.2\n"
                                          "p_contrast = 0.4\np_saturation = 0.6\np_hue = 0.8\n");
    int n[4] = {0}, both = 0;
    double low = 1, high = -1;
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_colour s[4];
        draw_of(b, &inst, i, 8, 8, s, sizeof s);
        for (int k = 0; k < 4; k++)
            n[k] += !all_zero(s + k, sizeof *s);
        both += !all_zero(s + 1, sizeof *s) && !all_zero(s + 2, sizeof *s);
        if (!all_zero(s + 3, sizeof *s)) {
            assert_true(s[3].kind == FPC_COLOUR_HUE);
            low = fmin(low, (double)s[3].m[0]), high = fmax(high, (double)s[3].m[0]);
        }
    }
    for (int k = 0; k < 4; k++)
        assert_true(fabs((double)n[k] / MANY - 0.2 * (k + 1)) < 0.03);
    assert_true(fabs((double)both / MANY - 0.24) < 0.03);
    assert_true(low >= -0.1001 && low < -0.098 && high <= 0.1001 && high > 0.098);
}

/* Kind and numbers of the maps that one section with p = 1 draws. */
static fpc_colour map_of(bench *b, const char *text, uint32_t sample)
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    fpc_colour c;
    draw_of(b, &inst, sample, 8, 8, &c, sizeof c);
    return c;
}

/* A section with one step is that step of the jitter. */
static void single_steps(void **state)
{
    bench *b = *state;
    static const char *const name[] = {"brightness", "contrast", "saturation", "hue"};
    for (int k = 0; k < 4; k++) {
        const char *option = k == 3 ? "shift" : "factor", *by = k == 3 ? "0.07" : "1.4";
        const fpc_colour own =
            map_of(b, fpc_sprintf(b->arena, "use = %s\n%s = %s, %s\np = 1\n", name[k], option, by, by), 0);
        const fpc_instance inst = open_plugin(
            b, "augment.x", fpc_sprintf(b->arena, "use = color_jitter\n%s = %s, %s\np = 1\n", name[k], by, by));
        fpc_colour all[4];
        draw_of(b, &inst, 0, 8, 8, all, sizeof all);
        for (int i = 0; i < 4; i++)
            if (i == k)
                assert_memory_equal(&all[i], &own, sizeof own);
            else
                assert_true(all_zero(&all[i], sizeof all[i]));
        has_chance(b, name[k], fpc_sprintf(b->arena, "%s = 0.3, 0.4", option), NULL);
    }
    const fpc_colour mean = map_of(b, "use = contrast\nfactor = 0.4, 0.4\nmean = all\np = 1\n", 0);
    assert_true(mean.g[0] == mean.g[2] && fabs((double)mean.g[0] - 0.2) < 1e-7);
    refuse_plugin(b, "augment.x", "use = brightness\nfactor = 0.2\n",
                  "augment.x.factor = 0.2: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = contrast\nfactor = 0.2\n",
                  "augment.x.factor = 0.2: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = saturation\nfactor = 0.2\n",
                  "augment.x.factor = 0.2: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = hue\nshift = 0.6\n", "augment.x.shift = 0.6");
}

/* Maps without numbers, and what they do where the map is affine. */
static void fixed_maps(void **state)
{
    bench *b = *state;
    static const struct {
        const char *name;
        fpc_colour_kind kind;
    } maps[] = {{"grayscale", FPC_COLOUR_AFFINE},
                {"invert", FPC_COLOUR_AFFINE},
                {"equalize", FPC_COLOUR_EQUALIZE},
                {"auto_contrast", FPC_COLOUR_AUTOCONTRAST}};
    for (int k = 0; k < 4; k++) {
        const fpc_colour c = map_of(b, fpc_sprintf(b->arena, "use = %s\np = 1\n", maps[k].name), 0);
        float x[PIXELS][3];
        assert_true(c.kind == (float)maps[k].kind);
        has_chance(b, maps[k].name, "", NULL);
        if (k > 1)
            continue;
        memcpy(x, sample_pixels, sizeof x);
        apply(&c, 1, PIXELS, x);
        for (int i = 0; i < PIXELS; i++)
            for (int j = 0; j < 3; j++) {
                const double want = k ? 1 - (double)sample_pixels[i][j] : grey(sample_pixels[i]);
                assert_true(fabs((double)x[i][j] - want) < 1e-6);
            }
    }
}

static void ranged_maps(void **state)
{
    bench *b = *state;
    static const struct {
        const char *name, *rest;
        fpc_colour_kind kind;
        double lo[2], hi[2];
    } maps[] = {{"gamma", "gamma = 0.5, 2\ngain = 0.9, 1.1", FPC_COLOUR_GAMMA, {0.5, 0.9}, {2, 1.1}},
                {"solarize", "threshold = 0.4, 0.6\naddition = 0.1", FPC_COLOUR_SOLARIZE, {0.4, -0.1}, {0.6, 0.1}},
                {"posterize", "bits = 3, 8", FPC_COLOUR_POSTERIZE, {3, 0}, {8, 0}}};
    for (int k = 0; k < 3; k++) {
        const fpc_instance inst =
            open_plugin(b, "augment.x", fpc_sprintf(b->arena, "use = %s\n%s\np = 1\n", maps[k].name, maps[k].rest));
        double lo[2] = {99, 99}, hi[2] = {-99, -99};
        int bits[9] = {0};
        for (uint32_t i = 0; i < MANY; i++) {
            fpc_colour c;
            draw_of(b, &inst, i, 8, 8, &c, sizeof c);
            assert_true(c.kind == (float)maps[k].kind);
            for (int j = 0; j < 2; j++)
                lo[j] = fmin(lo[j], (double)c.m[j]), hi[j] = fmax(hi[j], (double)c.m[j]);
            if (k == 2)
                bits[(int)c.m[0]] += c.m[0] == rintf(c.m[0]);
        }
        for (int j = 0; j < 2; j++) {
            const double span = maps[k].hi[j] - maps[k].lo[j];
            assert_true(lo[j] > maps[k].lo[j] - 1e-6 && lo[j] <= maps[k].lo[j] + 0.01 * span);
            assert_true(hi[j] < maps[k].hi[j] + 1e-6 && hi[j] >= maps[k].hi[j] - 0.01 * span);
        }
        for (int j = 3; j < 9 && k == 2; j++)
            assert_true(fabs((double)bits[j] / MANY - 1.0 / 6) < 0.03);
        has_chance(b, maps[k].name, maps[k].rest, NULL);
    }
    refuse_plugin(b, "augment.x", "use = posterize\nbits = 2.5, 4\n", "augment.x.bits = 2.5, 4: whole numbers");
    refuse_plugin(b, "augment.x", "use = posterize\nbits = 0, 4\n", "augment.x.bits = 0, 4: is out of range");
    refuse_plugin(b, "augment.x", "use = gamma\ngamma = 0, 1\n", "augment.x.gamma = 0, 1: is out of range");
    refuse_plugin(b, "augment.x", "use = gamma\ngain = 1\n",
                  "augment.x.gain = 1: is one number a, which would mean -a, a");
    refuse_plugin(b, "augment.x", "use = solarize\nthreshold = 0.5\n",
                  "augment.x.threshold = 0.5: is one number a, which would mean -a, a");
}

/* All six orders, equally often; each a permutation. */
static void channel_shuffle(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = channel_shuffle\np = 1\n");
    int seen[27] = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        fpc_colour c;
        int code = 0;
        draw_of(b, &inst, i, 8, 8, &c, sizeof c);
        for (int k = 0; k < 3; k++)
            code = code * 3 + (c.m[4 * k] == 1 ? 0 : c.m[4 * k + 1] == 1 ? 1 : 2);
        for (int k = 0; k < 3; k++)
            assert_true(c.m[k] + c.m[4 + k] + c.m[8 + k] == 1 && c.m[4 * k] + c.m[4 * k + 1] + c.m[4 * k + 2] == 1);
        seen[code]++;
    }
    int kinds = 0;
    for (int k = 0; k < 27; k++) {
        kinds += seen[k] > 0;
        assert_true(!seen[k] || fabs((double)seen[k] / MANY - 1.0 / 6) < 0.03);
    }
    assert_int_equal(kinds, 6);
    has_chance(b, "channel_shuffle", "", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(color_jitter), CASE(jitter_chances), CASE(jitter_order),
                                       CASE(jitter_steps), CASE(single_steps),   CASE(fixed_maps),
                                       CASE(ranged_maps),  CASE(channel_shuffle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
