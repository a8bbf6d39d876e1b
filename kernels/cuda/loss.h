/* loss.h: what the losses over masks share (loss*.cu): where a pixel of the mask lies between four rows of logits, the
 * softmax there, the terms. Full-size logits never exist: each kernel interpolates what it needs, forward and again
 * backward; gradients are gathered by the rows of logits, in a fixed order. kernels/ref/loss_pixel.h and loss_overlap.h
 * say what is computed. */
#ifndef KERNELS_CUDA_LOSS_H
#define KERNELS_CUDA_LOSS_H

#include "kernels/cuda/ptx.h"
#include "kernels/cuda/reduce.h"

#define LOG2E 1.44269504088896340736f
#define LN2 0.693147180559945309417f

/* ---- interpolation ---- */

/* Along one axis: (1 - w1) in[i0] + w1 in[i0 + 1]; w1 is 0 where there is no i0 + 1. */
struct tap {
    int32_t i0;
    float w1;
};

/* As tap_of of kernels/ref/ref.h. The same bits on the host and on the device: no multiply-add. */
BOTH tap tap_of(int32_t at, int32_t in, int32_t out, int32_t corners)
{
    double from;
    if (corners) {
        from = out > 1 ? (double)at * (double)(in - 1) / (double)(out - 1) : 0;
    } else {
#ifdef __CUDA_ARCH__
        from = __dadd_rn(__dmul_rn((double)at + 0.5, (double)in / (double)out), -0.5);
#else
        from = ((double)at + 0.5) * ((double)in / (double)out) - 0.5;
#endif
    }
    if (from < 0)
        from = 0;
    tap t = {(int32_t)from, 0};
    if (t.i0 > in - 1)
        t.i0 = in - 1;
    if (t.i0 + 1 < in)
        t.w1 = (float)(from - (double)t.i0);
    return t;
}

/* Where a pixel lies in an image of logits: four rows of numbers and their weights. */
struct corners {
    int32_t o00, o01, o10, o11;
    float x1, y1;
};

DEVICE corners corners_of(tap ty, tap tx, int32_t lh, int32_t lw, int32_t k)
{
    const int32_t down = ty.i0 + 1 < lh ? lw * k : 0, right = tx.i0 + 1 < lw ? k : 0;
    const int32_t o = (ty.i0 * lw + tx.i0) * k;
    return {o, o + right, o + down, o + down + right, tx.w1, ty.w1};
}

/* Written out, so that every kernel gets the same bits. */
DEVICE float blend(float a, float b, float w1)
{
    return fmaf(w1, b, __fmul_rn(1 - w1, a));
}
DEVICE float logit_at(const float *image, const corners &q, int32_t c)
{
    const float a = blend(image[q.o00 + c], image[q.o01 + c], q.x1);
    const float b = blend(image[q.o10 + c], image[q.o11 + c], q.x1);
    return fmaf(b - a, q.y1, a);
}

/* The largest logit, the lowest class that has it, and the sum of the exponentials behind it. */
struct soft {
    float most, sum;
    int32_t best;
};

DEVICE soft softmax_at(const float *image, const corners &q, int32_t k)
{
    soft s = {logit_at(image, q, 0), 1, 0};
    for (int32_t c = 1; c < k; c++) {
        const float z = logit_at(image, q, c), e = exp2_fast(-fabsf(z - s.most) * LOG2E);
        const bool more = z > s.most;
        s.sum = more ? fmaf(s.sum, e, 1) : s.sum + e;
        s.best = more ? c : s.best;
        s.most = more ? z : s.most;
    }
    return s;
}

/* A pixel: its largest logit times log2(e), 1 / sum of the exponentials behind it (0: not counted). */
struct seen {
    float most, inverse;
};
DEVICE seen seen_of(const soft &s)
{
    return {s.most * LOG2E, 1 / s.sum};
}
DEVICE float probability(const seen &s, float z)
{
    return exp2_fast(fmaf(z, LOG2E, -s.most)) * s.inverse;
}

/* ---- the mask ---- */

/* A label that is neither a class nor ignored counts as ignored and is reported. */
DEVICE bool is_counted(int32_t label, int32_t k, int32_t ignore)
{
    return label != ignore && label < k;
}
DEVICE void report_label(int32_t *fault, int32_t image, int32_t label, int32_t id)
{
    if (atomicCAS(fault, (int32_t)FPC_CUDA_FINE, (int32_t)FPC_CUDA_BAD_LABEL) == FPC_CUDA_FINE) {
        fault[1] = image;
        fault[2] = label;
        fault[3] = id;
    }
}

/* ---- terms ---- */

struct loss_term {
    uint32_t kind;
    int32_t weighted; /* has class weights */
    float smooth, eps, alpha, gamma, beta;
};

/* The attributes, as kernels get them. */
struct loss_terms {
    int32_t n, k, ignore, corners;
    int32_t overlaps, smoothed, focal; /* how many such terms there are */
    loss_term t[FPC_MAX_TERMS];
    const float *weight; /* device memory, [n][k]: class weights of the terms that have them */
};

BOTH bool is_overlap(const loss_term &t)
{
    return t.kind == FPC_TERM_DICE || t.kind == FPC_TERM_TVERSKY;
}
DEVICE float class_weight(const loss_terms &a, int32_t t, int32_t c)
{
    return a.t[t].weighted ? a.weight[t * a.k + c] : 1;
}
/* What an image counts; weights may be nullptr. */
DEVICE float image_weight(const float *weights, int32_t n)
{
    return weights ? weights[n] : 1;
}

/* q^gamma for q >= 0 */
DEVICE float focal_power(float q, float gamma)
{
    return gamma == 0 ? 1 : gamma == 1 ? q : gamma == 2 ? q * q : powf(q, gamma);
}

