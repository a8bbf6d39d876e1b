/* transfer.c: weights for a model that is like the file's and not the same: tensors that are skipped, names that begin
 * otherwise. What the model is to take is decided here; weights.c checks and takes it. */
#define _GNU_SOURCE
#include "base/message.h"
#include "base/text.h"
#include "base/pattern.h"
#include "weights/weights_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

typedef struct rename_rule {
    const char *from, *to;
    int32_t used;
} rename_rule;

/* What the names of the model and of the file's weights are, for a guess. */
static const char *guess(fpc_arena *arena, const fpc_state *state, const fpc_st_file *file, const char *pattern)
{
    const char **name = fpc_alloc(arena, ((size_t)file->n + (size_t)(state ? state->n : 0) + 1) * sizeof *name);
    const char *nearest;
    int32_t n = 0;

    for (int32_t i = 0; name && i < file->n; i++)
        if (!fpc_weights_of_training(file->tensor[i].name))
            name[n++] = file->tensor[i].name;
    for (int32_t i = 0; name && state && i < state->n; i++)
        if (fpc_weights_is_weight(&state->entry[i]))
            name[n++] = state->entry[i].name;
    nearest = n ? fpc_pattern_nearest(pattern, n, name) : NULL;
    nearest = nearest ? fpc_sprintf(arena, "; the nearest name is %s", nearest) : "";
    return nearest ? nearest : "";
}

/* "backbone. -> encoder." */
static fpc_status read_rule(fpc_ctx *ctx, fpc_arena *arena, const char *text, rename_rule *out)
{
    const char *arrow = strstr(text, "->");
    size_t from = arrow ? (size_t)(arrow - text) : 0;

    if (!arrow || strstr(arrow + 2, "->"))
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "run.init_rename: `%s` is not OLD -> NEW: what names begin with in the file, and in the "
                               "model; nor is it a set of names, of which there is `huggingface`",
                               text);
    while (from && (text[from - 1] == ' ' || text[from - 1] == '\t'))
        from--;
    *out = (rename_rule){fpc_sprintf(arena, "%.*s", (int)from, text), arrow + 2 + strspn(arrow + 2, " \t"), 0};
    return out->from ? FPC_OK : FPC_ENOMEM;
}

/* The rule whose beginning is the longest: which one it is must not depend on their order. */
static rename_rule *rule_for(rename_rule *rule, int32_t n, const char *name)
{
    rename_rule *best = NULL;

    for (int32_t i = 0; i < n; i++)
        if (!strncmp(name, rule[i].from, strlen(rule[i].from)) && (!best || strlen(rule[i].from) > strlen(best->from)))
            best = &rule[i];
    return best;
}

