/* augmix.c: chains of colour maps, mixed with each other by Dirichlet shares and with the picture by a Beta share
 * (Hendrycks et al., "AugMix", 2020). Of the paper's maps those that leave labels where they are: auto contrast,
 * equalize, posterize, solarize; with `all`, also brightness, contrast and saturation. Its consistency loss is no part
 * of an augmentation. Stage: pixel, though made of colour maps, because it adds up pictures: the draw is the maps of
 * all chains and the shares. Pure: equal (options, rng) give equal draws. */
#include "colours.h"
#include "ranges.h"
#include <fpcore/graph.h>

enum { MAP = sizeof(fpc_colour) / sizeof(float), MOST_WIDTH = 4, MOST_DEPTH = 4, FEW_OPS = 4, ALL_OPS = 7 };
enum { SHARES = MOST_WIDTH * MOST_DEPTH * MAP, FLOATS = SHARES + 3 * (MOST_WIDTH + 1) };

struct augmix {
    fpc_self self;
    int64_t width, severity, all;
    fpc_range depth;
    double alpha, p;
};

static fpc_status init(fpc_self *self)
{
    return check_whole(self, "depth", ((const struct augmix *)self)->depth);
}

/* Strengths as the paper's code has them: a level of 0.1 .. severity, of 10. */
static fpc_colour draw_map(const struct augmix *o, fpc_rng rng, uint32_t number)
{
    const double level = fpc_draw_between(rng, number, 0.1, (double)o->severity) / 10;
    const double factor = 1 + 0.9 * level * (fpc_draw_chance(rng, number + 1, 0.5) ? 1 : -1);
    switch (fpc_draw_below(rng, number + 2, o->all ? ALL_OPS : FEW_OPS)) {
    case 0:
        return colour_auto_contrast();
    case 1:
        return colour_equalize();
    case 2:
        return colour_posterize(4 - (int64_t)fmin(4 * level, 3));
    case 3:
        return colour_solarize(1 - level, 0);
    case 4:
        return colour_brightness(factor);
    case 5:
        return colour_contrast(factor, MEAN_GREY);
    default:
        return colour_saturation(factor);
    }
}

/* Shares stand three times: for each channel. The first is the picture's own. */
static void put_share(float *out, int64_t i, double share)
{
    for (int c = 0; c < 3; c++)
        out[SHARES + 3 * i + c] = (float)share;
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct augmix *o = (const struct augmix *)self;
    fpc_colour *map = out;
    double share[MOST_WIDTH];

    (void)image;
    put_share(out, 0, 1);
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double mixed = fpc_draw_beta(rng, 1, o->alpha, o->alpha);
    fpc_draw_dirichlet(rng, 2, o->alpha, (int)o->width, share);
    put_share(out, 0, 1 - mixed);
    for (int64_t i = 0; i < o->width; i++) {
        const uint32_t number = (uint32_t)(16 + i * 64);
        const int64_t depth = draw_whole(rng, number, o->depth);
        for (int64_t k = 0; k < depth; k++)
            map[i * MOST_DEPTH + k] = draw_map(o, rng, number + 1 + 3 * (uint32_t)k);
        put_share(out, i + 1, mixed * share[i]);
    }
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    const struct augmix *o = (const struct augmix *)self;
    fpc_val sum = fpc_mul(g, image, fpc_slice(g, draws, SHARES, 3));
    for (int32_t i = 0; i < o->width; i++) {
        fpc_val chain = image;
        for (int32_t k = 0; k < o->depth.hi; k++) {
            const fpc_val map = fpc_slice(g, draws, (i * MOST_DEPTH + k) * MAP, MAP);
            chain = fpc_op(g, "colour", self->label, 2, (fpc_val[]){chain, map}, NULL, 0, NULL);
        }
        sum = fpc_add(g, sum, fpc_mul(g, chain, fpc_slice(g, draws, SHARES + 3 * (i + 1), 3)));
    }
    return sum;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct augmix, width, "3", 1, MOST_WIDTH, "", "chains"),
    FPC_OPTION_RANGE(struct augmix, depth, "1, 3", 1, MOST_DEPTH, "", "maps in a chain, whole numbers"),
    FPC_OPTION_INT(struct augmix, severity, "3", 1, 10, "", "largest strength of a map"),
    FPC_OPTION_REAL(struct augmix, alpha, "1", 0.01, 100, "", "shape of the shares' distributions; 1: even"),
    FPC_OPTION_BOOL(struct augmix, all, "off", "also brightness, contrast and saturation"),
    FPC_OPTION_REAL(struct augmix, p, "1", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_PIXEL, .draw_size = FLOATS * sizeof(float), .draw = draw, .build = build};
static const fpc_plugin augmix = {FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
                                  .name = "augmix",   .summary = "Mix several chains of colour maps with the picture.",
                                  .version = "1.0",   .license = "MIT",
                                  .options = options, .self_size = sizeof(struct augmix),
                                  .init = init,       .vtbl = &vtbl};
FPC_PLUGINS(&augmix)
