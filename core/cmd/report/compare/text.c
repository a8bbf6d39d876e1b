/* text.c: a comparison for people: ranking, recipes, settings that differ, values at equal epochs, sweep table,
 * verdicts. Tables are laid out from their texts; NAN prints as -. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

enum { MAX_COLUMNS = 16, GROUPS_ABREAST = 8, WIDEST = 28 };

typedef struct table {
    fpc_arena *arena;
    int32_t columns, rows, cap, at; /* at: cells filled */
    const char **cell;
    unsigned left; /* bit per column that is text */
} table;

static table table_new(fpc_arena *arena, int32_t columns, int32_t rows, unsigned left)
{
    return (table){.arena = arena,
                   .columns = columns,
                   .cap = columns * (rows + 1),
                   .cell = fpc_alloc(arena, (size_t)columns * (size_t)(rows + 1) * sizeof(char *)),
                   .left = left};
}

static void put(table *t, const char *text)
{
    if (t->cell && t->at < t->cap)
        t->cell[t->at++] = text ? text : "?";
}

static void put_all(table *t, const char *const *text)
{
    for (; *text; text++)
        put(t, *text);
}

static void put_real(table *t, const char *format, double v)
{
    char room[64];

    if (isnan(v)) {
        put(t, "-");
        return;
    }
    snprintf(room, sizeof room, format, v); /* formats are those of this file */
    put(t, fpc_strdup(t->arena, room));
}

static void print_table(const table *t)
{
    int width[MAX_COLUMNS] = {0};

    for (int32_t i = 0; i < t->at; i++) {
        const int n = (int)strlen(t->cell[i]), k = i % t->columns;
        width[k] = n > width[k] ? n : width[k];
    }
    for (int32_t i = 0; i < t->at; i++) {
        const int32_t k = i % t->columns;
        const int last = k == t->columns - 1;
        if (t->left >> k & 1)
            fpc_print("%s%-*s", k ? "  " : "", last ? 0 : width[k], t->cell[i]);
        else
            fpc_print("%s%*s", k ? "  " : "", width[k], t->cell[i]);
        if (last)
            fpc_print("\n");
    }
}

/* ---- ranking ---- */

static void print_ranking(fpc_cmdline *cmd, const fpc_comparison *c)
{
    table t = table_new(cmd->arena, 12, c->n_runs, 1u << 1 | 1u << 2);

    put_all(&t, (const char *const[]){"rank", "", "run", "best @ epoch/run", "gap", "last", "drop", "mean after",
                                      "last 10", "top 5", "best 5 (end)", "jitter", NULL});
    for (int32_t i = 0; i < c->n_runs; i++) {
        const fpc_compared_run *r = &c->run[i];
        const fpc_run_summary *s = &r->summary;
        put(&t, fpc_sprintf(t.arena, "%d", (int)i + 1));
        put(&t, c->group[r->group].label);
        put(&t, r->recorded->label);
        put(&t, fpc_sprintf(t.arena, "%.4f @ %lld/%lld", s->best, (long long)s->best_epoch,
                            (long long)r->recorded->epochs));
        put_real(&t, "%+.4f", s->gap);
        put_real(&t, "%.4f", s->last);
        put_real(&t, "%.4f", s->drop);
        put_real(&t, "%.4f", s->after);
        put_real(&t, "%.4f", s->last10);
        put_real(&t, "%.4f", s->top5);
        put(&t, isnan(s->window) ? "-" : fpc_sprintf(t.arena, "%.4f (%lld)", s->window, (long long)s->window_end));
        put_real(&t, "%.4f", s->jitter);
    }
    fpc_print("ranking by the best %s", c->run[0].recorded->monitor);
    if (*c->run[0].metric)
        fpc_print(" (%s)", c->run[0].metric);
    fpc_print("; the best of many epochs favours long and noisy runs, the other columns do not\n");
    print_table(&t);
    for (int32_t i = 0; i < c->n_runs; i++)
        if (c->run[i].remark)
            fpc_print("* %s: %s\n", c->run[i].recorded->label, c->run[i].remark);
}

/* ---- recipes ---- */

static const char *with_spread(fpc_arena *arena, double mean, double sd)
{
    if (isnan(mean))
        return "-";
    return isnan(sd) ? fpc_sprintf(arena, "%.4f", mean) : fpc_sprintf(arena, "%.4f +- %.4f", mean, sd);
}

