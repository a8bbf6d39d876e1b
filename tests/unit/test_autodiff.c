/* The backward pass as a whole: a random-direction check in double on graphs with every way in which gradients meet,
 * and what it does where there is none. (Each op's own gradient: tests/ops.) */
#include "graphs.h"

typedef fpc_val build_fn(bench *, fpc_graph *, fpc_val x);

static double loss_of(fpc_program *p)
{
    double v;
    assert_int_equal(fpc_program_run(p), FPC_OK);
    assert_int_equal(fpc_program_read(p, "loss", FPC_F64, &v, 1), FPC_OK);
    return v;
}

/* d loss / d parameters along a random direction: backward pass against central differences, with its sign. */
static void check(build_fn *build)
{
    bench l;
    fpc_state *s = NULL;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val loss = probe_scalar(&l, g, build(&l, g, fpc_input(g, "x", (fpc_shape){1, 4, 5, 6}, g->real)));
    fpc_output_mark(g, "loss", loss);
    if (fpc_graph_check(g))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &s), FPC_OK);
    assert_int_equal(fpc_state_init(s, 11), FPC_OK);
    g->n_grads = s->n_params;
    g->grad = fpc_alloc(l.arena, (size_t)g->n_grads * sizeof *g->grad);
    if (fpc_autodiff(g, loss, g->n_grads, g->grad))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_int_equal(fpc_graph_sweep(g, g->n_grads, g->grad), FPC_OK);
    fpc_program *p = bench_compile(&l, g, &s, 11);
    bench_write_noise(&l, p, "x", 1);
    loss_of(p);
    const int64_t n = fpc_count(s->flat);
    double *w = s->param, *d = fpc_alloc(l.arena, (size_t)n * sizeof *d), slope = 0;
    for (int32_t e = 0; e < s->n; e++)
        if (s->entry[e].kind == FPC_STATE_PARAM)
            for (int64_t i = 0; i < s->entry[e].count; i++)
                d[(double *)s->entry[e].data - w + i] = noise(fpc_hash(s->entry[e].name), i);
    for (int64_t i = 0; i < n; i++)
        slope += d[i] * ((double *)s->grad)[i];
    const double h = 1e-5;
    for (int64_t i = 0; i < n; i++)
        w[i] += h * d[i];
    const double up = loss_of(p);
    for (int64_t i = 0; i < n; i++)
        w[i] -= 2 * h * d[i];
    const double down = loss_of(p), measured = (up - down) / (2 * h);
    if (fabs(slope) < 1e-3 || fabs(slope - measured) > 1e-6 * fabs(slope))
        fail_msg("backward %.12g, differences %.12g", slope, measured);
    bench_free(&l);
}

static fpc_val residuals(bench *l, fpc_graph *g, fpc_val x)
{
    (void)l;
    const fpc_val a = fpc_linear(g, "a", x, 6, 1);
    return fpc_add(g, a, fpc_linear(g, "c", fpc_gelu(g, fpc_add(g, a, fpc_linear(g, "b", a, 6, 1))), 6, 1));
}
static fpc_val slices(bench *l, fpc_graph *g, fpc_val x)
{
    (void)l; /* kv: two slices that tile; and one that overlaps them */
    const fpc_val kv = fpc_linear(g, "kv", x, 12, 1), q = fpc_linear(g, "q", x, 6, 1);
    const fpc_val k = fpc_slice(g, kv, 0, 6), v = fpc_slice(g, kv, 6, 6);
    const fpc_val o = fpc_attention(g, "attn", q, k, v, 2, 0);
    return fpc_add(g, o, fpc_slice(g, fpc_linear(g, "kw", x, 9, 1), 2, 6));
}
static fpc_val gate(bench *l, fpc_graph *g, fpc_val x)
{
    (void)l;
    const fpc_val u = fpc_batch_norm(g, "bn", fpc_linear(g, "pw", x, 6, 0), 1e-5f, 0.1f);
    const fpc_val s = fpc_sigmoid(
        g, fpc_linear(g, "fc", fpc_relu(g, fpc_linear(g, "fc0", fpc_pool_mean(g, fpc_add(g, u, x)), 6, 0)), 6, 0));
    return fpc_add(g, fpc_mul(g, u, s), x);
}
static fpc_val pyramid(bench *l, fpc_graph *g, fpc_val x)
{
    (void)l;
    const fpc_conv_args down = {.size = sizeof down, .k = 3, .stride = 2, .pad = 1, .bias = 1};
    const fpc_conv_args up = {.size = sizeof up, .k = 2, .stride = 2, .bias = 1};
    const fpc_val s = fpc_layer_norm(g, "ln", fpc_conv2d(g, "down", x, 5, &down), 1e-5f);
    const fpc_val t = fpc_pad(g, fpc_conv_transpose2d(g, "up", s, 3, &up), 0, -1, 4, 5);
    return fpc_concat(g, 3, (fpc_val[]){t, fpc_resize(g, s, 4, 5, 1), fpc_linear(g, "skip", x, 2, 1)});
}

