/* pointwise.c (cpu): activations, sums, products, concat and slice, dropout. All are row-wise, and most do not care
 * where a row ends: they run over count * c numbers. In a chain the numbers come from the cache, so what counts is how
 * few instructions a vector takes. */
#include "math.h"
#include "philox.h"

/* out[i] = expr of a (and b) */
#define FLAT1(name, expr)                                                                                              \
    static fpc_status name(fpc_exec *x, const fpc_node *node, fpc_rows rows)                                           \
    {                                                                                                                  \
        (void)x;                                                                                                       \
        const int64_t count = rows.count * node->out[0].shape.c;                                                       \
        const real *pa = node->in[0].data;                                                                             \
        real *y = node->out[0].data;                                                                                   \
        for (FPC_COLUMNS(i, n, count)) {                                                                               \
            const vf a = vr_get(pa + i, n);                                                                            \
            vr_put(y + i, expr, n);                                                                                    \
        }                                                                                                              \
        return FPC_OK;                                                                                                 \
    }
#define FLAT2(name, expr)                                                                                              \
    static fpc_status name(fpc_exec *x, const fpc_node *node, fpc_rows rows)                                           \
    {                                                                                                                  \
        (void)x;                                                                                                       \
        const int64_t count = rows.count * node->out[0].shape.c;                                                       \
        const real *pa = node->in[0].data, *pb = node->in[1].data;                                                     \
        real *y = node->out[0].data;                                                                                   \
        for (FPC_COLUMNS(i, n, count)) {                                                                               \
            const vf a = vr_get(pa + i, n), b = vr_get(pb + i, n);                                                     \
            vr_put(y + i, expr, n);                                                                                    \
        }                                                                                                              \
        return FPC_OK;                                                                                                 \
    }

FLAT1(run_gelu, vr_gelu(a))
FLAT2(run_gelu_grad, (vf_gelu_slope(a) * b))
FLAT1(run_relu, vf_max(vf_set(0), a))
FLAT2(run_relu_grad, vm_only(vm_gt(a, vf_set(0)), b))
FLAT1(run_sigmoid, vf_sigmoid(a))
FLAT2(run_sigmoid_grad, (b * (a * (1.0f - a))))
FLAT2(run_add, (a + b))
FLAT2(run_mul, (a * b))

/* y = a + b or a * b, with b (1,1,1,c) or (n,1,1,c): one row for all pixels or one for each image. */
FPC_INLINE void bcast(const fpc_node *node, fpc_rows rows, int product)
{
    const int64_t c = node->out[0].shape.c;
    const int64_t plane = node->in[1].shape.n > 1 ? (int64_t)node->out[0].shape.h * node->out[0].shape.w : INT64_MAX;
    const real *a = node->in[0].data;
    real *y = node->out[0].data;
    int64_t image = rows.first / plane, left = plane - rows.first % plane; /* rows left in this image */
    for (int64_t row = 0; row < rows.count; image++, left = plane) {
        const real *b = (const real *)node->in[1].data + image * c;
        for (; row < rows.count && left > 0; row++, left--, a += c, y += c)
            for (FPC_COLUMNS(j, n, c)) {
                const vf u = vr_get(a + j, n), v = vr_get(b + j, n);
                vr_put(y + j, product ? u * v : u + v, n);
            }
    }
}

static fpc_status run_add_bcast(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    bcast(node, rows, 0);
    return FPC_OK;
}

static fpc_status run_mul_bcast(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    bcast(node, rows, 1);
    return FPC_OK;
}

static fpc_status run_concat(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t total = node->out[0].shape.c;
    real *to = node->out[0].data;
    for (int32_t i = 0; i < node->n_in; i++) {
        const int64_t c = node->in[i].shape.c;
        const real *from = node->in[i].data;
        for (int64_t row = 0; row < rows.count; row++)
            real_copy(to + row * total, from + row * c, c);
        to += c;
    }
    return FPC_OK;
}

