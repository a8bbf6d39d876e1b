/* box_blur.c: the mean of k x k pixels, mirrored at the border (Kornia's RandomBoxBlur). Stage: pixel; the draw is the
 * window's weights. Pure: equal (options, rng) give equal weights. */
#include "ranges.h"
#include "filters.h"

struct box_blur {
    fpc_self self;
    int64_t k;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_odd(self, "k", ((const struct box_blur *)self)->k);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct box_blur *o = (const struct box_blur *)self;
    float *weight = out;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        for (int64_t i = 0; i < o->k * o->k; i++)
            weight[i] = (float)(1.0 / (double)(o->k * o->k));
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_blur(self, g, image, draws, ((const struct box_blur *)self)->k);
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct box_blur, k, "3", 3, MOST_K, "px", "side of the window, odd"),
    FPC_OPTION_REAL(struct box_blur, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_PIXEL,
                                      .draw_size = MOST_WEIGHTS * sizeof(float),
                                      .draw = draw,
                                      .build = build};
static const fpc_plugin box_blur = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "box_blur", .summary = "Blur by the mean of a square window.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct box_blur),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&box_blur)
