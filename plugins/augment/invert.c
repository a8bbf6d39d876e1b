/* invert.c: 1 - x: the negative.
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct invert {
    fpc_self self;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct invert *o = (const struct invert *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_invert();
    return FPC_OK;
}

static const fpc_option options[] = {FPC_OPTION_REAL(struct invert, p, "0.1", 0, 1, "prob", "chance per image"), {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin invert = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "invert",   .summary = "Make the negative of the picture.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct invert),
    .vtbl = &vtbl};
FPC_PLUGINS(&invert)
