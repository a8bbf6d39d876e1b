/* blocks.h: places values into one block of memory, by the times between which each lives. */
#ifndef CORE_RUNTIME_BLOCKS_H
#define CORE_RUNTIME_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

typedef struct fpc_lifetime {
    size_t bytes, *offset; /* of any unit; offset: where it is placed */
    int32_t first, last;   /* the steps between which it must stay, both included */
    int32_t order;         /* of blocks of equal size the lower comes first; unique */
} fpc_lifetime;

/* Writes the offsets, and sorts the list; how much memory all take. First fit, largest first: the same for equal lists,
 * in whatever order they come. */
size_t fpc_blocks_place(fpc_lifetime *, int32_t n);

#endif
