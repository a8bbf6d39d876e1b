/* properties.c: what must hold whatever the numbers are, on every backend: dropout keeps its share and is drawn again
 * exactly as rng.h says; gradients of linear ops are adjoints; warps that move nothing or mirror are exact; noise has
 * the distribution it claims; an attention over equal values returns them. */
#include "try.h"
#include <fpcore/rng.h>
#include <math.h>

/* ---- dropout ---- */

static void dropout_is_as_stated(const op_backend *b)
{
    enum { ROWS = 100, C = 45 };
    const op_case c = {.op = "dropout", .note = "", .attr.dropout = {0.15f, 0xabcdef01u, 0}};
    const fpc_tensor in[2] = {random_reals(2, 5, 10, C, 1, 2, 1), clock_at(11, -22, 33)};
    const double *x = in[0].data;
    const op_result r = run_op(b, &c, 2, in);
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t j = 0; j < C; j++) {
            const fpc_u32x4 u = fpc_philox4x32(11, (uint32_t)-22, j / 8, row, 33, 0xabcdef01u);
            const int keep = fpc_half(u, j % 8) >= fpc_drop_threshold(0.15f);
            const double want = keep ? x[row * C + j] * (double)fpc_drop_scale(0.15f) : 0;
            const double got = r.value[0][row * C + j];
            if (keep != (got != 0) || fabs(got - want) > 1e-7 * want)
                fail_msg("%s: row %u, element %u: %.9g instead of %.9g", b->name, row, j, got, want);
        }
}

static void dropout_keeps_its_share(const op_backend *b)
{
    const op_case c = {.op = "dropout", .note = "", .attr.dropout = {0.3f, 5, 0}};
    const fpc_tensor in[2] = {random_reals(1, 100, 50, 33, 1, 1, 1), clock_at(1, 2, 3)};
    const int64_t n = fpc_count(in[0].shape);
    const op_result r = run_op(b, &c, 2, in);
    double kept = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        kept += r.value[0][i] != 0;
        sum += r.value[0][i];
    }
    const double p = 1 - fpc_drop_threshold(0.3f) / 65536.0, sigma = sqrt(p * (1 - p) / (double)n);
    if (fabs(kept / (double)n - p) > 5 * sigma || fabs(sum / (double)n - 1) > 5 * sigma / p)
        fail_msg("%s: keeps %.5f of the elements instead of %.5f, mean %.5f instead of 1", b->name, kept / (double)n, p,
                 sum / (double)n);
}

/* Every word of the clock, and the stream, must count: else two layers or two steps drop the same elements. */
static void dropout_depends_on(const op_backend *b)
{
    const op_case c = {.op = "dropout", .note = "", .attr.dropout = {0.5f, 5, 0}},
                  other = {.op = "dropout", .note = "", .attr.dropout = {0.5f, 6, 0}};
    const fpc_tensor x = random_reals(1, 8, 8, 32, 1, 1, 1);
    const fpc_tensor clock[4] = {clock_at(1, 2, 3), clock_at(9, 2, 3), clock_at(1, 9, 3), clock_at(1, 2, 9)};
    const op_result base = run_op(b, &c, 2, (fpc_tensor[]){x, clock[0]});
    for (int k = 0; k < 5; k++) {
        const op_result r =
            k < 4 ? run_op(b, &c, 2, (fpc_tensor[]){x, clock[k]}) : run_op(b, &other, 2, (fpc_tensor[]){x, clock[0]});
        int64_t same = 0;
        const int64_t n = fpc_count(x.shape);
        for (int64_t i = 0; i < n; i++)
            same += r.value[0][i] == base.value[0][i];
        if (k == 0 ? same != n : same > n * 6 / 10)
            fail_msg("%s: variant %d of clock and stream shares %lld of %lld decisions", b->name, k, (long long)same,
                     (long long)n);
    }
}

