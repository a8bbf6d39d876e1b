/* torch_ops.c: what each op is in PyTorch: a table, and a small function where a line does not do. Whoever adds an op
 * that networks use adds its row here; ops without one are refused by name. */
#include "cmd/export/torch.h"
#include <string.h>

static const char *const weight_and_bias[] = {"weight", "bias"};

static fpc_shape shape_of(const fpc_torch *x, int32_t v)
{
    return x->g->value[v].shape;
}

/* The row's text with the inputs in it. */
static const char *form_text(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const char *out = "";

    for (int32_t i = 0; *python && out; python++) {
        const int is_input = python[0] == '%' && python[1] == 's';
        out = is_input ? fpc_sprintf(x->arena, "%s%s", out, fpc_torch_in(x, n->in[i++]))
                       : fpc_sprintf(x->arena, "%s%c", out, *python);
        python += is_input;
    }
    return out;
}

static const char *form_concat(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const char *list = "";

    for (int32_t i = 0; i < n->n_in && list; i++)
        list = fpc_sprintf(x->arena, "%s%s%s", list, i ? ", " : "", fpc_torch_in(x, n->in[i]));
    return list ? fpc_sprintf(x->arena, "%s([%s], 1)", python, list) : NULL;
}

static const char *form_slice(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_slice_attr *a = n->attr;

    (void)python;
    return fpc_sprintf(x->arena, "%s[:, %d:%d]", fpc_torch_in(x, n->in[0]), a->first, a->first + a->count);
}

/* ---- layers ---- */

static const char *applied(fpc_torch *x, const fpc_gnode *n, const char *layer, int by_rows)
{
    const char *in = fpc_torch_in(x, n->in[0]);

    if (!layer)
        return NULL;
    return by_rows ? fpc_sprintf(x->arena, "by_rows(%s, %s)", layer, in) : fpc_sprintf(x->arena, "%s(%s)", layer, in);
}

/* A linear map, or a convolution of 1x1, as the shape of its weight in the state dict says. */
static const char *form_linear(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_value *w = &x->g->value[n->in[1]];
    const int is_conv = w->rank == 4;
    const char *bias = n->n_in > 2 ? "" : ", bias=False";
    const char *make = fpc_sprintf(x->arena, "nn.%s(%d, %lld%s%s)", is_conv ? "Conv2d" : "Linear", w->shape.c,
                                   (long long)fpc_rows_of(w->shape), is_conv ? ", 1" : "", bias);

    (void)python;
    return applied(x, n, fpc_torch_layer(x, n, n->n_in - 1, weight_and_bias, make), !is_conv);
}

/* Weights that are the same number everywhere: a mean. */
static const char *conv_of_constant(fpc_torch *x, const fpc_gnode *n)
{
    const fpc_conv_attr *a = n->attr;
    const fpc_value *w = &x->g->value[n->in[1]];

    for (int64_t i = 1; i < fpc_count(w->shape); i++)
        if (w->constant[i] != w->constant[0])
            return fpc_torch_refuse(x, " with weights that are constants and differ");
    if (n->n_in > 2 || strcmp(n->def->name, "conv2d"))
        return fpc_torch_refuse(x, " with constant weights");
    const char *in = fpc_torch_in(x, n->in[0]);
    return fpc_sprintf(x->arena, "F.conv2d(%s, %s.new_full((%d, %d, %d, %d), %.7g), None, %d, %d, 1, %d)", in, in,
                       w->shape.n, w->shape.c, a->kh, a->kw, w->constant[0], a->stride, a->pad, a->groups);
}

static const char *form_conv(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_conv_attr *a = n->attr;
    const fpc_shape in = shape_of(x, n->in[0]), w = shape_of(x, n->in[1]);
    const int is_transposed = strcmp(n->def->name, "conv2d") != 0;
    const int32_t more[] = {a->h - ((in.h - 1) * a->stride - 2 * a->pad + a->kh),
                            a->w - ((in.w - 1) * a->stride - 2 * a->pad + a->kw)};
    const char *rest = n->n_in > 2 ? "" : ", bias=False";

    if (x->g->value[n->in[1]].role == FPC_ROLE_CONST)
        return conv_of_constant(x, n);
    if (a->groups > 1)
        rest = fpc_sprintf(x->arena, ", groups=%d%s", a->groups, rest);
    if (is_transposed && (more[0] || more[1]))
        rest = fpc_sprintf(x->arena, ", output_padding=(%d, %d)%s", more[0], more[1], rest);
    const char *make =
        fpc_sprintf(x->arena, "nn.%s(%d, %d, (%d, %d), stride=%d, padding=%d%s)", python, in.c,
                    is_transposed ? w.c * a->groups : w.n, a->kh, a->kw, a->stride, a->pad, rest ? rest : "");
    return applied(x, n, fpc_torch_layer(x, n, n->n_in - 1, weight_and_bias, make), 0);
}

