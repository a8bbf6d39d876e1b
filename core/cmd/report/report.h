/* report.h: what an analysis found, before it is text, JSON or a page: chapters of tables and sentences. A table stands
 * here once; what it says is the same in all three. */
#ifndef CORE_CMD_REPORT_REPORT_H
#define CORE_CMD_REPORT_REPORT_H

#include "base/message.h"
#include "base/print.h"
#include <math.h>
#include <string.h>

typedef enum fpc_format {
    FPC_AS_TEXT = 0,
    FPC_AS_COUNT,   /* 112 */
    FPC_AS_SCORE,   /* 0.6889 */
    FPC_AS_FINE,    /* 0.688912 */
    FPC_AS_DIFF,    /* +0.0098 */
    FPC_AS_PERCENT, /* 95.98; the number is in percent */
    FPC_AS_CHANGE,  /* +1.43, in percent */
    FPC_AS_SLOPE,   /* +0.00025 */
    FPC_AS_RATE,    /* 7.333e-04 */
    FPC_AS_BRIEF,   /* 17.5: four figures */
    FPC_AS_FLAG     /* yes; true or false in JSON */
} fpc_format;

typedef struct fpc_column {
    const char *key;   /* "best_epoch" of the JSON; "": only in the text; NULL ends a list */
    const char *title; /* "@" of the text; NULL: only in the JSON */
    fpc_format as;
    const char *help; /* what it means: the page's tooltip */
} fpc_column;

typedef struct fpc_cell {
    const char *text; /* NULL: the number */
    double number;    /* NAN: nothing */
} fpc_cell;

typedef struct fpc_table {
    const char *key, *title;
    const char *note; /* beneath it; or NULL */
    int upright;      /* one row, printed as lines "title  value"; an object in JSON */
    int shaded;       /* a confusion matrix: the page shades cells by their number; no text */
    int32_t n_columns, n_rows, cap;
    const fpc_column *column;
    fpc_cell *cell; /* [row][column] */
} fpc_table;

enum { FPC_REPORT_NOTES = 16, FPC_REPORT_TABLES = 24 };
typedef struct fpc_chapter {
    const char *key, *title; /* title: of a run, its label */
    int32_t n_notes, n_tables;
    const char *note[FPC_REPORT_NOTES]; /* sentences */
    fpc_table *table[FPC_REPORT_TABLES];
} fpc_chapter;

typedef struct fpc_report {
    fpc_arena *arena;
    fpc_chapter overview;
    int32_t n_runs;
    fpc_chapter *run;
    int failed; /* memory ran out: what was built is not whole */
} fpc_report;

/* Columns: ends with a key of NULL. NULL without memory, which the report remembers. */
fpc_table *fpc_report_table(fpc_report *, fpc_chapter *, const char *key, const char *title, const fpc_column *);
/* A row to be filled, its cells without value; a spare one where memory ran out, so that builders check nothing. */
fpc_cell *fpc_report_row(fpc_report *, fpc_table *);
/* A row of these cells. */
#define fpc_report_add(report, table, ...)                                                                             \
    memcpy(fpc_report_row(report, table), ((const fpc_cell[]){__VA_ARGS__}), sizeof((const fpc_cell[]){__VA_ARGS__}))
void fpc_report_note(fpc_report *, fpc_chapter *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static inline fpc_cell fpc_cell_text(const char *text)
{
    return (fpc_cell){.text = text ? text : ""};
}
static inline fpc_cell fpc_cell_number(double number)
{
    return (fpc_cell){.number = number};
}
/* A text, or nothing where it is NULL. */
static inline fpc_cell fpc_cell_maybe(const char *text)
{
    return (fpc_cell){.text = text, .number = NAN};
}
/* An epoch or another count that is 0 where there is none. */
fpc_cell fpc_cell_count(int64_t);

/* A copy in which what is no UTF-8, and what would steer a terminal, is "?". */
const char *fpc_report_clean(fpc_arena *, const char *);
/* What stands in a cell: cleaned; "-" for nothing. */
const char *fpc_cell_show(fpc_arena *, const fpc_column *, const fpc_cell *);

/* The same without a chapter, for verbs that print tables between sentences of their own. Columns are copied. */
fpc_table *fpc_table_new(fpc_report *, const char *key, const fpc_column *);

/* cmd/report/text.c: rows of a table, each behind `margin`; numbers stand right, texts of FPC_AS_TEXT left. */
fpc_status fpc_table_print(fpc_arena *, const fpc_table *, const char *margin);
/* The overview; the chapters of the runs where `runs` is set. */
fpc_status fpc_report_print(const fpc_report *, int runs);
/* cmd/report/json.c: the whole report as a jansson object, a new reference; NULL without memory. */
struct json_t *fpc_report_json(const fpc_report *);
/* One table of it: an array of objects. */
struct json_t *fpc_table_json(const fpc_report *, const fpc_table *);

#endif
