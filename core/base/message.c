/* message.c: the context of a run: its first failure, its log and its cancel flag. Everything below the command line
 * reports through it and nothing else prints. Every function may be called from any thread; the first failure wins,
 * so that a sentence made where the cause is known is not covered by what followed from it. */
#define _GNU_SOURCE
#include "base/message.h"
#include "base/digest.h"
#include "base/utf8.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fpc_ctx {
    pthread_mutex_t lock;     /* error, status */
    pthread_mutex_t log_lock; /* recursive: a sink may log */
    fpc_status status;
    int recipe_fault;
    char *error; /* NULL with a status set: there was no memory for the sentence */
    atomic_int level;
    atomic_int cancelled;
    const char *_Atomic folder; /* of the training under way */
    void (*sink)(void *arg, int level, const char *line);
    void *sink_arg;
    uint64_t told[64]; /* hashes of the last lines of fpc_log_once */
    unsigned n_told;
};

static const char no_memory[] = "out of memory while reporting a failure";

static void default_sink(void *arg, int level, const char *line)
{
    const char *word = level == FPC_LOG_ERROR ? "error: " : level == FPC_LOG_WARN ? "warning: " : "";

    (void)arg;
    fprintf(stderr, "fpcore: %s%s\n", word, line);
}

fpc_ctx *fpc_ctx_new(void)
{
    fpc_ctx *ctx = calloc(1, sizeof *ctx);
    pthread_mutexattr_t recursive;

    if (!ctx)
        return NULL;
    pthread_mutex_init(&ctx->lock, NULL);
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&ctx->log_lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    atomic_init(&ctx->level, FPC_LOG_INFO);
    atomic_init(&ctx->cancelled, 0);
    atomic_init(&ctx->folder, NULL);
    ctx->sink = default_sink;
    return ctx;
}

void fpc_ctx_free(fpc_ctx *ctx)
{
    if (!ctx)
        return;
    free(ctx->error);
    pthread_mutex_destroy(&ctx->lock);
    pthread_mutex_destroy(&ctx->log_lock);
    free(ctx);
}

void fpc_defuse(char *text, const char *kept)
{
    int n;

    for (char *c = text; *c; c += n) {
        const unsigned char byte = (unsigned char)*c;
        if ((n = fpc_utf8_character(c)))
            continue;
        n = 1;
        if (byte < 0x80 && strchr(kept, byte))
            continue;
        if (byte == 0xc2 && ((unsigned char)c[1] & 0xc0) == 0x80) /* one of C1 is one character */
            memmove(c, c + 1, strlen(c));
        *c = '?';
    }
}

static void defuse(char *text)
{
    fpc_defuse(text, "\n\t");
}

static fpc_status record(fpc_ctx *ctx, fpc_status status, int recipe_fault, const char *fmt, va_list args)
{
    if (status == FPC_OK)
        status = FPC_EINTERNAL;
    if (!ctx)
        return status;
    pthread_mutex_lock(&ctx->lock);
    if (ctx->status == FPC_OK) {
        ctx->status = status;
        ctx->recipe_fault = recipe_fault;
        if (vasprintf(&ctx->error, fmt, args) < 0)
            ctx->error = NULL;
        else
            defuse(ctx->error);
    }
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

fpc_status fpc_fail(fpc_ctx *ctx, fpc_status status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    status = record(ctx, status, 0, fmt, args);
    va_end(args);
    return status;
}

fpc_status fpc_fail_recipe(fpc_ctx *ctx, fpc_status status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    status = record(ctx, status, 1, fmt, args);
    va_end(args);
    return status;
}

fpc_status fpc_ctx_status(const fpc_ctx *ctx)
{
    fpc_ctx *open = (fpc_ctx *)ctx;
    fpc_status status;

    pthread_mutex_lock(&open->lock);
    status = open->status;
    pthread_mutex_unlock(&open->lock);
    return status;
}

int fpc_ctx_recipe_fault(const fpc_ctx *ctx)
{
    fpc_ctx *open = (fpc_ctx *)ctx;
    int fault;

    pthread_mutex_lock(&open->lock);
    fault = open->recipe_fault || open->status == FPC_EINVAL;
    pthread_mutex_unlock(&open->lock);
    return fault;
}

const char *fpc_ctx_error(const fpc_ctx *ctx)
{
    fpc_ctx *open = (fpc_ctx *)ctx;
    const char *error;

    pthread_mutex_lock(&open->lock);
    error = open->status == FPC_OK ? "" : open->error ? open->error : no_memory;
    pthread_mutex_unlock(&open->lock);
    return error;
}

void fpc_ctx_clear(fpc_ctx *ctx)
{
    pthread_mutex_lock(&ctx->lock);
    free(ctx->error);
    ctx->error = NULL;
    ctx->status = FPC_OK;
    ctx->recipe_fault = 0;
    pthread_mutex_unlock(&ctx->lock);
}

void fpc_ctx_log_level(fpc_ctx *ctx, int level)
{
    atomic_store(&ctx->level, level);
}

void fpc_ctx_log_sink(fpc_ctx *ctx, void (*sink)(void *arg, int level, const char *line), void *arg)
{
    pthread_mutex_lock(&ctx->log_lock);
    ctx->sink = sink ? sink : default_sink;
    ctx->sink_arg = sink ? arg : NULL;
    pthread_mutex_unlock(&ctx->log_lock);
}

/* Whether the line is among the last that were told, with the lock held; it is then. */
static int was_told(fpc_ctx *ctx, const char *line)
{
    const unsigned room = sizeof ctx->told / sizeof *ctx->told;
    const uint64_t h = fpc_digest(line, strlen(line));

    for (unsigned i = 0; i < room && i < ctx->n_told; i++)
        if (ctx->told[i] == h)
            return 1;
    ctx->told[ctx->n_told++ % room] = h;
    return 0;
}

static void tell(fpc_ctx *ctx, int level, int once, const char *fmt, va_list args)
{
    char *line = NULL;

    if (!ctx || level > atomic_load(&ctx->level) || vasprintf(&line, fmt, args) < 0)
        return;
    defuse(line);
    pthread_mutex_lock(&ctx->log_lock);
    if (!once || !was_told(ctx, line))
        ctx->sink(ctx->sink_arg, level, line);
    pthread_mutex_unlock(&ctx->log_lock);
    free(line);
}

void fpc_log(fpc_ctx *ctx, int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(ctx, level, 0, fmt, args);
    va_end(args);
}

void fpc_log_once(fpc_ctx *ctx, int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(ctx, level, 1, fmt, args);
    va_end(args);
}

/* What is below runs in signal handlers: one lock-free atomic each. */
void fpc_ctx_cancel(fpc_ctx *ctx)
{
    atomic_store(&ctx->cancelled, 1);
}

int fpc_ctx_cancelled(const fpc_ctx *ctx)
{
    return atomic_load(&((fpc_ctx *)ctx)->cancelled);
}

void fpc_ctx_training(fpc_ctx *ctx, const char *folder)
{
    atomic_store(&ctx->folder, folder);
}

const char *fpc_ctx_trains_in(const fpc_ctx *ctx)
{
    return atomic_load(&((fpc_ctx *)ctx)->folder);
}