static const char *form_layer_norm(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_norm_attr *a = n->attr;
    const char *make = fpc_sprintf(x->arena, "nn.%s(%d, eps=%.7g)", python, shape_of(x, n->in[0]).c, (double)a->eps);

    return applied(x, n, fpc_torch_layer(x, n, 2, weight_and_bias, make), 1);
}

static const char *form_batch_norm(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    const fpc_norm_attr *a = n->attr;
    const char *make = fpc_sprintf(x->arena, "nn.%s(%d, eps=%.7g, momentum=%.7g)", python, shape_of(x, n->in[0]).c,
                                   (double)a->eps, (double)a->momentum);

    return applied(x, n, fpc_torch_layer(x, n, 4, names, make), 0);
}

static const char *form_attention(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_attention_attr *a = n->attr;

    /* in this order: where two have no form, the first is told */
    const char *q = fpc_torch_in(x, n->in[0]), *k = fpc_torch_in(x, n->in[1]), *v = fpc_torch_in(x, n->in[2]);

    return fpc_sprintf(x->arena, "%s(%s, %s, %s, %d, %.7g)", python, q, k, v, a->heads, (double)a->scale);
}

/* ---- sizes ---- */

static const char *form_resize(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_resize_attr *a = n->attr;

    return fpc_sprintf(x->arena, "%s(%s, (%d, %d), mode=\"bilinear\", align_corners=%s)", python,
                       fpc_torch_in(x, n->in[0]), a->h, a->w, a->align_corners ? "True" : "False");
}

static const char *form_broadcast(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_broadcast_attr *a = n->attr;

    (void)python;
    return fpc_sprintf(x->arena, "(%s * %.7g).expand(-1, -1, %d, %d)", fpc_torch_in(x, n->in[0]), (double)a->scale,
                       a->h, a->w);
}

static const char *form_max_pool(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_pool_attr *a = n->attr;

    return fpc_sprintf(x->arena, "%s(%s, %d, %d)", python, fpc_torch_in(x, n->in[0]), a->k, a->stride);
}

static const char *form_window(fpc_torch *x, const fpc_gnode *n, const char *python)
{
    const fpc_window_attr *a = n->attr;
    const fpc_shape s = shape_of(x, n->in[0]);

    return fpc_sprintf(x->arena, "%s(%s, (%d, %d, %d, %d))", python, fpc_torch_in(x, n->in[0]), a->left,
                       a->w - a->left - s.w, a->top, a->h - a->top - s.h);
}

/* ---- the table ---- */

const fpc_torch_op fpc_torch_ops[] = {{"linear", form_linear, NULL},
                                      {"conv2d", form_conv, "Conv2d"},
                                      {"conv2d_grad_x", form_conv, "ConvTranspose2d"},
                                      {"layer_norm", form_layer_norm, "LayerNorm"},
                                      {"batch_norm", form_batch_norm, "BatchNorm2d"},
                                      {"attention", form_attention, "attention"},
                                      {"gelu", form_text, "F.gelu(%s)"},
                                      {"relu", form_text, "torch.relu(%s)"},
                                      {"sigmoid", form_text, "torch.sigmoid(%s)"},
                                      {"copy", form_text, "%s"},
                                      {"add", form_text, "%s + %s"},
                                      {"mul", form_text, "%s * %s"},
                                      {"add_bcast", form_text, "%s + %s"},
                                      {"mul_bcast", form_text, "%s * %s"},
                                      {"concat", form_concat, "torch.cat"},
                                      {"slice", form_slice, NULL},
                                      {"softmax", form_text, "torch.softmax(%s, 1)"},
                                      {"resize", form_resize, "F.interpolate"},
                                      {"pool_mean", form_text, "%s.mean((2, 3), keepdim=True)"},
                                      {"pool_sum", form_text, "%s.sum((2, 3), keepdim=True)"},
                                      {"broadcast", form_broadcast, NULL},
                                      {"max_pool", form_max_pool, "F.max_pool2d"},
                                      {"window", form_window, "F.pad"},
                                      {0}};
