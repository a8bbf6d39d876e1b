/* dataset.c: fpc_data: batches from a data set plugin, read ahead of training.
 *
 * An epoch is a row of positions; position p is row p % batch of batch p / batch and shows sample order[p]. Readers
 * take positions in order, read (or copy from the cache), draw the augmentation and write into one of SLOTS batches;
 * the trainer takes whole batches in order. What a position holds is a pure function of (seed, epoch, p), so the number
 * of readers and their timing show nowhere. Everything that two threads touch is touched under `lock`; a decoded
 * picture is never written again once it is in the cache. */
#define _POSIX_C_SOURCE 200809L
#include "data/dataset_private.h"
#include <fpcore/draw.h>
#include <fpcore/image.h>
#include "recipe/sections.h"
#include "base/digest.h"
#include "base/message.h"
#include "base/thread.h"
#include <stdlib.h>
#include <string.h>

/* ---- readers ---- */
/* Under the lock: whether there is a position to take now. */
static int can_take(const fpc_data *d)
{
    return d->next_pos < d->n_pos && d->next_pos / d->opt.batch < d->freed + SLOTS;
}

/* Under the lock: the next position, or -1: none to take now. The first of a batch makes its slot ready. */
static int64_t take(fpc_data *d)
{
    const int64_t p = d->next_pos;
    if (!can_take(d))
        return -1;
    struct slot *s = &d->slot[p / d->opt.batch % SLOTS];
    if (s->number != p / d->opt.batch) {
        s->number = p / d->opt.batch;
        s->done = 0;
        s->failed = FPC_OK;
        s->batch.n = fpc_data_batch_size(d, d->part, s->number);
        s->batch.part = d->part;
        s->batch.mask = d->info.unlabelled[d->part] ? NULL : s->mask;
    }
    d->next_pos++;
    d->busy++;
    return p;
}

/* Without the lock: position p, which no other thread has. */
static fpc_status fill(fpc_data *d, fpc_arena *scratch, int64_t p)
{
    const int64_t number = p / d->opt.batch, index = d->order[p];
    const int32_t row = (int32_t)(p % d->opt.batch);
    fpc_batch *b = &d->slot[number % SLOTS].batch;
    fpc_status status = FPC_OK;
    b->index[row] = index;
    b->borrowed[row] = d->pool ? fpc_sample_kept(d, d->part, index) : NULL;
    if (!b->borrowed[row] && !(d->present[d->part] && __atomic_load_n(&d->present[d->part][index], __ATOMIC_ACQUIRE)))
        status = fpc_sample_read(d, scratch, d->part, index, b->image + row * fpc_sample_pixels(d) * 3,
                                 b->mask ? b->mask + row * fpc_sample_pixels(d) : NULL);
    if (status == FPC_OK && d->part == FPC_TRAIN)
        status = fpc_augments_draw(d->augs, d->seed, d->epoch, number, d->sums ? p : index, row, b->n, d->info.h,
                                   d->info.w, &b->draws); /* a picture drawn twice is augmented in two ways */
    return status;
}

/* Under the lock: p is done. */
static void finish(fpc_data *d, int64_t p, fpc_status status)
{
    struct slot *s = &d->slot[p / d->opt.batch % SLOTS];
    s->done++;
    if (status != FPC_OK)
        s->failed = status;
    d->busy--;
    if (s->done == s->batch.n || d->busy == 0)
        pthread_cond_broadcast(&d->filled);
}

static void *reader_main(void *arg)
{
    fpc_data *d = arg;
    fpc_arena *scratch = fpc_arena_new(d->ctx);
    pthread_mutex_lock(&d->lock);
    while (!d->quit) {
        const int64_t p = take(d);
        if (p < 0) {
            pthread_cond_wait(&d->work, &d->lock);
            continue;
        }
        pthread_mutex_unlock(&d->lock);
        const fpc_status status = scratch ? fill(d, scratch, p) : FPC_ENOMEM;
        pthread_mutex_lock(&d->lock);
        finish(d, p, status);
    }
    pthread_mutex_unlock(&d->lock);
    if (scratch)
        fpc_arena_free(scratch);
    return NULL;
}

