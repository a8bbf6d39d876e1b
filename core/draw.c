/* draw.c: distributions over the counter RNG (include/fpcore/draw.h). Every function is pure. The normal distribution
 * goes by Marsaglia's polar method with a rational bound on the tries, and ln by our own series: the mathematics
 * library's last bit differs between machines, and a draw must not. */
#include <fpcore/draw.h>
#include <math.h>

static uint64_t word(fpc_u32x4 u, int half)
{
    return (uint64_t)u.v[2 * half] << 32 | u.v[2 * half + 1];
}

static double unit_of(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* floor(n * bits / 2^64): bias below n / 2^64. */
static int64_t below_of(uint64_t bits, int64_t n)
{
    return (int64_t)(((unsigned __int128)bits * (uint64_t)n) >> 64);
}

double fpc_draw_unit(fpc_rng rng, uint32_t draw)
{
    return unit_of(word(fpc_philox(rng, draw), 0));
}

double fpc_draw_between(fpc_rng rng, uint32_t draw, double lo, double hi)
{
    return hi > lo ? lo + (hi - lo) * fpc_draw_unit(rng, draw) : lo;
}

int fpc_draw_chance(fpc_rng rng, uint32_t draw, double p)
{
    return fpc_draw_unit(rng, draw) < p;
}

int64_t fpc_draw_below(fpc_rng rng, uint32_t draw, int64_t n)
{
    return n < 2 ? 0 : below_of(word(fpc_philox(rng, draw), 0), n);
}

/* ln x for x in (0, 1]: x = m 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)). */
static double ln(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    const double z = (m - 1) / (m + 1), q = z * z;
    double sum = 0;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * q + 1.0 / k;
    return 2 * z * sum + e * 0.69314718055994531;
}

double fpc_draw_normal(fpc_rng rng, uint32_t draw)
{
    /* Tries after the first use a stream of their own, so that neighbouring draws stay independent. */
    for (uint32_t try = 0;; try++) {
        const fpc_u32x4 u = fpc_philox(rng, draw);
        const double a = 2 * unit_of(word(u, 0)) - 1, b = 2 * unit_of(word(u, 1)) - 1, s = a * a + b * b;
        if (s < 1 && s > 0x1p-52)
            return a * sqrt(-2 * ln(s) / s);
        rng.stream = rng.stream * 2654435761u + 0x9e3779b9u + try;
    }
}

void fpc_draw_shuffle(fpc_rng rng, uint32_t draw, int64_t n, int64_t *values)
{
    fpc_u32x4 u = {{0}};
    for (int64_t i = n - 1, used = 0; i > 0; i--, used++) {
        if (used % 2 == 0)
            u = fpc_philox(rng, draw++);
        const int64_t j = below_of(word(u, (int)(used % 2)), i + 1), kept = values[i];
        values[i] = values[j];
        values[j] = kept;
    }
}
