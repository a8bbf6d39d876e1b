/* text.c: a report for people at a terminal: tables in columns that are as wide as what stands in them, folded
 * where the terminal is narrower. */
#include "cmd/line/terminal.h"
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
    const char *further = fpc_sprintf(arena, "%*s", width + 4, "");
    for (int32_t c = 0; c < t->n_columns; c++) {
        const char *title = t->column[c].title;
        const char *first = fpc_sprintf(arena, "  %s%*s  ", title, width - width_of(title), "");
        if (first && further)
            fpc_print_folded(first, further, show(arena, t, 0, c), fpc_table_width());
    }
}

static const char *cell_text(fpc_arena *arena, const fpc_table *t, int32_t row, int32_t column)
{
    return row < 0 ? t->column[column].title : show(arena, t, row, column);
}

/* What is printed at once: columns of a table, some of which may be narrower than what stands in them. */
struct sheet {
    fpc_arena *arena;
    const fpc_table *t;
    const char *margin;
    int *width;          /* by column */
    int32_t first, last; /* of the columns behind the first one */
    const char **rest;   /* by column: what is left of a row's cells */
};

/* One line of a row; returns whether cells have more. */
static int print_line(struct sheet *s, int32_t key)
{
    int fill = 0, more = 0; /* fill: blanks that wait for something behind them */

    fpc_print("%s", s->margin);
    for (int32_t c = key; c <= s->last; c++) {
        if (!s->t->column[c].title || (c != key && c < s->first))
            continue;
        const char *rest;
        const size_t n = fpc_piece(s->rest[c], s->width[c], 1, &rest);
        const char *text = fpc_sprintf(s->arena, "%.*s", (int)n, s->rest[c]);
        const int right = s->t->column[c].as != FPC_AS_TEXT, left = s->width[c] - width_of(text ? text : "");
        fill += (c == key ? 0 : 2) + (right ? left : 0);
        if (text && *text)
            fpc_print("%*s%s", fill, "", text), fill = 0;
        fill += right ? 0 : left;
        s->rest[c] = rest;
        more |= *s->rest[c] != '\0';
    }
    fpc_print("\n");
    return more;
}

static void print_sheet(struct sheet *s, int32_t key)
{
    for (int32_t r = -1; r < s->t->n_rows; r++) {
        for (int32_t c = 0; c < s->t->n_columns; c++)
            s->rest[c] = s->t->column[c].title ? cell_text(s->arena, s->t, r, c) : "";
        while (print_line(s, key))
            ;
    }
}

/* The widest column of text but for the first gives way, where that is enough. */
static void narrow(const struct sheet *s, int32_t key, int too_much)
{
    enum { LEAST = 20 };
    int32_t widest = -1;

    for (int32_t c = key; c < s->t->n_columns; c++)
        if (s->t->column[c].title && s->t->column[c].as == FPC_AS_TEXT &&
            (widest < 0 || s->width[c] > s->width[widest]))
            widest = c;
    if (widest >= 0 && s->width[widest] - too_much >= LEAST)
        s->width[widest] -= too_much;
}

/* Columns of the sheet from `first` on, behind the key, as many as fit: the last one. */
static int32_t fitting(const struct sheet *s, int32_t key, int room)
{
    int32_t last = s->first;

    room -= s->width[key];
    for (int32_t c = s->first; c < s->t->n_columns; c++) {
        room -= s->t->column[c].title ? 2 + s->width[c] : 0;
        if (room < 0 && c > s->first)
            break;
        last = c;
    }
    return last;
}

/* A table that is too wide is folded: its first column again, with the next ones that fit. */
fpc_status fpc_table_print(fpc_arena *arena, const fpc_table *t, const char *margin)
{
    struct sheet s = {.arena = arena, .t = t, .margin = margin};
    const int room = fpc_table_width() - (int)strlen(margin);
    int32_t key = -1;
    int total = -2;

    if (!t || !(s.width = fpc_alloc(arena, ((size_t)t->n_columns + 1) * sizeof *s.width)) ||
        !(s.rest = fpc_alloc(arena, ((size_t)t->n_columns + 1) * sizeof *s.rest)))
        return FPC_ENOMEM;
    for (int32_t c = 0; c < t->n_columns; c++) {
        for (int32_t r = -1; r < t->n_rows && t->column[c].title; r++) {
            const int wide = width_of(cell_text(arena, t, r, c));
            s.width[c] = wide > s.width[c] ? wide : s.width[c];
        }
        total += t->column[c].title ? s.width[c] + 2 : 0;
        key = key < 0 && t->column[c].title ? c : key;
    }
    if (key < 0)
        return FPC_OK;
    if (total > room)
        narrow(&s, key, total - room);
    if (s.width[key] > room / 2 && total > room)
        s.width[key] = room / 2;
    for (int32_t c = key + 1; c < t->n_columns && total > room; c++)
        if (t->column[c].as == FPC_AS_TEXT && s.width[c] > room - s.width[key] - 2)
            s.width[c] = room - s.width[key] - 2;
    for (s.first = key + 1; s.first == key + 1 || s.first < t->n_columns; s.first = s.last + 1) {
        if (s.first > key + 1)
            fpc_print("\n");
        s.last = s.first < t->n_columns ? fitting(&s, key, room) : key;
        print_sheet(&s, key);
        if (s.last < s.first)
            break;
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
            status = fpc_table_print(r->arena, t, "  ");
        if (t->note)
            fpc_say("  %s", t->note);
    }
    if (chapter->n_notes)
        fpc_print("\n");
    for (int32_t i = 0; i < chapter->n_notes; i++)
        fpc_print_folded("- ", "  ", chapter->note[i], fpc_table_width());
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