/* Readers up to `n`, or as many as the system gives; with none the trainer reads itself. */
static void start_readers(fpc_data *d, int32_t n)
{
    while (d->n_readers < n && d->n_readers < MAX_READERS && fpc_thread_start(&d->reader[d->n_readers], reader_main, d))
        d->n_readers++;
}

/* Under the lock: the trainer has to wait for a batch. Where all readers are at work and there is more to read, one
 * more helps. The first batch of an epoch says nothing: nobody could have read it ahead. */
static void start_another(fpc_data *d)
{
    if (d->opt.readers || d->n_readers == 0 || d->current == d->first || d->busy < d->n_readers || !can_take(d))
        return;
    if (d->n_readers < d->most_readers)
        start_readers(d, d->n_readers + 1);
}

/* ---- opening ---- */
static const int64_t MOST_IMAGES = INT64_C(1) << 40;

fpc_status fpc_data_classes_check(fpc_ctx *ctx, const char *name, const fpc_dataset_info *i)
{
    if (i->classes < 1 || i->classes > FPC_MAX_CLASSES)
        return fpc_fail(ctx, FPC_EINVAL, "dataset/%s: %d classes; 1 .. %d are possible, each with a name and a colour",
                        name, i->classes, FPC_MAX_CLASSES);
    for (int32_t k = 0; k < i->classes && i->class_names; k++)
        if (!i->class_names[k] || !*i->class_names[k])
            return fpc_fail(ctx, FPC_EINVAL, "dataset/%s: class %d of %d has no name", name, k, i->classes);
    for (int32_t k = 1; k < i->classes && i->class_names; k++)
        for (int32_t before = 0; before < k; before++)
            if (!strcmp(i->class_names[k], i->class_names[before]))
                return fpc_fail(ctx, FPC_EINVAL, "dataset/%s: classes %d and %d are both called %s", name, before, k,
                                i->class_names[k]);
    if (i->ignore_label < -1 || i->ignore_label > 255)
        return fpc_fail(ctx, FPC_EINVAL, "dataset/%s: ignore label %d; labels are 0 .. 255", name, i->ignore_label);
    if (i->fit < FPC_FIT_SQUEEZE || i->fit > FPC_FIT_CROP)
        return fpc_fail(ctx, FPC_EINVAL, "dataset/%s: fit %d; %d .. %d are possible (fpc_fit)", name, i->fit,
                        FPC_FIT_SQUEEZE, FPC_FIT_CROP);
    if (i->n_mirror_pairs < 0 || i->n_mirror_pairs > FPC_MAX_CLASSES / 2 || (i->n_mirror_pairs && !i->mirror_pairs))
        return fpc_fail(ctx, FPC_EINVAL, "dataset/%s: %d mirror pairs%s; 0 .. %d are possible, listed in mirror_pairs",
                        name, i->n_mirror_pairs, i->mirror_pairs ? "" : " and no list of them", FPC_MAX_CLASSES / 2);
    for (int32_t p = 0; p < i->n_mirror_pairs; p++) {
        const uint8_t *pair = i->mirror_pairs[p];
        if (pair[0] >= i->classes || pair[1] >= i->classes || pair[0] == pair[1])
            return fpc_fail(ctx, FPC_EINVAL,
                            "dataset/%s: mirror pair %d-%d; it has to name two classes of 0 .. %d that differ", name,
                            pair[0], pair[1], i->classes - 1);
    }
    return FPC_OK;
}

static fpc_status check_info(const fpc_data *d)
{
    const fpc_dataset_info *i = &d->info;
    const char *name = d->inst.plugin->name;
    if (i->h < 1 || i->w < 1 || i->h > 16384 || i->w > 16384)
        return fpc_fail(d->ctx, FPC_EINVAL, "dataset/%s: pictures of %d x %d; sizes are 1 .. 16384", name, i->w, i->h);
    if (i->c != 3)
        return fpc_fail(d->ctx, FPC_EINVAL,
                        "dataset/%s: pictures of %d channels; this fpcore computes with 3 (of the 1 .. 64 that the "
                        "interface has room for)",
                        name, i->c);
    if (!i->class_names || !i->palette)
        return fpc_fail(d->ctx, FPC_EINVAL, "dataset/%s: each of its %d classes needs a name and a colour", name,
                        i->classes);
    const fpc_status status = fpc_data_classes_check(d->ctx, name, i);
    if (status)
        return status;
    for (int part = 0; part < FPC_PART_SLOTS; part++)
        if (i->count[part] < 0 || i->count[part] > MOST_IMAGES)
            return fpc_fail(d->ctx, FPC_EINVAL, "dataset/%s: %lld %s pictures; 0 .. 2^40 are possible", name,
                            (long long)i->count[part], part <= FPC_TEST ? fpc_part_name[part] : "further");
    if (i->count[FPC_TRAIN] + i->count[FPC_VAL] + i->count[FPC_TEST] < 1)
        return fpc_fail(d->ctx, FPC_EINVAL, "dataset/%s: there is not one image in it", name);
    return FPC_OK;
}

