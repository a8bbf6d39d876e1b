/* cuda_runtime.h: what nvcc brings to a .cu file, for a host compiler: qualifiers, built-in variables, vectors,
 * barriers, warp operations, launches (arithmetic and atomics: intrinsics.h). It is narrower than CUDA on purpose:
 * masks are full, atomics are integers, halves convert to float and back and have no arithmetic. */
#ifndef TESTS_CUDA_EMULATOR_CUDA_RUNTIME_H
#define TESTS_CUDA_EMULATOR_CUDA_RUNTIME_H

#include "tests/cuda_emulator/engine.h"
#include "tests/cuda_emulator/cuda_bf16.h"
#include "tests/cuda_emulator/cuda_fp16.h"
#include "tests/cuda_emulator/sanitize.h"
#include <math.h>
#include <new>
#include <string.h>
#include <tuple>
#include <type_traits>
#include <utility>

/* ---- qualifiers ---- */

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
/* Blocks run one after another, so one copy is enough. In a section of its own it can be filled with 0xFF before each
 * block; AddressSanitizer guards the bounds of variables outside of such sections only. */
#if defined(__SANITIZE_ADDRESS__) || !defined(__ELF__)
#define __shared__ static
#else
#define FPC_EMULATE_SHARED_SECTION 1
#define __shared__ static __attribute__((section("fpc_shared")))
#endif

/* ---- vectors ---- */

#define EMULATE_VECTORS(name, real)                                                                                    \
    struct alignas(2 * sizeof(real)) name##2                                                                           \
    {                                                                                                                  \
        real x, y;                                                                                                     \
    };                                                                                                                 \
    struct alignas(sizeof(real) > 4 ? 16 : 4 * sizeof(real)) name##4                                                   \
    {                                                                                                                  \
        real x, y, z, w;                                                                                               \
    };                                                                                                                 \
    inline name##2 make_##name##2(real x, real y)                                                                      \
    {                                                                                                                  \
        return {x, y};                                                                                                 \
    }                                                                                                                  \
    inline name##4 make_##name##4(real x, real y, real z, real w)                                                      \
    {                                                                                                                  \
        return {x, y, z, w};                                                                                           \
    }
#define EMULATE_THREES(name, real)                                                                                     \
    struct name##3                                                                                                     \
    {                                                                                                                  \
        real x, y, z;                                                                                                  \
    };                                                                                                                 \
    inline name##3 make_##name##3(real x, real y, real z)                                                              \
    {                                                                                                                  \
        return {x, y, z};                                                                                              \
    }
EMULATE_VECTORS(float, float)
EMULATE_VECTORS(double, double)
EMULATE_VECTORS(int, int)
EMULATE_VECTORS(uint, unsigned)
EMULATE_VECTORS(short, short)
EMULATE_VECTORS(ushort, unsigned short)
EMULATE_VECTORS(char, signed char)
EMULATE_VECTORS(uchar, unsigned char)
EMULATE_VECTORS(longlong, long long)
EMULATE_VECTORS(ulonglong, unsigned long long)
EMULATE_THREES(float, float)
EMULATE_THREES(int, int)
EMULATE_THREES(uchar, unsigned char)
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z)
{
    return {x, y, z};
}

/* ---- built-in variables ---- */

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
static const int warpSize = EMULATE_WARP;

/* ---- barriers and warp operations ---- */

struct emulate_site {
    const char *what, *file;
    int line;
    bool orders = false; /* memory among a warp's lanes; shuffles and votes do not, as CUDA has it */
    bool same(const emulate_site &o) const
    {
        return line == o.line && (file == o.file || !strcmp(file, o.file)) && (what == o.what || !strcmp(what, o.what));
    }
};
/* The caller's place: default arguments are evaluated there. */
#define EMULATE_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

void *emulate_dynamic_shared(void);
void emulate_barrier(emulate_site, bool value, unsigned *any, unsigned *count);
/* The 32 values of the warp's lanes; *lane: the caller's. */
const uint64_t *emulate_exchange(emulate_site, unsigned mask, uint64_t value, unsigned *lane);

inline void __syncthreads(EMULATE_PLACE)
{
    unsigned any, count;
    emulate_barrier({"__syncthreads", file, line}, false, &any, &count);
}
inline int __syncthreads_or(int value, EMULATE_PLACE)
{
    unsigned any, count;
    emulate_barrier({"__syncthreads_or", file, line}, value != 0, &any, &count);
    return any != 0;
}
inline int __syncthreads_count(int value, EMULATE_PLACE)
{
    unsigned any, count;
    emulate_barrier({"__syncthreads_count", file, line}, value != 0, &any, &count);
    return static_cast<int>(count);
}
inline int __syncthreads_and(int value, EMULATE_PLACE)
{
    unsigned any, count;
    emulate_barrier({"__syncthreads_and", file, line}, value != 0, &any, &count);
    return count == blockDim.x * blockDim.y * blockDim.z;
}

