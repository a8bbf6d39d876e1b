/* onnx_ops.c: what each op is in ONNX: a table, and a small function a row. Whoever adds an op that networks use adds
 * its row here; ops without one are refused by name. include/fpcore/ops.h says what each computes.
 *
 * Whatever writes a node or a constant numbers it, and C leaves open in which order the arguments of a call and the
 * items of a list are made: no expression here has two of them, so that every compiler's build writes the same bytes.
 */
#include "cmd/export/onnx.h"
#include <math.h>

#define COUNT(list_) ((int32_t)(sizeof(list_) / sizeof *(list_)))

static const void *attr_of(const fpc_gnode *n)
{
    return n->attr;
}

static fpc_shape shape_of(const fpc_onnx *x, int32_t v)
{
    return x->g->value[v].shape;
}

static int64_t axis_of_channels(fpc_onnx_form layout)
{
    return layout == FPC_ONNX_NHWC ? 3 : 1;
}

/* ---- number by number ---- */

static void form_unary(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);

    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node1(x, op, fpc_onnx_in(x, n->in[0], layout), 0, NULL));
}

static void form_binary(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 2, n->in);
    const char *a = fpc_onnx_in(x, n->in[0], layout), *b = fpc_onnx_in(x, n->in[1], layout);

    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node2(x, op, a, b));
}

/* Over the channels. */
static void form_softmax(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const fpc_onnx_attr attr[] = {FPC_ONNX_INT("axis", axis_of_channels(layout))};

    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node1(x, op, fpc_onnx_in(x, n->in[0], layout), COUNT(attr), attr));
}

/* x (1 + erf(x / sqrt 2)) / 2, in the order that runtimes know to be GELU: the op of that name is of opset 20. */
static void form_gelu(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const char *in = fpc_onnx_in(x, n->in[0], layout), *root = fpc_onnx_scalar(x, (float)sqrt(2));
    const char *one = fpc_onnx_scalar(x, 1), *half = fpc_onnx_scalar(x, 0.5f);
    const char *y = fpc_onnx_node2(x, "Div", in, root);

    y = fpc_onnx_node1(x, op, y, 0, NULL);
    y = fpc_onnx_node2(x, "Add", y, one);
    y = fpc_onnx_node2(x, "Mul", in, y);
    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node2(x, "Mul", y, half));
}

static void form_to_real(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_attr attr[] = {FPC_ONNX_INT("to", 1)}; /* FLOAT */
    const char *in = fpc_onnx_in(x, n->in[0], FPC_ONNX_NHWC), *most = fpc_onnx_scalar(x, 255);
    const char *real = fpc_onnx_node1(x, op, in, COUNT(attr), attr);

    fpc_onnx_out(x, n->out[0], FPC_ONNX_NHWC, fpc_onnx_node2(x, "Div", real, most));
}

static void form_concat(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, n->n_in, n->in);
    const fpc_onnx_attr attr[] = {FPC_ONNX_INT("axis", axis_of_channels(layout))};
    const char *in[FPC_MAX_INPUTS];

    for (int32_t i = 0; i < n->n_in; i++)
        in[i] = fpc_onnx_in(x, n->in[i], layout);
    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node(x, op, n->n_in, in, COUNT(attr), attr));
}

static const char *sliced(fpc_onnx *x, const char *in, int32_t n, const int64_t *from, const int64_t *to,
                          const int64_t *axes)
{
    const char *first = fpc_onnx_ints(x, n, from), *end = fpc_onnx_ints(x, n, to), *axis = fpc_onnx_ints(x, n, axes);
    const char *const all[] = {in, first, end, axis};

    return fpc_onnx_node(x, "Slice", COUNT(all), all, 0, NULL);
}

static void form_slice(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const fpc_slice_attr *a = attr_of(n);
    const int64_t from[] = {a->first}, to[] = {a->first + a->count}, axes[] = {axis_of_channels(layout)};
    const char *in = fpc_onnx_in(x, n->in[0], layout);

    (void)op;
    fpc_onnx_out(x, n->out[0], layout, sliced(x, in, 1, from, to, axes));
}

/* ---- products ---- */

static void mark_conv(fpc_onnx *x, const fpc_gnode *n)
{
    if (x->conv)
        x->conv[n - x->g->node] = 1;
}

