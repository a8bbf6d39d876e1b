/* plot.c: curves.png: losses, every metric, and the learning rate over the epochs, training beside validation, the best
 * epoch marked. Drawn after an epoch, though not more often than every few seconds, and at the end of the run. And
 * samples.png: the validation pictures that the best weights do worst and best on. */
#include "sheet.h"

enum { PANEL_W = 620, PANEL_H = 400, LEFT = 68, RIGHT = 18, TOP = 44, BOTTOM = 46, MOST_PANELS = 12 };

struct plot {
    fpc_self self;
    double interval;
    const char *path, *samples, *name;
    double drawn; /* elapsed seconds at the last drawing */
    int64_t best; /* -1: none */
    text png;
};

struct panel {
    char title[80];
    const double *curve[2]; /* train, val; NULL: none */
    int64_t n;
    int64_t best; /* -1: do not mark */
    double x0, y0, low, high, tick;
};

static const double colours[2][3] = {{0.12, 0.40, 0.75}, {0.88, 0.40, 0.05}};
static const double grey[3] = {0.35, 0.35, 0.35};

static void set_colour(cairo_t *cr, const double rgb[3])
{
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
}

/* A step of 1, 2 or 5 times a power of ten, such that a span has about n of them. */
static double nice_step(double span, int n)
{
    const double raw = span / n, power = pow(10, floor(log10(raw))), lead = raw / power;

    return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

static void find_range(struct panel *p)
{
    double low = INFINITY, high = -INFINITY;

    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; p->curve[k] && i < p->n; i++)
            if (isfinite(p->curve[k][i])) {
                low = fmin(low, p->curve[k][i]);
                high = fmax(high, p->curve[k][i]);
            }
    if (low > high)
        low = 0, high = 1;
    if (low >= 0 && low < 0.35 * high)
        low = 0;
    if (high - low < 1e-9 * fmax(fabs(high), fabs(low)) || high <= low) {
        const double around = fabs(high) > 0 ? 0.1 * fabs(high) : 1;
        low -= low > 0 && low < around ? low : around;
        high += around;
    }
    p->tick = nice_step(high - low, 5);
    p->low = floor(low / p->tick + 1e-9) * p->tick;
    p->high = ceil(high / p->tick - 1e-9) * p->tick;
}

static double x_of(const struct panel *p, double epoch)
{
    const double first = 1, last = p->n > 1 ? (double)p->n : 2;

    return p->x0 + LEFT + (epoch - first) / (last - first) * (PANEL_W - LEFT - RIGHT);
}

static double y_of(const struct panel *p, double v)
{
    return p->y0 + PANEL_H - BOTTOM - (v - p->low) / (p->high - p->low) * (PANEL_H - TOP - BOTTOM);
}

enum { FROM_LEFT, CENTRED, TO_RIGHT };

static void write_at(cairo_t *cr, double x, double y, int how, const char *what)
{
    cairo_text_extents_t box;

    cairo_text_extents(cr, what, &box);
    cairo_move_to(cr, how == FROM_LEFT ? x : how == CENTRED ? x - box.x_advance / 2 : x - box.x_advance, y);
    cairo_show_text(cr, what);
}

static void line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, floor(x0) + 0.5, floor(y0) + 0.5);
    cairo_line_to(cr, floor(x1) + 0.5, floor(y1) + 0.5);
    cairo_stroke(cr);
}

static void draw_axes(cairo_t *cr, const struct panel *p)
{
    const double x0 = p->x0 + LEFT, x1 = p->x0 + PANEL_W - RIGHT, y1 = p->y0 + PANEL_H - BOTTOM;
    const double step = p->n > 1 ? fmax(1, nice_step((double)p->n - 1, 7)) : 1;
    char number[32];

    cairo_set_font_size(cr, 12);
    cairo_set_line_width(cr, 1);
    for (int i = 0; p->low + i * p->tick <= p->high + 0.01 * p->tick && i < 40; i++) {
        const double v = p->low + i * p->tick;
        cairo_set_source_rgb(cr, 0.88, 0.88, 0.88);
        line(cr, x0, y_of(p, v), x1, y_of(p, v));
        snprintf(number, sizeof number, "%.4g", fabs(v) < 1e-9 * p->tick ? 0 : v);
        set_colour(cr, grey);
        write_at(cr, x0 - 8, y_of(p, v) + 4, TO_RIGHT, number);
    }
    for (double e = 1; e <= (double)p->n; e = e < step ? step : e + step) {
        if (e == 1 && step > 3 && p->n > 30)
            continue; /* too near to the next */
        snprintf(number, sizeof number, "%.0f", e);
        set_colour(cr, grey);
        line(cr, x_of(p, e), y1, x_of(p, e), y1 + 4);
        write_at(cr, x_of(p, e), y1 + 18, CENTRED, number);
    }
    line(cr, x0, p->y0 + TOP, x0, y1);
    line(cr, x0, y1, x1, y1);
    write_at(cr, (x0 + x1) / 2, y1 + 36, CENTRED, "epoch");
}

