/* grayscale.c: the picture without colours, 0.299 R + 0.587 G + 0.114 B in all channels.
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct grayscale {
    fpc_self self;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct grayscale *o = (const struct grayscale *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_grayscale();
    return FPC_OK;
}

static const fpc_option options[] = {FPC_OPTION_REAL(struct grayscale, p, "0.1", 0, 1, "prob", "chance per image"),
                                     {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin grayscale = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "grayscale", .summary = "Take the colours away.",
    .version = "1.0", .license = "MIT",    .options = options,  .self_size = sizeof(struct grayscale),
    .vtbl = &vtbl};
FPC_PLUGINS(&grayscale)
