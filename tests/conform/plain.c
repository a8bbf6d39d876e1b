/* plain.c: the rules of schedules, metrics and loggers. */
#define _GNU_SOURCE
#include "conform.h"

#include <fpcore/logger.h>
#include <fpcore/metric.h>
#include <fpcore/schedule.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ftw.h>
#include <unistd.h>

/* ---- schedule ---- */

enum { EPOCHS = 40 };

void check_schedule(conform *c)
{
    const fpc_schedule_vtbl *v = c->plugin->vtbl;
    const double value[EPOCHS] = {0};
    double factor[EPOCHS], highest = 0;
    int32_t bad = -1, again = -1;
    fpc_clock clock = {.size = sizeof clock, .steps_per_epoch = 100, .epochs = EPOCHS, .base_lr = 1e-3};

    for (int32_t e = 0; e < EPOCHS; e++) {
        const fpc_history history = {.size = sizeof history, .n = e, .value = value};
        clock.epoch = e;
        factor[e] = v->factor(c->self, &clock, &history);
        highest = fmax(highest, factor[e]);
        if ((!isfinite(factor[e]) || factor[e] < 0) && bad < 0)
            bad = e;
    }
    check(c, bad < 0, "factors are finite and not negative", "epoch %d gives %g", bad, bad < 0 ? 0 : factor[bad]);
    check(c, highest > 0, "some epoch has a rate above zero", "every factor is 0");
    for (int32_t e = EPOCHS - 1; e >= 0; e--) { /* backwards: a factor must not depend on the calls before */
        const fpc_history history = {.size = sizeof history, .n = e, .value = value};
        clock.epoch = e;
        if (v->factor(c->self, &clock, &history) != factor[e])
            again = e;
    }
    check(c, again < 0, "factor is a pure function of the clock", "epoch %d gives another value when asked again",
          again);
    clock.epoch = 3;
    const double alone = v->factor(c->self, &clock, NULL);
    check(c, isfinite(alone) && alone >= 0, "works without a history", "epoch 3 gives %g", alone);
    clock = (fpc_clock){.size = sizeof clock, .steps_per_epoch = 1, .epochs = 1, .base_lr = 1};
    const double single = v->factor(c->self, &clock, NULL);
    check(c, isfinite(single) && single >= 0, "works for a run of one epoch", "the factor is %g", single);
}

/* ---- metric ---- */

enum { CLASSES = 5, IMAGES = 4 };

/* hits of 100 pixels of every class are right, the others count as the next class. */
static void fill_counts(int32_t *k, int32_t hits)
{
    for (int32_t i = 0; i < IMAGES * CLASSES; i++) {
        k[3 * i] = hits;
        k[3 * i + 1] = k[3 * i + 2] = 100 - hits;
    }
}

static double metric_of(conform *c, int32_t hits)
{
    const fpc_metric_vtbl *v = c->plugin->vtbl;
    int32_t k[IMAGES * CLASSES * 3];
    const fpc_counts counts = {.size = sizeof counts, .images = IMAGES, .classes = CLASSES, .tp_fp_fn = k};

    fill_counts(k, hits);
    v->reset(c->self, CLASSES);
    v->update(c->self, &counts);
    v->update(c->self, &counts);
    return v->value(c->self);
}

static void check_per_class(conform *c)
{
    const fpc_metric_vtbl *v = c->plugin->vtbl;
    double out[CLASSES + 2];
    int bad = 0;

    if (!v->per_class)
        return;
    for (int i = 0; i < CLASSES + 2; i++)
        out[i] = -12345;
    metric_of(c, 80);
    v->per_class(c->self, out);
    for (int i = 0; i < CLASSES; i++)
        bad |= !isfinite(out[i]);
    check(c, !bad, "per_class gives a number for every class that occurs", "a value is not finite");
    check(c, out[CLASSES] == -12345 && out[CLASSES + 1] == -12345, "per_class writes one value per class",
          "it writes beyond the last class");
}

void check_metric(conform *c)
{
    const fpc_metric_vtbl *v = c->plugin->vtbl;
    const double best = metric_of(c, 100), good = metric_of(c, 80), poor = metric_of(c, 20), none = metric_of(c, 0);
    const double sign = v->higher_is_better ? 1 : -1;

    check(c, isfinite(best) && isfinite(good) && isfinite(poor) && isfinite(none), "values are finite",
          "%g %g %g %g for 100, 80, 20 and 0 of 100 pixels right", best, good, poor, none);
    check(c, sign * best >= sign * good && sign * good > sign * poor && sign * poor >= sign * none,
          "better predictions have better values",
          "%g %g %g %g for 100, 80, 20 and 0 of 100 pixels right, and higher_is_better is %d", best, good, poor, none,
          v->higher_is_better);
    check(c, metric_of(c, 100) == best, "reset forgets the epoch before",
          "a second epoch of equal counts gives another value");
    v->reset(c->self, CLASSES);
    v->value(c->self);
    check(c, 1, "an epoch without a batch is survived", "%s", "");
    v->reset(c->self, CLASSES + 14);
    v->value(c->self);
    check(c, metric_of(c, 80) == good, "the number of classes may change", "the value changes with it");
    check_per_class(c);
}

