/* engine.cpp: a grid, block after block on the calling thread. A fiber runs threads of its block one after another
 * until one of them waits (barrier or warp operation); only then a further fiber goes on with the rest, so a kernel
 * that never waits never switches. Stricter than a device: every thread of the block has to reach each barrier and
 * every lane of a warp each shuffle, at the same line of the source. Threads and blocks run in changing order (launch
 * by launch forward, backward, shuffled; FPCORE_EMULATED_ORDER = forward | backward | shuffled holds it), since a
 * missing barrier is hidden by one order and shown by another. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

EMULATE_BUILT_IN uint3 threadIdx, blockIdx;
EMULATE_BUILT_IN dim3 blockDim, gridDim;

enum { FORWARD, BACKWARD, SHUFFLED, ORDERS, GUARD = 256, CANARY = 128 };

/* Threads that wait for each other: a block's at a barrier, a warp's at a shuffle. */
struct meeting {
    unsigned arrived;
    emulate_site site;
    emulate_fiber *waiting[EMULATE_MAX_THREADS];
};
struct warp_meeting {
    unsigned arrived, turn;
    emulate_site site;
    uint64_t value[2][EMULATE_WARP]; /* who is quick may be in the next one already */
    emulate_fiber *waiting[EMULATE_WARP];
};

static EMULATE_BUILT_IN struct engine {
    const emulate_job *job;
    const void *args;
    unsigned n, next, ended, launches;
    uint16_t order[EMULATE_MAX_THREADS];
    emulate_fiber *current;
    emulate_fiber *ready[EMULATE_MAX_THREADS], *idle[EMULATE_MAX_THREADS + 1];
    unsigned n_ready, first_ready, n_idle;
    meeting barrier;
    unsigned any, count, result_any, result_count;
    warp_meeting warp[EMULATE_MAX_THREADS / EMULATE_WARP];
    emulate_site at[EMULATE_MAX_THREADS]; /* where each thread waits */
    bool over[EMULATE_MAX_THREADS];
} e;

static unsigned char *shared_memory;
emulate_moment emulate_now;

/* ---- sentences ---- */

static uint3 place(unsigned t)
{
    const dim3 b = blockDim;
    return {t % b.x, t / b.x % b.y, t / b.x / b.y};
}

/* What lies at an address, from the debugging information, where binutils is there. */
void emulate_print_place(const char *what, const void *at)
{
    Dl_info info;
    char command[1200], name[2000] = "";
    if (!dladdr(at, &info) || !info.dli_fname)
        return;
    const size_t offset = static_cast<size_t>(static_cast<const char *>(at) - static_cast<char *>(info.dli_fbase));
    snprintf(command, sizeof command, "addr2line -Cfipe '%s' 0x%zx 2>/dev/null", info.dli_fname, offset);
    FILE *f = popen(command, "r");
    if (!f || !fgets(name, sizeof name, f))
        snprintf(name, sizeof name, "0x%zx of %s\n", offset, info.dli_fname);
    fprintf(stderr, "    %s: %s", what, name);
    while (f && fgets(name, sizeof name, f)) /* the functions into which that was put */
        fprintf(stderr, "       %s", name);
    if (f)
        pclose(f);
}

void emulate_die(const char *format, ...)
{
    const emulate_job *job = e.job;
    va_list list;
    va_start(list, format);
    fprintf(stderr, "cuda_emulated: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    if (job) {
        fprintf(stderr, "    grid %ux%ux%u, block %ux%ux%u, shared %zu; block (%u, %u, %u), thread (%u, %u, %u)\n",
                job->grid.x, job->grid.y, job->grid.z, job->block.x, job->block.y, job->block.z, job->shared,
                blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
        emulate_print_place("kernel", job->kernel);
    }
    abort();
}

/* A fault inside of a kernel, without AddressSanitizer, which tells more: its name, then what would have come. */
static struct sigaction before;

static void on_fault(int, siginfo_t *info, void *)
{
    sigaction(SIGSEGV, &before, nullptr);
    emulate_die("a kernel touched %p, %s", info->si_addr,
                emulate_is_device(info->si_addr) ? "memory of the device that nobody asked for"
                                                 : "which is no memory of the device (or its stack overflowed)");
}

static void watch_faults(bool on)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    static char room[64 << 10];
    static bool ready;
    struct sigaction ours = {};
    if (!ready) {
        stack_t s = {};
        s.ss_sp = room;
        s.ss_size = sizeof room;
        sigaltstack(&s, nullptr);
        ready = true;
    }
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (on)
        sigaction(SIGSEGV, &ours, &before);
    else
        sigaction(SIGSEGV, &before, nullptr);
#else
    (void)on;
    (void)on_fault;
#endif
}

