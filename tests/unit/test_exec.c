/* The executor: tiles, parts and threads change nothing; host access converts and checks; the first node whose output
 * is not finite is found and named. */
#include "graphs.h"
#include "runtime/exec.h"

static fpc_graph *network(bench *l, int32_t n)
{
    fpc_graph *g = bench_graph(l, 1);
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
    bench l;
    outcome r = {0};
    fpc_state *s = NULL;
    bench_backend(&l, backend);
    fpc_graph *g = network(&l, 3);
    assert_int_equal(fpc_graph_rewrite(g, 1), FPC_OK);
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &s), FPC_OK);
    assert_int_equal(fpc_state_init(s, 2), FPC_OK);
    g->n_grads = s->n_params;
    g->grad = fpc_alloc(l.arena, (size_t)g->n_grads * sizeof *g->grad);
    assert_int_equal(fpc_autodiff(g, fpc_output_find(g, "loss"), g->n_grads, g->grad), FPC_OK);
    assert_int_equal(fpc_graph_sweep(g, g->n_grads, g->grad), FPC_OK);
    fpc_program *p = bench_compile(&l, g, &s, 2);
    bench_write_noise(&l, p, "x", 3);
    uint8_t mask[3 * 33 * 30];
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] = (uint8_t)(i / 37 % 5);
    const int32_t clock[4] = {1, 2, 3, 0};
    assert_int_equal(fpc_program_write(p, "mask", FPC_U8, mask, sizeof mask), FPC_OK);
    assert_int_equal(fpc_program_write(p, "clock", FPC_I32, clock, 4), FPC_OK);
    if (fpc_program_run(p))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    int64_t one;
    r.loss = *bench_read(&l, p, "loss", &one);
    const double *y = bench_read(&l, p, "y", &r.n_y);
    r.y = malloc((size_t)r.n_y * sizeof *r.y);
    memcpy(r.y, y, (size_t)r.n_y * sizeof *r.y);
    r.n_grad = fpc_count(s->flat);
    r.grad = malloc((size_t)r.n_grad * sizeof *r.grad);
    for (int64_t i = 0; i < r.n_grad; i++)
        r.grad[i] = g->real == FPC_F64 ? ((double *)s->grad)[i] : (double)((float *)s->grad)[i];
    bench_free(&l);
    return r;
}

static void drop(outcome r)
{
    free(r.y), free(r.grad);
}

/* ref runs node after node over everything; cpu in tiles: the same up to rounding. */
static void tiles_change_nothing(void **state)
{
    (void)state;
    const outcome a = run(REF_DOUBLE), b = run("[backend]\nuse = cpu\nthreads = 1\n");
    assert_true(fabs(a.loss - b.loss) < 1e-5 * fabs(a.loss));
    assert_true(worst(a.y, b.y, a.n_y) < 1e-5);
    assert_true(worst(a.grad, b.grad, a.n_grad) < 1e-5);
    drop(a), drop(b);
}

static void threads_give_the_same_bits(void **state)
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

static void host_access_is_checked(void **state)
{
    (void)state;
    bench l;
    fpc_state *s = NULL;
    bench_backend(&l, "[backend]\nuse = ref\n");
    fpc_program *p = bench_compile(&l, network(&l, 1), &s, 1);
    double x[4] = {0};
    assert_int_equal(fpc_program_write(p, "x", FPC_F64, x, 4), FPC_EINTERNAL);
    assert_string_equal(fpc_ctx_error(l.ctx), "`x` is 1x33x30x3; 4 elements were given");
    fpc_ctx_clear(l.ctx);
    assert_int_equal(fpc_program_read(p, "nothing", FPC_F64, x, 4), FPC_EINTERNAL);
    assert_string_equal(fpc_ctx_error(l.ctx), "the program has no input or output `nothing`");
    assert_true(fpc_program_has(p, "mask") && !fpc_program_has(p, "nothing"));
    /* doubles arrive as floats, and come back */
    bench_write_noise(&l, p, "x", 5);
    int64_t n;
    const double *back = bench_read(&l, p, "x", &n);
    for (int64_t i = 0; i < n; i++)
        assert_true(back[i] == (double)(float)noise(5, i));
    bench_free(&l);
}

