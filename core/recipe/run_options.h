/* run_options.h: the section [run], which the core reads by itself. */
#ifndef CORE_RECIPE_RUN_OPTIONS_H
#define CORE_RECIPE_RUN_OPTIONS_H

#include "recipe/options.h"

/* What goes on where training starts from another run's weights. KEEP is made into HYBRID, and the
 * other run's [optimizer], [schedule] and best value into keys of the recipe, when the stages are opened. */
typedef enum fpc_init { FPC_INIT_RESET, FPC_INIT_KEEP, FPC_INIT_HYBRID } fpc_init;

/* [run] */
typedef struct fpc_run_options {
    const char *name, *out;  /* "run", "runs" */
    int64_t seed, epochs;    /* 0, 1 */
    int64_t validate_every;  /* epochs from one validation to the next; the last epoch always has one. 1 */
    int64_t patience;        /* epochs without a new best before stopping; 0: never */
    int64_t min_epochs;      /* no stop before, 0 */
    double hours;            /* of one call of the program; 0: no limit */
    double min_delta;        /* what counts as better for stopping, 0 */
    int64_t smooth;          /* epochs of the trailing mean that stopping looks at, 1 */
    int64_t smooth_best;     /* on: the same mean picks the best checkpoint */
    int64_t keep_best;       /* checkpoints of so many best epochs, 1 */
    int64_t swa_start;       /* first epoch, from 1, whose weights go into the mean; 0: off */
    int64_t swa_every;       /* every so many epochs, 1 */
    int64_t accumulate;      /* micro-batches per optimizer step, 1 */
    double clip_norm;        /* 0: off */
    double ema;              /* decay of the average of the weights; 0: off */
    const char *metric;      /* label of the [metric.*] section that picks the best checkpoint: "f_score" */
    const char *init_from;   /* weights to start from: a file or a run folder, "" */
    const char *init_skip;   /* patterns of tensors that are not taken from there, "" */
    const char *init_rename; /* "OLD -> NEW", what their names begin with there and here, "" */
    int64_t init_optimizer;  /* an fpc_init */
    fpc_reals beat;          /* value that the first best has to pass, or none */
    int64_t rewrite;         /* on: exact graph rewrites */
    int64_t precision;       /* an fpc_precision, FP32 */
    int64_t eval_precision;  /* 1: validation in fp32 whatever `precision` */
} fpc_run_options;

extern const fpc_option fpc_core_run[];

/* The rows stand here, below the struct that they fill, so that an option is added in one place; recipe/sections.c
 * makes the table of them. */
#ifdef FPC_OPTION_ROWS
static const fpc_choice inits[] = {
    {"reset", FPC_INIT_RESET, "nothing: optimizer, rate and schedule begin anew (of a run folder: best.safetensors)"},
    {"keep", FPC_INIT_KEEP,
     "the optimizer's state, [optimizer] and [schedule] with its position, the best value to beat (last.safetensors)"},
    {"hybrid", FPC_INIT_HYBRID, "the optimizer's state only; [optimizer] and [schedule] are this recipe's"},
    {0}};

static const fpc_choice precisions[] = {
    {"fp32", FPC_FP32, "fp32 throughout"},
    {"tf32", FPC_TF32, "products with 10 bits of mantissa"},
    {"bf16", FPC_HALF_BF16, "bfloat16; parameters, statistics, losses and sums stay fp32"},
    {"fp16", FPC_HALF_FP16, "the same in half precision, with dynamic loss scaling"},
    {0}};
static const fpc_choice eval_precisions[] = {{"same", 0, "as in training"}, {"fp32", 1, "without half precision"}, {0}};

