/* warp.cpp: what warp.h remembers of the warps and threads of the block that runs: outside of the module's own memory,
 * in which races.cpp takes all for shared memory. */
#include "tests/cuda_emulator/warp.h"
#include <stdlib.h>

template <class T> static T *room(size_t n)
{
    void *p = calloc(n, sizeof(T));
    if (!p)
        emulate_die("no host memory");
    return static_cast<T *>(p);
}

EMULATE_BUILT_IN emulate_slate *emulate_slates = room<emulate_slate>(EMULATE_MAX_THREADS / EMULATE_WARP);
EMULATE_BUILT_IN
emulate_copy (*emulate_copies)[EMULATE_MAX_COPIES] = room<emulate_copy[EMULATE_MAX_COPIES]>(EMULATE_MAX_THREADS);
EMULATE_BUILT_IN int *emulate_n_copies = room<int>(EMULATE_MAX_THREADS);
