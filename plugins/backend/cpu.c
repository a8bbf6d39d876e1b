/* cpu.c: the fast backend. Memory is the host's, threads are those of kernels/cpu/threads.c, and the kernels are the
 * tables of kernels/cpu, each compiled for three levels of instructions, those for activations in bf16 for a fourth;
 * the best that the processor knows is taken when the backend opens, so one build serves every x86-64 machine.
 * Elsewhere there is the generic level alone. Results depend on the level, not on the number of threads. */
#define _GNU_SOURCE
#include <fpcore/backend.h>
#include "kernels/cpu/threads.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ISA_AUTO = 0, ISA_GENERIC, ISA_AVX2, ISA_AVX512, ISA_AVX512_BF16 };
enum { PRECISION_OF_RUN = -1 };

/* clang-format off */
/* What a prediction needs, and what only training does: libfpseg is this file without the latter (FPC_INFERENCE). */
#ifdef FPC_INFERENCE
#define GRADIENTS(X, isa)
#define TRAINING(X, isa)
#else
#define GRADIENTS(X, isa)                                                                                              \
    X(linear_grad, isa) X(conv_grad, isa) X(attention_grad, isa) X(norm_grad, isa) X(pointwise_grad, isa)              \
    X(resize_grad, isa)
#define TRAINING(X, isa)                                                                                               \
    X(image_batch, isa) X(image_colour, isa) X(image_filter, isa) X(image_jpeg, isa) X(image_mix, isa) X(loss, isa)    \
    X(loss_pixel, isa) X(loss_distance, isa) X(train, isa)
#endif
#define ACTIVATIONS(X, isa)                                                                                            \
    X(linear, isa) X(conv, isa) X(attention, isa) X(norm, isa) X(pointwise, isa) X(resize, isa) GRADIENTS(X, isa)
#define FAMILIES(X, isa) ACTIVATIONS(X, isa) X(image, isa) X(classes, isa) TRAINING(X, isa)
/* Tables for fp32 at one level, and those for activations in bf16, which may be of a further one. */
#define LEVEL(isa, half) FAMILIES(DECLARE, isa) ACTIVATIONS(DECLARE, half)                                             \
    static const fpc_kernel *const tables_##half[] = {FAMILIES(ENTRY, isa) ACTIVATIONS(ENTRY, half) NULL};
/* clang-format on */
#define DECLARE(family, isa) extern const fpc_kernel fpc_cpu_##family##_##isa[];
#define ENTRY(family, isa) fpc_cpu_##family##_##isa,

LEVEL(generic, generic_half)
#if defined(__x86_64__)
LEVEL(avx2, avx2_half)
LEVEL(avx512, avx512_half)
LEVEL(avx512, avx512_bf16_half)
#endif

struct cpu {
    fpc_self self;
    int64_t threads, bind, isa, precision; /* as the recipe says */
    int level;                             /* as found */
    int half;                              /* products of bf16 */
    fpc_threads *pool;
};

static int best_isa(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
        return __builtin_cpu_supports("avx512bf16") ? ISA_AVX512_BF16 : ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return ISA_AVX2;
#endif
    return ISA_GENERIC;
}

static const char *isa_name(int64_t isa)
{
    return isa == ISA_AVX512_BF16 ? "avx512_bf16" : isa == ISA_AVX512 ? "avx512" : isa == ISA_AVX2 ? "avx2" : "generic";
}

/* The processor's name, without the words that all of them carry. */
static void processor_name(char *name, size_t room)
{
    char line[256];
    snprintf(name, room, "cpu");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        line[strcspn(line, "\n@")] = 0;
        const char *from = colon + 1 + strspn(colon + 1, " \t");
        snprintf(name, room, "%s", from);
        break;
    }
    fclose(f);
    for (size_t n = strlen(name); n > 0 && name[n - 1] == ' '; n--)
        name[n - 1] = 0;
}

static void memory(size_t *total, size_t *available)
{
    char line[256];
    unsigned long long kib;
    FILE *f = fopen("/proc/meminfo", "r");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "MemTotal: %llu", &kib) == 1)
            *total = (size_t)kib << 10;
        else if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            *available = (size_t)kib << 10;
    }
    fclose(f);
}

