/* boundary.c: the softmax times the signed distance to the border of each class (Kervadec et al. 2019,
 * arXiv:1812.07032): mean over images, their labelled pixels and the classes that they have of p d, with d > 0 outside
 * of the class and d < 0 inside. A distance to the border rather than an overlap, so small classes are not drowned. */
#include <fpcore/loss.h>

struct boundary {
    fpc_self self;
    int64_t normalise;
};

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_loss_io *io)
{
    const struct boundary *b = (const struct boundary *)self;

    io->term = fpc_boundary_loss(g, self->label, io->logits, io->target, (int)b->normalise);
    return FPC_OK;
}

static double norm(const fpc_self *self, const fpc_label_counts *count)
{
    (void)self;
    return (double)count->images;
}

static const fpc_option options[] = {
    FPC_OPTION_BOOL(struct boundary, normalise, "on",
                    "distances as shares of the picture's diagonal, so that `weight` means the same at any size; off: "
                    "pixels"),
    {0}};
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl, .build = build, .norm = norm};
static const fpc_plugin boundary = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOSS,
    .name = "boundary",
    .summary = "Boundary loss: softmax times the signed distance to each class.",
    .detail = "Exact Euclidean distances, computed from the mask of each batch. The term may be negative; it is meant "
              "to be added to one that is not, such as dice, with a `weight` that starts small and rises.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct boundary),
    .vtbl = &vtbl};
FPC_PLUGINS(&boundary)