static void first_bad_node_is_named(void **state)
{
    (void)state;
    const char *const backends[] = {"[backend]\nuse = ref\n", "[backend]\nuse = cpu\n"};
    for (int i = 0; i < 2; i++) {
        bench l;
        fpc_state *s = NULL;
        bench_backend(&l, backends[i]);
        fpc_graph *g = bench_graph(&l, 0);
        fpc_val y = fpc_linear(g, "fine", fpc_input(g, "x", (fpc_shape){1, 9, 9, 4}, g->real), 6, 1);
        y = fpc_gelu(g, fpc_linear(g, "bad", y, 6, 1));
        fpc_output_mark(g, "y", fpc_linear(g, "after", y, 2, 1));
        fpc_program *p = bench_compile(&l, g, &s, 1);
        bench_write_noise(&l, p, "x", 1);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        assert_null(fpc_program_find_nan(p));
        const float bias[6] = {0, 0, INFINITY, 0, 0, 0};
        assert_int_equal(fpc_state_set(s, fpc_state_find(s, "bad.bias"), bias), FPC_OK);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        const char *where = fpc_program_find_nan(p);
        assert_non_null(where);
        assert_string_equal(where, "bad (linear)");
        bench_free(&l);
    }
}

typedef struct rows {
    int n, negative;
    int64_t macs, bytes;
    char ops[400];
} rows;

static void add_row(void *arg, const char *op, const char *name, double seconds, int64_t macs, int64_t bytes)
{
    rows *r = arg;
    r->n++;
    r->negative += !(seconds >= 0) || !*name;
    r->macs += macs;
    r->bytes += bytes;
    snprintf(r->ops + strlen(r->ops), sizeof r->ops - strlen(r->ops), "%s ", op);
}

/* The rows of a profile are the groups that run, and together the whole program. */
static void a_profile_is_the_whole(void **state)
{
    (void)state;
    static const char *const backends[] = {REF_DOUBLE, "[backend]\nuse = cpu\nthreads = 1\n"};
    static const char *const ops[] = {"linear gelu linear ", "linear+gelu+linear "}; /* in tiles: one group */
    for (int i = 0; i < 2; i++) {
        bench l;
        fpc_state *s = NULL;
        rows r = {0};
        bench_backend(&l, backends[i]);
        fpc_graph *g = bench_graph(&l, 0);
        const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 9, 9, 4}, g->real);
        fpc_output_mark(g, "y", fpc_linear(g, "b", fpc_gelu(g, fpc_linear(g, "a", x, 6, 1)), 2, 1));
        fpc_program *p = bench_compile(&l, g, &s, 1);
        bench_write_noise(&l, p, "x", 1);
        assert_int_equal(fpc_program_profile(p, 2, add_row, &r), FPC_OK);
        assert_string_equal(r.ops, ops[i]);
        assert_int_equal(r.negative, 0);
        assert_int_equal(r.macs, 81 * (4 * 6 + 6 * 2));
        /* x, a, its gelu and b where they lie in memory; both maps' weights */
        const int64_t numbers = 81 * (i ? 4 + 2 : 4 + 4 * 6 + 2) + 4 * 6 + 6 + 6 * 2 + 2;
        assert_int_equal(r.bytes, numbers * (i ? 4 : 8));
        bench_free(&l);
    }
}

/* A slip in a name is told where the graph is compiled, not met as a NULL pointer by a kernel. */
static void unknown_flat_buffer_is_refused(void **state)
{
    (void)state;
    bench l;
    fpc_state *s;
    fpc_program *p;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    fpc_output_mark(g, "y", fpc_linear(g, "fc", fpc_input(g, "x", (fpc_shape){1, 2, 2, 2}, g->real), 2, 1));
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &s), FPC_OK);
    g = bench_graph(&l, 0);
    const fpc_val slip = fpc_buffer(g, "$gard", 1, s->flat, FPC_F32, FPC_FILL_ZERO);
    fpc_output_mark(g, "y", fpc_op(g, "sum_squares", "norm", 1, &slip, NULL, 0, NULL));
    assert_int_equal(fpc_program_compile(l.ctx, l.arena, s, g, &p), FPC_EINTERNAL);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "a graph works on `$gard`, which there is not; there are $param"));
    bench_free(&l);
}