static void residuals_gradients(void **state)
{
    (void)state, check(residuals);
}
static void slices_gradients(void **state)
{
    (void)state, check(slices);
}
static void gate_gradients(void **state)
{
    (void)state, check(gate);
}
static void pyramid_gradients(void **state)
{
    (void)state, check(pyramid);
}

static void tiling_slices_become_a_concat(void **state)
{
    (void)state;
    bench l;
    fpc_val grads[8];
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val kv = fpc_linear(g, "kv", fpc_input(g, "x", (fpc_shape){1, 2, 2, 6}, g->real), 8, 1);
    const fpc_val y = fpc_mul(g, fpc_slice(g, kv, 0, 4), fpc_slice(g, kv, 4, 4));
    assert_int_equal(fpc_autodiff(g, probe_scalar(&l, g, y), 2, grads), FPC_OK);
    assert_int_equal(fpc_graph_sweep(g, 2, grads), FPC_OK);
    int padded = 0, joined = 0;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        padded += !strcmp(g->node[i].def->name, "slice_grad");
        joined += !strcmp(g->node[i].def->name, "concat");
    }
    assert_int_equal(padded, 0);
    assert_int_equal(joined, 1);
    bench_free(&l);
}

static void unused_parameter_has_zero_gradient(void **state)
{
    (void)state;
    bench l;
    fpc_state *s = NULL;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 2, 2, 6}, g->real);
    fpc_linear(g, "idle", x, 3, 0);
    fpc_val grads[2], loss = probe_scalar(&l, g, fpc_linear(g, "used", x, 3, 0));
    assert_int_equal(fpc_autodiff(g, loss, 2, grads), FPC_OK);
    g->grad = grads;
    g->n_grads = 2;
    assert_int_equal(fpc_graph_sweep(g, 2, grads), FPC_OK);
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &s), FPC_OK);
    memset(s->grad, 0x7f, (size_t)fpc_count(s->flat) * 8); /* it is written, not left */
    fpc_program *p = bench_compile(&l, g, &s, 1);
    bench_write_noise(&l, p, "x", 1);
    assert_int_equal(fpc_program_run(p), FPC_OK);
    const double *idle = fpc_state_find(s, "grad.idle.weight")->data,
                 *used = fpc_state_find(s, "grad.used.weight")->data;
    for (int i = 0; i < 18; i++)
        assert_true(idle[i] == 0 && used[i] != 0);
    bench_free(&l);
}

static void loss_must_be_one_number(void **state)
{
    (void)state;
    bench l;
    fpc_val grads[1];
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val y = fpc_linear(g, "y", fpc_input(g, "x", (fpc_shape){1, 2, 2, 6}, g->real), 3, 0);
    assert_int_equal(fpc_autodiff(g, y, 1, grads), FPC_EINVAL);
    assert_string_equal(fpc_ctx_error(l.ctx), "the loss is 1x2x2x3; it must be one number");
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residuals_gradients),
        cmocka_unit_test(slices_gradients),
        cmocka_unit_test(gate_gradients),
        cmocka_unit_test(pyramid_gradients),
        cmocka_unit_test(tiling_slices_become_a_concat),
        cmocka_unit_test(unused_parameter_has_zero_gradient),
        cmocka_unit_test(loss_must_be_one_number),
    };
    return cmocka_run_group_tests_name("autodiff", tests, NULL, NULL);
}
