/* sweep.h: a grid of recipes, or samples of one, times seeds. What has to be run, what is there already, and running
 * it: each training is a child process of the same program in a run folder of its own, so that one that fails or is cut
 * harms no other, and a sweep that is started again goes on with what is missing. */
#ifndef CORE_CMD_SWEEP_SWEEP_H
#define CORE_CMD_SWEEP_SWEEP_H

#include "cmd/line/line.h"
#include <fpcore/option.h>
#include <sys/types.h>

/* The values of a key. Where the one value is a range, range has its ends, and lo and hi their texts; --random draws
 * from the range or the values, and drawn has what it drew, a value a sample. */
typedef struct fpc_axis {
    const char *key; /* "loss.dice.weight" */
    int32_t n;
    const char **value;
    const char **drawn;
    const fpc_range *range;
    const char *lo, *hi;
    int log, whole; /* by the logarithm; whole numbers, as the option is one */
} fpc_axis;

typedef enum fpc_trial_state {
    FPC_TRIAL_NEW = 0,
    FPC_TRIAL_CUT, /* a run folder that can be resumed */
    FPC_TRIAL_RUNNING,
    FPC_TRIAL_DONE,     /* complete or stopped early */
    FPC_TRIAL_DIVERGED, /* it would again */
    FPC_TRIAL_PRUNED,   /* stopped because it was worse (--prune, --halving) */
    FPC_TRIAL_FAILED
} fpc_trial_state;

/* One training. Trials that differ in seed and fold alone are a group. */
typedef struct fpc_trial {
    int32_t recipe, group, fold; /* fold: from 1 on; 0: there are none */
    int64_t seed;
    const char *name;  /* run.name: "lmsa_v1,dice.weight=1.5,s3" */
    const char *label; /* of the group */
    int32_t n_set;     /* what -s says, in order */
    const char **set;
    fpc_trial_state state;
    const char *folder; /* run folder, NULL: none yet */
    int64_t epochs_done, epochs;
    uint64_t meaning;   /* of its recipe but for names: the same for values that are spelt in two ways */
    const char *column; /* of history.json: what picks the best */
    double sign;        /* -1: lower is better */
    int has_threads;    /* the backend takes `threads` and the recipe leaves them to the program */
    /* of a child that runs */
    pid_t pid;
    double began;          /* on the clock of fpc_clock_now */
    int64_t began_at;      /* epochs done then */
    const char *log, *why; /* its output; the sentence it ended with */
    int asked;             /* to stop */
    int again;             /* it saved and waits to be started again: run.hours are over */
    int64_t seen;          /* epochs at the last look (--prune) */
    int told;              /* that its history cannot be read */
    int32_t rung;          /* at which its group was stopped (--halving); 0: none */
} fpc_trial;

/* A run folder of the sweep's that no trial has the name of, and the lines of its recipe. */
typedef struct fpc_stray {
    const char *entry;
    int64_t seed;
    int32_t n_lines;
    const struct fpc_identity_line *lines;
} fpc_stray;

typedef struct fpc_sweep {
    fpc_cmdline *cmd;
    const char *out; /* the sweep's folder */
    int32_t n_recipes, n_axes, n_seeds, n_groups, n;
    int32_t folds, each; /* --folds, 0: the recipe's own validation; trials of a group: seeds times folds */
    struct fpc_folds *pictures;
    int64_t random, random_seed; /* samples to draw, 0: all combinations; and of which stream */
    const char **recipe, **stem;
    fpc_axis *axis;
    int64_t *seed;
    int64_t jobs;
    int64_t only; /* 1-based: this trial alone, one of many processes that share the folder; 0: all */
    int prune;
    int64_t halving,
        until; /* one of so many goes on behind a rung, 0: no rungs; trainings end there, 0: at their end */
    int32_t rungs_judged;
    int lock;
    double
        seconds; /* of all trainings that ended well here, and the epochs that were theirs to do: for the time left */
    int64_t epochs;
    fpc_trial *trial; /* groups together, seeds inside, folds inside of these */
    int32_t n_strays, cap_strays;
    fpc_stray *stray;
    struct fpc_stray_index *indices; /* of the strays, one for each kind of recipe (look.c) */
} fpc_sweep;

/* "loss.dice.weight=1.0,1.5,2.0" or a range, "optimizer.lr=1e-4..3e-3:log"; values that hold commas are separated by
 * semicolons. */
