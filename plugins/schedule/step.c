/* step.c: the rate times gamma after every step_size epochs, torch's StepLR. */
#include <fpcore/schedule.h>
#include <math.h>

struct step {
    fpc_self self;
    int64_t step_size;
    double gamma;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct step *s = (const struct step *)self;

    (void)history;
    return pow(s->gamma, (double)(clock->epoch / s->step_size));
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct step, step_size, "30", 1, 1000000, "epochs", "epochs between two steps"),
    FPC_OPTION_REAL(struct step, gamma, "0.1", 0, 1, "", "what a step multiplies the rate by"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin step = {
    FPC_PLUGIN_HEAD,  .kind = FPC_SCHEDULE, .name = "step",     .summary = "Times gamma every step_size epochs.",
    .version = "1.0", .license = "MIT",     .options = options, .self_size = sizeof(struct step),
    .vtbl = &vtbl};
FPC_PLUGINS(&step)
