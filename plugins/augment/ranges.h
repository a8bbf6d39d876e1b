/* ranges.h: ranges of augmentations: what the option tables do not check (whole numbers, odd sizes), and draws from
 * them.
 */
#ifndef PLUGINS_AUGMENT_RANGES_H
#define PLUGINS_AUGMENT_RANGES_H

#include <fpcore/base.h>
#include <fpcore/draw.h>
#include <fpcore/option.h>
#include <math.h>

static inline fpc_status check_whole(const fpc_self *self, const char *option, fpc_range range)
{
    if (range.lo == floor(range.lo) && range.hi == floor(range.hi))
        return FPC_OK;
    return fpc_fail(self->ctx, FPC_EINVAL, "%s: %s.%s = %g, %g: whole numbers are wanted", fpc_origin(self, option),
                    self->label, option, range.lo, range.hi);
}

static inline fpc_status check_odd(const fpc_self *self, const char *option, int64_t k)
{
    if (k % 2)
        return FPC_OK;
    return fpc_fail(self->ctx, FPC_EINVAL,
                    "%s: %s.%s = %d: a window has a middle pixel, so its size is odd; give %d or %d",
                    fpc_origin(self, option), self->label, option, (int)k, (int)k - 1, (int)k + 1);
}

static inline double draw_range(fpc_rng rng, uint32_t draw, fpc_range range)
{
    return fpc_draw_between(rng, draw, range.lo, range.hi);
}

/* A whole number from lo to hi, both ends with the same chance as the others. */
static inline int64_t draw_whole(fpc_rng rng, uint32_t draw, fpc_range range)
{
    return (int64_t)range.lo + fpc_draw_below(rng, draw, (int64_t)(range.hi - range.lo) + 1);
}

#endif
