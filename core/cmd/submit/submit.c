/* submit.c: the masks of a contest's archive: every test picture goes through the model at the recipe's size and gets
 * labels at its own, as from `fpcore predict`. */
#include "cmd/submit/submit.h"
#include "cmd/line/terminal.h"
#include "base/clock.h"
#include "base/digest.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "image/image.h"

const uint8_t fpc_submit_palette[16][3] = {
    {0, 0, 0},  {128, 0, 0}, {0, 128, 0},  {128, 128, 0}, {0, 0, 128},  {128, 0, 128}, {0, 128, 128},  {128, 128, 128},
    {64, 0, 0}, {191, 0, 0}, {64, 128, 0}, {191, 128, 0}, {64, 0, 128}, {191, 0, 128}, {64, 128, 128}, {191, 128, 128}};

fpc_status fpc_submit_add(fpc_submit *s, const char *name, const void *data, size_t bytes, int store)
{
    if (!name || !data)
        return FPC_ENOMEM;
    if (s->n == s->cap) {
        const int32_t cap = s->cap ? 2 * s->cap : 128;
        fpc_zip_entry *more = fpc_alloc(s->cmd->arena, (size_t)cap * sizeof *more);
        if (!more)
            return FPC_ENOMEM;
        if (s->n)
            memcpy(more, s->entry, (size_t)s->n * sizeof *more);
        s->entry = more;
        s->cap = cap;
    }
    s->entry[s->n++] = (fpc_zip_entry){name, data, bytes, store};
    return FPC_OK;
}

/* The picture in its own size, from its file where there is one. */
static fpc_status read_picture(const fpc_submit *s, fpc_arena *scratch, int64_t index, const char *path, fpc_image *out)
{
    fpc_batch one;
    if (*path)
        return fpc_image_open(s->cmd->ctx, scratch, path, s->experiment->info.as_stored ? FPC_IMAGE_STORED : 0, out,
                              NULL);
    const fpc_status status = fpc_data_read(s->experiment->data, scratch, FPC_TEST, index, &one);
    if (!status)
        *out = (fpc_image){one.w, one.h, 3, one.image};
    return status;
}

static fpc_status make_mask(fpc_submit *s, fpc_arena *scratch, int64_t index)
{
    fpc_ctx *ctx = s->cmd->ctx;
    fpc_submit_mask *m = &s->mask[index];
    fpc_image picture, mask = {.c = 1};
    char id[256], path[4096];
    const uint8_t *data;
    size_t bytes;
    fpc_status status;

    if ((status = fpc_data_name(s->experiment->data, FPC_TEST, index, id, sizeof id)) ||
        (status = fpc_data_file(s->experiment->data, FPC_TEST, index, path, sizeof path)))
        return status;
    m->stem = fpc_strdup(s->cmd->arena, id);
    m->path = fpc_strdup(s->cmd->arena, path);
    const char *name = fpc_sprintf(s->cmd->arena, "masks/%s.png", id);
    if (!m->stem || !m->path || !name)
        return FPC_ENOMEM;
    if (!*id || strchr(id, '/') || strchr(id, '\\'))
        return fpc_fail(ctx, FPC_EFORMAT, "test sample %lld is called `%s`, which is no name for a file",
                        (long long)index, id);
    if ((status = read_picture(s, scratch, index, path, &picture)))
        return status;
    mask.w = picture.w;
    mask.h = picture.h;
    if (!(mask.pixel = fpc_alloc(scratch, (size_t)mask.w * (size_t)mask.h)))
        return FPC_ENOMEM;
    if ((status = fpc_tta_mask(s->tta, scratch, &picture, mask.pixel)) ||
        (status = fpc_png_encode(ctx, s->cmd->arena, name, &mask, fpc_submit_palette, 16, NULL, &data, &bytes)))
        return status;
    m->w = picture.w;
    m->h = picture.h;
    m->digest = fpc_digest(mask.pixel, (size_t)mask.w * (size_t)mask.h);
    return fpc_submit_add(s, name, data, bytes, 1); /* a PNG is compressed already */
}

fpc_status fpc_submit_masks(fpc_submit *s)
{
    const fpc_dataset_info *info = fpc_data_info(s->experiment->data);
    const int64_t n = info->count[FPC_TEST];
    const double began = fpc_clock_now();
    if (n < 1)
        return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                        "fpcore submit: the data set has no test pictures; for dataset/folder, dataset.test_images "
                        "names their folder");
    s->mask = fpc_alloc(s->cmd->arena, (size_t)n * sizeof *s->mask);
    fpc_arena *scratch = fpc_arena_new(s->cmd->ctx);
    fpc_status status = s->mask && scratch ? FPC_OK : FPC_ENOMEM;
    for (int64_t i = 0; i < n && !status; i++) {
        fpc_arena_reset(scratch);
        status =
            fpc_ctx_cancelled(s->cmd->ctx)
                ? fpc_fail(s->cmd->ctx, FPC_ECANCEL, "interrupted after %lld of %lld masks", (long long)i, (long long)n)
                : make_mask(s, scratch, i);
        fpc_show_progress(i + 1, n, "masks", began);
    }
    fpc_end_progress();
    if (scratch)
        fpc_arena_free(scratch);
    s->n_masks = (int32_t)n;
    return status;
}
