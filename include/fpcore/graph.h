/* graph.h: how models, losses, optimizers and augmentations describe work: verbs that append nodes to a static graph.
 *
 * Nothing is computed while a graph is built. The core owns the nodes afterwards: it rewrites, differentiates, plans
 * and runs them. A verb that fails returns a value with id < 0, which every verb passes on; the first error is
 * reported, with the name of the node, when building ends. So builders need no error checks of their own.
 *
 * Names: fpc_enter/fpc_leave nest scopes joined by dots; a parameter's full name is its PyTorch state-dict name
 * ("block1.0.attn.q.weight"), which is also its name in checkpoints. Thread: [main]. */
#ifndef FPCORE_GRAPH_H
#define FPCORE_GRAPH_H

#include <fpcore/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fpc_graph fpc_graph;
typedef struct fpc_val {
    int32_t id;
} fpc_val;

/* How a parameter starts. FAN_IN: U(-b, b), b = 1/sqrt(fan_in), PyTorch's default for linear and conv weights and
 * their biases; KAIMING: N(0, 2/fan_in); TRUNC_NORMAL: N(0, 0.02) cut at two sigma. */
typedef enum fpc_fill {
    FPC_FILL_ZERO = 1,
    FPC_FILL_ONE,
    FPC_FILL_UNIFORM_FAN_IN,
    FPC_FILL_KAIMING,
    FPC_FILL_TRUNC_NORMAL
} fpc_fill;

/* size: sizeof(fpc_conv_args). */
typedef struct fpc_conv_args {
    uint32_t size;
    int32_t k, stride, pad, groups; /* square kernels; groups 0 means 1 */
    int32_t bias;                   /* 0 or 1 */
    uint32_t fill;                  /* fpc_fill of the weight; 0 means UNIFORM_FAN_IN */
} fpc_conv_args;

