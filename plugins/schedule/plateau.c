/* plateau.c: the rate times `factor` when the monitored metric has not improved for `patience` epochs, torch's
 * ReduceLROnPlateau.
 *
 * There is no state: the rate of an epoch is made anew from the history of all epochs before it, which is part of the
 * checkpoint, so a resumed run has the same rates to the last bit. Epochs of the warm-up do not count, nor do epochs
 * without a number (NAN). */
#include <fpcore/schedule.h>
#include <math.h>

enum { MODE_MAX, MODE_MIN, THRESHOLD_REL, THRESHOLD_ABS };

struct plateau {
    fpc_self self;
    int64_t mode, patience, threshold_mode, cooldown;
    double factor, threshold, min_lr, eps;
};

static int improves(const struct plateau *s, double value, double best)
{
    const double sign = s->mode == MODE_MAX ? 1 : -1;

    if (isinf(best))
        return isfinite(value);
    if (s->threshold_mode == THRESHOLD_ABS)
        return sign * value > sign * (best + sign * s->threshold);
    return sign * value > sign * (best * (1 + sign * s->threshold));
}

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct plateau *s = (const struct plateau *)self;
    const int64_t n = history ? history->n : 0, warm = n > clock->epoch ? n - clock->epoch : 0;
    double lr = clock->base_lr, best = s->mode == MODE_MAX ? -INFINITY : INFINITY;
    int64_t bad = 0, resting = 0;

    for (int64_t i = warm; i < n; i++) {
        if (isnan(history->value[i]))
            continue;
        if (improves(s, history->value[i], best)) {
            best = history->value[i];
            bad = 0;
        } else {
            bad++;
        }
        if (resting > 0) {
            resting--;
            bad = 0;
        }
        if (bad <= s->patience)
            continue;
        const double lower = fmax(lr * s->factor, s->min_lr);
        if (lr - lower > s->eps)
            lr = lower;
        resting = s->cooldown;
        bad = 0;
    }
    return clock->base_lr > 0 ? lr / clock->base_lr : 1;
}

static const fpc_choice modes[] = {{"max", MODE_MAX, "higher is better"}, {"min", MODE_MIN, "lower is better"}, {0}};
static const fpc_choice thresholds[] = {
    {"rel", THRESHOLD_REL, "a share of the best value"}, {"abs", THRESHOLD_ABS, "in units of the metric"}, {0}};
static const fpc_option options[] = {
    FPC_OPTION_CHOICE(struct plateau, mode, "max", modes, "which way the metric of [run] metric improves"),
    FPC_OPTION_REAL(struct plateau, factor, "0.1", 0, 1, "", "what the rate is multiplied by"),
    FPC_OPTION_INT(struct plateau, patience, "10", 0, 1000000, "epochs",
                   "so many epochs without improvement are let pass; the next one lowers the rate"),
    FPC_OPTION_REAL(struct plateau, threshold, "1e-4", 0, 1e9, "", "smaller improvements do not count"),
    FPC_OPTION_CHOICE(struct plateau, threshold_mode, "rel", thresholds, "what the threshold is measured in"),
    FPC_OPTION_INT(struct plateau, cooldown, "0", 0, 1000000, "epochs", "after lowering, before counting again"),
    FPC_OPTION_REAL(struct plateau, min_lr, "0", 0, 1e6, "", "the least rate itself, not a factor"),
    FPC_OPTION_REAL(struct plateau, eps, "1e-8", 0, 1e6, "", "smaller changes of the rate are not made"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin plateau = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_SCHEDULE,
    .name = "plateau",
    .summary = "Lower when the metric has stopped improving.",
    .detail =
        "Looks at the metric that picks the best checkpoint, [run] metric. What it will do is not known before the "
        "run: `fpcore lr` shows the rate of a run that never stops improving.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct plateau),
    .vtbl = &vtbl};
FPC_PLUGINS(&plateau)
