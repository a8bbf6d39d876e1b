/* lovasz_softmax.c: the Lovasz extension of the Jaccard loss (Berman et al. 2018, arXiv:1705.08790), a surrogate of the
 * mean intersection over union: the errors |onehot - p| of a class in falling order, each times what the Jaccard loss
 * grows by when one more pixel is wrong. Best after or beside cross entropy, which it does not replace early on. */
#include <fpcore/loss.h>

enum { PRESENT, ALL };

struct lovasz_softmax {
    fpc_self self;
    int64_t classes, per_image;
};

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const struct lovasz_softmax *l = (const struct lovasz_softmax *)self;
    const fpc_pixel_loss_attr attr = {.present_only = l->classes == PRESENT, .per_image = (int32_t)l->per_image};

    io->term = fpc_pixel_loss(g, "lovasz", self->label, io->logits, io->target, FPC_ATTR(attr));
    return FPC_OK;
}

/* Of per_image: exactly the divisor. Otherwise the batch is one list, and micro-batches can only share by images. */
static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    (void)self;
    return (double)count->images;
}

static const fpc_choice which[] = {
    {"present", PRESENT, "the classes that the image (or the batch) has"}, {"all", ALL, "every class"}, {0}};
static const fpc_option options[] = {
    FPC_OPTION_CHOICE(struct lovasz_softmax, classes, "present", which, "classes over which the mean goes"),
    FPC_OPTION_BOOL(struct lovasz_softmax, per_image, "on",
                    "each image by itself, then the mean; off: all pixels of the batch together"),
    {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin lovasz_softmax = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOSS,
    .name = "lovasz_softmax",
    .summary = "Lovasz-softmax, a surrogate of the mean intersection over union.",
    .detail = "Images without a labelled pixel do not count. With run.accumulate, micro-batches add up to exactly what "
              "one large batch gives where per_image is on; off, each micro-batch is a list of its own, and the lists "
              "are averaged by their images.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct lovasz_softmax),
    .vtbl = &vtbl};
FPC_PLUGINS(&lovasz_softmax)
