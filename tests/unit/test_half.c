/* test_half.c: include/fpcore/half.h over all 65536 values of each format: what they are worth, by the formula of their
 * fields; that they come back; and that what lies between two neighbours goes to the nearer one, the middle to the even
 * one. */

#include "case.h"
#include <fpcore/half.h>
#include <math.h>

typedef struct format {
    const char *name;
    int fraction_bits, bias;
    float (*to_float)(uint16_t);
    uint16_t (*from_float)(float);
} format;

static const format formats[] = {{"bf16", 7, 127, fpc_bf16_to_float, fpc_float_to_bf16},
                                 {"fp16", 10, 15, fpc_f16_to_float, fpc_float_to_f16}};
enum { N_FORMATS = 2 };

static uint32_t infinite(const format *f)
{
    return 0x8000u - (1u << f->fraction_bits);
}

/* What the fields say. */
static double worth(const format *f, uint32_t h)
{
    const uint32_t exponent = (h & 0x7fffu) >> f->fraction_bits, fraction = h & ((1u << f->fraction_bits) - 1);
    const double sign = h & 0x8000u ? -1 : 1;
    if ((h & 0x7fffu) >= infinite(f))
        return fraction ? NAN : sign * (double)INFINITY;
    const double whole = exponent ? fraction + (double)(1u << f->fraction_bits) : fraction;
    return sign * ldexp(whole, (int)(exponent ? exponent : 1) - f->bias - f->fraction_bits);
}

static void all_values(void **state)
{
    (void)state;
    for (int k = 0; k < N_FORMATS; k++)
        for (uint32_t h = 0; h < 65536; h++) {
            const format *f = &formats[k];
            const float got = f->to_float((uint16_t)h);
            const double want = worth(f, h);
            const uint16_t back = f->from_float(got);
            if (isnan(want) ? !isnan(got) : (double)got != want)
                fail_msg("%s %04x: %.9g instead of %.17g", f->name, h, (double)got, want);
            if (!signbit(got) != !(h & 0x8000u))
                fail_msg("%s %04x: the sign is lost", f->name, h);
            if (isnan(want) ? (back & 0x7fffu) <= infinite(f) || (back ^ h) & 0x8000u : back != h)
                fail_msg("%s %04x comes back as %04x", f->name, h, back);
        }
}

static void check(const format *f, float x, uint32_t want)
{
    for (int negative = 0; negative < 2; negative++) {
        const uint32_t got = f->from_float(negative ? -x : x), signed_want = want | (negative ? 0x8000u : 0);
        if (got != signed_want)
            fail_msg("%s of %.9g: %04x instead of %04x", f->name, (double)(negative ? -x : x), got, signed_want);
    }
}

/* Between each finite value and the next larger one, which above the largest is infinity, in the place of a number. */
static void rounding(void **state)
{
    (void)state;
    for (int k = 0; k < N_FORMATS; k++) {
        const format *f = &formats[k];
        for (uint32_t h = 0; h < infinite(f); h++) {
            const double low = worth(f, h), step = h ? low - worth(f, h - 1) : worth(f, 1);
            const double next = h + 1 < infinite(f) ? worth(f, h + 1) : low + step;
            const float middle = (float)(low / 2 + next / 2);
            if (!isfinite(middle))
                continue;
            check(f, nextafterf(middle, 0), h);
            check(f, middle, h % 2 ? h + 1 : h);
            check(f, nextafterf(middle, INFINITY), h + 1);
        }
    }
}

static void ends(void **state)
{
    (void)state;
    check(&formats[0], 3.4e38f, infinite(&formats[0]));
    check(&formats[1], 65519.99f, infinite(&formats[1]) - 1);
    check(&formats[1], 65520.0f, infinite(&formats[1]));
    check(&formats[1], 1e30f, infinite(&formats[1]));
    check(&formats[1], 1e-40f, 0);
    check(&formats[1], 0, 0);
    for (uint32_t bits = 0x7f800001u; bits < 0x7f810000u; bits++) { /* NaNs of which bf16 would keep no bit */
        assert_true(isnan(fpc_bf16_to_float(fpc_float_to_bf16(fpc_float_of_bits(bits)))));
        assert_true(isnan(fpc_f16_to_float(fpc_float_to_f16(fpc_float_of_bits(bits)))));
    }
}

int main(void)
{
    const struct CMUnitTest test[] = {cmocka_unit_test(all_values), cmocka_unit_test(rounding), cmocka_unit_test(ends)};
    return cmocka_run_group_tests(test, NULL, NULL);
}
