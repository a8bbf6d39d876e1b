/* loss.c (reference): segmentation losses straight from low-resolution logits. For each pixel of the mask the logits
 * are interpolated, turned into probabilities, and added to the sums of every term; the gradient goes back through the
 * interpolation. The full-size logits never exist. Sums add up in double. With z the logits of a pixel, y its label:
 *   cross entropy  sum of (1-s) w_y c_y + s/K sum_k w_k c_k over pixels, c_k = -log p_k, / sum of w_y
 *   dice, tversky  mean over images with a labelled pixel and over classes of what loss_overlap.h says
 *   focal          mean over pixels of alpha (1 - p_y)^gamma c_y */
#include "loss_overlap.h"
#include "loss_pixel.h"

static inline double class_weight(const fpc_seg_term *t, int64_t c)
{
    return t->class_weight ? (double)t->class_weight[c] : 1;
}

/* What the pixel adds to the sum of a term (not dice or tversky, which come from the image's sums). */
static double pixel_loss(const fpc_seg_term *t, const pixel *px, int64_t label, int64_t classes)
{
    const double ce = -(double)px->log_p[label];
    if (t->kind == FPC_TERM_FOCAL)
        return (double)t->alpha * pow(-expm1(-ce), (double)t->gamma) * ce;
    double all = 0;
    for (int64_t c = 0; t->smooth > 0 && c < classes; c++)
        all -= class_weight(t, c) * (double)px->log_p[c];
    const double smooth = (double)t->smooth;
    return (1 - smooth) * class_weight(t, label) * ce + smooth / (double)classes * all;
}

/* Sums of one image: for each class I = sum p onehot, P = sum p, Y = sum onehot. */
typedef struct sums {
    double i[FPC_MAX_CLASSES], p[FPC_MAX_CLASSES], y[FPC_MAX_CLASSES];
    int64_t pixels;
} sums;

static double overlap_loss(const fpc_seg_term *t, const sums *s, int64_t classes)
{
    double loss = 0;
    for (int64_t c = 0; c < classes; c++)
        loss += overlap_of(t, s->i[c], s->p[c], s->y[c]).loss;
    return loss / (double)classes;
}

static void count(int32_t *counts, int64_t label, int64_t guess) /* counts (K,3): tp, fp, fn */
{
    if (guess == label) {
        counts[label * 3]++;
    } else {
        counts[guess * 3 + 1]++;
        counts[label * 3 + 2]++;
    }
}

/* One image of seg_loss: adds to the terms' sums and normalisers. */
static fpc_status image_loss(fpc_exec *exec, const fpc_node *node, int32_t n, double *sum, double *norm)
{
    const fpc_seg_loss_attr *a = node->attr;
    const fpc_tensor *logits = &node->in[0];
    const fpc_shape ms = node->in[1].shape;
    const int64_t k = logits->shape.c;
    const uint8_t *mask = (const uint8_t *)node->in[1].data + n * image_rows(ms);
    real *stats = (real *)node->out[1].data + n * 3 * k;
    int32_t *counts = (int32_t *)node->out[3].data + n * 3 * k;
    const double weight = image_weight(node, 2, n);
    sums s = {.pixels = 0};
    for (int64_t r = 0; r < image_rows(ms); r++) {
        const int64_t label = mask[r];
        if (label == a->ignore)
            continue;
        if (label >= k)
            return bad_label(exec, node, n, r, ms.w, (int)label, (int)k);
        pixel px;
        count(counts, label, look(logits, ms, place_of(ms, n * image_rows(ms) + r), a->align_corners, &px));
        for (int64_t c = 0; c < k; c++)
            s.p[c] += (double)px.p[c];
        s.i[label] += (double)px.p[label];
        s.y[label] += 1;
        s.pixels++;
        for (int32_t t = 0; t < a->n_terms; t++)
            if (!is_overlap(a->term[t])) {
                sum[t] += weight * pixel_loss(a->term[t], &px, label, k);
                norm[t] += a->term[t]->kind == FPC_TERM_FOCAL ? 1 : class_weight(a->term[t], label);
            }
    }
    for (int32_t t = 0; t < a->n_terms; t++)
        if (is_overlap(a->term[t]) && s.pixels > 0) {
            sum[t] += weight * overlap_loss(a->term[t], &s, k);
            norm[t] += 1;
        }
    for (int64_t c = 0; c < k; c++) {
        stats[c] = (real)s.i[c];
        stats[k + c] = (real)s.p[c];
        stats[2 * k + c] = (real)s.y[c];
    }
    return FPC_OK;
}

/* seg_loss(logits, mask[, weight]) -> terms, stats, norm, counts */
static fpc_status seg_loss(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const fpc_seg_loss_attr *a = node->attr;
    double sum[FPC_MAX_TERMS] = {0}, norm[FPC_MAX_TERMS] = {0};
    memset(node->out[3].data, 0, fpc_bytes(node->out[3].shape, FPC_I32));
    for (int32_t n = 0; n < node->in[0].shape.n; n++) {
        const fpc_status st = image_loss(exec, node, n, sum, norm);
        if (st)
            return st;
    }
    for (int32_t t = 0; t < a->n_terms; t++) {
        ((real *)node->out[0].data)[t] = norm[t] > 0 ? (real)(sum[t] / norm[t]) : 0;
        ((real *)node->out[2].data)[t] = (real)norm[t];
    }
    return FPC_OK;
}

