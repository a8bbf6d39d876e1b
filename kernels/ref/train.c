/* train.c (reference): clipping and optimizers, on flat buffers (1,1,rows,256), in place: output i is input i.
 * Factors that hold for the whole step are made in double and rounded once. A step whose `scale` is NaN is skipped: it
 * changes nothing. */
#include "ref.h"

static inline real scalar(const fpc_tensor *t)
{
    return *(const real *)t->data;
}
static inline int64_t elements(const fpc_node *node, fpc_rows rows)
{
    return rows.count * node->in[0].shape.c;
}

/* sum_squares(x) -> s */
static void sum_squares_need(const fpc_node *node, fpc_need *need)
{
    (void)node;
    need->part = sizeof(double);
}

static fpc_status sum_squares(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const real *x = node->in[0].data;
    double *sum = fpc_exec_part(exec, rows.part);
    for (int64_t i = 0; i < elements(node, rows); i++)
        *sum += (double)x[i] * (double)x[i];
    return FPC_OK;
}

static fpc_status sum_squares_end(fpc_exec *exec, const fpc_node *node)
{
    add_parts(exec, 0, 1, node->out[0].data);
    return FPC_OK;
}

/* clip_scale(s[, scaler]) -> scale, norm; scaler[0]: what the gradients were multiplied by */
static fpc_status clip_scale(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const double factor = node->n_in > 1 ? (double)scalar(&node->in[1]) : 1;
    const double max = ((const fpc_clip_attr *)node->attr)->max_norm,
                 norm = sqrt((double)scalar(&node->in[0])) / factor;
    double scale = 1;
    if (!isfinite(norm))
        scale = (double)NAN;
    else if (max > 0 && max / (norm + 1e-6) < 1)
        scale = max / (norm + 1e-6);
    *(real *)node->out[0].data = (real)(scale / factor);
    *(real *)node->out[1].data = (real)norm;
    return FPC_OK;
}

/* scaler(state, norm) -> state: factor, steps since it changed, steps taken, steps skipped */
static fpc_status scaler(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const real *old = node->in[0].data, most = 16777216,
               interval = (real)((const fpc_scaler_attr *)node->attr)->interval;
    const int taken = isfinite(scalar(&node->in[1])), grows = taken && old[1] + 1 >= interval;
    real *state = node->out[0].data, factor = taken ? old[0] : old[0] / 2;
    if (grows)
        factor = 2 * factor < most ? 2 * factor : most;
    state[0] = factor > 1 ? factor : 1;
    state[1] = taken && !grows ? old[1] + 1 : 0;
    state[2] = old[2] + (real)taken;
    state[3] = old[3] + (real)!taken;
    return FPC_OK;
}

/* accumulate(acc, x) -> acc */
static fpc_status accumulate(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const real *old = node->in[0].data, *x = node->in[1].data;
    real *acc = node->out[0].data;
    for (int64_t i = 0; i < elements(node, rows); i++)
        acc[i] = old[i] + x[i];
    return FPC_OK;
}

/* zero(x) -> x */
static fpc_status zero(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    memset(node->out[0].data, 0, (size_t)elements(node, rows) * sizeof(real));
    return FPC_OK;
}

/* The factors of number i: of the rate and of the decay; 1 where the node has none. */
static inline const real *factors(const fpc_node *node, int32_t input, int64_t i)
{
    static const real none[2] = {1, 1};
    return input < node->n_in ? (const real *)node->in[input].data + i / FPC_FLAT_ALIGN * 2 : none;
}

/* adamw(p, m, v, g, scale, lr, t[, factors]) -> p, m, v (Loshchilov and Hutter, 2019); coupled: Adam (Kingma and Ba,
 * 2015) with the decay in the gradient */
