/* jpeg.c: the artefacts of JPEG at a drawn quality: 8 x 8 blocks of coarse cosine coefficients (op `jpeg`; ITU T.81's
 * tables, colours at full resolution). Stage: pixel; the draw is the quality, a whole number.
 * Pure: equal (options, rng) give an equal quality. */
#include "ranges.h"
#include <fpcore/augment.h>
#include <fpcore/ops.h>

struct jpeg {
    fpc_self self;
    fpc_range quality;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_whole(self, "quality", ((const struct jpeg *)self)->quality);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct jpeg *o = (const struct jpeg *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(float *)out = (float)draw_whole(rng, 1, o->quality);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return fpc_op(g, "jpeg", self->label, 2, (fpc_val[]){image, draws}, NULL, 0, NULL);
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct jpeg, quality, "40, 95", 1, 100, "", "as in libjpeg: 1 is worst, 100 best"),
    FPC_OPTION_REAL(struct jpeg, p, "0.3", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_PIXEL, .draw_size = sizeof(float), .draw = draw, .build = build};
static const fpc_plugin jpeg = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "jpeg",     .summary = "Add the artefacts of JPEG.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct jpeg),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&jpeg)
