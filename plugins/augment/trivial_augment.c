/* trivial_augment.c: one operation of a fixed list at a drawn strength: nothing to tune (Mueller and Hutter,
 * "TrivialAugment", 2021, the wide space; 31 strengths as there). Stage: composite; the labels follow the geometry.
 * Pure: equal (options, rng) give equal draws. */
#include "policy.h"

struct trivial_augment {
    fpc_self self;
    double p;
};

/* 32 pixels of the 224 that the paper's pictures have. */
static const policy_space space = {.shear = 0.99, .translate = 32.0 / 224, .rotate = 135, .factor = 0.99, .bits = 6};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct trivial_augment *o = (const struct trivial_augment *)self;
    fpc_composite *to = out;
    to->geometry = identity_matrix();
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const int op = (int)fpc_draw_below(rng, 1, POLICY_OPS);
    const double strength = (double)fpc_draw_below(rng, 2, 31) / 30, sign = fpc_draw_chance(rng, 3, 0.5) ? 1 : -1;
    apply_op(to, 0, op, strength, sign, &space, image);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_policy(self, g, image, draws, 1);
}

static const fpc_option options[] = {FPC_OPTION_REAL(struct trivial_augment, p, "1", 0, 1, "prob", "chance per image"),
                                     {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_COMPOSITE,
                                      .draw_size = sizeof(fpc_composite),
                                      .draw = draw,
                                      .build = build,
                                      .pixel_floats = 9};
static const fpc_plugin trivial_augment = {FPC_PLUGIN_HEAD,
                                           .kind = FPC_AUGMENT,
                                           .name = "trivial_augment",
                                           .summary = "One drawn operation at a drawn strength.",
                                           .version = "1.0",
                                           .license = "MIT",
                                           .options = options,
                                           .self_size = sizeof(struct trivial_augment),
                                           .vtbl = &vtbl};
FPC_PLUGINS(&trivial_augment)
