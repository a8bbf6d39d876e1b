/* palette.c: colours for labels that have none. Each is, of a grid of colours, the one that is farthest from all before
 * it, from black, white and grey, and from skin, as distances are seen (Oklab: B. Ottosson, 2020); dark and dull ones
 * are left out, since a label has to be seen on a picture. So the first colours differ most, whatever their number. */
#include <math.h>
#include <string.h>
#include "image/image.h"

enum { STEPS = 9, GRID = STEPS * STEPS * STEPS };

struct lab {
    double l, a, b;
};

static double linear(int v)
{
    const double s = v / 255.0;
    return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
}

static struct lab lab_of(const uint8_t rgb[3])
{
    const double r = linear(rgb[0]), g = linear(rgb[1]), b = linear(rgb[2]);
    const double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);

    return (struct lab){0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

static double apart(struct lab x, struct lab y)
{
    return sqrt((x.l - y.l) * (x.l - y.l) + (x.a - y.a) * (x.a - y.a) + (x.b - y.b) * (x.b - y.b));
}

struct candidate {
    uint8_t rgb[3];
    struct lab lab;
    double distance; /* to the nearest colour that is taken */
};

static int32_t candidates(struct candidate *list)
{
    static const uint8_t taken[][3] = {{0, 0, 0}, {128, 128, 128}, {255, 255, 255}, {200, 150, 120}};
    int32_t n = 0;

    for (int32_t i = 0; i < GRID; i++) {
        struct candidate *c = &list[n];
        *c = (struct candidate){.rgb = {(uint8_t)(i / STEPS / STEPS * 255 / (STEPS - 1)),
                                        (uint8_t)(i / STEPS % STEPS * 255 / (STEPS - 1)),
                                        (uint8_t)(i % STEPS * 255 / (STEPS - 1))},
                                .distance = INFINITY};
        c->lab = lab_of(c->rgb);
        if (c->lab.l < 0.5 || c->lab.l > 0.95 || hypot(c->lab.a, c->lab.b) < 0.1)
            continue;
        for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
            c->distance = fmin(c->distance, apart(c->lab, lab_of(taken[k])));
        n++;
    }
    return n;
}

void fpc_palette_make(int32_t n, uint8_t (*rgb)[3])
{
    struct candidate list[GRID];
    const int32_t count = candidates(list);

    if (n > 0)
        memset(rgb[0], 0, 3);
    for (int32_t i = 1; i < n; i++) {
        int32_t best = 0;
        for (int32_t k = 1; k < count; k++)
            best = list[k].distance > list[best].distance ? k : best;
        memcpy(rgb[i], list[best].rgb, 3);
        for (int32_t k = 0; k < count; k++)
            list[k].distance = fmin(list[k].distance, apart(list[k].lab, list[best].lab));
    }
}
