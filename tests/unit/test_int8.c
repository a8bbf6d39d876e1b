/* test_int8.c: products in whole numbers of eight bits: what the rounded network computes is what whole numbers give,
 * ranges and their points, what has no range or no scale. The file itself is tests/cli/export_int8.sh's part. */
#include "tiny.h"
#include "cmd/export/int8.h"

enum { IN = 5, OUT = 4, ROWS = 6 };

/* A linear map of a real input, with a bias. */
typedef struct net {
    fpc_graph *g;
    fpc_int8 *q;
    int32_t x;
    double weight[OUT * IN], bias[OUT];
} net;

static void make_net(bench *b, net *n)
{
    uint8_t *conv;

    bench_experiment(b, TINY, "backend.use=cpu", FPC_OPEN_BACKEND);
    has_to_succeed(b, fpc_graph_new(b->ctx, b->arena, b->s->ops, FPC_F64, 0, &n->g), "a graph");
    const fpc_val x = fpc_input(n->g, "x", (fpc_shape){1, 2, 3, IN}, FPC_F32);
    n->g->value[x.id].dtype = n->g->real;
    const fpc_val in[] = {x, fpc_const(n->g, (fpc_shape){1, 1, OUT, IN}, n->weight),
                          fpc_const(n->g, fpc_vector(OUT), n->bias)};
    n->g->value[in[1].id].name = "layer.weight";
    fpc_output_mark(n->g, "y", fpc_op(n->g, "linear", "layer", 3, in, NULL, 0, NULL));
    has_to_succeed(b, fpc_graph_check(n->g), "the graph");
    conv = fpc_alloc(b->arena, 1);
    has_to_succeed(b, fpc_int8_plan(b->ctx, b->arena, n->g, conv, &n->q), "the plan");
    n->x = x.id;
    n->g->value[x.id].dtype = FPC_F32; /* of the program that is made of it */
}

static void fill(net *n, unsigned seed)
{
    for (int i = 0; i < OUT * IN; i++)
        n->weight[i] = sin(i * 1.7 + seed) * (1 + i % 3);
    for (int c = 0; c < OUT; c++)
        n->bias[c] = 0.3 * c - 0.5;
}

static fpc_program *compile(bench *b, const net *n, const fpc_int8 *q, const uint8_t *wanted)
{
    fpc_graph *g;
    fpc_program *p;

    has_to_succeed(b, fpc_int8_graph(b->s, b->arena, n->g, q, wanted, &g), "the copy");
    has_to_succeed(b, fpc_program_compile(b->ctx, b->arena, b->s->state, g, &p), "the program");
    return p;
}

static void run(bench *b, fpc_program *p, const float *x)
{
    has_to_succeed(b, fpc_program_write(p, "x", FPC_F32, x, ROWS * IN), "write");
    has_to_succeed(b, fpc_program_run(p), "run");
}

static void products_are_those_of_whole_numbers(void **state)
{
    const fpc_int8_point p = {0.02f, 77};
    float x[ROWS * IN], y[ROWS * OUT];
    net n;
    bench b;

    (void)state;
    fill(&n, 1);
    make_net(&b, &n);
    n.q->point[n.x] = p;
    has_to_succeed(&b, fpc_int8_weigh(b.ctx, b.arena, n.q), "scales");
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = (float)(4 * sin(i * 0.9)); /* some lie outside of what 0 to 255 stand for: -1.54 to 3.56 */
    fpc_program *program = compile(&b, &n, n.q, NULL);
    run(&b, program, x);
    has_to_succeed(&b, fpc_program_read(program, "y", FPC_F32, y, ROWS * OUT), "read");
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < OUT; c++) {
            double most = 0;
            for (int k = 0; k < IN; k++)
                most = fmax(most, fabs(n.weight[c * IN + k]));
            const double s = (double)(float)(most / 127);
            int64_t sum = llrint(n.bias[c] / (s * (double)p.scale));
            for (int k = 0; k < IN; k++) {
                const double whole = rint((double)(x[r * IN + k] / p.scale)) + p.zero;
                const int64_t q = (int64_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
                sum += (q - p.zero) * llrint(n.weight[c * IN + k] / s);
            }
            assert_true(fabs((double)y[r * OUT + c] - (double)sum * s * (double)p.scale) < 2e-5);
        }
    bench_free(&b);
}

