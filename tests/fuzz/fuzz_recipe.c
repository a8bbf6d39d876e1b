/* fuzz_recipe.c: any bytes as a recipe. */
#include "fuzz.h"
#include "recipe/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);
    const char *override = "run.epochs=2";
    const fuzz_file f = fuzz_open(data, size);
    fpc_recipe *r;
    fuzz_judge(ctx, fpc_recipe_read(ctx, arena, f.path, 1, &override, &r));
    close(f.fd);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return 0;
}