/* The names of a file differ; renamed they may not. */
static fpc_status check_unique(fpc_ctx *ctx, fpc_arena *arena, const fpc_st_file *file, const char *const *name)
{
    const char **sorted = fpc_alloc(arena, ((size_t)file->n + 1) * sizeof *sorted);

    if (!sorted)
        return FPC_ENOMEM;
    memcpy(sorted, name, (size_t)file->n * sizeof *sorted);
    qsort(sorted, (size_t)file->n, sizeof *sorted, fpc_by_text);
    for (int32_t i = 1; i < file->n; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            return fpc_fail_recipe(ctx, FPC_EINVAL, "run.init_rename: two tensors of %s would be called %s", file->path,
                                   sorted[i]);
    return FPC_OK;
}

static fpc_status rename_tensors(fpc_ctx *ctx, fpc_arena *arena, fpc_st_file *file, const fpc_patterns *text)
{
    rename_rule *rule = fpc_alloc(arena, ((size_t)text->n + 1) * sizeof *rule);
    fpc_status status = rule ? FPC_OK : FPC_ENOMEM;
    int32_t n = 0;

    if (!text->n)
        return status;
    for (int32_t i = 0; i < text->n && !status; i++) /* sets first: rules see the names that they give */
        status = fpc_names_known(text->v[i]) ? fpc_names_apply(ctx, arena, file, text->v[i])
                                             : read_rule(ctx, arena, text->v[i], &rule[n++]);
    const char **name = fpc_alloc(arena, ((size_t)file->n + 1) * sizeof *name);
    for (int32_t i = 0; i < file->n && !status && name; i++) {
        rename_rule *r = rule_for(rule, n, file->tensor[i].name);
        name[i] = file->tensor[i].name;
        if (!r || fpc_weights_of_training(name[i]))
            continue;
        r->used++;
        if (!(name[i] = fpc_sprintf(arena, "%s%s", r->to, name[i] + strlen(r->from))))
            return FPC_ENOMEM;
    }
    if (status || !name)
        return status ? status : FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        if (!rule[i].used)
            return fpc_fail_recipe(ctx, FPC_EINVAL, "run.init_rename: %s -> %s: no name in %s begins with `%s`%s",
                                   rule[i].from, rule[i].to, file->path, rule[i].from,
                                   guess(arena, NULL, file, fpc_sprintf(arena, "%s*", rule[i].from)));
    if ((status = check_unique(ctx, arena, file, name)))
        return status;
    for (int32_t i = 0; i < file->n; i++)
        file->tensor[i].name = name[i];
    return FPC_OK;
}

/* ---- what is left out ---- */

static fpc_status check_skips(fpc_ctx *ctx, fpc_arena *arena, const fpc_state *state, const fpc_st_file *file,
                              const fpc_patterns *skip)
{
    for (int32_t i = 0; i < skip->n; i++) {
        int found = 0;
        for (int32_t k = 0; k < file->n; k++)
            found |=
                !fpc_weights_of_training(file->tensor[k].name) && fpc_pattern_matches(skip->v[i], file->tensor[k].name);
        for (int32_t k = 0; k < state->n; k++)
            found |= fpc_weights_is_weight(&state->entry[k]) && fpc_pattern_matches(skip->v[i], state->entry[k].name);
        if (!found)
            return fpc_fail_recipe(ctx, FPC_EINVAL, "run.init_skip: %s matches no tensor of the model and none of %s%s",
                                   skip->v[i], file->path, guess(arena, state, file, skip->v[i]));
    }
    return FPC_OK;
}

/* Tensors leave the file, entries of the state get their mark. */
static fpc_status leave_out(fpc_arena *arena, const fpc_state *state, fpc_st_file *file, const fpc_patterns *skip,
                            uint8_t *fresh, fpc_taken *out)
{
    int32_t n = 0;

    for (int32_t i = 0; i < file->n; i++) {
        const char *name = file->tensor[i].name;
        if (fpc_weights_of_training(name) || fpc_patterns_find(skip, name) < 0)
            file->tensor[n++] = file->tensor[i];
        else if (!(out->skipped[out->n_skipped++] = fpc_strdup(arena, name)))
            return FPC_ENOMEM;
    }
    file->n = n;
    for (int32_t i = 0; i < state->n; i++) {
        fresh[i] = fpc_weights_is_weight(&state->entry[i]) && fpc_patterns_find(skip, state->entry[i].name) >= 0;
        if (fresh[i])
            out->fresh[out->n_fresh++] = state->entry[i].name;
    }
    return FPC_OK;
}

static fpc_status transfer(fpc_ctx *ctx, fpc_arena *arena, fpc_arena *scratch, fpc_state *state, const char *path,
                           const fpc_transfer *how, fpc_taken *out)
{
    fpc_meeting meeting = {.tells_keys = 1};
    fpc_patterns skip, rename;
    fpc_st_file *file;
    fpc_status status;

    if ((status = fpc_patterns_read(scratch, how->skip, &skip)) ||
        (status = fpc_patterns_read(scratch, how->rename, &rename)) ||
        (status = fpc_weights_open(ctx, scratch, path, &file)) ||
        (status = rename_tensors(ctx, scratch, file, &rename)) ||
        (status = check_skips(ctx, scratch, state, file, &skip)))
        return status;
    uint8_t *fresh = fpc_alloc(scratch, (size_t)state->n + 1);
    *out = (fpc_taken){.file = fpc_strdup(arena, path),
                       .skipped = fpc_alloc(arena, ((size_t)file->n + 1) * sizeof(const char *)),
                       .fresh = fpc_alloc(arena, ((size_t)state->n + 1) * sizeof(const char *))};
    if (!fresh || !out->file || !out->skipped || !out->fresh)
        return FPC_ENOMEM;
    if ((status = leave_out(arena, state, file, &skip, fresh, out)))
        return status;
    meeting.fresh = fresh;
    status = fpc_weights_take(state, file, &meeting);
    out->n = meeting.n;
    out->numbers = meeting.numbers;
    return status;
}

fpc_status fpc_weights_transfer(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, const char *path,
                                const fpc_transfer *how, fpc_taken *out)
{
    fpc_arena *scratch = fpc_arena_new(ctx);
    const fpc_status status = scratch ? transfer(ctx, arena, scratch, state, path, how, out) : FPC_ENOMEM;

    fpc_arena_free(scratch);
    return status;
}
