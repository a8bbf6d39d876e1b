/* poly.c: (1 - t/T)^power over the T epochs after the warm-up, the usual schedule of DeepLab (Chen et al. 2017,
 * arXiv:1606.00915). */
#include <fpcore/schedule.h>
#include <math.h>

struct poly {
    fpc_self self;
    double power;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    (void)history;
    if (clock->epochs <= 0)
        return 1;
    if (clock->epoch >= clock->epochs)
        return 0;
    return pow(1 - (double)clock->epoch / (double)clock->epochs, ((const struct poly *)self)->power);
}

static const fpc_option options[] = {FPC_OPTION_REAL(struct poly, power, "0.9", 0, 100, "", "1: a straight line to 0"),
                                     {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin poly = {FPC_PLUGIN_HEAD,    .kind = FPC_SCHEDULE,
                                .name = "poly",     .summary = "A power of the share of epochs that is left.",
                                .version = "1.0",   .license = "MIT",
                                .options = options, .self_size = sizeof(struct poly),
                                .vtbl = &vtbl};
FPC_PLUGINS(&poly)
