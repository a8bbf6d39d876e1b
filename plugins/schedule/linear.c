/* linear.c: a straight line from start_factor to end_factor, then level, torch's LinearLR in closed form. */
#include <fpcore/schedule.h>

struct linear {
    fpc_self self;
    double start_factor, end_factor;
    int64_t total;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct linear *s = (const struct linear *)self;
    const int64_t total = s->total ? s->total : clock->epochs;

    (void)history;
    if (clock->epoch >= total)
        return s->end_factor;
    return s->start_factor + (s->end_factor - s->start_factor) * (double)clock->epoch / (double)total;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct linear, start_factor, "1", 0, 1e6, "", "factor of the rate in the first epoch"),
    FPC_OPTION_REAL(struct linear, end_factor, "0", 0, 1e6, "", "factor after `total` epochs, and from then on"),
    FPC_OPTION_INT(struct linear, total, "0", 0, 1000000, "epochs",
                   "from one factor to the other; 0: all epochs after the warm-up"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin linear = {FPC_PLUGIN_HEAD,    .kind = FPC_SCHEDULE,
                                  .name = "linear",   .summary = "A straight line between two factors of the rate.",
                                  .version = "1.0",   .license = "MIT",
                                  .options = options, .self_size = sizeof(struct linear),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&linear)
