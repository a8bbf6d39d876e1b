/* metric.h: metrics see counts, never pictures. update() is called once per batch of the recipe's size, in order;
 * value() at the end of the epoch. Thread: [main]. */
#ifndef FPCORE_METRIC_H
#define FPCORE_METRIC_H

#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fpc_counts {
    uint32_t size;
    int32_t images, classes;
    const int32_t *tp_fp_fn; /* [images][classes][3]: pixels, without ignored ones */
} fpc_counts;

typedef struct fpc_metric_vtbl {
    uint32_t size;
    int32_t higher_is_better;
    void (*reset)(fpc_self *, int32_t classes); /* before each epoch; allocates on first use from self->arena */
    void (*update)(fpc_self *, const fpc_counts *);
    double (*value)(const fpc_self *);
    /* Optional: one value per class, NAN where the class did not occur. */
    void (*per_class)(const fpc_self *, double *out);
} fpc_metric_vtbl;

/* Precision and recall of counted pixels: tp / (of + 1e-7), of: all that were predicted, or all that the labels hold. A
 * perfect class gives just under 1, one that is nowhere 0. */
static inline double fpc_pixel_share(double tp, double of)
{
    return tp / (of + 1e-7);
}

/* The F-score of counted pixels: 2 P R / (P + R + 1e-7). */
static inline double fpc_f_score(double tp, double predicted, double labelled)
{
    const double p = fpc_pixel_share(tp, predicted), r = fpc_pixel_share(tp, labelled);
    return 2 * p * r / (p + r + 1e-7);
}

#ifdef __cplusplus
}
#endif
#endif
