/* old.c: an augmentation: with chance p the picture loses its colours, wholly or in part.
 *
 * An augmentation only draws; the core moves the pixels of the whole batch. draw() is a pure function of the options,
 * the counter `rng` (seed, epoch, image) and the size of the image: equal arguments give equal draws, in any thread.
 * Stage COLOUR draws an fpc_colour, x' = m x + g . mean(x); stage GEOMETRY an fpc_homography (augment.h). */
#include <fpcore/augment.h>
#include <fpcore/draw.h>

struct augment {
    fpc_self self;
    double p, least;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    static const double luminance[3] = {0.299, 0.587, 0.114};
    const struct augment *a = (const struct augment *)self;
    fpc_colour *colour = out; /* comes zeroed, which means: leave the picture alone */

    (void)image;
    if (!fpc_draw_chance(rng, 0, a->p)) /* draws of one rng are numbered: 0, 1, ... */
        return FPC_OK;
    const double grey = fpc_draw_between(rng, 1, a->least, 1);
    for (int row = 0; row < 3; row++)
        for (int k = 0; k < 3; k++)
            colour->m[row * 4 + k] = (float)(grey * luminance[k] + (row == k ? 1 - grey : 0));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct augment, p, "0.2", 0, 1, "prob", "chance per image"),
    FPC_OPTION_REAL(struct augment, least, "0.5", 0, 1, "", "least share of grey in a picture that is changed"),
    {0}};

static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_AUGMENT,
                                  .name = "old",
                                  .summary = "Take away colour.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct augment),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
