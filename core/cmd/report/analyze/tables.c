/* tables.c: what several runs are beside each other: ranking with robust columns (the best of many noisy
 * epochs favours long, noisy runs), equal epochs and restarts, bookkeeping. */
#define _GNU_SOURCE
#include "cmd/report/analyze/analyze.h"
#include "record/run_files.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *fpc_analysis_ended(const fpc_analysis *a)
{
    const fpc_recorded *p = a->recorded;
    const int64_t patience = fpc_recorded_number(p, "run", "patience", 0);

    if (p->ended)
        return p->ended;
    if (p->truncated)
        return "truncated";
    if (!p->recipe || a->n >= fpc_recorded_number(p, "run", "epochs", 0))
        return fpc_run_end_word(FPC_RUN_COMPLETE);
    return patience > 0 && a->n - a->best_epoch >= patience ? fpc_run_end_word(FPC_RUN_STOPPED) : "unfinished";
}

/* ---- ranking ---- */

static const fpc_column ranking[] = {
    {"run", "run", FPC_AS_TEXT, "name and time of the run"},
    {"best", "best", FPC_AS_SCORE, "first best value of the monitored column"},
    {"best_epoch", "@", FPC_AS_COUNT, "its epoch"},
    {"epochs", "of", FPC_AS_COUNT, "epochs in the record"},
    {"train_at_best", "train@best", FPC_AS_SCORE, "the same measure on the training pictures, in the best epoch"},
    {"gap", "gap", FPC_AS_DIFF, "train - val at the best epoch, absolute"},
    {"gap_percent", "gap %", FPC_AS_CHANGE, "the gap in percent of val"},
    {"final", "final", FPC_AS_SCORE, "value of the last epoch"},
    {"drop", "drop", FPC_AS_SCORE, "best - final"},
    {"drop_percent", "drop %", FPC_AS_PERCENT, "the drop in percent of the best"},
    {"ended", "ended", FPC_AS_TEXT,
     "how the run ended; truncated: the record ends at its best epoch for no known reason"},
    {0}};

static const fpc_column robust[] = {
    {"run", "run", FPC_AS_TEXT, "name and time of the run"},
    {"mean_after", "mean after best", FPC_AS_SCORE, "mean over all epochs behind the best"},
    {"last10", "last-10", FPC_AS_SCORE, "mean of the last 10 epochs"},
    {"top5", "top-5", FPC_AS_SCORE, "mean of the 5 best epochs"},
    {"window", "best 5-ep", FPC_AS_SCORE, "the smoothed peak: best mean of 5 epochs in a row"},
    {"window_end", "end", FPC_AS_COUNT, "the last of these 5 epochs"},
    {"above_window", "best above it", FPC_AS_SCORE,
     "how far the single best epoch lies above that smoothed peak: what of the best is one lucky epoch"},
    {"change_sigma", "σ(Δval)", FPC_AS_SCORE, "spread of the changes from epoch to epoch, behind epoch 30"},
    {"low_loss", "min val loss", FPC_AS_SCORE, "lowest validation loss"},
    {"low_loss_epoch", "@", FPC_AS_COUNT, "its epoch"},
    {"top_accuracy", "max val acc", FPC_AS_SCORE, "highest pixel accuracy on the validation pictures"},
    {"top_accuracy_epoch", "@", FPC_AS_COUNT, "its epoch"},
    {0}};

