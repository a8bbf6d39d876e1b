/* augment.h: an augmentation only draws. draw() is a pure host function of (options, rng, image size): a matrix, a
 * colour map, a number. The core applies the draws of the whole batch on the device: all geometry composes into one
 * matrix, the image is resampled once (bilinear), the mask once (nearest). No plugin touches labels: when the composed
 * geometry mirrors and `exchanges` says so, the core exchanges the data set's mirror pairs.
 *
 * Sections run in the recipe's order within a stage; the stages in the order of fpc_stage. */
#ifndef FPCORE_AUGMENT_H
#define FPCORE_AUGMENT_H

#include <fpcore/plugin.h>
#include <fpcore/rng.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_stage { FPC_STAGE_GEOMETRY = 1, FPC_STAGE_COLOUR, FPC_STAGE_PIXEL, FPC_STAGE_MIX } fpc_stage;

/* GEOMETRY: output -> input, row-major, coordinates in [-1,1] from edge to edge of the picture (pixel x has its centre
 * at (2x+1)/w - 1; y points down). Identity leaves the picture alone.
 * keep_labels: this draw mirrors without exchanging the left/right labels (`exchange = off`). */
typedef struct fpc_homography {
    double m[9];
    int32_t keep_labels;
} fpc_homography;

/* COLOUR: x' = m x + k * (g . mean(x)) in each channel, with mean(x) the image's channel means on entry; then clamped
 * to [0,1] where clamp is 1. 16 floats; an all-zero draw of a stage means "leave it alone". m is 3x4, row-major. */
typedef struct fpc_colour {
    float m[12];
    float g[3];  /* times k already: g = k * weights of the mean */
    float clamp; /* 0 or 1 */
} fpc_colour;

/* MIX */
typedef struct fpc_mix {
    int32_t partner;
    float lambda, x0, y0, x1, y1;
} fpc_mix;

/* shared: an rng that is the same for all images of the batch. */
typedef struct fpc_image_info {
    uint32_t size;
    int32_t h, w, c, rows, row;
    fpc_rng shared;
} fpc_image_info;

typedef struct fpc_augment_vtbl {
    uint32_t size, stage;
    uint32_t draw_size; /* bytes: sizeof(fpc_homography); a multiple of sizeof(fpc_colour); PIXEL: a multiple of
                           sizeof(float), at most 16 floats */
    uint32_t mirrors;   /* 1: draws may mirror, so --check looks at the data set's pairs */
    /* [reader: re-entrant] out is zeroed. rng.sample is the image's index, rng.epoch the epoch. */
    fpc_status (*draw)(const fpc_self *, fpc_rng, const fpc_image_info *, void *out);
    /* [main] PIXEL only: image (n,h,w,3) in, image out; draws (n,1,1,k) holds each image's floats. */
    fpc_val (*build)(fpc_self *, fpc_graph *, fpc_val image, fpc_val draws);
} fpc_augment_vtbl;

#ifdef __cplusplus
}
#endif
#endif
