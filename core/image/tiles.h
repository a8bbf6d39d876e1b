/* tiles.h: a picture that is larger than what a network was trained at: it is cut into windows that overlap, the
 * network scores each window for itself, and the scores are blended to labels of the whole. Who asks gives the scores
 * of a window; here it is decided where windows lie, how their scores are mixed and which of them have to be kept. */
#ifndef CORE_IMAGE_TILES_H
#define CORE_IMAGE_TILES_H

#include "image/image.h"

/* Squares of side x side pixels of the picture, neighbours of which share at least `overlap`. A direction in which the
 * picture has no more than `side` has one window, as wide as the picture. All windows of a picture have one size. side
 * 0: the picture is not cut. */
typedef struct fpc_tiles {
    int32_t side, overlap; /* 0 <= overlap < side */
} fpc_tiles;

enum { FPC_TILES_LEAST = 16 }; /* of a side */

/* How many windows lie along `length` pixels, as few as reach; and where the i-th begins. The first begins at 0, the
 * last ends at the border, the others lie evenly between; from the other end they lie alike, but for one in the middle
 * that cannot lie there to the pixel. */
int32_t fpc_tiles_along(fpc_tiles, int32_t length);
int32_t fpc_tiles_start(fpc_tiles, int32_t length, int32_t i);

typedef struct fpc_window {
    int32_t x, y, w, h; /* pixels of the picture */
} fpc_window;

typedef struct fpc_tiles_source {
    int32_t gh, gw, classes; /* of the scores of every window; at most 256 classes */
    /* Scores (gh,gw,classes) of that window, valid until the next call: row by row from the top, from the left. */
    fpc_status (*scores)(void *arg, const fpc_window *, const float **out);
    void *arg;
} fpc_tiles_source;

/* The class of each pixel of a picture of w x h: scores are enlarged to their window as fpc_scores_labels does it,
 * their mean over the windows at a pixel is taken, and the highest decides, the lowest class where they tie. A window
 * weighs by how far the pixel is from its border, in both directions: triangles, which are nowhere 0, so that no window
 * begins with a step. Kept are the scores of as many windows as overlap side by side, and of the row of windows above
 * what the next one overlaps: FPC_EINVAL where that would be more than 2 GiB. rows: who takes the mean scores as well;
 * then a whole row of windows is kept. NULL: nobody. */
fpc_status fpc_tiles_labels(fpc_ctx *, fpc_arena *scratch, fpc_tiles, const fpc_tiles_source *, int32_t h, int32_t w,
                            uint8_t *labels, const fpc_score_rows *rows);

#endif