/* ---- logger ---- */

static fpc_status send(conform *c, fpc_event *e, uint32_t what)
{
    const fpc_logger_vtbl *v = c->plugin->vtbl;

    e->what = what;
    return v->event(c->self, e);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

/* What a logger may ask for, whether it did or not: pictures (an event without them too) and a histogram. */
static fpc_status send_extras(conform *c, fpc_event *e)
{
    static const double limits[] = {0, 1}, counts[] = {2, 3};
    static const uint8_t image[2 * 3 * 3] = {1, 2, 3}, label[2 * 3] = {0, 1, 255, 1}, prediction[2 * 3] = {1};
    static const double score[] = {0.25};
    static const char *const name[] = {"sample"};
    static const uint32_t kind[] = {FPC_PICTURE, FPC_SAMPLES};
    const fpc_pictures pictures = {.size = sizeof pictures,
                                   .n = 1,
                                   .h = 2,
                                   .w = 3,
                                   .image = image,
                                   .label = label,
                                   .prediction = prediction,
                                   .classes = 2,
                                   .score = score,
                                   .name = name};
    const fpc_field tag = {"tag", FPC_OPT_TEXT, {.s = "samples"}};
    const fpc_field histogram[] = {{"tag", FPC_OPT_TEXT, {.s = "parameters/a"}},
                                   {"min", FPC_OPT_REAL, {.r = -1}},
                                   {"max", FPC_OPT_REAL, {.r = 1}},
                                   {"count", FPC_OPT_INT, {.i = 5}},
                                   {"limits", FPC_OPT_REALS, {.list = {2, limits}}},
                                   {"counts", FPC_OPT_REALS, {.list = {2, counts}}}};
    fpc_status status = FPC_OK;

    e->n = 1;
    e->field = &tag;
    for (int k = 0; k < 4 && !status; k++) {
        e->pictures = k % 2 ? &pictures : NULL;
        status = send(c, e, kind[k / 2]);
    }
    e->pictures = NULL;
    e->n = 6;
    e->field = histogram;
    if (!status)
        status = send(c, e, FPC_HISTOGRAM);
    e->n = 0;
    e->field = NULL;
    return status;
}

/* A short run: two epochs of two columns in a folder of its own. */
static void check_logger_run(conform *c)
{
    static const char *const column[] = {"train_loss", "val_f_score", "lr"};
    const double loss[] = {2, 1}, score[] = {0.25, NAN}, rate[] = {1e-3, 5e-4};
    const double *const value[] = {loss, score, rate};
    const char *tmp = getenv("TMPDIR");
    char dir[512];
    fpc_clock clock = {.size = sizeof clock, .steps_per_epoch = 2, .epochs = 2};
    fpc_event e = {.size = sizeof e, .clock = &clock, .n_columns = 3, .column = column, .value = value};
    fpc_status status;

    snprintf(dir, sizeof dir, "%s/fpcore-conform-XXXXXX", tmp && *tmp ? tmp : P_tmpdir);
    if (!mkdtemp(dir)) {
        skip(c, "a short run", "no temporary folder");
        return;
    }
    const fpc_field begin[] = {{"run_dir", FPC_OPT_TEXT, {.s = dir}},
                               {"name", FPC_OPT_TEXT, {.s = "conform"}},
                               {"epochs", FPC_OPT_INT, {.i = 2}},
                               {"steps_per_epoch", FPC_OPT_INT, {.i = 2}}};
    e.n = 4;
    e.field = begin;
    status = send(c, &e, FPC_RUN_BEGIN);
    e.n = 0;
    e.field = NULL;
    for (int64_t epoch = 0; epoch < 2 && !status; epoch++) {
        const fpc_field step[] = {{"loss", FPC_OPT_REAL, {.r = 1.5}}, {"lr", FPC_OPT_REAL, {.r = 1e-3}}};
        clock.epoch = epoch;
        e.n = 2;
        e.field = step;
        status = send(c, &e, FPC_STEP);
        e.n = 0;
        e.field = NULL;
        e.n_rows = epoch + 1;
        if (!status)
            status = send(c, &e, FPC_EPOCH);
        if (!status)
            status = send_extras(c, &e);
    }
    if (!status)
        status = send(c, &e, FPC_RUN_END);
    check(c, status == FPC_OK, "a short run is logged", "status %d", status);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void check_logger(conform *c)
{
    const fpc_clock clock = {.size = sizeof clock, .epochs = 1, .steps_per_epoch = 1};
    fpc_event e = {.size = sizeof e, .clock = &clock};
    fpc_status status = FPC_OK;
    uint32_t what = FPC_RUN_BEGIN;

    for (; what <= FPC_SAMPLES && !status; what++)
        status = send(c, &e, what);
    check(c, !status, "every event is accepted without fields", "event %u gives status %d", what - 1, status);
    status = send(c, &e, 999);
    check(c, !status, "events of later versions are ignored", "status %d", status);
    c->self = make_instance(c);
    if (check(c, c->self != NULL, "a second instance can be made", "init"))
        check_logger_run(c);
}
