/* mixes.h: what the plugins share that mix pictures of a batch: partners, whole-picture layers, and whose random
 * numbers decide. The permutation of the batch is always the batch's own, so that each picture is the partner of
 * exactly one; chances, shares and boxes are the batch's or, with per = image, each picture's. */
#ifndef PLUGINS_AUGMENT_MIXES_H
#define PLUGINS_AUGMENT_MIXES_H

#include "ranges.h"
#include <fpcore/augment.h>

enum { LABELS_HARD = 0, LABELS_SOFT = 1, PER_BATCH = 0, PER_IMAGE = 1, DRAW_PARTNERS = 1u << 16 };

static const fpc_choice mix_labels[] = {
    {"hard", LABELS_HARD, "each pixel has one label: that of the larger share"},
    {"soft", LABELS_SOFT, "the loss is taken for both masks, with the shares of the pictures"},
    {0}};
static const fpc_choice per[] = {
    {"batch", PER_BATCH, "one draw for the whole batch"}, {"image", PER_IMAGE, "each picture draws for itself"}, {0}};

/* The row whose picture this one takes from; with `round` 0, 1, 2.. another permutation each. A picture may get itself.
 */
static inline int32_t partner_of(const fpc_image_info *image, uint32_t round)
{
    return (int32_t)fpc_draw_permuted(image->shared, DRAW_PARTNERS * (round + 1), image->rows, image->row);
}

static inline fpc_rng mix_rng(const fpc_image_info *image, fpc_rng own, int64_t whose)
{
    return whose == PER_BATCH ? image->shared : own;
}

static inline fpc_mix_layer whole_layer(int32_t partner, double alpha)
{
    return (fpc_mix_layer){.partner = partner, .alpha = (float)alpha, .x0 = -1, .y0 = -1, .x1 = 1, .y1 = 1};
}

#endif
