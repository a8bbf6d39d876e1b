/* The table of ops: every row is complete; a plugin's op may not take a built-in name or come without a gradient. */
#include "graphs.h"
#include "graph/attrs.h"
#include <math.h>

static void every_row_is_complete(void **state)
{
    (void)state;
    for (int32_t i = 0; i < fpc_n_builtin_ops; i++) {
        const fpc_op_def *d = &fpc_builtin_ops[i];
        assert_true(d->size == sizeof *d && d->infer && d->min_in >= 1 && d->max_in >= d->min_in && d->n_out >= 1);
        assert_true((int)strlen(d->in) <= d->max_in && (int)strlen(d->out) <= d->n_out);
        assert_int_equal(strspn(d->in, "rw"), strlen(d->in));
        assert_int_equal(strspn(d->out, "rws"), strlen(d->out));
        assert_true(d->grad || (d->flags & FPC_OP_NOGRAD));
        if (strchr(d->out, 's') || strchr(d->out, 'r')) /* tiles need a row-wise argument to count by */
            assert_true(strchr(d->out, 'r') || strchr(d->in, 'r'));
        for (int32_t k = 0; k < i; k++)
            assert_string_not_equal(d->name, fpc_builtin_ops[k].name);
    }
}

static fpc_status infer_like(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    n->out[0].shape = n->in[0].shape;
    return FPC_OK;
}

static void refuse(fpc_op_def *ops, const char *says)
{
    bench l;
    bench_backend(&l, REF_DOUBLE);
    const fpc_op_rows from[2] = {fpc_builtin_rows, {ops, "loss/mine (mine.so)"}};
    fpc_op_table *t;
    assert_int_equal(fpc_op_table_new(l.ctx, l.arena, 2, from, &t), FPC_EINVAL);
    if (!strstr(fpc_ctx_error(l.ctx), says))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    bench_free(&l);
}

static void plugins_ops_are_checked(void **state)
{
    (void)state;
    fpc_op_def taken[2] = {{.size = sizeof(fpc_op_def),
                            .name = "gelu",
                            .min_in = 1,
                            .max_in = 1,
                            .n_out = 1,
                            .in = "r",
                            .out = "r",
                            .flags = FPC_OP_NOGRAD,
                            .infer = infer_like}};
    refuse(taken, "plugin loss/mine (mine.so) brings the op `gelu`, which exists already");
    fpc_op_def no_grad[2] = {{.size = sizeof(fpc_op_def),
                              .name = "swish",
                              .min_in = 1,
                              .max_in = 1,
                              .n_out = 1,
                              .in = "r",
                              .out = "r",
                              .infer = infer_like}};
    refuse(no_grad, "op `swish` needs infer, access letters, and grad or FPC_OP_NOGRAD");
}

static void plugins_ops_are_found(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_op_def ops[2] = {{.size = sizeof(fpc_op_def),
                          .name = "swish",
                          .min_in = 1,
                          .max_in = 1,
                          .n_out = 1,
                          .in = "r",
                          .out = "r",
                          .flags = FPC_OP_NOGRAD,
                          .infer = infer_like}};
    const fpc_op_rows from[2] = {fpc_builtin_rows, {ops, "loss/mine (mine.so)"}};
    fpc_op_table *t;
    assert_int_equal(fpc_op_table_new(l.ctx, l.arena, 2, from, &t), FPC_OK);
    assert_ptr_equal(fpc_op_find(t, "swish"), ops);
    assert_non_null(fpc_op_find(t, "linear"));
    assert_null(fpc_op_find(t, "swis"));
    bench_free(&l);
}

/* A row may allow more inputs than a node can have. */
static void a_node_has_32_inputs(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_op_def ops[2] = {{.size = sizeof(fpc_op_def),
                          .name = "gather",
                          .min_in = 1,
                          .max_in = 40,
                          .n_out = 1,
                          .in = "r",
                          .out = "r",
                          .flags = FPC_OP_NOGRAD,
                          .infer = infer_like}};
    const fpc_op_rows from[2] = {fpc_builtin_rows, {ops, "loss/mine (mine.so)"}};
    assert_int_equal(fpc_op_table_new(l.ctx, l.arena, 2, from, &l.ops), FPC_OK);
    fpc_graph *g = bench_graph(&l, 0);
    fpc_val in[FPC_MAX_INPUTS + 1];
    for (int i = 0; i <= FPC_MAX_INPUTS; i++)
        in[i] = fpc_input(g, "x", (fpc_shape){1, 2, 2, 2}, g->real);
    assert_true(fpc_op(g, "gather", "all", FPC_MAX_INPUTS, in, NULL, 0, NULL).id >= 0);
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    assert_true(fpc_op(g, "gather", "more", FPC_MAX_INPUTS + 1, in, NULL, 0, NULL).id < 0);
    assert_int_equal(fpc_graph_check(g), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "op `gather` takes 1 to 32 inputs, not 33"));
    bench_free(&l);
}

