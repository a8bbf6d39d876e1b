/* The executor: tiles, parts and threads change nothing; host access converts and checks; the first node whose output
 * is not finite is found and named. */
#include "graphs.h"

static fpc_graph *network(lab *l, int32_t n)
{
    fpc_graph *g = lab_graph(l, 1);
    const fpc_conv_args conv = {.size = sizeof conv, .k = 3, .stride = 2, .pad = 1, .bias = 1};
    const fpc_val x = fpc_input(g, "x", (fpc_shape){n, 33, 30, 3}, g->real);
    fpc_val y = fpc_layer_norm(g, "norm", fpc_conv2d(g, "conv", x, 20, &conv), 1e-5f);
    const fpc_val kv = fpc_linear(g, "kv", fpc_resize(g, y, 4, 3, 0), 40, 1);
    const fpc_val o = fpc_attention(g, "attn", fpc_linear(g, "q", y, 20, 1), fpc_slice(g, kv, 0, 20),
                                    fpc_slice(g, kv, 20, 20), 2, 0.2f);
    y = fpc_add(g, y, fpc_dropout(g, "drop", fpc_linear(g, "proj", o, 20, 1), 0.3f, 0));
    y = fpc_batch_norm(g, "bn", fpc_gelu(g, fpc_linear(g, "fc", y, 24, 1)), 1e-5f, 0.1f);
    const fpc_val head = fpc_resize(g, fpc_linear(g, "head", y, 5, 1), 33, 30, 0);
    const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY};
    const fpc_seg_loss_attr loss = {.n_terms = 1, .ignore = -1, .term_size = sizeof ce, .term = {&ce}};
    const fpc_val in[2] = {head, fpc_input(g, "mask", (fpc_shape){n, 33, 30, 1}, FPC_U8)};
    fpc_output_mark(g, "y", y);
    fpc_output_mark(g, "loss", fpc_op(g, "seg_loss", "loss", 2, in, FPC_ATTR(loss), NULL));
    if (fpc_graph_check(g))
        fail_msg("%s", fpc_ctx_error(l->ctx));
    return g;
}

typedef struct outcome {
    double loss, *y, *grad;
    int64_t n_y, n_grad;
} outcome;

static outcome run(const char *backend)
{
    lab l;
    outcome r = {0};
    fpc_state *s = NULL;
    lab_open(&l, backend);
    fpc_graph *g = network(&l, 3);
    assert_int_equal(fpc_rewrite(g, 1), FPC_OK);
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &s), FPC_OK);
    assert_int_equal(fpc_state_init(s, 2), FPC_OK);
    g->n_grads = s->n_params;
    g->grad = fpc_alloc(l.arena, (size_t)g->n_grads * sizeof *g->grad);
    assert_int_equal(fpc_autodiff(g, fpc_output_find(g, "loss"), g->n_grads, g->grad), FPC_OK);
    assert_int_equal(fpc_graph_sweep(g, g->n_grads, g->grad), FPC_OK);
    fpc_program *p = lab_compile(&l, g, &s, 2);
    lab_write_noise(&l, p, "x", 3);
    uint8_t mask[3 * 33 * 30];
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] = (uint8_t)(i / 37 % 5);
    const int32_t clock[4] = {1, 2, 3, 0};
    assert_int_equal(fpc_program_write(p, "mask", FPC_U8, mask, sizeof mask), FPC_OK);
    assert_int_equal(fpc_program_write(p, "clock", FPC_I32, clock, 4), FPC_OK);
    if (fpc_program_run(p))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    int64_t one;
    r.loss = *lab_read(&l, p, "loss", &one);
    const double *y = lab_read(&l, p, "y", &r.n_y);
    r.y = malloc((size_t)r.n_y * sizeof *r.y);
    memcpy(r.y, y, (size_t)r.n_y * sizeof *r.y);
    r.n_grad = fpc_count(s->flat);
    r.grad = malloc((size_t)r.n_grad * sizeof *r.grad);
    for (int64_t i = 0; i < r.n_grad; i++)
        r.grad[i] = g->real == FPC_F64 ? ((double *)s->grad)[i] : (double)((float *)s->grad)[i];
    lab_close(&l);
    return r;
}

