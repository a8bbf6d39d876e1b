/* analyze.c: the numbers of one recorded run (analyze.h), as the reports counted them: best is the first extreme of the
 * monitored column, gaps are train - val, sigmas are of the population. Restarts are found in the learning rate, so
 * that a lone history file has them too. */
#include "cmd/report/analyze/analyze.h"

#include <math.h>
#include <string.h>

enum { SETTLED = 30 /* epochs before one-epoch changes are taken to be noise */, LAST = 10, TOP = 5, WINDOW = 5 };

double fpc_analysis_at(const fpc_analysis *a, const double *column, int64_t epoch)
{
    return column && epoch >= 1 && epoch <= a->n ? column[epoch - 1] : NAN;
}

double fpc_analysis_best_so_far(const fpc_analysis *a, int64_t epochs)
{
    const int64_t n = epochs < a->n ? epochs : a->n, best = n > 0 ? fpc_series_best(n, a->val, a->higher) : -1;

    return best >= 0 ? a->val[best] : NAN;
}

static double percent(double part, double of)
{
    return of != 0 ? 100 * part / fabs(of) : NAN;
}

/* ---- columns ---- */

static fpc_status take_columns(fpc_arena *arena, fpc_analysis *a)
{
    const fpc_recorded *p = a->recorded;
    double *used;

    a->val = fpc_recorded_column(p, p->monitor);
    a->rate = fpc_recorded_column(p, "lr");
    if (!strncmp(p->monitor, "val_", 4)) {
        const char *key = fpc_sprintf(arena, "train_%s", p->monitor + 4);
        if (!key)
            return FPC_ENOMEM;
        a->train = fpc_recorded_column(p, key);
    }
    if (!(a->smooth = fpc_alloc(arena, (size_t)a->n * sizeof *a->smooth)) ||
        !(used = fpc_alloc(arena, (size_t)a->n * sizeof *used)))
        return FPC_ENOMEM;
    fpc_series_smooth(a->n, a->val, FPC_ANALYZE_SMOOTH, a->smooth);
    for (int64_t e = 0; e < a->n; e++)
        used[e] = !a->rate ? NAN : !p->lr_is_next ? a->rate[e] : e ? a->rate[e - 1] : NAN;
    a->used = a->rate ? used : NULL;
    return FPC_OK;
}

/* ---- ranking numbers ---- */

static void measure_best(fpc_analysis *a)
{
    const int64_t at = fpc_series_best(a->n, a->val, a->higher);

    a->best_epoch = at + 1;
    a->best = a->val[at];
    a->final = a->val[a->n - 1];
    a->drop = a->higher ? a->best - a->final : a->final - a->best;
    a->drop_percent = percent(a->drop, a->best);
    a->train_at_best = fpc_analysis_at(a, a->train, a->best_epoch);
    a->gap = a->train_at_best - a->best;
    a->gap_percent = percent(a->gap, a->best);
    a->final_gap = fpc_analysis_at(a, a->train, a->n) - a->final;
    a->final_gap_percent = percent(a->final_gap, a->final);
}

static void measure_robust(fpc_analysis *a)
{
    const int64_t behind = a->n - a->best_epoch;
    const double *after = a->val + a->best_epoch;

    a->after = fpc_series_mean(behind, after);
    a->trend_after = fpc_series_trend(behind, after);
    a->last10 = fpc_series_last(a->n, a->val, LAST);
    a->top5 = fpc_series_top(a->n, a->val, TOP, a->higher);
    a->window = fpc_series_window(a->n, a->val, WINDOW, a->higher, &a->window_end);
    a->window_end++;
    a->change_sigma = a->n > SETTLED + 1 ? fpc_series_change_sigma(a->n - SETTLED, a->val + SETTLED) : NAN;
    a->above = a->higher ? a->best - a->window : a->window - a->best;
}

static void measure_others(fpc_analysis *a)
{
    const double *loss = fpc_recorded_column(a->recorded, "val_loss"),
                 *accuracy = fpc_recorded_column(a->recorded, "val_accuracy");
    const int64_t low = loss ? fpc_series_best(a->n, loss, 0) : -1;
    const int64_t top = accuracy ? fpc_series_best(a->n, accuracy, 1) : -1;

    a->low_loss = fpc_analysis_at(a, loss, a->low_loss_epoch = low + 1);
    a->top_accuracy = fpc_analysis_at(a, accuracy, a->top_accuracy_epoch = top + 1);
}

