/* find_nan.c: which node first gives a number that is not finite: the same graph once more, one node at a time. */
#include "runtime/dtype.h"
#include "runtime/exec_private.h"
#include <math.h>
#include <stdlib.h>

/* Everything stays whole: no tiles. Values of the fixed places are shared with the real plan. */
static fpc_status untiled_plan(fpc_program *p, fpc_arena *arena, fpc_plan **plan)
{
    fpc_storage *storage = fpc_alloc(arena, (size_t)p->graph->n_values * sizeof *storage);
    if (!storage)
        return FPC_ENOMEM;
    for (int32_t v = 0; v < p->graph->n_values; v++)
        if (p->storage[v].place == FPC_PLACE_FIXED)
            storage[v] = p->storage[v];
    const fpc_status status = fpc_plan_make(p->ctx, arena, p->state->backend, p->graph, storage, NULL, 0, plan);
    return status ? status : fpc_exec_reserve(p, *plan);
}

static int all_finite(const void *data, uint32_t dtype, int64_t n)
{
    for (int64_t i = 0; i < n && dtype >= FPC_F32 && dtype <= FPC_F64; i++)
        if (!isfinite(fpc_dtype_number(data, dtype, i)))
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
        fpc_backend_copy(p->state->backend, host, fpc_exec_base(p, &plan->storage[n->out[o]], 0), bytes, FPC_TO_HOST);
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
            if (fpc_exec_group(p, plan, &plan->group[k], NULL))
                break;
            found = bad_output(p, plan, &p->graph->node[plan->group[k].node[0]]);
        }
    fpc_arena_free(arena);
    if (!failed) /* without memory for whole values there is no name, but the divergence is still what to tell */
        fpc_ctx_clear(p->ctx);
    return found;
}
