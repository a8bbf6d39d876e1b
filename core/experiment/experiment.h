/* experiment.h: everything that a recipe names, opened and checked, and the steps that are made of it. */
#ifndef CORE_EXPERIMENT_EXPERIMENT_H
#define CORE_EXPERIMENT_EXPERIMENT_H

#include <fpcore/loss.h>
#include <fpcore/metric.h>
#include <fpcore/model.h>
#include <fpcore/optimizer.h>
#include <fpcore/schedule.h>
#include "data/data.h"
#include "experiment/groups.h"
#include "recipe/run_options.h"
#include "recipe/training_options.h"
#include "runtime/program.h"

enum { FPC_MAX_LOSSES = 16 }; /* [loss.*] sections of a recipe */

typedef struct fpc_loss_term {
    fpc_instance inst;
    fpc_curve curve;   /* core key `weight` of every [loss.*] */
    double weight;     /* its value in the epoch under way; fpc_experiment_epoch sets it */
    const char *label; /* "ce" of [loss.ce] */
    int assumed;       /* 1: it was told made-up numbers of training masks; set when a program with losses is made */
} fpc_loss_term;

/* By class: pixels of the training masks, and pictures that show it. NULL: no loss has asked. */
typedef struct fpc_label_numbers {
    const int64_t *pixels, *images;
    int assumed; /* made up */
} fpc_label_numbers;

/* What the network is told of pictures, channel by channel: (x - mean) / std. */
enum { FPC_CHANNELS = 3 };
typedef struct fpc_normalized {
    int32_t on; /* 0: pictures stay as they are, and graphs have no node for it */
    double minus_mean[FPC_CHANNELS], over_std[FPC_CHANNELS];
} fpc_normalized;

typedef struct fpc_experiment_metric {
    fpc_instance inst;
    const char *label; /* "f_score" */
} fpc_experiment_metric;

/* One section of the recipe as it was opened: what the resolved recipe and --check look at. */
typedef struct fpc_opened {
    const char *name;
    fpc_instance inst;     /* plugin NULL: a section of the core alone */
    fpc_option_set common; /* the core's keys in it */
} fpc_opened;

typedef struct fpc_experiment {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_registry *registry;
    const fpc_recipe *recipe;
    fpc_run_options run;
    fpc_data *data; /* NULL where not asked for */
    fpc_backend *backend;
    fpc_op_table *ops;
    fpc_instance model, optimizer, schedule;
    int64_t max_params;                 /* [model] max_params, 0: no limit */
    fpc_normalized normalized;          /* [model] mean and std */
    fpc_curve lr;                       /* [optimizer] lr */
    double warmup_epochs, warmup_start; /* [schedule] */
    int64_t schedule_begin;             /* [schedule] begin: epochs of the schedule that lie behind epoch 0 */
    int64_t schedule_epochs;            /* its length with them */
    double sam;                         /* [optimizer] sam, 0: off */
    fpc_optimizer_common rules;         /* [optimizer] as stated: freeze, no_decay, lr_scale */
    fpc_patterns freeze;                /* of rules.freeze */
    fpc_groups groups;                  /* what they come to; n 0: not opened to train */
    int32_t n_losses, n_metrics, n_loggers;
    fpc_loss_term *loss;
    fpc_experiment_metric *metric;
    int32_t monitor; /* the metric that picks the best checkpoint; -1: not opened to train */
    int higher;      /* is better */
    fpc_instance *logger;
    fpc_data_sources sources; /* [dataset], [augment] and [augment.*], opened: what `data` is made of */
    int32_t classes, ignore;
    fpc_label_numbers labels; /* experiment/labels.h */
    fpc_state *state;
    int32_t n_opened;
    fpc_opened *opened;            /* every section, run first, backend last; those of a kind in the recipe's order */
    fpc_dataset_info info;         /* classes, palette, pairs; counts and sizes only where data were opened */
    fpc_dataset_info stated;       /* where weights know the classes: those of the data set's description, if any */
    const struct fpc_known *known; /* NULL: the recipe tells all */
    fpc_bare bare;                 /* used where the recipe is one that weights hold */
    struct fpc_programs *programs; /* private to experiment/step.c */
} fpc_experiment;