/* A dropped plane is dropped whole, a kept one is kept whole, and images differ. */
static void dropout_of_planes(const op_backend *b)
{
    enum { N = 4, PIXELS = 12, C = 40 };
    const op_case c = {.op = "dropout", .note = "", .attr.dropout = {0.5f, 5, 1}};
    const fpc_tensor in[2] = {random_reals(N, 3, 4, C, 1, 1, 1), clock_at(1, 2, 3)};
    const op_result r = run_op(b, &c, 2, in);
    int differ = 0;
    for (int n = 0; n < N; n++)
        for (int i = 0; i < PIXELS * C; i++) {
            assert_true(r.value[0][n * PIXELS * C + i] == r.value[0][n * PIXELS * C + i % C]);
            differ += r.value[0][n * PIXELS * C + i] != r.value[0][i];
        }
    assert_true(differ > 0);
}

static void dropout_properties(void **state)
{
    (void)state;
    on_each(dropout_is_as_stated);
    on_each(dropout_keeps_its_share);
    on_each(dropout_depends_on);
    on_each(dropout_of_planes);
}

/* ---- adjoints: <A x, y> = <x, A' y> ---- */

static void equal_dots(const op_backend *b, const char *what, const double *ax, const double *y, int64_t m,
                       const double *x, const double *aty, int64_t n)
{
    const double left = dot(ax, y, m), right = dot(x, aty, n), size = sqrt(dot(ax, ax, m) * dot(y, y, m));
    if (!(fabs(left - right) <= accuracy(b) * size))
        fail_msg("%s, %s: <Ax,y> = %.12g but <x,A'y> = %.12g", b->name, what, left, right);
}

static void resize_adjoint(const op_backend *b)
{
    static const int size[][5] = {{5, 7, 20, 28, 0}, {7, 5, 11, 13, 0}, {13, 11, 5, 4, 0},
                                  {6, 8, 12, 16, 1}, {9, 9, 4, 4, 1},   {1, 1, 6, 3, 0}};
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        const int *s = size[i];
        const op_case up = {.op = "resize", .note = "", .attr.resize = {s[2], s[3], s[4]}};
        const op_case back = {.op = "resize_grad", .note = "", .attr.resize = {s[0], s[1], s[4]}};
        const fpc_tensor x = random_reals(2, s[0], s[1], 19, -1, 1, 1), y = random_reals(2, s[2], s[3], 19, -1, 1, 2);
        const op_result ax = run_op(b, &up, 1, &x), aty = run_op(b, &back, 1, &y);
        equal_dots(b, "resize", ax.value[0], y.data, fpc_count(y.shape), x.data, aty.value[0], fpc_count(x.shape));
    }
}

static void conv_adjoint(const op_backend *b)
{
    const fpc_conv_attr a = {3, 3, 2, 1, 1, 9, 8};
    const op_case forward = {.op = "conv2d", .note = "", .attr.conv = a},
                  by_x = {.op = "conv2d_grad_x", .note = "", .attr.conv = a},
                  by_w = {.op = "conv2d_grad_w", .note = "", .attr.conv = a};
    const fpc_tensor x = random_reals(2, 9, 8, 19, -1, 1, 1), w = random_reals(33, 3, 3, 19, -1, 1, 2),
                     y = random_reals(2, 5, 4, 33, -1, 1, 3);
    const op_result ax = run_op(b, &forward, 2, (fpc_tensor[]){x, w}), dx = run_op(b, &by_x, 2, (fpc_tensor[]){y, w}),
                    dw = run_op(b, &by_w, 2, (fpc_tensor[]){x, y});
    equal_dots(b, "conv2d by x", ax.value[0], y.data, fpc_count(y.shape), x.data, dx.value[0], fpc_count(x.shape));
    equal_dots(b, "conv2d by w", ax.value[0], y.data, fpc_count(y.shape), w.data, dw.value[0], fpc_count(w.shape));
}

