/* works.c: see works.h. A job stands in one of three queues: files that wait, pictures that the network is to see,
 * masks that are to be written. */
#define _GNU_SOURCE
#include "cmd/serve/works.h"
#include "base/message.h"
#include "base/thread.h"
#include "image/image.h"

#include <stdlib.h>
#include <time.h>

enum stage { WAITING, DECODED, COMPUTED, STAGES };
enum { MOST_WORKERS = 8 };

struct queue {
    fpc_serve_job *first, **end;
};

struct fpc_serve_works {
    fpc_serve_hands hands;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct queue queue[STAGES];
    int32_t n;        /* on the way */
    int32_t pictures; /* of them decoded, or being decoded */
    int quit;
    int32_t workers; /* that run */
    pthread_t thread[MOST_WORKERS];
};

/* ---- queues; the lock is held ---- */

static void put(fpc_serve_works *w, enum stage stage, fpc_serve_job *job)
{
    struct queue *q = &w->queue[stage];

    job->next = NULL;
    if (!q->first)
        q->end = &q->first;
    *q->end = job;
    q->end = &job->next;
    pthread_cond_broadcast(&w->moved);
}

static fpc_serve_job *take(fpc_serve_works *w, enum stage stage)
{
    fpc_serve_job *job = w->queue[stage].first;

    if (stage == WAITING && w->pictures > w->workers)
        return NULL;
    if (job)
        w->queue[stage].first = job->next;
    w->pictures += job && stage == WAITING;
    return job;
}

/* Masks first: they give memory back. */
static fpc_serve_job *take_for_worker(fpc_serve_works *w, enum stage *stage)
{
    fpc_serve_job *job = take(w, *stage = COMPUTED);

    return job ? job : take(w, *stage = WAITING);
}

/* ---- what is done with a job ---- */

static void fail(fpc_serve_job *job, fpc_status status, int code, const char *why)
{
    job->code = status == FPC_ENOMEM ? 503 : code;
    job->why =
        status == FPC_ENOMEM ? "there is no memory for this picture now; come again, or send a smaller one" : why;
}

static fpc_status read_picture(const fpc_serve_hands *h, fpc_serve_job *job)
{
    static const char name[] = "the picture";
    fpc_status status = fpc_image_decode(job->ctx, NULL, name, job->data, job->bytes, h->how, &job->picture);

    if (status)
        return status;
    if ((int64_t)job->picture.w * job->picture.h > h->pixels) {
        job->code = 413;
        return fpc_fail(job->ctx, FPC_EFORMAT,
                        "%s has %d x %d pixels, and more than %lld megapixels are not taken; send a smaller one, or "
                        "give more to --max-megapixels",
                        name, job->picture.w, job->picture.h, (long long)h->pixels >> 20);
    }
    return fpc_image_decode(job->ctx, job->arena, name, job->data, job->bytes, h->how, &job->picture);
}

static void decode(const fpc_serve_hands *h, fpc_serve_job *job)
{
    fpc_status status = FPC_ENOMEM;

    if ((job->ctx = fpc_ctx_new()) && (job->arena = fpc_arena_new(job->ctx))) {
        fpc_ctx_log_level(job->ctx, 0);
        status = read_picture(h, job);
    }
    free(job->data);
    job->data = NULL;
    if (status)
        fail(job, status, job->code ? job->code : 400, job->ctx ? fpc_ctx_error(job->ctx) : "");
}

static void compute(const fpc_serve_hands *h, fpc_serve_job *job)
{
    const int32_t w = job->picture.w, height = job->picture.h;
    fpc_status status = FPC_ENOMEM;

    job->mask = (fpc_image){w, height, 1, fpc_alloc(job->arena, (size_t)w * (size_t)height)};
    if (job->mask.pixel && !(status = h->network(h->arg, job->arena, &job->picture, job->mask.pixel)))
        return;
    fail(job, status, 500, fpc_strdup(job->arena, fpc_ctx_error(h->ctx)));
    if (!job->why)
        job->why = "the network failed";
    fpc_ctx_clear(h->ctx);
}

