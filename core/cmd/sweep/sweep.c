/* sweep.c: what a sweep consists of: the words of its command line, the trials that they make, and their commands. */
#define _GNU_SOURCE
#include "cmd/sweep/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRIALS = 10000, MAX_NAME = 160 };

/* ---- the command line's words ---- */

/* Splits at `mark`; blanks around values go. */
static int32_t split(char *text, char mark, const char **out)
{
    int32_t n = 0;

    for (char *next; text; text = next) {
        if ((next = strchr(text, mark)))
            *next++ = '\0';
        text += strspn(text, " \t");
        for (size_t k = strlen(text); k > 0 && (text[k - 1] == ' ' || text[k - 1] == '\t'); k--)
            text[k - 1] = '\0';
        out[n++] = text;
    }
    return n;
}

static size_t parts_of(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == ',' || *text == ';';
    return n;
}

const char *fpc_sweep_own_key(const char *key)
{
    static const char *const own[] = {"run.seed", "run.name", "run.out"};

    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
        if (!strcmp(key, own[k]))
            return own[k];
    return NULL;
}

fpc_status fpc_sweep_axis(fpc_ctx *ctx, fpc_arena *arena, const char *text, fpc_axis *out)
{
    const char *key = fpc_recipe_key(arena, text), *equals = strchr(text, '=');
    char *values = equals ? fpc_strdup(arena, equals + 1) : NULL;

    if (!key || (equals && !values))
        return FPC_ENOMEM;
    if (!equals || !strchr(key, '.'))
        return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: not of the form section.key=VALUE,VALUE...", text);
    if (fpc_sweep_own_key(key))
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --grid %s: the sweep sets %s by itself; seeds are given with --seeds", text,
                        key);
    *out = (fpc_axis){.key = key, .value = fpc_alloc(arena, parts_of(values) * sizeof *out->value)};
    if (!out->value)
        return FPC_ENOMEM;
    out->n = split(values, strchr(values, ';') ? ';' : ',', out->value);
    for (int32_t i = 0; i < out->n; i++) {
        if (!*out->value[i])
            return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: value %d of %s is empty", text, (int)i + 1, key);
        for (int32_t k = 0; k < i; k++)
            if (!strcmp(out->value[k], out->value[i]))
                return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --grid %s: %s stands there twice", text, out->value[i]);
        if (out->n > 1 && fpc_sweep_is_range(out->value[i]))
            return fpc_fail(ctx, FPC_EINVAL,
                            "fpcore sweep: --grid %s: %s is a range among other values; a key has one range, or values",
                            text, out->value[i]);
    }
    return fpc_sweep_is_range(out->value[0]) ? fpc_sweep_range(ctx, arena, text, out) : FPC_OK;
}

static int64_t seed_of(const char *word)
{
    char *end;

    errno = 0;
    const long long v = strtoll(word, &end, 10);
    return *word < '0' || *word > '9' || *end || errno || v > ((int64_t)1 << 53) ? -1 : v;
}

fpc_status fpc_sweep_seeds(fpc_ctx *ctx, fpc_arena *arena, const char *text, int32_t *n, int64_t **out)
{
    char *copy = fpc_strdup(arena, text);
    const char **word = fpc_alloc(arena, parts_of(text) * sizeof *word);
    int64_t count;

    if (!copy || !word)
        return FPC_ENOMEM;
    *n = split(copy, ',', word);
    count = *n == 1 ? seed_of(word[0]) : *n;
    if (count < 1 || count > MAX_TRIALS)
        return fpc_fail(ctx, FPC_EINVAL,
                        "fpcore sweep: --seeds %s: not a number of seeds from 1 to %d (5: seeds 1 to 5), or seeds like "
                        "3,7",
                        text, (int)MAX_TRIALS);
    if (!(*out = fpc_alloc(arena, (size_t)count * sizeof **out)))
        return FPC_ENOMEM;
    for (int64_t i = 0; i < count; i++) {
        (*out)[i] = *n == 1 ? i + 1 : seed_of(word[i]);
        if ((*out)[i] < 0)
            return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --seeds %s: `%s` is no seed; whole numbers from 0 on are",
                            text, word[i]);
        for (int64_t k = 0; k < i; k++)
            if ((*out)[k] == (*out)[i])
                return fpc_fail(ctx, FPC_EINVAL, "fpcore sweep: --seeds %s: %lld stands there twice", text,
                                (long long)(*out)[i]);
    }
    *n = (int32_t)count;
    return FPC_OK;
}

/* ---- the plan ---- */

/* The file's name without folder and .ini, numbered where two recipes have the same. */
static const char *stem_of(fpc_sweep *s, int32_t recipe)
{
    const char *slash = strrchr(s->recipe[recipe], '/');
    char *stem = fpc_strdup(s->cmd->arena, slash ? slash + 1 : s->recipe[recipe]);
    const size_t n = stem ? strlen(stem) : 0;
    int same = 1;

    if (n > 4 && !strcmp(stem + n - 4, ".ini"))
        stem[n - 4] = '\0';
    for (int32_t i = 0; stem && i < recipe; i++)
        same += !strcmp(s->stem[i], stem);
    return stem && same > 1 ? fpc_sprintf(s->cmd->arena, "%s-%d", stem, same) : stem;
}

