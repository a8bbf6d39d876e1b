/* lr.c: `fpcore lr`: the learning rate of every epoch before any training: a table with bars, CSV or a picture.
 * What it prints is what the trainer uses: both ask fpc_experiment_lr. */
#include "cmd/args.h"
#include "weights/weights.h"
#include "cmd/inspect/preview.h"
#include "cmd/report/report.h"
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR = 40, ROWS = 48, WIDTH = 800, HEIGHT = 400, LEFT = 70, RIGHT = 20, TOP = 30, BOTTOM = 45 };
enum { MOST_LOSSES = sizeof((fpc_step_result *)0)->term / sizeof(double) };

typedef struct curve {
    const char *title;
    int64_t n;
    double *rate, top;
    const fpc_experiment *experiment; /* for the weights of losses that change */
} curve;

/* The k-th loss whose weight has a schedule; NULL: there are fewer. */
static const fpc_loss_term *varying(const curve *c, int32_t k)
{
    for (int32_t i = 0; i < c->experiment->n_losses; i++)
        if (fpc_curve_varies(&c->experiment->loss[i].curve) && k-- == 0)
            return &c->experiment->loss[i];
    return NULL;
}

static void print_csv(const curve *c)
{
    const fpc_loss_term *loss;

    fpc_print("epoch,lr");
    for (int32_t k = 0; (loss = varying(c, k)); k++)
        fpc_print(",weight.%s", loss->label);
    fpc_print("\n");
    for (int64_t e = 0; e < c->n; e++) {
        fpc_print("%lld,%.12g", (long long)e + 1, c->rate[e]);
        for (int32_t k = 0; (loss = varying(c, k)); k++)
            fpc_print(",%.12g", fpc_curve_at(&loss->curve, e));
        fpc_print("\n");
    }
}

/* Whether a loss has another weight in epoch e than before. */
static int weights_change(const curve *c, int64_t e)
{
    const fpc_loss_term *loss;

    for (int32_t k = 0; e > 0 && (loss = varying(c, k)); k++)
        if (fpc_curve_at(&loss->curve, e) != fpc_curve_at(&loss->curve, e - 1))
            return 1;
    return 0;
}

/* Every epoch of a short run; of a long one every k-th, the last, each one where a falling rate jumps up or the weight
 * of a loss changes. */
static fpc_status print_table(fpc_arena *arena, const curve *c, int all)
{
    const int64_t every = all || c->n <= ROWS ? 1 : (c->n + ROWS - 1) / ROWS;
    const fpc_loss_term *loss;
    fpc_report r = {.arena = arena};
    fpc_column column[MOST_LOSSES + 5] = {{"epoch", "epoch", FPC_AS_COUNT, 0},
                                          {"lr", "learning rate", FPC_AS_TEXT, 0},
                                          {"share", "of largest", FPC_AS_COUNT, 0}};
    int32_t n = 3;

    for (int32_t k = 0; (loss = varying(c, k)); k++)
        column[n++] = (fpc_column){loss->label, fpc_sprintf(arena, "weight.%s", loss->label), FPC_AS_TEXT, 0};
    column[n] = (fpc_column){"bar", "", FPC_AS_TEXT, 0};
    fpc_table *t = fpc_table_new(&r, "lr", column);
    for (int64_t e = 0; e < c->n; e++) {
        const int jump = e > 1 && c->rate[e - 1] < c->rate[e - 2] && c->rate[e] > c->rate[e - 1] + c->top / 4;
        if (e % every && e != c->n - 1 && !jump && !weights_change(c, e))
            continue;
        const int bar = c->top > 0 ? (int)lround(c->rate[e] / c->top * BAR) : 0;
        fpc_cell *cell = fpc_report_row(&r, t);
        *cell++ = fpc_cell_number((double)e + 1);
        *cell++ = fpc_cell_text(fpc_sprintf(arena, "%.6g", c->rate[e]));
        *cell++ = fpc_cell_text(fpc_sprintf(arena, "%.1f %%", c->top > 0 ? 100 * c->rate[e] / c->top : 0));
        for (int32_t k = 0; (loss = varying(c, k)); k++)
            *cell++ = fpc_cell_text(fpc_sprintf(arena, "%.6g", fpc_curve_at(&loss->curve, e)));
        *cell = fpc_cell_text(
            fpc_sprintf(arena, "%.*s%s", bar, "########################################", jump ? "  restart" : ""));
    }
    return r.failed ? FPC_ENOMEM : fpc_table_print(arena, t, "");
}

static void label(cairo_t *cr, double x, double y, double align, const char *text)
{
    cairo_text_extents_t size;

    cairo_text_extents(cr, text, &size);
    cairo_move_to(cr, x - align * size.width, y);
    cairo_show_text(cr, text);
}

/* A round number that splits `range` into four to ten parts. */
static double tick(double range)
{
    const double p = pow(10, floor(log10(range / 4)));

    return range / (5 * p) >= 4 ? 5 * p : range / (2 * p) >= 4 ? 2 * p : p;
}

