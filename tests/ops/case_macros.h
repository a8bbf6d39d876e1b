/* case_macros.h: shorthands of the lists of op cases (cases.c, bench_cases.c): inputs, and the ops of a family over one
 * shape, forward and gradients. `weights` of CE_WEIGHTS and CE_BOTH stand in cases.c. */
#ifndef TESTS_OPS_CASE_MACROS_H
#define TESTS_OPS_CASE_MACROS_H

#include "cases.h"
#include <fpcore/augment.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* an attribute that is left out is zero */

/* The formatter would stretch each of these macros over many lines. */
/* clang-format off */

/* Inputs. X is the everyday one: numbers in [-2, 2]. */
#define X(n, h, w, c) {.shape = {n, h, w, c}, .lo = -2, .hi = 2}
#define V(c) X(1, 1, 1, c)
#define BETWEEN(lo_, hi_, n, h, w, c) {.shape = {n, h, w, c}, .lo = lo_, .hi = hi_}
#define ONE(value) {.shape = {1, 1, 1, 1}, .lo = value, .hi = value}
#define SHARES(n_) {.shape = {n_, 1, 1, 1}, .lo = 0, .hi = 1, .constant = 1}
#define FIXED(c_) {.shape = {1, 1, 1, c_}, .lo = -2, .hi = 2, .constant = 1}
#define GRID(lo_, hi_, n, h, w, c) {.fill = FILL_GRID, .shape = {n, h, w, c}, .lo = lo_, .hi = hi_}
#define FROM(op_, slot_, args_) {.fill = FILL_FROM, .op = op_, .slot = slot_, .args = args_}
#define LABELS(classes, ignored, n, h, w) {.fill = FILL_LABELS, .shape = {n, h, w, 1}, .lo = ignored, .hi = classes}
#define BYTES(n, h, w, c) {.fill = FILL_BYTES, .shape = {n, h, w, c}}
#define CLOCK {.fill = FILL_CLOCK, .shape = {1, 1, 1, 4}}
#define SWAPS(n) {.fill = FILL_SWAPS, .shape = {n, 1, 1, 256}}
#define MATRIX(n) {.fill = FILL_MATRIX, .shape = {n, 1, 1, 8}}
#define COLOUR(n, experiment) {.fill = FILL_COLOUR, .shape = {n, 1, experiment, 16}}
#define LEVELS(lo_, hi_, n, h, w) {.fill = FILL_LEVELS, .shape = {n, h, w, 3}, .lo = lo_, .hi = hi_}
#define PICTURE(n, h, w) BETWEEN(0, 1, n, h, w, 3)
#define INDEX(below, n) {.fill = FILL_INDEX, .shape = {n, 1, 1, 1}, .hi = below}
#define STATE(factor, since) {.fill = FILL_STATE, .shape = {1, 1, 1, 4}, .lo = factor, .hi = since}
#define COUNT {.fill = FILL_COUNT, .shape = {1, 1, 1, 1}}

/* A linear map of (n,h,w) pixels from i to o channels, forward and both gradients. */
#define LINEAR(n, h, w, i, o)                                                                   \
    {"linear", "", {X(n, h, w, i), X(1, 1, o, i), V(o)}},                                       \
    {"linear", "no bias", {X(n, h, w, i), X(1, 1, o, i)}},                                      \
    {"linear_add", "", {X(n, h, w, i), X(1, 1, o, i), V(o), X(n, h, w, o)}},                    \
    {"linear_grad_x", "", {X(n, h, w, o), X(1, 1, o, i)}},                                      \
    {"linear_grad_w", "", {X(n, h, w, i), X(n, h, w, o)}, .attr.like = {{1, 1, o, i}}}