static size_t half_of_level_2(void)
{
    long bytes = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    /* Virtual machines sometimes report none, or that of all cores together. */
    return bytes < (256 << 10) || bytes > (4 << 20) ? (size_t)512 << 10 : (size_t)bytes / 2;
}

static fpc_status start_threads(struct cpu *c, int32_t threads)
{
    const int32_t processors = fpc_processors();
    const char *label = c->self.label;

    c->pool = fpc_threads_new(threads, processors);
    if (!c->pool)
        return fpc_fail(c->self.ctx, FPC_ENOMEM,
                        "%s.threads = %d: the system refuses to start so many threads; give less", label, (int)threads);
    if (threads > processors)
        fpc_log(c->self.ctx, FPC_LOG_WARN,
                "%s.threads = %d: this process may use %d processor%s, so threads take turns and the run is slower; "
                "0 takes as many threads as there are processors",
                label, (int)threads, (int)processors, processors == 1 ? "" : "s");
    const int32_t untied = c->bind ? fpc_threads_bind(c->pool) : 0;
    if (untied)
        fpc_log(c->self.ctx, FPC_LOG_WARN, "%s.bind = on: the system left %d of %d threads untied; the run goes on so",
                label, (int)untied, (int)threads);
    return FPC_OK;
}

static fpc_status open_cpu(fpc_self *self, fpc_device *device)
{
    struct cpu *c = (struct cpu *)self;
    const int best = best_isa();
    char processor[40];

    if (c->isa > best)
        return fpc_fail(self->ctx, FPC_ENOSUPPORT,
                        "%s.isa = %s: this processor has no such instructions; %s is its best", self->label,
                        isa_name(c->isa), isa_name(best));
    c->level = c->isa == ISA_AUTO ? best : (int)c->isa;
    const int32_t threads = c->threads > 0 ? (int32_t)c->threads : fpc_processors();
    const fpc_status status = start_threads(c, threads);
    if (status)
        return status;
    processor_name(processor, sizeof processor);
    snprintf(device->name, sizeof device->name, "%.36s, %s, %d thread%s", processor, isa_name(c->level), (int)threads,
             threads == 1 ? "" : "s");
    memory(&device->total, &device->free);
    device->real = FPC_F32;
    device->threads = threads;
    device->tile_bytes = half_of_level_2();
    device->host = 1;
    device->fuses = 2;
    if (c->precision != PRECISION_OF_RUN)
        device->precision = (uint32_t)c->precision;
    device->precisions = 1u << FPC_FP32 | 1u << FPC_HALF_BF16;
    c->half = device->precision == FPC_HALF_BF16;
    return FPC_OK;
}

static const fpc_kernel *const *kernels(fpc_self *self)
{
#if defined(__x86_64__)
    const int level = ((struct cpu *)self)->level;
    if (level == ISA_AVX512_BF16)
        return tables_avx512_bf16_half;
    if (level == ISA_AVX512)
        return tables_avx512_half;
    if (level == ISA_AVX2)
        return tables_avx2_half;
#endif
    (void)self;
    return tables_generic_half;
}

/* Large blocks come from the system in huge pages: a step walks through hundreds of MiB, and with pages of 4 KiB much
 * of its time would go into address translation. The size stands in front of the block for release. */
enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

static fpc_status alloc(fpc_self *self, size_t bytes, void **out)
{
    (void)self;
    size_t size = bytes + ALIGN;
    if (size < bytes || size > SIZE_MAX - HUGE_PAGE)
        return FPC_ENOMEM;
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    if (bytes < HUGE_PAGE)
        size = (bytes + ALIGN + 4095) / 4096 * 4096;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return FPC_ENOMEM;
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE)
        madvise(block, size, MADV_HUGEPAGE);
#endif
    memcpy(block, &size, sizeof size);
    *out = block + ALIGN;
    return FPC_OK;
}

static void release(fpc_self *self, void *p)
{
    size_t size;
    (void)self;
    if (!p)
        return;
    memcpy(&size, (char *)p - ALIGN, sizeof size);
    munmap((char *)p - ALIGN, size);
}

static void parallel(fpc_self *self, int32_t n, void (*body)(void *arg, int32_t i, int32_t thread), void *arg)
{
    fpc_threads_run(((struct cpu *)self)->pool, n, body, arg);
}

