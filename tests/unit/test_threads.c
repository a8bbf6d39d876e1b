/* test_threads.c: the threads of the cpu backend: every item runs once, whoever is free helps the others, items begin
 * with the thread that they belong to; and how many processors a process is granted. */
#define _GNU_SOURCE
#include "kernels/cpu/threads.h"
#include "fixture.h"
#include "base/processors.h"
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

enum { MOST = 200000 };

static const int32_t counts[] = {1, 2, 3, 7, 33, 64, 200};

typedef struct run {
    int32_t threads, n;
    atomic_int started, wrong;
    atomic_int *ran;     /* by item */
    atomic_int *by;      /* the thread that ran it */
    cpu_set_t processor; /* those of the last thread but the first that ran */
} run;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void open_run(run *r, int32_t threads, int32_t n)
{
    *r = (run){.threads = threads, .n = n};
    r->ran = calloc((size_t)n + 1, sizeof *r->ran);
    r->by = calloc((size_t)n + 1, sizeof *r->by);
    assert_non_null(r->ran);
    assert_non_null(r->by);
}

static void close_run(run *r)
{
    free(r->ran);
    free(r->by);
}

static fpc_threads *pool_of(int32_t threads, int32_t processors)
{
    fpc_threads *p = fpc_threads_new(threads, processors);
    assert_non_null(p);
    return p;
}

static void count(void *arg, int32_t i, int32_t thread)
{
    run *r = arg;
    if (i < 0 || i >= r->n || thread < 0 || thread >= r->threads)
        atomic_fetch_add(&r->wrong, 1);
    else
        atomic_fetch_add(&r->ran[i], 1);
}

/* Now and then an item is long, so that others take what its thread has left. */
static void count_unevenly(void *arg, int32_t i, int32_t thread)
{
    if (i % 17 == 0)
        for (volatile int k = 0; k < 2000; k++)
            ;
    count(arg, i, thread);
}

static void each_ran(const run *r, int times)
{
    assert_int_equal(atomic_load(&r->wrong), 0);
    for (int32_t i = 0; i < r->n; i++)
        if (atomic_load(&r->ran[i]) != times)
            fail_msg("%d threads, item %d of %d: ran %d times, not %d", r->threads, i, r->n, atomic_load(&r->ran[i]),
                     times);
}

/* Jobs of n items each: every item once in each of them. */
static void counts_all(fpc_threads *p, int32_t threads, int32_t n, int32_t jobs, void (*body)(void *, int32_t, int32_t))
{
    run r;
    open_run(&r, threads, n);
    for (int32_t k = 0; k < jobs; k++)
        fpc_threads_run(p, n, body, &r);
    each_ran(&r, jobs);
    close_run(&r);
}

/* Spinning and sleeping pools alike; the numbers of jobs pass their end after 1000. */
static void every_item_runs_once(void **state)
{
    static const int32_t lengths[] = {2, 3, 8, 65, 199, 200, 201, 1000};
    for (size_t t = 0; t < sizeof counts / sizeof *counts; t++)
        for (int spins = 0; spins < 2; spins++) {
            const int32_t jobs = counts[t] < 10 ? 200 : spins ? 5 : 30;
            fpc_threads *p = pool_of(counts[t], spins ? counts[t] : 1);
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
                counts_all(p, counts[t], lengths[l], jobs, count_unevenly);
            fpc_threads_free(p);
        }
    (void)state;
}

/* Threads without an item for all the jobs before still get theirs. */
static void short_jobs_then_long_ones(void **state)
{
    fpc_threads *p = pool_of(7, 1);
    counts_all(p, 7, 2, 1100, count);
    counts_all(p, 7, 50, 1, count);
    fpc_threads_free(p);
    (void)state;
}

static void more_items_than_a_job_holds(void **state)
{
    fpc_threads *p = pool_of(3, 2);
    counts_all(p, 3, MOST, 1, count);
    fpc_threads_free(p);
    (void)state;
}

/* The first item waits for all others, some of which belong to the same thread. */
static void wait_for_others(void *arg, int32_t i, int32_t thread)
{
    run *r = arg;
    const double give_up = seconds() + 20;
    (void)thread;
    if (i > 0) {
        atomic_fetch_add(&r->started, 1);
        return;
    }
    while (atomic_load(&r->started) < r->n - 1 && seconds() < give_up)
        sched_yield();
    atomic_fetch_add(&r->wrong, atomic_load(&r->started) < r->n - 1);
}

static void who_is_done_helps(void **state)
{
    for (int32_t threads = 2; threads <= 33; threads += 31) {
        fpc_threads *p = pool_of(threads, 2);
        run r;
        open_run(&r, threads, 4 * threads);
        fpc_threads_run(p, r.n, wait_for_others, &r);
        assert_int_equal(atomic_load(&r.wrong), 0);
        close_run(&r);
        fpc_threads_free(p);
    }
    (void)state;
}

/* Nobody is done before all have begun, so nobody helps. */
static void wait_for_all(void *arg, int32_t i, int32_t thread)
{
    run *r = arg;
    const double give_up = seconds() + 20;
    atomic_store(&r->by[i], thread);
    atomic_fetch_add(&r->started, 1);
    while (atomic_load(&r->started) < r->n && seconds() < give_up)
        sched_yield();
}

