/* bench.c: times each op at the sizes of MicroSegFormer with LMSA at 512x512, one image, one thread, one part, in tiles
 * of rows that a plan would choose. Not part of make check: it states numbers and judges nothing.
 * bench [BACKEND [OP]]: backends whose name begins with BACKEND; default: the best level of cpu. */
#include "backends.h"

static int64_t bytes_of(const op_tensors *t)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < t->n_in; i++)
        bytes += fpc_count(t->in[i].shape) * (t->in[i].dtype == FPC_F64 ? 4 : (int64_t)fpc_dtype_size(t->in[i].dtype));
    for (int32_t i = 0; i < t->n_out; i++)
        bytes +=
            fpc_count(t->out[i].shape) * (t->out[i].dtype == FPC_F64 ? 4 : (int64_t)fpc_dtype_size(t->out[i].dtype));
    return bytes;
}

static void time_case(op_backends *all, const op_backend *b, const op_case *c)
{
    op_tensors t;
    double seconds;
    if (op_make(all->b.ctx, all->scratch, c, &all->exact, &t)) {
        printf("%s: %s\n", op_label(all->scratch, c), op_error(all));
        return;
    }
    const fpc_kernel *k = op_kernel_of(b, &t);
    if (!k || op_time(all->b.ctx, all->scratch, &t, b, k, (op_split){1, 512}, &seconds)) {
        printf("%-12s %s: %s\n", b->name, op_label(all->scratch, c), k ? op_error(all) : "no kernel");
    } else {
        op_view v;
        op_view_of(&t, b->real, &v);
        const double macs = t.def->macs ? (double)t.def->macs(&v.node) : 0;
        printf("%-12s %-58s %9.3f ms %8.1f GB/s", k->name + strcspn(k->name, ".") + 1, op_label(all->scratch, c),
               seconds * 1e3, (double)bytes_of(&t) / seconds * 1e-9);
        printf(macs > 0 ? " %8.1f GMAC/s\n" : "\n", macs / seconds * 1e-9);
    }
    fflush(stdout);
    fpc_arena_reset(all->scratch);
}

int main(int argc, char **argv)
{
    const int known = argc < 2 || !strncmp(argv[1], "ref", 3) || !strncmp(argv[1], "cpu", 3);
    op_backends *all = op_backends_open(known ? "cpu" : argv[1]);
    const op_backend *list[OP_MAX_BACKENDS + 1] = {&all->single};
    for (int32_t i = 0; i < all->n_others; i++)
        list[1 + i] = &all->other[i];
    for (int32_t b = 0; b < 1 + all->n_others; b++) {
        if (argc > 1 ? strncmp(list[b]->name, argv[1], strlen(argv[1])) != 0 : b < all->n_others)
            continue;
        for (int i = 0; i < op_n_bench_cases; i++)
            if (argc < 3 || !strcmp(argv[2], op_bench_cases[i].op))
                time_case(all, list[b], &op_bench_cases[i]);
    }
    op_backends_close(all);
    return 0;
}
