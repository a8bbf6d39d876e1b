/* int8.c: see int8.h. */
#include "cmd/export/int8.h"
#include "base/message.h"
#include <math.h>
#include <string.h>

/* Weights are -127 to 127, so that both signs reach as far. Half of that would spare processors without instructions
 * for dot products (VNNI), which add two products in 16 bits, from cutting sums; but one network in docs/export.md lost
 * 0.0075 F so. */
enum { WHOLE = 127 };
/* Biases stay below this, a quarter of what 32 bits hold, so that sums of products have room beside them. */
#define BIAS_MOST 536870912.0
#define SCALE_LEAST 1e-30f /* what lies below is taken for zero by processors that know no denormal numbers */

static int is_op(const fpc_gnode *n, const char *op)
{
    return !strcmp(n->def->name, op);
}

static const double *constant_of(const fpc_graph *g, int32_t v)
{
    return g->value[v].role == FPC_ROLE_CONST ? g->value[v].constant : NULL;
}

static int is_product(const fpc_graph *g, const fpc_gnode *n)
{
    return (is_op(n, "linear") || is_op(n, "conv2d") || is_op(n, "conv2d_grad_x")) && constant_of(g, n->in[1]) &&
           !constant_of(g, n->in[0]);
}

/* ---- what is quantised ---- */

/* The one node that reads v; -1: several, or an output of the graph. */
static int32_t reader_of(const fpc_graph *g, int32_t v)
{
    int32_t reader = -1, n = 0;

    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++)
            if (g->node[i].in[j] == v) {
                reader = i;
                n++;
            }
    for (int32_t i = 0; i < g->n_outputs; i++)
        n += 2 * (g->output[i].value == v);
    return n == 1 ? reader : -1;
}

/* By value: some product comes behind it. */
static uint8_t *find_followed(fpc_arena *arena, const fpc_graph *g, const uint8_t *product)
{
    uint8_t *followed = fpc_alloc(arena, (size_t)g->n_values + 1);

    for (int32_t i = g->n_nodes - 1; i >= 0 && followed; i--) {
        const fpc_gnode *n = &g->node[i];
        int is = product[i] || is_op(n, "attention");
        for (int32_t o = 0; o < n->n_out; o++)
            is |= followed[n->out[o]];
        for (int32_t j = 0; j < n->n_in && is; j++)
            followed[n->in[j]] = 1;
    }
    return followed;
}

/* A ReLU behind a convolution is part of it. */
static void take_result(fpc_int8 *q, int32_t node, const uint8_t *followed)
{
    const fpc_graph *g = q->g;
    int32_t y = g->node[node].out[0];
    const int32_t reader = reader_of(g, y);

    if (reader >= 0 && is_op(&g->node[reader], "relu"))
        y = g->node[reader].out[0];
    if (followed[y])
        q->wanted[y] = q->behind[y] = 1;
}

fpc_status fpc_int8_plan(fpc_ctx *ctx, fpc_arena *arena, const fpc_graph *g, uint8_t *conv, fpc_int8 **out)
{
    fpc_int8 *q = *out = fpc_alloc(arena, sizeof *q);
    const size_t nodes = (size_t)g->n_nodes + 1, values = (size_t)g->n_values + 1;

    if (!q)
        return FPC_ENOMEM;
    *q = (fpc_int8){.g = g,
                    .conv = conv,
                    .product = fpc_alloc(arena, nodes),
                    .wanted = fpc_alloc(arena, values),
                    .behind = fpc_alloc(arena, values),
                    .point = fpc_alloc(arena, values * sizeof *q->point),
                    .weight = fpc_alloc(arena, nodes * sizeof *q->weight)};
    if (!q->product || !q->wanted || !q->behind || !q->point || !q->weight)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        q->product[i] = (uint8_t)is_product(g, &g->node[i]);
        q->n_products += q->product[i];
        q->n_all += q->product[i] + 2 * is_op(&g->node[i], "attention");
        if (q->product[i])
            q->wanted[g->node[i].in[0]] = 1;
    }
    if (!q->n_products)
        return fpc_fail(ctx, FPC_EINVAL,
                        "export --int8: the network has no product with a weight (linear, conv2d); nothing would be "
                        "in whole numbers");
    const uint8_t *followed = find_followed(arena, g, q->product);
    for (int32_t i = 0; i < g->n_nodes && followed; i++)
        if (q->product[i] && conv[i])
            take_result(q, i, followed);
    return followed ? FPC_OK : FPC_ENOMEM;
}

/* ---- weights ---- */

