/* train.c (cpu): the optimizer's ops, on flat buffers (1,1,rows,256): each is one pass over the memory. Bias
 * corrections and the like are computed in double once per call, the update itself in float, in PyTorch's order of
 * operations. A step whose `scale` is NaN is skipped. */
#include "parts.h"
#include "simd.h"
#include <math.h>

enum { CHAINS = 4 }; /* independent sums per part: hides the addition's latency */
struct squares {
    vd low[CHAINS], high[CHAINS];
};

static void need_sum_squares(const fpc_node *node, fpc_need *need)
{
    (void)node;
    need->part = sizeof(struct squares);
}

/* Column j always goes to chain j / VL % CHAINS, so that the sum does not depend on how the rows are cut. */
static fpc_status run_sum_squares(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t c = node->in[0].shape.c;
    const float *a = node->in[0].data;
    struct squares *part = fpc_exec_part(x, rows.part), s = *part;
    for (int64_t row = 0; row < rows.count; row++, a += c) {
        int64_t j = 0;
        for (; j + CHAINS * VL <= c; j += CHAINS * VL)
            for (int k = 0; k < CHAINS; k++) {
                const vf v = vf_load(a + j + k * VL);
                const vd low = vd_low(v), high = vd_high(v);
                s.low[k] += low * low;
                s.high[k] += high * high;
            }
        for (int k = 0; j < c; j += VL, k++) {
            const vf v = vf_load_n(a + j, c - j < VL ? c - j : VL);
            const vd low = vd_low(v), high = vd_high(v);
            s.low[k] += low * low;
            s.high[k] += high * high;
        }
    }
    *part = s;
    return FPC_OK;
}

static void squares_join(void *into, const void *from, int64_t width)
{
    struct squares *a = into;
    const struct squares *b = from;
    (void)width;
    for (int k = 0; k < CHAINS; k++) {
        a->low[k] += b->low[k];
        a->high[k] += b->high[k];
    }
}

static fpc_status end_sum_squares(fpc_exec *x, const fpc_node *node)
{
    const struct squares *all = fpc_exec_part(x, 0);
    double sum = 0;
    parts_tree_run(x, NULL, squares_join, sizeof *all / sizeof(double));
    for (int k = 0; k < CHAINS; k++)
        sum += vd_sum(all->low[k]) + vd_sum(all->high[k]);
    *(float *)node->out[0].data = (float)sum;
    return FPC_OK;
}

static fpc_status run_clip_scale(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x, (void)rows;
    const fpc_clip_attr *attr = node->attr;
    const double factor = node->n_in > 1 ? (double)*(const float *)node->in[1].data : 1;
    const double norm = sqrt((double)*(const float *)node->in[0].data) / factor, scale = attr->max_norm / (norm + 1e-6);
    *(float *)node->out[0].data =
        !isfinite(norm) ? NAN : (float)((attr->max_norm > 0 && scale < 1 ? scale : 1) / factor);
    *(float *)node->out[1].data = (float)norm;
    return FPC_OK;
}

static fpc_status run_scaler(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x, (void)rows;
    float *state = node->out[0].data;
    const float factor = state[0], since = state[1] + 1;
    if (isfinite(*(const float *)node->in[1].data)) {
        const int grows = since >= (float)((const fpc_scaler_attr *)node->attr)->interval;
        state[0] = grows ? fminf(2 * factor, 0x1p24f) : factor;
        state[1] = grows ? 0 : since;
        state[2] += 1;
    } else {
        state[0] = factor / 2;
        state[1] = 0;
        state[3] += 1;
    }
    state[0] = fmaxf(state[0], 1);
    return FPC_OK;
}

/* Whether the step is skipped: input i, where there is one, is NaN. */
static int skipped(const fpc_node *node, int32_t i)
{
    return i < node->n_in && isnan(*(const float *)node->in[i].data);
}

