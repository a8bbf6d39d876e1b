/* loss.c: shapes and gradients of the losses over masks, and the builders that loss plugins use (fpc_seg_loss).
 * Of a mixed batch it makes two nodes: the loss by each of the two masks, an image weighted by its share. */
#include "graph/ops/table.h"
#include <fpcore/loss.h>
#include <math.h>
#include <string.h>

/* logits, mask, and the images' weights at input `at`, where there are any */
static fpc_status check_inputs(fpc_ctx *ctx, fpc_node *n, int32_t at)
{
    const fpc_shape z = n->in[0].shape, m = n->in[1].shape;
    if (n->in[1].dtype != FPC_U8 || m.c != 1 || m.n != z.n)
        return fpc_node_fail(ctx, n, "logits %s with a mask of %s; the mask must be (n,h,w,1) bytes", fpc_shape_text(z),
                             fpc_shape_text(m));
    if (z.c < 2 || z.c > FPC_MAX_CLASSES)
        return fpc_node_fail(ctx, n, "%d classes; 2 to %d are possible", z.c, FPC_MAX_CLASSES);
    if (n->n_in > at && !fpc_same_shape(n->in[at].shape, (fpc_shape){z.n, 1, 1, 1}))
        return fpc_node_fail(ctx, n, "weight %s for %d images; it must be (n,1,1,1)", fpc_shape_text(n->in[at].shape),
                             z.n);
    return FPC_OK;
}

fpc_status infer_seg_loss(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape z = n->in[0].shape;
    const fpc_seg_loss_attr *a = n->attr;
    const fpc_status status = check_inputs(ctx, n, 2);
    if (status)
        return status;
    if (a->n_terms < 1 || a->n_terms > FPC_MAX_TERMS)
        return fpc_node_fail(ctx, n, "%d terms; 1 to %d are possible", a->n_terms, FPC_MAX_TERMS);
    n->out[0].shape = fpc_vector(a->n_terms);
    n->out[1].shape = (fpc_shape){z.n, 1, 3, z.c};
    n->out[2].shape = fpc_vector(a->n_terms);
    n->out[3].shape = (fpc_shape){z.n, 1, z.c, 3};
    n->out[3].dtype = FPC_I32;
    return FPC_OK;
}

fpc_status grad_seg_loss(fpc_graph *g, fpc_grad *d)
{
    const fpc_val in[6] = {d->in[0], d->in[1], d->out[1], d->out[2], d->dout[0], {d->n_in > 2 ? d->in[2].id : -1}};
    if (d->dout[0].id >= 0)
        d->din[0] = fpc_op1(g, "seg_loss_grad", d->name, 3 + d->n_in, in, d->attr);
    return FPC_OK;
}

fpc_status infer_seg_argmax(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_resize_attr *a = n->attr;
    if (a->h < 1 || a->w < 1 || n->in[0].shape.c > FPC_MAX_CLASSES)
        return fpc_node_fail(ctx, n, "logits %s to %dx%d", fpc_shape_text(n->in[0].shape), a->h, a->w);
    n->out[0].shape = (fpc_shape){n->in[0].shape.n, a->h, a->w, 1};
    n->out[0].dtype = FPC_U8;
    return FPC_OK;
}

static fpc_status infer_loss_and_slope(fpc_ctx *ctx, fpc_node *n, int32_t at)
{
    const fpc_status status = check_inputs(ctx, n, at);
    if (!status && fpc_rows_of(n->in[1].shape) > INT32_MAX)
        return fpc_node_fail(ctx, n, "a mask of %s has more pixels than can be put in order (2^31)",
                             fpc_shape_text(n->in[1].shape));
    n->out[0].shape = fpc_vector(1);
    n->out[1].shape = n->in[0].shape;
    return status;
}

fpc_status infer_pixel_loss(fpc_ctx *ctx, fpc_node *n)
{
    return infer_loss_and_slope(ctx, n, 2);
}

fpc_status infer_boundary(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape m = n->in[1].shape, want = {m.n, m.h, m.w, n->in[0].shape.c};
    if (!fpc_same_shape(n->in[2].shape, want))
        return fpc_node_fail(ctx, n, "distances of %s; they must be %s", fpc_shape_text(n->in[2].shape),
                             fpc_shape_text(want));
    return infer_loss_and_slope(ctx, n, 3);
}

fpc_status infer_signed_distance(fpc_ctx *ctx, fpc_node *n)
{
    const fpc_shape m = n->in[0].shape;
    const fpc_distance_attr *a = n->attr;
    if (n->in[0].dtype != FPC_U8 || m.c != 1 || a->classes < 2 || a->classes > FPC_MAX_CLASSES)
        return fpc_node_fail(ctx, n, "a mask of %s with %d classes; it must be (n,h,w,1) bytes, with 2 to %d",
                             fpc_shape_text(m), a->classes, FPC_MAX_CLASSES);
    n->out[0].shape = fpc_with_c(m, a->classes);
    return FPC_OK;
}

fpc_status grad_pixel_loss(fpc_graph *g, fpc_grad *d)
{
    if (d->dout[0].id >= 0)
        d->din[0] = fpc_op1(g, "combine_grad", d->name, 2, (fpc_val[]){d->out[1], d->dout[0]}, NULL);
    return FPC_OK;
}

fpc_status fpc_label_pixels(const fpc_target *target, const int64_t **pixels, const int64_t **images)
{
    return target->label_pixels ? target->label_pixels(target->source, pixels, images) : FPC_ENOENT;
}

