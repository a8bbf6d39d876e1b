/* engine.h: between the parts of the emulation: queue.cpp (what is queued and recorded), memory.cpp (device
 * memory), engine.cpp (blocks of threads as fibers), and the launches that cuda_runtime.h makes. */
#ifndef TESTS_CUDA_EMULATOR_ENGINE_H
#define TESTS_CUDA_EMULATOR_ENGINE_H

#include <cuda_runtime_api.h>

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};

enum { EMULATE_WARP = 32, EMULATE_MAX_THREADS = 1024, EMULATE_ARGUMENTS = 4096, EMULATE_MAX_SHARED = 227 * 1024 };

/* A launch with its arguments; `bytes` of them follow the struct, aligned to 16. */
struct alignas(16) emulate_job {
    dim3 grid, block;
    size_t shared, bytes;
    const void *kernel;             /* for its name in messages */
    void (*call)(const void *args); /* one thread of the kernel */
};

/* queue.cpp: queues it, or sets the last error as the runtime does for a launch that the device would refuse. */
void emulate_queue(cudaStream_t, const emulate_job *, const void *args);

/* engine.cpp: runs all blocks. Device memory is open. */
void emulate_run(const emulate_job *, const void *args);
bool emulate_inside_kernel(void);
const emulate_job *emulate_running(void);                   /* nullptr: none */
void emulate_print_place(const char *what, const void *at); /* a line to stderr: the code at an address */
/* A sentence about the kernel that runs, if one does, to stderr, and abort: tests only. */
[[noreturn]] void emulate_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What runs now, for races.cpp. Barriers count up while a block runs: two accesses are ordered by a barrier when their
 * counts differ, since a thread passes one only when all have come. */
struct emulate_moment {
    uint32_t launch, run; /* the latter counts blocks of all launches */
    uint32_t block, thread, barriers, warp_barriers[EMULATE_MAX_THREADS / EMULATE_WARP];
};
extern emulate_moment emulate_now;
struct emulate_range {
    char *from;
    size_t bytes;
};
/* For variables that kernels use and that are no `__shared__` ones. */
#ifdef __ELF__
#define EMULATE_BUILT_IN __attribute__((section("fpc_built_in")))
#else
#define EMULATE_BUILT_IN
#endif
/* races.cpp: an access that the compiler does not show, by code at `pc`. Does nothing outside of a kernel. */
enum emulate_access { EMULATE_READ, EMULATE_WRITE, EMULATE_ATOMIC };
void emulate_touch(const void *p, size_t n, emulate_access, const void *pc);

/* memory.cpp: addresses of the device. inside: n bytes from p lie in one allocation. */
cudaError_t emulate_alloc(void **, size_t);
cudaError_t emulate_free(void *);
size_t emulate_memory_total(void);
size_t emulate_memory_used(void);
bool emulate_is_device(const void *);
emulate_range emulate_device_range(void);
bool emulate_inside(const void *, size_t n);
void emulate_open(void); /* makes device memory accessible; calls nest */
void emulate_close(void);
void emulate_check_red_zones(void);

/* fiber.cpp: a stack and a place to go on at. current == nullptr: the thread's own stack. */
struct emulate_fiber {
    void *sp, *stack;
    size_t bytes;
    void *fake, *tsan, *context; /* AddressSanitizer's, ThreadSanitizer's, ucontext's */
    void (*entry)(emulate_fiber *);
    unsigned thread; /* whose code it runs */
};
emulate_fiber *emulate_fiber_new(void (*entry)(emulate_fiber *));
/* Leaves `from` (nullptr: the thread's own stack) for `to` (likewise). */
void emulate_switch(emulate_fiber *from, emulate_fiber *to);

#endif
