/* exec.c: compiles a graph into a program (storage, plan) and runs it: group after group; within a group, parts of the
 * rows in parallel, and in a part tile after tile through all nodes. A run allocates nothing; host access does where it
 * converts. */
#include "runtime/exec_private.h"
#include <fpcore/half.h>
#include "runtime/exec.h"
#include "graph/ops/table.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- storage ---- */

/* $half: the parameters in half precision; $half.NAME: one of them, at the same place. */
static void *half_buffer(const fpc_state *s, const char *name)
{
    const fpc_state_entry *e = name[5] ? fpc_state_find(s, name + 6) : NULL;
    const size_t at = e ? (size_t)((const char *)e->data - (const char *)s->param) / sizeof(float) * 2 : 0;
    return s->half && (e || !name[5]) ? (char *)s->half + at : NULL;
}

static void *flat_buffer(const fpc_state *s, const char *name)
{
    if (!strcmp(name, "$param"))
        return s->param;
    if (!strcmp(name, "$grad"))
        return s->grad;
    if (!strcmp(name, "$accum"))
        return s->accum;
    if (!strcmp(name, "$average"))
        return s->average;
    if (!strcmp(name, "$swa"))
        return s->swa;
    if (!strcmp(name, "$scaler"))
        return s->scaler;
    if (!strcmp(name, "$images"))
        return s->images;
    if (!strcmp(name, "$masks"))
        return s->masks;
    if (!strncmp(name, "$half", 5))
        return half_buffer(s, name);
    return !strncmp(name, "$slot", 5) ? s->slot[name[5] - '0'] : NULL;
}

/* Inputs and constants get memory of their own; parameters, buffers and gradients are the state's. */
static fpc_status place_fixed(fpc_program *p)
{
    fpc_graph *g = p->graph;
    fpc_backend *be = p->state->backend;
    int32_t params = 0;
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i];
        fpc_slot *s = &p->slot[i];
        fpc_status status = FPC_OK;
        if (v->role == FPC_ROLE_NODE)
            continue;
        s->place = FPC_PLACE_FIXED;
        if (v->role == FPC_ROLE_PARAM || (v->role == FPC_ROLE_BUFFER && v->name[0] != '$')) {
            const fpc_state_entry *e = fpc_state_find(p->state, v->name);
            if (!e || !fpc_same_shape(e->shape, v->shape))
                return fpc_fail(p->ctx, FPC_EINTERNAL,
                                "the model declares `%s` (%s) in one graph and %s in another; build must "
                                "declare the same parameters each time",
                                v->name, fpc_shape_text(v->shape),
                                e ? fpc_shape_text(e->shape) : "nothing of that name");
            s->data = e->data;
        } else if (v->role == FPC_ROLE_BUFFER) {
            s->data = flat_buffer(p->state, v->name);
        } else {
            status = fpc_backend_alloc(be, p->ctx, fpc_bytes(v->shape, v->dtype), v->name ? v->name : "a constant",
                                       &s->data);
        }
        if (v->role == FPC_ROLE_CONST && !status) {
            const int64_t n = fpc_count(v->shape);
            float *narrow = malloc((size_t)n * sizeof *narrow);
            if (!narrow)
                return fpc_fail(p->ctx, FPC_ENOMEM, "no memory for a constant");
            for (int64_t k = 0; k < n; k++)
                narrow[k] = (float)v->constant[k];
            status = fpc_backend_copy(be, s->data, g->real == FPC_F64 ? (const void *)v->constant : narrow,
                                      fpc_bytes(v->shape, v->dtype), FPC_TO_DEVICE);
            free(narrow);
        }
        if (status)
            return status;
        if (v->role == FPC_ROLE_PARAM && params++ < g->n_grads) {
            const char *name = fpc_sprintf(g->arena, "grad.%s", v->name);
            const fpc_state_entry *grad = name ? fpc_state_find(p->state, name) : NULL;
            if (!name)
                return FPC_ENOMEM;
            if (grad && g->grad[params - 1].id >= 0)
                p->slot[g->grad[params - 1].id] = (fpc_slot){.place = FPC_PLACE_FIXED, .data = grad->data};
        }
    }
    return FPC_OK;
}