static void draw_curve(cairo_t *cr, const struct panel *p, int k)
{
    int on = 0;

    set_colour(cr, colours[k]);
    cairo_set_line_width(cr, 1.8);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    for (int64_t i = 0; i < p->n; i++) {
        const double v = p->curve[k][i], x = x_of(p, (double)i + 1);
        if (!isfinite(v)) {
            on = 0;
            continue;
        }
        if (on)
            cairo_line_to(cr, x, y_of(p, v));
        else
            cairo_move_to(cr, x, y_of(p, v));
        on = 1;
    }
    cairo_stroke(cr);
    for (int64_t i = 0; i < p->n && p->n <= 40; i++)
        if (isfinite(p->curve[k][i])) {
            cairo_arc(cr, x_of(p, (double)i + 1), y_of(p, p->curve[k][i]), 2.4, 0, 6.2832);
            cairo_fill(cr);
        }
}

static void draw_best(cairo_t *cr, const struct panel *p)
{
    static const double dash[] = {4, 4};
    const double x = x_of(p, (double)p->best + 1), v = p->curve[1] ? p->curve[1][p->best] : NAN;

    set_colour(cr, grey);
    cairo_set_line_width(cr, 1);
    cairo_set_dash(cr, dash, 2, 0);
    line(cr, x, p->y0 + TOP, x, p->y0 + PANEL_H - BOTTOM);
    cairo_set_dash(cr, NULL, 0, 0);
    if (!isfinite(v))
        return;
    set_colour(cr, colours[1]);
    cairo_arc(cr, x, y_of(p, v), 5, 0, 6.2832);
    cairo_stroke(cr);
}

static void draw_head(cairo_t *cr, const struct panel *p)
{
    static const char *const word[2] = {"train", "val"};
    double x = p->x0 + PANEL_W - RIGHT;
    char note[96];

    cairo_set_font_size(cr, 15);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    write_at(cr, p->x0 + LEFT, p->y0 + 28, FROM_LEFT, p->title);
    cairo_set_font_size(cr, 12);
    for (int k = 1; k >= 0; k--) {
        const double v = p->curve[k] && p->best >= 0 && p->best < p->n ? p->curve[k][p->best] : NAN;
        if (!p->curve[k] || (!p->curve[1] && k == 0))
            continue;
        if (k == 1 && isfinite(v))
            snprintf(note, sizeof note, "val (%.4g at best epoch %lld)", v, (long long)p->best + 1);
        else
            snprintf(note, sizeof note, "%s", word[k]);
        set_colour(cr, colours[k]);
        write_at(cr, x, p->y0 + 28, TO_RIGHT, note);
        cairo_text_extents_t box;
        cairo_text_extents(cr, note, &box);
        x -= box.x_advance + 6;
        cairo_set_line_width(cr, 2.5);
        line(cr, x - 18, p->y0 + 23, x, p->y0 + 23);
        x -= 34;
    }
}

static void draw_panel(cairo_t *cr, struct panel *p)
{
    find_range(p);
    draw_axes(cr, p);
    if (p->best >= 0 && p->best < p->n)
        draw_best(cr, p);
    for (int k = 0; k < 2; k++)
        if (p->curve[k])
            draw_curve(cr, p, k);
    draw_head(cr, p);
}

/* ---- which panels ---- */

