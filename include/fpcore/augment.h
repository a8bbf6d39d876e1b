/* augment.h: an augmentation only draws. draw() is a pure host function of (options, rng, image size): a matrix, a
 * field of shifts, a colour map, a few numbers, a plan of how pictures of a batch are mixed. The core applies the draws
 * of the whole batch on the device: all geometry composes, the image is resampled once (bilinear), the mask once
 * (nearest). No plugin touches labels: when the composed geometry mirrors and `exchanges` says so, the core exchanges
 * the data set's mirror pairs.
 *
 * Sections run in the recipe's order within a stage. Stages run in this order: geometry and fields, colour, pixel, mix;
 * a composite draws for several of them. */
#ifndef FPCORE_AUGMENT_H
#define FPCORE_AUGMENT_H

#include <fpcore/plugin.h>
#include <fpcore/rng.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_stage {
    FPC_STAGE_GEOMETRY = 1, /* draws fpc_homography */
    FPC_STAGE_COLOUR,       /* draws one or more fpc_colour */
    FPC_STAGE_PIXEL,        /* draws floats for nodes that build appends */
    FPC_STAGE_MIX,          /* draws fpc_mix */
    FPC_STAGE_FIELD,        /* draws fpc_field: geometry that is no matrix */
    FPC_STAGE_COMPOSITE     /* draws fpc_composite: geometry, colour and pixel at once */
} fpc_stage;

/* What is drawn never grows: another kind of draw is another stage.
 *
 * GEOMETRY: output -> input, row-major, coordinates in [-1,1] from edge to edge of the picture, whatever its size
 * (pixel x has its centre at (2x+1)/w - 1; y points down). The core makes the matrix in pixels of it that the op
 * warp_image takes. Identity leaves the picture alone. keep_labels: this draw mirrors without exchanging the left/right
 * labels (`exchange = off`). */
typedef struct fpc_homography {
    double m[9];
    int32_t keep_labels;
} fpc_homography;

/* FIELD: a point p of the output reads the input at p + shift(p), shifts and points in [-1,1] from edge to edge.
 * shift[y][x] belongs to the point (2x/(N-1) - 1, 2y/(N-1) - 1); between the nodes it is bilinear. All zero leaves the
 * picture alone. Composes with matrices and other fields in the recipe's order. */
enum { FPC_FIELD_NODES = 65 };
typedef struct fpc_field_draw {
    float shift[FPC_FIELD_NODES][FPC_FIELD_NODES][2]; /* x, y */
} fpc_field_draw;

/* COLOUR: one map of a picture's colours. kind says what the numbers in m mean; values are in [0,1]. An all-zero map
 * leaves the picture alone, whatever its kind. See the op `colour` in ops.h. */
typedef enum fpc_colour_kind {
    FPC_COLOUR_AFFINE,      /* x' = m x + g . mean(x): m 3x4 row-major, g 3 numbers, mean(x) of the image on entry */
    FPC_COLOUR_CLAMPED,     /* the same, then clamped to [0,1] */
    FPC_COLOUR_HUE,         /* m[0]: turns (1 is a whole one) added to the hue of HSV */
    FPC_COLOUR_GAMMA,       /* m[1] x^m[0], clamped: m[0] the exponent, m[1] the gain */
    FPC_COLOUR_POSTERIZE,   /* m[0]: bits that remain of 8, 1 .. 8 */
    FPC_COLOUR_SOLARIZE,    /* x + m[1] clamped to [0,1], then inverted from m[0] on */
    FPC_COLOUR_EQUALIZE,    /* histogram of 256 bins made flat, per channel; m[0] = 1 */
    FPC_COLOUR_AUTOCONTRAST /* stretched to 0 .. 1, per channel; m[0] = 1 */
} fpc_colour_kind;
typedef struct fpc_colour {
    float m[12];
    float g[3];
    float kind; /* an fpc_colour_kind */
} fpc_colour;

/* COMPOSITE: each part as if drawn by a section of its own; pixel: for build, vtbl.pixel_floats of them. */
enum { FPC_COMPOSITE_COLOURS = 4, FPC_PIXEL_FLOATS = 1024 };
typedef struct fpc_composite {
    fpc_homography geometry; /* m all zero: identity */
    fpc_colour colour[FPC_COMPOSITE_COLOURS];
    float pixel[FPC_PIXEL_FLOATS];
} fpc_composite;

/* MIX: how one picture of the batch takes parts of others. Pictures and masks are those that the stages before left.
 * Layers apply in order; a layer lays the partner over the picture in its box with the share alpha. Where alpha is 1/2
 * or more a pixel's label is the partner's. sx sy tx ty: the layer's pixel p shows the partner's (sx px + tx, sy py +
 * ty); 1 1 0 0 is the same place (0 0 0 0 means that too). classes: one bit per label; only the partner's pixels with
 * one of these labels are laid; all zero: every pixel.
 * soft: the loss sees both whole masks, share `lambda` of the picture's own and 1 - lambda of that of layer[0]'s
 * partner, in every term; hard: one mask, by the rule above. Boxes and points in [-1,1] from edge to edge. */
enum { FPC_MIX_LAYERS = 4 };
typedef struct fpc_mix_layer {
    int32_t partner; /* a row of the batch */
    float alpha;     /* 0: no layer */
    float x0, y0, x1, y1;
    float sx, sy, tx, ty;
    uint32_t classes[8];
} fpc_mix_layer;
typedef struct fpc_mix {
    int32_t soft;
    float lambda;
    fpc_mix_layer layer[FPC_MIX_LAYERS];
} fpc_mix;

/* rows, row: pictures of the batch, and this one's place. shared: an rng that is the same for every picture of the
 * batch (the one that draw is handed differs from picture to picture): draw from it what all of them have to agree on,
 * such as a permutation of partners or one lambda for the batch. Both are the section's own: sections with other labels
 * draw other numbers. classes: of the data set; mirrored pairs are none of a plugin's business. */
typedef struct fpc_image_info {
    uint32_t size;
    int32_t h, w, c, rows, row;
    fpc_rng shared;
    int32_t classes;
} fpc_image_info;

typedef struct fpc_augment_vtbl {
    uint32_t size, stage;
    uint32_t draw_size; /* bytes: those of the stage's struct; COLOUR: a multiple of sizeof(fpc_colour); PIXEL: a
                           multiple of sizeof(float), at most FPC_PIXEL_FLOATS floats */
    uint32_t mirrors;   /* 1: draws may mirror, so --check looks at the data set's pairs */
    /* [reader: re-entrant] out is zeroed. rng.sample is the image's index, rng.epoch the epoch. */
    fpc_status (*draw)(const fpc_self *, fpc_rng, const fpc_image_info *, void *out);
    /* [main] PIXEL, COMPOSITE with pixel_floats: image (n,h,w,3) in, image out; draws (n,1,1,k) holds each image's
     * floats. */
    fpc_val (*build)(fpc_self *, fpc_graph *, fpc_val image, fpc_val draws);
    /* [main] PIXEL, optional: for those that cover parts of the picture: mask (n,h,w,1) U8 in, mask out. fill: the
     * label of what can no longer be seen. */
    fpc_val (*build_mask)(fpc_self *, fpc_graph *, fpc_val mask, fpc_val draws, int32_t fill);
    uint32_t pixel_floats;         /* COMPOSITE: floats that build reads, 0: no build */
    int (*soft)(const fpc_self *); /* MIX, optional: 1 where draws may be soft */
} fpc_augment_vtbl;

#ifdef __cplusplus
}
#endif
#endif
