/* adam.c: Adam (Kingma and Ba 2015, arXiv:1412.6980) as torch.optim.Adam has it: the weight decay is added to the
 * gradient (L2), so that it passes through the moments. adamw is the same without that. One node updates everything. */
#include <fpcore/ops.h>
#include <fpcore/optimizer.h>

struct adam {
    fpc_self self;
    double weight_decay, beta1, beta2, eps;
};

static fpc_status build(fpc_self *self, fpc_graph *g, const fpc_flat *f)
{
    const struct adam *a = (const struct adam *)self;
    const fpc_adamw_attr attr = {a->beta1, a->beta2, a->eps, a->weight_decay, 1};
    const fpc_val in[] = {f->param, f->slot[0], f->slot[1], f->grad,
                          f->scale, f->lr,      f->step,    f->factors ? *f->factors : f->param};
    fpc_val out[3];

    fpc_op(g, "adamw", self->label, f->factors ? 8 : 7, in, FPC_ATTR(attr), out);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct adam, weight_decay, "0", 0, 1, "", "times each weight, added to its gradient"),
    FPC_OPTION_REAL(struct adam, beta1, "0.9", 0, 0.999999, "", "memory of the mean gradient"),
    FPC_OPTION_REAL(struct adam, beta2, "0.999", 0, 0.999999, "", "memory of the mean squared gradient"),
    FPC_OPTION_REAL(struct adam, eps, "1e-8", 1e-30, 1, "", "added to the root of the mean squared gradient"),
    {0}};
static const fpc_optimizer_vtbl vtbl = {
    .size = sizeof vtbl, .n_slots = 2, .slot_names = {"m", "v"}, .build = build, .flags = FPC_OPTIMIZER_FACTORS};
static const fpc_plugin adam = {
    FPC_PLUGIN_HEAD,  .kind = FPC_OPTIMIZER, .name = "adam",     .summary = "Adam with weight decay in the gradient.",
    .version = "1.0", .license = "MIT",      .options = options, .self_size = sizeof(struct adam),
    .vtbl = &vtbl};
FPC_PLUGINS(&adam)
