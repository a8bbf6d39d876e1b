/* cases.c: THE list of op cases. Every op of core/ops.def stands here (the program `support` checks that), with sizes
 * that no vector divides (1, 3, 19, 33), sizes that vectors like (32, 64, 128), one image and several. A kernel that
 * turns out wrong gets the case that shows it added here. */
#include "cases.h"
#include <fpcore/augment.h>
#include <math.h>

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
#define COLOUR(n, stages) {.fill = FILL_COLOUR, .shape = {n, 1, stages, 16}}
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
    {"resize_grad", note, {X(n, h2, w2, c)}, .attr.resize = {h, w, corners}}

#define MAX_POOL(note, input, n, h, w, c, k, stride, kinks_)                                    \
    {"max_pool", note, {input}, .attr.pool = {k, stride}, .kinks = kinks_},                     \
    {"max_pool_grad", note,                                                                     \
     {input, FROM("max_pool", 0, "0"), X(n, SIZE(h, k, stride, 0), SIZE(w, k, stride, 0), c)},  \
     .attr.pool = {k, stride}}

/* Logits (n,lh,lw,k), mask (n,h,w). The terms follow: their number, then fpc_seg_term initialisers. */
#define SEG_LOSS(note, n, lh, lw, k, h, w, ignored, corners, count, ...)                        \
    {"seg_loss", note, {X(n, lh, lw, k), LABELS(k, ignored, n, h, w)},                          \
     .attr.seg = {count, 255, corners, {__VA_ARGS__}}},                                         \
    {"seg_loss_grad", note,                                                                     \
     {X(n, lh, lw, k), LABELS(k, ignored, n, h, w), FROM("seg_loss", 1, "01"),                  \
      FROM("seg_loss", 2, "01"), V(count)},                                                     \
     .attr.seg = {count, 255, corners, {__VA_ARGS__}}}
/* The same with a weight for each image. */
#define SEG_LOSS_WEIGHTED(note, n, lh, lw, k, h, w, ignored, corners, count, ...)               \
    {"seg_loss", note, {X(n, lh, lw, k), LABELS(k, ignored, n, h, w), SHARES(n)},               \
     .attr.seg = {count, 255, corners, {__VA_ARGS__}}},                                         \
    {"seg_loss_grad", note,                                                                     \
     {X(n, lh, lw, k), LABELS(k, ignored, n, h, w), FROM("seg_loss", 1, "015"),                 \
      FROM("seg_loss", 2, "015"), V(count), SHARES(n)},                                         \
     .attr.seg = {count, 255, corners, {__VA_ARGS__}}}
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
#define CE {.kind = FPC_TERM_CROSS_ENTROPY}
#define CE_SMOOTH {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.1f}
#define CE_WEIGHTS {.kind = FPC_TERM_CROSS_ENTROPY, .class_weight = weights}
#define CE_BOTH {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.2f, .class_weight = weights}
#define DICE {.kind = FPC_TERM_DICE, .eps = 1e-8f}
#define TVERSKY(alpha_, beta_, gamma_)                                                          \
    {.kind = FPC_TERM_TVERSKY, .eps = 1e-6f, .alpha = alpha_, .gamma = gamma_, .beta = beta_}
#define FOCAL(alpha_, gamma_) {.kind = FPC_TERM_FOCAL, .alpha = alpha_, .gamma = gamma_}

/* One over the number of pixels of each class, scaled to the sum 19 (reference 2.6). */
static const float weights[] = {0.0043f, 0.0049f, 0.0602f, 0.3834f, 0.5577f, 0.5577f, 0.2924f,
                                0.2986f, 0.2595f, 0.3189f, 0.4357f, 0.3030f, 0.1857f, 0.0040f,
                                0.1121f, 0.6114f, 14.5434f, 0.0305f, 0.0366f};

/* Pictures. A warp by all that may be: bytes and reals, with and without a field. */
#define FIELD(n) BETWEEN(-0.15, 0.15, n, FPC_FIELD_NODES, FPC_FIELD_NODES, 2)
#define WARP(note, n, h, w, ...)                                                                \
    {"warp_image", note, {BYTES(n, h, w, 3), MATRIX(n)}, .attr.warp = {__VA_ARGS__}},           \
    {"warp_image", note, {BYTES(n, h, w, 3), MATRIX(n), FIELD(n)}, .attr.warp = {__VA_ARGS__}}, \
    {"warp_image", note, {PICTURE(n, h, w), MATRIX(n)}, .attr.warp = {__VA_ARGS__}},            \
    {"warp_image", note, {PICTURE(n, h, w), MATRIX(n), FIELD(n)}, .attr.warp = {__VA_ARGS__}},  \
    {"warp_mask", note, {BYTES(n, h, w, 1), MATRIX(n), SWAPS(n)}, .attr.warp = {__VA_ARGS__}},  \
    {"warp_mask", note, {BYTES(n, h, w, 1), MATRIX(n), SWAPS(n), FIELD(n)}, .attr.warp = {__VA_ARGS__}}
#define COLOURS(note, kind, n, h, w, stages)                                                    \
    {"colour", note,                                                                            \
     {LEVELS(10, 240, n, h, w), {.fill = FILL_KINDS, .shape = {n, 1, stages, 16}, .lo = kind}}}
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
#define LION(note, rows, scale, ...)                                                            \
    {"lion", note, {FLAT(rows), FLAT(rows), FLAT(rows), ONE(scale), ONE(0.0078125)},            \
     .attr.lion = {__VA_ARGS__}}

/* clang-format on */

