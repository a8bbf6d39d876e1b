/* The planner: row-wise ops share a group, barriers stand alone, nothing that lives at once overlaps, and the cut into
 * parts and tiles is a function of the shapes. */
#include "graphs.h"
#include "runtime/plan.h"

static fpc_storage *fixed_inputs(bench *l, fpc_graph *g)
{
    fpc_storage *s = fpc_alloc(l->arena, (size_t)g->n_values * sizeof *s);
    for (int32_t v = 0; v < g->n_values; v++)
        if (g->value[v].role != FPC_ROLE_NODE)
            s[v].place = FPC_PLACE_FIXED;
    return s;
}

static fpc_plan *plan(bench *l, fpc_graph *g, size_t tile_bytes)
{
    fpc_plan *p;
    if (fpc_plan_make(l->ctx, l->arena, l->backend, g, fixed_inputs(l, g), NULL, tile_bytes, &p))
        fail_msg("%s", fpc_ctx_error(l->ctx));
    return p;
}

static fpc_graph *block(bench *l, fpc_shape in)
{
    fpc_graph *g = bench_graph(l, 1);
    const fpc_val x = fpc_input(g, "x", in, g->real);
    const fpc_val y = fpc_layer_norm(g, "norm1", x, 1e-5f), q = fpc_linear(g, "q", y, in.c, 1);
    const fpc_val kv = fpc_linear(g, "kv", fpc_resize(g, y, in.h / 2, in.w / 2, 0), 2 * in.c, 1);
    const fpc_val o = fpc_attention(g, "attn", q, fpc_slice(g, kv, 0, in.c), fpc_slice(g, kv, in.c, in.c), 1, 0);
    const fpc_val r = fpc_add(g, x, fpc_linear(g, "proj", o, in.c, 1));
    const fpc_val z = fpc_add(
        g, r,
        fpc_linear(g, "fc2", fpc_gelu(g, fpc_linear(g, "fc1", fpc_layer_norm(g, "norm2", r, 1e-5f), 2 * in.c, 1)), in.c,
                   1));
    fpc_output_mark(g, "y", fpc_pool_mean(g, z));
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    return g;
}

static int32_t group_with(const fpc_plan *p, const char *name)
{
    for (int32_t i = 0; i < p->graph->n_nodes; i++)
        if (!strcmp(p->graph->node[i].name, name))
            return p->group_of[i];
    fail_msg("no node `%s`", name);
    return -1;
}

static void a_block_is_few_groups(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_plan *p = plan(&l, block(&l, (fpc_shape){2, 16, 16, 32}), 1 << 18);
    /* norm1 | resize kv | q attn proj add norm2 fc1 gelu fc2 add | pool */
    assert_int_equal(p->n_groups, 4);
    const int32_t tail = group_with(p, "attn");
    assert_int_equal(group_with(p, "q"), tail); /* wide and used late: waits */
    assert_int_equal(group_with(p, "proj"), tail);
    assert_int_equal(group_with(p, "fc2"), tail);
    assert_true(group_with(p, "kv") < tail && group_with(p, "norm1") < group_with(p, "kv"));
    /* what only the group sees exists for one tile */
    for (int32_t i = 0; i < p->graph->n_nodes; i++)
        if (!strcmp(p->graph->node[i].name, "fc1") || !strcmp(p->graph->node[i].name, "q"))
            assert_int_equal(p->storage[p->graph->node[i].out[0]].place, FPC_PLACE_TILE);
    bench_free(&l);
}

static void without_tiles_every_node_is_alone(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_plan *p = plan(&l, block(&l, (fpc_shape){2, 16, 16, 32}), 0);
    assert_int_equal(p->n_groups, p->graph->n_nodes);
    for (int32_t k = 0; k < p->n_groups; k++)
        assert_int_equal(p->group[k].parts, 1);
    bench_free(&l);
}

/* Values of the shared block that live at the same time lie apart, and inside of it. */
static void nothing_overlaps(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    for (size_t tile = 0; tile <= 1 << 16; tile += 1 << 16) {
        fpc_plan *p = plan(&l, block(&l, (fpc_shape){2, 16, 16, 32}), tile);
        const fpc_graph *g = p->graph;
        int compared = 0;
        for (int32_t a = 0; a < g->n_values; a++) {
            const fpc_storage *s = &p->storage[a];
            if (s->place != FPC_PLACE_ARENA)
                continue;
            const size_t bytes = fpc_bytes(g->value[a].shape, g->value[a].dtype);
            assert_true(s->offset % 64 == 0 && s->offset + bytes <= p->arena_bytes);
            for (int32_t b = 0; b < a; b++) {
                const fpc_storage *t = &p->storage[b];
                if (t->place != FPC_PLACE_ARENA || t->last < s->first || s->last < t->first)
                    continue;
                compared++;
                assert_true(t->offset + fpc_bytes(g->value[b].shape, g->value[b].dtype) <= s->offset ||
                            s->offset + bytes <= t->offset);
            }
        }
        assert_true(compared > 5);
    }
    bench_free(&l);
}

