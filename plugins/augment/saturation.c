/* saturation.c: f x + (1 - f) grey, clamped to [0,1] (torchvision, Kornia, Pillow's Color): 0 takes the colours away.
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct saturation {
    fpc_self self;
    fpc_range factor;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct saturation *o = (const struct saturation *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_saturation(draw_range(rng, 1, o->factor));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct saturation, factor, "0.7, 1.3", 0, 1e3, "factor", "larger than 1 is more colourful"),
    FPC_OPTION_REAL(struct saturation, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin saturation = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "saturation", .summary = "Make colours stronger or weaker.",
    .version = "1.0", .license = "MIT",    .options = options,   .self_size = sizeof(struct saturation),
    .vtbl = &vtbl};
FPC_PLUGINS(&saturation)
