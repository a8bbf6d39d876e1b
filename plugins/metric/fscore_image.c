/* fscore_image.c: the F-score of every image on its own, mean over the classes that its label holds, then the mean over
 * images: what the contest's scorer is taken to compute. */
#include "counts.h"

struct fscore_image {
    fpc_self self;
    double sum;
    int64_t n;
};

static void reset(fpc_self *self, int32_t classes)
{
    struct fscore_image *m = (struct fscore_image *)self;

    (void)classes;
    m->sum = 0;
    m->n = 0;
}

static void update(fpc_self *self, const fpc_counts *counts)
{
    struct fscore_image *m = (struct fscore_image *)self;

    for (int32_t i = 0; i < counts->images; i++) {
        const double f = mean_f_score(counts, i, i + 1);
        if (!isnan(f)) {
            m->sum += f;
            m->n++;
        }
    }
}

static double value(const fpc_self *self)
{
    const struct fscore_image *m = (const struct fscore_image *)self;

    return m->n ? m->sum / (double)m->n : NAN;
}

static const fpc_metric_vtbl vtbl = {
    .size = sizeof vtbl, .higher_is_better = 1, .reset = reset, .update = update, .value = value};
static const fpc_plugin fscore_image = {FPC_PLUGIN_HEAD,
                                        .kind = FPC_METRIC,
                                        .name = "fscore_image",
                                        .summary = "F-score of each image, averaged.",
                                        .version = "1.0",
                                        .license = "MIT",
                                        .self_size = sizeof(struct fscore_image),
                                        .vtbl = &vtbl};
FPC_PLUGINS(&fscore_image)
