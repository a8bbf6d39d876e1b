/* The graph: scopes and names, the sticky error with its sentence, shapes refused where they make no sense. */
#include "graphs.h"

static void expect_error(bench *l, fpc_graph *g, const char *part)
{
    assert_int_not_equal(fpc_graph_check(g), FPC_OK);
    if (!strstr(fpc_ctx_error(l->ctx), part))
        fail_msg("`%s` does not hold `%s`", fpc_ctx_error(l->ctx), part);
}

static void scopes_join_names(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "image", (fpc_shape){1, 4, 4, 3}, g->real);
    fpc_enter(g, "block%d.%d", 1, 0);
    fpc_enter(g, "attn");
    fpc_linear(g, "q", x, 5, 1);
    fpc_leave(g);
    fpc_leave(g);
    assert_string_equal(g->value[1].name, "block1.0.attn.q.weight");
    assert_string_equal(g->value[2].name, "block1.0.attn.q.bias");
    assert_string_equal(g->node[0].name, "block1.0.attn.q");
    assert_string_equal(g->value[0].name, "image");
    assert_string_equal(g->scope, "");
    bench_free(&l);
}

static void first_error_sticks(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val a = fpc_input(g, "a", (fpc_shape){1, 4, 4, 3}, g->real),
                  b = fpc_input(g, "b", (fpc_shape){1, 4, 5, 3}, g->real);
    fpc_enter(g, "stage1");
    const fpc_val cat = fpc_concat(g, 2, (fpc_val[]){a, b});
    assert_true(cat.id < 0);
    assert_true(fpc_gelu(g, cat).id < 0); /* passes on, says nothing new */
    assert_true(fpc_linear(g, "later", a, 4, 1).id < 0);
    expect_error(&l, g, "fpc_concat in stage1 of a, b: 1x4x4x3 and 1x4x5x3 differ outside of the channels");
    bench_free(&l);
}

static void name_used_twice(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 4, 4, 3}, g->real);
    fpc_linear(g, "head", x, 2, 0);
    fpc_linear(g, "head", x, 2, 0);
    expect_error(&l, g, "the name `head.weight` is used twice");
    bench_free(&l);
}

static void shapes_refused(void **state)
{
    (void)state;
    static const struct {
        const char *op, *says;
        fpc_shape a, b;
    } bad[] = {
        {"linear", "the weight takes 4 channels, the input has 3", {1, 4, 4, 3}, {1, 1, 2, 4}},
        {"add", "shapes 1x4x4x3 and 1x4x4x2 differ; they must be equal", {1, 4, 4, 3}, {1, 4, 4, 2}},
        {"mul_bcast", "cannot be spread over 2x4x4x3", {2, 4, 4, 3}, {3, 1, 1, 3}},
        {"gelu_grad", "has other than the 16 rows of the first", {1, 4, 4, 3}, {1, 4, 5, 3}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bench l;
        bench_backend(&l, REF_DOUBLE);
        fpc_graph *g = bench_graph(&l, 1);
        fpc_op(g, bad[i].op, "n", 2,
               (fpc_val[]){fpc_input(g, "a", bad[i].a, g->real), fpc_input(g, "b", bad[i].b, g->real)}, NULL, 0, NULL);
        expect_error(&l, g, bad[i].says);
        bench_free(&l);
    }
}

/* Of a caller that was built before the attributes grew the rest is zero; of a later one nothing can be known. */
static void size_of_attributes(void **state)
{
    (void)state;
    static const struct {
        fpc_resize_attr attr;
        int32_t later[2];
    } grown = {{4, 6, 1}, {7, 7}};
    static const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.25f, .eps = 3};
    fpc_seg_loss_attr loss = {.n_terms = 1, .ignore = -1, .term_size = 8, .term = {&ce}};
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 2, 2, 4}, g->real),
                  mask = fpc_input(g, "mask", (fpc_shape){1, 2, 2, 1}, FPC_U8);
    fpc_op(g, "resize", "short", 1, &x, &grown, 8, NULL);
    const fpc_resize_attr *own = g->node[g->n_nodes - 1].attr;
    assert_true(own->h == 4 && own->w == 6 && own->align_corners == 0);
    fpc_op(g, "seg_loss", "terms", 2, (fpc_val[]){x, mask}, FPC_ATTR(loss), NULL);
    const fpc_seg_loss_attr *terms = g->node[g->n_nodes - 1].attr;
    assert_true(terms->term[0] != &ce && terms->term[0]->kind == ce.kind && terms->term[0]->smooth == ce.smooth);
    assert_true(terms->term[0]->eps == 0 && terms->term_size == sizeof ce);
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    fpc_op(g, "resize", "long", 1, &x, FPC_ATTR(grown), NULL);
    expect_error(&l, g, "op `resize` has 12 bytes of attributes, not 20");
    g = bench_graph(&l, 1);
    const fpc_conv_args none = {.k = 1};
    fpc_ctx_clear(l.ctx);
    fpc_conv2d(g, "conv", fpc_input(g, "x", (fpc_shape){1, 2, 2, 4}, g->real), 3, &none);
    expect_error(&l, g, "fpc_conv_args.size is 0; begin the struct with .size = sizeof(fpc_conv_args)");
    bench_free(&l);
}

