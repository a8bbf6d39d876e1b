/* run_files.c: the folder of a run (run_files.h). What is read here may come from elsewhere: sizes are bounded, and
 * what is no plain file is refused. */
#define _GNU_SOURCE
#include "record/run_files.h"
#include "base/file.h"
#include "base/message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 256 << 20 };

static const char *const word[] = {
    [FPC_RUN_UNKNOWN] = "unknown",       [FPC_RUN_RUNNING] = "running",         [FPC_RUN_COMPLETE] = "complete",
    [FPC_RUN_STOPPED] = "stopped early", [FPC_RUN_INTERRUPTED] = "interrupted", [FPC_RUN_DIVERGED] = "diverged",
    [FPC_RUN_FAILED] = "failed"};

const char *fpc_run_end_word(fpc_run_end end)
{
    return word[end];
}

fpc_run_end fpc_run_end_of(const char *text)
{
    for (size_t i = 0; text && i < sizeof word / sizeof *word; i++)
        if (!strcmp(word[i], text))
            return (fpc_run_end)i;
    return FPC_RUN_UNKNOWN;
}

int fpc_run_is_done(fpc_run_end end)
{
    return end == FPC_RUN_COMPLETE || end == FPC_RUN_STOPPED;
}

int fpc_is_run(const char *folder)
{
    static const char *const file[] = {FPC_RUN_RECIPE, FPC_RUN_MANIFEST, FPC_RUN_HISTORY};
    int found = 0;

    for (size_t i = 0; i < sizeof file / sizeof *file && !found; i++) {
        char *path = NULL;
        found = asprintf(&path, "%s/%s", folder, file[i]) > 0 && !access(path, F_OK);
        free(path);
    }
    return found;
}

fpc_key_role fpc_key_role_of(const char *section, const char *key)
{
    static const struct {
        const char *section, *key;
        fpc_key_role role;
    } known[] = {{"run", "epochs", FPC_KEY_LENGTH},       {"run", "patience", FPC_KEY_LENGTH},
                 {"run", "seed", FPC_KEY_REPEAT},         {"run", "name", FPC_KEY_REPEAT},
                 {"run", "out", FPC_KEY_MACHINE},         {"backend", "threads", FPC_KEY_MACHINE},
                 {"dataset", "readers", FPC_KEY_MACHINE}, {"dataset", "cache_mb", FPC_KEY_MACHINE}};

    if (!strncmp(section, "logger", 6))
        return FPC_KEY_MACHINE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].section, section) && !strcmp(known[i].key, key))
            return known[i].role;
    return FPC_KEY_RESULT;
}

fpc_status fpc_json_read(fpc_ctx *ctx, const char *path, json_t **out)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    json_error_t error;
    char *text;
    size_t bytes;
    fpc_status status = arena ? fpc_read_file(ctx, arena, path, MAX_BYTES, &text, &bytes) : FPC_ENOMEM;

    *out = NULL;
    if (!status && !(*out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error)))
        status =
            fpc_fail(ctx, FPC_EFORMAT, "%s:%d: is no JSON, or only a part of it: %s%s", path, error.line, error.text,
                     strstr(error.text, "NaN") || strstr(error.text, "Infinity")
                         ? "; JSON has no such number, a missing value is null"
                         : "");
    if (arena)
        fpc_arena_free(arena);
    return status;
}

json_t *fpc_json_glance(fpc_ctx *ctx, const char *path, const char *consequence)
{
    fpc_ctx *own = path && !access(path, F_OK) ? fpc_ctx_new() : NULL;
    json_t *root = NULL;

    if (!own)
        return NULL;
    if (fpc_json_read(own, path, &root) && consequence)
        fpc_log(ctx, FPC_LOG_WARN, "%s; %s", fpc_ctx_error(own), consequence);
    fpc_ctx_free(own);
    return root;
}