static void linear_adjoint(const op_backend *b)
{
    const op_case forward = {.op = "linear", .note = ""}, by_x = {.op = "linear_grad_x", .note = ""},
                  by_w = {.op = "linear_grad_w", .note = "", .attr.like = {{1, 1, 33, 19}}};
    const fpc_tensor x = random_reals(2, 9, 8, 19, -1, 1, 1), w = random_reals(1, 1, 33, 19, -1, 1, 2),
                     y = random_reals(2, 9, 8, 33, -1, 1, 3);
    const op_result ax = run_op(b, &forward, 2, (fpc_tensor[]){x, w}), dx = run_op(b, &by_x, 2, (fpc_tensor[]){y, w}),
                    dw = run_op(b, &by_w, 2, (fpc_tensor[]){x, y});
    equal_dots(b, "linear by x", ax.value[0], y.data, fpc_count(y.shape), x.data, dx.value[0], fpc_count(x.shape));
    equal_dots(b, "linear by w", ax.value[0], y.data, fpc_count(y.shape), w.data, dw.value[0], fpc_count(w.shape));
}

static void adjoints(void **state)
{
    (void)state;
    on_each(resize_adjoint);
    on_each(conv_adjoint);
    on_each(linear_adjoint);
}

/* ---- augmentations ---- */

enum { PH = 12, PW = 17 };

static fpc_tensor matrix(double m00, double m02)
{
    const fpc_tensor t = reals(1, 1, 1, 8);
    double *m = t.data;
    m[0] = m00, m[2] = m02, m[4] = 1;
    return t;
}

static void warps_are_exact(const op_backend *b)
{
    const op_case image = {.op = "warp_image", .note = ""}, mask = {.op = "warp_mask", .note = "", .attr.warp = {255}};
    const fpc_tensor x = bytes(1, PH, PW, 3), labels = bytes(1, PH, PW, 1), table = bytes(1, 1, 1, 256);
    for (int i = 0; i < PH * PW * 3; i++)
        ((uint8_t *)x.data)[i] = (uint8_t)(256 * op_unit(1, 1, (uint64_t)i));
    for (int i = 0; i < PH * PW; i++)
        ((uint8_t *)labels.data)[i] = (uint8_t)(19 * op_unit(2, 2, (uint64_t)i));
    for (int i = 0; i < 256; i++)
        ((uint8_t *)table.data)[i] = (uint8_t)(i ^ 1);
    for (int kind = 0; kind < 3; kind++) { /* nothing, mirror, shift by three pixels */
        const fpc_tensor m = kind == 1 ? matrix(-1, PW - 1) : matrix(1, kind == 2 ? -3 : 0);
        const op_result ri = run_op(b, &image, 2, (fpc_tensor[]){x, m}),
                        rm = run_op(b, &mask, 3, (fpc_tensor[]){labels, m, table});
        for (int i = 0; i < PH * PW; i++) {
            const int px = i % PW, from = kind == 1 ? i - px + PW - 1 - px : kind == 2 ? i - 3 : i;
            const int outside = kind == 2 && px < 3;
            assert_int_equal((int)rm.value[0][i], outside ? 255 : ((const uint8_t *)labels.data)[from] ^ 1);
            for (int c = 0; c < 3; c++) {
                const double want = outside ? 0 : ((const uint8_t *)x.data)[from * 3 + c] / 255.0;
                if (fabs(ri.value[0][i * 3 + c] - want) > 1e-7)
                    fail_msg("%s: warp %d, pixel %d: %.9g instead of %.9g", b->name, kind, i, ri.value[0][i * 3 + c],
                             want);
            }
        }
    }
}

