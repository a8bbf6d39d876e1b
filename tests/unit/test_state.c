/* State: PyTorch's layouts at the border, initialisation as a pure function of seed and name, averages. */
#include "graphs.h"

static fpc_graph *small_graph(bench *l)
{
    fpc_graph *g = bench_graph(l, 1);
    const fpc_conv_args a = {.size = sizeof a, .k = 3, .stride = 1, .pad = 1, .bias = 1};
    const fpc_val x = fpc_conv2d(g, "conv", fpc_input(g, "x", (fpc_shape){1, 6, 6, 5}, g->real), 4, &a);
    fpc_output_mark(g, "y", fpc_linear(g, "fc", fpc_batch_norm(g, "bn", x, 1e-5f, 0.1f), 7, 1));
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    return g;
}

static fpc_state *small_state(bench *l, uint64_t seed)
{
    static const char *const slots[2] = {"m", "v"};
    fpc_state *s;
    assert_int_equal(fpc_state_new(l->ctx, l->arena, l->backend, small_graph(l), 2, slots, 1, &s), FPC_OK);
    assert_int_equal(fpc_state_init(s, seed), FPC_OK);
    return s;
}

static void file_layout(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_state *s = small_state(&l, 1);
    const fpc_state_entry *w = fpc_state_find(s, "conv.weight"), *n = fpc_state_find(s, "bn.num_batches_tracked");
    const int64_t want[4] = {4, 5, 3, 3};
    assert_memory_equal(w->dims, want, sizeof want);
    float in[180], out[180];
    for (int i = 0; i < 180; i++)
        in[i] = (float)i;
    assert_int_equal(fpc_state_set(s, w, in), FPC_OK);
    /* (out, in, kh, kw) = (2, 3, 1, 0) lies at (out, kh, kw, in) in memory */
    assert_true(((double *)w->data)[((2 * 3 + 1) * 3 + 0) * 5 + 3] == ((2 * 5 + 3) * 3 + 1) * 3 + 0);
    assert_int_equal(fpc_state_get(s, w, out), FPC_OK);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(n->dtype, FPC_I64);
    assert_int_equal(n->rank, 0);
    int64_t batches = 41;
    assert_int_equal(fpc_state_set(s, n, &batches), FPC_OK);
    batches = 0;
    assert_int_equal(fpc_state_get(s, n, &batches), FPC_OK);
    assert_int_equal(batches, 41);
    assert_int_equal(s->n_trainable, 180 + 4 + 4 + 4 + 28 + 7);
    assert_non_null(fpc_state_find(s, "optimizer.v.fc.bias"));
    assert_non_null(fpc_state_find(s, "average.fc.bias"));
    assert_non_null(fpc_state_find(s, "grad.fc.bias"));
    assert_null(fpc_state_find(s, "fc"));
    bench_free(&l);
}

static void get(const fpc_state *s, const char *name, float *out)
{
    assert_int_equal(fpc_state_get(s, fpc_state_find(s, name), out), FPC_OK);
}

static void init_is_pure_and_bounded(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    float a[180], b[180], c[180], bias[4], gamma[4], var[4];
    get(small_state(&l, 3), "conv.weight", a);
    get(small_state(&l, 3), "conv.weight", b);
    fpc_state *other = small_state(&l, 4);
    get(other, "conv.weight", c);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    const double bound = 1 / sqrt(45.0);
    double mean = 0, top = 0;
    for (int i = 0; i < 180; i++) {
        mean += (double)a[i] / 180;
        top = fmax(top, fabs((double)a[i]));
    }
    assert_true(top <= bound && top > 0.95 * bound && fabs(mean) < 0.2 * bound);
    get(other, "conv.bias", bias);
    get(other, "bn.weight", gamma);
    get(other, "bn.running_var", var);
    for (int i = 0; i < 4; i++) {
        assert_true(fabs((double)bias[i]) <= bound && bias[i] != 0);
        assert_true(gamma[i] == 1 && var[i] == 1);
    }
    bench_free(&l);
}

static void averages_exchange(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_state *s = small_state(&l, 3);
    float start[28], other[28], now[28];
    get(s, "average.fc.weight", start); /* begins as the parameters */
    get(s, "fc.weight", now);
    assert_memory_equal(start, now, sizeof now);
    for (int i = 0; i < 28; i++)
        other[i] = (float)i;
    assert_int_equal(fpc_state_set(s, fpc_state_find(s, "fc.weight"), other), FPC_OK);
    assert_int_equal(fpc_state_exchange_average(s), FPC_OK);
    get(s, "fc.weight", now);
    assert_memory_equal(start, now, sizeof now);
    get(s, "average.fc.weight", now);
    assert_memory_equal(other, now, sizeof now);
    assert_int_equal(fpc_state_exchange_average(s), FPC_OK);
    get(s, "fc.weight", now);
    assert_memory_equal(other, now, sizeof now);
    bench_free(&l);
}

static int copies;
static fpc_status counted_copy(fpc_self *self, void *dst, const void *src, size_t n, fpc_way way)
{
    (void)self, (void)way;
    copies++;
    memcpy(dst, src, n);
    return FPC_OK;
}

/* On a device a checkpoint copies whole blocks and reads its tensors out of them. */
static void held_state_is_copied_in_blocks(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_state *s = small_state(&l, 5);
    fpc_backend_vtbl v = *l.backend->vtbl;
    v.copy = counted_copy;
    l.backend->vtbl = &v;
    l.backend->device.host = 0;
    for (int all = 0; all < 2; all++) {
        copies = 0;
        assert_int_equal(fpc_state_hold(s, all), FPC_OK);
        assert_int_equal(copies, all ? 5 : 2); /* buffers, parameters; average and two slots */
        for (int32_t i = 0; i < s->n; i++) {
            const fpc_state_entry *e = &s->entry[i];
            double held[256], direct[256];
            const int kept =
                e->kind == FPC_STATE_PARAM || e->kind == FPC_STATE_BUFFER || (all && e->kind != FPC_STATE_GRAD);
            const uint32_t dtype = e->dtype == FPC_I64 ? FPC_I64 : FPC_F64;
            copies = 0;
            assert_int_equal(fpc_state_read(s, e, dtype, held), FPC_OK);
            assert_int_equal(copies, !kept);
            struct fpc_held *aside = s->held;
            s->held = NULL;
            assert_int_equal(fpc_state_read(s, e, dtype, direct), FPC_OK);
            s->held = aside;
            assert_memory_equal(held, direct, (size_t)e->count * 8);
        }
        fpc_state_let_go(s);
        assert_null(s->held);
    }
    l.backend->device.host = 1;
    copies = 0;
    assert_int_equal(fpc_state_hold(s, 1), FPC_OK);
    assert_int_equal(copies, 0);
    fpc_state_let_go(s);
    bench_free(&l);
}

static void model_without_parameters(void **state)
{
    (void)state;
    bench l;
    fpc_state *s;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 1);
    fpc_output_mark(g, "y", fpc_gelu(g, fpc_input(g, "x", (fpc_shape){1, 2, 2, 2}, g->real)));
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, g, 0, NULL, 0, &s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "the model has no parameters"));
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_layout),
        cmocka_unit_test(init_is_pure_and_bounded),
        cmocka_unit_test(averages_exchange),
        cmocka_unit_test(held_state_is_copied_in_blocks),
        cmocka_unit_test(model_without_parameters),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
