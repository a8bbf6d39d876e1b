/* motion_blur.c: a smear of k pixels along a line of drawn angle, mirrored at the border (as Kornia's RandomMotionBlur;
 * there the line's kernel is turned by nearest sampling, here its points are spread over the four pixels about them).
 * Stage: pixel; the draw is the window's weights. Pure: equal (options, rng) give equal weights. */
#include "ranges.h"
#include "filters.h"

struct motion_blur {
    fpc_self self;
    int64_t k;
    fpc_range angle, direction;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_odd(self, "k", ((const struct motion_blur *)self)->k);
}

static void spread(double *weight, int64_t k, double x, double y, double by)
{
    const int64_t x0 = (int64_t)floor(x), y0 = (int64_t)floor(y);
    const double fx = x - (double)x0, fy = y - (double)y0;
    for (int64_t j = y0; j < y0 + 2 && j < k; j++)
        for (int64_t i = x0; i < x0 + 2 && i < k; i++)
            weight[j * k + i] += by * (i > x0 ? fx : 1 - fx) * (j > y0 ? fy : 1 - fy);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct motion_blur *o = (const struct motion_blur *)self;
    double weight[MOST_WEIGHTS] = {0};
    const int64_t k = o->k;

    (void)image;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double a = draw_range(rng, 1, o->angle) * 0.017453292519943295, ahead = draw_range(rng, 2, o->direction);
    const double middle = (double)(k / 2), c = cos(a), s = sin(a);
    for (int64_t i = 0; i < k; i++) { /* from one end of the line to the other; y points down */
        const double t = (double)i - middle, x = middle + t * c, y = middle - t * s;
        spread(weight, k, fmax(x, 0), fmax(y, 0), 1 - ahead * t / middle);
    }
    normalise_kernel(weight, k * k, out);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_blur(self, g, image, draws, ((const struct motion_blur *)self)->k);
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct motion_blur, k, "5", 3, MOST_K, "px", "length of the line, odd"),
    FPC_OPTION_RANGE(struct motion_blur, angle, "180", -360, 360, "deg",
                     "of the line, counter-clockwise; 0: from left to right"),
    FPC_OPTION_RANGE(struct motion_blur, direction, "0", -1, 1, "",
                     "0: even along the line; 1 or -1: fading out towards its end or start"),
    FPC_OPTION_REAL(struct motion_blur, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_PIXEL,
                                      .draw_size = MOST_WEIGHTS * sizeof(float),
                                      .draw = draw,
                                      .build = build};
static const fpc_plugin motion_blur = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "motion_blur", .summary = "Smear the picture along a line.",
    .version = "1.0", .license = "MIT",    .options = options,    .self_size = sizeof(struct motion_blur),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&motion_blur)
