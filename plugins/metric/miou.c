/* miou.c: intersection over union, tp / (tp + fp + fn), of every class over the whole set, and their mean over the
 * classes that the labels hold. */
#include "counts.h"

static double iou(class_count k)
{
    return (double)k.tp / (double)(k.tp + k.fp + k.fn);
}

static double value(const fpc_self *self)
{
    return class_sums_mean(self, iou);
}

static void per_class(const fpc_self *self, double *out)
{
    class_sums_each(self, iou, out);
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
