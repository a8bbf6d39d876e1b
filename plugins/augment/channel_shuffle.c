/* channel_shuffle.c: red, green and blue in a drawn order (Kornia, Albumentations); one of the six is the picture's
 * own. Stage: colour. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

struct channel_shuffle {
    fpc_self self;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct channel_shuffle *o = (const struct channel_shuffle *)self;
    fpc_colour *c = out;
    int64_t from[3] = {0, 1, 2};

    (void)image;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    fpc_draw_shuffle(rng, 1, 3, from);
    for (int i = 0; i < 3; i++)
        c->m[4 * i + from[i]] = 1;
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct channel_shuffle, p, "0.1", 0, 1, "prob", "chance per image"), {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = sizeof(fpc_colour), .draw = draw};
static const fpc_plugin channel_shuffle = {FPC_PLUGIN_HEAD,
                                           .kind = FPC_AUGMENT,
                                           .name = "channel_shuffle",
                                           .summary = "Put red, green and blue into a drawn order.",
                                           .version = "1.0",
                                           .license = "MIT",
                                           .options = options,
                                           .self_size = sizeof(struct channel_shuffle),
                                           .vtbl = &vtbl};
FPC_PLUGINS(&channel_shuffle)
