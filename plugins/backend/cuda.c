/* cuda.c: an NVIDIA GPU. This file is the machine: device, memory, the queue (one stream), marks (events), records
 * (CUDA graphs); the kernels are the tables of kernels/cuda. fpcore links no CUDA library: this plugin does, and says
 * in one sentence what is missing where there is no driver or no GPU. */
#define _GNU_SOURCE
#include <fpcore/backend.h>
#include "kernels/cuda/machine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tests make a plugin of another name out of this file (-D). */
#ifndef FPC_CUDA_NAME
#define FPC_CUDA_NAME "cuda"
#define FPC_CUDA_SUMMARY "One NVIDIA GPU."
#endif
#define NAME FPC_CUDA_NAME

enum {
    PRECISION_OF_RUN = -1,
    SYNC_MARK = FPC_MARKS,
    BLAS_BYTES = 32 << 20,
    MEBI = 1 << 20,
    RESERVE = 512 << 20,
    MOST_TABLES = 24
};

struct cuda {
    fpc_self self;
    int64_t device, precision, deterministic, memory_limit, capture, check; /* as the recipe says */
    fpc_cuda m;
    cudaEvent_t mark[FPC_MARKS + 1];
    uint8_t marked[FPC_MARKS + 1];
    const fpc_kernel *tables[MOST_TABLES];
    int32_t *seen; /* pinned: the fault words as they were at each mark, and at the last sync */
};

fpc_cuda *fpc_cuda_open_machine;

/* ---- sentences ---- */

static fpc_status wrong(struct cuda *c, const char *what, cudaError_t e)
{
    const char *advice = "; a fault of an earlier kernel shows up at the next wait: backend.check = on names its op";
    if (e == cudaErrorMemoryAllocation)
        return fpc_fail(c->self.ctx, FPC_ENOMEM, "%s: GPU %d has no memory left for it", what, c->m.device);
    return fpc_fail(c->self.ctx, FPC_EDEVICE, "%s: GPU %d: %s (%s)%s", what, c->m.device, cudaGetErrorString(e),
                    cudaGetErrorName(e), c->check ? "" : advice);
}

static size_t put_shapes(char *text, size_t room, const fpc_tensor *t, int32_t n)
{
    size_t at = 0;
    for (int32_t i = 0; i < n && at < room; i++) {
        const fpc_shape s = t[i].shape;
        at += (size_t)snprintf(text + at, room - at, "%s%dx%dx%dx%d", i ? ", " : "", s.n, s.h, s.w, s.c);
    }
    return at;
}

fpc_status fpc_cuda_fail(fpc_exec *x, const fpc_node *node, const char *what, const char *error)
{
    char in[160] = "", out[80] = "";
    put_shapes(in, sizeof in, node->in, node->n_in);
    put_shapes(out, sizeof out, node->out, node->n_out);
    return fpc_fail(fpc_exec_ctx(x), FPC_EDEVICE, "%s `%s` (%s -> %s)%s%s: %s", node->op, node->name, in, out,
                    what ? ": " : "", what ? what : "", error);
}

fpc_status fpc_cuda_launched(fpc_exec *x, const fpc_node *node)
{
    const fpc_cuda *m = fpc_exec_backend(x);
    cudaError_t e = cudaGetLastError();
    if (e == cudaSuccess && m->check)
        e = cudaStreamSynchronize(m->stream);
    return e == cudaSuccess ? FPC_OK : fpc_cuda_fail(x, node, NULL, cudaGetErrorString(e));
}

/* What kernels found wrong with the data before mark `at`. */
static fpc_status look_at_fault(struct cuda *c, int32_t at)
{
    const int32_t *f = c->seen + (size_t)at * FPC_CUDA_FAULTS;
    if (f[0] != FPC_CUDA_BAD_LABEL)
        return FPC_OK;
    return fpc_fail(c->self.ctx, FPC_EFORMAT,
                    "image %d of the batch has the label %d, which is neither a class nor the ignored label", f[1],
                    f[2]);
}

/* ---- opening ---- */

