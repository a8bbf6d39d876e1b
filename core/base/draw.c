/* draw.c: distributions over the counter RNG (include/fpcore/draw.h). Every function is pure. The normal distribution
 * goes by Marsaglia's polar method with a rational bound on the tries, the gamma distribution by Marsaglia and Tsang
 * ("A simple method for generating gamma variables", 2000), ln and exp by our own series: the mathematics library's
 * last bit differs between machines, and a draw must not. */
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

/* ln x for x > 0: x = m 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)). */
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

/* e^x for x <= 0: x = k ln 2 + r with |r| <= ln(2) / 2, and a series of r. */
static double exp_of(double x)
{
    if (x < -745)
        return 0;
    const double k = floor(x / 0.69314718055994531 + 0.5), r = x - k * 0.69314718055994531;
    double sum = 1;
    for (int i = 17; i >= 1; i--)
        sum = 1 + sum * r / i;
    return ldexp(sum, (int)k);
}

static fpc_rng next_try(fpc_rng rng, uint32_t try)
{
    rng.stream = rng.stream * 2654435761u + 0x9e3779b9u + try;
    return rng;
}

double fpc_draw_normal(fpc_rng rng, uint32_t draw)
{
    /* Tries after the first use a stream of their own, so that neighbouring draws stay independent. */
    for (uint32_t try = 0;; try++) {
        const fpc_u32x4 u = fpc_philox(rng, draw);
        const double a = 2 * unit_of(word(u, 0)) - 1, b = 2 * unit_of(word(u, 1)) - 1, s = a * a + b * b;
        if (s < 1 && s > 0x1p-52)
            return a * sqrt(-2 * ln(s) / s);
        rng = next_try(rng, try);
    }
}

/* ln of a number of Gamma(a, 1): small shapes give numbers that a double does not hold. */
static double log_gamma_number(fpc_rng rng, uint32_t draw, double a)
{
    fpc_rng chance = next_try(rng, 0x5bd1e995u);
    double small = 0;
    if (a < 1) { /* Gamma(a) = Gamma(a + 1) U^(1/a) */
        small = ln(1 - fpc_draw_unit(next_try(chance, 0x27d4eb2fu), draw)) / a;
        a += 1;
    }
    const double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (uint32_t try = 0;; try++) {
        const double x = fpc_draw_normal(rng, draw), u = 1 - fpc_draw_unit(chance, draw), t = 1 + c * x;
        if (t > 0) {
            const double log_v = 3 * ln(t);
            if (ln(u) < x * x / 2 + d - d * t * t * t + d * log_v)
                return ln(d) + log_v + small;
        }
        rng = next_try(rng, ~try);
        chance = next_try(chance, ~try);
    }
}

static fpc_rng part(fpc_rng rng, uint32_t i)
{
    rng.stream = (rng.stream ^ (i + 1)) * 16777619u;
    return rng;
}

double fpc_draw_beta(fpc_rng rng, uint32_t draw, double a, double b)
{
    const double x = log_gamma_number(part(rng, 0), draw, a), y = log_gamma_number(part(rng, 1), draw, b);
    return x >= y ? 1 / (1 + exp_of(y - x)) : 1 - 1 / (1 + exp_of(x - y));
}

void fpc_draw_dirichlet(fpc_rng rng, uint32_t draw, double alpha, int n, double *shares)
{
    double most = -1e300, sum = 0;
    for (int i = 0; i < n; i++) {
        shares[i] = log_gamma_number(part(rng, (uint32_t)i), draw, alpha);
        most = shares[i] > most ? shares[i] : most;
    }
    for (int i = 0; i < n; i++)
        sum += shares[i] = exp_of(shares[i] - most);
    for (int i = 0; i < n; i++)
        shares[i] /= sum;
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

/* The exchanges of the shuffle, last one first: where did the value that is now at i stand? */
int64_t fpc_draw_permuted(fpc_rng rng, uint32_t draw, int64_t n, int64_t i)
{
    for (int64_t k = 1; k < n; k++) {
        const int64_t used = n - 1 - k;
        const int64_t j = below_of(word(fpc_philox(rng, draw + (uint32_t)(used / 2)), (int)(used % 2)), k + 1);
        i = i == k ? j : i == j ? k : i;
    }
    return i;
}
