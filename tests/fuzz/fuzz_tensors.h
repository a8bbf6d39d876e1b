/* fuzz_tensors.h: what the targets of files of weights share. */
#ifndef TESTS_FUZZ_TENSORS_H
#define TESTS_FUZZ_TENSORS_H

#include "fuzz.h"
#include "weights/weights.h"

/* Any bytes as such a file; every tensor that is accepted is read to its end. */
static inline void fuzz_tensors(fpc_ctx *ctx, fpc_arena *arena, const uint8_t *data, size_t size)
{
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
}

#endif
