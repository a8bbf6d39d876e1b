/* exec.c: compiles a graph into a program (storage, plan) and runs it: group after group; within a group, parts of the
 * rows in parallel, and in a part tile after tile through all nodes. A run allocates nothing; host access does where it
 * converts. */
#define _GNU_SOURCE
#include "exec.h"
#include "ops.h"
#include "plan.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fpc_program {
    fpc_ctx *ctx;
    fpc_state *state;
    fpc_graph *graph;
    fpc_plan *plan;
    fpc_slot *slot;
};

/* ---- storage ---- */

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
        fpc_status st = FPC_OK;
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
            st = fpc_backend_alloc(be, p->ctx, fpc_bytes(v->shape, v->dtype), v->name ? v->name : "a constant",
                                   &s->data);
        }
        if (v->role == FPC_ROLE_CONST && !st) {
            const int64_t n = fpc_count(v->shape);
            float *narrow = malloc((size_t)n * sizeof *narrow);
            if (!narrow)
                return fpc_fail(p->ctx, FPC_ENOMEM, "no memory for a constant");
            for (int64_t k = 0; k < n; k++)
                narrow[k] = (float)v->constant[k];
            st = fpc_backend_copy(be, s->data, g->real == FPC_F64 ? (const void *)v->constant : narrow,
                                  fpc_bytes(v->shape, v->dtype), FPC_TO_DEVICE);
            free(narrow);
        }
        if (st)
            return st;
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
static fpc_status reserve(fpc_program *p, const fpc_plan *plan)
{
    fpc_state *s = p->state;
    const size_t threads = (size_t)(s->backend->device.threads > 0 ? s->backend->device.threads : 1);
    if (plan->arena_bytes > s->work_bytes) {
        fpc_backend_release(s->backend, s->work);
        s->work_bytes = 0;
        const fpc_status st = fpc_backend_alloc(s->backend, p->ctx, plan->arena_bytes, "the activations", &s->work);
        if (st)
            return st;
        s->work_bytes = plan->arena_bytes;
    }
    if (plan->thread_bytes > s->scratch_bytes) {
        fpc_backend_release(s->backend, s->scratch);
        s->scratch_bytes = 0;
        const fpc_status st =
            fpc_backend_alloc(s->backend, p->ctx, plan->thread_bytes * threads, "the threads' tiles", &s->scratch);
        if (st)
            return st;
        s->scratch_bytes = plan->thread_bytes;
    }
    return FPC_OK;
}

static fpc_status plan_program(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, fpc_program **out)
{
    fpc_program *p = fpc_alloc(arena, sizeof *p);
    fpc_status st = fpc_graph_check(g);
    if (!p || st)
        return st ? st : FPC_ENOMEM;
    *p = (fpc_program){
        .ctx = ctx, .state = state, .graph = g, .slot = fpc_alloc(arena, (size_t)g->n_values * sizeof(fpc_slot))};
    if (!p->slot)
        return FPC_ENOMEM;
    st = place_fixed(p);
    st = st ? st : fpc_plan_make(ctx, arena, state->backend, g, p->slot, state->backend->device.tile_bytes, &p->plan);
    *out = p;
    return st;
}

fpc_status fpc_program_compile(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, fpc_program **out)
{
    const fpc_status st = plan_program(ctx, arena, state, g, out);
    return st ? st : reserve(*out, (*out)->plan);
}

fpc_status fpc_program_measure(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, fpc_graph *g, size_t *bytes)
{
    const int32_t threads = state->backend->device.threads > 0 ? state->backend->device.threads : 1;
    fpc_backend *be = state->backend;
    const int32_t before = be->n_blocks;
    const size_t allocated = be->allocated;
    fpc_program *p;
    const fpc_status st = plan_program(ctx, arena, state, g, &p);
    *bytes = st ? 0 : be->allocated - allocated + p->plan->arena_bytes + p->plan->thread_bytes * (size_t)threads;
    while (be->n_blocks > before) /* inputs and constants */
        fpc_backend_release(be, be->block[be->n_blocks - 1].data);
    return st;
}

/* ---- running ---- */

typedef struct running {
    fpc_program *p;
    const fpc_plan *plan;
    const fpc_group *group;
    fpc_exec exec[64]; /* plan.c: MAX_GROUP */
    atomic_int status;
} running;

static char *value_base(const fpc_program *p, const fpc_slot *s, int32_t thread)
{
    const fpc_state *st = p->state;
    return s->place == FPC_PLACE_FIXED   ? s->data
           : s->place == FPC_PLACE_ARENA ? (char *)st->work + s->offset
                                         : (char *)st->scratch + (size_t)thread * st->scratch_bytes + s->offset;
}