/* Updates: what each op takes, and which inputs are buffers (b), single numbers (1) and factors (f). */
static const struct {
    const char *op, *in;
    size_t attr;
} updates[] = {{"adamw", "bbbb111f", sizeof(fpc_adamw_attr)},
               {"sgd", "bbb111f", sizeof(fpc_sgd_attr)},
               {"lion", "bbb11f", sizeof(fpc_lion_attr)},
               {"ema", "bb11", 0},
               {"add_scaled", "bb1", 0},
               {"accumulate", "bb", 0},
               {"narrow", "bb", 0}};

/* The op with buffers of `row` numbers a row, and of the shape `other` at input `at`. What it was refused with, or
 * NULL. */
static const char *update_with(bench *l, size_t k, int32_t row, int at, fpc_shape other)
{
    static const char attr[64];
    fpc_val in[8];
    const int n = (int)strlen(updates[k].in);
    fpc_ctx_clear(l->ctx);
    fpc_graph *g = bench_graph(l, 1);
    for (int i = 0; i < n; i++) {
        const char is = updates[k].in[i];
        const fpc_shape own = {1, 1, is == '1' ? 1 : 3, is == 'b' ? row : is == 'f' ? row / FPC_FLAT_ALIGN * 2 : 1};
        in[i] = fpc_input(g, fpc_sprintf(l->arena, "x%d", i), i == at ? other : own, g->real);
    }
    fpc_op(g, updates[k].op, "update", n, in, updates[k].attr ? attr : NULL, updates[k].attr, NULL);
    return fpc_graph_check(g) ? fpc_ctx_error(l->ctx) : NULL;
}

/* A kernel takes the length from the first buffer: one that is shorter would be read beyond its end. */
static void updates_have_equal_buffers(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    for (size_t k = 0; k < sizeof updates / sizeof *updates; k++) {
        const int n = (int)strlen(updates[k].in);
        assert_null(update_with(&l, k, 256, -1, (fpc_shape){0}));
        for (int i = 1; i < n; i++) {
            const char is = updates[k].in[i];
            const char *why = update_with(&l, k, 256, i, (fpc_shape){1, 1, is == '1' ? 1 : 3, is == '1' ? 2 : 16});
            const char *want = is == 'b'   ? "is 1x1x3x16; it must be 1x1x3x256, as the first"
                               : is == '1' ? "is 1x1x1x2; it must be one number"
                                           : "the factors are 1x1x3x16; for 1x1x3x256 they must be 1x1x3x32";
            if (!why || !strstr(why, want))
                fail_msg("%s, input %d: %s", updates[k].op, i, why ? why : "taken");
        }
        if (updates[k].in[n - 1] == 'f') {
            const char *why = update_with(&l, k, 256, n - 1, (fpc_shape){1, 1, 2, 32});
            assert_true(why && strstr(why, "the factors are 1x1x2x32"));
            why = update_with(&l, k, 40, -1, (fpc_shape){0});
            assert_true(why && strstr(why, "rows of 40 numbers have no factors; a multiple of 16"));
        }
    }
    bench_free(&l);
}

/* ---- attributes as a packed network states them ---- */

