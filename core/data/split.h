/* split.h: the permutation of NumPy's legacy generator, by which the recorded runs split their data. */
#ifndef CORE_DATA_SPLIT_H
#define CORE_DATA_SPLIT_H

#include <fpcore/base.h>

/* perm[0..n): what numpy.random.seed(seed); numpy.random.permutation(n) gives. n at most 2^32. */
FPC_API fpc_status fpc_split_permutation(fpc_ctx *, uint32_t seed, int64_t n, int64_t *perm);

#endif
