/* policy.h: the operations that automatic policies draw among, with the strengths of torchvision's RandAugment and
 * TrivialAugment. A policy's geometry composes into one matrix, its colour maps run in the drawn order, its sharpness
 * last: order is kept within a stage, not across. */
#ifndef PLUGINS_AUGMENT_POLICY_H
#define PLUGINS_AUGMENT_POLICY_H

#include "colours.h"
#include "ranges.h"
#include "filters.h"
#include "matrix.h"

enum {
    OP_IDENTITY,
    OP_SHEAR_X,
    OP_SHEAR_Y,
    OP_TRANSLATE_X,
    OP_TRANSLATE_Y,
    OP_ROTATE,
    OP_BRIGHTNESS,
    OP_SATURATION,
    OP_CONTRAST,
    OP_SHARPNESS,
    OP_POSTERIZE,
    OP_SOLARIZE,
    OP_AUTO_CONTRAST,
    OP_EQUALIZE,
    POLICY_OPS
};

/* What an operation does at full strength. */
typedef struct policy_space {
    double shear;     /* tangent */
    double translate; /* share of the side */
    double rotate;    /* degrees */
    double factor;    /* 1 +- this */
    double bits;      /* of 8 that go */
} policy_space;

static inline void turn_by(fpc_composite *to, const affine_map *map, const fpc_image_info *image)
{
    const fpc_homography h = affine_matrix(map, image->h, image->w, CONVENTION_PIXEL);
    multiply_matrices(to->geometry.m, h.m, to->geometry.m);
}

/* Operation number `slot` of a picture. strength: 0 .. 1; sign: 1 or -1, for those that have two sides. */
static inline void apply_op(fpc_composite *to, int slot, int op, double strength, double sign,
                            const policy_space *space, const fpc_image_info *image)
{
    affine_map map = {.scale_x = 1, .scale_y = 1};
    const double by = sign * strength, factor = 1 + by * space->factor;
    switch (op) {
    case OP_SHEAR_X:
        map.shear_x = atan(by * space->shear) / DEGREE;
        break;
    case OP_SHEAR_Y:
        map.shear_y = atan(by * space->shear) / DEGREE;
        break;
    case OP_TRANSLATE_X:
        map.translate_x = by * space->translate;
        break;
    case OP_TRANSLATE_Y:
        map.translate_y = by * space->translate;
        break;
    case OP_ROTATE:
        map.degrees = by * space->rotate;
        break;
    case OP_BRIGHTNESS:
        to->colour[slot] = colour_brightness(factor);
        break;
    case OP_SATURATION:
        to->colour[slot] = colour_saturation(factor);
        break;
    case OP_CONTRAST:
        to->colour[slot] = colour_contrast(factor, MEAN_GREY);
        break;
    case OP_SHARPNESS:
        sharpness_kernel(factor, to->pixel + 9 * slot);
        break;
    case OP_POSTERIZE:
        to->colour[slot] = colour_posterize(8 - (int64_t)rint(strength * space->bits));
        break;
    case OP_SOLARIZE:
        to->colour[slot] = colour_solarize(1 - strength, 0);
        break;
    case OP_AUTO_CONTRAST:
        to->colour[slot] = colour_auto_contrast();
        break;
    case OP_EQUALIZE:
        to->colour[slot] = colour_equalize();
        break;
    default:
        break;
    }
    if (op >= OP_SHEAR_X && op <= OP_ROTATE)
        turn_by(to, &map, image);
}

/* One sharpening filter for each of the first n slots. */
static inline fpc_val build_policy(fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws, int64_t n)
{
    const fpc_filter_attr attr = {.k = 3, .border = FPC_BORDER_KEEP, .clamp = 1};
    for (int32_t i = 0; i < n; i++)
        image = build_filter(self, g, image, draws, 9 * i, attr);
    return image;
}

#endif