/* Rows of the table that `fpcore model` prints are grouped by these scopes. */
FPC_API void fpc_enter(fpc_graph *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
FPC_API void fpc_leave(fpc_graph *);
/* 1 while a training graph is built: dropout, batch statistics. The same builder makes both graphs; both must declare
 * the same parameters. */
FPC_API int fpc_training(const fpc_graph *);
FPC_API fpc_shape fpc_shape_of(const fpc_graph *, fpc_val);

/* A trainable tensor. rank: of its shape in checkpoint files: 1 (c), 2 (out, in), 4 (out, in/groups, kh, kw).
 * fan_in: for the fills that need one. The same name twice is an error. */
FPC_API fpc_val fpc_param(fpc_graph *, const char *name, int32_t rank, fpc_shape, fpc_fill, int64_t fan_in);
/* A tensor that is stored and not trained (running statistics). dtype FPC_F32 or FPC_I64; rank 0 is a scalar. */
FPC_API fpc_val fpc_buffer(fpc_graph *, const char *name, int32_t rank, fpc_shape, uint32_t dtype, fpc_fill);

/* NAME.weight (out_c, k, k, c/groups) and NAME.bias. */
FPC_API fpc_val fpc_conv2d(fpc_graph *, const char *name, fpc_val x, int32_t out_c, const fpc_conv_args *);
/* Transposed convolution, PyTorch's ConvTranspose2d: NAME.weight (c, k, k, out_c), file order (c, out_c, k, k). */
FPC_API fpc_val fpc_conv_transpose2d(fpc_graph *, const char *name, fpc_val x, int32_t out_c, const fpc_conv_args *);
/* y = x W^T + b over the last axis: NAME.weight (1,1,out_c,c), NAME.bias where bias is 1. */
FPC_API fpc_val fpc_linear(fpc_graph *, const char *name, fpc_val x, int32_t out_c, int bias);
/* Over the last axis, affine, biased variance: NAME.weight, NAME.bias. */
FPC_API fpc_val fpc_layer_norm(fpc_graph *, const char *name, fpc_val x, float eps);
/* Over n,h,w, affine, with running statistics: NAME.weight .bias .running_mean .running_var .num_batches_tracked. */
FPC_API fpc_val fpc_batch_norm(fpc_graph *, const char *name, fpc_val x, float eps, float momentum);
/* softmax(q k^T / sqrt(c / heads)) v within each image. q (n,h,w,c); k, v (n,h2,w2,c). drop: of the probabilities. */
FPC_API fpc_val fpc_attention(fpc_graph *, const char *name, fpc_val q, fpc_val k, fpc_val v, int32_t heads,
                              float drop);

FPC_API fpc_val fpc_gelu(fpc_graph *, fpc_val x); /* exact, with erf */
FPC_API fpc_val fpc_relu(fpc_graph *, fpc_val x);
FPC_API fpc_val fpc_sigmoid(fpc_graph *, fpc_val x);
FPC_API fpc_val fpc_add(fpc_graph *, fpc_val a, fpc_val b);           /* equal shapes, or b (n,1,1,c) or (1,1,1,c) */
FPC_API fpc_val fpc_mul(fpc_graph *, fpc_val a, fpc_val b);           /* likewise */
FPC_API fpc_val fpc_concat(fpc_graph *, int32_t n, const fpc_val *x); /* along c */
FPC_API fpc_val fpc_slice(fpc_graph *, fpc_val x, int32_t first, int32_t count); /* along c */
/* Bilinear. align_corners 0: half-pixel centres, clamped at the border; 1: corner pixels coincide. */
FPC_API fpc_val fpc_resize(fpc_graph *, fpc_val x, int32_t h, int32_t w, int align_corners);
FPC_API fpc_val fpc_pool_mean(fpc_graph *, fpc_val x);                           /* (n,h,w,c) -> (n,1,1,c) */
FPC_API fpc_val fpc_max_pool(fpc_graph *, fpc_val x, int32_t k, int32_t stride); /* no padding */
FPC_API fpc_val fpc_pad(fpc_graph *, fpc_val x, int32_t top, int32_t left, int32_t h, int32_t w); /* zeros, to h x w */
/* Inverted dropout; x itself when p is 0 or in an evaluation graph. Which numbers go depends on the run's seed, the
 * step, the row and the random stream, and the stream is fpc_hash of the full name ("block1.0.drop"): it stays when
 * other layers are added, changes when a scope or the name does, and two dropouts of one name would drop the same
 * numbers. per_channel 1: whole (image, channel) planes. */
FPC_API fpc_val fpc_dropout(fpc_graph *, const char *name, fpc_val x, float p, int per_channel);

/* A struct by address and size, as functions take it whose structs grow: fpc_op(g, "gelu", "act", 1, &x, NULL, 0,
 * NULL), fpc_op(g, "slice", "part", 1, &x, FPC_ATTR(attr), NULL). */
#define FPC_ATTR(...) &(__VA_ARGS__), sizeof(__VA_ARGS__)
/* Any registered op (ops.h lists the built-in ones; plugins may add theirs). attr is copied, what is beyond attr_size
 * is zero; NULL, 0: all of it. out: n_out values; NULL: the first, which is returned, is enough. */
FPC_API fpc_val fpc_op(fpc_graph *, const char *op, const char *name, int32_t n_in, const fpc_val *in, const void *attr,
                       size_t attr_size, fpc_val *out);
/* A constant of the graph, copied: weights of a sum, class weights. */
FPC_API fpc_val fpc_const(fpc_graph *, fpc_shape, const double *values);
/* {seed low, seed high, step, 0} as (1,1,1,4) I32: the counter that random ops take as their last input. */
FPC_API fpc_val fpc_clock_input(fpc_graph *);
/* Reports a failure of the builder itself, with the scope's name in front, and makes the graph fail: returns a value
 * with id < 0, which a builder hands on. fpc_fail (base.h) says the same in functions that return a status and have no
 * graph: of a build function that has found its options or shapes impossible, either will do; within a verb it is this
 * one. */
FPC_API fpc_val fpc_graph_fail(fpc_graph *, fpc_status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
