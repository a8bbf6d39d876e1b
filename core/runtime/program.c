/* program.c: makes a program of a graph: storage for what stays, then a plan; and the host's way to its inputs and
 * outputs. exec.c runs it. */
#include "runtime/exec_private.h"
#include "runtime/dtype.h"
#include <stdlib.h>
#include <string.h>

/* ---- storage of what no node makes ---- */

/* A parameter or buffer of the model lies where the state has it. */
static fpc_status place_stored(const fpc_program *p, const fpc_value *v, void **data)
{
    const fpc_state_entry *e = fpc_state_find(p->state, v->name);
    if (!e || !fpc_same_shape(e->shape, v->shape))
        return fpc_fail(p->ctx, FPC_EINTERNAL,
                        "the model declares `%s` (%s) in one graph and %s in another; build must declare the same "
                        "parameters each time",
                        v->name, fpc_shape_text(v->shape), e ? fpc_shape_text(e->shape) : "nothing of that name");
    *data = e->data;
    return FPC_OK;
}

static fpc_status place_const(const fpc_program *p, const fpc_value *v, void **data)
{
    const size_t bytes = fpc_bytes(v->shape, v->dtype);
    const int64_t n = fpc_count(v->shape);
    fpc_backend *be = p->state->backend;
    fpc_status status = fpc_backend_alloc(be, p->ctx, bytes, "a constant", data);
    if (status)
        return status;
    void *host = malloc(bytes);
    if (!host)
        return fpc_fail(p->ctx, FPC_ENOMEM, "no memory for a constant");
    fpc_dtype_convert(host, v->dtype, v->constant, FPC_F64, n);
    status = fpc_backend_copy(be, *data, host, bytes, FPC_TO_DEVICE);
    free(host);
    return status;
}

static fpc_status place_value(const fpc_program *p, const fpc_value *v, void **data)
{
    switch (v->role) {
    case FPC_ROLE_PARAM:
        return place_stored(p, v, data);
    case FPC_ROLE_BUFFER:
        return v->name[0] == '$' ? fpc_state_flat(p->state, v->name, data) : place_stored(p, v, data);
    case FPC_ROLE_CONST:
        return place_const(p, v, data);
    default:
        return fpc_backend_alloc(p->state->backend, p->ctx, fpc_bytes(v->shape, v->dtype), v->name, data);
    }
}

/* The gradient of a parameter is written where the state keeps it, if it does. */
static fpc_status place_grad(const fpc_program *p, const char *param, fpc_val grad)
{
    const char *name = fpc_sprintf(p->graph->arena, FPC_PREFIX_GRAD "%s", param);
    if (!name)
        return FPC_ENOMEM;
    const fpc_state_entry *e = fpc_state_find(p->state, name);
    if (e && grad.id >= 0)
        p->storage[grad.id] = (fpc_storage){.place = FPC_PLACE_FIXED, .data = e->data};
    return FPC_OK;
}

static fpc_status place_fixed(fpc_program *p)
{
    const fpc_graph *g = p->graph;
    int32_t params = 0;
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i];
        fpc_status status;
        if (v->role == FPC_ROLE_NODE)
            continue;
        p->storage[i].place = FPC_PLACE_FIXED;
        if ((status = place_value(p, v, &p->storage[i].data)))
            return status;
        if (v->role != FPC_ROLE_PARAM)
            continue;
        if (params < g->n_grads && (status = place_grad(p, v->name, g->grad[params])))
            return status;
        params++;
    }
    return FPC_OK;
}

/* ---- compiling ---- */

/* Values that are functions of weights alone, such as products of weights and weights in half precision: a program of
 * inference, which has no gradients, computes them when the weights have changed, and keeps them. */
static fpc_status find_constant(fpc_program *p, fpc_arena *arena, const uint8_t **out)
{
    const fpc_graph *g = p->graph;
    uint8_t *constant = fpc_alloc(arena, (size_t)g->n_values + 1);
    fpc_status status = constant ? FPC_OK : FPC_ENOMEM;

    *out = constant;
    for (int32_t v = 0; v < g->n_values && !status; v++)
        constant[v] = g->value[v].role != FPC_ROLE_NODE && g->value[v].role != FPC_ROLE_INPUT;
    for (int32_t i = 0; i < g->n_nodes && !status; i++) {
        const fpc_gnode *n = &g->node[i];
        const int in_place = (n->def->flags & FPC_OP_INPLACE) != 0;
        int all = 1;
        for (int32_t j = 0; j < n->n_in; j++)
            all &= constant[n->in[j]];
        for (int32_t o = 0; o < n->n_out && all && !status; o++) {
            fpc_storage *s = &p->storage[n->out[o]];
            constant[n->out[o]] = 1;
            if (in_place || s->place != FPC_PLACE_NONE)
                continue;
            *s = (fpc_storage){.place = FPC_PLACE_FIXED};
            status =
                fpc_backend_alloc(p->state->backend, p->ctx,
                                  fpc_bytes(g->value[n->out[o]].shape, g->value[n->out[o]].dtype), n->name, &s->data);
        }
    }
    return status;
}

/* Rounding the weights to half precision changes none of them. */
static int has_updates(const fpc_graph *g)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        if ((g->node[i].def->flags & FPC_OP_INPLACE) && strcmp(g->node[i].def->name, "narrow"))
            return 1;
    return 0;
}

