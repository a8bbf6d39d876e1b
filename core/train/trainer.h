/* trainer.h: a training under way: what loop.c and the other files of train/ share. All of it that outlives a step is
 * in last.safetensors, so that a training that was cut goes on bit for bit. */
#ifndef CORE_TRAIN_TRAINER_H
#define CORE_TRAIN_TRAINER_H

#include "weights/weights.h"
#include "train/events.h"
#include "train/loop.h"
#include "train/seen.h"

#ifndef FPC_VERSION
#define FPC_VERSION "unknown"
#endif

/* Pictures that loggers show: some to watch over the epochs, and the worst and the best at the end. */
enum { FPC_N_PICTURES = 4, FPC_N_SAMPLES = 6 };

/* Sums over the batches of an epoch; the metrics are computed from the counts when it ends. Losses are weighted by
 * images. */
typedef struct fpc_meter {
    double loss, grad_norm, term[FPC_MAX_LOSSES];
    int64_t images, steps, batches, cap_images, cap_batches;
    int64_t skipped;       /* of the steps, those whose gradient overflowed in fp16 */
    int32_t *counts;       /* [images][classes][3] */
    int64_t *batch_images; /* images of each batch */
} fpc_meter;

typedef struct fpc_trainer {
    fpc_experiment *experiment;
    fpc_ctx *ctx;
    fpc_arena *arena;
    const fpc_run_args *args;
    fpc_events *events;
    const fpc_batch **group; /* run.accumulate batches: one step */
    int32_t *group_images;   /* of each */
    fpc_batch *held;         /* their copies: a batch of the reader lives until the next */
    fpc_meter train, val;
    double *row; /* values of the epoch under way, by column */

    int64_t steps_per_epoch, val_batches, val_images;
    int32_t monitor;        /* index of the metric that picks the best */
    int32_t monitor_column; /* its column */
    int higher;

    /* the state of the training beside the weights */
    int64_t epoch; /* finished epochs */
    int64_t step;  /* optimizer steps done */
    double best;
    int64_t best_epoch;    /* -1: none yet */
    int64_t waited;        /* epochs since the last that was better, as run.patience counts them */
    int64_t first_step;    /* steps that the optimizer had done before this run; with other data than before, what makes
                              step = first_step + those of `epoch` epochs */
    fpc_taken taken;       /* from run.init_from, in this session; file NULL: nothing */
    double beat;           /* run.beat; NAN: none */
    int64_t epochs_before; /* run.epochs before this session, 0: none */

    double lr; /* of the epoch under way */

    const char *folder;
    int lock;             /* the folder's descriptor, locked; -1: none */
    const char *recipe;   /* resolved */
    const char *identity; /* the same without what may differ when a run is resumed */
    fpc_seen seen;        /* the pictures trained on and validated */
    const char *other;    /* how they differ from those of before, which --other-data allows; NULL: they do not */
    int32_t own_classes;  /* 1: the recipe names a file of classes; the folder keeps it */
    int resumed;
    struct json_t *log; /* run.json */

    fpc_arena *watch;      /* of train/watch.c: the pictures of the epoch under way */
    fpc_pictures pictures; /* n 0: none were asked for */

    /* time, for people only: never part of a result */
    double began, epoch_began, samples_at, step_seconds, eval_seconds;
    double whole_began, whole_ended; /* the first whole epoch of this process, the last one so far; 0: none */
    int64_t whole_from, steps_timed; /* index of that first one */
    int out_of_time;                 /* run.hours are over */
    int at_until;                    /* the epochs that were asked for are over */
} fpc_trainer;

/* train/trainer.c */
const char *fpc_trainer_path(fpc_trainer *, const char *name);  /* in the run folder */
double fpc_trainer_left(const fpc_trainer *, int64_t val_done); /* seconds that the rest of the run will take */
void fpc_trainer_time_epoch(fpc_trainer *);                     /* an epoch begins */
fpc_clock fpc_trainer_clock(const fpc_trainer *);
fpc_field fpc_field_int(const char *key, int64_t);
fpc_field fpc_field_real(const char *key, double);
fpc_field fpc_field_text(const char *key, const char *);

/* train/meter.c */
fpc_status fpc_meter_open(fpc_meter *, fpc_arena *, int64_t images, int64_t batches, int32_t classes);
void fpc_meter_clear(fpc_meter *);
/* batch: the images of each micro-batch. */
fpc_status fpc_meter_add(fpc_meter *, fpc_ctx *, const fpc_experiment *, const fpc_step_result *, int32_t n_batches,
                         const int32_t *batch);
