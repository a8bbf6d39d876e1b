/* exec.c: runs a program, group after group: the nodes of a group over parts of the rows in parallel, and in a part
 * tile after tile through all nodes. A run allocates nothing. fpc_run_node (exec_node.c) goes the same way with one
 * node. */
#include "runtime/exec_private.h"
#include "runtime/exec.h"
#include "base/clock.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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
        s->work_moved++; /* outputs that nobody reads lie there, and records hold their addresses */
        const fpc_status status =
            fpc_backend_alloc(s->backend, p->ctx, plan->thread_bytes * threads, "the threads' tiles", &s->scratch);
        if (status)
            return status;
        s->scratch_bytes = plan->thread_bytes;
    }
    return FPC_OK;
}

/* ---- running ---- */

typedef struct running {
    fpc_program *p;
    const fpc_plan *plan;
    const fpc_plan_group *group;
    fpc_exec exec[FPC_MAX_GROUP];
    fpc_jobs *jobs; /* NULL: nobody wants to know */
    atomic_int status;
} running;

char *fpc_exec_base(const fpc_program *p, const fpc_storage *s, int32_t thread)
{
    const fpc_state *state = p->state;
    return s->place == FPC_PLACE_FIXED   ? s->data
           : s->place == FPC_PLACE_ARENA ? (char *)state->work + s->offset
                                         : (char *)state->scratch + (size_t)thread * state->scratch_bytes + s->offset;
}

/* What the kernel sees of value v: rows `first` onwards where it reads row by row. */
static fpc_tensor tensor_at(const fpc_program *p, const fpc_plan *plan, int32_t v, int by_rows, fpc_rows r)
{
    const fpc_value *val = &p->graph->value[v];
    const fpc_storage *s = &plan->storage[v];
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

typedef struct timed_job {
    void (*body)(void *, int32_t, int32_t);
    void *arg;
    fpc_job *job;
} timed_job;

static void time_item(void *arg, int32_t i, int32_t thread)
{
    const timed_job *t = arg;
    const double start = fpc_clock_now();
    t->body(t->arg, i, thread);
    const double took = fpc_clock_now() - start;
    t->job->seconds += took;
    t->job->longest = took > t->job->longest ? took : t->job->longest;
}

/* Items for all threads, or one after the other where the backend has but one. What profile.c wants to know is measured
 * with one thread; jobs within jobs are part of their item. */
static void run_items(void *arg, int32_t n, void (*body)(void *, int32_t, int32_t), void *body_arg)
{
    running *r = arg;
    const fpc_backend *be = r->p->state->backend;
    timed_job timed = {body, body_arg, NULL};
    if (r->jobs && !r->jobs->inside && r->jobs->n < FPC_MAX_JOBS) {
        timed.job = &r->jobs->job[r->jobs->n++];
        *timed.job = (fpc_job){.items = n};
        r->jobs->inside = 1;
        body = time_item;
        body_arg = &timed;
    }
    if (be->vtbl->parallel && n > 1)
        FPC_CALL_VOID(be->inst.who, be->vtbl->parallel(be->inst.self, n, body, body_arg));
    else
        for (int32_t i = 0; i < n; i++)
            body(body_arg, i, 0);
    if (timed.job)
        r->jobs->inside = 0;
}

/* The first failure's sentence wins: this one stands where the kernel gave none. */
static fpc_status no_reason(const running *r, const fpc_kernel *kernel, const fpc_node *node, fpc_status status)
{
    return status == FPC_ECANCEL ? status
                                 : fpc_fail(r->p->ctx, status, "%s (%s): the kernel %s failed and gave no reason",
                                            node->name ? node->name : "?", node->op, kernel->name);
}

static void run_part(void *arg, int32_t part, int32_t thread)
{
    running *r = arg;
    const fpc_plan_group *grp = r->group;
    fpc_tensor in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
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
            const fpc_work *work = &r->plan->work[grp->node[i]];
            const fpc_status status = FPC_CALL(work->who, work->kernel->run(&r->exec[i], &view, rows));
            if (status)
                atomic_store(&r->status, (int)no_reason(r, work->kernel, &view, status));
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
                                .shared = (char *)(w->kept ? r->p->kept : s->work) + w->shared,
                                .part = (char *)s->work + w->part,
                                .part_stride = fpc_round64(w->need.part),
                                .n_parts = r->group->parts,
                                .scratch = (char *)s->scratch + w->scratch,
                                .scratch_stride = s->scratch_bytes,
                                .threads = be->device.threads > 0 ? be->device.threads : 1,
                                .parallel = be->vtbl->parallel ? run_items : NULL,
                                .parallel_arg = r,
                                .backend = be->device.exec};
    }
}

typedef fpc_status edge_fn(fpc_exec *, const fpc_node *);

