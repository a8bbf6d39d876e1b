/* c_weights.c: the constants of a network's C file: which there are, where and in which order their numbers lie. */
#include "cmd/export/c.h"
#include <math.h>
#include <string.h>

static fpc_c_weight *add_weight(fpc_c *x, int32_t value, fpc_c_form form, int32_t groups)
{
    for (int32_t i = 0; i < x->n_weights; i++)
        if (x->weight[i].value == value && x->weight[i].form == form && x->weight[i].groups == groups)
            return &x->weight[i];
    if (x->n_weights == x->cap_weights) {
        const int32_t cap = 2 * x->cap_weights + 64;
        fpc_c_weight *more = fpc_alloc(x->arena, (size_t)cap * sizeof *more);
        if (!more)
            return NULL;
        if (x->n_weights)
            memcpy(more, x->weight, (size_t)x->n_weights * sizeof *more);
        x->weight = more;
        x->cap_weights = cap;
    }
    const int64_t count = fpc_count(x->g->value[value].shape);
    x->weight[x->n_weights] = (fpc_c_weight){value, groups, form, x->weights, count};
    x->weights += count;
    return &x->weight[x->n_weights++];
}

static const char *place_of(fpc_c *x, int32_t value, fpc_c_form form, int32_t groups)
{
    const fpc_c_weight *w = add_weight(x, value, form, groups);
    const char *text = w ? fpc_sprintf(x->arena, "w + %lld", (long long)w->first) : NULL;

    if (!text && !x->status)
        x->status = FPC_ENOMEM;
    return text ? text : "";
}

const char *fpc_c_in(fpc_c *x, int32_t value)
{
    const fpc_value *v = &x->g->value[value];
    const char *text;

    if (v->role == FPC_ROLE_CONST)
        return place_of(x, value, FPC_C_PLAIN, 1);
    if (v->role != FPC_ROLE_NODE || v->output || v->dtype == FPC_U8) /* a further output, which no call makes */
        fpc_c_refuse(x, " with an input that");
    text = fpc_sprintf(x->arena, "a + %zu", x->offset[value]);
    if (!text && !x->status)
        x->status = FPC_ENOMEM;
    return text ? text : "";
}

const char *fpc_c_product(fpc_c *x, int32_t value, fpc_c_form form, int32_t groups)
{
    if (x->g->value[value].role == FPC_ROLE_CONST)
        return place_of(x, value, form, groups);
    fpc_c_refuse(x, " with a weight that is computed of the picture");
    return "";
}

/* ---- numbers ---- */

/* A weight as matrices, one behind the other: rows x outs each. */
typedef struct layout {
    int64_t matrices, rows, outs;
} layout;

static layout layout_of(const fpc_c_weight *w, fpc_shape s)
{
    const int64_t taps = (int64_t)s.h * s.w;

    switch (w->form) {
    case FPC_C_LINEAR:
        return (layout){1, s.c, fpc_rows_of(s)};
    case FPC_C_CONV:
        return (layout){s.h, (int64_t)s.w * s.c, s.n};
    case FPC_C_GROUPS:
        return (layout){taps * w->groups, s.c, s.n / w->groups};
    case FPC_C_TRANSPOSED:
        return (layout){taps * w->groups, s.n / w->groups, s.c};
    case FPC_C_DEPTHWISE:
        return (layout){taps, 1, s.n};
    default:
        return (layout){1, 1, fpc_count(s)};
    }
}

/* Where the graph has the number of that matrix, row and output. */
static int64_t source(const fpc_c_weight *w, fpc_shape s, const layout *l, int64_t m, int64_t row, int64_t out)
{
    const int64_t taps = (int64_t)s.h * s.w, tap = m / w->groups, group = m % w->groups;

    switch (w->form) {
    case FPC_C_LINEAR:
        return out * s.c + row;
    case FPC_C_CONV:
        return (out * s.h + m) * l->rows + row;
    case FPC_C_GROUPS:
        return ((group * l->outs + out) * taps + tap) * s.c + row;
    case FPC_C_TRANSPOSED:
        return ((group * l->rows + row) * taps + tap) * s.c + out;
    case FPC_C_DEPTHWISE:
        return out * taps + m;
    default:
        return out;
    }
}

static void lay_out(const fpc_c *x, const fpc_c_weight *w, float *to)
{
    const fpc_value *v = &x->g->value[w->value];
    const layout l = layout_of(w, v->shape);
    const int64_t wide = w->form == FPC_C_PLAIN || w->form == FPC_C_DEPTHWISE ? l.outs : FPC_C_LANES;

    for (int64_t m = 0; m < l.matrices; m++)
        for (int64_t first = 0; first < l.outs; first += wide)
            for (int64_t row = 0; row < l.rows; row++)
                for (int64_t out = first; out < first + wide && out < l.outs; out++)
                    *to++ = (float)v->constant[source(w, v->shape, &l, m, row, out)];
}

const float *fpc_c_weights(fpc_c *x)
{
    float *all = fpc_alloc(x->arena, ((size_t)x->weights + 1) * sizeof *all);

    if (!all && !x->status)
        x->status = FPC_ENOMEM;
    for (int32_t i = 0; i < x->n_weights && !x->status; i++) {
        const fpc_c_weight *w = &x->weight[i];
        lay_out(x, w, all + w->first);
        for (int64_t k = 0; k < w->count && !x->status; k++)
            if (!isfinite(all[w->first + k]))
                x->status = fpc_fail(x->ctx, FPC_EFORMAT,
                                     "export --c: %s has a number that is not finite; weights of a training that "
                                     "diverged give no network",
                                     fpc_c_weight_text(x, i));
    }
    return x->status ? NULL : all;
}

const char *fpc_c_weight_text(fpc_c *x, int32_t i)
{
    static const char *const layouts[] = {"",
                                          " as (in, out)",
                                          " as (kh, kw * in, out)",
                                          " as (kh, kw, group, in, out)",
                                          " as (kh, kw, group, in, out)",
                                          " as (kh, kw, c)"};
    const fpc_c_weight *w = &x->weight[i];
    const fpc_value *v = &x->g->value[w->value];
    const char *name = v->name ? v->name : fpc_sprintf(x->arena, "constant %d", w->value);
    const char *text = name ? fpc_sprintf(x->arena, "%s%s", name, layouts[w->form]) : NULL;

    return text ? text : "";
}
