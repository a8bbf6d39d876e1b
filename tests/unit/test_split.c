/* test_split.c: NumPy's permutation of 1000 by seed 42, and what holds for every size. */
#include "fixture.h"
#include <fpcore/dataset.h>

static void numpy_seed_42(void **state)
{
    bench *b = *state;
    static const int64_t first[] = {521, 737, 740, 660, 411, 678, 626, 513, 859, 136};
    static const int64_t val[] = {815, 862, 269, 201, 161, 555, 729, 401, 702, 476}, last[] = {106, 270, 860, 435, 102};
    int64_t perm[1000];

    assert_int_equal(fpc_split_permutation(b->ctx, 42, 1000, perm), FPC_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(perm[i], first[i]);
        assert_int_equal(perm[900 + i], val[i]);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(perm[995 + i], last[i]);
}

static void always_a_permutation(void **state)
{
    bench *b = *state;
    static const int64_t sizes[] = {0, 1, 2, 3, 31, 32, 33, 700, 4096};

    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int64_t n = sizes[s];
        int64_t perm[4096];
        char seen[4096] = {0};

        assert_int_equal(fpc_split_permutation(b->ctx, (uint32_t)s, n, perm), FPC_OK);
        for (int64_t i = 0; i < n; i++) {
            assert_in_range(perm[i], 0, n - 1);
            assert_int_equal(seen[perm[i]]++, 0);
        }
    }
}

static void too_many(void **state)
{
    bench *b = *state;
    assert_int_equal(fpc_split_permutation(b->ctx, 1, ((int64_t)1 << 32) + 1, NULL), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "at most 2^32"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(numpy_seed_42), CASE(always_a_permutation), CASE(too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
