/* vflip.c: mirrors the picture top to bottom. Stage: geometry; a mirror's matrix permutes pixels exactly. It is a half
 * turn after a horizontal flip, so it mirrors as that does: a face upside down keeps its left eye at the side where it
 * was, which for a head that is turned over is the right one. With exchange on, the core exchanges the labels of the
 * data set's left/right pairs. Pure: equal (options, rng) give equal matrices. */
#include <fpcore/augment.h>
#include <fpcore/draw.h>

struct vflip {
    fpc_self self;
    double p;
    int64_t exchange;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct vflip *f = (const struct vflip *)self;
    const double y = fpc_draw_chance(rng, 0, f->p) ? -1 : 1;

    (void)image;
    *(fpc_homography *)out = (fpc_homography){{1, 0, 0, 0, y, 0, 0, 0, 1}, !f->exchange};
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct vflip, p, "0.5", 0, 1, "prob", "chance per image"),
    FPC_OPTION_BOOL(struct vflip, exchange, "on", "this mirrors as well: exchange the labels of left and right parts"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .mirrors = 1, .draw = draw};
static const fpc_plugin vflip = {
    FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
    .name = "vflip",    .summary = "Mirror top to bottom, with the labels of left and right parts.",
    .version = "1.0",   .license = "MIT",
    .options = options, .self_size = sizeof(struct vflip),
    .vtbl = &vtbl};
FPC_PLUGINS(&vflip)
