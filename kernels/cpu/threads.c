/* threads.c: a fixed set of threads that share the items of one job at a time.
 *
 * Each thread has a range of the items, which is one 64-bit word on a cache line of its own: the job's number, the
 * first item that is left, the end. The owner takes from the front, others, who are done with theirs, from the back,
 * both by a compare-and-swap of the word. A word with the number of an older job stands for the whole range of its
 * thread, which is a function of the job's length: so nobody has to write as many words as there are threads before a
 * job begins, and a thread that wakes up late can neither take an item of a finished job nor hold a new one up. A job
 * is finished when all its items are done; threads that never woke up for it are not waited for.
 *
 * Waiting is a spin of bounded time, since the pauses between two jobs of a training step are mostly shorter than a
 * call of the system, and then a sleep in a futex. No lock is taken anywhere: who goes to sleep first says so and then
 * looks once more, who has news first writes them and then looks for sleepers, and the order of these accesses is
 * sequentially consistent, so one of the two sees the other. */
#define _GNU_SOURCE
#include "threads.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE = 128,             /* a line of the cache and the neighbour that processors fetch along with it */
    MOST = 0xffff,          /* items of a job; longer ones are cut */
    SHARE = 8,              /* threads that count what they did in one place */
    SPIN_NS = 50000,        /* longer than most pauses within a step; more only takes time from other programs */
    SPIN_BOUND_NS = 1000000 /* where threads have the processors for themselves */
};
#define RENEW ((uint32_t)1 << 30)      /* jobs after which words of threads that never had an item are renewed */
#define FIRST_JOB ((uint32_t)0 - 1000) /* so that every training passes the end of the numbers */

typedef struct worker {
    _Alignas(LINE) _Atomic uint64_t range; /* job's number << 32 | first item << 16 | end */
    _Alignas(LINE) pthread_t id;
    fpc_threads *pool;
    int32_t thread;
} worker;

typedef struct tally {
    _Alignas(LINE) _Atomic uint64_t done; /* items of all jobs */
} tally;

struct fpc_threads {
    _Alignas(LINE) _Atomic uint64_t job; /* number << 32 | length; written after all else that belongs to the job */
    void (*body)(void *, int32_t, int32_t);
    void *arg;
    _Atomic uint64_t total;               /* items of all jobs, this one included */
    _Alignas(LINE) _Atomic uint32_t bell; /* threads without a job sleep on it */
    _Atomic int32_t sleepers;
    _Alignas(LINE) _Atomic uint32_t waits; /* 1: the caller of fpc_threads_run sleeps on it */
    _Alignas(LINE) int32_t threads;
    _Atomic int64_t spin_ns;
    worker *worker;
    tally *tally;
};

/* >= 0: inside a body. Initial-exec: see core/graph/sentence.c. */
static _Thread_local __attribute__((tls_model("initial-exec"))) int32_t my_thread = -1;

static uint32_t number_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static uint64_t word_of(uint32_t number, uint32_t first, uint32_t end)
{
    return (uint64_t)number << 32 | first << 16 | end;
}

/* ---- waiting ---- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int32_t sleepers)
{
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* A spin that looks at the clock now and then: whether to look again. */
typedef struct spin {
    int64_t until; /* 0: not known yet */
    uint32_t looks;
} spin;

static int spin_on(spin *s, const fpc_threads *p)
{
    const int64_t most = atomic_load_explicit(&p->spin_ns, memory_order_relaxed);
    if (!most)
        return 0;
    relax();
    if (++s->looks % 64)
        return 1;
    const int64_t now = now_ns();
    s->until = s->until ? s->until : now + most;
    return now < s->until;
}

/* ---- items ---- */

/* The first item of a thread's range among n. */
static uint32_t range_start(const fpc_threads *p, int32_t thread, uint32_t n)
{
    return (uint32_t)(((uint64_t)(uint32_t)thread * n + (uint32_t)p->threads - 1) / (uint32_t)p->threads);
}

