/* warp.h: what the lanes of a warp show each other for instructions that they execute together (kernels/cuda/ptx.h,
 * mma.h): a slate per warp; and the copies that a thread has started. */
#ifndef TESTS_CUDA_EMULATOR_WARP_H
#define TESTS_CUDA_EMULATOR_WARP_H

#include "tests/cuda_emulator/cuda_runtime.h"

inline unsigned emulate_thread_id()
{
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

enum { EMULATE_FRAGMENT = 256 }; /* numbers of the largest fragment, a result of 16 x 16 */
struct emulate_slate {
    const unsigned char *row[EMULATE_WARP];
    uint32_t a[EMULATE_WARP][4], b[EMULATE_WARP][2];
    float left[EMULATE_FRAGMENT], right[EMULATE_FRAGMENT];
};
extern emulate_slate *emulate_slates; /* one for each warp */
inline emulate_slate &emulate_slate_of_warp()
{
    return emulate_slates[emulate_thread_id() / EMULATE_WARP];
}

/* The instructions are executed by a whole warp, but order none of its other accesses. */
inline void emulate_together(EMULATE_PLACE)
{
    unsigned lane;
    emulate_exchange({"an instruction of the warp", file, line}, 0xffffffffu, 0, &lane);
}

struct emulate_copy {
    void *to;
    const void *from; /* nullptr: zeros */
    int bytes;
};
enum { EMULATE_MAX_COPIES = 256 };
extern emulate_copy (*emulate_copies)[EMULATE_MAX_COPIES]; /* for each thread */
extern int *emulate_n_copies;

/* What memcpy and memset do, the compiler need not show. */
#ifdef FPC_CHECK_RACES
#define EMULATE_SEES(p, n, how) emulate_touch(p, n, how, __builtin_return_address(0))
#else
#define EMULATE_SEES(p, n, how) ((void)0)
#endif

#endif