[[noreturn]] static void die_stuck(void)
{
    unsigned first = EMULATE_MAX_THREADS, other = EMULATE_MAX_THREADS;
    for (unsigned t = 0; t < e.n; t++)
        if (!e.over[t] && first == EMULATE_MAX_THREADS)
            first = t;
    for (unsigned t = 0; t < e.n && other == EMULATE_MAX_THREADS; t++)
        if (e.over[t] || !e.at[t].same(e.at[first]))
            other = t;
    const emulate_site s = e.at[first];
    const uint3 a = place(first), b = place(other % EMULATE_MAX_THREADS);
    threadIdx = a;
    if (other == EMULATE_MAX_THREADS)
        emulate_die("thread (%u, %u, %u) waits at %s of %s:%d for lanes that are no threads of its warp", a.x, a.y, a.z,
                    s.what, s.file, s.line);
    if (e.over[other])
        emulate_die("thread (%u, %u, %u) waits at %s of %s:%d, thread (%u, %u, %u) has ended", a.x, a.y, a.z, s.what,
                    s.file, s.line, b.x, b.y, b.z);
    emulate_die("thread (%u, %u, %u) waits at %s of %s:%d, thread (%u, %u, %u) at %s of %s:%d", a.x, a.y, a.z, s.what,
                s.file, s.line, b.x, b.y, b.z, e.at[other].what, e.at[other].file, e.at[other].line);
}

static void same_place(const emulate_site &there, const emulate_site &here)
{
    if (!there.same(here))
        emulate_die("this thread is at %s of %s:%d, others wait at %s of %s:%d", here.what, here.file, here.line,
                    there.what, there.file, there.line);
}

/* ---- fibers of a block ---- */

static void run_threads(emulate_fiber *f);

static void enter(emulate_fiber *f)
{
    e.current = f;
    if (f) {
        threadIdx = place(f->thread);
        emulate_now.thread = f->thread;
    }
}

/* Who goes on when this fiber cannot. nullptr: the caller of run_block. */
static emulate_fiber *pick(void)
{
    if (e.n_ready) {
        emulate_fiber *f = e.ready[e.first_ready++ % EMULATE_MAX_THREADS];
        e.n_ready--;
        return f;
    }
    if (e.next < e.n) {
        if (e.n_idle == 0)
            e.idle[e.n_idle++] = emulate_fiber_new(run_threads);
        return e.idle[--e.n_idle];
    }
    return nullptr;
}

static void leave(emulate_fiber *f)
{
    emulate_fiber *to = pick();
    if (to == f)
        return;
    emulate_switch(f, to);
}

static void run_threads(emulate_fiber *f)
{
    for (;;) {
        while (e.next < e.n) {
            f->thread = e.order[e.next++];
            enter(f);
            e.job->call(e.args);
            e.over[f->thread] = true;
            e.ended++;
        }
        e.idle[e.n_idle++] = f;
        emulate_switch(f, pick());
    }
}

static void wake(emulate_fiber **waiting, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e.ready[(e.first_ready + e.n_ready++) % EMULATE_MAX_THREADS] = waiting[i];
}

static void wait_here(emulate_site site)
{
    emulate_fiber *const f = e.current;
    e.at[f->thread] = site;
    leave(f);
    enter(f);
}

void emulate_barrier(emulate_site site, bool value, unsigned *any, unsigned *count)
{
    meeting *m = &e.barrier;
    if (!emulate_inside_kernel())
        emulate_die("%s of %s:%d outside of a kernel", site.what, site.file, site.line);
    if (m->arrived == 0)
        m->site = site;
    same_place(m->site, site);
    e.any |= value;
    e.count += value;
    m->waiting[m->arrived++] = e.current;
    if (m->arrived == e.n) {
        e.result_any = e.any;
        e.result_count = e.count;
        e.any = e.count = 0;
        m->arrived = 0;
        emulate_now.barriers++;
        wake(m->waiting, e.n - 1);
    } else
        wait_here(site);
    *any = e.result_any;
    *count = e.result_count;
}

const uint64_t *emulate_exchange(emulate_site site, unsigned mask, uint64_t value, unsigned *lane)
{
    if (!emulate_inside_kernel())
        emulate_die("%s of %s:%d outside of a kernel", site.what, site.file, site.line);
    const unsigned t = e.current->thread;
    warp_meeting *m = &e.warp[t / EMULATE_WARP];
    if (mask != 0xffffffffu)
        emulate_die("%s of %s:%d has the mask %08x: only a full one is portable", site.what, site.file, site.line,
                    mask);
    if (m->arrived == 0)
        m->site = site;
    same_place(m->site, site);
    const unsigned turn = m->turn;
    *lane = t % EMULATE_WARP;
    m->value[turn][*lane] = value;
    m->waiting[m->arrived++] = e.current;
    if (m->arrived == EMULATE_WARP) {
        m->arrived = 0;
        m->turn = !turn;
        emulate_now.warp_barriers[t / EMULATE_WARP] += site.orders;
        wake(m->waiting, EMULATE_WARP - 1);
    } else
        wait_here(site);
    return m->value[turn];
}

