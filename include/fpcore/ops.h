/* ops.h: the built-in ops, by family: what each computes, above the struct that it takes its attributes from.
 *
 * Rows are pixels; c is contiguous. "real" is the graph's real type (F32; F64 in the oracle). dX is the gradient of the
 * loss by X. A line reads op(inputs[, inputs that may be left out]) -> outputs; ops without attributes get `NULL, 0`,
 * the others FPC_ATTR(a) of the struct below. Attributes grow at their end: what a caller's shorter struct lacks is 0.
 * What such a struct points at (class weights) is not copied and has to live as long as the graph: self->arena. */
#ifndef FPCORE_OPS_H
#define FPCORE_OPS_H

#include <fpcore/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- products ----
 *
 * linear(x, w[, b]) -> y             y[r,o] = sum_i x[r,i] w[o,i] + b[o]; w: out = n*h*w rows, in = c columns
 * linear_grad_x(dy, w) -> dx         dx[r,i] = sum_o dy[r,o] w[o,i]
 * linear_add(x, w, b, r) -> y        linear + r, of the shape of y; the core makes it of the two
 * sum_rows(dy) -> db                 db[c] = sum_r dy[r,c], shape (1,1,1,c) */

/* linear_grad_w(x, dy) -> dw         dw[o,i] = sum_r dy[r,o] x[r,i]; shape: of the weight */
typedef struct fpc_like_attr {
    fpc_shape shape;
} fpc_like_attr;

/* conv2d(x, w[, b]) -> y             x (n,h_in,w_in,c), w (k,r,s,c/groups), y (n,h_out,w_out,k)
 * conv2d_grad_x(dy, w[, b]) -> dx    transposed convolution to h x w (+ b)
 * conv2d_grad_w(x, dy) -> dw
 * h, w: size of the input x, which the two gradients cannot know from their arguments. */
typedef struct fpc_conv_attr {
    int32_t kh, kw, stride, pad, groups, h, w;
} fpc_conv_attr;

/* ---- norms ----
 *
 * batch_stats(x) -> mean, var        (1,1,1,c), biased variance, two-pass or Welford accuracy */

/* layer_norm(x, g, b) -> y, mean, rstd    mean, rstd (n,h,w,1): statistics of each row
 * layer_norm_grad(x, g, mean, rstd, dy[, r]) -> dx, dg, db    dx + r where r is given
 * add_layer_norm(a, b, g, beta) -> sum, y, mean, rstd    layer_norm of sum = a + b as it is stored; the core makes it
 * batch_norm(x, g, b, mean, var) -> y     with the statistics given
 * batch_norm_sums(x, mean, var, dy) -> dg, db    dg = sum_r dy xhat, db = sum_r dy
 * batch_norm_grad(x, g, mean, var, dg, db, dy) -> dx    through the batch statistics
 * running_stats(run_mean, run_var, batches, mean, var)    in place: run += momentum (new - run), new var times
 *     rows/(rows-1); batches (I64) += 1; statistics that are not finite are left out */
typedef struct fpc_norm_attr {
    float eps, momentum;
    int64_t rows; /* running_stats: n*h*w of the normalised tensor */
} fpc_norm_attr;

/* ---- attention ---- */

/* attention(q, k, v[, clock]) -> o, lse    per image and head; lse (n,h,w,heads): log-sum-exp of the scaled scores.
 *     Dropout (rng.h) on row (image*nq + i)*heads + head, element key index
 * attention_grad(q, k, v, o, lse, do[, clock]) -> dq, dk, dv */
typedef struct fpc_attention_attr {
    int32_t heads;
    float scale, drop; /* scale: 1/sqrt(c/heads) */
    uint32_t stream;
} fpc_attention_attr;

/* ---- number by number ----
 *
 * gelu(x) relu(x) sigmoid(x) -> y
 * gelu_grad(x, dy) relu_grad(y, dy) sigmoid_grad(y, dy) -> dx
 * add(a, b) mul(a, b) -> y                equal shapes
 * add_bcast(a, b) mul_bcast(a, b) -> y    b (n,1,1,c) or (1,1,1,c)
 * concat(a, b, ...) -> y                  along c
 * copy(x) -> y
 * narrow(y, x) -> y                       y = x in the dtype of y, in place, rounded as cast does
 * combine(weights, x0, x1, ...) -> y      y = sum_i weights[i] * x_i; all scalars (1,1,1,1), weights (1,1,1,n)
 * combine_grad(weights, dy) -> d          d[i] = weights[i] * dy, shape of weights; dy a scalar
 * softmax(x) -> y                         over c */

/* cast(x) -> y                            to the dtype, rounded to nearest, ties to even; the core makes it */
typedef struct fpc_cast_attr {
    uint32_t dtype;
} fpc_cast_attr;

