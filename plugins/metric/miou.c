/* miou.c: intersection over union, tp / (tp + fp + fn), of every class over the whole set, and their mean over the
 * classes that the labels hold. */
#include "counts.h"

static double iou(class_count k)
{
    return (double)k.tp / (double)(k.tp + k.fp + k.fn);
}

static double value(const fpc_self *self)
{
    const class_sums *s = (const class_sums *)self;
    double sum = 0;
    int32_t present = 0;

    for (int32_t c = 0; c < s->classes; c++)
        if (s->sum[c].tp + s->sum[c].fn) {
            sum += iou(s->sum[c]);
            present++;
        }
    return present ? sum / present : NAN;
}

static void per_class(const fpc_self *self, double *out)
{
    const class_sums *s = (const class_sums *)self;

    for (int32_t c = 0; c < s->classes; c++)
        out[c] = s->sum[c].tp + s->sum[c].fn + s->sum[c].fp ? iou(s->sum[c]) : NAN;
}

static const fpc_metric_vtbl vtbl = {.size = sizeof vtbl,
                                     .higher_is_better = 1,
                                     .reset = class_sums_reset,
                                     .update = class_sums_update,
                                     .value = value,
                                     .per_class = per_class};
static const fpc_plugin miou = {FPC_PLUGIN_HEAD,
                                .kind = FPC_METRIC,
                                .name = "miou",
                                .summary = "Mean intersection over union of the classes.",
                                .version = "1.0",
                                .license = "MIT",
                                .self_size = sizeof(class_sums),
                                .vtbl = &vtbl};
FPC_PLUGINS(&miou)