static fpc_status plan_program(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, fpc_program **out)
{
    fpc_program *p = fpc_alloc(arena, sizeof *p);
    fpc_status status = fpc_graph_check(g);
    if (!p || status)
        return status ? status : FPC_ENOMEM;
    *p = (fpc_program){
        .ctx = ctx, .state = state, .graph = g, .storage = fpc_alloc(arena, (size_t)g->n_values * sizeof(fpc_storage))};
    if (!p->storage)
        return FPC_ENOMEM;
    *out = p;
    const uint8_t *constant = NULL;
    p->updates = (uint8_t)has_updates(g);
    if ((status = place_fixed(p)))
        return status;
    const int infers = !g->training && !g->n_grads && !p->updates;
    if (infers && state->backend->device.host && (status = find_constant(p, arena, &constant)))
        return status;
    if ((status = fpc_plan_make(ctx, arena, state->backend, g, p->storage, constant, state->backend->device.tile_bytes,
                                &p->plan)) ||
        !p->plan->kept_bytes)
        return status;
    return fpc_backend_alloc(state->backend, ctx, p->plan->kept_bytes, "packed weights", &p->kept);
}

static void forget_deferred(void *program)
{
    fpc_exec_forget(program);
}

fpc_status fpc_program_compile(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, fpc_program **out)
{
    fpc_status status;
    if ((status = plan_program(ctx, arena, state, g, out)) || (status = fpc_exec_reserve(*out, (*out)->plan)))
        return status;
    return fpc_arena_defer(arena, forget_deferred, *out);
}

fpc_status fpc_program_measure(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, size_t *bytes)
{
    const int32_t threads = state->backend->device.threads > 0 ? state->backend->device.threads : 1;
    fpc_backend *be = state->backend;
    const int32_t before = be->n_blocks;
    const size_t allocated = be->allocated;
    fpc_program *p;
    const fpc_status status = plan_program(ctx, arena, state, g, &p);
    *bytes = status ? 0 : be->allocated - allocated + p->plan->arena_bytes + p->plan->thread_bytes * (size_t)threads;
    while (be->n_blocks > before) /* inputs and constants */
        fpc_backend_release(be, be->block[be->n_blocks - 1].data);
    return status;
}

/* ---- host access ---- */

static int32_t find_value(const fpc_program *p, const char *name)
{
    for (int32_t i = 0; i < p->graph->n_outputs; i++)
        if (!strcmp(p->graph->output[i].name, name))
            return p->graph->output[i].value;
    for (int32_t i = 0; i < p->graph->n_values; i++)
        if (p->graph->value[i].role == FPC_ROLE_INPUT && !strcmp(p->graph->value[i].name, name))
            return i;
    return -1;
}

int fpc_program_has(const fpc_program *p, const char *name)
{
    return find_value(p, name) >= 0;
}

fpc_shape fpc_program_shape(const fpc_program *p, const char *name)
{
    const int32_t v = find_value(p, name);
    return v < 0 ? (fpc_shape){0} : p->graph->value[v].shape;
}

size_t fpc_program_memory(const fpc_program *p)
{
    return p->plan->arena_bytes;
}
const fpc_graph *fpc_program_graph(const fpc_program *p)
{
    return p->graph;
}

fpc_status fpc_program_tensor(const fpc_program *p, const char *name, int64_t count, fpc_tensor *out)
{
    const int32_t v = find_value(p, name);
    if (v < 0)
        return fpc_fail(p->ctx, FPC_EINTERNAL, "the program has no input or output `%s`", name);
    const fpc_value *val = &p->graph->value[v];
    if (count >= 0 && count != fpc_count(val->shape))
        return fpc_fail(p->ctx, FPC_EINTERNAL, "`%s` is %s; %lld elements were given", name, fpc_shape_text(val->shape),
                        (long long)count);
    *out = (fpc_tensor){.data = fpc_exec_base(p, &p->storage[v], 0), .shape = val->shape, .dtype = val->dtype};
    return FPC_OK;
}

/* Copies between host and device, converting where the data types differ. */
static fpc_status transfer(fpc_program *p, const char *name, uint32_t dtype, void *host, int64_t count, fpc_way way)
{
    fpc_tensor t;
    fpc_status status = fpc_program_tensor(p, name, count < 0 ? 0 : count, &t);
    if (status)
        return status;
    const size_t bytes = fpc_bytes(t.shape, t.dtype);
    fpc_backend *be = p->state->backend;
    if (dtype == t.dtype)
        return way == FPC_TO_DEVICE ? fpc_backend_copy(be, t.data, host, bytes, way)
                                    : fpc_backend_copy(be, host, t.data, bytes, way);
    void *other = malloc(bytes);
    if (!other)
        return fpc_fail(p->ctx, FPC_ENOMEM, "no memory to convert `%s`", name);
    if (way == FPC_TO_DEVICE) {
        fpc_dtype_convert(other, t.dtype, host, dtype, count);
        status = fpc_backend_copy(be, t.data, other, bytes, way);
    } else {
        status = fpc_backend_copy(be, other, t.data, bytes, way);
        if (!status)
            fpc_dtype_convert(host, dtype, other, t.dtype, count);
    }
    free(other);
    return status;
}

fpc_status fpc_program_write(fpc_program *p, const char *input, uint32_t dtype, const void *host, int64_t count)
{
    return transfer(p, input, dtype, (void *)(uintptr_t)host, count, FPC_TO_DEVICE);
}

fpc_status fpc_program_read(fpc_program *p, const char *output, uint32_t dtype, void *host, int64_t count)
{
    return transfer(p, output, dtype, host, count, FPC_TO_HOST);
}