/* A lone node has as many inputs as a node in a graph: combine takes a vector of weights and 16 terms. */
static void a_lone_node_may_have_many_inputs(void **state)
{
    (void)state;
    enum { TERMS = 16 };
    bench l;
    bench_backend(&l, REF_DOUBLE);
    const fpc_op_def *def = fpc_op_find(l.ops, "combine");
    double weight[TERMS], term[TERMS], sum = 0, got = 0;
    fpc_tensor in[TERMS + 1] = {{.data = weight, .shape = fpc_vector(TERMS), .dtype = FPC_F64}};
    for (int32_t i = 0; i < TERMS; i++) {
        weight[i] = noise(1, i), term[i] = noise(2, i);
        in[i + 1] = (fpc_tensor){.data = &term[i], .shape = fpc_vector(1), .dtype = FPC_F64};
        sum += weight[i] * term[i];
    }
    fpc_tensor out = {.data = &got, .shape = fpc_vector(1), .dtype = FPC_F64};
    fpc_node node = {
        .size = sizeof node, .op = "combine", .name = "loss", .n_in = TERMS + 1, .n_out = 1, .in = in, .out = &out};
    const fpc_kernel *k = fpc_backend_kernel(l.backend, &node, FPC_F64);
    if (fpc_run_node(l.ctx, k, def, &node, 1, 0, &l.backend->device))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_true(fabs(got - sum) < 1e-12);
    node.n_in = FPC_MAX_INPUTS + 1;
    assert_int_equal(fpc_run_node(l.ctx, k, def, &node, 1, 0, &l.backend->device), FPC_EINTERNAL);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "node loss: more than 32 inputs or 8 outputs"));
    bench_free(&l);
}

static fpc_graph *inference(bench *l)
{
    fpc_graph *g = bench_graph(l, 0);
    const fpc_conv_args conv = {.size = sizeof conv, .k = 3, .stride = 2, .pad = 1, .bias = 1};
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 33, 30, 3}, g->real);
    const fpc_val y = fpc_conv2d(g, "conv", x, 20, &conv);
    /* two maps in a row become one, whose weight is a product of weights */
    fpc_output_mark(g, "y", fpc_linear(g, "second", fpc_linear(g, "first", y, 24, 1), 5, 1));
    if (fpc_graph_check(g) || fpc_graph_rewrite(g, 1))
        fail_msg("%s", fpc_ctx_error(l->ctx));
    return g;
}

static double *result(bench *l, fpc_program *p, int64_t *n)
{
    bench_write_noise(l, p, "x", 3);
    if (fpc_program_run(p))
        fail_msg("%s", fpc_ctx_error(l->ctx));
    const double *y = bench_read(l, p, "y", n);
    double *copy = fpc_alloc(l->arena, (size_t)*n * sizeof *copy);
    return memcpy(copy, y, (size_t)*n * sizeof *copy);
}

/* What inference makes of weights alone, packed ones and products, is made once; and again when they have changed. */
static void weights_are_packed_once(void **state)
{
    static const char *const names[] = {"conv.weight", "conv.bias", "first.weight", "second.weight", "second.bias"};
    (void)state;
    bench l, other;
    fpc_state *s = NULL, *others = NULL;
    int64_t n;
    bench_backend(&l, "[backend]\nuse = cpu\nthreads = 2\n");
    bench_backend(&other, "[backend]\nuse = cpu\nthreads = 2\n");
    fpc_program *p = bench_compile(&l, inference(&l), &s, 1), *q = bench_compile(&other, inference(&other), &others, 1);
    const double *first = result(&l, p, &n), *again = result(&l, p, &n);
    assert_memory_equal(first, again, (size_t)n * sizeof *first);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const fpc_state_entry *e = fpc_state_find(s, names[i]);
        float value[1024];
        assert_int_equal(fpc_state_get(s, e, value), FPC_OK);
        memset(e->data, 0, (size_t)e->count * sizeof *value); /* behind the state's back: nobody looks */
        again = result(&l, p, &n);
        assert_memory_equal(first, again, (size_t)n * sizeof *first);
        value[0] += 1;
        assert_int_equal(fpc_state_set(s, e, value), FPC_OK);
        assert_int_equal(fpc_state_set(others, fpc_state_find(others, names[i]), value), FPC_OK);
        const double *changed = result(&l, p, &n), *wanted = result(&other, q, &n);
        assert_memory_equal(changed, wanted, (size_t)n * sizeof *first);
        if (!memcmp(changed, first, (size_t)n * sizeof *first))
            fail_msg("%s: the weights of before were used", names[i]);
        first = changed;
    }
    bench_free(&l);
    bench_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_change_nothing),
        cmocka_unit_test(threads_give_the_same_bits),
        cmocka_unit_test(host_access_is_checked),
        cmocka_unit_test(first_bad_node_is_named),
        cmocka_unit_test(a_profile_is_the_whole),
        cmocka_unit_test(unknown_flat_buffer_is_refused),
        cmocka_unit_test(a_lone_node_may_have_many_inputs),
        cmocka_unit_test(weights_are_packed_once),
    };
    return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
