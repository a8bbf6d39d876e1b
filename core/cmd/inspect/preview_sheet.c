/* preview_sheet.c: draws the sheet of a preview with cairo: a row for each sample (picture, its mask, the augmented
 * picture, its mask, both laid over each other), the drawn parameters under it, and a legend of the classes. */
#include "cmd/inspect/preview.h"
#include <cairo.h>
#include <fpcore/logger.h>
#include <string.h>
#include "base/message.h"
#include "image/image.h"

enum { GAP = 8, TITLE = 48, LINE = 15, LEGEND_ROW = 22, COLUMNS = 5, SMALLEST = 160, LARGEST = 256 };

typedef struct sheet {
    const fpc_dataset_info *info;
    cairo_t *cr;
    int32_t h, w, tile_h, tile_w, width;
    uint8_t seen[256];
} sheet;

static uint32_t rgb_of(const sheet *s, uint8_t label)
{
    if (label >= s->info->classes)
        return 0xff00ff; /* what counts nowhere */
    const uint8_t *c = s->info->palette[label];
    return (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
}

static uint32_t half(uint32_t a, uint32_t b)
{
    return ((a & 0xfefefe) >> 1) + ((b & 0xfefefe) >> 1);
}

static uint32_t level(float v)
{
    return v > 0 ? v < 1 ? (uint32_t)(v * 255 + 0.5f) : 255 : 0; /* a NaN is black */
}

static uint32_t pixel(sheet *s, const fpc_preview_sample *p, int column, int64_t i)
{
    const uint8_t *b = p->image + 3 * i;
    const float *f = p->augmented + 3 * i;
    const uint8_t label = column == 1 ? p->mask[i] : p->labels[i];
    const uint32_t after = level(f[0]) << 16 | level(f[1]) << 8 | level(f[2]);
    if (column == 0)
        return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
    if (column == 2)
        return after;
    s->seen[label] = 1;
    return column < 4 ? rgb_of(s, label) : label ? half(after, rgb_of(s, label)) : after;
}

static void put(sheet *s, const fpc_preview_sample *p, int column, double y)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, s->w, s->h);
    unsigned char *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    const int smooth = (column == 0 || column == 2 || column == 4) && s->tile_h < s->h;
    for (int32_t r = 0; r < s->h && data; r++) {
        uint32_t *row = (uint32_t *)(void *)(data + (ptrdiff_t)r * stride);
        for (int32_t c = 0; c < s->w; c++)
            row[c] = pixel(s, p, column, (int64_t)r * s->w + c);
    }
    cairo_surface_mark_dirty(surface);
    cairo_save(s->cr);
    cairo_translate(s->cr, GAP + column * (s->tile_w + GAP), y);
    cairo_scale(s->cr, (double)s->tile_w / s->w, (double)s->tile_h / s->h);
    cairo_set_source_surface(s->cr, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(s->cr), smooth ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_rectangle(s->cr, 0, 0, s->w, s->h);
    cairo_fill(s->cr);
    cairo_restore(s->cr);
    cairo_surface_destroy(surface);
}

static void write_text(sheet *s, double x, double y, const char *text)
{
    cairo_set_source_rgb(s->cr, 0.1, 0.1, 0.1);
    cairo_move_to(s->cr, x, y);
    cairo_show_text(s->cr, text);
}

