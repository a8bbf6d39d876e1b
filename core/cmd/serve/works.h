/* works.h: pictures on their way from bytes to an answer: threads of their own decode and encode them, the network
 * computes in the thread that opened it. At most `workers` + 1 pictures are in memory decoded, the others wait as the
 * files that they came in; where the system gives no thread, the network's does all. */
#ifndef CORE_CMD_SERVE_WORKS_H
#define CORE_CMD_SERVE_WORKS_H

#include <fpcore/image.h>

/* A picture with what becomes of it. It belongs to one thread at a time: to the works from fpc_serve_add to `done`. */
typedef struct fpc_serve_job {
    /* given */
    uint8_t *data; /* the file, of malloc; freed as soon as it is decoded */
    size_t bytes;
    int json, with_mask;                  /* the counts as JSON; the mask in it too. Else the mask as a PNG */
    void (*done)(struct fpc_serve_job *); /* called once, in whatever thread */
    void *owner;                          /* of whoever is told */
    /* made */
    int code;        /* of HTTP: 200, else why it was refused or failed */
    const char *why; /* not 200: the sentence */
    const char *type;
    const void *answer; /* 200: lives until fpc_serve_forget */
    size_t answer_bytes;
    fpc_image picture, mask;
    fpc_ctx *ctx; /* of this job alone, as its memory */
    fpc_arena *arena;
    struct fpc_serve_job *next;
} fpc_serve_job;

/* What the works need to know. network: the labels of a picture, in the caller's thread of fpc_serve_turn; its sentence
 * stands in ctx, which is cleared of it. answer: makes type, answer and answer_bytes of a job with its mask, in any
 * thread. */
typedef struct fpc_serve_hands {
    fpc_ctx *ctx;
    fpc_status (*network)(void *arg, fpc_arena *, const fpc_image *, uint8_t *labels);
    fpc_status (*answer)(void *arg, fpc_serve_job *);
    void *arg;
    unsigned how;   /* FPC_IMAGE_STORED or 0 */
    int64_t pixels; /* larger pictures are refused by their heads */
    int32_t workers;
} fpc_serve_hands;

typedef struct fpc_serve_works fpc_serve_works;

fpc_status fpc_serve_works_open(fpc_arena *, const fpc_serve_hands *, fpc_serve_works **);
void fpc_serve_works_close(fpc_serve_works *); /* nothing may be on its way; NULL: nothing happens */
/* Any thread. Zeroed but for what is given. */
void fpc_serve_add(fpc_serve_works *, fpc_serve_job *);
/* The network's thread: does what there is to do, or waits for it, `seconds` at most. 1: there was something. */
int fpc_serve_turn(fpc_serve_works *, double seconds);
/* What `done` has not been called for. */
int32_t fpc_serve_on_the_way(fpc_serve_works *);
/* Frees what was made, and the file of one that was never added. */
void fpc_serve_forget(fpc_serve_job *);

#endif
