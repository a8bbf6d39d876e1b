/* text.c: a report for people at a terminal: tables in columns that are as wide as what stands in them. */
#include "cmd/report/report.h"

#include <string.h>

/* Characters of UTF-8 text; each is taken to be one column wide. */
static int width_of(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static const char *show(fpc_arena *arena, const fpc_table *t, int32_t row, int32_t column)
{
    return fpc_cell_show(arena, &t->column[column], &t->cell[(size_t)row * (size_t)t->n_columns + (size_t)column]);
}

static void print_upright(fpc_arena *arena, const fpc_table *t)
{
    int width = 0;

    for (int32_t c = 0; c < t->n_columns; c++)
        width = width_of(t->column[c].title) > width ? width_of(t->column[c].title) : width;
    for (int32_t c = 0; c < t->n_columns; c++) {
        const char *title = t->column[c].title;
        fpc_print("  %s%*s  %s\n", title, width - width_of(title), "", show(arena, t, 0, c));
    }
}

static const char *cell_text(fpc_arena *arena, const fpc_table *t, int32_t row, int32_t column)
{
    return row < 0 ? t->column[column].title : show(arena, t, row, column);
}

static void print_row(fpc_arena *arena, const fpc_table *t, int32_t row, const char *margin, const int *width)
{
    int fill = 0; /* blanks that wait for something behind them */

    fpc_print("%s", margin);
    for (int32_t c = 0, first = 1; c < t->n_columns; c++) {
        if (!t->column[c].title)
            continue;
        const char *text = cell_text(arena, t, row, c);
        const int right = t->column[c].as != FPC_AS_TEXT, rest = width[c] - width_of(text);
        fill += (first ? 0 : 2) + (right ? rest : 0);
        if (*text)
            fpc_print("%*s%s", fill, "", text), fill = 0;
        fill += right ? 0 : rest;
        first = 0;
    }
    fpc_print("\n");
}

fpc_status fpc_table_print(fpc_arena *arena, const fpc_table *t, const char *margin)
{
    int *width = t ? fpc_alloc(arena, (size_t)t->n_columns * sizeof *width) : NULL;

    if (!width)
        return FPC_ENOMEM;
    for (int32_t c = 0; c < t->n_columns; c++)
        for (int32_t r = -1; r < t->n_rows && t->column[c].title; r++) {
            const int wide = width_of(cell_text(arena, t, r, c));
            width[c] = wide > width[c] ? wide : width[c];
        }
    for (int32_t r = -1; r < t->n_rows; r++)
        print_row(arena, t, r, margin, width);
    return FPC_OK;
}

static fpc_status print_chapter(const fpc_report *r, const fpc_chapter *chapter)
{
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < chapter->n_tables && !status; i++) {
        const fpc_table *t = chapter->table[i];
        if (!t->n_rows || t->shaded) /* a matrix of classes is for the page */
            continue;
        fpc_print("\n%s\n", t->title);
        if (t->upright)
            print_upright(r->arena, t);
        else
            status = fpc_table_print(r->arena, t, "  ");
        if (t->note)
            fpc_print("  %s\n", t->note);
    }
    for (int32_t i = 0; i < chapter->n_notes; i++)
        fpc_print("%s- %s\n", i ? "" : "\n", chapter->note[i]);
    return status;
}

fpc_status fpc_report_print(const fpc_report *r, int runs)
{
    fpc_status status = r->n_runs > 1 ? print_chapter(r, &r->overview) : FPC_OK; /* one run's chapter says it all */

    for (int32_t i = 0; runs && i < r->n_runs && !status; i++) {
        fpc_print("%s==== %s\n", r->n_runs > 1 ? "\n" : "", r->run[i].title);
        status = print_chapter(r, &r->run[i]);
    }
    return status;
}
