/* adamw.c: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101), in PyTorch's order: the
 * decay first, then the moments, then the step. One node updates all parameters. */
#include <fpcore/ops.h>
#include <fpcore/optimizer.h>

struct adamw {
    fpc_self self;
    double weight_decay, beta1, beta2, eps;
};

static fpc_status build(fpc_self *self, fpc_graph *g, const fpc_flat *f)
{
    const struct adamw *a = (const struct adamw *)self;
    const fpc_adamw_attr attr = {.beta1 = a->beta1, .beta2 = a->beta2, .eps = a->eps, .weight_decay = a->weight_decay};
    const fpc_val in[] = {f->param, f->slot[0], f->slot[1], f->grad,
                          f->scale, f->lr,      f->step,    f->factors ? *f->factors : f->param};
    fpc_val out[3];

    fpc_op(g, "adamw", self->label, f->factors ? 8 : 7, in, FPC_ATTR(attr), out);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct adamw, weight_decay, "1e-4", 0, 1, "", "share of each weight, times lr, lost in a step"),
    FPC_OPTION_REAL(struct adamw, beta1, "0.9", 0, 0.999999, "", "memory of the mean gradient"),
    FPC_OPTION_REAL(struct adamw, beta2, "0.999", 0, 0.999999, "", "memory of the mean squared gradient"),
    FPC_OPTION_REAL(struct adamw, eps, "1e-8", 1e-30, 1, "", "added to the root of the mean squared gradient"),
    {0}};
static const fpc_optimizer_vtbl vtbl = {
    .size = sizeof vtbl, .n_slots = 2, .slot_names = {"m", "v"}, .build = build, .flags = FPC_OPTIMIZER_FACTORS};
static const fpc_plugin adamw = {
    FPC_PLUGIN_HEAD,  .kind = FPC_OPTIMIZER, .name = "adamw",    .summary = "Adam with decoupled weight decay.",
    .version = "1.0", .license = "MIT",      .options = options, .self_size = sizeof(struct adamw),
    .vtbl = &vtbl};
FPC_PLUGINS(&adamw)
