/* gaussian_noise.c: adds N(0, sigma) to every number of the picture, clamped to [0,1] or, as Kornia has it, not. Stage:
 * pixel; the draw is the image's sigma, the noise itself comes from the op gaussian_noise, which the backend computes
 * from the counter RNG. Pure: equal (options, rng) give an equal sigma. */
#include "ranges.h"
#include <fpcore/augment.h>
#include <fpcore/ops.h>

struct gaussian_noise {
    fpc_self self;
    fpc_range sigma;
    int64_t clamp;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct gaussian_noise *o = (const struct gaussian_noise *)self;

    (void)image;
    if (fpc_draw_chance(rng, 0, o->p))
        *(float *)out = (float)draw_range(rng, 1, o->sigma);
    return FPC_OK;
}

static fpc_val build(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    /* Not the label's own stream: that one drew the sigmas. */
    const char *stream = fpc_sprintf(self->arena, "%s.pixels", self->label);
    const fpc_noise_attr attr = {.stream = fpc_hash(stream ? stream : self->label),
                                 .unclamped = !((const struct gaussian_noise *)self)->clamp};
    const fpc_val in[3] = {image, draws, fpc_clock_input(g)};
    return fpc_op(g, "gaussian_noise", self->label, 3, in, FPC_ATTR(attr), NULL);
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct gaussian_noise, sigma, "0.05, 0.05", 0, 1, "",
                     "standard deviation, black to white being 1"),
    FPC_OPTION_BOOL(struct gaussian_noise, clamp, "on", "keep the colours in [0,1]; Kornia does not"),
    FPC_OPTION_REAL(struct gaussian_noise, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_PIXEL, .draw_size = sizeof(float), .draw = draw, .build = build};
static const fpc_plugin gaussian_noise = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "gaussian_noise", .summary = "Add Gaussian noise.",
    .version = "1.0", .license = "MIT",    .options = options,       .self_size = sizeof(struct gaussian_noise),
    .vtbl = &vtbl};
FPC_PLUGINS(&gaussian_noise)