static fpc_status adamw(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_adamw_attr *a = node->attr;
    const double lr = (double)scalar(&node->in[5]), t = (double)scalar(&node->in[6]);
    const double bias = 1 - pow(a->beta1, t);
    const real root = (real)sqrt(1 - pow(a->beta2, t)), eps = (real)a->eps, scale = scalar(&node->in[4]);
    const real b1 = (real)a->beta1, b2 = (real)a->beta2, c1 = (real)(1 - a->beta1), c2 = (real)(1 - a->beta2);
    const real *p = node->in[0].data, *m = node->in[1].data, *v = node->in[2].data, *g = node->in[3].data;
    real *new_p = node->out[0].data, *new_m = node->out[1].data, *new_v = node->out[2].data;
    if (isnan(scale))
        return FPC_OK;
    for (int64_t i = 0; i < elements(node, rows); i++) {
        const real *f = factors(node, 7, i);
        const double rate = lr * (double)f[0], loss = a->weight_decay * (double)f[1];
        const real keep = a->coupled ? 1 : (real)(1 - rate * loss), decay = a->coupled ? (real)loss : 0;
        const real grad = g[i] * scale + decay * p[i];
        new_m[i] = b1 * m[i] + c1 * grad;
        new_v[i] = b2 * v[i] + c2 * grad * grad;
        new_p[i] = p[i] * keep - (real)(rate / bias) * (new_m[i] / (sqrt(new_v[i]) / root + eps));
    }
    return FPC_OK;
}

/* sgd(p, m, g, scale, lr, t[, factors]) -> p, m: PyTorch's: the first step starts the momentum buffer with the gradient
 */
static fpc_status sgd(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_sgd_attr *a = node->attr;
    const real momentum = (real)a->momentum, decay = (real)a->weight_decay, fresh = (real)(1 - a->dampening);
    const real scale = scalar(&node->in[3]), lr = scalar(&node->in[4]);
    const int first = scalar(&node->in[5]) <= 1;
    const real *p = node->in[0].data, *m = node->in[1].data, *g = node->in[2].data;
    real *new_p = node->out[0].data, *new_m = node->out[1].data;
    if (isnan(scale))
        return FPC_OK;
    for (int64_t i = 0; i < elements(node, rows); i++) {
        const real *f = factors(node, 6, i);
        real d = g[i] * scale + decay * f[1] * p[i];
        if (momentum != 0) {
            new_m[i] = first ? d : momentum * m[i] + fresh * d;
            d = a->nesterov ? d + momentum * new_m[i] : new_m[i];
        }
        new_p[i] = p[i] - lr * f[0] * d;
    }
    return FPC_OK;
}

/* lion(p, m, g, scale, lr[, factors]) -> p, m (Chen et al., 2023) */
static fpc_status lion(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_lion_attr *a = node->attr;
    const real scale = scalar(&node->in[3]), lr = scalar(&node->in[4]);
    const real b1 = (real)a->beta1, b2 = (real)a->beta2, c1 = (real)(1 - a->beta1), c2 = (real)(1 - a->beta2);
    const real *p = node->in[0].data, *m = node->in[1].data, *g = node->in[2].data;
    real *new_p = node->out[0].data, *new_m = node->out[1].data;
    if (isnan(scale))
        return FPC_OK;
    for (int64_t i = 0; i < elements(node, rows); i++) {
        const real *f = factors(node, 5, i), rate = lr * f[0];
        const real keep = (real)(1 - (double)rate * (a->weight_decay * (double)f[1]));
        const real grad = g[i] * scale, way = b1 * m[i] + c1 * grad;
        new_p[i] = p[i] * keep - (way > 0 ? rate : way < 0 ? -rate : 0 * way); /* NAN stays NAN */
        new_m[i] = b2 * m[i] + c2 * grad;
    }
    return FPC_OK;
}

/* add_scaled(x, y, s) -> x: x += s y */
static fpc_status add_scaled(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const real *old = node->in[0].data, *y = node->in[1].data, s = scalar(&node->in[2]);
    real *x = node->out[0].data;
    for (int64_t i = 0; i < elements(node, rows); i++)
        x[i] = old[i] + s * y[i];
    return FPC_OK;
}

/* ema(avg, p, decay[, scale]) -> avg: avg += (1 - decay) (p - avg) */
static fpc_status ema(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const real *old = node->in[0].data, *p = node->in[1].data, take = 1 - scalar(&node->in[2]);
    real *avg = node->out[0].data;
    if (node->n_in > 3 && isnan(scalar(&node->in[3])))
        return FPC_OK;
    for (int64_t i = 0; i < elements(node, rows); i++)
        avg[i] = old[i] + take * (p[i] - old[i]);
    return FPC_OK;
}

const fpc_kernel REF_TABLE(train)[] = {REF_SUM_ROW(sum_squares),
                                       REF_ROW(clip_scale),
                                       REF_ROW(scaler),
                                       REF_ROW(accumulate),
                                       REF_ROW(zero),
                                       REF_ROW(adamw),
                                       REF_ROW(sgd),
                                       REF_ROW(lion),
                                       REF_ROW(ema),
                                       REF_ROW(add_scaled),
                                       {0}};
