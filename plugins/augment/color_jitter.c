/* color_jitter.c: brightness, contrast, saturation and hue by drawn numbers, each followed by a clamp to [0,1], as
 * torchvision and Kornia define them (colours.h). Stage: colour; the draw is four colour maps, of which an all-zero one
 * leaves the picture alone. The factors are an image's own; with order = random, the order is the batch's, as in
 * Kornia. Pure: equal (options, rng) give equal maps. */
#include "colours.h"
#include "ranges.h"

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE, STEPS, FIXED = 0, RANDOM = 1 };

struct color_jitter {
    fpc_self self;
    fpc_range brightness, contrast, saturation, hue;
    double p, p_brightness, p_contrast, p_saturation, p_hue;
    int64_t order, contrast_mean;
};

static fpc_colour map_of(const struct color_jitter *j, int step, double by)
{
    switch (step) {
    case BRIGHTNESS:
        return colour_brightness(by);
    case CONTRAST:
        return colour_contrast(by, j->contrast_mean);
    case SATURATION:
        return colour_saturation(by);
    default:
        return colour_hue(by);
    }
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct color_jitter *j = (const struct color_jitter *)self;
    const fpc_range range[STEPS] = {j->brightness, j->contrast, j->saturation, j->hue};
    const double chance[STEPS] = {j->p_brightness, j->p_contrast, j->p_saturation, j->p_hue};
    int64_t order[STEPS] = {BRIGHTNESS, CONTRAST, SATURATION, HUE};
    if (!fpc_draw_chance(rng, 0, j->p))
        return FPC_OK;
    if (j->order == RANDOM) /* one order for the batch */
        fpc_draw_shuffle(image->shared, 0, STEPS, order);
    for (int i = 0; i < STEPS; i++) {
        const int step = (int)order[i];
        const double nothing = step == HUE ? 0 : 1;
        const int moves = range[step].lo < nothing || range[step].hi > nothing;
        if (moves && fpc_draw_chance(rng, (uint32_t)(1 + step), chance[step]))
            ((fpc_colour *)out)[i] = map_of(j, step, draw_range(rng, (uint32_t)(5 + step), range[step]));
    }
    return FPC_OK;
}

static const fpc_choice orders[] = {
    {"fixed", FIXED, "brightness, contrast, saturation, hue"}, {"random", RANDOM, "one drawn order per batch"}, {0}};
static const fpc_choice means[] = {{"grey", MEAN_GREY, "mean of 0.299 R + 0.587 G + 0.114 B"},
                                   {"all", MEAN_ALL, "mean over pixels and channels"},
                                   {0}};
static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct color_jitter, brightness, "1, 1", 0, 1e3, "factor",
                     "ends of the factor; 1, 1 leaves it alone"),
    FPC_OPTION_RANGE(struct color_jitter, contrast, "1, 1", 0, 1e3, "factor", "ends of the factor about the mean"),
    FPC_OPTION_RANGE(struct color_jitter, saturation, "1, 1", 0, 1e3, "factor",
                     "ends of the factor about the grey picture"),
    FPC_OPTION_RANGE(struct color_jitter, hue, "0", -0.5, 0.5, "turns", "ends of what is added to the hue"),
    FPC_OPTION_REAL(struct color_jitter, p, "0.5", 0, 1, "prob", "chance per image that anything is done"),
    FPC_OPTION_REAL(struct color_jitter, p_brightness, "1", 0, 1, "prob", "chance of the brightness step, given p"),
    FPC_OPTION_REAL(struct color_jitter, p_contrast, "1", 0, 1, "prob", "chance of the contrast step, given p"),
    FPC_OPTION_REAL(struct color_jitter, p_saturation, "1", 0, 1, "prob", "chance of the saturation step, given p"),
    FPC_OPTION_REAL(struct color_jitter, p_hue, "1", 0, 1, "prob", "chance of the hue step, given p"),
    FPC_OPTION_CHOICE(struct color_jitter, order, "fixed", orders, "order of the four steps"),
    FPC_OPTION_CHOICE(struct color_jitter, contrast_mean, "grey", means, "what contrast is changed about"),
    {0}};

static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = STEPS * sizeof(fpc_colour), .draw = draw};
static const fpc_plugin color_jitter = {
    FPC_PLUGIN_HEAD,        .kind = FPC_AUGMENT,
    .name = "color_jitter", .summary = "Change brightness, contrast, saturation and hue.",
    .version = "1.0",       .license = "MIT",
    .options = options,     .self_size = sizeof(struct color_jitter),
    .vtbl = &vtbl};
FPC_PLUGINS(&color_jitter)
