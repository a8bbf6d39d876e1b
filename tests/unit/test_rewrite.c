/* Every identity of rewrite.c: the graph with and without it gives the same outputs and gradients, and costs less; and
 * what must not be rewritten is left alone. In double, so that rounding hides nothing. */
#include "graphs.h"
#include <fpcore/loss.h>

typedef struct result {
    double *y, *loss, *grad;
    int64_t n_y, n_loss, n_grad, macs;
} result;

typedef fpc_val build_fn(bench *, fpc_graph *, fpc_val x, fpc_val *loss);

/* Runs the graph that `build` makes over x (1,6,5,6) in both ways. */
static result run(build_fn *build, int rewrite)
{
    bench l;
    result r = {0};
    fpc_state *state = NULL;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    fpc_val loss = {-1};
    const fpc_val y = build(&l, g, fpc_input(g, "x", (fpc_shape){1, 6, 5, 6}, g->real), &loss);
    if (loss.id < 0)
        loss = probe_scalar(&l, g, y);
    fpc_output_mark(g, "y", y);
    fpc_output_mark(g, "loss", loss);
    if (fpc_graph_check(g))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &state), FPC_OK);
    assert_int_equal(fpc_state_init(state, 5), FPC_OK);
    assert_int_equal(fpc_graph_rewrite(g, rewrite), FPC_OK);
    r.macs = fpc_graph_macs(g, 1);
    g->n_grads = state->n_params;
    g->grad = fpc_alloc(l.arena, (size_t)g->n_grads * sizeof *g->grad);
    if (fpc_autodiff(g, fpc_output_find(g, "loss"), g->n_grads, g->grad))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_int_equal(fpc_graph_sweep(g, g->n_grads, g->grad), FPC_OK);
    fpc_program *p = bench_compile(&l, g, &state, 5);
    bench_write_noise(&l, p, "x", 1);
    for (int b = 0; b < 2; b++)
        if (fpc_program_has(p, b ? "mask_b" : "mask")) {
            uint8_t mask[24 * 20];
            for (int i = 0; i < 24 * 20; i++)
                mask[i] = (uint8_t)(i * (7 + b) / 3 % 4);
            assert_int_equal(fpc_program_write(p, b ? "mask_b" : "mask", FPC_U8, mask, 24 * 20), FPC_OK);
        }
    if (fpc_program_has(p, "lambda"))
        assert_int_equal(fpc_program_write(p, "lambda", FPC_F64, &(double){0.3}, 1), FPC_OK);
    assert_int_equal(fpc_program_run(p), FPC_OK);
    const double *out = bench_read(&l, p, "y", &r.n_y), *scalar = bench_read(&l, p, "loss", &r.n_loss);
    r.y = malloc((size_t)r.n_y * sizeof *r.y);
    memcpy(r.y, out, (size_t)r.n_y * sizeof *r.y);
    r.loss = malloc(sizeof *r.loss);
    *r.loss = *scalar;
    r.n_grad = fpc_count(state->flat);
    r.grad = malloc((size_t)r.n_grad * sizeof *r.grad);
    memcpy(r.grad, state->grad, (size_t)r.n_grad * sizeof *r.grad);
    bench_free(&l);
    return r;
}

/* Same values both ways; `cheaper`: with fewer multiply-accumulates. */
static void same(build_fn *build, int cheaper)
{
    const result a = run(build, 0), b = run(build, 1);
    assert_int_equal(a.n_y, b.n_y);
    assert_true(worst(a.y, b.y, a.n_y) < 1e-12);
    assert_true(fabs(*a.loss - *b.loss) < 1e-12 * fmax(1, fabs(*a.loss)));
    double largest = 0;
    for (int64_t i = 0; i < a.n_grad; i++)
        largest = fmax(largest, fabs(a.grad[i]));
    assert_true(largest > 1e-3); /* the comparison below says something */
    assert_true(worst(a.grad, b.grad, a.n_grad) < 1e-12);
    if (cheaper)
        assert_true(b.macs < a.macs);
    else
        assert_int_equal(a.macs, b.macs);
    free(a.y), free(a.loss), free(a.grad), free(b.y), free(b.loss), free(b.grad);
}

static fpc_val up_then_linear(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss;
    return fpc_linear(g, "head", fpc_resize(g, x, 24, 20, 0), 4, 1);
}
static fpc_val up_aligned_then_linear(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss;
    return fpc_linear(g, "head", fpc_resize(g, x, 13, 11, 1), 4, 1);
}
static void linear_commutes_with_upsampling(void **state)
{
    (void)state;
    same(up_then_linear, 1);
    same(up_aligned_then_linear, 1);
}

static fpc_val down_then_linear(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss;
    return fpc_linear(g, "head", fpc_resize(g, x, 3, 3, 0), 4, 1);
}
static void downsampling_stays(void **state)
{
    (void)state;
    same(down_then_linear, 0);
}

