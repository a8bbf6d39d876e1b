/* contrast.c: f x + (1 - f) mean, clamped to [0,1]; the mean is that of the grey picture, as in torchvision, or of all
 * channels.
 * Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct contrast {
    fpc_self self;
    fpc_range factor;
    double p;
    int64_t mean;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct contrast *o = (const struct contrast *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(fpc_colour *)out = colour_contrast(draw_range(rng, 1, o->factor), o->mean);
    return FPC_OK;
}

static const fpc_choice means[] = {{"grey", MEAN_GREY, "mean of 0.299 R + 0.587 G + 0.114 B"},
                                   {"all", MEAN_ALL, "mean over pixels and channels"},
                                   {0}};
static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct contrast, factor, "0.8, 1.2", 0, 1e3, "factor", "larger than 1 has more contrast"),
    FPC_OPTION_CHOICE(struct contrast, mean, "grey", means, "what contrast is changed about"),
    FPC_OPTION_REAL(struct contrast, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin contrast = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "contrast", .summary = "Change the contrast about the mean.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct contrast),
    .vtbl = &vtbl};
FPC_PLUGINS(&contrast)
