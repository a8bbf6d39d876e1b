/* old.c: a learning-rate schedule: exponential decay, rate = lr * gamma^epoch, not below floor.
 *
 * A schedule is a pure function of the clock. The core multiplies the factor with [optimizer] lr, and wraps any warm-up
 * around it, so `epoch` counts from the end of the warm-up. `fpcore lr -c recipe.ini` shows the curve. */
#include <fpcore/schedule.h>
#include <math.h>

/* What the options below fill. fpc_self comes first. */
struct schedule {
    fpc_self self;
    double gamma, floor;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct schedule *s = (const struct schedule *)self;

    (void)history; /* the monitored metric of each finished epoch, for schedules that wait for a plateau */
    return fmax(s->floor, pow(s->gamma, (double)clock->epoch));
}

/* Each option: field, default as text, least, largest, unit, help. Parsing, range checks and `fpcore -h` use this. */
static const fpc_option options[] = {
    FPC_OPTION_REAL(struct schedule, gamma, "0.97", 0, 1, "", "factor from one epoch to the next"),
    FPC_OPTION_REAL(struct schedule, floor, "0.01", 0, 1, "", "the factor never falls below this"),
    {0}};

static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_SCHEDULE,
                                  .name = "old",
                                  .summary = "Exponential decay.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct schedule),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
