/* Backends: the kernel of the highest rank that matches runs; data types count; plugins' kernels join on the host. */
#include "graphs.h"

static int never(const fpc_node *n)
{
    return n->in[0].shape.c == 7;
}

static void highest_matching_rank_wins(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, "[backend]\nuse = ref\n");
    const uint32_t f32 = FPC_DTYPE_BIT(FPC_F32), f64 = FPC_DTYPE_BIT(FPC_F64);
    const fpc_kernel table[4] = {{.op = "gelu", .name = "low", .rank = 1, .dtypes = f32 | f64},
                                 {.op = "gelu", .name = "narrow", .rank = 9, .dtypes = f32, .match = never},
                                 {.op = "gelu", .name = "high", .rank = 5, .dtypes = f32},
                                 {.op = "relu", .name = "other", .rank = 99, .dtypes = f32 | f64}};
    const fpc_kernel *list[4] = {&table[0], &table[1], &table[2], &table[3]};
    l.backend->kernels = list;
    l.backend->n_kernels = 4;
    fpc_tensor t = {.shape = {1, 1, 1, 3}, .dtype = FPC_F32};
    fpc_node n = {.op = "gelu", .name = "n", .n_in = 1, .in = &t};
    assert_string_equal(fpc_backend_kernel(l.backend, &n, FPC_F32)->name, "high");
    assert_string_equal(fpc_backend_kernel(l.backend, &n, FPC_F64)->name, "low");
    t.shape.c = 7;
    assert_string_equal(fpc_backend_kernel(l.backend, &n, FPC_F32)->name, "narrow");
    n.op = "softmax";
    assert_null(fpc_backend_kernel(l.backend, &n, FPC_F32));
    bench_free(&l);
}

/* What a plugin brings for the host must never see memory of a device, and the other way round. */
static void plugins_kernels_go_where_their_memory_is(void **state)
{
    (void)state;
    const fpc_kernel brought[] = {
        {.op = "mine", .name = "mine.host"}, {.op = "mine", .name = "mine.cuda", .flags = FPC_KERNEL_CUDA}, {0}};
    for (uint32_t host = 0; host < 2; host++) {
        const fpc_kernel *list[4];
        const char *who[8] = {0};
        fpc_backend be = {.kernels = list, .who = who, .device.host = host};
        fpc_backend_add_kernels(&be, brought, "loss/mine (mine.so)");
        fpc_backend_add_kernels(&be, NULL, "loss/none");
        assert_string_equal(fpc_backend_who(&be, be.kernels[0]), "loss/mine (mine.so)");
        assert_int_equal(be.n_kernels, 1);
        assert_string_equal(list[0]->name, host ? "mine.host" : "mine.cuda");
    }
}

static void ref_comes_in_two_precisions(void **state)
{
    (void)state;
    bench l;
    bench_backend(&l, "[backend]\nuse = ref\n");
    assert_int_equal(l.backend->device.real, FPC_F32);
    bench_free(&l);
    bench_backend(&l, REF_DOUBLE);
    assert_int_equal(l.backend->device.real, FPC_F64);
    assert_int_equal(l.backend->device.tile_bytes, 0);
    bench_free(&l);
}

static void cpu_says_what_it_found(void **state)
{
    (void)state;
    bench l;
    static const char *const words[] = {"[backend]\nuse = cpu\nthreads = 3\nisa = generic\n",
                                        "[backend]\nuse = cpu\nthreads = 3\nisa = sse2\n"}; /* its former name */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bench_backend(&l, words[i]);
        assert_int_equal(l.backend->device.threads, 3);
        assert_non_null(strstr(l.backend->device.name, "generic"));
        assert_true(l.backend->device.tile_bytes >= 65536);
        bench_free(&l);
    }
}

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    bench l;
    void *p;
    bench_backend(&l, "[backend]\nuse = cpu\n");
    assert_int_equal(fpc_backend_alloc(l.backend, l.ctx, 1000, "a test", &p), FPC_OK);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(((char *)p)[i], 0);
    assert_int_equal(fpc_backend_alloc(l.backend, l.ctx, (size_t)1 << 60, "a test", &p), FPC_ENOMEM);
    if (!strstr(fpc_ctx_error(l.ctx), "no memory for a test"))
        fail_msg("%s", fpc_ctx_error(l.ctx));
    assert_non_null(strstr(fpc_ctx_error(l.ctx), "a smaller dataset.batch or dataset.size needs less"));
    bench_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(highest_matching_rank_wins),   cmocka_unit_test(plugins_kernels_go_where_their_memory_is),
        cmocka_unit_test(ref_comes_in_two_precisions),  cmocka_unit_test(cpu_says_what_it_found),
        cmocka_unit_test(memory_is_zeroed_and_aligned),
    };
    return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