enum {
    FPC_OPEN_DATA = 1,
    FPC_OPEN_TRAIN = 2 /* losses, optimizer, schedule, metrics */,
    FPC_OPEN_BACKEND = 4 /* and state */,
    /* The state holds weights alone, zeros until they are loaded: to evaluate and predict, in less memory and time */
    FPC_OPEN_FROZEN = 8,
    /* Only what is used is opened and checked: neither optimizer, schedule, augmentations nor loggers, without
     * FPC_OPEN_TRAIN no losses and metrics, and no data set of which weights tell all that is asked */
    FPC_OPEN_USED = 16,
    /* Computes by plain loops in double, whatever [backend] names and is installed: for what is the same everywhere */
    FPC_OPEN_EXACT = 32
};
/* Opens the named parts; checks every section of the recipe but with FPC_OPEN_USED (no key is ignored). classes: taken
 * from the data set, or `classes` where data is not opened (19). */
fpc_status fpc_experiment_open(fpc_ctx *, fpc_arena *, const char *plugin_path, const fpc_recipe *, unsigned what,
                               fpc_experiment **);
/* What weights tell of the training that they come from. */
typedef struct fpc_known {
    int bare;               /* 1: the recipe is theirs and has no paths */
    int whole;              /* 1: the table says all that a prediction asks of a data set */
    const char *lost;       /* keys of the paths that the training had, "dataset.root dataset.val_list"; or NULL */
    fpc_dataset_info table; /* classes, names, palette, pairs (classes 0: they do not tell), h, w, as_stored, fit */
} fpc_known;
/* The same for weights. Without data, or where the recipe is their own, the classes are those of the weights, and no
 * file of classes is read. */
fpc_status fpc_experiment_open_known(fpc_ctx *, fpc_arena *, const char *plugin_path, const fpc_recipe *, unsigned what,
                                     const fpc_known *, fpc_experiment **);
/* The recipe with every option of every plugin, defaults included, as INI text; with_origin adds "; from FILE:LINE". */
const char *fpc_experiment_resolved(fpc_experiment *, fpc_arena *, int with_origin);
/* The same key by key, in that order: for all who compare recipes. */
typedef struct fpc_resolved {
    const char *section, *key, *text;
    const char *origin; /* "conf/base.ini:12", or "default" */
    const char *usual;  /* the text of the default; NULL: there is none */
    int is_default;     /* the text is that of the default, wherever it comes from */
    int resumable;      /* may differ when a run is resumed: it changes no result */
    const char *stated; /* a path as the recipe states it; NULL: no path, or a default */
    int classes;        /* 1: a file of classes */
    int reads;          /* 1: a path of the recipe's own, for what is read */
    int items;          /* 1: items with commas between, whose order and blanks mean nothing */
} fpc_resolved;
fpc_status fpc_experiment_settings(const fpc_experiment *, fpc_arena *, int32_t *n, const fpc_resolved **out);
const fpc_resolved *fpc_resolved_find(const fpc_resolved *, int32_t n, const char *section, const char *key);
/* The text as it is compared: equal for values that mean the same. text: of this key, there or elsewhere. NULL: no
 * memory. */
const char *fpc_resolved_meaning(fpc_arena *, const fpc_resolved *, const char *text);
/* As INI text; resumable 0: without those keys. NULL: no memory. */
/* As a folder keeps it beside a copy of the file of classes, FPC_CLASSES_FILE: that file by this name, other paths
 * absolute, or (stated) as the recipe has them. *n_classes: how many such files are named, 0 or 1. NULL: no memory. */
#define FPC_CLASSES_FILE "classes.ini"
const char *fpc_resolved_kept(fpc_arena *, const fpc_resolved *all, int32_t n, int with_origin, int stated,
                              int32_t *n_classes);
