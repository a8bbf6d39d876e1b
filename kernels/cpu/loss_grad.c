/* loss_grad.c (cpu): gradient of the fused segmentation loss. The softmax is computed again (reading its full-size
 * result back would cost more), the gradients of all terms are formed at once, and added to two expanded rows, each of
 * which is collapsed to a row of logits when no output row blends it any more. Every task owns a band of rows; what
 * it adds to the first row of the next band it leaves in a row of its own, added at the end: no two tasks write to one
 * place, and the order of additions is fixed.
 *
 * With p the softmax of a pixel with label y, every gradient has the form
 *   dz_k = p_k (A_k + s) - E_k + [k = y] h:    s, h of the pixel, A_k of the image, E_k of the smoothing. */
#include "loss.h"
#include <math.h>

struct grad_plan {
    struct up up;
    size_t z, label, out[2], thread; /* thread's scratch */
    size_t map, dice, by_label, dice_own, every, carry, shared;
    int has_dice, has_every, has_focal;
};

static struct grad_plan plan_grad(const fpc_node *node)
{
    const fpc_seg_loss_attr *attr = node->attr;
    const fpc_shape mask = node->in[1].shape;
    struct grad_plan p = {.up = up_plan(node->in[0].shape, mask.h, mask.w, attr->align_corners)};
    const size_t k = (size_t)p.up.k, n = (size_t)p.up.n;
    for (int32_t t = 0; t < attr->n_terms; t++) {
        p.has_dice |= is_overlap(attr->term[t]);
        p.has_every |= attr->term[t]->kind == FPC_TERM_CROSS_ENTROPY && attr->term[t]->smooth > 0;
        p.has_focal |= attr->term[t]->kind == FPC_TERM_FOCAL;
    }
    p.thread = p.up.thread;
    p.z = up_take(&p.thread, k * UP_ROWS * VL * sizeof(float));
    p.label = up_take(&p.thread, (size_t)p.up.vectors * VL * UP_ROWS * sizeof(int32_t));
    p.out[0] = up_take(&p.thread, (size_t)p.up.vectors * VL * k * sizeof(float));
    p.out[1] = up_take(&p.thread, (size_t)p.up.vectors * VL * k * sizeof(float));
    p.shared = p.up.shared;
    p.map = up_take(&p.shared, 256 * sizeof(int32_t));
    p.by_label = up_take(&p.shared, (k + 1) * sizeof(float));     /* of a label: sum of u (1 - s) w_y; 0 for ignored */
    p.every = up_take(&p.shared, (k + 1) * sizeof(float));        /* of a class: sum of u s/K w_k, and their total */
    p.dice = up_take(&p.shared, n * k * sizeof(float));           /* of an image and class: slope by p off the label, */
    p.dice_own = up_take(&p.shared, n * (k + 1) * sizeof(float)); /* and what being the label adds to it */
    p.carry = up_take(&p.shared, n * (size_t)p.up.bands * (size_t)p.up.lw * k * sizeof(float));
    return p;
}

void FPC_CAT(fpc_cpu_need_seg_loss_grad, FPC_ISA)(const fpc_node *node, fpc_need *need)
{
    const struct grad_plan p = plan_grad(node);
    need->shared = p.shared;
    need->thread = p.thread;
}

struct grad_job {
    fpc_exec *x;
    const fpc_node *node;
    struct grad_plan plan;
    char *shared;
};

/* u = dterm / norm of each term; 0 where nothing is labelled */
static double factor_of(const fpc_node *node, int32_t term)
{
    const float norm = ((const float *)node->in[3].data)[term];
    return norm > 0 ? (double)((const float *)node->in[4].data)[term] / (double)norm : 0;
}

