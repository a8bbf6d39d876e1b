/* post.h: what may be done to a prediction behind the network: a class is favoured or held back, specks and holes go,
 * left and right are made consistent. Which of these help, and how much, `fpcore tune` finds out. */
#ifndef CORE_IMAGE_POST_H
#define CORE_IMAGE_POST_H

#include <fpcore/base.h>

enum { FPC_POST_SIDES = 128 };

/* All zeros: nothing is done. Shares are of the picture's pixels, so that a rule means the same at every size. */
typedef struct fpc_post {
    int32_t classes;
    int biased;           /* a bias is not 0 */
    float bias[256];      /* is added to the logits of a class */
    double smallest[256]; /* a blob of the class with a smaller share takes a neighbour's label; 0: none does */
    double holes;         /* so does a blob of any class that one other label encloses */
    int32_t n_sides;
    uint8_t side[FPC_POST_SIDES][2]; /* labels of a mirror pair; in a picture the first lies to the left */
} fpc_post;

/* Scores of n points, logits or (mean) probabilities, which a bias b multiplies by exp(b): the same class wins. */
void fpc_post_scores(const fpc_post *, int probabilities, int64_t n, float *score);
/* Whether fpc_post_labels can change anything. */
int fpc_post_shapes(const fpc_post *);
/* What follows from the shape of a mask (h,w), in place, in this order:
 * sides: of each pair, a blob of its two labels takes the one that more of it has, of equals the left one; where both
 *        are in the picture then, and the middle of the first does not lie to the left, they change places;
 * blobs and holes: a blob that is too small takes the label that most of its border touches, of equals the lowest,
 *        among neighbours that are large enough; where there are none it stays. Once: what comes together stays so. */
fpc_status fpc_post_labels(fpc_arena *scratch, const fpc_post *, int32_t h, int32_t w, uint8_t *labels);

#endif
