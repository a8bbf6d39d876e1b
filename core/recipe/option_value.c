/* option_value.c: the text of one option to its value and back. Whole strings only: trailing words, hexadecimal
 * numbers, nan and numbers that a double cannot hold are refused with what would be right. What fpc_option_text prints
 * is read back to the same bits. */
#define _GNU_SOURCE
#include "recipe/option_value.h"
#include "base/spelling.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void fpc_opt_store(const fpc_option *option, const fpc_opt_value *value, void *object)
{
    memcpy((char *)object + option->offset, value, fpc_opt_size(option->type));
}

/* ---- numbers ---- */

static int is_bounded(const fpc_option *option)
{
    return option->min <= option->max;
}

static const char *outside(fpc_arena *arena, const fpc_option *option)
{
    return fpc_sprintf(arena, "is out of range; give %s", fpc_option_range_text(arena, option));
}

static const char *parse_real(fpc_arena *arena, const fpc_option *option, const char *text, double *out)
{
    char *end;

    if (!*text)
        return fpc_sprintf(arena, "has no value; give %s", fpc_option_range_text(arena, option));
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end || strpbrk(text, "xX"))
        return fpc_sprintf(arena, "is not a number; give %s", fpc_option_range_text(arena, option));
    if (isnan(*out) || (isinf(*out) && errno != ERANGE && is_bounded(option)))
        return fpc_sprintf(arena, "is not a finite number; give %s", fpc_option_range_text(arena, option));
    if (errno == ERANGE)
        return fpc_sprintf(arena, "is too %s for a double; give %s", isinf(*out) ? "large" : "close to zero",
                           fpc_option_range_text(arena, option));
    if (is_bounded(option) && (*out < option->min || *out > option->max))
        return outside(arena, option);
    return NULL;
}

static const char *parse_int(fpc_arena *arena, const fpc_option *option, const char *text, int64_t *out)
{
    char *end;
    double real;

    if (!*text)
        return fpc_sprintf(arena, "has no value; give %s", fpc_option_range_text(arena, option));
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end != text && !*end && errno != ERANGE) {
        if (is_bounded(option) && ((double)*out < option->min || (double)*out > option->max))
            return outside(arena, option);
        return NULL;
    }
    if (errno == ERANGE && !*end)
        return fpc_sprintf(arena, "does not fit 64 bits; give %s", fpc_option_range_text(arena, option));
    real = strtod(text, &end);
    if (end != text && !*end && !strpbrk(text, "xX") && fabs(real) < 9e15 && real == floor(real))
        return fpc_sprintf(arena, "is not a whole number; whole numbers are written out: %.0f", real);
    return fpc_sprintf(arena, "is not a whole number; give %s", fpc_option_range_text(arena, option));
}

/* ---- names ---- */

static const char *parse_bool(fpc_arena *arena, const char *text, int64_t *out)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *out = i & 1;
            return NULL;
        }
    return fpc_sprintf(arena, "%s; give on or off", *text ? "is neither on nor off" : "has no value");
}

static const char *parse_choice(fpc_arena *arena, const fpc_option *option, const char *text, int64_t *out)
{
    const char *names[64], *near;
    int32_t n = 0;

    for (const fpc_choice *c = option->choices; c && c->name; c++) {
        if (strcmp(text, c->name) == 0) {
            *out = c->value;
            return NULL;
        }
        if (n < 64)
            names[n++] = c->name;
    }
    near = fpc_nearest(text, n, names);
    return fpc_sprintf(arena, "%s; %s%s%s%s", *text ? "is not among the choices" : "has no value",
                       near ? "did you mean `" : "", near ? near : "", near ? "`? Give " : "give ",
                       fpc_option_range_text(arena, option));
}

/* ---- lists ---- */

static const char *element(fpc_arena *arena, const char *item, const char *what)
{
    if (!what)
        return NULL;
    return *item ? fpc_sprintf(arena, "`%s` %s", item, what) : fpc_sprintf(arena, "has an empty place in its list");
}

