/* analyze.h: what a recorded run did: its ranks, stages, volatility, gaps, plateau and restarts in numbers, and the
 * report that is made of several runs. Epochs count from 1 here, 0 is none; NAN is a number that the record does not
 * give. */
#ifndef CORE_CMD_REPORT_ANALYZE_ANALYZE_H
#define CORE_CMD_REPORT_ANALYZE_ANALYZE_H

#include "cmd/line/line.h"
#include "record/recorded.h"
#include "cmd/report/report.h"
#include "record/validation.h"

enum { FPC_ANALYZE_SPANS = 32, FPC_ANALYZE_SMOOTH = 5 };

typedef struct fpc_span {
    int64_t from, to; /* epochs, both in it */
} fpc_span;

typedef struct fpc_restart {
    int64_t after;    /* the last epoch at the low rate; the next one trains at the high rate */
    double low, high; /* the rates of these two */
    double before;    /* the metric of epoch `after` */
    double dip;       /* the worst until the former best is passed (or the next restart, or the end) */
    int64_t dip_epoch;
    double former;    /* best value up to `after` */
    int64_t regained; /* first epoch that is better than it, 0: none */
} fpc_restart;

/* One run. gap: train - val; a relative gap is in percent of val. */
typedef struct fpc_analysis {
    const fpc_recorded *recorded;
    int64_t n;
    int higher;
    const double *val, *train; /* the monitored column and its other half; train NULL: there is none */
    const double *rate;        /* lr as recorded; NULL: not recorded */
    const double *used;        /* lr that the epoch was trained with */
    double *smooth;            /* val, mean of FPC_ANALYZE_SMOOTH epochs around each */

    int64_t best_epoch;
    double best, train_at_best, gap, gap_percent;
    double final, drop, drop_percent, final_gap, final_gap_percent;
    double after, last10, top5;
    double window; /* the smoothed peak: the best mean of 5 epochs in a row */
    double above;  /* how far the single best epoch lies above it */
    int64_t window_end;
    double change_sigma; /* of one-epoch changes, both epochs behind the 30th */
    double trend_after;  /* behind the best, per epoch */
    double low_loss, top_accuracy;
    int64_t low_loss_epoch, top_accuracy_epoch;
    int64_t warmup; /* epochs whose recorded rate rises to its first peak; 0: no warm-up */
    int32_t n_restarts;
    fpc_restart *restart;
} fpc_analysis;

/* FPC_EINVAL where the record has no column that could pick a best epoch. */
fpc_status fpc_analyze(fpc_ctx *, fpc_arena *, const fpc_recorded *, fpc_analysis *out);

typedef struct fpc_stage_row {
    fpc_span span;
    double mean, sigma, train, gap, gap_percent, rate, used, trend, change_sigma;
} fpc_stage_row;
/* The part of the span that the run has; span.from 0: none. */
fpc_stage_row fpc_analysis_stage(const fpc_analysis *, fpc_span);

typedef struct fpc_volatility {
    fpc_span span;
    double mean, sigma, max, min, range, range_percent, largest, change_sigma, trend;
    int64_t max_epoch, min_epoch, largest_epoch; /* largest_epoch: to which the largest change leads */
} fpc_volatility;
fpc_volatility fpc_analysis_volatility(const fpc_analysis *, fpc_span);

/* Warm-up, thirds up to the best epoch, then the rest; a restart ends a stage. At most FPC_ANALYZE_SPANS. */
int32_t fpc_analysis_stages(const fpc_analysis *, fpc_span *out);
/* The best value of the first `epochs` epochs; NAN where the run has none. */
double fpc_analysis_best_so_far(const fpc_analysis *, int64_t epochs);
/* Value of a column at an epoch, NAN behind the end. */
double fpc_analysis_at(const fpc_analysis *, const double *column, int64_t epoch);

/* What the command line asks for. */
typedef struct fpc_analyze_options {
    int32_t n_stages, n_at;
    fpc_span stage[FPC_ANALYZE_SPANS], epochs; /* none: chosen for each run */
    int64_t at[FPC_ANALYZE_SPANS];
    const char *against; /* a run's name or label; NULL: the best */
    fpc_texts test, mark;
} fpc_analyze_options;

/* All runs of a command, best first. */
typedef struct fpc_analyses {
    fpc_ctx *ctx;
    fpc_arena *arena;
    int32_t n;
    fpc_analysis *run;
    int32_t without_history, unreadable; /* found in folders, beside the runs */
    const fpc_analyze_options *o;
    int32_t against;     /* index */
    int unranked;        /* no column measures all runs: each has its own, and none is set beside another */
    const char *measure; /* a sentence about the column that ranks them, or NULL */
} fpc_analyses;

/* cmd/report/analyze/find.c: the runs that the operands name: run folders, history files, folders of either. */
fpc_status fpc_analyze_find(fpc_ctx *, fpc_arena *, int32_t n, const char *const *operand, int32_t *n_past,
                            fpc_recorded ***recorded, int32_t *without_history, int32_t *unreadable);
/* The run that a name means: its label, path or name, or a part of the label that no other has. -1 after a failure. */
int32_t fpc_analyze_named(fpc_analyses *, const char *option, const char *name, size_t length);

/* "complete", "stopped early", "truncated" ...: run.json's word, else what record and recipe tell. */
const char *fpc_analysis_ended(const fpc_analysis *);

/* cmd/report/analyze/tables.c, cmd/report/analyze/trajectory.c, cmd/report/analyze/run.c, cmd/report/analyze/classes.c:
 * fill a report. */
fpc_status fpc_analyze_overview(fpc_analyses *, fpc_report *);
fpc_status fpc_analyze_trajectory(fpc_analyses *, fpc_report *);
fpc_status fpc_analyze_tests(fpc_analyses *, fpc_report *, fpc_chapter *);
void fpc_analyze_restarts(fpc_report *, fpc_chapter *, int32_t n, const fpc_analysis *);
void fpc_analyze_budget(fpc_report *, fpc_chapter *, int32_t n, const fpc_analysis *);
fpc_status fpc_analyze_run(fpc_analyses *, fpc_report *, fpc_chapter *, const fpc_analysis *);
fpc_status fpc_analyze_classes(fpc_analyses *, fpc_report *, fpc_chapter *, const fpc_analysis *);
/* cmd/report/analyze/html.c: the page, one file that asks for no other. */
fpc_status fpc_analyze_html(fpc_analyses *, const fpc_report *, const char *path);

#endif
