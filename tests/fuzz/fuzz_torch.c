/* fuzz_torch.c: any bytes as a file of torch.save. The input's first byte chooses: a whole archive, or the pickle of
 * one whose other entries are there and right. Every tensor that is accepted is read to its end. */
#include "fuzz_tensors.h"
#include "cmd/submit/zip_archive.h"

static void judge_pickle(fpc_ctx *ctx, fpc_arena *arena, const uint8_t *data, size_t size)
{
    static const char numbers[800];
    const fpc_zip_entry entry[] = {{"a/data.pkl", data, size, 1},
                                   {"a/data/0", numbers, sizeof numbers, 1},
                                   {"a/data/1", numbers, 24, 1},
                                   {"a/data/2", numbers, 0, 1}};
    const void *file;
    size_t bytes;

    if (!fpc_zip_make(ctx, arena, "archive", NULL, 4, entry, &file, &bytes))
        fuzz_tensors(ctx, arena, file, bytes);
}

static void silent(void *arg, int level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);

    fpc_ctx_log_sink(ctx, silent, NULL);
    if (size && *data == 'p')
        judge_pickle(ctx, arena, data + 1, size - 1);
    else if (size)
        fuzz_tensors(ctx, arena, data + 1, size - 1);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return 0;
}
