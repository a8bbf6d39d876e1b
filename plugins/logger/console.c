/* console.c: what a person sees of a training, on stderr: on a terminal a bar with the time left, elsewhere a line per
 * epoch (and one every so often while an epoch takes long); in the end the best epoch, class by class. */
#define _GNU_SOURCE
#include "text.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { AUTO, ON, OFF };

struct console {
    fpc_self self;
    int64_t progress, classes;
    double interval;
    int live;     /* a bar can be drawn */
    int drawn;    /* a bar stands on the line */
    double shown; /* elapsed seconds at the last bar or progress line */
    text line;
    const char *run_dir, *monitor;
    int64_t val_images, train_images;
};

static void end_line(struct console *c)
{
    if (c->drawn)
        fputs("\r\033[K", stderr);
    c->drawn = 0;
    if (c->line.n && !c->line.failed)
        fprintf(stderr, "%s\n", c->line.data);
    c->line.n = 0;
}

static int columns_of_terminal(void)
{
    struct winsize size;

    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 20 ? size.ws_col : 80;
}

/* ---- while an epoch runs ---- */

static void draw_bar(struct console *c, const fpc_event *e, int64_t done, int64_t total, const char *what)
{
    enum { WIDTH = 24 };
    const int64_t full = total > 0 ? done * WIDTH / total : 0;
    char bar[WIDTH + 1], left[32];

    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '=' : i == full ? '>' : ' ';
    bar[WIDTH] = '\0';
    c->line.n = 0;
    text_add(&c->line, c->self.arena, "epoch %lld/%lld [%s] %lld/%lld  %s  left %s", (long long)e->clock->epoch + 1,
             (long long)e->clock->epochs, bar, (long long)done, (long long)total, what,
             duration(left, event_real(e, "seconds_left", 0)));
    if (!c->line.failed)
        fprintf(stderr, "\r%.*s\033[K", columns_of_terminal() - 1, c->line.data);
    c->line.n = 0;
    c->drawn = 1;
}

static void progress(struct console *c, const fpc_event *e, int64_t done, int64_t total, const char *what)
{
    const double elapsed = event_real(e, "elapsed", 0);
    char left[32];

    if (c->live && (elapsed - c->shown >= 0.1 || done == total)) {
        draw_bar(c, e, done, total, what);
        c->shown = elapsed;
    } else if (!c->live && c->interval > 0 && elapsed - c->shown >= c->interval) {
        text_add(&c->line, c->self.arena, "epoch %lld/%lld  %s %lld/%lld  left %s", (long long)e->clock->epoch + 1,
                 (long long)e->clock->epochs, what, (long long)done, (long long)total,
                 duration(left, event_real(e, "seconds_left", 0)));
        end_line(c);
        c->shown = elapsed;
    }
}

static void on_step(struct console *c, const fpc_event *e)
{
    char what[96];

    snprintf(what, sizeof what, "loss %.4f  %.1f images/s", event_real(e, "loss", NAN),
             event_real(e, "images_per_s", 0));
    progress(c, e, e->clock->step, e->clock->steps_per_epoch, what);
}

/* ---- an epoch is over ---- */

static void on_epoch(struct console *c, const fpc_event *e)
{
    const int32_t n = main_columns(e);
    const int64_t row = e->n_rows - 1;
    int validated = 0;
    char left[32], took[32];

    if (row < 0)
        return;
    text_add(&c->line, c->self.arena, "epoch %lld/%lld  train:", (long long)e->clock->epoch + 1,
             (long long)e->clock->epochs);
    for (int32_t i = 0; i < n; i++) {
        const char *name = e->column[i];
        if (isnan(e->value[i][row])) /* no validation, or a metric without a value */
            continue;
        if (!validated && !strncmp(name, "val_", 4)) {
            text_add(&c->line, c->self.arena, "  val:");
            validated = 1;
        }
        name += validated ? 4 : !strncmp(name, "train_", 6) ? 6 : 0;
        text_add(&c->line, c->self.arena, " %s %.4f", name, e->value[i][row]);
    }
    if (n < e->n_columns)
        text_add(&c->line, c->self.arena, "  lr %.3g", e->value[n][row]);
    text_add(&c->line, c->self.arena, "  time %s left %s%s", duration(took, event_real(e, "seconds", 0)),
             duration(left, event_real(e, "seconds_left", 0)), event_int(e, "best", 0) ? "  best" : "");
    end_line(c);
    c->shown = event_real(e, "elapsed", c->shown);
}

/* ---- beginning and end ---- */

