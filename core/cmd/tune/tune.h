/* tune.h: what is done behind a network (image/post.h), chosen on pictures with labels, and how much of the gain is
 * real. The measure is F per picture, the mean over pictures, as f_image has it.
 *
 * Four parts are chosen one after the other, each on top of those before: biases of classes, sides, smallest blobs,
 * holes. A part is kept where it gains more than its standard error on pictures that its numbers were not chosen on.
 * That whole choice is repeated without each fold of the pictures in turn and measured on that fold, so that every
 * picture is judged once by numbers that have not seen it: folds within folds. docs/tune.md tells more. */
#ifndef CORE_CMD_TUNE_TUNE_H
#define CORE_CMD_TUNE_TUNE_H

#include "cmd/report/stats.h"
#include "image/post.h"
#include <fpcore/dataset.h>

/* The largest bias that is tried. A class whose score lies behind the best one's by more than twice that can never win:
 * of each pixel only the others are kept, and of most pixels that is one. */
#define FPC_TUNE_BIAS 2.0f

/* What is kept of a picture: its labels, and the scores of classes where another one could win. */
typedef struct fpc_tune_picture {
    uint8_t *mask, *label;     /* (h,w): the truth, and what the network says */
    int32_t n;                 /* pixels with a second class */
    int32_t *pixel, *first;    /* n; n + 1: their classes are class[first[i]] .. class[first[i + 1] - 1], rising */
    uint8_t *class;            /* and these classes' scores */
    float *score;              /* logits, or logarithms of mean probabilities */
    int32_t *of_first, *which; /* by class: the pixels that have it are which[of_first[c]] .. */
} fpc_tune_picture;

typedef struct fpc_tune_set {
    fpc_ctx *ctx;
    fpc_arena *arena;
    int32_t h, w, classes, ignore, n_pairs;
    const uint8_t (*pairs)[2];
    int32_t n, cap, unlabelled; /* unlabelled: pictures left out, of which no pixel counts */
    fpc_tune_picture *picture;
} fpc_tune_set;

enum { FPC_TUNE_BIASES, FPC_TUNE_SIDES, FPC_TUNE_BLOBS, FPC_TUNE_HOLES, FPC_TUNE_PARTS };

typedef struct fpc_tune_part {
    double gain, se; /* on pictures held out, within those that the choice was made on */
    int kept;
} fpc_tune_part;

typedef struct fpc_tune_result {
    fpc_post post; /* chosen on all pictures; all zeros where no part was kept */
    fpc_tune_part part[FPC_TUNE_PARTS];
    double without, with;  /* F; with: of `post`, on the pictures that it was chosen on */
    double held;           /* F of the folds' choices, each on its fold */
    fpc_difference gained; /* held - without, paired by picture */
    int any, shown;        /* a part was kept; and the gain is larger than the noise of the pictures */
} fpc_tune_result;

/* cmd/tune/pictures.c: adds a picture. score: (h,w,classes), mask: (h,w). */
fpc_status fpc_tune_add(fpc_tune_set *, const float *score, const uint8_t *mask);
/* Labels of a picture as predictions with these numbers get them, and their F. */
fpc_status fpc_tune_labels(const fpc_tune_set *, fpc_arena *scratch, const fpc_tune_picture *, const fpc_post *,
                           uint8_t *labels);
double fpc_tune_f(const fpc_tune_set *, const fpc_tune_picture *, const uint8_t *labels);

/* cmd/tune/bias.c: the biases with the largest mean F on the n pictures `which`, by steps of one class at a time from
 * none on, each of which gains more than its standard error over the pictures. */
fpc_status fpc_tune_biases(const fpc_tune_set *, fpc_arena *scratch, int32_t n, const int32_t *which, fpc_post *);

/* cmd/tune/choose.c: all of it. folds: 2 or more, of which each has two pictures; seed: which picture is in which.
 * progress: told after each fold; may be NULL. */
fpc_status fpc_tune_choose(const fpc_tune_set *, int32_t folds, int64_t seed, void (*progress)(int32_t done, int32_t n),
                           fpc_tune_result *);

#endif
