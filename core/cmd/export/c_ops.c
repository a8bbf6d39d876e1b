/* c_ops.c: the calls that each op becomes in a network's C file: a table, and a small function a row. Whoever adds an
 * op that networks use adds its row here; ops without one are refused by name. include/fpcore/ops.h says what each
 * computes, c_functions.c has what is called.
 *
 * A constant gets its place when it is first asked for, and C leaves open in which order the arguments of a call are
 * made: no expression here asks for two, so that every compiler's build writes the same bytes. */
#include "cmd/export/c.h"
#include <stdarg.h>
#include <string.h>

enum { QUERIES = 16 }; /* as in the file */

void fpc_c_refuse(fpc_c *x, const char *what)
{
    if (!x->status)
        x->status = fpc_fail(x->ctx, FPC_ENOSUPPORT, "export --c: op %s (%s)%s has no form in C", x->at->def->name,
                             x->at->name, what);
}

static fpc_shape shape_of(const fpc_c *x, int32_t v)
{
    return x->g->value[v].shape;
}

static int pixels(fpc_shape s)
{
    return (int)fpc_rows_of(s);
}

static void call(fpc_c *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void call(fpc_c *x, const char *fmt, ...)
{
    va_list list;

    if (x->status)
        return;
    va_start(list, fmt);
    fputs("    ", x->steps);
    vfprintf(x->steps, fmt, list);
    fputs(";\n", x->steps);
    va_end(list);
}

/* ---- number by number ---- */

static void form_to_real(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const char *y = fpc_c_in(x, n->out[0]);

    if (x->g->value[n->in[0]].role != FPC_ROLE_INPUT)
        fpc_c_refuse(x, " of anything but the picture");
    call(x, "%s(rgb, %d, %s)", function, (int)fpc_count(shape_of(x, n->in[0])), y);
}

static void form_unary(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %s)", function, in, (int)fpc_count(shape_of(x, n->in[0])), y);
}

static void form_binary(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const char *in = fpc_c_in(x, n->in[0]), *other, *y;

    other = fpc_c_in(x, n->in[1]);
    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %s, %d, %s)", function, in, other, (int)fpc_count(shape_of(x, n->in[0])), y);
}

static void form_by_channel(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *other, *y;

    other = fpc_c_in(x, n->in[1]);
    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %s, %s)", function, in, pixels(s), s.c, other, y);
}

static void form_softmax(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %s)", function, in, pixels(s), s.c, y);
}

static void form_concat(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const char *y = fpc_c_in(x, n->out[0]);
    int at = 0;

    for (int32_t i = 0; i < n->n_in; i++) {
        const fpc_shape s = shape_of(x, n->in[i]);
        call(x, "%s(%s, %d, %d, 0, %d, %s, %d, %d)", function, fpc_c_in(x, n->in[i]), pixels(s), s.c, s.c, y,
             shape_of(x, n->out[0]).c, at);
        at += s.c;
    }
}

static void form_slice(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_slice_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %d, %d, %s, %d, 0)", function, in, pixels(s), s.c, a->first, a->count, y, a->count);
}

/* ---- products ---- */

static const char *bias_of(fpc_c *x, const fpc_gnode *n)
{
    return n->n_in > 2 ? fpc_c_in(x, n->in[2]) : "NULL";
}

static void form_linear(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *weight, *bias, *y;

    weight = fpc_c_product(x, n->in[1], FPC_C_LINEAR, 1);
    bias = bias_of(x, n);
    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %s, %s, %s, %d)", function, in, pixels(s), s.c, weight, bias, y, shape_of(x, n->out[0]).c);
}

/* All convolutions: from the shapes and groups follows which. */
static void form_conv(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_conv_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]), t = shape_of(x, n->out[0]);
    const int transposed = !strcmp(n->def->name, "conv2d_grad_x");
    const int depthwise = !transposed && a->groups > 1 && a->groups == s.c && s.c == t.c;
    const fpc_c_form form = transposed      ? FPC_C_TRANSPOSED
                            : depthwise     ? FPC_C_DEPTHWISE
                            : a->groups > 1 ? FPC_C_GROUPS
                                            : FPC_C_CONV;
    const int grouped = form == FPC_C_TRANSPOSED || form == FPC_C_GROUPS;
    const char *in = fpc_c_in(x, n->in[0]), *weight, *bias, *y, *groups, *channels;

    function = transposed ? "conv_transposed" : depthwise ? "conv_depthwise" : grouped ? "conv_groups" : "conv";
    fpc_c_use(x, function);
    weight = fpc_c_product(x, n->in[1], form, grouped ? a->groups : 1);
    bias = bias_of(x, n);
    y = fpc_c_in(x, n->out[0]);
    groups = grouped ? fpc_sprintf(x->arena, "%d, ", a->groups) : "";
    channels = depthwise ? "" : fpc_sprintf(x->arena, ", %d", t.c);
    call(x, "%s(%s, %d, %d, %d, %s, %s, %s%d, %d, %d, %d, %s, %d, %d%s)", function, in, s.h, s.w, s.c, weight, bias,
         groups ? groups : "", a->kh, a->kw, a->stride, a->pad, y, t.h, t.w, channels ? channels : "");
}

