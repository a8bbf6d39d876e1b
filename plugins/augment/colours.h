/* colours.h: the colour maps of the field as fpc_colour (fpcore/augment.h), shared by the plugins of single maps, by
 * color_jitter, and by the policies that draw among them. Definitions: torchvision and Kornia, which agree on these. */
#ifndef PLUGINS_AUGMENT_COLOURS_H
#define PLUGINS_AUGMENT_COLOURS_H

#include <fpcore/augment.h>

enum { MEAN_GREY = 0, MEAN_ALL = 1 }; /* what contrast is changed about */

static const float luma[3] = {0.299f, 0.587f, 0.114f};

static inline fpc_colour colour_brightness(double f)
{
    const float k = (float)f;
    return (fpc_colour){.m = {k, 0, 0, 0, 0, k, 0, 0, 0, 0, k, 0}, .kind = FPC_COLOUR_CLAMPED};
}

/* f x + (1 - f) mean(grey), or the mean over pixels and channels. */
static inline fpc_colour colour_contrast(double f, int64_t mean)
{
    const float k = (float)f;
    fpc_colour c = {.m = {k, 0, 0, 0, 0, k, 0, 0, 0, 0, k, 0}, .kind = FPC_COLOUR_CLAMPED};
    for (int i = 0; i < 3; i++)
        c.g[i] = (1 - k) * (mean == MEAN_ALL ? 1.0f / 3 : luma[i]);
    return c;
}

/* f x + (1 - f) grey */
static inline fpc_colour colour_saturation(double f)
{
    const float k = (float)f;
    fpc_colour c = {.kind = FPC_COLOUR_CLAMPED};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            c.m[4 * i + j] = (1 - k) * luma[j] + (i == j ? k : 0);
    return c;
}

static inline fpc_colour colour_grayscale(void)
{
    fpc_colour c = {.kind = FPC_COLOUR_AFFINE};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            c.m[4 * i + j] = luma[j];
    return c;
}

static inline fpc_colour colour_invert(void)
{
    return (fpc_colour){.m = {-1, 0, 0, 1, 0, -1, 0, 1, 0, 0, -1, 1}, .kind = FPC_COLOUR_AFFINE};
}

static inline fpc_colour colour_hue(double turns)
{
    return (fpc_colour){.m = {(float)turns}, .kind = FPC_COLOUR_HUE};
}

static inline fpc_colour colour_gamma(double exponent, double gain)
{
    return (fpc_colour){.m = {(float)exponent, (float)gain}, .kind = FPC_COLOUR_GAMMA};
}

static inline fpc_colour colour_posterize(int64_t bits)
{
    return (fpc_colour){.m = {(float)bits}, .kind = FPC_COLOUR_POSTERIZE};
}

static inline fpc_colour colour_solarize(double threshold, double addition)
{
    return (fpc_colour){.m = {(float)threshold, (float)addition}, .kind = FPC_COLOUR_SOLARIZE};
}

static inline fpc_colour colour_equalize(void)
{
    return (fpc_colour){.m = {1}, .kind = FPC_COLOUR_EQUALIZE};
}

static inline fpc_colour colour_auto_contrast(void)
{
    return (fpc_colour){.m = {1}, .kind = FPC_COLOUR_AUTOCONTRAST};
}

#endif
