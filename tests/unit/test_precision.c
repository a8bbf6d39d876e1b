/* precision.c: after the pass every argument has the type that its op's row in ops.def asks for, what the host and the
 * state hold stays fp32, weights are read from $half, and products of weights stay exact. (That a training in half
 * precision learns is for backends that have it.) */
#include "graphs.h"
#include "graph/passes.h"
#include <fpcore/loss.h>

typedef struct made {
    bench l;
    fpc_graph *g;
    fpc_state *state;
} made;

static char letter(const char *half, int output, int32_t i)
{
    const char *side = output ? strchr(half, '>') + 1 : half;
    const size_t n = output ? strlen(side) : (size_t)(strchr(half, '>') - half);
    return side[(size_t)i < n ? (size_t)i : n - 1];
}

static int is_half(const fpc_graph *g, int32_t v)
{
    return g->value[v].dtype == FPC_BF16;
}

/* Convolution, norm, attention with dropout, a folded product of weights, a loss; outputs in the middle. */
static void make(made *m, int training)
{
    bench_backend(&m->l, "[backend]\nuse = ref\nreal = float\n");
    m->state = NULL;
    fpc_graph *g = m->g = bench_graph(&m->l, training);
    const fpc_conv_args conv = {.size = sizeof conv, .k = 3, .stride = 1, .pad = 1, .bias = 1};
    fpc_val x = fpc_conv2d(g, "stem", fpc_input(g, "image", (fpc_shape){2, 8, 8, 3}, g->real), 16, &conv);
    x = fpc_batch_norm(g, "bn", x, 1e-5f, 0.1f);
    const fpc_val n = fpc_layer_norm(g, "norm", x, 1e-5f);
    x = fpc_add(g, x,
                fpc_attention(g, "attn", fpc_linear(g, "q", n, 16, 1), fpc_linear(g, "k", n, 16, 1),
                              fpc_linear(g, "v", n, 16, 1), 2, 0.1f));
    fpc_output_mark(g, "features", x);
    x = fpc_mul(g, x, fpc_sigmoid(g, fpc_linear(g, "gate", fpc_pool_mean(g, x), 16, 1)));
    x = fpc_linear(g, "narrow", fpc_linear(g, "wide", x, 32, 0), 4, 0); /* rewrite.c folds the two */
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(g, "mask", (fpc_shape){2, 8, 8, 1}, FPC_U8),
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = 4,
                               .ignore = -1};
    const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY};
    const fpc_val loss = fpc_seg_loss(g, "loss", x, &target, FPC_ATTR(ce));
    fpc_output_mark(g, "loss", loss);
    if (fpc_graph_check(g))
        fail_msg("%s", fpc_ctx_error(m->l.ctx));
    assert_int_equal(fpc_state_new(m->l.ctx, m->l.arena, m->l.backend, g, 0, NULL, FPC_KEEP_HALF, &m->state), FPC_OK);
    assert_int_equal(fpc_graph_rewrite(g, 1), FPC_OK);
    if (training) {
        g->n_grads = m->state->n_params;
        g->grad = fpc_alloc(m->l.arena, (size_t)g->n_grads * sizeof *g->grad);
        assert_int_equal(fpc_autodiff(g, fpc_output_find(g, "loss"), g->n_grads, g->grad), FPC_OK);
        assert_int_equal(fpc_graph_sweep(g, g->n_grads, g->grad), FPC_OK);
    }
    if (fpc_graph_cast_half(g, FPC_BF16))
        fail_msg("%s", fpc_ctx_error(m->l.ctx));
}

static int is_cast(const fpc_gnode *n)
{
    return !strcmp(n->def->name, "cast") || !strcmp(n->def->name, "narrow");
}

/* Arguments of a node agree with its row: all 'h' of one type, 'f' and everything without a row fp32. Returns 1 where
 * it computes in half. */
static int check_node(const fpc_graph *g, const fpc_gnode *n)
{
    int halves = 0, fulls = 0;
    for (int32_t i = 0; i < n->n_in + n->n_out; i++) {
        const int output = i >= n->n_in;
        const int32_t v = output ? n->out[i - n->n_in] : n->in[i];
        if (!is_half(g, v) && g->value[v].dtype != FPC_F32)
            continue;
        if (!n->def->half || letter(n->def->half, output, output ? i - n->n_in : i) == 'f') {
            if (is_half(g, v))
                fail_msg("%s (%s), argument %d is half", n->name, n->def->name, i);
            continue;
        }
        halves += is_half(g, v);
        fulls += !is_half(g, v);
    }
    if (halves && fulls)
        fail_msg("%s (%s) mixes %d half and %d full arguments", n->name, n->def->name, halves, fulls);
    return halves > 0;
}