/* A convolution of (n,h,w,c) to o channels with k x k kernels, forward and both gradients. */
#define SIZE(in, k, stride, pad) (((in) + 2 * (pad) - (k)) / (stride) + 1)
#define CONV(note, n, h, w, c, o, k, stride, pad, groups)                                       \
    {"conv2d", note, {X(n, h, w, c), X(o, k, k, (c) / (groups)), V(o)},                         \
     .attr.conv = {k, k, stride, pad, groups, h, w}},                                           \
    {"conv2d_grad_x", note,                                                                     \
     {X(n, SIZE(h, k, stride, pad), SIZE(w, k, stride, pad), o), X(o, k, k, (c) / (groups))},   \
     .attr.conv = {k, k, stride, pad, groups, h, w}},                                           \
    {"conv2d_grad_w", note,                                                                     \
     {X(n, h, w, c), X(n, SIZE(h, k, stride, pad), SIZE(w, k, stride, pad), o)},                \
     .attr.conv = {k, k, stride, pad, groups, h, w}}

#define NORM_ATTR .attr.norm = {1e-5f, 0.1f, 0}
#define LAYER_NORM(note, lo, hi, n, h, w, c)                                                    \
    {"layer_norm", note, {BETWEEN(lo, hi, n, h, w, c), V(c), V(c)}, NORM_ATTR},                 \
    {"layer_norm_grad", note,                                                                   \
     {BETWEEN(lo, hi, n, h, w, c), V(c), FROM("layer_norm", 1, "011"),                          \
      FROM("layer_norm", 2, "011"), X(n, h, w, c)}, NORM_ATTR},                                 \
    {"layer_norm_grad", note ", beside another",                                                \
     {BETWEEN(lo, hi, n, h, w, c), V(c), FROM("layer_norm", 1, "011"),                          \
      FROM("layer_norm", 2, "011"), X(n, h, w, c), X(n, h, w, c)}, NORM_ATTR},                  \
    {"add_layer_norm", note,                                                                    \
     {BETWEEN(lo, hi, n, h, w, c), BETWEEN(lo, hi, n, h, w, c), V(c), V(c)}, NORM_ATTR}
#define BATCH_NORM(note, lo, hi, n, h, w, c)                                                    \
    {"batch_stats", note, {BETWEEN(lo, hi, n, h, w, c)}},                                       \
    {"batch_norm", note,                                                                        \
     {BETWEEN(lo, hi, n, h, w, c), V(c), V(c), FROM("batch_stats", 0, "0"),                     \
      FROM("batch_stats", 1, "0")}, NORM_ATTR},                                                 \
    {"batch_norm_sums", note,                                                                   \
     {BETWEEN(lo, hi, n, h, w, c), FROM("batch_stats", 0, "0"), FROM("batch_stats", 1, "0"),    \
      X(n, h, w, c)}, NORM_ATTR},                                                               \
    {"batch_norm_grad", note,                                                                   \
     {BETWEEN(lo, hi, n, h, w, c), V(c), FROM("batch_stats", 0, "0"),                           \
      FROM("batch_stats", 1, "0"), FROM("batch_norm_sums", 0, "0236"),                          \
      FROM("batch_norm_sums", 1, "0236"), X(n, h, w, c)}, NORM_ATTR}

/* Queries (n,h,w,c), keys (n,kh,kw,c). The clock comes last, with or without dropout. */
#define ATTENTION(note, n, h, w, c, kh, kw, heads, scale, drop)                                 \
    {"attention", note, {X(n, h, w, c), X(n, kh, kw, c), X(n, kh, kw, c), CLOCK},               \
     .attr.attention = {heads, scale, drop, 77}},                                               \
    {"attention_grad", note,                                                                    \
     {X(n, h, w, c), X(n, kh, kw, c), X(n, kh, kw, c), FROM("attention", 0, "0126"),            \
      FROM("attention", 1, "0126"), X(n, h, w, c), CLOCK},                                      \
     .attr.attention = {heads, scale, drop, 77}}

