/* exec_node.c: the accessors of fpc_exec that kernels use, and fpc_run_node, which runs a single node as a program of
 * its own: by exec.c, so that the op tests speak for training. */
#include "runtime/exec.h"
#include "runtime/exec_private.h"
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

/* ---- one node alone ---- */

/* A program whose graph and plan are one node, with the caller's tensors in the places of values. */
typedef struct lone {
    fpc_backend_vtbl vtbl; /* of a backend that does one thing after the other */
    fpc_backend backend;
    fpc_state state;
    fpc_graph graph;
    fpc_gnode node;
    fpc_value value[FPC_MAX_INPUTS + FPC_MAX_OUTPUTS];
    fpc_storage storage[FPC_MAX_INPUTS + FPC_MAX_OUTPUTS];
    int32_t id[FPC_MAX_INPUTS + FPC_MAX_OUTPUTS], first; /* first: of the group's nodes, 0 */
    char access[FPC_MAX_INPUTS + 1];
    fpc_work work;
    fpc_plan_group group;
    fpc_plan plan;
    fpc_program program;
} lone;

static void put_tensor(lone *l, int32_t i, const fpc_tensor *t)
{
    l->id[i] = i;
    l->value[i] = (fpc_value){.shape = t->shape, .dtype = t->dtype};
    l->storage[i] = (fpc_storage){.place = FPC_PLACE_FIXED, .data = t->data};
}

static void put_node(lone *l, const fpc_op_def *def, const fpc_node *node)
{
    for (int32_t i = 0; i < node->n_in; i++) {
        put_tensor(l, i, &node->in[i]);
        l->access[i] = fpc_access(def->in, i);
    }
    for (int32_t i = 0; i < node->n_out; i++)
        put_tensor(l, node->n_in + i, &node->out[i]);
    l->node = (fpc_gnode){.def = def,
                          .name = node->name,
                          .in_access = l->access,
                          .n_in = node->n_in,
                          .n_out = node->n_out,
                          .in = l->id,
                          .out = l->id + node->n_in,
                          .attr = (void *)(uintptr_t)node->attr};
    l->graph = (fpc_graph){.value = l->value, .n_values = node->n_in + node->n_out, .node = &l->node, .n_nodes = 1};
}

/* The work memory of a plan of this node alone: shared, then parts, then the thread's. */
static fpc_status take_work(lone *l, fpc_ctx *ctx)
{
    const fpc_need *need = &l->work.need;
    const size_t shared = fpc_round64(need->shared), parts = fpc_round64(need->part) * (size_t)l->group.parts,
                 thread = fpc_round64(need->thread);
    char *memory = aligned_alloc(64, shared + parts + thread + 64);
    if (!memory)
        return fpc_fail(ctx, FPC_ENOMEM, "node %s: no memory for its work space", l->node.name);
    l->work.part = shared;
    l->state.work = memory;
    l->state.scratch = memory + shared + parts;
    l->state.scratch_bytes = thread;
    return FPC_OK;
}

fpc_status fpc_run_node(fpc_ctx *ctx, const fpc_kernel *k, const fpc_op_def *def, fpc_node *node, int32_t n_parts,
                        int64_t tile_rows, const fpc_device *device)
{
    const int64_t rows = fpc_node_rows(def, node);
    const int barrier = fpc_plan_is_barrier(def, rows);
    lone l = {.backend = {.vtbl = &l.vtbl, .device = {.threads = 1, .exec = device->exec}},
              .state = {.backend = &l.backend},
              .work = {.kernel = k},
              .group = {.n = 1,
                        .node = &l.first,
                        .rows = rows,
                        .tile = tile_rows > 0 && tile_rows < rows ? tile_rows : rows,
                        .parts = barrier || n_parts < 1 ? 1 : n_parts,
                        .barrier = (uint8_t)barrier},
              .plan = {.graph = &l.graph, .storage = l.storage, .work = &l.work},
              .program = {.ctx = ctx, .state = &l.state, .graph = &l.graph, .plan = &l.plan, .storage = l.storage}};
    if (node->n_in > FPC_MAX_INPUTS || node->n_out > FPC_MAX_OUTPUTS)
        return fpc_fail(ctx, FPC_EINTERNAL, "node %s: more than %d inputs or %d outputs", node->name, FPC_MAX_INPUTS,
                        FPC_MAX_OUTPUTS);
    put_node(&l, def, node);
    if (k->need)
        k->need(node, &l.work.need);
    fpc_status status = take_work(&l, ctx);
    if (status)
        return status;
    status = fpc_exec_group(&l.program, &l.plan, &l.group, NULL);
    free(l.state.work);
    return status;
}