fpc_status fpc_sweep_axis(fpc_ctx *, fpc_arena *, const char *text, fpc_axis *out);
/* cmd/sweep/random.c: whether a value is meant as a range, "1e-4..3e-3:log"; reads the range that is the one value. */
int fpc_sweep_is_range(const char *text);
fpc_status fpc_sweep_range(fpc_ctx *, fpc_arena *, const char *text, fpc_axis *);
/* Refuses ranges without --random, and --random without anything to draw from. */
fpc_status fpc_sweep_random_words(const fpc_sweep *);
/* Looks up what the keys with ranges take, in every recipe: an end that is no value of the option is refused. */
fpc_status fpc_sweep_random_kinds(fpc_sweep *);
/* Fills drawn of all axes with n samples that differ. */
fpc_status fpc_sweep_draw(fpc_ctx *, fpc_arena *, int32_t n_axes, fpc_axis *, int64_t n, int64_t seed);
/* "5": seeds 1 to 5; "3,7": these. */
fpc_status fpc_sweep_seeds(fpc_ctx *, fpc_arena *, const char *text, int32_t *n, int64_t **out);
/* Fills trial from recipes, axes and seeds; recipes and -s as in cmd. */
fpc_status fpc_sweep_plan(fpc_sweep *);
/* The key where it is one that the sweep itself sets for every run, or NULL. */
const char *fpc_sweep_own_key(const char *key);
/* cmd/sweep/look.c: opens every recipe with every value, as training would but for data and model: a bad key or value
 * is found before anything runs. Looks at what the sweep's folder holds; a run of another recipe is refused with the
 * keys, one of the same recipe is taken, though a value be spelt otherwise in its name. */
fpc_status fpc_sweep_look(fpc_sweep *);
/* Whether a name means one of the trials, as `compare --baseline` takes it; else a failure that lists them. */
fpc_status fpc_sweep_baseline(const fpc_sweep *, const char *name);
/* Finds the run folders of the trials that have none yet. */
fpc_status fpc_sweep_find(fpc_sweep *);
/* The command of a trial, its words ending with NULL. */
const char **fpc_sweep_command(fpc_sweep *, const fpc_trial *, const char *program);
/* The same as a line for a shell. */
const char *fpc_shell_line(fpc_arena *, const char *const *word);

/* cmd/sweep/run.c: makes the sweep's folder and that of its logs. */
fpc_status fpc_sweep_folders(fpc_sweep *);
/* Runs all that is missing. FPC_ECANCEL with a sentence after a signal, when all children have saved, and where
 * trainings ended because run.hours were over. */
fpc_status fpc_sweep_run(fpc_sweep *);
/* cmd/sweep/folds.c: --folds. Every labelled picture of the training and validation parts is in one fold; a trial
 * validates on its fold and trains on the others, by lists below OUT/folds. */
typedef struct fpc_folds {
    int64_t n;
    const char **name; /* sorted */
    int32_t *fold;     /* from 1 on */
} fpc_folds;
/* Deals names into folds, sizes differing by one at most: a function of the sorted names and the seed alone. */
fpc_status fpc_folds_deal(fpc_ctx *, fpc_arena *, int64_t n, const char **name, int32_t folds, int64_t seed,
                          fpc_folds **out);
/* The list of a fold: its pictures (validation) or all others, a name a line. NULL: no memory. */
const char *fpc_folds_list(fpc_arena *, const fpc_folds *, int32_t fold, int validation);
/* The words `dataset.train_list=...` and `dataset.val_list=...` of a trial. */
fpc_status fpc_sweep_folds_words(const fpc_sweep *, fpc_trial *);
/* Looks up the pictures; refuses data sets that take no lists, recipes with different pictures, and a folder that has
 * other folds, or has folds where none are asked for. */
fpc_status fpc_sweep_folds_look(fpc_sweep *);
/* Writes the lists that are not there yet. */
fpc_status fpc_sweep_folds_write(const fpc_sweep *);
/* cmd/sweep/folded.c: the tables of a sweep with folds, and OUT/out-of-fold.csv. */
fpc_status fpc_sweep_folded(fpc_sweep *);
/* cmd/sweep/halving.c: refuses what cannot be halved; prints the rungs, and what was stopped there. */
fpc_status fpc_sweep_halving_check(const fpc_sweep *);
void fpc_sweep_halving_plan(const fpc_sweep *);
void fpc_sweep_halving_told(const fpc_sweep *);
/* Trains from rung to rung: train runs all that is to be run until s->until; note writes down what was stopped. */
fpc_status fpc_sweep_halving(fpc_sweep *, fpc_status (*train)(fpc_sweep *), fpc_status (*note)(fpc_sweep *));
/* cmd/sweep/prune.c: why a run that is under way may be stopped, or NULL: at the same epoch it is worse than complete
 * runs of another recipe by more than the noise. epochs: the run's length. */
typedef struct fpc_progress {
    int64_t n;     /* epochs */
    double *value; /* monitored metric; higher is better */
} fpc_progress;
/* The best value of the first so many epochs; -INFINITY: there is none. */
double fpc_sweep_best(const fpc_progress *, int64_t epochs);
/* cmd/sweep/look.c: the monitored metric of a run, higher being better, NAN where an epoch has none; NULL: nothing. */
double *fpc_sweep_history(fpc_ctx *, fpc_arena *, fpc_trial *, int64_t *n);
const char *fpc_sweep_worse(fpc_arena *, int64_t epochs, const fpc_progress *run, int32_t n_incumbent,
                            const fpc_progress *incumbent);

#endif