static void draw_legend(sheet *s, double y)
{
    double x = GAP;
    for (int32_t c = 0; c < s->info->classes; c++) {
        cairo_text_extents_t size;
        if (!s->seen[c])
            continue;
        cairo_text_extents(s->cr, s->info->class_names[c], &size);
        if (x + 36 + size.x_advance > s->width && x > GAP) {
            x = GAP;
            y += LEGEND_ROW;
        }
        const uint32_t rgb = rgb_of(s, (uint8_t)c);
        cairo_set_source_rgb(s->cr, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
        cairo_rectangle(s->cr, x, y, 14, 14);
        cairo_fill_preserve(s->cr);
        cairo_set_source_rgb(s->cr, 0.4, 0.4, 0.4);
        cairo_set_line_width(s->cr, 1);
        cairo_stroke(s->cr);
        write_text(s, x + 20, y + 12, s->info->class_names[c]);
        x += 36 + size.x_advance;
    }
}

static void draw_all(sheet *s, const char *title, int32_t n, const fpc_preview_sample *sample)
{
    static const char *const heads[COLUMNS] = {"picture", "mask", "augmented", "its mask", "both"};
    double y = TITLE;
    cairo_set_source_rgb(s->cr, 1, 1, 1);
    cairo_paint(s->cr);
    cairo_select_font_face(s->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(s->cr, 13);
    write_text(s, GAP, 18, title);
    for (int c = 0; c < COLUMNS; c++)
        write_text(s, GAP + c * (s->tile_w + GAP), TITLE - 8, heads[c]);
    for (int32_t i = 0; i < n; i++) {
        for (int c = 0; c < COLUMNS; c++)
            put(s, &sample[i], c, y);
        y += s->tile_h + LINE;
        cairo_set_font_size(s->cr, 12);
        write_text(s, GAP, y, sample[i].name);
        for (int32_t k = 0; k < sample[i].n_lines; k++)
            write_text(s, GAP, y += LINE, sample[i].line[k]);
        cairo_set_font_size(s->cr, 13);
        y += GAP + 4;
    }
    draw_legend(s, y);
}

static void measure(sheet *s)
{
    const double scale = s->h < SMALLEST  ? (double)((SMALLEST + s->h - 1) / s->h)
                         : s->h > LARGEST ? (double)LARGEST / s->h
                                          : 1;
    s->tile_h = (int32_t)(s->h * scale + 0.5);
    s->tile_w = (int32_t)(s->w * scale + 0.5);
    s->tile_w = s->tile_w < 1 ? 1 : s->tile_w > 2048 ? 2048 : s->tile_w;
    s->width = GAP + COLUMNS * (s->tile_w + GAP);
}

fpc_status fpc_surface_write(fpc_ctx *ctx, fpc_arena *arena, const char *path, struct _cairo_surface *surface)
{
    fpc_image picture = {
        .w = cairo_image_surface_get_width(surface), .h = cairo_image_surface_get_height(surface), .c = 3};
    cairo_surface_flush(surface);
    const unsigned char *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    const uint8_t *png;
    size_t bytes;
    fpc_status status;

    if (!data)
        return fpc_fail(ctx, FPC_EINTERNAL, "%s: cannot be drawn: %s", path,
                        cairo_status_to_string(cairo_surface_status(surface)));
    uint8_t *to = picture.pixel = fpc_alloc(arena, (size_t)picture.w * (size_t)picture.h * 3);
    if (!to)
        return FPC_ENOMEM;
    for (int32_t r = 0; r < picture.h; r++) {
        const uint32_t *row = (const uint32_t *)(const void *)(data + (ptrdiff_t)r * stride);
        for (int32_t c = 0; c < picture.w; c++, to += 3)
            to[0] = row[c] >> 16 & 255, to[1] = row[c] >> 8 & 255, to[2] = row[c] & 255;
    }
    if ((status = fpc_png_encode(ctx, arena, path, &picture, NULL, 0, NULL, &png, &bytes)))
        return status;
    return fpc_write_atomic(ctx, path, png, bytes);
}

fpc_status fpc_preview_draw(fpc_ctx *ctx, fpc_arena *arena, const fpc_dataset_info *info, const char *path,
                            const char *title, int32_t n, const fpc_preview_sample *sample)
{
    sheet s = {.info = info, .h = info->h, .w = info->w};
    measure(&s);
    int64_t height = TITLE + 4 * LEGEND_ROW;
    for (int32_t i = 0; i < n; i++)
        height += s.tile_h + LINE * (sample[i].n_lines + 1) + GAP + 4;
    if (height > 32000)
        return fpc_fail(ctx, FPC_EINVAL, "%s: %d samples make a sheet of %lld pixels, 32000 are possible; show fewer",
                        path, n, (long long)height);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, s.width, (int)height);
    s.cr = cairo_create(surface);
    draw_all(&s, title, n, sample);
    const cairo_status_t failed = cairo_status(s.cr);
    cairo_destroy(s.cr);
    const fpc_status status = failed ? fpc_fail(ctx, failed == CAIRO_STATUS_NO_MEMORY ? FPC_ENOMEM : FPC_EINTERNAL,
                                                "%s: cannot be drawn: %s", path, cairo_status_to_string(failed))
                                     : fpc_surface_write(ctx, arena, path, surface);
    cairo_surface_destroy(surface);
    return status;
}
