/* counts.h: what the metrics share: the F-score of counted pixels, and sums per class. Counts are integers,
 * arithmetic is double. */
#ifndef PLUGINS_METRIC_COUNTS_H
#define PLUGINS_METRIC_COUNTS_H

#include <fpcore/metric.h>
#include <math.h>
#include <string.h>

typedef struct class_count {
    int64_t tp, fp, fn;
} class_count;

static inline double f_score(class_count k)
{
    return fpc_f_score((double)k.tp, (double)(k.tp + k.fp), (double)(k.tp + k.fn));
}

/* The counts of class c, from image `first` up to before `end`. */
static inline class_count count_of(const fpc_counts *counts, int32_t first, int32_t end, int32_t c)
{
    class_count k = {0, 0, 0};
    for (int32_t i = first; i < end; i++) {
        const int32_t *at = counts->tp_fp_fn + ((int64_t)i * counts->classes + c) * 3;
        k.tp += at[0], k.fp += at[1], k.fn += at[2];
    }
    return k;
}

/* Mean F of the classes that the labels of these images hold; NAN where they hold none. */
static inline double mean_f_score(const fpc_counts *counts, int32_t first, int32_t end)
{
    double sum = 0;
    int32_t present = 0;
    for (int32_t c = 0; c < counts->classes; c++) {
        const class_count k = count_of(counts, first, end, c);
        if (k.tp + k.fn) {
            sum += f_score(k);
            present++;
        }
    }
    return present ? sum / present : NAN;
}

/* ---- sums per class over an epoch: first members of the metrics that look at the whole set ---- */
typedef struct class_sums {
    fpc_self self;
    int32_t classes;
    class_count *sum;
} class_sums;

static inline void class_sums_reset(fpc_self *self, int32_t classes)
{
    class_sums *s = (class_sums *)self;
    if (!s->sum || s->classes != classes)
        s->sum = fpc_alloc(self->arena, (size_t)classes * sizeof *s->sum);
    s->classes = s->sum ? classes : 0;
    if (s->sum)
        memset(s->sum, 0, (size_t)classes * sizeof *s->sum);
}

static inline void class_sums_update(fpc_self *self, const fpc_counts *counts)
{
    class_sums *s = (class_sums *)self;
    for (int32_t c = 0; c < s->classes && c < counts->classes; c++) {
        const class_count k = count_of(counts, 0, counts->images, c);
        s->sum[c].tp += k.tp, s->sum[c].fp += k.fp, s->sum[c].fn += k.fn;
    }
}

/* Mean of a score over the classes that the labels hold. */
static inline double class_sums_mean(const fpc_self *self, double (*score)(class_count))
{
    const class_sums *s = (const class_sums *)self;
    double sum = 0;
    int32_t present = 0;
    for (int32_t c = 0; c < s->classes; c++)
        if (s->sum[c].tp + s->sum[c].fn) {
            sum += score(s->sum[c]);
            present++;
        }
    return present ? sum / present : NAN;
}

/* The score of each class. One that no label holds but that was predicted counts here; it stays out of the mean. */
static inline void class_sums_each(const fpc_self *self, double (*score)(class_count), double *out)
{
    const class_sums *s = (const class_sums *)self;
    for (int32_t c = 0; c < s->classes; c++)
        out[c] = s->sum[c].tp + s->sum[c].fn + s->sum[c].fp ? score(s->sum[c]) : NAN;
}

#endif
