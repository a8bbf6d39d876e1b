/* backends.c: opens `ref` in double and in float, and `cpu` at every level that the processor has. */
#include "backends.h"
#include <fpcore/backend.h>

/* 0: this processor cannot do it. */
static int open_backend(bench *b, const char *name, const char *text, op_backend *out)
{
    fpc_instance inst;
    fpc_device *device = fpc_alloc(b->arena, sizeof *device);
    fpc_status st = device ? try_plugin(b, "backend", text, &inst) : FPC_ENOMEM;
    if (!st) {
        const fpc_backend_vtbl *vtbl = inst.vtbl;
        *device = (fpc_device){.size = sizeof *device};
        st = vtbl->open(inst.self, device);
        if (!st)
            *out = (op_backend){name, device->real, vtbl->kernels(inst.self), device->exec};
    }
    if (!st)
        return 1;
    if (st != FPC_ENOSUPPORT) {
        fprintf(stderr, "%s: %s\n", name, fpc_ctx_error(b->ctx));
        exit(1);
    }
    print_message("%s: %s: left out\n", name, fpc_ctx_error(b->ctx));
    fpc_ctx_clear(b->ctx);
    return 0;
}

op_backends *op_backends_open(void)
{
    static op_backends all;
    static const struct {
        const char *name, *text;
    } cpu[] = {{"cpu sse2", "use = cpu\nthreads = 1\nisa = sse2"},
               {"cpu avx2", "use = cpu\nthreads = 1\nisa = avx2"},
               {"cpu avx512", "use = cpu\nthreads = 1\nisa = avx512"}};
    void *state;
    if (bench_open(&state)) {
        fprintf(stderr, "no registry: is FPCORE_PLUGIN_PATH set to the folder of the plugins?\n");
        exit(1);
    }
    all = (op_backends){.b = *(bench *)state};
    all.scratch = fpc_arena_new(all.b.ctx);
    if (!all.scratch)
        exit(1);
    open_backend(&all.b, "ref double", "use = ref\nreal = double", &all.exact);
    open_backend(&all.b, "ref float", "use = ref\nreal = float", &all.single);
    for (size_t i = 0; i < sizeof cpu / sizeof cpu[0]; i++)
        all.n_others += open_backend(&all.b, cpu[i].name, cpu[i].text, &all.other[all.n_others]);
    return &all;
}

const char *op_error(op_backends *all)
{
    const char *text = fpc_strdup(all->b.arena, fpc_ctx_error(all->b.ctx));
    fpc_ctx_clear(all->b.ctx);
    return text;
}

void op_backends_close(op_backends *all)
{
    void *b = &all->b;
    fpc_arena_free(all->scratch);
    bench_close(&b);
}
