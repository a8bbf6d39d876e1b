/* recorded.h: a recorded run, read back: the folder of a run, or a lone history file. What `analyze` and `compare` work
 * on. Nothing of it is trusted: afterwards all columns have `epochs` finite values or NAN (null in the file). */
#ifndef CORE_RECORD_RECORDED_H
#define CORE_RECORD_RECORDED_H

#include "recipe/recipe.h"
#include "record/series.h"

enum { FPC_RECORDED_COLUMNS = 4096 };
#define FPC_RECORDED_EPOCHS ((int64_t)1000000) /* as [run] epochs */

typedef struct fpc_recorded {
    const char *path;   /* as it was given */
    const char *folder; /* NULL: a lone file */
    const char *name;   /* "lmsa_v1": of the experiment */
    const char *when;   /* "20251007_153857" of the folder's or file's name, or "" */
    const char *label;  /* "lmsa_v1 (1007_153857)"; unique after fpc_recorded_labels */
    int64_t epochs;     /* 1 or more */
    int32_t n_columns;
    const char *const *column;
    const double *const *value; /* [column][epoch] */
    const char *ended;          /* run.json's status, NULL: unknown */
    int64_t parameters;         /* run.json's, 0: unknown */
    int64_t saved_epoch;        /* of best.safetensors, counted from 1; run.json's, 0: unknown */
    const fpc_recipe *recipe;   /* as resolved; NULL: a lone file, or it is missing */
    const char *watched;        /* column that picked best.safetensors; NULL: there is no such column */
    const char *monitor;        /* column that picks the best here: `watched`, or what ranks several runs */
    int higher_is_better;       /* of `monitor` */
    int lr_is_next; /* lr[e] is the rate of the epoch after e, as PyTorch notes it behind a scheduler's step */
    int truncated;  /* ends at its best epoch, and nothing says why it should end there */
} fpc_recorded;

/* path: a run folder (with history.json; run.json and recipe.ini where they are) or a file like history.json. */
fpc_status fpc_recorded_read(fpc_ctx *, fpc_arena *, const char *path, fpc_recorded **);
/* 0: a run that was cut in its first epoch, or a history without one; a warning says that it is left out. 1 also where
 * the path is nothing to read: fpc_recorded_read says so. */
int fpc_recorded_begun(fpc_ctx *, fpc_arena *, const char *path);
/* NULL: no such column. */
const double *fpc_recorded_column(const fpc_recorded *, const char *key);
/* Index of the best epoch by the monitor, -1: none. */
int64_t fpc_recorded_best(const fpc_recorded *);
/* Sets `truncated` again after recipe or monitor were changed. */
void fpc_recorded_judge(fpc_recorded *);
/* core/record/measure.c. Whether a column is there and has a value. */
/* Columns that may measure a run of which nothing else is known, the better first; ends with NULL. */
extern const char *const fpc_recorded_usual[];
int fpc_recorded_has(const fpc_recorded *, const char *column);
/* Fails with the columns that there are where this one is not; who: "fpcore analyze". */
fpc_status fpc_recorded_check(fpc_ctx *, fpc_arena *, const char *who, const char *column, const fpc_recorded *);
/* What a column "val_LABEL" measures: keys and values of [metric.LABEL], of all [loss.*] for a loss. "": unknown, as
 * of a lone file; NULL: no memory. */
const char *fpc_recorded_measure(fpc_arena *, const fpc_recorded *, const char *column);
/* Makes a column that the run has its monitor. */
void fpc_recorded_rank_by(fpc_recorded *, const char *column);
/* Makes one measure the monitor of runs that are ranked together: `chosen`, which all of them have, else (NULL) the
 * first column watched by a run, else the first usual one, that all have and that is counted in one way. *ranked 0:
 * there is none, and every run keeps its own. *note: a sentence where not all had the same to begin with, else NULL.
 * Every run has a `watched`, and n is 1 or more. */
fpc_status fpc_recorded_common(fpc_arena *, int32_t n, fpc_recorded *const *, const char *chosen, const char **note,
                               int *ranked);
/* "dice2" and "dice2" become "dice2" and "dice2 #2". */
fpc_status fpc_recorded_labels(fpc_arena *, int32_t n, fpc_recorded *const *);
/* A whole number of the recipe, or `other` where there is no recipe or no such key. */
int64_t fpc_recorded_number(const fpc_recorded *, const char *section, const char *key, int64_t other);

#endif
