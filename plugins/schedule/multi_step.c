/* multi_step.c: the rate times gamma at each of a list of epochs, torch's MultiStepLR. */
#include <fpcore/schedule.h>
#include <math.h>

struct multi_step {
    fpc_self self;
    fpc_ints milestones;
    double gamma;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct multi_step *s = (const struct multi_step *)self;
    int64_t passed = 0;

    (void)history;
    for (int64_t i = 0; i < s->milestones.n; i++)
        passed += s->milestones.v[i] <= clock->epoch;
    return pow(s->gamma, (double)passed);
}

static fpc_status init(fpc_self *self)
{
    const fpc_ints *m = &((const struct multi_step *)self)->milestones;

    for (int64_t i = 1; i < m->n; i++)
        if (m->v[i] <= m->v[i - 1])
            return fpc_fail(self->ctx, FPC_EINVAL, "%s.milestones: %lld comes after %lld; they must rise", self->label,
                            (long long)m->v[i], (long long)m->v[i - 1]);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INTS(struct multi_step, milestones, "100, 150", 0, 1000000, "epochs",
                    "epochs after the warm-up, counted from 0, from which on a further gamma holds"),
    FPC_OPTION_REAL(struct multi_step, gamma, "0.1", 0, 1, "", "what a milestone multiplies the rate by"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin multi_step = {
    FPC_PLUGIN_HEAD,  .kind = FPC_SCHEDULE, .name = "multi_step", .summary = "Times gamma at each of a list of epochs.",
    .version = "1.0", .license = "MIT",     .options = options,   .self_size = sizeof(struct multi_step),
    .init = init,     .vtbl = &vtbl};
FPC_PLUGINS(&multi_step)
