/* report.c: builds reports (report.h). Builders of tables check nothing: what fails for lack of memory is remembered in
 * the report, and the rows asked for after that are spare ones that nobody prints. */
#define _GNU_SOURCE
#include "cmd/report/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 300 }; /* a confusion matrix of 256 classes fits */

fpc_table *fpc_table_new(fpc_report *r, const char *key, const fpc_column *column)
{
    int32_t n = 0;
    while (n < MAX_COLUMNS && column[n].key)
        n++;
    fpc_table *t = fpc_alloc(r->arena, sizeof *t);
    fpc_column *own = fpc_alloc(r->arena, (size_t)n * sizeof *own);

    if (!t || !own) {
        r->failed = 1;
        return NULL;
    }
    *t = (fpc_table){.key = key, .column = memcpy(own, column, (size_t)n * sizeof *own), .n_columns = n};
    return t;
}

fpc_table *fpc_report_table(fpc_report *r, fpc_chapter *chapter, const char *key, const char *title,
                            const fpc_column *column)
{
    fpc_table *t = chapter->n_tables < FPC_REPORT_TABLES ? fpc_table_new(r, key, column) : NULL;

    if (!t) {
        r->failed = 1;
        return NULL;
    }
    t->title = title;
    return chapter->table[chapter->n_tables++] = t;
}

static int grow(fpc_report *r, fpc_table *t)
{
    const int32_t cap = t->cap ? 2 * t->cap : t->upright ? 1 : 8;
    fpc_cell *cell;

    if (t->n_rows < t->cap)
        return 1;
    if (!(cell = fpc_alloc(r->arena, (size_t)cap * (size_t)t->n_columns * sizeof *cell)))
        return 0;
    if (t->n_rows)
        memcpy(cell, t->cell, (size_t)t->n_rows * (size_t)t->n_columns * sizeof *cell);
    t->cell = cell;
    t->cap = cap;
    return 1;
}

fpc_cell *fpc_report_row(fpc_report *r, fpc_table *t)
{
    static _Thread_local fpc_cell spare[MAX_COLUMNS];
    fpc_cell *row = spare;

    if (t && grow(r, t))
        row = t->cell + (size_t)t->n_rows++ * (size_t)t->n_columns;
    else
        r->failed = 1;
    for (int32_t i = 0; i < (t ? t->n_columns : 0); i++)
        row[i] = (fpc_cell){.number = NAN};
    return row;
}

void fpc_report_note(fpc_report *r, fpc_chapter *chapter, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0 || chapter->n_notes == FPC_REPORT_NOTES ||
        !(chapter->note[chapter->n_notes] = fpc_report_clean(r->arena, text)))
        r->failed = 1;
    else
        chapter->n_notes++;
    if (n >= 0)
        free(text);
}

fpc_cell fpc_cell_count(int64_t n)
{
    return fpc_cell_number(n > 0 ? (double)n : NAN);
}

const char *fpc_report_clean(fpc_arena *arena, const char *text)
{
    char *copy = fpc_strdup(arena, text);

    if (copy)
        fpc_defuse(copy, "");
    return copy ? copy : "";
}

const char *fpc_cell_show(fpc_arena *arena, const fpc_column *column, const fpc_cell *cell)
{
    static const char *const format[] = {
        [FPC_AS_TEXT] = "%g",    [FPC_AS_COUNT] = "%.0f",   [FPC_AS_SCORE] = "%.4f",   [FPC_AS_FINE] = "%.6f",
        [FPC_AS_DIFF] = "%+.4f", [FPC_AS_PERCENT] = "%.2f", [FPC_AS_CHANGE] = "%+.2f", [FPC_AS_SLOPE] = "%+.5f",
        [FPC_AS_RATE] = "%.3e",  [FPC_AS_BRIEF] = "%.4g",   [FPC_AS_FLAG] = "%g"};
    char *shown;

    if (cell->text)
        return fpc_report_clean(arena, cell->text);
    if (isnan(cell->number))
        return "-";
    if (column->as == FPC_AS_FLAG)
        return cell->number != 0 ? "yes" : "no";
    if ((shown = fpc_sprintf(arena, format[column->as], cell->number)) && *shown == '-' && !shown[strspn(shown, "-0.")])
        *shown = '+'; /* no "-0.0000" */
    return shown ? shown : "";
}
