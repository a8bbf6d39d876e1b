/* dice.c: 1 - the mean over images and classes of (2 sum p*onehot + eps) / (sum p + sum onehot + eps), the soft Dice
 * loss of Milletari et al. 2016 (arXiv:1606.04797) without squares. All classes count, also those that a picture does
 * not have: each of these costs 1 and pulls almost nothing. */
#include <fpcore/loss.h>

struct dice {
    fpc_self self;
    double eps;
};

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const fpc_seg_term term = {.kind = FPC_TERM_DICE, .eps = (float)((const struct dice *)self)->eps};

    io->term = fpc_seg_loss(g, self->label, io->logits, io->target, FPC_ATTR(term));
    return FPC_OK;
}

static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    (void)self;
    return (double)count->images;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct dice, eps, "1e-8", 1e-30, 1e6, "pixels", "added above and below the fraction bar"), {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin dice = {FPC_PLUGIN_HEAD,
                                .kind = FPC_LOSS,
                                .name = "dice",
                                .summary = "Soft Dice loss, per image and class.",
                                .detail = "Mean over images and over all classes, absent ones included.",
                                .version = "1.0",
                                .license = "MIT",
                                .options = options,
                                .self_size = sizeof(struct dice),
                                .vtbl = &vtbl};
FPC_PLUGINS(&dice)
