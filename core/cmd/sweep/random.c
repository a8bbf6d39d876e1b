/* random.c: `sweep --random N`: samples of the ranges and lists of --grid instead of all of their combinations. A
 * sample is a function of --random-seed, the keys with their ranges, and its number: the same command draws the same,
 * and a larger N draws the same first ones. Draws are numbered by the key, so the order of the --grid does not matter.
 * Only correctly rounded operations come before a number is written with few digits: every machine draws the same. */
#include "cmd/sweep/sweep.h"
#include "base/digest.h"
#include "base/text.h"
#include "experiment/experiment.h"
#include "recipe/option_value.h"
#include <fpcore/draw.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 3, MOST_DIGITS = 17, TRIES = 1000, HALVES = 53 };

/* ---- the words ---- */

/* Blanks around go; what is left is a number and nothing else. */
static int is_number(char **text, double *out)
{
    char *end;

    *text = fpc_trim(*text);
    *out = strtod(*text, &end);
    return **text && strspn(*text, "0123456789+-.eE") == strlen(*text) && !*end && isfinite(*out);
}

/* "1..2", and what begins like it: "1..2:lgo", "1..2..3"; not "../a", "1../a". */
int fpc_sweep_is_range(const char *text)
{
    const char *dots = strstr(text, "..");
    const size_t n = dots ? (size_t)(dots - text) : 0;
    char copy[64], *lo = copy;
    double number;

    if (!n || n >= sizeof copy)
        return 0;
    memcpy(copy, text, n);
    copy[n] = '\0';
    dots += 2;
    dots += strspn(dots, " \t");
    return is_number(&lo, &number) && (!*dots || strchr("0123456789+-.", *dots));
}

fpc_status fpc_sweep_range(fpc_ctx *ctx, fpc_arena *arena, const char *text, fpc_axis *axis)
{
    const char *value = axis->value[0], *dots = strstr(value, ".."), *colon = strchr(value, ':');
    char *lo = fpc_sprintf(arena, "%.*s", (int)(dots - value), value),
         *hi = fpc_sprintf(arena, "%.*s", (int)strcspn(dots + 2, ":"), dots + 2);
    fpc_range *range = fpc_alloc(arena, sizeof *range);

    if (!lo || !hi || !range)
        return FPC_ENOMEM;
    if (!is_number(&lo, &range->lo) || !is_number(&hi, &range->hi) || (colon && strcmp(colon, ":log")))
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --grid %s: not a range of numbers, which is LO..HI or, by the logarithm, "
                        "LO..HI:log",
                        text);
    if (!(range->lo < range->hi))
        return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: %s is not below %s; a range is LO..HI", text, lo,
                        hi);
    if (colon && range->lo <= 0)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --grid %s: %s has no logarithm; a range with :log begins above 0", text, lo);
    if (!isfinite(range->hi - range->lo) || (colon && !isfinite(range->hi / range->lo)))
        return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: the range is too wide for a double", text);
    axis->range = range;
    axis->log = colon != NULL;
    axis->lo = lo;
    axis->hi = hi;
    return FPC_OK;
}

fpc_status fpc_sweep_random_words(const fpc_sweep *s)
{
    int choice = 0;

    for (int32_t a = 0; a < s->n_axes; a++) {
        choice |= s->axis[a].range || s->axis[a].n > 1;
        if (s->axis[a].range && !s->random)
            return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                            "fpcore sweep: --grid %s=%s: a range is drawn from with --random N; a grid has values with "
                            "commas between",
                            s->axis[a].key, s->axis[a].value[0]);
    }
    if (s->random && !choice)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "fpcore sweep: --random %lld: there is nothing to draw from; give a range or several values, "
                        "--grid KEY=LO..HI or KEY=V,V",
                        (long long)s->random);
    return FPC_OK;
}

/* ---- what an option takes ---- */

/* The row of "loss.dice.weight" in the tables of those who read [loss.dice]. */
static int find_row(const fpc_experiment *experiment, const char *key, fpc_option *out)
{
    const char *name = strrchr(key, '.') + 1;
    const size_t n = (size_t)(name - 1 - key);

    for (int32_t k = 0; k < experiment->n_opened; k++) {
        const fpc_opened *o = &experiment->opened[k];
        const fpc_option_set own = {.table = o->inst.plugin ? o->inst.plugin->options : NULL,
                                    .stride = o->inst.plugin ? o->inst.plugin->option_size : 0};
        const fpc_option_set *const set[] = {&own, &o->common};
        if (strncmp(o->name, key, n) || o->name[n])
            continue;
        for (int i = 0; i < 2; i++)
            for (int32_t r = 0; set[i]->table && (*out = fpc_opt_row(set[i], r)).name; r++)
                if (!strcmp(out->name, name))
                    return 1;
    }
    return 0;
}

