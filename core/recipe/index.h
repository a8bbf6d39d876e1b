/* index.h: where a name stands in a list, found without a walk through it. */
#ifndef CORE_RECIPE_INDEX_H
#define CORE_RECIPE_INDEX_H

#include <fpcore/base.h>

/* Zeroed: empty. Its memory is the arena's. */
typedef struct fpc_index {
    struct fpc_index_slot *slot;
    uint32_t cap, n;
} fpc_index;

/* -1: not in it. */
int32_t fpc_index_find(const fpc_index *, const char *name);
/* The name, which the index has not yet, must live as long as the index does. */
fpc_status fpc_index_add(fpc_arena *, fpc_index *, const char *name, int32_t at);
void fpc_index_clear(fpc_index *); /* and keeps its memory */

#endif