static const char *seeds_text(fpc_arena *arena, const fpc_run_group *g)
{
    const char *list = "";

    for (int32_t k = 0; k < g->n && list; k++)
        list = fpc_sprintf(arena, "%s%s%s", list, k ? " " : "", *g->run[k]->seed ? g->run[k]->seed : "?");
    return list && strlen(list) > WIDEST ? fpc_sprintf(arena, "%d seeds", (int)g->n) : list;
}

static void print_recipes(fpc_cmdline *cmd, const fpc_comparison *c)
{
    table t = table_new(cmd->arena, 6, c->n, 1u | 1u << 1 | 1u << 3);

    put_all(&t, (const char *const[]){"", "recipe", "runs", "seeds", "best", "F per picture", NULL});
    for (int32_t g = 0; g < c->n; g++) {
        const fpc_run_group *e = &c->group[g];
        put(&t, e->label);
        put(&t, e->name);
        put(&t, e->n_finished == e->n ? fpc_sprintf(t.arena, "%d", (int)e->n)
                                      : fpc_sprintf(t.arena, "%d of %d", (int)e->n_finished, (int)e->n));
        put(&t, seeds_text(t.arena, e));
        put(&t, with_spread(t.arena, e->best, e->best_sd));
        put(&t, with_spread(t.arena, e->score, e->score_sd));
    }
    fpc_print(
        "\nrecipes: runs that differ in seed and name alone; mean +- standard deviation over the finished ones\n");
    print_table(&t);
}

/* ---- settings ---- */

static const char *cut(fpc_arena *arena, const char *value)
{
    return strlen(value) > WIDEST ? fpc_sprintf(arena, "%.*s...", WIDEST - 3, value) : value;
}

static void print_settings(fpc_cmdline *cmd, const fpc_comparison *c)
{
    int known = 0;

    for (int32_t g = 0; g < c->n; g++)
        known += c->group[g].run[0]->n_settings > 0;
    if (known < 2)
        return;
    if (!c->n_differing) {
        fpc_print("\nno setting differs\n");
        return;
    }
    fpc_print("\nsettings that differ\n");
    for (int32_t first = 0; first < c->n; first += GROUPS_ABREAST) {
        const int32_t n = c->n - first < GROUPS_ABREAST ? c->n - first : GROUPS_ABREAST;
        table t = table_new(cmd->arena, n + 1, c->n_differing, ~0u);
        put(&t, "");
        for (int32_t g = 0; g < n; g++)
            put(&t, c->group[first + g].label);
        for (int32_t k = 0; k < c->n_differing; k++) {
            put(&t, c->differing[k]);
            for (int32_t g = 0; g < n; g++) {
                const fpc_run_group *e = &c->group[first + g];
                const char *value = fpc_compare_value(e, c->differing[k]);
                put(&t, value ? cut(t.arena, value) : e->run[0]->n_settings ? "-" : "unknown");
            }
        }
        print_table(&t);
    }
}

/* ---- equal epochs ---- */

static void print_equal_epochs(fpc_cmdline *cmd, const fpc_comparison *c)
{
    const fpc_run_group *ref = &c->group[c->reference];
    table t = table_new(cmd->arena, 8, 4 * c->n, 1u);

    if (c->n < 2)
        return;
    put_all(&t, (const char *const[]){"", "epoch", "value", ref->label, "difference", "best so far", ref->label,
                                      "difference", NULL});
    for (int32_t g = 0; g < c->n; g++) {
        int64_t epoch[4];
        const int32_t n = g == c->reference ? 0 : fpc_compare_epochs(&c->group[g], ref, epoch);
        for (int32_t i = 0; i < n; i++) {
            double value[2], best[2];
            fpc_compare_at(&c->group[g], epoch[i], &value[0], &best[0]);
            fpc_compare_at(ref, epoch[i], &value[1], &best[1]);
            put(&t, i ? "" : c->group[g].label);
            put(&t, fpc_sprintf(t.arena, "%lld", (long long)epoch[i]));
            put_real(&t, "%.4f", value[0]);
            put_real(&t, "%.4f", value[1]);
            put_real(&t, "%+.4f", value[0] - value[1]);
            put_real(&t, "%.4f", best[0]);
            put_real(&t, "%.4f", best[1]);
            put_real(&t, "%+.4f", best[0] - best[1]);
        }
    }
    fpc_print("\nat equal epochs, against %s (means over the runs of a recipe)\n", ref->label);
    print_table(&t);
}

/* ---- sweep ---- */