static void encode(const fpc_serve_hands *h, fpc_serve_job *job)
{
    const fpc_status status = h->answer(h->arg, job);

    if (status)
        fail(job, status, 500, fpc_ctx_error(job->ctx));
    else
        job->code = 200;
}

/* Takes the job one stage on; the lock is not held. */
static void go_on(fpc_serve_works *w, enum stage stage, fpc_serve_job *job)
{
    (stage == WAITING ? decode : stage == DECODED ? compute : encode)(&w->hands, job);
    pthread_mutex_lock(&w->lock);
    const int over = job->code != 0;
    if (over) {
        w->n--;
        w->pictures--;
        pthread_cond_broadcast(&w->moved);
    } else {
        put(w, stage + 1, job);
    }
    pthread_mutex_unlock(&w->lock);
    if (over)
        job->done(job);
}

static void *work(void *arg)
{
    fpc_serve_works *w = arg;

    for (;;) {
        enum stage stage = WAITING;
        fpc_serve_job *job = NULL;
        pthread_mutex_lock(&w->lock);
        while (!w->quit && !(job = take_for_worker(w, &stage)))
            pthread_cond_wait(&w->moved, &w->lock);
        pthread_mutex_unlock(&w->lock);
        if (!job)
            return NULL;
        go_on(w, stage, job);
    }
}

/* ---- for the others ---- */

static void open_lock(fpc_serve_works *w)
{
    pthread_condattr_t forward;

    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&forward);
    pthread_condattr_setclock(&forward, CLOCK_MONOTONIC);
    pthread_cond_init(&w->moved, &forward);
    pthread_condattr_destroy(&forward);
}

fpc_status fpc_serve_works_open(fpc_arena *arena, const fpc_serve_hands *hands, fpc_serve_works **out)
{
    fpc_serve_works *w = *out = fpc_alloc(arena, sizeof *w);
    int32_t n = 0;

    if (!w)
        return FPC_ENOMEM;
    w->hands = *hands;
    open_lock(w);
    while (n < hands->workers && n < MOST_WORKERS && fpc_thread_start(&w->thread[n], work, w))
        n++;
    pthread_mutex_lock(&w->lock);
    w->workers = n;
    pthread_mutex_unlock(&w->lock);
    return FPC_OK;
}

void fpc_serve_works_close(fpc_serve_works *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->quit = 1;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    for (int32_t i = 0; i < w->workers; i++)
        pthread_join(w->thread[i], NULL);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
}

void fpc_serve_add(fpc_serve_works *w, fpc_serve_job *job)
{
    pthread_mutex_lock(&w->lock);
    w->n++;
    put(w, WAITING, job);
    pthread_mutex_unlock(&w->lock);
}

static fpc_serve_job *take_for_network(fpc_serve_works *w, enum stage *stage)
{
    fpc_serve_job *job = take(w, *stage = DECODED);

    return job || w->workers ? job : take_for_worker(w, stage);
}

int fpc_serve_turn(fpc_serve_works *w, double seconds)
{
    struct timespec until;
    enum stage stage;
    fpc_serve_job *job;

    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t at = until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += (time_t)(at / 1000000000);
    until.tv_nsec = (long)(at % 1000000000);
    pthread_mutex_lock(&w->lock);
    while (!(job = take_for_network(w, &stage)) && !pthread_cond_timedwait(&w->moved, &w->lock, &until))
        ;
    pthread_mutex_unlock(&w->lock);
    if (job)
        go_on(w, stage, job);
    return job != NULL;
}

int32_t fpc_serve_on_the_way(fpc_serve_works *w)
{
    pthread_mutex_lock(&w->lock);
    const int32_t n = w->n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void fpc_serve_forget(fpc_serve_job *job)
{
    free(job->data);
    job->data = NULL;
    fpc_arena_free(job->arena);
    job->arena = NULL;
    fpc_ctx_free(job->ctx);
    job->ctx = NULL;
}
