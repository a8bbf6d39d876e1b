/* resident.c: the data set on the device or in pinned memory. Pictures go there when their first batch comes by; from
 * then on the readers leave them out (on the device) or hand them over without a copy (pinned). Training and validation
 * pictures lie in one block, the validation behind the training. */
#include "experiment/resident.h"
#include "graph/nodes.h"
#include "experiment/step.h"

struct fpc_resident {
    int64_t mode; /* FPC_CACHE_DEVICE or FPC_CACHE_PINNED */
    int64_t first[4], n, area;
    int32_t h, w;
    uint8_t *present[4]; /* by part and picture */
    int32_t *index;      /* of the batch under way; grown once, since a run has many steps */
    int32_t cap_index;
};

/* For evaluation programs, and for what the device's libraries load later. */
#define RESERVE ((size_t)512 << 20)

static const char *const word[] = {"auto", "device", "pinned", "stream"};

static fpc_status no_memory_of_its_own(fpc_experiment *s, int64_t asked)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(s->recipe, "dataset"), "cache");
    return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                           "%s: dataset.cache = %s: backend %s computes in the host's memory, where the data are; auto "
                           "is right for it",
                           e ? e->origin : "default", word[asked], s->backend->inst.plugin->name);
}

/* Memory of the device that is left beside training itself. */
static size_t spare_memory(const fpc_experiment *s, size_t needed)
{
    const size_t free = s->backend->device.free, some = needed / 16 + (free / 32 < RESERVE ? free / 32 : RESERVE);
    return free > needed + some ? free - needed - some : 0;
}

static fpc_status too_large(fpc_experiment *s, int64_t mode, size_t bytes, size_t room)
{
    return fpc_fail(s->ctx, FPC_ENOMEM,
                    "dataset.cache = %s: the pictures take %.1f MiB, and %.1f are left; auto or stream does without",
                    word[mode], (double)bytes / 1048576, (double)room / 1048576);
}

static fpc_status take_memory(fpc_experiment *s, const fpc_resident *r)
{
    const size_t pixels = (size_t)(r->n * r->area);
    const fpc_status status =
        fpc_backend_alloc(s->backend, s->ctx, pixels * 3, "the pictures of the data set", &s->state->images);
    return status ? status
                  : fpc_backend_alloc(s->backend, s->ctx, pixels, "the masks of the data set", &s->state->masks);
}

static fpc_status open_device(fpc_experiment *s, fpc_resident *r)
{
    const fpc_status status = take_memory(s, r);
    for (fpc_part part = FPC_TRAIN; part <= FPC_VAL && !status; part++) {
        r->present[part] = fpc_alloc(s->arena, (size_t)fpc_data_info(s->data)->count[part] + 1);
        if (!r->present[part])
            return FPC_ENOMEM;
        fpc_data_present(s->data, part, r->present[part]);
    }
    return status;
}

/* Before the memory goes: readers write to it. */
static void stop_readers(void *data)
{
    fpc_data_close(data);
}

static fpc_status open_pinned(fpc_experiment *s, fpc_resident *r)
{
    const size_t bytes = (size_t)(r->n * r->area) * 4;
    void *pool = NULL;
    if (fpc_backend_alloc_host(s->backend, s->ctx, s->arena, bytes, "the pictures of the data set", &pool))
        return FPC_ENOMEM;
    fpc_data_use_pool(s->data, pool, bytes);
    return fpc_arena_defer(s->arena, stop_readers, s->data);
}

static int64_t pictures(const fpc_experiment *s)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);

    return info->count[FPC_TRAIN] + (info->unlabelled[FPC_VAL] ? 0 : info->count[FPC_VAL]);
}

fpc_status fpc_resident_choose(fpc_experiment *s, size_t needed, int64_t *mode)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);
    const int64_t asked = fpc_data_options_of(s->data)->cache, n = pictures(s);
    const size_t bytes = (size_t)(n * info->h * info->w) * 4;
    const size_t host = (size_t)fpc_data_options_of(s->data)->cache_mb << 20, spare = spare_memory(s, needed);

    *mode = FPC_CACHE_STREAM;
    if (!fpc_backend_queues(s->backend))
        return asked == FPC_CACHE_AUTO || asked == FPC_CACHE_STREAM ? FPC_OK : no_memory_of_its_own(s, asked);
    if (asked == FPC_CACHE_DEVICE && bytes > spare)
        return too_large(s, asked, bytes, spare);
    if (asked == FPC_CACHE_PINNED && bytes > host)
        return too_large(s, asked, bytes, host);
    *mode = asked != FPC_CACHE_AUTO           ? asked
            : n < INT32_MAX && bytes <= spare ? FPC_CACHE_DEVICE
            : bytes <= host                   ? FPC_CACHE_PINNED
                                              : FPC_CACHE_STREAM;
    return FPC_OK;
}

