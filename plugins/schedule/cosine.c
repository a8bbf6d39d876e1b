/* cosine.c: half a cosine from the base rate to eta_min over t_max epochs (Loshchilov and Hutter 2017,
 * arXiv:1608.03983), torch's CosineAnnealingLR in closed form. Past t_max the curve rises again, as torch's does. */
#include <fpcore/schedule.h>
#include <math.h>

struct cosine {
    fpc_self self;
    int64_t t_max;
    double eta_min;
};

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct cosine *s = (const struct cosine *)self;
    const double period = (double)(s->t_max ? s->t_max : clock->epochs);
    const double least = s->eta_min == 0 ? 0 : s->eta_min / clock->base_lr;

    (void)history;
    if (period <= 0)
        return 1;
    return least + (1 - least) * (1 + cos(3.14159265358979323846 * (double)clock->epoch / period)) / 2;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct cosine, t_max, "0", 0, 1000000, "epochs",
                   "from the base rate to the least one; 0: all epochs after the warm-up"),
    FPC_OPTION_REAL(struct cosine, eta_min, "0", 0, 1e3, "", "the least rate itself, not a factor"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin cosine = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_SCHEDULE,
    .name = "cosine",
    .summary = "Half a cosine down to eta_min.",
    .detail = "With t_max below the number of epochs after the warm-up the rate rises again after t_max.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct cosine),
    .vtbl = &vtbl};
FPC_PLUGINS(&cosine)
