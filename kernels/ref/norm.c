/* norm.c (reference): layer norm over the channels of a row, batch norm over the rows of a channel.
 * Variances are biased; statistics add up in double. */
#include "ref.h"

static void normalise(const real *x, const real *g, const real *b, int64_t n, float eps, real *y, real *mean,
                      real *rstd)
{
    double sum = 0, square = 0;
    for (int64_t c = 0; c < n; c++)
        sum += (double)x[c];
    const double mu = sum / (double)n;
    for (int64_t c = 0; c < n; c++)
        square += ((double)x[c] - mu) * ((double)x[c] - mu);
    *mean = (real)mu;
    *rstd = (real)(1 / sqrt(square / (double)n + (double)eps));
    for (int64_t c = 0; c < n; c++)
        y[c] = (x[c] - *mean) * *rstd * g[c] + b[c];
}

/* layer_norm(x, g, b) -> y, mean, rstd */
static fpc_status layer_norm(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_norm_attr *a = node->attr;
    const int64_t n = node->in[0].shape.c;
    const real *x = node->in[0].data, *g = node->in[1].data, *b = node->in[2].data;
    real *y = node->out[0].data, *mean = node->out[1].data, *rstd = node->out[2].data;
    for (int64_t r = 0; r < rows.count; r++, x += n, y += n)
        normalise(x, g, b, n, a->eps, y, mean + r, rstd + r);
    return FPC_OK;
}

/* add_layer_norm(a, b, g, beta) -> sum, y, mean, rstd */
static fpc_status add_layer_norm(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_norm_attr *attr = node->attr;
    const int64_t n = node->in[0].shape.c;
    const real *a = node->in[0].data, *b = node->in[1].data, *g = node->in[2].data, *beta = node->in[3].data;
    real *sum = node->out[0].data, *y = node->out[1].data, *mean = node->out[2].data, *rstd = node->out[3].data;
    for (int64_t r = 0; r < rows.count; r++, a += n, b += n, sum += n, y += n) {
        for (int64_t c = 0; c < n; c++)
            sum[c] = a[c] + b[c];
        normalise(sum, g, beta, n, attr->eps, y, mean + r, rstd + r);
    }
    return FPC_OK;
}

/* layer_norm_grad(x, g, mean, rstd, dy[, r]) -> dx, dg, db. With xhat = (x - mean) rstd and d = dy g:
 * dx = rstd (d - mean(d) - xhat mean(d xhat)) + r. A part's slot holds dg, then db. */
static void layer_norm_grad_need(const fpc_node *node, fpc_need *need)
{
    need->part = 2 * (size_t)node->in[0].shape.c * sizeof(double);
}

static fpc_status layer_norm_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int64_t n = node->in[0].shape.c;
    const real *x = node->in[0].data, *g = node->in[1].data, *mean = node->in[2].data, *rstd = node->in[3].data;
    const real *dy = node->in[4].data, *plus = node->n_in > 5 ? node->in[5].data : NULL;
    real *dx = node->out[0].data;
    double *dg = fpc_exec_part(exec, rows.part), *db = dg + n;
    for (int64_t r = 0; r < rows.count; r++, x += n, dy += n, dx += n) {
        double sum = 0, sum_xhat = 0;
        for (int64_t c = 0; c < n; c++) {
            const real xhat = (x[c] - mean[r]) * rstd[r];
            sum += (double)(dy[c] * g[c]);
            sum_xhat += (double)(dy[c] * g[c] * xhat);
            dg[c] += (double)(dy[c] * xhat);
            db[c] += (double)dy[c];
        }
        const real m = (real)(sum / (double)n), m_xhat = (real)(sum_xhat / (double)n);
        for (int64_t c = 0; c < n; c++)
            dx[c] = rstd[r] * (dy[c] * g[c] - m - (x[c] - mean[r]) * rstd[r] * m_xhat) + (plus ? plus[r * n + c] : 0);
    }
    return FPC_OK;
}

static fpc_status layer_norm_grad_end(fpc_exec *exec, const fpc_node *node)
{
    const int64_t n = node->in[0].shape.c;
    add_parts(exec, 0, n, node->out[1].data);
    add_parts(exec, n, n, node->out[2].data);
    return FPC_OK;
}

/* batch_stats(x) -> mean, var. A part's slot holds its number of rows, means, and sums of squared differences from
 * them (Welford); batch_stats_end joins the parts (Chan et al., 1979). */
static void batch_stats_need(const fpc_node *node, fpc_need *need)
{
    need->part = (1 + 2 * (size_t)node->in[0].shape.c) * sizeof(double);
}

static fpc_status batch_stats(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int64_t n = node->in[0].shape.c;
    const real *x = node->in[0].data;
    double *count = fpc_exec_part(exec, rows.part), *mean = count + 1, *square = mean + n;
    for (int64_t r = 0; r < rows.count; r++, x += n) {
        *count += 1;
        for (int64_t c = 0; c < n; c++) {
            const double off = (double)x[c] - mean[c];
            mean[c] += off / *count;
            square[c] += off * ((double)x[c] - mean[c]);
        }
    }
    return FPC_OK;
}