static void unknown_op_and_arity(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 2, 2, 3}, g->real);
    fpc_op(g, "linearr", NULL, 1, &x, NULL, 0, NULL);
    expect_error(&l, g, "there is no op `linearr`");
    fpc_ctx_clear(l.ctx);
    g = bench_graph(&l, 1);
    const fpc_val y = fpc_input(g, "x", (fpc_shape){1, 2, 2, 3}, g->real);
    fpc_op(g, "linear", NULL, 1, &y, NULL, 0, NULL);
    expect_error(&l, g, "op `linear` takes 2 to 3 inputs, not 1");
    bench_free(&l);
}

static void same_input_is_one_value(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    assert_int_equal(fpc_clock_input(g).id, fpc_clock_input(g).id);
    bench_free(&l);
}

static void kernel_larger_than_picture(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_conv_args a = {.size = sizeof a, .k = 8, .stride = 8, .bias = 1};
    fpc_conv2d(g, "sr", fpc_input(g, "x", (fpc_shape){1, 4, 4, 3}, g->real), 3, &a);
    expect_error(&l, g, "fpc_conv2d in sr of x: a 8x8 kernel is larger than the padded 4x4 input; use larger pictures");
    bench_free(&l);
}

/* The verb that the author wrote, the scope, and what was handed to it; of fpc_op the op. */
static void sentences_name_the_verb(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 32, 32, 16}, g->real);
    fpc_enter(g, "block1");
    fpc_enter(g, "attn");
    const fpc_val q = fpc_linear(g, "q", fpc_pad(g, x, 0, 0, 8, 8), 64, 1);
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    fpc_add(g, fpc_relu(g, x), q);
    expect_error(&l, g,
                 "fpc_add in block1.attn of block1.attn.relu, block1.attn.q: 1x8x8x64 cannot be spread over "
                 "1x32x32x16");
    fpc_ctx_clear(l.ctx);
    g = bench_graph(&l, 1);
    const fpc_val a = fpc_input(g, "a", (fpc_shape){1, 4, 4, 3}, g->real);
    fpc_relu(g, a); /* a verb that went well says nothing of the next op */
    fpc_op(g, "concat", "mine", 2, (fpc_val[]){a, fpc_input(g, "b", (fpc_shape){1, 4, 5, 3}, g->real)}, NULL, 0, NULL);
    expect_error(&l, g, "mine (op concat of a, b): 1x4x4x3 and 1x4x5x3 differ outside of the channels");
    bench_free(&l);
}

/* What plugins hand over: values of no graph, names that no file can hold, shapes that cannot be. */
static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        int kind;
        const char *says;
    } bad[] = {{0, "fpc_relu: input 0 does not exist: the id 99 is of no value of this graph, which has 1"},
               {1, "concat mine: input 1 does not exist: the id -7 is of no value"},
               {2, "op `concat`: the list of its 2 inputs is NULL"},
               {3, "there is no op `(null)`"},
               {4, "a name is NULL"},
               {5, "the name `w?` is no UTF-8, or has characters that cannot be printed"},
               {6, "`w` has the shape 1x1x0x4"},
               {7, "`w` has the shape 2147483647x2147483647x2147483647x1"},
               {8, "`w` has the rank 9"},
               {9, "`w` is filled by the rule 77"},
               {10, "a constant has the shape 1x1x1x-1"},
               {11, "the output `out` is the id 12"},
               {12, "fpc_leave without fpc_enter"},
               {13, "the fpc_conv_args are NULL"}};
    const fpc_shape one = {1, 1, 1, 4}, none = {1, 1, 0, 4}, large = {INT32_MAX, INT32_MAX, INT32_MAX, 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bench l;
        bench_backend(&l, REF_DOUBLE);
        fpc_graph *g = bench_graph(&l, 1);
        const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 4, 4, 3}, g->real), list[] = {x, {-7}};
        switch (bad[i].kind) {
        case 0:
            fpc_relu(g, (fpc_val){99});
            break;
        case 1:
            fpc_op(g, "concat", "mine", 2, list, NULL, 0, NULL);
            break;
        case 2:
            fpc_op(g, "concat", "mine", 2, NULL, NULL, 0, NULL);
            break;
        case 3:
            fpc_op(g, NULL, "mine", 1, &x, NULL, 0, NULL);
            break;
        case 4:
            fpc_param(g, NULL, 1, one, FPC_FILL_ZERO, 0);
            break;
        case 5:
            fpc_param(g, "w\xe9", 1, one, FPC_FILL_ZERO, 0);
            break;
        case 6:
            fpc_param(g, "w", 1, none, FPC_FILL_ZERO, 0);
            break;
        case 7:
            fpc_param(g, "w", 1, large, FPC_FILL_ZERO, 0);
            break;
        case 8:
            fpc_param(g, "w", 9, one, FPC_FILL_ZERO, 0);
            break;
        case 9:
            fpc_buffer(g, "w", 1, one, FPC_F32, (fpc_fill)77);
            break;
        case 10:
            fpc_const(g, (fpc_shape){1, 1, 1, -1}, NULL);
            break;
        case 11:
            fpc_output_mark(g, "out", (fpc_val){12});
            break;
        case 12:
            fpc_leave(g);
            break;
        default:
            fpc_conv2d(g, "conv", x, 4, NULL);
        }
        expect_error(&l, g, bad[i].says);
        bench_free(&l);
    }
}