fpc_status fpc_resident_open(fpc_experiment *s, size_t needed, fpc_resident **out)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);
    fpc_resident *r = fpc_alloc(s->arena, sizeof *r);
    fpc_status status;
    *out = NULL;
    if (!r)
        return FPC_ENOMEM;
    *r = (fpc_resident){.h = info->h, .w = info->w, .area = (int64_t)info->h * info->w, .n = pictures(s)};
    r->first[FPC_VAL] = info->count[FPC_TRAIN];
    if ((status = fpc_resident_choose(s, needed, &r->mode)) || r->mode == FPC_CACHE_STREAM)
        return status;
    status = r->mode == FPC_CACHE_DEVICE ? open_device(s, r) : open_pinned(s, r);
    fpc_log(s->ctx, FPC_LOG_INFO, "the data set's %lld pictures (%.1f MiB) stay %s", (long long)r->n,
            (double)(r->n * r->area) * 4 / 1048576, r->mode == FPC_CACHE_DEVICE ? "on the device" : "in pinned memory");
    *out = r;
    return status;
}

fpc_status fpc_resident_batch(fpc_experiment *s, const fpc_batch *b, fpc_resident **out)
{
    fpc_resident *r = *out = fpc_alloc(s->arena, sizeof *r);
    if (!r)
        return FPC_ENOMEM;
    *r = (fpc_resident){.mode = FPC_CACHE_DEVICE, .n = b->n, .h = b->h, .w = b->w, .area = (int64_t)b->h * b->w};
    r->present[b->part] = fpc_alloc(s->arena, (size_t)b->n);
    if (!r->present[b->part])
        return FPC_ENOMEM;
    return take_memory(s, r);
}

fpc_shape fpc_resident_shape(const fpc_resident *r)
{
    return (fpc_shape){r->mode == FPC_CACHE_DEVICE ? (int32_t)r->n : 0, r->h, r->w, 3};
}

static int missing(const fpc_resident *r, const fpc_batch *b, int32_t row)
{
    return r->mode == FPC_CACHE_DEVICE ? !r->present[b->part][b->index[row]] : !b->borrowed[row];
}

size_t fpc_resident_room(const fpc_resident *r, const fpc_batch *b)
{
    size_t bytes = 64 + (size_t)b->n * sizeof(int32_t);
    for (int32_t i = 0; i < b->n; i++)
        bytes += missing(r, b, i) ? (size_t)r->area * 4 + 128 : 0;
    return bytes;
}

static fpc_status send(fpc_experiment *s, void *device, const void *host, int64_t bytes, int pinned)
{
    const struct fpc_programs *all = s->programs;
    return all->queueing ? fpc_queue_bytes(all->queue, device, host, (size_t)bytes, pinned)
                         : fpc_backend_copy(s->backend, device, host, (size_t)bytes, FPC_TO_DEVICE);
}

/* Picture and mask (NULL: not wanted) of a row, to where they belong. */
static fpc_status send_row(const fpc_resident *r, fpc_experiment *s, const fpc_batch *b, int32_t row, char *image,
                           char *mask)
{
    const uint8_t *borrowed = b->borrowed[row];
    const fpc_status status =
        send(s, image, borrowed ? borrowed : b->image + row * r->area * 3, r->area * 3, borrowed != NULL);
    return status || !mask
               ? status
               : send(s, mask, borrowed ? borrowed + r->area * 3 : b->mask + row * r->area, r->area, borrowed != NULL);
}

static fpc_status write_index(fpc_resident *r, fpc_experiment *s, fpc_program *p, const fpc_batch *b)
{
    fpc_status status = FPC_OK;
    if (b->n > r->cap_index) {
        r->index = fpc_alloc(s->arena, (size_t)b->n * sizeof *r->index);
        r->cap_index = r->index ? b->n : 0;
        status = r->index ? FPC_OK : FPC_ENOMEM;
    }
    for (int32_t i = 0; i < b->n && !status; i++) {
        const int64_t at = r->first[b->part] + b->index[i];
        r->index[i] = (int32_t)at;
        if (r->present[b->part][b->index[i]])
            continue;
        status =
            send_row(r, s, b, i, (char *)s->state->images + at * r->area * 3, (char *)s->state->masks + at * r->area);
        __atomic_store_n(&r->present[b->part][b->index[i]], 1, __ATOMIC_RELEASE); /* readers look at it */
    }
    return status ? status : fpc_steps_write(s, p, "index", FPC_I32, r->index, b->n);
}

fpc_status fpc_resident_write(fpc_resident *r, fpc_experiment *s, fpc_program *p, const fpc_batch *b)
{
    fpc_tensor image, mask = {0};
    if (r->mode == FPC_CACHE_DEVICE)
        return write_index(r, s, p, b);
    fpc_status status = fpc_program_tensor(p, "image", b->n * r->area * 3, &image);
    if (!status && fpc_program_has(p, "mask"))
        status = fpc_program_tensor(p, "mask", b->n * r->area, &mask);
    for (int32_t i = 0; i < b->n && !status; i++)
        status = send_row(r, s, b, i, (char *)image.data + i * r->area * 3,
                          mask.data ? (char *)mask.data + i * r->area : NULL);
    return status;
}
