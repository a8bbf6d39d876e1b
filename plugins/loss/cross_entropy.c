/* cross_entropy.c: the mean over labelled pixels of -log p[label], with class weights and label smoothing as PyTorch
 * defines them (torch.nn.CrossEntropyLoss). The work is the core's fused op seg_loss; this states the term. */
#include "class_weights.h"

struct cross_entropy {
    fpc_self self;
    struct class_weights weights;
    double label_smoothing;
};

static fpc_status init(fpc_self *self)
{
    return class_weights_check(self, &((const struct cross_entropy *)self)->weights);
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    struct cross_entropy *ce = (struct cross_entropy *)self;
    fpc_seg_term term = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = (float)ce->label_smoothing};
    const fpc_status status = class_weights_get(self, &ce->weights, io->target, &term.class_weight);

    if (!status)
        io->term = fpc_seg_loss(g, self->label, io->logits, io->target, FPC_ATTR(term));
    return status;
}

static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    return class_weights_norm(&((const struct cross_entropy *)self)->weights, count);
}

static const fpc_option options[] = {CLASS_WEIGHT_OPTIONS(struct cross_entropy, weights),
                                     FPC_OPTION_REAL(struct cross_entropy, label_smoothing, "0", 0, 1, "",
                                                     "share of the target spread evenly over all classes"),
                                     {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin cross_entropy = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOSS,
    .name = "cross_entropy",
    .summary = "Cross entropy per pixel.",
    .detail = "With class weights the mean is weighted: the sum of w[label] * -log p[label] over the sum of w[label]. "
              "A preset reads every training mask once, when training starts.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct cross_entropy),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&cross_entropy)
