/* test_policy.c: the policies that draw among operations: RandAugment, TrivialAugment, AugMix: every operation as often
 * as the others, at the strengths that they name; shares that add up to one; labels that follow geometry only. */
#include "draws.h"

enum { OPS = 14, MAPS = 4 };
static const fpc_homography identity = {{1, 0, 0, 0, 1, 0, 0, 0, 1}, 0};

/* What a draw with one operation does, in the order of policy.h; strength as far as the draw tells it. */
static int op_of(const fpc_composite *c, double *strength)
{
    const double *m = c->geometry.m;
    const fpc_colour *k = &c->colour[0];
    *strength = 0;
    if (memcmp(m, identity.m, sizeof identity.m)) {
        *strength = m[1] != 0 && m[3] != 0 ? atan2(m[3], m[0]) / rad
                    : m[1] != 0            ? m[1]
                    : m[3] != 0            ? m[3]
                    : m[2] != 0            ? -m[2] / 2
                                           : -m[5] / 2;
        return m[1] != 0 && m[3] != 0 ? 5 : m[1] != 0 ? 1 : m[3] != 0 ? 2 : m[2] != 0 ? 3 : 4;
    }
    if (!all_zero(c->pixel, 9 * sizeof(float))) {
        *strength = 1 - 13 * (double)c->pixel[0];
        return 9;
    }
    if (all_zero(k, sizeof *k))
        return 0;
    *strength = (double)k->m[0];
    switch ((int)k->kind) {
    case FPC_COLOUR_POSTERIZE:
        return 10;
    case FPC_COLOUR_SOLARIZE:
        return 11;
    case FPC_COLOUR_AUTOCONTRAST:
        return 12;
    case FPC_COLOUR_EQUALIZE:
        return 13;
    default:
        *strength = k->m[1] != 0 ? ((double)k->m[0] - (double)k->m[4]) : (double)k->m[0];
        return k->m[1] != 0 ? 7 : k->g[0] != 0 ? 8 : 6;
    }
}

/* Square pictures. Expected strengths of torchvision's RandAugment at magnitude 30 of 30 and at 9. */
static void rand_augment(void **state)
{
    bench *b = *state;
    static const struct {
        int magnitude;
        double strength[OPS];
    } cases[] = {{30, {0, 0.3, 0.3, 150.0 / 331, 150.0 / 331, 30, 0.9, 0.9, 0.9, 0.9, 4, 0, 1, 1}},
                 {9, {0, 0.09, 0.09, 45.0 / 331, 45.0 / 331, 9, 0.27, 0.27, 0.27, 0.27, 7, 0.7, 1, 1}}};
    for (int k = 0; k < 2; k++) {
        const fpc_instance inst = open_plugin(
            b, "augment.x", fpc_sprintf(b->arena, "use = rand_augment\nn = 1\nmagnitude = %d\n", cases[k].magnitude));
        int seen[OPS] = {0}, sign[OPS] = {0};
        for (uint32_t i = 0; i < 2 * MANY; i++) {
            static fpc_composite c;
            double s;
            draw_of(b, &inst, i, 48, 48, &c, sizeof c);
            const int op = op_of(&c, &s);
            const double want = cases[k].strength[op];
            const int factor = op >= 6 && op <= 9, both = op >= 1 && op <= 9;
            const double got = factor ? s - 1 : s;
            if (op && !(both ? fabs(fabs(got) - want) < 1e-5 : fabs(got - want) < 1e-5))
                fail_msg("operation %d at magnitude %d: %g, wanted %g", op, cases[k].magnitude, got, want);
            seen[op]++, sign[op] += got > 0;
            assert_int_equal(c.geometry.keep_labels, 0);
            assert_true(c.geometry.m[0] * c.geometry.m[4] - c.geometry.m[1] * c.geometry.m[3] > 0); /* no mirror */
        }
        for (int op = 0; op < OPS; op++) {
            assert_true(fabs(seen[op] / (2.0 * MANY) - 1.0 / OPS) < 0.015);
            if (op >= 1 && op <= 9)
                assert_true(fabs((double)sign[op] / seen[op] - 0.5) < 0.09);
        }
    }
    refuse_plugin(b, "augment.x", "use = rand_augment\nn = 5\n", "augment.x.n = 5");
    refuse_plugin(b, "augment.x", "use = rand_augment\nmagnitude = 31\n", "augment.x.magnitude = 31");
}

/* n operations fill n slots at most; geometry composes in the drawn order. p = 0: nothing but the identity. */
static void several(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = rand_augment\nn = 3\n");
    const fpc_instance off = open_plugin(b, "augment.x", "use = rand_augment\np = 0\n");
    int most = 0, two_geometries = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        static fpc_composite c, again;
        int used = 0;
        draw_of(b, &inst, i, 48, 64, &c, sizeof c);
        draw_of(b, &inst, i, 48, 64, &again, sizeof again);
        assert_memory_equal(&c, &again, sizeof c);
        for (int k = 0; k < MAPS; k++)
            used += !all_zero(&c.colour[k], sizeof c.colour[k]) + !all_zero(c.pixel + 9 * k, 9 * sizeof(float));
        assert_true(all_zero(&c.colour[3], sizeof c.colour[3]) && all_zero(c.pixel + 27, sizeof c.pixel - 27 * 4));
        most = used > most ? used : most;
        two_geometries += c.geometry.m[1] != 0 && c.geometry.m[2] != 0;
        draw_of(b, &off, i, 48, 64, &c, sizeof c);
        assert_memory_equal(&c.geometry, &identity, sizeof identity);
        assert_true(all_zero(c.colour, sizeof c.colour) && all_zero(c.pixel, sizeof c.pixel));
    }
    assert_true(most == 3 && two_geometries > 50);
}