/* What a folder's name may hold everywhere, and a shell takes as it is. */
static void tidy(char *name)
{
    for (char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._=,+-", *c)))
            *c = '_';
    if (*name == '.')
        *name = '_';
}

/* "dice.weight" of "loss.dice.weight"; a key with two parts as it is. */
static const char *short_key(const char *key)
{
    const char *dot = strchr(key, '.');

    return dot && strchr(dot + 1, '.') ? dot + 1 : key;
}

/* Value of an axis in a combination: the last axis turns fastest. With --random the combinations are the samples. */
static const char *value_at(const fpc_sweep *s, int32_t combination, int32_t axis)
{
    if (s->random)
        return s->axis[axis].drawn[combination];
    for (int32_t a = s->n_axes - 1; a > axis; a--)
        combination /= s->axis[a].n;
    return s->axis[axis].value[combination % s->axis[axis].n];
}

static const char *label_of(const fpc_sweep *s, int32_t recipe, int32_t combination, int32_t group)
{
    fpc_arena *arena = s->cmd->arena;
    char *label = fpc_sprintf(arena, "%s", s->stem[recipe]);

    for (int32_t a = 0; a < s->n_axes && label; a++)
        label = fpc_sprintf(arena, "%s,%s=%s", label, short_key(s->axis[a].key), value_at(s, combination, a));
    if (label && strlen(label) > MAX_NAME)
        label = fpc_sprintf(arena, "%.80s,g%d", s->stem[recipe], (int)group + 1);
    if (!label)
        return NULL;
    tidy(label);
    for (int32_t i = 0; i < group; i++)
        if (!strcmp(s->trial[i * s->each].label, label)) /* tidied to the same */
            return fpc_sprintf(arena, "%s,g%d", label, (int)group + 1);
    return label;
}

static fpc_status plan_trial(fpc_sweep *s, int32_t recipe, int32_t combination, int32_t group, int32_t k)
{
    fpc_arena *arena = s->cmd->arena;
    fpc_trial *c = &s->trial[group * s->each + k];

    *c = (fpc_trial){.recipe = recipe,
                     .group = group,
                     .seed = s->seed[s->folds ? k / s->folds : k],
                     .fold = s->folds ? k % s->folds + 1 : 0};
    c->set = fpc_alloc(arena, (size_t)(s->cmd->n_overrides + s->n_axes + 5) * sizeof *c->set);
    c->label = k ? s->trial[group * s->each].label : label_of(s, recipe, combination, group);
    if (!c->set || !c->label || !(c->name = fpc_sprintf(arena, "%s,s%lld", c->label, (long long)c->seed)) ||
        (c->fold && !(c->name = fpc_sprintf(arena, "%s,f%d", c->name, c->fold))))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->cmd->n_overrides; i++)
        c->set[c->n_set++] = s->cmd->overrides[i];
    for (int32_t a = 0; a < s->n_axes; a++)
        c->set[c->n_set++] = fpc_sprintf(arena, "%s=%s", s->axis[a].key, value_at(s, combination, a));
    c->set[c->n_set++] = fpc_sprintf(arena, "run.seed=%lld", (long long)c->seed);
    c->set[c->n_set++] = fpc_sprintf(arena, "run.name=%s", c->name);
    c->set[c->n_set++] = fpc_sprintf(arena, "run.out=%s", s->out);
    for (int32_t i = 0; i < c->n_set; i++)
        if (!c->set[i])
            return FPC_ENOMEM;
    return c->fold ? fpc_sweep_folds_words(s, c) : FPC_OK;
}

static fpc_status own_keys(const fpc_sweep *s)
{
    for (int32_t i = 0; i < s->cmd->n_overrides; i++) {
        const char *key = fpc_recipe_key(s->cmd->arena, s->cmd->overrides[i]);
        if (!key)
            return FPC_ENOMEM;
        if (fpc_sweep_own_key(key))
            return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                            "fpcore sweep: -s %s: the sweep sets that key by itself (--seeds, --out)",
                            s->cmd->overrides[i]);
        for (int32_t a = 0; a < s->n_axes; a++)
            if (!strcmp(s->axis[a].key, key))
                return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                                "fpcore sweep: -s %s: the grid has values for that key too; give it once",
                                s->cmd->overrides[i]);
    }
    for (int32_t a = 0; a < s->n_axes; a++)
        for (int32_t b = 0; b < a; b++)
            if (!strcmp(s->axis[a].key, s->axis[b].key))
                return fpc_fail(s->cmd->ctx, FPC_EINVAL, "fpcore sweep: --grid: %s is given twice", s->axis[a].key);
    return FPC_OK;
}

