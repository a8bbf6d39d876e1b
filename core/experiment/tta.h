/* tta.h: from a picture to its mask; test-time augmentation: a prediction is the mean over scales and mirror images of
 * the picture; large pictures in tiles. */
#ifndef CORE_EXPERIMENT_TTA_H
#define CORE_EXPERIMENT_TTA_H

#include "experiment/experiment.h"
#include "image/image.h"
#include "image/post.h"
#include "image/tiles.h"

enum { FPC_TTA_SCALES = 16 };

typedef struct fpc_tta {
    int32_t n_scales;
    double scale[FPC_TTA_SCALES];
    int flip;
    int exchange; /* the mirrored branch's pairs of labels change places: right for models that know left and right */
} fpc_tta;

/* scales: "0.9, 1, 1.1" or NULL for 1. what: the verb, for messages. */
fpc_status fpc_tta_read(fpc_ctx *, const char *what, const char *scales, int flip, int no_exchange, fpc_tta *);
/* tiles: "512" or NULL: pictures stay whole; overlap: "128", or NULL for a quarter of a tile. */
fpc_status fpc_tta_read_tiles(fpc_ctx *, const char *what, const char *tiles, const char *overlap, fpc_tiles *);
/* Whether it is more than the plain prediction. */
int fpc_tta_on(const fpc_tta *);
/* "scales 0.9, 1, 1.1, mirrored with exchanged labels" */
const char *fpc_tta_text(fpc_arena *, const fpc_tta *);

typedef struct fpc_tta_run fpc_tta_run;
/* Compiles a program for each scale of pictures of h x w. */
fpc_status fpc_tta_open(fpc_experiment *, fpc_arena *, const fpc_tta *, int32_t h, int32_t w, fpc_tta_run **);
/* Mean probabilities h*w*classes of one picture, valid until the next call. */
fpc_status fpc_tta_probabilities(fpc_tta_run *, const uint8_t *image, const float **out);
/* What the labels are made of: logits, or mean probabilities (fpc_tta_on), with the biases of fpc_tta_post. Valid until
 * the next call or as long as scratch. */
fpc_status fpc_tta_scores(fpc_tta_run *, fpc_arena *scratch, const uint8_t *image, float **out);
/* Labels h*w of one picture: the class of the highest mean probability. */
fpc_status fpc_tta_predict(fpc_tta_run *, fpc_arena *scratch, const uint8_t *image, uint8_t *labels);
/* From now on labels are made so (image/post.h); NULL or all zeros: as the network says. It must stay. */
void fpc_tta_post(fpc_tta_run *, const fpc_post *);
/* Who follows a mask that is made of tiles: told before each of them, also of a picture that is one, how many of n are
 * done. What it returns ends the picture. */
typedef struct fpc_tta_watch {
    fpc_status (*tile)(void *arg, int32_t done, int32_t n); /* NULL: nobody is told */
    void *arg;
} fpc_tta_watch;
/* From now on fpc_tta_mask cuts pictures. */
void fpc_tta_cut(fpc_tta_run *, fpc_tiles, fpc_tta_watch);
/* Labels, (picture.h,picture.w), of an RGB picture of any size: it comes to h x w as the data set's did (info.fit), and
 * what the network makes of that is enlarged to the picture (fpc_scores_labels): logits, or the mean probabilities.
 * What lies beside a padded picture is left out before. A network that was trained on the middle of pictures (crop)
 * sees them whole, padded, since what lies outside of the middle wants a label as well. A picture of h x w gets what
 * fpc_tta_predict gives. After fpc_tta_cut all that happens to each tile, and their scores are blended
 * (fpc_tiles_labels); a picture that is one tile gets what it would get without. The one way from a picture to its
 * mask: of predict, submit, eval --native and fpcore/experiment.h. */
fpc_status fpc_tta_mask(fpc_tta_run *, fpc_arena *scratch, const fpc_image *picture, uint8_t *labels);
/* The same labels, and to `rows` the probabilities of the classes at each pixel: the softmax of the enlarged logits, or
 * the enlarged mean probabilities; no class has more than the label. */
fpc_status fpc_tta_mask_rows(fpc_tta_run *, fpc_arena *scratch, const fpc_image *picture, uint8_t *labels,
                             const fpc_score_rows *rows);
/* Probabilities of such a picture on a grid (h,w,classes) that lies over all of it, whatever its shape, of the caller.
 */
fpc_status fpc_tta_grid(fpc_tta_run *, fpc_arena *scratch, const fpc_image *picture, float *out);
/* Adds to tp, fp, fn of each class, [classes][3]. */
void fpc_tta_count(const fpc_experiment *, const uint8_t *mask, const uint8_t *labels, int64_t pixels,
                   int32_t *tp_fp_fn);

#endif
