/* pointwise.c (reference): ops in which an element of the result depends on elements at the same place. */
#include <fpcore/half.h>
#include "ref.h"

static inline real phi(real x) /* Phi(x): the normal distribution function */
{
    return (real)0.5 * erfc(-x * (real)0.70710678118654752440);
}

static inline int64_t elements(const fpc_node *node, fpc_rows rows)
{
    return rows.count * node->out[0].shape.c;
}

/* y[i] = EXPR over the elements of the rows, with inputs a and b. */
#define UNARY(op_, expr_)                                                                                              \
    static fpc_status op_(fpc_exec *exec, const fpc_node *node, fpc_rows rows)                                         \
    {                                                                                                                  \
        (void)exec;                                                                                                    \
        const real *a = node->in[0].data;                                                                              \
        real *y = node->out[0].data;                                                                                   \
        for (int64_t i = 0; i < elements(node, rows); i++)                                                             \
            y[i] = (expr_);                                                                                            \
        return FPC_OK;                                                                                                 \
    }
#define BINARY(op_, expr_)                                                                                             \
    static fpc_status op_(fpc_exec *exec, const fpc_node *node, fpc_rows rows)                                         \
    {                                                                                                                  \
        (void)exec;                                                                                                    \
        const real *a = node->in[0].data, *b = node->in[1].data;                                                       \
        real *y = node->out[0].data;                                                                                   \
        for (int64_t i = 0; i < elements(node, rows); i++)                                                             \
            y[i] = (expr_);                                                                                            \
        return FPC_OK;                                                                                                 \
    }
/* The same with b (n,1,1,c) or (1,1,1,c). */
#define BROADCAST(op_, expr_)                                                                                          \
    static fpc_status op_(fpc_exec *exec, const fpc_node *node, fpc_rows rows)                                         \
    {                                                                                                                  \
        (void)exec;                                                                                                    \
        const fpc_shape s = node->out[0].shape;                                                                        \
        const real *a = node->in[0].data;                                                                              \
        real *y = node->out[0].data;                                                                                   \
        for (int64_t r = 0; r < rows.count; r++) {                                                                     \
            const int64_t image = node->in[1].shape.n > 1 ? (rows.first + r) / image_rows(s) : 0;                      \
            const real *b = (const real *)node->in[1].data + image * s.c;                                              \
            for (int64_t c = 0; c < s.c; c++, a++, b++)                                                                \
                *y++ = (expr_);                                                                                        \
        }                                                                                                              \
        return FPC_OK;                                                                                                 \
    }

UNARY(gelu, a[i] * phi(a[i]))
UNARY(relu, a[i] <= 0 ? 0 : a[i]) /* NaN stays NaN, so that divergence is seen */
UNARY(sigmoid, 1 / (1 + exp(-a[i])))
UNARY(copy, a[i])

/* gelu_grad(x, dy): Phi(x) + x Phi'(x), Phi' the normal density */
BINARY(gelu_grad, b[i] * (phi(a[i]) + a[i] * (real)0.39894228040143267794 * exp((real)-0.5 * a[i] * a[i])))
BINARY(relu_grad, a[i] > 0 ? b[i] : 0)         /* (y, dy) */
BINARY(sigmoid_grad, b[i] * a[i] * (1 - a[i])) /* (y, dy) */
BINARY(add, a[i] + b[i])
BINARY(mul, a[i] * b[i])
BROADCAST(add_bcast, (*a) + (*b))
BROADCAST(mul_bcast, (*a) * (*b))

/* NaN stays NaN. */
static fpc_status fake_quantize(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_quantize_attr *q = node->attr;
    const real scale = q->scale, low = (real)(q->low - q->zero), high = (real)(q->high - q->zero);
    const real *a = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t i = 0; i < elements(node, rows); i++) {
        const real whole = rint(a[i] / scale);
        y[i] = scale * (whole < low ? low : whole > high ? high : whole);
    }
    return FPC_OK;
}

/* concat(a, b, ...) -> y along c */
static fpc_status concat(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const int64_t total = node->out[0].shape.c;
    real *y = node->out[0].data;
    int64_t at = 0;
    for (int32_t k = 0; k < node->n_in; k++) {
        const int64_t n = node->in[k].shape.c;
        for (int64_t r = 0; r < rows.count; r++)
            memcpy(y + r * total + at, (const real *)node->in[k].data + r * n, (size_t)n * sizeof *y);
        at += n;
    }
    return FPC_OK;
}

