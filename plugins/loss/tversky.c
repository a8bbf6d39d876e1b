/* tversky.c: the mean over images and classes of (1 - T)^(1/gamma), where T = (TP + eps)/(TP + alpha FP + beta FN +
 * eps) with soft counts: Salehi et al. 2017 (arXiv:1706.05721) for gamma 1, the focal Tversky loss of Abraham and Khan
 * 2018 (arXiv:1810.07842) above. alpha = beta = 0.5 is Dice. All classes count, also those that a picture does not
 * have. */
#include <fpcore/loss.h>

struct tversky {
    fpc_self self;
    double alpha, beta, gamma, eps;
};

static fpc_status init(fpc_self *self)
{
    const struct tversky *t = (const struct tversky *)self;

    if (t->alpha + t->beta <= 0)
        return fpc_fail(self->ctx, FPC_EINVAL,
                        "%s.alpha and %s.beta are both 0: no mistake would cost anything; one must be above 0",
                        self->label, self->label);
    return FPC_OK;
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const struct tversky *t = (const struct tversky *)self;
    const fpc_seg_term term = {.kind = FPC_TERM_TVERSKY,
                               .eps = (float)t->eps,
                               .alpha = (float)t->alpha,
                               .beta = (float)t->beta,
                               .gamma = (float)t->gamma};

    io->term = fpc_seg_loss(g, self->label, io->logits, io->target, FPC_ATTR(term));
    return FPC_OK;
}

static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    (void)self;
    return (double)count->images;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct tversky, alpha, "0.3", 0, 1e3, "", "what a false positive costs"),
    FPC_OPTION_REAL(struct tversky, beta, "0.7", 0, 1e3, "", "what a false negative costs"),
    FPC_OPTION_REAL(struct tversky, gamma, "1", 0.1, 10, "",
                    "focal Tversky: the exponent is 1/gamma; above 1 classes that are nearly right count more"),
    FPC_OPTION_REAL(struct tversky, eps, "1e-8", 1e-30, 1e6, "pixels", "added above and below the fraction bar"),
    {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin tversky = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOSS,
    .name = "tversky",
    .summary = "Tversky and focal Tversky loss, per image and class.",
    .detail = "Mean over images and over all classes, absent ones included. More beta than alpha finds more of small "
              "classes. alpha = beta = 0.5 and gamma = 1 is the Dice loss with twice the eps.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct tversky),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&tversky)