/* 1 - lambda, once for each graph, so that terms over the same pair of masks merge. */
fpc_val fpc_other_share(fpc_graph *g, const fpc_target *target)
{
    static const double minus = -1, one = 1;
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!g->node[i].dead && !strcmp(g->node[i].def->name, "linear") && g->node[i].in[0] == target->lambda.id)
            return (fpc_val){g->node[i].out[0]};
    const fpc_val in[3] = {target->lambda, fpc_const(g, fpc_vector(1), &minus), fpc_const(g, fpc_vector(1), &one)};
    return fpc_op1(g, "linear", "other_share", 3, in, NULL);
}

static const float *copy_weights(fpc_graph *g, const float *weight, int32_t n)
{
    float *to = fpc_alloc(g->arena, (size_t)n * sizeof *to);
    if (to)
        memcpy(to, weight, (size_t)n * sizeof *to);
    return to;
}

/* The loss by the mask, or by both masks of mixed pictures. op: seg_loss or one with the inputs of a pixel loss. */
static fpc_val one_or_two(fpc_graph *g, const char *verb, const char *op, const char *name, fpc_val logits,
                          const fpc_target *target, const fpc_val *extra, const void *attr)
{
    const int mixed = target->mask_b.id >= 0, more = extra != NULL;
    fpc_val in[4] = {logits, target->mask, extra ? extra[0] : target->lambda, target->lambda};
    g->verb = verb;
    const fpc_val own = fpc_op1(g, op, name, 2 + more + mixed, in, attr);
    if (!mixed)
        return own;
    in[1] = target->mask_b;
    if (extra)
        in[2] = extra[1];
    in[2 + more] = fpc_other_share(g, target);
    return fpc_add(g, own, fpc_op1(g, op, name, 3 + more, in, attr));
}

int fpc_seg_terms_own(fpc_graph *g, fpc_seg_loss_attr *a)
{
    if (a->n_terms < 0 || a->n_terms > FPC_MAX_TERMS || (a->n_terms && a->term_size < sizeof(uint32_t))) {
        fpc_graph_fail(g, FPC_EINVAL, "seg_loss: %d terms of %u bytes; 1 to %d of sizeof(fpc_seg_term) are possible",
                       a->n_terms, a->term_size, FPC_MAX_TERMS);
        return 0;
    }
    const size_t size = a->term_size < sizeof(fpc_seg_term) ? a->term_size : sizeof(fpc_seg_term);
    fpc_seg_term *own = fpc_alloc(g->arena, (size_t)(a->n_terms ? a->n_terms : 1) * sizeof *own);
    for (int32_t t = 0; own && t < a->n_terms; t++) {
        memcpy(&own[t], a->term[t], size);
        a->term[t] = &own[t];
    }
    a->term_size = sizeof(fpc_seg_term);
    return own != NULL;
}

/* What a caller's struct of `size` bytes says, in the core's; 0: it is longer than any that this build knows. */
static int take(fpc_graph *g, const char *what, void *to, size_t room, const void *from, size_t size)
{
    if (size <= room)
        memcpy(to, from, size);
    else
        fpc_graph_fail(g, FPC_EINVAL, "%s: %zu bytes, not %zu; FPC_ATTR(a) gives them", what, size, room);
    return size <= room;
}

fpc_val fpc_seg_loss(fpc_graph *g, const char *name, fpc_val logits, const fpc_target *target, const fpc_seg_term *term,
                     size_t term_size)
{
    fpc_seg_term own = {0};
    const fpc_seg_loss_attr a = {.n_terms = 1, .ignore = target->ignore, .term_size = sizeof own, .term[0] = &own};
    if (logits.id < 0)
        return logits;
    if (!take(g, "fpc_seg_loss", &own, sizeof own, term, term_size))
        return (fpc_val){-1};
    if (own.class_weight && !(own.class_weight = copy_weights(g, own.class_weight, fpc_shape_of(g, logits).c)))
        return (fpc_val){-1};
    return one_or_two(g, __func__, "seg_loss", name, logits, target, NULL, &a);
}

fpc_val fpc_pixel_loss(fpc_graph *g, const char *op, const char *name, fpc_val logits, const fpc_target *target,
                       const fpc_pixel_loss_attr *attr, size_t attr_size)
{
    fpc_pixel_loss_attr a = {0};
    if (logits.id < 0)
        return logits;
    if (!take(g, "fpc_pixel_loss", &a, sizeof a, attr, attr_size))
        return (fpc_val){-1};
    a.ignore = target->ignore;
    if (a.class_weight && !(a.class_weight = copy_weights(g, a.class_weight, fpc_shape_of(g, logits).c)))
        return (fpc_val){-1};
    return one_or_two(g, __func__, op, name, logits, target, NULL, &a);
}

fpc_val fpc_boundary_loss(fpc_graph *g, const char *name, fpc_val logits, const fpc_target *target, int normalise)
{
    const fpc_pixel_loss_attr a = {.ignore = target->ignore, .present_only = 1};
    const fpc_distance_attr d = {target->classes, target->ignore, normalise};
    fpc_val distance[2] = {fpc_op1(g, "signed_distance", name, 1, &target->mask, &d), {-1}};
    if (target->mask_b.id >= 0)
        distance[1] = fpc_op1(g, "signed_distance", name, 1, &target->mask_b, &d);
    return one_or_two(g, __func__, "boundary", name, logits, target, distance, &a);
}