static const char *parse_flags(fpc_arena *arena, const fpc_option *option, char **item, int64_t n, int64_t *out)
{
    *out = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t bit = 0;
        const char *what = element(arena, item[i], parse_choice(arena, option, item[i], &bit));

        if (what)
            return what;
        *out |= bit;
    }
    return NULL;
}

static const char *parse_ints(fpc_arena *arena, const fpc_option *option, char **item, int64_t n, fpc_ints *out)
{
    int64_t *v = fpc_alloc(arena, (size_t)n * sizeof *v);

    if (!v)
        return "needs more memory than there is";
    for (int64_t i = 0; i < n; i++) {
        const char *what = element(arena, item[i], parse_int(arena, option, item[i], &v[i]));

        if (what)
            return what;
    }
    *out = (fpc_ints){n, v};
    return NULL;
}

static const char *parse_reals(fpc_arena *arena, const fpc_option *option, char **item, int64_t n, fpc_reals *out)
{
    double *v = fpc_alloc(arena, (size_t)n * sizeof *v);

    if (!v)
        return "needs more memory than there is";
    for (int64_t i = 0; i < n; i++) {
        const char *what = element(arena, item[i], parse_real(arena, option, item[i], &v[i]));

        if (what)
            return what;
    }
    *out = (fpc_reals){n, v};
    return NULL;
}

static const char *parse_range(fpc_arena *arena, const fpc_option *option, char **item, int64_t n, fpc_range *out)
{
    fpc_option free_end = *option;
    const char *what;

    if (n < 1 || n > 2)
        return fpc_sprintf(arena, "is no range; give %s", fpc_option_range_text(arena, option));
    free_end.min = 1; /* the ends are checked below, when both are known */
    free_end.max = 0;
    what = element(arena, item[0], parse_real(arena, &free_end, item[0], &out->hi));
    out->lo = 0 - out->hi; /* 0 of 0, not -0 */
    if (!what && n == 2) {
        out->lo = out->hi;
        what = element(arena, item[1], parse_real(arena, &free_end, item[1], &out->hi));
    }
    if (what)
        return what;
    if (isinf(out->lo) || isinf(out->hi))
        return fpc_sprintf(arena, "is not a finite range; give %s", fpc_option_range_text(arena, option));
    if (out->lo > out->hi && n == 1)
        return fpc_sprintf(arena, "is a range upside down: one number a means -a, a; give %g", out->lo);
    if (out->lo > out->hi)
        return fpc_sprintf(arena, "is a range upside down; give the smaller number first: %s, %s", item[1], item[0]);
    if (n == 1 && out->hi > 0 && is_bounded(option) && option->min >= 0)
        return fpc_sprintf(arena, "is one number a, which would mean -a, a; give %s",
                           fpc_option_range_text(arena, option));
    if (is_bounded(option) && (out->lo < option->min || out->hi > option->max))
        return outside(arena, option);
    return NULL;
}

/* One "VALUE @EPOCH". */
static const char *parse_point(fpc_arena *arena, const fpc_option *option, char *item, double *value, int64_t *epoch)
{
    static const fpc_option counted = {.min = 1, .max = 1e9};
    char *at = strchr(item, '@');
    const char *what;

    if (*item && !at)
        return fpc_sprintf(arena, "`%s` has no epoch; in a list each value begins at one: VALUE @EPOCH", item);
    if (!at)
        return element(arena, item, "");
    *at++ = 0;
    if ((what = element(arena, fpc_trim(item), parse_real(arena, option, fpc_trim(item), value))))
        return what;
    what = parse_int(arena, &counted, fpc_trim(at), epoch);
    return what ? fpc_sprintf(arena, "`@%s` is no epoch; epochs are counted from 1", fpc_trim(at)) : NULL;
}

