/* device.h: the dialect in which the .cu files of this folder are written. Rules:
 *   - launch(kernel, grid, block, shared bytes, x, node, arguments...) in place of <<< >>>; block.x * y * z is a
 *     multiple of 32
 *   - FPC_DYNAMIC_SHARED(type, name) in place of extern __shared__
 *   - every thread of a block reaches every __syncthreads(); every lane of a warp reaches every shuffle, mask FULL_MASK
 *   - arguments of kernels are plain values and device pointers; attributes are copied out of node->attr on the host
 *   - real numbers in memory are float, bf16 or f16; arithmetic is float (double where said); load and store convert
 *   - no float atomics: sums are made in a fixed order (reduce.h), so that two runs give the same bits
 *   - PTX stands in ptx.h and nowhere else */
#ifndef KERNELS_CUDA_DEVICE_H
#define KERNELS_CUDA_DEVICE_H

#include <fpcore/ops.h>
#include "kernels/cuda/machine.h"
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdint.h>

typedef __nv_bfloat16 bf16;
typedef __half f16;

#define FULL_MASK 0xffffffffu
#define DEVICE __device__ __forceinline__
#define BOTH __host__ __device__ __forceinline__

/* ---- numbers in memory ---- */

BOTH float to_float(float x)
{
    return x;
}
BOTH float to_float(bf16 x)
{
    return __bfloat162float(x);
}
BOTH float to_float(f16 x)
{
    return __half2float(x);
}
template <class T> BOTH T from_float(float x);
template <> BOTH float from_float<float>(float x)
{
    return x;
}
template <> BOTH bf16 from_float<bf16>(float x)
{
    return __float2bfloat16_rn(x);
}
template <> BOTH f16 from_float<f16>(float x)
{
    return __float2half_rn(x);
}

/* N numbers that are loaded and stored at once; N * sizeof(T) is at most 16. */
template <class T, int N> struct alignas(sizeof(T) * N) pack {
    T v[N];
};
/* Numbers of T in 16 bytes. */
template <class T> struct wide {
    static const int n = 16 / (int)sizeof(T);
};

/* Calls f(T()) for the type of the number that `dtype` says: f is a generic lambda. */
template <class F> static fpc_status with_type(uint32_t dtype, F f)
{
    return dtype == FPC_BF16 ? f(bf16()) : dtype == FPC_F16 ? f(f16()) : f(float());
}

/* ---- launching ---- */

static inline const fpc_cuda *machine_of(fpc_exec *x)
{
    return static_cast<const fpc_cuda *>(fpc_exec_backend(x));
}

#ifdef __CUDACC__
#define FPC_DYNAMIC_SHARED(type, name)                                                                                 \
    extern __shared__ __align__(16) unsigned char fpc_dynamic_shared_[];                                               \
    type *const name = reinterpret_cast<type *>(fpc_dynamic_shared_)

/* Dynamic shared memory beyond what a kernel may take as it is has to be asked for. The limit is the kernel's, for all
 * of its launches, so it only ever rises: launches of a record that is still being made may need it. */
enum { SHARED_FOR_EVERYONE = 16 * 1024 };
static inline cudaError_t ask_for_shared(const void *kernel, size_t shared)
{
    struct cudaFuncAttributes has;
    const cudaError_t e = cudaFuncGetAttributes(&has, kernel);
    return e != cudaSuccess || (size_t)has.maxDynamicSharedSizeBytes >= shared
               ? e
               : cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
}
template <class... P>
static cudaError_t queue_kernel(cudaStream_t stream, dim3 grid, dim3 block, size_t shared, void (*kernel)(P...), P... a)
{
    if (shared > SHARED_FOR_EVERYONE) {
        const cudaError_t e = ask_for_shared(reinterpret_cast<const void *>(kernel), shared);
        if (e != cudaSuccess)
            return e;
    }
    kernel<<<grid, block, shared, stream>>>(a...);
    return cudaSuccess;
}
#else /* tests/cuda_emulator: any C++17 compiler makes code for the host. Nothing else in this folder knows of it. */
#define FPC_DYNAMIC_SHARED(type, name) type *const name = static_cast<type *>(emulate_dynamic_shared())
template <class... P>
static cudaError_t queue_kernel(cudaStream_t stream, dim3 grid, dim3 block, size_t shared, void (*kernel)(P...), P... a)
{
    emulate_launch(stream, grid, block, shared, kernel, a...);
    return cudaSuccess;
}
#endif

/* Queues a kernel; the sentence of a failure carries the node. Arguments convert to the kernel's parameter types. */
template <class... P, class... A>
static fpc_status launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, fpc_exec *x, const fpc_node *node,
                         A... a)
{
    const cudaError_t e = queue_kernel<P...>(machine_of(x)->stream, grid, block, shared, kernel, static_cast<P>(a)...);
    return e == cudaSuccess ? fpc_cuda_launched(x, node)
                            : fpc_cuda_fail(x, node, "shared memory", cudaGetErrorString(e));
}

/* Blocks for n items of `each`, at most `most` (kernels then stride over the grid). */
static inline dim3 blocks_for(int64_t n, int64_t each, int64_t most = 65535)
{
    const int64_t blocks = (n + each - 1) / each;
    return dim3((unsigned)(blocks < 1 ? 1 : blocks > most ? most : blocks));
}

/* ---- shapes ---- */

static inline int64_t count_of(const fpc_tensor &t)
{
    return fpc_count(t.shape);
}
static inline int64_t rows_of(const fpc_tensor &t)
{
    return fpc_rows_of(t.shape);
}
template <class T> static inline T *data_of(const fpc_tensor &t)
{
    return static_cast<T *>(t.data);
}

/* ---- kernel tables: the function that runs an op has the op's name; variant "plain" unless the file says ---- */

#define FPC_CUDA_FLAGS (FPC_KERNEL_DETERMINISTIC | FPC_KERNEL_CAPTURABLE)
#define FPC_CUDA_FLOAT FPC_DTYPE_BIT(FPC_F32)
#define FPC_CUDA_ALL (FPC_DTYPE_BIT(FPC_F32) | FPC_DTYPE_BIT(FPC_BF16) | FPC_DTYPE_BIT(FPC_F16))
/* dtypes: FPC_CUDA_FLOAT or FPC_CUDA_ALL; match and need may be nullptr. */
#define FPC_CUDA_ROW(op_, variant_, rank_, dtypes_, match_, need_, run_)                                               \
    {                                                                                                                  \
        sizeof(fpc_kernel), FPC_CUDA_FLAGS, dtypes_, rank_, op_, op_ "." variant_, match_, need_, nullptr, run_,       \
            nullptr                                                                                                    \
    }
#define FPC_CUDA_END                                                                                                   \
    {                                                                                                                  \
    }

#endif