static int32_t list_panels(const struct plot *plot, const fpc_event *e, struct panel *panel)
{
    const int32_t main_ones = main_columns(e);
    int32_t n = 0;

    for (int32_t i = 0; i < main_ones && n < MOST_PANELS - 1; i++) {
        struct panel *p = &panel[n];
        char other[128];
        if (strncmp(e->column[i], "train_", 6))
            continue;
        *p = (struct panel){.n = e->n_rows, .best = plot->best};
        snprintf(p->title, sizeof p->title, "%s", e->column[i] + 6);
        snprintf(other, sizeof other, "val_%s", e->column[i] + 6);
        p->curve[0] = e->value[i];
        p->curve[1] = column_of(e, other) >= 0 ? e->value[column_of(e, other)] : NULL;
        n++;
    }
    if (main_ones < e->n_columns) {
        panel[n] = (struct panel){.title = "learning rate", .n = e->n_rows, .best = plot->best};
        panel[n++].curve[0] = e->value[main_ones];
    }
    return n;
}

static fpc_status draw(struct plot *plot, const fpc_event *e)
{
    struct panel panel[MOST_PANELS];
    const int32_t n = list_panels(plot, e, panel), across = n > 4 ? 3 : n > 1 ? 2 : 1, down = (n + across - 1) / across;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, across * PANEL_W, down * PANEL_H + 34);
    cairo_t *cr = cairo_create(surface);
    cairo_status_t failed;

    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, 17);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    if (plot->name)
        write_at(cr, across * PANEL_W / 2.0, 26, CENTRED, plot->name);
    for (int32_t i = 0; i < n; i++) {
        panel[i].x0 = i % across * PANEL_W;
        panel[i].y0 = 34 + i / across * PANEL_H;
        draw_panel(cr, &panel[i]);
    }
    failed = cairo_status(cr);
    cairo_destroy(cr);
    if (!failed)
        failed = surface_png(surface, &plot->png, plot->self.arena);
    cairo_surface_destroy(surface);
    if (failed)
        return fpc_fail(plot->self.ctx, failed == CAIRO_STATUS_NO_MEMORY ? FPC_ENOMEM : FPC_EINTERNAL,
                        "%s: cannot be drawn: %s", plot->path, cairo_status_to_string(failed));
    return fpc_write_atomic(plot->self.ctx, plot->path, plot->png.data, plot->png.n);
}

static fpc_status draw_samples(struct plot *plot, const fpc_event *e)
{
    const fpc_status status = sheet_png(plot->self.ctx, plot->self.arena, e->pictures, &plot->png);

    return status ? status : fpc_write_atomic(plot->self.ctx, plot->samples, plot->png.data, plot->png.n);
}

static int wants(const fpc_self *self, uint32_t what, const fpc_clock *clock)
{
    (void)clock;
    return what == FPC_SAMPLES && ((const struct plot *)self)->path;
}

static fpc_status event(fpc_self *self, const fpc_event *e)
{
    struct plot *plot = (struct plot *)self;
    const char *folder = event_text(e, "run_dir", NULL);
    const double elapsed = event_real(e, "elapsed", 0);

    if (e->what == FPC_RUN_BEGIN && folder) {
        plot->path = fpc_sprintf(self->arena, "%s/curves.png", folder);
        plot->samples = fpc_sprintf(self->arena, "%s/samples.png", folder);
        plot->name = fpc_strdup(self->arena, event_text(e, "name", ""));
        plot->best = event_int(e, "best_epoch", -1);
        plot->drawn = -1e9;
        return plot->path && plot->samples ? FPC_OK : FPC_ENOMEM;
    }
    if (e->what == FPC_SAMPLES && plot->path && e->pictures)
        return draw_samples(plot, e);
    if ((e->what != FPC_EPOCH && e->what != FPC_RUN_END) || !plot->path || e->n_rows == 0)
        return FPC_OK;
    plot->best = event_int(e, "best_epoch", -1);
    if (e->what == FPC_EPOCH && elapsed - plot->drawn < plot->interval)
        return FPC_OK;
    plot->drawn = elapsed;
    return draw(plot, e);
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct plot, interval, "5", 0, 86400, "s", "draw after an epoch only so often"), {0}};
static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event, .wants = wants};
static const fpc_plugin plot_plugin = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOGGER,
    .flags = FPC_PLUGIN_ONCE,
    .name = "plot",
    .summary = "Draw curves.png and samples.png.",
    .detail =
        "curves.png: losses, metrics and the learning rate over the epochs, training beside validation, the best "
        "epoch\n"
        "marked. samples.png: the worst and the best validation pictures, their labels, what the best weights make\n"
        "of them, and where that is wrong.",
    .version = "1.1",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct plot),
    .vtbl = &vtbl};
FPC_PLUGINS(&plot_plugin)
