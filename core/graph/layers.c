/* layers.c: the verbs of graph.h that make parameters and nodes of the usual layers. Each is a plain statement of its
 * definition; speed is the compiler's and the kernels' business. */
#include "graph/nodes.h"
#include <fpcore/rng.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Sentences about the next op speak of this verb. */
static void as(fpc_graph *g, const char *verb)
{
    g->verb = verb;
}

static fpc_val one(fpc_graph *g, const char *verb, const char *op, fpc_val x, const void *attr)
{
    as(g, verb);
    return fpc_op_own(g, op, NULL, 1, &x, attr, NULL);
}

/* Of a plugin that was built before the struct had grown there is less to read. */
static fpc_conv_args conv_defaults(fpc_graph *g, const fpc_conv_args *args)
{
    fpc_conv_args a = {0};
    if (!args)
        fpc_graph_fail(g, FPC_EINVAL, "the fpc_conv_args are NULL");
    else if (args->size < offsetof(fpc_conv_args, fill) + sizeof a.fill)
        fpc_graph_fail(g, FPC_EINVAL, "fpc_conv_args.size is %u; begin the struct with .size = sizeof(fpc_conv_args)",
                       args->size);
    else
        memcpy(&a, args, args->size < sizeof a ? args->size : sizeof a);
    a.groups = a.groups ? a.groups : 1;
    a.fill = a.fill ? a.fill : FPC_FILL_UNIFORM_FAN_IN;
    return a;
}

fpc_val fpc_conv2d(fpc_graph *g, const char *name, fpc_val x, int32_t out_c, const fpc_conv_args *args)
{
    const fpc_conv_args a = conv_defaults(g, args);
    const fpc_shape s = fpc_shape_of(g, x);
    const int64_t fan_in = (int64_t)a.k * a.k * (s.c / a.groups);
    fpc_enter(g, "%s", name);
    fpc_val in[3] = {x,
                     fpc_param(g, "weight", 4, (fpc_shape){out_c, a.k, a.k, s.c / a.groups}, (fpc_fill)a.fill, fan_in)};
    if (a.bias)
        in[2] = fpc_param(g, "bias", 1, fpc_vector(out_c), FPC_FILL_UNIFORM_FAN_IN, fan_in);
    fpc_val y;
    as(g, __func__);
    if (a.k == 1 && a.stride == 1 && a.pad == 0 && a.groups == 1) {
        y = fpc_op(g, "linear", "", a.bias ? 3 : 2, in, NULL, 0, NULL);
    } else {
        const fpc_conv_attr attr = {a.k, a.k, a.stride, a.pad, a.groups, s.h, s.w};
        y = fpc_op(g, "conv2d", "", a.bias ? 3 : 2, in, FPC_ATTR(attr), NULL);
    }
    fpc_leave(g);
    return y;
}

fpc_val fpc_conv_transpose2d(fpc_graph *g, const char *name, fpc_val x, int32_t out_c, const fpc_conv_args *args)
{
    const fpc_conv_args a = conv_defaults(g, args);
    const fpc_shape s = fpc_shape_of(g, x);
    const int64_t fan_in = (int64_t)a.k * a.k * (out_c / a.groups); /* as PyTorch: of the weight's second axis */
    fpc_enter(g, "%s", name);
    fpc_val in[3] = {x,
                     fpc_param(g, "weight", 4, (fpc_shape){s.c, a.k, a.k, out_c / a.groups}, (fpc_fill)a.fill, fan_in)};
    if (a.bias)
        in[2] = fpc_param(g, "bias", 1, fpc_vector(out_c), FPC_FILL_UNIFORM_FAN_IN, fan_in);
    const fpc_conv_attr attr = {a.k,
                                a.k,
                                a.stride,
                                a.pad,
                                a.groups,
                                (s.h - 1) * a.stride - 2 * a.pad + a.k,
                                (s.w - 1) * a.stride - 2 * a.pad + a.k};
    as(g, __func__);
    const fpc_val y = fpc_op(g, "conv2d_grad_x", "", a.bias ? 3 : 2, in, FPC_ATTR(attr), NULL);
    fpc_leave(g);
    return y;
}