/* An item of the range of `owner`, from its front or its back; -1: none is left, or the job is over. */
static int32_t take(fpc_threads *p, int32_t owner, uint64_t job, int from_back)
{
    _Atomic uint64_t *range = &p->worker[owner].range;
    const uint32_t from = range_start(p, owner, (uint32_t)job), to = range_start(p, owner + 1, (uint32_t)job);
    if (from == to)
        return -1;
    uint64_t word = atomic_load_explicit(range, memory_order_acquire);
    for (;;) {
        const int32_t age = (int32_t)(number_of(job) - number_of(word));
        const uint32_t first = age ? from : word >> 16 & MOST, end = age ? to : word & MOST;
        if (age < 0 || first == end)
            return -1;
        const uint64_t left = word_of(number_of(job), first + !from_back, end - (from_back != 0));
        if (atomic_compare_exchange_weak_explicit(range, &word, left, memory_order_acq_rel, memory_order_acquire))
            return (int32_t)(from_back ? end - 1 : first);
    }
}

static int all_done(const fpc_threads *p)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < p->threads; i += SHARE)
        sum += atomic_load(&p->tally[i / SHARE].done);
    return sum == atomic_load_explicit(&p->total, memory_order_relaxed);
}

/* The last to count wakes the caller, if that sleeps. */
static void count_done(fpc_threads *p, int32_t thread, uint32_t items)
{
    if (!items)
        return;
    atomic_fetch_add(&p->tally[thread / SHARE].done, items);
    if (atomic_load(&p->waits) && all_done(p) && atomic_exchange(&p->waits, 0))
        futex_wake(&p->waits, 1);
}

/* Own items, then what is left of others', the next thread's first: it has the nearest data. */
static void work_on(fpc_threads *p, int32_t thread, uint64_t job)
{
    for (int32_t k = 0; k < p->threads; k++) {
        const int32_t owner = (thread + k) % p->threads;
        uint32_t items = 0;
        for (int32_t i; (i = take(p, owner, job, k > 0)) >= 0; items++)
            p->body(p->arg, i, thread);
        count_done(p, thread, items);
    }
}

/* ---- threads ---- */

static uint64_t await_job(fpc_threads *p, uint64_t seen)
{
    uint64_t job = seen;
    for (spin s = {0}; job == seen && spin_on(&s, p);)
        job = atomic_load_explicit(&p->job, memory_order_acquire);
    while (job == seen) {
        atomic_fetch_add(&p->sleepers, 1);
        const uint32_t bell = atomic_load(&p->bell);
        job = atomic_load(&p->job);
        if (job == seen)
            futex_wait(&p->bell, bell);
        atomic_fetch_sub(&p->sleepers, 1);
        job = atomic_load(&p->job);
    }
    return job;
}

static void *work(void *arg)
{
    const worker *w = arg;
    uint64_t job = word_of(FIRST_JOB, 0, 0);
    my_thread = w->thread;
    for (;;) {
        job = await_job(w->pool, job);
        if ((uint32_t)job == 0) /* no items: the end */
            return NULL;
        work_on(w->pool, w->thread, job);
    }
}

/* Publishes a job and wakes as many sleepers as can have something to do. */
static uint64_t begin_job(fpc_threads *p, uint32_t n)
{
    const uint32_t number = number_of(atomic_load_explicit(&p->job, memory_order_relaxed)) + 1;
    const uint64_t job = (uint64_t)number << 32 | n;
    for (int32_t t = 0; number % RENEW == 0 && t < p->threads; t++)
        atomic_store(&p->worker[t].range, word_of(number - 1, 0, 0));
    atomic_store(&p->job, job);
    if (atomic_load(&p->sleepers) > 0) {
        atomic_fetch_add(&p->bell, 1);
        futex_wake(&p->bell, n > 0 && n < (uint32_t)p->threads ? (int32_t)n : p->threads);
    }
    return job;
}