/* What the kernel sees of value v: rows `first` onwards where it reads row by row. */
static fpc_tensor tensor_at(const fpc_program *p, const fpc_plan *plan, int32_t v, int by_rows, fpc_rows r)
{
    const fpc_value *val = &p->graph->value[v];
    const fpc_slot *s = &plan->slot[v];
    fpc_tensor t = {.data = value_base(p, s, r.thread), .shape = val->shape, .dtype = val->dtype};
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
            const fpc_status st = r->plan->work[grp->node[i]].kernel->run(&r->exec[i], &view, rows);
            if (st)
                atomic_store(&r->status, (int)st);
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
        const fpc_status st = fn(&r->exec[i], &view);
        if (st)
            return st;
    }
    return FPC_OK;
}

static fpc_status run_group(fpc_program *p, const fpc_plan *plan, const fpc_group *grp)
{
    running r = {.p = p, .plan = plan, .group = grp};
    const fpc_backend *be = p->state->backend;
    open_exec(&r);
    fpc_status st = each_node(&r, 0);
    if (st)
        return st;
    if (grp->barrier) {
        fpc_tensor in[32], out[8];
        fpc_node view;
        const fpc_rows all = {0, grp->rows, 0, 0};
        view_node(&r, grp->node[0], all, in, out, &view);
        if (r.exec[0].part_stride)
            memset(r.exec[0].part, 0, r.exec[0].part_stride);
        st = plan->work[grp->node[0]].kernel->run(&r.exec[0], &view, all);
    } else if (be->vtbl->parallel && grp->parts > 1) {
        be->vtbl->parallel(be->inst.self, grp->parts, run_part, &r);
        st = (fpc_status)atomic_load(&r.status);
    } else {
        for (int32_t i = 0; i < grp->parts; i++)
            run_part(&r, i, 0);
        st = (fpc_status)atomic_load(&r.status);
    }
    return st ? st : each_node(&r, 1);
}

