/* affine.c: rotation, scale, shear and shift in one draw, about the centre of the picture. Stage: geometry. The picture
 * is sheared, scaled, turned (counter-clockwise), then shifted (matrix.h); the matrix is the inverse of that, from
 * output to input. Pure: equal (options, rng) give equal matrices. */
#include "ranges.h"
#include "matrix.h"

struct affine {
    fpc_self self;
    fpc_range degrees, translate, translate_x, translate_y, scale, shear, shear_y;
    double p;
    int64_t convention;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct affine *o = (const struct affine *)self;
    fpc_homography *to = out;
    *to = identity_matrix();
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double scale = draw_range(rng, 2, o->scale);
    const affine_map map = {.degrees = draw_range(rng, 1, o->degrees),
                            .scale_x = scale,
                            .scale_y = scale,
                            .shear_x = draw_range(rng, 3, o->shear),
                            .shear_y = draw_range(rng, 6, o->shear_y),
                            .translate_x = draw_range(rng, 4, o->translate) + draw_range(rng, 7, o->translate_x),
                            .translate_y = draw_range(rng, 5, o->translate) + draw_range(rng, 8, o->translate_y)};
    *to = affine_matrix(&map, image->h, image->w, o->convention);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct affine, degrees, "0", -180, 180, "deg", "rotation, counter-clockwise"),
    FPC_OPTION_RANGE(struct affine, translate, "0", -1, 1, "sides",
                     "shift, a share of width and of height, drawn for each"),
    FPC_OPTION_RANGE(struct affine, translate_x, "0", -1, 1, "sides",
                     "shift to the right, a share of the width, on top"),
    FPC_OPTION_RANGE(struct affine, translate_y, "0", -1, 1, "sides", "shift down, a share of the height, on top"),
    FPC_OPTION_RANGE(struct affine, scale, "1, 1", 1e-3, 1e3, "factor", "larger than 1 enlarges"),
    FPC_OPTION_RANGE(struct affine, shear, "0", -80, 80, "deg", "shear along x; positive moves the top to the right"),
    FPC_OPTION_RANGE(struct affine, shear_y, "0", -80, 80, "deg", "shear along y; positive moves the left side down"),
    FPC_OPTION_REAL(struct affine, p, "0.5", 0, 1, "prob", "chance per image"),
    FPC_OPTION_CHOICE(struct affine, convention, "pixel", conventions, "what the coordinates of the matrix are"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin affine = {FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
                                  .name = "affine",   .summary = "Rotate, scale, shear and shift about the centre.",
                                  .version = "1.0",   .license = "MIT",
                                  .options = options, .self_size = sizeof(struct affine),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&affine)
