/* sheet.c: pictures, their labels and what the model makes of them side by side in the data set's colours, with a
 * legend of the classes that occur; drawn by cairo, for the loggers that show pictures. */
#include "sheet.h"

enum { GAP = 8, TITLE = 24, LEGEND_ROW = 22, MOST = 16, SMALLEST = 160, LARGEST = 256, COLUMNS = 3 };

struct sheet {
    const fpc_pictures *info;
    int32_t n, h, w;             /* pictures and their size in the data */
    int32_t tile_w, tile_h;      /* on the sheet */
    int32_t columns, rows, cell; /* of the legend */
    uint8_t seen[256];
    cairo_t *cr;
};

static void colour_of(const struct sheet *s, uint8_t label, uint8_t rgb[3])
{
    if (label < s->info->classes && s->info->palette)
        memcpy(rgb, s->info->palette[label], 3);
    else if (label < s->info->classes)
        rgb[0] = (uint8_t)(label * 67), rgb[1] = (uint8_t)(label * 101 + 40), rgb[2] = (uint8_t)(label * 151 + 80);
    else
        rgb[0] = rgb[1] = rgb[2] = 128;
}

static cairo_surface_t *surface_of(struct sheet *s, const uint8_t *rgb, const uint8_t *label)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, s->w, s->h);
    unsigned char *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);

    if (!data) /* no memory: the sheet's own status tells of it in the end */
        return surface;
    cairo_surface_flush(surface);
    for (int32_t y = 0; y < s->h; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + (ptrdiff_t)y * stride);
        for (int32_t x = 0; x < s->w; x++) {
            const size_t at = (size_t)y * (size_t)s->w + (size_t)x;
            uint8_t c[3];
            if (rgb)
                memcpy(c, rgb + 3 * at, 3);
            else
                colour_of(s, label[at], c), s->seen[label[at]] = 1;
            row[x] = (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

static void put(struct sheet *s, cairo_surface_t *picture, int32_t column, int32_t row)
{
    cairo_save(s->cr);
    cairo_translate(s->cr, GAP + column * (s->tile_w + GAP), TITLE + row * (s->tile_h + GAP));
    cairo_scale(s->cr, (double)s->tile_w / s->w, (double)s->tile_h / s->h);
    cairo_set_source_surface(s->cr, picture, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(s->cr),
                             column || s->tile_h > s->h ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    cairo_rectangle(s->cr, 0, 0, s->w, s->h);
    cairo_fill(s->cr);
    cairo_restore(s->cr);
    cairo_surface_destroy(picture);
}

static void write_text(struct sheet *s, double x, double y, const char *words)
{
    cairo_set_source_rgb(s->cr, 0.1, 0.1, 0.1);
    cairo_move_to(s->cr, x, y);
    cairo_show_text(s->cr, words);
}

static int32_t legend_entries(const struct sheet *s)
{
    int32_t n = 0;

    for (int32_t c = 0; c < s->info->classes && c < 256; c++)
        n += s->seen[c];
    return n;
}

static void draw_legend(struct sheet *s, int32_t top)
{
    int32_t at = 0;

    for (int32_t c = 0; c < s->info->classes && c < 256; c++) {
        if (!s->seen[c])
            continue;
        const double x = GAP + at % s->columns * s->cell, y = top + at / s->columns * LEGEND_ROW;
        char number[16];
        uint8_t rgb[3];
        colour_of(s, (uint8_t)c, rgb);
        cairo_set_source_rgb(s->cr, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0);
        cairo_rectangle(s->cr, x, y, 14, 14);
        cairo_fill_preserve(s->cr);
        cairo_set_source_rgb(s->cr, 0.4, 0.4, 0.4);
        cairo_set_line_width(s->cr, 1);
        cairo_stroke(s->cr);
        snprintf(number, sizeof number, "%d", (int)c);
        write_text(s, x + 20, y + 12, s->info->class_names ? s->info->class_names[c] : number);
        at++;
    }
}

static void measure(struct sheet *s)
{
    const double scale = s->h < SMALLEST  ? (double)((SMALLEST + s->h - 1) / s->h)
                         : s->h > LARGEST ? (double)LARGEST / s->h
                                          : 1;
    s->tile_h = (int32_t)(s->h * scale + 0.5);
    s->tile_w = (int32_t)(s->w * scale + 0.5);
    s->tile_w = s->tile_w < 1 ? 1 : s->tile_w > 4096 ? 4096 : s->tile_w;
}

static void measure_legend(struct sheet *s, int32_t width)
{
    s->cell = 110;
    for (int32_t c = 0; c < s->info->classes && c < 256; c++)
        if (s->seen[c] && s->info->class_names && 36 + 8 * (int32_t)strlen(s->info->class_names[c]) > s->cell)
            s->cell = 36 + 8 * (int32_t)strlen(s->info->class_names[c]);
    s->columns = (width - GAP) / s->cell > 0 ? (width - GAP) / s->cell : 1;
    s->rows = (legend_entries(s) + s->columns - 1) / s->columns;
}

struct collected {
    text *png;
    fpc_arena *arena;
};

static cairo_status_t collect(void *arg, const unsigned char *data, unsigned int n)
{
    struct collected *c = arg;

    text_bytes(c->png, c->arena, data, n);
    return c->png->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

cairo_status_t surface_png(cairo_surface_t *surface, text *png, fpc_arena *arena)
{
    struct collected c = {png, arena};

    png->n = 0;
    return cairo_surface_write_to_png_stream(surface, collect, &c);
}

static cairo_status_t draw_sheet(struct sheet *s, fpc_arena *arena, text *png)
{
    static const char *const title[COLUMNS] = {"image", "label", "prediction"};
    const size_t pixels = (size_t)s->h * (size_t)s->w;
    cairo_surface_t *picture[MOST][COLUMNS], *surface;
    int32_t width, top;
    cairo_status_t failed;

    measure(s);
    for (int32_t i = 0; i < s->n; i++) {
        picture[i][0] = surface_of(s, s->info->image + (size_t)i * pixels * 3, NULL);
        picture[i][1] = surface_of(s, NULL, s->info->label + (size_t)i * pixels);
        picture[i][2] = surface_of(s, NULL, s->info->prediction + (size_t)i * pixels);
    }
    width = GAP + COLUMNS * (s->tile_w + GAP);
    top = TITLE + s->n * (s->tile_h + GAP);
    measure_legend(s, width);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, top + s->rows * LEGEND_ROW + GAP);
    s->cr = cairo_create(surface);
    cairo_set_source_rgb(s->cr, 1, 1, 1);
    cairo_paint(s->cr);
    cairo_select_font_face(s->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(s->cr, 13);
    for (int32_t c = 0; c < COLUMNS; c++)
        write_text(s, GAP + c * (s->tile_w + GAP), TITLE - 8, title[c]);
    for (int32_t i = 0; i < s->n; i++)
        for (int32_t c = 0; c < COLUMNS; c++)
            put(s, picture[i][c], c, i);
    draw_legend(s, top);
    failed = cairo_status(s->cr);
    cairo_destroy(s->cr);
    if (!failed)
        failed = surface_png(surface, png, arena);
    cairo_surface_destroy(surface);
    return failed;
}

fpc_status sheet_png(fpc_ctx *ctx, fpc_arena *arena, const fpc_pictures *pictures, text *png)
{
    struct sheet s = {
        .info = pictures, .n = pictures->n < MOST ? pictures->n : MOST, .h = pictures->h, .w = pictures->w};
    const cairo_status_t failed = draw_sheet(&s, arena, png);

    return failed ? fpc_fail(ctx, failed == CAIRO_STATUS_NO_MEMORY ? FPC_ENOMEM : FPC_EINTERNAL,
                             "the sheet of pictures cannot be drawn: %s", cairo_status_to_string(failed))
                  : FPC_OK;
}
