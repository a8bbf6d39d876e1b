/* run.c: the chapter of one run: its numbers, stages with their trends, chosen epochs with the learning rate and both
 * kinds of gap, volatility, the epochs around the best, restarts, and in sentences what is easily overlooked. */
#define _GNU_SOURCE
#include "cmd/report/analyze/analyze.h"
#include "record/run_files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 6, BEHIND = 3 /* epochs shown around the best */ };

/* ---- the numbers of the ranking, upright ---- */

static const fpc_column summary[] = {
    {"label", "run", FPC_AS_TEXT, "name and time of the run"},
    {"path", "path", FPC_AS_TEXT, "where it was read"},
    {"ended", "ended", FPC_AS_TEXT, "how the run ended"},
    {"monitor", "measure", FPC_AS_TEXT, "the column that picks the best epoch"},
    {"epochs", "epochs", FPC_AS_COUNT, "in the record"},
    {"planned", "planned epochs", FPC_AS_COUNT, "run.epochs of the recipe"},
    {"best", "best", FPC_AS_SCORE, "first best value"},
    {"best_epoch", "best epoch", FPC_AS_COUNT, "its epoch"},
    {"train_at_best", "train at the best", FPC_AS_SCORE, "the training measure in that epoch"},
    {"gap", "gap at the best", FPC_AS_DIFF, "train - val, absolute"},
    {"gap_percent", "gap at the best, % of val", FPC_AS_CHANGE, "train - val in percent of val"},
    {"final", "final", FPC_AS_SCORE, "value of the last epoch"},
    {"final_gap", "final gap", FPC_AS_DIFF, "train - val in the last epoch, absolute"},
    {"final_gap_percent", "final gap, % of val", FPC_AS_CHANGE, "the same in percent of val"},
    {"drop", "best - final", FPC_AS_SCORE, "absolute"},
    {"drop_percent", "best - final, % of the best", FPC_AS_PERCENT, "in percent"},
    {"mean_after", "mean after the best", FPC_AS_SCORE, "over all epochs behind the best"},
    {"trend_after", "trend after the best, per epoch", FPC_AS_SLOPE, "least squares"},
    {"last10", "mean of the last 10", FPC_AS_SCORE, "epochs"},
    {"top5", "mean of the 5 best", FPC_AS_SCORE, "epochs"},
    {"window", "smoothed peak: best 5 in a row", FPC_AS_SCORE, "their mean"},
    {"window_end", "the last of them", FPC_AS_COUNT, "epoch"},
    {"above_window", "the best above them", FPC_AS_SCORE, "what of the best is one lucky epoch"},
    {"change_sigma", "σ of changes behind epoch 30", FPC_AS_SCORE, "spread of the changes from epoch to epoch"},
    {"low_loss", "lowest val loss", FPC_AS_SCORE, ""},
    {"low_loss_epoch", "its epoch", FPC_AS_COUNT, ""},
    {"top_accuracy", "highest val accuracy", FPC_AS_SCORE, ""},
    {"top_accuracy_epoch", "its epoch", FPC_AS_COUNT, ""},
    {0}};

static void add_summary(fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    fpc_table *t = fpc_report_table(r, chapter, "summary", "In numbers", summary);

    if (t)
        t->upright = 1;
    fpc_report_add(r, t, fpc_cell_text(a->recorded->label), fpc_cell_text(a->recorded->path),
                   fpc_cell_text(fpc_analysis_ended(a)), fpc_cell_text(a->recorded->monitor), fpc_cell_count(a->n),
                   fpc_cell_count(fpc_recorded_number(a->recorded, "run", "epochs", 0)), fpc_cell_number(a->best),
                   fpc_cell_count(a->best_epoch), fpc_cell_number(a->train_at_best), fpc_cell_number(a->gap),
                   fpc_cell_number(a->gap_percent), fpc_cell_number(a->final), fpc_cell_number(a->final_gap),
                   fpc_cell_number(a->final_gap_percent), fpc_cell_number(a->drop), fpc_cell_number(a->drop_percent),
                   fpc_cell_number(a->after), fpc_cell_number(a->trend_after), fpc_cell_number(a->last10),
                   fpc_cell_number(a->top5), fpc_cell_number(a->window), fpc_cell_count(a->window_end),
                   fpc_cell_number(a->above), fpc_cell_number(a->change_sigma), fpc_cell_number(a->low_loss),
                   fpc_cell_count(a->low_loss_epoch), fpc_cell_number(a->top_accuracy),
                   fpc_cell_count(a->top_accuracy_epoch));
}

