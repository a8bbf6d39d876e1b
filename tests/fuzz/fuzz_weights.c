/* fuzz_weights.c: any bytes as a safetensors file; every tensor that is accepted is read to its end. */
#include "fuzz.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);
    const fuzz_file f = fuzz_open(data, size);
    fpc_st_file *st;
    const fpc_status status = fpc_st_read(ctx, arena, f.path, &st);
    fuzz_judge(ctx, status);
    for (int32_t i = 0; !status && i < st->n; i++) {
        float *numbers = malloc((size_t)st->tensor[i].count * sizeof *numbers + 1);
        if (numbers)
            fuzz_judge(ctx, fpc_st_as_f32(ctx, st, &st->tensor[i], numbers));
        free(numbers);
        fpc_ctx_clear(ctx);
    }
    close(f.fd);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return 0;
}
