/* norm.c (cpu): layer norm over the channels of a pixel, batch norm over the pixels of a channel, and their gradients.
 *
 * Sums over pixels are taken in single precision over at most SEGMENT rows and then added to doubles. The segments are
 * cut at multiples of SEGMENT of the absolute row, so the sums do not depend on how a plan cuts the rows into tiles. */
#include "parts.h"
#include "simd.h"
#include <math.h>

enum { SEGMENT = 64 };

static int64_t padded(int64_t c)
{
    return (c + VL - 1) / VL * VL;
}

/* ---- two sums over rows for each of c columns, one such block for each part ---- */

struct sums {
    int64_t rows; /* seen so far */
    char pad[56];
    /* double total[2][padded c]; float segment[2][padded c]; float shift[padded c] */
};
static size_t sums_bytes(int64_t c)
{
    return sizeof(struct sums) + (size_t)padded(c) * (2 * sizeof(double) + 3 * sizeof(float));
}
static double *sums_total(struct sums *s)
{
    return (double *)(s + 1);
}
static float *sums_segment(struct sums *s, int64_t c)
{
    return (float *)(sums_total(s) + 2 * padded(c));
}
static float *sums_shift(struct sums *s, int64_t c)
{
    return sums_segment(s, c) + 2 * padded(c);
}

static void sums_flush(void *part, int64_t c)
{
    struct sums *s = part;
    double *total = sums_total(s);
    float *segment = sums_segment(s, c);
    for (int64_t j = 0; j < 2 * padded(c); j++) {
        total[j] += (double)segment[j];
        segment[j] = 0;
    }
}

static void need_sums(const fpc_node *node, fpc_need *need)
{
    need->part = sums_bytes(node->in[0].shape.c);
    need->shared = (size_t)padded(node->in[0].shape.c) * sizeof(float);
}

static void sums_join(void *into, const void *from, int64_t c)
{
    double *a = sums_total(into);
    const double *b = (const double *)((const struct sums *)from + 1);
    for (int64_t j = 0; j < 2 * padded(c); j++)
        a[j] += b[j];
}

/* out[i][j] = total of sum i in column j, times factor[j] in the first */
static void sums_end(fpc_exec *x, int64_t c, float *first, const float *factor, float *second)
{
    const double *total = sums_total(fpc_exec_part(x, 0));
    parts_tree_run(x, sums_flush, sums_join, c);
    for (int64_t j = 0; j < c; j++) {
        first[j] = (float)(factor ? total[j] * (double)factor[j] : total[j]);
        second[j] = (float)total[padded(c) + j];
    }
}

/* What is summed of x and dy, with mean and scale per row or per column:
 * OF_ROWS: dy (x - mean[row]) scale[row] and dy;  OF_COLUMNS: dy (x - mean[column]) and dy;
 * MOMENTS: x - mean[column] and its square. */
enum { OF_ROWS, OF_COLUMNS, MOMENTS };

/* `vectors` columns of vectors side by side, so that the chains of additions overlap. */
FPC_INLINE void sum_block(int what, int vectors, int64_t n, const real *a, const real *dy, const float *mean,
                          const float *scale, int64_t rows, int64_t c, float *first, float *second)
{
    vf s[4], t[4], m[4];
    for (int k = 0; k < vectors; k++) {
        s[k] = vf_load(first + k * VL);
        t[k] = vf_load(second + k * VL);
        m[k] = what == OF_ROWS ? vf_set(0) : vf_get(mean + k * VL, n);
    }
    for (int64_t row = 0; row < rows; row++)
        for (int k = 0; k < vectors; k++) {
            const vf v = vr_get(a + row * c + k * VL, n);
            if (what == MOMENTS) {
                const vf d = v - m[k];
                s[k] += d;
                t[k] += d * d;
            } else {
                const vf u = vr_get(dy + row * c + k * VL, n);
                const vf d = what == OF_ROWS ? (v - mean[row]) * scale[row] : v - m[k];
                s[k] += u * d;
                t[k] += u;
            }
        }
    for (int k = 0; k < vectors; k++) {
        vf_store(first + k * VL, s[k]);
        vf_store(second + k * VL, t[k]);
    }
}