const char *fpc_resolved_text(fpc_arena *, const fpc_resolved *all, int32_t n, int with_origin, int resumable);

/* Whether a schedule has more than one value. */
int fpc_curve_varies(const fpc_curve *);
/* The weights of the losses as they are in epoch e (0-based); before the first call, as in epoch 0. */
void fpc_experiment_epoch(fpc_experiment *, int64_t epoch);
/* [optimizer] lr as it is in epoch e (0-based). */
double fpc_experiment_base_lr(const fpc_experiment *, int64_t epoch);
/* The rate used in that epoch: that, times warm-up and the schedule's factor. history: the monitored metric, for
 * schedules that look at it; may be NULL. NAN, with a sentence: the schedule gave a factor that is none. */
double fpc_experiment_lr(const fpc_experiment *, int64_t epoch, const fpc_history *history);

typedef enum fpc_program_kind {
    FPC_PROGRAM_TRAIN = 1,
    FPC_PROGRAM_EVAL,
    FPC_PROGRAM_PREDICT,
    FPC_PROGRAM_LOGITS,
    FPC_PROGRAM_LABELS,    /* the masks as augmentation leaves them */
    FPC_PROGRAM_AUGMENTED, /* the pictures too */
    FPC_PROGRAM_STATS      /* forward in training mode, for the running statistics alone */
} fpc_program_kind;

/* A program of a batch size, compiled on first use. */
fpc_status fpc_steps_program(fpc_experiment *, fpc_program_kind, int32_t n, int32_t h, int32_t w, fpc_program **);

typedef struct fpc_step_result {
    double loss, grad_norm;
    double term[FPC_MAX_LOSSES]; /* per [loss.*] section, unweighted */
    int32_t images;
    const int32_t *tp_fp_fn; /* [images][classes][3] of all micro-batches */
    int32_t
        skipped; /* 1: fp16 overflowed; the factor of the loss was halved, the weights stay (fpcore/ops.h: scaler) */
} fpc_step_result;

/* One optimizer step from n_micro batches. step: counts from 1 over the whole run; lr: the rate. FPC_ENAN where loss or
 * gradient norm is not finite (the parameters are then unchanged); the message names step and node. */
fpc_status fpc_train_step(fpc_experiment *, int32_t n_micro, const fpc_batch *const *batches, int64_t step, double lr,
                          fpc_step_result *out);
/* Steps without waiting, on a backend that queues, where each step is one batch: fpc_experiment_queue sets it up once,
 * before any step, and decides where the data set lies; fpc_experiment_queued tells whether steps go by the two
 * functions below. */
fpc_status fpc_experiment_queue(fpc_experiment *);
/* Whether it could, without taking memory. */
fpc_status fpc_experiment_queue_check(fpc_experiment *);
int fpc_experiment_queued(const fpc_experiment *);
/* The same where a single batch is all the data: for benchmarks. */
fpc_status fpc_experiment_queue_batch(fpc_experiment *, const fpc_batch *);
fpc_status fpc_train_queue(fpc_experiment *, const fpc_batch *, int64_t step, double lr);
fpc_status fpc_eval_queue(fpc_experiment *, const fpc_batch *);
/* The results of the oldest queued step that nobody took: got 1. all 0: only where as many are under way as may be, so
 * that a further one can be queued. tp_fp_fn stays until the next step is queued. */
fpc_status fpc_queue_take(fpc_experiment *, int all, fpc_step_result *, int *got);
/* After the n-th (from 0) mean of weights: takes the parameters into it. */
fpc_status fpc_experiment_swa(fpc_experiment *, int64_t n);
/* The running statistics of batch norm made again, forward in training mode: batch k, from 1; step: for dropout. */
fpc_status fpc_stats_step(fpc_experiment *, const fpc_batch *, int64_t step, int64_t k);
/* Loss terms and counts of one batch, in evaluation mode. */
fpc_status fpc_eval_step(fpc_experiment *, const fpc_batch *, fpc_step_result *out);
/* Logits h*w*classes of one picture (h*w*3 bytes), in the arena. */
fpc_status fpc_logits_step(fpc_experiment *, fpc_arena *, int32_t h, int32_t w, const uint8_t *image, float **out);
/* Labels n*h*w of n pictures (n*h*w*3 bytes). */
fpc_status fpc_predict_step(fpc_experiment *, int32_t n, int32_t h, int32_t w, const uint8_t *image, uint8_t *labels);

