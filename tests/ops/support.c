/* support.c: which backend has a kernel for which op, read off the kernel tables. Fails where `ref` or `cpu` lacks a
 * kernel that takes some case of an op of core/ops.def, or where a table names an op that does not exist. */
#include "backends.h"

static op_backends *all;

/* How many cases of the op the backend has kernels for, of how many. */
static int covered(const op_backend *b, const char *op, int *cases)
{
    int n = 0;
    *cases = 0;
    for (int i = 0; i < op_n_cases; i++) {
        op_tensors t;
        if (strcmp(op_cases[i].op, op))
            continue;
        if (op_make(all->b.ctx, all->scratch, &op_cases[i], &all->exact, &t))
            fail_msg("%s: %s", op_label(all->scratch, &op_cases[i]), op_error(all));
        const fpc_node node = {.size = sizeof node,
                               .op = op,
                               .name = op,
                               .n_in = t.n_in,
                               .n_out = t.n_out,
                               .in = t.in,
                               .out = t.out,
                               .attr = &op_cases[i].attr};
        n += op_kernel_of(b, &node) != NULL;
        ++*cases;
    }
    fpc_arena_reset(all->scratch);
    return n;
}

static void test_every_op_has_kernels(void **state)
{
    int gaps = 0;
    (void)state;
    print_message("%-20s %10s %10s", "op", all->exact.name, all->single.name);
    for (int32_t b = 0; b < all->n_others; b++)
        print_message(" %10s", all->other[b].name);
    print_message("\n");
    for (int32_t i = 0; i < fpc_n_builtin_ops; i++) {
        const char *op = fpc_builtin_ops[i].name;
        const op_backend *list[OP_MAX_BACKENDS + 2] = {&all->exact, &all->single};
        print_message("%-20s", op);
        for (int32_t b = 0; b < 2 + all->n_others; b++) {
            int cases;
            if (b > 1)
                list[b] = &all->other[b - 2];
            const int n = covered(list[b], op, &cases);
            gaps += n < cases || cases == 0;
            print_message(" %7d/%-2d", n, cases);
        }
        print_message("\n");
    }
    if (gaps)
        fail_msg("%d gaps: see the table above, where n/m means that n of the op's m cases have a kernel", gaps);
}

static void check_names(const op_backend *b)
{
    for (const fpc_kernel *k = b->kernel; k->op; k++) {
        if (!op_def_of(k->op))
            fail_msg("%s: the kernel %s is for the op `%s`, which is not in ops.def", b->name, k->name, k->op);
        if (k->size != sizeof(fpc_kernel) || !k->run || !k->name || !(k->dtypes & FPC_DTYPE_BIT(b->real)) ||
            !(k->flags & FPC_KERNEL_DETERMINISTIC))
            fail_msg("%s: the row of the kernel for %s is incomplete", b->name, k->op);
    }
}

static void test_every_kernel_has_an_op(void **state)
{
    (void)state;
    check_names(&all->exact);
    check_names(&all->single);
    for (int32_t b = 0; b < all->n_others; b++)
        check_names(&all->other[b]);
}

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(test_every_op_has_kernels),
                                      cmocka_unit_test(test_every_kernel_has_an_op)};
    all = op_backends_open();
    const int failed = cmocka_run_group_tests(test, NULL, NULL);
    op_backends_close(all);
    return failed;
}
