/* rotate.c: turns image and mask about the centre. Stage: geometry, so the core composes it with the other geometry
 * draws and resamples once. Angles are those of square pixels: on oblong pictures [-1,1] is not, hence `wide`.
 * Pure: equal (options, rng) give equal matrices. */
#include <fpcore/augment.h>
#include <fpcore/draw.h>
#include <math.h>

struct rotate {
    fpc_self self;
    fpc_range degrees;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct rotate *r = (const struct rotate *)self;
    const double on = fpc_draw_chance(rng, 0, r->p);
    const double a = on * fpc_draw_between(rng, 1, r->degrees.lo, r->degrees.hi) * 0.017453292519943295;
    const double wide = (double)image->w / image->h;

    /* Output to input: the point that comes to rest at (x, y) was turned the other way. Positive is counter-clockwise
     * as seen, with y pointing down. */
    *(fpc_homography *)out = (fpc_homography){{cos(a), -sin(a) / wide, 0, sin(a) * wide, cos(a), 0, 0, 0, 1}, 0};
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct rotate, degrees, "15", -180, 180, "deg",
                     "angle, counter-clockwise: one number a means -a .. a, two are the ends"),
    FPC_OPTION_REAL(struct rotate, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin rotate = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "rotate",   .summary = "Rotate about the centre.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct rotate),
    .vtbl = &vtbl};
FPC_PLUGINS(&rotate)