static void axes(cairo_t *cr, const curve *c)
{
    const double w = WIDTH - LEFT - RIGHT, h = HEIGHT - TOP - BOTTOM, ds = fmax(1, tick((double)c->n)),
                 dr = tick(c->top);
    char text[64];

    cairo_set_line_width(cr, 1);
    for (double e = 0; e <= (double)c->n; e += ds) {
        const double x = LEFT + w * e / (double)c->n;
        cairo_set_source_rgb(cr, 0.85, 0.85, 0.85);
        cairo_move_to(cr, x, TOP);
        cairo_line_to(cr, x, TOP + h);
        cairo_stroke(cr);
        cairo_set_source_rgb(cr, 0.2, 0.2, 0.2);
        snprintf(text, sizeof text, "%g", e);
        label(cr, x, HEIGHT - BOTTOM + 16, 0.5, text);
    }
    for (double r = 0; r <= c->top * 1.0001; r += dr) {
        const double y = TOP + h * (1 - r / c->top);
        cairo_set_source_rgb(cr, 0.85, 0.85, 0.85);
        cairo_move_to(cr, LEFT, y);
        cairo_line_to(cr, LEFT + w, y);
        cairo_stroke(cr);
        cairo_set_source_rgb(cr, 0.2, 0.2, 0.2);
        snprintf(text, sizeof text, "%.3g", r);
        label(cr, LEFT - 6, y + 4, 1, text);
    }
    label(cr, LEFT + w / 2, HEIGHT - 8, 0.5, "epoch");
    label(cr, LEFT, TOP - 10, 0, c->title);
}

/* Steps, as the rate is constant within an epoch. */
static void draw(cairo_t *cr, const curve *c)
{
    const double w = WIDTH - LEFT - RIGHT, h = HEIGHT - TOP - BOTTOM;

    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, 12);
    axes(cr, c);
    cairo_set_source_rgb(cr, 0.1, 0.35, 0.7);
    cairo_set_line_width(cr, 2);
    cairo_new_path(cr); /* text leaves a current point */
    for (int64_t e = 0; e < c->n; e++) {
        const double y = TOP + h * (1 - c->rate[e] / c->top);
        cairo_line_to(cr, LEFT + w * (double)e / (double)c->n, y);
        cairo_line_to(cr, LEFT + w * (double)(e + 1) / (double)c->n, y);
    }
    cairo_stroke(cr);
}

static fpc_status write_png(fpc_cmdline *cmd, const curve *c, const char *path)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(surface);
    curve shown = *c;

    if (!(shown.top > 0))
        shown.top = 1;
    draw(cr, &shown);
    const cairo_status_t failed = cairo_status(cr);
    cairo_destroy(cr);
    const fpc_status status = failed ? fpc_fail(cmd->ctx, failed == CAIRO_STATUS_NO_MEMORY ? FPC_ENOMEM : FPC_EIO,
                                                "%s: cannot draw the curve: %s", path, cairo_status_to_string(failed))
                                     : fpc_surface_write(cmd->ctx, cmd->arena, path, surface);
    cairo_surface_destroy(surface);
    return status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    int csv = 0, all = 0, recorded = 0;
    const char *png = NULL;
    fpc_experiment *s;
    const fpc_arg table[] = {{"csv", 0, FPC_ARG_FLAG, 0, &csv},
                             {"all", 0, FPC_ARG_FLAG, 0, &all},
                             {"recorded", 0, FPC_ARG_FLAG, 0, &recorded},
                             {"png", 0, FPC_ARG_TEXT, 0, &png},
                             {0}};
    fpc_status status = fpc_args_read(cmd, table, NULL, NULL);

    if (status || (status = fpc_cmd_open(cmd, FPC_OPEN_TRAIN, &s)))
        return status;
    curve c = {.title = fpc_sprintf(cmd->arena, "%s: learning rate%s, %s", s->run.name, recorded ? " as recorded" : "",
                                    s->schedule.plugin->name),
               .n = s->run.epochs,
               .rate = fpc_alloc(cmd->arena, sizeof(double) * (size_t)s->run.epochs),
               .experiment = s};
    if (!c.rate || !c.title)
        return FPC_ENOMEM;
    for (int64_t e = 0; e < c.n; e++) {
        if (isnan(c.rate[e] = fpc_experiment_lr(s, e + recorded, NULL)))
            return fpc_ctx_status(cmd->ctx);
        c.top = fmax(c.top, c.rate[e]);
    }
    if (csv)
        print_csv(&c);
    else if ((!png || all) && (status = print_table(cmd->arena, &c, all)))
        return status;
    if (!png || (status = write_png(cmd, &c, png)))
        return status;
    if (!csv)
        fpc_print("%s: the rate of %lld epochs\n", png, (long long)c.n);
    return FPC_OK;
}

const fpc_cmd fpc_cmd_lr = {
    .name = "lr",
    .place = 60,
    .summary = "Print the learning rate of every epoch.",
    .needs_recipe = 1,
    .run = run,
    .help =
        "usage: fpcore lr -c RECIPE [-s SECTION.KEY=VALUE]... [--all] [--recorded] [--csv] [--png FILE]\n"
        "\n"
        "Prints the learning rate used in each epoch, counted from 1, and the weights of losses that change. A long\n"
        "table shows every few epochs, restarts and changes.\n"
        "\n"
        "  --all       every epoch\n"
        "  --recorded  the rate as PyTorch's histories note it when an epoch is over: that of the next one\n"
        "  --csv       lines `epoch,lr` for every epoch\n"
        "  --png FILE  draws the curve instead\n"
        "\n"
        "example: fpcore lr -c conf/lmsa_v1.ini -s schedule.use=poly --png lr.png\n"};
