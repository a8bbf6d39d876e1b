/* The verbs of graph.h: parameters by name, shape, rank and fan-in as PyTorch has them; what training adds. */
#include "graphs.h"

static const fpc_value *value(const fpc_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_values; i++)
        if (g->value[i].name && !strcmp(g->value[i].name, name))
            return &g->value[i];
    fail_msg("no value `%s`", name);
    return NULL;
}

static int count_ops(const fpc_graph *g, const char *op)
{
    int n = 0;
    for (int32_t i = 0; i < g->n_nodes; i++)
        n += !strcmp(g->node[i].def->name, op);
    return n;
}

static void same_shape(fpc_shape a, fpc_shape b)
{
    assert_true(fpc_same_shape(a, b));
}

static void conv_and_linear_parameters(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){2, 9, 8, 6}, g->real);
    const fpc_conv_args conv = {.size = sizeof conv, .k = 3, .stride = 2, .pad = 1, .bias = 1};
    const fpc_conv_args depthwise = {.size = sizeof depthwise, .k = 3, .stride = 1, .pad = 1, .groups = 6};
    const fpc_conv_args point = {.size = sizeof point, .k = 1, .stride = 1, .bias = 1};
    same_shape(fpc_shape_of(g, fpc_conv2d(g, "conv", x, 4, &conv)), (fpc_shape){2, 5, 4, 4});
    same_shape(fpc_shape_of(g, fpc_conv2d(g, "dw", x, 6, &depthwise)), (fpc_shape){2, 9, 8, 6});
    same_shape(fpc_shape_of(g, fpc_conv2d(g, "seg", x, 19, &point)), (fpc_shape){2, 9, 8, 19});
    same_shape(fpc_shape_of(g, fpc_linear(g, "fc", x, 7, 0)), (fpc_shape){2, 9, 8, 7});
    same_shape(value(g, "conv.weight")->shape, (fpc_shape){4, 3, 3, 6});
    assert_int_equal(value(g, "conv.weight")->fan_in, 54);
    assert_int_equal(value(g, "conv.bias")->fan_in, 54);
    assert_int_equal(value(g, "dw.weight")->fan_in, 9);
    same_shape(value(g, "seg.weight")->shape, (fpc_shape){19, 1, 1, 6});
    assert_int_equal(value(g, "seg.weight")->rank, 4);
    assert_int_equal(value(g, "fc.weight")->rank, 2);
    assert_int_equal(count_ops(g, "conv2d"), 2); /* the 1x1 convolution is a linear map */
    assert_int_equal(count_ops(g, "linear"), 2);
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    bench_free(&l);
}

static void transposed_convolution_doubles(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_conv_args a = {.size = sizeof a, .k = 2, .stride = 2, .bias = 1};
    const fpc_val y = fpc_conv_transpose2d(g, "up", fpc_input(g, "x", (fpc_shape){1, 5, 3, 8}, g->real), 4, &a);
    same_shape(fpc_shape_of(g, y), (fpc_shape){1, 10, 6, 4});
    same_shape(value(g, "up.weight")->shape, (fpc_shape){8, 2, 2, 4});
    bench_free(&l);
}

static void batch_norm_trains_on_batch_statistics(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    for (int training = 0; training < 2; training++) {
        fpc_graph *g = bench_graph(&l, training);
        fpc_batch_norm(g, "bn", fpc_input(g, "x", (fpc_shape){2, 4, 4, 3}, g->real), 1e-5f, 0.1f);
        assert_int_equal(count_ops(g, "batch_stats"), training);
        assert_int_equal(count_ops(g, "running_stats"), training);
        assert_int_equal(value(g, "bn.num_batches_tracked")->dtype, FPC_I64);
        assert_int_equal(value(g, "bn.running_var")->fill, FPC_FILL_ONE);
    }
    bench_free(&l);
}

static void dropout_only_in_training(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *eval = bench_graph(&l, 0), *train = bench_graph(&l, 1);
    fpc_val x = fpc_input(eval, "x", (fpc_shape){1, 4, 4, 3}, eval->real);
    assert_int_equal(fpc_dropout(eval, "drop", x, 0.5f, 0).id, x.id);
    x = fpc_input(train, "x", (fpc_shape){1, 4, 4, 3}, train->real);
    assert_int_equal(fpc_dropout(train, "drop", x, 0, 0).id, x.id);
    assert_int_not_equal(fpc_dropout(train, "drop", x, 0.5f, 0).id, x.id);
    fpc_dropout(train, "all", x, 1, 0);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "all: dropout 1; it must be below 1"));
    bench_free(&l);
}

static void attention_scale_and_heads(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    const fpc_val q = fpc_input(g, "q", (fpc_shape){1, 4, 4, 64}, g->real),
                  k = fpc_input(g, "k", (fpc_shape){1, 2, 2, 64}, g->real);
    fpc_attention(g, "attn", q, k, k, 4, 0.1f);
    const fpc_attention_attr *a = g->node[0].attr;
    assert_true(a->scale == 0.25f);
    assert_true(a->drop == 0); /* an evaluation graph */
    fpc_attention(g, "odd", q, k, k, 5, 0);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "64 channels cannot be cut into 5 heads"));
    bench_free(&l);
}

static void no_op_where_nothing_changes(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 4, 4, 3}, g->real);
    assert_int_equal(fpc_resize(g, x, 4, 4, 0).id, x.id);
    assert_int_equal(fpc_pad(g, x, 0, 0, 4, 4).id, x.id);
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_and_linear_parameters),
        cmocka_unit_test(transposed_convolution_doubles),
        cmocka_unit_test(batch_norm_trains_on_batch_statistics),
        cmocka_unit_test(dropout_only_in_training),
        cmocka_unit_test(attention_scale_and_heads),
        cmocka_unit_test(no_op_where_nothing_changes),
    };
    return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