static fpc_status no_device(struct cuda *c, cudaError_t e)
{
    int driver = 0, needed = 0;
    const char *label = c->self.label;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&needed);
    if (driver == 0)
        return fpc_fail(c->self.ctx, FPC_EDEVICE,
                        "[%s] use = " NAME ": this machine has no NVIDIA driver; use = cpu runs on its processors",
                        label);
    if (e == cudaErrorInsufficientDriver)
        return fpc_fail(c->self.ctx, FPC_EDEVICE,
                        "[%s] use = " NAME
                        ": the NVIDIA driver knows CUDA up to %d.%d, this build needs %d.%d; a newer "
                        "driver, or a build with an older toolkit, is needed",
                        label, driver / 1000, driver % 1000 / 10, needed / 1000, needed % 1000 / 10);
    return fpc_fail(c->self.ctx, FPC_EDEVICE, "[%s] use = " NAME ": no GPU can be used: %s; use = cpu does without",
                    label, e == cudaSuccess ? "the driver shows none" : cudaGetErrorString(e));
}

static fpc_status choose_device(struct cuda *c, fpc_device *device)
{
    struct cudaDeviceProp p;
    int n = 0;
    setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0); /* else the fastest is number 0 */
    cudaError_t e = cudaGetDeviceCount(&n);
    if (e != cudaSuccess || n < 1)
        return no_device(c, e);
    if (c->device >= n)
        return fpc_fail(c->self.ctx, FPC_EINVAL, "%s: %s.device = %d: there %s %d GPU%s, numbered from 0",
                        fpc_origin(&c->self, "device"), c->self.label, (int)c->device, n == 1 ? "is" : "are", n,
                        n == 1 ? "" : "s");
    c->m.device = (int32_t)c->device;
    e = cudaSetDevice(c->m.device);
    e = e == cudaSuccess ? cudaGetDeviceProperties(&p, c->m.device) : e;
    if (e != cudaSuccess)
        return wrong(c, "opening the device", e);
    if (p.major < 8)
        return fpc_fail(c->self.ctx, FPC_ENOSUPPORT,
                        "[%s] use = " NAME ": GPU %d (%s) has compute capability %d.%d; 8.0 or newer is needed",
                        c->self.label, c->m.device, p.name, p.major, p.minor);
    c->m.sms = p.multiProcessorCount;
    snprintf(device->name, sizeof device->name, "%.32s, sm_%d%d", p.name, p.major, p.minor);
    return FPC_OK;
}

static void choose_precision(struct cuda *c, fpc_device *device)
{
    if (c->precision != PRECISION_OF_RUN)
        device->precision = (uint32_t)c->precision;
    c->m.tf32 = device->precision != FPC_FP32; /* what stays fp32 beside half precision are small products */
    c->m.deterministic = (int32_t)c->deterministic;
    c->m.check = (int32_t)c->check;
}

static fpc_status make_queue(struct cuda *c)
{
    void *seen = NULL, *fault = NULL;
    const size_t bytes = FPC_CUDA_FAULTS * sizeof(int32_t);
    cudaError_t e = cudaStreamCreateWithFlags(&c->m.stream, cudaStreamNonBlocking);
    for (int i = 0; i <= FPC_MARKS && e == cudaSuccess; i++)
        e = cudaEventCreateWithFlags(&c->mark[i], cudaEventDisableTiming);
    e = e == cudaSuccess ? cudaMallocHost(&seen, bytes * (FPC_MARKS + 1)) : e;
    c->seen = seen;
    if (e == cudaSuccess)
        memset(seen, 0, bytes * (FPC_MARKS + 1));
    e = e == cudaSuccess ? cudaMalloc(&fault, bytes) : e;
    c->m.fault = fault;
    e = e == cudaSuccess ? cudaMemsetAsync(fault, 0, bytes, c->m.stream) : e;
    return e == cudaSuccess ? FPC_OK : wrong(c, "opening the device", e);
}

