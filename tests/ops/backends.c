/* backends.c: opens `ref` in double and in float, and those that are to be tested: by default `cpu`, at every level
 * that the processor has. */
#define _GNU_SOURCE
#include "backends.h"
#include <fpcore/backend.h>

/* 0: this processor cannot do it. */
static int open_backend(bench *b, const char *name, const char *text, op_backend *out)
{
    fpc_instance inst;
    fpc_device *device = fpc_alloc(b->arena, sizeof *device);
    fpc_status status = device ? try_plugin(b, "backend", text, &inst) : FPC_ENOMEM;
    if (!status) {
        const fpc_backend_vtbl *vtbl = inst.vtbl;
        *device = (fpc_device){.size = sizeof *device};
        status = vtbl->open(inst.self, device);
        if (!status)
            *out = (op_backend){.name = name,
                                .real = device->real,
                                .tables = vtbl->kernels(inst.self),
                                .device = device,
                                .vtbl = device->host ? NULL : vtbl,
                                .self = inst.self,
                                .product_loss = device->precision == FPC_TF32 ? 0x1p-10 : 0};
    }
    if (!status)
        return 1;
    if (status != FPC_ENOSUPPORT) {
        fprintf(stderr, "%s: %s\n", name, fpc_ctx_error(b->ctx));
        exit(1);
    }
    print_message("%s: %s: left out\n", name, fpc_ctx_error(b->ctx));
    fpc_ctx_clear(b->ctx);
    return 0;
}

static void open_other(op_backends *all, const char *name, const char *text)
{
    if (all->n_others == OP_MAX_BACKENDS) {
        fprintf(stderr, "more than %d backends\n", OP_MAX_BACKENDS);
        exit(1);
    }
    all->n_others += open_backend(&all->b, name, text, &all->other[all->n_others]);
}

/* A word of the list: `cpu` at every level, NAME or NAME:PRECISION. */
static void open_named(op_backends *all, const char *word)
{
    const char *colon = strchr(word, ':');
    if (!strcmp(word, "cpu")) {
        open_other(all, "cpu generic", "use = cpu\nthreads = 1\nisa = generic");
        open_other(all, "cpu avx2", "use = cpu\nthreads = 1\nisa = avx2");
        open_other(all, "cpu avx512", "use = cpu\nthreads = 1\nisa = avx512");
        open_other(all, "cpu avx512_bf16", "use = cpu\nthreads = 1\nisa = avx512_bf16");
    } else if (colon) {
        open_other(all, word,
                   fpc_sprintf(all->b.arena, "use = %.*s\nprecision = %s", (int)(colon - word), word, colon + 1));
    } else {
        open_other(all, word, fpc_sprintf(all->b.arena, "use = %s", word));
    }
}

op_backends *op_backends_open(const char *names)
{
    static op_backends all;
    char *rest = NULL;
    all = (op_backends){0};
    if (bench_new(&all.b)) {
        fprintf(stderr, "no registry: is FPCORE_PLUGIN_PATH set to the folder of the plugins?\n");
        exit(1);
    }
    all.scratch = fpc_arena_new(all.b.ctx);
    if (!all.scratch)
        exit(1);
    open_backend(&all.b, "ref double", "use = ref\nreal = double", &all.exact);
    open_backend(&all.b, "ref float", "use = ref\nreal = float", &all.single);
    if (!names)
        names = getenv("FPCORE_TEST_BACKENDS");
    for (char *word = strtok_r(fpc_strdup(all.b.arena, names && *names ? names : "cpu"), " ", &rest); word;
         word = strtok_r(NULL, " ", &rest))
        open_named(&all, word);
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
    fpc_arena_free(all->scratch);
    bench_free(&all->b);
}