static void rank(fpc_report *r, fpc_table *first, fpc_table *second, const fpc_analysis *a)
{

    fpc_report_add(r, first, fpc_cell_text(a->recorded->label), fpc_cell_number(a->best), fpc_cell_count(a->best_epoch),
                   fpc_cell_count(a->n), fpc_cell_number(a->train_at_best), fpc_cell_number(a->gap),
                   fpc_cell_number(a->gap_percent), fpc_cell_number(a->final), fpc_cell_number(a->drop),
                   fpc_cell_number(a->drop_percent), fpc_cell_text(fpc_analysis_ended(a)));
    fpc_report_add(r, second, fpc_cell_text(a->recorded->label), fpc_cell_number(a->after), fpc_cell_number(a->last10),
                   fpc_cell_number(a->top5), fpc_cell_number(a->window), fpc_cell_count(a->window_end),
                   fpc_cell_number(a->above), fpc_cell_number(a->change_sigma), fpc_cell_number(a->low_loss),
                   fpc_cell_count(a->low_loss_epoch), fpc_cell_number(a->top_accuracy),
                   fpc_cell_count(a->top_accuracy_epoch));
}

static void rank_all(const fpc_analyses *all, fpc_report *r)
{
    fpc_table *first = fpc_report_table(r, &r->overview, "ranking",
                                        fpc_sprintf(r->arena, "Ranking by %s", all->run[0].recorded->monitor), ranking);
    fpc_table *second = fpc_report_table(r, &r->overview, "robust", "Less sensitive to single epochs", robust);

    for (int32_t i = 0; i < all->n; i++)
        rank(r, first, second, &all->run[i]);
}

/* ---- against one of the runs ---- */

static const fpc_column against[] = {
    {"run", "run", FPC_AS_TEXT, "name and time of the run"},
    {"best", "best", FPC_AS_SCORE, "best value"},
    {"best_epoch", "@", FPC_AS_COUNT, "its epoch"},
    {"difference", "difference", FPC_AS_DIFF, "best - best of the run compared with, absolute"},
    {"difference_percent", "in %", FPC_AS_CHANGE, "the difference in percent of that run's best"},
    {"train_at_best", "train@best", FPC_AS_SCORE, "the training measure in the best epoch"},
    {"gap", "gap", FPC_AS_DIFF, "train - val at the best epoch, absolute"},
    {"other_at_epoch", "other@same", FPC_AS_SCORE, "value of the run compared with, at this run's best epoch"},
    {"other_so_far", "other so far", FPC_AS_SCORE, "best value of the run compared with, up to this run's best epoch"},
    {"ahead", "ahead", FPC_AS_DIFF, "best - best so far of the run compared with, at equal epochs"},
    {0}};

static void compare(const fpc_analyses *all, fpc_report *r)
{
    const fpc_analysis *other = &all->run[all->against];
    fpc_table *t =
        fpc_report_table(r, &r->overview, "against",
                         fpc_sprintf(r->arena, "Against %s (%.4f)", other->recorded->label, other->best), against);

    for (int32_t i = 0; i < all->n; i++) {
        const fpc_analysis *a = &all->run[i];
        const double so_far = fpc_analysis_best_so_far(other, a->best_epoch);
        if (i == all->against)
            continue;
        fpc_report_add(r, t, fpc_cell_text(a->recorded->label), fpc_cell_number(a->best), fpc_cell_count(a->best_epoch),
                       fpc_cell_number(a->best - other->best),
                       fpc_cell_number(100 * (a->best - other->best) / other->best), fpc_cell_number(a->train_at_best),
                       fpc_cell_number(a->gap), fpc_cell_number(fpc_analysis_at(other, other->val, a->best_epoch)),
                       fpc_cell_number(so_far), fpc_cell_number(a->best - so_far));
    }
    if (t)
        t->note =
            "A difference of single best epochs says little; `fpcore compare` tells whether it is more than noise.";
}

/* ---- restarts ---- */

static const fpc_column restarts[] = {{"run", "run", FPC_AS_TEXT, "name and time of the run"},
                                      {"after", "after", FPC_AS_COUNT, "last epoch that trained at the low rate"},
                                      {"low_rate", "low rate", FPC_AS_RATE, "learning rate used in it"},
                                      {"high_rate", "high rate", FPC_AS_RATE, "learning rate used in the next epoch"},
                                      {"before", "before", FPC_AS_SCORE, "value of the epoch before the restart"},
                                      {"dip", "dip", FPC_AS_SCORE, "worst value until the former best is passed"},
                                      {"dip_epoch", "@", FPC_AS_COUNT, "its epoch"},
                                      {"fall", "fall", FPC_AS_DIFF, "dip - before"},
                                      {"former", "former best", FPC_AS_SCORE, "best value up to the restart"},
                                      {"regained", "passed @", FPC_AS_COUNT, "first epoch that is better than it"},
                                      {0}};

