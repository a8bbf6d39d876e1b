/* compare.h: which of several runs is really better. Runs whose recipes differ in nothing but seed and name are the
 * seeds of one recipe (a group); groups are ranked, their settings set against each other, and each pair gets a
 * verdict: is the difference of their scores per validation picture larger than the noise of pictures and seeds.
 * docs/compare.md tells how. */
#ifndef CORE_CMD_REPORT_COMPARE_COMPARE_H
#define CORE_CMD_REPORT_COMPARE_COMPARE_H

#include "cmd/line/line.h"
#include "record/recorded.h"
#include "cmd/report/report.h"
#include "cmd/report/stats.h"
#include "record/validation.h"

/* Two recorded runs of one recipe (conf/recorded/lmsa_focal_v1.ini) differ by this in their best F. It says something
 * of the noise between runs like these alone: of the same faces, at the same size, trained as long. */
#define FPC_COMPARE_RECORDED_GAP 0.0038

typedef struct fpc_compare_args {
    int32_t n;
    const char *const *run; /* run folders, folders of run folders (a sweep), history files */
    const char *metric;     /* column that ranks all runs; NULL: fpc_recorded_common chooses */
    const char *by;         /* "loss.dice.weight"; NULL: found where the groups differ in one key */
    const char *baseline;   /* one of the runs; NULL: the best */
    int json;
} fpc_compare_args;
fpc_status fpc_compare(fpc_cmdline *, const fpc_compare_args *);

/* Robust numbers of a history's monitored column beside its best, which favours long, noisy runs. NAN: too short.
 * Epochs count from 1. */
typedef struct fpc_run_summary {
    int64_t best_epoch, window_end;
    double best, train, gap;     /* at the best epoch; gap: train - val */
    double last, drop;           /* drop: best - last */
    double after;                /* mean after the best epoch */
    double last10, top5, window; /* window: best mean of 5 epochs in a row */
    double jitter;               /* sigma of one-epoch changes after epoch 30 */
} fpc_run_summary;

typedef struct fpc_setting {
    const char *key, *value; /* "loss.dice.weight" */
} fpc_setting;

typedef struct fpc_compared_run {
    fpc_recorded *recorded;
    const char *recipe;        /* run.name without the seed of a sweep */
    const char *metric;        /* plugin behind the column that picked the best epoch, "" where unknown */
    const double *val, *train; /* the column that ranks; train NULL: not recorded */
    int32_t n_settings;        /* of recipe.ini, without what changes no result; 0: unknown */
    fpc_setting *setting;      /* sorted by key */
    const char *seed;          /* "": unknown */
    int finished;              /* complete or stopped early, or a lone history that does not end at its best epoch */
    const char *remark;        /* why it is not, or NULL */
    fpc_validation *scores;    /* NULL: no validation.safetensors */
    fpc_run_summary summary;   /* of val; all NAN where no column ranks all runs */
    int32_t group;
} fpc_compared_run;
/* Of val_X and train_X; train may be NULL. n 0: all NAN. */
void fpc_run_summary_of(int64_t n, const double *val, const double *train, int higher, fpc_run_summary *out);

typedef struct fpc_run_group { /* a group */
    const char *label, *name;  /* "A"; what its runs have in common */
    int32_t n, n_finished;     /* runs; those that count in the verdict */
    fpc_compared_run **run;
    fpc_group scores; /* [finished run][picture], or [finished run][1]: the best value, where pictures are unknown */
    double best, best_sd;   /* mean and spread over the finished runs (all, where none is) of the best value */
    double score, score_sd; /* the same of the mean F per picture; NAN: unknown */
    const char *unfit;      /* why no verdict is given, or NULL */
} fpc_run_group;

typedef enum fpc_verdict_kind {
    FPC_VERDICT_NONE = 0, /* no verdict; why says it */
    FPC_VERDICT_EQUAL,    /* the same scores, picture by picture */
    FPC_VERDICT_WITHIN,   /* within the noise */
    FPC_VERDICT_ALONE,    /* no verdict on recipes: one seed of either, so that the noise between runs is unknown */
    FPC_VERDICT_LARGER    /* larger than the noise of pictures and seeds */
} fpc_verdict_kind;

typedef struct fpc_verdict {
    int32_t a, b; /* groups; the difference is a - b */
    fpc_verdict_kind kind;
    const char *why;
    fpc_difference d;
    double corrected; /* p after Holm */
    int shown;        /* the difference is larger than the noise that was resampled: of pictures, of several seeds */
    int32_t seeds_needed; /* for a difference of this size; 0: more than 1000, -1: no noise to tell it by */
} fpc_verdict;