static void memory_is_reused(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    fpc_val x = fpc_input(g, "x", (fpc_shape){1, 16, 16, 8}, g->real);
    for (int i = 0; i < 10; i++)
        x = fpc_resize(g, x, i % 2 ? 16 : 12, i % 2 ? 16 : 12, 0);
    fpc_output_mark(g, "y", x);
    fpc_plan *p = plan(&l, g, 0);
    assert_true(p->arena_bytes <= 2u * 16 * 16 * 8 * 8); /* two maps, not ten */
    bench_free(&l);
}

static fpc_plan *plan_of(bench *l, const char *op, int32_t h, int32_t c)
{
    fpc_graph *g = bench_graph(l, 0);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, h, h, c}, g->real), in[] = {x, x};
    const fpc_like_attr like = {.shape = {1, 1, c, c}};
    fpc_output_mark(g, "y",
                    !strcmp(op, "linear") ? fpc_linear(g, "fc", x, c, 0)
                    : !strcmp(op, "gelu") ? fpc_gelu(g, x)
                                          : fpc_op(g, op, op, 2, in, &like, sizeof like, NULL));
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    return plan(l, g, 1 << 18);
}

/* Many rows give many threads work, few rows at least sixteen; what takes no time is not cut. */
static void parts_follow_the_shapes(void **state)
{
    (void)state;
    bench l;
    static const struct {
        const char *op;
        int32_t h, c, parts;
    } want[] = {{"linear", 1, 512, 1},   {"linear", 16, 512, 16},   {"linear", 32, 512, 32},  {"linear", 64, 512, 64},
                {"linear", 96, 512, 72}, {"linear", 128, 512, 128}, {"linear", 256, 64, 128}, {"gelu", 16, 8, 1},
                {"gelu", 128, 8, 6},     {"gelu", 512, 8, 104}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bench_backend(&l, REF_DOUBLE);
        fpc_plan *p = plan_of(&l, want[i].op, want[i].h, want[i].c);
        if (p->group[0].parts != want[i].parts)
            fail_msg("%s of %d x %d pixels, %d channels: %d parts, not %d", want[i].op, want[i].h, want[i].h, want[i].c,
                     p->group[0].parts, want[i].parts);
        assert_true(p->group[0].tile <= 256 && p->group[0].tile >= 1);
        bench_free(&l);
    }
}

/* Each part of a sum has a copy of it: a large one of few rows is cut less, and none takes more than 32 MiB. */
static void sums_of_parts_stay_small(void **state)
{
    (void)state;
    bench l;
    static const int32_t h[] = {8, 16, 32, 128}, c[] = {16, 64, 512, 1024};
    for (int i = 0; i < 16; i++) {
        bench_backend(&l, REF_DOUBLE);
        const fpc_plan *p = plan_of(&l, "linear_grad_w", h[i / 4], c[i % 4]);
        assert_true(p->work[0].need.part >= (size_t)c[i % 4] * (size_t)c[i % 4] * sizeof(double));
        assert_true(p->group[0].parts == 1 || p->work[0].need.part * (size_t)p->group[0].parts <= (size_t)32 << 20);
        bench_free(&l);
    }
    bench_backend(&l, REF_DOUBLE);
    const int32_t few = plan_of(&l, "linear_grad_w", 16, 512)->group[0].parts;
    const int32_t many = plan_of(&l, "linear_grad_w", 128, 64)->group[0].parts;
    assert_true(few <= 2);
    assert_true(many >= 64);
    bench_free(&l);
}