/* ---- what the learning rate tells ---- */

/* A falling rate that jumps up by a quarter of its highest value. */
static int jumps(const double *rate, int64_t e, double top)
{
    return e > 1 && rate[e - 1] < rate[e - 2] && rate[e] > rate[e - 1] + top / 4;
}

static int beats(const fpc_analysis *a, double value, double best)
{
    return a->higher ? value > best : value < best;
}

/* next[e]: the first epoch from e on (from 0) that is better than all before it; n: none. So every restart is measured
 * by a look into a table, however many there are. */
static int64_t *next_records(fpc_arena *arena, const fpc_analysis *a)
{
    int64_t *next = fpc_alloc(arena, ((size_t)a->n + 1) * sizeof *next), at = a->n;
    double best = NAN;

    for (int64_t e = 0; next && e < a->n; e++) {
        next[e] = beats(a, a->val[e], best);
        if (next[e] || (isnan(best) && !isnan(a->val[e])))
            best = a->val[e];
    }
    for (int64_t e = a->n - 1; next && e >= 0; e--) {
        at = next[e] ? e : at;
        next[e] = at;
    }
    return next;
}

/* next: the first epoch from the restart on that beats all before. */
static void measure_restart(const fpc_analysis *a, int64_t end, int64_t next, fpc_restart *r)
{
    r->before = a->val[r->after - 1];
    r->dip = NAN;
    r->regained = next < a->n && !isnan(r->former) ? next + 1 : 0;
    if (r->regained && next < end)
        end = next;
    for (int64_t e = r->after; e < end; e++)
        if (!isnan(a->val[e]) && (isnan(r->dip) || beats(a, r->dip, a->val[e]))) {
            r->dip = a->val[e];
            r->dip_epoch = e + 1;
        }
}

