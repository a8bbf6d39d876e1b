/* scores_private.h: what scores.c and tiles.c share: how the points of a grid of scores lie among pixels. */
#ifndef CORE_IMAGE_SCORES_PRIVATE_H
#define CORE_IMAGE_SCORES_PRIVATE_H

#include <fpcore/image.h>

enum { FPC_SCORES_LANES = 8 }; /* pixels at a time: their loops become vector instructions */

/* One axis. Output pixels first[i] .. first[i + 1] - 1 lie between the scores i and i + 1 (or on the last one); weight,
 * by output pixel, is that of i + 1, readable in whole lanes. */
typedef struct fpc_scores_axis {
    int32_t *first;
    float *weight;
} fpc_scores_axis;

fpc_status fpc_scores_axis_make(fpc_arena *, int32_t in, int32_t out, fpc_scores_axis *);
/* The class of the highest score at each of n points. A NaN is never the highest. */
void fpc_scores_best(const float *score, int64_t n, int32_t classes, uint8_t *best);

#endif
