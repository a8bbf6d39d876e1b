/* rotate.c: turns image and mask about the centre. Stage: geometry, so the core composes it with the other geometry
 * draws and resamples once. Angles are those of square pixels: on oblong pictures [-1,1] is not, see matrix.h.
 * Pure: equal (options, rng) give equal matrices. */
#include "ranges.h"
#include "matrix.h"

struct rotate {
    fpc_self self;
    fpc_range degrees;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct rotate *r = (const struct rotate *)self;
    fpc_homography *to = out;
    *to = identity_matrix();
    if (!fpc_draw_chance(rng, 0, r->p))
        return FPC_OK;
    const affine_map map = {.degrees = draw_range(rng, 1, r->degrees), .scale_x = 1, .scale_y = 1};
    *to = affine_matrix(&map, image->h, image->w, CONVENTION_PIXEL);
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