static fpc_status run_slice(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_slice_attr *attr = node->attr;
    const int64_t c = node->in[0].shape.c, count = attr->count;
    const real *from = (const real *)node->in[0].data + attr->first;
    real *to = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++)
        real_copy(to + row * count, from + row * c, count);
    return FPC_OK;
}

static fpc_status run_slice_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_slice_attr *attr = node->attr;
    const int64_t total = attr->total, first = attr->first, count = attr->count;
    const real *from = node->in[0].data;
    real *to = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++, to += total, from += count) {
        memset(to, 0, (size_t)first * sizeof *to);
        real_copy(to + first, from, count);
        memset(to + first + count, 0, (size_t)(total - first - count) * sizeof *to);
    }
    return FPC_OK;
}

enum { DROP_ROWS = 16 }; /* rows whose decisions are made at a time */

static void need_dropout(const fpc_node *node, fpc_need *need)
{
    need->thread = (size_t)philox_room(DROP_ROWS, node->out[0].shape.c) * sizeof(uint16_t);
}

static void drop_row(real *y, const real *a, const uint16_t *words, int64_t c, vi threshold, vf scale)
{
    for (FPC_COLUMNS(j, n, c))
        vr_put(y + j, philox_drop(vr_get(a + j, n), words + j, threshold, scale), n);
}

static fpc_status run_dropout(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const fpc_dropout_attr *attr = node->attr;
    const fpc_shape s = node->out[0].shape;
    const int64_t c = s.c, plane = (int64_t)s.h * s.w;
    const int32_t *clock = node->in[1].data;
    const real *a = node->in[0].data;
    real *y = node->out[0].data;
    uint16_t *words = fpc_exec_scratch(x, rows.thread);
    const vi threshold = vi_set((int32_t)fpc_drop_threshold(attr->p));
    const vf scale = vf_set(fpc_drop_scale(attr->p));

    if (fpc_drop_threshold(attr->p) >= 65536) { /* p rounds to 1: nothing is kept */
        memset(y, 0, (size_t)(rows.count * c) * sizeof *y);
        return FPC_OK;
    }
    if (attr->per_channel) {
        int64_t image = -1;
        for (int64_t row = 0; row < rows.count; row++) {
            if ((rows.first + row) / plane != image) {
                image = (rows.first + row) / plane;
                philox_words(words, image, 1, c, clock, attr->stream);
            }
            drop_row(y + row * c, a + row * c, words, c, threshold, scale);
        }
        return FPC_OK;
    }
    for (int64_t row = 0; row < rows.count; row += DROP_ROWS) {
        const int64_t block = rows.count - row < DROP_ROWS ? rows.count - row : DROP_ROWS;
        philox_words(words, rows.first + row, block, c, clock, attr->stream);
        for (int64_t i = 0; i < block; i++)
            drop_row(y + (row + i) * c, a + (row + i) * c, words + i * philox_stride(c), c, threshold, scale);
    }
    return FPC_OK;
}

static fpc_status run_copy(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_tensor *t = &node->out[0];
    if (t->data != node->in[0].data)
        memcpy(t->data, node->in[0].data, (size_t)(rows.count * t->shape.c) * fpc_dtype_size(t->dtype));
    return FPC_OK;
}

#ifndef FPC_HALF
static fpc_status run_fake_quantize(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_quantize_attr *q = node->attr;
    const float scale = q->scale, low = (float)(q->low - q->zero), high = (float)(q->high - q->zero);
    const float *a = node->in[0].data;
    float *y = node->out[0].data;
    for (int64_t i = 0; i < rows.count * node->out[0].shape.c; i++) {
        const float whole = rintf(a[i] / scale);
        y[i] = scale * (whole < low ? low : whole > high ? high : whole);
    }
    return FPC_OK;
}

static float number(const fpc_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FPC_BF16:
        return fpc_bf16_to_float(((const uint16_t *)t->data)[i]);
    case FPC_F16:
        return fpc_f16_to_float(((const uint16_t *)t->data)[i]);
    case FPC_F64:
        return (float)((const double *)t->data)[i];
    default:
        return ((const float *)t->data)[i];
    }
}