/* begin or end of the i-th node of the group. */
static void run_edge(running *r, int32_t i, edge_fn *fn)
{
    fpc_tensor in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
    fpc_node view;

    if (!fn || atomic_load_explicit(&r->status, memory_order_relaxed))
        return;
    const fpc_work *work = &r->plan->work[r->group->node[i]];
    view_node(r, r->group->node[i], (fpc_rows){0, r->group->rows, 0, 0}, in, out, &view);
    const fpc_status status = FPC_CALL(work->who, fn(&r->exec[i], &view));
    if (status)
        atomic_store(&r->status, (int)no_reason(r, work->kernel, &view, status));
}

static const fpc_kernel *kernel_of(const running *r, int32_t i)
{
    return r->plan->work[r->group->node[i]].kernel;
}

static edge_fn *begin_of(const running *r, int32_t i)
{
    return r->p->fresh && r->plan->work[r->group->node[i]].kept ? NULL : kernel_of(r, i)->begin;
}

static void begin_node(void *arg, int32_t i, int32_t thread)
{
    (void)thread;
    run_edge(arg, i, begin_of(arg, i));
}

/* Beginnings pack weights, each on one thread: side by side. None of them reads what another one writes. */
static fpc_status begin_nodes(running *r)
{
    int32_t n = 0;
    for (int32_t i = 0; i < r->group->n; i++)
        n += begin_of(r, i) != NULL;
    if (n > 1)
        run_items(r, r->group->n, begin_node, r);
    else
        for (int32_t i = 0; i < r->group->n && n > 0; i++)
            begin_node(r, i, 0);
    return (fpc_status)atomic_load(&r->status);
}

/* Ends add up parts, each with all threads: one after the other. */
static fpc_status end_nodes(running *r)
{
    for (int32_t i = 0; i < r->group->n; i++)
        run_edge(r, i, kernel_of(r, i)->end);
    return (fpc_status)atomic_load(&r->status);
}

/* A node that cannot be cut into rows: all at once. */
static fpc_status run_whole(running *r)
{
    fpc_tensor in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
    fpc_node view;
    const int32_t node = r->group->node[0];
    const fpc_rows all = {0, r->group->rows, 0, 0};
    view_node(r, node, all, in, out, &view);
    if (r->exec[0].part_stride)
        memset(r->exec[0].part, 0, r->exec[0].part_stride);
    const fpc_work *work = &r->plan->work[node];
    const fpc_status status = FPC_CALL(work->who, work->kernel->run(&r->exec[0], &view, all));
    return status ? no_reason(r, work->kernel, &view, status) : FPC_OK;
}

fpc_status fpc_exec_group(fpc_program *p, const fpc_plan *plan, const fpc_plan_group *grp, fpc_jobs *jobs)
{
    running r = {.p = p, .plan = plan, .group = grp, .jobs = jobs};
    fpc_status status;
    open_exec(&r);
    if ((status = begin_nodes(&r)))
        return status;
    if (grp->barrier)
        status = run_whole(&r);
    else {
        run_items(&r, grp->parts, run_part, &r);
        status = (fpc_status)atomic_load(&r.status);
    }
    return status ? status : end_nodes(&r);
}

static fpc_status run_groups(fpc_program *p)
{
    fpc_status status = FPC_OK;
    p->fresh = p->kept_of == p->state->weights_version;
    p->kept_of = 0;
    for (int32_t k = 0; k < p->plan->n_groups && !status; k++)
        if (!p->fresh || !p->plan->group[k].constant)
            status = fpc_exec_group(p, p->plan, &p->plan->group[k], NULL);
    p->fresh = 0;
    if (!status)
        p->kept_of = p->state->weights_version;
    p->state->weights_version += p->updates;
    return status;
}

/* ---- records: what a backend that queues was told in a run, to be told again at once ---- */

void fpc_exec_forget(fpc_program *p)
{
    if (p->record)
        FPC_CALL_VOID(p->state->backend->inst.who,
                      p->state->backend->vtbl->forget(p->state->backend->inst.self, p->record));
    p->record = NULL;
}

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
    fpc_status status = FPC_CALL(p->state->backend->inst.who, v->record_begin(self));
    *made = 0;
    if (status == FPC_ENOSUPPORT) {
        p->never_record = 1;
        return FPC_OK;
    }
    if (status)
        return status;
    status = run_groups(p);
    const fpc_status end = FPC_CALL(p->state->backend->inst.who, v->record_end(self, &p->record));
    p->record_of = p->state->work_moved;
    if (status)
        fpc_exec_forget(p);
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
        fpc_exec_forget(p);
        made = 0;
    }
    if (!made && can_record(p))
        status = record(p, &made);
    p->runs++;
    if (status)
        return status;
    return made ? FPC_CALL(be->inst.who, be->vtbl->replay(be->inst.self, p->record)) : run_groups(p);
}

fpc_status fpc_program_run(fpc_program *p)
{
    const fpc_backend *be = p->state->backend;
    const fpc_status status = fpc_program_queue(p);
    return status || !be->vtbl->sync ? status : FPC_CALL(be->inst.who, be->vtbl->sync(be->inst.self));
}

void fpc_program_changes(fpc_program *p)
{
    p->never_record = 1;
}
