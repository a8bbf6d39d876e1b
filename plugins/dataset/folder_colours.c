/* folder_colours.c: masks in RGB: the colour of a pixel is that of its class in the palette, or the one that counts
 * nowhere. A colour that no class has is refused with its place: guessing the nearest would hide masks that were
 * smoothed or stored with losses. */
#include <stdio.h>
#include <string.h>
#include "folder.h"

fpc_status fpc_folder_void_colour(folder *f)
{
    unsigned rgb[3];
    int n = 0;

    if (!*f->ignore_colour)
        return FPC_OK;
    uint8_t *colour = fpc_alloc(f->self.arena, sizeof rgb / sizeof *rgb);
    if (!colour)
        return FPC_ENOMEM;
    if (strchr(f->ignore_colour, '-') ||
        sscanf(f->ignore_colour, "%3u ,%3u ,%3u %n", &rgb[0], &rgb[1], &rgb[2], &n) != 3 || f->ignore_colour[n] ||
        rgb[0] > 255 || rgb[1] > 255 || rgb[2] > 255)
        return fpc_fail(f->self.ctx, FPC_EINVAL, "%s.ignore_colour = %s: it is `red, green, blue`, each 0 .. 255",
                        f->self.label, f->ignore_colour);
    if (f->ignored < 0)
        return fpc_fail(f->self.ctx, FPC_EINVAL,
                        "%s.ignore_colour without %s.ignore_label, which it stands for; 255 is the usual one",
                        f->self.label, f->self.label);
    for (int i = 0; i < 3; i++)
        colour[i] = (uint8_t)rgb[i];
    f->void_colour = colour;
    return FPC_OK;
}

/* -1: no class has the colour; -2: two have. */
static int label_of(const folder *f, const uint8_t rgb[3], int other[2])
{
    int found = -1;

    if (f->void_colour && f->ignored >= 0 && !memcmp(f->void_colour, rgb, 3))
        return f->ignored;
    for (int i = 0; i < f->n_classes; i++) {
        if (memcmp(f->palette[i], rgb, 3) != 0)
            continue;
        if (found >= 0) {
            other[0] = found, other[1] = i;
            return -2;
        }
        found = i;
    }
    return found;
}

fpc_status fpc_folder_colours(const folder *f, fpc_arena *scratch, const char *path, fpc_image *mask)
{
    uint8_t *to = fpc_alloc(scratch, (size_t)mask->w * (size_t)mask->h);
    const uint8_t *last = NULL;
    int label = 0, other[2] = {0};

    if (!to)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < (int64_t)mask->w * mask->h; i++) {
        const uint8_t *rgb = mask->pixel + 3 * i;
        if (!last || memcmp(last, rgb, 3) != 0)
            label = label_of(f, rgb, other);
        last = rgb;
        if (label == -2)
            return fpc_fail(f->self.ctx, FPC_EFORMAT,
                            "%s: a mask in RGB, whose colours stand for classes, but %d, %d, %d is the colour of label "
                            "%d and of label %d in the [palette] of %s",
                            path, rgb[0], rgb[1], rgb[2], other[0], other[1], f->classes);
        if (label < 0)
            return fpc_fail(f->self.ctx, FPC_EFORMAT,
                            "%s: colour %d, %d, %d at x %lld, y %lld is that of no class; a mask in RGB has the "
                            "colours of the [palette] of %s, and %s.ignore_colour where nothing counts. Masks with one "
                            "number per pixel (8-bit palette or grey) need no colours",
                            path, rgb[0], rgb[1], rgb[2], (long long)(i % mask->w), (long long)(i / mask->w),
                            f->classes, f->self.label);
        to[i] = (uint8_t)label;
    }
    mask->pixel = to;
    mask->c = 1;
    return FPC_OK;
}