/* Where the input comes out of convolutions, so may this: a 1x1 convolution spares two Transposes. */
static void form_linear(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const int point = layout == FPC_ONNX_NCHW;

    if (!point && fpc_onnx_is_rounded(x, n)) {
        fpc_onnx_gemm(x, n);
        return;
    }
    const char *bias = n->n_in > 2 ? fpc_onnx_bias(x, n) : "";
    const char *value = fpc_onnx_factor(x, n, layout);
    const char *weight = fpc_onnx_weight(x, n, point ? FPC_ONNX_POINT : FPC_ONNX_MATRIX);
    const char *const in[] = {value, weight, bias};
    const char *y = fpc_onnx_node(x, point ? "Conv" : op, point && n->n_in > 2 ? 3 : 2, in, 0, NULL);

    if (point)
        mark_conv(x, n);
    else if (n->n_in > 2)
        y = fpc_onnx_node2(x, "Add", y, bias);
    fpc_onnx_out(x, n->out[0], layout, y);
}

/* conv2d, and conv2d_grad_x, the transposed one, whose size is short of what ONNX makes of the input's by less than a
 * stride. */
static void form_conv(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_conv_attr *a = attr_of(n);
    const fpc_shape s = shape_of(x, n->in[0]);
    const int transposed = op[4] != '\0';
    const fpc_onnx_attr attr[] = {
        FPC_ONNX_INTS("kernel_shape", 2, a->kh, a->kw), FPC_ONNX_INTS("strides", 2, a->stride, a->stride),
        FPC_ONNX_INTS("pads", 4, a->pad, a->pad, a->pad, a->pad), FPC_ONNX_INT("group", a->groups),
        FPC_ONNX_INTS("output_padding", 2, a->h - ((s.h - 1) * a->stride - 2 * a->pad + a->kh),
                      a->w - ((s.w - 1) * a->stride - 2 * a->pad + a->kw))};
    const char *value = fpc_onnx_factor(x, n, FPC_ONNX_NCHW), *weight = fpc_onnx_weight(x, n, FPC_ONNX_NCHW);
    const char *bias = n->n_in > 2 ? fpc_onnx_bias(x, n) : "";
    const char *const in[] = {value, weight, bias};

    if (!transposed)
        mark_conv(x, n);
    fpc_onnx_out(x, n->out[0], FPC_ONNX_NCHW,
                 fpc_onnx_node(x, op, n->n_in > 2 ? 3 : 2, in, COUNT(attr) - !transposed, attr));
}

static void form_layer_norm(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_attr attr[] = {FPC_ONNX_INT("axis", -1),
                                  FPC_ONNX_FLOAT("epsilon", ((const fpc_norm_attr *)attr_of(n))->eps)};
    const char *value = fpc_onnx_in(x, n->in[0], FPC_ONNX_NHWC), *gain = fpc_onnx_in(x, n->in[1], FPC_ONNX_VECTOR);
    const char *bias = fpc_onnx_in(x, n->in[2], FPC_ONNX_VECTOR);
    const char *const in[] = {value, gain, bias};

    fpc_onnx_out(x, n->out[0], FPC_ONNX_NHWC, fpc_onnx_node(x, op, COUNT(in), in, COUNT(attr), attr));
}

/* ---- attention ---- */

/* 0 in a shape stands for the size that is there: the number of pictures. */
static const char *reshaped(fpc_onnx *x, const char *in, int64_t a, int64_t b, int64_t c)
{
    const char *shape = fpc_onnx_ints(x, 4, (int64_t[]){0, a, b, c});

    return fpc_onnx_node2(x, "Reshape", in, shape);
}

/* (n,h,w,c) to (n,heads,tokens,c/heads), or with the last two the other way round. */
static const char *heads_of(fpc_onnx *x, int32_t v, int32_t heads, int flipped)
{
    const fpc_shape s = shape_of(x, v);
    const fpc_onnx_attr as_is[] = {FPC_ONNX_INTS("perm", 4, 0, 2, 1, 3)},
                        flip[] = {FPC_ONNX_INTS("perm", 4, 0, 2, 3, 1)};
    const char *in = fpc_onnx_in(x, v, FPC_ONNX_NHWC), *y = reshaped(x, in, (int64_t)s.h * s.w, heads, s.c / heads);

    return fpc_onnx_node1(x, "Transpose", y, 1, flipped ? flip : as_is);
}

