/* op_table.c: which ops there are, by name, from tables that are handed in: those of the core and those of plugins. And
 * the sentences about a node and its shapes that the rules of shapes use. */
#include "graph/nodes.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static fpc_status check_row(fpc_ctx *ctx, const fpc_op_table *t, const fpc_op_rows *from, const fpc_op_def *d)
{
    if (fpc_op_find(t, d->name))
        return fpc_fail(ctx, FPC_EINVAL, "plugin %s (%s) brings the op `%s`, which exists already; rename it",
                        from->plugin, from->file, d->name);
    if (!d->infer || !d->in || !d->out || !*d->out || (!d->grad && !(d->flags & FPC_OP_NOGRAD)))
        return fpc_fail(ctx, FPC_EINVAL,
                        "plugin %s (%s): op `%s` needs infer, access letters, and grad or FPC_OP_NOGRAD", from->plugin,
                        from->file, d->name);
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
    if (!t || !defs)
        return FPC_ENOMEM;
    t->def = defs;
    for (int32_t i = 0; i < n_from; i++)
        for (const fpc_op_def *d = from[i].row; d && d->name; d++) {
            const fpc_status status = check_row(ctx, t, &from[i], d);
            if (status)
                return status;
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

fpc_status fpc_node_fail(fpc_ctx *ctx, const fpc_node *node, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fpc_fail(ctx, FPC_EINVAL, "%s (%s): %s", node->name ? node->name : "?", node->op, text);
}

const char *fpc_shape_text(fpc_shape s)
{
    static _Thread_local char ring[8][48];
    static _Thread_local int at;
    char *b = ring[at++ & 7];
    snprintf(b, sizeof ring[0], "%dx%dx%dx%d", s.n, s.h, s.w, s.c);
    return b;
}