static void form_layer_norm(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_norm_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *gain, *bias, *y;
    char eps[FPC_C_NUMBER];

    gain = fpc_c_in(x, n->in[1]);
    bias = fpc_c_in(x, n->in[2]);
    y = fpc_c_in(x, n->out[0]);
    fpc_c_number(a->eps, eps);
    call(x, "%s(%s, %d, %d, %s, %s, %s, %s)", function, in, pixels(s), s.c, gain, bias, eps, y);
}

static void form_attention(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_attention_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *q = fpc_c_in(x, n->in[0]), *k, *v, *y;
    char scale[FPC_C_NUMBER];

    k = fpc_c_in(x, n->in[1]);
    v = fpc_c_in(x, n->in[2]);
    y = fpc_c_in(x, n->out[0]);
    fpc_c_number(a->scale, scale);
    call(x, "%s(%s, %s, %s, %d, %d, %d, %d, %s, a + %zu, %s)", function, q, k, v, a->heads, pixels(s),
         pixels(shape_of(x, n->in[1])), s.c, scale, x->work[n - x->g->node], y);
}

size_t fpc_c_work(const fpc_graph *g, const fpc_gnode *n)
{
    if (strcmp(n->def->name, "attention"))
        return 0;
    const fpc_shape k = g->value[n->in[1]].shape;
    const size_t keys = (size_t)fpc_rows_of(k), d = (size_t)(k.c / ((const fpc_attention_attr *)n->attr)->heads);
    return (2 * d + QUERIES) * keys;
}

/* ---- sizes ---- */

static void form_resize(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_resize_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %d, %d, %s, %d, %d)", function, in, s.h, s.w, s.c, a->align_corners, y, a->h, a->w);
}

static void form_pool(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_shape s = shape_of(x, n->in[0]);
    const int divisor = strcmp(n->def->name, "pool_mean") ? 1 : s.h * s.w;
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, 1.0 / %d, %s)", function, in, pixels(s), s.c, divisor, y);
}

static void form_broadcast(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_broadcast_attr *a = n->attr;
    const char *in = fpc_c_in(x, n->in[0]), *y;
    char scale[FPC_C_NUMBER];

    y = fpc_c_in(x, n->out[0]);
    fpc_c_number(a->scale, scale);
    call(x, "%s(%s, %d, %s, %s, %d)", function, in, shape_of(x, n->in[0]).c, scale, y, a->h * a->w);
}

static void form_max_pool(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_pool_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]), t = shape_of(x, n->out[0]);
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %d, %d, %s, %d, %d)", function, in, s.w, s.c, a->k, a->stride, y, t.h, t.w);
}

static void form_window(fpc_c *x, const fpc_gnode *n, const char *function)
{
    const fpc_window_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]);
    const char *in = fpc_c_in(x, n->in[0]), *y;

    y = fpc_c_in(x, n->out[0]);
    call(x, "%s(%s, %d, %d, %d, %d, %d, %s, %d, %d)", function, in, s.h, s.w, s.c, a->top, a->left, y, a->h, a->w);
}

/* ---- the table ---- */

static const fpc_c_op ops[] = {{"to_real", form_to_real, "to_real", 0},
                               {"linear", form_linear, "linear", 0},
                               {"conv2d", form_conv, NULL, 0},
                               {"conv2d_grad_x", form_conv, NULL, 0},
                               {"layer_norm", form_layer_norm, "layer_norm", 1},
                               {"attention", form_attention, "attention", 0},
                               {"gelu", form_unary, "gelu", 1},
                               {"relu", form_unary, "relu", 1},
                               {"sigmoid", form_unary, "sigmoid", 1},
                               {"copy", form_unary, "copy", 1},
                               {"add", form_binary, "add", 2},
                               {"mul", form_binary, "mul", 2},
                               {"add_bcast", form_by_channel, "add_channels", 1},
                               {"mul_bcast", form_by_channel, "mul_channels", 1},
                               {"concat", form_concat, "channels", 0},
                               {"slice", form_slice, "channels", 0},
                               {"softmax", form_softmax, "softmax", 1},
                               {"resize", form_resize, "resize", 0},
                               {"pool_mean", form_pool, "pool", 0},
                               {"pool_sum", form_pool, "pool", 0},
                               {"broadcast", form_broadcast, "broadcast", 0},
                               {"max_pool", form_max_pool, "max_pool", 0},
                               {"window", form_window, "window", 0},
                               {0}};

const fpc_c_op *fpc_c_op_find(const char *op)
{
    for (const fpc_c_op *o = ops; o->op; o++)
        if (!strcmp(o->op, op))
            return o;
    return NULL;
}
