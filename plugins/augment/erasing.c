/* erasing.c: covers a rectangle of drawn area and shape with a colour (Zhong et al., "Random erasing data
 * augmentation", 2020; torchvision and Kornia). Ten tries for one that fits, else none. Stage: pixel; the draw is the
 * box. Pure: equal (options, rng) give equal boxes. */
#include "boxes.h"

struct erasing {
    fpc_self self;
    fpc_range scale, ratio;
    fpc_reals value;
    int64_t labels;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_value(self, ((const struct erasing *)self)->value);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct erasing *o = (const struct erasing *)self;
    const double all = (double)image->w * image->h;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    for (uint32_t try = 0; try < 10; try++) {
        const double area = all * draw_range(rng, 4 * try + 1, o->scale);
        const double ratio = exp(fpc_draw_between(rng, 4 * try + 2, log(o->ratio.lo), log(o->ratio.hi)));
        const int64_t h = (int64_t)rint(sqrt(area * ratio)), w = (int64_t)rint(sqrt(area / ratio));
        if (h < 1 || h > image->h || w < 1 || w > image->w)
            continue;
        put_box(out, image, fpc_draw_below(rng, 4 * try + 3, image->w - w + 1),
                fpc_draw_below(rng, 4 * try + 4, image->h - h + 1), w, h, o->value);
        break;
    }
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_erase(self, g, image, draws);
}

static fpc_val build_mask(fpc_self *self, fpc_graph *g, fpc_val mask, fpc_val draws, int32_t fill)
{
    return build_erase_mask(self, g, mask, draws, ((const struct erasing *)self)->labels, fill);
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct erasing, scale, "0.02, 0.33", 1e-4, 1, "area", "area, a share of the picture's"),
    FPC_OPTION_RANGE(struct erasing, ratio, "0.3, 3.3", 0.01, 100, "",
                     "height over width, drawn evenly in its logarithm"),
    FPC_OPTION_REALS(struct erasing, value, "0", 0, 1, "", "colour: one number, or red, green, blue"),
    FPC_OPTION_CHOICE(struct erasing, labels, "fill", box_labels, "what becomes of the labels below"),
    FPC_OPTION_REAL(struct erasing, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_PIXEL,
                                      .draw_size = BOX * sizeof(float),
                                      .draw = draw,
                                      .build = build,
                                      .build_mask = build_mask};
static const fpc_plugin erasing = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "erasing",  .summary = "Cover a rectangle of the picture.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct erasing),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&erasing)