fpc_status fpc_data_check_training(const fpc_data *d)
{
    const int64_t n = d->info.count[FPC_TRAIN];
    if (n < 1)
        return fpc_fail_recipe(d->ctx, FPC_EINVAL, "dataset/%s: there are no training pictures, and this needs them",
                               d->inst.plugin->name);
    if (d->info.classes < 2)
        return fpc_fail_recipe(d->ctx, FPC_EINVAL,
                               "dataset/%s: there is one class alone, %s; a training needs two or more: what is looked "
                               "for, and the rest",
                               d->inst.plugin->name, d->info.class_names[0]);
    if (d->opt.batch > n)
        return fpc_fail_recipe(
            d->ctx, FPC_EINVAL,
            "dataset.batch = %lld is larger than the training set of %lld images; make it %lld or less",
            (long long)d->opt.batch, (long long)n, (long long)n);
    return FPC_OK;
}

static void close_deferred(void *arg)
{
    fpc_data_close(arg);
}

static fpc_status open_plugin(fpc_data *d)
{
    fpc_status status;
    d->vtbl = d->inst.vtbl;
    if (!d->vtbl || !d->vtbl->open || !d->vtbl->read)
        return fpc_fail(d->ctx, FPC_EABI, "dataset/%s has no open and read functions", d->inst.plugin->name);
    if (d->opt.sampler == FPC_SAMPLER_BALANCED && !d->opt.shuffle)
        return fpc_fail_recipe(d->ctx, FPC_EINVAL,
                               "dataset.shuffle = off keeps the files' order, dataset.sampler = class_balanced draws "
                               "one: use either");
    d->info.size = sizeof d->info;
    d->info.c = 3;
    d->info.ignore_label = -1;
    if (d->known) {
        d->info.classes = d->known->classes;
        d->info.class_names = d->known->class_names;
        d->info.palette = d->known->palette;
        d->info.mirror_pairs = d->known->mirror_pairs;
        d->info.n_mirror_pairs = d->known->n_mirror_pairs;
    }
    const int audits = d->audit && d->vtbl->audit;
    status = audits ? FPC_CALL(d->inst.who, d->vtbl->audit(d->inst.self, &d->info, d->audit))
                    : FPC_CALL(d->inst.who, d->vtbl->open(d->inst.self, &d->info));
    if (status != FPC_OK)
        return fpc_fail(d->ctx, status, "dataset/%s could not be opened", d->inst.plugin->name);
    return check_info(d);
}

fpc_status fpc_data_new(fpc_ctx *ctx, fpc_arena *arena, const fpc_data_sources *from, uint64_t seed,
                        const fpc_dataset_audit *audit, fpc_data **out)
{
    fpc_status status;
    *out = NULL;
    fpc_data *d = fpc_alloc(arena, sizeof *d);
    if (!d)
        return FPC_ENOMEM;
    d->ctx = ctx;
    d->arena = arena;
    d->inst = from->dataset;
    d->opt = from->options;
    d->known = from->known;
    d->seed = seed;
    d->audit = audit;
    d->part = FPC_TRAIN;
    d->current = -1;
    d->most_readers = fpc_processors();
    if ((status = open_plugin(d)) || (status = fpc_augments_new(ctx, arena, &from->augments, &d->info, &d->augs)))
        return status;
    d->cache_left = audit ? 0 : d->opt.cache_mb << 20;
    d->scratch = fpc_arena_new(ctx);
    if (!d->scratch)
        return FPC_ENOMEM;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->work, NULL);
    pthread_cond_init(&d->filled, NULL);
    if ((status = fpc_arena_defer(arena, close_deferred, d))) {
        fpc_data_close(d);
        return status;
    }
    *out = d;
    return FPC_OK;
}

