/* sharpness.c: a blend of the picture with a smoothed copy of it, clamped to [0,1]; border pixels stay (Pillow,
 * torchvision, Kornia). Stage: pixel; the draw is the weights of a 3 x 3 window.
 * Pure: equal (options, rng) give equal weights. */
#include "ranges.h"
#include "filters.h"

struct sharpness {
    fpc_self self;
    fpc_range factor;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct sharpness *o = (const struct sharpness *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        sharpness_kernel(draw_range(rng, 1, o->factor), out);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    const fpc_filter_attr attr = {.k = 3, .border = FPC_BORDER_KEEP, .clamp = 1};
    return build_filter(self, g, image, draws, 0, attr);
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct sharpness, factor, "0.5, 2", 0, 100, "factor", "0 is smoothed, 1 the picture, 2 sharper"),
    FPC_OPTION_REAL(struct sharpness, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_PIXEL, .draw_size = 9 * sizeof(float), .draw = draw, .build = build};
static const fpc_plugin sharpness = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "sharpness", .summary = "Make the picture smoother or sharper.",
    .version = "1.0", .license = "MIT",    .options = options,  .self_size = sizeof(struct sharpness),
    .vtbl = &vtbl};
FPC_PLUGINS(&sharpness)