FPC_INLINE void sum_columns(int what, struct sums *s, fpc_rows rows, int64_t c, const real *a, const real *dy,
                            const float *mean, const float *scale)
{
    float *first = sums_segment(s, c), *second = first + padded(c);
    s->rows += rows.count;
    for (int64_t row = 0, n; row < rows.count; row += n) {
        n = SEGMENT - (rows.first + row) % SEGMENT;
        n = n < rows.count - row ? n : rows.count - row;
        const real *x = a + row * c, *y = dy + row * c;
        const float *m = what == OF_ROWS ? mean + row : mean, *r = what == OF_ROWS ? scale + row : NULL;
        int64_t j = 0;
        for (; j + 4 * VL <= c; j += 4 * VL)
            sum_block(what, 4, VL, x + j, y + j, what == OF_ROWS ? m : m + j, r, n, c, first + j, second + j);
        for (; j + VL <= c; j += VL)
            sum_block(what, 1, VL, x + j, y + j, what == OF_ROWS ? m : m + j, r, n, c, first + j, second + j);
        if (j < c)
            sum_block(what, 1, c - j, x + j, y + j, what == OF_ROWS ? m : m + j, r, n, c, first + j, second + j);
        if ((rows.first + row + n) % SEGMENT == 0)
            sums_flush(s, c);
    }
}

/* ---- layer norm ---- */

struct normalised {
    const real *x;
    const float *g, *b;
    real *y;
    float *mean, *rstd, eps;
};

enum { ABREAST = 4 }; /* rows whose sums across lanes are taken together */

/* Up to ABREAST rows. */
FPC_INLINE void layer_norm_abreast(struct normalised t, int64_t row, int rows, int64_t c)
{
    const real *a = t.x + row * c;
    real *y = t.y + row * c;
    const float inverse = 1.0f / (float)c;
    float near[ABREAST] = {0}, off[ABREAST], square[ABREAST]; /* near: the mean, but for rounding */
    vf s[ABREAST] = {0}, u[ABREAST] = {0};

    for (int r = 0; r < rows; r++)
        for (FPC_COLUMNS(j, n, c))
            s[r] += vr_get(a + r * c + j, n);
    vf_sum_four(s[0], s[1], s[2], s[3], near);
    for (int r = 0; r < rows; r++) {
        near[r] *= inverse;
        s[r] = (vf){0};
        for (FPC_COLUMNS(j, n, c)) {
            const vf v = vr_get(a + r * c + j, n) - near[r], d = n == VL ? v : vf_first(v, n);
            s[r] += d;
            u[r] += d * d;
        }
    }
    vf_sum_four(s[0], s[1], s[2], s[3], off);
    vf_sum_four(u[0], u[1], u[2], u[3], square);
    for (int r = 0; r < rows; r++) {
        const float rest = off[r] * inverse, rstd = 1.0f / sqrtf(square[r] * inverse - rest * rest + t.eps);
        const vf by = vf_set(rstd), shift = vf_set(-rest * rstd);
        for (FPC_COLUMNS(j, n, c)) {
            const vf hat = vf_fma(vr_get(a + r * c + j, n) - near[r], by, shift);
            vr_put(y + r * c + j, vf_fma(hat, vf_get(t.g + j, n), vf_get(t.b + j, n)), n);
        }
        t.mean[row + r] = near[r] + rest;
        t.rstd[row + r] = rstd;
    }
}

FPC_INLINE void layer_norm_rows(struct normalised t, int64_t rows, int64_t c)
{
    int64_t row = 0;
    for (; row + ABREAST <= rows; row += ABREAST)
        layer_norm_abreast(t, row, ABREAST, c);
    for (; row < rows; row++)
        layer_norm_abreast(t, row, 1, c);
}

/* With the width known, the loops over a row unroll and the row stays in registers. */
static void layer_norm_widths(struct normalised t, int64_t rows, int64_t c)
{
    switch (c) {
    case 32:
        layer_norm_rows(t, rows, 32);
        break;
    case 64:
        layer_norm_rows(t, rows, 64);
        break;
    case 128:
        layer_norm_rows(t, rows, 128);
        break;
    default:
        layer_norm_rows(t, rows, c);
    }
}

