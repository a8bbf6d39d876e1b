/* ops.h (core): declarations behind ops.def, and the few helpers that infer and grad functions share. */
#ifndef CORE_GRAPH_OPS_TABLE_H
#define CORE_GRAPH_OPS_TABLE_H

#include "graph/nodes.h"

typedef struct fpc_no_attr {
    char none;
} fpc_no_attr;

/* fpc_fail with the node's op and name in front. */
#define FPC_NODE_FAIL(ctx, node, ...) fpc_node_fail(ctx, node, __VA_ARGS__)
fpc_status fpc_node_fail(fpc_ctx *, const fpc_node *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "4x128x128x19" into a ring of small buffers, for messages. [main] */
const char *fpc_shape_text(fpc_shape);
static inline fpc_shape fpc_with_c(fpc_shape s, int32_t c)
{
    return (fpc_shape){s.n, s.h, s.w, c};
}
static inline fpc_shape fpc_vector(int32_t c)
{
    return (fpc_shape){1, 1, 1, c};
}

/* One-output shorthand for grad functions. */
static inline fpc_val fpc_op1(fpc_graph *g, const char *op, const char *name, int32_t n, const fpc_val *in,
                              const void *attr)
{
    return fpc_op_own(g, op, name, n, in, attr, NULL);
}

typedef fpc_status fpc_infer_fn(fpc_ctx *, fpc_node *);
typedef fpc_status fpc_grad_fn(fpc_graph *, fpc_grad *);
typedef int64_t fpc_macs_fn(const fpc_node *);

fpc_infer_fn infer_linear, infer_linear_grad_x, infer_linear_grad_w, infer_vector, infer_conv2d, infer_conv2d_grad_x,
    infer_conv2d_grad_w, infer_layer_norm, infer_layer_norm_grad, infer_same, infer_inplace, infer_attention,
    infer_attention_grad, infer_equal, infer_bcast, infer_concat, infer_slice, infer_slice_grad, infer_combine,
    infer_resize, infer_pool, infer_broadcast, infer_max_pool, infer_window, infer_warp_image, infer_warp_mask,
    infer_colour, infer_filter, infer_per_image, infer_erase_mask, infer_mix_image, infer_mix_mask, infer_seg_loss,
    infer_seg_argmax, infer_pixel_loss, infer_boundary, infer_signed_distance, infer_scalar, infer_linear_add,
    infer_add_layer_norm, infer_cast, infer_take;
fpc_grad_fn grad_linear, grad_linear_grad_x, grad_conv2d, grad_conv2d_grad_x, grad_layer_norm, grad_batch_norm,
    grad_attention, grad_gelu, grad_relu, grad_sigmoid, grad_add, grad_mul, grad_add_bcast, grad_mul_bcast, grad_concat,
    grad_slice, grad_dropout, grad_copy, grad_combine, grad_resize, grad_pool_mean, grad_pool_sum, grad_broadcast,
    grad_max_pool, grad_window, grad_seg_loss, grad_pixel_loss, grad_softmax;
fpc_macs_fn macs_linear, macs_linear_grad_x, macs_linear_grad_w, macs_conv2d, macs_conv2d_grad_x, macs_conv2d_grad_w,
    macs_attention, macs_attention_grad;

#endif