fpc_val fpc_linear(fpc_graph *g, const char *name, fpc_val x, int32_t out_c, int bias)
{
    const int32_t c = fpc_shape_of(g, x).c;
    fpc_enter(g, "%s", name);
    fpc_val in[3] = {x, fpc_param(g, "weight", 2, (fpc_shape){1, 1, out_c, c}, FPC_FILL_UNIFORM_FAN_IN, c)};
    if (bias)
        in[2] = fpc_param(g, "bias", 1, fpc_vector(out_c), FPC_FILL_UNIFORM_FAN_IN, c);
    as(g, __func__);
    const fpc_val y = fpc_op(g, "linear", "", bias ? 3 : 2, in, NULL, 0, NULL);
    fpc_leave(g);
    return y;
}

fpc_val fpc_layer_norm(fpc_graph *g, const char *name, fpc_val x, float eps)
{
    const fpc_shape v = fpc_vector(fpc_shape_of(g, x).c);
    fpc_enter(g, "%s", name);
    const fpc_norm_attr attr = {.eps = eps};
    const fpc_val in[3] = {x, fpc_param(g, "weight", 1, v, FPC_FILL_ONE, 0),
                           fpc_param(g, "bias", 1, v, FPC_FILL_ZERO, 0)};
    as(g, __func__);
    const fpc_val y = fpc_op(g, "layer_norm", "", 3, in, FPC_ATTR(attr), NULL);
    fpc_leave(g);
    return y;
}

static int is_frozen(const fpc_graph *g, fpc_val v)
{
    return fpc_value_known(g, v) && g->value[v.id].frozen;
}

/* The stored statistics stay as they are, and training uses them as inference does. */
static void freeze_stats(fpc_graph *g, int32_t n, const fpc_val *buffer)
{
    for (int32_t i = 0; i < n; i++)
        if (fpc_value_known(g, buffer[i]))
            g->value[buffer[i].id].frozen = 1;
}

fpc_val fpc_batch_norm(fpc_graph *g, const char *name, fpc_val x, float eps, float momentum)
{
    const fpc_shape s = fpc_shape_of(g, x), v = fpc_vector(s.c);
    fpc_enter(g, "%s", name);
    const fpc_norm_attr attr = {eps, momentum, fpc_rows_of(s)};
    const fpc_val w = fpc_param(g, "weight", 1, v, FPC_FILL_ONE, 0), b = fpc_param(g, "bias", 1, v, FPC_FILL_ZERO, 0);
    const fpc_val mean = fpc_buffer(g, "running_mean", 1, v, FPC_F32, FPC_FILL_ZERO);
    const fpc_val var = fpc_buffer(g, "running_var", 1, v, FPC_F32, FPC_FILL_ONE);
    const fpc_val batches = fpc_buffer(g, "num_batches_tracked", 0, fpc_vector(1), FPC_I64, FPC_FILL_ZERO);
    fpc_val stats[2] = {mean, var};
    const int frozen = g->freeze_stats && is_frozen(g, w) && is_frozen(g, b);
    if (frozen)
        freeze_stats(g, 3, (fpc_val[]){mean, var, batches});
    if (g->training && !frozen) {
        as(g, __func__);
        fpc_op(g, "batch_stats", "", 1, &x, NULL, 0, stats);
        fpc_op(g, "running_stats", "", 5, (fpc_val[]){mean, var, batches, stats[0], stats[1]}, FPC_ATTR(attr), NULL);
    }
    as(g, __func__);
    const fpc_val y = fpc_op(g, "batch_norm", "", 5, (fpc_val[]){x, w, b, stats[0], stats[1]}, FPC_ATTR(attr), NULL);
    fpc_leave(g);
    return y;
}

