/* old.c: an optimizer: Lion (Chen et al. 2023, arXiv:2302.06675), which steps by the sign of a mean gradient.
 *
 * Parameters, gradients and slots are flat buffers, so that one node updates all of them. That node is an op of this
 * plugin, in place: output i IS input i. Slots start at zero and are stored in checkpoints under their names. */
#include <fpcore/optimizer.h>
#include <math.h>

struct optimizer {
    fpc_self self;
    double weight_decay, beta1, beta2;
};

struct attr {
    double weight_decay, beta1, beta2;
};

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

/* ---- the op: (parameters, slot, gradient, scale, rate) -> parameters, slot ---- */

static fpc_status infer(fpc_ctx *ctx, fpc_node *node)
{
    (void)ctx;
    for (int i = 0; i < 2; i++) {
        node->out[i].shape = node->in[i].shape;
        node->out[i].dtype = node->in[i].dtype;
    }
    return FPC_OK;
}

/* Called for ranges of rows, from several threads; `data` points at the range's first row. */
static fpc_status run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const struct attr *a = node->attr;
    const fpc_tensor *p = &node->out[0], *m = &node->out[1], *g = &node->in[2];
    const double scale = get(&node->in[3], 0), lr = get(&node->in[4], 0);

    (void)x;
    if (isnan(scale)) /* the gradient was not finite: the step is skipped */
        return FPC_OK;
    for (int64_t i = 0; i < rows.count * p->shape.c; i++) {
        const double gradient = scale * get(g, i), mean = get(m, i);
        const double c = a->beta1 * mean + (1 - a->beta1) * gradient;
        const double sign = (c > 0) - (c < 0);
        set(p, i, get(p, i) - lr * (sign + a->weight_decay * get(p, i)));
        set(m, i, a->beta2 * mean + (1 - a->beta2) * gradient);
    }
    return FPC_OK;
}

static const fpc_op_def ops[] = {
    {.size = sizeof(fpc_op_def), .flags = FPC_OP_NOGRAD | FPC_OP_INPLACE | FPC_OP_EFFECT, .name = "optimizer_old",
     .min_in = 5, .max_in = 5, .n_out = 2, .attr_size = sizeof(struct attr), .in = "rrrww",
     .out = "rr", .infer = infer},
    {0}};

static const fpc_kernel kernels[] = {
    {.size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC,
     .dtypes = FPC_DTYPE_BIT(FPC_F32) | FPC_DTYPE_BIT(FPC_F64), .rank = 1, .op = "optimizer_old",
     .name = "optimizer_old.host", .run = run},
    {0}};

/* ---- the plugin ---- */

static fpc_status build(fpc_self *self, fpc_graph *g, const fpc_flat *f)
{
    const struct optimizer *o = (const struct optimizer *)self;
    const struct attr attr = {o->weight_decay, o->beta1, o->beta2};
    const fpc_val in[] = {f->param, f->slot[0], f->grad, f->scale, f->lr};
    fpc_val out[2];

    fpc_op(g, "optimizer_old", self->label, 5, in, FPC_ATTR(attr), out);
    return FPC_OK;
}

/* The key `lr` is the core's; every optimizer has it. Lion wants about a fifth of AdamW's. */
static const fpc_option options[] = {
    FPC_OPTION_REAL(struct optimizer, weight_decay, "1e-3", 0, 1, "", "share of each weight, times lr, lost in a step"),
    FPC_OPTION_REAL(struct optimizer, beta1, "0.9", 0, 0.999999, "", "share of the old mean in the step"),
    FPC_OPTION_REAL(struct optimizer, beta2, "0.99", 0, 0.999999, "", "memory of the mean gradient"),
    {0}};

static const fpc_optimizer_vtbl vtbl = {.size = sizeof vtbl, .n_slots = 1, .slot_names = {"mean"}, .build = build};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_OPTIMIZER,
                                  .name = "old",
                                  .summary = "Lion: steps by the sign of the mean gradient.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct optimizer),
                                  .vtbl = &vtbl,
                                  .ops = ops,
                                  .kernels = kernels};
FPC_PLUGINS(&plugin)