fpc_status fpc_data_sources_open(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *registry, const fpc_recipe *recipe,
                                 fpc_data_sources *out)
{
    const fpc_section_row *row = fpc_section_row_of_kind(FPC_DATASET);
    const fpc_section *section = recipe ? fpc_recipe_section(recipe, row->name) : NULL;
    const fpc_option_set common = fpc_core_set(row->options, &out->options);
    out->known = NULL;
    const fpc_status status =
        fpc_instance_open(registry, arena, FPC_DATASET, row->name, section, row->use, common, &out->dataset);
    return status ? status : fpc_augment_sources_open(ctx, arena, registry, recipe, &out->augments);
}

fpc_status fpc_data_open(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *registry, const fpc_recipe *recipe,
                         uint64_t seed, fpc_data **out)
{
    fpc_data_sources from;
    const fpc_status status = fpc_data_sources_open(ctx, arena, registry, recipe, &from);
    *out = NULL;
    return status ? status : fpc_data_new(ctx, arena, &from, seed, NULL, out);
}

/* The slots' memory and the readers: on first use, since many a verb only asks for the classes' names. */
static fpc_status make_ready(fpc_data *d)
{
    const size_t rows = (size_t)d->opt.batch, n = (size_t)fpc_sample_pixels(d);
    int64_t most = 1;
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        most = d->info.count[part] > most ? d->info.count[part] : most;
    d->order = fpc_alloc(d->arena, (size_t)most * sizeof *d->order);
    if (!d->order)
        return FPC_ENOMEM;
    for (int i = 0; i < SLOTS; i++) {
        fpc_batch *b = &d->slot[i].batch;
        *b = (fpc_batch){.h = d->info.h, .w = d->info.w};
        b->image = fpc_alloc(d->arena, rows * n * 3);
        d->slot[i].mask = fpc_alloc(d->arena, rows * n);
        b->index = fpc_alloc(d->arena, rows * sizeof *b->index);
        b->borrowed = fpc_alloc(d->arena, rows * sizeof *b->borrowed);
        if (!b->image || !d->slot[i].mask || !b->index || !b->borrowed ||
            fpc_draws_new(d->augs, d->arena, (int64_t)rows, &b->draws))
            return FPC_ENOMEM;
        d->slot[i].number = -1;
    }
    d->ready = 1;
    start_readers(d, d->opt.readers ? (int32_t)d->opt.readers : 1);
    return FPC_OK;
}

/* ---- what the others ask ---- */
const fpc_dataset_info *fpc_data_info(const fpc_data *d)
{
    return &d->info;
}
const fpc_data_options *fpc_data_options_of(const fpc_data *d)
{
    return &d->opt;
}
const fpc_augments *fpc_data_augments(const fpc_data *d)
{
    return d ? d->augs : NULL;
}
const fpc_instance *fpc_data_instance(const fpc_data *d)
{
    return &d->inst;
}

int64_t fpc_data_batches(const fpc_data *d, fpc_part part)
{
    const int64_t n = d->info.count[part], whole = n / d->opt.batch;
    return part == FPC_TRAIN && d->opt.drop_last && whole ? whole : whole + (n % d->opt.batch != 0);
}

int32_t fpc_data_batch_size(const fpc_data *d, fpc_part part, int64_t batch_index)
{
    const int64_t left = d->info.count[part] - batch_index * d->opt.batch;
    return (int32_t)(left < d->opt.batch ? left : d->opt.batch);
}

/* ---- epochs ---- */
/* Under the lock: takes the rest of the running epoch from the readers and waits until none is at work. */
static void stop_epoch(fpc_data *d)
{
    d->next_pos = d->n_pos;
    while (d->busy > 0)
        pthread_cond_wait(&d->filled, &d->lock);
    for (int i = 0; i < SLOTS; i++)
        d->slot[i].number = -1;
}