static void items_begin_with_the_thread_they_belong_to(void **state)
{
    fpc_threads *p = pool_of(33, 2);
    for (int32_t k = 0; k < 5; k++) {
        run r;
        open_run(&r, 33, 33);
        fpc_threads_run(p, 33, wait_for_all, &r);
        for (int32_t i = 0; i < 33; i++)
            assert_int_equal(atomic_load(&r.by[i]), i);
        close_run(&r);
    }
    fpc_threads_free(p);
    (void)state;
}

typedef struct nested {
    fpc_threads *pool;
    run inner[8];
} nested;

static void run_within(void *arg, int32_t i, int32_t thread)
{
    nested *n = arg;
    (void)thread;
    fpc_threads_run(n->pool, 20, count, &n->inner[i]);
}

static void a_job_within_a_job(void **state)
{
    nested n = {.pool = pool_of(3, 2)};
    for (int i = 0; i < 8; i++)
        open_run(&n.inner[i], 3, 20);
    fpc_threads_run(n.pool, 8, run_within, &n);
    for (int i = 0; i < 8; i++) {
        each_ran(&n.inner[i], 1);
        close_run(&n.inner[i]);
    }
    fpc_threads_free(n.pool);
    (void)state;
}

static void look_where(void *arg, int32_t i, int32_t thread)
{
    run *r = arg;
    cpu_set_t mine;
    wait_for_all(arg, i, thread);
    sched_getaffinity(0, sizeof mine, &mine);
    atomic_store(&r->ran[i], CPU_COUNT(&mine));
    if (i == r->n - 1)
        r->processor = mine;
}

static void bound_threads_have_one_processor_each(void **state)
{
    cpu_set_t before, after, both;
    fpc_threads *p = pool_of(4, 1);
    run r;
    sched_getaffinity(0, sizeof before, &before);
    open_run(&r, 4, 4);
    assert_int_equal(fpc_threads_bind(p), 0);
    fpc_threads_run(p, 4, look_where, &r);
    for (int32_t i = 1; i < 4; i++)
        assert_int_equal(atomic_load(&r.ran[i]), 1);
    CPU_AND(&both, &before, &r.processor);
    assert_int_equal(CPU_COUNT(&both), 1);
    sched_getaffinity(0, sizeof after, &after);
    assert_true(CPU_EQUAL(&before, &after)); /* what the caller starts later is not tied */
    close_run(&r);
    fpc_threads_free(p);
    (void)state;
}

/* ---- quotas of control groups ---- */

static void put(const char *name, const char *text)
{
    char folder[200];
    snprintf(folder, sizeof folder, "%s", name);
    *strrchr(folder, '/') = 0;
    make_folder(folder);
    write_bytes(name, text, strlen(text));
}

static int32_t quota(const char *root)
{
    return fpc_processors_quota(in_folder(root));
}

static void no_quota(void **state)
{
    assert_int_equal(fpc_processors_quota("/var/empty/nothing"), 0);
    put("none/proc/self/cgroup", "0::/\n");
    assert_int_equal(quota("none"), 0);
    put("none/sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_int_equal(quota("none"), 0);
    put("none/sys/fs/cgroup/cpu.max", "");
    assert_int_equal(quota("none"), 0);
    put("none/sys/fs/cgroup/cpu.max", "400000 0\n");
    assert_int_equal(quota("none"), 0);
    assert_true(fpc_processors() >= 1);
    (void)state;
}

static void quota_of_version_2(void **state)
{
    put("two/proc/self/cgroup", "0::/a/b\n");
    put("two/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("two/sys/fs/cgroup/a/cpu.max", "250000 100000\n"); /* that of the group above, rounded up */
    assert_int_equal(quota("two"), 3);
    put("two/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    assert_int_equal(quota("two"), 1);
    put("two/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
    assert_int_equal(quota("two"), 3);
    put("inside/proc/self/cgroup", "0::/the/path/on/the/host\n");
    put("inside/sys/fs/cgroup/cpu.max", "400000 100000\n");
    assert_int_equal(quota("inside"), 4);
    (void)state;
}

static void quota_of_version_1(void **state)
{
    put("one/proc/self/cgroup", "9:name=systemd:/\n5:cpuset:/\n4:cpu,cpuacct:/docker/x\n2:memory:/m\n");
    put("one/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("one/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota("one"), 0);
    put("one/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
    assert_int_equal(quota("one"), 2);
    put("one/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "50000\n");
    put("one/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "50000\n");
    assert_int_equal(quota("one"), 1);
    put("acct/proc/self/cgroup", "4:cpuacct:/\n");
    put("acct/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
    put("acct/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota("acct"), 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_item_runs_once),
        CASE(short_jobs_then_long_ones),
        CASE(more_items_than_a_job_holds),
        CASE(who_is_done_helps),
        CASE(items_begin_with_the_thread_they_belong_to),
        CASE(a_job_within_a_job),
        CASE(bound_threads_have_one_processor_each),
        CASE(no_quota),
        CASE(quota_of_version_2),
        CASE(quota_of_version_1),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