/* The decoder: maps of three sizes, linear each, upsampled, concatenated, fused. */
static fpc_val decoder(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss;
    const fpc_conv_args down = {.size = sizeof down, .k = 2, .stride = 2, .bias = 1};
    const fpc_val small = fpc_conv2d(g, "down", x, 5, &down);
    const fpc_val part[2] = {fpc_linear(g, "c1", x, 8, 1), fpc_resize(g, fpc_linear(g, "c2", small, 8, 1), 6, 5, 0)};
    return fpc_linear(g, "tail", fpc_gelu(g, fpc_linear(g, "fuse", fpc_concat(g, 2, part), 8, 1)), 3, 1);
}
static void concat_splits_and_linears_fold(void **state)
{
    (void)state;
    same(decoder, 1);
}

static fpc_val plain_concat(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss;
    const fpc_val part[2] = {x, fpc_gelu(g, x)};
    return fpc_linear(g, "fuse", fpc_concat(g, 2, part), 3, 1);
}
static void concat_without_upsampling_stays(void **state)
{
    (void)state;
    same(plain_concat, 0);
}

static fpc_val bottleneck(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss; /* 6 -> 2 -> 6: folding would cost more */
    return fpc_linear(g, "up", fpc_linear(g, "down", x, 2, 1), 6, 1);
}
static fpc_val hourglass(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l, (void)loss; /* 6 -> 8 -> 6, no bias in the first, none in the second */
    return fpc_linear(g, "down", fpc_linear(g, "up", x, 8, 1), 6, 0);
}
static void linears_fold_only_where_cheaper(void **state)
{
    (void)state;
    same(bottleneck, 0);
    same(hourglass, 1);
}

static fpc_val losses_of(fpc_graph *g, fpc_val x, int mixed, fpc_val *loss)
{
    const fpc_val logits = fpc_resize(g, fpc_linear(g, "head", x, 4, 1), 24, 20, 0);
    fpc_target target = {.size = sizeof target,
                         .mask = fpc_input(g, "mask", (fpc_shape){1, 24, 20, 1}, FPC_U8),
                         .mask_b = {-1},
                         .lambda = {-1},
                         .classes = 4,
                         .ignore = 3};
    if (mixed) {
        target.mask_b = fpc_input(g, "mask_b", (fpc_shape){1, 24, 20, 1}, FPC_U8);
        target.lambda = fpc_input(g, "lambda", (fpc_shape){1, 1, 1, 1}, g->real);
    }
    const double weights[3] = {1, 1.5, 0.25};
    const float class_weight[4] = {1, 2, 0.5f, 1};
    const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.1f, .class_weight = class_weight};
    const fpc_seg_term dice = {.kind = FPC_TERM_DICE, .eps = 1e-8f};
    const fpc_seg_term focal = {.kind = FPC_TERM_FOCAL, .alpha = 0.25f, .gamma = 2};
    const fpc_val in[4] = {fpc_const(g, (fpc_shape){1, 1, 1, 3}, weights),
                           fpc_seg_loss(g, "ce", logits, &target, FPC_ATTR(ce)),
                           fpc_seg_loss(g, "dice", logits, &target, FPC_ATTR(dice)),
                           fpc_seg_loss(g, "focal", logits, &target, FPC_ATTR(focal))};
    *loss = fpc_op(g, "combine", "loss", 4, in, NULL, 0, NULL);
    return fpc_concat(g, 3, in + 1);
}
static fpc_val losses(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l;
    return losses_of(g, x, 0, loss);
}
static fpc_val mixed_losses(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l;
    return losses_of(g, x, 1, loss);
}
static void losses_merge_and_take_the_upsampling(void **state)
{
    (void)state;
    same(losses, 0);
    same(mixed_losses, 0);
}

/* The losses with a slope, over small logits: their backward pass scales what has the logits' shape. */
static fpc_val pixel_losses_of(fpc_graph *g, fpc_val x, int corners, fpc_val *loss)
{
    const fpc_val logits = fpc_resize(g, fpc_linear(g, "head", x, 4, 1), 24, 20, corners);
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(g, "mask", (fpc_shape){1, 24, 20, 1}, FPC_U8),
                               .mask_b = fpc_input(g, "mask_b", (fpc_shape){1, 24, 20, 1}, FPC_U8),
                               .lambda = fpc_input(g, "lambda", (fpc_shape){1, 1, 1, 1}, g->real),
                               .classes = 4,
                               .ignore = 3};
    const double weights[4] = {1, 1.5, 0.25, 3};
    const fpc_pixel_loss_attr one = {.present_only = 1, .per_image = 1}, all = {0},
                              hard = {.threshold = 0.2, .keep = 0.3};
    const fpc_val in[5] = {fpc_const(g, (fpc_shape){1, 1, 1, 4}, weights),
                           fpc_pixel_loss(g, "lovasz", "lovasz", logits, &target, FPC_ATTR(one)),
                           fpc_pixel_loss(g, "lovasz", "lovasz_all", logits, &target, FPC_ATTR(all)),
                           fpc_pixel_loss(g, "ohem", "ohem", logits, &target, FPC_ATTR(hard)),
                           fpc_boundary_loss(g, "boundary", logits, &target, 1)};
    *loss = fpc_op(g, "combine", "loss", 5, in, NULL, 0, NULL);
    return fpc_concat(g, 4, in + 1);
}
static fpc_val pixel_losses(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l;
    return pixel_losses_of(g, x, 0, loss);
}
static fpc_val pixel_losses_corners(bench *l, fpc_graph *g, fpc_val x, fpc_val *loss)
{
    (void)l;
    return pixel_losses_of(g, x, 1, loss);
}
static void pixel_losses_take_the_upsampling(void **state)
{
    (void)state;
    bench l;
    fpc_val loss;
    same(pixel_losses, 0);
    same(pixel_losses_corners, 0);
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    pixel_losses_of(g, fpc_input(g, "x", (fpc_shape){1, 6, 5, 6}, g->real), 0, &loss);
    fpc_output_mark(g, "loss", loss);
    assert_int_equal(fpc_graph_rewrite(g, 1), FPC_OK);
    for (int32_t i = 0; i < g->n_nodes; i++)
        assert_string_not_equal(g->node[i].def->name, "resize");
    bench_free(&l);
}