static void form_attention(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_attention_attr *a = attr_of(n);
    const fpc_shape s = shape_of(x, n->in[0]);
    const fpc_onnx_attr last[] = {FPC_ONNX_INT("axis", -1)}, back[] = {FPC_ONNX_INTS("perm", 4, 0, 2, 1, 3)};
    const char *q = heads_of(x, n->in[0], a->heads, 0), *scale = fpc_onnx_scalar(x, a->scale);
    const char *scaled = fpc_onnx_node2(x, "Mul", q, scale);
    const char *k = heads_of(x, n->in[1], a->heads, 1), *v = heads_of(x, n->in[2], a->heads, 0);
    const char *score = fpc_onnx_node2(x, "MatMul", scaled, k), *share = fpc_onnx_node1(x, op, score, 1, last);
    const char *y = fpc_onnx_node2(x, "MatMul", share, v);

    y = fpc_onnx_node1(x, "Transpose", y, 1, back);
    fpc_onnx_out(x, n->out[0], FPC_ONNX_NHWC, reshaped(x, y, s.h, s.w, s.c));
}

/* ---- sizes ---- */

/* As ops.h defines them. `half_pixel` and not PyTorch's, which differs at size 1. */
static const char *resized(fpc_onnx *x, int32_t v, const fpc_resize_attr *a)
{
    const fpc_shape s = shape_of(x, v);
    const fpc_onnx_attr attr[] = {
        FPC_ONNX_TEXT("mode", "linear"),
        FPC_ONNX_TEXT("coordinate_transformation_mode", a->align_corners ? "align_corners" : "half_pixel")};
    const char *in = fpc_onnx_in(x, v, FPC_ONNX_NCHW), *to = fpc_onnx_shape(x, 3, (int64_t[]){s.c, a->h, a->w});
    const char *const all[] = {in, "", "", to};

    return fpc_onnx_node(x, "Resize", COUNT(all), all, COUNT(attr), attr);
}

static void form_resize(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    (void)op;
    fpc_onnx_out(x, n->out[0], FPC_ONNX_NCHW, resized(x, n->in[0], attr_of(n)));
}

/* The labels have no axis of channels. */
static void form_seg_argmax(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_resize_attr *a = attr_of(n);
    const fpc_shape s = shape_of(x, n->in[0]);
    const int same = s.h == a->h && s.w == a->w;
    const fpc_onnx_form layout = same ? fpc_onnx_layout(x, 1, n->in) : FPC_ONNX_NCHW;
    const char *logits = same ? fpc_onnx_in(x, n->in[0], layout) : resized(x, n->in[0], a);
    const fpc_onnx_attr attr[] = {FPC_ONNX_INT("axis", axis_of_channels(layout)), FPC_ONNX_INT("keepdims", 0),
                                  FPC_ONNX_INT("select_last_index", 0)};
    const fpc_onnx_attr byte[] = {FPC_ONNX_INT("to", 2)}; /* UINT8 */
    const char *label = fpc_onnx_node1(x, op, logits, COUNT(attr), attr);

    fpc_onnx_out(x, n->out[0], FPC_ONNX_NHWC, fpc_onnx_node1(x, "Cast", label, COUNT(byte), byte));
}

static void form_pool_mean(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const int64_t first = layout == FPC_ONNX_NHWC ? 1 : 2;
    const fpc_onnx_attr attr[] = {FPC_ONNX_INTS("axes", 2, first, first + 1), FPC_ONNX_INT("keepdims", 1)};

    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node1(x, op, fpc_onnx_in(x, n->in[0], layout), COUNT(attr), attr));
}

/* Unlike the mean's, its axes are an input since opset 13. */
static void form_pool_sum(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const int64_t first = layout == FPC_ONNX_NHWC ? 1 : 2;
    const char *in = fpc_onnx_in(x, n->in[0], layout), *axes = fpc_onnx_ints(x, 2, (int64_t[]){first, first + 1});

    fpc_onnx_out(x, n->out[0], layout, fpc_onnx_node2(x, op, in, axes));
}

