/* option_text.c: options as text: a value as the recipe would state it, what values are allowed, and the type's name.
 * Help, messages, --check and the resolved recipe are all made of these. */
#define _GNU_SOURCE
#include "recipe/option_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this a bound only says "whatever the type holds". */
static const double no_bound = 1e15;

/* The shortest decimal that reads back to the same double. */
static const char *real_text(fpc_arena *arena, double x)
{
    char text[40];

    if (fabs(x) < no_bound && x == floor(x))
        return fpc_sprintf(arena, "%.0f", x);
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    return fpc_strdup(arena, text);
}

const char *fpc_option_type_text(const fpc_option *option)
{
    static const char *const names[] = {"",      "bool", "int",   "real",  "text",  "path", "choice",
                                        "flags", "ints", "reals", "range", "curve", "size"};

    return option->type < sizeof names / sizeof *names ? names[option->type] : "unknown";
}

static const char *choices_text(fpc_arena *arena, const fpc_option *option, const char *lead)
{
    const char *text = lead;

    for (const fpc_choice *c = option->choices; text && c && c->name; c++)
        text = fpc_sprintf(arena, "%s%s%s", text, c == option->choices ? " " : ", ", c->name);
    return text;
}

static const char *bounds_text(fpc_arena *arena, const fpc_option *option, const char *unbounded)
{
    const char *unit = option->unit && *option->unit ? fpc_sprintf(arena, " %s", option->unit) : "";
    const int low = option->min > -no_bound, high = option->max < no_bound;

    if (!unit)
        return NULL;
    if (option->min > option->max || (!low && !high))
        return *unit ? fpc_sprintf(arena, "%s,%s", unbounded, unit) : unbounded;
    if (low && high)
        return fpc_sprintf(arena, "%s .. %s%s", real_text(arena, option->min), real_text(arena, option->max), unit);
    if (low)
        return fpc_sprintf(arena, "%s or more%s%s", real_text(arena, option->min), *unit ? "," : "", unit);
    return fpc_sprintf(arena, "%s or less%s%s", real_text(arena, option->max), *unit ? "," : "", unit);
}

const char *fpc_option_range_text(fpc_arena *arena, const fpc_option *option)
{
    switch (option->type) {
    case FPC_OPT_BOOL:
        return "on | off";
    case FPC_OPT_INT:
        return bounds_text(arena, option, "a whole number");
    case FPC_OPT_REAL:
        return bounds_text(arena, option, "a number");
    case FPC_OPT_TEXT:
        return "text";
    case FPC_OPT_PATH:
        return "a path";
    case FPC_OPT_CHOICE:
        return choices_text(arena, option, "one of");
    case FPC_OPT_FLAGS:
        return choices_text(arena, option, "any of");
    case FPC_OPT_INTS:
        return fpc_sprintf(arena, "whole numbers with commas, each %s", bounds_text(arena, option, "unbounded"));
    case FPC_OPT_REALS:
        return fpc_sprintf(arena, "numbers with commas, each %s", bounds_text(arena, option, "unbounded"));
    case FPC_OPT_RANGE:
        return fpc_sprintf(arena,
                           option->min >= 0 && option->min <= option->max
                               ? "both ends, lo, hi, within %s"
                               : "lo, hi (or one number a for -a, a) within %s",
                           bounds_text(arena, option, "any numbers"));
    case FPC_OPT_CURVE:
        return fpc_sprintf(arena, "%s; VALUE @EPOCH, VALUE @EPOCH ... changes it",
                           bounds_text(arena, option, "a number"));
    case FPC_OPT_SIZE:
        return fpc_sprintf(arena, "%s, or HxW (height x width), as 384x512",
                           bounds_text(arena, option, "a whole number"));
    default:
        return "";
    }
}

static const char *curve_text(fpc_arena *arena, const fpc_curve *curve)
{
    const char *text = "";

    if (curve->n == 1)
        return real_text(arena, curve->value[0]);
    for (int64_t i = 0; text && i < curve->n; i++)
        text = fpc_sprintf(arena, "%s%s%s @%" PRId64, text, i ? ", " : "", real_text(arena, curve->value[i]),
                           curve->epoch[i]);
    return text;
}

static const char *flags_text(fpc_arena *arena, const fpc_option *option, int64_t value)
{
    const char *text = "";

    for (const fpc_choice *c = option->choices; text && c && c->name; c++)
        if (c->value && (value & c->value) == c->value)
            text = fpc_sprintf(arena, "%s%s%s", text, *text ? ", " : "", c->name);
    return text;
}

const char *fpc_option_text(fpc_arena *arena, const fpc_option *option, const void *object)
{
    const char *text = "";
    fpc_opt_value value = {0};

    memcpy(&value, (const char *)object + option->offset, fpc_opt_size(option->type));
    switch (option->type) {
    case FPC_OPT_BOOL:
        return value.i ? "on" : "off";
    case FPC_OPT_INT:
        return fpc_sprintf(arena, "%" PRId64, value.i);
    case FPC_OPT_REAL:
        return real_text(arena, value.r);
    case FPC_OPT_TEXT:
    case FPC_OPT_PATH:
        return fpc_recipe_quote(arena, value.s ? value.s : "");
    case FPC_OPT_CHOICE:
        for (const fpc_choice *c = option->choices; c && c->name; c++)
            if (c->value == value.i)
                return c->name;
        return "";
    case FPC_OPT_FLAGS:
        return flags_text(arena, option, value.i);
    case FPC_OPT_INTS:
        for (int64_t i = 0; text && i < value.ints.n; i++)
            text = fpc_sprintf(arena, "%s%s%" PRId64, text, i ? ", " : "", value.ints.v[i]);
        return text;
    case FPC_OPT_REALS:
        for (int64_t i = 0; text && i < value.reals.n; i++)
            text = fpc_sprintf(arena, "%s%s%s", text, i ? ", " : "", real_text(arena, value.reals.v[i]));
        return text;
    case FPC_OPT_RANGE:
        return fpc_sprintf(arena, "%s, %s", real_text(arena, value.range.lo), real_text(arena, value.range.hi));
    case FPC_OPT_CURVE:
        return curve_text(arena, &value.curve);
    case FPC_OPT_SIZE:
        return value.extent.h == value.extent.w ? fpc_sprintf(arena, "%d", value.extent.h)
                                                : fpc_sprintf(arena, "%dx%d", value.extent.h, value.extent.w);
    default:
        return "";
    }
}