/* ---- stages ---- */

/* The letters are sigma and delta: in a macro, so that its lines count as many columns as bytes. */
#define STAGE_COLUMNS                                                                                                  \
    {"from", "from", FPC_AS_COUNT, "first epoch"}, {"to", "to", FPC_AS_COUNT, "last epoch"},                           \
        {"mean", "val mean", FPC_AS_SCORE, "of the monitored column"},                                                 \
        {"sigma", "\317\203", FPC_AS_SCORE, "its standard deviation over the epochs (population)"},                    \
        {"train", "train mean", FPC_AS_SCORE, "of the same measure on the training pictures"},                         \
        {"gap", "gap", FPC_AS_DIFF, "train - val of these means, absolute"},                                           \
        {"gap_percent", "gap %", FPC_AS_CHANGE, "the gap in percent of val"},                                          \
        {"trend", "trend/epoch", FPC_AS_SLOPE, "slope of val by least squares"},                                       \
        {"change_sigma", "\317\203(\316\224val)", FPC_AS_SCORE, "spread of the changes from epoch to epoch"},          \
    {                                                                                                                  \
        "rate_used", "lr used", FPC_AS_RATE, "mean of the rates that these epochs were trained with"                   \
    }
/* Where the record holds the next epoch's rate, that is shown as well. */
static const fpc_column stages[] = {STAGE_COLUMNS, {0}},
                        stages_next[] = {
                            STAGE_COLUMNS, {"rate", "lr recorded", FPC_AS_RATE, "mean of the rates as recorded"}, {0}};

static void add_stages(const fpc_analyze_options *o, fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    fpc_table *t = fpc_report_table(r, chapter, "stages", "Stages", a->recorded->lr_is_next ? stages_next : stages);
    fpc_span own[FPC_ANALYZE_SPANS];
    const fpc_span *span = o->n_stages ? o->stage : own;
    const int32_t n = o->n_stages ? o->n_stages : fpc_analysis_stages(a, own);

    for (int32_t i = 0; i < n; i++) {
        const fpc_stage_row s = fpc_analysis_stage(a, span[i]);
        if (!s.span.from)
            continue;
        fpc_cell *c = fpc_report_row(r, t);
        *c++ = fpc_cell_count(s.span.from);
        *c++ = fpc_cell_count(s.span.to);
        *c++ = fpc_cell_number(s.mean);
        *c++ = fpc_cell_number(s.sigma);
        *c++ = fpc_cell_number(s.train);
        *c++ = fpc_cell_number(s.gap);
        *c++ = fpc_cell_number(s.gap_percent);
        *c++ = fpc_cell_number(s.trend);
        *c++ = fpc_cell_number(s.change_sigma);
        *c++ = fpc_cell_number(s.used);
        if (a->recorded->lr_is_next)
            *c = fpc_cell_number(s.rate);
    }
}

/* ---- chosen epochs ---- */

#define EPOCH_COLUMNS                                                                                                  \
    {"epoch", "epoch", FPC_AS_COUNT, ""}, {"what", "", FPC_AS_TEXT, "why it is shown"},                                \
        {"val", "val", FPC_AS_SCORE, "the monitored column"},                                                          \
        {"best_so_far", "best so far", FPC_AS_SCORE, "its best value up to here"},                                     \
        {"train", "train", FPC_AS_SCORE, "the same measure on the training pictures"},                                 \
        {"gap", "gap", FPC_AS_DIFF, "train - val, absolute"},                                                          \
        {"gap_percent", "gap %", FPC_AS_CHANGE, "the gap in percent of val"},                                          \
        {"train_loss", "train loss", FPC_AS_SCORE, ""}, {"val_loss", "val loss", FPC_AS_SCORE, ""},                    \
    {                                                                                                                  \
        "rate_used", "lr used", FPC_AS_RATE, "the rate that this epoch was trained with"                               \
    }
#define TOP_COLUMN                                                                                                     \
    {                                                                                                                  \
        "rate_percent", "% of top", FPC_AS_PERCENT, "the recorded rate in percent of the highest"                      \
    }
