/* queue.h: work that a device does while the host goes on. The host may be FPC_QUEUE_DEPTH steps ahead; each step has a
 * entry of pinned memory that its inputs are read from and its results are written to, until it is waited for. Only for
 * backends that queue (backend.h: queue_copy). Thread: [main]. */
#ifndef CORE_RUNTIME_QUEUE_H
#define CORE_RUNTIME_QUEUE_H

#include "runtime/program.h"

enum { FPC_QUEUE_DEPTH = 3 };
typedef struct fpc_queue fpc_queue;

/* Whether the backend queues. */
int fpc_backend_queues(const fpc_backend *);
fpc_status fpc_queue_new(fpc_ctx *, fpc_arena *, fpc_backend *, fpc_queue **);

/* Entries that have begun and were not waited for; no more than FPC_QUEUE_DEPTH may be. */
int32_t fpc_queue_length(const fpc_queue *);
/* A new entry. room: bytes of pinned memory that it needs at most, inputs and results. */
fpc_status fpc_queue_begin(fpc_queue *, size_t room);
/* Pinned memory of the newest entry, aligned to 64; NULL: more than its room (a failure is recorded). */
void *fpc_queue_room(fpc_queue *, size_t bytes);
/* Copies an input of a program into the entry and on to the device; types convert as in fpc_program_write. */
fpc_status fpc_queue_write(fpc_queue *, fpc_program *, const char *input, uint32_t dtype, const void *host,
                           int64_t count);
/* Bytes from anywhere on the host to device memory, by way of the entry, or directly where src is pinned itself. */
fpc_status fpc_queue_bytes(fpc_queue *, void *device, const void *src, size_t bytes, int pinned);
/* Asks for an output: *host holds it, in the program's own type, when the entry has been waited for. */
fpc_status fpc_queue_read(fpc_queue *, fpc_program *, const char *output, const void **host);
/* The entry is complete. */
fpc_status fpc_queue_end(fpc_queue *);
/* Waits for the oldest entry; what it holds stays until the next call of fpc_queue_begin. */
fpc_status fpc_queue_wait(fpc_queue *);
/* After a wait: copies that entry's inputs to the device once more, to look at what happened. */
fpc_status fpc_queue_again(fpc_queue *);

#endif
