/* ref.h: what the reference kernels share. Each kernels/ref/FAMILY.c is compiled twice, with -DFPC_REAL=float and
 * -DFPC_REAL=double, and exports one table, fpc_ref_FAMILY_f32 or fpc_ref_FAMILY_f64, that ends with op NULL.
 *
 * These loops are the meaning of the ops: the double tables are the truth that every other backend is tested against,
 * so they are written to be read. Products within a row add up in real; sums over rows add up in double, in one slot
 * per part of the rows. <tgmath.h> picks expf or exp. */
#ifndef KERNELS_REF_H
#define KERNELS_REF_H

#include <fpcore/ops.h>
#include <fpcore/rng.h>
#include <string.h>
#include <tgmath.h>

typedef FPC_REAL real;

#define REF_SUFFIX_float f32
#define REF_SUFFIX_double f64
#define REF_DTYPE_float FPC_F32
#define REF_DTYPE_double FPC_F64
#define REF_JOIN_(a, b) a##b
#define REF_JOIN(a, b) REF_JOIN_(a, b)
#define REF_DTYPE REF_JOIN(REF_DTYPE_, FPC_REAL)
#define REF_SUFFIX REF_JOIN(REF_SUFFIX_, FPC_REAL)

/* REF_TABLE(linear) names fpc_ref_linear_f32 or _f64. */
#define REF_TABLE(family) REF_JOIN(fpc_ref_##family##_, REF_SUFFIX)

/* A row of a table: the function that runs an op has the op's name. */
#define REF_ROW(op_, ...)                                                                                              \
    {                                                                                                                  \
        .size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC, .dtypes = FPC_DTYPE_BIT(REF_DTYPE), .op = #op_, \
        .name = #op_ ".ref", .run = op_, __VA_ARGS__                                                                   \
    }
/* An op that sums over rows: op_need says how many doubles a part adds up, op_end adds the parts. */
#define REF_SUM_ROW(op_) REF_ROW(op_, .need = op_##_need, .end = op_##_end)

extern const fpc_kernel REF_TABLE(linear)[], REF_TABLE(conv)[], REF_TABLE(norm)[], REF_TABLE(attention)[],
    REF_TABLE(pointwise)[], REF_TABLE(resize)[], REF_TABLE(image)[], REF_TABLE(image_colour)[],
    REF_TABLE(image_filter)[], REF_TABLE(image_jpeg)[], REF_TABLE(image_mix)[], REF_TABLE(loss)[],
    REF_TABLE(loss_pixel)[], REF_TABLE(loss_distance)[], REF_TABLE(train)[];

static inline int64_t image_rows(fpc_shape s)
{
    return (int64_t)s.h * s.w;
}

/* Where a row lies: image, line and column. */
typedef struct place {
    int32_t n, y, x;
} place;
static inline place place_of(fpc_shape s, int64_t row)
{
    const int64_t in_image = row % image_rows(s);
    return (place){(int32_t)(row / image_rows(s)), (int32_t)(in_image / s.w), (int32_t)(in_image % s.w)};
}
static inline int64_t row_of(fpc_shape s, int64_t n, int64_t y, int64_t x)
{
    return (n * s.h + y) * s.w + x;
}

static inline real clamp01(real v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* out[i] = sum over the parts of the double at from + i of each part's slot. */
static inline void add_parts(const fpc_exec *x, int64_t from, int64_t n, real *out)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int32_t p = 0; p < fpc_exec_parts(x); p++)
            sum += ((const double *)fpc_exec_part(x, p))[from + i];
        out[i] = (real)sum;
    }
}

/* One output position of a bilinear resize along one axis: value = w0 in[i0] + w1 in[i1]. */
typedef struct tap {
    int32_t i0, i1;
    real w0, w1;
} tap;
static inline tap tap_of(int32_t dst, int32_t in, int32_t out, int align_corners)
{
    double src = align_corners ? (out > 1 ? (double)dst * (double)(in - 1) / (double)(out - 1) : 0)
                               : ((double)dst + 0.5) * ((double)in / (double)out) - 0.5;
    if (src < 0)
        src = 0;
    int32_t i0 = (int32_t)src;
    if (i0 > in - 1)
        i0 = in - 1;
    const real w1 = (real)(src - (double)i0);
    return (tap){i0, i0 + 1 < in ? i0 + 1 : in - 1, (real)1 - w1, w1};
}

/* Clock of random ops: seed low, seed high, step. */
static inline fpc_u32x4 draw_words(const fpc_tensor *clock, uint32_t a, uint32_t b, uint32_t stream)
{
    const uint32_t *t = clock->data;
    return fpc_philox4x32(t[0], t[1], a, b, t[2], stream);
}
static inline int drop_keeps(const fpc_tensor *clock, uint32_t stream, float p, int64_t row, int64_t j)
{
    const fpc_u32x4 u = draw_words(clock, (uint32_t)(j / 8), (uint32_t)row, stream);
    return fpc_half(u, (uint32_t)(j % 8)) >= fpc_drop_threshold(p);
}

#endif
