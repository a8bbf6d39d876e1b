/* console.c: what a person sees of a training, on stderr: a table with a line per epoch; while an epoch runs, on a
 * terminal a bar with the time left, elsewhere a line every so often; in the end the best epoch, class by class. No
 * line of table or bar is wider than the terminal (80 columns where there is none). */
#define _GNU_SOURCE
#include "text.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { AUTO, ON, OFF };

enum { MOST_SHOWN = 12, HEAD_EVERY = 40 /* lines */ };

struct console {
    fpc_self self;
    int64_t progress, classes;
    const char *metrics;   /* columns or labels, separated by commas; "": the one that picks the best */
    int32_t shown_columns; /* of the table */
    int32_t shown_column[MOST_SHOWN];
    int shown_width[MOST_SHOWN];
    int64_t lines; /* of the table so far */
    double interval;
    int live;     /* a bar can be drawn */
    int drawn;    /* a bar stands on the line */
    double shown; /* elapsed seconds at the last bar or progress line */
    text line, missing;
    const char *run_dir, *monitor;
    int64_t val_images, train_images;
};

static int columns_of_terminal(void)
{
    struct winsize size;

    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 20 ? size.ws_col : 80;
}

/* Breaks the line at blanks where it is wider; a word that is stays whole. */
static void fold(char *line, int width)
{
    char *blank = NULL;
    int columns = 0;

    for (char *p = line; *p; p++) {
        columns += ((unsigned char)*p & 0xc0) != 0x80;
        if (columns > width && blank) {
            *blank = '\n';
            columns = 0;
            for (const char *q = blank + 1; q <= p; q++)
                columns += ((unsigned char)*q & 0xc0) != 0x80;
            blank = NULL;
        }
        if (*p == ' ')
            blank = p;
    }
}

static void put(struct console *c, int width)
{
    if (c->drawn)
        fputs("\r\033[K", stderr);
    c->drawn = 0;
    if (c->line.n && !c->line.failed) {
        defuse(c->line.data);
        if (width)
            fold(c->line.data, width);
        fprintf(stderr, "%s\n", c->line.data);
    }
    c->line.n = 0;
}

/* Of the table. */
static void end_line(struct console *c)
{
    put(c, 0);
}

/* On a terminal it takes as many lines as it needs. */
static void end_sentence(struct console *c)
{
    put(c, isatty(STDERR_FILENO) ? columns_of_terminal() : 0);
}

/* ---- while an epoch runs ---- */

/* What does not fit is left out whole: the bar is the first to become shorter and go, then what is being done; never
 * half of a number. */
