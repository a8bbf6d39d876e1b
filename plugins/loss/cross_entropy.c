/* cross_entropy.c: the mean over labelled pixels of -log p[label], with class weights and label smoothing as PyTorch
 * defines them (torch.nn.CrossEntropyLoss). The work is the core's fused op seg_loss; this states the term. */
#include <fpcore/loss.h>

struct cross_entropy {
    fpc_self self;
    fpc_reals class_weights;
    double label_smoothing;
};

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const struct cross_entropy *ce = (const struct cross_entropy *)self;
    const int32_t classes = io->target->classes;
    fpc_seg_term term = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = (float)ce->label_smoothing};
    float weight[FPC_MAX_CLASSES];

    if (ce->class_weights.n) {
        if (ce->class_weights.n != classes || classes > FPC_MAX_CLASSES)
            return fpc_fail(self->ctx, FPC_EINVAL,
                            "%s.class_weights has %lld numbers, but the data set has %d classes: give one for each",
                            self->label, (long long)ce->class_weights.n, classes);
        for (int32_t c = 0; c < classes; c++)
            weight[c] = (float)ce->class_weights.v[c];
        term.class_weight = weight;
    }
    io->term = fpc_seg_loss(g, self->label, io->logits, io->target, &term);
    return FPC_OK;
}

/* The weights of all labelled pixels added up; with every weight 1, their number. */
static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    const struct cross_entropy *ce = (const struct cross_entropy *)self;
    double sum = 0;

    for (int64_t c = 0; c < count->classes; c++)
        sum += (double)count->pixels[c] * (c < ce->class_weights.n ? (double)(float)ce->class_weights.v[c] : 1);
    return sum;
}

static const fpc_option options[] = {FPC_OPTION_REALS(struct cross_entropy, class_weights, "", 0, 1e6, "",
                                                      "weight of each class in index order; empty: 1"),
                                     FPC_OPTION_REAL(struct cross_entropy, label_smoothing, "0", 0, 1, "",
                                                     "share of the target spread evenly over all classes"),
                                     {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin cross_entropy = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOSS,
    .name = "cross_entropy",
    .summary = "Cross entropy per pixel.",
    .detail = "With class weights the mean is weighted: the sum of w[label] * -log p[label] over the sum of w[label].",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct cross_entropy),
    .vtbl = &vtbl};
FPC_PLUGINS(&cross_entropy)
