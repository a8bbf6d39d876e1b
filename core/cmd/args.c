/* args.c: reads the options of a verb from its table (args.h). Errors name the verb and say what would be right. */
#include "cmd/args.h"
#include "recipe/options.h"
#include "base/spelling.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 32 };

static fpc_status unknown(fpc_cmdline *cmd, const fpc_arg *table, const char *word)
{
    const char *names[MAX_ARGS];
    int32_t n = 0;

    for (; n < MAX_ARGS && table[n].name; n++)
        names[n] = table[n].name;
    if (!word)
        return FPC_ENOMEM;
    const char *name = word[1] == '-' ? fpc_strdup(cmd->arena, word + 2) : NULL;
    if (name && strchr(name, '='))
        *strchr(name, '=') = 0;
    const char *near = name ? fpc_nearest(name, n, names) : NULL;
    if (near)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: unknown option %s; did you mean --%s?", cmd->argv[0], word,
                        near);
    return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: unknown option %s; `fpcore %s --help` lists them", cmd->argv[0],
                    word, cmd->argv[0]);
}

/* A whole number from 1 to most at *text; moves *text behind it. 0: none. */
static int64_t number(const char **text, int64_t most)
{
    char *end;

    if (**text < '0' || **text > '9')
        return 0;
    errno = 0;
    const long long v = strtoll(*text, &end, 10);
    if (errno || v < 1 || v > most)
        return 0;
    *text = end;
    return v;
}

static fpc_status put(fpc_cmdline *cmd, const fpc_arg *a, const char *value)
{
    const char *at = value;

    if (a->kind == FPC_ARG_TEXT) {
        *(const char **)a->out = value;
        return FPC_OK;
    }
    if (a->kind == FPC_ARG_TEXTS) {
        fpc_texts *list = a->out;
        if (!list->text && !(list->text = fpc_alloc(cmd->arena, (size_t)cmd->argc * sizeof *list->text)))
            return FPC_ENOMEM;
        list->text[list->n++] = value;
        return FPC_OK;
    }
    if (a->kind == FPC_ARG_COUNT) {
        *(int64_t *)a->out = number(&at, INT32_MAX);
        if (*(int64_t *)a->out && !*at)
            return FPC_OK;
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: --%s %s: not a whole number from 1 on", cmd->argv[0], a->name,
                        value);
    }
    fpc_hw *size = a->out;
    size->h = size->w = (int32_t)number(&at, 16384);
    if (size->h && *at == 'x') {
        at++;
        size->w = (int32_t)number(&at, 16384);
    }
    if (size->h && size->w && !*at)
        return FPC_OK;
    return fpc_fail(cmd->ctx, FPC_EINVAL,
                    "fpcore %s: --%s %s: not a size like 512 or 480x640 (height x width), at most 16384", cmd->argv[0],
                    a->name, value);
}

/* The long option of that name of n letters, or the only one that begins so. *several: NULL, or those that do where
 * they are more than one. */
static const fpc_arg *find_long(fpc_cmdline *cmd, const fpc_arg *table, const char *name, size_t n,
                                const char **several)
{
    const fpc_arg *found = NULL;

    *several = NULL;
    for (const fpc_arg *a = table; a->name; a++)
        if (!strncmp(name, a->name, n) && !a->name[n])
            return a;
    for (const fpc_arg *a = table; a->name; a++)
        if (!strncmp(name, a->name, n)) {
            if (found)
                *several = fpc_sprintf(cmd->arena, "%s%s or --%s", *several ? "" : "--",
                                       *several ? *several : found->name, a->name);
            found = a;
        }
    return found;
}

static const fpc_arg *find_letter(const fpc_arg *table, char letter)
{
    for (const fpc_arg *a = table; a->name; a++)
        if (a->letter && a->letter == letter)
            return a;
    return NULL;
}

/* The option `a`, with the value that stands in the same word, or NULL; moves *i to the last word of it. */
static fpc_status take(fpc_cmdline *cmd, const fpc_arg *a, const char *value, int *i, uint8_t *seen)
{
    if ((*seen)++ && a->kind != FPC_ARG_TEXTS)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: --%s is given twice", cmd->argv[0], a->name);
    if (a->kind == FPC_ARG_FLAG) {
        if (value)
            return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: --%s takes no value", cmd->argv[0], a->name);
        *(int *)a->out = 1;
        return FPC_OK;
    }
    if (a->kind == FPC_ARG_MAYBE) {
        *(const char **)a->out = value ? value : "";
        return FPC_OK;
    }
    if (!value && *i + 1 < cmd->argc)
        value = cmd->argv[++*i];
    if (!value)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: --%s needs a value", cmd->argv[0], a->name);
    return put(cmd, a, value);
}

