/* profile.c: looks into a program: which node first gives a number that is not finite, and how long each group takes.
 */
#define _GNU_SOURCE
#include "runtime/exec_private.h"
#include "runtime/exec.h"
#include "graph/ops/table.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>

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
    const fpc_status status = fpc_plan_make(p->ctx, arena, p->state->backend, p->graph, slot, 0, plan);
    return status ? status : fpc_exec_reserve(p, *plan);
}

static int all_finite(const void *data, uint32_t dtype, int64_t n)
{
    for (int64_t i = 0; i < n && dtype >= FPC_F32 && dtype <= FPC_F64; i++)
        if (!isfinite(fpc_exec_number(data, dtype, i)))
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
        fpc_backend_copy(p->state->backend, host, fpc_exec_base(p, &plan->slot[n->out[o]], 0), bytes, FPC_TO_HOST);
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
            if (fpc_exec_group(p, plan, &plan->group[k]))
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

static fpc_status repeat(fpc_program *p, const fpc_group *grp, int runs)
{
    fpc_status status = FPC_OK;
    for (int i = 0; i < runs && !status; i++)
        status = fpc_exec_group(p, p->plan, grp);
    return status;
}

/* Work that is queued is timed as a record of many runs: what it costs the host to queue them is not the question. */
static fpc_status time_queued(fpc_program *p, const fpc_group *grp, int runs, double *seconds)
{
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    fpc_self *self = p->state->backend->inst.self;
    void *record = NULL;
    fpc_status status = repeat(p, grp, 1); /* warms up */
    fpc_status begun = status ? status : v->record_begin(self);
    if (status || (begun && begun != FPC_ENOSUPPORT))
        return status ? status : begun;
    status = repeat(p, grp, runs);
    if (!begun) { /* recording ends in any case */
        const fpc_status end = v->record_end(self, &record);
        if (!status)
            status = end;
    }
    for (int i = 0; i < 2 && !status && !begun && record; i++) { /* the second counts */
        status = v->sync(self);
        const double start = now();
        if (!status)
            status = v->replay(self, record);
        if (!status)
            status = v->sync(self);
        *seconds = now() - start;
    }
    if (record)
        v->forget(self, record);
    if (record || status)
        return status;
    status = v->sync(self); /* nothing is recorded here */
    const double start = now();
    if (!status)
        status = repeat(p, grp, runs);
    if (!status)
        status = v->sync(self);
    *seconds = now() - start;
    return status;
}

fpc_status fpc_program_profile(fpc_program *p, int runs,
                               void (*row)(void *, const char *, const char *, double, int64_t, int64_t), void *arg)
{
    const fpc_plan *plan = p->plan;
    double *seconds = calloc((size_t)plan->n_groups + 1, sizeof *seconds);
    if (!seconds)
        return fpc_fail(p->ctx, FPC_ENOMEM, "no memory to profile");
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    const int queues = v->record_begin && v->sync;
    fpc_status status = FPC_OK;
    for (int i = 0; i <= runs && !status && !queues; i++) /* the first run warms up */
        for (int32_t k = 0; k < plan->n_groups && !status; k++) {
            const double start = now();
            status = fpc_exec_group(p, plan, &plan->group[k]);
            seconds[k] += i ? now() - start : 0;
        }
    for (int32_t k = 0; k < plan->n_groups && !status && queues; k++)
        status = time_queued(p, &plan->group[k], runs, &seconds[k]);
    for (int32_t k = 0; k < plan->n_groups && !status; k++) {
        const fpc_group *grp = &plan->group[k];
        int64_t macs = 0, bytes = 0;
        char *ops = NULL;
        for (int32_t i = 0; i < grp->n; i++) {
            const fpc_gnode *n = &p->graph->node[grp->node[i]];
            macs += fpc_gnode_macs(p->graph, n);
            ops = fpc_sprintf(p->graph->arena, "%s%s%s", ops ? ops : "", ops ? "+" : "", n->def->name);
            for (int32_t j = 0; j < n->n_in + n->n_out; j++) {
                const int32_t at = j < n->n_in ? n->in[j] : n->out[j - n->n_in];
                if (plan->slot[at].place != FPC_PLACE_TILE)
                    bytes += (int64_t)fpc_bytes(p->graph->value[at].shape, p->graph->value[at].dtype);
            }
        }
        row(arg, ops, p->graph->node[grp->node[0]].name, seconds[k] / (runs > 0 ? runs : 1), macs, bytes);
    }
    free(seconds);
    return status;
}