fpc_val fpc_attention(fpc_graph *g, const char *name, fpc_val q, fpc_val k, fpc_val v, int32_t heads, float drop)
{
    const int random = g->training && drop > 0;
    fpc_enter(g, "%s", name);
    const fpc_attention_attr attr = {heads, (float)(1.0 / sqrt((double)fpc_shape_of(g, q).c / (heads > 0 ? heads : 1))),
                                     random ? drop : 0, fpc_hash(g->scope)};
    const fpc_val in[4] = {q, k, v, random ? fpc_clock_input(g) : q};
    as(g, __func__);
    const fpc_val y = fpc_op(g, "attention", "", random ? 4 : 3, in, FPC_ATTR(attr), NULL);
    fpc_leave(g);
    return y;
}

fpc_val fpc_dropout(fpc_graph *g, const char *name, fpc_val x, float p, int per_channel)
{
    if (!g->training || p <= 0 || g->failed)
        return x;
    if (!(p < 1))
        return fpc_graph_fail(g, FPC_EINVAL, "%s: dropout %g; it must be below 1", name, (double)p);
    fpc_enter(g, "%s", name);
    const fpc_dropout_attr attr = {p, fpc_hash(g->scope), per_channel};
    as(g, __func__);
    const fpc_val y = fpc_op(g, "dropout", "", 2, (fpc_val[]){x, fpc_clock_input(g)}, FPC_ATTR(attr), NULL);
    fpc_leave(g);
    return y;
}

fpc_val fpc_gelu(fpc_graph *g, fpc_val x)
{
    return one(g, __func__, "gelu", x, NULL);
}
fpc_val fpc_relu(fpc_graph *g, fpc_val x)
{
    return one(g, __func__, "relu", x, NULL);
}
fpc_val fpc_sigmoid(fpc_graph *g, fpc_val x)
{
    return one(g, __func__, "sigmoid", x, NULL);
}
fpc_val fpc_pool_mean(fpc_graph *g, fpc_val x)
{
    return one(g, __func__, "pool_mean", x, NULL);
}

static fpc_val binary(fpc_graph *g, const char *verb, const char *same, const char *spread, fpc_val a, fpc_val b)
{
    as(g, verb);
    const int equal = fpc_same_shape(fpc_shape_of(g, a), fpc_shape_of(g, b));
    return fpc_op(g, equal ? same : spread, NULL, 2, (fpc_val[]){a, b}, NULL, 0, NULL);
}
fpc_val fpc_add(fpc_graph *g, fpc_val a, fpc_val b)
{
    return binary(g, __func__, "add", "add_bcast", a, b);
}
fpc_val fpc_mul(fpc_graph *g, fpc_val a, fpc_val b)
{
    return binary(g, __func__, "mul", "mul_bcast", a, b);
}

fpc_val fpc_concat(fpc_graph *g, int32_t n, const fpc_val *x)
{
    as(g, __func__);
    return fpc_op(g, "concat", NULL, n, x, NULL, 0, NULL);
}

fpc_val fpc_slice(fpc_graph *g, fpc_val x, int32_t first, int32_t count)
{
    const fpc_slice_attr a = {first, count, fpc_shape_of(g, x).c};
    return one(g, __func__, "slice", x, &a);
}

fpc_val fpc_resize(fpc_graph *g, fpc_val x, int32_t h, int32_t w, int align_corners)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_resize_attr a = {h, w, align_corners};
    return s.h == h && s.w == w ? x : one(g, __func__, "resize", x, &a);
}

fpc_val fpc_max_pool(fpc_graph *g, fpc_val x, int32_t k, int32_t stride)
{
    const fpc_pool_attr a = {k, stride};
    return one(g, __func__, "max_pool", x, &a);
}

fpc_val fpc_pad(fpc_graph *g, fpc_val x, int32_t top, int32_t left, int32_t h, int32_t w)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_window_attr a = {top, left, h, w};
    return !top && !left && s.h == h && s.w == w ? x : one(g, __func__, "window", x, &a);
}