/* A training batch as the model and the losses get it: pictures n*h*w*3, mostly in [0,1], and (first) masks n*h*w. */
fpc_status fpc_augmented_step(fpc_experiment *, const fpc_batch *, float *image, uint8_t *mask);

/* Reads [model] mean and std; one number stands for all channels. Refused: another count of numbers. */
fpc_status fpc_normalized_read(fpc_experiment *, const fpc_model_common *);
/* Whether a key of [model] is one of the two. */
int fpc_normalized_key(const char *key);
/* Warns where the weights `path`, with which a training begins, come from one that normalized otherwise. */
fpc_status fpc_normalized_warn(fpc_experiment *, const char *path);
/* Appends the recipe's model: a real image (n,h,w,3) in 0 .. 1 to logits (n,h,w,classes). Its first nodes normalize,
 * where the recipe says so: every graph that has the model has them, so what trains, measures, predicts and is exported
 * or packed sees the same numbers. They stand for themselves and are not folded into the first product: where that
 * pads, the zeros beside a picture are those of a normalized one, as in PyTorch, and a shift in the weights would
 * change them.
 */
fpc_status fpc_experiment_model(fpc_experiment *, fpc_graph *, fpc_val image, fpc_val *logits);
/* For probe, model and bench: builds a program around real-valued images. Outputs "logits" (n,h,w,classes) at full size
 * when `logits` is set, "loss", "terms"; with backward, gradients land in state (grad.NAME). */
typedef struct fpc_probe_args {
    int32_t n, h, w;
    int training, backward, logits, loss;
} fpc_probe_args;
fpc_status fpc_experiment_probe(fpc_experiment *, const fpc_probe_args *, fpc_program **);
/* The program that moves parameters and averages along the gradient, or along the sum where micro-batches are
 * accumulated. Inputs lr, step (not where state->scaler is: it counts), decay where run.ema is; outputs norm (before
 * clipping) and scaler. A norm that is not finite leaves everything as it is. */
fpc_status fpc_update_program(fpc_experiment *, fpc_program **);
/* What values are stored in besides fp32, FPC_BF16 or FPC_F16; 0: nothing. */
uint32_t fpc_half_of(const fpc_experiment *);
/* Applies one optimizer step to the gradients in state; grad_norm is before clipping. */
fpc_status fpc_experiment_update(fpc_experiment *, int64_t step, double lr, double *grad_norm);
/* The same, with [optimizer] sam: `program`, which made the gradients, is run once more at the weights uphill. */
fpc_status fpc_experiment_step(fpc_experiment *, fpc_program *program, int64_t step, double lr, double *grad_norm);
/* Bytes that training with n pictures of h x w a batch takes: weights, gradients, slots and activations, without taking
 * the activations. */
fpc_status fpc_experiment_memory(fpc_experiment *, int32_t n, int32_t h, int32_t w, size_t *bytes);
/* Whether training with the recipe's batch fits into the memory that the backend has free; a refusal names the needs
 * and the largest batch that would. */
fpc_status fpc_experiment_fit(fpc_experiment *);
/* The graph of a prediction as it runs on the backend, of one picture to "labels" or "logits", rewritten and joined but
 * not lowered to half precision. */
fpc_status fpc_experiment_prediction(fpc_experiment *, int32_t h, int32_t w, int logits, fpc_graph **);
/* The rewritten graph of one image, for the layer table; no memory is taken. */
fpc_status fpc_experiment_graph(fpc_experiment *, int32_t n, int32_t h, int32_t w, int training, int rewrite,
                                fpc_graph **);

#endif
