/* queue.cpp: what was queued, in order: run at once, or with FPCORE_EMULATED_QUEUE=lazy when somebody waits; a device
 * may choose either. All streams share the queue. While a stream captures, what its thread queues goes into the record.
 */
#include "tests/cuda_emulator/queue.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static works queue = {nullptr, &queue.first};
static cudaStream_t capturing;
static thread_local bool captures_here;
static int spoilt; /* an illegal call came while capturing */
static works recorded;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

static void run(const work *w)
{
    if (w->kind == MARK) {
        w->event->at = now();
        w->event->pending--;
        return;
    }
    emulate_open();
    if (w->kind == JOB) {
        const emulate_job *job = reinterpret_cast<const emulate_job *>(w + 1);
        emulate_run(job, job + 1);
    } else if (w->kind == FILL)
        memset(w->dst, w->value, w->bytes);
    else
        memmove(w->dst, w->kind == STAGED ? w + 1 : w->src, w->bytes);
    emulate_close();
}

bool emulate_step(void)
{
    work *w = queue.first;
    if (!w)
        return false;
    queue.first = w->next;
    if (!queue.first)
        queue.last = &queue.first;
    run(w);
    free(w);
    return true;
}

void emulate_drain(void)
{
    while (emulate_step())
        ;
}

bool emulate_waits(void)
{
    return queue.first != nullptr;
}

bool emulate_records(void)
{
    return capturing && captures_here;
}

static bool lazy(void)
{
    const char *text = getenv("FPCORE_EMULATED_QUEUE");
    return text && !strcmp(text, "lazy");
}

work *emulate_work(work_kind kind, size_t further)
{
    const size_t bytes = (sizeof(work) + further + 15) / 16 * 16;
    work *w = static_cast<work *>(aligned_alloc(16, bytes));
    if (!w)
        emulate_die("no host memory");
    memset(w, 0, sizeof *w);
    w->kind = kind;
    return w;
}

void emulate_put(work *w)
{
    works *to = emulate_records() ? &recorded : &queue;
    if (to == &queue && !lazy()) {
        emulate_drain();
        run(w);
        free(w);
        return;
    }
    *to->last = w;
    to->last = &w->next;
}

cudaError_t emulate_forbidden(void)
{
    if (emulate_inside_kernel())
        emulate_die("a call of the runtime from inside of a kernel");
    if (!emulate_records())
        return cudaSuccess;
    spoilt = 1;
    return emulate_fail(cudaErrorStreamCaptureUnsupported);
}

void emulate_queue(cudaStream_t stream, const emulate_job *job, const void *args)
{
    const uint64_t threads = static_cast<uint64_t>(job->block.x) * job->block.y * job->block.z;
    if (!stream)
        emulate_die("a launch on the default stream");
    if (threads == 0 || threads > EMULATE_MAX_THREADS || job->block.z > 64 || job->grid.x == 0 || job->grid.y == 0 ||
        job->grid.z == 0 || job->grid.x > INT32_MAX || job->grid.y > 65535 || job->grid.z > 65535) {
        emulate_fail(cudaErrorInvalidConfiguration);
        return;
    }
    if (job->shared > EMULATE_MAX_SHARED) {
        emulate_fail(cudaErrorInvalidValue);
        return;
    }
    if (threads % EMULATE_WARP)
        emulate_die("a block of %d threads: whole warps are asked for", static_cast<int>(threads));
    work *w = emulate_work(JOB, sizeof *job + job->bytes);
    memcpy(static_cast<void *>(w + 1), job, sizeof *job);
    memcpy(reinterpret_cast<char *>(w + 1) + sizeof *job, args, job->bytes);
    emulate_put(w);
}

/* ---- records ---- */

static void free_works(works *list)
{
    for (work *w = list->first; w;) {
        work *next = w->next;
        free(w);
        w = next;
    }
    *list = {nullptr, &list->first};
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    (void)mode;
    if (!stream || capturing)
        return emulate_fail(cudaErrorIllegalState);
    recorded = {nullptr, &recorded.first};
    capturing = stream;
    captures_here = true;
    spoilt = 0;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (!stream || capturing != stream || !captures_here)
        return emulate_fail(cudaErrorIllegalState);
    capturing = nullptr;
    captures_here = false;
    *recorded.last = nullptr;
    if (spoilt) {
        free_works(&recorded);
        return emulate_fail(cudaErrorStreamCaptureInvalidated);
    }
    *graph = static_cast<cudaGraph_t>(calloc(1, sizeof(CUgraph_st)));
    if (!*graph)
        return emulate_fail(cudaErrorMemoryAllocation);
    (*graph)->list = recorded;
    return cudaSuccess;
}

static size_t size_of(const work *w)
{
    const size_t further =
        w->kind == JOB ? sizeof(emulate_job) + reinterpret_cast<const emulate_job *>(w + 1)->bytes : 0;
    return sizeof *w + further;
}

static work *copy_of(const work *w)
{
    work *copy = emulate_work(w->kind, size_of(w) - sizeof *w);
    memcpy(static_cast<void *>(copy), w, size_of(w));
    copy->next = nullptr;
    return copy;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    (void)flags;
    *exec = nullptr;
    if (!graph)
        return emulate_fail(cudaErrorInvalidValue);
    *exec = static_cast<cudaGraphExec_t>(calloc(1, sizeof(CUgraphExec_st)));
    if (!*exec)
        return emulate_fail(cudaErrorMemoryAllocation);
    works *list = &(*exec)->list;
    list->last = &list->first;
    for (const work *w = graph->list.first; w; w = w->next) {
        *list->last = copy_of(w);
        list->last = &(*list->last)->next;
    }
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    if (!exec || !stream)
        return emulate_fail(cudaErrorInvalidValue);
    for (const work *w = exec->list.first; w; w = w->next)
        emulate_put(copy_of(w));
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    if (!exec)
        return emulate_fail(cudaErrorInvalidValue);
    free_works(&exec->list);
    free(exec);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    if (!graph)
        return emulate_fail(cudaErrorInvalidValue);
    free_works(&graph->list);
    free(graph);
    return cudaSuccess;
}
