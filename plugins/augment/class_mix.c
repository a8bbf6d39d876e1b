/* class_mix.c: some classes of the partner are pasted over the picture, pixels and labels (Olsson et al., "ClassMix",
 * 2021). The paper takes half of the classes that the partner shows; a draw sees no picture, so here each class of the
 * data set is taken with chance `share`, whether it is shown or not. Stage: mix.
 * Pure: equal (options, rng, shared) give equal plans. */
#include "mixes.h"

struct class_mix {
    fpc_self self;
    double share, p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct class_mix *o = (const struct class_mix *)self;
    fpc_mix *mix = out;
    int taken = 0;
    mix->lambda = 1;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    fpc_mix_layer layer = whole_layer(partner_of(image, 0), 1);
    for (int32_t c = 0; c < image->classes; c++)
        if (fpc_draw_chance(rng, (uint32_t)(1 + c), o->share)) {
            layer.classes[c / 32] |= 1u << (c % 32);
            taken = 1;
        }
    if (taken) /* no class at all would mean every pixel */
        mix->layer[0] = layer;
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct class_mix, share, "0.5", 0, 1, "prob", "chance of each class to be taken"),
    FPC_OPTION_REAL(struct class_mix, p, "0.3", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_MIX, .draw_size = sizeof(fpc_mix), .draw = draw};
static const fpc_plugin class_mix = {FPC_PLUGIN_HEAD,     .kind = FPC_AUGMENT,
                                     .name = "class_mix", .summary = "Paste a drawn half of another picture's classes.",
                                     .version = "1.0",    .license = "MIT",
                                     .options = options,  .self_size = sizeof(struct class_mix),
                                     .vtbl = &vtbl};
FPC_PLUGINS(&class_mix)