static fpc_status long_option(fpc_cmdline *cmd, const fpc_arg *table, int *i, uint8_t *seen)
{
    const char *word = cmd->argv[*i], *name = word + 2;
    const size_t n = strcspn(name, "=");
    const char *several;
    const fpc_arg *a = find_long(cmd, table, name, n, &several);

    if (several)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: --%.*s may be %s; write more of it", cmd->argv[0], (int)n,
                        name, several);
    return a ? take(cmd, a, name[n] ? name + n + 1 : NULL, i, &seen[a - table]) : unknown(cmd, table, word);
}

/* -v, -oFILE, and several letters in one word, of which the last may have a value: -rvo FILE. */
static fpc_status letters(fpc_cmdline *cmd, const fpc_arg *table, int *i, uint8_t *seen)
{
    const char *word = cmd->argv[*i];
    fpc_status status = FPC_OK;

    for (const char *at = word + 1; *at && !status; at++) {
        const fpc_arg *a = find_letter(table, *at);
        if (!a)
            return unknown(cmd, table, at == word + 1 ? word : fpc_sprintf(cmd->arena, "-%c", *at));
        if (a->kind != FPC_ARG_FLAG)
            return take(cmd, a, at[1] ? at + 1 : NULL, i, &seen[a - table]);
        status = take(cmd, a, NULL, i, &seen[a - table]);
    }
    return status;
}

fpc_status fpc_args_read(fpc_cmdline *cmd, const fpc_arg *table, int32_t *n_operands, const char ***operands)
{
    uint8_t seen[MAX_ARGS] = {0};
    const char **rest = fpc_alloc(cmd->arena, sizeof *rest * ((size_t)cmd->argc + 1));
    int32_t n = 0;
    int plain = 0;

    if (!rest)
        return FPC_ENOMEM;
    for (int i = 1; i < cmd->argc; i++) {
        const char *word = cmd->argv[i];
        if (!plain && !strcmp(word, "--")) {
            plain = 1;
        } else if (plain || word[0] != '-' || !word[1]) {
            if (!operands)
                return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: `%s` is one word too many", cmd->argv[0], word);
            rest[n++] = word;
        } else {
            const fpc_status status =
                word[1] == '-' ? long_option(cmd, table, &i, seen) : letters(cmd, table, &i, seen);
            if (status)
                return status;
        }
    }
    for (const fpc_arg *a = table; a->name; a++)
        if (a->required && !seen[a - table])
            return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore %s: --%s is missing; `fpcore %s --help` shows an example",
                            cmd->argv[0], a->name, cmd->argv[0]);
    if (operands) {
        *n_operands = n;
        *operands = rest;
    }
    return FPC_OK;
}

fpc_status fpc_cmd_open(fpc_cmdline *cmd, unsigned what, fpc_experiment **out)
{
    fpc_recipe *recipe = NULL;
    const fpc_status status =
        fpc_recipe_read(cmd->ctx, cmd->arena, cmd->recipe, cmd->n_overrides, cmd->overrides, &recipe);

    return status ? status : fpc_experiment_open(cmd->ctx, cmd->arena, cmd->plugin_path, recipe, what, out);
}

fpc_predictor_args fpc_cmd_predictor(const fpc_cmdline *cmd)
{
    return (fpc_predictor_args){.size = sizeof(fpc_predictor_args),
                                .recipe = cmd->recipe,
                                .n_overrides = cmd->n_overrides,
                                .overrides = cmd->overrides,
                                .plugin_path = cmd->plugin_path};
}

const char *fpc_cmd_origin(fpc_cmdline *cmd, const fpc_recipe *recipe, const char *section, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(recipe, section), key);

    return fpc_sprintf(cmd->arena, "%s%s%s.%s", e ? e->origin : "", e ? ": " : "", section, key);
}

fpc_hw fpc_cmd_size(const fpc_experiment *s, fpc_hw given)
{
    if (given.h)
        return given;
    return s->info.h > 0 && s->info.w > 0 ? (fpc_hw){s->info.h, s->info.w} : (fpc_hw){512, 512};
}