static void print_sweep(fpc_cmdline *cmd, const fpc_comparison *c)
{
    fpc_sweep_row *row;
    const int32_t n = c->by ? fpc_compare_sweep(c, &row) : 0;
    const int shares = n > 0 && !isnan(row[0].share);
    table t = table_new(cmd->arena, 10, n, 1u << 1);
    int others = 0;

    if (n < 2)
        return;
    put_all(&t, (const char *const[]){"value", "", "runs", "best", "step", "@ epoch", "train @ best", "gap", "last",
                                      shares ? "drop, share" : "drop", NULL});
    for (int32_t i = 0; i < n; i++) {
        const fpc_sweep_row *r = &row[i];
        const char *drop = fpc_sprintf(t.arena, "%.4f (%.1f %%)", r->drop, 100 * r->drop / r->best);
        put(&t, cut(t.arena, r->value));
        put(&t, c->group[r->group].label);
        put(&t, fpc_sprintf(t.arena, "%d", (int)r->runs));
        put(&t, with_spread(t.arena, r->best, r->best_sd));
        put(&t, i ? fpc_sprintf(t.arena, "%+.2f %%", 100 * (r->best / row[i - 1].best - 1)) : "");
        put_real(&t, "%.4g", r->best_epoch);
        put_real(&t, "%.4f", r->train);
        put_real(&t, "%+.4f", r->gap);
        put_real(&t, "%.4f", r->last);
        put(&t, shares && drop ? fpc_sprintf(t.arena, "%s, %.0f %%", drop, 100 * r->share) : drop);
    }
    fpc_print("\nby %s\n", c->by);
    print_table(&t);
    for (int32_t k = 0; k < c->n_differing; k++)
        others += strcmp(c->differing[k], c->by) != 0;
    if (others)
        fpc_print("these runs differ in %d other setting%s too (above): the steps are not those of %s alone\n", others,
                  others == 1 ? "" : "s", c->by);
}

/* ---- verdicts ---- */

static void print_pair(const fpc_comparison *c, fpc_verdict v)
{
    const fpc_run_group *a, *b;

    if (v.a == c->reference) { /* the other one against the reference */
        const fpc_difference d = v.d;
        v.a = v.b, v.b = c->reference;
        v.d.value = -d.value, v.d.lo = -d.hi, v.d.hi = -d.lo;
    }
    a = &c->group[v.a], b = &c->group[v.b];
    const char *text = fpc_verdict_text(c, &v);
    fpc_print("%s against %s: %s\n", a->label, b->label, text ? text : "");
    if (v.kind == FPC_VERDICT_NONE)
        return;
    fpc_print("    %+.4f, 95 %% %+.4f to %+.4f, p %.2g, corrected %.2g; %d + %d seed%s", v.d.value, v.d.lo, v.d.hi,
              v.d.p, v.corrected, (int)a->n_finished, (int)b->n_finished,
              a->n_finished + b->n_finished == 2 ? " alone" : "s");
    if (c->pictures)
        fpc_print(", %lld pictures", (long long)c->pictures);
    fpc_print("; shows differences from %.4f on\n", v.d.smallest);
}

static void print_verdicts(const fpc_comparison *c)
{
    int32_t pairs = 0;

    if (c->n < 2) {
        fpc_print("\nno verdict: all runs are of one recipe\n");
        return;
    }
    for (int32_t i = 0; i < c->n_verdicts; i++)
        pairs += c->verdict[i].kind > FPC_VERDICT_EQUAL;
    fpc_print("\nverdicts against %s (%s)", c->group[c->reference].label, c->group[c->reference].name);
    if (c->pictures)
        fpc_print(": F per validation picture at each run's best epoch");
    else if (pairs)
        fpc_print(": best %s of each run; no scores per picture", c->run[0].recorded->monitor);
    if (pairs)
        fpc_print("; p corrected for %d comparison%s (Holm)", (int)pairs, pairs == 1 ? "" : "s");
    fpc_print("\n");
    for (int32_t i = 0; i < c->n_verdicts; i++)
        if (c->verdict[i].a == c->reference || c->verdict[i].b == c->reference)
            print_pair(c, c->verdict[i]);
    if (c->n_excluded)
        fpc_print("%d picture%s without a labelled pixel: left out\n", (int)c->n_excluded,
                  c->n_excluded == 1 ? "" : "s");
}

fpc_status fpc_compare_print(fpc_cmdline *cmd, const fpc_comparison *c)
{
    print_ranking(cmd, c);
    if (c->n < c->n_runs || c->pictures)
        print_recipes(cmd, c);
    print_settings(cmd, c);
    print_equal_epochs(cmd, c);
    print_sweep(cmd, c);
    print_verdicts(c);
    for (int32_t i = 0; i < c->n_notes; i++)
        fpc_print("note: %s\n", c->note[i]);
    return FPC_OK;
}
