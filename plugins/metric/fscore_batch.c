/* fscore_batch.c: the F-score of the reports' histories: pixels of a batch pooled, mean over the classes that its
 * labels hold, mean over batches, each with weight 1 however few images it has. */
#include "counts.h"

struct fscore_batch {
    fpc_self self;
    double sum;
    int64_t n;
};

static void reset(fpc_self *self, int32_t classes)
{
    struct fscore_batch *m = (struct fscore_batch *)self;

    (void)classes;
    m->sum = 0;
    m->n = 0;
}

static void update(fpc_self *self, const fpc_counts *counts)
{
    struct fscore_batch *m = (struct fscore_batch *)self;
    const double f = mean_f_score(counts, 0, counts->images);

    if (!isnan(f)) {
        m->sum += f;
        m->n++;
    }
}

static double value(const fpc_self *self)
{
    const struct fscore_batch *m = (const struct fscore_batch *)self;

    return m->n ? m->sum / (double)m->n : NAN;
}

static const fpc_metric_vtbl vtbl = {
    .size = sizeof vtbl, .higher_is_better = 1, .reset = reset, .update = update, .value = value};
static const fpc_plugin fscore_batch = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_METRIC,
    .name = "fscore_batch",
    .summary = "F-score of each batch, averaged.",
    .detail =
        "Depends on dataset.batch: the pixels of a batch are pooled and classes without a labelled pixel in it are "
        "left out. A short last batch counts as much as a full one.",
    .version = "1.0",
    .license = "MIT",
    .self_size = sizeof(struct fscore_batch),
    .vtbl = &vtbl};
FPC_PLUGINS(&fscore_batch)