/* Everything that needs a shape only. */
#define UNARY(n, h, w, c)                                                                       \
    {"gelu", "", {BETWEEN(-6, 6, n, h, w, c)}},                                                 \
    {"gelu_grad", "", {BETWEEN(-6, 6, n, h, w, c), X(n, h, w, c)}},                             \
    {"relu", "", {X(n, h, w, c)}},                                                              \
    {"relu_grad", "", {FROM("relu", 0, "1"), X(n, h, w, c)}},                                   \
    {"sigmoid", "", {BETWEEN(-9, 9, n, h, w, c)}},                                              \
    {"sigmoid_grad", "", {BETWEEN(0, 1, n, h, w, c), X(n, h, w, c)}},                           \
    {"copy", "", {X(n, h, w, c)}},                                                              \
    {"add", "", {X(n, h, w, c), X(n, h, w, c)}},                                                \
    {"mul", "", {X(n, h, w, c), X(n, h, w, c)}},                                                \
    {"add_bcast", "(n,1,1,c)", {X(n, h, w, c), X(n, 1, 1, c)}},                                 \
    {"mul_bcast", "(n,1,1,c)", {X(n, h, w, c), X(n, 1, 1, c)}},                                 \
    {"add_bcast", "(1,1,1,c)", {X(n, h, w, c), V(c)}},                                          \
    {"mul_bcast", "(1,1,1,c)", {X(n, h, w, c), V(c)}},                                          \
    {"sum_rows", "", {X(n, h, w, c)}},                                                          \
    {"pool_mean", "", {X(n, h, w, c)}},                                                         \
    {"pool_sum", "", {X(n, h, w, c)}},                                                          \
    {"softmax", "", {BETWEEN(-8, 8, n, h, w, c)}}

/* (n,h,w,c) to (h2,w2) and the adjoint. */
#define RESIZE(note, n, h, w, c, h2, w2, corners)                                               \
    {"resize", note, {X(n, h, w, c)}, .attr.resize = {h2, w2, corners}},                        \
    {"resize_add", note, {X(n, h, w, c), X(n, h2, w2, c)}, .attr.resize = {h2, w2, corners}},   \
    {"resize_grad", note, {X(n, h2, w2, c)}, .attr.resize = {h, w, corners}}

#define MAX_POOL(note, input, n, h, w, c, k, stride, kinks_)                                    \
    {"max_pool", note, {input}, .attr.pool = {k, stride}, .kinks = kinks_},                     \
    {"max_pool_grad", note,                                                                     \
     {input, FROM("max_pool", 0, "0"), X(n, SIZE(h, k, stride, 0), SIZE(w, k, stride, 0), c)},  \
     .attr.pool = {k, stride}}

/* Logits (n,lh,lw,k), mask (n,h,w). The terms follow: their number, then pointers to an fpc_seg_term. */
#define SEG_LOSS(note, n, lh, lw, k, h, w, ignored, corners, count, ...)                        \
    {"seg_loss", note, {X(n, lh, lw, k), LABELS(k, ignored, n, h, w)},                          \
     .attr.seg = {count, 255, corners, sizeof(fpc_seg_term), {__VA_ARGS__}}},                                         \
    {"seg_loss_grad", note,                                                                     \
     {X(n, lh, lw, k), LABELS(k, ignored, n, h, w), FROM("seg_loss", 1, "01"),                  \
      FROM("seg_loss", 2, "01"), V(count)},                                                     \
     .attr.seg = {count, 255, corners, sizeof(fpc_seg_term), {__VA_ARGS__}}}
/* The same with a weight for each image. */
#define SEG_LOSS_WEIGHTED(note, n, lh, lw, k, h, w, ignored, corners, count, ...)               \
    {"seg_loss", note, {X(n, lh, lw, k), LABELS(k, ignored, n, h, w), SHARES(n)},               \
     .attr.seg = {count, 255, corners, sizeof(fpc_seg_term), {__VA_ARGS__}}},                                         \
    {"seg_loss_grad", note,                                                                     \
     {X(n, lh, lw, k), LABELS(k, ignored, n, h, w), FROM("seg_loss", 1, "015"),                 \
      FROM("seg_loss", 2, "015"), V(count), SHARES(n)},                                         \
     .attr.seg = {count, 255, corners, sizeof(fpc_seg_term), {__VA_ARGS__}}}
