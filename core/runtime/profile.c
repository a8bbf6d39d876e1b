/* profile.c: how long each group of nodes takes, and what of it many threads could share. */
#define _GNU_SOURCE
#include "runtime/exec_private.h"
#include "base/clock.h"
#include <stdlib.h>

static fpc_status repeat(fpc_program *p, const fpc_plan_group *grp, int runs)
{
    for (int i = 0; i < runs; i++) {
        const fpc_status status = fpc_exec_group(p, p->plan, grp, NULL);
        if (status)
            return status;
    }
    return FPC_OK;
}

/* Seconds of a replay. */
static fpc_status time_record(fpc_program *p, void *record, double *seconds)
{
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    fpc_self *self = p->state->backend->inst.self;
    fpc_status status;
    for (int i = 0; i < 2; i++) { /* the second counts */
        if ((status = v->sync(self)))
            return status;
        const double start = fpc_clock_now();
        if ((status = v->replay(self, record)) || (status = v->sync(self)))
            return status;
        *seconds = fpc_clock_now() - start;
    }
    return FPC_OK;
}

/* The same where nothing is recorded. */
static fpc_status time_direct(fpc_program *p, const fpc_plan_group *grp, int runs, double *seconds)
{
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    fpc_self *self = p->state->backend->inst.self;
    fpc_status status = v->sync(self);
    if (status)
        return status;
    const double start = fpc_clock_now();
    if ((status = repeat(p, grp, runs)) || (status = v->sync(self)))
        return status;
    *seconds = fpc_clock_now() - start;
    return FPC_OK;
}

/* Work that is queued is timed as a record of many runs: what it costs the host to queue them is not the question. */
static fpc_status time_queued(fpc_program *p, const fpc_plan_group *grp, int runs, double *seconds)
{
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    fpc_self *self = p->state->backend->inst.self;
    void *record = NULL;
    fpc_status status = repeat(p, grp, 1); /* warms up */
    if (status)
        return status;
    status = v->record_begin(self);
    if (status == FPC_ENOSUPPORT)
        return time_direct(p, grp, runs, seconds);
    if (status)
        return status;
    status = repeat(p, grp, runs);
    const fpc_status end = v->record_end(self, &record); /* recording ends in any case */
    if (!status)
        status = end;
    if (!status)
        status = record ? time_record(p, record, seconds) : time_direct(p, grp, runs, seconds);
    if (record)
        v->forget(self, record);
    return status;
}

/* seconds[k]: of `runs` runs of group k. */
static fpc_status time_groups(fpc_program *p, int runs, double *seconds)
{
    const fpc_plan *plan = p->plan;
    const fpc_backend_vtbl *v = p->state->backend->vtbl;
    const int queues = v->record_begin && v->sync;
    fpc_status status;
    for (int32_t k = 0; k < plan->n_groups && queues; k++)
        if ((status = time_queued(p, &plan->group[k], runs, &seconds[k])))
            return status;
    for (int i = 0; i <= runs && !queues; i++) /* the first run warms up */
        for (int32_t k = 0; k < plan->n_groups; k++) {
            const double start = fpc_clock_now();
            if ((status = fpc_exec_group(p, plan, &plan->group[k], NULL)))
                return status;
            seconds[k] += i ? fpc_clock_now() - start : 0;
        }
    return FPC_OK;
}

/* Bytes of what a node reads and makes outside of its group's tiles. */
static int64_t bytes_moved(const fpc_program *p, const fpc_gnode *n)
{
    int64_t bytes = 0;
    for (int32_t j = 0; j < n->n_in + n->n_out; j++) {
        const int32_t at = j < n->n_in ? n->in[j] : n->out[j - n->n_in];
        if (p->plan->storage[at].place != FPC_PLACE_TILE)
            bytes += (int64_t)fpc_bytes(p->graph->value[at].shape, p->graph->value[at].dtype);
    }
    return bytes;
}

/* linear+gelu+linear */
static const char *ops_of(const fpc_program *p, const fpc_plan_group *grp)
{
    const char *ops = "";
    for (int32_t i = 0; i < grp->n && ops; i++)
        ops = fpc_sprintf(p->graph->arena, "%s%s%s", ops, i ? "+" : "", p->graph->node[grp->node[i]].def->name);
    return ops ? ops : "?";
}

fpc_status fpc_program_profile(fpc_program *p, int runs,
                               void (*row)(void *, const char *, const char *, double, int64_t, int64_t), void *arg)
{
    const fpc_plan *plan = p->plan;
    double *seconds = calloc((size_t)plan->n_groups + 1, sizeof *seconds);
    if (!seconds)
        return fpc_fail(p->ctx, FPC_ENOMEM, "no memory to profile");
    const fpc_status status = time_groups(p, runs, seconds);
    for (int32_t k = 0; k < plan->n_groups && !status; k++) {
        const fpc_plan_group *grp = &plan->group[k];
        int64_t macs = 0, bytes = 0;
        for (int32_t i = 0; i < grp->n; i++) {
            const fpc_gnode *n = &p->graph->node[grp->node[i]];
            macs += fpc_gnode_macs(p->graph, n);
            bytes += bytes_moved(p, n);
        }
        row(arg, ops_of(p, grp), p->graph->node[grp->node[0]].name, seconds[k] / (runs > 0 ? runs : 1), macs, bytes);
    }
    free(seconds);
    return status;
}

fpc_status fpc_program_jobs(fpc_program *p, int runs, void (*row)(void *, const char *, double, const fpc_jobs *),
                            void *arg)
{
    const fpc_plan *plan = p->plan;
    const size_t n = (size_t)plan->n_groups + 1;
    double *seconds = calloc(n, sizeof *seconds);
    fpc_jobs *jobs = calloc(n, sizeof *jobs), *now = calloc(1, sizeof *now);
    fpc_status status = seconds && jobs && now ? FPC_OK : fpc_fail(p->ctx, FPC_ENOMEM, "no memory to profile");
    for (int i = 0; i <= runs && !status; i++) /* the first run warms up */
        for (int32_t k = 0; k < plan->n_groups && !status; k++) {
            *now = (fpc_jobs){.n = 0};
            const double start = fpc_clock_now();
            status = fpc_exec_group(p, plan, &plan->group[k], now);
            const double took = fpc_clock_now() - start;
            if (i < 2 || took < seconds[k]) {
                seconds[k] = took;
                jobs[k] = *now;
            }
        }
    for (int32_t k = 0; k < plan->n_groups && !status; k++)
        row(arg, ops_of(p, &plan->group[k]), seconds[k], &jobs[k]);
    free(now);
    free(jobs);
    free(seconds);
    return status;
}