static const fpc_column epochs[] = {EPOCH_COLUMNS, TOP_COLUMN, {0}},
                        epochs_next[] = {
                            EPOCH_COLUMNS,
                            {"rate", "lr recorded", FPC_AS_RATE, "as it stands in the record: that of the next epoch"},
                            TOP_COLUMN,
                            {0}};

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Epochs to show, sorted, each once; returns how many. */
static int32_t choose_epochs(const fpc_analyze_options *o, const fpc_analysis *a, int64_t *out)
{
    const int64_t n = a->n, usual[] = {1, a->warmup, n / 4, n / 2, 3 * n / 4, a->best_epoch, n};
    int32_t k = 0, kept = 0;

    for (int32_t i = 0; i < o->n_at; i++)
        out[k++] = o->at[i];
    for (size_t i = 0; !o->n_at && i < sizeof usual / sizeof *usual; i++)
        out[k++] = usual[i];
    qsort(out, (size_t)k, sizeof *out, by_number);
    for (int32_t i = 0; i < k; i++)
        if (out[i] >= 1 && out[i] <= n && (!kept || out[kept - 1] != out[i]))
            out[kept++] = out[i];
    return kept;
}

static const char *name_of(const fpc_analysis *a, int64_t epoch)
{
    return epoch == a->best_epoch ? "best" : epoch == a->n ? "last" : epoch == a->warmup ? "end of warm-up" : "";
}

static void add_epoch(fpc_report *r, fpc_table *t, const fpc_analysis *a, int64_t e, const char *what)
{
    const double *train_loss = fpc_recorded_column(a->recorded, "train_loss"),
                 *val_loss = fpc_recorded_column(a->recorded, "val_loss");
    const double val = fpc_analysis_at(a, a->val, e), train = fpc_analysis_at(a, a->train, e);
    const int64_t top = a->rate ? fpc_series_best(a->n, a->rate, 1) : -1;
    const double rate = fpc_analysis_at(a, a->rate, e);
    fpc_cell *c = fpc_report_row(r, t);

    *c++ = fpc_cell_count(e);
    *c++ = fpc_cell_text(what);
    *c++ = fpc_cell_number(val);
    *c++ = fpc_cell_number(fpc_analysis_best_so_far(a, e));
    *c++ = fpc_cell_number(train);
    *c++ = fpc_cell_number(train - val);
    *c++ = fpc_cell_number(val != 0 ? 100 * (train - val) / fabs(val) : NAN);
    *c++ = fpc_cell_number(fpc_analysis_at(a, train_loss, e));
    *c++ = fpc_cell_number(fpc_analysis_at(a, val_loss, e));
    *c++ = fpc_cell_number(fpc_analysis_at(a, a->used, e));
    if (a->recorded->lr_is_next)
        *c++ = fpc_cell_number(rate);
    *c = fpc_cell_number(top >= 0 && a->rate[top] > 0 ? 100 * rate / a->rate[top] : NAN);
}

/* --at names epochs for all runs; one that this run does not have is said to be missing. */
static void note_beyond(const fpc_analyze_options *o, fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    const char *list = "";
    int32_t n = 0;

    for (int32_t i = 0; i < o->n_at && list; i++)
        if (o->at[i] > a->n)
            list = fpc_sprintf(r->arena, "%s%s%lld", list, n++ ? ", " : "", (long long)o->at[i]);
    if (n)
        fpc_report_note(r, chapter, "--at %s: the record ends at epoch %lld.", list ? list : "", (long long)a->n);
}

static void add_epochs(const fpc_analyze_options *o, fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    int64_t epoch[FPC_ANALYZE_SPANS];
    const int32_t n = choose_epochs(o, a, epoch);
    fpc_table *t =
        fpc_report_table(r, chapter, "epochs", "At single epochs", a->recorded->lr_is_next ? epochs_next : epochs);

    for (int32_t i = 0; i < n; i++)
        add_epoch(r, t, a, epoch[i], name_of(a, epoch[i]));
    note_beyond(o, r, chapter, a);
    if (t && a->recorded->lr_is_next && a->rate)
        t->note = "The rate recorded with an epoch is that of the next one (it was read after the scheduler's step); "
                  "\"lr used\" is what the epoch was trained with.";
}

static void add_around(fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    fpc_table *t =
        fpc_report_table(r, chapter, "around_best", "Around the best", a->recorded->lr_is_next ? epochs_next : epochs);

    for (int64_t e = a->best_epoch - BEFORE; e <= a->best_epoch + BEHIND; e++)
        if (e >= 1 && e <= a->n)
            add_epoch(r, t, a, e, name_of(a, e));
}

/* ---- volatility ---- */