static fpc_status run_accumulate(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t count = rows.count * node->out[0].shape.c;
    float *acc = node->out[0].data;
    const float *a = node->in[1].data;
    for (FPC_COLUMNS(i, n, count))
        vf_put(acc + i, vf_get(acc + i, n) + vf_get(a + i, n), n);
    return FPC_OK;
}

static fpc_status run_zero(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_tensor *t = &node->out[0];
    memset(t->data, 0, (size_t)(rows.count * t->shape.c) * fpc_dtype_size(t->dtype));
    return FPC_OK;
}

_Static_assert(sizeof(vf) <= FPC_FLAT_ALIGN * sizeof(float) && FPC_FLAT_ALIGN * sizeof(float) % sizeof(vf) == 0,
               "a vector's numbers share a pair of factors");

/* The factors of the rate and of the decay where number i is the first of its group; NULL: as for the number before. */
static inline const float *new_factors(const fpc_node *node, int32_t input, int64_t i)
{
    return input < node->n_in && i % FPC_FLAT_ALIGN == 0 ? (const float *)node->in[input].data + i / FPC_FLAT_ALIGN * 2
                                                         : NULL;
}

static fpc_status run_adamw(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_adamw_attr *attr = node->attr;
    const int64_t count = rows.count * node->out[0].shape.c;
    float *p = node->out[0].data, *m = node->out[1].data, *v = node->out[2].data;
    const float *g = node->in[3].data;
    const vf scale = vf_set(*(const float *)node->in[4].data);
    const double lr = *(const float *)node->in[5].data, t = *(const float *)node->in[6].data;
    const double bias = 1 - pow(attr->beta1, t);
    vf keep = vf_set(attr->coupled ? 1 : (float)(1 - lr * attr->weight_decay));
    vf decay = vf_set(attr->coupled ? (float)attr->weight_decay : 0), step = vf_set((float)(lr / bias));
    const vf b1 = vf_set((float)attr->beta1), one_b1 = vf_set((float)(1 - attr->beta1));
    const vf b2 = vf_set((float)attr->beta2), one_b2 = vf_set((float)(1 - attr->beta2));
    const vf root = vf_set((float)(1 / sqrt(1 - pow(attr->beta2, t)))), eps = vf_set((float)attr->eps);

    if (skipped(node, 4))
        return FPC_OK;
    for (FPC_COLUMNS(i, n, count)) {
        const float *f = new_factors(node, 7, i);
        if (f) {
            const double rate = lr * (double)f[0], loss = attr->weight_decay * (double)f[1];
            keep = vf_set(attr->coupled ? 1 : (float)(1 - rate * loss));
            decay = vf_set(attr->coupled ? (float)loss : 0);
            step = vf_set((float)(rate / bias));
        }
        const vf w = vf_get(p + i, n), grad = vf_fma(w, decay, vf_get(g + i, n) * scale);
        const vf m1 = vf_fma(vf_get(m + i, n), b1, grad * one_b1);
        const vf v1 = vf_fma(vf_get(v + i, n), b2, grad * grad * one_b2);
        vf_put(m + i, m1, n);
        vf_put(v + i, v1, n);
        vf_put(p + i, vf_fma(-step, m1 / (vf_sqrt(v1) * root + eps), w * keep), n);
    }
    return FPC_OK;
}

static fpc_status run_sgd(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_sgd_attr *attr = node->attr;
    const int64_t count = rows.count * node->out[0].shape.c;
    float *p = node->out[0].data, *m = node->out[1].data;
    const float *g = node->in[2].data;
    const float rate = *(const float *)node->in[4].data;
    const vf scale = vf_set(*(const float *)node->in[3].data);
    vf lr = vf_set(rate), decay = vf_set((float)attr->weight_decay);
    const int first = *(const float *)node->in[5].data <= 1; /* PyTorch's buffer starts as the first gradient */
    const vf momentum = vf_set((float)attr->momentum);
    const vf fresh = vf_set((float)(first ? 1 : 1 - attr->dampening));
    const vf old = first ? vf_set(0) : momentum;

    if (skipped(node, 3))
        return FPC_OK;
    for (FPC_COLUMNS(i, n, count)) {
        const float *f = new_factors(node, 6, i);
        if (f) {
            lr = vf_set(rate * f[0]);
            decay = vf_set((float)attr->weight_decay * f[1]);
        }
        const vf w = vf_get(p + i, n);
        vf d = vf_fma(w, decay, vf_get(g + i, n) * scale);
        if (attr->momentum != 0) {
            const vf m1 = vf_fma(vf_get(m + i, n), old, d * fresh);
            vf_put(m + i, m1, n);
            if (attr->nesterov)
                d += momentum * m1;
            else
                d = m1;
        }
        vf_put(p + i, w - lr * d, n);
    }
    return FPC_OK;
}

