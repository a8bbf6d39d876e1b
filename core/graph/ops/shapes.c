/* shapes.c: the rules of shapes that several families of ops share. */
#include "graph/ops/table.h"

fpc_status infer_same(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++)
        n->out[i].shape = n->in[0].shape;
    return FPC_OK;
}

fpc_status infer_equal(fpc_ctx *ctx, fpc_node *n)
{
    for (int32_t i = 1; i < n->n_in; i++)
        if (!fpc_same_shape(n->in[0].shape, n->in[i].shape))
            return fpc_node_fail(ctx, n, "shapes %s and %s differ; they must be equal", fpc_shape_text(n->in[0].shape),
                                 fpc_shape_text(n->in[i].shape));
    return infer_same(ctx, n);
}

fpc_status infer_vector(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++)
        n->out[i].shape = fpc_vector(n->in[0].shape.c);
    return FPC_OK;
}

fpc_status infer_scalar(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++)
        n->out[i].shape = fpc_vector(1);
    return FPC_OK;
}

fpc_status infer_inplace(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    for (int32_t i = 0; i < n->n_out; i++) {
        n->out[i].shape = n->in[i].shape;
        n->out[i].dtype = n->in[i].dtype;
    }
    return FPC_OK;
}