static fpc_shape shape_of(const fpc_graph *g, int32_t v)
{
    return g->value[v].shape;
}

/* Of a transposed convolution the last axis of the weight is that of a group's output channels; else its rows are
 * those of the output. */
int32_t fpc_int8_channels(const fpc_graph *g, const fpc_gnode *product)
{
    const fpc_shape w = shape_of(g, product->in[1]);

    return is_op(product, "conv2d_grad_x") ? w.c : is_op(product, "conv2d") ? w.n : (int32_t)fpc_rows_of(w);
}

int32_t fpc_int8_channel(const fpc_graph *g, const fpc_gnode *product, int64_t at)
{
    const fpc_shape w = shape_of(g, product->in[1]);
    const int32_t channels = fpc_int8_channels(g, product);

    return (int32_t)(is_op(product, "conv2d_grad_x") ? at % w.c : at / (fpc_count(w) / channels));
}

int32_t fpc_int8_whole(double weight, float scale)
{
    const double whole = rint(weight / (double)scale);

    return (int32_t)(whole < -WHOLE ? -WHOLE : whole > WHOLE ? WHOLE : whole);
}

static int32_t index_of(const fpc_graph *g, const fpc_gnode *n)
{
    return (int32_t)(n - g->node);
}

int fpc_int8_has_bias(const fpc_int8 *q, const fpc_gnode *product)
{
    return q->product[index_of(q->g, product)] && !is_op(product, "conv2d_grad_x") && product->n_in > 2 &&
           constant_of(q->g, product->in[2]);
}

float fpc_int8_bias_scale(const fpc_int8 *q, const fpc_gnode *product, int32_t c)
{
    return q->point[product->in[0]].scale * q->weight[index_of(q->g, product)][c];
}

int32_t fpc_int8_bias(const fpc_int8 *q, const fpc_gnode *product, int32_t c)
{
    return (int32_t)rint(constant_of(q->g, product->in[2])[c] / (double)fpc_int8_bias_scale(q, product, c));
}

static fpc_status check_finite(fpc_ctx *ctx, const fpc_graph *g, const fpc_gnode *n)
{
    for (int32_t j = 1; j < n->n_in; j++) {
        const fpc_value *v = &g->value[n->in[j]];
        for (int64_t i = 0; v->constant && i < fpc_count(v->shape); i++)
            if (!isfinite((float)v->constant[i]))
                return fpc_fail(ctx, FPC_EINVAL,
                                "export --int8: %s (of %s %s) holds %g at %lld; weights have to be finite",
                                v->name ? v->name : "a constant", n->def->name, n->name, v->constant[i], (long long)i);
    }
    return FPC_OK;
}

/* The scale reaches the channel's largest weight. It is no less than what keeps the bias within its whole numbers: a
 * channel of tiny weights beside a large bias is that bias. Of zeros alone it is 1. */
static void scale_channels(fpc_int8 *q, const fpc_gnode *n, float *scale)
{
    const fpc_graph *g = q->g;
    const double *w = constant_of(g, n->in[1]), input = (double)q->point[n->in[0]].scale;
    const int32_t channels = fpc_int8_channels(g, n);

    for (int64_t i = 0; i < fpc_count(shape_of(g, n->in[1])); i++) {
        float *s = &scale[fpc_int8_channel(g, n, i)];
        const float reach = (float)(fabs(w[i]) / WHOLE);
        *s = reach > *s ? reach : *s;
    }
    for (int32_t c = 0; c < channels; c++) {
        const double least = fpc_int8_has_bias(q, n) ? fabs(constant_of(g, n->in[2])[c]) / input / BIAS_MOST : 0;
        if ((double)scale[c] < least)
            scale[c] = (float)least;
        if (scale[c] < SCALE_LEAST || (float)input * scale[c] < SCALE_LEAST)
            scale[c] = 1;
    }
}

fpc_status fpc_int8_weigh(fpc_ctx *ctx, fpc_arena *arena, fpc_int8 *q)
{
    for (int32_t i = 0; i < q->g->n_nodes; i++) {
        const fpc_gnode *n = &q->g->node[i];
        const fpc_status status = q->product[i] ? check_finite(ctx, q->g, n) : FPC_OK;
        if (status)
            return status;
        if (!q->product[i])
            continue;
        if (!(q->weight[i] = fpc_alloc(arena, (size_t)fpc_int8_channels(q->g, n) * sizeof(float))))
            return FPC_ENOMEM;
        scale_channels(q, n, q->weight[i]);
    }
    return FPC_OK;
}
