/* test_emulator.cpp: the host emulation of CUDA (tests/cuda_emulator): threads that wait, threads that do so wrongly,
 * memory that the host cannot touch, records, the queue, numbers of 16 bits. Each group runs in every order of threads
 * and with both kinds of queue. */
#include "tests/case.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/reduce.h"
#include <mma.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static cudaStream_t stream;

#define fine(e) assert_string_equal(cudaGetErrorName(e), "cudaSuccess")

static int open_stream(void **)
{
    return cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
}
static int close_stream(void **)
{
    return cudaStreamDestroy(stream);
}

template <class T> static T *room(size_t n)
{
    void *p;
    fine(cudaMalloc(&p, n * sizeof(T)));
    assert_int_equal(reinterpret_cast<uintptr_t>(p) % 256, 0);
    return static_cast<T *>(p);
}

template <class T> static void read(T *to, const T *from, size_t n)
{
    fine(cudaMemcpyAsync(to, from, n * sizeof(T), cudaMemcpyDeviceToHost, stream));
    fine(cudaStreamSynchronize(stream));
}

/* Runs f in a process of its own. True: it ended by a signal or with an error, and what it said holds `sentence`. */
template <class F> static bool dies(const char *sentence, F f)
{
    int end[2], status;
    assert_int_equal(pipe(end), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(end[1], 2);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        f();
        _exit(0);
    }
    close(end[1]);
    char said[65536];
    size_t n = 0;
    for (ssize_t got; (got = read(end[0], said + n, sizeof said - 1 - n)) > 0;)
        n += static_cast<size_t>(got);
    said[n] = 0;
    close(end[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    const bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (!failed || !strstr(said, sentence)) {
        print_message("status %d, said: %s\n", status, said);
        return false;
    }
    return true;
}

/* ---- kernels ---- */

__global__ void sums(const float *x, float *out, int n)
{
    __shared__ float part[32];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float sum = block_sum(i < n ? x[i] : 0.0f, part);
    if (threadIdx.x == 0)
        out[blockIdx.x] = sum;
}

__global__ void fill(float *x, float value, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    x[i] = value;
}

__global__ void turn(int *out)
{
    FPC_DYNAMIC_SHARED(int, s);
    const unsigned t = threadIdx.x + threadIdx.y * blockDim.x, n = blockDim.x * blockDim.y;
    s[t] = static_cast<int>(t);
    __syncthreads();
    out[(blockIdx.y * gridDim.x + blockIdx.x) * n + t] = s[n - 1 - t] + static_cast<int>(1000 * blockIdx.y);
}

__global__ void lanes(uint64_t *out)
{
    const unsigned t = threadIdx.x;
    uint64_t *o = out + 10 * t;
    o[0] = __shfl_sync(FULL_MASK, t, 5);
    o[1] = __shfl_xor_sync(FULL_MASK, t, 3);
    o[2] = __shfl_up_sync(FULL_MASK, t, 2);
    o[3] = __shfl_down_sync(FULL_MASK, t, 2, 8);
    o[4] = __ballot_sync(FULL_MASK, t % 3 == 0);
    o[5] = __any_sync(FULL_MASK, t == 40) + 2 * __all_sync(FULL_MASK, t < 32);
    o[6] = static_cast<uint64_t>(__syncthreads_count(t < 7) + 100 * __syncthreads_or(t == 63));
    o[7] = static_cast<uint64_t>(__syncthreads_and(t < 64) + 10 * __syncthreads_and(t < 63));
    o[8] = static_cast<uint64_t>(__shfl_xor_sync(FULL_MASK, static_cast<double>(t), 1));
    o[9] = __shfl_xor_sync(FULL_MASK, static_cast<uint64_t>(t) << 40, 16);
}

__global__ void unshared(float *out)
{
    __shared__ float s[64];
    FPC_DYNAMIC_SHARED(float, d);
    out[2 * threadIdx.x] = s[threadIdx.x];
    out[2 * threadIdx.x + 1] = d[threadIdx.x];
}

__global__ void count_up(unsigned *n)
{
    atomicAdd(n, 1u);
    atomicMax(n + 1, threadIdx.x);
    atomicMin(n + 2, threadIdx.x);
    atomicCAS(n + 3, 0xffffffffu, 7u);
}

__global__ void hole_in_a_barrier(void)
{
    if (threadIdx.x == 3)
        return;
    __syncthreads();
}
__global__ void two_barriers(void)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
}
__global__ void lone_shuffle(int *out)
{
    if (threadIdx.x % 2)
        out[0] = __shfl_sync(FULL_MASK, 1, 0);
}
__global__ void half_mask(int *out)
{
    out[0] = __shfl_sync(0xffffu, 1, 0);
}
__global__ void past_the_end(float *x, int at)
{
    if (threadIdx.x == 0)
        x[at] = 1;
}

/* a: 16 x 8, b: 8 x 16, each by rows or by columns; c: 16 x 16 */
template <class LA, class LB> __global__ void tf32_product(const float *a, int lda, const float *b, int ldb, float *c)
{
    namespace wmma = nvcuda::wmma;
    wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, LA> x;
    wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, LB> y;
    wmma::fragment<wmma::accumulator, 16, 16, 8, float> sum;
    wmma::fill_fragment(sum, 1.0f);
    wmma::load_matrix_sync(x, a, (unsigned)lda);
    wmma::load_matrix_sync(y, b, (unsigned)ldb);
    wmma::mma_sync(sum, x, y, sum);
    wmma::store_matrix_sync(c, sum, 16, wmma::mem_row_major);
}

template <class... P, class... A> static void go(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, A... a)
{
    emulate_launch(stream, grid, block, shared, kernel, static_cast<P>(a)...);
    fine(cudaGetLastError());
}

/* ---- tests ---- */

static void block_sums(void **)
{
    enum { N = 1000 };
    float x[N], out[4] = {0};
    float *dx = room<float>(N), *dout = room<float>(4);
    for (int i = 0; i < N; i++)
        x[i] = static_cast<float>(i);
    fine(cudaMemcpyAsync(dx, x, sizeof x, cudaMemcpyHostToDevice, stream));
    go(sums, dim3(4), dim3(256), 0, dx, dout, N);
    read(out, dout, 4);
    for (int b = 0; b < 4; b++) {
        const int n = b == 3 ? N - 768 : 256;
        assert_true(out[b] == static_cast<float>(n) * (static_cast<float>(256 * b) + static_cast<float>(n - 1) / 2));
    }
    fine(cudaFree(dx));
    fine(cudaFree(dout));
}

static void early_return(void **)
{
    float x[70];
    float *dx = room<float>(70);
    go(fill, dim3(2), dim3(64), 0, dx, 2.5f, 67);
    read(x, dx, 70);
    for (int i = 0; i < 70; i++)
        assert_true(i < 67 ? x[i] == 2.5f : x[i] != x[i]);
    fine(cudaFree(dx));
}

static void shared_and_grids(void **)
{
    static int out[2 * 3 * 96];
    int *d = room<int>(2 * 3 * 96);
    go(turn, dim3(2, 3), dim3(16, 6), 96 * sizeof(int), d);
    read(out, d, 2 * 3 * 96);
    for (int i = 0; i < 2 * 3 * 96; i++)
        assert_int_equal(out[i], 95 - i % 96 + 1000 * (i / 96 / 2));
    fine(cudaFree(d));
}

static void warp_operations(void **)
{
    static uint64_t out[640];
    uint64_t *d = room<uint64_t>(640);
    go(lanes, dim3(1), dim3(64), 0, d);
    read(out, d, 640);
    for (uint64_t t = 0; t < 64; t++) {
        const uint64_t *o = out + 10 * t, warp = t / 32;
        assert_int_equal(o[0], warp * 32 + 5);
        assert_int_equal(o[1], t ^ 3);
        assert_int_equal(o[2], t % 32 < 2 ? t : t - 2);
        assert_int_equal(o[3], t % 8 >= 6 ? t : t + 2);
        uint64_t mask = 0;
        for (uint64_t i = 0; i < 32; i++)
            mask |= static_cast<uint64_t>((warp * 32 + i) % 3 == 0) << i;
        assert_int_equal(o[4], mask);
        assert_int_equal(o[5], warp ? 1 : 2);
        assert_int_equal(o[6], 107);
        assert_int_equal(o[7], 1);
        assert_int_equal(o[8], t ^ 1);
        assert_int_equal(o[9], (t ^ 16) << 40);
    }
    fine(cudaFree(d));
}

static void memory_is_nan(void **)
{
    float x[128];
    float *d = room<float>(128);
    read(x, d, 128);
    for (int i = 0; i < 128; i++)
        assert_true(x[i] != x[i]);
    go(fill, dim3(1), dim3(128), 0, d, 0.0f, 128);
    go(unshared, dim3(2), dim3(64), 64 * sizeof(float), d);
    read(x, d, 128);
#ifdef FPC_EMULATE_SHARED_SECTION
    const int each = 1;
#else
    const int each = 2; /* the dynamic part only */
#endif
    for (int i = each - 1; i < 128; i += each)
        assert_true(x[i] != x[i]);
    fine(cudaFree(d));
}

static void atomics(void **)
{
    unsigned n[4];
    unsigned *d = room<unsigned>(4);
    fine(cudaMemsetAsync(d, 0, 2 * sizeof(unsigned), stream));
    go(count_up, dim3(3), dim3(96), 0, d);
    read(n, d, 4);
    assert_int_equal(n[0], 3 * 96);
    assert_int_equal(n[1], 95);
    assert_int_equal(n[2], 0);
    assert_int_equal(n[3], 7);
    fine(cudaFree(d));
}

static void host_cannot_follow(void **)
{
    float *d = room<float>(64);
    float here[64];
    go(fill, dim3(1), dim3(64), 0, d, 1.0f, 64);
    fine(cudaStreamSynchronize(stream));
    volatile float *v = d;
    assert_true(dies("", [&] { (void)*v; }));
    assert_true(dies("", [&] { *v = 1; }));
    assert_true(dies("pointer to host memory", [&] { go(fill, dim3(1), dim3(64), 0, here, 1.0f, 64); }));
    /* Copies know which side is which. */
    assert_int_equal(cudaMemcpyAsync(here, d, sizeof here, cudaMemcpyHostToDevice, stream), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpyAsync(d, here, 1 + sizeof here, cudaMemcpyHostToDevice, stream), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    fine(cudaFree(d));
}

static void waiting_wrongly(void **)
{
    int *d = room<int>(1);
    assert_true(dies("thread (3, 0, 0) has ended", [] {
        go(hole_in_a_barrier, dim3(1), dim3(64), 0);
        cudaStreamSynchronize(stream);
    }));
    assert_true(dies("test_emulator.cpp", [] {
        go(two_barriers, dim3(1), dim3(64), 0);
        cudaStreamSynchronize(stream);
    }));
    assert_true(dies("waits at __shfl_sync", [&] {
        go(lone_shuffle, dim3(1), dim3(32), 0, d);
        cudaStreamSynchronize(stream);
    }));
    assert_true(dies("the mask 0000ffff", [&] {
        go(half_mask, dim3(1), dim3(32), 0, d);
        cudaStreamSynchronize(stream);
    }));
    fine(cudaFree(d));
}

static void out_of_bounds(void **)
{
    float *a = room<float>(33), *b = room<float>(64);
    const struct {
        float *x;
        int at;
    } bad[] = {{a, -1}, {a, 33}, {b, -1}, {b, 64}};
    for (const auto &i : bad)
        assert_true(dies("", [&] {
            go(past_the_end, dim3(1), dim3(32), 0, i.x, i.at);
            cudaStreamSynchronize(stream);
        }));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const char *sentence = ""; /* theirs */
#else
    const char *sentence = "a kernel touched";
#endif
    assert_true(dies(sentence, [&] {
        go(past_the_end, dim3(1), dim3(32), 0, a, 1 << 28);
        cudaStreamSynchronize(stream);
    }));
    fine(cudaFree(a));
    fine(cudaFree(b));
}

static void records(void **)
{
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    float x[64], *pinned;
    float *d = room<float>(64), *out = room<float>(1);
    void *p;
    fine(cudaMallocHost(&p, sizeof x));
    pinned = static_cast<float *>(p);
    fine(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    fine(cudaMemcpyAsync(d, pinned, sizeof x, cudaMemcpyHostToDevice, stream));
    go(sums, dim3(1), dim3(64), 0, d, out, 64);
    fine(cudaMemsetAsync(d, 0, sizeof(float), stream));
    fine(cudaStreamEndCapture(stream, &graph));
    fine(cudaGraphInstantiateWithFlags(&exec, graph, 0));
    fine(cudaGraphDestroy(graph));
    read(x, out, 1);
    assert_true(x[0] != x[0]); /* nothing has run */
    for (int round = 1; round < 4; round++) {
        for (int i = 0; i < 64; i++)
            pinned[i] = static_cast<float>(round);
        fine(cudaGraphLaunch(exec, stream));
        read(x, out, 1);
        assert_true(x[0] == 64.0f * static_cast<float>(round));
        read(x, d, 2);
        assert_true(x[0] == 0 && x[1] == static_cast<float>(round));
    }
    fine(cudaGraphExecDestroy(exec));
    fine(cudaFreeHost(pinned));
    fine(cudaFree(d));
    fine(cudaFree(out));
}

static void spoilt_records(void **)
{
    cudaGraph_t graph;
    cudaEvent_t event;
    void *p;
    fine(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    for (int i = 0; i < 5; i++) {
        fine(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
        const cudaError_t e = i == 0   ? cudaMalloc(&p, 64)
                              : i == 1 ? cudaStreamSynchronize(stream)
                              : i == 2 ? cudaDeviceSynchronize()
                              : i == 3 ? cudaMallocHost(&p, 64)
                                       : cudaEventSynchronize(event);
        assert_int_equal(e, cudaErrorStreamCaptureUnsupported);
        assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
        assert_null(graph);
        cudaGetLastError();
    }
    fine(cudaEventDestroy(event));
}

/* A pinned buffer is the device's until the copy has been waited for. */
static void queue_order(void **)
{
    cudaEvent_t event;
    float x = 0, *pinned;
    void *p;
    float *d = room<float>(1);
    const char *text = getenv("FPCORE_EMULATED_QUEUE");
    const bool lazy = text && !strcmp(text, "lazy");
    fine(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    fine(cudaMallocHost(&p, sizeof(float)));
    pinned = static_cast<float *>(p);
    *pinned = 1;
    x = 5;
    fine(cudaMemcpyAsync(d, pinned, sizeof(float), cudaMemcpyHostToDevice, stream));
    *pinned = 2; /* too early */
    fine(cudaEventRecord(event, stream));
    assert_int_equal(cudaEventQuery(event), lazy ? cudaErrorNotReady : cudaSuccess);
    cudaGetLastError();
    fine(cudaEventSynchronize(event));
    read(&x, d, 1);
    assert_true(x == (lazy ? 2.0f : 1.0f));
    x = 7;
    fine(cudaMemcpyAsync(d, &x, sizeof(float), cudaMemcpyHostToDevice, stream));
    x = 8; /* pageable: was read already */
    read(&x, d, 1);
    assert_true(x == 7);
    fine(cudaFreeHost(pinned));
    fine(cudaFree(d));
    fine(cudaEventDestroy(event));
}

static void memory_comes_back(void **)
{
    size_t before, total, left;
    void *p[8], *q;
    fine(cudaMemGetInfo(&before, &total));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++)
            fine(cudaMalloc(&p[i], static_cast<size_t>(1000 * (i + 1))));
        for (int i = 0; i < 8; i += 2)
            fine(cudaFree(p[i]));
        fine(cudaMalloc(&q, 900));
        assert_ptr_equal(q, p[0]);
        fine(cudaFree(q));
        for (int i = 1; i < 8; i += 2)
            fine(cudaFree(p[i]));
        fine(cudaMemGetInfo(&left, &total));
        assert_int_equal(left, before);
    }
    assert_int_equal(cudaMalloc(&q, total + 1), cudaErrorMemoryAllocation);
    assert_null(q);
    assert_int_equal(cudaFree(&q), cudaErrorInvalidValue);
    cudaGetLastError();
}

static void refused_launches(void **)
{
    float *d = room<float>(1);
    static const struct {
        dim3 grid, block;
        size_t shared;
    } bad[] = {
        {dim3(0), dim3(32), 0}, {dim3(1, 65536), dim3(32), 0}, {dim3(1), dim3(1056), 0}, {dim3(1), dim3(32), 300000}};
    for (const auto &b : bad) {
        emulate_launch(stream, b.grid, b.block, b.shared, fill, d, 1.0f, 1);
        assert_int_not_equal(cudaGetLastError(), cudaSuccess);
    }
    fine(cudaFree(d));
}

static const float *device_copy(const float *x, size_t n)
{
    float *d = room<float>(n);
    fine(cudaMemcpyAsync(d, x, n * sizeof *x, cudaMemcpyHostToDevice, stream));
    return d;
}
template <class LA, class LB> static void product_is_right(const float *a, int lda, const float *b, int ldb)
{
    const float *da = device_copy(a, 128), *db = device_copy(b, 128);
    float *dc = room<float>(256), c[256];
    go(tf32_product<LA, LB>, dim3(1), dim3(32), 0, da, lda, db, ldb, dc);
    read(c, dc, 256);
    for (int i = 0; i < 256; i++) {
        float want = 1;
        for (int k = 0; k < 8; k++)
            want += a[lda == 8 ? i / 16 * 8 + k : k * 16 + i / 16] * b[ldb == 16 ? k * 16 + i % 16 : i % 16 * 8 + k];
        assert_true(c[i] == want);
    }
    fine(cudaFree(const_cast<float *>(da)));
    fine(cudaFree(const_cast<float *>(db)));
    fine(cudaFree(dc));
}
/* Whole numbers, so that every order of sums is exact. What TF32 has no bits for is not seen. */
static void tf32_products(void **)
{
    namespace wmma = nvcuda::wmma;
    float a[128], b[128], c[256];
    for (int i = 0; i < 128; i++) {
        a[i] = static_cast<float>(i * 37 % 101 - 50);
        b[i] = static_cast<float>(i * 53 % 97 - 40);
    }
    product_is_right<wmma::row_major, wmma::row_major>(a, 8, b, 16);
    product_is_right<wmma::row_major, wmma::col_major>(a, 8, b, 8);
    product_is_right<wmma::col_major, wmma::row_major>(a, 16, b, 16);
    product_is_right<wmma::col_major, wmma::col_major>(a, 16, b, 8);
    for (int i = 0; i < 128; i++) {
        a[i] = i % 8 ? 0 : 1 + 0x1.8p-11f;
        b[i] = i < 16;
    }
    const float *da = device_copy(a, 128), *db = device_copy(b, 128);
    float *dc = room<float>(256);
    go(tf32_product<wmma::row_major, wmma::row_major>, dim3(1), dim3(32), 0, da, 8, db, 16, dc);
    read(c, dc, 256);
    for (float v : c)
        assert_true(v == 2);
    assert_true(wmma::__float_to_tf32(a[0]) == 1 + 0x1p-10f);
    assert_true(wmma::__float_to_tf32(-INFINITY) == -INFINITY);
    fine(cudaFree(const_cast<float *>(da)));
    fine(cudaFree(const_cast<float *>(db)));
    fine(cudaFree(dc));
}

/* Every f16 and bf16 comes back, and numbers half-way between two go to the even one. */
template <class T> static void halves(uint16_t infinity)
{
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        const T h = {static_cast<uint16_t>(bits)};
        const float x = to_float(h);
        if ((bits & 0x7fffu) > infinity) {
            assert_true(x != x);
            assert_int_equal(from_float<T>(x).bits, 0x7fff);
            continue;
        }
        assert_int_equal(from_float<T>(x).bits, bits);
        const uint32_t up = bits + 1;
        if ((up & 0x7fffu) >= infinity || up == 0x10000)
            continue;
        const float y = to_float(T{static_cast<uint16_t>(up)}), middle = x + (y - x) / 2;
        assert_int_equal(from_float<T>(middle).bits, bits % 2 ? up : bits);
        assert_int_equal(from_float<T>(nextafterf(middle, x)).bits, bits);
        assert_int_equal(from_float<T>(nextafterf(middle, y)).bits, up);
    }
    assert_int_equal(from_float<T>(INFINITY).bits, infinity);
    assert_int_equal(from_float<T>(-3.4e38f).bits, 0x8000u | infinity);
}
static void half_numbers(void **)
{
    halves<bf16>(0x7f80);
    halves<f16>(0x7c00);
    assert_int_equal(from_float<f16>(65519.99f).bits, 0x7bff);
    assert_int_equal(from_float<f16>(65520.0f).bits, 0x7c00);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_sums),         cmocka_unit_test(early_return),
        cmocka_unit_test(shared_and_grids),   cmocka_unit_test(warp_operations),
        cmocka_unit_test(memory_is_nan),      cmocka_unit_test(atomics),
        cmocka_unit_test(host_cannot_follow), cmocka_unit_test(waiting_wrongly),
        cmocka_unit_test(out_of_bounds),      cmocka_unit_test(records),
        cmocka_unit_test(spoilt_records),     cmocka_unit_test(queue_order),
        cmocka_unit_test(memory_comes_back),  cmocka_unit_test(refused_launches),
        cmocka_unit_test(tf32_products),
    };
    static const struct CMUnitTest numbers[] = {cmocka_unit_test(half_numbers)};
    int failed = cmocka_run_group_tests(numbers, nullptr, nullptr);
    for (const char *order : {"forward", "backward", "shuffled"})
        for (const char *queue : {"now", "lazy"}) {
            setenv("FPCORE_EMULATED_ORDER", order, 1);
            setenv("FPCORE_EMULATED_QUEUE", queue, 1);
            print_message("threads %s, queue %s\n", order, queue);
            failed += cmocka_run_group_tests(tests, open_stream, close_stream);
        }
    return failed != 0;
}
