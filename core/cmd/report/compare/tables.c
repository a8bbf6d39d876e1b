/* tables.c: the tables of a comparison, for people and for programs alike: a column with a title stands in the text,
 * one with a key in the JSON. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"

#include <stdlib.h>
#include <string.h>

static const char *with_spread(fpc_arena *arena, double mean, double sd)
{
    if (isnan(mean))
        return "-";
    return isnan(sd) ? fpc_sprintf(arena, "%.4f", mean) : fpc_sprintf(arena, "%.4f +- %.4f", mean, sd);
}

static const char *cut(fpc_arena *arena, const char *value)
{
    return strlen(value) > FPC_COMPARE_WIDEST ? fpc_sprintf(arena, "%.*s...", FPC_COMPARE_WIDEST - 3, value) : value;
}

fpc_table *fpc_compare_ranking(fpc_report *r, const fpc_comparison *c)
{
    static const fpc_column column[] = {{"", "rank", FPC_AS_COUNT, 0},
                                        {"", "", FPC_AS_TEXT, 0},
                                        {"path", NULL, FPC_AS_TEXT, 0},
                                        {"label", "run", FPC_AS_TEXT, 0},
                                        {"group", NULL, FPC_AS_TEXT, 0},
                                        {"seed", NULL, FPC_AS_TEXT, 0},
                                        {"metric", NULL, FPC_AS_TEXT, 0},
                                        {"finished", NULL, FPC_AS_FLAG, 0},
                                        {"remark", NULL, FPC_AS_TEXT, 0},
                                        {"", "best @ epoch/run", FPC_AS_COUNT, 0},
                                        {"epochs", NULL, FPC_AS_COUNT, 0},
                                        {"best_epoch", NULL, FPC_AS_COUNT, 0},
                                        {"best", NULL, FPC_AS_SCORE, 0},
                                        {"train_at_best", NULL, FPC_AS_SCORE, 0},
                                        {"gap", "gap", FPC_AS_DIFF, 0},
                                        {"last", "last", FPC_AS_SCORE, 0},
                                        {"drop", "drop", FPC_AS_SCORE, 0},
                                        {"mean_after_best", "mean after", FPC_AS_SCORE, 0},
                                        {"last10", "last 10", FPC_AS_SCORE, 0},
                                        {"top5", "top 5", FPC_AS_SCORE, 0},
                                        {"best5", NULL, FPC_AS_SCORE, 0},
                                        {"best5_end", NULL, FPC_AS_COUNT, 0},
                                        {"", "best 5 (end)", FPC_AS_COUNT, 0},
                                        {"change_sigma", "jitter", FPC_AS_SCORE, 0},
                                        {0}};
    fpc_table *t = fpc_table_new(r, "runs", column);

    for (int32_t i = 0; i < c->n_runs; i++) {
        const fpc_compared_run *one = &c->run[i];
        const fpc_recorded *p = one->recorded;
        const fpc_run_summary *s = &one->summary;
        fpc_report_add(
            r, t, fpc_cell_number(i + 1), fpc_cell_text(c->group[one->group].label), fpc_cell_text(p->path),
            fpc_cell_text(p->label), fpc_cell_text(c->group[one->group].label),
            fpc_cell_maybe(*one->seed ? one->seed : NULL), fpc_cell_text(c->measure ? c->measure : p->watched),
            fpc_cell_number(one->finished), fpc_cell_maybe(one->remark),
            fpc_cell_text(
                fpc_sprintf(r->arena, "%.4f @ %lld/%lld", s->best, (long long)s->best_epoch, (long long)p->epochs)),
            fpc_cell_number((double)p->epochs), fpc_cell_count(s->best_epoch), fpc_cell_number(s->best),
            fpc_cell_number(s->train), fpc_cell_number(s->gap), fpc_cell_number(s->last), fpc_cell_number(s->drop),
            fpc_cell_number(s->after), fpc_cell_number(s->last10), fpc_cell_number(s->top5), fpc_cell_number(s->window),
            fpc_cell_count(s->window_end),
            fpc_cell_text(isnan(s->window) ? "-"
                                           : fpc_sprintf(r->arena, "%.4f (%lld)", s->window, (long long)s->window_end)),
            fpc_cell_number(s->jitter));
    }
    return t;
}

static const char *seeds_text(fpc_arena *arena, const fpc_run_group *g)
{
    const char *list = "";

    for (int32_t k = 0; k < g->n && list; k++)
        list = fpc_sprintf(arena, "%s%s%s", list, k ? " " : "", *g->run[k]->seed ? g->run[k]->seed : "?");
    return list && strlen(list) > FPC_COMPARE_WIDEST ? fpc_sprintf(arena, "%d seeds", (int)g->n) : list;
}

fpc_table *fpc_compare_recipes(fpc_report *r, const fpc_comparison *c)
{
    static const fpc_column column[] = {{"", "", FPC_AS_TEXT, 0},
                                        {"", "recipe", FPC_AS_TEXT, 0},
                                        {"", "runs", FPC_AS_COUNT, 0},
                                        {"", "seeds", FPC_AS_TEXT, 0},
                                        {"", "best", FPC_AS_SCORE, 0},
                                        {"", "F per picture", FPC_AS_SCORE, 0},
                                        {0}};
    fpc_table *t = fpc_table_new(r, "recipes", column);

    for (int32_t g = 0; g < c->n; g++) {
        const fpc_run_group *e = &c->group[g];
        fpc_report_add(
            r, t, fpc_cell_text(e->label), fpc_cell_text(e->name),
            e->n_finished == e->n ? fpc_cell_number(e->n)
                                  : fpc_cell_text(fpc_sprintf(r->arena, "%d of %d", (int)e->n_finished, (int)e->n)),
            fpc_cell_text(seeds_text(r->arena, e)), fpc_cell_text(with_spread(r->arena, e->best, e->best_sd)),
            fpc_cell_text(with_spread(r->arena, e->score, e->score_sd)));
    }
    return t;
}

fpc_table *fpc_compare_differing(fpc_report *r, const fpc_comparison *c, int32_t first, int32_t n)
{
    fpc_column column[FPC_COMPARE_ABREAST + 2] = {{"", "", FPC_AS_TEXT, 0}};
    for (int32_t g = 0; g < n; g++)
        column[g + 1] = (fpc_column){"", c->group[first + g].label, FPC_AS_TEXT, 0};
    fpc_table *t = fpc_table_new(r, "settings", column);

    for (int32_t k = 0; k < c->n_differing; k++) {
        fpc_cell *cell = fpc_report_row(r, t);
        *cell++ = fpc_cell_text(c->differing[k]);
        for (int32_t g = 0; g < n; g++) {
            const fpc_run_group *e = &c->group[first + g];
            const char *value = fpc_compare_value(e, c->differing[k]);
            *cell++ = fpc_cell_text(value ? cut(r->arena, value) : e->run[0]->n_settings ? "-" : "unknown");
        }
    }
    return t;
}

fpc_table *fpc_compare_equal_epochs(fpc_report *r, const fpc_comparison *c)
{
    const fpc_run_group *ref = &c->group[c->reference];
    const fpc_column column[] = {{"a", NULL, FPC_AS_TEXT, 0},
                                 {"b", NULL, FPC_AS_TEXT, 0},
                                 {"", "", FPC_AS_TEXT, 0},
                                 {"epoch", "epoch", FPC_AS_COUNT, 0},
                                 {"value_a", "value", FPC_AS_SCORE, 0},
                                 {"value_b", ref->label, FPC_AS_SCORE, 0},
                                 {"", "difference", FPC_AS_DIFF, 0},
                                 {"best_a", "best so far", FPC_AS_SCORE, 0},
                                 {"best_b", ref->label, FPC_AS_SCORE, 0},
                                 {"", "difference", FPC_AS_DIFF, 0},
                                 {0}};
    fpc_table *t = fpc_table_new(r, "equal_epochs", column);

    for (int32_t g = 0; g < c->n; g++) {
        int64_t epoch[4];
        const int32_t n = g == c->reference || !c->measure ? 0 : fpc_compare_epochs(&c->group[g], ref, epoch);
        for (int32_t i = 0; i < n; i++) {
            double value[2], best[2];
            fpc_compare_at(&c->group[g], epoch[i], &value[0], &best[0]);
            fpc_compare_at(ref, epoch[i], &value[1], &best[1]);
            fpc_report_add(r, t, fpc_cell_text(c->group[g].label), fpc_cell_text(ref->label),
                           fpc_cell_text(i ? "" : c->group[g].label), fpc_cell_number((double)epoch[i]),
                           fpc_cell_number(value[0]), fpc_cell_number(value[1]), fpc_cell_number(value[0] - value[1]),
                           fpc_cell_number(best[0]), fpc_cell_number(best[1]), fpc_cell_number(best[0] - best[1]));
        }
    }
    return t;
}

fpc_table *fpc_compare_by(fpc_report *r, const fpc_comparison *c)
{
    fpc_sweep_row *row;
    const int32_t n = c->by ? fpc_compare_sweep(c, &row) : 0;
    const int shares = n > 0 && !isnan(row[0].share);
    const fpc_column column[] = {{"value", NULL, FPC_AS_TEXT, 0},
                                 {"", "value", FPC_AS_COUNT, 0},
                                 {"group", "", FPC_AS_TEXT, 0},
                                 {"runs", "runs", FPC_AS_COUNT, 0},
                                 {"", "best", FPC_AS_SCORE, 0},
                                 {"", "step", FPC_AS_CHANGE, 0},
                                 {"best", NULL, FPC_AS_SCORE, 0},
                                 {"best_sd", NULL, FPC_AS_SCORE, 0},
                                 {"best_epoch", "@ epoch", FPC_AS_BRIEF, 0},
                                 {"train_at_best", "train @ best", FPC_AS_SCORE, 0},
                                 {"gap", "gap", FPC_AS_DIFF, 0},
                                 {"last", "last", FPC_AS_SCORE, 0},
                                 {"drop", NULL, FPC_AS_SCORE, 0},
                                 {"share", NULL, FPC_AS_SCORE, 0},
                                 {"score", NULL, FPC_AS_SCORE, 0},
                                 {"", "drop", FPC_AS_SCORE, 0},
                                 {"", shares ? "share" : NULL, FPC_AS_SCORE, 0},
                                 {0}};
    fpc_table *t = fpc_table_new(r, "sweep", column);

    for (int32_t i = 0; i < n; i++) {
        const fpc_sweep_row *s = &row[i];
        const char *drop = fpc_sprintf(r->arena, "%.4f (%.1f %%)", s->drop, 100 * s->drop / s->best);
        fpc_report_add(r, t, fpc_cell_text(s->value), fpc_cell_text(cut(r->arena, s->value)),
                       fpc_cell_text(c->group[s->group].label), fpc_cell_number(s->runs),
                       fpc_cell_text(with_spread(r->arena, s->best, s->best_sd)),
                       fpc_cell_text(i ? fpc_sprintf(r->arena, "%+.2f %%", 100 * (s->best / row[i - 1].best - 1)) : ""),
                       fpc_cell_number(s->best), fpc_cell_number(s->best_sd), fpc_cell_number(s->best_epoch),
                       fpc_cell_number(s->train), fpc_cell_number(s->gap), fpc_cell_number(s->last),
                       fpc_cell_number(s->drop), fpc_cell_number(s->share), fpc_cell_number(s->score),
                       fpc_cell_text(drop),
                       fpc_cell_text(shares ? fpc_sprintf(r->arena, "%.0f %%", 100 * s->share) : ""));
    }
    return t;
}
