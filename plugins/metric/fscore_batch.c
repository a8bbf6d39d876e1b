/* fscore_batch.c: the F-score of the reports' histories: pixels of a batch pooled, mean over the classes that its
 * labels hold, mean over batches, each with weight 1 however few images it has. `version = old` is the
 * one of their first runs: mean over all classes, one that neither labels nor prediction hold scores 0,
 * and batches weigh as many images as they have. */
#include "counts.h"

enum { CURRENT, OLD };

struct fscore_batch {
    fpc_self self;
    int64_t version;
    double sum, weight;
};

static void reset(fpc_self *self, int32_t classes)
{
    struct fscore_batch *m = (struct fscore_batch *)self;

    (void)classes;
    m->sum = 0;
    m->weight = 0;
}

/* With eps 1e-8 where the current one has 1e-7, as it was. */
static double old_f_score(const fpc_counts *counts)
{
    const double eps = 1e-8;
    double sum = 0;

    for (int32_t c = 0; c < counts->classes; c++) {
        const class_count k = count_of(counts, 0, counts->images, c);
        const double p = (double)k.tp / ((double)(k.tp + k.fp) + eps), r = (double)k.tp / ((double)(k.tp + k.fn) + eps);
        sum += 2 * p * r / (p + r + eps);
    }
    return sum / counts->classes;
}

static void update(fpc_self *self, const fpc_counts *counts)
{
    struct fscore_batch *m = (struct fscore_batch *)self;
    const double f = m->version == OLD ? old_f_score(counts) : mean_f_score(counts, 0, counts->images);
    const double weight = m->version == OLD ? counts->images : 1;

    if (!isnan(f)) {
        m->sum += f * weight;
        m->weight += weight;
    }
}

static double value(const fpc_self *self)
{
    const struct fscore_batch *m = (const struct fscore_batch *)self;

    return m->weight > 0 ? m->sum / m->weight : NAN;
}

static const fpc_choice versions[] = {
    {"current", CURRENT, "classes that the batch's labels hold; each batch counts once"},
    {"old", OLD, "all classes, absent ones score 0; batches count by their images"},
    {0}};
static const fpc_option options[] = {
    FPC_OPTION_CHOICE(struct fscore_batch, version, "current", versions, "which of the reports' two definitions"), {0}};
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
    .options = options,
    .self_size = sizeof(struct fscore_batch),
    .vtbl = &vtbl};
FPC_PLUGINS(&fscore_batch)
