/* fuzz_weights.c: any bytes as a safetensors file; every tensor that is accepted is read to its end. */
#include "fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);

    fuzz_tensors(ctx, arena, data, size);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return 0;
}