fpc_status fpc_program_run(fpc_program *p)
{
    for (int32_t k = 0; k < p->plan->n_groups; k++) {
        const fpc_status st = run_group(p, p->plan, &p->plan->group[k]);
        if (st)
            return st;
    }
    return p->state->backend->vtbl->sync ? p->state->backend->vtbl->sync(p->state->backend->inst.self) : FPC_OK;
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

static double get_number(const void *data, uint32_t dtype, int64_t i)
{
    return dtype == FPC_F64   ? ((const double *)data)[i]
           : dtype == FPC_F32 ? (double)((const float *)data)[i]
           : dtype == FPC_I32 ? (double)((const int32_t *)data)[i]
           : dtype == FPC_I64 ? (double)((const int64_t *)data)[i]
                              : (double)((const uint8_t *)data)[i];
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
    else
        ((uint8_t *)data)[i] = (uint8_t)x;
}

/* Copies between host and device, converting where the data types differ. */
static fpc_status transfer(fpc_program *p, const char *name, uint32_t dtype, void *host, int64_t count, fpc_way way)
{
    const int32_t v = find_value(p, name);
    if (v < 0)
        return fpc_fail(p->ctx, FPC_EINTERNAL, "the program has no input or output `%s`", name);
    const fpc_value *val = &p->graph->value[v];
    if (count != fpc_count(val->shape))
        return fpc_fail(p->ctx, FPC_EINTERNAL, "`%s` is %s; %lld elements were given", name, fpc_shape_text(val->shape),
                        (long long)count);
    void *device = value_base(p, &p->slot[v], 0);
    const size_t bytes = fpc_bytes(val->shape, val->dtype);
    fpc_backend *be = p->state->backend;
    if (dtype == val->dtype)
        return way == FPC_TO_DEVICE ? fpc_backend_copy(be, device, host, bytes, way)
                                    : fpc_backend_copy(be, host, device, bytes, way);
    void *other = malloc(bytes);
    if (!other)
        return fpc_fail(p->ctx, FPC_ENOMEM, "no memory to convert `%s`", name);
    fpc_status st = FPC_OK;
    if (way == FPC_TO_DEVICE) {
        for (int64_t i = 0; i < count; i++)
            put_number(other, val->dtype, i, get_number(host, dtype, i));
        st = fpc_backend_copy(be, device, other, bytes, way);
    } else {
        st = fpc_backend_copy(be, other, device, bytes, way);
        for (int64_t i = 0; i < count && !st; i++)
            put_number(host, dtype, i, get_number(other, val->dtype, i));
    }
    free(other);
    return st;
}

fpc_status fpc_program_write(fpc_program *p, const char *input, uint32_t dtype, const void *host, int64_t count)
{
    return transfer(p, input, dtype, (void *)(uintptr_t)host, count, FPC_TO_DEVICE);
}

fpc_status fpc_program_read(fpc_program *p, const char *output, uint32_t dtype, void *host, int64_t count)
{
    return transfer(p, output, dtype, host, count, FPC_TO_HOST);
}

/* ---- diagnosis: the same graph, one node at a time ---- */

/* Everything stays whole: no tiles. Values of the fixed places are shared with the real plan. */
static fpc_status untiled_plan(fpc_program *p, fpc_arena *arena, fpc_plan **plan)
{
    fpc_slot *slot = fpc_alloc(arena, (size_t)p->graph->n_values * sizeof *slot);
    if (!slot)
        return FPC_ENOMEM;
    for (int32_t v = 0; v < p->graph->n_values; v++)
        if (p->slot[v].place == FPC_PLACE_FIXED)
            slot[v] = p->slot[v];
    const fpc_status st = fpc_plan_make(p->ctx, arena, p->state->backend, p->graph, slot, 0, plan);
    return st ? st : reserve(p, *plan);
}

static int all_finite(const void *data, uint32_t dtype, int64_t n)
{
    for (int64_t i = 0; i < n && (dtype == FPC_F32 || dtype == FPC_F64); i++)
        if (!isfinite(get_number(data, dtype, i)))
            return 0;
    return 1;
}

static const char *bad_output(const fpc_program *p, const fpc_plan *plan, const fpc_gnode *n)
{
    for (int32_t o = 0; o < n->n_out; o++) {
        const fpc_value *v = &p->graph->value[n->out[o]];
        const size_t bytes = fpc_bytes(v->shape, v->dtype);
        void *host = malloc(bytes);
        if (!host)
            return NULL;
        fpc_backend_copy(p->state->backend, host, value_base(p, &plan->slot[n->out[o]], 0), bytes, FPC_TO_HOST);
        const int good = all_finite(host, v->dtype, fpc_count(v->shape));
        free(host);
        if (!good)
            return fpc_sprintf(p->graph->arena, "%s%s (%s)", n->backward ? "backward of " : "", n->name, n->def->name);
    }
    return NULL;
}

const char *fpc_program_find_nan(fpc_program *p)
{
    fpc_arena *arena = fpc_arena_new(p->ctx);
    fpc_plan *plan = NULL;
    const char *found = NULL;
    const int failed = fpc_ctx_status(p->ctx) != FPC_OK;
    if (arena && !untiled_plan(p, arena, &plan))
        for (int32_t k = 0; k < plan->n_groups && !found; k++) {
            if (run_group(p, plan, &plan->group[k]))
                break;
            found = bad_output(p, plan, &p->graph->node[plan->group[k].node[0]]);
        }
    fpc_arena_free(arena);
    if (!failed) /* without memory for whole values there is no name, but the divergence is still what to tell */
        fpc_ctx_clear(p->ctx);
    return found;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

fpc_status fpc_program_profile(fpc_program *p, int runs,
                               void (*row)(void *, const char *, const char *, double, int64_t, int64_t), void *arg)
{
    const fpc_plan *plan = p->plan;
    double *seconds = calloc((size_t)plan->n_groups + 1, sizeof *seconds);
    if (!seconds)
        return fpc_fail(p->ctx, FPC_ENOMEM, "no memory to profile");
    fpc_status st = FPC_OK;
    for (int i = 0; i <= runs && !st; i++) /* the first run warms up */
        for (int32_t k = 0; k < plan->n_groups && !st; k++) {
            const double start = now();
            st = run_group(p, plan, &plan->group[k]);
            seconds[k] += i ? now() - start : 0;
        }
    for (int32_t k = 0; k < plan->n_groups && !st; k++) {
        const fpc_group *grp = &plan->group[k];
        int64_t macs = 0, bytes = 0;
        char *ops = NULL;
        for (int32_t i = 0; i < grp->n; i++) {
            const fpc_gnode *n = &p->graph->node[grp->node[i]];
            macs += fpc_gnode_macs(p->graph, n);
            ops = fpc_sprintf(p->graph->arena, "%s%s%s", ops ? ops : "", ops ? "+" : "", n->def->name);
            for (int32_t j = 0; j < n->n_in + n->n_out; j++) {
                const int32_t v = j < n->n_in ? n->in[j] : n->out[j - n->n_in];
                if (plan->slot[v].place != FPC_PLACE_TILE)
                    bytes += (int64_t)fpc_bytes(p->graph->value[v].shape, p->graph->value[v].dtype);
            }
        }
        row(arg, ops, p->graph->node[grp->node[0]].name, seconds[k] / (runs > 0 ? runs : 1), macs, bytes);
    }
    free(seconds);
    return st;
}
