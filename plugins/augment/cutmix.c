/* cutmix.c: a box of the picture, and of its mask, is that of its partner (Yun et al., "CutMix", 2019). As
 * the reports' form: lambda ~ Beta(alpha, alpha), sides floor(side sqrt(1 - lambda)), a centre among the pixels, half
 * the side (whole) to either side of it, cut off at the border. labels = hard: each pixel has the label of the picture
 * it shows, which is what a segmentation wants; soft: both whole masks, by the share of the area that the box really
 * has. Stage: mix. Pure: equal (options, rng, shared) give equal plans. */
#include "mixes.h"

struct cutmix {
    fpc_self self;
    double alpha, p;
    int64_t labels, per;
};

/* From pixel lo up to, not including, hi. */
typedef struct extent {
    int64_t lo, hi;
} extent;

static extent draw_extent(fpc_rng rng, uint32_t number, int32_t side, double share)
{
    const int64_t half = (int64_t)floor(side * share) / 2, middle = fpc_draw_below(rng, number, side);
    const int64_t lo = middle - half, hi = middle + half;
    return (extent){lo > 0 ? lo : 0, hi < side ? hi : side};
}

static fpc_status draw(const fpc_self *self, fpc_rng own, const fpc_image_info *image, void *out)
{
    const struct cutmix *o = (const struct cutmix *)self;
    const fpc_rng rng = mix_rng(image, own, o->per);
    fpc_mix *mix = out;
    mix->lambda = 1;
    if (o->alpha <= 0 || !fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double share = sqrt(1 - fpc_draw_beta(rng, 1, o->alpha, o->alpha));
    const extent y = draw_extent(rng, 2, image->h, share), x = draw_extent(rng, 3, image->w, share);
    if (x.lo == x.hi || y.lo == y.hi)
        return FPC_OK;
    const double w = image->w, h = image->h;
    mix->lambda = (float)(1 - (double)(x.hi - x.lo) * (double)(y.hi - y.lo) / (w * h));
    mix->soft = o->labels == LABELS_SOFT;
    mix->layer[0] = (fpc_mix_layer){.partner = partner_of(image, 0),
                                    .alpha = 1,
                                    .x0 = (float)(2 * (double)x.lo / w - 1),
                                    .y0 = (float)(2 * (double)y.lo / h - 1),
                                    .x1 = (float)(2 * (double)x.hi / w - 1),
                                    .y1 = (float)(2 * (double)y.hi / h - 1)};
    return FPC_OK;
}

static int soft(const fpc_self *self)
{
    return ((const struct cutmix *)self)->labels == LABELS_SOFT;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct cutmix, alpha, "1", 0, 100, "",
                    "both shapes of the Beta distribution of the share that stays; 1: even; 0: never"),
    FPC_OPTION_CHOICE(struct cutmix, labels, "hard", mix_labels, "the target of a mixed picture"),
    FPC_OPTION_CHOICE(struct cutmix, per, "batch", per, "who draws chance, share and box"),
    FPC_OPTION_REAL(struct cutmix, p, "0.3", 0, 1, "prob", "chance per batch (or image)"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_MIX, .draw_size = sizeof(fpc_mix), .draw = draw, .soft = soft};
static const fpc_plugin cutmix = {
    FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
    .name = "cutmix",   .summary = "Paste a box of another picture of the batch, labels too.",
    .version = "1.0",   .license = "MIT",
    .options = options, .self_size = sizeof(struct cutmix),
    .vtbl = &vtbl};
FPC_PLUGINS(&cutmix)
