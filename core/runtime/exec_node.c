/* exec_node.c: the accessors of fpc_exec that kernels use, and fpc_run_node, which runs a single node outside of any
 * plan. A kernel cannot tell the two apart: that is what makes the op tests speak for training. */
#include "runtime/exec.h"
#include "base/message.h"
#include <stdlib.h>
#include <string.h>

fpc_ctx *fpc_exec_ctx(const fpc_exec *x)
{
    return x->ctx;
}
void *fpc_exec_shared(const fpc_exec *x)
{
    return x->shared;
}
void *fpc_exec_scratch(const fpc_exec *x, int32_t thread)
{
    return x->scratch + (size_t)thread * x->scratch_stride;
}
int32_t fpc_exec_parts(const fpc_exec *x)
{
    return x->n_parts;
}
void *fpc_exec_part(const fpc_exec *x, int32_t part)
{
    return x->part + (size_t)part * x->part_stride;
}
int32_t fpc_exec_threads(const fpc_exec *x)
{
    return x->threads;
}
void *fpc_exec_backend(const fpc_exec *x)
{
    return x->backend;
}

void fpc_exec_parallel(fpc_exec *x, int32_t n, void (*body)(void *, int32_t, int32_t), void *arg)
{
    if (x->parallel && n > 1) {
        x->parallel(x->parallel_arg, n, body, arg);
        return;
    }
    for (int32_t i = 0; i < n; i++)
        body(arg, i, 0);
}

int64_t fpc_node_rows(const fpc_op_def *def, const fpc_node *node)
{
    for (int32_t i = 0; i < node->n_out; i++)
        if (fpc_access(def->out, i) == 'r')
            return fpc_rows_of(node->out[i].shape);
    for (int32_t i = 0; i < node->n_in; i++)
        if (fpc_access(def->in, i) == 'r')
            return fpc_rows_of(node->in[i].shape);
    return 0;
}

static void *at_row(const fpc_tensor *t, int64_t row)
{
    return (char *)t->data + (size_t)row * (size_t)t->shape.c * fpc_dtype_size(t->dtype);
}

static fpc_status run_range(fpc_exec *x, const fpc_kernel *k, const fpc_op_def *def, const fpc_node *node, fpc_rows r)
{
    fpc_tensor in[16], out[8];
    fpc_node view = *node;
    for (int32_t i = 0; i < node->n_in && i < 16; i++) {
        in[i] = node->in[i];
        if (fpc_access(def->in, i) == 'r')
            in[i].data = at_row(&in[i], r.first);
    }
    for (int32_t i = 0; i < node->n_out && i < 8; i++) {
        out[i] = node->out[i];
        if (fpc_access(def->out, i) == 'r')
            out[i].data = at_row(&out[i], r.first);
    }
    view.in = in;
    view.out = out;
    return k->run(x, &view, r);
}

fpc_status fpc_run_node(fpc_ctx *ctx, const fpc_kernel *k, const fpc_op_def *def, fpc_node *node, int32_t n_parts,
                        int64_t tile_rows, void *backend)
{
    const int64_t rows = fpc_node_rows(def, node);
    const int barrier = rows == 0 || !strpbrk(def->out, "rs");
    if (barrier || n_parts < 1)
        n_parts = 1;
    if (node->n_in > 16 || node->n_out > 8)
        return fpc_fail(ctx, FPC_EINTERNAL, "node %s: more than 16 inputs or 8 outputs", node->name);
    fpc_need need = {0};
    if (k->need)
        k->need(node, &need);
    const size_t round = 63, part = (need.part + round) & ~round;
    char *memory = aligned_alloc(64, ((need.shared + round) & ~round) + part * (size_t)n_parts +
                                         ((need.thread + round) & ~round) + 64);
    if (!memory)
        return fpc_fail(ctx, FPC_ENOMEM, "node %s: no memory for its work space", node->name);
    char *parts = memory + ((need.shared + round) & ~round);
    memset(parts, 0, part * (size_t)n_parts);
    fpc_exec x = {.ctx = ctx,
                  .shared = memory,
                  .part = parts,
                  .part_stride = part,
                  .n_parts = n_parts,
                  .threads = 1,
                  .scratch = parts + part * (size_t)n_parts,
                  .backend = backend};
    fpc_status status = k->begin ? k->begin(&x, node) : FPC_OK;
    for (int32_t p = 0; p < n_parts && !status; p++) {
        const int64_t end = barrier ? rows : rows * (p + 1) / n_parts;
        int64_t at = barrier ? 0 : rows * p / n_parts;
        do {
            const int64_t n = barrier || tile_rows <= 0 || tile_rows > end - at ? end - at : tile_rows;
            if (barrier || n > 0)
                status = run_range(&x, k, def, node, (fpc_rows){at, n, p, 0});
            at += n;
        } while (!status && at < end);
    }
    if (!status && k->end)
        status = k->end(&x, node);
    free(memory);
    return status;
}