fpc_status fpc_sweep_plan(fpc_sweep *s)
{
    int64_t combinations = s->random ? s->random : 1, n;
    fpc_status status;

    if ((status = own_keys(s)) || (status = fpc_sweep_random_words(s)))
        return status;
    for (int32_t a = 0; a < s->n_axes && combinations <= MAX_TRIALS && !s->random; a++)
        combinations *= s->axis[a].n;
    s->each = s->n_seeds * (s->folds ? s->folds : 1);
    n = combinations * s->n_recipes * s->each;
    if (combinations > MAX_TRIALS || n > MAX_TRIALS)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL, "fpcore sweep: %s of more than %d runs",
                        s->random ? "--random: samples" : "a grid", MAX_TRIALS);
    if (s->random &&
        ((status = fpc_sweep_random_kinds(s)) ||
         (status = fpc_sweep_draw(s->cmd->ctx, s->cmd->arena, s->n_axes, s->axis, s->random, s->random_seed))))
        return status;
    s->n_groups = (int32_t)combinations * s->n_recipes;
    s->stem = fpc_alloc(s->cmd->arena, (size_t)s->n_recipes * sizeof *s->stem);
    s->trial = fpc_alloc(s->cmd->arena, (size_t)n * sizeof *s->trial);
    if (!s->stem || !s->trial)
        return FPC_ENOMEM;
    for (int32_t r = 0; r < s->n_recipes; r++)
        if (!(s->stem[r] = stem_of(s, r)))
            return FPC_ENOMEM;
    if (!s->out && !(s->out = fpc_sprintf(s->cmd->arena, "runs/sweep-%s", s->stem[0])))
        return FPC_ENOMEM;
    for (int32_t g = 0; g < s->n_groups; g++)
        for (int32_t k = 0; k < s->each && !status; k++)
            status = plan_trial(s, g / (int32_t)combinations, g % (int32_t)combinations, g, k);
    s->n = (int32_t)n;
    return status;
}

/* compare also takes a run's label: its name and the time that it was started. */
static int is_meant(const fpc_trial *c, const char *name)
{
    const size_t n = strlen(c->name);

    return !strcmp(c->name, name) || !strcmp(c->label, name) || (c->folder && !strcmp(c->folder, name)) ||
           (!strncmp(c->name, name, n) && !strncmp(name + n, " (", 2));
}

fpc_status fpc_sweep_baseline(const fpc_sweep *s, const char *name)
{
    enum { LISTED = 6 };
    const char *list = "";
    int32_t n = 0;

    for (int32_t i = 0; i < s->n; i++)
        if (is_meant(&s->trial[i], name))
            return FPC_OK;
    for (int32_t i = 0; i < s->n && list; i += s->each)
        if (n++ < LISTED)
            list = fpc_sprintf(s->cmd->arena, "%s%s%s", list, i ? ", " : "", s->trial[i].label);
    return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                    "fpcore sweep: --baseline %s: is none of the sweep's recipes, which are %s%s", name,
                    list ? list : "", n > LISTED ? ", ..." : "");
}

/* ---- commands ---- */

const char **fpc_sweep_command(fpc_sweep *s, const fpc_trial *c, const char *program)
{
    const char **word = fpc_alloc(s->cmd->arena, (size_t)(2 * c->n_set + 12) * sizeof *word);
    int32_t n = 0;

    if (!word)
        return NULL;
    word[n++] = program;
    if (s->cmd->plugin_path) {
        word[n++] = "--plugin-path";
        word[n++] = s->cmd->plugin_path;
    }
    word[n++] = "-c";
    word[n++] = s->recipe[c->recipe];
    for (int32_t i = 0; i < c->n_set; i++) {
        word[n++] = "-s";
        word[n++] = c->set[i];
    }
    if (c->folder) {
        word[n++] = "--resume";
        word[n++] = c->folder;
    }
    if (s->until && s->until < c->epochs) {
        word[n++] = "--until";
        if (!(word[n++] = fpc_sprintf(s->cmd->arena, "%lld", (long long)s->until)))
            return NULL;
    }
    return word;
}

static int plain_word(const char *w)
{
    return *w && strspn(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=,+-/:@%") == strlen(w);
}

static const char *shell_word(fpc_arena *arena, const char *w)
{
    const char *out = plain_word(w) ? w : "'";

    if (out == w)
        return w;
    for (const char *quote; out && (quote = strchr(w, '\'')); w = quote + 1)
        out = fpc_sprintf(arena, "%s%.*s'\\''", out, (int)(quote - w), w);
    return out ? fpc_sprintf(arena, "%s%s'", out, w) : NULL;
}

const char *fpc_shell_line(fpc_arena *arena, const char *const *word)
{
    const char *line = "", *quoted;

    for (int i = 0; word[i] && line; i++) {
        if (!(quoted = shell_word(arena, word[i])))
            return NULL;
        line = fpc_sprintf(arena, "%s%s%s", line, i ? " " : "", quoted);
    }
    return line;
}
