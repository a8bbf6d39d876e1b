/* ops_image.c: shapes of the augmentation ops: bytes in, real pictures and byte masks out. Nothing is differentiated.
 */
#include "ops.h"

fpc_status infer_warp(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    const int mask = n->n_in == 3;
    if (n->in[0].dtype != FPC_U8 || m.n != x.n || m.c != 8 || x.c != (mask ? 1 : 3) ||
        (mask && n->in[2].shape.c != 256))
        return FPC_NODE_FAIL(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    if (mask)
        n->out[0].dtype = FPC_U8;
    return FPC_OK;
}

fpc_status infer_colour(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (m.n != x.n || m.c != 16 || x.c != 3)
        return FPC_NODE_FAIL(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    return FPC_OK;
}