/* After the rewrite there is one loss node for each mask, over the small logits. */
static void one_loss_node(int mixed)
{
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    fpc_val loss;
    losses_of(g, fpc_input(g, "x", (fpc_shape){1, 6, 5, 6}, g->real), mixed, &loss);
    fpc_output_mark(g, "loss", loss);
    assert_int_equal(fpc_graph_rewrite(g, 1), FPC_OK);
    int n = 0;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        assert_string_not_equal(g->node[i].def->name, "resize");
        if (!strcmp(g->node[i].def->name, "seg_loss")) {
            n++;
            assert_int_equal(((fpc_seg_loss_attr *)g->node[i].attr)->n_terms, 3);
            assert_int_equal(g->value[g->node[i].in[0]].shape.h, 6);
        }
    }
    assert_int_equal(n, 1 + mixed);
    bench_free(&l);
}
static void one_loss_node_over_small_logits(void **state)
{
    (void)state;
    one_loss_node(0);
    one_loss_node(1);
}

/* Eight terms become one node; nine do not fit into one. */
static int nodes_of_terms(int terms)
{
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val logits = fpc_resize(g, fpc_input(g, "x", (fpc_shape){1, 6, 5, 4}, g->real), 24, 20, 0);
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(g, "mask", (fpc_shape){1, 24, 20, 1}, FPC_U8),
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = 4,
                               .ignore = -1};
    fpc_val in[FPC_MAX_TERMS + 1];
    int nodes = 0, held = 0;
    for (int i = 0; i < terms; i++)
        in[i] = fpc_seg_loss(
            g, "term", logits, &target,
            FPC_ATTR((fpc_seg_term){.kind = FPC_TERM_TVERSKY, .alpha = 0.5f, .beta = (float)i, .gamma = 1}));
    fpc_output_mark(g, "terms", fpc_concat(g, terms, in));
    assert_int_equal(fpc_graph_rewrite(g, 1), FPC_OK);
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, "seg_loss")) {
            nodes++;
            held += ((fpc_seg_loss_attr *)g->node[i].attr)->n_terms;
        }
    assert_int_equal(held, terms);
    bench_free(&l);
    return nodes;
}
static void eight_terms_merge(void **state)
{
    (void)state;
    assert_int_equal(nodes_of_terms(FPC_MAX_TERMS), 1);
    assert_int_equal(nodes_of_terms(FPC_MAX_TERMS + 1), 2);
}

/* A value that somebody else reads is not moved away. */
static void shared_values_stay(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val up = fpc_resize(g, fpc_input(g, "x", (fpc_shape){1, 6, 5, 6}, g->real), 24, 20, 0);
    fpc_output_mark(g, "up", up);
    fpc_output_mark(g, "y", fpc_linear(g, "head", up, 4, 1));
    assert_int_equal(fpc_graph_rewrite(g, 1), FPC_OK);
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, "linear"))
            assert_int_equal(g->value[g->node[i].out[0]].node, i),
                assert_int_equal(g->value[g->node[i].in[0]].shape.h, 24);
    bench_free(&l);
}

static void dead_nodes_go(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 4, 4, 3}, g->real);
    fpc_gelu(g, x);
    fpc_output_mark(g, "y", fpc_relu(g, x));
    assert_int_equal(fpc_graph_rewrite(g, 0), FPC_OK);
    assert_int_equal(g->n_nodes, 1);
    assert_string_equal(g->node[0].def->name, "relu");
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_commutes_with_upsampling),
        cmocka_unit_test(downsampling_stays),
        cmocka_unit_test(concat_splits_and_linears_fold),
        cmocka_unit_test(concat_without_upsampling_stays),
        cmocka_unit_test(linears_fold_only_where_cheaper),
        cmocka_unit_test(losses_merge_and_take_the_upsampling),
        cmocka_unit_test(pixel_losses_take_the_upsampling),
        cmocka_unit_test(one_loss_node_over_small_logits),
        cmocka_unit_test(eight_terms_merge),
        cmocka_unit_test(shared_values_stay),
        cmocka_unit_test(dead_nodes_go),
    };
    return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
