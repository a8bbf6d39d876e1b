/* int8_graph.c: see int8.h. Rounding is the op fake_quantize: what stands between a QuantizeLinear and the
 * DequantizeLinear behind it, in one step and in fp32. Sums of products are then those of the whole numbers, but for
 * the rounding of fp32 itself. */
#include "cmd/export/int8.h"
#include "base/message.h"

typedef struct copying {
    const fpc_graph *from;
    fpc_graph *to;
    const fpc_int8 *q;
    fpc_val *value, *rounded; /* by value of `from`; id -1: not made so far */
} copying;

static fpc_val copied(copying *c, int32_t v)
{
    const fpc_value *from = &c->from->value[v];

    if (c->value[v].id < 0 && from->role == FPC_ROLE_INPUT)
        c->value[v] = fpc_input(c->to, from->name, from->shape, from->dtype);
    else if (c->value[v].id < 0)
        c->value[v] = fpc_const(c->to, from->shape, from->constant);
    return c->value[v];
}

static fpc_val rounded(copying *c, int32_t v)
{
    const fpc_int8_point *p = &c->q->point[v];
    const fpc_quantize_attr attr = {p->scale, p->zero, 0, 255};
    const fpc_val x = copied(c, v);

    if (c->rounded[v].id < 0)
        c->rounded[v] = fpc_op_own(c->to, "fake_quantize", "rounded", 1, &x, &attr, NULL);
    return c->rounded[v];
}

static fpc_val rounded_weight(copying *c, const fpc_gnode *n, const float *scale)
{
    const fpc_value *from = &c->from->value[n->in[1]];
    const int64_t count = fpc_count(from->shape);
    double *number = fpc_alloc(c->to->arena, (size_t)count * sizeof *number);

    if (!number) {
        c->to->failed = 1;
        return (fpc_val){-1};
    }
    for (int64_t i = 0; i < count; i++) {
        const float s = scale[fpc_int8_channel(c->from, n, i)];
        number[i] = (double)s * fpc_int8_whole(from->constant[i], s);
    }
    return fpc_const(c->to, from->shape, number);
}

static fpc_val rounded_bias(copying *c, const fpc_gnode *n)
{
    const fpc_shape shape = c->from->value[n->in[2]].shape;
    double *number = fpc_alloc(c->to->arena, (size_t)fpc_count(shape) * sizeof *number);

    if (!number) {
        c->to->failed = 1;
        return (fpc_val){-1};
    }
    for (int32_t i = 0; i < fpc_count(shape); i++)
        number[i] = (double)fpc_int8_bias_scale(c->q, n, i) * fpc_int8_bias(c->q, n, i);
    return fpc_const(c->to, shape, number);
}

static void copy_node(copying *c, int32_t i)
{
    const fpc_gnode *n = &c->from->node[i];
    const int is_rounded = c->q && c->q->product[i];
    fpc_val in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];

    for (int32_t j = 0; j < n->n_in; j++)
        in[j] = !is_rounded ? copied(c, n->in[j])
                : j == 0    ? rounded(c, n->in[0])
                : j == 1    ? rounded_weight(c, n, c->q->weight[i])
                            : (fpc_int8_has_bias(c->q, n) ? rounded_bias(c, n) : copied(c, n->in[j]));
    fpc_op_own(c->to, n->def->name, n->name, n->n_in, in, n->attr, out);
    for (int32_t o = 0; o < n->n_out; o++) {
        c->value[n->out[o]] = out[o];
        if (c->q && c->q->behind[n->out[o]])
            c->value[n->out[o]] = rounded(c, n->out[o]);
    }
}

fpc_status fpc_int8_graph(fpc_experiment *s, fpc_arena *arena, const fpc_graph *from, const fpc_int8 *q,
                          const uint8_t *wanted, fpc_graph **out)
{
    const size_t values = (size_t)from->n_values + 1;
    copying c = {.from = from,
                 .q = q,
                 .value = fpc_alloc(arena, values * sizeof *c.value),
                 .rounded = fpc_alloc(arena, values * sizeof *c.rounded)};
    const fpc_status status = fpc_graph_new(s->ctx, arena, s->ops, s->backend->device.real, 0, &c.to);

    if (status || !c.value || !c.rounded)
        return status ? status : FPC_ENOMEM;
    for (size_t v = 0; v < values; v++)
        c.value[v] = c.rounded[v] = (fpc_val){-1};
    for (int32_t i = 0; i < from->n_nodes && !c.to->failed; i++)
        copy_node(&c, i);
    for (int32_t v = 0; v < from->n_values && wanted && !c.to->failed; v++)
        if (wanted[v])
            fpc_output_mark(c.to, fpc_sprintf(arena, "%d", v), copied(&c, v));
    for (int32_t i = 0; i < from->n_outputs && !c.to->failed; i++)
        fpc_output_mark(c.to, from->output[i].name, copied(&c, from->output[i].value));
    *out = c.to;
    return fpc_graph_check(c.to);
}
