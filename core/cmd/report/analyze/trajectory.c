/* trajectory.c: the best score so far, run after run in the order of time, with a mark where what is measured
 * changed: scores before and after it are not comparable. */
#define _GNU_SOURCE
#include "cmd/report/analyze/analyze.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 3 /* runs, below which there is no trajectory */ };

static const fpc_column trajectory[] = {{"when", "when", FPC_AS_TEXT, "time in the run's name"},
                                        {"run", "run", FPC_AS_TEXT, "a run that was better than all before it"},
                                        {"best", "best", FPC_AS_SCORE, "its best value"},
                                        {"step", "step", FPC_AS_DIFF, "better than the former best by"},
                                        {"step_percent", "in %", FPC_AS_CHANGE, "in percent of the former best"},
                                        {"remark", "remark", FPC_AS_TEXT, "what changed meanwhile"},
                                        {0}};

typedef struct mark {
    const char *when, *text;
    size_t length; /* of when */
} mark;

/* WHEN=TEXT, WHEN a time as in the runs' names, or its beginning. */
static fpc_status read_mark(fpc_analyses *all, const char *text, mark *out)
{
    const size_t length = strcspn(text, "=");

    *out = (mark){text, text[length] ? text + length + 1 : "", length};
    if (length >= 8 && length <= 15 && strspn(text, "0123456789_") >= length && *out->text &&
        strspn(text, "0123456789") >= 8)
        return FPC_OK;
    return fpc_fail(all->ctx, FPC_EINVAL,
                    "--mark %s: WHEN=TEXT is needed, WHEN like 20251005 or 20251005_222500, as in names of runs", text);
}

static int by_time(const void *a, const void *b)
{
    const fpc_analysis *const *x = a, *const *y = b;

    return strcmp((*x)->recorded->when, (*y)->recorded->when);
}

/* What picks the best, as the recipe has it: "fscore_batch"; NULL: unknown. */
static const char *metric_of(const fpc_recorded *p)
{
    const char *label = strchr(p->monitor, '_');
    char name[128] = "metric.";

    if (!p->recipe || !label || strlen(label + 1) > 100)
        return NULL;
    memcpy(name + 7, label + 1, strlen(label));
    const fpc_section *s = fpc_recipe_section(p->recipe, name);
    const fpc_entry *use = s ? fpc_section_entry(s, "use") : NULL;
    return use ? use->value : NULL;
}

static void add_marks(fpc_report *r, fpc_table *t, int32_t n, mark *marks, const char *until)
{
    for (int32_t i = 0; i < n; i++) {
        if (!marks[i].when || (until && strncmp(marks[i].when, until, marks[i].length) > 0))
            continue;
        fpc_cell *c = fpc_report_row(r, t);
        c[0] = fpc_cell_text(fpc_sprintf(r->arena, "%.*s", (int)marks[i].length, marks[i].when));
        c[1] = fpc_cell_text("");
        c[5] = fpc_cell_text(marks[i].text);
        marks[i].when = NULL;
    }
}

static void add_rows(fpc_report *r, fpc_table *t, int32_t n, const fpc_analysis **run, int32_t n_marks, mark *marks)
{
    const fpc_analysis *best = NULL;
    const char *metric = NULL;

    for (int32_t i = 0; i < n; i++) {
        const fpc_analysis *a = run[i];
        const char *is = metric_of(a->recorded), *remark = "";
        add_marks(r, t, n_marks, marks, a->recorded->when);
        if (best && strcmp(best->recorded->monitor, a->recorded->monitor))
            remark = fpc_sprintf(r->arena, "measured by %s", a->recorded->monitor);
        else if (is && metric && strcmp(is, metric))
            remark = fpc_sprintf(r->arena, "metric: %s, before: %s", is, metric);
        metric = is ? is : metric;
        if (best && !*remark && (a->higher ? a->best <= best->best : a->best >= best->best))
            continue;
        fpc_cell *c = fpc_report_row(r, t);
        c[0] = fpc_cell_text(a->recorded->when);
        c[1] = fpc_cell_text(a->recorded->label);
        c[2] = fpc_cell_number(a->best);
        if (best && !*remark) {
            c[3] = fpc_cell_number(a->best - best->best);
            c[4] = fpc_cell_number(100 * (a->best - best->best) / best->best);
        }
        c[5] = fpc_cell_text(remark);
        best = a;
    }
    add_marks(r, t, n_marks, marks, NULL);
}

fpc_status fpc_analyze_trajectory(fpc_analyses *all, fpc_report *r)
{
    const fpc_analysis **run = fpc_alloc(r->arena, (size_t)all->n * sizeof *run);
    mark *marks = fpc_alloc(r->arena, ((size_t)all->o->mark.n + 1) * sizeof *marks);
    fpc_status status;
    int32_t n = 0;

    if (!run || !marks)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < all->o->mark.n; i++)
        if ((status = read_mark(all, all->o->mark.text[i], &marks[i])))
            return status;
    for (int32_t i = 0; i < all->n; i++)
        if (*all->run[i].recorded->when)
            run[n++] = &all->run[i];
    if (n < FEW && !all->o->mark.n)
        return FPC_OK;
    qsort(run, (size_t)n, sizeof *run, by_time);
    fpc_table *t = fpc_report_table(r, &r->overview, "trajectory", "Best so far, in the order of time", trajectory);
    add_rows(r, t, n, run, all->o->mark.n, marks);
    return FPC_OK;
}
