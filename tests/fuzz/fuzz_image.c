/* fuzz_image.c: any bytes as a picture and as a mask. The readers choose by the name's ending, so the bytes are offered
 * under each. */
#include "fuzz.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const endings[] = {"jpg", "png"};
    static const unsigned how[] = {0, 0, FPC_IMAGE_MASK, FPC_IMAGE_MASK | FPC_IMAGE_CODED};
    char path[64];
    for (int i = 0; i < 4; i++) {
        fpc_ctx *ctx = fpc_ctx_new();
        fpc_arena *arena = fpc_arena_new(ctx);
        fpc_image image;
        snprintf(path, sizeof path, "/tmp/fpcore-fuzz-%d.%s", (int)getpid(), endings[i ? 1 : 0]);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(data, 1, size, f) != size || fclose(f))
            abort();
        fuzz_judge(ctx, fpc_image_open(ctx, arena, path, how[i], &image, NULL));
        unlink(path);
        fpc_arena_free(arena);
        fpc_ctx_free(ctx);
    }
    return 0;
}
