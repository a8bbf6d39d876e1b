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
static void snapshot_is_copied_in_blocks(void **state)
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
        assert_int_equal(fpc_state_snapshot_begin(s, all), FPC_OK);
        assert_int_equal(copies, all ? 5 : 2); /* buffers, parameters; average and two slots */
        for (int32_t i = 0; i < s->n; i++) {
            const fpc_state_entry *e = &s->entry[i];
            double copy[256], direct[256];
            const int inside =
                e->kind == FPC_STATE_PARAM || e->kind == FPC_STATE_BUFFER || (all && e->kind != FPC_STATE_GRAD);
            const uint32_t dtype = e->dtype == FPC_I64 ? FPC_I64 : FPC_F64;
            copies = 0;
            assert_int_equal(fpc_state_read(s, e, dtype, copy), FPC_OK);
            assert_int_equal(copies, !inside);
            struct fpc_state_snapshot *aside = s->snapshot;
            s->snapshot = NULL;
            assert_int_equal(fpc_state_read(s, e, dtype, direct), FPC_OK);
            s->snapshot = aside;
            assert_memory_equal(copy, direct, (size_t)e->count * 8);
        }
        fpc_state_snapshot_end(s);
        assert_null(s->snapshot);
    }
    l.backend->device.host = 1;
    copies = 0;
    assert_int_equal(fpc_state_snapshot_begin(s, 1), FPC_OK);
    assert_int_equal(copies, 0);
    fpc_state_snapshot_end(s);
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

/* What each flag adds, and that nothing else comes with it; entries stand in the order of files. */
static void flags_say_what_there_is(void **state)
{
    (void)state;
    static const char *const slots[2] = {"m", "v"};
    static const struct {
        unsigned keep;
        const char *first[7]; /* of each kind, of the parameter conv.weight */
    } row[] = {
        {0, {"conv.weight", "grad.conv.weight", "optimizer.m.conv.weight", "optimizer.v.conv.weight"}},
        {FPC_KEEP_AVERAGE | FPC_KEEP_SWA | FPC_KEEP_SCALER | FPC_KEEP_HALF,
         {"conv.weight", "grad.conv.weight", "optimizer.m.conv.weight", "optimizer.v.conv.weight",
          "optimizer.loss_scaling", "average.conv.weight", "swa.conv.weight"}},
        {FPC_KEEP_WEIGHTS | FPC_KEEP_AVERAGE | FPC_KEEP_SWA | FPC_KEEP_SCALER | FPC_KEEP_HALF, {"conv.weight"}},
        {FPC_KEEP_SWA,
         {"conv.weight", "grad.conv.weight", "optimizer.m.conv.weight", "optimizer.v.conv.weight", "swa.conv.weight"}},
    };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        bench l;
        fpc_state *s;
        int at = 0;
        bench_backend(&l, REF_DOUBLE);
        assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, small_graph(&l), 2, slots, row[k].keep, &s), FPC_OK);
        for (int32_t i = 0; i < s->n; i++)
            if (strstr(s->entry[i].name, "conv.weight") || s->entry[i].kind == FPC_STATE_SCALER) {
                assert_true(at < 7 && row[k].first[at]);
                assert_string_equal(s->entry[i].name, row[k].first[at++]);
                assert_non_null(s->entry[i].data);
            }
        assert_true(at == 7 || !row[k].first[at]);
        assert_int_equal(s->half != NULL, (row[k].keep & FPC_KEEP_HALF) != 0);
        assert_int_equal(s->slot[1] != NULL, !(row[k].keep & FPC_KEEP_WEIGHTS));
        assert_null(s->slot[2]);
        bench_free(&l);
    }
}

/* Every name is the memory it stands for; one that there is not, or that has no memory, is refused by a sentence. */
static void flat_buffers_by_name(void **state)
{
    (void)state;
    bench l;
    void *data;
    bench_backend(&l, "[backend]\nuse = ref\n");
    fpc_state *s;
    static const char *const slots[2] = {"m", "v"};
    assert_int_equal(fpc_state_new(l.ctx, l.arena, l.backend, small_graph(&l), 2, slots,
                                   FPC_KEEP_AVERAGE | FPC_KEEP_SWA | FPC_KEEP_HALF | FPC_KEEP_SCALER, &s),
                     FPC_OK);
    const struct {
        const char *name;
        void *data;
    } there[] = {{"$param", s->param}, {"$grad", s->grad},     {"$average", s->average}, {"$swa", s->swa},
                 {"$half", s->half},   {"$slot0", s->slot[0]}, {"$slot1", s->slot[1]},   {"$scaler", s->scaler}};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        assert_int_equal(fpc_state_flat(s, there[i].name, &data), FPC_OK);
        assert_non_null(data);
        assert_ptr_equal(data, there[i].data);
    }
    const fpc_state_entry *w = fpc_state_find(s, "fc.weight");
    assert_int_equal(fpc_state_flat(s, "$half.fc.weight", &data), FPC_OK);
    assert_int_equal(((char *)data - (char *)s->half) * 2, (char *)w->data - (char *)s->param);
    static const char *const absent[][2] = {
        {"$parma", "a graph works on `$parma`, which there is not; there are $param, $grad, $accum, $average, $swa"},
        {"$slot", "`$slot`, which there is not"},
        {"$slot9", "`$slot9`, which there is not"},
        {"$halfway", "`$halfway`, which there is not"},
        {"$slot2", "a graph works on `$slot2`, for which the state has no memory"},
        {"$accum", "`$accum`, for which the state has no memory"},
        {"$half.fc.wait", "a graph reads `$half.fc.wait`; the state has no such parameter in half precision"},
        {"$half.bn.running_mean", "no such parameter in half precision"}};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        assert_int_equal(fpc_state_flat(s, absent[i][0], &data), FPC_EINTERNAL);
        assert_null(data);
        if (!strstr(fpc_ctx_error(l.ctx), absent[i][1]))
            fail_msg("%s", fpc_ctx_error(l.ctx));
        fpc_ctx_clear(l.ctx);
    }
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_layout),
        cmocka_unit_test(init_is_pure_and_bounded),
        cmocka_unit_test(averages_exchange),
        cmocka_unit_test(snapshot_is_copied_in_blocks),
        cmocka_unit_test(model_without_parameters),
        cmocka_unit_test(flags_say_what_there_is),
        cmocka_unit_test(flat_buffers_by_name),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