static void on_begin(struct console *c, const fpc_event *e)
{
    const char *term = getenv("TERM");

    c->live = c->progress == ON || (c->progress == AUTO && isatty(STDERR_FILENO) && term && strcmp(term, "dumb"));
    c->monitor = fpc_strdup(c->self.arena, event_text(e, "monitor", ""));
    text_add(&c->line, c->self.arena, "run %s: %s with %lld parameters on backend %s", event_text(e, "run_dir", "?"),
             event_text(e, "model", "model"), (long long)event_int(e, "params", 0), event_text(e, "backend", "?"));
    end_line(c);
    text_add(&c->line, c->self.arena,
             "%lld training and %lld validation images, %lld steps of %lld images per epoch, %s %lld to %lld",
             (long long)event_int(e, "train_images", 0), (long long)event_int(e, "val_images", 0),
             (long long)e->clock->steps_per_epoch, (long long)event_int(e, "batch", 0),
             event_int(e, "resumed", 0) ? "resumed: epochs" : "epochs", (long long)e->clock->epoch + 1,
             (long long)e->clock->epochs);
    if (e->clock->epoch < e->clock->epochs)
        end_line(c);
    c->line.n = 0;
}

/* "val_f1.skin": a value of class skin. */
static const char *class_of(const char *column)
{
    const char *dot = strchr(column, '.');

    return !strncmp(column, "val_", 4) && strncmp(column, "val_loss.", 9) && dot ? dot + 1 : NULL;
}

/* The metrics that have values per class, by their first column. */
enum { MOST_METRICS = 6 };

static int32_t class_metrics(const fpc_event *e, int32_t first[MOST_METRICS])
{
    int32_t n = 0;

    for (int32_t i = 0; i < e->n_columns && n < MOST_METRICS; i++) {
        const char *dot = strchr(e->column[i], '.');
        if (class_of(e->column[i]) &&
            (n == 0 || strncmp(e->column[first[n - 1]], e->column[i], (size_t)(dot - e->column[i]) + 1)))
            first[n++] = i;
    }
    return n;
}

static void class_table(struct console *c, const fpc_event *e, int64_t row)
{
    int32_t first[MOST_METRICS], n = class_metrics(e, first), known = 0;

    for (int32_t k = 0; k < n; k++)
        for (int32_t i = first[k]; i < e->n_columns && class_of(e->column[i]); i++)
            known |= !isnan(e->value[i][row]);
    if (!known)
        return;
    text_add(&c->line, c->self.arena, "  %-16s", "class");
    for (int32_t k = 0; k < n; k++)
        text_add(&c->line, c->self.arena, " %9.*s", (int)strcspn(e->column[first[k]] + 4, "."),
                 e->column[first[k]] + 4);
    end_line(c);
    for (int32_t at = 0; first[0] + at < (n > 1 ? first[1] : e->n_columns) && class_of(e->column[first[0] + at]);
         at++) {
        text_add(&c->line, c->self.arena, "  %-16s", class_of(e->column[first[0] + at]));
        for (int32_t k = 0; k < n && first[k] + at < e->n_columns; k++)
            text_add(&c->line, c->self.arena, isnan(e->value[first[k] + at][row]) ? "         -" : " %9.4f",
                     e->value[first[k] + at][row]);
        end_line(c);
    }
}

static void on_end(struct console *c, const fpc_event *e)
{
    const int64_t best = event_int(e, "best_epoch", -1);
    char took[32];

    end_line(c);
    text_add(&c->line, c->self.arena, "%s after %lld epochs, %s; results in %s", event_text(e, "status", "ended"),
             (long long)e->n_rows, duration(took, event_real(e, "seconds", 0)), event_text(e, "run_dir", "?"));
    end_line(c);
    if (best < 0 || best >= e->n_rows)
        return;
    text_add(&c->line, c->self.arena, "best epoch %lld: %s %.4f", (long long)best + 1, c->monitor ? c->monitor : "",
             event_real(e, "best_value", NAN));
    end_line(c);
    if (c->classes)
        class_table(c, e, best);
}

static fpc_status event(fpc_self *self, const fpc_event *e)
{
    struct console *c = (struct console *)self;

    if (e->what == FPC_RUN_BEGIN)
        on_begin(c, e);
    else if (e->what == FPC_STEP)
        on_step(c, e);
    else if (e->what == FPC_EVAL)
        progress(c, e, event_int(e, "done", 0), event_int(e, "total", 0), "validation");
    else if (e->what == FPC_EPOCH)
        on_epoch(c, e);
    else if (e->what == FPC_RUN_END)
        on_end(c, e);
    return FPC_OK;
}

static const fpc_choice when[] = {
    {"auto", AUTO, "where stderr is a terminal"}, {"on", ON, "always"}, {"off", OFF, "never"}, {0}};
static const fpc_option options[] = {
    FPC_OPTION_CHOICE(struct console, progress, "auto", when, "draw a progress bar"),
    FPC_OPTION_REAL(struct console, interval, "60", 0, 86400, "s",
                    "without a bar: a line so often while an epoch runs; 0: only at its end"),
    FPC_OPTION_BOOL(struct console, classes, "on", "in the end list the best epoch's values per class"),
    {0}};
static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event};
static const fpc_plugin console = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOGGER,
    .name = "console",
    .summary = "Show progress and results on stderr.",
    .detail = "On a terminal a bar with steps, loss, images per second and the time left; elsewhere plain lines.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct console),
    .vtbl = &vtbl};
FPC_PLUGINS(&console)
