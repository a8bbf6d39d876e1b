/* blobs.h: the connected parts of a mask: pixels of one label that hang together by their edges (a corner connects
 * nothing). They are found by rows: a run is a stretch of one label in a row, and memory goes with the number of runs,
 * not of pixels. */
#ifndef CORE_IMAGE_BLOBS_H
#define CORE_IMAGE_BLOBS_H

#include <fpcore/base.h>

typedef struct fpc_run {
    int32_t x, end; /* columns x .. end-1 */
    int32_t blob;
} fpc_run;

typedef struct fpc_blob {
    int64_t pixels;
    uint8_t label, at_border; /* at_border: it has a pixel in the picture's outermost rows or columns */
} fpc_blob;

typedef struct fpc_blobs {
    int32_t h, w, n, n_runs;
    fpc_blob *blob;     /* n, in the order of their first pixels, row by row */
    fpc_run *run;       /* n_runs */
    int32_t *row_first; /* h + 1: runs of row y are row_first[y] .. row_first[y + 1] - 1, from the left */
} fpc_blobs;

/* labels: (h,w). A mask of more than 2^31 - 1 runs cannot be. */
fpc_status fpc_blobs_find(fpc_arena *, const uint8_t *labels, int32_t h, int32_t w, fpc_blobs *out);
/* Tells of every border between two blobs, in pieces: `length` edges of pixels. Each piece is told once. */
void fpc_blobs_borders(const fpc_blobs *, void (*tell)(void *arg, int32_t a, int32_t b, int32_t length), void *arg);

#endif
