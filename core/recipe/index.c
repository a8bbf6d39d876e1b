/* index.c: a hash table with open addressing, at most half full. */
#include "recipe/index.h"

#include <fpcore/rng.h>
#include <string.h>

struct fpc_index_slot {
    const char *name; /* NULL: free */
    uint32_t hash;
    int32_t at;
};

static struct fpc_index_slot *place(const fpc_index *in, const char *name, uint32_t hash)
{
    uint32_t i = hash & (in->cap - 1);

    while (in->slot[i].name && (in->slot[i].hash != hash || strcmp(in->slot[i].name, name)))
        i = (i + 1) & (in->cap - 1);
    return &in->slot[i];
}

int32_t fpc_index_find(const fpc_index *in, const char *name)
{
    const struct fpc_index_slot *slot = in->n ? place(in, name, fpc_hash(name)) : NULL;

    return slot && slot->name ? slot->at : -1;
}

static fpc_status grow(fpc_arena *arena, fpc_index *in)
{
    fpc_index larger = {.cap = in->cap ? 2 * in->cap : 16, .n = in->n};

    if (!(larger.slot = fpc_alloc(arena, larger.cap * sizeof *larger.slot)))
        return FPC_ENOMEM;
    for (uint32_t i = 0; i < in->cap; i++)
        if (in->slot[i].name)
            *place(&larger, in->slot[i].name, in->slot[i].hash) = in->slot[i];
    *in = larger;
    return FPC_OK;
}

fpc_status fpc_index_add(fpc_arena *arena, fpc_index *in, const char *name, int32_t at)
{
    const uint32_t hash = fpc_hash(name);

    if (2 * in->n >= in->cap && grow(arena, in))
        return FPC_ENOMEM;
    *place(in, name, hash) = (struct fpc_index_slot){name, hash, at};
    in->n++;
    return FPC_OK;
}

void fpc_index_clear(fpc_index *in)
{
    if (in->n)
        memset(in->slot, 0, in->cap * sizeof *in->slot);
    in->n = 0;
}