static void drop(outcome r)
{
    free(r.y), free(r.grad);
}

/* ref runs node after node over everything; cpu in tiles: the same up to rounding. */
static void test_tiles_change_nothing(void **state)
{
    (void)state;
    const outcome a = run(REF_DOUBLE), b = run("[backend]\nuse = cpu\nthreads = 1\n");
    assert_true(fabs(a.loss - b.loss) < 1e-5 * fabs(a.loss));
    assert_true(worst(a.y, b.y, a.n_y) < 1e-5);
    assert_true(worst(a.grad, b.grad, a.n_grad) < 1e-5);
    drop(a), drop(b);
}

static void test_threads_give_the_same_bits(void **state)
{
    (void)state;
    const outcome a = run("[backend]\nuse = cpu\nthreads = 1\n");
    const char *const other[] = {"[backend]\nuse = cpu\nthreads = 2\n", "[backend]\nuse = cpu\nthreads = 7\n"};
    for (int i = 0; i < 2; i++) {
        const outcome b = run(other[i]);
        assert_memory_equal(a.y, b.y, (size_t)a.n_y * sizeof *a.y);
        assert_memory_equal(a.grad, b.grad, (size_t)a.n_grad * sizeof *a.grad);
        assert_true(a.loss == b.loss);
        drop(b);
    }
    drop(a);
}

static void test_host_access_is_checked(void **state)
{
    (void)state;
    lab l;
    fpc_state *s = NULL;
    lab_open(&l, "[backend]\nuse = ref\n");
    fpc_program *p = lab_compile(&l, network(&l, 1), &s, 1);
    double x[4] = {0};
    assert_int_equal(fpc_program_write(p, "x", FPC_F64, x, 4), FPC_EINTERNAL);
    assert_string_equal(fpc_ctx_error(l.ctx), "`x` is 1x33x30x3; 4 elements were given");
    fpc_ctx_clear(l.ctx);
    assert_int_equal(fpc_program_read(p, "nothing", FPC_F64, x, 4), FPC_EINTERNAL);
    assert_string_equal(fpc_ctx_error(l.ctx), "the program has no input or output `nothing`");
    assert_true(fpc_program_has(p, "mask") && !fpc_program_has(p, "nothing"));
    /* doubles arrive as floats, and come back */
    lab_write_noise(&l, p, "x", 5);
    int64_t n;
    const double *back = lab_read(&l, p, "x", &n);
    for (int64_t i = 0; i < n; i++)
        assert_true(back[i] == (double)(float)noise(5, i));
    lab_close(&l);
}

static void test_first_bad_node_is_named(void **state)
{
    (void)state;
    const char *const backends[] = {"[backend]\nuse = ref\n", "[backend]\nuse = cpu\n"};
    for (int i = 0; i < 2; i++) {
        lab l;
        fpc_state *s = NULL;
        lab_open(&l, backends[i]);
        fpc_graph *g = lab_graph(&l, 0);
        fpc_val y = fpc_linear(g, "fine", fpc_input(g, "x", (fpc_shape){1, 9, 9, 4}, g->real), 6, 1);
        y = fpc_gelu(g, fpc_linear(g, "bad", y, 6, 1));
        fpc_output_mark(g, "y", fpc_linear(g, "after", y, 2, 1));
        fpc_program *p = lab_compile(&l, g, &s, 1);
        lab_write_noise(&l, p, "x", 1);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        assert_null(fpc_program_find_nan(p));
        const float bias[6] = {0, 0, INFINITY, 0, 0, 0};
        assert_int_equal(fpc_state_set(s, fpc_state_find(s, "bad.bias"), bias), FPC_OK);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        const char *where = fpc_program_find_nan(p);
        assert_non_null(where);
        assert_string_equal(where, "bad (linear)");
        lab_close(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_change_nothing),
        cmocka_unit_test(test_threads_give_the_same_bits),
        cmocka_unit_test(test_host_access_is_checked),
        cmocka_unit_test(test_first_bad_node_is_named),
    };
    return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