const fpc_option fpc_core_run[] = {
    RESUMABLE(FPC_OPT_TEXT, fpc_run_options, name, "run", 1, 0, "", "name of the run; its folder is OUT/NAME-TIME",
              const char *),
    {"out", "folder in which run folders are made, in the folder where fpcore is started: the recipe may be another's",
     "", "runs", 1, 0, NULL, FPC_OPT_PATH, FPC_OPT_RESUMABLE | FPC_OPT_HERE,
     FPC_FIELD_(fpc_run_options, out, const char *)},
    FPC_OPTION_INT(fpc_run_options, seed, "0", 0, 9007199254740992.0, "",
                   "key of every random number: weights, order, augmentation, dropout"),
    RESUMABLE_INT(fpc_run_options, epochs, "1", 1, 1e6, "epochs", "length of the training"),
    FPC_OPTION_INT(
        fpc_run_options, validate_every, "1", 1, 1e6, "epochs",
        "validate after every so-many-th epoch, and after the last; the others have no values of validation"),
    RESUMABLE_INT(fpc_run_options, patience, "0", 0, 1e6, "epochs",
                  "stop after so many epochs without a better one; 0: never"),
    RESUMABLE_INT(fpc_run_options, min_epochs, "0", 0, 1e6, "epochs", "no stop by patience before so many epochs"),
    RESUMABLE(FPC_OPT_REAL, fpc_run_options, hours, "0", 0, 1e6, "hours",
              "after so long the training is saved as by a signal, and the exit code is 75; 0: no limit", double),
    RESUMABLE(FPC_OPT_REAL, fpc_run_options, min_delta, "0", 0, 1e9, "",
              "patience counts an epoch as better only where the metric is better by more than this", double),
    FPC_OPTION_INT(fpc_run_options, smooth, "1", 1, 1e6, "epochs",
                   "patience looks at the mean of the metric over the last so many epochs"),
    FPC_OPTION_BOOL(fpc_run_options, smooth_best, "off", "that mean picks the best checkpoint too"),
    RESUMABLE_INT(fpc_run_options, keep_best, "1", 1, 1000, "files",
                  "above 1: best-EPOCH.safetensors of so many best epochs beside best.safetensors"),
    FPC_OPTION_INT(fpc_run_options, accumulate, "1", 1, 65536, "batches", "micro-batches per optimizer step"),
    FPC_OPTION_REAL(fpc_run_options, clip_norm, "0", 0, 1e9, "",
                    "largest global norm of the gradient, longer ones are scaled down to it; 0: off"),
    FPC_OPTION_REAL(fpc_run_options, ema, "0", 0, 0.999999999, "",
                    "decay of a running average of the weights, used to evaluate; 0: off"),
    FPC_OPTION_INT(fpc_run_options, swa_start, "0", 0, 1e6, "",
                   "first epoch, counted from 1, whose weights go into the mean in swa.safetensors; 0: no mean"),
    FPC_OPTION_INT(fpc_run_options, swa_every, "1", 1, 1e6, "epochs", "then the weights of every so-many-th epoch"),
    FPC_OPTION_TEXT(fpc_run_options, metric, "f_score",
                    "label of the [metric.LABEL] section that picks the best checkpoint"),
    FPC_OPTION_PATH(fpc_run_options, init_from, "",
                    "weights and batch-norm statistics to start from: a safetensors file, one of torch.save, or a run "
                    "folder; empty: "
                    "none"),
    {"init_skip",
     "patterns, with commas between, of tensors that are not taken from there and stay as drawn: decoder.conv_seg.*",
     "", "", 1, 0, NULL, FPC_OPT_TEXT, FPC_OPT_RESUMABLE | FPC_OPT_ITEMS,
     FPC_FIELD_(fpc_run_options, init_skip, const char *)},
    {"init_rename",
     "what names of tensors begin with there and here, OLD -> NEW with commas between: backbone. -> encoder.; or "
     "`huggingface`: SegFormer as transformers calls it",
     "", "", 1, 0, NULL, FPC_OPT_TEXT, FPC_OPT_RESUMABLE | FPC_OPT_ITEMS,
     FPC_FIELD_(fpc_run_options, init_rename, const char *)},
    {"init_optimizer", "what else is taken from there, where training goes on from another run", "", "reset", 1, 0,
     inits, FPC_OPT_CHOICE, FPC_OPT_RESUMABLE, FPC_FIELD_(fpc_run_options, init_optimizer, int64_t)},
    FPC_OPTION_REALS(fpc_run_options, beat, "", 1, 0, "",
                     "one value of the metric that the first best has to pass; empty: any is good"),
    {"precision", "what activations and matrix products are computed in, where the backend can", "", "fp32", 0, 0,
     precisions, FPC_OPT_CHOICE, 0, FPC_FIELD_(fpc_run_options, precision, int64_t)},
    {"eval_precision", "the same in validation and evaluation", "", "same", 0, 0, eval_precisions, FPC_OPT_CHOICE, 0,
     FPC_FIELD_(fpc_run_options, eval_precision, int64_t)},
    FPC_OPTION_BOOL(fpc_run_options, rewrite, "on", "simplify the graph by exact identities before it runs"),
    {0}};
#endif

#endif