/* Losses that give their gradient on the way. */
#define PIXEL_IN(n, lh, lw, k, h, w, ignored) X(n, lh, lw, k), LABELS(k, ignored, n, h, w)
#define LOVASZ(note, n, lh, lw, k, h, w, ignored, corners, each)                                \
    {"lovasz", note, {PIXEL_IN(n, lh, lw, k, h, w, ignored)},                                   \
     .attr.pixel = {255, corners, 1, each, 0, 0, NULL}}
#define OHEM(note, n, lh, lw, k, h, w, ignored, threshold, keep, by_class)                      \
    {"ohem", note, {PIXEL_IN(n, lh, lw, k, h, w, ignored)},                                     \
     .attr.pixel = {255, 0, 0, 0, threshold, keep, by_class}}
#define BOUNDARY(note, n, lh, lw, k, h, w, ignored)                                             \
    {"boundary", note, {PIXEL_IN(n, lh, lw, k, h, w, ignored),                                  \
     {.shape = {n, h, w, k}, .lo = -3, .hi = 3, .constant = 1}},                                \
     .attr.pixel = {255, 0, 1, 0, 0, 0, NULL}}
#define TERM(...) &(const fpc_seg_term){__VA_ARGS__}
#define CE TERM(.kind = FPC_TERM_CROSS_ENTROPY)
#define CE_SMOOTH TERM(.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.1f)
#define CE_WEIGHTS TERM(.kind = FPC_TERM_CROSS_ENTROPY, .class_weight = weights)
#define CE_BOTH TERM(.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.2f, .class_weight = weights)
#define DICE TERM(.kind = FPC_TERM_DICE, .eps = 1e-8f)
#define TVERSKY(alpha_, beta_, gamma_)                                                          \
    TERM(.kind = FPC_TERM_TVERSKY, .eps = 1e-6f, .alpha = alpha_, .gamma = gamma_, .beta = beta_)
#define FOCAL(alpha_, gamma_) TERM(.kind = FPC_TERM_FOCAL, .alpha = alpha_, .gamma = gamma_)

/* One over the number of pixels of each class, scaled to the sum 19. */

/* Pictures. A warp by all that may be: bytes and reals, with and without a field. */
#define FIELD(n) BETWEEN(-0.15, 0.15, n, FPC_FIELD_NODES, FPC_FIELD_NODES, 2)
#define WARP(note, n, h, w, ...)                                                                \
    {"warp_image", note, {BYTES(n, h, w, 3), MATRIX(n)}, .attr.warp = {__VA_ARGS__}},           \
    {"warp_image", note, {BYTES(n, h, w, 3), MATRIX(n), FIELD(n)}, .attr.warp = {__VA_ARGS__}}, \
    {"warp_image", note, {PICTURE(n, h, w), MATRIX(n)}, .attr.warp = {__VA_ARGS__}},            \
    {"warp_image", note, {PICTURE(n, h, w), MATRIX(n), FIELD(n)}, .attr.warp = {__VA_ARGS__}},  \
    {"warp_mask", note, {BYTES(n, h, w, 1), MATRIX(n), SWAPS(n)}, .attr.warp = {__VA_ARGS__}},  \
    {"warp_mask", note, {BYTES(n, h, w, 1), MATRIX(n), SWAPS(n), FIELD(n)}, .attr.warp = {__VA_ARGS__}}
#define COLOURS(note, kind, n, h, w, experiment)                                                    \
    {"colour", note,                                                                            \
     {LEVELS(10, 240, n, h, w), {.fill = FILL_KINDS, .shape = {n, 1, experiment, 16}, .lo = kind}}}
#define FILTER(note, n, h, w, k, ...)                                                           \
    {"filter", note, {BETWEEN(-0.2, 1.2, n, h, w, 3), {.fill = FILL_WINDOWS, .shape = {n, 1, 1, (k) * (k)}}}, \
     .attr.filter = {k, __VA_ARGS__}}