/* loss_overlap.h's, of the sums of an image and class. */
struct overlap {
    double loss, by_p, by_hit;
};
DEVICE overlap overlap_of(const loss_term &t, double i, double p, double y)
{
    const double eps = (double)t.eps;
    if (t.kind == FPC_TERM_DICE) {
        const double top = 2 * i + eps, low = p + y + eps;
        return {1 - top / low, top / (low * low), -2 / low};
    }
    const double alpha = (double)t.alpha, beta = (double)t.beta, power = 1 / (double)t.gamma;
    const double miss = alpha * (p > i ? p - i : 0) + beta * (y > i ? y - i : 0), low = i + miss + eps, u = miss / low;
    const double slope = t.gamma == 1 ? 1 : u > 0 ? power * pow(u, power - 1) : 0;
    return {t.gamma == 1 ? u : pow(u, power), slope * alpha * (i + eps) / (low * low),
            slope * (-(alpha + beta) * low - miss * (1 - alpha - beta)) / (low * low)};
}

/* ---- gradients of terms: numbers of an image (filled by loss_grad.cu), and of a pixel ---- */

/* Of an image, in floats; the width is rounded up with zeros, so that kernels read without asking. */
enum { TABLE_CLASSES = FPC_MAX_CLASSES, TABLE_FLOATS = 4 * TABLE_CLASSES + 16 };
struct tables {
    const float *hot;       /* of a label: its part of cross entropy */
    const float *every;     /* of a class: smoothing */
    const float *dice;      /* of a class: slope by p off the label, */
    const float *hit;       /* and what being the label adds to it */
    const float *focal;     /* of a term: factor */
    const float *all_every; /* sum of every */
};
DEVICE tables tables_of(const float *all, int32_t n)
{
    const float *const t = all + (int64_t)n * TABLE_FLOATS;
    return {t,
            t + TABLE_CLASSES,
            t + 2 * TABLE_CLASSES,
            t + 3 * TABLE_CLASSES,
            t + 4 * TABLE_CLASSES,
            t + 4 * TABLE_CLASSES + FPC_MAX_TERMS};
}

/* What the class of its label and the softmax say: dz_k = e_k (dice_k + s) inverse - every_k + [k = y] h. */
struct slopes {
    float s, h;
};
/* ce = -log p[label]; p = p[label]; along = sum_k dice_k p_k. */
DEVICE slopes slopes_of(const loss_terms &a, const tables &t, int32_t label, float ce, float p, float along)
{
    float hot = t.hot[label];
    if (a.focal) {
        const float miss = fmaxf(0, 1 - p), ratio = miss > 0 ? p * ce / miss : 1;
        for (int32_t i = 0; i < a.n; i++)
            if (a.t[i].kind == FPC_TERM_FOCAL)
                hot = fmaf(focal_power(miss, a.t[i].gamma) * fmaf(ratio, a.t[i].gamma, 1), t.focal[i], hot);
    }
    const float mine = p * t.hit[label];
    return {hot + *t.all_every - (along + mine), mine - hot};
}

/* ---- work memory ---- */

/* Takes a piece of work memory that begins at `at`; base may be nullptr while sizes are counted. */
template <class T> static inline T *piece(char *base, size_t *at, int64_t count)
{
    T *p = reinterpret_cast<T *>(base + *at);
    *at += ((size_t)count * sizeof(T) + 255) & ~(size_t)255;
    return p;
}

/* ---- between the files ---- */

/* What the blocks of an image leave for the sums: part p has the sums of the terms, then P and I of each class, and
 * counts[K][3]: labelled, right, guessed. */
struct loss_parts {
    double *sum;
    int32_t *counts;
    int32_t parts; /* of an image */
};
BOTH int64_t sums_of_part(int32_t k)
{
    return FPC_MAX_TERMS + 2 * (int64_t)k;
}
static inline loss_parts loss_parts_of(int32_t n, int32_t parts, int32_t k, char *base, size_t *at)
{
    loss_parts p = {nullptr, nullptr, parts};
    p.sum = piece<double>(base, at, (int64_t)n * parts * sums_of_part(k));
    p.counts = piece<int32_t>(base, at, (int64_t)n * parts * 3 * k);
    return p;
}

/* loss.cu: the attributes; `room` of n_terms * K floats gets the class weights of all terms by fpc_cuda_terms_weights.
 * fpc_cuda_loss_weights: those of one. */
loss_terms fpc_cuda_loss_terms(const fpc_node *, const float *room);
fpc_status fpc_cuda_terms_weights(fpc_exec *, const fpc_node *, const loss_terms &, float *room);
fpc_status fpc_cuda_loss_weights(fpc_exec *, const fpc_node *, const float *weights, int32_t k, float *to);

/* loss_any.cu: for shapes that tiles do not take. */
int32_t fpc_cuda_loss_any_parts(const fpc_node *);
size_t fpc_cuda_loss_any_bytes(const fpc_node *);
fpc_status fpc_cuda_loss_any(fpc_exec *, const fpc_node *, const loss_terms &, const loss_parts &, char *work);
size_t fpc_cuda_loss_grad_any_bytes(const fpc_node *);
fpc_status fpc_cuda_loss_grad_any(fpc_exec *, const fpc_node *, const loss_terms &, const float *tables, char *work);

/* loss_grad.cu and loss_label.cu; their rows stand in the table of loss.cu. */
void fpc_cuda_need_seg_loss_grad(const fpc_node *, fpc_need *);
fpc_status fpc_cuda_run_seg_loss_grad(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status fpc_cuda_run_seg_argmax(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status fpc_cuda_run_softmax(fpc_exec *, const fpc_node *, fpc_rows);

#endif