static void form_broadcast(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_broadcast_attr *a = attr_of(n);
    const char *y = fpc_onnx_in(x, n->in[0], FPC_ONNX_NHWC);

    if (a->scale != 1)
        y = fpc_onnx_node2(x, "Mul", y, fpc_onnx_scalar(x, a->scale));
    y = fpc_onnx_node2(x, op, y, fpc_onnx_ints(x, 4, (int64_t[]){1, a->h, a->w, 1}));
    fpc_onnx_out(x, n->out[0], FPC_ONNX_NHWC, y);
}

static void form_max_pool(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_pool_attr *a = attr_of(n);
    const fpc_onnx_attr attr[] = {FPC_ONNX_INTS("kernel_shape", 2, a->k, a->k),
                                  FPC_ONNX_INTS("strides", 2, a->stride, a->stride)};

    fpc_onnx_out(x, n->out[0], FPC_ONNX_NCHW,
                 fpc_onnx_node1(x, op, fpc_onnx_in(x, n->in[0], FPC_ONNX_NCHW), COUNT(attr), attr));
}

/* What lies outside of the window is cut off, then zeros are put around the rest: negative padding, which does both, is
 * not everywhere. */
static void form_window(fpc_onnx *x, const fpc_gnode *n, const char *op)
{
    const fpc_window_attr *a = attr_of(n);
    const fpc_shape s = shape_of(x, n->in[0]);
    const fpc_onnx_form layout = fpc_onnx_layout(x, 1, n->in);
    const int at = layout == FPC_ONNX_NHWC ? 1 : 2;
    const int64_t from[] = {a->top < 0 ? -a->top : 0, a->left < 0 ? -a->left : 0};
    const int64_t to[] = {a->h - a->top < s.h ? a->h - a->top : s.h, a->w - a->left < s.w ? a->w - a->left : s.w};
    int64_t pads[8] = {0};
    const char *y = fpc_onnx_in(x, n->in[0], layout);

    if (from[0] >= to[0] || from[1] >= to[1]) {
        fpc_onnx_refuse(x, " beside its input");
        return;
    }
    if (from[0] || from[1] || to[0] < s.h || to[1] < s.w)
        y = sliced(x, y, 2, from, to, (int64_t[]){at, at + 1});
    pads[at] = from[0] + a->top;
    pads[at + 1] = from[1] + a->left;
    pads[4 + at] = a->h - pads[at] - (to[0] - from[0]);
    pads[5 + at] = a->w - pads[at + 1] - (to[1] - from[1]);
    if (pads[at] || pads[at + 1] || pads[4 + at] || pads[5 + at])
        y = fpc_onnx_node2(x, op, y, fpc_onnx_ints(x, 8, pads));
    fpc_onnx_out(x, n->out[0], layout, y);
}

/* ---- the table ---- */

const fpc_onnx_op fpc_onnx_ops[] = {{"linear", form_linear, "MatMul"},
                                    {"conv2d", form_conv, "Conv"},
                                    {"conv2d_grad_x", form_conv, "ConvTranspose"},
                                    {"layer_norm", form_layer_norm, "LayerNormalization"},
                                    {"attention", form_attention, "Softmax"},
                                    {"gelu", form_gelu, "Erf"},
                                    {"relu", form_unary, "Relu"},
                                    {"sigmoid", form_unary, "Sigmoid"},
                                    {"copy", form_unary, "Identity"},
                                    {"add", form_binary, "Add"},
                                    {"mul", form_binary, "Mul"},
                                    {"add_bcast", form_binary, "Add"},
                                    {"mul_bcast", form_binary, "Mul"},
                                    {"concat", form_concat, "Concat"},
                                    {"slice", form_slice, "Slice"},
                                    {"softmax", form_softmax, "Softmax"},
                                    {"resize", form_resize, "Resize"},
                                    {"pool_mean", form_pool_mean, "ReduceMean"},
                                    {"pool_sum", form_pool_sum, "ReduceSum"},
                                    {"broadcast", form_broadcast, "Expand"},
                                    {"max_pool", form_max_pool, "MaxPool"},
                                    {"window", form_window, "Pad"},
                                    {"to_real", form_to_real, "Cast"},
                                    {"seg_argmax", form_seg_argmax, "ArgMax"},
                                    {0}};
