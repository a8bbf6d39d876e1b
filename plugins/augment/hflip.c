/* hflip.c: mirrors the picture left to right. Stage: geometry; a mirror's matrix permutes pixels exactly. With exchange
 * on, the core exchanges the labels of the data set's left/right pairs; off reproduces the recorded runs (reference,
 * fact 3), which could not learn the sides. Pure: equal (options, rng) give equal matrices. */
#include <fpcore/augment.h>
#include <fpcore/draw.h>

struct hflip {
    fpc_self self;
    double p;
    int64_t exchange;
};

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct hflip *f = (const struct hflip *)self;
    const double x = fpc_draw_chance(rng, 0, f->p) ? -1 : 1;

    (void)image;
    *(fpc_homography *)out = (fpc_homography){{x, 0, 0, 0, 1, 0, 0, 0, 1}, !f->exchange};
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct hflip, p, "0.5", 0, 1, "prob", "chance per image"),
    FPC_OPTION_BOOL(struct hflip, exchange, "on",
                    "a mirrored left eye is a right eye: exchange the labels of such pairs"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .mirrors = 1, .draw = draw};
static const fpc_plugin hflip = {
    FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
    .name = "hflip",    .summary = "Mirror left to right, with the labels of left and right parts.",
    .version = "1.0",   .license = "MIT",
    .options = options, .self_size = sizeof(struct hflip),
    .vtbl = &vtbl};
FPC_PLUGINS(&hflip)