static void scopes_have_to_be_left(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    fpc_enter(g, "down0");
    fpc_leave(g);
    assert_int_equal(fpc_graph_closed(g, "model/mine"), FPC_OK);
    fpc_enter(g, "down%d", 1);
    assert_int_equal(fpc_graph_closed(g, "model/mine"), FPC_EINVAL);
    expect_error(&l, g, "model/mine: its build leaves the scope `down1` open");
    bench_free(&l);
}

/* ---- ops of plugins ---- */

static fpc_status infer_silent(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx, (void)n;
    return FPC_EINVAL;
}
static fpc_status infer_nothing(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx, (void)n;
    return FPC_OK;
}
static fpc_status infer_one(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    n->out[0].shape = fpc_vector(1);
    return FPC_OK;
}
static fpc_status grad_silent(fpc_graph *g, fpc_grad *d)
{
    (void)g, (void)d;
    return FPC_ENOSUPPORT;
}
static fpc_status grad_far(fpc_graph *g, fpc_grad *d)
{
    (void)g;
    d->din[0] = (fpc_val){4711};
    return FPC_OK;
}

static void ops_of_plugins_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        fpc_status (*infer)(fpc_ctx *, fpc_node *);
        fpc_status (*grad)(fpc_graph *, fpc_grad *);
        const char *says;
    } bad[] = {{infer_silent, grad_far, "term (op mine of w): its shapes do not fit"},
               {infer_nothing, grad_far, "term (op mine of w): output 0 would have the shape 0x0x0x0"},
               {infer_one, grad_silent, "term: grad of the op `mine` failed and gave no reason"},
               {infer_one, grad_far, "term (mine): the gradient of input 0 is the id 4711, which is of no value"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bench l;
        bench_backend(&l, REF_DOUBLE);
        const fpc_op_def ops[2] = {{.size = sizeof(fpc_op_def),
                                    .name = "mine",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .in = "w",
                                    .out = "w",
                                    .infer = bad[i].infer,
                                    .grad = bad[i].grad}};
        const fpc_op_rows from[2] = {fpc_builtin_rows, {ops, "loss/mine (mine.so)"}};
        assert_int_equal(fpc_op_table_new(l.ctx, l.arena, 2, from, &l.ops), FPC_OK);
        fpc_graph *g = bench_graph(&l, 1);
        const fpc_val w = fpc_param(g, "w", 1, fpc_vector(4), FPC_FILL_ONE, 0);
        const fpc_val term = fpc_op(g, "mine", "term", 1, &w, NULL, 0, NULL);
        fpc_val grad;
        if (term.id >= 0)
            assert_int_not_equal(fpc_autodiff(g, term, 1, &grad), FPC_OK);
        if (!strstr(fpc_ctx_error(l.ctx), bad[i].says))
            fail_msg("`%s` does not hold `%s`", fpc_ctx_error(l.ctx), bad[i].says);
        bench_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_join_names),       cmocka_unit_test(first_error_sticks),
        cmocka_unit_test(name_used_twice),         cmocka_unit_test(shapes_refused),
        cmocka_unit_test(size_of_attributes),      cmocka_unit_test(unknown_op_and_arity),
        cmocka_unit_test(same_input_is_one_value), cmocka_unit_test(kernel_larger_than_picture),
        cmocka_unit_test(sentences_name_the_verb), cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(scopes_have_to_be_left),  cmocka_unit_test(ops_of_plugins_are_not_believed),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