static fpc_status open_libraries(struct cuda *c)
{
    const char *error = NULL;
    const fpc_status blas = fpc_cuda_blas_open(&c->m, &error);
    if (blas && blas != FPC_ENOENT)
        return fpc_fail(c->self.ctx, blas, "[%s] use = " NAME ": cuBLASLt: %s", c->self.label, error);
    if (blas)
        fpc_log(c->self.ctx, FPC_LOG_WARN, "backend " NAME ": cuBLASLt: %s; own kernels compute products, more slowly",
                error);
    c->m.blas_bytes = c->m.blas ? BLAS_BYTES : 0;
    const cudaError_t e = c->m.blas ? cudaMalloc(&c->m.blas_work, c->m.blas_bytes) : cudaSuccess;
    if (e != cudaSuccess)
        return wrong(c, "work memory of cuBLASLt", e);
#ifdef FPC_HAVE_CUDNN
    if (fpc_cuda_dnn_open(&c->m, &error))
        fpc_log(c->self.ctx, FPC_LOG_WARN, "backend " NAME ": cuDNN: %s; convolutions do without it", error);
#endif
    return FPC_OK;
}

static fpc_status measure_memory(struct cuda *c, fpc_device *device)
{
    const size_t limit = (size_t)c->memory_limit * MEBI;
    const cudaError_t e = cudaMemGetInfo(&device->free, &device->total);
    if (e != cudaSuccess)
        return wrong(c, "asking for the device's memory", e);
    /* What the runtime and the libraries take when they first run a kernel; else a recipe that is said to fit would
     * not. */
    device->free -= device->free / 32 < RESERVE ? device->free / 32 : RESERVE;
    if (limit && limit < device->free)
        device->free = limit;
    return FPC_OK;
}

static fpc_status open_cuda(fpc_self *self, fpc_device *device)
{
    struct cuda *c = (struct cuda *)self;
    if (fpc_cuda_open_machine)
        return fpc_fail(self->ctx, FPC_EINVAL, "[%s] use = " NAME ": a GPU is open already; one at a time",
                        self->label);
    fpc_status st = choose_device(c, device);
    choose_precision(c, device);
    st = st ? st : make_queue(c);
    st = st ? st : open_libraries(c);
    st = st ? st : measure_memory(c, device);
    if (st)
        return st;
    fpc_cuda_open_machine = &c->m;
    device->real = FPC_F32;
    device->threads = 1;
    device->precisions = 1u << FPC_FP32 | 1u << FPC_TF32 | 1u << FPC_HALF_BF16 | 1u << FPC_HALF_FP16;
    device->fuses = 2;
    device->exec = &c->m;
    return FPC_OK;
}

/* Those of the libraries come last, so that they can be left out. */
static const fpc_kernel *const *kernels(fpc_self *self)
{
    struct cuda *c = (struct cuda *)self;
    static const fpc_kernel *const own[] = {fpc_cuda_linear,     fpc_cuda_conv,          fpc_cuda_conv_depthwise,
                                            fpc_cuda_norm,       fpc_cuda_norm_batch,    fpc_cuda_attention,
                                            fpc_cuda_pointwise,  fpc_cuda_resize,        fpc_cuda_resize_pool,
                                            fpc_cuda_image,      fpc_cuda_image_colour,  fpc_cuda_image_filter,
                                            fpc_cuda_image_jpeg, fpc_cuda_image_mix,     fpc_cuda_loss,
                                            fpc_cuda_loss_pixel, fpc_cuda_loss_distance, fpc_cuda_train};
    int32_t n = sizeof own / sizeof *own;
    memcpy(c->tables, own, sizeof own);
    if (c->m.blas)
        c->tables[n++] = fpc_cuda_linear_lt;
#ifdef FPC_HAVE_CUDNN
    if (c->m.dnn)
        c->tables[n++] = fpc_cuda_conv_cudnn;
#endif
    c->tables[n] = NULL;
    return c->tables;
}

static void fini(fpc_self *self)
{
    struct cuda *c = (struct cuda *)self;
    if (c->m.stream)
        cudaStreamSynchronize(c->m.stream);
    if (c->m.blas)
        fpc_cuda_blas_close(&c->m);
#ifdef FPC_HAVE_CUDNN
    if (c->m.dnn)
        fpc_cuda_dnn_close(&c->m);
#endif
    if (c->m.blas_work) /* not where nothing was opened: the runtime would open a device for it */
        cudaFree(c->m.blas_work);
    if (c->m.fault)
        cudaFree(c->m.fault);
    if (c->seen)
        cudaFreeHost(c->seen);
    for (int i = 0; i <= FPC_MARKS; i++)
        if (c->mark[i])
            cudaEventDestroy(c->mark[i]);
    if (c->m.stream)
        cudaStreamDestroy(c->m.stream);
    if (fpc_cuda_open_machine == &c->m)
        fpc_cuda_open_machine = NULL;
}

