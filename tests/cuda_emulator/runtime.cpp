/* runtime.cpp: errors, the device, memory, streams and events (queue and records: queue.cpp). A copy from pageable host
 * memory reads it when it is queued, one to pageable memory waits, as on a device; pinned memory is touched when the
 * copy runs, so whoever changes it too early is found by the lazy queue. */
#include "tests/cuda_emulator/queue.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VERSION = 13000, MULTIPROCESSORS = 4, PAGE = 4096 };

struct pinned {
    char *at;
    size_t bytes;
    pinned *next;
};

static thread_local cudaError_t last;
static pinned *all_pinned;

cudaError_t emulate_fail(cudaError_t error)
{
    if (error != cudaSuccess)
        last = error;
    return error;
}

/* ---- names of errors ---- */

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalState, "cudaErrorIllegalState", "the operation cannot be performed in the present state"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
};

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error)
            return e.text;
    return "unrecognized error code";
}

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error)
            return e.name;
    return "unrecognized error code";
}

cudaError_t cudaGetLastError(void)
{
    const cudaError_t error = last;
    last = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last;
}

/* ---- the device ---- */

static int setting(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text && *text ? static_cast<int>(strtol(text, nullptr, 10)) : otherwise;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = setting("FPCORE_EMULATED_DRIVER", VERSION);
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *n)
{
    int driver = 0;
    *n = 0;
    cudaDriverGetVersion(&driver);
    if (driver < VERSION) /* as the runtime says it where there is no driver, too */
        return emulate_fail(cudaErrorInsufficientDriver);
    *n = setting("FPCORE_EMULATED_DEVICES", 1);
    return *n > 0 ? cudaSuccess : emulate_fail(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    int n;
    const cudaError_t error = cudaGetDeviceCount(&n);
    return error != cudaSuccess        ? error
           : device >= 0 && device < n ? cudaSuccess
                                       : emulate_fail(cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int *device)
{
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    const cudaError_t error = cudaSetDevice(device);
    if (error != cudaSuccess)
        return error;
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "emulated");
    p->totalGlobalMem = emulate_memory_total();
    p->multiProcessorCount = MULTIPROCESSORS;
    p->major = 9;
    p->sharedMemPerBlock = 48 << 10;
    p->sharedMemPerBlockOptin = EMULATE_MAX_SHARED;
    p->maxThreadsPerBlock = EMULATE_MAX_THREADS;
    p->warpSize = EMULATE_WARP;
    p->l2CacheSize = 1 << 20;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    *total = emulate_memory_total();
    *free = *total - emulate_memory_used();
    return cudaSuccess;
}

/* ---- memory ---- */

cudaError_t cudaMalloc(void **p, size_t bytes)
{
    const cudaError_t error = emulate_forbidden();
    return error != cudaSuccess ? error : emulate_fail(emulate_alloc(p, bytes));
}

cudaError_t cudaFree(void *p)
{
    const cudaError_t error = emulate_forbidden();
    if (error != cudaSuccess)
        return error;
    emulate_drain(); /* the device does, too */
    return emulate_fail(emulate_free(p));
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned flags)
{
    const cudaError_t error = emulate_forbidden();
    (void)flags;
    *p = nullptr;
    if (error != cudaSuccess || bytes == 0)
        return error;
    pinned *entry = static_cast<pinned *>(malloc(sizeof *entry));
    char *at =
        bytes > SIZE_MAX / 2 ? nullptr : static_cast<char *>(aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE));
    if (!entry || !at) {
        free(entry);
        free(at);
        return emulate_fail(cudaErrorMemoryAllocation);
    }
    memset(at, 0xFF, bytes);
    *entry = {at, bytes, all_pinned};
    all_pinned = entry;
    *p = at;
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t bytes)
{
    return cudaHostAlloc(p, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *p)
{
    const cudaError_t error = emulate_forbidden();
    if (error != cudaSuccess || !p)
        return error;
    emulate_drain();
    for (pinned **link = &all_pinned; *link; link = &(*link)->next) {
        pinned *entry = *link;
        if (entry->at != p)
            continue;
        *link = entry->next;
        free(entry->at);
        free(entry);
        return cudaSuccess;
    }
    return emulate_fail(cudaErrorInvalidValue);
}

static bool is_pinned(const void *p, size_t bytes)
{
    const char *at = static_cast<const char *>(p);
    for (const pinned *i = all_pinned; i; i = i->next)
        if (at >= i->at && at + bytes <= i->at + i->bytes)
            return true;
    return false;
}

/* Each side is where the direction says, and whole. */
static bool sides_fit(const void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind)
{
    const bool to = emulate_is_device(dst), from = emulate_is_device(src);
    if ((to && !emulate_inside(dst, bytes)) || (from && !emulate_inside(src, bytes)))
        return false;
    return kind == cudaMemcpyDefault || (to == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
                                         from == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice));
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    const bool records = emulate_records();
    (void)stream;
    if (emulate_inside_kernel())
        emulate_die("a call of the runtime from inside of a kernel");
    if (bytes == 0)
        return cudaSuccess;
    if (!dst || !src || !sides_fit(dst, src, bytes, kind))
        return emulate_fail(cudaErrorInvalidValue);
    const bool staged = !records && !emulate_is_device(src) && !is_pinned(src, bytes);
    work *w = emulate_work(staged ? STAGED : COPY, staged ? bytes : 0);
    w->dst = dst;
    w->src = src;
    w->bytes = bytes;
    if (staged)
        memcpy(static_cast<void *>(w + 1), src, bytes);
    emulate_put(w);
    if (!records && !emulate_is_device(dst) && !is_pinned(dst, bytes))
        emulate_drain();
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind)
{
    cudaError_t error = emulate_forbidden();
    if (error == cudaSuccess)
        error = cudaMemcpyAsync(dst, src, bytes, kind, nullptr);
    emulate_drain();
    return error;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream)
{
    (void)stream;
    if (emulate_inside_kernel())
        emulate_die("a call of the runtime from inside of a kernel");
    if (bytes == 0)
        return cudaSuccess;
    if (!emulate_is_device(p) || !emulate_inside(p, bytes))
        return emulate_fail(cudaErrorInvalidValue);
    work *w = emulate_work(FILL, 0);
    w->dst = p;
    w->value = value;
    w->bytes = bytes;
    emulate_put(w);
    return cudaSuccess;
}

