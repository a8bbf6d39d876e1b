/* image.c: shapes of the augmentation ops: bytes in, real pictures and byte masks out. Nothing is differentiated.
 */
#include <fpcore/augment.h>
#include "graph/ops/table.h"
#include <string.h>

static int is_field(fpc_shape f, int32_t n)
{
    return f.n == n && f.h == FPC_FIELD_NODES && f.w == FPC_FIELD_NODES && f.c == 2;
}

fpc_status infer_warp_image(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (m.n != x.n || m.c != 8 || x.c != 3 || (n->n_in == 3 && !is_field(n->in[2].shape, x.n)))
        return fpc_node_fail(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    return FPC_OK;
}

fpc_status infer_warp_mask(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (n->in[0].dtype != FPC_U8 || m.n != x.n || m.c != 8 || x.c != 1 || n->in[2].shape.c != 256 ||
        (n->n_in == 4 && !is_field(n->in[3].shape, x.n)))
        return fpc_node_fail(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    n->out[0].dtype = FPC_U8;
    return FPC_OK;
}

fpc_status infer_colour(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (m.n != x.n || m.c != 16 || x.c != 3)
        return fpc_node_fail(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    return FPC_OK;
}

/* filter, median: k odd; filter's second input has k*k weights, median's one switch. */
fpc_status infer_filter(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    const fpc_filter_attr *a = n->attr;
    const int32_t want = !strcmp(n->op, "filter") ? a->k * a->k : 1;
    if (a->k < 1 || a->k % 2 == 0 || a->k > 31)
        return fpc_node_fail(ctx, n, "a window of %d pixels; odd sizes from 1 to 31 are possible", a->k);
    if (m.n != x.n || m.c != want || x.c != 3)
        return fpc_node_fail(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    return FPC_OK;
}

/* jpeg: one number per image; erase: a multiple of 8. */
fpc_status infer_per_image(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (m.n != x.n || x.c != 3 || (!strcmp(n->op, "erase") ? m.c < 8 || m.c % 8 : m.c != 1))
        return fpc_node_fail(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    return FPC_OK;
}

fpc_status infer_erase_mask(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (n->in[0].dtype != FPC_U8 || m.n != x.n || x.c != 1 || m.c < 8 || m.c % 8)
        return fpc_node_fail(ctx, n, "input %s with draws %s", fpc_shape_text(x), fpc_shape_text(m));
    n->out[0].shape = x;
    n->out[0].dtype = FPC_U8;
    return FPC_OK;
}

static int is_plan(const fpc_node *n, int32_t at, int32_t images)
{
    const fpc_shape p = n->in[at].shape, t = n->in[at + 1].shape;
    return p.n == images && p.w == FPC_MIX_LAYERS + 1 && p.c == 12 && t.n == images && t.w == FPC_MIX_LAYERS &&
           t.c == 256 && n->in[at + 1].dtype == FPC_U8;
}

fpc_status infer_mix_image(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, m = n->in[1].shape;
    if (x.c != 3 || m.c != 1 || m.n != x.n || m.h != x.h || m.w != x.w || n->in[1].dtype != FPC_U8 ||
        !is_plan(n, 2, x.n))
        return fpc_node_fail(ctx, n, "input %s with mask %s and plan %s", fpc_shape_text(x), fpc_shape_text(m),
                             fpc_shape_text(n->in[2].shape));
    n->out[0].shape = x;
    return FPC_OK;
}

fpc_status infer_mix_mask(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape;
    if (x.c != 1 || n->in[0].dtype != FPC_U8 || !is_plan(n, 1, x.n))
        return fpc_node_fail(ctx, n, "mask %s with plan %s", fpc_shape_text(x), fpc_shape_text(n->in[1].shape));
    n->out[0].shape = x;
    n->out[0].dtype = FPC_U8;
    return FPC_OK;
}

fpc_status infer_take(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape x = n->in[0].shape, index = n->in[1].shape;
    if (index.h != 1 || index.w != 1 || index.c != 1 || n->in[0].dtype != FPC_U8 || n->in[1].dtype != FPC_I32)
        return fpc_node_fail(ctx, n, "takes images of bytes by an index (n,1,1,1) I32, not %s", fpc_shape_text(index));
    n->out[0].shape = (fpc_shape){index.n, x.h, x.w, x.c};
    n->out[0].dtype = FPC_U8;
    return FPC_OK;
}
