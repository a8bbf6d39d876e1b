/* fuse.c: the graph with and without joined nodes gives the same outputs and gradients, in double; each join happens
 * where it may, and what others look at is left alone. */
#include "graphs.h"
#include "graph/passes.h"

typedef fpc_val build_fn(fpc_graph *, fpc_val x);

typedef struct result {
    double *y, *grad;
    int64_t n_y, n_grad;
    int32_t linear_add, add_layer_norm, grad_with_sum, resize_add, nodes;
} result;

static int32_t count(const fpc_graph *g, const char *op, int32_t n_in)
{
    int32_t n = 0;
    for (int32_t i = 0; i < g->n_nodes; i++)
        n += !strcmp(g->node[i].def->name, op) && g->node[i].n_in == n_in;
    return n;
}

static void check_order(const fpc_graph *g)
{
    for (int32_t i = 0; i < g->n_nodes; i++) {
        for (int32_t j = 0; j < g->node[i].n_in; j++)
            assert_true(g->value[g->node[i].in[j]].node < i);
        for (int32_t o = 0; o < g->node[i].n_out; o++)
            assert_int_equal(g->value[g->node[i].out[o]].node, i);
    }
}

static result run(build_fn *build, int fuse)
{
    bench l;
    result r = {0};
    fpc_state *state = NULL;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val y = build(g, fpc_input(g, "x", (fpc_shape){1, 6, 5, 8}, g->real));
    fpc_output_mark(g, "y", y);
    fpc_output_mark(g, "loss", probe_scalar(&l, g, y));
    if (fpc_graph_check(g))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &state), FPC_OK);
    assert_int_equal(fpc_state_init(state, 5), FPC_OK);
    g->n_grads = state->n_params;
    g->grad = fpc_alloc(l.arena, (size_t)g->n_grads * sizeof *g->grad);
    assert_int_equal(fpc_autodiff(g, fpc_output_find(g, "loss"), g->n_grads, g->grad), FPC_OK);
    assert_int_equal(fpc_graph_sweep(g, g->n_grads, g->grad), FPC_OK);
    if (fuse && fpc_graph_fuse(g, 2))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    check_order(g);
    r.linear_add = count(g, "linear_add", 4);
    r.add_layer_norm = count(g, "add_layer_norm", 4);
    r.grad_with_sum = count(g, "layer_norm_grad", 6);
    r.resize_add = count(g, "resize_add", 2);
    r.nodes = g->n_nodes;
    fpc_program *p = bench_compile(&l, g, &state, 5);
    bench_write_noise(&l, p, "x", 1);
    if (fpc_program_run(p))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    const double *out = bench_read(&l, p, "y", &r.n_y);
    r.y = malloc((size_t)r.n_y * sizeof *r.y);
    memcpy(r.y, out, (size_t)r.n_y * sizeof *r.y);
    r.n_grad = fpc_count(state->flat);
    r.grad = malloc((size_t)r.n_grad * sizeof *r.grad);
    memcpy(r.grad, state->grad, (size_t)r.n_grad * sizeof *r.grad);
    bench_free(&l);
    return r;
}

/* Returns what the fused graph held. */
static result same(build_fn *build)
{
    result plain = run(build, 0), fused = run(build, 1);
    assert_int_equal(plain.linear_add + plain.add_layer_norm + plain.grad_with_sum + plain.resize_add, 0);
    assert_true(worst(plain.y, fused.y, plain.n_y) < 1e-13);
    assert_true(worst(plain.grad, fused.grad, plain.n_grad) < 1e-12);
    assert_int_equal(plain.nodes - fused.nodes,
                     fused.linear_add + fused.add_layer_norm + fused.grad_with_sum + fused.resize_add);
    free(plain.y), free(plain.grad), free(fused.y), free(fused.grad);
    return fused;
}

