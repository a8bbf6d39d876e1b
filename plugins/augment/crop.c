/* crop.c: a window of the picture, at a drawn place, enlarged to the picture's size, since shapes are static: a random
 * crop. The window keeps the picture's shape. Stage: geometry. Pure: equal (options, rng) give equal matrices. */
#include "ranges.h"
#include "matrix.h"

struct crop {
    fpc_self self;
    fpc_range size;
    double p;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct crop *o = (const struct crop *)self;
    const int on = fpc_draw_chance(rng, 0, o->p);
    const double size = on ? draw_range(rng, 1, o->size) : 1;

    (void)image;
    *(fpc_homography *)out = window_matrix(fpc_draw_between(rng, 2, size - 1, 1 - size),
                                           fpc_draw_between(rng, 3, size - 1, 1 - size), size, size);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct crop, size, "0.6, 1", 0.01, 1, "sides", "side of the window, a share of the picture's"),
    FPC_OPTION_REAL(struct crop, p, "0.5", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin crop = {FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
                                .name = "crop",     .summary = "Enlarge a window of the picture to its whole size.",
                                .version = "1.0",   .license = "MIT",
                                .options = options, .self_size = sizeof(struct crop),
                                .vtbl = &vtbl};
FPC_PLUGINS(&crop)