static fpc_status run_layer_norm(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const struct normalised t = {node->in[0].data,
                                 node->in[1].data,
                                 node->in[2].data,
                                 node->out[0].data,
                                 node->out[1].data,
                                 node->out[2].data,
                                 ((const fpc_norm_attr *)node->attr)->eps};
    layer_norm_widths(t, rows.count, node->in[0].shape.c);
    return FPC_OK;
}

/* The tile's sums first, which y may not overwrite: y may lie where a or b does. */
static fpc_status run_add_layer_norm(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t c = node->in[0].shape.c;
    const real *a = node->in[0].data, *b = node->in[1].data;
    real *sum = node->out[0].data;
    const struct normalised t = {sum,
                                 node->in[2].data,
                                 node->in[3].data,
                                 node->out[1].data,
                                 node->out[2].data,
                                 node->out[3].data,
                                 ((const fpc_norm_attr *)node->attr)->eps};
    for (FPC_COLUMNS(j, n, rows.count * c))
        vr_put(sum + j, vr_get(a + j, n) + vr_get(b + j, n), n);
    layer_norm_widths(t, rows.count, c);
    return FPC_OK;
}

/* Up to ABREAST rows. plus: added to dx; NULL: nothing */
FPC_INLINE void layer_norm_grad_abreast(const fpc_node *node, const real *plus, int64_t row, int rows, int64_t c)
{
    const real *a = (const real *)node->in[0].data + row * c, *dy = (const real *)node->in[4].data + row * c;
    const float *g = node->in[1].data, *m = (const float *)node->in[2].data + row,
                *rstd = (const float *)node->in[3].data + row;
    real *dx = (real *)node->out[0].data + row * c;
    const float inverse = 1.0f / (float)c;
    float all[ABREAST], along[ABREAST];
    vf s[ABREAST] = {0}, t[ABREAST] = {0};

    for (int r = 0; r < rows; r++)
        for (FPC_COLUMNS(j, n, c)) {
            const vf u = vf_get(g + j, n) * vr_get(dy + r * c + j, n); /* 0 behind the last column */
            s[r] += u;
            t[r] += u * ((vr_get(a + r * c + j, n) - m[r]) * rstd[r]);
        }
    vf_sum_four(s[0], s[1], s[2], s[3], all);
    vf_sum_four(t[0], t[1], t[2], t[3], along);
    for (int r = 0; r < rows; r++) {
        const float mean = all[r] * inverse, slope = along[r] * inverse;
        for (FPC_COLUMNS(j, n, c)) {
            const vf u = vf_get(g + j, n) * vr_get(dy + r * c + j, n);
            const vf hat = (vr_get(a + r * c + j, n) - m[r]) * rstd[r];
            vf d = rstd[r] * (u - mean - hat * slope);
            if (plus)
                d += vr_get(plus + (row + r) * c + j, n);
            vr_put(dx + r * c + j, d, n);
        }
    }
}

FPC_INLINE void layer_norm_grad_rows(const fpc_node *node, const real *plus, int64_t rows, int64_t c)
{
    int64_t row = 0;
    for (; row + ABREAST <= rows; row += ABREAST)
        layer_norm_grad_abreast(node, plus, row, ABREAST, c);
    for (; row < rows; row++)
        layer_norm_grad_abreast(node, plus, row, 1, c);
}

static fpc_status run_layer_norm_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t c = node->in[0].shape.c;
    const real *plus = node->n_in > 5 ? node->in[5].data : NULL;
    /* sums first: dx may lie where dy does */
    sum_columns(OF_ROWS, fpc_exec_part(x, rows.part), rows, c, node->in[0].data, node->in[4].data, node->in[2].data,
                node->in[3].data);
    switch (c) {
    case 32:
        layer_norm_grad_rows(node, plus, rows.count, 32);
        break;
    case 64:
        layer_norm_grad_rows(node, plus, rows.count, 64);
        break;
    case 128:
        layer_norm_grad_rows(node, plus, rows.count, 128);
        break;
    default:
        layer_norm_grad_rows(node, plus, rows.count, c);
    }
    return FPC_OK;
}