/* ---- memory and the queue ---- */

static fpc_status alloc(fpc_self *self, size_t bytes, void **out)
{
    struct cuda *c = (struct cuda *)self;
    *out = NULL;
    if (cudaMalloc(out, bytes) != cudaSuccess) {
        cudaGetLastError(); /* the core says what there was no memory for */
        return FPC_ENOMEM;
    }
    const cudaError_t e = cudaMemsetAsync(*out, 0, bytes, c->m.stream);
    return e == cudaSuccess ? FPC_OK : wrong(c, "clearing memory", e);
}

static void release(fpc_self *self, void *p)
{
    struct cuda *c = (struct cuda *)self;
    cudaStreamSynchronize(c->m.stream); /* queued work may still use it */
    cudaFree(p);
}

static fpc_status alloc_host(fpc_self *self, size_t bytes, void **out)
{
    (void)self;
    *out = NULL;
    if (cudaMallocHost(out, bytes) != cudaSuccess) {
        cudaGetLastError();
        return FPC_ENOMEM;
    }
    memset(*out, 0, bytes);
    return FPC_OK;
}

static void release_host(fpc_self *self, void *p)
{
    struct cuda *c = (struct cuda *)self;
    cudaStreamSynchronize(c->m.stream);
    cudaFreeHost(p);
}

static fpc_status queue_copy(fpc_self *self, void *dst, const void *src, size_t bytes, fpc_way way)
{
    struct cuda *c = (struct cuda *)self;
    const enum cudaMemcpyKind kind = way == FPC_TO_DEVICE ? cudaMemcpyHostToDevice
                                     : way == FPC_TO_HOST ? cudaMemcpyDeviceToHost
                                                          : cudaMemcpyDeviceToDevice;
    const cudaError_t e = cudaMemcpyAsync(dst, src, bytes, kind, c->m.stream);
    return e == cudaSuccess ? FPC_OK : wrong(c, "copying", e);
}

static fpc_status mark(fpc_self *self, int32_t at)
{
    struct cuda *c = (struct cuda *)self;
    fpc_status st = queue_copy(self, c->seen + (size_t)at * FPC_CUDA_FAULTS, c->m.fault,
                               FPC_CUDA_FAULTS * sizeof(int32_t), FPC_TO_HOST);
    const cudaError_t e = st ? cudaSuccess : cudaEventRecord(c->mark[at], c->m.stream);
    c->marked[at] = 1;
    return st ? st : e == cudaSuccess ? FPC_OK : wrong(c, "marking the queue", e);
}

static fpc_status wait_for(fpc_self *self, int32_t at)
{
    struct cuda *c = (struct cuda *)self;
    if (!c->marked[at])
        return FPC_OK;
    const cudaError_t e = cudaEventSynchronize(c->mark[at]);
    return e == cudaSuccess ? look_at_fault(c, at) : wrong(c, "waiting for the GPU", e);
}

static fpc_status sync(fpc_self *self)
{
    const fpc_status st = mark(self, SYNC_MARK);
    return st ? st : wait_for(self, SYNC_MARK);
}

static fpc_status copy(fpc_self *self, void *dst, const void *src, size_t bytes, fpc_way way)
{
    const fpc_status st = queue_copy(self, dst, src, bytes, way);
    return st || way == FPC_ON_DEVICE ? st : sync(self);
}

/* ---- records ---- */

/* What cannot be recorded is run. A device that failed says so again then. */
static void not_recorded(struct cuda *c, cudaError_t e)
{
    cudaGetLastError();
    fpc_log(c->self.ctx, FPC_LOG_WARN, "backend " NAME ": a program cannot be recorded (%s); it runs op by op",
            cudaGetErrorString(e));
}

/* Relaxed: no other thread works with the device, and what the libraries may still allocate or load harms no record. */
static fpc_status record_begin(fpc_self *self)
{
    struct cuda *c = (struct cuda *)self;
    if (!c->capture || c->check)
        return FPC_ENOSUPPORT;
    const cudaError_t e = cudaStreamBeginCapture(c->m.stream, cudaStreamCaptureModeRelaxed);
    if (e != cudaSuccess)
        not_recorded(c, e);
    return e == cudaSuccess ? FPC_OK : FPC_ENOSUPPORT;
}