/* In `rate` of the reports the entry of epoch e is the rate of e + 1, so the jump stands where the low epoch is. */
static fpc_status find_restarts(fpc_arena *arena, fpc_analysis *a)
{
    const int64_t top = a->rate ? fpc_series_best(a->n, a->rate, 1) : -1;
    int64_t *next, seen = 0;
    double best = NAN;
    int32_t n = 0;

    for (int64_t e = 0; top >= 0 && e < a->n; e++)
        n += jumps(a->rate, e, a->rate[top]);
    if (!n)
        return FPC_OK;
    if (!(a->restart = fpc_alloc(arena, (size_t)n * sizeof *a->restart)))
        return FPC_ENOMEM;
    for (int64_t e = 0; e < a->n; e++)
        if (jumps(a->rate, e, a->rate[top]))
            a->restart[a->n_restarts++] =
                (fpc_restart){.after = a->recorded->lr_is_next ? e + 1 : e, .low = a->rate[e - 1], .high = a->rate[e]};
    if (!(next = next_records(arena, a)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        fpc_restart *r = &a->restart[i];
        for (; seen < r->after; seen++)
            if (isnan(best) || beats(a, a->val[seen], best))
                best = a->val[seen];
        r->former = best;
        measure_restart(a, i + 1 < n ? a->restart[i + 1].after : a->n, r->after < a->n ? next[r->after] : a->n, r);
    }
    return FPC_OK;
}

static void find_warmup(fpc_analysis *a)
{
    int64_t e = 1;

    while (a->rate && e < a->n && a->rate[e] > a->rate[e - 1])
        e++;
    if (!a->rate || e == a->n) /* one that rises to the end is no warm-up */
        return;
    a->warmup = a->recorded->lr_is_next && e > 1 ? e : e - 1; /* ours has the highest rate behind the warm-up */
}

fpc_status fpc_analyze(fpc_ctx *ctx, fpc_arena *arena, const fpc_recorded *recorded, fpc_analysis *out)
{
    fpc_status status;

    *out = (fpc_analysis){.recorded = recorded, .n = recorded->epochs, .higher = recorded->higher_is_better};
    if (!recorded->monitor || fpc_recorded_best(recorded) < 0)
        return fpc_fail(ctx, FPC_EINVAL, "%s: no column says which epoch is the best; --metric COLUMN names one",
                        recorded->path);
    if ((status = take_columns(arena, out)))
        return status;
    measure_best(out);
    measure_robust(out);
    measure_others(out);
    find_warmup(out);
    return find_restarts(arena, out);
}

/* ---- parts of a run ---- */

static int clip(const fpc_analysis *a, fpc_span *s)
{
    if (s->from < 1)
        s->from = 1;
    if (s->to > a->n)
        s->to = a->n;
    return s->from <= s->to;
}

static double mean_of(const double *column, fpc_span s)
{
    return column ? fpc_series_mean(s.to - s.from + 1, column + s.from - 1) : NAN;
}

fpc_stage_row fpc_analysis_stage(const fpc_analysis *a, fpc_span span)
{
    fpc_stage_row r = {{0, 0}, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    int64_t n;

    if (!clip(a, &span))
        return r;
    n = span.to - span.from + 1;
    r.span = span;
    r.mean = mean_of(a->val, span);
    r.sigma = fpc_series_sigma(n, a->val + span.from - 1);
    r.train = mean_of(a->train, span);
    r.gap = r.train - r.mean;
    r.gap_percent = percent(r.gap, r.mean);
    r.rate = mean_of(a->rate, span);
    r.used = mean_of(a->used, span);
    r.trend = fpc_series_trend(n, a->val + span.from - 1);
    r.change_sigma = fpc_series_change_sigma(n, a->val + span.from - 1);
    return r;
}

fpc_volatility fpc_analysis_volatility(const fpc_analysis *a, fpc_span span)
{
    const fpc_stage_row s = fpc_analysis_stage(a, span);
    fpc_volatility v = {.span = s.span,
                        .mean = s.mean,
                        .sigma = s.sigma,
                        .change_sigma = s.change_sigma,
                        .trend = s.trend,
                        .max = NAN,
                        .min = NAN,
                        .range = NAN,
                        .range_percent = NAN,
                        .largest = NAN};
    const double *at = a->val + s.span.from - 1;
    const int64_t n = s.span.to - s.span.from + 1, high = s.span.from ? fpc_series_best(n, at, 1) : -1;

    if (high < 0)
        return v;
    const int64_t low = fpc_series_best(n, at, 0);
    v.max = at[high];
    v.max_epoch = s.span.from + high;
    v.min = at[low];
    v.min_epoch = s.span.from + low;
    v.range = v.max - v.min;
    v.range_percent = percent(v.range, v.mean);
    v.largest = fpc_series_largest_change(n, at, &v.largest_epoch);
    v.largest_epoch = v.largest_epoch < 0 ? 0 : s.span.from + v.largest_epoch;
    return v;
}

/* A boundary: `end` closes a stage. Short ones are joined with what follows. */
static int32_t add_stage(fpc_span *out, int32_t n, int64_t end)
{
    const int64_t from = n ? out[n - 1].to + 1 : 1;

    if (end < from || n == FPC_ANALYZE_SPANS)
        return n;
    out[n] = (fpc_span){from, end};
    return n + 1;
}

int32_t fpc_analysis_stages(const fpc_analysis *a, fpc_span *out)
{
    enum { SHORT = 5, LONG = 15 };
    int32_t n = a->warmup ? add_stage(out, 0, a->warmup) : 0;
    const int64_t first = a->warmup, turn = a->n - a->best_epoch >= SHORT ? a->best_epoch : a->n;

    for (int32_t i = 0; i < a->n_restarts && n < FPC_ANALYZE_SPANS - 2; i++)
        if (a->restart[i].after < turn)
            n = add_stage(out, n, a->restart[i].after);
    if (!a->n_restarts && turn - first >= LONG) {
        n = add_stage(out, n, first + (turn - first) / 3);
        n = add_stage(out, n, first + 2 * (turn - first) / 3);
    }
    n = add_stage(out, n, turn);
    return add_stage(out, n, a->n);
}