static void begin_grad(struct grad_job *job)
{
    const fpc_node *node = job->node;
    const fpc_seg_loss_attr *attr = node->attr;
    const struct grad_plan *plan = &job->plan;
    const int32_t k = plan->up.k;
    float *by_label = (float *)(job->shared + plan->by_label), *every = (float *)(job->shared + plan->every);
    double own[FPC_MAX_CLASSES] = {0}, spread[FPC_MAX_CLASSES] = {0}, total = 0;

    up_begin(&plan->up, attr->align_corners, job->shared);
    int32_t *map = (int32_t *)(job->shared + plan->map);
    up_label_map(k, attr->ignore, map);
    for (int32_t i = 0; i < 256; i++) /* seg_loss has refused masks with labels that are no class */
        map[i] = map[i] < 0 ? k : map[i];
    for (int32_t t = 0; t < attr->n_terms; t++) {
        const fpc_seg_term *term = attr->term[t];
        const double u = factor_of(node, t), smooth = (double)term->smooth;
        for (int32_t c = 0; term->kind == FPC_TERM_CROSS_ENTROPY && c < k; c++) {
            own[c] += u * (1 - smooth) * loss_class_weight(term, c);
            spread[c] += u * smooth / k * loss_class_weight(term, c);
        }
    }
    for (int32_t c = 0; c < k; c++) {
        by_label[c] = (float)own[c];
        every[c] = (float)spread[c];
        total += spread[c];
    }
    by_label[k] = 0;
    every[k] = (float)total;
    for (int32_t n = 0; n < plan->up.n; n++) {
        const float *stats = (const float *)node->in[2].data + (int64_t)n * 3 * k;
        float *dice = (float *)(job->shared + plan->dice) + (int64_t)n * k;
        float *dice_own = (float *)(job->shared + plan->dice_own) + (int64_t)n * (k + 1);
        for (int32_t c = 0; c < k; c++) {
            double off = 0, on = 0;
            for (int32_t t = 0; t < attr->n_terms; t++) {
                if (!is_overlap(attr->term[t]))
                    continue;
                const overlap o =
                    overlap_of(attr->term[t], (double)stats[c], (double)stats[k + c], (double)stats[2 * k + c]);
                const double u = factor_of(node, t) / k;
                off += u * o.by_p;
                on += u * o.by_hit;
            }
            dice[c] = (float)off;
            dice_own[c] = (float)on;
        }
        dice_own[k] = 0;
    }
}

struct grad_work {
    const struct grad_job *job;
    const float *by_label, *every, *dice, *dice_own;
    float *z;
};

/* d(focal)/d(cross entropy of the label), times the terms' factors */
FPC_INLINE vf focal_slope(const struct grad_work *w, vf ce, vf p, vf valid)
{
    const fpc_seg_loss_attr *attr = w->job->node->attr;
    const vf miss = vf_max(vf_set(0), 1.0f - p);
    const vf ratio = vm_pick(vm_gt(miss, vf_set(0)), p * ce / vf_max(vf_set(1e-30f), miss), vf_set(1));
    vf slope = {0};
    for (int32_t t = 0; t < attr->n_terms; t++) {
        const fpc_seg_term *term = attr->term[t];
        if (term->kind != FPC_TERM_FOCAL)
            continue;
        const float scale = (float)(factor_of(w->job->node, t) * (double)term->alpha);
        slope += loss_power(miss, term->gamma) * (ratio * term->gamma + 1.0f) * scale;
    }
    return slope * valid;
}

/* Known to the compiler: how many output rows are done at a time, and which of the terms there are. */
struct grad_kind {
    int rows, dice, every, focal;
};

/* Output rows that blend the same two expanded rows e0 and e1 of logits with weight wy of the second, and the expanded
 * rows g0 and g1 that their gradient is added to. Labels of the next row lie label_stride behind. */
struct grad_rows {
    const float *e0, *e1, *wy;
    float *g0, *g1;
    const int32_t *label;
    int64_t label_stride;
};

/* A vector of pixels, row by row. With z the logits times log2(e), e_k = 2^(z_k - most) and i = 1 / sum e_k, 0 where
 * the pixel counts for nothing, p_k = e_k i, and what the head of this file says becomes dz_k = e_k (A_k i + s i) - E_k
 * valid + [k = y] h s = u + sum E - sum p_k A_k - p_y B_y,  h = p_y B_y - u with u the slope by the cross entropy of
 * the label, A and B the slopes of the overlap by p and by p of the label. */
struct grad_pixels {
    vi label[UP_ROWS];
    vf valid[UP_ROWS];
    vf most[UP_ROWS], own[UP_ROWS];                          /* of z: the largest, that of the label */
    vf sum[UP_ROWS], sum_dice[UP_ROWS];                      /* of e_k, of e_k A_k */
    vf inverse[UP_ROWS], by_all[UP_ROWS], by_label[UP_ROWS]; /* i, s i, h */
};

/* z of the rows, and its largest. */
FPC_INLINE void grad_logits(struct grad_kind is, const struct grad_work *w, struct grad_rows at, struct grad_pixels *p)
{
    for (int r = 0; r < is.rows; r++) {
        p->label[r] = vi_load(at.label + r * at.label_stride);
        p->most[r] = vf_set(-INFINITY), p->own[r] = vf_set(0);
    }
    for (int32_t c = 0; c < w->job->plan.up.k; c++) {
        const vf a = vf_load(at.e0 + c * VL), d = vf_load(at.e1 + c * VL) - a;
        for (int r = 0; r < is.rows; r++) {
            const vf z = vf_fma(d, vf_set(at.wy[r]), a);
            vf_store(w->z + (c * is.rows + r) * VL, z);
            p->most[r] = vf_max(p->most[r], z);
            if (is.dice || is.focal)
                p->own[r] = vm_pick(vm_same(p->label[r], vi_set(c)), z, p->own[r]);
        }
    }
}