static void wait_done(fpc_threads *p)
{
    for (spin s = {0}; spin_on(&s, p);)
        if (all_done(p))
            return;
    for (;;) {
        atomic_store(&p->waits, 1);
        if (all_done(p))
            break;
        futex_wait(&p->waits, 1);
    }
    atomic_store(&p->waits, 0);
}

typedef struct cut {
    void (*body)(void *, int32_t, int32_t);
    void *arg;
    int32_t first;
} cut;

static void run_cut(void *arg, int32_t i, int32_t thread)
{
    const cut *c = arg;
    c->body(c->arg, c->first + i, thread);
}

void fpc_threads_run(fpc_threads *p, int32_t n, void (*body)(void *, int32_t, int32_t), void *arg)
{
    if (p->threads == 1 || n <= 1 || my_thread >= 0) {
        for (int32_t i = 0; i < n; i++)
            body(arg, i, my_thread >= 0 ? my_thread : 0);
        return;
    }
    for (int32_t first = 0; n > MOST && first < n; first += MOST) {
        cut c = {body, arg, first};
        fpc_threads_run(p, n - first < MOST ? n - first : MOST, run_cut, &c);
    }
    if (n > MOST)
        return;
    p->body = body;
    p->arg = arg;
    atomic_fetch_add_explicit(&p->total, (uint64_t)n, memory_order_relaxed);
    const uint64_t job = begin_job(p, (uint32_t)n);
    my_thread = 0;
    work_on(p, 0, job);
    my_thread = -1;
    wait_done(p);
}

static fpc_threads *make_pool(int32_t threads)
{
    const size_t groups = (size_t)(threads + SHARE - 1) / SHARE;
    fpc_threads *p = aligned_alloc(LINE, sizeof *p);
    worker *w = aligned_alloc(LINE, (size_t)threads * sizeof *w);
    tally *t = aligned_alloc(LINE, groups * sizeof *t);
    if (!p || !w || !t) {
        free(p);
        free(w);
        free(t);
        return NULL;
    }
    *p = (fpc_threads){.threads = threads, .worker = w, .tally = t, .job = word_of(FIRST_JOB, 0, 0)};
    for (int32_t i = 0; i < threads; i++)
        w[i] = (worker){.range = word_of(FIRST_JOB, 0, 0), .pool = p, .thread = i};
    for (size_t i = 0; i < groups; i++)
        t[i] = (tally){0};
    return p;
}

static void free_pool(fpc_threads *p, int32_t started)
{
    begin_job(p, 0);
    for (int32_t i = 1; i < started; i++)
        pthread_join(p->worker[i].id, NULL);
    free(p->tally);
    free(p->worker);
    free(p);
}

fpc_threads *fpc_threads_new(int32_t threads, int32_t processors)
{
    fpc_threads *p = make_pool(threads);
    if (!p)
        return NULL;
    atomic_store(&p->spin_ns, threads <= processors ? SPIN_NS : 0);
    for (int32_t i = 1; i < threads; i++)
        if (pthread_create(&p->worker[i].id, NULL, work, &p->worker[i])) {
            free_pool(p, i);
            return NULL;
        }
    return p;
}

void fpc_threads_free(fpc_threads *p)
{
    if (p)
        free_pool(p, p->threads);
}

int32_t fpc_threads_bind(fpc_threads *p)
{
    cpu_set_t allowed, one;
    int32_t untied = 0, at = 0;
    if (atomic_load(&p->spin_ns))
        atomic_store(&p->spin_ns, SPIN_BOUND_NS);
    if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) == 0)
        return p->threads - 1;
    while (!CPU_ISSET(at, &allowed))
        at++;
    for (int32_t i = 1; i < p->threads; i++) { /* the first processor is left to the caller */
        do
            at = (at + 1) % CPU_SETSIZE;
        while (!CPU_ISSET(at, &allowed));
        CPU_ZERO(&one);
        CPU_SET(at, &one);
        untied += pthread_setaffinity_np(p->worker[i].id, sizeof one, &one) != 0;
    }
    return untied;
}