/* ---- blocks ---- */

const emulate_job *emulate_running(void)
{
    return e.job;
}

void *emulate_dynamic_shared(void)
{
    return shared_memory;
}

bool emulate_inside_kernel(void)
{
    return e.current != nullptr;
}

#ifdef FPC_EMULATE_SHARED_SECTION
/* All `__shared__` variables of this module; the one here makes sure that the section exists. */
__shared__ __attribute__((used)) unsigned char any_shared_variable[16];
extern "C" unsigned char __start_fpc_shared[] __attribute__((visibility("hidden")));
extern "C" unsigned char __stop_fpc_shared[] __attribute__((visibility("hidden")));
static void fill_static_shared(void)
{
    memset(__start_fpc_shared, 0xFF, static_cast<size_t>(__stop_fpc_shared - __start_fpc_shared));
}
#else
static void fill_static_shared(void) {}
#endif

/* 16 bytes of alignment and not more: a device promises no more either. */
static void limit_shared(size_t bytes)
{
    static unsigned char *all;
    if (!all) {
        all = static_cast<unsigned char *>(malloc(EMULATE_MAX_SHARED + 2 * GUARD));
        if (!all)
            emulate_die("no memory for shared memory");
        shared_memory = all + (GUARD - reinterpret_cast<size_t>(all) % 64) + 16;
    }
    ASAN_UNPOISON_MEMORY_REGION(all, EMULATE_MAX_SHARED + 2 * GUARD);
    memset(shared_memory, 0xFF, bytes + CANARY);
    ASAN_POISON_MEMORY_REGION(shared_memory + bytes, CANARY);
}

static void check_shared(size_t bytes)
{
#ifndef __SANITIZE_ADDRESS__
    for (size_t i = bytes; i < bytes + CANARY; i++)
        if (shared_memory[i] != 0xFF)
            emulate_die("wrote %zu bytes past the end of its dynamic shared memory", i - bytes);
#else
    (void)bytes;
#endif
}

static void run_block(void)
{
    e.next = e.ended = e.n_ready = e.first_ready = e.any = e.count = e.barrier.arrived = 0;
    memset(e.over, 0, sizeof e.over);
    for (warp_meeting &w : e.warp)
        w.arrived = w.turn = 0;
    emulate_now.run++;
    emulate_now.barriers = 0;
    memset(emulate_now.warp_barriers, 0, sizeof emulate_now.warp_barriers);
    fill_static_shared();
    memset(shared_memory, 0xFF, e.job->shared);
    emulate_switch(nullptr, pick());
    enter(nullptr);
    if (e.ended < e.n)
        die_stuck();
    check_shared(e.job->shared);
}

static unsigned choose_order(void)
{
    const char *text = getenv("FPCORE_EMULATED_ORDER");
    if (!text || !*text)
        return e.launches % ORDERS;
    return text[0] == 'b' ? BACKWARD : text[0] == 's' ? SHUFFLED : FORWARD;
}

static void order_threads(unsigned how)
{
    uint32_t state = e.launches * 2654435761u + 1;
    for (unsigned i = 0; i < e.n; i++)
        e.order[i] = static_cast<uint16_t>(how == BACKWARD ? e.n - 1 - i : i);
    for (unsigned i = e.n - 1; i > 0 && how == SHUFFLED; i--) {
        state = state * 1664525u + 1013904223u;
        const unsigned j = (state >> 8) % (i + 1);
        const uint16_t swap = e.order[i];
        e.order[i] = e.order[j];
        e.order[j] = swap;
    }
}

void emulate_run(const emulate_job *job, const void *args)
{
    if (e.job)
        emulate_die("two kernels at once");
    const uint64_t blocks = static_cast<uint64_t>(job->grid.x) * job->grid.y * job->grid.z;
    const unsigned how = choose_order();
    e.job = job;
    e.args = args;
    e.n = job->block.x * job->block.y * job->block.z;
    blockDim = job->block;
    gridDim = job->grid;
    order_threads(how);
    emulate_now.launch++;
    limit_shared(job->shared);
    watch_faults(true);
    for (uint64_t i = 0; i < blocks; i++) {
        const uint64_t b = how == BACKWARD ? blocks - 1 - i : i;
        blockIdx = {static_cast<unsigned>(b % job->grid.x), static_cast<unsigned>(b / job->grid.x % job->grid.y),
                    static_cast<unsigned>(b / job->grid.x / job->grid.y)};
        emulate_now.block = static_cast<uint32_t>(b);
        run_block();
    }
    watch_faults(false);
    emulate_check_red_zones();
    e.launches++;
    e.job = nullptr;
}
