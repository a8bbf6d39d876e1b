/* loss.c (cpu): the fused segmentation loss: upsampling, softmax, every term, the sums of Dice and the counts of the
 * metrics in one pass over the pixels, 1 to 4 output rows of VL pixels at a time.
 *
 * Logits are scaled by log2(e) as they are expanded, so that the exponential is a power of two. Sums are floats within
 * a few rows, doubles within a band, and the bands are added in order: the work is cut by shapes, not by threads. */
#include "loss.h"
#include <math.h>

struct loss_plan {
    struct up up;
    size_t z, p, i, label, index, hist, thread; /* thread's scratch */
    size_t map, weight, band, band_stride, shared;
    /* For cross entropy, with smoothing s: weight is own[K + 1] = (1-s) w_k, 0 for ignored pixels; every[K] = s/K w_k
     * and their total. */
    int32_t copies; /* of the histogram: pixels next to each other mostly count in the same place, and would wait */
};

/* What a task leaves behind; then double p[K], i[K]; int32_t counts[K][3]. */
struct loss_band {
    double sum[FPC_MAX_TERMS], norm[FPC_MAX_TERMS];
    int64_t pixels;
    int32_t bad_y, bad_x, bad_label; /* the first label that is no class; bad_label 0: none */
};

static struct loss_plan plan_loss(const fpc_node *node)
{
    const fpc_seg_loss_attr *attr = node->attr;
    const fpc_shape mask = node->in[1].shape;
    struct loss_plan p = {.up = up_plan(node->in[0].shape, mask.h, mask.w, attr->align_corners)};
    const size_t k = (size_t)p.up.k;
    p.copies = k <= 64 ? 4 : 1;
    p.thread = p.up.thread;
    p.z = up_take(&p.thread, k * UP_ROWS * VL * sizeof(float));
    p.p = up_take(&p.thread, k * VL * sizeof(float));
    p.i = up_take(&p.thread, k * VL * sizeof(float));
    p.label = up_take(&p.thread, (size_t)p.up.vectors * VL * UP_ROWS * sizeof(int32_t));
    p.index = up_take(&p.thread, (size_t)VL * sizeof(int32_t));
    p.hist = up_take(&p.thread, (size_t)p.copies * (k + 1) * k * sizeof(int32_t));
    p.shared = p.up.shared;
    p.map = up_take(&p.shared, 256 * sizeof(int32_t));
    p.weight = up_take(&p.shared, (size_t)attr->n_terms * (2 * k + 2) * sizeof(float));
    size_t band = sizeof(struct loss_band);
    up_take(&band, k * (2 * sizeof(double) + 3 * sizeof(int32_t)));
    p.band_stride = (band + 63) & ~(size_t)63;
    p.band = up_take(&p.shared, p.band_stride * (size_t)p.up.bands * (size_t)p.up.n);
    return p;
}

static void need_seg_loss(const fpc_node *node, fpc_need *need)
{
    const struct loss_plan p = plan_loss(node);
    need->shared = p.shared;
    need->thread = p.thread;
}

struct loss_job {
    fpc_exec *x;
    const fpc_node *node;
    struct loss_plan plan;
    char *shared;
};

/* A thread's view of its scratch and of the band it fills. */
struct loss_work {
    const struct loss_job *job;
    float *z, *p, *i;
    int32_t *label, *index, *hist;
    int64_t hist_stride; /* from one copy to the next; 0 where there is one */
    struct loss_band *band;
    vf sum[FPC_MAX_TERMS];
};

static float *weights_of(const struct loss_job *job, int32_t term)
{
    return (float *)(job->shared + job->plan.weight) + (int64_t)term * (2 * job->plan.up.k + 2);
}

