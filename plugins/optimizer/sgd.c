/* sgd.c: stochastic gradient descent with momentum, as torch.optim.SGD does it: the decay is added to the gradient,
 * the first step fills the momentum buffer with the gradient itself, dampening counts from the second step on. */
#include <fpcore/ops.h>
#include <fpcore/optimizer.h>

struct sgd {
    fpc_self self;
    double momentum, weight_decay, dampening;
    int64_t nesterov;
};

static fpc_status build(fpc_self *self, fpc_graph *g, const fpc_flat *f)
{
    const struct sgd *s = (const struct sgd *)self;
    const fpc_sgd_attr attr = {.momentum = s->momentum,
                               .weight_decay = s->weight_decay,
                               .dampening = s->dampening,
                               .nesterov = (int32_t)s->nesterov};
    const fpc_val in[] = {f->param, f->slot[0], f->grad, f->scale, f->lr, f->step, f->factors ? *f->factors : f->param};
    fpc_val out[2];

    fpc_op(g, "sgd", self->label, f->factors ? 7 : 6, in, FPC_ATTR(attr), out);
    return FPC_OK;
}

static fpc_status init(fpc_self *self)
{
    const struct sgd *s = (const struct sgd *)self;

    if (s->nesterov && (s->momentum == 0 || s->dampening != 0))
        return fpc_fail(self->ctx, FPC_EINVAL,
                        "%s.nesterov = on needs a momentum above 0 and dampening = 0; here they are %g and %g",
                        self->label, s->momentum, s->dampening);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct sgd, momentum, "0.9", 0, 0.999999, "", "share of the last step that goes on"),
    FPC_OPTION_BOOL(struct sgd, nesterov, "off", "look ahead along the momentum"),
    FPC_OPTION_REAL(struct sgd, weight_decay, "0", 0, 1, "", "times each weight, added to its gradient"),
    FPC_OPTION_REAL(struct sgd, dampening, "0", 0, 1, "", "share of the gradient kept out of the momentum"),
    {0}};
static const fpc_optimizer_vtbl vtbl = {
    .size = sizeof vtbl, .n_slots = 1, .slot_names = {"momentum"}, .build = build, .flags = FPC_OPTIMIZER_FACTORS};
static const fpc_plugin sgd = {FPC_PLUGIN_HEAD,    .kind = FPC_OPTIMIZER,
                               .name = "sgd",      .summary = "Stochastic gradient descent with momentum.",
                               .version = "1.0",   .license = "MIT",
                               .options = options, .self_size = sizeof(struct sgd),
                               .init = init,       .vtbl = &vtbl};
FPC_PLUGINS(&sgd)