static const fpc_column volatility[] = {
    {"from", "from epoch", FPC_AS_COUNT, ""},
    {"to", "to epoch", FPC_AS_COUNT, ""},
    {"mean", "mean", FPC_AS_SCORE, "of the monitored column"},
    {"sigma", "σ", FPC_AS_SCORE, "its standard deviation over the epochs (population)"},
    {"max", "highest", FPC_AS_SCORE, ""},
    {"max_epoch", "its epoch", FPC_AS_COUNT, ""},
    {"min", "lowest", FPC_AS_SCORE, ""},
    {"min_epoch", "its epoch", FPC_AS_COUNT, ""},
    {"range", "highest - lowest", FPC_AS_SCORE, "absolute"},
    {"range_percent", "in % of the mean", FPC_AS_PERCENT, ""},
    {"change_sigma", "σ of changes", FPC_AS_SCORE, "from one epoch to the next"},
    {"largest", "largest change", FPC_AS_SCORE, "from one epoch to the next, without its sign"},
    {"largest_epoch", "to epoch", FPC_AS_COUNT, "to which it leads"},
    {"trend", "trend per epoch", FPC_AS_SLOPE, "least squares"},
    {0}};

static void add_volatility(const fpc_analyze_options *o, fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    const fpc_span half = {a->n / 2 + 1, a->n};
    const fpc_volatility v = fpc_analysis_volatility(a, o->epochs.from ? o->epochs : half);
    fpc_table *t;

    if (!v.span.from || !(t = fpc_report_table(r, chapter, "volatility", "Volatility", volatility)))
        return;
    t->upright = 1;
    fpc_report_add(r, t, fpc_cell_count(v.span.from), fpc_cell_count(v.span.to), fpc_cell_number(v.mean),
                   fpc_cell_number(v.sigma), fpc_cell_number(v.max), fpc_cell_count(v.max_epoch),
                   fpc_cell_number(v.min), fpc_cell_count(v.min_epoch), fpc_cell_number(v.range),
                   fpc_cell_number(v.range_percent), fpc_cell_number(v.change_sigma), fpc_cell_number(v.largest),
                   fpc_cell_count(v.largest_epoch), fpc_cell_number(v.trend));
}

/* ---- sentences ---- */

static void add_notes(fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    const fpc_recorded *p = a->recorded;
    const long long n = a->n, best = a->best_epoch, meant = fpc_recorded_number(p, "run", "epochs", 0);

    if (p->truncated)
        fpc_report_note(r, chapter,
                        "The record is truncated: it ends exactly at its best epoch (%lld of %lld), and neither the "
                        "epochs of a recipe nor patience explain that. It looks like one taken from a best-model "
                        "checkpoint. What came later is unknown; final value and drop mean nothing.",
                        best, n);
    else if (n > best && !p->ended)
        fpc_report_note(r, chapter, "The record ends %lld epochs after its best, as a patience of %lld would end it.",
                        n - best, n - best);
    if (p->ended && meant > n && fpc_run_end_of(p->ended) != FPC_RUN_STOPPED)
        fpc_report_note(r, chapter, "run.json says \"%s\": %lld of %lld epochs are in the record.", p->ended, n, meant);
    if (p->saved_epoch && p->saved_epoch != best)
        fpc_report_note(r, chapter,
                        "best.safetensors is of epoch %lld, where the monitored value was %.4f; the single best epoch "
                        "is %lld.",
                        (long long)p->saved_epoch, fpc_analysis_at(a, a->val, p->saved_epoch), best);
    if (fabs(a->best - a->smooth[best - 1]) > a->change_sigma)
        fpc_report_note(r, chapter,
                        "The best epoch stands out of its neighbours by %.4f (mean of 5: %.4f), more than the σ of "
                        "one-epoch changes (%.4f): a part of the best is luck.",
                        fabs(a->best - a->smooth[best - 1]), a->smooth[best - 1], a->change_sigma);
    if (n - best >= 10)
        fpc_report_note(r, chapter, "Behind the best: %lld epochs with mean %.4f, trend %+.5f per epoch.", n - best,
                        a->after, a->trend_after);
}

fpc_status fpc_analyze_run(fpc_analyses *all, fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    chapter->key = chapter->title = fpc_report_clean(r->arena, a->recorded->label);
    add_summary(r, chapter, a);
    add_stages(all->o, r, chapter, a);
    add_epochs(all->o, r, chapter, a);
    add_volatility(all->o, r, chapter, a);
    add_around(r, chapter, a);
    fpc_analyze_restarts(r, chapter, 1, a);
    fpc_analyze_budget(r, chapter, 1, a);
    add_notes(r, chapter, a);
    return fpc_analyze_classes(all, r, chapter, a);
}