/* fake_quantize(x) -> y                   scale * (q - zero), q = x / scale + zero rounded to nearest, ties to even,
 * and kept within [low, high]: what is left of x after a whole number of few bits; no gradient */
typedef struct fpc_quantize_attr {
    float scale; /* > 0 */
    int32_t zero, low, high;
} fpc_quantize_attr;

/* slice(x) -> y                           channels [first, first+count)
 * slice_grad(dy) -> dx                    zeros outside; total channels */
typedef struct fpc_slice_attr {
    int32_t first, count, total;
} fpc_slice_attr;

/* dropout(x, clock) -> y                  row = pixel row (per_channel: image), element = c; see rng.h */
typedef struct fpc_dropout_attr {
    float p;
    uint32_t stream;
    int32_t per_channel;
} fpc_dropout_attr;

/* ---- sizes ----
 *
 * pool_mean(x) pool_sum(x) -> y           (n,1,1,c) */

/* resize(x) -> y                          bilinear to h x w
 * resize_add(x, r) -> y                   resize + r, of the shape of y; the core makes it of the two
 * resize_grad(dy) -> dx                   its adjoint, to h x w
 * align_corners 0: src = max(0, (dst + 0.5) * in/out - 0.5), upper neighbour clamped to in-1; 1: src = dst *
 * (in-1)/(out-1), 0 where out is 1. Ratios in double, weights rounded to real.
 * seg_argmax(logits) -> u8 (n,h,w,1)      labels of the upsampled logits; the lowest index wins */
typedef struct fpc_resize_attr {
    int32_t h, w, align_corners;
} fpc_resize_attr;

/* broadcast(x) -> y                       (n,1,1,c) to (n,h,w,c), times scale */
typedef struct fpc_broadcast_attr {
    int32_t h, w;
    float scale;
} fpc_broadcast_attr;

/* max_pool(x) -> y
 * max_pool_grad(x, y, dy) -> dx           to the first maximum of each window */
typedef struct fpc_pool_attr {
    int32_t k, stride;
} fpc_pool_attr;

/* window(x) -> y                          y[i,j] = x[i-top, j-left], zero outside, size h x w: pad and crop */
typedef struct fpc_window_attr {
    int32_t top, left, h, w;
} fpc_window_attr;

/* ---- pictures ----
 *
 * take(x, index) -> y          y[i] = x[index[i]], whole images of U8; index (n,1,1,1) I32: batches out of a data set
 *     that lies on the device
 * to_real(u8) -> y             x / 255
 * colour(x, draws) -> y        draws (n,1,stages,16) real, fpc_colour of augment.h, in order; kinds there. hue: HSV as
 * in Smith 1978; posterize: the low 8 - bits bits of the byte floor(255 x) go (8 bits: copied); equalize: as Kornia and
 *     Pillow, counted by floor(256 x) and looked up by floor(255 x); autocontrast: a flat channel is copied; an image
 *     whose draws (but the kind) are all zero is copied
 * jpeg(x, quality) -> y        8 x 8 block transform, rounding by the standard's tables (luma, chroma 4:4:4) at quality
 *     1 .. 100, back, clamped to [0,1]; quality (n,1,1,1), 0: copied; the last pixels go on beyond the picture
 * erase(x, boxes) -> y         boxes (n,1,1,8 B) real: x0 y0 x1 y1 in [-1,1], r g b, on (0: none); pixels whose centre
 * is inside (x0 <= centre < x1) take the colour; the last box lies on top mix_image(x, mask, plan, table) -> y fpc_mix
 * of augment.h. plan (n,1,5,12) real: row 0 is soft, lambda; row 1 + k is layer k: partner alpha x0 y0 x1 y1 sx sy tx
 * ty any; table (n,1,4,256) U8: 1 where layer k takes the label (unused where any is 1). Bilinear where a layer is not
 * at its own place, clamped at the border */

typedef enum fpc_border { FPC_BORDER_FILL, FPC_BORDER_REFLECT, FPC_BORDER_EDGE, FPC_BORDER_KEEP } fpc_border;

/* warp_image(x, draws[, field]) -> y      bilinear sample of x, U8 (divided by 255) or real; draws (n,1,1,8) real: rows
 *     of a matrix in pixels, output pixel index -> input pixel index (m22 = 1): [m00 m01 m02 m10 m11 m12 m20 m21]. The
 *     core makes it of the draws' fpc_homography, which is in [-1,1]. field (n,N,N,2) real, N = FPC_FIELD_NODES: shifts
 *     in [-1,1] (augment.h), bilinear between the nodes, added to where the matrix points. Outside: `border`
 * warp_mask(u8, draws, table[, field]) -> u8    nearest (floor(x + 0.5)); table (n,1,1,256) U8 maps labels (exchange of
 *     pairs); outside: `border`, or label `fill`
 * erase_mask(u8, boxes) -> u8             the boxes of erase take label `fill`
 * What lies outside. FILL: black, and the label `fill`; REFLECT: mirrored about the border pixels' centres, without
 * repeating them; EDGE: the border pixel. */