/* Every field is somewhere in the op's struct, and no byte of it is left out but those that predictions leave zero. */
static void attributes_are_whole(void **state)
{
    (void)state;
    for (const fpc_attr_row *row = fpc_attr_rows; row->op; row++) {
        const fpc_op_def *def = NULL;
        size_t bytes = 0;
        for (int32_t i = 0; i < fpc_n_builtin_ops; i++)
            def = strcmp(fpc_builtin_ops[i].name, row->op) ? def : &fpc_builtin_ops[i];
        assert_non_null(def);
        assert_ptr_equal(fpc_attr_find(row->op), row);
        for (const fpc_attr_field *f = row->field; f && f->name; f++) {
            const size_t size = f->type == FPC_ATTR_I64 ? 8 : 4;
            assert_true(f->offset % size == 0 && f->offset + size <= def->attr_size);
            bytes += size;
        }
        if (!strcmp(row->op, "attention"))
            bytes += sizeof(float) + sizeof(uint32_t); /* dropout and its stream */
        assert_int_equal(bytes, def->attr_size);
    }
    assert_null(fpc_attr_find("adamw"));
}

static void attributes_read_back(void **state)
{
    (void)state;
    const fpc_attr_field *f = fpc_attr_find("layer_norm")->field, *rows = f + 2;
    fpc_norm_attr a = {0};
    assert_true(fpc_attr_set(f, &a, 1e-5) && fpc_attr_set(rows, &a, 12));
    assert_true(a.eps == 1e-5f && a.rows == 12 && fpc_attr_get(f, &a) == (double)1e-5f && fpc_attr_get(rows, &a) == 12);
    assert_false(fpc_attr_set(rows, &a, 1.5) || fpc_attr_set(rows, &a, 1e18) || fpc_attr_set(f, &a, NAN) ||
                 fpc_attr_set(f, &a, INFINITY));
}

/* ---- shapes that builders cannot get wrong, and files can ---- */

static void shapes_are_refused(void **state)
{
    (void)state;
    const fpc_conv_attr conv = {3, 3, 1, 1, 1, 8, 8}, padded = {3, 3, 1, INT32_MAX / 2, 1, 8, 8};
    const fpc_norm_attr norm = {.eps = 1e-5f};
    const struct {
        const char *op;
        int n;
        fpc_shape in[5];
        const void *attr;
        size_t size;
        const char *says;
    } bad[] = {
        {"conv2d", 3, {{1, 8, 8, 3}, {4, 3, 3, 3}, {1, 1, 1, 3}}, FPC_ATTR(conv), "bias of 1x1x1x3 for 4 outputs"},
        {"conv2d_grad_x",
         3,
         {{1, 8, 8, 4}, {4, 3, 3, 3}, {1, 1, 1, 4}},
         FPC_ATTR(conv),
         "bias of 1x1x1x4 for 3 outputs"},
        {"conv2d", 2, {{1, 8, 8, 3}, {4, 3, 3, 3}}, FPC_ATTR(padded), "padded by 1073741823"},
        {"batch_norm",
         5,
         {{1, 8, 8, 3}, {1, 1, 1, 3}, {1, 1, 1, 3}, {1, 1, 1, 3}, {1, 1, 1, 2}},
         FPC_ATTR(norm),
         "input 4 is 1x1x1x2 for 3 channels"},
        {"concat", 2, {{1, 1, 1, INT32_MAX}, {1, 1, 1, 1}}, NULL, 0, "more channels than can be"},
        {"linear", 2, {{1, 1, 1, 1}, {1 << 20, 1 << 20, 1, 1}}, NULL, 0, "has more outputs than can be"},
    };
    bench l;
    bench_backend(&l, REF_DOUBLE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fpc_ctx_clear(l.ctx);
        fpc_graph *g = bench_graph(&l, 1);
        fpc_val in[5];
        for (int k = 0; k < bad[i].n; k++)
            in[k] = fpc_input(g, fpc_sprintf(l.arena, "x%d", k), bad[i].in[k], g->real);
        fpc_op(g, bad[i].op, "x", bad[i].n, in, bad[i].attr, bad[i].size, NULL);
        assert_int_equal(fpc_graph_check(g), FPC_EINVAL);
        if (!strstr(fpc_ctx_error(l.ctx), bad[i].says))
            fail_msg("%s: %s", bad[i].op, fpc_ctx_error(l.ctx));
    }
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete),      cmocka_unit_test(plugins_ops_are_checked),
        cmocka_unit_test(plugins_ops_are_found),      cmocka_unit_test(a_node_has_32_inputs),
        cmocka_unit_test(updates_have_equal_buffers), cmocka_unit_test(attributes_are_whole),
        cmocka_unit_test(attributes_read_back),       cmocka_unit_test(shapes_are_refused),
    };
    return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
