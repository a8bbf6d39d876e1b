/* resized_crop.c: a window of drawn area and shape, brought to the picture's size (torchvision's RandomResizedCrop;
 * Szegedy et al., "Going deeper with convolutions", 2015). Ten tries for a window that fits; then the largest central
 * one of an allowed shape. Windows have whole pixels. Stage: geometry. Pure: equal (options, rng) give equal matrices.
 */
#include "ranges.h"
#include "matrix.h"

struct resized_crop {
    fpc_self self;
    fpc_range scale, ratio;
    double p;
};

typedef struct window {
    double x, y, w, h; /* pixels */
} window;

static window central(const struct resized_crop *o, double w, double h)
{
    const double ratio = fmin(fmax(w / h, o->ratio.lo), o->ratio.hi);
    const double rw = fmin(w, rint(h * ratio)), rh = fmin(h, rint(w / ratio));
    return (window){floor((w - rw) / 2), floor((h - rh) / 2), rw, rh};
}

static window draw_window(const struct resized_crop *o, fpc_rng rng, double w, double h)
{
    for (uint32_t try = 0; try < 10; try++) {
        const double area = w * h * draw_range(rng, 4 * try + 1, o->scale);
        const double ratio = exp(fpc_draw_between(rng, 4 * try + 2, log(o->ratio.lo), log(o->ratio.hi)));
        const double ww = rint(sqrt(area * ratio)), wh = rint(sqrt(area / ratio));
        if (ww >= 1 && ww <= w && wh >= 1 && wh <= h)
            return (window){(double)fpc_draw_below(rng, 4 * try + 3, (int64_t)(w - ww) + 1),
                            (double)fpc_draw_below(rng, 4 * try + 4, (int64_t)(h - wh) + 1), ww, wh};
    }
    return central(o, w, h);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct resized_crop *o = (const struct resized_crop *)self;
    const double w = image->w, h = image->h;
    fpc_homography *to = out;
    *to = identity_matrix();
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const window v = draw_window(o, rng, w, h);
    *to = window_matrix((2 * v.x + v.w) / w - 1, (2 * v.y + v.h) / h - 1, v.w / w, v.h / h);
    return FPC_OK;
}

static const fpc_option options[] = {FPC_OPTION_RANGE(struct resized_crop, scale, "0.08, 1", 1e-4, 1, "area",
                                                      "area of the window, a share of the picture's"),
                                     FPC_OPTION_RANGE(struct resized_crop, ratio, "0.75, 1.3333333", 0.01, 100, "",
                                                      "width over height of the window, drawn evenly in its logarithm"),
                                     FPC_OPTION_REAL(struct resized_crop, p, "1", 0, 1, "prob", "chance per image"),
                                     {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin resized_crop = {
    FPC_PLUGIN_HEAD,        .kind = FPC_AUGMENT,
    .name = "resized_crop", .summary = "Bring a window of drawn area and shape to the picture's size.",
    .version = "1.0",       .license = "MIT",
    .options = options,     .self_size = sizeof(struct resized_crop),
    .vtbl = &vtbl};
FPC_PLUGINS(&resized_crop)