/* The part of label smoothing that depends on the classes: minus sum_k s/K w_k (z_k - max), for each smoothed term. */
FPC_INLINE void add_smoothing(int rows, struct loss_work *w, const vf *most, const vf *valid)
{
    const fpc_seg_loss_attr *attr = w->job->node->attr;
    const int32_t k = w->job->plan.up.k;
    for (int32_t t = 0; t < attr->n_terms; t++) {
        if (attr->term[t]->kind != FPC_TERM_CROSS_ENTROPY || attr->term[t]->smooth <= 0)
            continue;
        const float *every = weights_of(w->job, t) + k + 1;
        for (int r = 0; r < rows; r++) {
            vf all = {0};
            for (int32_t c = 0; c < k; c++)
                all += (most[r] - vf_load(w->z + (c * rows + r) * VL)) * every[c];
            w->sum[t] += valid[r] * (all * LOSS_LN2);
        }
    }
}

/* What a row of pixels adds to the terms, from its largest logit, that of its label, and the softmax's sum. */
FPC_INLINE void add_terms(struct loss_work *w, vi label, vf valid, vf behind, vf sum, vf inverse)
{
    const fpc_seg_loss_attr *attr = w->job->node->attr;
    const int32_t k = w->job->plan.up.k;
    const vf log_sum = vf_log(sum), ce = vf_fma(behind, vf_set(LOSS_LN2), log_sum);
    for (int32_t t = 0; t < attr->n_terms; t++) {
        const fpc_seg_term *term = attr->term[t];
        if (term->kind == FPC_TERM_CROSS_ENTROPY) {
            const float *own = weights_of(w->job, t);
            w->sum[t] = vf_fma(loss_lookup(own, label), ce, w->sum[t]);
            if (term->smooth > 0)
                w->sum[t] = vf_fma(log_sum * own[2 * k + 1], valid, w->sum[t]);
        } else if (term->kind == FPC_TERM_FOCAL) {
            const vf miss = vf_max(vf_set(0), 1.0f - vf_exp2(-behind) * inverse);
            w->sum[t] = vf_fma(loss_power(miss, term->gamma) * (ce * term->alpha), valid, w->sum[t]);
        }
    }
}

/* One vector of pixels in `rows` output rows. e0, e1: the expanded rows [class][lane] that they blend. */
FPC_INLINE void loss_block(int rows, struct loss_work *w, const float *e0, const float *e1, const float *wy,
                           const int32_t *label, int64_t label_stride)
{
    const struct loss_plan *plan = &w->job->plan;
    const int32_t k = plan->up.k;
    float *z = w->z;
    vf most[UP_ROWS], own[UP_ROWS], sum[UP_ROWS], valid[UP_ROWS];
    vi best[UP_ROWS], lab[UP_ROWS];

    for (int r = 0; r < rows; r++) {
        lab[r] = vi_load(label + r * label_stride);
        valid[r] = vm_pick(vm_same(lab[r], vi_set(k)), vf_set(0), vf_set(1));
        most[r] = vf_set(-INFINITY), own[r] = vf_set(0), best[r] = vi_set(0), sum[r] = vf_set(0);
    }
    for (int32_t c = 0; c < k; c++) {
        const vf a = vf_load(e0 + c * VL), d = vf_load(e1 + c * VL) - a;
        const vi at = vi_set(c);
        for (int r = 0; r < rows; r++) {
            const vf v = vf_fma(d, vf_set(wy[r]), a);
            vf_store(z + (c * rows + r) * VL, v);
            best[r] = vm_pick_i(vm_gt(v, most[r]), at, best[r]);
            most[r] = vf_max(most[r], v);
            own[r] = vm_pick(vm_same(lab[r], at), v, own[r]);
        }
    }
    add_smoothing(rows, w, most, valid);
    for (int32_t c = 0; c < k; c++)
        for (int r = 0; r < rows; r++) {
            const vf e = vf_exp2(vf_load(z + (c * rows + r) * VL) - most[r]);
            vf_store(z + (c * rows + r) * VL, e);
            sum[r] += e;
        }
    for (int r = 0; r < rows; r++) {
        const vf inverse = 1.0f / sum[r];
        add_terms(w, lab[r], valid[r], most[r] - own[r], sum[r], inverse);
        sum[r] = inverse * valid[r];
        vi_store(w->index, lab[r] * k + best[r]);
        for (int i = 0; i < VL; i += 4) {
            w->hist[w->index[i]]++;
            w->hist[w->index[i + 1] + w->hist_stride]++;
            w->hist[w->index[i + 2] + 2 * w->hist_stride]++;
            w->hist[w->index[i + 3] + 3 * w->hist_stride]++;
        }
    }
    for (int32_t c = 0; c < k; c++) {
        vf p = vf_load(w->p + c * VL), hit = vf_load(w->i + c * VL);
        for (int r = 0; r < rows; r++) {
            const vf v = vf_load(z + (c * rows + r) * VL) * sum[r];
            p += v;
            hit = vm_add(vm_same(lab[r], vi_set(c)), hit, v);
        }
        vf_store(w->p + c * VL, p);
        vf_store(w->i + c * VL, hit);
    }
}