static void noise_is_normal(const op_backend *b)
{
    const op_case c = {.op = "gaussian_noise", .note = "", .attr.noise = {3}};
    const fpc_tensor in[3] = {random_reals(1, 100, 100, 3, 0.5, 0.5, 1), random_reals(1, 1, 1, 1, 0.0625, 0.0625, 1),
                              clock_at(5, 6, 7)};
    const int64_t n = fpc_count(in[0].shape);
    const op_result r = run_op(b, &c, 3, in);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, pairs = 0;
    for (int64_t i = 0; i < n; i++) {
        const double z = (r.value[0][i] - 0.5) / 0.0625;
        m1 += z, m2 += z * z, m3 += z * z * z, m4 += z * z * z * z;
        pairs += i ? z * (r.value[0][i - 1] - 0.5) / 0.0625 : 0;
    }
    const double d = (double)n, root = sqrt(d);
    if (fabs(m1 / d) > 5 / root || fabs(m2 / d - 1) > 5 * sqrt(2) / root || fabs(m3 / d) > 5 * sqrt(15) / root ||
        fabs(m4 / d - 3) > 5 * sqrt(96) / root || fabs(pairs / d) > 5 / root)
        fail_msg("%s: moments %.4f %.4f %.4f %.4f instead of 0 1 0 3, neighbours correlate by %.4f", b->name, m1 / d,
                 m2 / d, m3 / d, m4 / d, pairs / d);
}

static void augmentations(void **state)
{
    (void)state;
    on_each(warps_are_exact);
    on_each(noise_is_normal);
}

/* ---- attention ---- */

static void attention_averages(const op_backend *b)
{
    const op_case c = {.op = "attention", .note = "", .attr.attention = {2, 0.25f, 0, 0}};
    const fpc_tensor q = random_reals(2, 3, 5, 32, -1, 1, 1), k = random_reals(2, 2, 3, 32, -1, 1, 2),
                     v = reals(2, 2, 3, 32);
    for (int i = 0; i < 2 * 6 * 32; i++) /* the value of a channel is the same for all keys of an image */
        ((double *)v.data)[i] = (double)(float)(sin(i % 32) + i / (6 * 32));
    const op_result r = run_op(b, &c, 3, (fpc_tensor[]){q, k, v});
    for (int i = 0; i < 2 * 15 * 32; i++)
        if (fabs(r.value[0][i] - (sin(i % 32) + i / (15 * 32))) > 1e-6)
            fail_msg("%s: element %d: %.9g", b->name, i, r.value[0][i]);
}

/* With v the unit vectors, attention returns the probabilities: dropped ones are 0, kept ones scaled, as rng.h says. */
static void attention_drops(const op_backend *b)
{
    enum { KEYS = 16, ROWS = 12 };
    const float p = 0.25f;
    const op_case plain = {.op = "attention", .note = "", .attr.attention = {1, 0.25f, 0, 9}},
                  dropped = {.op = "attention", .note = "", .attr.attention = {1, 0.25f, 0.25f, 9}};
    const fpc_tensor q = random_reals(1, 3, 4, KEYS, -1, 1, 1), k = random_reals(1, 4, 4, KEYS, -1, 1, 2),
                     v = reals(1, 4, 4, KEYS);
    for (int i = 0; i < KEYS; i++)
        ((double *)v.data)[i * KEYS + i] = 1;
    const op_result all_of = run_op(b, &plain, 4, (fpc_tensor[]){q, k, v, clock_at(1, 2, 3)});
    const op_result some = run_op(b, &dropped, 4, (fpc_tensor[]){q, k, v, clock_at(1, 2, 3)});
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t j = 0; j < KEYS; j++) {
            const int keep = fpc_half(fpc_philox4x32(1, 2, j / 8, row, 3, 9), j % 8) >= fpc_drop_threshold(p);
            const double want = keep ? all_of.value[0][row * KEYS + j] * (double)fpc_drop_scale(p) : 0;
            if (!(fabs(some.value[0][row * KEYS + j] - want) <= 1e-6))
                fail_msg("%s: query %u, key %u: %.9g instead of %.9g", b->name, row, j, some.value[0][row * KEYS + j],
                         want);
        }
}

static void attention_properties(void **state)
{
    (void)state;
    on_each(attention_averages);
    on_each(attention_drops);
}

/* ---- NaN ---- */

