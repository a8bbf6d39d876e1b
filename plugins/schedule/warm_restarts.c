/* warm_restarts.c: half cosines that start anew from the base rate, each t_mult times as long as the one before (SGDR,
 * Loshchilov and Hutter 2017, arXiv:1608.03983), torch's CosineAnnealingWarmRestarts in closed form. */
#include <fpcore/schedule.h>
#include <math.h>

struct warm_restarts {
    fpc_self self;
    int64_t t_0, t_mult;
    double eta_min;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct warm_restarts *s = (const struct warm_restarts *)self;
    const double least = s->eta_min == 0 ? 0 : s->eta_min / clock->base_lr;
    int64_t at = clock->epoch, period = s->t_0;

    (void)history;
    if (s->t_mult == 1)
        at %= period;
    while (at >= period) {
        at -= period;
        period *= s->t_mult;
    }
    return least + (1 - least) * (1 + cos(3.14159265358979323846 * (double)at / (double)period)) / 2;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct warm_restarts, t_0, "30", 1, 1000000, "epochs", "length of the first cosine"),
    FPC_OPTION_INT(struct warm_restarts, t_mult, "2", 1, 100, "", "each further one is this many times as long"),
    FPC_OPTION_REAL(struct warm_restarts, eta_min, "0", 0, 1e3, "", "the least rate itself, not a factor"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin warm_restarts = {
    FPC_PLUGIN_HEAD,  .kind = FPC_SCHEDULE, .name = "warm_restarts", .summary = "Half cosines that start anew.",
    .version = "1.0", .license = "MIT",     .options = options,      .self_size = sizeof(struct warm_restarts),
    .vtbl = &vtbl};
FPC_PLUGINS(&warm_restarts)