static fpc_status batch_stats_end(fpc_exec *exec, const fpc_node *node)
{
    const int64_t n = node->in[0].shape.c;
    real *mean = node->out[0].data, *var = node->out[1].data;
    for (int64_t c = 0; c < n; c++) {
        double count = 0, mu = 0, square = 0;
        for (int32_t p = 0; p < fpc_exec_parts(exec); p++) {
            const double *part = fpc_exec_part(exec, p);
            if (part[0] == 0)
                continue;
            const double off = part[1 + c] - mu, both = count + part[0];
            mu += off * part[0] / both;
            square += part[1 + n + c] + off * off * count * part[0] / both;
            count = both;
        }
        mean[c] = (real)mu;
        var[c] = count > 0 ? (real)(square / count) : 0;
    }
    return FPC_OK;
}

static inline real rstd_of(const fpc_node *node, const real *var, int64_t c)
{
    return (real)(1 / sqrt((double)var[c] + (double)((const fpc_norm_attr *)node->attr)->eps));
}

/* batch_norm(x, g, b, mean, var) -> y */
static fpc_status batch_norm(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const int64_t n = node->in[0].shape.c;
    const real *x = node->in[0].data, *g = node->in[1].data, *b = node->in[2].data;
    const real *mean = node->in[3].data, *var = node->in[4].data;
    real *y = node->out[0].data;
    for (int64_t c = 0; c < n; c++) {
        const real rstd = rstd_of(node, var, c);
        for (int64_t r = 0; r < rows.count; r++)
            y[r * n + c] = (x[r * n + c] - mean[c]) * rstd * g[c] + b[c];
    }
    return FPC_OK;
}

/* batch_norm_sums(x, mean, var, dy) -> dg, db: dg = sum_r dy xhat, db = sum_r dy. Slot: dg, then db. */
static void batch_norm_sums_need(const fpc_node *node, fpc_need *need)
{
    need->part = 2 * (size_t)node->in[0].shape.c * sizeof(double);
}

static fpc_status batch_norm_sums(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int64_t n = node->in[0].shape.c;
    const real *x = node->in[0].data, *mean = node->in[1].data, *var = node->in[2].data, *dy = node->in[3].data;
    double *dg = fpc_exec_part(exec, rows.part), *db = dg + n;
    for (int64_t c = 0; c < n; c++) {
        const real rstd = rstd_of(node, var, c);
        for (int64_t r = 0; r < rows.count; r++) {
            dg[c] += (double)(dy[r * n + c] * ((x[r * n + c] - mean[c]) * rstd));
            db[c] += (double)dy[r * n + c];
        }
    }
    return FPC_OK;
}

static fpc_status batch_norm_sums_end(fpc_exec *exec, const fpc_node *node)
{
    const int64_t n = node->in[0].shape.c;
    add_parts(exec, 0, n, node->out[0].data);
    add_parts(exec, n, n, node->out[1].data);
    return FPC_OK;
}

/* batch_norm_grad(x, g, mean, var, dg, db, dy) -> dx: through the batch statistics,
 * dx = g rstd (dy - db/rows - xhat dg/rows) */
static fpc_status batch_norm_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const int64_t n = node->in[0].shape.c;
    const double all = (double)fpc_rows_of(node->in[0].shape);
    const real *x = node->in[0].data, *g = node->in[1].data, *mean = node->in[2].data, *var = node->in[3].data;
    const real *dg = node->in[4].data, *db = node->in[5].data, *dy = node->in[6].data;
    real *dx = node->out[0].data;
    for (int64_t c = 0; c < n; c++) {
        const real rstd = rstd_of(node, var, c), mean_dg = (real)((double)dg[c] / all);
        const real mean_db = (real)((double)db[c] / all);
        for (int64_t r = 0; r < rows.count; r++) {
            const real xhat = (x[r * n + c] - mean[c]) * rstd;
            dx[r * n + c] = g[c] * rstd * (dy[r * n + c] - mean_db - xhat * mean_dg);
        }
    }
    return FPC_OK;
}

/* running_stats(run_mean, run_var, batches, mean, var), in place; the running variance is the unbiased one. A channel
 * whose statistics are not finite (fp16 that ran over) keeps the old ones. */
static fpc_status running_stats(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const fpc_norm_attr *a = node->attr;
    const real *old_mean = node->in[0].data, *old_var = node->in[1].data, momentum = (real)a->momentum;
    const int64_t *batches = node->in[2].data;
    const real *mean = node->in[3].data, *var = node->in[4].data;
    const real unbias = a->rows > 1 ? (real)((double)a->rows / (double)(a->rows - 1)) : 1;
    real *run_mean = node->out[0].data, *run_var = node->out[1].data;
    for (int64_t c = 0; c < node->in[0].shape.c; c++) {
        const int fine = isfinite(mean[c]) && isfinite(var[c]);
        run_mean[c] = fine ? old_mean[c] + momentum * (mean[c] - old_mean[c]) : old_mean[c];
        run_var[c] = fine ? old_var[c] + momentum * (var[c] * unbias - old_var[c]) : old_var[c];
    }
    *(int64_t *)node->out[2].data = *batches + 1;
    return FPC_OK;
}

const fpc_kernel REF_TABLE(norm)[] = {
    REF_ROW(layer_norm),      REF_SUM_ROW(layer_norm_grad), REF_ROW(add_layer_norm),
    REF_SUM_ROW(batch_stats), REF_ROW(batch_norm),          REF_SUM_ROW(batch_norm_sums),
    REF_ROW(batch_norm_grad), REF_ROW(running_stats),       {0}};
