/* median_blur.c: each colour becomes the median of its k x k neighbours, mirrored at the border (Kornia, OpenCV).
 * Stage: pixel; the draw is a switch. Pure: equal (options, rng) give an equal switch. */
#include "ranges.h"
#include <fpcore/augment.h>
#include <fpcore/ops.h>

struct median_blur {
    fpc_self self;
    int64_t k;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_odd(self, "k", ((const struct median_blur *)self)->k);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    (void)image;
    *(float *)out = (float)fpc_draw_chance(rng, 0, ((const struct median_blur *)self)->p);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    const fpc_filter_attr attr = {
        .k = (int32_t)((const struct median_blur *)self)->k, .border = FPC_BORDER_REFLECT, .clamp = 0};
    return fpc_op(g, "median", self->label, 2, (fpc_val[]){image, draws}, FPC_ATTR(attr), NULL);
}

static const fpc_option options[] = {FPC_OPTION_INT(struct median_blur, k, "3", 3, 15, "px", "side of the window, odd"),
                                     FPC_OPTION_REAL(struct median_blur, p, "0.5", 0, 1, "prob", "chance per image"),
                                     {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_PIXEL, .draw_size = sizeof(float), .draw = draw, .build = build};
static const fpc_plugin median_blur = {FPC_PLUGIN_HEAD,       .kind = FPC_AUGMENT,
                                       .name = "median_blur", .summary = "Replace each colour by the median about it.",
                                       .version = "1.0",      .license = "MIT",
                                       .options = options,    .self_size = sizeof(struct median_blur),
                                       .init = init,          .vtbl = &vtbl};
FPC_PLUGINS(&median_blur)