/* Both ends have to be values of the option; between them, all are. */
static fpc_status check_axis(const fpc_sweep *s, fpc_arena *arena, const fpc_experiment *experiment, fpc_axis *axis)
{
    fpc_ctx *ctx = s->cmd->ctx;
    fpc_opt_value value;
    fpc_option row;
    const int known = find_row(experiment, axis->key, &row), type = known ? row.type : FPC_OPT_END,
              whole = type == FPC_OPT_INT || type == FPC_OPT_INTS;

    if (!whole && type != FPC_OPT_REAL && type != FPC_OPT_REALS && type != FPC_OPT_RANGE && type != FPC_OPT_CURVE)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --grid %s=%s: the key takes no number that could be drawn from a range; give "
                        "%s with commas between",
                        axis->key, axis->value[0], known ? fpc_option_range_text(arena, &row) : "names");
    for (int i = 0; i < 2; i++) {
        const char *end = i ? axis->hi : axis->lo, *wrong = fpc_opt_parse(arena, &row, end, &value);
        if (wrong)
            return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s=%s: %s %s", axis->key, axis->value[0], end,
                            wrong);
    }
    if (whole && (fabs(axis->range->lo) > 0x1p53 || fabs(axis->range->hi) > 0x1p53))
        return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s=%s: whole numbers are drawn up to 2^53", axis->key,
                        axis->value[0]);
    axis->whole |= whole;
    return FPC_OK;
}

/* Opens a recipe with the first value of every list and the lower end of every range, as a grid's first run. */
static fpc_status check_in(const fpc_sweep *s, fpc_arena *arena, int32_t recipe)
{
    const fpc_cmdline *cmd = s->cmd;
    const char **set = fpc_alloc(arena, (size_t)(cmd->n_overrides + s->n_axes + 1) * sizeof *set);
    int32_t n = 0;
    fpc_recipe *read;
    fpc_experiment *experiment;
    fpc_status status;

    if (!set)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < cmd->n_overrides; i++)
        set[n++] = cmd->overrides[i];
    for (int32_t a = 0; a < s->n_axes; a++) {
        const fpc_axis *axis = &s->axis[a];
        if (!(set[n++] = fpc_sprintf(arena, "%s=%s", axis->key, axis->range ? axis->lo : axis->value[0])))
            return FPC_ENOMEM;
    }
    if ((status = fpc_recipe_read(cmd->ctx, arena, s->recipe[recipe], n, set, &read)) ||
        (status = fpc_experiment_open(cmd->ctx, arena, cmd->plugin_path, read, FPC_OPEN_TRAIN, &experiment)))
        return status;
    for (int32_t a = 0; a < s->n_axes && !status; a++)
        if (s->axis[a].range)
            status = check_axis(s, arena, experiment, &s->axis[a]);
    return status;
}

fpc_status fpc_sweep_random_kinds(fpc_sweep *s)
{
    fpc_status status = FPC_OK;

    for (int32_t r = 0; r < s->n_recipes && !status; r++) {
        fpc_arena *arena = fpc_arena_new(s->cmd->ctx);
        if (!arena)
            return FPC_ENOMEM;
        status = check_in(s, arena, r);
        fpc_arena_free(arena);
    }
    return status;
}

/* ---- draws ---- */

/* lo (hi/lo)^u by the bits of u, of which each asks for the root of the power before. */
static double between_log(double u, double lo, double hi)
{
    double power = hi / lo, out = lo;

    for (int i = 0; i < HALVES; i++) {
        power = sqrt(power);
        u *= 2;
        if (u >= 1) {
            out *= power;
            u -= 1;
        }
    }
    return out;
}