static fpc_status end_layer_norm_grad(fpc_exec *x, const fpc_node *node)
{
    sums_end(x, node->in[0].shape.c, node->out[1].data, NULL, node->out[2].data);
    return FPC_OK;
}

/* ---- batch norm ---- */

/* Sums of x - shift and of its square, where shift is the part's first row: no cancellation for data with a large mean.
 * The parts are merged by the pairwise rule of Chan, Golub and LeVeque (1983). */
static fpc_status run_batch_stats(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t c = node->in[0].shape.c;
    struct sums *s = fpc_exec_part(x, rows.part);
    if (s->rows == 0 && rows.count > 0)
        for (FPC_COLUMNS(j, n, c))
            vf_put(sums_shift(s, c) + j, vr_get((const real *)node->in[0].data + j, n), n);
    sum_columns(MOMENTS, s, rows, c, node->in[0].data, node->in[0].data, sums_shift(s, c), NULL);
    return FPC_OK;
}

/* From the two sums to the mean and the sum of squares about it. */
static void moments_of_part(void *part, int64_t c)
{
    struct sums *s = part;
    double *mean = sums_total(s), *squares = mean + padded(c);
    const double n = (double)s->rows;
    sums_flush(s, c);
    for (int64_t j = 0; j < c && s->rows > 0; j++) {
        const double first = mean[j];
        mean[j] = (double)sums_shift(s, c)[j] + first / n;
        squares[j] -= first * first / n;
    }
}

static void moments_join(void *into, const void *from, int64_t c)
{
    struct sums *a = into;
    const struct sums *b = from;
    double *mean = sums_total(a), *squares = mean + padded(c);
    const double *other = (const double *)(b + 1), *other_squares = other + padded(c);
    const double n = (double)b->rows, count = (double)(a->rows + b->rows);
    for (int64_t j = 0; j < c && b->rows > 0; j++) {
        const double delta = other[j] - mean[j];
        squares[j] += other_squares[j] + delta * delta * (double)a->rows * n / count;
        mean[j] += delta * n / count;
    }
    a->rows += b->rows;
}

static fpc_status end_batch_stats(fpc_exec *x, const fpc_node *node)
{
    const int64_t c = node->in[0].shape.c;
    struct sums *all = fpc_exec_part(x, 0);
    const double *mean = sums_total(all), *squares = mean + padded(c);
    float *out_mean = node->out[0].data, *out_var = node->out[1].data;
    parts_tree_run(x, moments_of_part, moments_join, c);
    for (int64_t j = 0; j < c; j++) {
        out_mean[j] = (float)mean[j];
        out_var[j] = (float)(all->rows > 0 && squares[j] > 0 ? squares[j] / (double)all->rows : squares[j]);
    }
    return FPC_OK;
}

static void need_columns(const fpc_node *node, fpc_need *need)
{
    need->shared = 4 * (size_t)padded(node->in[0].shape.c) * sizeof(float);
}

static float rstd_of(const fpc_node *node, const fpc_tensor *var, int64_t j)
{
    return 1.0f / sqrtf(((const float *)var->data)[j] + ((const fpc_norm_attr *)node->attr)->eps);
}

static fpc_status begin_batch_norm(fpc_exec *x, const fpc_node *node)
{
    float *scale = fpc_exec_shared(x);
    for (int64_t j = 0; j < node->in[0].shape.c; j++)
        scale[j] = rstd_of(node, &node->in[4], j) * ((const float *)node->in[1].data)[j];
    return FPC_OK;
}

static fpc_status run_batch_norm(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t c = node->in[0].shape.c;
    const real *a = node->in[0].data;
    const float *b = node->in[2].data, *mean = node->in[3].data, *scale = fpc_exec_shared(x);
    real *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++, a += c, y += c)
        for (FPC_COLUMNS(j, n, c))
            vr_put(y + j, (vr_get(a + j, n) - vf_get(mean + j, n)) * vf_get(scale + j, n) + vf_get(b + j, n), n);
    return FPC_OK;
}

