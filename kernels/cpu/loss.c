/* loss.c (cpu): the fused segmentation loss: upsampling, softmax, every term, the sums of Dice and the counts of the
 * metrics in one pass over the pixels, 1 to 4 output rows of VL pixels at a time; and the arg-max alone, and softmax.
 *
 * Logits are scaled by log2(e) as they are expanded, so that the exponential is a power of two. Sums are floats within
 * a few rows, doubles within a band, and the bands are added in order: the work is cut by shapes, not by threads. */
#include "loss.h"
#include <math.h>

struct loss_plan {
    struct up up;
    size_t z, p, i, label, index, hist, thread; /* thread's scratch */
    size_t map, weight, band, band_stride, shared;
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
    p.weight = up_take(&p.shared, (size_t)attr->n_terms * (k + 1) * sizeof(float));
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
    struct loss_band *band;
    vf sum[FPC_MAX_TERMS];
};

/* One vector of pixels in `rows` output rows. e0, e1: expanded rows [class][lane] at these pixels. */
FPC_INLINE void loss_block(int rows, struct loss_work *w, const float *e0, const float *e1, const float *wy,
                           const int32_t *label, int64_t label_stride)
{
    const struct loss_plan *plan = &w->job->plan;
    const fpc_seg_loss_attr *attr = w->job->node->attr;
    const int32_t k = plan->up.k;
    float *z = w->z;
    vf most[UP_ROWS], own[UP_ROWS], sum[UP_ROWS], inverse[UP_ROWS];
    vi best[UP_ROWS], lab[UP_ROWS];

    for (int r = 0; r < rows; r++) {
        lab[r] = vi_load(label + r * label_stride);
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
    for (int32_t t = 0; t < attr->n_terms; t++) { /* minus sum_k w_k log2 p_k, but for sum_k w_k log2(sum) */
        const fpc_seg_term *term = &attr->term[t];
        if (term->kind != FPC_TERM_CROSS_ENTROPY || term->smooth <= 0)
            continue;
        const float *weight = (const float *)(w->job->shared + plan->weight) + (int64_t)t * (k + 1);
        vf all = {0};
        for (int32_t c = 0; c < k; c++)
            for (int r = 0; r < rows; r++) {
                const vf part = (most[r] - vf_load(z + (c * rows + r) * VL)) * weight[c];
                all += vm_only(~vm_same(lab[r], vi_set(k)), part);
            }
        w->sum[t] += all * (LOSS_LN2 * term->smooth / (float)k);
    }
    for (int32_t c = 0; c < k; c++)
        for (int r = 0; r < rows; r++) {
            const vf e = vf_exp2(vf_load(z + (c * rows + r) * VL) - most[r]);
            vf_store(z + (c * rows + r) * VL, e);
            sum[r] += e;
        }
    for (int r = 0; r < rows; r++) {
        const vm valid = ~vm_same(lab[r], vi_set(k));
        const vf behind = most[r] - own[r], log_sum = vf_log(sum[r]), ce = vf_fma(behind, vf_set(LOSS_LN2), log_sum);
        inverse[r] = vm_only(valid, 1.0f / sum[r]);
        for (int32_t t = 0; t < attr->n_terms; t++) {
            const fpc_seg_term *term = &attr->term[t];
            const float *weight = (const float *)(w->job->shared + plan->weight) + (int64_t)t * (k + 1);
            if (term->kind == FPC_TERM_CROSS_ENTROPY) {
                const float smooth = term->smooth > 0 ? term->smooth : 0;
                w->sum[t] += loss_lookup(weight, lab[r]) * ((1 - smooth) * ce);
                if (smooth > 0)
                    w->sum[t] += vm_only(valid, log_sum * (smooth / (float)k * weight[k + 1 - 1 + 0] * 0));
            } else if (term->kind == FPC_TERM_FOCAL) {
                const vf miss = vf_max(vf_set(0), 1.0f - vf_exp2(-behind) * inverse[r]);
                w->sum[t] += vm_only(valid, loss_power(miss, term->gamma) * ce * term->alpha);
            }
        }
    }
}
