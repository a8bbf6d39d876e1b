/* posterize.c: keeps the upper bits of each byte, a drawn number of them (Pillow, torchvision, Kornia).
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct posterize {
    fpc_self self;
    fpc_range bits;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_whole(self, "bits", ((const struct posterize *)self)->bits);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct posterize *o = (const struct posterize *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_posterize(draw_whole(rng, 1, o->bits));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct posterize, bits, "4, 8", 1, 8, "bits", "bits of 8 that remain"),
    FPC_OPTION_REAL(struct posterize, p, "0.1", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin posterize = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "posterize", .summary = "Reduce the bits of each colour.",
    .version = "1.0", .license = "MIT",    .options = options,  .self_size = sizeof(struct posterize),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&posterize)