/* e in the place of z, and its sums. */
FPC_INLINE void grad_powers(struct grad_kind is, const struct grad_work *w, struct grad_pixels *p)
{
    for (int r = 0; r < is.rows; r++)
        p->sum[r] = vf_set(0), p->sum_dice[r] = vf_set(0);
    for (int32_t c = 0; c < w->job->plan.up.k; c++)
        for (int r = 0; r < is.rows; r++) {
            const vf e = vf_exp2(vf_load(w->z + (c * is.rows + r) * VL) - p->most[r]);
            vf_store(w->z + (c * is.rows + r) * VL, e);
            p->sum[r] += e;
            if (is.dice)
                p->sum_dice[r] = vf_fma(e, vf_set(w->dice[c]), p->sum_dice[r]);
        }
}

/* i, s i and h of row r. */
FPC_INLINE void grad_factors(struct grad_kind is, const struct grad_work *w, struct grad_pixels *p, int r)
{
    const int32_t k = w->job->plan.up.k;
    const vf valid = vm_pick(vm_same(p->label[r], vi_set(k)), vf_set(0), vf_set(1)), inverse = valid / p->sum[r];
    vf u = loss_lookup(w->by_label, p->label[r]), own = {0};
    if (is.dice || is.focal)
        own = vf_exp2(p->own[r] - p->most[r]) * inverse;
    if (is.focal)
        u += focal_slope(w, vf_fma(p->most[r] - p->own[r], vf_set(LOSS_LN2), vf_log(p->sum[r])), own, valid);
    vf s = u, h = -u;
    if (is.every)
        s += w->every[k];
    if (is.dice) {
        const vf mine = own * loss_lookup(w->dice_own, p->label[r]);
        s -= vf_fma(p->sum_dice[r], inverse, mine);
        h += mine;
    }
    p->valid[r] = valid;
    p->inverse[r] = inverse;
    p->by_all[r] = s * inverse;
    p->by_label[r] = h;
}

/* dz, to the two expanded rows. */
FPC_INLINE void grad_spread(struct grad_kind is, const struct grad_work *w, struct grad_rows to,
                            const struct grad_pixels *p)
{
    for (int32_t c = 0; c < w->job->plan.up.k; c++) {
        vf total = {0}, next = {0};
        for (int r = 0; r < is.rows; r++) {
            const vf by = is.dice ? vf_fma(p->inverse[r], vf_set(w->dice[c]), p->by_all[r]) : p->by_all[r];
            vf dz = vf_load(w->z + (c * is.rows + r) * VL) * by;
            if (is.every)
                dz = vf_fma(p->valid[r], vf_set(-w->every[c]), dz);
            dz = vm_add(vm_same(p->label[r], vi_set(c)), dz, p->by_label[r]);
            total += dz;
            next = vf_fma(vf_set(to.wy[r]), dz, next);
        }
        vf_store(to.g0 + c * VL, vf_load(to.g0 + c * VL) + (total - next));
        vf_store(to.g1 + c * VL, vf_load(to.g1 + c * VL) + next);
    }
}

FPC_INLINE void grad_rows_of(struct grad_kind is, const struct grad_work *w, struct grad_rows at)
{
    const struct up *u = &w->job->plan.up;
    const int64_t step = (int64_t)u->k * VL;
    for (int32_t v = 0; v < u->vectors; v++) {
        struct grad_pixels p;
        grad_logits(is, w, at, &p);
        grad_powers(is, w, &p);
        for (int r = 0; r < is.rows; r++)
            grad_factors(is, w, &p, r);
        grad_spread(is, w, at, &p);
        at.e0 += step, at.e1 += step, at.g0 += step, at.g1 += step, at.label += VL;
    }
}

/* The usual losses get a body of their own; all others, one that can do everything. */
static void grad_rows(int rows, const struct grad_work *w, struct grad_rows at)
{
    const struct grad_plan *plan = &w->job->plan;
    const int plain = !plan->has_every && !plan->has_focal;
    if (rows == UP_ROWS && plain && plan->has_dice)
        grad_rows_of((struct grad_kind){.rows = UP_ROWS, .dice = 1}, w, at);
    else if (rows == UP_ROWS && plain)
        grad_rows_of((struct grad_kind){.rows = UP_ROWS}, w, at);
    else if (rows == UP_ROWS)
        grad_rows_of((struct grad_kind){UP_ROWS, 1, 1, plan->has_focal}, w, at);
    else if (rows == 2)
        grad_rows_of((struct grad_kind){2, 1, 1, plan->has_focal}, w, at);
    else
        grad_rows_of((struct grad_kind){1, 1, 1, plan->has_focal}, w, at);
}

