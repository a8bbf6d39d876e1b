/* class_weights.h: the two ways in which a loss gets weights of classes: a list of numbers, or a preset computed from
 * the labels of the training masks. For the files of plugins/loss: put CLASS_WEIGHT_OPTIONS into the table of options
 * and a struct class_weights into the plugin's struct. Presets, n the pixels of a class, scaled to the sum `classes`:
 *   inverse    1/n
 *   sqrt       1/sqrt(n), its softened variant
 *   median     median f / f, f = n over the pictures that show the class (Eigen and Fergus 2015)
 *   effective  (1 - beta)/(1 - beta^n), the effective number of samples (Cui et al. 2019)
 * A class without a pixel gets the weight 0. */
#ifndef PLUGINS_LOSS_CLASS_WEIGHTS_H
#define PLUGINS_LOSS_CLASS_WEIGHTS_H

#include <fpcore/loss.h>
#include <math.h>

enum { WEIGHTS_NONE, WEIGHTS_INVERSE, WEIGHTS_SQRT, WEIGHTS_MEDIAN, WEIGHTS_EFFECTIVE };

struct class_weights {
    fpc_reals list;
    int64_t preset;
    double beta;
    int32_t classes; /* 0 until resolved; then w holds as many */
    float w[FPC_MAX_CLASSES];
};

static const fpc_choice class_weight_presets[] = {
    {"none", WEIGHTS_NONE, "class_weights, or 1"},
    {"inverse", WEIGHTS_INVERSE, "one over the pixels of the class"},
    {"sqrt", WEIGHTS_SQRT, "one over their square root"},
    {"median", WEIGHTS_MEDIAN, "median frequency over the class's own, in pictures that show it"},
    {"effective", WEIGHTS_EFFECTIVE, "one over the effective number of samples, with beta"},
    {0}};

/* The name of an option and the place of its field differ, so the macros of option.h do not fit. */
#define CLASS_WEIGHT_OPTIONS(T, field)                                                                                 \
    {.name = "class_weights",                                                                                          \
     .help = "weight of each class in index order; empty: 1",                                                          \
     .unit = "",                                                                                                       \
     .def = "",                                                                                                        \
     .min = 0,                                                                                                         \
     .max = 1e6,                                                                                                       \
     .type = FPC_OPT_REALS,                                                                                            \
     .offset = FPC_FIELD_(T, field.list, fpc_reals)},                                                                  \
        {.name = "class_weight_preset",                                                                                \
         .help = "weights computed from the training masks, scaled to the sum of one a class",                         \
         .unit = "",                                                                                                   \
         .def = "none",                                                                                                \
         .min = 1,                                                                                                     \
         .max = 0,                                                                                                     \
         .choices = class_weight_presets,                                                                              \
         .type = FPC_OPT_CHOICE,                                                                                       \
         .offset = FPC_FIELD_(T, field.preset, int64_t)},                                                              \
    {                                                                                                                  \
        .name = "beta", .help = "of the preset effective: pixels of a class beyond 1/(1 - beta) add little",           \
        .unit = "", .def = "0.999999", .min = 0, .max = 0.9999999999, .type = FPC_OPT_REAL,                            \
        .offset = FPC_FIELD_(T, field.beta, double)                                                                    \
    }

/* For init: two ways at once are a mistake. */
static inline fpc_status class_weights_check(const fpc_self *self, const struct class_weights *c)
{
    if (!c->list.n || c->preset == WEIGHTS_NONE)
        return FPC_OK;
    return fpc_fail(self->ctx, FPC_EINVAL,
                    "%s: %s.class_weights gives %lld numbers, and %s: %s.class_weight_preset = %s asks for computed "
                    "ones; give one of the two",
                    fpc_origin(self, "class_weights"), self->label, (long long)c->list.n,
                    fpc_origin(self, "class_weight_preset"), self->label, class_weight_presets[c->preset].name);
}

/* The weight of a class before scaling; n > 0. */
static inline double class_weights_raw(const struct class_weights *c, double n, double images)
{
    switch (c->preset) {
    case WEIGHTS_SQRT:
        return 1 / sqrt(n);
    case WEIGHTS_MEDIAN: /* the median itself goes out when the sum is scaled */
        return images / n;
    case WEIGHTS_EFFECTIVE:
        return (1 - c->beta) / -expm1(n * log(c->beta));
    default:
        return 1 / n;
    }
}

/* pixels, images: of each class, as fpc_label_pixels gives them. Returns the number of classes without a pixel. */
static inline int32_t class_weights_of(struct class_weights *c, int32_t classes, int32_t ignore, const int64_t *pixels,
                                       const int64_t *images)
{
    double raw[FPC_MAX_CLASSES] = {0}, sum = 0;
    int32_t empty = 0;

    for (int32_t k = 0; k < classes; k++) {
        if (pixels[k] > 0 && k != ignore)
            raw[k] = class_weights_raw(c, (double)pixels[k], (double)images[k]);
        empty += pixels[k] <= 0 && k != ignore;
        sum += raw[k];
    }
    for (int32_t k = 0; k < classes; k++)
        c->w[k] = sum > 0 ? (float)(raw[k] * classes / sum) : 0;
    c->classes = classes;
    return empty;
}

/* For build: sets *weight to the weights, or to NULL where all are 1. Counts the masks on the first call. */
static inline fpc_status class_weights_get(const fpc_self *self, struct class_weights *c, const fpc_target *target,
                                           const float **weight)
{
    const int64_t *pixels, *images;
    const int32_t classes = target->classes;

    *weight = c->classes ? c->w : NULL;
    if (c->classes || (!c->list.n && c->preset == WEIGHTS_NONE))
        return FPC_OK;
    if (classes > FPC_MAX_CLASSES || (c->list.n && c->list.n != classes))
        return fpc_fail(self->ctx, FPC_EINVAL,
                        "%s.class_weights has %lld numbers, but the data set has %d classes: give one for each",
                        self->label, (long long)c->list.n, classes);
    *weight = c->w;
    if (c->list.n) {
        for (int32_t k = 0; k < classes; k++)
            c->w[k] = (float)c->list.v[k];
        c->classes = classes;
        return FPC_OK;
    }
    const fpc_status status = fpc_label_pixels(target, &pixels, &images);
    if (status)
        return fpc_fail(self->ctx, status,
                        "%s: %s.class_weight_preset = %s is computed from the training masks, and no data set is open "
                        "here; give the numbers as class_weights",
                        fpc_origin(self, "class_weight_preset"), self->label, class_weight_presets[c->preset].name);
    if (class_weights_of(c, classes, target->ignore, pixels, images))
        for (int32_t k = 0; k < classes; k++)
            if (pixels[k] <= 0 && k != target->ignore)
                fpc_log(self->ctx, FPC_LOG_WARN, "%s: class %d has no pixel in the training masks; its weight is 0",
                        self->label, k);
    return FPC_OK;
}

/* The weights of all labelled pixels added up; with every weight 1, their number. build has run before. */
static inline double class_weights_norm(const struct class_weights *c, const fpc_label_counts *count)
{
    double sum = 0;

    for (int64_t k = 0; k < count->classes; k++) {
        const double listed = k < c->list.n ? (double)(float)c->list.v[k] : 1;
        sum += (double)count->pixels[k] * (k < c->classes ? (double)c->w[k] : listed);
    }
    return sum;
}

#endif
