/* ops.h: the built-in ops: what each computes, and its attributes. core/ops.def is the table (arity, access letters),
 * core/ops_FAMILY.c has shapes and gradients, kernels/BACKEND/FAMILY.c computes. Rows are pixels; c is contiguous.
 * "real" is the graph's real type (F32; F64 in the oracle). Notation: dX is the gradient of the loss by X.
 *
 * linear.c
 *   linear(x, w[, b]) -> y               y[r,o] = sum_i x[r,i] w[o,i] + b[o]; w: out = n*h*w rows, in = c columns
 *   linear_grad_x(dy, w) -> dx           dx[r,i] = sum_o dy[r,o] w[o,i]
 *   linear_grad_w(x, dy) -> dw           dw[o,i] = sum_r dy[r,o] x[r,i]                          attr fpc_like_attr
 *   sum_rows(dy) -> db                   db[c] = sum_r dy[r,c], shape (1,1,1,c)
 *   conv2d(x, w[, b]) -> y                                                                       attr fpc_conv_attr
 *   conv2d_grad_x(dy, w[, b]) -> dx      transposed convolution to h x w of the attributes (+ b) attr fpc_conv_attr
 *   conv2d_grad_w(x, dy) -> dw                                                                   attr fpc_conv_attr
 * norm.c
 *   layer_norm(x, g, b) -> y, mean, rstd      mean, rstd (n,h,w,1): statistics of each row       attr fpc_norm_attr
 *   layer_norm_grad(x, g, mean, rstd, dy) -> dx, dg, db
 *   batch_stats(x) -> mean, var               (1,1,1,c), biased variance, two-pass or Welford accuracy
 *   batch_norm(x, g, b, mean, var) -> y       with the statistics given                          attr fpc_norm_attr
 *   batch_norm_sums(x, mean, var, dy) -> dg, db   dg = sum_r dy xhat, db = sum_r dy              attr fpc_norm_attr
 *   batch_norm_grad(x, g, mean, var, dg, db, dy) -> dx   through the batch statistics            attr fpc_norm_attr
 *   running_stats(run_mean, run_var, batches, mean, var)   in place: run += momentum (new - run), new var times
 *                                             rows/(rows-1); batches (I64) += 1                  attr fpc_norm_attr
 * attention.c
 *   attention(q, k, v[, clock]) -> o, lse     per image and head; lse (n,h,w,heads): log-sum-exp of the scaled scores.
 *                                             Dropout (rng.h) on row (image*nq + i)*heads + head, element key index
 *                                                                                                attr
 * fpc_attention_attr attention_grad(q, k, v, o, lse, do[, clock]) -> dq, dk, dv                                   attr
 * fpc_attention_attr pointwise.c gelu(x) relu(x) sigmoid(x) -> y;  gelu_grad(x, dy) relu_grad(y, dy) sigmoid_grad(y,
 * dy) -> dx add(a, b) mul(a, b) -> y                  equal shapes add_bcast(a, b) mul_bcast(a, b) -> y      b
 * (n,1,1,c) or (1,1,1,c) concat(a, b, ...) -> y                    along c slice(x) -> y channels [first, first+count)
 * attr fpc_slice_attr slice_grad(dy) -> dx                      zeros outside; total channels                      attr
 * fpc_slice_attr dropout(x, clock) -> y                    row = pixel row (per_channel: image), element = c  attr
 * fpc_dropout_attr copy(x) -> y combine(weights, x0, x1, ...) -> y        y = sum_i weights[i] * x_i; all scalars
 * (1,1,1,1), weights (1,1,1,n) combine_grad(weights, dy) -> d            d[i] = weights[i] * dy, shape of weights
 * resize.c
 *   resize(x) -> y;  resize_grad(dy) -> dx    bilinear to h x w; the adjoint, to h x w           attr fpc_resize_attr
 *   pool_mean(x) -> y                         (n,1,1,c)
 *   pool_sum(x) -> y                          (n,1,1,c)
 *   broadcast(x) -> y                         (n,1,1,c) to (n,h,w,c), times scale                attr
 * fpc_broadcast_attr max_pool(x) -> y;  max_pool_grad(x, y, dy) -> dx   to the first maximum of each window       attr
 * fpc_pool_attr window(x) -> y                            y[i,j] = x[i-top, j-left], zero outside, size h x w: pad and
 * crop attr fpc_window_attr image.c to_real(u8) -> y                          x / 255 warp_image(u8, draws) -> y y =
 * bilinear sample of x/255; draws (n,1,1,8) real: rows of a pixel-space matrix, output pixel index -> input pixel index
 * (m20 and m21, m22 = 1): [m00 m01 m02 m10 m11 m12 m20 m21]; zero outside warp_mask(u8, draws, table) -> u8 nearest
 * (floor(x + 0.5)); table (n,1,1,256) U8 maps labels (exchange of pairs); outside: `fill` attr fpc_warp_attr colour(x,
 * draws) -> y                     draws (n,1,stages,16) real, fpc_colour of augment.h, in order gaussian_noise(x,
 * sigma, clock) -> y      x + sigma[image] * N(0,1), sigma (n,1,1,1); Box-Muller pairs (2i, 2i+1) of element index e =
 * row*c + channel from words of fpc_philox4x32(seed, e/4 low, e/4 high, step, stream), u and v the fpc_unit of words
 * 2i, 2i+1: sqrt(-2 ln(1 - u)) times cos(2 pi v) for the even element, sin(2 pi v) for the odd; clamped to [0,1] attr
 * fpc_noise_attr loss.c (kernels) / ops_loss.c seg_loss(logits, mask) -> terms, stats, norm, counts attr
 * fpc_seg_loss_attr Bilinear upsampling of logits (n,lh,lw,K) to the mask's size (none where equal), softmax, and every
 * loss term at once. terms (1,1,1,T); stats (n,1,3,K): per image I = sum p*onehot, P = sum p, Y = sum onehot over
 * pixels that are not ignored; norm (1,1,1,T): each term's normaliser (CE: sum of weights, or pixels; Dice: images with
 * a labelled pixel; focal: pixels); counts (n,1,K,3) I32: tp, fp, fn of the arg-max (lowest index wins). CE and focal
 * with N = 0 give 0. Labels >= K other than ignore are reported (FPC_EFORMAT with the image's number).
 *   seg_loss_grad(logits, mask, stats, norm, dterms) -> dlogits                                  attr fpc_seg_loss_attr
 *   seg_argmax(logits) -> u8 (n,h,w,1)        labels of the upsampled logits                     attr fpc_resize_attr
 *   softmax(x) -> y                           over c
 * train.c: on flat (1,1,rows,256) buffers, in place
 *   sum_squares(x) -> s                       (1,1,1,1); accumulated in double
 *   clip_scale(s) -> scale, norm              norm = sqrt(s); scale = min(1, max/(norm + 1e-6)), 1 where max is 0
 *                                                                                                attr fpc_clip_attr
 *   accumulate(acc, x) -> acc                 acc += x
 *   zero(x) -> x
 *   adamw(p, m, v, g, scale, lr, t)           reference 4.1; lr, t (1,1,1,1); t counts from 1    attr fpc_adamw_attr
 *   sgd(p, m, g, scale, lr, t)                PyTorch's SGD; m is the momentum buffer            attr fpc_sgd_attr
 *   ema(avg, p, decay) -> avg                 avg += (1 - decay) (p - avg); decay (1,1,1,1)
 */