static void draw_bar(struct console *c, const fpc_event *e, int64_t done, int64_t total, const char *what)
{
    enum { LONGEST = 24, SHORTEST = 6 };
    const int room = columns_of_terminal() - 1;
    char bar[LONGEST + 4] = "", head[64], count[64], tail[64], left[32];
    int spare, width, full;

    snprintf(head, sizeof head, "epoch %lld/%lld ", (long long)e->clock->epoch + 1, (long long)e->clock->epochs);
    snprintf(count, sizeof count, "%lld/%lld", (long long)done, (long long)total);
    snprintf(tail, sizeof tail, "  left %s", duration(left, event_real(e, "seconds_left", 0)));
    spare = room - (int)(strlen(head) + strlen(count) + strlen(tail));
    if (spare < (int)strlen(what) + 2)
        what = "";
    else
        spare -= (int)strlen(what) + 2;
    width = spare - 3 < LONGEST ? spare - 3 : LONGEST;
    full = total > 0 ? (int)(done * width / total) : 0;
    if (width >= SHORTEST) {
        bar[0] = '[';
        for (int i = 0; i < width; i++)
            bar[i + 1] = i < full ? '=' : i == full ? '>' : ' ';
        memcpy(bar + width + 1, "] ", 3);
    }
    fprintf(stderr, "\r%s%s%s%s%s%s\033[K", head, bar, count, *what ? "  " : "", what, tail);
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

static int epoch_width(const fpc_event *e)
{
    return snprintf(NULL, 0, "%lld/%lld", (long long)e->clock->epochs, (long long)e->clock->epochs);
}

static int has_column(const struct console *c, int32_t column)
{
    for (int32_t i = 0; i < c->shown_columns; i++)
        if (c->shown_column[i] == column)
            return 1;
    return 0;
}

/* *used: characters of the line so far. What does not fit is added to `missing`; a learning rate has its own place. */
static void add_column(struct console *c, const fpc_event *e, int32_t column, int *used, text *missing)
{
    const char *name = column < 0 ? "lr" : e->column[column];
    const int width = strlen(name) < 8 ? 8 : (int)strlen(name);

    if (column < 0 || !strcmp(name, "lr") || has_column(c, column))
        return;
    if (c->shown_columns == MOST_SHOWN || *used + 2 + width >= columns_of_terminal()) {
        text_add(missing, c->self.arena, "%s%s", missing->n ? ", " : "", name);
        return;
    }
    *used += 2 + width;
    c->shown_column[c->shown_columns] = column;
    c->shown_width[c->shown_columns++] = width;
}

/* The column that `metrics` names, n bytes: in full, or that of the validation without its val_; -1: none. */
static int32_t named_column(const fpc_event *e, const char *name, size_t n)
{
    for (int full = 1; full >= 0; full--)
        for (int32_t i = 0; i < e->n_columns; i++) {
            const char *column = e->column[i];
            if (!full && strncmp(column, "val_", 4) != 0)
                continue;
            column += full ? 0 : 4;
            if (strlen(column) == n && !strncmp(column, name, n))
                return i;
        }
    return -1;
}

/* Whether a word of `names` before `at`, which is of n bytes, means the same column. */
static int named_before(const fpc_event *e, const char *names, const char *at, size_t n)
{
    for (const char *p = names + strspn(names, ", "); p < at; p += strspn(p, ", ")) {
        if (named_column(e, p, strcspn(p, ", ")) == named_column(e, at, n))
            return 1;
        p += strcspn(p, ", ");
    }
    return 0;
}

/* The columns of the table: losses, then the metric that is watched or those that `metrics` names, in its order, as
 * many as fit between the epoch and the rate. The first table says what is missing of those that were asked for. */
static void choose_columns(struct console *c, const fpc_event *e)
{
    int used = (epoch_width(e) < 5 ? 5 : epoch_width(e)) + (int)strlen("         lr     time     left best");
    const char *names = *c->metrics ? c->metrics : c->monitor ? c->monitor : "";
    text *missing = &c->missing;

    c->shown_columns = 0;
    missing->n = 0;
    add_column(c, e, column_of(e, "train_loss"), &used, missing);
    add_column(c, e, column_of(e, "val_loss"), &used, missing);
    for (const char *at = names + strspn(names, ", "); *at; at += strspn(at, ", ")) {
        const size_t n = strcspn(at, ", ");
        if (!named_before(e, names, at, n))
            add_column(c, e, named_column(e, at, n), &used, missing);
        at += n;
    }
    if (c->lines == 1 && *c->metrics && missing->n && !missing->failed) {
        text_add(&c->line, c->self.arena, "%s.metrics: %s: no room in %d columns: left out", c->self.label,
                 missing->data, columns_of_terminal());
        end_line(c);
    }
}

static void table_head(struct console *c, const fpc_event *e)
{
    text_add(&c->line, c->self.arena, "%*s", epoch_width(e) < 5 ? 5 : epoch_width(e), "epoch");
    for (int32_t i = 0; i < c->shown_columns; i++)
        text_add(&c->line, c->self.arena, "  %*s", c->shown_width[i], e->column[c->shown_column[i]]);
    text_add(&c->line, c->self.arena, "%11s %8s %8s", "lr", "time", "left");
    end_line(c);
}

static void on_epoch(struct console *c, const fpc_event *e)
{
    const int32_t lr = main_columns(e);
    const int64_t row = e->n_rows - 1;
    char left[32], took[32], epoch[48];

    if (row < 0)
        return;
    if (c->lines++ % HEAD_EVERY == 0) {
        choose_columns(c, e);
        table_head(c, e);
    }
    snprintf(epoch, sizeof epoch, "%lld/%lld", (long long)e->clock->epoch + 1, (long long)e->clock->epochs);
    text_add(&c->line, c->self.arena, "%*s", epoch_width(e) < 5 ? 5 : epoch_width(e), epoch);
    for (int32_t i = 0; i < c->shown_columns; i++) {
        const double v = e->value[c->shown_column[i]][row];
        if (isnan(v)) /* no validation, or a metric without a value */
            text_add(&c->line, c->self.arena, "  %*s", c->shown_width[i], "-");
        else
            text_add(&c->line, c->self.arena, "  %*.4f", c->shown_width[i], v);
    }
    text_add(&c->line, c->self.arena, "%11.3g %8s %8s%s", lr < e->n_columns ? e->value[lr][row] : NAN,
             duration(took, event_real(e, "seconds", 0)), duration(left, event_real(e, "seconds_left", 0)),
             event_int(e, "best", 0) ? " best" : "");
    end_line(c);
    c->shown = event_real(e, "elapsed", c->shown);
}

/* ---- beginning and end ---- */

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static void on_begin(struct console *c, const fpc_event *e)
{
    const char *term = getenv("TERM");

    c->live = c->progress == ON || (c->progress == AUTO && isatty(STDERR_FILENO) && term && strcmp(term, "dumb"));
    c->lines = 0;
    c->monitor = fpc_strdup(c->self.arena, event_text(e, "monitor", ""));
    text_add(&c->line, c->self.arena, "run %s: %s with %lld parameters on backend %s", event_text(e, "run_dir", "?"),
             event_text(e, "model", "model"), (long long)event_int(e, "params", 0), event_text(e, "backend", "?"));
    end_sentence(c);
    text_add(&c->line, c->self.arena,
             "%lld training and %lld validation images, %lld step%s of %lld image%s per epoch, %s %lld to %lld",
             (long long)event_int(e, "train_images", 0), (long long)event_int(e, "val_images", 0),
             (long long)e->clock->steps_per_epoch, plural(e->clock->steps_per_epoch),
             (long long)event_int(e, "batch", 0), plural(event_int(e, "batch", 0)),
             event_int(e, "resumed", 0) ? "resumed: epochs" : "epochs", (long long)e->clock->epoch + 1,
             (long long)e->clock->epochs);
    if (e->clock->epoch < e->clock->epochs)
        end_sentence(c);
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
    const char *folder = event_text(e, "run_dir", "");
    char took[32];

    end_line(c);
    text_add(&c->line, c->self.arena, "%s after %lld epoch%s, %s", event_text(e, "status", "ended"),
             (long long)e->n_rows, plural(e->n_rows), duration(took, event_real(e, "seconds", 0)));
    if (*folder)
        text_add(&c->line, c->self.arena, "; results in %s", folder);
    end_sentence(c);
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
    {"metrics",
     "what to show, in this order, separated by commas: metrics of the validation by their labels, or columns of "
     "history.csv; empty: the metric that picks the best",
     "", "", 1, 0, NULL, FPC_OPT_TEXT, FPC_OPT_COLUMNS, FPC_FIELD_(struct console, metrics, const char *)},
    {0}};
static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = event};
static const fpc_plugin console = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_LOGGER,
    .flags = FPC_PLUGIN_ONCE,
    .name = "console",
    .summary = "Show progress and results on stderr.",
    .detail =
        "A line per epoch: losses, metrics of the validation, learning rate, time taken and left; as many columns as\n"
        "the terminal has room for (80 where there is none). history.csv has them all. While an epoch runs, on a\n"
        "terminal a bar with steps, loss, images per second and the time left; elsewhere plain lines.",
    .version = "1.1",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct console),
    .vtbl = &vtbl};
FPC_PLUGINS(&console)