/* Reads the labels of a row; reports the first that is no class. */
static void read_labels(struct loss_work *w, const uint8_t *mask, int32_t y, int32_t *to)
{
    const struct up *u = &w->job->plan.up;
    const int32_t *map = (const int32_t *)(w->job->shared + w->job->plan.map);
    up_labels(u, mask + (int64_t)y * u->w, map, to);
    vi low = vi_set(0);
    for (int32_t v = 0; v < u->vectors; v++)
        low |= vi_load(to + v * VL);
    int32_t bad = 0;
    for (int i = 0; i < VL; i++)
        bad |= low[i];
    if (bad >= 0)
        return;
    for (int32_t x = 0; x < u->w && !w->band->bad_label; x++)
        if (map[mask[(int64_t)y * u->w + x]] < 0)
            w->band->bad_y = y, w->band->bad_x = x, w->band->bad_label = mask[(int64_t)y * u->w + x];
    for (int32_t v = 0; v < u->vectors * VL; v++)
        to[v] = to[v] < 0 ? u->k : to[v];
}

FPC_INLINE void loss_rows(int rows, struct loss_work *w, const float *e0, const float *e1, const float *wy)
{
    const struct up *u = &w->job->plan.up;
    const int64_t step = (int64_t)u->k * VL, stride = (int64_t)u->vectors * VL;
    for (int32_t v = 0; v < u->vectors; v++)
        loss_block(rows, w, e0 + v * step, e1 + v * step, wy, w->label + v * VL, stride);
}

/* The sums of a few rows go to the band's doubles. */
static void drain(struct loss_work *w)
{
    const fpc_seg_loss_attr *attr = w->job->node->attr;
    const int32_t k = w->job->plan.up.k;
    double *p = (double *)(w->band + 1), *hit = p + k;
    for (int32_t c = 0; c < k; c++) {
        p[c] += (double)vf_sum(vf_load(w->p + c * VL));
        hit[c] += (double)vf_sum(vf_load(w->i + c * VL));
        vf_store(w->p + c * VL, vf_set(0));
        vf_store(w->i + c * VL, vf_set(0));
    }
    for (int32_t t = 0; t < attr->n_terms; t++) {
        w->band->sum[t] += (double)vf_sum(w->sum[t]);
        w->sum[t] = vf_set(0);
    }
}

/* counts (K,3): tp, fp, fn, from how often each label met each guess */
static void count_classes(struct loss_work *w)
{
    const struct loss_plan *plan = &w->job->plan;
    const int32_t k = plan->up.k;
    int32_t *counts = (int32_t *)((double *)(w->band + 1) + 2 * k);
    for (int32_t label = 0; label < k; label++)
        for (int32_t guess = 0; guess < k; guess++) {
            int32_t n = 0;
            for (int32_t copy = 0; copy < plan->copies; copy++)
                n += w->hist[(copy * (k + 1) + label) * k + guess];
            w->band->pixels += n;
            if (label == guess) {
                counts[label * 3] += n;
            } else {
                counts[guess * 3 + 1] += n;
                counts[label * 3 + 2] += n;
            }
        }
}