void fpc_analyze_restarts(fpc_report *r, fpc_chapter *chapter, int32_t n, const fpc_analysis *run)
{
    fpc_table *t = fpc_report_table(r, chapter, "restarts", "Restarts of the learning rate", restarts);

    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < run[i].n_restarts; k++) {
            const fpc_restart *s = &run[i].restart[k];
            fpc_report_add(r, t, fpc_cell_text(run[i].recorded->label), fpc_cell_count(s->after),
                           fpc_cell_number(s->low), fpc_cell_number(s->high), fpc_cell_number(s->before),
                           fpc_cell_number(s->dip), fpc_cell_count(s->dip_epoch), fpc_cell_number(s->dip - s->before),
                           fpc_cell_number(s->former), fpc_cell_count(s->regained));
        }
}

/* ---- parameters ---- */

static const fpc_column budget[] = {{"run", "run", FPC_AS_TEXT, "name and time of the run"},
                                    {"parameters", "parameters", FPC_AS_COUNT, "that are trained"},
                                    {"limit", "limit", FPC_AS_COUNT, "model.max_params of the recipe"},
                                    {"used_percent", "used %", FPC_AS_PERCENT, "of the limit"},
                                    {"left", "left", FPC_AS_COUNT, "parameters that the limit leaves"},
                                    {0}};

/* Beside each other only what differs is of use; each run's chapter has its own. */
static int same_budget(int32_t n, const fpc_analysis *run)
{
    for (int32_t i = 1; i < n; i++)
        if (run[i].recorded->parameters != run[0].recorded->parameters ||
            fpc_recorded_number(run[i].recorded, "model", "max_params", 0) !=
                fpc_recorded_number(run[0].recorded, "model", "max_params", 0))
            return 0;
    return 1;
}

void fpc_analyze_budget(fpc_report *r, fpc_chapter *chapter, int32_t n, const fpc_analysis *run)
{
    fpc_table *t;

    if (n > 1 && same_budget(n, run))
        return;
    t = fpc_report_table(r, chapter, "parameters", "Parameters", budget);
    for (int32_t i = 0; i < n; i++) {
        const int64_t has = run[i].recorded->parameters,
                      limit = fpc_recorded_number(run[i].recorded, "model", "max_params", 0);
        if (has < 1)
            continue;
        fpc_report_add(r, t, fpc_cell_text(run[i].recorded->label), fpc_cell_count(has), fpc_cell_count(limit),
                       fpc_cell_number(limit > 0 ? 100 * (double)has / (double)limit : NAN),
                       fpc_cell_number(limit > 0 ? (double)(limit - has) : NAN));
    }
}

/* ---- scores of the test set ---- */

static const fpc_column tests[] = {{"run", "run", FPC_AS_TEXT, "name and time of the run"},
                                   {"val", "val", FPC_AS_SCORE, "best value on the validation pictures"},
                                   {"test", "test", FPC_AS_SCORE, "score on the test set (--test)"},
                                   {"gap", "val - test", FPC_AS_DIFF, "absolute"},
                                   {"gap_percent", "in %", FPC_AS_CHANGE, "in percent of val"},
                                   {0}};