#ifndef FPCORE_OPS_H
#define FPCORE_OPS_H

#include <fpcore/op.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fpc_like_attr { /* linear_grad_w: shape of the weight */
    fpc_shape shape;
} fpc_like_attr;

/* conv2d: x (n,h_in,w_in,c), w (k,r,s,c/groups), y (n,h_out,w_out,k). h, w: size of the input x, which the two
 * gradients cannot know from their arguments. */
typedef struct fpc_conv_attr {
    int32_t kh, kw, stride, pad, groups, h, w;
} fpc_conv_attr;

typedef struct fpc_norm_attr {
    float eps, momentum;
    int64_t rows; /* running_stats: n*h*w of the normalised tensor */
} fpc_norm_attr;

typedef struct fpc_attention_attr {
    int32_t heads;
    float scale, drop; /* scale: 1/sqrt(c/heads) */
    uint32_t stream;
} fpc_attention_attr;

typedef struct fpc_slice_attr {
    int32_t first, count, total;
} fpc_slice_attr;

typedef struct fpc_dropout_attr {
    float p;
    uint32_t stream;
    int32_t per_channel;
} fpc_dropout_attr;

/* h, w: size of the result. align_corners 0: src = max(0, (dst + 0.5) * in/out - 0.5), upper neighbour clamped to
 * in-1; 1: src = dst * (in-1)/(out-1), 0 where out is 1. Ratios in double, weights rounded to real. */
typedef struct fpc_resize_attr {
    int32_t h, w, align_corners;
} fpc_resize_attr;

typedef struct fpc_broadcast_attr {
    int32_t h, w;
    float scale;
} fpc_broadcast_attr;

typedef struct fpc_pool_attr {
    int32_t k, stride;
} fpc_pool_attr;

typedef struct fpc_window_attr {
    int32_t top, left, h, w;
} fpc_window_attr;

typedef struct fpc_warp_attr {
    int32_t fill; /* label of the area outside */
} fpc_warp_attr;

typedef struct fpc_noise_attr {
    uint32_t stream;
} fpc_noise_attr;

typedef enum fpc_term_kind { FPC_TERM_CROSS_ENTROPY = 1, FPC_TERM_DICE, FPC_TERM_FOCAL } fpc_term_kind;
enum { FPC_MAX_TERMS = 8, FPC_MAX_CLASSES = 256 };

/* Reference 2. class_weight: NULL or K numbers; the graph copies them. */
typedef struct fpc_seg_term {
    uint32_t kind;
    float smooth;       /* cross entropy: label smoothing */
    float eps;          /* dice */
    float alpha, gamma; /* focal */
    const float *class_weight;
} fpc_seg_term;

typedef struct fpc_seg_loss_attr {
    int32_t n_terms, ignore, align_corners;
    fpc_seg_term term[FPC_MAX_TERMS];
} fpc_seg_loss_attr;

typedef struct fpc_clip_attr {
    double max_norm;
} fpc_clip_attr;

typedef struct fpc_adamw_attr {
    double beta1, beta2, eps, weight_decay;
} fpc_adamw_attr;

typedef struct fpc_sgd_attr {
    double momentum, weight_decay, dampening;
    int32_t nesterov;
} fpc_sgd_attr;

#ifdef __cplusplus
}
#endif
#endif
