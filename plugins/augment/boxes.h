/* boxes.h: what the pixel plugins share that cover boxes of the picture: the numbers of the ops `erase` and
 * `erase_mask`, the colour, and what becomes of the labels below. */
#ifndef PLUGINS_AUGMENT_BOXES_H
#define PLUGINS_AUGMENT_BOXES_H

#include "ranges.h"
#include <fpcore/augment.h>
#include <fpcore/graph.h>
#include <fpcore/ops.h>
#include <string.h>

enum { BOX = 8, LABELS_FILL = 0, LABELS_KEEP = 1 };

static const fpc_choice box_labels[] = {{"fill", LABELS_FILL, "covered pixels get the label of [augment] fill"},
                                        {"keep", LABELS_KEEP, "labels stay: the network has to guess what is covered"},
                                        {0}};

static inline fpc_status check_value(const fpc_self *self, fpc_reals value)
{
    if (value.n == 1 || value.n == 3)
        return FPC_OK;
    return fpc_fail(self->ctx, FPC_EINVAL, "%s: %s.value has %d numbers; give one, or one each for red, green and blue",
                    fpc_origin(self, "value"), self->label, (int)value.n);
}

/* A box of whole pixels; its left upper pixel is (x, y). */
static inline void put_box(float to[BOX], const fpc_image_info *image, int64_t x, int64_t y, int64_t w, int64_t h,
                           fpc_reals value)
{
    const double iw = image->w, ih = image->h;
    const float box[BOX] = {(float)(2 * (double)x / iw - 1),
                            (float)(2 * (double)y / ih - 1),
                            (float)(2 * (double)(x + w) / iw - 1),
                            (float)(2 * (double)(y + h) / ih - 1),
                            (float)value.v[0],
                            (float)value.v[value.n == 3 ? 1 : 0],
                            (float)value.v[value.n == 3 ? 2 : 0],
                            1};
    memcpy(to, box, sizeof box);
}

static inline fpc_val build_erase(const fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws)
{
    return fpc_op(g, "erase", self->label, 2, (fpc_val[]){image, draws}, NULL, 0, NULL);
}

static inline fpc_val build_erase_mask(const fpc_self *self, fpc_graph *g, fpc_val mask, fpc_val draws, int64_t labels,
                                       int32_t fill)
{
    const fpc_warp_attr attr = {.fill = fill};
    if (labels == LABELS_KEEP)
        return mask;
    return fpc_op(g, "erase_mask", self->label, 2, (fpc_val[]){mask, draws}, FPC_ATTR(attr), NULL);
}

#endif