/* slice(x) -> y: channels [first, first + count) */
static fpc_status slice(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_slice_attr *a = node->attr;
    const int64_t from = node->in[0].shape.c;
    const real *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++)
        memcpy(y + r * a->count, x + r * from + a->first, (size_t)a->count * sizeof *y);
    return FPC_OK;
}

/* slice_grad(dy) -> dx: zeros outside of the slice */
static fpc_status slice_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_slice_attr *a = node->attr;
    const int64_t total = node->out[0].shape.c;
    const real *dy = node->in[0].data;
    real *dx = node->out[0].data;
    memset(dx, 0, (size_t)(rows.count * total) * sizeof *dx);
    for (int64_t r = 0; r < rows.count; r++)
        memcpy(dx + r * total + a->first, dy + r * a->count, (size_t)a->count * sizeof *dx);
    return FPC_OK;
}

/* dropout(x, clock) -> y; rng.h says which elements are kept. Its own gradient, with the same clock. */
static fpc_status dropout(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_dropout_attr *a = node->attr;
    const fpc_shape s = node->in[0].shape;
    const real *x = node->in[0].data, scale = (real)fpc_drop_scale(a->p);
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const int64_t row = a->per_channel ? (rows.first + r) / image_rows(s) : rows.first + r;
        for (int64_t c = 0; c < s.c; c++)
            y[r * s.c + c] = drop_keeps(&node->in[1], a->stream, a->p, row, c) ? x[r * s.c + c] * scale : 0;
    }
    return FPC_OK;
}

static inline double number(const fpc_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FPC_BF16:
        return (double)fpc_bf16_to_float(((const uint16_t *)t->data)[i]);
    case FPC_F16:
        return (double)fpc_f16_to_float(((const uint16_t *)t->data)[i]);
    case FPC_F32:
        return (double)((const float *)t->data)[i];
    default:
        return ((const double *)t->data)[i];
    }
}

/* cast(x) -> y and narrow(y, x) -> y: between float, double, bf16 and fp16. (Double to half goes by way of float.) */
static fpc_status cast(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_tensor *y = &node->out[0];
    for (int64_t i = 0; i < elements(node, rows); i++) {
        const double v = number(&node->in[node->n_in - 1], i);
        if (y->dtype == FPC_F64)
            ((double *)y->data)[i] = v;
        else if (y->dtype == FPC_F32)
            ((float *)y->data)[i] = (float)v;
        else
            ((uint16_t *)y->data)[i] = y->dtype == FPC_BF16 ? fpc_float_to_bf16((float)v) : fpc_float_to_f16((float)v);
    }
    return FPC_OK;
}

/* combine(weights, x0, x1, ...) -> y: y = sum_i weights[i] x_i, all scalars */
static fpc_status combine(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const real *w = node->in[0].data;
    double sum = 0;
    for (int32_t i = 1; i < node->n_in; i++)
        sum += (double)w[i - 1] * (double)*(const real *)node->in[i].data;
    *(real *)node->out[0].data = (real)sum;
    return FPC_OK;
}

/* combine_grad(weights, dy) -> d: d[i] = weights[i] dy */
static fpc_status combine_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const real *w = node->in[0].data, dy = *(const real *)node->in[1].data;
    real *d = node->out[0].data;
    for (int64_t i = 0; i < fpc_count(node->in[0].shape); i++)
        d[i] = w[i] * dy;
    return FPC_OK;
}

const fpc_kernel REF_TABLE(pointwise)[] = {REF_ROW(gelu),
                                           REF_ROW(relu),
                                           REF_ROW(sigmoid),
                                           REF_ROW(gelu_grad),
                                           REF_ROW(relu_grad),
                                           REF_ROW(sigmoid_grad),
                                           REF_ROW(add),
                                           REF_ROW(mul),
                                           REF_ROW(add_bcast),
                                           REF_ROW(mul_bcast),
                                           REF_ROW(concat),
                                           REF_ROW(slice),
                                           REF_ROW(slice_grad),
                                           REF_ROW(dropout),
                                           REF_ROW(copy),
                                           REF_ROW(fake_quantize),
                                           REF_ROW(cast),
                                           {.size = sizeof(fpc_kernel),
                                            .flags = FPC_KERNEL_DETERMINISTIC,
                                            .dtypes = FPC_DTYPE_BIT(REF_DTYPE),
                                            .op = "narrow",
                                            .name = "narrow.ref",
                                            .run = cast},
                                           REF_ROW(combine),
                                           REF_ROW(combine_grad),
                                           {0}};