static fpc_int8_point point_by(bench *b, net *n, const float *x, fpc_status *status)
{
    fpc_program *p = compile(b, n, NULL, n->q->wanted);
    fpc_int8_ranges *ranges;

    has_to_succeed(b, fpc_int8_ranges_new(b->ctx, b->arena, n->q, p, &ranges), "ranges");
    *status = FPC_OK;
    for (int pass = 0; pass < 2 && !*status; pass++) {
        run(b, p, x);
        *status = fpc_int8_ranges_add(ranges, pass);
    }
    if (!*status)
        fpc_int8_ranges_points(ranges, n->q);
    return n->q->point[n->x];
}

/* Zero is always one of the numbers; of nothing but zeros the scale is 1; what lies far off is cut where the rest gains
 * by it. */
static void points_follow_ranges(void **state)
{
    float x[ROWS * IN];
    fpc_status status;
    net n;
    bench b;

    (void)state;
    fill(&n, 2);
    make_net(&b, &n);
    memset(x, 0, sizeof x);
    fpc_int8_point p = point_by(&b, &n, x, &status);
    assert_true(p.scale == 1 && p.zero == 0);
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = 1 + (float)i / (ROWS * IN - 1);
    p = point_by(&b, &n, x, &status);
    assert_true(p.zero == 0 && p.scale > 1.9f / 255 && p.scale < 2.001f / 255);
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = -1 + 4 * (float)i / (ROWS * IN - 1);
    p = point_by(&b, &n, x, &status);
    assert_true(p.zero > 60 && p.zero < 68 && p.scale < 4.001f / 255 && p.scale > 3.8f / 255);
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = 1e-35f; /* no scale is so small that processors take it for zero */
    p = point_by(&b, &n, x, &status);
    assert_true(p.scale == 1 && p.zero == 0);
    x[3] = NAN;
    (void)point_by(&b, &n, x, &status);
    has_to_fail(&b, status, "NaN", "export --int8: x gives a number that is not finite for a calibration picture");
    x[3] = INFINITY;
    (void)point_by(&b, &n, x, &status);
    has_to_fail(&b, status, "infinity", "x gives a number that is not finite");
    bench_free(&b);
}

static void weights_have_to_be_finite(void **state)
{
    net n;
    bench b;

    (void)state;
    fill(&n, 3);
    n.weight[7] = NAN;
    make_net(&b, &n);
    n.q->point[n.x] = (fpc_int8_point){0.1f, 0};
    has_to_fail(&b, fpc_int8_weigh(b.ctx, b.arena, n.q), "NaN",
                "export --int8: layer.weight (of linear layer) holds nan at 7; weights have to be finite");
    bench_free(&b);
    fill(&n, 3);
    n.weight[2] = 1e39; /* is infinite in fp32 */
    make_net(&b, &n);
    n.q->point[n.x] = (fpc_int8_point){0.1f, 0};
    has_to_fail(&b, fpc_int8_weigh(b.ctx, b.arena, n.q), "infinity", "layer.weight (of linear layer) holds 1e+39 at 2");
    bench_free(&b);
}

/* A channel without weights, and one of tiny weights beside a large bias: the bias is kept, and fits. */
static void channels_of_nothing_keep_their_bias(void **state)
{
    net n;
    bench b;

    (void)state;
    fill(&n, 4);
    for (int k = 0; k < IN; k++) {
        n.weight[k] = 0;
        n.weight[IN + k] = 1e-20;
        n.weight[2 * IN + k] = 0;
    }
    n.bias[0] = -2.5;
    n.bias[1] = 1000;
    n.bias[2] = 0;
    make_net(&b, &n);
    n.q->point[n.x] = (fpc_int8_point){0.05f, 10};
    has_to_succeed(&b, fpc_int8_weigh(b.ctx, b.arena, n.q), "scales");
    const fpc_gnode *node = &n.g->node[0];
    assert_true(fpc_int8_has_bias(n.q, node));
    for (int c = 0; c < OUT; c++) {
        const double s = (double)fpc_int8_bias_scale(n.q, node, c), is = fpc_int8_bias(n.q, node, c) * s;
        assert_true(s > 1e-31 && fabs(is - n.bias[c]) < 1e-3 * (1 + fabs(n.bias[c])));
        assert_true(abs(fpc_int8_bias(n.q, node, c)) <= 1 << 30);
    }
    assert_true(fpc_int8_whole(-5, 1) == -5 && fpc_int8_whole(300, 1) == 127 && fpc_int8_whole(-300, 1) == -127);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(products_are_those_of_whole_numbers), CASE(points_follow_ranges),
                                       CASE(weights_have_to_be_finite), CASE(channels_of_nothing_keep_their_bias)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