static void make_order(fpc_data *d, fpc_part part, int64_t epoch)
{
    for (int64_t i = 0; i < d->info.count[part]; i++)
        d->order[i] = i;
    if (part != FPC_TRAIN || !d->opt.shuffle)
        return;
    const fpc_rng rng = {{(uint32_t)d->seed, (uint32_t)(d->seed >> 32)}, fpc_hash("order"), (uint32_t)epoch, 0};
    if (d->sums)
        fpc_sampler_draw(rng, d->info.count[part], d->sums, d->order);
    else
        fpc_draw_shuffle(rng, 0, d->info.count[part], d->order);
}

static fpc_status make_cache(fpc_data *d, fpc_part part)
{
    if (d->cache[part] || d->cache_left <= 0)
        return FPC_OK;
    d->cache[part] = fpc_alloc(d->arena, (size_t)d->info.count[part] * sizeof *d->cache[part]);
    return d->cache[part] ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_data_label_counts(fpc_data *d, const int64_t **pixels, const int64_t **images,
                                 const uint64_t (**present)[4])
{
    fpc_status status = d->labels ? FPC_OK : make_cache(d, FPC_TRAIN);
    if (!d->labels && !status)
        status = fpc_label_table_new(d->ctx, d->arena, d, &d->labels);
    if (status) {
        d->labels = NULL;
        return status;
    }
    if (pixels)
        *pixels = d->labels->pixels;
    if (images)
        *images = d->labels->images;
    if (present)
        *present = (const uint64_t(*)[4])d->labels->present;
    return FPC_OK;
}

/* What the balanced sampler draws from; once, before the first epoch of training. */
static fpc_status make_sums(fpc_data *d)
{
    const fpc_status status = fpc_data_label_counts(d, NULL, NULL, NULL);
    return status ? status : fpc_sampler_sums(d->ctx, d->arena, d->labels, &d->sums);
}

fpc_status fpc_data_start(fpc_data *d, fpc_part part, int64_t epoch, int64_t skip)
{
    if (part < FPC_TRAIN || part > FPC_TEST || d->info.count[part] < 1)
        return fpc_fail(d->ctx, FPC_EINVAL, "the data set dataset/%s has no %s images", d->inst.plugin->name,
                        part < FPC_TRAIN || part > FPC_TEST ? "such" : fpc_part_name[part]);
    fpc_status status = d->ready ? FPC_OK : make_ready(d);
    if (!status)
        status = make_cache(d, part);
    if (!status && part == FPC_TRAIN && d->opt.sampler == FPC_SAMPLER_BALANCED && !d->sums)
        status = make_sums(d);
    if (status != FPC_OK)
        return status;
    const int64_t n_batches = fpc_data_batches(d, part), first = skip < 0 ? 0 : skip < n_batches ? skip : n_batches;
    pthread_mutex_lock(&d->lock);
    stop_epoch(d);
    d->part = part;
    d->epoch = epoch;
    make_order(d, part, epoch);
    d->n_batches = n_batches;
    d->n_pos = n_batches * d->opt.batch < d->info.count[part] ? n_batches * d->opt.batch : d->info.count[part];
    d->next_pos = first * d->opt.batch;
    d->freed = d->first = first;
    d->current = first - 1;
    pthread_cond_broadcast(&d->work);
    pthread_mutex_unlock(&d->lock);
    return FPC_OK;
}

/* Under the lock: waits for the batch that the trainer asks for, or fills it here where there are no readers. */
static void await_batch(fpc_data *d, const struct slot *s)
{
    if (s->number != d->current || s->done < s->batch.n)
        start_another(d);
    while (s->number != d->current || s->done < s->batch.n) {
        const int64_t p = d->n_readers ? -1 : take(d);
        if (p < 0) {
            pthread_cond_wait(&d->filled, &d->lock);
            continue;
        }
        pthread_mutex_unlock(&d->lock);
        const fpc_status status = fill(d, d->scratch, p);
        pthread_mutex_lock(&d->lock);
        finish(d, p, status);
    }
}

fpc_status fpc_data_next(fpc_data *d, const fpc_batch **out)
{
    *out = NULL;
    if (!d->ready)
        return fpc_fail(d->ctx, FPC_EINTERNAL, "a batch was asked for before an epoch was started");
    pthread_mutex_lock(&d->lock);
    if (d->current < d->n_batches)
        d->current++;
    d->freed = d->current;
    pthread_cond_broadcast(&d->work);
    fpc_status status = FPC_OK;
    if (d->current < d->n_batches) {
        const struct slot *s = &d->slot[d->current % SLOTS];
        await_batch(d, s);
        status = s->failed;
        *out = status == FPC_OK ? &s->batch : NULL;
    }
    pthread_mutex_unlock(&d->lock);
    return status == FPC_OK ? status
                            : fpc_fail(d->ctx, status, "batch %lld of the %s images could not be made",
                                       (long long)d->current, fpc_part_name[d->part]);
}

fpc_status fpc_data_read(fpc_data *d, fpc_arena *arena, fpc_part part, int64_t index, fpc_batch *out)
{
    if (part < FPC_TRAIN || part > FPC_TEST || index < 0 || index >= d->info.count[part])
        return fpc_fail(d->ctx, FPC_EINVAL, "dataset/%s has no sample %lld in that part", d->inst.plugin->name,
                        (long long)index);
    const size_t n = (size_t)fpc_sample_pixels(d);
    *out = (fpc_batch){.n = 1, .h = d->info.h, .w = d->info.w, .part = part};
    out->image = fpc_alloc(arena, n * 3);
    out->index = fpc_alloc(arena, sizeof *out->index);
    if (!d->info.unlabelled[part])
        out->mask = fpc_alloc(arena, n);
    if (!out->image || !out->index || (!d->info.unlabelled[part] && !out->mask))
        return FPC_ENOMEM;
    out->index[0] = index;
    return fpc_sample_read(d, d->scratch, part, index, out->image, out->mask);
}

fpc_status fpc_data_read_native(fpc_data *d, fpc_arena *arena, fpc_part part, int64_t index, fpc_native_sample *out)
{
    fpc_batch one;
    fpc_status status;
    *out = (fpc_native_sample){.size = sizeof *out};
    if (d->vtbl->read_native && part >= FPC_TRAIN && part <= FPC_TEST && index >= 0 && index < d->info.count[part])
        return fpc_sample_read_native(d, arena, part, index, out);
    if ((status = fpc_data_read(d, arena, part, index, &one)))
        return status;
    *out = (fpc_native_sample){sizeof *out, one.h, one.w, one.image, one.mask};
    return FPC_OK;
}

fpc_status fpc_data_name(const fpc_data *d, fpc_part part, int64_t index, char *name, size_t cap)
{
    char id[ID_BYTES];
    fpc_sample_name(d, part, index, id);
    if (strlen(id) >= cap)
        return fpc_fail(d->ctx, FPC_EINVAL, "the name %s is longer than %zu bytes", id, cap);
    memcpy(name, id, strlen(id) + 1);
    return FPC_OK;
}

fpc_status fpc_data_file(const fpc_data *d, fpc_part part, int64_t index, char *path, size_t cap)
{
    *path = 0;
    return d->vtbl->file ? FPC_ASK(&d->inst, "file", d->vtbl->file(d->inst.self, part, index, path, cap)) : FPC_OK;
}

fpc_status fpc_data_fingerprint(const fpc_data *d, fpc_part part, int64_t index, uint64_t out[2])
{
    char id[ID_BYTES];
    fpc_sample_name(d, part, index, id);
    out[0] = *id ? fpc_digest(id, strlen(id)) : (uint64_t)index;
    out[1] = 0;
    return d->vtbl->fingerprint ? d->vtbl->fingerprint(d->inst.self, part, index, &out[1]) : FPC_OK;
}

void fpc_data_close(fpc_data *d)
{
    if (!d || d->closed)
        return;
    pthread_mutex_lock(&d->lock);
    d->closed = d->quit = 1;
    pthread_cond_broadcast(&d->work);
    pthread_mutex_unlock(&d->lock);
    for (int32_t i = 0; i < d->n_readers; i++)
        pthread_join(d->reader[i], NULL);
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        for (int64_t i = 0; d->cache[part] && !d->pool && i < d->info.count[part]; i++)
            free(d->cache[part][i]);
    pthread_cond_destroy(&d->filled);
    pthread_cond_destroy(&d->work);
    pthread_mutex_destroy(&d->lock);
    fpc_arena_free(d->scratch);
}
