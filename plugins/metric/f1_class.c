/* f1_class.c: the F-score of every class over the whole set, and their mean over the classes that the labels hold.
 * Shows which classes are hard, and left and right parts that are taken for each other. */
#include "counts.h"

static double value(const fpc_self *self)
{
    return class_sums_mean(self, f_score);
}

static void per_class(const fpc_self *self, double *out)
{
    class_sums_each(self, f_score, out);
}

static const fpc_metric_vtbl vtbl = {.size = sizeof vtbl,
                                     .higher_is_better = 1,
                                     .reset = class_sums_reset,
                                     .update = class_sums_update,
                                     .value = value,
                                     .per_class = per_class};
static const fpc_plugin f1_class = {FPC_PLUGIN_HEAD,
                                    .kind = FPC_METRIC,
                                    .name = "f1_class",
                                    .summary = "F-score of each class over the whole set.",
                                    .version = "1.0",
                                    .license = "MIT",
                                    .self_size = sizeof(class_sums),
                                    .vtbl = &vtbl};
FPC_PLUGINS(&f1_class)