static fpc_status run_batch_norm_sums(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    sum_columns(OF_COLUMNS, fpc_exec_part(x, rows.part), rows, node->in[0].shape.c, node->in[0].data, node->in[3].data,
                node->in[1].data, NULL);
    return FPC_OK;
}

static fpc_status end_batch_norm_sums(fpc_exec *x, const fpc_node *node)
{
    float *rstd = fpc_exec_shared(x);
    for (int64_t j = 0; j < node->in[0].shape.c; j++)
        rstd[j] = rstd_of(node, &node->in[2], j);
    sums_end(x, node->in[0].shape.c, node->out[0].data, rstd, node->out[1].data);
    return FPC_OK;
}

/* dx = g rstd (dy - db/rows - (x - mean) rstd dg/rows): three numbers for each column, made once. */
static fpc_status begin_batch_norm_grad(fpc_exec *x, const fpc_node *node)
{
    const int64_t c = node->in[0].shape.c, p = padded(c);
    const float *g = node->in[1].data, *dg = node->in[4].data, *db = node->in[5].data;
    const double rows = (double)fpc_rows_of(node->in[0].shape);
    float *k = fpc_exec_shared(x);
    for (int64_t j = 0; j < c; j++) {
        const float rstd = rstd_of(node, &node->in[3], j);
        k[j] = g[j] * rstd;
        k[p + j] = (float)((double)db[j] / rows);
        k[2 * p + j] = (float)((double)rstd * (double)dg[j] / rows);
    }
    return FPC_OK;
}

static fpc_status run_batch_norm_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t c = node->in[0].shape.c, p = padded(c);
    const real *a = node->in[0].data, *dy = node->in[6].data;
    const float *mean = node->in[2].data, *k = fpc_exec_shared(x);
    real *dx = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++, a += c, dy += c, dx += c)
        for (FPC_COLUMNS(j, n, c)) {
            const vf off = vr_get(a + j, n) - vf_get(mean + j, n);
            const vf d = vr_get(dy + j, n) - vf_get(k + p + j, n) - off * vf_get(k + 2 * p + j, n);
            vr_put(dx + j, vf_get(k + j, n) * d, n);
        }
    return FPC_OK;
}

#ifndef FPC_HALF
static fpc_status run_running_stats(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x, (void)rows;
    const fpc_norm_attr *attr = node->attr;
    float *run_mean = node->out[0].data, *run_var = node->out[1].data;
    int64_t *batches = node->out[2].data;
    const float *mean = node->in[3].data, *var = node->in[4].data;
    const double unbias = attr->rows > 1 ? (double)attr->rows / (double)(attr->rows - 1) : 1;
    for (int64_t j = 0; j < fpc_count(node->out[0].shape); j++) {
        if (!isfinite(mean[j]) || !isfinite(var[j]))
            continue;
        run_mean[j] += attr->momentum * (mean[j] - run_mean[j]);
        run_var[j] += attr->momentum * ((float)((double)var[j] * unbias) - run_var[j]);
    }
    *batches += 1;
    return FPC_OK;
}
#endif

const fpc_kernel FPC_CPU_TABLE(norm)[] = {
    FPC_CPU_ROW(layer_norm, .run = run_layer_norm),
    FPC_CPU_ROW(add_layer_norm, .run = run_add_layer_norm),
    FPC_CPU_ROW(batch_norm, .need = need_columns, .begin = begin_batch_norm, .run = run_batch_norm),
    {.op = NULL},
};
const fpc_kernel FPC_CPU_TABLE(norm_grad)[] = {
    FPC_CPU_ROW(layer_norm_grad, .need = need_sums, .run = run_layer_norm_grad, .end = end_layer_norm_grad),
    FPC_CPU_ROW(batch_stats, .need = need_sums, .run = run_batch_stats, .end = end_batch_stats),
    FPC_CPU_ROW(batch_norm_sums, .need = need_sums, .run = run_batch_norm_sums, .end = end_batch_norm_sums),
    FPC_CPU_ROW(batch_norm_grad, .need = need_columns, .begin = begin_batch_norm_grad, .run = run_batch_norm_grad),
#ifndef FPC_HALF
    FPC_CPU_ROW(running_stats, .run = run_running_stats),
#endif
    {.op = NULL},
};
