/* ops.c: the table of built-in ops, made from ops.def, and lookup among them and those of plugins. */
#include "graph/ops/table.h"
#include "plugin/registry.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OP(name_, min_, max_, n_out_, in_, out_, half_, attr_, flags_, infer_, grad_, macs_)                           \
    {.size = sizeof(fpc_op_def),                                                                                       \
     .flags = flags_,                                                                                                  \
     .name = #name_,                                                                                                   \
     .min_in = min_,                                                                                                   \
     .max_in = max_,                                                                                                   \
     .n_out = n_out_,                                                                                                  \
     .attr_size = (uint16_t)(sizeof(attr_) == sizeof(fpc_no_attr) ? 0 : sizeof(attr_)),                                \
     .in = in_,                                                                                                        \
     .out = out_,                                                                                                      \
     .infer = infer_,                                                                                                  \
     .grad = grad_,                                                                                                    \
     .macs = macs_,                                                                                                    \
     .half = half_},
const fpc_op_def fpc_builtin_ops[] = {
#include "graph/ops/ops.def"
};
#undef OP
const int32_t fpc_n_builtin_ops = (int32_t)(sizeof fpc_builtin_ops / sizeof fpc_builtin_ops[0]);

fpc_status fpc_op_table_new(fpc_ctx *ctx, fpc_arena *arena, int32_t n_plugins, const fpc_found *plugins,
                            fpc_op_table **out)
{
    int32_t n = fpc_n_builtin_ops;
    for (int32_t p = 0; p < n_plugins; p++)
        for (const fpc_op_def *d = plugins[p].plugin->ops; d && d->name; d++)
            n++;
    fpc_op_table *t = fpc_alloc(arena, sizeof *t);
    const fpc_op_def **defs = fpc_alloc(arena, (size_t)n * sizeof(void *));
    if (!t || !defs)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < fpc_n_builtin_ops; i++)
        defs[t->n++] = &fpc_builtin_ops[i];
    t->def = defs;
    for (int32_t p = 0; p < n_plugins; p++)
        for (const fpc_op_def *d = plugins[p].plugin->ops; d && d->name; d++) {
            if (fpc_op_find(t, d->name))
                return fpc_fail(ctx, FPC_EINVAL, "plugin %s (%s) brings the op `%s`, which exists already; rename it",
                                plugins[p].plugin->name, plugins[p].file, d->name);
            if (!d->infer || !d->in || !d->out || !*d->out || (!d->grad && !(d->flags & FPC_OP_NOGRAD)))
                return fpc_fail(ctx, FPC_EINVAL,
                                "plugin %s (%s): op `%s` needs infer, access letters, and grad or FPC_OP_NOGRAD",
                                plugins[p].plugin->name, plugins[p].file, d->name);
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

/* ---- infer functions that several families share ---- */

fpc_status infer_same(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++)
        n->out[i].shape = n->in[0].shape;
    return FPC_OK;
}

fpc_status infer_equal(fpc_ctx *ctx, fpc_node *n)
{
    for (int32_t i = 1; i < n->n_in; i++)
        if (!fpc_same_shape(n->in[0].shape, n->in[i].shape))
            return FPC_NODE_FAIL(ctx, n, "shapes %s and %s differ; they must be equal", fpc_shape_text(n->in[0].shape),
                                 fpc_shape_text(n->in[i].shape));
    return infer_same(ctx, n);
}

fpc_status infer_vector(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++)
        n->out[i].shape = fpc_vector(n->in[0].shape.c);
    return FPC_OK;
}

fpc_status infer_scalar(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++)
        n->out[i].shape = fpc_vector(1);
    return FPC_OK;
}

fpc_status infer_inplace(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++) {
        n->out[i].shape = n->in[i].shape;
        n->out[i].dtype = n->in[i].dtype;
    }
    return FPC_OK;
}
