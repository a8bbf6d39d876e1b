/* hue.c: turns the hue of HSV by a drawn share of the circle (torchvision, Kornia).
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct hue {
    fpc_self self;
    fpc_range shift;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct hue *o = (const struct hue *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_hue(draw_range(rng, 1, o->shift));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct hue, shift, "0.05", -0.5, 0.5, "turns", "added to the hue; 0.5 is the opposite colour"),
    FPC_OPTION_REAL(struct hue, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin hue = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "hue",      .summary = "Turn all colours along the colour circle.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct hue),
    .vtbl = &vtbl};
FPC_PLUGINS(&hue)
