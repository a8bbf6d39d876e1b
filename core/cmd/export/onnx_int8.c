/* onnx_int8.c: the tensors of products in an ONNX file in whole numbers (int8.h): QuantizeLinear and DequantizeLinear
 * around what is computed of the picture, stored whole numbers and DequantizeLinear for weights. Runtimes that know the
 * pattern compute in whole numbers between them; the others compute what stands there, in fp32. Without quantisation,
 * or for a product that stays real, these give what fpc_onnx_in gives. */
#include "cmd/export/onnx.h"
#include "cmd/export/int8.h"

static int32_t index_of(const fpc_onnx *x, const fpc_gnode *n)
{
    return (int32_t)(n - x->g->node);
}

/* The same node in the graph that int8 speaks of. */
static const fpc_gnode *twin_of(const fpc_onnx *x, const fpc_gnode *n)
{
    return &x->int8->g->node[index_of(x, n)];
}

int fpc_onnx_is_rounded(const fpc_onnx *x, const fpc_gnode *n)
{
    return x->int8 && x->int8->product[index_of(x, n)];
}

const char *fpc_onnx_rounded(fpc_onnx *x, int32_t v, const char *tensor)
{
    const fpc_int8_point *p = &x->int8->point[v];
    const uint8_t zero = (uint8_t)p->zero;
    const char *scale = fpc_onnx_scalar(x, p->scale), *at = fpc_onnx_numbered(x, "zero");

    fpc_onnx_tensor(x, at, FPC_ONNX_U8, 0, NULL, &zero, 1);
    const char *whole = fpc_onnx_node(x, "QuantizeLinear", 3, (const char *const[]){tensor, scale, at}, 0, NULL);
    return fpc_onnx_node(x, "DequantizeLinear", 3, (const char *const[]){whole, scale, at}, 0, NULL);
}

const char *fpc_onnx_factor(fpc_onnx *x, const fpc_gnode *n, fpc_onnx_form form)
{
    const int32_t v = n->in[0];
    const char *tensor = fpc_onnx_in(x, v, form);

    if (!fpc_onnx_is_rounded(x, n) || !tensor)
        return tensor;
    if (!x->rounded[v][form])
        x->rounded[v][form] = fpc_onnx_rounded(x, v, tensor);
    return x->rounded[v][form];
}

/* Runtimes compute a Gemm in whole numbers, bias and all; of a MatMul and an Add behind it they make one of reals. */
void fpc_onnx_gemm(fpc_onnx *x, const fpc_gnode *n)
{
    const int32_t v = n->in[0];
    const fpc_shape s = x->g->value[v].shape, out = x->g->value[n->out[0]].shape;
    const char **rows = &x->rounded[v][FPC_ONNX_MATRIX];

    if (!*rows) {
        const char *tensor = fpc_onnx_in(x, v, FPC_ONNX_NHWC), *flat = fpc_onnx_ints(x, 2, (int64_t[]){-1, s.c});
        *rows = fpc_onnx_rounded(x, v, fpc_onnx_node2(x, "Reshape", tensor, flat));
    }
    const char *weight = fpc_onnx_weight(x, n, FPC_ONNX_MATRIX), *bias = n->n_in > 2 ? fpc_onnx_bias(x, n) : "";
    const char *const in[] = {*rows, weight, bias};
    const char *y = fpc_onnx_node(x, "Gemm", n->n_in > 2 ? 3 : 2, in, 0, NULL);
    const char *shape = fpc_onnx_ints(x, 4, (int64_t[]){-1, out.h, out.w, out.c});
    fpc_onnx_out(x, n->out[0], FPC_ONNX_NHWC, fpc_onnx_node2(x, "Reshape", y, shape));
}

/* Whole numbers of `type` with a scale for each index of `axis` and zero at 0. */
static const char *dequantized(fpc_onnx *x, const char *whole, int32_t type, int32_t channels, const float *scale,
                               int64_t axis)
{
    const int64_t dims[] = {channels};
    const size_t each = type == FPC_ONNX_I32 ? 4 : 1;
    const void *zeros = fpc_alloc(x->arena, (size_t)channels * each);
    const char *scales = fpc_onnx_numbered(x, "scales"), *zero = fpc_onnx_numbered(x, "zeros");
    const fpc_onnx_attr attr[] = {FPC_ONNX_INT("axis", axis)};

    x->body.failed |= !zeros;
    fpc_onnx_reals(x, scales, 1, dims, channels, scale);
    fpc_onnx_tensor(x, zero, type, 1, dims, zeros, zeros ? (size_t)channels * each : 0);
    return fpc_onnx_node(x, "DequantizeLinear", 3, (const char *const[]){whole, scales, zero}, 1, attr);
}

const char *fpc_onnx_weight(fpc_onnx *x, const fpc_gnode *n, fpc_onnx_form form)
{
    const fpc_value *value = &x->g->value[n->in[1]];
    const int64_t count = fpc_count(value->shape);
    int8_t *whole;
    int64_t dims[4];

    if (!fpc_onnx_is_rounded(x, n))
        return fpc_onnx_in(x, n->in[1], form);
    if (!(whole = fpc_alloc(x->arena, (size_t)count))) {
        x->body.failed = 1;
        return NULL;
    }
    const float *scale = x->int8->weight[index_of(x, n)];
    for (int64_t i = 0; i < count; i++) {
        const int64_t from = fpc_onnx_source(form, value->shape, i);
        whole[i] = (int8_t)fpc_int8_whole(value->constant[from], scale[fpc_int8_channel(x->g, n, from)]);
    }
    const char *name = fpc_onnx_numbered(x, "weight");
    fpc_onnx_tensor(x, name, FPC_ONNX_I8, fpc_onnx_dims(form, value->shape, dims), dims, whole, (size_t)count);
    /* of (in, out) and, in a transposed convolution, (in, out, kh, kw) it is the second axis */
    const int64_t axis = form == FPC_ONNX_MATRIX || n->def->name[6] == '_';
    return dequantized(x, name, FPC_ONNX_I8, fpc_int8_channels(x->g, n), scale, axis);
}

const char *fpc_onnx_bias(fpc_onnx *x, const fpc_gnode *n)
{
    const int32_t channels = (int32_t)fpc_count(x->g->value[n->in[2]].shape);
    const int64_t dims[] = {channels};
    uint8_t *raw;
    float *scale;

    if (!fpc_onnx_is_rounded(x, n) || !fpc_int8_has_bias(x->int8, twin_of(x, n)))
        return fpc_onnx_in(x, n->in[2], FPC_ONNX_VECTOR);
    raw = fpc_alloc(x->arena, (size_t)channels * 4);
    scale = fpc_alloc(x->arena, (size_t)channels * sizeof *scale);
    if (!raw || !scale) {
        x->body.failed = 1;
        return NULL;
    }
    for (int32_t c = 0; c < channels; c++) {
        const uint32_t bits = (uint32_t)fpc_int8_bias(x->int8, twin_of(x, n), c);
        scale[c] = fpc_int8_bias_scale(x->int8, twin_of(x, n), c);
        for (int b = 0; b < 4; b++)
            raw[4 * c + b] = (uint8_t)(bits >> (8 * b));
    }
    const char *name = fpc_onnx_numbered(x, "bias");
    fpc_onnx_tensor(x, name, FPC_ONNX_I32, 1, dims, raw, (size_t)channels * 4);
    return dequantized(x, name, FPC_ONNX_I32, channels, scale, 0);
}