cudaError_t cudaMemset(void *p, int value, size_t bytes)
{
    const cudaError_t error = emulate_forbidden();
    return error != cudaSuccess ? error : cudaMemsetAsync(p, value, bytes, nullptr);
}

/* ---- streams and events ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    *stream = static_cast<cudaStream_t>(calloc(1, sizeof(CUstream_st)));
    if (!*stream)
        return emulate_fail(cudaErrorMemoryAllocation);
    (*stream)->flags = flags;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    if (!stream)
        return emulate_fail(cudaErrorInvalidResourceHandle);
    emulate_drain();
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    (void)stream;
    const cudaError_t error = emulate_forbidden();
    if (error == cudaSuccess)
        emulate_drain();
    return error;
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    (void)stream;
    const cudaError_t error = emulate_forbidden();
    if (error != cudaSuccess)
        return error;
    const bool busy = emulate_waits();
    emulate_drain(); /* ready when asked again */
    return busy ? emulate_fail(cudaErrorNotReady) : cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    return cudaStreamSynchronize(nullptr);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    *event = static_cast<cudaEvent_t>(calloc(1, sizeof(CUevent_st)));
    if (!*event)
        return emulate_fail(cudaErrorMemoryAllocation);
    (*event)->flags = flags;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)stream;
    if (!event)
        return emulate_fail(cudaErrorInvalidResourceHandle);
    event->captured = emulate_records();
    if (event->captured)
        return cudaSuccess; /* a node of the graph that nobody may wait for */
    work *w = emulate_work(MARK, 0);
    w->event = event;
    event->pending++;
    emulate_put(w);
    return cudaSuccess;
}

/* Everything before the event has run; the queue behind it goes on when it likes, here: now. */
cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    const cudaError_t error = emulate_forbidden();
    if (error != cudaSuccess)
        return error;
    if (!event)
        return emulate_fail(cudaErrorInvalidResourceHandle);
    if (event->captured)
        return emulate_fail(cudaErrorCapturedEvent);
    while (event->pending && emulate_step())
        ;
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    const bool busy = event && event->pending;
    const cudaError_t error = cudaEventSynchronize(event); /* ready when asked again */
    return error != cudaSuccess ? error : busy ? emulate_fail(cudaErrorNotReady) : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    if (!start || !end || ((start->flags | end->flags) & cudaEventDisableTiming))
        return emulate_fail(cudaErrorInvalidResourceHandle);
    if (start->pending || end->pending)
        return emulate_fail(cudaErrorNotReady);
    *milliseconds = static_cast<float>(end->at - start->at);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    if (!event)
        return emulate_fail(cudaErrorInvalidResourceHandle);
    emulate_drain();
    free(event);
    return cudaSuccess;
}
