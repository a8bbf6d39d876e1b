/* sample.c: one sample of fpc_data: from the plugin, with its labels checked, or from the cache of decoded
 * pictures. The cache is memory of its own, or memory that was borrowed (pinned, for a device); a copy is never written
 * again once it is there, and two readers may have read the same sample: the first copy stays. */
#define _POSIX_C_SOURCE 200809L
#include "data/dataset_private.h"
#include "base/message.h"
#include <stdlib.h>
#include <string.h>

const char *const fpc_part_name[4] = {"", "training", "validation", "test"};

void fpc_sample_name(const fpc_data *d, fpc_part part, int64_t index, char id[ID_BYTES])
{
    id[0] = 0;
    if (!d->vtbl->name || FPC_CALL(d->inst.who, d->vtbl->name(d->inst.self, part, index, id, ID_BYTES)) != FPC_OK)
        id[0] = 0;
    id[ID_BYTES - 1] = 0;
}

/* w, h: of the mask. */
static fpc_status check_labels(const fpc_data *d, fpc_part part, int64_t index, const uint8_t *mask, int32_t w,
                               int32_t h)
{
    for (int64_t i = 0, n = (int64_t)w * h; i < n; i++) {
        if (mask[i] < d->info.classes || mask[i] == d->info.ignore_label)
            continue;
        char id[ID_BYTES];
        fpc_sample_name(d, part, index, id);
        return fpc_fail(
            d->ctx, FPC_EFORMAT,
            "%s sample %lld (%s): label %d at x %lld, y %lld; the data set has %d classes, so labels are 0 .. %d",
            fpc_part_name[part], (long long)index, id, mask[i], (long long)(i % w), (long long)(i / w), d->info.classes,
            d->info.classes - 1);
    }
    return FPC_OK;
}

static fpc_status unreadable(const fpc_data *d, fpc_part part, int64_t index, fpc_status status)
{
    char id[ID_BYTES];
    fpc_sample_name(d, part, index, id);
    return fpc_fail(d->ctx, status, "%s sample %lld (%s) could not be read", fpc_part_name[part], (long long)index, id);
}

fpc_status fpc_sample_read_native(const fpc_data *d, fpc_arena *arena, fpc_part part, int64_t index,
                                  fpc_native_sample *out)
{
    const fpc_status status = FPC_CALL(d->inst.who, d->vtbl->read_native(d->inst.self, arena, part, index, out));
    if (status != FPC_OK)
        return unreadable(d, part, index, status);
    if (!out->image || out->h < 1 || out->w < 1)
        return fpc_fail(d->ctx, FPC_EINTERNAL, "dataset/%s: read_native gives no picture of sample %lld",
                        d->inst.plugin->name, (long long)index);
    return out->mask ? check_labels(d, part, index, out->mask, out->w, out->h) : FPC_OK;
}

/* From the plugin, checked. */
static fpc_status read_fresh(const fpc_data *d, fpc_arena *scratch, fpc_part part, int64_t index, uint8_t *image,
                             uint8_t *mask)
{
    char id[ID_BYTES] = "";
    fpc_sample sample = {sizeof sample, image, mask, id, sizeof id};
    fpc_arena_reset(scratch);
    const fpc_status status = FPC_CALL(d->inst.who, d->vtbl->read(d->inst.self, scratch, part, index, &sample));
    if (status != FPC_OK)
        return unreadable(d, part, index, status);
    const fpc_status wrong = mask ? check_labels(d, part, index, mask, d->info.w, d->info.h) : FPC_OK;
    if (wrong != FPC_OK && d->audit) {
        fpc_sample_name(d, part, index, id);
        d->audit->flaw(d->audit->arg, "label out of range", part, id, NULL);
    }
    return wrong;
}

/* Keeps a copy where the budget allows. Two readers may have read the same sample; the first copy stays. */
static void keep(fpc_data *d, fpc_part part, int64_t index, const uint8_t *image, const uint8_t *mask)
{
    const int64_t n = fpc_sample_pixels(d), bytes = n * (mask ? 4 : 3);
    pthread_mutex_lock(&d->lock);
    const int room = d->cache[part] && !d->cache[part][index] && bytes <= d->cache_left && !d->present[part];
    uint8_t *copy = NULL;
    if (room)
        d->cache_left -= bytes;
    if (room && d->pool) {
        copy = d->pool + d->pool_used;
        d->pool_used += (size_t)bytes;
    }
    pthread_mutex_unlock(&d->lock);
    if (!room)
        return;
    if (!d->pool)
        copy = malloc((size_t)bytes);
    if (copy) {
        memcpy(copy, image, (size_t)n * 3);
        if (mask)
            memcpy(copy + n * 3, mask, (size_t)n);
    }
    pthread_mutex_lock(&d->lock);
    if (copy && !d->cache[part][index]) {
        d->cache[part][index] = copy;
        copy = NULL;
    } else if (!d->pool) {
        d->cache_left += bytes;
    }
    pthread_mutex_unlock(&d->lock);
    if (!d->pool)
        free(copy);
}

const uint8_t *fpc_sample_kept(fpc_data *d, fpc_part part, int64_t index)
{
    pthread_mutex_lock(&d->lock);
    const uint8_t *kept = d->cache[part] ? d->cache[part][index] : NULL;
    pthread_mutex_unlock(&d->lock);
    return kept;
}

fpc_status fpc_sample_read(fpc_data *d, fpc_arena *scratch, fpc_part part, int64_t index, uint8_t *image, uint8_t *mask)
{
    const uint8_t *kept = fpc_sample_kept(d, part, index);
    const int64_t n = fpc_sample_pixels(d);
    if (kept) {
        memcpy(image, kept, (size_t)n * 3);
        if (mask)
            memcpy(mask, kept + n * 3, (size_t)n);
        return FPC_OK;
    }
    const fpc_status status = read_fresh(d, scratch, part, index, image, mask);
    if (status == FPC_OK)
        keep(d, part, index, image, mask);
    return status;
}

void fpc_data_present(fpc_data *d, fpc_part part, const uint8_t *present)
{
    pthread_mutex_lock(&d->lock);
    d->present[part] = present;
    pthread_mutex_unlock(&d->lock);
}

void fpc_data_use_pool(fpc_data *d, void *memory, size_t bytes)
{
    pthread_mutex_lock(&d->lock);
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        for (int64_t i = 0; d->cache[part] && i < d->info.count[part]; i++) {
            free(d->cache[part][i]);
            d->cache[part][i] = NULL;
        }
    d->pool = memory;
    d->cache_left = (int64_t)bytes;
    pthread_mutex_unlock(&d->lock);
}
