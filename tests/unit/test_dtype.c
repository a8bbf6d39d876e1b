/* Data types on the host: each number comes through every type that can hold it, and is cut or rounded where none can.
 */
#include "runtime/dtype.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const uint32_t every[] = {FPC_F64, FPC_F32, FPC_BF16, FPC_F16, FPC_I64, FPC_I32, FPC_U8};
enum { N_TYPES = sizeof every / sizeof *every, N = 5 };

/* Small whole numbers are exact in all types: there and back between any two. */
static void whole_numbers_survive(void **state)
{
    (void)state;
    const double value[N] = {0, 1, 2, 100, 128};
    int compared = 0;
    for (int a = 0; a < N_TYPES; a++)
        for (int b = 0; b < N_TYPES; b++) {
            int64_t first[N], second[N];
            double back[N];
            fpc_dtype_convert(first, every[a], value, FPC_F64, N);
            fpc_dtype_convert(second, every[b], first, every[a], N);
            fpc_dtype_convert(back, FPC_F64, second, every[b], N);
            assert_memory_equal(back, value, sizeof value);
            for (int i = 0; i < N; i++, compared++)
                assert_true(fpc_dtype_number(second, every[b], i) == value[i]);
        }
    assert_int_equal(compared, N_TYPES * N_TYPES * N);
}

static double through(uint32_t dtype, double x)
{
    int64_t room;
    fpc_dtype_convert(&room, dtype, &x, FPC_F64, 1);
    return fpc_dtype_number(&room, dtype, 0);
}

static void the_rest_is_rounded(void **state)
{
    (void)state;
    assert_true(through(FPC_I32, 2.75) == 2 && through(FPC_I64, -2.75) == -2 && through(FPC_U8, 200.5) == 200);
    assert_true(through(FPC_F32, 0.1) == (double)0.1f);
    assert_true(through(FPC_BF16, 1.0 + 1.0 / 512) == 1 && through(FPC_BF16, 1.0 + 1.0 / 128) == 1.0 + 1.0 / 128);
    assert_true(through(FPC_F16, 1.0 + 1.0 / 4096) == 1 && through(FPC_F16, 1.0 + 1.0 / 1024) == 1.0 + 1.0 / 1024);
    assert_true(through(FPC_F64, 0.1) == 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_survive),
        cmocka_unit_test(the_rest_is_rounded),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
