/* gamma.c: gain x^gamma, clamped to [0,1] (torchvision, Kornia).
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct gamma {
    fpc_self self;
    fpc_range gamma, gain;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct gamma *o = (const struct gamma *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_gamma(draw_range(rng, 1, o->gamma), draw_range(rng, 2, o->gain));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct gamma, gamma, "0.7, 1.5", 0.01, 100, "exponent", "larger than 1 darkens the middle"),
    FPC_OPTION_RANGE(struct gamma, gain, "1, 1", 0, 1e3, "factor", "factor behind the exponent"),
    FPC_OPTION_REAL(struct gamma, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin plugin = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "gamma",    .summary = "Raise all colours to a drawn exponent.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct gamma),
    .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
