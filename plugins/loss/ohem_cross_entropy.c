/* ohem_cross_entropy.c: cross entropy of the hardest pixels (online hard example mining, Shrivastava et al. 2016,
 * arXiv:1604.03540): of each image those with p[label] below the threshold, and at least the share `keep` of its
 * labelled pixels. Chosen image by image, so the term does not depend on what else is in the batch. */
#include "class_weights.h"

struct ohem {
    fpc_self self;
    struct class_weights weights;
    double threshold, keep;
};

static fpc_status init(fpc_self *self)
{
    return class_weights_check(self, &((const struct ohem *)self)->weights);
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    struct ohem *o = (struct ohem *)self;
    fpc_pixel_loss_attr attr = {.threshold = o->threshold, .keep = o->keep};
    const fpc_status status = class_weights_get(self, &o->weights, io->target, &attr.class_weight);

    if (!status)
        io->term = fpc_pixel_loss(g, "ohem", self->label, io->logits, io->target, FPC_ATTR(attr));
    return status;
}

static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    (void)self;
    return (double)count->images;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct ohem, threshold, "0.7", 0, 1, "prob", "pixels whose label has less than this are hard"),
    FPC_OPTION_REAL(struct ohem, keep, "0.0625", 0, 1, "",
                    "share of an image's labelled pixels that count at least: the hardest ones"),
    CLASS_WEIGHT_OPTIONS(struct ohem, weights),
    {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin ohem_cross_entropy = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOSS,
    .name = "ohem_cross_entropy",
    .summary = "Cross entropy of the hardest pixels of each image.",
    .detail = "The mean over the pixels kept in an image (weighted, where classes have weights), then over images. "
              "Images count alike however many of their pixels are hard, so micro-batches add up to what one large "
              "batch gives. keep = 1 keeps every pixel.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct ohem),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&ohem_cross_entropy)