static fpc_status run_lion(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_lion_attr *attr = node->attr;
    const int64_t count = rows.count * node->out[0].shape.c;
    float *p = node->out[0].data, *m = node->out[1].data;
    const float *g = node->in[2].data, rate = *(const float *)node->in[4].data;
    const vf scale = vf_set(*(const float *)node->in[3].data), zero = vf_set(0);
    vf lr = vf_set(rate), keep = vf_set((float)(1 - (double)rate * attr->weight_decay));
    const vf b1 = vf_set((float)attr->beta1), one_b1 = vf_set((float)(1 - attr->beta1));
    const vf b2 = vf_set((float)attr->beta2), one_b2 = vf_set((float)(1 - attr->beta2));

    if (skipped(node, 3))
        return FPC_OK;
    for (FPC_COLUMNS(i, n, count)) {
        const float *f = new_factors(node, 5, i);
        if (f) {
            lr = vf_set(rate * f[0]);
            keep = vf_set((float)(1 - (double)(rate * f[0]) * (attr->weight_decay * (double)f[1])));
        }
        const vf grad = vf_get(g + i, n) * scale, m1 = vf_get(m + i, n);
        const vf way = vf_fma(m1, b1, grad * one_b1);
        /* 0 way keeps a NAN */
        const vf step = vm_pick(vm_gt(way, zero), lr, vm_pick(vm_gt(zero, way), -lr, zero * way));
        vf_put(p + i, vf_get(p + i, n) * keep - step, n);
        vf_put(m + i, vf_fma(m1, b2, grad * one_b2), n);
    }
    return FPC_OK;
}

static fpc_status run_ema(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t count = rows.count * node->out[0].shape.c;
    float *avg = node->out[0].data;
    const float *p = node->in[1].data;
    const vf part = vf_set((float)(1 - (double)*(const float *)node->in[2].data));

    if (skipped(node, 3))
        return FPC_OK;
    for (FPC_COLUMNS(i, n, count)) {
        const vf a = vf_get(avg + i, n);
        vf_put(avg + i, a + part * (vf_get(p + i, n) - a), n);
    }
    return FPC_OK;
}

static fpc_status run_add_scaled(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t count = rows.count * node->out[0].shape.c;
    float *sum = node->out[0].data;
    const float *y = node->in[1].data;
    const vf scale = vf_set(*(const float *)node->in[2].data);
    for (FPC_COLUMNS(i, n, count))
        vf_put(sum + i, vf_fma(scale, vf_get(y + i, n), vf_get(sum + i, n)), n);
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(train)[] = {
    FPC_CPU_ROW(sum_squares, .need = need_sum_squares, .run = run_sum_squares, .end = end_sum_squares),
    FPC_CPU_ROW(clip_scale, .run = run_clip_scale),
    FPC_CPU_ROW(scaler, .run = run_scaler),
    FPC_CPU_ROW(accumulate, .run = run_accumulate),
    FPC_CPU_ROW(zero, .run = run_zero),
    FPC_CPU_ROW(adamw, .run = run_adamw),
    FPC_CPU_ROW(sgd, .run = run_sgd),
    FPC_CPU_ROW(lion, .run = run_lion),
    FPC_CPU_ROW(ema, .run = run_ema),
    FPC_CPU_ROW(add_scaled, .run = run_add_scaled),
    {.op = NULL},
};