typedef struct fpc_warp_attr {
    int32_t fill, border;
} fpc_warp_attr;

/* filter(x, kernel) -> y       each channel of image i by its own k x k weights, kernel (n,1,1,k*k) real, all zero:
 * copied median(x, on) -> y           of k x k pixels, border reflected; on (n,1,1,1), 0: copied k: odd. border:
 * REFLECT, EDGE, FILL (black outside), or KEEP: pixels whose window leaves the picture stay as they are. clamp: results
 * to [0,1]. */
typedef struct fpc_filter_attr {
    int32_t k, border, clamp;
} fpc_filter_attr;

/* mix_mask(mask, plan, table) -> u8       hard: the label of the topmost layer with alpha >= 1/2 there, or the
 * picture's own; soft: the whole mask of the larger share (which 0), of the smaller (which 1) */
typedef struct fpc_mix_attr {
    int32_t which;
} fpc_mix_attr;

/* gaussian_noise(x, sigma, clock) -> y    x + sigma[image] * N(0,1), sigma (n,1,1,1); Box-Muller pairs (2i, 2i+1) of
 *     element index e = row*c + channel from words of fpc_philox4x32(seed, e/4 low, e/4 high, step, stream), u and v
 * the fpc_unit of words 2i, 2i+1: sqrt(-2 ln(1 - u)) times cos(2 pi v) for the even element, sin(2 pi v) for the odd;
 *     clamped to [0,1] unless `unclamped` */
typedef struct fpc_noise_attr {
    uint32_t stream;
    int32_t unclamped; /* 1: the sum may leave [0,1] */
} fpc_noise_attr;

/* ---- losses: fpc_seg_loss, fpc_pixel_loss and fpc_boundary_loss of loss.h append them ---- */

typedef enum fpc_term_kind {
    FPC_TERM_CROSS_ENTROPY = 1,
    FPC_TERM_DICE,
    FPC_TERM_FOCAL,
    FPC_TERM_TVERSKY
} fpc_term_kind;
enum { FPC_MAX_TERMS = 8, FPC_MAX_CLASSES = 256 };

/* tversky: mean over images and classes, as dice, of (1 - T)^(1/gamma), T = (I + eps)/(I + alpha (P - I) + beta (Y - I)
 * + eps). class_weight: NULL or K numbers; they live as long as the graph (fpc_seg_loss copies them). */
typedef struct fpc_seg_term {
    uint32_t kind;
    float smooth;       /* cross entropy: label smoothing */
    float eps;          /* dice, tversky */
    float alpha, gamma; /* focal; tversky: weight of false positives, exponent 1/gamma */
    float beta;         /* tversky: weight of false negatives */
    const float *class_weight;
} fpc_seg_term;

/* seg_loss(logits, mask[, weight]) -> terms, stats, norm, counts
 *     Bilinear upsampling of logits (n,lh,lw,K) to the mask's size (none where equal), softmax, and every loss term at
 *     once. terms (1,1,1,T); stats (n,1,3,K): per image I = sum p*onehot, P = sum p, Y = sum onehot over pixels that
 * are not ignored; norm (1,1,1,T): each term's normaliser (CE: sum of weights, or pixels; Dice, Tversky: images with a
 *     labelled pixel; focal: pixels); counts (n,1,K,3) I32: tp, fp, fn of the arg-max (lowest index wins). CE and focal
 *     with N = 0 give 0. Labels >= K other than ignore are reported (FPC_EFORMAT with the image's number). weight
 *     (n,1,1,1) real: what image i adds to the sum of each term is multiplied by weight[i]; norm, stats and counts do
 * not see it. seg_loss_grad(logits, mask, stats, norm, dterms[, weight]) -> dlogits term: n_terms of them, each by a
 * pointer, so that they may grow; term_size: sizeof(fpc_seg_term) as the caller sees it. The graph copies the terms. */
typedef struct fpc_seg_loss_attr {
    int32_t n_terms, ignore, align_corners;
    uint32_t term_size;
    const fpc_seg_term *term[FPC_MAX_TERMS];
} fpc_seg_loss_attr;

