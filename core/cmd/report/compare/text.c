/* text.c: a comparison for people: ranking, recipes, settings that differ, values at equal epochs, sweep table,
 * verdicts. */
#define _GNU_SOURCE
#include "base/text.h"
#include "cmd/line/terminal.h"
#include "cmd/report/compare/compare.h"

#include <math.h>
#include <string.h>

static fpc_status print_ranking(fpc_report *r, const fpc_comparison *c)
{
    fpc_status status = FPC_OK;

    if (c->measure) {
        const int named = *c->run[0].metric && !strcmp(c->measure, c->run[0].recorded->watched);
        fpc_say("ranking by the best %s%s%s%s; the best of many epochs favours long and noisy runs, the other columns "
                "do not",
                c->measure, named ? " (" : "", named ? c->run[0].metric : "", named ? ")" : "");
        status = fpc_table_print(r->arena, fpc_compare_ranking(r, c), "");
    }
    if (c->measured)
        fpc_say("%s", c->measured);
    for (int32_t i = 0; i < c->n_runs; i++)
        if (c->run[i].remark)
            fpc_say("* %s: %s", c->run[i].recorded->label, c->run[i].remark);
    return status;
}

static fpc_status print_recipes(fpc_report *r, const fpc_comparison *c)
{
    if (c->n >= c->n_runs && !c->pictures && c->measure)
        return FPC_OK;
    fpc_print("\n");
    fpc_say("recipes: runs that differ in seed and name alone; mean +- standard deviation over the finished ones");
    return fpc_table_print(r->arena, fpc_compare_recipes(r, c), "");
}

static fpc_status print_settings(fpc_report *r, const fpc_comparison *c)
{
    fpc_status status = FPC_OK;
    int known = 0;

    for (int32_t g = 0; g < c->n; g++)
        known += c->group[g].run[0]->n_settings > 0;
    if (known < 2)
        return FPC_OK;
    fpc_print(c->n_differing ? "\nsettings that differ\n" : "\nno setting differs\n");
    for (int32_t first = 0; first < c->n && c->n_differing && !status; first += FPC_COMPARE_ABREAST) {
        const int32_t n = c->n - first < FPC_COMPARE_ABREAST ? c->n - first : FPC_COMPARE_ABREAST;
        status = fpc_table_print(r->arena, fpc_compare_differing(r, c, first, n), "");
    }
    return status;
}

static fpc_status print_equal_epochs(fpc_report *r, const fpc_comparison *c)
{
    if (c->n < 2 || !c->measure)
        return FPC_OK;
    fpc_print("\nat equal epochs, against %s (means over the runs of a recipe)\n", c->group[c->reference].label);
    return fpc_table_print(r->arena, fpc_compare_equal_epochs(r, c), "");
}

static fpc_status print_sweep(fpc_report *r, const fpc_comparison *c)
{
    const fpc_table *t = fpc_compare_by(r, c);
    fpc_status status;
    int others = 0;

    if (!t || t->n_rows < 2 || !c->measure)
        return t ? FPC_OK : FPC_ENOMEM;
    fpc_print("\nby %s\n", c->by);
    if ((status = fpc_table_print(r->arena, t, "")))
        return status;
    fpc_say("step: best, against the row above; drop: best - last%s",
            t->column[t->n_columns - 1].title ? "; share: of this weight in the sum of all loss weights" : "");
    for (int32_t k = 0; k < c->n_differing; k++)
        others += strcmp(c->differing[k], c->by) != 0;
    if (others)
        fpc_say("these runs differ in %d other %s too (above): the steps are not those of %s alone", others,
                fpc_word(others, "setting", "settings"), c->by);
    return FPC_OK;
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
    fpc_say("%s against %s: %s", a->label, b->label, text ? text : "");
    if (v.kind == FPC_VERDICT_NONE)
        return;
    const char *of = c->pictures ? fpc_sprintf(c->arena, ", %lld %s", (long long)c->pictures,
                                               fpc_word(c->pictures, "picture", "pictures"))
                                 : "";
    const char *seeds = fpc_sprintf(c->arena, "%d + %d seed%s%s", (int)a->n_finished, (int)b->n_finished,
                                    a->n_finished + b->n_finished == 2 ? " alone" : "s", of ? of : "");
    if (v.kind ==
        FPC_VERDICT_EQUAL) /* no spread: an interval of no width, and a smallest difference of 0, mean nothing */
        fpc_say("    %s", seeds ? seeds : "");
    else
        fpc_say("    %+.4f, 95 %% %+.4f to %+.4f, p %.2g, corrected %.2g; %s; shows differences from %.4f on",
                v.d.value, v.d.lo, v.d.hi, v.d.p, v.corrected, seeds ? seeds : "", v.d.smallest);
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
    const char *of = c->pictures ? ": F per validation picture at each run's best epoch"
                     : pairs     ? fpc_sprintf(c->arena, ": best %s of each run; no scores per picture", c->measure)
                                 : "";
    const char *holm = pairs ? fpc_sprintf(c->arena, "; p corrected for %d %s (Holm)", (int)pairs,
                                           fpc_word(pairs, "comparison", "comparisons"))
                             : "";
    fpc_print("\n");
    fpc_say("verdicts against %s (%s)%s%s", c->group[c->reference].label, c->group[c->reference].name, of ? of : "",
            holm ? holm : "");
    for (int32_t i = 0; i < c->n_verdicts; i++)
        if (c->verdict[i].a == c->reference || c->verdict[i].b == c->reference)
            print_pair(c, c->verdict[i]);
    if (c->n_excluded)
        fpc_print("%d %s without a labelled pixel: left out\n", (int)c->n_excluded,
                  fpc_word(c->n_excluded, "picture", "pictures"));
}

fpc_status fpc_compare_print(fpc_cmdline *cmd, const fpc_comparison *c)
{
    fpc_report r = {.arena = cmd->arena};
    fpc_status status;

    if ((status = print_ranking(&r, c)) || (status = print_recipes(&r, c)) || (status = print_settings(&r, c)) ||
        (status = print_equal_epochs(&r, c)) || (status = print_sweep(&r, c)))
        return status;
    print_verdicts(c);
    for (int32_t i = 0; i < c->n_notes; i++)
        fpc_say("note: %s", c->note[i]);
    return FPC_OK;
}
