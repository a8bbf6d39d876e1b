/* test_field.c: the fields of elastic deformation and thin plates: the spread and the correlation that smoothed noise
 * has by its formula, plates that go through their control points, chances, refusals. */
#include "draws.h"

enum { N = FPC_FIELD_NODES };

static fpc_field_draw field_of(bench *b, const char *text, uint32_t sample, int32_t h, int32_t w)
{
    const fpc_instance inst = open_plugin(b, "augment.x", text);
    fpc_field_draw f;
    draw_of(b, &inst, sample, h, w, &f, sizeof f);
    return f;
}

/* Uniform noise of -1 .. 1 has variance 1/3; a Gaussian of sigma leaves 1 / (4 pi sigma^2) of it, and makes points d
 * apart correlate by exp(-d^2 / 4 sigma^2). 512 x 512 as in the reports: 250 px, 10 px. */
static void elastic(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = elastic\np = 1\n");
    double squares = 0, product[3] = {0}, cross = 0, sum = 0;
    int64_t n = 0;
    for (uint32_t i = 0; i < 60; i++) {
        fpc_field_draw f;
        draw_of(b, &inst, i, 512, 512, &f, sizeof f);
        for (int y = 8; y < N - 8; y++)
            for (int x = 8; x < N - 8; x++, n++) {
                const double s = 256 * (double)f.shift[y][x][0];
                sum += s, squares += s * s, cross += s * 256 * (double)f.shift[y][x][1];
                for (int k = 0; k < 3; k++)
                    product[k] += s * 256 * (double)(k == 2 ? f.shift[y + 2][x] : f.shift[y][x + 1 + k])[0];
            }
    }
    const double variance = squares / (double)n, want = 250 * 250 / 3.0 / (4 * 3.14159265358979 * 100);
    assert_true(fabs(sum / (double)n) < 0.15);
    assert_true(fabs(variance / want - 1) < 0.03);
    assert_true(fabs(cross / squares) < 0.03);
    for (int k = 0; k < 3; k++) {
        const double d = k ? 16 : 8;
        assert_true(fabs(product[k] / squares - exp(-d * d / 400)) < 0.03);
    }
    has_chance(b, "elastic", "", NULL);
    assert_int_equal(touched(b, "use = elastic\nalpha = 0, 0\np = 1\n", SOME, NULL), 0);
    refuse_plugin(b, "augment.x", "use = elastic\nsigma = 3\n", "augment.x.sigma = 3: is one number a, which");
    refuse_plugin(b, "augment.x", "use = elastic\nalpha = 3\n", "augment.x.alpha = 3: is one number a, which");
}

/* A sigma below the distance of the nodes keeps the spread; an oblong picture has equal spreads in pixels. */
static void elastic_spread(void **state)
{
    bench *b = *state;
    static const struct {
        const char *text;
        int32_t h, w;
        double alpha, sigma;
    } cases[] = {{"alpha = 40, 40\nsigma = 2, 2", 512, 512, 40, 2}, {"alpha = 60, 60\nsigma = 4, 4", 96, 384, 60, 4}};
    for (int k = 0; k < 2; k++) {
        const fpc_instance inst =
            open_plugin(b, "augment.x", fpc_sprintf(b->arena, "use = elastic\np = 1\n%s\n", cases[k].text));
        double squares[2] = {0};
        for (uint32_t i = 0; i < 60; i++) {
            fpc_field_draw f;
            draw_of(b, &inst, i, cases[k].h, cases[k].w, &f, sizeof f);
            for (int y = 16; y < N - 16; y++)
                for (int x = 16; x < N - 16; x++) {
                    const double sx = (double)f.shift[y][x][0] * cases[k].w / 2,
                                 sy = (double)f.shift[y][x][1] * cases[k].h / 2;
                    squares[0] += sx * sx, squares[1] += sy * sy;
                }
        }
        const double n = 60.0 * (N - 32) * (N - 32), a = cases[k].alpha, s = cases[k].sigma;
        const double want = a * a / 3 / (4 * 3.14159265358979 * s * s);
        assert_true(fabs(squares[0] / n / want - 1) < 0.1 && fabs(squares[1] / n / want - 1) < 0.1);
    }
}

static double at(const fpc_field_draw *f, double x, double y, int k)
{
    return (double)f->shift[(int)rint((y + 1) / 2 * (N - 1))][(int)rint((x + 1) / 2 * (N - 1))][k];
}

/* Equal shifts of all points move the picture as a whole; the plate has no bends then. */
static void plate_translates(void **state)
{
    bench *b = *state;
    static const int points[] = {0, 2, 3, 5};
    for (int k = 0; k < 4; k++) {
        const fpc_field_draw f = field_of(
            b, fpc_sprintf(b->arena, "use = thin_plate_spline\np = 1\nshift = 0.2, 0.2\npoints = %d\n", points[k]), 0,
            48, 64);
        for (int i = 0; i < N * N * 2; i++)
            assert_true(fabs((double)(&f.shift[0][0][0])[i] - 0.2) < 1e-6);
    }
}

/* The control points' shifts are those that were drawn: uniform, different, within the range; between them the plate is
 * smooth. */
static void plate_goes_through(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = thin_plate_spline\np = 1\nshift = 0.1\npoints = 3\n");
    double low = 1, high = -1, sum = 0, rough = 0;
    for (uint32_t i = 0; i < 400; i++) {
        fpc_field_draw f;
        draw_of(b, &inst, i, 48, 64, &f, sizeof f);
        for (int k = 0; k < 18; k++) {
            const double s = at(&f, k / 2 % 3 - 1, k / 6 - 1, k % 2);
            assert_true(fabs(s) <= 0.1 + 1e-6);
            low = fmin(low, s), high = fmax(high, s), sum += s;
        }
        for (int y = 1; y < N - 1; y++)
            for (int x = 1; x < N - 1; x++)
                rough = fmax(rough, fabs((double)(f.shift[y][x - 1][0] + f.shift[y][x + 1][0] - 2 * f.shift[y][x][0])));
    }
    assert_true(low < -0.099 && high > 0.099 && fabs(sum / 7200) < 0.003 && rough < 0.01);
    has_chance(b, "thin_plate_spline", "", NULL);
    refuse_plugin(b, "augment.x", "use = thin_plate_spline\npoints = 1\n",
                  "augment.x.points = 1: a grid has 2 or more");
    refuse_plugin(b, "augment.x", "use = thin_plate_spline\npoints = 6\n", "augment.x.points = 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(elastic), CASE(elastic_spread), CASE(plate_translates),
                                       CASE(plate_goes_through)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
