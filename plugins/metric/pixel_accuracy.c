/* pixel_accuracy.c: labelled pixels that are right, over all labelled pixels of the set. */
#include "counts.h"

struct pixel_accuracy {
    fpc_self self;
    int64_t right, all;
};

static void reset(fpc_self *self, int32_t classes)
{
    struct pixel_accuracy *m = (struct pixel_accuracy *)self;

    (void)classes;
    m->right = m->all = 0;
}

static void update(fpc_self *self, const fpc_counts *counts)
{
    struct pixel_accuracy *m = (struct pixel_accuracy *)self;

    for (int32_t c = 0; c < counts->classes; c++) {
        const class_count k = count_of(counts, 0, counts->images, c);
        m->right += k.tp;
        m->all += k.tp + k.fn;
    }
}

static double value(const fpc_self *self)
{
    const struct pixel_accuracy *m = (const struct pixel_accuracy *)self;

    return m->all ? (double)m->right / (double)m->all : NAN;
}

static const fpc_metric_vtbl vtbl = {
    .size = sizeof vtbl, .higher_is_better = 1, .reset = reset, .update = update, .value = value};
static const fpc_plugin pixel_accuracy = {FPC_PLUGIN_HEAD,
                                          .kind = FPC_METRIC,
                                          .name = "pixel_accuracy",
                                          .summary = "Share of pixels that are right.",
                                          .version = "1.0",
                                          .license = "MIT",
                                          .self_size = sizeof(struct pixel_accuracy),
                                          .vtbl = &vtbl};
FPC_PLUGINS(&pixel_accuracy)