typedef struct fpc_comparison {
    fpc_ctx *ctx;
    fpc_arena *arena;
    int32_t n_runs, n, n_verdicts;
    fpc_compared_run *run; /* best first */
    fpc_run_group *group;  /* best first */
    fpc_verdict *verdict;
    const char *measure;  /* the column of all ranks, tables and bests; NULL: the runs have none in common */
    const char *measured; /* a sentence about it, or NULL */
    int32_t n_notes;
    const char *note[8]; /* sentences about the comparison as a whole */
    int32_t reference;   /* group: the baseline, or the best that is fit */
    int64_t pictures;    /* behind the verdicts; 0: seeds alone */
    int32_t n_excluded;  /* pictures without a labelled pixel */
    double spread;       /* of runs of one recipe: pooled over groups, or that of the reports; NAN: unknown */
    int32_t spread_df;   /* 0: not measured here */
    int32_t n_differing; /* keys that are not the same in all groups */
    const char **differing;
    const char *by; /* key of the sweep table, or NULL */
} fpc_comparison;

/* cmd/report/compare/read.c: the runs behind the words of the command line. */
fpc_status fpc_compare_read(fpc_comparison *, int32_t n, const char *const *path, const char *metric);
/* cmd/report/compare/compare.c: groups, ranks, verdicts. */
fpc_status fpc_compare_runs(fpc_comparison *, const char *by, const char *baseline);
/* cmd/report/compare/fit.c: fills n_finished, best, scores and unfit of the groups, and pictures; baseline may be NULL.
 */
fpc_status fpc_compare_fit(fpc_comparison *, const fpc_compared_run *baseline);
double fpc_compare_score(const fpc_run_group *); /* its best value, turned so that more is better */
/* Why two runs may not be set against each other (metric, pictures, labels); NULL: they may. */
const char *fpc_compare_apart(fpc_arena *, const fpc_compared_run *, const fpc_compared_run *);
extern const char fpc_compare_no_noise[]; /* an `unfit` after which something can be said all the same */
/* cmd/report/compare/settings.c: fills differing and by. */
fpc_status fpc_compare_settings(fpc_comparison *, const char *by);
/* The value of a key in a group; NULL: its recipe has no such key (or there is no recipe). */
const char *fpc_compare_value(const fpc_run_group *, const char *key);
/* cmd/report/compare/tables.c: what text and JSON share; NULL where memory ran out, which the report remembers. */
enum { FPC_COMPARE_WIDEST = 28, FPC_COMPARE_ABREAST = 8 }; /* characters of a setting; groups in a table of them */
fpc_table *fpc_compare_ranking(fpc_report *, const fpc_comparison *);
fpc_table *fpc_compare_recipes(fpc_report *, const fpc_comparison *);
fpc_table *fpc_compare_differing(fpc_report *, const fpc_comparison *, int32_t first, int32_t n);
fpc_table *fpc_compare_equal_epochs(fpc_report *, const fpc_comparison *);
fpc_table *fpc_compare_by(fpc_report *, const fpc_comparison *); /* without rows: there is no such key */
/* cmd/report/compare/text.c, cmd/report/compare/json.c */
fpc_status fpc_compare_print(fpc_cmdline *, const fpc_comparison *);
fpc_status fpc_compare_print_json(fpc_cmdline *, const fpc_comparison *);
/* cmd/report/compare/words.c: what both share. The verdict in words, without the interval's numbers. */
const char *fpc_verdict_text(const fpc_comparison *, const fpc_verdict *);
/* A row per group that has the key `by`, by rising value; means over its finished runs (all, where none is). */
typedef struct fpc_sweep_row {
    const char *value;
    int32_t group, runs;
    double best, best_sd, best_epoch, train, gap, last, drop;
    double share; /* of a loss in the sum of weights; NAN: the key is no weight */
    double score; /* F per picture, NAN: unknown */
} fpc_sweep_row;
int32_t fpc_compare_sweep(const fpc_comparison *, fpc_sweep_row **out);
/* The quarters of the epochs that all runs of both groups have, and the means over a group's runs at one epoch. */
int32_t fpc_compare_epochs(const fpc_run_group *, const fpc_run_group *, int64_t epoch[4]);
void fpc_compare_at(const fpc_run_group *, int64_t epoch, double *value, double *so_far);

#endif