/* The shared activation memory grows to the largest program's need. */
fpc_status fpc_exec_reserve(fpc_program *p, const fpc_plan *plan)
{
    fpc_state *s = p->state;
    const size_t threads = (size_t)(s->backend->device.threads > 0 ? s->backend->device.threads : 1);
    if (plan->arena_bytes > s->work_bytes) {
        fpc_backend_release(s->backend, s->work);
        s->work_bytes = 0;
        s->work_moved++;
        const fpc_status status = fpc_backend_alloc(s->backend, p->ctx, plan->arena_bytes, "the activations", &s->work);
        if (status)
            return status;
        s->work_bytes = plan->arena_bytes;
    }
    if (plan->thread_bytes > s->scratch_bytes) {
        fpc_backend_release(s->backend, s->scratch);
        s->scratch_bytes = 0;
        const fpc_status status =
            fpc_backend_alloc(s->backend, p->ctx, plan->thread_bytes * threads, "the threads' tiles", &s->scratch);
        if (status)
            return status;
        s->scratch_bytes = plan->thread_bytes;
    }
    return FPC_OK;
}

static fpc_status plan_program(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, fpc_program **out)
{
    fpc_program *p = fpc_alloc(arena, sizeof *p);
    fpc_status status = fpc_graph_check(g);
    if (!p || status)
        return status ? status : FPC_ENOMEM;
    *p = (fpc_program){
        .ctx = ctx, .state = state, .graph = g, .slot = fpc_alloc(arena, (size_t)g->n_values * sizeof(fpc_slot))};
    if (!p->slot)
        return FPC_ENOMEM;
    status = place_fixed(p);
    if (!status)
        status = fpc_plan_make(ctx, arena, state->backend, g, p->slot, state->backend->device.tile_bytes, &p->plan);
    *out = p;
    return status;
}

static void forget(fpc_program *p)
{
    if (p->record)
        p->state->backend->vtbl->forget(p->state->backend->inst.self, p->record);
    p->record = NULL;
}