/* x + linear(norm(x)), twice: a transformer's skeleton. */
static fpc_val block(fpc_graph *g, fpc_val x)
{
    for (int i = 0; i < 2; i++) {
        fpc_enter(g, "block%d", i);
        const fpc_val n = fpc_layer_norm(g, "norm", x, 1e-5f);
        x = fpc_add(g, x, fpc_linear(g, "proj", fpc_gelu(g, n), 8, 1));
        fpc_leave(g);
    }
    return fpc_layer_norm(g, "last", x, 1e-5f);
}

static void residual_blocks(void **state)
{
    (void)state;
    const result r = same(block);
    assert_int_equal(r.linear_add, 2);
    assert_int_equal(r.grad_with_sum, 1); /* of block1's norm; the gradient by x itself is not wanted */
}

/* The linear map is not what is added last: the sum goes into the norm that reads it. */
static fpc_val with_gelu(fpc_graph *g, fpc_val x)
{
    const fpc_val a = fpc_linear(g, "a", x, 8, 1), b = fpc_gelu(g, fpc_linear(g, "b", a, 8, 1));
    const fpc_val sum = fpc_add(g, a, b);
    return fpc_add(g, sum, fpc_layer_norm(g, "norm", sum, 1e-5f)); /* the sum is read twice */
}

static void norm_takes_the_sum(void **state)
{
    (void)state;
    const result r = same(with_gelu);
    assert_int_equal(r.add_layer_norm, 1);
    assert_int_equal(r.linear_add, 0); /* `a` is read by others too */
}

/* What the host reads must exist: a linear map whose result is an output keeps its node. */
static fpc_val watched(fpc_graph *g, fpc_val x)
{
    const fpc_val a = fpc_linear(g, "a", x, 8, 1);
    fpc_output_mark(g, "watched", a);
    return fpc_add(g, fpc_relu(g, x), a);
}

static void outputs_are_kept(void **state)
{
    (void)state;
    assert_int_equal(same(watched).linear_add, 0);
}

/* Without a bias there is no joined node. */
static fpc_val no_bias(fpc_graph *g, fpc_val x)
{
    return fpc_add(g, fpc_relu(g, x), fpc_linear(g, "a", x, 8, 0));
}

static void no_bias_no_join(void **state)
{
    (void)state;
    assert_int_equal(same(no_bias).linear_add, 0);
}

/* A decoder's sum of maps of several sizes. */
static fpc_val pyramid(fpc_graph *g, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    fpc_val sum = fpc_linear(g, "fine", x, 8, 1);
    for (int32_t i = 1; i <= 3; i++) {
        fpc_enter(g, "stage%d", i);
        const fpc_val small = fpc_linear(g, "map", fpc_resize(g, x, i, i + 1, 0), 8, 1);
        const fpc_val up = fpc_resize(g, fpc_relu(g, small), s.h, s.w, 0);
        sum = i == 2 ? fpc_add(g, up, sum) : fpc_add(g, sum, up);
        fpc_leave(g);
    }
    return sum;
}

static void sums_of_resized(void **state)
{
    (void)state;
    const result r = same(pyramid);
    assert_int_equal(r.linear_add, 1);
    assert_int_equal(r.resize_add, 2);
}

/* A resized map that others read too stays. */
static fpc_val read_twice(fpc_graph *g, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_val up = fpc_resize(g, fpc_linear(g, "map", fpc_resize(g, x, 2, 2, 0), 8, 1), s.h, s.w, 0);
    return fpc_mul(g, up, fpc_add(g, fpc_relu(g, x), up));
}

static void resized_is_kept(void **state)
{
    (void)state;
    assert_int_equal(same(read_twice).resize_add, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(residual_blocks),  cmocka_unit_test(norm_takes_the_sum),
                                       cmocka_unit_test(outputs_are_kept), cmocka_unit_test(no_bias_no_join),
                                       cmocka_unit_test(sums_of_resized),  cmocka_unit_test(resized_is_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
