/* overlay.c: a picture with the colours of its labels over it, to look at, and the legend that tells which colour is
 * which. Tints are weak, so that the picture shows through; borders have the full colour, with a dark line around where
 * the ground begins, so that they are seen on a part of their own colour too. */
#include "cmd/predict/predict.h"
#include <cairo.h>
#include <stdlib.h>
#include <string.h>

/* ---- colours ---- */

fpc_status fpc_predict_describe(fpc_arena *arena, const fpc_predictor *predictor, fpc_predictor_info *info)
{
    uint8_t(*made)[3];

    fpc_predictor_describe(predictor, info);
    if (info->palette)
        return FPC_OK;
    if (!(made = fpc_alloc(arena, (size_t)info->classes * sizeof *made)))
        return FPC_ENOMEM;
    fpc_palette_make(info->classes, made);
    info->palette = (const uint8_t(*)[3])made;
    return FPC_OK;
}

/* ---- overlay ---- */

/* Whether a pixel with another label lies within d pixels, in the row or in the column. */
static int at_border(const uint8_t *label, int32_t w, int32_t h, int32_t x, int32_t y, int32_t d)
{
    const uint8_t *here = label + (int64_t)y * w + x;

    for (int32_t k = 1; k <= d; k++)
        if ((x >= k && here[-k] != *here) || (x + k < w && here[k] != *here) ||
            (y >= k && here[-(int64_t)k * w] != *here) || (y + k < h && here[(int64_t)k * w] != *here))
            return 1;
    return 0;
}

void fpc_overlay_draw(fpc_image *picture, const uint8_t *label, const uint8_t (*palette)[3])
{
    const int32_t w = picture->w, h = picture->h, side = w < h ? w : h, line = side < 1024 ? 1 : side < 4096 ? 2 : 4;

    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            const int64_t i = (int64_t)y * w + x;
            const uint8_t *colour = palette[label[i]];
            uint8_t *to = picture->pixel + 3 * i;
            const int border = at_border(label, w, h, x, y, line);
            for (int c = 0; c < 3; c++) {
                const int tint = label[i] ? (2 * to[c] + colour[c] + 1) / 3 : to[c];
                to[c] = (uint8_t)(!border ? tint : label[i] ? colour[c] : to[c] / 3);
            }
        }
}

/* ---- legend ---- */

enum { ROW = 22, SWATCH = 14, GAP = 8, ROWS = 24 /* of a column */ };

static const char *entry(fpc_arena *arena, int32_t c, const char *const *name)
{
    return name ? fpc_sprintf(arena, "%d  %s", c, name[c]) : fpc_sprintf(arena, "%d", c);
}

static double widest(cairo_t *cr, fpc_arena *arena, int32_t classes, const char *const *name)
{
    double most = 0;

    for (int32_t c = 0; c < classes; c++) {
        const char *text = entry(arena, c, name);
        cairo_text_extents_t size;
        cairo_text_extents(cr, text ? text : "", &size);
        most = size.x_advance > most ? size.x_advance : most;
    }
    return most;
}

static cairo_t *begin(cairo_surface_t *surface)
{
    cairo_t *cr = cairo_create(surface);

    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, 13);
    return cr;
}

static void draw(cairo_t *cr, fpc_arena *arena, int32_t classes, const char *const *name, const uint8_t (*palette)[3],
                 int32_t column)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_set_line_width(cr, 1);
    for (int32_t c = 0; c < classes; c++) {
        const double x = GAP + c / ROWS * column, y = GAP + c % ROWS * ROW;
        const char *text = entry(arena, c, name);
        cairo_set_source_rgb(cr, palette[c][0] / 255.0, palette[c][1] / 255.0, palette[c][2] / 255.0);
        cairo_rectangle(cr, x + 0.5, y + 0.5, SWATCH, SWATCH);
        cairo_fill_preserve(cr);
        cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
        cairo_stroke(cr);
        cairo_move_to(cr, x + SWATCH + GAP, y + SWATCH - 2);
        cairo_show_text(cr, text ? text : "");
    }
}

/* What cairo drew, as rows of RGB. */
static fpc_status take_pixels(fpc_arena *arena, cairo_surface_t *surface, fpc_image *out)
{
    const unsigned char *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);

    *out = (fpc_image){cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface), 3, NULL};
    if (!data || !(out->pixel = fpc_alloc(arena, (size_t)out->w * (size_t)out->h * 3)))
        return FPC_ENOMEM;
    for (int32_t y = 0; y < out->h; y++)
        for (int32_t x = 0; x < out->w; x++) {
            const uint32_t rgb = ((const uint32_t *)(const void *)(data + (ptrdiff_t)y * stride))[x];
            uint8_t *to = out->pixel + ((int64_t)y * out->w + x) * 3;
            to[0] = (uint8_t)(rgb >> 16), to[1] = (uint8_t)(rgb >> 8), to[2] = (uint8_t)rgb;
        }
    return FPC_OK;
}

fpc_status fpc_legend_write(fpc_ctx *ctx, fpc_arena *arena, const char *path, int32_t classes, const char *const *name,
                            const uint8_t (*palette)[3])
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1); /* to measure with */
    cairo_t *cr = begin(surface);
    const double text = widest(cr, arena, classes, name);
    const int32_t column = SWATCH + 3 * GAP + (text < 1024 ? (int32_t)text + 1 : 1024);
    const int32_t columns = (classes + ROWS - 1) / ROWS, rows = classes < ROWS ? classes : ROWS;
    fpc_image image;

    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, GAP + columns * column, GAP + rows * ROW);
    cr = begin(surface);
    draw(cr, arena, classes, name, palette, column);
    const cairo_status_t failed = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_flush(surface);
    fpc_status status = failed ? fpc_fail(ctx, failed == CAIRO_STATUS_NO_MEMORY ? FPC_ENOMEM : FPC_EINTERNAL,
                                          "%s: the legend cannot be drawn: %s", path, cairo_status_to_string(failed))
                               : take_pixels(arena, surface, &image);
    cairo_surface_destroy(surface);
    return status ? status : fpc_png_write_saying(ctx, path, &image, NULL, 0, FPC_PREDICT_MARK);
}