/* One operation, its strength among 31 even steps: shear to 0.99, rotation to 135 degrees, 2 to 8 bits. */
static void trivial_augment(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = trivial_augment\n");
    int seen[OPS] = {0}, bits[9] = {0};
    double turn = 0, lean = 0, threshold[2] = {9, -9};
    for (uint32_t i = 0; i < 6 * MANY; i++) {
        static fpc_composite c;
        double s;
        draw_of(b, &inst, i, 48, 48, &c, sizeof c);
        const int op = op_of(&c, &s);
        seen[op]++;
        for (int k = 1; k < MAPS; k++)
            assert_true(all_zero(&c.colour[k], sizeof c.colour[k]));
        if (op == 5) {
            const double step = fabs(s) / 4.5;
            assert_true(fabs(step - rint(step)) < 1e-6);
            turn = fmax(turn, fabs(s));
        }
        if (op == 1)
            lean = fmax(lean, fabs(s));
        if (op == 10)
            bits[(int)s]++;
        if (op == 11)
            threshold[0] = fmin(threshold[0], s), threshold[1] = fmax(threshold[1], s);
    }
    assert_true(fabs(turn - 135) < 1e-6 && fabs(lean - 0.99) < 1e-6 && threshold[0] == 0 && threshold[1] == 1);
    for (int k = 2; k < 9; k++)
        assert_true(bits[k] > 0);
    assert_true(bits[0] == 0 && bits[1] == 0);
    for (int op = 1; op < OPS; op++) /* those of two sides do nothing at strength 0, which is one in 31 */
        assert_true(fabs(seen[op] / (6.0 * MANY) - 1.0 / OPS) < 0.012);
    refuse_plugin(b, "augment.x", "use = trivial_augment\np = 2\n", "augment.x.p = 2");
}

enum { CHAINS = 4, DEPTH = 4, SHARES = CHAINS * DEPTH * 16, FLOATS = SHARES + 3 * (CHAINS + 1) };

static void augmix(void **state)
{
    bench *b = *state;
    const fpc_instance inst = open_plugin(b, "augment.x", "use = augmix\n");
    const fpc_instance all = open_plugin(b, "augment.x", "use = augmix\nall = on\ndepth = 4, 4\nseverity = 10\n");
    const fpc_instance off = open_plugin(b, "augment.x", "use = augmix\np = 0\n");
    int depth[DEPTH + 1] = {0}, kinds[8] = {0}, more[8] = {0};
    double own = 0, own_squares = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        float d[FLOATS], e[FLOATS];
        double sum = 0;
        draw_of(b, &inst, i, 48, 64, d, sizeof d);
        for (int k = 0; k <= CHAINS; k++) {
            const float *share = d + SHARES + 3 * k;
            assert_true(share[0] == share[1] && share[1] == share[2] && share[0] >= 0);
            assert_true(k < 4 || share[0] == 0); /* three chains */
            sum += (double)share[0];
        }
        assert_true(fabs(sum - 1) < 1e-5);
        own += (double)d[SHARES], own_squares += (double)d[SHARES] * (double)d[SHARES];
        for (int k = 0; k < 3; k++) {
            int n = 0;
            for (; n < DEPTH && !all_zero(d + (k * DEPTH + n) * 16, 64); n++)
                kinds[(int)d[(k * DEPTH + n) * 16 + 15]]++;
            for (int j = n; j < DEPTH; j++)
                assert_true(all_zero(d + (k * DEPTH + j) * 16, 64));
            depth[n]++;
        }
        draw_of(b, &all, i, 48, 64, e, sizeof e);
        for (int k = 0; k < 3 * DEPTH; k++)
            more[(int)e[k * 16 + 15]]++;
        draw_of(b, &off, i, 48, 64, e, sizeof e);
        assert_true(e[SHARES] == 1 && e[SHARES + 2] == 1 && all_zero(e, SHARES * 4) && all_zero(e + SHARES + 3, 48));
    }
    assert_true(depth[0] == 0 && depth[4] == 0);
    for (int k = 1; k <= 3; k++)
        assert_true(fabs(depth[k] / (3.0 * MANY) - 1.0 / 3) < 0.02);
    const double n = depth[1] + 2 * depth[2] + 3 * depth[3];
    static const int four[] = {FPC_COLOUR_AUTOCONTRAST, FPC_COLOUR_EQUALIZE, FPC_COLOUR_POSTERIZE, FPC_COLOUR_SOLARIZE};
    for (int k = 0; k < 4; k++)
        assert_true(fabs(kinds[four[k]] / n - 0.25) < 0.02);
    assert_true(fabs(more[FPC_COLOUR_CLAMPED] / (12.0 * MANY) - 3.0 / 7) < 0.02);
    assert_true(fabs(own / MANY - 0.5) < 0.02 && fabs(own_squares / MANY - 1.0 / 3) < 0.02); /* Beta(1,1) */
    refuse_plugin(b, "augment.x", "use = augmix\ndepth = 2\n", "augment.x.depth = 2: is one number a, which");
    refuse_plugin(b, "augment.x", "use = augmix\nwidth = 5\n", "augment.x.width = 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(rand_augment), CASE(several), CASE(trivial_augment), CASE(augmix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