fpc_status fpc_analyze_tests(fpc_analyses *all, fpc_report *r, fpc_chapter *chapter)
{
    fpc_table *t = fpc_report_table(r, chapter, "tests", "Scores on the test set", tests);

    for (int32_t i = 0; i < all->o->test.n; i++) {
        const char *text = all->o->test.text[i], *equals = strrchr(text, '=');
        char *end = NULL;
        double score;
        int32_t which;

        errno = 0;
        score = equals ? strtod(equals + 1, &end) : NAN;
        if (!equals || errno || end == equals + 1 || *end || !isfinite(score))
            return fpc_fail(all->ctx, FPC_EINVAL, "--test %s: RUN=SCORE is needed, like lmsa_v1=0.6438", text);
        if ((which = fpc_analyze_named(all, "--test", text, (size_t)(equals - text))) < 0)
            return FPC_EINVAL;
        const fpc_analysis *a = &all->run[which];
        const double best = all->unranked ? NAN : a->best; /* a column is of one measure */
        fpc_report_add(r, t, fpc_cell_text(a->recorded->label), fpc_cell_number(best), fpc_cell_number(score),
                       fpc_cell_number(best - score), fpc_cell_number(100 * (best - score) / best));
    }
    return FPC_OK;
}

/* ---- bookkeeping ---- */

static const fpc_column counts[] = {
    {"ended", "ended", FPC_AS_TEXT, "how runs ended"}, {"runs", "runs", FPC_AS_COUNT, "how many"}, {0}};

static void count_row(fpc_report *r, fpc_table *t, const char *what, int32_t n)
{
    fpc_cell *c = n ? fpc_report_row(r, t) : NULL;

    if (c) {
        c[0] = fpc_cell_text(what);
        c[1] = fpc_cell_count(n);
    }
}

static void count_endings(const fpc_analyses *all, fpc_report *r)
{
    fpc_table *t = fpc_report_table(r, &r->overview, "endings", "How they ended", counts);

    for (int32_t i = 0; i < all->n; i++) {
        const char *ended = fpc_analysis_ended(&all->run[i]);
        int32_t n = 0, before = 0;
        for (int32_t k = 0; k < all->n; k++)
            if (!strcmp(ended, fpc_analysis_ended(&all->run[k]))) {
                n++;
                before += k < i;
            }
        if (!before)
            count_row(r, t, ended, n);
    }
    count_row(r, t, "no history", all->without_history);
    count_row(r, t, "unreadable", all->unreadable);
}

/* Names the runs that are cut; many in one sentence. */
static void warn_truncated(const fpc_analyses *all, fpc_report *r)
{
    const char *list = "";
    int32_t n = 0;

    for (int32_t i = 0; i < all->n && list; i++)
        if (all->run[i].recorded->truncated)
            list = fpc_sprintf(r->arena, "%s%s%s", list, n++ ? ", " : "", all->run[i].recorded->label);
    if (n && list)
        fpc_report_note(r, &r->overview,
                        "Truncated: %s. %s record%s exactly at %s best epoch, as one does that was taken from a "
                        "best-model checkpoint; what came later is unknown, so final value, drop and \"collapse\" mean "
                        "nothing there.",
                        list, n > 1 ? "Their" : "Its", n > 1 ? "s end" : " ends", n > 1 ? "their" : "its");
}

fpc_status fpc_analyze_overview(fpc_analyses *all, fpc_report *r)
{
    fpc_chapter *own = all->n == 1 ? &r->run[0] : &r->overview;
    fpc_status status;

    r->overview.key = "overview";
    r->overview.title = "Overview";
    if (!all->unranked)
        rank_all(all, r);
    if (all->measure)
        fpc_report_note(r, &r->overview, "%s", all->measure);
    if (all->n > 1) {
        if (!all->unranked)
            compare(all, r);
        fpc_analyze_restarts(r, &r->overview, all->n, all->run);
        fpc_analyze_budget(r, &r->overview, all->n, all->run);
        count_endings(all, r);
        warn_truncated(all, r);
        if (!all->unranked && (status = fpc_analyze_trajectory(all, r)))
            return status;
    }
    return fpc_analyze_tests(all, r, own);
}
