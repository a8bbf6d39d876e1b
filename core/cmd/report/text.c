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

static void put(const char *text, int width, int right)
{
    const int fill = width > width_of(text) ? width - width_of(text) : 0;

    fpc_print("%*s%s%*s", right ? fill : 0, "", text, right ? 0 : fill, "");
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
        fpc_print("  ");
        put(t->column[c].title, width, 0);
        fpc_print("  %s\n", show(arena, t, 0, c));
    }
}

static fpc_status print_rows(fpc_arena *arena, const fpc_table *t)
{
    int *width = fpc_alloc(arena, (size_t)t->n_columns * sizeof *width);

    if (!width)
        return FPC_ENOMEM;
    for (int32_t c = 0; c < t->n_columns; c++) {
        width[c] = width_of(t->column[c].title);
        for (int32_t r = 0; r < t->n_rows; r++) {
            const int wide = width_of(show(arena, t, r, c));
            width[c] = wide > width[c] ? wide : width[c];
        }
    }
    for (int32_t r = -1; r < t->n_rows; r++) {
        for (int32_t c = 0; c < t->n_columns; c++) {
            const int right = t->column[c].as != FPC_AS_TEXT, last = c == t->n_columns - 1;
            fpc_print("  ");
            put(r < 0 ? t->column[c].title : show(arena, t, r, c), last && !right ? 0 : width[c], right);
        }
        fpc_print("\n");
    }
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
            status = print_rows(r->arena, t);
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