/* lovasz(logits, mask[, weight]) -> loss, slope
 * ohem(logits, mask[, weight]) -> loss, slope
 * boundary(logits, mask, distance[, weight]) -> loss, slope
 *     Losses over the same upsampling and softmax; weight as in seg_loss. slope, in the shape of the logits, is the
 *     gradient of loss (1,1,1,1) by them: the backward pass only scales it (combine_grad).
 *     lovasz: mean over images with a labelled pixel (over the batch as one image where per_image is 0) and over the
 *     classes present (or all) of sum_i e_i (J_i - J_i-1): e = |onehot - p|, falling, equal ones in the order of the
 *     pixels; J_i = 1 - (Y - i's of the class)/(Y + i's of others).
 *     ohem: mean over images of the mean of w_y ce (over the w_y) of the pixels with p[label] < threshold, or of the
 *     ceil(keep * labelled) hardest where these are more, equal ones in the order of the pixels.
 *     boundary: mean over images, their labelled pixels and the classes present of p * distance.
 * class_weight as in fpc_seg_term. align_corners is the core's to set. */
typedef struct fpc_pixel_loss_attr {
    int32_t ignore, align_corners;
    int32_t present_only, per_image; /* lovasz */
    double threshold, keep;          /* ohem */
    const float *class_weight;       /* ohem */
} fpc_pixel_loss_attr;

/* signed_distance(mask) -> d (n,h,w,classes) real, exact Euclidean, in pixels (of the diagonal: normalise): outside of
 * a class to its nearest pixel, inside 1 - that to the nearest pixel of another class; 0 for classes that the image
 *     does not have, for ignored pixels and where there is no other class */
typedef struct fpc_distance_attr {
    int32_t classes, ignore, normalise;
} fpc_distance_attr;

/* ---- updates: on flat (1,1,rows,256) buffers (optimizer.h), in place ----
 *
 * sum_squares(x) -> s                (1,1,1,1); accumulated in double
 * accumulate(acc, x) -> acc          acc += x
 * zero(x) -> x
 * ema(avg, p, decay[, scale]) -> avg    avg += (1 - decay) (p - avg); decay (1,1,1,1)
 * add_scaled(x, y, s) -> x           x += s y; s (1,1,1,1)
 * Where an update takes `scale`, here and below, NaN means that the step is skipped: nothing changes. */

/* clip_scale(s[, scaler]) -> scale, norm    norm = sqrt(s); scale = min(1, max/(norm + 1e-6)), 1 where max is 0; NaN
 * where norm is not finite. Of gradients times a factor (scaler[0]): norm and scale are divided by it */
typedef struct fpc_clip_attr {
    double max_norm;
} fpc_clip_attr;

/* scaler(state, norm) -> state       dynamic loss scaling (Micikevicius et al. 2018, arXiv:1710.03740). state
 * (1,1,1,4): factor, steps since it changed, steps taken, steps skipped. norm finite: taken + 1, and after `interval`
 * such steps factor * 2, at most 2^24; else skipped + 1 and factor / 2, at least 1 */
typedef struct fpc_scaler_attr {
    int32_t interval; /* PyTorch's 2000 */
} fpc_scaler_attr;

/* In a flat buffer each parameter begins at a multiple of so many numbers. So a group of them, from one such multiple
 * to the next, is of one parameter, and what differs from parameter to parameter is given once a group. 16 floats are a
 * line of cache and the longest vector of any processor that the kernels are made for: no vector has two groups. It is
 * part of the format of `factors` below, for kernels of plugins too, and does not change within an ABI major. */
enum { FPC_FLAT_ALIGN = 16 };

/* The optimizers' last input, factors (1,1,rows,c/FPC_FLAT_ALIGN*2) for p of (1,1,rows,c), may be left out: for each
 * group of FPC_FLAT_ALIGN numbers of a row of p what lr is multiplied by, then what weight_decay is. With it, c is a
 * multiple of FPC_FLAT_ALIGN. m, v and g are of p's shape.
 *
 * adamw(p, m, v, g, scale, lr, t[, factors])    Loshchilov and Hutter 2019; lr, t (1,1,1,1); t counts from 1. coupled:
 * PyTorch's Adam, weight_decay p joins the gradient */
typedef struct fpc_adamw_attr {
    double beta1, beta2, eps, weight_decay;
    int32_t coupled;
} fpc_adamw_attr;

/* sgd(p, m, g, scale, lr, t[, factors])         PyTorch's SGD; m is the momentum buffer */
typedef struct fpc_sgd_attr {
    double momentum, weight_decay, dampening;
    int32_t nesterov;
} fpc_sgd_attr;

/* lion(p, m, g, scale, lr[, factors])           p = p (1 - lr decay) - lr sign(beta1 m + (1 - beta1) g), sign(0) = 0;
 *     then m = beta2 m + (1 - beta2) g */
typedef struct fpc_lion_attr {
    double beta1, beta2, weight_decay;
} fpc_lion_attr;

#ifdef __cplusplus
}
#endif
#endif
