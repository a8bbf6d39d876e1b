/* lion.c: Lion (Chen et al. 2023, arXiv:2302.06675): every weight moves by lr, against the sign of a mix of momentum
 * and gradient; the decay is decoupled. Half of Adam's memory. One node updates everything. */
#include <fpcore/ops.h>
#include <fpcore/optimizer.h>

struct lion {
    fpc_self self;
    double weight_decay, beta1, beta2;
};

static fpc_status build(fpc_self *self, fpc_graph *g, const fpc_flat *f)
{
    const struct lion *l = (const struct lion *)self;
    const fpc_lion_attr attr = {l->beta1, l->beta2, l->weight_decay};
    const fpc_val in[] = {f->param, f->slot[0], f->grad, f->scale, f->lr, f->factors ? *f->factors : f->param};
    fpc_val out[2];

    fpc_op(g, "lion", self->label, f->factors ? 6 : 5, in, FPC_ATTR(attr), out);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct lion, weight_decay, "1e-3", 0, 1, "", "share of each weight, times lr, lost in a step"),
    FPC_OPTION_REAL(struct lion, beta1, "0.9", 0, 0.999999, "", "share of the momentum in the direction of a step"),
    FPC_OPTION_REAL(struct lion, beta2, "0.99", 0, 0.999999, "", "memory of the momentum"),
    {0}};
static const fpc_optimizer_vtbl vtbl = {
    .size = sizeof vtbl, .n_slots = 1, .slot_names = {"m"}, .build = build, .flags = FPC_OPTIMIZER_FACTORS};
static const fpc_plugin lion = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_OPTIMIZER,
    .name = "lion",
    .summary = "Lion: steps of equal size against the sign of momentum and gradient.",
    .detail = "Wants a rate 3 to 10 times smaller than adamw's, and a weight decay as many times larger, so that the "
              "product of the two stays. The size of all gradients together does not matter: clipping only weighs "
              "batches against each other.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct lion),
    .vtbl = &vtbl};
FPC_PLUGINS(&lion)