static const char *parse_curve(fpc_arena *arena, const fpc_option *option, char **item, int64_t n, fpc_curve *out)
{
    int64_t *epoch = fpc_alloc(arena, (size_t)(n + 1) * sizeof *epoch);
    double *value = fpc_alloc(arena, (size_t)(n + 1) * sizeof *value);

    if (!epoch || !value)
        return "needs more memory than there is";
    *out = (fpc_curve){n ? n : 1, epoch, value};
    epoch[0] = 1;
    if (n <= 1 && (n == 0 || !strchr(item[0], '@')))
        return parse_real(arena, option, n ? item[0] : "", &value[0]);
    for (int64_t i = 0; i < n; i++) {
        const char *what = parse_point(arena, option, item[i], &value[i], &epoch[i]);

        if (what)
            return what;
        if (i == 0 && epoch[0] != 1)
            return fpc_sprintf(arena, "says nothing of the epochs before %" PRId64 "; the first value is that of @1",
                               epoch[0]);
        if (i > 0 && epoch[i] <= epoch[i - 1])
            return fpc_sprintf(arena, "has @%" PRId64 " behind @%" PRId64 "; give the epochs in rising order", epoch[i],
                               epoch[i - 1]);
    }
    return NULL;
}

/* ---- sizes ---- */

/* The digits at *at, as a number; *at moves behind them. -1: there are none, or a side can never be that long. */
static int64_t parse_side(const char **at)
{
    const size_t n = strspn(*at, "0123456789");
    const int64_t side = n && n <= 18 ? strtoll(*at, NULL, 10) : -1;

    *at += n;
    return side <= INT32_MAX ? side : -1;
}

/* One number is read as any whole number is. */
static const char *parse_size(fpc_arena *arena, const fpc_option *option, const char *text, fpc_extent *out)
{
    const char *at = text, *what;
    const int64_t h = parse_side(&at), w = *at == 'x' ? (at++, parse_side(&at)) : -1;
    int64_t side;

    if (!strchr(text, 'x')) {
        if ((what = parse_int(arena, option, text, &side)))
            return what;
        if (side < INT32_MIN || side > INT32_MAX)
            return outside(arena, option);
        *out = (fpc_extent){(int32_t)side, (int32_t)side};
        return NULL;
    }
    if (h < 0 || w < 0 || *at)
        return fpc_sprintf(arena, "is no size; give %s", fpc_option_range_text(arena, option));
    if (h < 1 || w < 1)
        return fpc_sprintf(arena, "has a side of 0; give %s", fpc_option_range_text(arena, option));
    if (is_bounded(option) && ((double)(h < w ? h : w) < option->min || (double)(h > w ? h : w) > option->max))
        return outside(arena, option);
    *out = (fpc_extent){(int32_t)h, (int32_t)w};
    return NULL;
}

const char *fpc_opt_parse(fpc_arena *arena, const fpc_option *option, const char *text, fpc_opt_value *out)
{
    char **item = NULL;
    int64_t n = 0;

    memset(out, 0, sizeof *out);
    if (option->type == FPC_OPT_FLAGS || option->type == FPC_OPT_INTS || option->type == FPC_OPT_REALS ||
        option->type == FPC_OPT_RANGE || option->type == FPC_OPT_CURVE) {
        item = fpc_split(arena, text, &n);
        if (!item)
            return "needs more memory than there is";
    }
    switch (option->type) {
    case FPC_OPT_BOOL:
        return parse_bool(arena, text, &out->i);
    case FPC_OPT_INT:
        return parse_int(arena, option, text, &out->i);
    case FPC_OPT_REAL:
        return parse_real(arena, option, text, &out->r);
    case FPC_OPT_TEXT:
    case FPC_OPT_PATH:
        if (!*text && (option->flags & FPC_OPT_REQUIRED))
            return "has no value";
        out->s = fpc_strdup(arena, text);
        return out->s ? NULL : "needs more memory than there is";
    case FPC_OPT_CHOICE:
        return parse_choice(arena, option, text, &out->i);
    case FPC_OPT_FLAGS:
        return parse_flags(arena, option, item, n, &out->i);
    case FPC_OPT_INTS:
        return parse_ints(arena, option, item, n, &out->ints);
    case FPC_OPT_REALS:
        return parse_reals(arena, option, item, n, &out->reals);
    case FPC_OPT_RANGE:
        return parse_range(arena, option, item, n, &out->range);
    case FPC_OPT_CURVE:
        return parse_curve(arena, option, item, n, &out->curve);
    case FPC_OPT_SIZE:
        return parse_size(arena, option, text, &out->extent);
    default:
        return "is of a type that this fpcore does not know";
    }
}
