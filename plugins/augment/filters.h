/* filters.h: what the pixel plugins share that draw a k x k filter for each image: room for the largest window, and the
 * op `filter` over the part of the draws that holds it. All weights zero leave an image alone. */
#ifndef PLUGINS_AUGMENT_FILTERS_H
#define PLUGINS_AUGMENT_FILTERS_H

#include <fpcore/augment.h>
#include <fpcore/graph.h>
#include <fpcore/ops.h>

enum { MOST_K = 31, MOST_WEIGHTS = MOST_K * MOST_K };

/* The k x k weights that begin at number `first` of the draws. */
static inline fpc_val build_filter(const fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws, int32_t first,
                                   fpc_filter_attr attr)
{
    const int32_t count = attr.k * attr.k;
    const fpc_val kernel = fpc_shape_of(g, draws).c == count ? draws : fpc_slice(g, draws, first, count);
    return fpc_op(g, "filter", self->label, 2, (fpc_val[]){image, kernel}, FPC_ATTR(attr), NULL);
}

/* Blurs draw nothing but their weights; what lies outside is reflected. */
static inline fpc_val build_blur(const fpc_self *self, fpc_graph *g, fpc_val image, fpc_val draws, int64_t k)
{
    return build_filter(self, g, image, draws, 0, (fpc_filter_attr){.k = (int32_t)k, .border = FPC_BORDER_REFLECT});
}

/* Divides by the sum. */
static inline void normalise_kernel(const double *weight, int64_t count, float *out)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += weight[i];
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)(weight[i] / sum);
}

/* Pillow's blend with the picture smoothed by 1 1 1, 1 5 1, 1 1 1: 0 is smoothed, 1 the picture, 2 sharper. For border
 * FPC_BORDER_KEEP and clamping. */
static inline void sharpness_kernel(double factor, float out[9])
{
    for (int i = 0; i < 9; i++)
        out[i] = (float)((1 - factor) * (i == 4 ? 5 : 1) / 13 + (i == 4 ? factor : 0));
}

#endif
