/* near_hashes.h: which 64-bit hashes of a list lie within a few bits of each other, without comparing all pairs. */
#ifndef CORE_CMD_INSPECT_NEAR_HASHES_H
#define CORE_CMD_INSPECT_NEAR_HASHES_H

#include "base/message.h"

typedef struct fpc_near_hashes fpc_near_hashes;

/* hash[i]: of a picture, and of its mirror image; n of them, which stay where they are. near: the most bits, 0 to 64.
 */
fpc_status fpc_near_hashes_new(fpc_arena *, int64_t n, const uint64_t (*hash)[2], int32_t near, fpc_near_hashes **out);

/* All j > i, ascending, of which hash[j][0] or hash[j][1] differs from hash[i][0] in at most `near` bits. The list is
 * valid until the next call. */
int64_t fpc_near_hashes_behind(fpc_near_hashes *, int64_t i, const int64_t **found);

#endif
