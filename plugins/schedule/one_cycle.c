/* one_cycle.c: up from a low rate to [optimizer] lr and down to almost nothing, once (Smith and Topin 2018,
 * arXiv:1708.07120), torch's OneCycleLR stepped once an epoch. Momentum is not cycled.
 *
 * Phases end at pct_start T - 1 and T - 1, with three_phase at pct_start T - 1, 2 pct_start T - 2 and T - 1; ends need
 * not be whole epochs. */
#include <fpcore/schedule.h>
#include <math.h>

enum { ANNEAL_COS, ANNEAL_LINEAR };

struct one_cycle {
    fpc_self self;
    double pct_start, div_factor, final_div_factor;
    int64_t anneal, three_phase, total;
};

struct phase {
    double end, from, to; /* epoch; factors */
};

static double between(int64_t anneal, double from, double to, double part)
{
    if (anneal == ANNEAL_LINEAR)
        return from + (to - from) * part;
    return to + (from - to) / 2 * (1 + cos(3.14159265358979323846 * part));
}

static double factor(const fpc_self *self, const fpc_clock *clock, const fpc_history *history)
{
    const struct one_cycle *s = (const struct one_cycle *)self;
    const double total = (double)(s->total ? s->total : clock->epochs), at = fmin((double)clock->epoch, total - 1);
    const double low = 1 / s->div_factor, least = low / s->final_div_factor, up = s->pct_start * total - 1;
    const struct phase two[] = {{up, low, 1}, {total - 1, 1, least}};
    const struct phase three[] = {{up, low, 1}, {2 * s->pct_start * total - 2, 1, low}, {total - 1, low, least}};
    const struct phase *phase = s->three_phase ? three : two;
    const int n = s->three_phase ? 3 : 2;
    double start = 0;

    (void)history;
    for (int i = 0; i < n - 1 && at > phase->end; i++)
        start = phase++->end;
    return phase->end > start ? between(s->anneal, phase->from, phase->to, (at - start) / (phase->end - start))
                              : phase->to;
}

static fpc_status init(fpc_self *self)
{
    const struct one_cycle *s = (const struct one_cycle *)self;

    if (s->three_phase && s->pct_start > 0.5)
        return fpc_fail(self->ctx, FPC_EINVAL,
                        "%s.pct_start = %g: with three_phase the way down is as long as the way up; at most 0.5",
                        self->label, s->pct_start);
    return FPC_OK;
}

static const fpc_choice anneals[] = {{"cos", ANNEAL_COS, "half a cosine in each phase"},
                                     {"linear", ANNEAL_LINEAR, "a straight line in each phase"},
                                     {0}};
static const fpc_option options[] = {
    FPC_OPTION_REAL(struct one_cycle, pct_start, "0.3", 0, 1, "", "share of the epochs in which the rate rises"),
    FPC_OPTION_REAL(struct one_cycle, div_factor, "25", 1, 1e9, "", "the first rate is lr over this"),
    FPC_OPTION_REAL(struct one_cycle, final_div_factor, "1e4", 1, 1e12, "", "the last rate is the first one over this"),
    FPC_OPTION_CHOICE(struct one_cycle, anneal, "cos", anneals, "shape of the phases"),
    FPC_OPTION_BOOL(struct one_cycle, three_phase, "off",
                    "back to the first rate as fast as up, then on to the last one; off: straight to the last one"),
    FPC_OPTION_INT(struct one_cycle, total, "0", 0, 1000000, "epochs",
                   "length of the cycle; 0: all epochs after the warm-up"),
    {0}};
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin one_cycle = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_SCHEDULE,
    .name = "one_cycle",
    .summary = "Up to the rate and down to almost nothing, once.",
    .detail =
        "[optimizer] lr is the highest rate. The rise is the warm-up, so warmup_epochs can stay 0. Epochs past the "
        "end keep the last rate.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct one_cycle),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&one_cycle)
