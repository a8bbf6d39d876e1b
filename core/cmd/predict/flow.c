/* flow.c: see flow.h. A ring of slots, in each of which a picture stands at one of four places. Picture i goes through
 * slot i % SLOTS, so all hands take pictures in order. Where the system gives no thread, the caller does that hand's
 * work himself. */
#include "cmd/predict/flow.h"
#include "base/message.h"
#include "base/thread.h"

enum { SLOTS = 3, BIG = 16 << 20 /* pixels */ };
enum place { FREE, READ, COMPUTED };

struct slot {
    fpc_flow_slot of;
    enum place place;
    int big; /* reading ahead waits until it is written, so that memory holds one such picture alone */
};

struct flow {
    fpc_ctx *ctx;
    const fpc_flow_hands *hands;
    int32_t n;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a slot's place, or quit */
    struct slot slot[SLOTS];
    int quit;
    fpc_status failed; /* of writing */
    const char *why;   /* its sentence: in the context of the hand that writes */
};

static struct slot *slot_of(struct flow *f, int32_t i)
{
    return &f->slot[i % SLOTS];
}

/* Waits until the slot of picture i stands there; 0: never, for all are to stop. */
static int wait_for(struct flow *f, int32_t i, enum place place, int alone)
{
    pthread_mutex_lock(&f->lock);
    for (;;) {
        int ready = slot_of(f, i)->place == place;
        for (int k = 0; k < SLOTS && alone; k++)
            ready = ready && !(f->slot[k].place != FREE && f->slot[k].big);
        if (ready || f->quit)
            break;
        pthread_cond_wait(&f->moved, &f->lock);
    }
    const int ready = slot_of(f, i)->place == place;
    pthread_mutex_unlock(&f->lock);
    return ready;
}

static void put(struct flow *f, int32_t i, enum place place)
{
    pthread_mutex_lock(&f->lock);
    slot_of(f, i)->place = place;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

/* The memory of a large picture is given back at once: three slots would keep three of them. */
static void set_free(struct flow *f, int32_t i)
{
    struct slot *s = slot_of(f, i);

    if (s->big) {
        fpc_arena_free(s->of.arena);
        s->of.arena = fpc_arena_new(f->ctx);
    }
    put(f, i, FREE);
}

static int stopped(struct flow *f)
{
    pthread_mutex_lock(&f->lock);
    const int quit = f->quit;
    pthread_mutex_unlock(&f->lock);
    return quit;
}

static void stop(struct flow *f)
{
    pthread_mutex_lock(&f->lock);
    f->quit = 1;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

/* ---- the hands ---- */

static void read_one(struct flow *f, fpc_ctx *ctx, int32_t i)
{
    struct slot *s = slot_of(f, i);

    fpc_arena_reset(s->of.arena);
    s->of = (fpc_flow_slot){.number = i, .arena = s->of.arena};
    s->of.status = s->of.arena ? f->hands->read(f->hands->arg, ctx, &s->of) : FPC_ENOMEM;
    s->big = !s->of.status && (int64_t)s->of.picture.w * s->of.picture.h > BIG;
    if (s->of.status) {
        s->of.picture.pixel = NULL;
        s->of.why = s->of.arena ? fpc_strdup(s->of.arena, fpc_ctx_error(ctx)) : NULL;
        fpc_ctx_clear(ctx);
    }
}

static void write_one(struct flow *f, fpc_ctx *ctx, int32_t i)
{
    struct slot *s = slot_of(f, i);
    const fpc_status status = s->of.status || f->failed ? FPC_OK : f->hands->write(f->hands->arg, ctx, &s->of);

    if (!status)
        return;
    pthread_mutex_lock(&f->lock);
    f->failed = status;
    f->why = fpc_ctx_error(ctx);
    f->quit = 1;
    pthread_mutex_unlock(&f->lock);
}

/* A thread with the context in which its failures stand. */
struct hand {
    struct flow *flow;
    fpc_ctx *ctx;
    pthread_t thread;
    int runs;
};

static void *read_all(void *arg)
{
    struct hand *h = arg;

    for (int32_t i = 0; i < h->flow->n && !stopped(h->flow) && wait_for(h->flow, i, FREE, 1); i++) {
        read_one(h->flow, h->ctx, i);
        put(h->flow, i, READ);
    }
    return NULL;
}

/* After a stop it still writes what was computed. */
static void *write_all(void *arg)
{
    struct hand *h = arg;

    for (int32_t i = 0; i < h->flow->n && wait_for(h->flow, i, COMPUTED, 0); i++) {
        write_one(h->flow, h->ctx, i);
        set_free(h->flow, i);
    }
    return NULL;
}

static fpc_status compute_all(struct flow *f, struct hand *reader, struct hand *writer)
{
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < f->n && !status && !stopped(f); i++) {
        if (!reader->runs) {
            read_one(f, reader->ctx, i);
            put(f, i, READ);
        }
        if (!wait_for(f, i, READ, 0) || (status = f->hands->compute(f->hands->arg, &slot_of(f, i)->of)))
            break;
        put(f, i, COMPUTED);
        if (!writer->runs) {
            write_one(f, writer->ctx, i);
            set_free(f, i);
        }
    }
    return status;
}

/* ---- all of it ---- */

static void pass_on(void *arg, int level, const char *line)
{
    fpc_log(arg, level, "%s", line);
}

static int open_hand(struct hand *h, struct flow *f, void *(*work)(void *))
{
    h->flow = f;
    if (!(h->ctx = fpc_ctx_new()))
        return 0;
    fpc_ctx_log_level(h->ctx, FPC_LOG_DEBUG); /* f->ctx decides */
    fpc_ctx_log_sink(h->ctx, pass_on, f->ctx);
    h->runs = fpc_thread_start(&h->thread, work, h);
    return 1;
}

/* Until all pictures are through, or what stands in the way: then all stop, and what is computed is still written. */
static fpc_status run(struct flow *f, struct hand *reader, struct hand *writer)
{
    fpc_status status = FPC_ENOMEM;

    if (open_hand(reader, f, read_all) && open_hand(writer, f, write_all)) {
        status = compute_all(f, reader, writer);
        if (status)
            stop(f);
        if (writer->runs)
            pthread_join(writer->thread, NULL);
    }
    stop(f);
    if (reader->runs)
        pthread_join(reader->thread, NULL);
    if (!status && f->failed)
        status = fpc_fail(f->ctx, f->failed, "%s", f->why);
    return status;
}

fpc_status fpc_flow_run(fpc_ctx *ctx, int32_t n, const fpc_flow_hands *hands)
{
    struct flow f = {.ctx = ctx, .hands = hands, .n = n};
    struct hand reader = {0}, writer = {0};
    fpc_status status = FPC_OK;

    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.moved, NULL);
    for (int k = 0; k < SLOTS && !status; k++)
        status = (f.slot[k].of.arena = fpc_arena_new(ctx)) ? FPC_OK : FPC_ENOMEM;
    if (!status)
        status = run(&f, &reader, &writer);
    for (int k = 0; k < SLOTS; k++)
        fpc_arena_free(f.slot[k].of.arena);
    fpc_ctx_free(reader.ctx);
    fpc_ctx_free(writer.ctx);
    pthread_cond_destroy(&f.moved);
    pthread_mutex_destroy(&f.lock);
    return status;
}
