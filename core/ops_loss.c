/* ops_loss.c: shapes and gradient of the fused segmentation loss, and fpc_seg_loss, the builder that loss plugins use.
 */
#include "ops.h"
#include <fpcore/loss.h>
#include <math.h>

fpc_status infer_seg_loss(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape z = n->in[0].shape, m = n->in[1].shape;
    const fpc_seg_loss_attr *a = n->attr;
    if (n->in[1].dtype != FPC_U8 || m.c != 1 || m.n != z.n)
        return FPC_NODE_FAIL(ctx, n, "logits %s with a mask of %s; the mask must be (n,h,w,1) bytes", fpc_shape_text(z),
                             fpc_shape_text(m));
    if (z.c < 2 || z.c > FPC_MAX_CLASSES)
        return FPC_NODE_FAIL(ctx, n, "%d classes; 2 to %d are possible", z.c, FPC_MAX_CLASSES);
    if (a->n_terms < 1 || a->n_terms > FPC_MAX_TERMS)
        return FPC_NODE_FAIL(ctx, n, "%d terms; 1 to %d are possible", a->n_terms, FPC_MAX_TERMS);
    n->out[0].shape = fpc_vector(a->n_terms);
    n->out[1].shape = (fpc_shape){z.n, 1, 3, z.c};
    n->out[2].shape = fpc_vector(a->n_terms);
    n->out[3].shape = (fpc_shape){z.n, 1, z.c, 3};
    n->out[3].dtype = FPC_I32;
    return FPC_OK;
}

fpc_status grad_seg_loss(fpc_graph *g, fpc_grad *d)
{
    if (d->dout[0].id >= 0)
        d->din[0] = fpc_op1(g, "seg_loss_grad", d->name, 5,
                            (fpc_val[]){d->in[0], d->in[1], d->out[1], d->out[2], d->dout[0]}, d->attr);
    return FPC_OK;
}

fpc_status infer_seg_argmax(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_resize_attr *a = n->attr;
    if (a->h < 1 || a->w < 1 || n->in[0].shape.c > FPC_MAX_CLASSES)
        return FPC_NODE_FAIL(ctx, n, "logits %s to %dx%d", fpc_shape_text(n->in[0].shape), a->h, a->w);
    n->out[0].shape = (fpc_shape){n->in[0].shape.n, a->h, a->w, 1};
    n->out[0].dtype = FPC_U8;
    return FPC_OK;
}

fpc_val fpc_seg_loss(fpc_graph *g, const char *name, fpc_val logits, const fpc_target *target, const fpc_seg_term *term)
{
    fpc_seg_loss_attr a = {.n_terms = 1, .ignore = target->ignore};
    a.term[0] = *term;
    if (logits.id < 0)
        return logits;
    if (term->class_weight) {
        const int32_t k = fpc_shape_of(g, logits).c;
        float *w = fpc_alloc(g->arena, (size_t)k * sizeof *w);
        if (!w)
            return (fpc_val){-1};
        for (int32_t i = 0; i < k; i++)
            w[i] = term->class_weight[i];
        a.term[0].class_weight = w;
    }
    fpc_val out[4];
    fpc_op(g, "seg_loss", name, 2, (fpc_val[]){logits, target->mask}, &a, out);
    return out[0];
}
