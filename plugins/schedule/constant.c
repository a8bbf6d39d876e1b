/* constant.c: the rate stays what [optimizer] lr says, after the warm-up. */
#include <fpcore/schedule.h>

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    (void)self, (void)clock, (void)history;
    return 1;
}

static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin constant = {FPC_PLUGIN_HEAD,
                                    .kind = FPC_SCHEDULE,
                                    .name = "constant",
                                    .summary = "The same rate throughout.",
                                    .version = "1.0",
                                    .license = "MIT",
                                    .self_size = sizeof(fpc_self),
                                    .vtbl = &vtbl};
FPC_PLUGINS(&constant)
