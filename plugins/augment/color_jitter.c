/* color_jitter.c: brightness, contrast and saturation by drawn factors, each followed by a clamp to [0,1], as
 * torchvision and Kornia define them: brightness f x; contrast f x + (1-f) mean(grey); saturation f x + (1-f) grey.
 * Stage: colour; the draw is three colour maps, of which an all-zero one leaves the picture alone.
 * Pure: equal (options, rng) give equal maps. */
#include <fpcore/augment.h>
#include <fpcore/draw.h>

enum { STEPS = 3, FIXED = 0, RANDOM = 1, GREY = 0, ALL = 1 };

struct color_jitter {
    fpc_self self;
    fpc_range brightness, contrast, saturation;
    double p, p_brightness, p_contrast, p_saturation;
    int64_t order, contrast_mean;
};

static const float luma[3] = {0.299f, 0.587f, 0.114f};

static fpc_colour brightness(float f)
{
    return (fpc_colour){.m = {f, 0, 0, 0, 0, f, 0, 0, 0, 0, f, 0}, .clamp = 1};
}

static fpc_colour contrast(float f, int64_t mean)
{
    fpc_colour c = {.m = {f, 0, 0, 0, 0, f, 0, 0, 0, 0, f, 0}, .clamp = 1};
    for (int i = 0; i < 3; i++)
        c.g[i] = (1 - f) * (mean == ALL ? 1.0f / 3 : luma[i]);
    return c;
}

static fpc_colour saturation(float f)
{
    fpc_colour c = {.clamp = 1};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            c.m[4 * i + j] = (1 - f) * luma[j] + (i == j ? f : 0);
    return c;
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct color_jitter *j = (const struct color_jitter *)self;
    const int on = fpc_draw_chance(rng, 0, j->p);
    const fpc_range range[STEPS] = {j->brightness, j->contrast, j->saturation};
    const int does[STEPS] = {on && fpc_draw_chance(rng, 1, j->p_brightness),
                             on && fpc_draw_chance(rng, 2, j->p_contrast),
                             on && fpc_draw_chance(rng, 3, j->p_saturation)};
    int64_t order[STEPS] = {0, 1, 2};
    if (j->order == RANDOM) /* one order for the batch */
        fpc_draw_shuffle(image->shared, 0, STEPS, order);
    for (int i = 0; i < STEPS; i++) {
        const int step = (int)order[i];
        const float f = (float)fpc_draw_between(rng, (uint32_t)(4 + step), range[step].lo, range[step].hi);
        if (does[step] && (range[step].lo < 1 || range[step].hi > 1))
            ((fpc_colour *)out)[i] = step == 0   ? brightness(f)
                                     : step == 1 ? contrast(f, j->contrast_mean)
                                                 : saturation(f);
    }
    return FPC_OK;
}

static const fpc_choice orders[] = {
    {"fixed", FIXED, "brightness, contrast, saturation"}, {"random", RANDOM, "one drawn order per batch"}, {0}};
static const fpc_choice means[] = {
    {"grey", GREY, "mean of 0.299 R + 0.587 G + 0.114 B"}, {"all", ALL, "mean over pixels and channels"}, {0}};
static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct color_jitter, brightness, "1, 1", -1e3, 1e3, "factor",
                     "ends of the factor; 1, 1 leaves it alone"),
    FPC_OPTION_RANGE(struct color_jitter, contrast, "1, 1", -1e3, 1e3, "factor", "ends of the factor about the mean"),
    FPC_OPTION_RANGE(struct color_jitter, saturation, "1, 1", -1e3, 1e3, "factor",
                     "ends of the factor about the grey picture"),
    FPC_OPTION_REAL(struct color_jitter, p, "0.5", 0, 1, "prob", "chance per image that anything is done"),
    FPC_OPTION_REAL(struct color_jitter, p_brightness, "1", 0, 1, "prob", "chance of the brightness step, given p"),
    FPC_OPTION_REAL(struct color_jitter, p_contrast, "1", 0, 1, "prob", "chance of the contrast step, given p"),
    FPC_OPTION_REAL(struct color_jitter, p_saturation, "1", 0, 1, "prob", "chance of the saturation step, given p"),
    FPC_OPTION_CHOICE(struct color_jitter, order, "fixed", orders, "order of the three steps"),
    FPC_OPTION_CHOICE(struct color_jitter, contrast_mean, "grey", means, "what contrast is changed about"),
    {0}};

static fpc_status init(fpc_self *self)
{
    const struct color_jitter *j = (const struct color_jitter *)self;
    const fpc_range *range[STEPS] = {&j->brightness, &j->contrast, &j->saturation};
    for (int i = 0; i < STEPS; i++)
        if (range[i]->lo < 0)
            return fpc_fail(self->ctx, FPC_EINVAL, "%s.%s: a factor is 0 or more; give both ends, as in 0.8, 1.2",
                            self->label, options[i].name);
    return FPC_OK;
}

static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_COLOUR, .draw_size = STEPS * sizeof(fpc_colour), .draw = draw};
static const fpc_plugin color_jitter = {
    FPC_PLUGIN_HEAD,        .kind = FPC_AUGMENT,
    .name = "color_jitter", .summary = "Change brightness, contrast and saturation by drawn factors.",
    .version = "1.0",       .license = "MIT",
    .options = options,     .self_size = sizeof(struct color_jitter),
    .init = init,           .vtbl = &vtbl};
FPC_PLUGINS(&color_jitter)
