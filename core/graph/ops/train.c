/* train.c: shapes of updates, which go over whole buffers in place. A kernel takes the length from the first buffer, so
 * whatever lies beside it has to be as long. */
#include "graph/ops/table.h"

/* The buffers that are written and one more are of one shape; behind them come single numbers, up to input `end`. */
static fpc_status check_update(fpc_ctx *ctx, fpc_node *n, int32_t end)
{
    for (int32_t i = 1; i <= n->n_out; i++)
        if (!fpc_same_shape(n->in[i].shape, n->in[0].shape))
            return fpc_node_fail(ctx, n, "input %d is %s; it must be %s, as the first", i,
                                 fpc_shape_text(n->in[i].shape), fpc_shape_text(n->in[0].shape));
    for (int32_t i = n->n_out + 1; i < end; i++)
        if (fpc_count(n->in[i].shape) != 1)
            return fpc_node_fail(ctx, n, "input %d is %s; it must be one number", i, fpc_shape_text(n->in[i].shape));
    return infer_inplace(ctx, n);
}

fpc_status infer_update(fpc_ctx *ctx, fpc_node *n)
{
    return check_update(ctx, n, n->n_in);
}

/* Input `at`, where there is one, holds the factors: a pair for each FPC_FLAT_ALIGN numbers of a row. */
static fpc_status check_optimizer(fpc_ctx *ctx, fpc_node *n, int32_t at)
{
    const fpc_shape p = n->in[0].shape, want = fpc_with_c(p, p.c / FPC_FLAT_ALIGN * 2);

    if (n->n_in > at && p.c % FPC_FLAT_ALIGN)
        return fpc_node_fail(ctx, n, "rows of %d numbers have no factors; a multiple of %d (FPC_FLAT_ALIGN) has", p.c,
                             (int)FPC_FLAT_ALIGN);
    if (n->n_in > at && !fpc_same_shape(n->in[at].shape, want))
        return fpc_node_fail(ctx, n, "the factors are %s; for %s they must be %s, two for each %d numbers",
                             fpc_shape_text(n->in[at].shape), fpc_shape_text(p), fpc_shape_text(want),
                             (int)FPC_FLAT_ALIGN);
    return check_update(ctx, n, at);
}

fpc_status infer_adamw(fpc_ctx *ctx, fpc_node *n)
{
    return check_optimizer(ctx, n, 7);
}

fpc_status infer_sgd(fpc_ctx *ctx, fpc_node *n)
{
    return check_optimizer(ctx, n, 6);
}

fpc_status infer_lion(fpc_ctx *ctx, fpc_node *n)
{
    return check_optimizer(ctx, n, 5);
}