const op_case op_cases[] = {
    LINEAR(1, 1, 1, 1, 1),
    LINEAR(1, 3, 7, 19, 33),
    LINEAR(3, 5, 5, 32, 32),
    LINEAR(1, 1, 13, 3, 19),
    LINEAR(2, 8, 9, 33, 64),
    LINEAR(1, 2, 9, 128, 19),
    LINEAR(1, 4, 5, 512, 128),
    LINEAR(1, 41, 37, 32, 64),
    LINEAR(2, 3, 5, 192, 384),
    LINEAR(1, 9, 29, 64, 200),
    LINEAR(1, 1, 131, 40, 72),
    {"sum_rows", "many rows", {X(1, 37, 41, 19)}},
    {"sum_rows", "many rows, whole vectors", {X(1, 37, 41, 8)}},
    {"linear", "weight of a 1x1 convolution", {X(2, 3, 5, 19), X(33, 1, 1, 19), V(33)}},
    {"linear_grad_x", "weight of a 1x1 convolution", {X(2, 3, 5, 33), X(33, 1, 1, 19)}},
    {"linear_grad_w", "weight of a 1x1 convolution", {X(2, 3, 5, 19), X(2, 3, 5, 33)}, .attr.like = {{33, 1, 1, 19}}},

    CONV("patches of 7, stride 4", 2, 33, 29, 3, 32, 7, 4, 3, 1),
    CONV("halving", 2, 15, 13, 32, 64, 3, 2, 1, 1),
    CONV("halving, odd widths", 3, 9, 11, 19, 33, 3, 2, 1, 1),
    CONV("3x3", 1, 9, 7, 19, 19, 3, 1, 1, 1),
    CONV("3x3, wide", 1, 12, 10, 64, 64, 3, 1, 1, 1),
    CONV("one pixel", 1, 1, 1, 3, 3, 3, 1, 1, 1),
    CONV("8x8 patches, a remainder dropped", 2, 19, 17, 16, 16, 8, 8, 0, 1),
    CONV("4x4 patches, a remainder dropped", 1, 11, 9, 32, 24, 4, 4, 0, 1),
    CONV("2x2 patches, a remainder dropped", 3, 7, 5, 33, 32, 2, 2, 0, 1),
    CONV("8x8 patches", 1, 16, 32, 32, 32, 8, 8, 0, 1),
    CONV("1x1", 2, 5, 7, 19, 33, 1, 1, 0, 1),
    CONV("1x1, stride 2", 1, 6, 7, 16, 19, 1, 2, 0, 1),
    CONV("5x5", 1, 8, 8, 3, 16, 5, 1, 2, 1),
    CONV("padding larger than half", 1, 5, 6, 3, 4, 3, 1, 2, 1),
    CONV("valid", 1, 6, 7, 19, 32, 3, 1, 0, 1),
    CONV("depth-wise 3x3", 2, 9, 11, 64, 64, 3, 1, 1, 64),
    CONV("depth-wise 3x3, width 33", 1, 8, 7, 33, 33, 3, 1, 1, 33),
    CONV("depth-wise 3x3, width 3", 3, 3, 2, 3, 3, 3, 1, 1, 3),
    CONV("depth-wise 3x3, width 128", 1, 17, 16, 128, 128, 3, 1, 1, 128),
    CONV("depth-wise 7x7, stride 2", 1, 10, 9, 19, 19, 7, 2, 3, 19),
    CONV("depth-wise, two of each", 1, 6, 5, 8, 16, 3, 1, 1, 8),
    CONV("four groups", 2, 7, 6, 16, 24, 3, 1, 1, 4),
    CONV("two groups of 20", 1, 5, 6, 40, 24, 3, 2, 1, 2),
    CONV("packs of four channels, more than 256 pixels", 2, 14, 13, 20, 12, 3, 1, 1, 1),
    CONV("more than 64 channels and 256 pixels", 2, 13, 12, 8, 72, 3, 1, 1, 1),
    CONV("three colours, more than 256 pixels", 1, 34, 33, 3, 20, 3, 2, 1, 1),
    CONV("depth-wise 3x3, several tiles, width 24", 2, 19, 33, 24, 24, 3, 1, 1, 24),
    CONV("depth-wise 3x3, width 96, valid", 1, 8, 7, 96, 96, 3, 1, 0, 96),
    CONV("depth-wise 3x3, padding 3", 1, 5, 6, 16, 16, 3, 1, 3, 16),
    CONV("depth-wise 3x3, many channels", 3, 1, 1, 4232, 4232, 3, 1, 1, 4232),
    CONV("depth-wise 3x3, stride 2", 2, 18, 17, 64, 64, 3, 2, 1, 64),
    CONV("depth-wise 5x5, width 104", 1, 7, 9, 104, 104, 5, 1, 2, 104),
    {"conv2d", "no bias", {X(1, 6, 5, 19), X(32, 3, 3, 19)}, .attr.conv = {3, 3, 1, 1, 1, 6, 5}},
    {"conv2d", "depth-wise, no bias", {X(1, 6, 5, 33), X(33, 3, 3, 1)}, .attr.conv = {3, 3, 1, 1, 33, 6, 5}},
    {"conv2d", "kernel 3x1", {X(1, 6, 5, 8), X(16, 3, 1, 8), V(16)}, .attr.conv = {3, 1, 1, 0, 1, 6, 5}},
    {"conv2d_grad_x",
     "transposed 2x2, bias",
     {X(2, 4, 3, 33), X(33, 2, 2, 19), V(19)},
     .attr.conv = {2, 2, 2, 0, 1, 8, 6}},
    {"conv2d", "depth-wise, kernel 1x3", {X(2, 4, 5, 8), X(8, 1, 3, 1), V(8)}, .attr.conv = {1, 3, 1, 0, 8, 4, 5}},
    {"conv2d_grad_x",
     "transposed depth-wise 3x3, bias",
     {X(1, 4, 5, 32), X(32, 3, 3, 1), V(32)},
     .attr.conv = {3, 3, 1, 1, 32, 4, 5}},
    {"conv2d_grad_x",
     "transposed depth-wise 2x2, bias",
     {X(1, 3, 2, 16), X(16, 2, 2, 1), V(16)},
     .attr.conv = {2, 2, 2, 0, 16, 6, 4}},
    {"conv2d_grad_x",
     "transposed 4x4, pad 1, bias",
     {X(1, 4, 5, 16), X(16, 4, 4, 32), V(32)},
     .attr.conv = {4, 4, 2, 1, 1, 8, 10}},

    LAYER_NORM("", -2, 2, 1, 3, 7, 19),
    LAYER_NORM("", -2, 2, 3, 5, 5, 32),
    LAYER_NORM("", -2, 2, 1, 4, 4, 33),
    LAYER_NORM("", -2, 2, 2, 9, 8, 192),
    LAYER_NORM("width 3", -2, 2, 1, 2, 3, 3),
    LAYER_NORM("variance near eps", -0.01, 0.01, 1, 4, 3, 33),
    LAYER_NORM("far from zero", 8, 12, 1, 5, 5, 64),
    LAYER_NORM("width 24", -2, 2, 1, 7, 4, 24),
    LAYER_NORM("width 160", -1, 3, 1, 13, 9, 160),
    LAYER_NORM("width 384", -1, 3, 1, 3, 3, 384),
    LAYER_NORM("width 512", -1, 3, 1, 2, 5, 512),
    LAYER_NORM("width 1024", -1, 3, 1, 1, 5, 1024),
    LAYER_NORM("width 1100", -1, 3, 1, 2, 3, 1100),
    {"layer_norm", "width 1", {X(1, 2, 3, 1), V(1), V(1)}, NORM_ATTR},
    BATCH_NORM("", -2, 2, 2, 7, 5, 19),
    BATCH_NORM("", -2, 2, 3, 16, 13, 32),
    BATCH_NORM("", -2, 2, 1, 3, 4, 33),
    BATCH_NORM("width 128", -2, 2, 1, 13, 11, 128),
    BATCH_NORM("variance near eps", -0.01, 0.01, 1, 5, 4, 19),
    BATCH_NORM("far from zero", 30, 31, 1, 9, 9, 3),
    BATCH_NORM("many pixels", -2, 2, 1, 41, 37, 8),
    BATCH_NORM("width 1030", -2, 2, 1, 2, 3, 1030),
    BATCH_NORM("width 2304", -2, 2, 1, 3, 3, 2304),
    BATCH_NORM("one pixel", -2, 2, 1, 1, 1, 19),
    {"running_stats",
     "",
     {V(33), BETWEEN(0, 3, 1, 1, 1, 33), COUNT, V(33), BETWEEN(0, 3, 1, 1, 1, 33)},
     .attr.norm = {1e-5f, 0.1f, 42}},
    {"running_stats",
     "mean too large",
     {V(33), BETWEEN(0, 3, 1, 1, 1, 33), COUNT, BETWEEN(0, 6.8e38, 1, 1, 1, 33), BETWEEN(0, 3, 1, 1, 1, 33)},
     .attr.norm = {1e-5f, 0.1f, 42}},
    {"running_stats",
     "variance too large",
     {V(33), BETWEEN(0, 3, 1, 1, 1, 33), COUNT, V(33), BETWEEN(0, 6.8e38, 1, 1, 1, 33)},
     .attr.norm = {1e-5f, 0.1f, 42}},
    {"running_stats",
     "no numbers",
     {V(33), BETWEEN(0, 3, 1, 1, 1, 33), COUNT, BETWEEN(NAN, NAN, 1, 1, 1, 33), V(33)},
     .attr.norm = {1e-5f, 0.1f, 1}},

    ATTENTION("one head", 2, 7, 5, 32, 3, 2, 1, 0.1767767f, 0),
    ATTENTION("dropout", 2, 7, 5, 32, 3, 2, 1, 0.1767767f, 0.075f),
    ATTENTION("many keys", 1, 9, 8, 64, 11, 7, 1, 0.125f, 0.15f),
    ATTENTION("one key", 3, 2, 3, 19, 1, 1, 1, 0.2294157f, 0),
    ATTENTION("eight heads", 1, 5, 5, 64, 4, 4, 8, 0.3535534f, 0.1f),
    ATTENTION("three heads of 11", 2, 3, 5, 33, 3, 3, 3, 0.3015113f, 0.3f),
    ATTENTION("wide", 1, 6, 6, 192, 6, 6, 1, 0.0721688f, 0.1f),
    ATTENTION("256 keys", 1, 10, 5, 32, 16, 16, 1, 0.1767767f, 0.1f),
    ATTENTION("sharp", 1, 4, 4, 32, 4, 4, 1, 2.0f, 0),
    ATTENTION("one query, one channel", 1, 1, 1, 1, 1, 1, 1, 1.0f, 0),
    ATTENTION("tiles", 1, 13, 11, 32, 20, 15, 1, 0.1767767f, 0.1f),
    ATTENTION("two heads of 64", 1, 7, 11, 128, 9, 9, 2, 0.125f, 0.2f),
    ATTENTION("four heads of 28", 2, 4, 5, 112, 7, 3, 4, 0.1889822f, 0.3f),
    ATTENTION("width 128", 1, 9, 8, 128, 7, 11, 1, 0.0883883f, 0.1f),
    ATTENTION("width 256", 1, 5, 8, 256, 7, 7, 1, 0.0625f, 0.1f),
    ATTENTION("two heads of 250", 1, 3, 7, 500, 5, 7, 2, 0.0632456f, 0),
    ATTENTION("pieces of queries", 1, 18, 18, 32, 5, 5, 1, 0.1767767f, 0.1f),
    ATTENTION("pieces of three heads of 3", 1, 18, 17, 9, 5, 5, 3, 0.5773503f, 0.1f),
    {"attention",
     "no clock",
     {X(1, 4, 3, 24), X(1, 2, 3, 24), X(1, 2, 3, 24)},
     .attr.attention = {2, 0.2886751f, 0, 0}},

    UNARY(1, 1, 1, 1),
    UNARY(3, 5, 7, 19),
    UNARY(2, 4, 4, 32),
    UNARY(1, 9, 9, 33),
    UNARY(2, 19, 17, 3),
    {"relu", "zeros", {GRID(-1, 1, 1, 4, 5, 19)}, .kinks = 1},
    {"relu_grad", "zeros", {GRID(-1, 1, 1, 4, 5, 19), X(1, 4, 5, 19)}},
    {"gelu", "tails", {BETWEEN(-40, 40, 1, 4, 4, 33)}},
    {"softmax", "large differences", {BETWEEN(-90, 90, 1, 4, 4, 19)}},
    {"sigmoid", "tails", {BETWEEN(-120, 120, 1, 4, 4, 33)}},
    {"concat", "one", {X(1, 3, 3, 19)}},
    {"concat", "two", {X(2, 3, 5, 19), X(2, 3, 5, 32)}},
    {"concat", "four", {X(1, 4, 4, 32), X(1, 4, 4, 32), X(1, 4, 4, 32), X(1, 4, 4, 32)}},
    {"concat", "five", {X(1, 2, 3, 1), X(1, 2, 3, 3), X(1, 2, 3, 33), X(1, 2, 3, 16), X(1, 2, 3, 7)}},
    {"slice", "first half", {X(1, 3, 5, 64)}, .attr.slice = {0, 32, 64}},
    {"slice", "middle", {X(2, 3, 5, 33)}, .attr.slice = {3, 19, 33}},
    {"slice_grad", "second half", {X(1, 3, 5, 32)}, .attr.slice = {32, 32, 64}},
    {"slice_grad", "middle", {X(2, 3, 5, 19)}, .attr.slice = {3, 19, 33}},
    {"dropout", "", {X(3, 5, 7, 19), CLOCK}, .attr.dropout = {0.15f, 5, 0}},
    {"dropout", "width 64", {X(1, 9, 9, 64), CLOCK}, .attr.dropout = {0.5f, 6, 0}},
    {"dropout", "width 33", {X(1, 9, 9, 33), CLOCK}, .attr.dropout = {0.1f, 7, 0}},
    {"dropout", "width 3", {X(1, 9, 7, 3), CLOCK}, .attr.dropout = {0.25f, 8, 0}},
    {"dropout", "planes", {X(3, 5, 7, 33), CLOCK}, .attr.dropout = {0.3f, 9, 1}},
    {"cast", "to bf16", {X(3, 5, 7, 19)}, .attr.cast = {FPC_BF16}},
    {"cast", "to fp16", {X(3, 5, 7, 19)}, .attr.cast = {FPC_F16}},
    {"cast", "to bf16, width 1", {X(1, 3, 3, 1)}, .attr.cast = {FPC_BF16}},
    {"cast", "to fp16, width 64", {X(1, 5, 3, 64)}, .attr.cast = {FPC_F16}},
    {"cast", "to fp16, too large", {BETWEEN(-1e5, 1e5, 1, 4, 5, 8)}, .attr.cast = {FPC_F16}},
    {"cast", "to fp16, denormal", {BETWEEN(-1e-5, 1e-5, 1, 4, 5, 8)}, .attr.cast = {FPC_F16}},
    {"narrow", "", {X(1, 1, 3, 256), X(1, 1, 3, 256)}},
    {"cast", "from bf16", {{.fill = FILL_BF16, .shape = {2, 5, 7, 19}, .lo = -2, .hi = 2}}, .attr.cast = {FPC_F32}},
    {"cast", "from fp16", {{.fill = FILL_F16, .shape = {2, 5, 7, 19}, .lo = -2, .hi = 2}}, .attr.cast = {FPC_F32}},
    {"cast",
     "from fp16, denormal",
     {{.fill = FILL_F16, .shape = {1, 4, 4, 8}, .lo = -1e-5, .hi = 1e-5}},
     .attr.cast = {FPC_F32}},
    {"combine", "one", {FIXED(1), V(1)}},
    {"combine", "three", {FIXED(3), V(1), V(1), V(1)}},
    {"combine_grad", "three", {V(3), V(1)}},

    RESIZE("x4", 2, 5, 7, 19, 20, 28, 0),
    RESIZE("x4, width 32", 1, 8, 6, 32, 32, 24, 0),
    RESIZE("x2", 1, 6, 5, 33, 12, 10, 0),
    RESIZE("x8", 1, 3, 4, 128, 24, 32, 0),
    RESIZE("by fractions", 3, 7, 5, 19, 11, 13, 0),
    RESIZE("smaller", 1, 13, 11, 3, 5, 4, 0),
    RESIZE("half", 1, 12, 10, 19, 6, 5, 0),
    RESIZE("the same size", 1, 4, 5, 19, 4, 5, 0),
    RESIZE("from one pixel", 2, 1, 1, 19, 5, 6, 0),
    RESIZE("to one pixel", 1, 5, 4, 3, 1, 1, 0),
    RESIZE("much smaller", 1, 40, 37, 8, 3, 4, 0),
    RESIZE("corners, from one pixel", 1, 1, 1, 8, 4, 3, 1),
    RESIZE("one line", 1, 1, 9, 8, 4, 18, 0),
    RESIZE("wide", 1, 3, 70, 32, 5, 100, 1),
    RESIZE("corners", 1, 5, 7, 19, 10, 14, 1),
    RESIZE("corners, smaller", 2, 9, 8, 33, 4, 3, 1),
    RESIZE("corners, to one pixel", 1, 5, 4, 3, 1, 1, 1),
    {"broadcast", "", {X(3, 1, 1, 19)}, .attr.broadcast = {5, 7, 1}},
    {"broadcast", "scaled", {X(2, 1, 1, 33)}, .attr.broadcast = {4, 4, 0.0625f}},
    MAX_POOL("2x2", X(2, 8, 6, 19), 2, 8, 6, 19, 2, 2, 0),
    MAX_POOL("2x2, odd size", X(1, 7, 9, 33), 1, 7, 9, 33, 2, 2, 0),
    MAX_POOL("3x3, stride 2", X(1, 9, 8, 32), 1, 9, 8, 32, 3, 2, 0),
    MAX_POOL("equal numbers", GRID(0, 2, 1, 8, 8, 19), 1, 8, 8, 19, 2, 2, 1),
    MAX_POOL("equal numbers, overlapping", GRID(0, 2, 2, 7, 7, 3), 2, 7, 7, 3, 3, 1, 1),
    MAX_POOL("5x5, stride 1", X(1, 9, 7, 8), 1, 9, 7, 8, 5, 1, 0),
    {"pool_mean", "many pixels", {X(2, 41, 37, 32)}},
    {"pool_sum", "many pixels", {X(1, 37, 41, 19)}},
    {"window", "pad", {X(2, 3, 4, 19)}, .attr.window = {1, 2, 6, 7}},
    {"window", "crop", {X(1, 8, 9, 33)}, .attr.window = {-2, -1, 4, 5}},
    {"window", "shift", {X(1, 5, 5, 3)}, .attr.window = {2, -3, 5, 5}},

    {"take", "pictures", {BYTES(5, 7, 9, 3), INDEX(5, 8)}},
    {"take", "masks", {BYTES(3, 4, 5, 1), INDEX(3, 4)}},
    {"take", "whole packs", {BYTES(4, 8, 16, 3), INDEX(4, 3)}},
    {"take", "beyond the last", {BYTES(3, 4, 4, 1), INDEX(9, 6)}},
    {"to_real", "", {BYTES(2, 5, 7, 3)}},
    {"to_real", "whole packs", {BYTES(1, 8, 16, 3)}},
    {"warp_image", "", {BYTES(3, 31, 33, 3), MATRIX(3)}},
    {"warp_image", "one picture", {BYTES(1, 16, 16, 3), MATRIX(1)}},
    {"warp_mask", "", {BYTES(3, 31, 33, 1), MATRIX(3), SWAPS(3)}, .attr.warp = {0}},
    {"warp_mask", "fill", {BYTES(3, 17, 9, 1), MATRIX(3), SWAPS(3)}, .attr.warp = {255}},
    {"colour", "one stage", {BETWEEN(0, 1, 3, 7, 5, 3), COLOUR(3, 1)}},
    {"colour", "four stages", {BETWEEN(0, 1, 2, 9, 9, 3), COLOUR(2, 4)}},
    {"gaussian_noise", "", {BETWEEN(0, 1, 2, 7, 9, 3), BETWEEN(0.02, 0.3, 2, 1, 1, 1), CLOCK}, .attr.noise = {11}},
    {"gaussian_noise", "none", {BETWEEN(0, 1, 1, 5, 5, 3), ONE(0), CLOCK}, .attr.noise = {12}},
    {"gaussian_noise",
     "unclamped",
     {BETWEEN(0, 1, 2, 7, 9, 3), BETWEEN(0.2, 0.6, 2, 1, 1, 1), CLOCK},
     .attr.noise = {13, 1}},
    WARP("black outside", 4, 19, 33, 7, FPC_BORDER_FILL),
    WARP("reflected", 4, 31, 33, 7, FPC_BORDER_REFLECT),
    WARP("edge", 3, 17, 16, 7, FPC_BORDER_EDGE),
    WARP("one pixel, reflected", 2, 1, 1, 7, FPC_BORDER_REFLECT),
    WARP("a line of pixels, reflected", 3, 9, 1, 7, FPC_BORDER_REFLECT),
    {"warp_image",
     "beyond the horizon",
     {BYTES(3, 5, 7, 3), {.shape = {3, 1, 1, 8}, .lo = -3, .hi = 3}},
     .attr.warp = {7, FPC_BORDER_FILL}},
    COLOURS("affine", 0, 4, 9, 7, 1),
    COLOURS("clamped", 1, 4, 9, 7, 1),
    COLOURS("a mean, then none", 0, 4, 9, 7, 3),
    COLOURS("hue", 2, 4, 9, 7, 1),
    COLOURS("gamma", 3, 4, 9, 7, 1),
    COLOURS("posterize", 4, 7, 9, 7, 1),
    COLOURS("solarize", 5, 4, 9, 7, 1),
    COLOURS("equalize", 6, 4, 41, 37, 1),
    COLOURS("equalize, larger than a chunk", 6, 2, 65, 67, 1),
    COLOURS("equalize, too small", 6, 2, 5, 7, 1),
    COLOURS("autocontrast", 7, 4, 9, 7, 1),
    COLOURS("two kinds", 6, 4, 33, 31, 2),
    COLOURS("all kinds in turn", -1, 9, 33, 31, 8),
    COLOURS("all kinds in turn, whole vectors", -1, 9, 32, 34, 8),
    COLOURS("a mean, whole vectors, larger than a chunk", 0, 2, 68, 64, 2),
    COLOURS("a range, whole vectors, larger than a chunk", 7, 2, 68, 64, 1),
    {"colour", "grey", {BETWEEN(0.25, 0.25, 1, 7, 5, 3), {.fill = FILL_KINDS, .shape = {1, 1, 8, 16}, .lo = -1}}},
    FILTER("1x1", 4, 5, 7, 1, FPC_BORDER_REFLECT, 0),
    FILTER("reflected", 4, 9, 19, 3, FPC_BORDER_REFLECT, 0),
    FILTER("reflected, clamped", 4, 8, 16, 3, FPC_BORDER_REFLECT, 1),
    FILTER("edge", 4, 9, 33, 5, FPC_BORDER_EDGE, 0),
    FILTER("kept", 4, 9, 33, 3, FPC_BORDER_KEEP, 1),
    FILTER("kept, larger than the picture", 4, 4, 3, 9, FPC_BORDER_KEEP, 0),
    FILTER("black outside", 4, 9, 12, 7, FPC_BORDER_FILL, 0),
    FILTER("larger than the picture", 4, 3, 4, 9, FPC_BORDER_REFLECT, 0),
    FILTER("larger than a tile", 4, 37, 41, 9, FPC_BORDER_EDGE, 1),
    FILTER("31x31", 4, 35, 33, 31, FPC_BORDER_REFLECT, 0),
    FILTER("one pixel", 3, 1, 1, 5, FPC_BORDER_REFLECT, 0),
    MEDIAN("1x1", 3, 5, 7, 1),
    MEDIAN("3x3", 5, 9, 19, 3),
    MEDIAN("3x3, larger than a tile", 3, 9, 37, 3),
    MEDIAN("5x5", 5, 8, 16, 5),
    MEDIAN("7x7", 4, 5, 13, 7),
    MEDIAN("9x9", 4, 7, 5, 9),
    MEDIAN("15x15", 3, 6, 11, 15),
    JPEG("", 5, 95, 3, 17, 23),
    JPEG("whole blocks", 30, 60, 2, 16, 24),
    JPEG("lowest", 1, 1, 1, 9, 8),
    JPEG("best", 100, 100, 1, 8, 9),
    JPEG("none", 0, 0, 1, 9, 9),
    ERASE("one box", 3, 9, 11, 1),
    ERASE("eight boxes", 4, 33, 19, 8),
    ERASE("edges on centres", 4, 16, 16, 8),
    MIX("", 5, 9, 13, 0),
    MIX("soft", 4, 8, 16, 1),
    MIX("with itself", 1, 7, 5, 0),

    SEG_LOSS("cross entropy", 2, 9, 7, 19, 9, 7, 0, 0, 1, CE),
    SEG_LOSS("cross entropy and dice, x4", 2, 6, 5, 19, 24, 20, 0.1, 0, 2, CE, DICE),
    SEG_LOSS("dice", 3, 8, 8, 19, 8, 8, 0.1, 0, 1, DICE),
    SEG_LOSS("focal", 1, 5, 6, 19, 20, 24, 0, 0, 1, FOCAL(0.25f, 2)),
    SEG_LOSS("focal, gamma 0.5", 1, 5, 6, 19, 10, 12, 0.1, 0, 1, FOCAL(1, 0.5f)),
    SEG_LOSS("tversky", 2, 6, 5, 19, 24, 20, 0.1, 0, 1, TVERSKY(0.3f, 0.7f, 1)),
    SEG_LOSS("focal tversky and cross entropy", 3, 5, 5, 7, 10, 10, 0.1, 0, 2, TVERSKY(0.3f, 0.7f, 1.3333334f), CE),
    SEG_LOSS("smoothing", 2, 5, 5, 19, 10, 10, 0.1, 0, 1, CE_SMOOTH),
    SEG_LOSS("class weights", 2, 6, 6, 19, 24, 24, 0.1, 0, 1, CE_WEIGHTS),
    SEG_LOSS("class weights and smoothing", 1, 6, 6, 19, 24, 24, 0.1, 0, 1, CE_BOTH),
    SEG_LOSS("all at once", 3, 4, 7, 19, 16, 28, 0.1, 0, 6, CE, CE_SMOOTH, CE_WEIGHTS, CE_BOTH, DICE, FOCAL(0.25f, 2)),
    SEG_LOSS("one image ignored", 3, 4, 4, 19, 8, 8, 2, 0, 3, CE, DICE, FOCAL(0.25f, 2)),
    SEG_LOSS("everything ignored", 1, 4, 4, 19, 8, 8, 1, 0, 3, CE, DICE, FOCAL(0.25f, 2)),
    SEG_LOSS("two classes, fractions", 1, 7, 5, 2, 18, 11, 0.1, 0, 2, CE, DICE),
    SEG_LOSS("33 classes, corners", 1, 4, 5, 33, 13, 10, 0.1, 1, 2, CE, DICE),
    SEG_LOSS("logits larger than the mask", 1, 12, 12, 4, 7, 6, 0, 0, 2, CE, DICE),
    SEG_LOSS("a large mask, fractions", 1, 18, 34, 5, 70, 135, 0.1, 0, 2, CE, DICE),
    SEG_LOSS("a large mask, corners", 2, 17, 66, 3, 65, 130, 0.1, 1, 2, CE_SMOOTH, DICE),
    SEG_LOSS("a large mask of equal size", 1, 66, 131, 2, 66, 131, 0.1, 0, 1, CE),
    SEG_LOSS("a very large factor", 1, 24, 2, 3, 24, 300, 0.1, 0, 2, CE, DICE),
    SEG_LOSS("32 classes", 1, 4, 5, 32, 8, 10, 0.1, 0, 3, CE_SMOOTH, DICE, FOCAL(0.25f, 2)),
    SEG_LOSS("40 classes, terms of each kind", 2, 5, 4, 40, 10, 9, 0.1, 0, 5, CE_SMOOTH, FOCAL(0.5f, 1.5f), CE, DICE,
             TVERSKY(0.3f, 0.7f, 1)),
    LOVASZ("", 2, 6, 5, 4, 12, 10, 0.1, 0, 1),
    LOVASZ("the batch as one", 2, 6, 5, 4, 12, 10, 0.1, 0, 0),
    LOVASZ("every class, corners", 2, 5, 4, 7, 11, 9, 0, 1, 1),
    LOVASZ("one image ignored", 3, 4, 4, 19, 8, 8, 2, 0, 1),
    LOVASZ("one image ignored, the batch as one", 3, 4, 4, 19, 8, 8, 2, 0, 0),
    LOVASZ("everything ignored", 1, 4, 4, 4, 8, 8, 1, 0, 0),
    LOVASZ("long lists", 2, 9, 9, 3, 70, 65, 0.1, 0, 1),
    LOVASZ("a long list of the batch", 2, 9, 9, 3, 50, 55, 0.1, 0, 0),
    {"lovasz", "all classes", {X(2, 4, 4, 19), LABELS(5, 0.1, 2, 8, 8)}, .attr.pixel = {255, 0, 0, 1, 0, 0, NULL}},
    {"lovasz",
     "weighted images",
     {X(3, 4, 5, 4), LABELS(4, 0, 3, 4, 5), SHARES(3)},
     .attr.pixel = {255, 0, 1, 1, 0, 0, NULL}},
    {"lovasz",
     "weighted images, the batch as one",
     {X(3, 4, 5, 4), LABELS(4, 0, 3, 4, 5), SHARES(3)},
     .attr.pixel = {255, 0, 1, 0, 0, 0, NULL}},
    OHEM("", 2, 6, 5, 4, 12, 10, 0.1, 0.3, 0.1, NULL),
    OHEM("keep decides", 2, 6, 5, 19, 12, 10, 0.1, 0.001, 0.25, NULL),
    OHEM("class weights", 2, 6, 6, 19, 6, 6, 0, 0.1, 0.5, weights),
    OHEM("one image ignored", 3, 4, 4, 19, 8, 8, 2, 0.05, 0.25, NULL),
    OHEM("everything ignored", 1, 4, 4, 19, 8, 8, 1, 0.05, 0.25, NULL),
    OHEM("long lists", 2, 9, 9, 3, 70, 65, 0.1, 0.2, 0.25, NULL),
    {"ohem",
     "weighted images",
     {X(3, 4, 5, 4), LABELS(4, 0, 3, 8, 10), SHARES(3)},
     .attr.pixel = {255, 0, 0, 0, 0.2, 0.3, NULL}},
    BOUNDARY("", 2, 6, 5, 4, 12, 10, 0.1),
    BOUNDARY("19 classes", 3, 9, 7, 19, 36, 28, 0),
    BOUNDARY("one image ignored", 3, 4, 4, 19, 8, 8, 2),
    BOUNDARY("everything ignored", 1, 4, 4, 4, 8, 8, 1),
    {"boundary",
     "weighted images",
     {X(3, 4, 5, 4), LABELS(4, 0, 3, 8, 10), {.shape = {3, 8, 10, 4}, .lo = -3, .hi = 3, .constant = 1}, SHARES(3)},
     .attr.pixel = {255, 0, 1, 0, 0, 0, NULL}},
    {"signed_distance", "", {LABELS(4, 0, 3, 17, 23)}, .attr.distance = {4, 255, 0}},
    {"signed_distance", "ignored pixels", {LABELS(3, 0.2, 2, 19, 9)}, .attr.distance = {5, 255, 0}},
    {"signed_distance", "one class, normalised", {LABELS(1, 0, 1, 7, 9)}, .attr.distance = {3, 255, 1}},
    {"signed_distance", "everything ignored", {LABELS(3, 1, 1, 7, 9)}, .attr.distance = {3, 255, 1}},
    {"signed_distance", "a wide mask", {LABELS(3, 0, 1, 5, 150)}, .attr.distance = {3, 255, 0}},
    {"signed_distance", "40 classes, a high mask", {LABELS(45, 0.1, 1, 140, 3)}, .attr.distance = {40, 255, 0}},
    {"combine_grad", "of a map", {X(2, 5, 7, 19), V(1)}},
    SEG_LOSS_WEIGHTED("weighted images", 3, 20, 7, 19, 40, 28, 0.1, 0, 6, CE, CE_BOTH, DICE, FOCAL(0.25f, 2), CE_SMOOTH,
                      TVERSKY(0.5f, 0.2f, 0.75f)),
    SEG_LOSS_WEIGHTED("weighted images, cross entropy and dice", 4, 35, 5, 5, 70, 13, 0, 0, 2, CE, DICE),
    {"seg_argmax", "x4", {X(2, 6, 5, 19)}, .attr.resize = {24, 20, 0}},
    {"seg_argmax", "equal size", {X(1, 9, 7, 19)}, .attr.resize = {9, 7, 0}},
    {"seg_argmax", "large, fractions", {X(1, 18, 34, 8)}, .attr.resize = {70, 135, 0}},
    {"seg_argmax", "corners, 33 classes", {X(1, 5, 4, 33)}, .attr.resize = {11, 13, 1}},
    {"seg_argmax", "ties", {GRID(0, 1, 1, 6, 6, 4)}, .attr.resize = {6, 6, 0}},

    {"sum_squares", "", {FLAT(37)}},
    {"sum_squares", "one row", {FLAT(1)}},
    {"sum_squares", "odd width", {X(1, 1, 3, 7)}},
    {"clip_scale", "clipped", {ONE(9)}, .attr.clip = {1}},
    {"clip_scale", "not clipped", {ONE(0.25)}, .attr.clip = {1}},
    {"clip_scale", "off", {ONE(9)}, .attr.clip = {0}},
    {"clip_scale", "no number", {ONE(NAN)}, .attr.clip = {1}},
    {"clip_scale", "infinite, off", {ONE(1e39)}, .attr.clip = {0}},
    {"clip_scale", "scaled, clipped", {ONE(1048576), STATE(256, 7)}, .attr.clip = {1}},
    {"clip_scale", "scaled, not clipped", {ONE(1024), STATE(256, 7)}, .attr.clip = {1}},
    {"clip_scale", "scaled, off", {ONE(9), STATE(256, 7)}, .attr.clip = {0}},
    {"clip_scale", "scaled, infinite", {ONE(1e39), STATE(256, 7)}, .attr.clip = {1}},
    {"scaler", "taken", {STATE(256, 7), ONE(3)}, .attr.scaler = {9}},
    {"scaler", "grows", {STATE(256, 7), ONE(3)}, .attr.scaler = {2}},
    {"scaler", "at most", {STATE(16777216, 7), ONE(3)}, .attr.scaler = {2}},
    {"scaler", "skipped", {STATE(256, 7), ONE(NAN)}, .attr.scaler = {2}},
    {"scaler", "at least", {STATE(1, 7), ONE(1e39)}, .attr.scaler = {2000}},
    {"accumulate", "", {FLAT(7), FLAT(7)}},
    {"zero", "", {FLAT(7)}},
    {"zero", "odd width", {X(1, 1, 3, 7)}},
    ADAMW("first step", 5, 1, 1, 0.9, 0.999, 1e-8, 1e-4),
    ADAMW("later, clipped", 37, 0.375, 1000, 0.9, 0.999, 1e-8, 0.05),
    ADAMW("coupled", 5, 0.5, 3, 0.9, 0.999, 1e-8, 0.01, 1),
    ADAMW("coupled, no decay", 2, 1, 1, 0.9, 0.999, 1e-8, 0, 1),
    ADAMW("skipped", 5, NAN, 3, 0.9, 0.999, 1e-8, 0.01),
    {"adamw",
     "odd width",
     {X(1, 1, 3, 7), X(1, 1, 3, 7), BETWEEN(0, 2, 1, 1, 3, 7), X(1, 1, 3, 7), ONE(0.5), ONE(0.0078125), ONE(3)},
     .attr.adamw = {0.9, 0.999, 1e-8, 0.01, 0}},
    SGD("plain", 5, 1, 1, 0, 0, 0, 0),
    SGD("skipped", 5, NAN, 1, 0.9, 1e-4, 0.1, 0),
    SGD("first step", 5, 0.5, 1, 0.9, 1e-4, 0.1, 0),
    SGD("momentum", 37, 0.5, 7, 0.9, 1e-4, 0.1, 0),
    SGD("nesterov", 5, 1, 7, 0.9, 1e-4, 0, 1),
    LION("plain", 5, 1, 0.9, 0.99, 0),
    LION("skipped", 5, NAN, 0.9, 0.99, 0.1),
    LION("decay, clipped", 37, 0.375, 0.9, 0.99, 0.1),
    {"ema", "", {FLAT(5), FLAT(5), ONE(0.9990234375)}},
    {"ema", "taken", {FLAT(5), FLAT(5), ONE(0.9990234375), ONE(0.5)}},
    {"ema", "skipped", {FLAT(5), FLAT(5), ONE(0.9990234375), ONE(NAN)}},
    {"add_scaled", "", {FLAT(5), FLAT(5), ONE(-0.375)}},
};
const int op_n_cases = (int)(sizeof op_cases / sizeof op_cases[0]);

