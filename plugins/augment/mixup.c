/* mixup.c: the picture becomes lambda x + (1 - lambda) partner, lambda ~ Beta(alpha, alpha) (Zhang et al., "mixup:
 * Beyond empirical risk minimization", 2018). labels = hard: the mask of the larger share; soft: both
 * masks, lambda in every loss term. Stage: mix. Pure: equal (options, rng, shared) give equal plans. */
#include "mixes.h"

struct mixup {
    fpc_self self;
    double alpha, p;
    int64_t labels, per;
};

static fpc_status draw(const fpc_self *self, fpc_rng own, const fpc_image_info *image, void *out)
{
    const struct mixup *o = (const struct mixup *)self;
    const fpc_rng rng = mix_rng(image, own, o->per);
    fpc_mix *mix = out;
    mix->lambda = 1;
    if (o->alpha <= 0 || !fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    mix->lambda = (float)fpc_draw_beta(rng, 1, o->alpha, o->alpha);
    mix->soft = o->labels == LABELS_SOFT;
    mix->layer[0] = whole_layer(partner_of(image, 0), 1 - (double)mix->lambda);
    return FPC_OK;
}

static int soft(const fpc_self *self)
{
    return ((const struct mixup *)self)->labels == LABELS_SOFT;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct mixup, alpha, "0.2", 0, 100, "",
                    "both shapes of the Beta distribution; small: mostly one picture; 0: never"),
    FPC_OPTION_CHOICE(struct mixup, labels, "hard", mix_labels, "the target of a mixed picture"),
    FPC_OPTION_CHOICE(struct mixup, per, "batch", per, "who draws chance and lambda"),
    FPC_OPTION_REAL(struct mixup, p, "0.3", 0, 1, "prob", "chance per batch (or image)"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_MIX, .draw_size = sizeof(fpc_mix), .draw = draw, .soft = soft};
static const fpc_plugin mixup = {FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
                                 .name = "mixup",    .summary = "Mix two pictures of the batch by a drawn share.",
                                 .version = "1.0",   .license = "MIT",
                                 .options = options, .self_size = sizeof(struct mixup),
                                 .vtbl = &vtbl};
FPC_PLUGINS(&mixup)