static void forget_deferred(void *program)
{
    forget(program);
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

/* ---- running ---- */

typedef struct running {
    fpc_program *p;
    const fpc_plan *plan;
    const fpc_group *group;
    fpc_exec exec[64]; /* runtime/plan.c: MAX_GROUP */
    atomic_int status;
} running;

char *fpc_exec_base(const fpc_program *p, const fpc_slot *s, int32_t thread)
{
    const fpc_state *status = p->state;
    return s->place == FPC_PLACE_FIXED   ? s->data
           : s->place == FPC_PLACE_ARENA ? (char *)status->work + s->offset
                                         : (char *)status->scratch + (size_t)thread * status->scratch_bytes + s->offset;
}

/* What the kernel sees of value v: rows `first` onwards where it reads row by row. */
static fpc_tensor tensor_at(const fpc_program *p, const fpc_plan *plan, int32_t v, int by_rows, fpc_rows r)
{
    const fpc_value *val = &p->graph->value[v];
    const fpc_slot *s = &plan->slot[v];
    fpc_tensor t = {.data = fpc_exec_base(p, s, r.thread), .shape = val->shape, .dtype = val->dtype};
    if (by_rows && s->place != FPC_PLACE_TILE)
        t.data = (char *)t.data + (size_t)r.first * (size_t)val->shape.c * fpc_dtype_size(val->dtype);
    return t;
}

static void view_node(const running *r, int32_t node, fpc_rows rows, fpc_tensor *in, fpc_tensor *out, fpc_node *view)
{
    const fpc_gnode *n = &r->p->graph->node[node];
    for (int32_t j = 0; j < n->n_in; j++)
        in[j] = tensor_at(r->p, r->plan, n->in[j], n->in_access[j] == 'r', rows);
    for (int32_t o = 0; o < n->n_out; o++)
        out[o] = tensor_at(r->p, r->plan, n->out[o], fpc_access(n->def->out, o) == 'r', rows);
    *view = (fpc_node){.size = sizeof *view,
                       .id = (uint32_t)node,
                       .op = n->def->name,
                       .name = n->name,
                       .n_in = n->n_in,
                       .n_out = n->n_out,
                       .in = in,
                       .out = out,
                       .attr = n->attr};
}

static void parallel_parts(void *arg, int32_t n, void (*body)(void *, int32_t, int32_t), void *body_arg)
{
    const fpc_backend *be = arg;
    be->vtbl->parallel(be->inst.self, n, body, body_arg);
}

static void run_part(void *arg, int32_t part, int32_t thread)
{
    running *r = arg;
    const fpc_group *grp = r->group;
    fpc_tensor in[32], out[8];
    fpc_node view;
    const int64_t end = grp->rows * (part + 1) / grp->parts;
    for (int32_t i = 0; i < grp->n; i++)
        if (r->exec[i].part_stride)
            memset(r->exec[i].part + (size_t)part * r->exec[i].part_stride, 0, r->exec[i].part_stride);
    for (int64_t at = grp->rows * part / grp->parts; at < end; at += grp->tile) {
        const fpc_rows rows = {at, end - at < grp->tile ? end - at : grp->tile, part, thread};
        for (int32_t i = 0; i < grp->n; i++) {
            if (atomic_load_explicit(&r->status, memory_order_relaxed))
                return;
            view_node(r, grp->node[i], rows, in, out, &view);
            const fpc_status status = r->plan->work[grp->node[i]].kernel->run(&r->exec[i], &view, rows);
            if (status)
                atomic_store(&r->status, (int)status);
        }
    }
}

static void open_exec(running *r)
{
    const fpc_state *s = r->p->state;
    const fpc_backend *be = s->backend;
    for (int32_t i = 0; i < r->group->n; i++) {
        const fpc_work *w = &r->plan->work[r->group->node[i]];
        r->exec[i] = (fpc_exec){.ctx = r->p->ctx,
                                .shared = (char *)s->work + w->shared,
                                .part = (char *)s->work + w->part,
                                .part_stride = (w->need.part + 63) & ~(size_t)63,
                                .n_parts = r->group->parts,
                                .scratch = (char *)s->scratch + w->scratch,
                                .scratch_stride = s->scratch_bytes,
                                .threads = be->device.threads > 0 ? be->device.threads : 1,
                                .parallel = be->vtbl->parallel ? parallel_parts : NULL,
                                .parallel_arg = (void *)(uintptr_t)be,
                                .backend = be->device.exec};
    }
}

/* begin or end of every node of the group. */
static fpc_status each_node(running *r, int end)
{
    fpc_tensor in[32], out[8];
    fpc_node view;
    for (int32_t i = 0; i < r->group->n; i++) {
        const fpc_kernel *k = r->plan->work[r->group->node[i]].kernel;
        fpc_status (*fn)(fpc_exec *, const fpc_node *) = end ? k->end : k->begin;
        if (!fn)
            continue;
        view_node(r, r->group->node[i], (fpc_rows){0, r->group->rows, 0, 0}, in, out, &view);
        const fpc_status status = fn(&r->exec[i], &view);
        if (status)
            return status;
    }
    return FPC_OK;
}

fpc_status fpc_exec_group(fpc_program *p, const fpc_plan *plan, const fpc_group *grp)
{
    running r = {.p = p, .plan = plan, .group = grp};
    const fpc_backend *be = p->state->backend;
    open_exec(&r);
    fpc_status status = each_node(&r, 0);
    if (status)
        return status;
    if (grp->barrier) {
        fpc_tensor in[32], out[8];
        fpc_node view;
        const fpc_rows all = {0, grp->rows, 0, 0};
        view_node(&r, grp->node[0], all, in, out, &view);
        if (r.exec[0].part_stride)
            memset(r.exec[0].part, 0, r.exec[0].part_stride);
        status = plan->work[grp->node[0]].kernel->run(&r.exec[0], &view, all);
    } else if (be->vtbl->parallel && grp->parts > 1) {
        be->vtbl->parallel(be->inst.self, grp->parts, run_part, &r);
        status = (fpc_status)atomic_load(&r.status);
    } else {
        for (int32_t i = 0; i < grp->parts; i++)
            run_part(&r, i, 0);
        status = (fpc_status)atomic_load(&r.status);
    }
    return status ? status : each_node(&r, 1);
}

static fpc_status run_groups(fpc_program *p)
{
    for (int32_t k = 0; k < p->plan->n_groups; k++) {
        const fpc_status status = fpc_exec_group(p, p->plan, &p->plan->group[k]);
        if (status)
            return status;
    }
    return FPC_OK;
}

/* ---- records: what a backend that queues was told in a run, to be told again at once ---- */

static int can_record(const fpc_program *p)
{
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    if (!v->record_begin || p->never_record || p->runs == 0)
        return 0;
    for (int32_t i = 0; i < p->graph->n_nodes; i++)
        if (!(p->plan->work[i].kernel->flags & FPC_KERNEL_CAPTURABLE))
            return 0;
    return 1;
}

/* *made 0: the backend records nothing, now or at all. A kernel that fails while it is recorded may still run: then it
 * says itself what is wrong. */
static fpc_status record(fpc_program *p, int *made)
{
    fpc_self *self = p->state->backend->inst.self;
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    const int failed_before = fpc_ctx_status(p->ctx) != FPC_OK;
    fpc_status status = v->record_begin(self);
    *made = 0;
    if (status == FPC_ENOSUPPORT) {
        p->never_record = 1;
        return FPC_OK;
    }
    if (status)
        return status;
    status = run_groups(p);
    const fpc_status end = v->record_end(self, &p->record);
    p->record_of = p->state->work_moved;
    if (status)
        forget(p);
    if (status == FPC_EDEVICE && !failed_before) {
        fpc_log(p->ctx, FPC_LOG_WARN, "a program runs op by op, because it cannot be recorded: %s",
                fpc_ctx_error(p->ctx));
        fpc_ctx_clear(p->ctx);
        status = FPC_OK;
    }
    p->never_record |= !status && !end && !p->record;
    *made = !status && !end && p->record;
    return status ? status : end;
}

fpc_status fpc_program_queue(fpc_program *p)
{
    const fpc_backend *be = p->state->backend;
    fpc_status status = FPC_OK;
    int made = p->record != NULL;
    if (p->record && p->record_of != p->state->work_moved) {
        forget(p);
        made = 0;
    }
    if (!made && can_record(p))
        status = record(p, &made);
    p->runs++;
    if (status)
        return status;
    return made ? be->vtbl->replay(be->inst.self, p->record) : run_groups(p);
}

fpc_status fpc_program_run(fpc_program *p)
{
    const fpc_backend *be = p->state->backend;
    const fpc_status status = fpc_program_queue(p);
    return status || !be->vtbl->sync ? status : be->vtbl->sync(be->inst.self);
}

void fpc_program_changes(fpc_program *p)
{
    p->never_record = 1;
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

double fpc_exec_number(const void *data, uint32_t dtype, int64_t i)
{
    switch (dtype) {
    case FPC_F64:
        return ((const double *)data)[i];
    case FPC_F32:
        return (double)((const float *)data)[i];
    case FPC_BF16:
        return (double)fpc_bf16_to_float(((const uint16_t *)data)[i]);
    case FPC_F16:
        return (double)fpc_f16_to_float(((const uint16_t *)data)[i]);
    case FPC_I32:
        return (double)((const int32_t *)data)[i];
    case FPC_I64:
        return (double)((const int64_t *)data)[i];
    default:
        return (double)((const uint8_t *)data)[i];
    }
}

static void put_number(void *data, uint32_t dtype, int64_t i, double x)
{
    if (dtype == FPC_F64)
        ((double *)data)[i] = x;
    else if (dtype == FPC_F32)
        ((float *)data)[i] = (float)x;
    else if (dtype == FPC_I32)
        ((int32_t *)data)[i] = (int32_t)x;
    else if (dtype == FPC_I64)
        ((int64_t *)data)[i] = (int64_t)x;
    else if (dtype == FPC_BF16)
        ((uint16_t *)data)[i] = fpc_float_to_bf16((float)x);
    else if (dtype == FPC_F16)
        ((uint16_t *)data)[i] = fpc_float_to_f16((float)x);
    else
        ((uint8_t *)data)[i] = (uint8_t)x;
}

void fpc_convert(void *to, uint32_t to_dtype, const void *from, uint32_t from_dtype, int64_t n)
{
    if (to_dtype == from_dtype)
        memcpy(to, from, (size_t)n * fpc_dtype_size(to_dtype));
    else
        for (int64_t i = 0; i < n; i++)
            put_number(to, to_dtype, i, fpc_exec_number(from, from_dtype, i));
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
    *out = (fpc_tensor){.data = fpc_exec_base(p, &p->slot[v], 0), .shape = val->shape, .dtype = val->dtype};
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
        fpc_convert(other, t.dtype, host, dtype, count);
        status = fpc_backend_copy(be, t.data, other, bytes, way);
    } else {
        status = fpc_backend_copy(be, other, t.data, bytes, way);
        if (!status)
            fpc_convert(host, dtype, other, t.dtype, count);
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
