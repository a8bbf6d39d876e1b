/* check.c: what was written is read back from the disk and compared: as many masks as test pictures, each with
 * its picture's name and size, the contest's palette, labels in range, and the very labels that were predicted; weights
 * that hold the numbers of the model. */
#include "cmd/submit/submit.h"
#include "base/digest.h"
#include <string.h>
#include "base/file.h"
#include "weights/weights.h"
#include "image/image.h"

static fpc_status check_palette(fpc_submit *s, const char *name, uint8_t palette[256][3], int32_t n)
{
    for (int32_t i = 0; i < 256 && n == 256; i++)
        for (int c = 0; c < 3; c++)
            if (palette[i][c] != (i < 16 ? fpc_submit_palette[i][c] : i))
                n = 0;
    return n == 256
               ? FPC_OK
               : fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %s: the palette is not that of the contest", s->out, name);
}

static fpc_status check_mask(fpc_submit *s, fpc_arena *scratch, const fpc_submit_mask *m, const fpc_zip_entry *e)
{
    uint8_t palette[256][3];
    int32_t n;
    fpc_image image;
    int highest = 0;
    fpc_status status;
    if ((status = fpc_mask_decode(s->cmd->ctx, scratch, e->name, e->data, e->bytes, &image, palette, &n)) ||
        (status = check_palette(s, e->name, palette, n)))
        return status;
    if (image.w != m->w || image.h != m->h)
        return fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %s: %d x %d, but the picture is %d x %d", s->out, e->name,
                        image.w, image.h, m->w, m->h);
    const int64_t pixels = (int64_t)image.w * image.h;
    for (int64_t i = 0; i < pixels; i++)
        highest = image.pixel[i] > highest ? image.pixel[i] : highest;
    if (highest >= s->experiment->classes)
        return fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %s: label %d; there are %d classes", s->out, e->name, highest,
                        s->experiment->classes);
    if (fpc_digest(image.pixel, (size_t)pixels) != m->digest)
        return fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %s: not the labels that were predicted", s->out, e->name);
    return FPC_OK;
}

/* Every tensor of the model lies in ckpt.pth, byte for byte. */
static fpc_status check_weights(fpc_submit *s, fpc_arena *arena, const fpc_zip_entry *e)
{
    const fpc_state *state = s->experiment->state;
    fpc_zip_entry *inner;
    int32_t n, number = 0;
    fpc_status status = fpc_zip_read(s->cmd->ctx, arena, e->name, e->data, e->bytes, &n, &inner);
    for (int32_t i = 0; i < state->n && !status; i++) {
        fpc_st_tensor t;
        if (state->entry[i].kind != FPC_STATE_PARAM && state->entry[i].kind != FPC_STATE_BUFFER)
            continue;
        if ((status = fpc_state_tensor(state, arena, &state->entry[i], state->entry[i].dtype, &t)))
            return status;
        const fpc_zip_entry *data = fpc_zip_find(n, inner, fpc_sprintf(arena, "archive/data/%d", number++));
        if (!data || data->bytes % (size_t)t.count || memcmp(data->data, t.data, data->bytes))
            status = fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %s: %s is not the model's", s->out, e->name, t.name);
    }
    return status;
}

static fpc_status check_entries(fpc_submit *s, fpc_arena *arena, fpc_arena *scratch)
{
    static const char *const solution[] = {"solution/ckpt.pth",   "solution/weights.safetensors",
                                           "solution/recipe.ini", "solution/run.sh",
                                           "solution/README.md",  "solution/requirements.txt"};
    fpc_zip_entry *entry;
    const char *why;
    char *data;
    size_t bytes;
    int32_t n, masks = 0;
    fpc_status status;
    if (fpc_read_file_why(arena, s->part, SIZE_MAX, &data, &bytes, &why))
        return fpc_fail(s->cmd->ctx, FPC_EIO, "%s: was written and cannot be read back (it %s)", s->out, why);
    if ((status = fpc_zip_read(s->cmd->ctx, arena, s->out, data, bytes, &n, &entry)))
        return status;
    for (int32_t i = 0; i < n; i++)
        masks += !strncmp(entry[i].name, "masks/", 6);
    if (masks != s->n_masks || n != s->n)
        return fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %d masks in %d entries; %d pictures, %d entries were meant",
                        s->out, masks, n, s->n_masks, s->n);
    for (int32_t i = 0; i < s->n_masks && !status; i++) {
        const char *name = fpc_sprintf(arena, "masks/%s.png", s->mask[i].stem);
        const fpc_zip_entry *e = name ? fpc_zip_find(n, entry, name) : NULL;
        fpc_arena_reset(scratch);
        status = e ? check_mask(s, scratch, &s->mask[i], e)
                   : fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: there is no mask for %s", s->out, s->mask[i].stem);
    }
    for (size_t i = 0; i < sizeof solution / sizeof *solution && !status; i++)
        if (!fpc_zip_find(n, entry, solution[i]))
            status = fpc_fail(s->cmd->ctx, FPC_EINTERNAL, "%s: %s is missing", s->out, solution[i]);
    return status ? status : check_weights(s, arena, fpc_zip_find(n, entry, solution[0]));
}

fpc_status fpc_submit_check(fpc_submit *s)
{
    fpc_arena *arena = fpc_arena_new(s->cmd->ctx), *scratch = fpc_arena_new(s->cmd->ctx);
    const fpc_status status = arena && scratch ? check_entries(s, arena, scratch) : FPC_ENOMEM;
    if (arena)
        fpc_arena_free(arena);
    if (scratch)
        fpc_arena_free(scratch);
    return status;
}