/* So many digits that its range has fifty values or more. */
static int digits_of(const fpc_range *range)
{
    const double most = fmax(fabs(range->lo), fabs(range->hi));
    char text[40];
    int digits = DIGITS;

    for (; digits < MOST_DIGITS; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, most);
        snprintf(text, sizeof text, "1e%ld", strtol(strchr(text, 'e') + 1, NULL, 10) - digits + 1);
        if (strtod(text, NULL) <= (range->hi - range->lo) / 50)
            break;
    }
    return digits;
}

/* The shortest text of so many digits: 0.0123, 1.23e-5. */
static const char *number_text(fpc_arena *arena, double x, int digits)
{
    char e[40], plain[400];
    size_t n;

    snprintf(e, sizeof e, "%.*e", digits - 1, x);
    char *mark = strchr(e, 'e');
    const int exponent = (int)strtol(mark + 1, NULL, 10), places = digits - 1 - exponent;

    snprintf(plain, sizeof plain, "%.*f", places > 0 ? places : 0, strtod(e, NULL));
    n = strlen(plain);
    if (strchr(plain, '.')) {
        while (plain[n - 1] == '0')
            n--;
        n -= plain[n - 1] == '.';
        plain[n] = '\0';
    }
    if (digits > 1) {
        while (mark[-1] == '0')
            mark--;
        mark -= mark[-1] == '.';
    }
    *mark = '\0';
    const char *short_e = fpc_sprintf(arena, "%se%d", e, exponent);
    return short_e && strlen(short_e) < n ? short_e : fpc_strdup(arena, plain);
}

static const char *draw(fpc_arena *arena, const fpc_axis *axis, fpc_rng rng)
{
    const fpc_range *range = axis->range;

    rng.stream = fpc_hash(axis->key);
    if (!range)
        return axis->value[fpc_draw_below(rng, 0, axis->n)];
    if (axis->whole) {
        const int64_t lo = (int64_t)range->lo, hi = (int64_t)range->hi,
                      v = axis->log ? (int64_t)between_log(fpc_draw_unit(rng, 0), (double)lo, (double)hi + 1)
                                    : lo + fpc_draw_below(rng, 0, hi - lo + 1);
        return fpc_sprintf(arena, "%lld", (long long)(v > hi ? hi : v));
    }
    const double x = axis->log ? between_log(fpc_draw_unit(rng, 0), range->lo, range->hi)
                               : fpc_draw_between(rng, 0, range->lo, range->hi);
    const char *text = number_text(arena, x, digits_of(range));
    const double written = text ? strtod(text, NULL) : 0;
    return text && written < range->lo ? axis->lo : text && written > range->hi ? axis->hi : text;
}

/* Draws one value of every axis; *digest is the same where all texts are. */
static fpc_status draw_sample(fpc_arena *arena, int32_t n_axes, fpc_axis *axis, int32_t sample, fpc_rng rng,
                              uint64_t *digest)
{
    const char *all = "";

    for (int32_t a = 0; a < n_axes; a++)
        if (!(axis[a].drawn[sample] = draw(arena, &axis[a], rng)) ||
            !(all = fpc_sprintf(arena, "%s%s\n", all, axis[a].drawn[sample])))
            return FPC_ENOMEM;
    *digest = fpc_digest(all, strlen(all));
    return FPC_OK;
}

fpc_status fpc_sweep_draw(fpc_ctx *ctx, fpc_arena *arena, int32_t n_axes, fpc_axis *axis, int64_t n, int64_t seed)
{
    uint64_t *digest = fpc_alloc(arena, (size_t)n * sizeof *digest);

    for (int32_t a = 0; a < n_axes; a++)
        if (!(axis[a].drawn = fpc_alloc(arena, (size_t)n * sizeof *axis[a].drawn)))
            return FPC_ENOMEM;
    if (!digest)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        fpc_rng rng = {{(uint32_t)seed, (uint32_t)((uint64_t)seed >> 32)}, 0, 0, (uint32_t)i};
        int32_t same = -1;
        for (; same < i && rng.epoch < TRIES; rng.epoch++) {
            const fpc_status status = draw_sample(arena, n_axes, axis, i, rng, &digest[i]);
            if (status)
                return status;
            for (same = 0; same < i && digest[same] != digest[i];)
                same++;
        }
        if (same < i)
            return fpc_fail(ctx, FPC_EINVAL,
                            "fpcore sweep: --random %lld: after %d samples %d further draws brought none that was not "
                            "there; ask for fewer, or train all values without --random",
                            (long long)n, (int)i, (int)TRIES);
    }
    return FPC_OK;
}
