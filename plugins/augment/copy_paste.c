/* copy_paste.c: what the partner shows of the listed classes is pasted over the picture, pixels and labels (Ghiasi et
 * al., "Simple copy-paste is a strong data augmentation method", 2021), at a drawn scale and shift. Nothing is
 * mirrored, so left and right parts stay what they are. The default lists the rare classes of CelebAMask-HQ:
 * eyeglasses, hat, earring, necklace. Stage: mix. Pure: equal (options, rng, shared) give equal plans. */
#include "mixes.h"

struct copy_paste {
    fpc_self self;
    fpc_ints classes;
    fpc_range scale, shift;
    double p;
};

static fpc_status init(fpc_self *self)
{
    const struct copy_paste *o = (const struct copy_paste *)self;
    if (o->classes.n < 1)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s: %s.classes is empty; list labels, as in 3, 14",
                        fpc_origin(self, "classes"), self->label);
    return FPC_OK;
}

static fpc_status check_classes(const struct copy_paste *o, int32_t classes)
{
    for (int64_t i = 0; i < o->classes.n && classes > 0; i++)
        if (o->classes.v[i] >= classes)
            return fpc_fail(o->self.ctx, FPC_EINVAL, "%s: %s.classes lists %d; the data set's labels are 0 to %d",
                            fpc_origin(&o->self, "classes"), o->self.label, (int)o->classes.v[i], classes - 1);
    return FPC_OK;
}

/* p reads the partner at (p - shift) / scale; beyond its border there is nothing to paste. */
static void place_axis(double scale, double shift, float *s, float *t, float *lo, float *hi)
{
    *s = (float)(1 / scale);
    *t = (float)(-shift / scale);
    *lo = (float)fmax(-1, shift - scale);
    *hi = (float)fmin(1, shift + scale);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct copy_paste *o = (const struct copy_paste *)self;
    fpc_mix *mix = out;
    const fpc_status status = check_classes(o, image->classes);
    mix->lambda = 1;
    if (status || !fpc_draw_chance(rng, 0, o->p))
        return status;
    const double scale = draw_range(rng, 1, o->scale);
    fpc_mix_layer *l = &mix->layer[0];
    *l = whole_layer(partner_of(image, 0), 1);
    place_axis(scale, 2 * draw_range(rng, 2, o->shift), &l->sx, &l->tx, &l->x0, &l->x1);
    place_axis(scale, 2 * draw_range(rng, 3, o->shift), &l->sy, &l->ty, &l->y0, &l->y1);
    for (int64_t i = 0; i < o->classes.n; i++)
        l->classes[o->classes.v[i] / 32] |= 1u << (o->classes.v[i] % 32);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INTS(struct copy_paste, classes, "3, 14, 15, 16", 0, 255, "labels", "what is taken from the partner"),
    FPC_OPTION_RANGE(struct copy_paste, scale, "1, 1", 0.01, 100, "factor",
                     "size of the pasted parts, about the picture's centre"),
    FPC_OPTION_RANGE(struct copy_paste, shift, "0", -1, 1, "sides", "of the pasted parts, along x and along y"),
    FPC_OPTION_REAL(struct copy_paste, p, "0.3", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_MIX, .draw_size = sizeof(fpc_mix), .draw = draw};
static const fpc_plugin copy_paste = {
    FPC_PLUGIN_HEAD,      .kind = FPC_AUGMENT,
    .name = "copy_paste", .summary = "Paste the listed classes of another picture of the batch.",
    .version = "1.0",     .license = "MIT",
    .options = options,   .self_size = sizeof(struct copy_paste),
    .init = init,         .vtbl = &vtbl};
FPC_PLUGINS(&copy_paste)