/* The columns of the record, and the values of an epoch from its meters. */
fpc_status fpc_trainer_columns(fpc_trainer *);
void fpc_trainer_row(fpc_trainer *);

/* train/epoch.c: FPC_ECANCEL (without a sentence) when the run was cancelled; the meters then hold what was done. */
fpc_status fpc_trainer_train(fpc_trainer *);
fpc_status fpc_trainer_validate(fpc_trainer *);

/* train/shown.c: refuse an epoch in whose masks nothing counts: of training, once its steps are done, and of
 * validation, once the row of the epoch is there. The first epoch's also warn, of classes that no training mask shows
 * and of a metric without a value. The last one: a run whose metric never had a value. */
fpc_status fpc_trainer_check_shown(fpc_trainer *);
fpc_status fpc_trainer_check_validated(fpc_trainer *);
fpc_status fpc_trainer_check_scored(fpc_trainer *);

/* train/checkpoint.c */
fpc_status fpc_trainer_save(fpc_trainer *, const char *folder); /* last.safetensors */
fpc_status fpc_trainer_save_best(fpc_trainer *, const char *path, int64_t epoch, double value);
fpc_status fpc_trainer_load(fpc_trainer *);

/* train/stop.c: what the monitored metric decides. */
double fpc_trainer_score(const fpc_trainer *); /* of the epoch under way, whose row is there: what picks the best */
int fpc_trainer_better(const fpc_trainer *, double score);
/* Whether the epoch, from 0, ends with a validation; without pictures to validate on the metrics of training stand for
 * one. */
int fpc_trainer_validates(const fpc_trainer *, int64_t epoch);
int64_t fpc_trainer_waited(const fpc_trainer *); /* from the record */
int fpc_trainer_out_of_patience(const fpc_trainer *);
double fpc_trainer_score_at(const fpc_trainer *, int64_t epoch);         /* of any epoch, from 0, up to that one */
int fpc_trainer_passes(const fpc_trainer *, double value, double other); /* is better than */

/* train/ranked.c: the checkpoints of the best epochs. */
fpc_status fpc_trainer_save_ranked(fpc_trainer *); /* best-EPOCH.safetensors, where it is among run.keep_best */
void fpc_trainer_prune(fpc_trainer *);             /* those that no longer are */

/* train/init.c: fresh weights, or another run's. */
fpc_status fpc_trainer_init(fpc_trainer *);

/* train/swa.c */
fpc_status fpc_trainer_swa_epoch(fpc_trainer *); /* at the end of an epoch: into the mean, where it is its turn */
fpc_status fpc_trainer_swa_end(fpc_trainer *);   /* swa.safetensors */

/* train/validation.c: validation.safetensors; the counts of the meter, or of the best weights, which must be loaded. */
fpc_status fpc_trainer_save_validation(fpc_trainer *, int64_t epoch);
/* The file in the folder, where it is of that epoch (from 1) and of this data set; else NULL. */
fpc_validation *fpc_trainer_validation(fpc_trainer *, fpc_arena *, int64_t epoch);
fpc_status fpc_trainer_confusion(fpc_trainer *);

/* train/watch.c: pictures and histograms for the loggers that want them. */
fpc_status fpc_trainer_take_pictures(fpc_trainer *);
/* FPC_SAMPLES, of the weights in place, which are those of that epoch (from 1). */
fpc_status fpc_trainer_tell_samples(fpc_trainer *, int64_t epoch);
fpc_status fpc_trainer_watch(fpc_trainer *, const fpc_clock *);

/* train/folder.c */
fpc_status fpc_trainer_new_folder(fpc_trainer *);
/* Whether one could be made in run.out, without making it. */
fpc_status fpc_trainer_out_check(const fpc_experiment *);
fpc_status fpc_trainer_old_folder(fpc_trainer *);
void fpc_trainer_discard(fpc_trainer *); /* the folder that this process made, and in which nothing was trained */

/* train/run_json.c: run.json */
fpc_status fpc_trainer_log_begin(fpc_trainer *, const char *folder);
fpc_status fpc_trainer_log_end(fpc_trainer *, const char *how, const char *error);
void fpc_trainer_log_swa(fpc_trainer *, const fpc_st_file *); /* what swa.safetensors says of itself */

#endif