static void check_graph(const fpc_graph *g)
{
    for (int32_t i = 0; i < g->n_nodes; i++) {
        const fpc_gnode *n = &g->node[i];
        for (int32_t j = 0; j < n->n_in; j++)
            assert_true(g->value[n->in[j]].node < i);
        for (int32_t o = 0; o < n->n_out; o++)
            assert_int_equal(g->value[n->out[o]].node, i);
        if (!is_cast(n))
            check_node(g, n);
        else if (!strcmp(n->def->name, "cast"))
            assert_int_equal(is_half(g, n->in[0]) + is_half(g, n->out[0]), 1);
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        assert_false(is_half(g, g->output[i].value));
    for (int32_t i = 0; i < g->n_grads; i++)
        assert_false(is_half(g, g->grad[i].id));
}

static int32_t halves_of(const fpc_graph *g, const char *op)
{
    int32_t n = 0;
    for (int32_t i = 0; i < g->n_nodes; i++)
        n += !strcmp(g->node[i].def->name, op) && check_node(g, &g->node[i]);
    return n;
}

static void training_graph(void **state)
{
    made m;
    (void)state;
    make(&m, 1);
    check_graph(m.g);
    /* the network runs in half, forward and backward */
    const char *ops[] = {"conv2d",    "conv2d_grad_w",  "batch_norm",      "batch_norm_grad", "layer_norm",
                         "attention", "attention_grad", "layer_norm_grad", "pool_mean"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (halves_of(m.g, ops[i]) != 1)
            fail_msg("%d nodes of %s are half", halves_of(m.g, ops[i]), ops[i]);
    assert_int_equal(halves_of(m.g, "seg_loss"), 0);
    assert_int_equal(halves_of(m.g, "linear"), 5); /* q, k, v, gate, and the folded one */
    bench_free(&m.l);
}

/* The product of the two folded weights is made of fp32 numbers, forward and backward, and rounded once. */
static void products_of_weights_stay_exact(void **state)
{
    made m;
    int32_t products = 0;
    (void)state;
    make(&m, 1);
    for (int32_t i = 0; i < m.g->n_nodes; i++) {
        const fpc_gnode *n = &m.g->node[i];
        const fpc_value *w = &m.g->value[n->in[0]], *v = n->n_in > 1 ? &m.g->value[n->in[1]] : w;
        if (strncmp(n->def->name, "linear", 6) || w->role != FPC_ROLE_PARAM || v->role != FPC_ROLE_PARAM)
            continue;
        products++;
        assert_false(check_node(m.g, n));
    }
    assert_int_equal(products, 1);
    bench_free(&m.l);
}

/* One node rounds all weights, at the front; what reads one in half reads the same place of $half. */
static void weights_are_narrowed_once(void **state)
{
    made m;
    int32_t narrows = 0, read = 0;
    (void)state;
    make(&m, 0);
    check_graph(m.g);
    for (int32_t i = 0; i < m.g->n_nodes; i++)
        narrows += !strcmp(m.g->node[i].def->name, "narrow");
    assert_int_equal(narrows, 1);
    assert_string_equal(m.g->node[0].def->name, "narrow");
    for (int32_t v = 0; v < m.g->n_values; v++)
        if (m.g->value[v].name && !strncmp(m.g->value[v].name, "$half.", 6)) {
            const fpc_state_entry *e = fpc_state_find(m.state, m.g->value[v].name + 6);
            assert_non_null(e);
            assert_true(fpc_same_shape(e->shape, m.g->value[v].shape) && is_half(m.g, v));
            assert_true(strstr(e->name, "bias") == NULL);
            read++;
        }
    assert_int_equal(read, 5); /* stem, q, k, v, gate */
    const fpc_gnode *first = &m.g->node[0];
    assert_true(fpc_same_shape(m.g->value[first->in[0]].shape, m.state->flat));
    assert_true(fpc_same_shape(m.g->value[first->in[1]].shape, m.state->flat));
    bench_free(&m.l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(training_graph),
                                       cmocka_unit_test(products_of_weights_stay_exact),
                                       cmocka_unit_test(weights_are_narrowed_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