#define MEDIAN(note, n, h, w, k)                                                                \
    {"median", note, {X(n, h, w, 3), GRID(0, 2, n, 1, 1, 1)}, .attr.filter = {k, FPC_BORDER_REFLECT, 0}}
#define JPEG(note, lo, hi, n, h, w) {"jpeg", note, {PICTURE(n, h, w), BETWEEN(lo, hi, n, 1, 1, 1)}}
#define ERASE(note, n, h, w, count)                                                             \
    {"erase", note, {X(n, h, w, 3), {.fill = FILL_BOXES, .shape = {n, 1, 1, 8 * (count)}}}},    \
    {"erase_mask", note, {BYTES(n, h, w, 1), {.fill = FILL_BOXES, .shape = {n, 1, 1, 8 * (count)}}}, \
     .attr.warp = {255, 0}}
#define PLAN(n, soft)                                                                           \
    {.fill = FILL_PLAN, .shape = {n, 1, 5, 12}, .lo = soft}, {.fill = FILL_BITS, .shape = {n, 1, 4, 256}}
#define MIX(note, n, h, w, soft)                                                                \
    {"mix_image", note, {PICTURE(n, h, w), LABELS(19, 0.1, n, h, w), PLAN(n, soft)}},           \
    {"mix_mask", note, {LABELS(19, 0.1, n, h, w), PLAN(n, soft)}, .attr.mix = {0}},             \
    {"mix_mask", note, {LABELS(19, 0.1, n, h, w), PLAN(n, soft)}, .attr.mix = {1}}

/* Flat buffers (1,1,rows,256). */
#define FLAT(rows) X(1, 1, rows, 256)
#define FLAT_POSITIVE(rows) BETWEEN(0, 2, 1, 1, rows, 256)
#define ADAMW(note, rows, scale, t, ...)                                                        \
    {"adamw", note,                                                                             \
     {FLAT(rows), FLAT(rows), FLAT_POSITIVE(rows), FLAT(rows), ONE(scale), ONE(0.0078125),      \
      ONE(t)}, .attr.adamw = {__VA_ARGS__}}
#define SGD(note, rows, scale, t, ...)                                                          \
    {"sgd", note, {FLAT(rows), FLAT(rows), FLAT(rows), ONE(scale), ONE(0.0078125), ONE(t)},     \
     .attr.sgd = {__VA_ARGS__}}
/* The same with factors of rate and decay, 0 and 1 among them. */
#define FACTORS(rows) GRID(0, 2, 1, 1, rows, 256 / FPC_FLAT_ALIGN * 2)
#define ADAMW_GROUPS(note, rows, scale, t, ...)                                                 \
    {"adamw", note,                                                                             \
     {FLAT(rows), FLAT(rows), FLAT_POSITIVE(rows), FLAT(rows), ONE(scale), ONE(0.0078125),      \
      ONE(t), FACTORS(rows)}, .attr.adamw = {__VA_ARGS__}}
#define SGD_GROUPS(note, rows, scale, t, ...)                                                   \
    {"sgd", note,                                                                               \
     {FLAT(rows), FLAT(rows), FLAT(rows), ONE(scale), ONE(0.0078125), ONE(t), FACTORS(rows)},   \
     .attr.sgd = {__VA_ARGS__}}
#define LION_GROUPS(note, rows, scale, ...)                                                     \
    {"lion", note, {FLAT(rows), FLAT(rows), FLAT(rows), ONE(scale), ONE(0.0078125),             \
     FACTORS(rows)}, .attr.lion = {__VA_ARGS__}}
#define LION(note, rows, scale, ...)                                                            \
    {"lion", note, {FLAT(rows), FLAT(rows), FLAT(rows), ONE(scale), ONE(0.0078125)},            \
     .attr.lion = {__VA_ARGS__}}

/* clang-format on */

#endif
