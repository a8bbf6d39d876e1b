/* old.c: a loss term: the Brier score, the mean over labelled pixels of sum_k (p_k - y_k)^2, where p is the softmax
 * of the logits and y the label as a one-hot vector.
 *
 * A loss appends nodes that end in one scalar. Where the verbs of graph.h suffice, that is all of it. This one brings
 * an op of its own: rule for shapes, gradient, and a kernel for each of the two nodes. Kernels get ranges of rows
 * (pixels), in any order; sums go through parts, so the result does not depend on the number of threads (op.h). */
#include <fpcore/loss.h>
#include <math.h>

struct loss {
    fpc_self self;
    double sharpness;
};

/* What both ops know beside their tensors. */
struct attr {
    int32_t ignore;
    float sharpness;
};

/* One source for float and double graphs; the type is the tensor's. */
static double get(const fpc_tensor *t, int64_t i)
{
    return t->dtype == FPC_F64 ? ((const double *)t->data)[i] : (double)((const float *)t->data)[i];
}

static void set(const fpc_tensor *t, int64_t i, double v)
{
    if (t->dtype == FPC_F64)
        ((double *)t->data)[i] = v;
    else
        ((float *)t->data)[i] = (float)v;
}

/* Softmax of row r of the logits; FPC_MAX_CLASSES bounds the row. */
static void softmax(const fpc_tensor *z, int64_t r, double sharpness, double *p)
{
    const int32_t k = z->shape.c;
    double top = -INFINITY, sum = 0;

    for (int32_t c = 0; c < k; c++)
        top = fmax(top, get(z, r * k + c));
    for (int32_t c = 0; c < k; c++)
        sum += p[c] = exp(sharpness * (get(z, r * k + c) - top));
    for (int32_t c = 0; c < k; c++)
        p[c] /= sum;
}

/* ---- the op: (logits, mask) -> score, pixels ---- */

static fpc_status infer(fpc_ctx *ctx, fpc_node *node)
{
    if (node->in[0].shape.c > FPC_MAX_CLASSES)
        return fpc_fail(ctx, FPC_EINVAL, "%s: %d classes; at most %d are possible", node->name, node->in[0].shape.c,
                        FPC_MAX_CLASSES);
    if (node->in[1].dtype != FPC_U8 || fpc_rows_of(node->in[1].shape) != fpc_rows_of(node->in[0].shape))
        return fpc_fail(ctx, FPC_EINVAL, "%s: the mask must hold one byte for each row of logits", node->name);
    node->out[0].shape = node->out[1].shape = (fpc_shape){1, 1, 1, 1};
    return FPC_OK;
}

static void need(const fpc_node *node, fpc_need *n)
{
    (void)node;
    n->part = 2 * sizeof(double); /* sum and number of pixels of one part of the rows; comes zeroed */
}

static fpc_status run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const struct attr *a = node->attr;
    const int32_t k = node->in[0].shape.c;
    const uint8_t *mask = node->in[1].data;
    double *part = fpc_exec_part(x, rows.part), p[FPC_MAX_CLASSES];

    for (int64_t r = 0; r < rows.count; r++) {
        if (mask[r] == a->ignore)
            continue;
        if (mask[r] >= k)
            return fpc_fail(fpc_exec_ctx(x), FPC_EFORMAT, "%s: label %d in a mask; there are %d classes", node->name,
                            mask[r], k);
        softmax(&node->in[0], r, (double)a->sharpness, p);
        for (int32_t c = 0; c < k; c++) {
            const double d = p[c] - (c == mask[r]);
            part[0] += d * d;
        }
        part[1] += 1;
    }
    return FPC_OK;
}

static fpc_status end(fpc_exec *x, const fpc_node *node)
{
    double sum = 0, pixels = 0;

    for (int32_t i = 0; i < fpc_exec_parts(x); i++) { /* in order: the same bits with any number of threads */
        const double *part = fpc_exec_part(x, i);
        sum += part[0];
        pixels += part[1];
    }
    set(&node->out[0], 0, pixels > 0 ? sum / pixels : 0);
    set(&node->out[1], 0, pixels);
    return FPC_OK;
}