template <class T> inline uint64_t emulate_pack(T x)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8 || std::is_same<T, __nv_bfloat16>::value ||
                      std::is_same<T, __half>::value,
                  "a shuffle moves 32 or 64 bits, bf16 or f16");
    uint64_t u = 0;
    memcpy(&u, &x, sizeof x);
    return u;
}
template <class T> inline T emulate_unpack(uint64_t u)
{
    T x;
    memcpy(&x, &u, sizeof x);
    return x;
}

inline void __syncwarp(unsigned mask = 0xffffffffu, EMULATE_PLACE)
{
    unsigned lane;
    emulate_exchange({"__syncwarp", file, line, true}, mask, 0, &lane);
}
template <class T> inline T __shfl_sync(unsigned mask, T x, int from, int width = 32, EMULATE_PLACE)
{
    unsigned lane;
    const uint64_t *all = emulate_exchange({"__shfl_sync", file, line}, mask, emulate_pack(x), &lane);
    const unsigned w = static_cast<unsigned>(width);
    return emulate_unpack<T>(all[(lane & ~(w - 1)) | (static_cast<unsigned>(from) & (w - 1))]);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T x, int with, int width = 32, EMULATE_PLACE)
{
    unsigned lane;
    const uint64_t *all = emulate_exchange({"__shfl_xor_sync", file, line}, mask, emulate_pack(x), &lane);
    const unsigned w = static_cast<unsigned>(width), from = lane ^ static_cast<unsigned>(with);
    return from > (lane | (w - 1)) || from >= 32 ? x : emulate_unpack<T>(all[from]);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T x, unsigned by, int width = 32, EMULATE_PLACE)
{
    unsigned lane;
    const uint64_t *all = emulate_exchange({"__shfl_down_sync", file, line}, mask, emulate_pack(x), &lane);
    const unsigned w = static_cast<unsigned>(width);
    return (lane & (w - 1)) + by >= w ? x : emulate_unpack<T>(all[lane + by]);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T x, unsigned by, int width = 32, EMULATE_PLACE)
{
    unsigned lane;
    const uint64_t *all = emulate_exchange({"__shfl_up_sync", file, line}, mask, emulate_pack(x), &lane);
    const unsigned w = static_cast<unsigned>(width);
    return (lane & (w - 1)) < by ? x : emulate_unpack<T>(all[lane - by]);
}
inline unsigned __ballot_sync(unsigned mask, int value, EMULATE_PLACE)
{
    unsigned lane, bits = 0;
    const uint64_t *all = emulate_exchange({"__ballot_sync", file, line}, mask, value != 0, &lane);
    for (unsigned i = 0; i < 32; i++)
        bits |= static_cast<unsigned>(all[i]) << i;
    return bits;
}
inline int __any_sync(unsigned mask, int value, EMULATE_PLACE)
{
    return __ballot_sync(mask, value, file, line) != 0;
}
inline int __all_sync(unsigned mask, int value, EMULATE_PLACE)
{
    return __ballot_sync(mask, value, file, line) == 0xffffffffu;
}

/* ---- launches ---- */

template <class... P> struct emulate_call {
    void (*kernel)(P...);
    std::tuple<P...> args;
    static void thread(const void *self)
    {
        const emulate_call *c = static_cast<const emulate_call *>(self);
        std::apply(c->kernel, c->args);
    }
};

/* A pointer that a kernel gets is one of the device's. */
template <class P> inline void emulate_check_argument(const P &p, int at, const void *)
{
    if constexpr (std::is_pointer<P>::value)
        if (p && !emulate_is_device(reinterpret_cast<const void *>(p)))
            emulate_die("argument %d of a kernel is a pointer to host memory", at);
}

template <class... P, class... A>
void emulate_launch(cudaStream_t stream, dim3 grid, dim3 block, size_t shared, void (*kernel)(P...), A... a)
{
    typedef emulate_call<P...> call;
    static_assert((std::is_trivially_copyable<P>::value && ...), "arguments are plain values");
    static_assert((sizeof(P) + ... + 0) <= EMULATE_ARGUMENTS, "a kernel's arguments are at most 4 KiB");
    const call c = {kernel, std::tuple<P...>(static_cast<P>(a)...)};
    int at = 0;
    (emulate_check_argument<P>(static_cast<P>(a), at++, nullptr), ...);
    (void)at;
    const emulate_job job = {grid, block, shared, sizeof c, reinterpret_cast<const void *>(kernel), call::thread};
    emulate_queue(stream, &job, &c);
}

#include "tests/cuda_emulator/intrinsics.h"

#endif