/* An op that looks at a buffer before an in-place op updates it runs before it, lazy or not. */
static void in_place_waits_for_readers(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    const fpc_val acc = fpc_buffer(g, "acc", 1, (fpc_shape){1, 1, 8, 256}, FPC_F32, FPC_FILL_ZERO);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 1, 8, 256}, g->real);
    const fpc_val before = fpc_op(g, "copy", "before", 1, &acc, NULL, 0, NULL);
    fpc_val size = fpc_op(g, "sum_squares", "size", 1, &acc, NULL, 0, NULL);
    fpc_op(g, "accumulate", "update", 2, (fpc_val[]){acc, x}, NULL, 0, NULL);
    fpc_output_mark(g, "before", before);
    fpc_output_mark(g, "size", fpc_op(g, "copy", "late", 1, &size, NULL, 0, NULL));
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    fpc_plan *p = plan(&l, g, 1 << 16);
    assert_true(group_with(p, "before") <= group_with(p, "update"));
    assert_true(group_with(p, "size") <= group_with(p, "update"));
    for (int32_t k = 0; k < p->n_groups; k++) { /* within a group, in order */
        int updated = 0;
        for (int32_t i = 0; i < p->group[k].n; i++) {
            const char *name = g->node[p->group[k].node[i]].name;
            updated |= !strcmp(name, "update");
            assert_false(updated && (!strcmp(name, "before") || !strcmp(name, "size")));
        }
    }
    bench_free(&l);
}

/* A weight that is itself computed is lazy too, but the linear map reads all of it: an earlier group makes it. */
static void computed_weights_come_first(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    const fpc_val x = fpc_input(g, "x", (fpc_shape){1, 8, 8, 4}, g->real),
                  w = fpc_param(g, "w", 2, (fpc_shape){1, 1, 6, 8}, FPC_FILL_ONE, 0);
    const fpc_val part = fpc_slice(g, w, 2, 4);
    fpc_output_mark(g, "y",
                    fpc_layer_norm(g, "n", fpc_op(g, "linear", "lin", 2, (fpc_val[]){x, part}, NULL, 0, NULL), 1e-5f));
    fpc_plan *p = plan(&l, g, 1 << 16);
    assert_true(group_with(p, "slice") < group_with(p, "lin"));
    assert_int_equal(group_with(p, "lin"), group_with(p, "n"));
    for (int32_t k = 0; k < p->n_groups; k++)
        for (int32_t i = 0; i < p->group[k].n; i++)
            assert_int_equal(fpc_rows_of(g->value[g->node[p->group[k].node[i]].out[0]].shape), p->group[k].rows);
    bench_free(&l);
}

/* More pointwise ops than a group holds, in a chain and in a fan: no group overflows, every node is placed once. */
static void long_chains_and_wide_fans(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = bench_graph(&l, 0);
    fpc_val x = fpc_input(g, "x", (fpc_shape){1, 8, 8, 4}, g->real), fan[16];
    for (int i = 0; i < 200; i++)
        x = i % 2 ? fpc_gelu(g, x) : fpc_relu(g, x);
    for (int i = 0; i < 16; i++) {
        fan[i] = x;
        for (int k = 0; k <= i; k++)
            fan[i] = fpc_sigmoid(g, fan[i]);
    }
    fpc_output_mark(g, "y", fpc_concat(g, 16, fan));
    fpc_plan *p = plan(&l, g, 1 << 16);
    int32_t placed = 0;
    for (int32_t k = 0; k < p->n_groups; k++) {
        assert_true(p->group[k].n >= 1 && p->group[k].n <= p->group[k].cap);
        placed += p->group[k].n;
    }
    assert_int_equal(placed, g->n_nodes);
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++)
            if (g->value[g->node[i].in[j]].node >= 0)
                assert_true(p->group_of[g->value[g->node[i].in[j]].node] <= p->group_of[i]);
    bench_free(&l);
}

static void missing_kernels_are_listed(void **state)
{
    (void)state;
    bench l;
    fpc_plan *p;
    bench_backend(&l, REF_DOUBLE);
    fpc_graph *g = block(&l, (fpc_shape){1, 4, 4, 8});
    l.backend->n_kernels = 0;
    assert_int_equal(fpc_plan_make(l.ctx, l.arena, l.backend, g, fixed_inputs(&l, g), NULL, 0, &p), FPC_ENOSUPPORT);
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "backend ref has no kernel for: layer_norm (norm1, input 1x4x4x8), "));
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "attention (attn, input 1x4x4x8)"));
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "choose another with backend.use"));
    assert_null(strstr(fpc_ctx_error(l.ctx), "norm2")); /* each op once */
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_few_groups),
        cmocka_unit_test(without_tiles_every_node_is_alone),
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(memory_is_reused),
        cmocka_unit_test(parts_follow_the_shapes),
        cmocka_unit_test(sums_of_parts_stay_small),
        cmocka_unit_test(missing_kernels_are_listed),
        cmocka_unit_test(long_chains_and_wide_fans),
        cmocka_unit_test(computed_weights_come_first),
        cmocka_unit_test(in_place_waits_for_readers),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
