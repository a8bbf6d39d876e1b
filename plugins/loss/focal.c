/* focal.c: the mean over labelled pixels of alpha * (1 - p[label])^gamma * -log p[label] (Lin et al. 2017,
 * arXiv:1708.02002). alpha is one number for all classes. Takes the place of cross entropy in a recipe. */
#include <fpcore/loss.h>

struct focal {
    fpc_self self;
    double alpha, gamma;
};

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const struct focal *f = (const struct focal *)self;
    const fpc_seg_term term = {.kind = FPC_TERM_FOCAL, .alpha = (float)f->alpha, .gamma = (float)f->gamma};

    io->term = fpc_seg_loss(g, self->label, io->logits, io->target, FPC_ATTR(term));
    return FPC_OK;
}

static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    double pixels = 0;

    (void)self;
    for (int64_t c = 0; c < count->classes; c++)
        pixels += (double)count->pixels[c];
    return pixels;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct focal, alpha, "0.25", 0, 1e3, "", "scales the term"),
    FPC_OPTION_REAL(struct focal, gamma, "2", 0, 20, "", "how much pixels that are right already count less; 0: not"),
    {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin focal = {
    FPC_PLUGIN_HEAD,  .kind = FPC_LOSS, .name = "focal",    .summary = "Focal loss per pixel.",
    .version = "1.0", .license = "MIT", .options = options, .self_size = sizeof(struct focal),
    .vtbl = &vtbl};
FPC_PLUGINS(&focal)
