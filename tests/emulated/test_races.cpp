/* test_races.cpp: what make check-races finds (tests/cuda_emulator/races.cpp): kernels with one mistake each, which
 * has to be told in every order of threads, and the same kernels without it, of which nothing may be said. Each runs in
 * a process of its own. */
#include "tests/case.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/reduce.h"
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 3, THREADS = 128, RACED = 66, ROOM = 4096 };

/* ---- kernels: BAD makes the mistake ---- */

template <bool BAD> __global__ void read_after_write(float *x)
{
    __shared__ float s[THREADS];
    s[threadIdx.x] = x[blockIdx.x * THREADS + threadIdx.x];
    if (!BAD)
        __syncthreads();
    x[blockIdx.x * THREADS + threadIdx.x] = s[threadIdx.x ^ 32];
}

template <bool BAD> __global__ void write_after_read(float *x)
{
    FPC_DYNAMIC_SHARED(float, s);
    float sum = 0;
    for (int turn = 0; turn < 3; turn++) {
        s[threadIdx.x] = x[blockIdx.x * THREADS + threadIdx.x] + (float)turn;
        __syncthreads();
        for (int i = 0; i < THREADS; i++)
            sum += s[i];
        if (!BAD)
            __syncthreads();
    }
    x[blockIdx.x * THREADS + threadIdx.x] = sum;
}

/* block_sum begins with a barrier, but what it returns has been read from its room. */
template <bool BAD> __global__ void room_again(float *x)
{
    __shared__ float room[32];
    const float sum = block_sum(x[threadIdx.x], room);
    if (!BAD)
        __syncthreads();
    if (threadIdx.x < 32)
        room[threadIdx.x] = sum;
    __syncthreads();
    x[gridDim.x * THREADS + blockIdx.x * THREADS + threadIdx.x] = threadIdx.x < 32 ? room[31 - threadIdx.x] : 0;
}

/* The last warp's part has been left out. */
template <bool BAD> __global__ void unwritten(float *x)
{
    __shared__ float s[THREADS];
    FPC_DYNAMIC_SHARED(float, d);
    if (!BAD || threadIdx.x < 64)
        s[threadIdx.x] = 1;
    d[threadIdx.x] = 2;
    __syncthreads();
    x[blockIdx.x * THREADS + threadIdx.x] = s[threadIdx.x ^ 1] + d[threadIdx.x ^ 1];
}

/* One float, or one byte of a word, by two blocks. */
template <bool BAD> __global__ void two_blocks(float *x)
{
    const unsigned i = blockIdx.x * (BAD ? THREADS - 1 : THREADS) + threadIdx.x;
    x[i] = 1;
}
template <bool BAD> __global__ void bytes(unsigned char *x)
{
    const unsigned i = blockIdx.x * (BAD ? THREADS - 1 : THREADS + 1) + threadIdx.x;
    x[i] = 1;
}
/* A block reads what another one writes. */
template <bool BAD> __global__ void neighbour(float *x)
{
    const unsigned n = gridDim.x * THREADS, i = blockIdx.x * THREADS + threadIdx.x;
    x[BAD ? i : n + i] = x[(i + THREADS) % n];
}
template <bool BAD> __global__ void wide_write(float *x)
{
    const pack<float, 4> four = {{1, 2, 3, 4}};
    const unsigned i = blockIdx.x * THREADS + threadIdx.x;
    *reinterpret_cast<pack<float, 4> *>(x + 4 * i) = four;
    if (i == 0)
        x[BAD ? 7 : 3] = 0;
}

