/* support.c: which backend has a kernel for which op, read off the kernel tables. Fails where one lacks a kernel
 * that takes some case of an op of core/graph/ops/ops.def, or where a table names an op that does not exist. */
#include "backends.h"

static op_backends *all;

/* How many cases of the op the backend has kernels for, of how many; half: 0, FPC_BF16, FPC_F16. */
static int covered(const op_backend *b, const char *op, uint32_t half, int *cases)
{
    int n = 0;
    *cases = 0;
    for (int i = 0; i < op_n_cases; i++) {
        op_tensors t;
        if (strcmp(op_cases[i].op, op))
            continue;
        if (op_make_half(all->b.ctx, all->scratch, &op_cases[i], &all->exact, half, &t))
            fail_msg("%s: %s", op_label(all->scratch, &op_cases[i]), op_error(all));
        n += op_kernel_of(b, &t) != NULL;
        ++*cases;
    }
    fpc_arena_reset(all->scratch);
    return n;
}

/* A cell of the table; 1: cases without a kernel. */
static int cell(const op_backend *b, const char *op, uint32_t half)
{
    int cases;
    const int n = covered(b, op, half, &cases);
    print_message(" %7d/%-2d", n, cases);
    return n < cases || cases == 0;
}

/* A device's backend computes in bf16 and fp16 whatever ops.def says can be. */
static int half_cells(const op_backend *b, const fpc_op_def *def)
{
    if (b->vtbl && !def->half)
        print_message(" %10s %10s", "-", "-");
    return b->vtbl && def->half ? cell(b, def->name, FPC_BF16) + cell(b, def->name, FPC_F16) : 0;
}

static void every_op_has_kernels(void **state)
{
    int gaps = 0;
    (void)state;
    print_message("%-20s %10s %10s", "op", all->exact.name, all->single.name);
    for (int32_t b = 0; b < all->n_others; b++)
        print_message(" %10s%s", all->other[b].name, all->other[b].vtbl ? "       bf16       fp16" : "");
    print_message("\n");
    for (int32_t i = 0; i < fpc_n_builtin_ops; i++) {
        const fpc_op_def *def = &fpc_builtin_ops[i];
        print_message("%-20s", def->name);
        gaps += cell(&all->exact, def->name, 0) + cell(&all->single, def->name, 0);
        for (int32_t b = 0; b < all->n_others; b++)
            gaps += cell(&all->other[b], def->name, 0) + half_cells(&all->other[b], def);
        print_message("\n");
    }
    if (gaps)
        fail_msg("%d gaps: see the table above, where n/m means that n of the op's m cases have a kernel", gaps);
}

static void check_table(const op_backend *b, const fpc_kernel *table)
{
    const uint32_t dtypes = FPC_DTYPE_BIT(b->real) | FPC_DTYPE_BIT(FPC_BF16) | FPC_DTYPE_BIT(FPC_F16);
    for (const fpc_kernel *k = table; k->op; k++) {
        if (!op_def_of(k->op))
            fail_msg("%s: the kernel %s is for the op `%s`, which is not in ops.def", b->name, k->name, k->op);
        if (k->size != sizeof(fpc_kernel) || !k->run || !k->name || !(k->dtypes & dtypes) ||
            !(k->flags & FPC_KERNEL_DETERMINISTIC))
            fail_msg("%s: the row of the kernel for %s is incomplete", b->name, k->op);
    }
}

static void check_names(const op_backend *b)
{
    for (const fpc_kernel *const *table = b->tables; *table; table++)
        check_table(b, *table);
}

static void every_kernel_has_an_op(void **state)
{
    (void)state;
    check_names(&all->exact);
    check_names(&all->single);
    for (int32_t b = 0; b < all->n_others; b++)
        check_names(&all->other[b]);
}

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(every_op_has_kernels), cmocka_unit_test(every_kernel_has_an_op)};
    all = op_backends_open(NULL);
    const int failed = cmocka_run_group_tests(test, NULL, NULL);
    op_backends_close(all);
    return failed;
}
