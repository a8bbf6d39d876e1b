/* loss_pixel.h: what the losses share: the logits of a pixel of the mask, interpolated from low-resolution logits, as
 * probabilities, and the way back of a gradient. The full-size logits never exist. For kernels/ref, and through
 * kernels/cpu/plain.h for those of the cpu backend that are the same plain loops. */
#ifndef KERNELS_REF_LOSS_PIXEL_H
#define KERNELS_REF_LOSS_PIXEL_H

#include "ref.h"

typedef struct pixel {
    real log_p[FPC_MAX_CLASSES], p[FPC_MAX_CLASSES];
    tap ty, tx;
} pixel;

/* The four logit rows that the pixel at (n, y, x) of a (h, w) picture interpolates. */
static inline void find_corners(fpc_shape s, int32_t n, tap ty, tap tx, int64_t row[4])
{
    row[0] = row_of(s, n, ty.i0, tx.i0);
    row[1] = row_of(s, n, ty.i0, tx.i1);
    row[2] = row_of(s, n, ty.i1, tx.i0);
    row[3] = row_of(s, n, ty.i1, tx.i1);
}

static inline void interpolate(const fpc_tensor *logits, place at, tap ty, tap tx, real *z)
{
    const int64_t k = logits->shape.c;
    int64_t row[4];
    find_corners(logits->shape, at.n, ty, tx, row);
    const real *z00 = (const real *)logits->data + row[0] * k, *z01 = (const real *)logits->data + row[1] * k;
    const real *z10 = (const real *)logits->data + row[2] * k, *z11 = (const real *)logits->data + row[3] * k;
    for (int64_t c = 0; c < k; c++)
        z[c] = ty.w0 * (tx.w0 * z00[c] + tx.w1 * z01[c]) + ty.w1 * (tx.w0 * z10[c] + tx.w1 * z11[c]);
}

/* Index of the largest; the lowest wins a tie. */
static inline int64_t largest(const real *z, int64_t n)
{
    int64_t best = 0;
    for (int64_t c = 1; c < n; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

#ifndef PIXEL_LOG_SOFTMAX
static inline void log_softmax(const real *z, int64_t n, real *log_p, real *p)
{
    const real most = z[largest(z, n)];
    real sum = 0;
    for (int64_t c = 0; c < n; c++)
        sum += p[c] = exp(z[c] - most);
    for (int64_t c = 0; c < n; c++) {
        log_p[c] = z[c] - most - log(sum);
        p[c] /= sum;
    }
}
#endif

/* Fills in the pixel and returns the class of its largest logit. */
static inline int64_t look(const fpc_tensor *logits, fpc_shape mask, place at, int align_corners, pixel *px)
{
    real z[FPC_MAX_CLASSES];
    px->ty = tap_of(at.y, logits->shape.h, mask.h, align_corners);
    px->tx = tap_of(at.x, logits->shape.w, mask.w, align_corners);
    interpolate(logits, at, px->ty, px->tx, z);
    log_softmax(z, logits->shape.c, px->log_p, px->p);
    return largest(z, logits->shape.c);
}

/* Adds the gradient by the pixel's logits to that of image n's low-resolution ones (h, w, K). */
static inline void spread(fpc_shape logits, int32_t n, const pixel *px, const double *dz, double *dlogits)
{
    const int64_t k = logits.c, first = n * image_rows(logits);
    const real weight[4] = {px->ty.w0 * px->tx.w0, px->ty.w0 * px->tx.w1, px->ty.w1 * px->tx.w0, px->ty.w1 * px->tx.w1};
    int64_t row[4];
    find_corners(logits, n, px->ty, px->tx, row);
    for (int i = 0; i < 4; i++)
        for (int64_t c = 0; c < k; c++)
            dlogits[(row[i] - first) * k + c] += (double)weight[i] * dz[c];
}

/* What image n counts: input `slot`, where there is one. */
static inline double image_weight(const fpc_node *node, int32_t slot, int32_t n)
{
    return node->n_in > slot ? (double)((const real *)node->in[slot].data)[n] : 1;
}

/* r: the pixel's place in image n of a mask of width w */
static inline fpc_status bad_label(const fpc_exec *exec, const fpc_node *node, int32_t n, int64_t r, int32_t w,
                                   int label, int classes)
{
    return fpc_fail(fpc_exec_ctx(exec), FPC_EFORMAT,
                    "%s: image %d of the batch has label %d at x %d, y %d; there are %d classes, so labels are 0 .. %d",
                    node->name, n, label, (int)(r % w), (int)(r / w), classes, classes - 1);
}

#endif