static void widen(float *to, const uint16_t *from, int64_t count)
{
    for (FPC_COLUMNS(i, n, count))
        vf_put(to + i, vf_of_bf16(vh_load_n(from + i, n)), n);
}

static void narrow(uint16_t *to, const float *from, int64_t count)
{
    for (FPC_COLUMNS(i, n, count))
        vh_store_n(to + i, vf_to_bf16(vf_get(from + i, n)), n);
}

/* To other widths and back. What run.precision = bf16 asks for is fast. */
static fpc_status run_cast(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_tensor *a = &node->in[node->n_in - 1], *y = &node->out[0]; /* narrow(y, x): the last */
    const int64_t count = rows.count * y->shape.c;
    if (a->dtype == FPC_BF16 && y->dtype == FPC_F32) {
        widen(y->data, a->data, count);
        return FPC_OK;
    }
    if (a->dtype == FPC_F32 && y->dtype == FPC_BF16) {
        narrow(y->data, a->data, count);
        return FPC_OK;
    }
    for (int64_t i = 0; i < count; i++)
        if (y->dtype == FPC_BF16)
            ((uint16_t *)y->data)[i] = fpc_float_to_bf16(number(a, i));
        else if (y->dtype == FPC_F16)
            ((uint16_t *)y->data)[i] = fpc_float_to_f16(number(a, i));
        else if (y->dtype == FPC_F32)
            ((float *)y->data)[i] = number(a, i);
        else
            ((double *)y->data)[i] = a->dtype == FPC_F64 ? ((const double *)a->data)[i] : (double)number(a, i);
    return FPC_OK;
}

static fpc_status run_combine(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x, (void)rows;
    const float *w = node->in[0].data;
    float sum = 0;
    for (int32_t i = 1; i < node->n_in; i++)
        sum += w[i - 1] * *(const float *)node->in[i].data;
    *(float *)node->out[0].data = sum;
    return FPC_OK;
}

static fpc_status run_combine_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x, (void)rows;
    const float *w = node->in[0].data, dy = *(const float *)node->in[1].data;
    float *d = node->out[0].data;
    for (int64_t i = 0; i < fpc_count(node->out[0].shape); i++)
        d[i] = w[i] * dy;
    return FPC_OK;
}

#endif

const fpc_kernel FPC_CPU_TABLE(pointwise)[] = {
    FPC_CPU_ROW(gelu, .run = run_gelu),
    FPC_CPU_ROW(relu, .run = run_relu),
    FPC_CPU_ROW(sigmoid, .run = run_sigmoid),
    FPC_CPU_ROW(add, .run = run_add),
    FPC_CPU_ROW(mul, .run = run_mul),
    FPC_CPU_ROW(add_bcast, .run = run_add_bcast),
    FPC_CPU_ROW(mul_bcast, .run = run_mul_bcast),
    FPC_CPU_ROW(concat, .run = run_concat),
    FPC_CPU_ROW(slice, .run = run_slice),
    FPC_CPU_ROW(copy, .run = run_copy),
#ifndef FPC_HALF /* nothing of theirs is an activation in half precision alone */
    FPC_CPU_ROW(fake_quantize, .run = run_fake_quantize),
    FPC_CPU_ROW(cast, .run = run_cast),
    FPC_CPU_ROW(narrow, .run = run_cast),
#endif
    {.op = NULL},
};
const fpc_kernel FPC_CPU_TABLE(pointwise_grad)[] = {
    FPC_CPU_ROW(gelu_grad, .run = run_gelu_grad),
    FPC_CPU_ROW(relu_grad, .run = run_relu_grad),
    FPC_CPU_ROW(sigmoid_grad, .run = run_sigmoid_grad),
    FPC_CPU_ROW(slice_grad, .run = run_slice_grad),
    FPC_CPU_ROW(dropout, .need = need_dropout, .run = run_dropout),
#ifndef FPC_HALF
    FPC_CPU_ROW(combine, .run = run_combine),
    FPC_CPU_ROW(combine_grad, .run = run_combine_grad),
#endif
    {.op = NULL},
};
