/* test_arena.c: memory is zeroed, aligned, never moves; a reset reuses it; deferred calls run latest first. */
#include "fixture.h"
#include "base/message.h"

static int all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return 0;
    return 1;
}

static void zeroed_and_aligned(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    fpc_arena *arena = fpc_arena_new(ctx);
    unsigned char *p[300];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 300; i++) {
            const size_t n = (i * 7919) % 5000;

            p[i] = fpc_alloc(arena, n);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % 64, 0);
            assert_true(all_zero(p[i], n));
            memset(p[i], 0xa0 + (int)i % 16, n);
            assert_string_equal(fpc_strdup(arena, "packed between"), "packed between");
        }
        for (size_t i = 0; i < 300; i++) /* nothing was overwritten by later ones */
            for (size_t k = 0; k < (i * 7919) % 5000; k++)
                assert_int_equal(p[i][k], 0xa0 + (int)i % 16);
        fpc_arena_reset(arena);
    }
    fpc_arena_free(arena);
}

static void a_reset_reuses_memory(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    fpc_arena *arena = fpc_arena_new(ctx);
    char *first = fpc_alloc(arena, 1000), *large = fpc_alloc(arena, 10 << 20);

    assert_non_null(large);
    memset(large, 1, 10 << 20);
    for (int i = 0; i < 10; i++) {
        fpc_arena_reset(arena);
        assert_ptr_equal(fpc_alloc(arena, 1000), first);
        assert_ptr_equal(fpc_alloc(arena, 10 << 20), large);
        assert_true(all_zero((unsigned char *)large, 10 << 20));
        memset(large, 1, 10 << 20);
    }
    fpc_arena_free(arena);
}

static void impossible_sizes_fail(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    fpc_arena *arena = fpc_arena_new(ctx);

    assert_null(fpc_alloc(arena, SIZE_MAX));
    assert_int_equal(fpc_ctx_status(ctx), FPC_ENOMEM);
    assert_non_null(strstr(fpc_ctx_error(ctx), "out of memory"));
    assert_null(fpc_alloc(arena, SIZE_MAX - 100));
    assert_null(fpc_alloc(arena, SIZE_MAX / 4));
    assert_null(fpc_alloc(arena, (size_t)1 << 40));
    assert_non_null(fpc_alloc(arena, 0)); /* and it goes on working */
    fpc_arena_free(arena);
    fpc_arena_free(NULL);
}

static void texts(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    fpc_arena *arena = fpc_arena_new(ctx);
    char *copy = fpc_strdup(arena, ""), *text = fpc_sprintf(arena, "%s:%d %*s", "conf/a.ini", 12, 9000, "x");

    assert_string_equal(copy, "");
    assert_int_equal(strlen(text), 14 + 9000);
    assert_true(strncmp(text, "conf/a.ini:12 ", 14) == 0);
    fpc_arena_free(arena);
}

static char order[8];
static void note(void *arg)
{
    strcat(order, arg);
}

static void deferred_calls_run_latest_first(void **state)
{
    static char a[] = "a", b[] = "b", c[] = "c";
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    fpc_arena *arena = fpc_arena_new(ctx);

    assert_int_equal(fpc_arena_defer(arena, note, a), FPC_OK);
    assert_int_equal(fpc_arena_defer(arena, note, b), FPC_OK);
    fpc_arena_reset(arena);
    assert_string_equal(order, "ba");
    assert_int_equal(fpc_arena_defer(arena, note, c), FPC_OK);
    fpc_arena_free(arena);
    assert_string_equal(order, "bac");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(zeroed_and_aligned),
        CASE(a_reset_reuses_memory),
        CASE(impossible_sizes_fail),
        CASE(texts),
        CASE(deferred_calls_run_latest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
