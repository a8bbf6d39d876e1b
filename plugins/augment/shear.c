/* shear.c: leans the picture along x, along y, or both, about its centre: x' = x - tan(x) y, then y' = y - tan(y) x',
 * as torchvision and Kornia. Stage: geometry. Pure: equal (options, rng) give equal matrices. */
#include "ranges.h"
#include "matrix.h"

struct shear {
    fpc_self self;
    fpc_range x, y;
    double p;
    int64_t convention;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct shear *o = (const struct shear *)self;
    fpc_homography *to = out;
    *to = identity_matrix();
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const affine_map map = {
        .scale_x = 1, .scale_y = 1, .shear_x = draw_range(rng, 1, o->x), .shear_y = draw_range(rng, 2, o->y)};
    *to = affine_matrix(&map, image->h, image->w, o->convention);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct shear, x, "10", -80, 80, "deg", "along x; positive moves the top to the right"),
    FPC_OPTION_RANGE(struct shear, y, "0", -80, 80, "deg", "along y; positive moves the left side down"),
    FPC_OPTION_REAL(struct shear, p, "0.5", 0, 1, "prob", "chance per image"),
    FPC_OPTION_CHOICE(struct shear, convention, "pixel", conventions, "what the coordinates of the matrix are"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin shear = {
    FPC_PLUGIN_HEAD,  .kind = FPC_AUGMENT, .name = "shear",    .summary = "Lean the picture along x or y.",
    .version = "1.0", .license = "MIT",    .options = options, .self_size = sizeof(struct shear),
    .vtbl = &vtbl};
FPC_PLUGINS(&shear)
