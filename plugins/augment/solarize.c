/* solarize.c: inverts what is at or above a drawn threshold, after a drawn addition that is clamped to [0,1] (Pillow,
 * torchvision, Kornia).
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct solarize {
    fpc_self self;
    fpc_range threshold, addition;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct solarize *o = (const struct solarize *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_solarize(draw_range(rng, 1, o->threshold), draw_range(rng, 2, o->addition));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct solarize, threshold, "0.4, 0.6", 0, 1, "", "colours from here on are inverted"),
    FPC_OPTION_RANGE(struct solarize, addition, "0", -1, 1, "", "added before"),
    FPC_OPTION_REAL(struct solarize, p, "0.1", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin solarize = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "solarize", .summary = "Invert the bright colours.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct solarize),
    .vtbl = &vtbl};
FPC_PLUGINS(&solarize)
