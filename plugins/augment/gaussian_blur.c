/* gaussian_blur.c: a Gaussian of drawn sigma in a window of k x k pixels, mirrored at the border (torchvision, Kornia).
 * Stage: pixel; the draw is the window's weights. Pure: equal (options, rng) give equal weights. */
#include "ranges.h"
#include "filters.h"

struct gaussian_blur {
    fpc_self self;
    int64_t k;
    fpc_range sigma;
    double p;
};

static fpc_status init(fpc_self *self)
{
    return check_odd(self, "k", ((const struct gaussian_blur *)self)->k);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct gaussian_blur *o = (const struct gaussian_blur *)self;
    const int64_t k = o->k, middle = k / 2;
    double weight[MOST_WEIGHTS];

    (void)image;
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double sigma = draw_range(rng, 1, o->sigma);
    for (int64_t i = 0; i < k * k; i++) {
        const double x = (double)(i % k - middle), y = (double)(i / k - middle);
        weight[i] = exp(-(x * x + y * y) / (2 * sigma * sigma));
    }
    normalise_kernel(weight, k * k, out);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return build_blur(self, g, image, draws, ((const struct gaussian_blur *)self)->k);
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct gaussian_blur, k, "3", 3, MOST_K, "px", "side of the window, odd"),
    FPC_OPTION_RANGE(struct gaussian_blur, sigma, "0.1, 2", 0.01, 100, "px", "standard deviation"),
    FPC_OPTION_REAL(struct gaussian_blur, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {.size = sizeof vtbl,
                                      .stage = FPC_STAGE_PIXEL,
                                      .draw_size = MOST_WEIGHTS * sizeof(float),
                                      .draw = draw,
                                      .build = build};
static const fpc_plugin gaussian_blur = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "gaussian_blur", .summary = "Blur by a Gaussian of drawn width.",
    .version = "1.0", .license = "MIT",    .options = options,      .self_size = sizeof(struct gaussian_blur),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&gaussian_blur)