static void loss_task(void *arg, int32_t i, int32_t thread)
{
    const struct loss_job *job = arg;
    const struct loss_plan *plan = &job->plan;
    const struct up *u = &plan->up;
    char *scratch = fpc_exec_scratch(job->x, thread);
    struct loss_work w = {.job = job,
                          .z = (float *)(scratch + plan->z),
                          .p = (float *)(scratch + plan->p),
                          .i = (float *)(scratch + plan->i),
                          .label = (int32_t *)(scratch + plan->label),
                          .index = (int32_t *)(scratch + plan->index),
                          .hist = (int32_t *)(scratch + plan->hist),
                          .hist_stride = plan->copies > 1 ? (int64_t)(u->k + 1) * u->k : 0,
                          .band = (struct loss_band *)(job->shared + plan->band + (size_t)i * plan->band_stride)};
    int32_t image, row, end, have[2] = {-1, -1};
    loss_band(u, i, &image, &row, &end);
    const float *logits = (const float *)job->node->in[0].data + (int64_t)image * u->lh * u->lw * u->k;
    const uint8_t *mask = (const uint8_t *)job->node->in[1].data + (int64_t)image * u->h * u->w;
    const int32_t *first = (const int32_t *)(job->shared + u->first);
    const float *wy = (const float *)(job->shared + u->wy);

    memset(w.band, 0, plan->band_stride);
    memset(w.p, 0, (size_t)u->k * VL * sizeof(float));
    memset(w.i, 0, (size_t)u->k * VL * sizeof(float));
    memset(w.hist, 0, (size_t)plan->copies * (size_t)(u->k + 1) * (size_t)u->k * sizeof(int32_t));
    for (; row < end; row++) {
        if (first[row] == first[row + 1])
            continue;
        const float *e0 = loss_row(u, job->shared, scratch, logits, row, LOSS_LOG2E, have);
        const float *e1 = row + 1 < u->lh ? loss_row(u, job->shared, scratch, logits, row + 1, LOSS_LOG2E, have) : e0;
        for (int32_t y = first[row], n; y < first[row + 1]; y += n) {
            n = first[row + 1] - y;
            n = n >= UP_ROWS ? UP_ROWS : n >= 2 ? 2 : 1;
            for (int32_t r = 0; r < n; r++)
                read_labels(&w, mask, y + r, w.label + (int64_t)r * u->vectors * VL);
            if (n == UP_ROWS)
                loss_rows(UP_ROWS, &w, e0, e1, wy + y);
            else if (n == 2)
                loss_rows(2, &w, e0, e1, wy + y);
            else
                loss_rows(1, &w, e0, e1, wy + y);
            drain(&w);
        }
    }
    count_classes(&w);
}

static void begin_loss(struct loss_job *job)
{
    const fpc_seg_loss_attr *attr = job->node->attr;
    const int32_t k = job->plan.up.k;
    up_begin(&job->plan.up, attr->align_corners, job->shared);
    up_label_map(k, attr->ignore, (int32_t *)(job->shared + job->plan.map));
    for (int32_t t = 0; t < attr->n_terms; t++) {
        const fpc_seg_term *term = attr->term[t];
        float *own = weights_of(job, t), *every = own + k + 1;
        double total = 0;
        for (int32_t c = 0; c < k; c++) {
            const double weight = loss_class_weight(term, c), smooth = (double)term->smooth;
            own[c] = (float)((1 - smooth) * weight);
            every[c] = (float)(smooth / k * weight);
            total += smooth / k * weight;
        }
        own[k] = 0;
        every[k] = (float)total;
    }
}

