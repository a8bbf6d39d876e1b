/* auto_contrast.c: stretches each channel so that its darkest pixel is 0 and its brightest 1 (Pillow, torchvision).
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct auto_contrast {
    fpc_self self;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct auto_contrast *o = (const struct auto_contrast *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_auto_contrast();
    return FPC_OK;
}

static const fpc_option options[] = {FPC_OPTION_REAL(struct auto_contrast, p, "0.1", 0, 1, "prob", "chance per image"),
                                     {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin auto_contrast = {FPC_PLUGIN_HEAD,
                                         .kind = FPC_AUGMENT,
                                         .name = "auto_contrast",
                                         .summary = "Stretch each channel to its full range.",
                                         .version = "1.0",
                                         .license = "MIT",
                                         .options = options,
                                         .self_size = sizeof(struct auto_contrast),
                                         .vtbl = &vtbl};
FPC_PLUGINS(&auto_contrast)