/* ---- its gradient: (logits, mask, pixels, gradient of the score) -> gradient of the logits ---- */

static fpc_status infer_grad(fpc_ctx *ctx, fpc_node *node)
{
    (void)ctx;
    node->out[0].shape = node->in[0].shape;
    return FPC_OK;
}

static fpc_status run_grad(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const struct attr *a = node->attr;
    const int32_t k = node->in[0].shape.c;
    const uint8_t *mask = node->in[1].data;
    const double pixels = get(&node->in[2], 0);
    const double scale = pixels > 0 ? 2 * (double)a->sharpness * get(&node->in[3], 0) / pixels : 0;
    double p[FPC_MAX_CLASSES];

    (void)x;
    for (int64_t r = 0; r < rows.count; r++) {
        double inner = 0;
        softmax(&node->in[0], r, (double)a->sharpness, p);
        for (int32_t c = 0; c < k; c++)
            inner += p[c] * (p[c] - (c == mask[r]));
        for (int32_t c = 0; c < k; c++)
            set(&node->out[0], r * k + c, mask[r] == a->ignore ? 0 : scale * p[c] * (p[c] - (c == mask[r]) - inner));
    }
    return FPC_OK;
}

static fpc_status grad(fpc_graph *g, fpc_grad *d)
{
    if (d->want[0] && d->dout[0].id >= 0) {
        const fpc_val in[] = {d->in[0], d->in[1], d->out[1], d->dout[0]};
        d->din[0] = fpc_op(g, "loss_old_grad", d->name, 4, in, d->attr, d->attr_size, NULL);
    }
    return FPC_OK;
}

/* Access letters: r row by row, w whole, s a sum over the rows. */
static const fpc_op_def ops[] = {
    {.size = sizeof(fpc_op_def), .name = "loss_old", .min_in = 2, .max_in = 2, .n_out = 2,
     .attr_size = sizeof(struct attr), .in = "rr", .out = "ss", .infer = infer, .grad = grad},
    {.size = sizeof(fpc_op_def), .flags = FPC_OP_NOGRAD, .name = "loss_old_grad", .min_in = 4,
     .max_in = 4, .n_out = 1, .attr_size = sizeof(struct attr), .in = "rrww", .out = "r", .infer = infer_grad},
    {0}};

#define REALS (FPC_DTYPE_BIT(FPC_F32) | FPC_DTYPE_BIT(FPC_F64))
static const fpc_kernel kernels[] = {
    {.size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC, .dtypes = REALS, .rank = 1, .op = "loss_old",
     .name = "loss_old.host", .need = need, .run = run, .end = end},
    {.size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC, .dtypes = REALS, .rank = 1,
     .op = "loss_old_grad", .name = "loss_old_grad.host", .run = run_grad},
    {0}};

/* ---- the plugin ---- */

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const struct loss *l = (const struct loss *)self;
    const struct attr attr = {.ignore = io->target->ignore, .sharpness = (float)l->sharpness};
    const fpc_val in[] = {io->logits, io->target->mask};
    fpc_val out[2];

    io->term = fpc_op(g, "loss_old", self->label, 2, in, FPC_ATTR(attr), out);
    return FPC_OK;
}

/* The key `weight` is the core's; every loss section has it. */
static const fpc_option options[] = {
    FPC_OPTION_REAL(struct loss, sharpness, "1", 0.01, 100, "", "multiplies the logits before the softmax"),
    {0}};

/* norm is left out: the term is divided by the number of labelled pixels, as the core supposes. */
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_LOSS,
                                  .name = "old",
                                  .summary = "Brier score: mean squared error of the class probabilities.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct loss),
                                  .vtbl = &vtbl,
                                  .ops = ops,
                                  .kernels = kernels};
FPC_PLUGINS(&plugin)
