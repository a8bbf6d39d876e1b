/* brightness.c: all colours times a drawn factor, clamped to [0,1] (torchvision, Kornia, Pillow).
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct brightness {
    fpc_self self;
    fpc_range factor;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct brightness *o = (const struct brightness *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_brightness(draw_range(rng, 1, o->factor));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct brightness, factor, "0.8, 1.2", 0, 1e3, "factor", "larger than 1 is brighter"),
    FPC_OPTION_REAL(struct brightness, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin brightness = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "brightness", .summary = "Make the picture brighter or darker.",
    .version = "1.0", .license = "MIT",    .options = options,   .self_size = sizeof(struct brightness),
    .vtbl = &vtbl};
FPC_PLUGINS(&brightness)