/* Adds to dz the gradient of a term by the pixel's logits; factor: dterm / normaliser; stats: of the image. */
static void pixel_grad(const fpc_seg_term *t, const pixel *px, const real *stats, int64_t label, int64_t k,
                       double factor, double *dz)
{
    if (is_overlap(t)) { /* by p first, then through the softmax: dz_j = p_j (g_j - sum_c g_c p_c) */
        double g[FPC_MAX_CLASSES], mean = 0;
        for (int64_t c = 0; c < k; c++) {
            const overlap o = overlap_of(t, (double)stats[c], (double)stats[k + c], (double)stats[2 * k + c]);
            g[c] = (o.by_p + (c == label ? o.by_hit : 0)) / (double)k;
            mean += g[c] * (double)px->p[c];
        }
        for (int64_t c = 0; c < k; c++)
            dz[c] += factor * (double)px->p[c] * (g[c] - mean);
        return;
    }
    double by_label, by_all = 0, smooth = 0; /* of c_y, and of every c_k with smoothing; dc_k/dz_j = p_j - [j = k] */
    if (t->kind == FPC_TERM_FOCAL) {
        const double ce = -(double)px->log_p[label], miss = -expm1(-ce), gamma = (double)t->gamma;
        by_label = pow(miss, gamma) + (miss > 0 ? gamma * pow(miss, gamma - 1) * exp(-ce) * ce : 0);
        by_label *= (double)t->alpha;
    } else {
        by_label = (1 - (double)t->smooth) * class_weight(t, label);
        smooth = (double)t->smooth / (double)k;
        for (int64_t c = 0; c < k; c++)
            by_all += smooth * class_weight(t, c);
    }
    for (int64_t c = 0; c < k; c++)
        dz[c] += factor *
                 ((by_label + by_all) * (double)px->p[c] - (c == label ? by_label : 0) - smooth * class_weight(t, c));
}

/* seg_loss_grad(logits, mask, stats, norm, dterms[, weight]) -> dlogits; work: one image's gradient in double */
static void seg_loss_grad_need(const fpc_node *node, fpc_need *need)
{
    need->shared = (size_t)(image_rows(node->in[0].shape) * node->in[0].shape.c) * sizeof(double);
}

static void image_grad(const fpc_node *node, int32_t n, double *dlogits)
{
    const fpc_seg_loss_attr *a = node->attr;
    const fpc_shape ls = node->in[0].shape, ms = node->in[1].shape;
    const int64_t k = ls.c;
    const uint8_t *mask = (const uint8_t *)node->in[1].data + n * image_rows(ms);
    const real *stats = (const real *)node->in[2].data + n * 3 * k;
    const real *norm = node->in[3].data, *dterms = node->in[4].data;
    const double share = image_weight(node, 5, n);
    for (int64_t r = 0; r < image_rows(ms); r++) {
        if (mask[r] == a->ignore)
            continue;
        pixel px;
        double dz[FPC_MAX_CLASSES] = {0};
        look(&node->in[0], ms, place_of(ms, n * image_rows(ms) + r), a->align_corners, &px);
        for (int32_t t = 0; t < a->n_terms; t++)
            if (norm[t] > 0)
                pixel_grad(a->term[t], &px, stats, mask[r], k, share * (double)dterms[t] / (double)norm[t], dz);
        spread(ls, n, &px, dz, dlogits);
    }
}

static fpc_status seg_loss_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const fpc_shape ls = node->in[0].shape;
    const int64_t each = image_rows(ls) * ls.c;
    double *work = fpc_exec_shared(exec);
    real *out = node->out[0].data;
    for (int32_t n = 0; n < ls.n; n++) {
        memset(work, 0, (size_t)each * sizeof *work);
        image_grad(node, n, work);
        for (int64_t i = 0; i < each; i++)
            out[n * each + i] = (real)work[i];
    }
    return FPC_OK;
}

/* seg_argmax(logits) -> u8 (n,h,w,1) */
static fpc_status seg_argmax(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const fpc_resize_attr *a = node->attr;
    const fpc_tensor *logits = &node->in[0];
    const fpc_shape s = node->out[0].shape;
    real z[FPC_MAX_CLASSES];
    for (int64_t r = 0; r < fpc_rows_of(s); r++) {
        const place at = place_of(s, r);
        interpolate(logits, at, tap_of(at.y, logits->shape.h, s.h, a->align_corners),
                    tap_of(at.x, logits->shape.w, s.w, a->align_corners), z);
        ((uint8_t *)node->out[0].data)[r] = (uint8_t)largest(z, logits->shape.c);
    }
    return FPC_OK;
}

/* softmax(x) -> y over c */
static fpc_status softmax(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const int64_t n = node->in[0].shape.c;
    const real *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++, x += n, y += n) {
        const real most = x[largest(x, n)];
        real sum = 0;
        for (int64_t c = 0; c < n; c++)
            sum += y[c] = exp(x[c] - most);
        for (int64_t c = 0; c < n; c++)
            y[c] /= sum;
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(loss)[] = {
    REF_ROW(seg_loss), REF_ROW(seg_loss_grad, .need = seg_loss_grad_need), REF_ROW(seg_argmax), REF_ROW(softmax), {0}};