static fpc_status record_end(fpc_self *self, void **record)
{
    struct cuda *c = (struct cuda *)self;
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    cudaError_t e = cudaStreamEndCapture(c->m.stream, &graph);
    *record = NULL;
    if (e == cudaSuccess && graph)
        e = cudaGraphInstantiateWithFlags(&exec, graph, 0); /* the one whose arguments no version changed */
    if (graph)
        cudaGraphDestroy(graph);
    if (e != cudaSuccess || !exec) {
        not_recorded(c, e);
        return FPC_OK;
    }
    *record = exec;
    return FPC_OK;
}

static fpc_status replay(fpc_self *self, void *record)
{
    struct cuda *c = (struct cuda *)self;
    const cudaError_t e = cudaGraphLaunch(record, c->m.stream);
    return e == cudaSuccess ? FPC_OK : wrong(c, "replaying a recorded program", e);
}

static void forget(fpc_self *self, void *record)
{
    struct cuda *c = (struct cuda *)self;
    cudaStreamSynchronize(c->m.stream);
    cudaGraphExecDestroy(record);
}

/* ---- the plugin ---- */

static const fpc_choice precisions[] = {
    {"run", PRECISION_OF_RUN, "what run.precision says"},
    {"fp32", FPC_FP32, "products of fp32 numbers in fp32"},
    {"tf32", FPC_TF32, "products of fp32 numbers with 10 bits of mantissa, on tensor cores"},
    {"bf16", FPC_HALF_BF16, "activations and products in bfloat16; parameters, statistics and losses in fp32"},
    {"fp16", FPC_HALF_FP16, "the same in half precision, with dynamic loss scaling"},
    {0}};
static const fpc_option options[] = {
    {"device", "which GPU, as nvidia-smi numbers them", "", "0", 0, 63, NULL, FPC_OPT_INT, FPC_OPT_RESUMABLE,
     FPC_FIELD_(struct cuda, device, int64_t)},
    FPC_OPTION_CHOICE(struct cuda, precision, "run", precisions, "what activations and products are computed in"),
    FPC_OPTION_BOOL(struct cuda, deterministic, "on",
                    "the same bits in every run; off: cuDNN may take any of its algorithms"),
    {"memory_limit", "memory of the GPU that may be used; 0: all that is free", "MiB", "0", 0, 1 << 24, NULL,
     FPC_OPT_INT, FPC_OPT_RESUMABLE, FPC_FIELD_(struct cuda, memory_limit, int64_t)},
    {"capture", "a step is recorded once and replayed as a whole (CUDA graph); same bits, less waiting", "", "on", 0, 1,
     NULL, FPC_OPT_BOOL, FPC_OPT_RESUMABLE | FPC_OPT_EXPERT, FPC_FIELD_(struct cuda, capture, int64_t)},
    {"check", "wait after every op, so that a fault of the GPU is told with the op's name; slow", "", "off", 0, 1, NULL,
     FPC_OPT_BOOL, FPC_OPT_RESUMABLE | FPC_OPT_EXPERT, FPC_FIELD_(struct cuda, check, int64_t)},
    {0}};
static const fpc_backend_vtbl vtbl = {.size = sizeof vtbl,
                                      .kernel_size = sizeof(fpc_kernel),
                                      .open = open_cuda,
                                      .kernels = kernels,
                                      .alloc = alloc,
                                      .release = release,
                                      .copy = copy,
                                      .sync = sync,
                                      .alloc_host = alloc_host,
                                      .release_host = release_host,
                                      .queue_copy = queue_copy,
                                      .mark = mark,
                                      .wait = wait_for,
                                      .record_begin = record_begin,
                                      .record_end = record_end,
                                      .replay = replay,
                                      .forget = forget};
static const fpc_plugin cuda = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_BACKEND,
    .name = NAME,
    .summary = FPC_CUDA_SUMMARY,
    .detail =
        "Compute capability 8.0 or newer. Data, augmentation, training and validation stay on the device; a step is "
        "recorded once and replayed. Two runs on the same kind of GPU give the same bits.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct cuda),
    .fini = fini,
    .vtbl = &vtbl};
FPC_PLUGINS(&cuda)