/* An op that swallows NaN would hide that training diverged: the row with one must show it, and only that row. */
static void nan_stays(const op_backend *b)
{
    static const struct {
        op_case c;
        int n_in;
        fpc_shape second;
    } list[] = {{{.op = "relu", .note = ""}, 1, {0}},
                {{.op = "gelu", .note = ""}, 1, {0}},
                {{.op = "sigmoid", .note = ""}, 1, {0}},
                {{.op = "copy", .note = ""}, 1, {0}},
                {{.op = "softmax", .note = ""}, 1, {0}},
                {{.op = "add", .note = ""}, 2, {1, 3, 5, 19}},
                {{.op = "mul", .note = ""}, 2, {1, 3, 5, 19}},
                {{.op = "linear", .note = ""}, 2, {1, 1, 8, 19}},
                {{.op = "layer_norm", .note = "", .attr.norm = {1e-5f, 0.1f, 0}}, 3, {1, 1, 1, 19}}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        const fpc_shape s = list[i].second;
        fpc_tensor in[3] = {random_reals(1, 3, 5, 19, -1, 1, 1)};
        for (int k = 1; k < list[i].n_in; k++)
            in[k] = random_reals(s.n, s.h, s.w, s.c, -1, 1, (uint32_t)k + 1);
        ((double *)in[0].data)[7 * 19 + 18] = NAN;
        const op_result r = run_op(b, &list[i].c, list[i].n_in, in);
        const int64_t c = r.out[0].shape.c;
        int found = 0;
        for (int64_t j = 0; j < fpc_count(r.out[0].shape); j++) {
            if (j / c != 7 && isnan(r.value[0][j]))
                fail_msg("%s, %s: NaN in row 7 came out in row %lld", b->name, list[i].c.op, (long long)(j / c));
            found |= j / c == 7 && isnan(r.value[0][j]);
        }
        if (!found)
            fail_msg("%s, %s: NaN went in and did not come out", b->name, list[i].c.op);
    }
}

static void nan_is_kept(void **state)
{
    (void)state;
    on_each(nan_stays);
}

/* ---- loss scaling ---- */

/* The steps of a run whose gradients overflow at the fourth and fifth step, by hand: `interval` steps in a row double
 * the factor, a step that is skipped halves it and begins the count anew. */
static void scaler_counts(const op_backend *b)
{
    static const struct {
        double norm, state[4];
    } step[] = {{1, {64, 1, 1, 0}},   {5, {64, 2, 2, 0}}, {0, {128, 0, 3, 0}}, {INFINITY, {64, 0, 3, 1}},
                {NAN, {32, 0, 3, 2}}, {2, {32, 1, 4, 2}}, {2, {32, 2, 5, 2}},  {2, {64, 0, 6, 2}}};
    const op_case c = {.op = "scaler", .note = "", .attr.scaler = {3}};
    fpc_tensor in[2] = {reals(1, 1, 1, 4), reals(1, 1, 1, 1)};
    double *state = in[0].data;
    memset(state, 0, 4 * sizeof *state);
    state[0] = 64;
    for (size_t i = 0; i < sizeof step / sizeof step[0]; i++) {
        *(double *)in[1].data = step[i].norm;
        const op_result r = run_op(b, &c, 2, in);
        for (int k = 0; k < 4; k++) {
            if (r.value[0][k] != step[i].state[k])
                fail_msg("%s: step %d, state[%d] is %g instead of %g", b->name, (int)i, k, r.value[0][k],
                         step[i].state[k]);
            state[k] = r.value[0][k];
        }
    }
}

static void scaler_properties(void **state)
{
    (void)state;
    on_each(scaler_counts);
}

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(dropout_properties), cmocka_unit_test(adjoints),
                                      cmocka_unit_test(augmentations),      cmocka_unit_test(attention_properties),
                                      cmocka_unit_test(nan_is_kept),        cmocka_unit_test(scaler_properties)};
    all = op_backends_open(NULL);
    const int failed = cmocka_run_group_tests(test, NULL, NULL);
    op_backends_close(all);
    return failed;
}