const op_case op_bench_cases[] = {
    CONV("first patches", 1, 512, 512, 3, 32, 7, 4, 3, 1),
    LAYER_NORM("stage 1", -2, 2, 1, 128, 128, 32),
    CONV("keys of stage 1", 1, 128, 128, 32, 32, 8, 8, 0, 1),
    ATTENTION("stage 1", 1, 128, 128, 32, 16, 16, 1, 0.1767767f, 0.075f),
    LINEAR(1, 128, 128, 32, 64),
    {"gelu", "stage 1", {X(1, 128, 128, 64)}},
    {"gelu_grad", "stage 1", {X(1, 128, 128, 64), X(1, 128, 128, 64)}},
    {"dropout", "stage 1", {X(1, 128, 128, 64), CLOCK}, .attr.dropout = {0.075f, 1, 0}},
    CONV("to stage 2", 1, 128, 128, 32, 64, 3, 2, 1, 1),
    ATTENTION("stage 2", 1, 64, 64, 64, 16, 16, 1, 0.125f, 0.1f),
    LINEAR(1, 64, 64, 64, 128),
    CONV("to stage 4", 1, 32, 32, 128, 192, 3, 2, 1, 1),
    ATTENTION("stage 4", 1, 16, 16, 192, 16, 16, 1, 0.0721688f, 0.15f),
    LINEAR(1, 16, 16, 192, 384),
    RESIZE("stage 4 to decoder", 1, 16, 16, 128, 128, 128, 0),
    LINEAR(1, 128, 128, 128, 128),
    CONV("LMSA", 1, 128, 128, 128, 128, 3, 1, 1, 128),
    BATCH_NORM("LMSA", -2, 2, 1, 128, 128, 128),
    {"pool_mean", "LMSA", {X(1, 128, 128, 128)}},
    {"mul_bcast", "LMSA", {X(1, 128, 128, 128), X(1, 1, 1, 128)}},
    {"add", "LMSA", {X(1, 128, 128, 128), X(1, 128, 128, 128)}},
    LINEAR(1, 128, 128, 128, 19),
    SEG_LOSS("x4", 1, 128, 128, 19, 512, 512, 0, 0, 2, CE, DICE),
    LOVASZ("x4", 1, 128, 128, 19, 512, 512, 0, 0, 1),
    OHEM("x4", 1, 128, 128, 19, 512, 512, 0, 0.7, 0.0625, NULL),
    BOUNDARY("x4", 1, 128, 128, 19, 512, 512, 0),
    {"signed_distance", "", {LABELS(19, 0, 1, 512, 512)}, .attr.distance = {19, 255, 1}},
    {"seg_argmax", "x4", {X(1, 128, 128, 19)}, .attr.resize = {512, 512, 0}},
    {"warp_image", "", {BYTES(1, 512, 512, 3), MATRIX(1)}},
    {"warp_mask", "", {BYTES(1, 512, 512, 1), MATRIX(1), SWAPS(1)}},
    {"colour", "", {BETWEEN(0, 1, 1, 512, 512, 3), COLOUR(1, 2)}},
    WARP("black outside", 1, 512, 512, 0, FPC_BORDER_FILL),
    WARP("reflected", 1, 512, 512, 0, FPC_BORDER_REFLECT),
    COLOURS("hue", 2, 1, 512, 512, 1),
    COLOURS("gamma", 3, 1, 512, 512, 1),
    COLOURS("posterize", 4, 1, 512, 512, 1),
    COLOURS("solarize", 5, 1, 512, 512, 1),
    COLOURS("equalize", 6, 1, 512, 512, 1),
    COLOURS("autocontrast", 7, 1, 512, 512, 1),
    FILTER("3x3", 1, 512, 512, 3, FPC_BORDER_REFLECT, 0),
    FILTER("5x5, any", 1, 512, 512, 5, FPC_BORDER_REFLECT, 0),
    FILTER("31x31, any", 1, 512, 512, 31, FPC_BORDER_REFLECT, 0),
    {"filter",
     "31x31, a box",
     {PICTURE(1, 512, 512), {.shape = {1, 1, 1, 961}, .lo = 0.001, .hi = 0.001}},
     .attr.filter = {31, FPC_BORDER_REFLECT, 0}},
    {"median", "3x3", {PICTURE(1, 512, 512), ONE(1)}, .attr.filter = {3, 0, 0}},
    {"median", "5x5", {PICTURE(1, 512, 512), ONE(1)}, .attr.filter = {5, 0, 0}},
    {"median", "7x7", {PICTURE(1, 512, 512), ONE(1)}, .attr.filter = {7, 0, 0}},
    {"median", "9x9", {PICTURE(1, 512, 512), ONE(1)}, .attr.filter = {9, 0, 0}},
    JPEG("", 50, 50, 1, 512, 512),
    ERASE("eight boxes", 1, 512, 512, 8),
    MIX("", 1, 512, 512, 0),
    {"gaussian_noise", "", {PICTURE(1, 512, 512), ONE(0.05), CLOCK}, .attr.noise = {11, 1}},
    {"sum_squares", "all parameters", {FLAT(6828)}},
    ADAMW("all parameters", 6828, 1, 10, 0.9, 0.999, 1e-8, 1e-4),
};
const int op_n_bench_cases = (int)(sizeof op_bench_cases / sizeof op_bench_cases[0]);
