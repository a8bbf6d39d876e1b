/* affine.c: rotation, scale, shear and shift in one draw, about the centre of the picture. Stage: geometry. The picture
 * is sheared along x, scaled, turned (counter-clockwise), then shifted; the matrix is the inverse of that, from output
 * to input. Pure: equal (options, rng) give equal matrices. */
#include <fpcore/augment.h>
#include <fpcore/draw.h>
#include <math.h>

struct affine {
    fpc_self self;
    fpc_range degrees, translate, scale, shear;
    double p;
};

static fpc_status init(fpc_self *self)
{
    const struct affine *a = (const struct affine *)self;
    return a->scale.lo > 0 ? FPC_OK
                           : fpc_fail(self->ctx, FPC_EINVAL,
                                      "%s.scale: a factor is more than 0; give both ends, as in 0.8, 1.2", self->label);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct affine *o = (const struct affine *)self;
    fpc_homography *to = out;
    *to = (fpc_homography){{1, 0, 0, 0, 1, 0, 0, 0, 1}, 0};
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double rad = 0.017453292519943295, wide = (double)image->w / image->h;
    const double a = fpc_draw_between(rng, 1, o->degrees.lo, o->degrees.hi) * rad;
    const double s = fpc_draw_between(rng, 2, o->scale.lo, o->scale.hi);
    const double k = tan(fpc_draw_between(rng, 3, o->shear.lo, o->shear.hi) * rad);
    const double tx =
        2 * fpc_draw_between(rng, 4, o->translate.lo, o->translate.hi); /* of the width: [-1,1] is 2 wide */
    const double ty = 2 * fpc_draw_between(rng, 5, o->translate.lo, o->translate.hi);

    /* inverse(shift turn scale shear) = unshear unscale unturn unshift, in square pixels, then on [-1,1]. */
    const double c = cos(a) / s, d = sin(a) / s;
    const double m00 = c - k * d, m01 = (-d - k * c) / wide, m10 = d * wide, m11 = c;
    *to = (fpc_homography){{m00, m01, -m00 * tx - m01 * ty, m10, m11, -m10 * tx - m11 * ty, 0, 0, 1}, 0};
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct affine, degrees, "0", -180, 180, "deg", "rotation, counter-clockwise"),
    FPC_OPTION_RANGE(struct affine, translate, "0", -1, 1, "sides",
                     "shift, a share of width and of height, drawn for each"),
    FPC_OPTION_RANGE(struct affine, scale, "1, 1", -1e3, 1e3, "factor", "larger than 1 enlarges"),
    FPC_OPTION_RANGE(struct affine, shear, "0", -80, 80, "deg", "shear along x"),
    FPC_OPTION_REAL(struct affine, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin affine = {FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
                                  .name = "affine",   .summary = "Rotate, scale, shear and shift about the centre.",
                                  .version = "1.0",   .license = "MIT",
                                  .options = options, .self_size = sizeof(struct affine),
                                  .init = init,       .vtbl = &vtbl};
FPC_PLUGINS(&affine)