template <bool BAD> __global__ void warp_exchange(float *x)
{
    __shared__ float s[THREADS];
    s[threadIdx.x] = x[threadIdx.x];
    if (!BAD)
        __syncwarp();
    x[gridDim.x * THREADS + blockIdx.x * THREADS + threadIdx.x] = s[threadIdx.x ^ 1];
}
/* Shuffles order no memory. */
template <bool BAD> __global__ void shuffled_exchange(float *x)
{
    __shared__ float s[THREADS];
    s[threadIdx.x] = __shfl_xor_sync(FULL_MASK, x[threadIdx.x], 1);
    const float y = __shfl_xor_sync(FULL_MASK, x[threadIdx.x], 2);
    if (!BAD)
        __syncwarp();
    x[gridDim.x * THREADS + blockIdx.x * THREADS + threadIdx.x] = y + s[threadIdx.x ^ 1];
}
/* A __syncwarp orders one warp, not two. */
template <bool BAD> __global__ void warp_for_block(float *x)
{
    __shared__ float s[THREADS];
    s[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    x[gridDim.x * THREADS + blockIdx.x * THREADS + threadIdx.x] = s[threadIdx.x ^ (BAD ? 32 : 16)];
}
/* All write the same number. */
template <bool BAD> __global__ void same_number(float *x)
{
    if (BAD ? threadIdx.x < 2 : threadIdx.x == 0)
        x[blockIdx.x] = 1;
}

template <bool BAD> __global__ void counter(int *x)
{
    __shared__ int n;
    if (threadIdx.x == 0)
        n = 0;
    __syncthreads();
    atomicAdd(&n, 1);
    if (!BAD)
        __syncthreads();
    if (threadIdx.x == 0)
        atomicMax(x, n);
}
template <bool BAD> __global__ void plain_counter(int *x)
{
    if (BAD)
        x[0]++;
    else
        atomicAdd(x, 1);
}

template <bool BAD> __global__ void copied(float *x)
{
    __shared__ __align__(16) float s[4 * THREADS];
    copy_async<16>(s + 4 * threadIdx.x, x + 4 * threadIdx.x, 1);
    if (BAD)
        __syncthreads();
    copy_wait();
    if (!BAD)
        __syncthreads();
    x[4 * (gridDim.x + blockIdx.x) * THREADS + threadIdx.x] = s[4 * (threadIdx.x ^ 32)];
}
template <bool BAD> __global__ void matrix(bf16 *x)
{
    __shared__ __align__(16) bf16 s[THREADS * 8];
    uint32_t r[4];
    bf16 *const mine = s + threadIdx.x * 8;
    for (int i = 0; i < 8; i++)
        mine[i] = x[threadIdx.x];
    if (!BAD)
        __syncwarp();
    load_matrix(r, mine);
    x[gridDim.x * THREADS + blockIdx.x * THREADS + threadIdx.x] = from_float<bf16>((float)(r[0] & 1));
}

/* ---- tests ---- */

/* What is said while f runs in a process of its own; its exit status. */
template <class F> static int said(char *text, size_t room, F f)
{
    int end[2], status;
    assert_int_equal(pipe(end), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(end[1], 2);
        f();
        exit(0);
    }
    close(end[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(end[0], text + n, room - 1 - n)) > 0;)
        n += static_cast<size_t>(got);
    text[n] = 0;
    close(end[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <class T> static void run(void (*kernel)(T *))
{
    cudaStream_t stream;
    void *x;
    if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) || cudaMalloc(&x, ROOM * sizeof(T)) ||
        cudaMemsetAsync(x, 0, ROOM * sizeof(T), stream))
        _exit(1);
    for (int launches = 0; launches < 2; launches++)
        emulate_launch(stream, dim3(BLOCKS), dim3(THREADS), THREADS * sizeof(float), kernel, static_cast<T *>(x));
    if (cudaStreamSynchronize(stream))
        _exit(1);
}

template <class T> static void try_both(const char *where, void (*bad)(T *), void (*good)(T *))
{
    static char text[1 << 16];
    for (const char *order : {"forward", "backward", "shuffled"}) {
        setenv("FPCORE_EMULATED_ORDER", order, 1);
        int status = said(text, sizeof text, [&] { run(bad); });
        if (status != RACED || !strstr(text, where) || !strstr(text, "test_races.cpp"))
            fail_msg("%s: status %d, said: %s", order, status, text);
        status = said(text, sizeof text, [&] { run(good); });
        if (status != 0 || *text)
            fail_msg("%s, without the mistake: status %d, said: %s", order, status, text);
    }
}

#define SHARED "a race in shared memory"
#define GLOBAL "a race in the device's memory"
#define CASES(each)                                                                                                    \
    each(read_after_write, SHARED) each(write_after_read, SHARED) each(room_again, SHARED)                             \
        each(unwritten, "nobody in this block has written") each(two_blocks, GLOBAL) each(bytes, GLOBAL)               \
            each(neighbour, GLOBAL) each(wide_write, GLOBAL) each(warp_exchange, SHARED)                               \
                each(shuffled_exchange, SHARED) each(warp_for_block, SHARED) each(same_number, GLOBAL)                 \
                    each(counter, SHARED) each(plain_counter, GLOBAL) each(copied, SHARED) each(matrix, SHARED)

#define TEST(name, where)                                                                                              \
    static void test_##name(void **)                                                                                   \
    {                                                                                                                  \
        try_both(where, name<true>, name<false>);                                                                      \
    }
CASES(TEST)

int main(void)
{
#define ROW(name, where) cmocka_unit_test(test_##name),
    static const struct CMUnitTest tests[] = {CASES(ROW)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
