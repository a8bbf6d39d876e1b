/* mosaic.c: four pictures about a drawn centre (Bochkovskiy et al., "YOLOv4", 2020): the picture itself at the upper
 * left, three partners in the other quarters. fit = scale: each picture whole, squeezed into its quarter; crop: a
 * window of it as large as the quarter, at a drawn place. Labels go along. Stage: mix. Pure: equal (options, rng,
 * shared) give equal plans. */
#include "mixes.h"

enum { FIT_SCALE = 0, FIT_CROP = 1 };

struct mosaic {
    fpc_self self;
    fpc_range centre;
    double p;
    int64_t fit;
};

/* One axis of a quarter: where its pixels read the partner, p -> s p + t. */
static void fit_axis(const struct mosaic *o, double lo, double hi, double where, float *s, float *t)
{
    const double side = hi - lo, scale = o->fit == FIT_CROP ? 1 : 2 / side;
    const double first = o->fit == FIT_CROP ? -1 + (2 - side) * where : -1;
    *s = (float)scale;
    *t = (float)(first - scale * lo);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct mosaic *o = (const struct mosaic *)self;
    fpc_mix *mix = out;
    mix->lambda = 1;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double cx = 2 * draw_range(rng, 1, o->centre) - 1, cy = 2 * draw_range(rng, 2, o->centre) - 1;
    for (int k = 0; k < FPC_MIX_LAYERS; k++) {
        fpc_mix_layer *l = &mix->layer[k];
        const double x0 = k % 2 ? cx : -1, x1 = k % 2 ? 1 : cx, y0 = k / 2 ? cy : -1, y1 = k / 2 ? 1 : cy;
        *l = whole_layer(k ? partner_of(image, (uint32_t)k - 1) : image->row, 1);
        l->x0 = (float)x0, l->x1 = (float)x1, l->y0 = (float)y0, l->y1 = (float)y1;
        fit_axis(o, x0, x1, fpc_draw_unit(rng, (uint32_t)(3 + 2 * k)), &l->sx, &l->tx);
        fit_axis(o, y0, y1, fpc_draw_unit(rng, (uint32_t)(4 + 2 * k)), &l->sy, &l->ty);
    }
    return FPC_OK;
}

static const fpc_choice fits[] = {
    {"scale", FIT_SCALE, "each picture whole, squeezed into its quarter"}, {"crop", FIT_CROP, "a window of each"}, {0}};
static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct mosaic, centre, "0.3, 0.7", 0.05, 0.95, "sides",
                     "where the four meet, along x and along y"),
    FPC_OPTION_CHOICE(struct mosaic, fit, "scale", fits, "how a picture gets into its quarter"),
    FPC_OPTION_REAL(struct mosaic, p, "0.3", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_MIX, .draw_size = sizeof(fpc_mix), .draw = draw};
static const fpc_plugin mosaic = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "mosaic",   .summary = "Put four pictures of the batch together.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct mosaic),
    .vtbl = &vtbl};
FPC_PLUGINS(&mosaic)
