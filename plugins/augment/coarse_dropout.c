/* coarse_dropout.c: covers several rectangles at drawn places with a colour (DeVries and Taylor, "Improved
 * regularization of convolutional neural networks with cutout", 2017; Albumentations' CoarseDropout). Stage: pixel; the
 * draw is the boxes. Pure: equal (options, rng) give equal boxes. */
#include "boxes.h"

enum { MOST_HOLES = 32 };

struct coarse_dropout {
    fpc_self self;
    fpc_range holes, size;
    fpc_reals value;
    int64_t labels;
    double p;
};

static fpc_status init(fpc_self *self)
{
    const struct coarse_dropout *o = (const struct coarse_dropout *)self;
    const fpc_status status = check_whole(self, "holes", o->holes);
    return status ? status : check_value(self, o->value);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct coarse_dropout *o = (const struct coarse_dropout *)self;
    float *box = out;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const int64_t holes = draw_whole(rng, 1, o->holes);
    for (uint32_t i = 0; i < holes; i++) {
        const int64_t w = (int64_t)fmax(1, rint(image->w * draw_range(rng, 4 * i + 2, o->size)));
        const int64_t h = (int64_t)fmax(1, rint(image->h * draw_range(rng, 4 * i + 3, o->size)));
        put_box(box + BOX * i, image, fpc_draw_below(rng, 4 * i + 4, image->w - w + 1),
                fpc_draw_below(rng, 4 * i + 5, image->h - h + 1), w, h, o->value);
    }
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_erase(self, g, image, draws);
}

static fpc_val build_mask(fpc_self *self, fpc_graph *g, fpc_val mask, fpc_val draws, int32_t fill)
{
    return build_erase_mask(self, g, mask, draws, ((const struct coarse_dropout *)self)->labels, fill);
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct coarse_dropout, holes, "1, 8", 1, MOST_HOLES, "holes", "how many, whole numbers"),
    FPC_OPTION_RANGE(struct coarse_dropout, size, "0.05, 0.15", 1e-3, 1, "sides",
                     "width and height of each, a share of the picture's"),
    FPC_OPTION_REALS(struct coarse_dropout, value, "0", 0, 1, "", "colour: one number, or red, green, blue"),
    FPC_OPTION_CHOICE(struct coarse_dropout, labels, "keep", box_labels, "what becomes of the labels below"),
    FPC_OPTION_REAL(struct coarse_dropout, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_PIXEL,
                                      .draw_size = MOST_HOLES * BOX * sizeof(float),
                                      .draw = draw,
                                      .build = build,
                                      .build_mask = build_mask};
static const fpc_plugin coarse_dropout = {FPC_PLUGIN_HEAD,
                                          .kind = FPC_AUGMENT,
                                          .name = "coarse_dropout",
                                          .summary = "Cover several rectangles of the picture.",
                                          .version = "1.0",
                                          .license = "MIT",
                                          .options = options,
                                          .self_size = sizeof(struct coarse_dropout),
                                          .init = init,
                                          .vtbl = &vtbl};
FPC_PLUGINS(&coarse_dropout)
