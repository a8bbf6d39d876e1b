/* backend.h: the backend `cpu` within libfpseg: its source, compiled without what only training needs (FPC_INFERENCE),
 * and no plugin that is searched for. */
#ifndef CORE_SEG_BACKEND_H
#define CORE_SEG_BACKEND_H

#include "runtime/backend.h"

/* With so many threads and defaults for all else. Memory and threads go with the arena. */
fpc_status seg_backend_open(fpc_ctx *, fpc_arena *, int32_t threads, fpc_backend **);

#endif
