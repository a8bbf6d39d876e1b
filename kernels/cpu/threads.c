/* threads.c: a fixed set of threads that share the items of one job at a time.
 *
 * The job's number, its length and the next item are one 64-bit word: a thread takes an item by a compare-and-swap of
 * that word, so a thread that comes late can neither take an item of a finished job nor miss the start of a new one.
 * A job is finished when all its items are done; threads that never woke up for it are not waited for. Waiting is a
 * short spin, since the pauses between two jobs of a training step are mostly shorter than a system call. */
#define _GNU_SOURCE
#include "threads.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { ITEM_BITS = 24, SPINS = 2000, MAX_ITEMS = (1 << ITEM_BITS) - 1 };

typedef struct worker {
    pthread_t id;
    fpc_threads *pool;
    int32_t thread;
} worker;

struct fpc_threads {
    _Alignas(64) _Atomic uint64_t job; /* number << 48 | length << 24 | next item */
    _Alignas(64) _Atomic int32_t done; /* items of the job */
    _Alignas(64) void (*body)(void *, int32_t, int32_t);
    void *arg;
    int32_t threads, spins;
    worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    int stop; /* under lock */
};

static _Thread_local int32_t my_thread = -1; /* >= 0: inside a body */

static uint64_t job_word(uint64_t number, int32_t n)
{
    return number << (2 * ITEM_BITS) | (uint64_t)n << ITEM_BITS;
}
static int32_t job_length(uint64_t job)
{
    return (int32_t)(job >> ITEM_BITS & MAX_ITEMS);
}
static int32_t job_next(uint64_t job)
{
    return (int32_t)(job & MAX_ITEMS);
}
static int open_items(uint64_t job)
{
    return job_next(job) < job_length(job);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Takes items until none is left. */
static void take_items(fpc_threads *p, int32_t thread)
{
    uint64_t job = atomic_load_explicit(&p->job, memory_order_acquire);
    while (open_items(job)) {
        if (!atomic_compare_exchange_weak_explicit(&p->job, &job, job + 1, memory_order_acq_rel, memory_order_acquire))
            continue;
        const int32_t n = job_length(job);
        p->body(p->arg, job_next(job), thread);
        if (atomic_fetch_add_explicit(&p->done, 1, memory_order_acq_rel) + 1 == n) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->finished);
            pthread_mutex_unlock(&p->lock);
        }
        job = atomic_load_explicit(&p->job, memory_order_acquire);
    }
}

static void *work(void *arg)
{
    worker *w = arg;
    fpc_threads *p = w->pool;
    my_thread = w->thread;
    for (;;) {
        take_items(p, w->thread);
        int found = 0;
        for (int32_t i = 0; i < p->spins && !found; i++) {
            relax();
            found = open_items(atomic_load_explicit(&p->job, memory_order_relaxed));
        }
        if (found)
            continue;
        pthread_mutex_lock(&p->lock);
        while (!p->stop && !open_items(atomic_load(&p->job)))
            pthread_cond_wait(&p->wake, &p->lock);
        const int stop = p->stop;
        pthread_mutex_unlock(&p->lock);
        if (stop)
            return NULL;
    }
}

static void wait_done(fpc_threads *p, int32_t n)
{
    for (int32_t i = 0; i < p->spins; i++) {
        if (atomic_load_explicit(&p->done, memory_order_acquire) == n)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load_explicit(&p->done, memory_order_acquire) != n)
        pthread_cond_wait(&p->finished, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void fpc_threads_run(fpc_threads *p, int32_t n, void (*body)(void *, int32_t, int32_t), void *arg)
{
    if (p->threads == 1 || n <= 1 || n > MAX_ITEMS || my_thread >= 0) {
        for (int32_t i = 0; i < n; i++)
            body(arg, i, my_thread >= 0 ? my_thread : 0);
        return;
    }
    const uint64_t number = (atomic_load(&p->job) >> (2 * ITEM_BITS)) + 1;
    p->body = body;
    p->arg = arg;
    atomic_store(&p->done, 0);
    atomic_store(&p->job, job_word(number, n));
    pthread_mutex_lock(&p->lock); /* a thread between its look at the job and its sleep would miss the signal */
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    my_thread = 0;
    take_items(p, 0);
    my_thread = -1;
    wait_done(p, n);
}

fpc_threads *fpc_threads_new(int32_t threads)
{
    fpc_threads *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);
    worker *w = calloc((size_t)threads, sizeof *w);
    if (!p || !w) {
        free(p);
        free(w);
        return NULL;
    }
    *p = (fpc_threads){.threads = threads, .worker = w, .spins = threads <= fpc_threads_processors() ? SPINS : 0};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->finished, NULL);
    for (int32_t i = 1; i < threads; i++) {
        w[i].pool = p;
        w[i].thread = i;
        if (pthread_create(&w[i].id, NULL, work, &w[i])) {
            p->threads = i; /* those to join */
            fpc_threads_free(p);
            return NULL;
        }
    }
    return p;
}

void fpc_threads_free(fpc_threads *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = 1;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int32_t i = 1; i < p->threads; i++)
        pthread_join(p->worker[i].id, NULL);
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->worker);
    free(p);
}

int32_t fpc_threads_processors(void)
{
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN); /* more than 1024 processors */
    return n > 0 ? (int32_t)n : 1;
}
