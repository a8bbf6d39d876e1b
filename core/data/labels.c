/* labels.c: counts the labels of the training masks, at the size that training sees. */
#include "data/dataset_private.h"
#include "base/message.h"

static void count_mask(fpc_label_table *t, int64_t sample, const uint8_t *mask, int64_t pixels)
{
    int64_t of[256] = {0};
    for (int64_t i = 0; i < pixels; i++)
        of[mask[i]]++;
    for (int32_t c = 0; c < t->classes; c++) {
        t->pixels[c] += of[c];
        t->images[c] += of[c] > 0;
        t->present[sample][c / 64] |= (uint64_t)(of[c] > 0) << (c % 64);
    }
}

fpc_status fpc_label_table_new(fpc_ctx *ctx, fpc_arena *arena, fpc_data *data, fpc_label_table **out)
{
    const fpc_dataset_info *info = &data->info;
    const size_t pixels = (size_t)fpc_sample_pixels(data);
    fpc_label_table *t = fpc_alloc(arena, sizeof *t);
    fpc_arena *scratch;
    uint8_t *image, *mask;
    fpc_status status;
    *out = NULL;
    if (!t)
        return FPC_ENOMEM;
    if (info->unlabelled[FPC_TRAIN] || info->count[FPC_TRAIN] < 1)
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "dataset/%s: the training part has no %s; a balanced sampler and weights of classes are "
                               "computed from its masks",
                               data->inst.plugin->name, info->count[FPC_TRAIN] < 1 ? "pictures" : "labels");
    t->samples = info->count[FPC_TRAIN];
    t->classes = info->classes;
    t->pixels = fpc_alloc(arena, sizeof *t->pixels * 256);
    t->images = fpc_alloc(arena, sizeof *t->images * 256);
    t->present = fpc_alloc(arena, sizeof *t->present * (size_t)t->samples);
    if (!t->pixels || !t->images || !t->present || !(scratch = fpc_arena_new(ctx)))
        return FPC_ENOMEM;
    image = fpc_alloc(scratch, pixels * 3);
    mask = fpc_alloc(scratch, pixels);
    status = image && mask ? FPC_OK : FPC_ENOMEM;
    for (int64_t i = 0; i < t->samples && !status; i++) {
        status = fpc_ctx_cancelled(ctx) ? FPC_ECANCEL : fpc_sample_read(data, data->scratch, FPC_TRAIN, i, image, mask);
        if (!status)
            count_mask(t, i, mask, (int64_t)pixels);
    }
    fpc_arena_free(scratch);
    *out = t;
    return status;
}
