/* arena.c: memory that is freed as a whole. Blocks grow; each allocation is zeroed and starts on a cache line (strings
 * excepted, which are packed). A reset keeps the blocks, so that what happens once per step or per sample settles
 * to no allocation at all. One thread at a time; no allocation moves. */
#define _GNU_SOURCE
#include "base/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No host arena needs more; a size that was computed wrongly from a file stops here. */
static const size_t largest = (size_t)1 << 39;

enum { ALIGN = 64, FIRST_BLOCK = 16 << 10, LAST_BLOCK = 4 << 20 };

typedef struct block {
    struct block *next;
    char *base;   /* aligned start */
    size_t size;  /* from base */
    size_t dirty; /* bytes from base that may hold former contents; beyond it calloc's zeros are untouched */
} block;

typedef struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
} deferred;

struct fpc_arena {
    fpc_ctx *ctx;
    block *first, *now;
    size_t used; /* of now */
    size_t grow;
    deferred *deferred;
};

fpc_arena *fpc_arena_new(fpc_ctx *ctx)
{
    fpc_arena *arena = calloc(1, sizeof *arena);

    if (!arena) {
        fpc_fail(ctx, FPC_ENOMEM, "out of memory");
        return NULL;
    }
    arena->ctx = ctx;
    arena->grow = FIRST_BLOCK;
    return arena;
}

/* Latest first: what was opened later may lean on what was opened before. */
static void run_deferred(fpc_arena *arena)
{
    while (arena->deferred) {
        deferred *d = arena->deferred;

        arena->deferred = d->next;
        d->fn(d->arg);
    }
}

void fpc_arena_free(fpc_arena *arena)
{
    if (!arena)
        return;
    run_deferred(arena);
    for (block *b = arena->first, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

void fpc_arena_reset(fpc_arena *arena)
{
    run_deferred(arena);
    arena->now = arena->first;
    arena->used = 0;
}

/* Puts a block with room for `bytes` behind the current one and makes it current. */
static int add_block(fpc_arena *arena, size_t bytes)
{
    size_t size = bytes > arena->grow ? bytes : arena->grow;
    block *b;

    b = calloc(1, size + sizeof *b + ALIGN);
    if (!b)
        return 0;
    b->base = (char *)(((uintptr_t)(b + 1) + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
    b->size = size;
    if (arena->now) {
        b->next = arena->now->next;
        arena->now->next = b;
    } else {
        b->next = arena->first;
        arena->first = b;
    }
    arena->now = b;
    arena->used = 0;
    if (arena->grow < LAST_BLOCK)
        arena->grow *= 2;
    return 1;
}

/* The smallest block behind the current one that is large enough goes next: so whoever takes no more than the time
 * before, piece by piece, finds room, and the pieces may be smaller. 0: there is none. */
static int next_block(fpc_arena *arena, size_t bytes)
{
    block **best = NULL, *b;

    for (block **at = arena->now ? &arena->now->next : &arena->first; *at; at = &(*at)->next)
        if (bytes <= (*at)->size && (!best || (*at)->size < (*best)->size))
            best = at;
    if (!best)
        return 0;
    b = *best;
    *best = b->next;
    b->next = arena->now ? arena->now->next : arena->first;
    *(arena->now ? &arena->now->next : &arena->first) = b;
    arena->now = b;
    arena->used = 0;
    return 1;
}

/* Room for `bytes` at the alignment, or NULL. */
static char *take(fpc_arena *arena, size_t bytes, size_t align)
{
    for (;;) {
        block *b = arena->now;
        size_t at = (arena->used + align - 1) & ~(align - 1);

        if (b && at <= b->size && bytes <= b->size - at) {
            char *p = b->base + at;

            if (at < b->dirty)
                memset(p, 0, b->dirty - at < bytes ? b->dirty - at : bytes);
            arena->used = at + bytes;
            if (b->dirty < arena->used)
                b->dirty = arena->used;
            return p;
        }
        if (!next_block(arena, bytes) && !add_block(arena, bytes))
            return NULL;
    }
}

static char *take_or_fail(fpc_arena *arena, size_t bytes, size_t align)
{
    char *p = bytes <= largest ? take(arena, bytes, align) : NULL;

    if (!p)
        fpc_fail(arena->ctx, FPC_ENOMEM, "out of memory: %zu bytes were asked for", bytes);
    return p;
}

void *fpc_alloc(fpc_arena *arena, size_t bytes)
{
    return take_or_fail(arena, bytes ? bytes : 1, ALIGN);
}

char *fpc_strdup(fpc_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = take_or_fail(arena, bytes, 1);

    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *fpc_sprintf(fpc_arena *arena, const char *fmt, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, fmt);
    length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length < 0) {
        fpc_fail(arena->ctx, FPC_EINTERNAL, "a text cannot be formatted with \"%s\"", fmt);
        return NULL;
    }
    text = take_or_fail(arena, (size_t)length + 1, 1);
    if (!text)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)length + 1, fmt, args);
    va_end(args);
    return text;
}

fpc_status fpc_arena_defer(fpc_arena *arena, void (*fn)(void *), void *arg)
{
    deferred *d = fpc_alloc(arena, sizeof *d);

    if (!d) {
        fn(arg); /* what was to be closed later is closed now rather than never */
        return FPC_ENOMEM;
    }
    d->fn = fn;
    d->arg = arg;
    d->next = arena->deferred;
    arena->deferred = d;
    return FPC_OK;
}