static void scale_rows(float *x, int64_t n, float by)
{
    for (int64_t i = 0; i < n; i++)
        x[i] *= by;
}

static void grad_task(void *arg, int32_t i, int32_t thread)
{
    const struct grad_job *job = arg;
    const struct grad_plan *plan = &job->plan;
    const struct up *u = &plan->up;
    char *scratch = fpc_exec_scratch(job->x, thread);
    int32_t image, row, end, have[2] = {-1, -1};
    loss_band(u, i, &image, &row, &end);
    const int32_t begin = row;
    struct grad_work w = {.job = job,
                          .z = (float *)(scratch + plan->z),
                          .by_label = (const float *)(job->shared + plan->by_label),
                          .every = (const float *)(job->shared + plan->every),
                          .dice = (const float *)(job->shared + plan->dice) + (int64_t)image * u->k,
                          .dice_own = (const float *)(job->shared + plan->dice_own) + (int64_t)image * (u->k + 1)};
    const int64_t line = (int64_t)u->lw * u->k;
    const float *logits = (const float *)job->node->in[0].data + image * u->lh * line;
    float *dlogits = (float *)job->node->out[0].data + image * u->lh * line;
    const uint8_t *mask = (const uint8_t *)job->node->in[1].data + (int64_t)image * u->h * u->w;
    const int32_t *first = (const int32_t *)(job->shared + u->first), *map = (const int32_t *)(job->shared + plan->map);
    const float *wy = (const float *)(job->shared + u->wy);
    int32_t *label = (int32_t *)(scratch + plan->label);
    const size_t bytes = (size_t)u->vectors * VL * (size_t)u->k * sizeof(float);
    float *g0 = (float *)(scratch + plan->out[0]), *g1 = (float *)(scratch + plan->out[1]);

    memset(g0, 0, bytes);
    for (; row < end; row++) {
        memset(g1, 0, bytes);
        const float *e0 = NULL, *e1 = NULL;
        if (first[row] < first[row + 1]) {
            e0 = loss_row(u, job->shared, scratch, logits, row, LOSS_LOG2E, have);
            e1 = row + 1 < u->lh ? loss_row(u, job->shared, scratch, logits, row + 1, LOSS_LOG2E, have) : e0;
        }
        for (int32_t y = first[row], n; y < first[row + 1]; y += n) {
            n = first[row + 1] - y;
            n = n >= UP_ROWS ? UP_ROWS : n >= 2 ? 2 : 1;
            for (int32_t r = 0; r < n; r++)
                up_labels(u, mask + (int64_t)(y + r) * u->w, map, label + (int64_t)r * u->vectors * VL);
            grad_rows(n, &w, (struct grad_rows){e0, e1, wy + y, g0, g1, label, (int64_t)u->vectors * VL});
        }
        up_collapse(u, job->shared, scratch, g0, dlogits + row * line);
        float *swap = g0;
        g0 = g1, g1 = swap;
    }
    float *carry = (float *)(job->shared + plan->carry) + i * line;
    if (end < u->lh)
        up_collapse(u, job->shared, scratch, g0, carry);
    if (job->node->n_in > 5) {
        const float share = loss_share(job->node, 5, image);
        scale_rows(dlogits + begin * line, (end - begin) * line, share);
        scale_rows(carry, end < u->lh ? line : 0, share);
    }
}

fpc_status FPC_CAT(fpc_cpu_run_seg_loss_grad, FPC_ISA)(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    struct grad_job job = {.x = x, .node = node, .plan = plan_grad(node), .shared = fpc_exec_shared(x)};
    const struct up *u = &job.plan.up;
    const int64_t line = (int64_t)u->lw * u->k;
    const float *carry = (const float *)(job.shared + job.plan.carry);
    begin_grad(&job);
    fpc_exec_parallel(x, u->bands * u->n, grad_task, &job);
    for (int32_t i = 0; i < u->bands * u->n; i++) {
        int32_t image, row, end;
        loss_band(u, i, &image, &row, &end);
        float *to = (float *)node->out[0].data + ((int64_t)image * u->lh + end) * line;
        for (int64_t j = 0; end < u->lh && j < line; j++)
            to[j] += carry[i * line + j];
    }
    return FPC_OK;
}
