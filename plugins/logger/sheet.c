/* sheet.c: pictures, their labels and what the model makes of them side by side in the data set's colours, where it is
 * wrong, what each scored, and a legend of the classes that occur; drawn by cairo, for the loggers that show pictures.
 */
#include "sheet.h"

#include <fpcore/image.h>

enum { GAP = 8, TITLE = 24, LEGEND_ROW = 22, MOST = 16, SMALLEST = 160, LARGEST = 256, CAPTION = 20, COLUMNS = 4 };
enum column { IMAGE, LABEL, PREDICTION, ERRORS };

struct sheet {
    const fpc_pictures *info;
    int32_t n, h, w;                 /* pictures and their size in the data */
    int32_t tile_w, tile_h, row;     /* on the sheet; row: with what stands above it */
    int32_t columns, rows, cell;     /* of the legend */
    uint8_t seen[256], made[256][3]; /* made: colours where the data set has none */
    cairo_t *cr;
};

static void colour_of(const struct sheet *s, uint8_t label, uint8_t rgb[3])
{
    if (label < s->info->classes && s->info->palette)
        memcpy(rgb, s->info->palette[label], 3);
    else if (label < s->info->classes)
        memcpy(rgb, s->made[label], 3);
    else
        rgb[0] = rgb[1] = rgb[2] = 128;
}

/* Where the prediction is not the label: red on the picture in weak grey. What counts nowhere is no error. */
static void error_of(const struct sheet *s, const uint8_t *rgb, uint8_t label, uint8_t prediction, uint8_t out[3])
{
    static const uint8_t wrong[3] = {214, 26, 26};
    const uint8_t grey = (uint8_t)(150 + (rgb[0] * 2 + rgb[1] * 5 + rgb[2]) / 8 * 100 / 255);

    if (label < s->info->classes && label != prediction)
        memcpy(out, wrong, 3);
    else
        memset(out, grey, 3);
}

/* Tile `column` of picture i. */
static cairo_surface_t *surface_of(struct sheet *s, int32_t i, enum column column)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, s->w, s->h);
    unsigned char *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    const size_t pixels = (size_t)s->h * (size_t)s->w, first = (size_t)i * pixels;
    const uint8_t *rgb = s->info->image + 3 * first, *label = s->info->label + first;
    const uint8_t *prediction = s->info->prediction + first, *shown = column == LABEL ? label : prediction;

    if (!data) /* no memory: the sheet's own status tells of it in the end */
        return surface;
    cairo_surface_flush(surface);
    for (int32_t y = 0; y < s->h; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + (ptrdiff_t)y * stride);
        for (int32_t x = 0; x < s->w; x++) {
            const size_t at = (size_t)y * (size_t)s->w + (size_t)x;
            uint8_t c[3];
            if (column == IMAGE)
                memcpy(c, rgb + 3 * at, 3);
            else if (column == ERRORS)
                error_of(s, rgb + 3 * at, label[at], prediction[at], c);
            else
                colour_of(s, shown[at], c), s->seen[shown[at]] = 1;
            row[x] = (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

static void put(struct sheet *s, cairo_surface_t *picture, int32_t column, int32_t row)
{
    cairo_save(s->cr);
    cairo_translate(s->cr, GAP + column * (s->tile_w + GAP), TITLE + (row + 1) * s->row - s->tile_h - GAP);
    cairo_scale(s->cr, (double)s->tile_w / s->w, (double)s->tile_h / s->h);
    cairo_set_source_surface(s->cr, picture, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(s->cr),
                             column != IMAGE || s->tile_h > s->h ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
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

/* "among the worst, F 0.4123: 00d07a7847"; from the middle on they are the best. */
static void write_caption(struct sheet *s, int32_t i)
{
    const int32_t worst = s->info->n - s->info->n / 2;
    char words[160] = "";
    int at = 0;

    if (s->info->score)
        at = snprintf(words, sizeof words, "%s, F %.4f%s", i < worst ? "among the worst" : "among the best",
                      s->info->score[i], s->info->name ? ": " : "");
    if (s->info->name)
        snprintf(words + at, sizeof words - (size_t)at, "%.100s", s->info->name[i]);
    write_text(s, GAP, TITLE + i * s->row + CAPTION - 6, words);
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
    s->row = s->tile_h + GAP + (s->info->score || s->info->name ? CAPTION : 0);
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
    static const char *const title[COLUMNS] = {"image", "label", "prediction", "errors"};
    cairo_surface_t *picture[MOST][COLUMNS], *surface;
    int32_t width, top;
    cairo_status_t failed;

    measure(s);
    for (int32_t i = 0; i < s->n; i++)
        for (int c = 0; c < COLUMNS; c++)
            picture[i][c] = surface_of(s, i, (enum column)c);
    width = GAP + COLUMNS * (s->tile_w + GAP);
    top = TITLE + s->n * s->row;
    measure_legend(s, width);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, top + s->rows * LEGEND_ROW + GAP);
    s->cr = cairo_create(surface);
    cairo_set_source_rgb(s->cr, 1, 1, 1);
    cairo_paint(s->cr);
    cairo_select_font_face(s->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(s->cr, 13);
    for (int32_t c = 0; c < COLUMNS; c++)
        write_text(s, GAP + c * (s->tile_w + GAP), TITLE - 8, title[c]);
    for (int32_t i = 0; i < s->n; i++) {
        write_caption(s, i);
        for (int32_t c = 0; c < COLUMNS; c++)
            put(s, picture[i][c], c, i);
    }
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
    fpc_palette_make(256, s.made);
    const cairo_status_t failed = draw_sheet(&s, arena, png);

    return failed ? fpc_fail(ctx, failed == CAIRO_STATUS_NO_MEMORY ? FPC_ENOMEM : FPC_EINTERNAL,
                             "the sheet of pictures cannot be drawn: %s", cairo_status_to_string(failed))
                  : FPC_OK;
}
