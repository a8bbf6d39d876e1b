/* op_table.c: which ops there are, by name, from tables that are handed in: those of the core and those of plugins. */
#include "graph/nodes.h"
#include <string.h>

static fpc_status check_row(fpc_ctx *ctx, const fpc_op_table *t, const fpc_op_rows *from, const fpc_op_def *d)
{
    const char *who = from->who ? from->who : "of the core";
    if (fpc_op_find(t, d->name))
        return fpc_fail(ctx, FPC_EINVAL, "plugin %s brings the op `%s`, which exists already; rename it", who, d->name);
    if (!d->infer || !d->in || !d->out || !*d->out || (d->max_in > 0 && !*d->in) ||
        (!d->grad && !(d->flags & FPC_OP_NOGRAD)))
        return fpc_fail(ctx, FPC_EINVAL, "plugin %s: op `%s` needs infer, access letters, and grad or FPC_OP_NOGRAD",
                        who, d->name);
    if (d->n_out < 1 || d->n_out > FPC_MAX_OUTPUTS || d->min_in < 0)
        return fpc_fail(
            ctx, FPC_EINVAL,
            "plugin %s: op `%s` has %d outputs and at least %d inputs; 1 to %d outputs and 0 or more inputs "
            "are possible",
            who, d->name, d->n_out, d->min_in, FPC_MAX_OUTPUTS);
    if (d->flags & FPC_OP_INPLACE && d->n_out > d->min_in)
        return fpc_fail(ctx, FPC_EINVAL,
                        "plugin %s: op `%s` works in place and has %d outputs, but as few as %d inputs", who, d->name,
                        d->n_out, d->min_in);
    return FPC_OK;
}

fpc_status fpc_op_table_new(fpc_ctx *ctx, fpc_arena *arena, int32_t n_from, const fpc_op_rows *from, fpc_op_table **out)
{
    size_t n = 0;
    for (int32_t i = 0; i < n_from; i++)
        for (const fpc_op_def *d = from[i].row; d && d->name; d++)
            n++;
    fpc_op_table *t = fpc_alloc(arena, sizeof *t);
    const fpc_op_def **defs = fpc_alloc(arena, (n + 1) * sizeof(void *));
    const char **who = fpc_alloc(arena, (n + 1) * sizeof(void *));
    if (!t || !defs || !who)
        return FPC_ENOMEM;
    t->def = defs;
    t->who = who;
    for (int32_t i = 0; i < n_from; i++)
        for (const fpc_op_def *d = from[i].row; d && d->name; d++) {
            const fpc_status status = check_row(ctx, t, &from[i], d);
            if (status)
                return status;
            who[t->n] = from[i].who;
            defs[t->n++] = d;
        }
    *out = t;
    return FPC_OK;
}

const fpc_op_def *fpc_op_find(const fpc_op_table *t, const char *name)
{
    for (int32_t i = 0; i < t->n; i++)
        if (!strcmp(t->def[i]->name, name))
            return t->def[i];
    return NULL;
}

const char *fpc_op_who(const fpc_op_table *t, const fpc_op_def *def)
{
    for (int32_t i = 0; i < t->n; i++)
        if (t->def[i] == def)
            return t->who[i];
    return NULL;
}