#ifndef FPC_INFERENCE
#define REGISTERS(isa) fpc_gemm_registers_##isa
double REGISTERS(generic)(int64_t turns, float *keep);
#if defined(__x86_64__)
double REGISTERS(avx2)(int64_t turns, float *keep);
double REGISTERS(avx512)(int64_t turns, float *keep);
double REGISTERS(avx512_bf16_half)(int64_t turns, float *keep);
#endif

struct registers {
    double (*work)(int64_t turns, float *keep);
    double *done; /* by each item */
};

static void use_registers(void *arg, int32_t i, int32_t thread)
{
    enum { STEPS = 1 << 20 };
    const struct registers *r = arg;
    float keep = 0.5f;
    (void)thread;
    r->done[i] = r->work(STEPS, &keep);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The best of several, since others may run here too. */
static double peak(fpc_self *self)
{
    const struct cpu *c = (const struct cpu *)self;
    const int32_t threads = c->threads > 0 ? (int32_t)c->threads : fpc_processors();
    struct registers r = {REGISTERS(generic), calloc((size_t)threads, sizeof(double))};
    double best = 0;

    if (!r.done)
        return 0;
#if defined(__x86_64__)
    if (c->level >= ISA_AVX2)
        r.work = c->level == ISA_AVX2 ? REGISTERS(avx2) : REGISTERS(avx512);
    if (c->level == ISA_AVX512_BF16 && c->half)
        r.work = REGISTERS(avx512_bf16_half);
#endif
    for (int run = 0; run < 8; run++) {
        const double start = now();
        fpc_threads_run(c->pool, threads, use_registers, &r);
        const double seconds = now() - start;
        double done = 0;
        for (int32_t i = 0; i < threads; i++)
            done += r.done[i];
        best = done / seconds > best ? done / seconds : best;
    }
    free(r.done);
    return best;
}
#endif

static void fini(fpc_self *self)
{
    fpc_threads_free(((struct cpu *)self)->pool);
}

static const fpc_choice isas[] = {{"auto", ISA_AUTO, "the best that the processor knows"},
                                  {"generic", ISA_GENERIC, "vectors of 4, on every processor"},
                                  {"sse2", ISA_GENERIC, "the same, by its former name"},
                                  {"avx2", ISA_AVX2, "vectors of 8 with fused multiply-add"},
                                  {"avx512", ISA_AVX512, "vectors of 16"},
                                  {"avx512_bf16", ISA_AVX512_BF16, "and products of bf16 numbers at twice the rate"},
                                  {0}};
static const fpc_choice precisions[] = {
    {"run", PRECISION_OF_RUN, "what run.precision says"},
    {"fp32", FPC_FP32, "fp32 throughout"},
    {"bf16", FPC_HALF_BF16, "activations in bf16; parameters, statistics, losses and sums fp32"},
    {0}};
static const fpc_option options[] = {
    {"threads", "threads that compute; 0: one for each processor that the process may use", "", "0", 0, 1024, NULL,
     FPC_OPT_INT, FPC_OPT_RESUMABLE, FPC_FIELD_(struct cpu, threads, int64_t)},
    {"bind", "tie each thread but the first to a processor; for machines that run nothing else", "", "off", 0, 0, NULL,
     FPC_OPT_BOOL, FPC_OPT_RESUMABLE, FPC_FIELD_(struct cpu, bind, int64_t)},
    FPC_OPTION_CHOICE(struct cpu, isa, "auto", isas, "vector instructions to use; results differ in the last bits"),
    FPC_OPTION_CHOICE(struct cpu, precision, "run", precisions, "what activations are stored in"),
    {0}};
static const fpc_backend_vtbl vtbl = {.size = sizeof vtbl,
                                      .kernel_size = sizeof(fpc_kernel),
                                      .open = open_cpu,
                                      .kernels = kernels,
                                      .alloc = alloc,
                                      .release = release,
                                      .parallel = parallel,
#ifndef FPC_INFERENCE
                                      .peak = peak
#endif
};
static const fpc_plugin cpu = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_BACKEND,
    .name = "cpu",
    .summary = "This machine's processors, vectorised and threaded.",
    .detail =
        "Results do not depend on the number of threads. They depend in the last bits on the vector instructions, "
        "so a run that must repeat exactly on another machine should fix `isa`.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct cpu),
    .fini = fini,
    .vtbl = &vtbl};
FPC_PLUGINS(&cpu)
