/* rand_augment.c: n operations of a fixed list, drawn with equal chances, all at one strength (Cubuk et al.,
 * "RandAugment", 2020; strengths as torchvision's). Stage: composite: geometry first, then colour maps, then sharpness,
 * each in the drawn order; the labels follow the geometry. Pure: equal (options, rng) give equal draws. */
#include "policy.h"

struct rand_augment {
    fpc_self self;
    int64_t n, magnitude;
    double p;
};

static const policy_space space = {.shear = 0.3, .translate = 150.0 / 331, .rotate = 30, .factor = 0.9, .bits = 4};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct rand_augment *o = (const struct rand_augment *)self;
    fpc_composite *to = out;
    to->geometry = identity_matrix();
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    for (int i = 0; i < o->n; i++) {
        const int op = (int)fpc_draw_below(rng, (uint32_t)(2 * i + 1), POLICY_OPS);
        const double sign = fpc_draw_chance(rng, (uint32_t)(2 * i + 2), 0.5) ? 1 : -1;
        apply_op(to, i, op, (double)o->magnitude / 30, sign, &space, image);
    }
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_policy(self, g, image, draws, ((const struct rand_augment *)self)->n);
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct rand_augment, n, "2", 1, FPC_COMPOSITE_COLOURS, "", "operations per picture"),
    FPC_OPTION_INT(struct rand_augment, magnitude, "9", 0, 30, "", "strength of all of them"),
    FPC_OPTION_REAL(struct rand_augment, p, "1", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_COMPOSITE,
                                      .draw_size = sizeof(fpc_composite),
                                      .draw = draw,
                                      .build = build,
                                      .pixel_floats = 9 * FPC_COMPOSITE_COLOURS};
static const fpc_plugin rand_augment = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "rand_augment", .summary = "A few drawn operations at one strength.",
    .version = "1.0", .license = "MIT",    .options = options,     .self_size = sizeof(struct rand_augment),
    .vtbl = &vtbl};
FPC_PLUGINS(&rand_augment)
