/* old.c: a metric: recall, tp / (tp + fn), of every class over the whole set, and the mean over the classes that
 * occur.
 *
 * A metric sees counts of pixels, never pictures: for each image and class the true positives, false positives and
 * false negatives. The core calls reset before an epoch, update for each batch, value at the end. */
#include <fpcore/metric.h>
#include <math.h>
#include <string.h>

struct metric {
    fpc_self self;
    int64_t background; /* an option */
    int32_t classes;
    int64_t *tp, *fn; /* per class */
};

static void reset(fpc_self *self, int32_t classes)
{
    struct metric *m = (struct metric *)self;
    const size_t bytes = (size_t)classes * sizeof *m->tp;

    if (m->classes != classes) { /* memory comes from the arena, which frees it with the plugin */
        m->tp = fpc_alloc(self->arena, bytes);
        m->fn = fpc_alloc(self->arena, bytes);
        m->classes = m->tp && m->fn ? classes : 0;
    }
    if (m->classes) {
        memset(m->tp, 0, bytes);
        memset(m->fn, 0, bytes);
    }
}

static void update(fpc_self *self, const fpc_counts *counts)
{
    struct metric *m = (struct metric *)self;

    for (int32_t i = 0; i < counts->images; i++)
        for (int32_t c = 0; c < m->classes && c < counts->classes; c++) {
            const int32_t *k = counts->tp_fp_fn + ((int64_t)i * counts->classes + c) * 3;
            m->tp[c] += k[0];
            m->fn[c] += k[2];
        }
}

static void per_class(const fpc_self *self, double *out)
{
    const struct metric *m = (const struct metric *)self;

    for (int32_t c = 0; c < m->classes; c++)
        out[c] = m->tp[c] + m->fn[c] ? (double)m->tp[c] / (double)(m->tp[c] + m->fn[c]) : NAN;
}

static double value(const fpc_self *self)
{
    const struct metric *m = (const struct metric *)self;
    double sum = 0;
    int32_t present = 0;

    for (int32_t c = m->background ? 0 : 1; c < m->classes; c++)
        if (m->tp[c] + m->fn[c]) {
            sum += (double)m->tp[c] / (double)(m->tp[c] + m->fn[c]);
            present++;
        }
    return present ? sum / present : NAN;
}

static const fpc_option options[] = {
    FPC_OPTION_BOOL(struct metric, background, "on", "whether class 0 counts in the mean"),
    {0}};

static const fpc_metric_vtbl vtbl = {.size = sizeof vtbl,
                                     .higher_is_better = 1,
                                     .reset = reset,
                                     .update = update,
                                     .value = value,
                                     .per_class = per_class};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_METRIC,
                                  .name = "old",
                                  .summary = "Mean recall of the classes.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct metric),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