/* Adds the bands of an image, in order; writes its stats and counts; adds to the terms' sums and normalisers. */
static fpc_status end_image(const struct loss_job *job, int32_t image, double *sum, double *norm)
{
    const fpc_seg_loss_attr *attr = job->node->attr;
    const struct up *u = &job->plan.up;
    const int32_t k = u->k;
    float *stats = (float *)job->node->out[1].data + (int64_t)image * 3 * k;
    int32_t *counts = (int32_t *)job->node->out[3].data + (int64_t)image * 3 * k;
    double p[FPC_MAX_CLASSES] = {0}, hit[FPC_MAX_CLASSES] = {0}, dice[FPC_MAX_TERMS] = {0};
    const double share = (double)loss_share(job->node, 2, image);
    int64_t pixels = 0;
    memset(counts, 0, (size_t)k * 3 * sizeof *counts);
    for (int32_t b = 0; b < u->bands; b++) {
        const struct loss_band *band =
            (const struct loss_band *)(job->shared + job->plan.band +
                                       (size_t)(image * u->bands + b) * job->plan.band_stride);
        const double *sums = (const double *)(band + 1);
        const int32_t *band_counts = (const int32_t *)(sums + 2 * k);
        if (band->bad_label)
            return fpc_fail(
                fpc_exec_ctx(job->x), FPC_EFORMAT,
                "%s: image %d of the batch has label %d at x %d, y %d; there are %d classes, so labels are 0 .. %d",
                job->node->name, image, band->bad_label, band->bad_x, band->bad_y, k, k - 1);
        pixels += band->pixels;
        for (int32_t c = 0; c < k; c++)
            p[c] += sums[c], hit[c] += sums[k + c];
        for (int32_t c = 0; c < 3 * k; c++)
            counts[c] += band_counts[c];
        for (int32_t t = 0; t < attr->n_terms; t++)
            sum[t] += share * band->sum[t];
    }
    for (int32_t c = 0; c < k; c++) {
        const double y = counts[c * 3] + counts[c * 3 + 2];
        stats[c] = (float)hit[c], stats[k + c] = (float)p[c], stats[2 * k + c] = (float)y;
        for (int32_t t = 0; t < attr->n_terms; t++) {
            const fpc_seg_term *term = attr->term[t];
            if (is_overlap(term))
                dice[t] += overlap_of(term, hit[c], p[c], y).loss;
            if (term->kind == FPC_TERM_CROSS_ENTROPY)
                norm[t] += y * loss_class_weight(term, c);
        }
    }
    for (int32_t t = 0; t < attr->n_terms; t++)
        if (attr->term[t]->kind == FPC_TERM_FOCAL)
            norm[t] += (double)pixels;
        else if (is_overlap(attr->term[t]) && pixels > 0)
            norm[t] += 1, sum[t] += share * dice[t] / k;
    return FPC_OK;
}

static fpc_status run_seg_loss(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const fpc_seg_loss_attr *attr = node->attr;
    struct loss_job job = {.x = x, .node = node, .plan = plan_loss(node), .shared = fpc_exec_shared(x)};
    double sum[FPC_MAX_TERMS] = {0}, norm[FPC_MAX_TERMS] = {0};
    begin_loss(&job);
    fpc_exec_parallel(x, job.plan.up.bands * job.plan.up.n, loss_task, &job);
    for (int32_t image = 0; image < job.plan.up.n; image++) {
        const fpc_status st = end_image(&job, image, sum, norm);
        if (st)
            return st;
    }
    for (int32_t t = 0; t < attr->n_terms; t++) {
        ((float *)node->out[0].data)[t] = norm[t] > 0 ? (float)(sum[t] / norm[t]) : 0;
        ((float *)node->out[2].data)[t] = (float)norm[t];
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(classes)[] = {
    FPC_CPU_ROW(seg_argmax, .need = FPC_CAT(fpc_cpu_need_seg_argmax, FPC_ISA),
                .run = FPC_CAT(fpc_cpu_run_seg_argmax, FPC_ISA)),
    FPC_CPU_ROW(softmax, .run = FPC_CAT(fpc_cpu_run_softmax, FPC_ISA)),
    {.op = NULL},
};
const fpc_kernel FPC_CPU_TABLE(loss)[] = {
    FPC_CPU_ROW(seg_loss, .need = need_seg_loss, .run = run_seg_loss),
    FPC_CPU_ROW(seg_loss_grad, .need = FPC_CAT(fpc_cpu_need_seg_loss_grad, FPC_ISA),
                .run = FPC_CAT(fpc_cpu_run_seg_loss_grad, FPC_ISA)),
    {.op = NULL},
};
