/* pointwise.h: y[i] = f(a[i]) and y[i] = f(a[i], b[i]) over flat memory. f is a __device__ lambda on floats, made in a
 * named function (nvcc wants that); the kernels load and store 16 bytes at once, two of them in flight per thread, and
 * take the numbers behind the last whole pack one by one. Output and input may be the same memory: each thread reads
 * what it writes, and nothing else. */
#ifndef KERNELS_CUDA_POINTWISE_H
#define KERNELS_CUDA_POINTWISE_H

#include "kernels/cuda/packs.h"

enum { MAP_THREADS = 256, MAP_PACKS = 2 };

/* Numbers that a thread takes at once: 16 bytes of the wider type. */
template <class Y, class A> struct map_width {
    static const int n = wide<Y>::n < wide<A>::n ? wide<Y>::n : wide<A>::n;
};

template <class F, class Y, class A>
__global__ void __launch_bounds__(256) map1_kernel(F f, int64_t n, Y *y, const A *a)
{
    const int N = map_width<Y, A>::n;
    const int64_t packs = n / N, first = (int64_t)blockIdx.x * (MAP_THREADS * MAP_PACKS) + threadIdx.x;
    pack<A, N> in[MAP_PACKS];
#pragma unroll
    for (int k = 0; k < MAP_PACKS; k++)
        if (first + k * MAP_THREADS < packs)
            in[k] = load_pack<N>(a + (first + k * MAP_THREADS) * N);
#pragma unroll
    for (int k = 0; k < MAP_PACKS; k++)
        if (first + k * MAP_THREADS < packs) {
            pack<Y, N> out;
#pragma unroll
            for (int i = 0; i < N; i++)
                out.v[i] = from_float<Y>(f(to_float(in[k].v[i])));
            store_pack<N>(y + (first + k * MAP_THREADS) * N, out);
        }
    const int64_t rest = packs * N + threadIdx.x;
    if (blockIdx.x == 0 && rest < n)
        y[rest] = from_float<Y>(f(to_float(a[rest])));
}

template <class F, class T>
__global__ void __launch_bounds__(256) map2_kernel(F f, int64_t n, T *y, const T *a, const T *b)
{
    const int N = wide<T>::n;
    const int64_t packs = n / N, first = (int64_t)blockIdx.x * (MAP_THREADS * MAP_PACKS) + threadIdx.x;
    pack<T, N> in[MAP_PACKS], other[MAP_PACKS];
#pragma unroll
    for (int k = 0; k < MAP_PACKS; k++)
        if (first + k * MAP_THREADS < packs) {
            in[k] = load_pack<N>(a + (first + k * MAP_THREADS) * N);
            other[k] = load_pack<N>(b + (first + k * MAP_THREADS) * N);
        }
#pragma unroll
    for (int k = 0; k < MAP_PACKS; k++)
        if (first + k * MAP_THREADS < packs) {
            pack<T, N> out;
#pragma unroll
            for (int i = 0; i < N; i++)
                out.v[i] = from_float<T>(f(to_float(in[k].v[i]), to_float(other[k].v[i])));
            store_pack<N>(y + (first + k * MAP_THREADS) * N, out);
        }
    const int64_t rest = packs * N + threadIdx.x;
    if (blockIdx.x == 0 && rest < n)
        y[rest] = from_float<T>(f(to_float(a[rest]), to_float(b[rest])));
}

static inline dim3 map_blocks(int64_t n, int per_thread)
{
    return blocks_for(n, (int64_t)MAP_THREADS * MAP_PACKS * per_thread, INT32_MAX);
}

/* out[0] = f(in[0]), all of one type. */
template <class F> static fpc_status map1(fpc_exec *x, const fpc_node *node, F f)
{
    const fpc_tensor &a = node->in[0], &y = node->out[0];
    const int64_t n = count_of(y);
    return with_type(y.dtype, [&](auto t) {
        typedef decltype(t) T;
        return launch(map1_kernel<F, T, T>, map_blocks(n, wide<T>::n), dim3(MAP_THREADS), 0, x, node, f, n,
                      data_of<T>(y), data_of<const T>(a));
    });
}

/* out[0] = f(in[0], in[1]), all of one type. */
template <class F> static fpc_status map2(fpc_exec *x, const fpc_node *node, F f)
{
    const fpc_tensor &a = node->in[0], &b = node->in[1], &y = node->out[0];
    const int64_t n = count_of(y);
    return with_type(y.dtype, [&](auto t) {
        typedef decltype(t) T;
        return launch(map2_kernel<F, T>, map_blocks(n, wide<T>::n), dim3(MAP_THREADS), 0, x, node, f, n, data_of<T>(y),
                      data_of<const T>(a), data_of<const T>(b));
    });
}

/* ---- GELU, by erf: the fits are those of kernels/cpu/math.h ---- */

/* The normal distribution: Phi(-a) for 0 <= a <= 13.2, and in *density exp(-a^2/2). Relative error about 1e-6 for a
 * < 5. NaN stays NaN. */
DEVICE float normal_tail(float a, float *density)
{
    float p = 0.00407758786f * a + 0.0403724073f;
    p = p * a + 0.182461398f;
    p = p * a + 0.437250331f;
    p = p * a + 0.500000003f;
    float q = 0.0102208683f * a + 0.101205428f;
    q = q * a + 0.467427958f;
    q = q * a + 1.19928894f;
    q = q * a + 1.67238562f;
    q = q * a + 1.0f;
    *density = exp2f(-0.72134752f * (a * a));
    return __fdividef(*density * p, q);
}

DEVICE float gelu_of(float x)
{
    const float a = fabsf(x) > 13.2f ? 13.2f : fabsf(x);
    float density;
    const float tail = normal_tail(a, &density);
    return (x < 0 ? 0 : x) - a * tail;
}

/* Phi(x) + x phi(x) */
DEVICE float gelu_slope_of(float x)
{
    const float a = fabsf(x) > 13.2f ? 13.2f : fabsf(x);
    float density;
    const float tail = normal_tail(a, &density);
    return (x > 0 ? 1 - tail : tail) + (x > 0 ? a : -a) * density * 0.398942280f;
}

#endif
