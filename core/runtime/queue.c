/* queue.c: entries of pinned memory in a ring, each with the list of what was copied from it to the device. A entry is
 * used again only after its mark has been waited for, so that the device never reads what the host is writing. */
#include "runtime/queue.h"
#include "runtime/dtype.h"
#include <string.h>

enum { ALIGN = 64 };

typedef struct copied {
    void *device;
    const void *host;
    size_t bytes;
} copied;

typedef struct entry {
    char *block; /* pinned */
    size_t cap, used;
    int32_t n, cap_writes;
    copied *write;
} entry;

struct fpc_queue {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_backend *backend;
    entry entry[FPC_QUEUE_DEPTH];
    int64_t begun, waited;
};

int fpc_backend_queues(const fpc_backend *be)
{
    return be->vtbl->queue_copy && be->vtbl->alloc_host && be->vtbl->mark && be->vtbl->wait;
}

static void close_queue(void *arg)
{
    fpc_queue *q = arg;
    for (int i = 0; i < FPC_QUEUE_DEPTH; i++)
        if (q->entry[i].block)
            FPC_CALL_VOID(q->backend->inst.who,
                          q->backend->vtbl->release_host(q->backend->inst.self, q->entry[i].block));
}

fpc_status fpc_queue_new(fpc_ctx *ctx, fpc_arena *arena, fpc_backend *be, fpc_queue **out)
{
    fpc_queue *q = *out = fpc_alloc(arena, sizeof *q);
    if (!q)
        return FPC_ENOMEM;
    q->ctx = ctx;
    q->arena = arena;
    q->backend = be;
    return fpc_arena_defer(arena, close_queue, q);
}

int32_t fpc_queue_length(const fpc_queue *q)
{
    return (int32_t)(q->begun - q->waited);
}

static entry *newest(fpc_queue *q)
{
    return &q->entry[(q->begun - 1) % FPC_QUEUE_DEPTH];
}

fpc_status fpc_queue_begin(fpc_queue *q, size_t room)
{
    const fpc_backend *be = q->backend;
    if (fpc_queue_length(q) >= FPC_QUEUE_DEPTH)
        return fpc_fail(q->ctx, FPC_EINTERNAL, "more than %d steps are under way", FPC_QUEUE_DEPTH);
    q->begun++;
    entry *s = newest(q);
    s->used = 0;
    s->n = 0;
    if (room <= s->cap)
        return FPC_OK;
    if (s->block)
        FPC_CALL_VOID(be->inst.who, be->vtbl->release_host(be->inst.self, s->block));
    s->block = NULL;
    s->cap = 0;
    void *block = NULL;
    if (FPC_CALL(be->inst.who, be->vtbl->alloc_host(be->inst.self, room, &block)))
        return fpc_fail(q->ctx, FPC_ENOMEM, "no pinned memory for a step's inputs: %.1f MiB", (double)room / 1048576);
    s->block = block;
    s->cap = room;
    return FPC_OK;
}

void *fpc_queue_room(fpc_queue *q, size_t bytes)
{
    entry *s = newest(q);
    const size_t n = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (n > s->cap - s->used) {
        fpc_fail(q->ctx, FPC_EINTERNAL, "a step asks for more pinned memory than it said: %zu bytes and %zu more",
                 s->used, n);
        return NULL;
    }
    s->used += n;
    return s->block + s->used - n;
}

/* From pinned memory, remembered for fpc_queue_again. */
static fpc_status copy(fpc_queue *q, void *device, const void *host, size_t bytes)
{
    entry *s = newest(q);
    if (s->n == s->cap_writes) {
        const int32_t cap = s->cap_writes ? 2 * s->cap_writes : 64;
        copied *more = fpc_alloc(q->arena, (size_t)cap * sizeof *more);
        if (!more)
            return FPC_ENOMEM;
        if (s->n)
            memcpy(more, s->write, (size_t)s->n * sizeof *more);
        s->write = more;
        s->cap_writes = cap;
    }
    s->write[s->n++] = (copied){device, host, bytes};
    return FPC_CALL(q->backend->inst.who,
                    q->backend->vtbl->queue_copy(q->backend->inst.self, device, host, bytes, FPC_TO_DEVICE));
}

fpc_status fpc_queue_write(fpc_queue *q, fpc_program *p, const char *input, uint32_t dtype, const void *host,
                           int64_t count)
{
    fpc_tensor t;
    fpc_status status = fpc_program_tensor(p, input, count, &t);
    if (status)
        return status;
    const size_t bytes = fpc_bytes(t.shape, t.dtype);
    void *room = fpc_queue_room(q, bytes);
    if (!room)
        return FPC_EINTERNAL;
    fpc_dtype_convert(room, t.dtype, host, dtype, count);
    return copy(q, t.data, room, bytes);
}

fpc_status fpc_queue_bytes(fpc_queue *q, void *device, const void *src, size_t bytes, int pinned)
{
    void *room = NULL;
    if (!pinned) {
        room = fpc_queue_room(q, bytes);
        if (!room)
            return FPC_EINTERNAL;
        memcpy(room, src, bytes);
    }
    return copy(q, device, pinned ? src : room, bytes);
}

fpc_status fpc_queue_read(fpc_queue *q, fpc_program *p, const char *output, const void **host)
{
    fpc_tensor t;
    *host = NULL;
    const fpc_status status = fpc_program_tensor(p, output, -1, &t);
    if (status)
        return status;
    const size_t bytes = fpc_bytes(t.shape, t.dtype);
    void *room = fpc_queue_room(q, bytes);
    if (!room)
        return FPC_EINTERNAL;
    *host = room;
    return FPC_CALL(q->backend->inst.who,
                    q->backend->vtbl->queue_copy(q->backend->inst.self, room, t.data, bytes, FPC_TO_HOST));
}

fpc_status fpc_queue_end(fpc_queue *q)
{
    return FPC_CALL(q->backend->inst.who,
                    q->backend->vtbl->mark(q->backend->inst.self, (int32_t)((q->begun - 1) % FPC_QUEUE_DEPTH)));
}

fpc_status fpc_queue_wait(fpc_queue *q)
{
    if (q->waited == q->begun)
        return FPC_OK;
    return FPC_CALL(q->backend->inst.who,
                    q->backend->vtbl->wait(q->backend->inst.self, (int32_t)(q->waited++ % FPC_QUEUE_DEPTH)));
}

fpc_status fpc_queue_again(fpc_queue *q)
{
    fpc_status status = FPC_OK;
    const entry *s = q->waited ? &q->entry[(q->waited - 1) % FPC_QUEUE_DEPTH] : NULL;
    for (int32_t i = 0; s && i < s->n && !status; i++)
        status = FPC_CALL(q->backend->inst.who,
                          q->backend->vtbl->queue_copy(q->backend->inst.self, s->write[i].device, s->write[i].host,
                                                       s->write[i].bytes, FPC_TO_DEVICE));
    return status;
}
