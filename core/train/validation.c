/* validation.c: validation.safetensors: the pixel counts of each validation picture at the best epoch, written with
 * best.safetensors, and when the run is over also which labels its weights take for which. */
#define _GNU_SOURCE
#include "record/validation.h"
#include "base/message.h"
#include "record/run_files.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 512 };

/* Names of the pictures; *out NULL where the data set gives none. */
static fpc_status image_names(fpc_trainer *t, fpc_arena *arena, const char ***out)
{
    const fpc_instance *inst = fpc_data_instance(t->experiment->data);
    const fpc_dataset_vtbl *v = inst->vtbl;
    const char **name = fpc_alloc(arena, (size_t)t->val_images * sizeof *name);
    char id[ID_BYTES];

    *out = NULL;
    if (!name)
        return FPC_ENOMEM;
    if (!v->name)
        return FPC_OK;
    for (int64_t i = 0; i < t->val_images; i++) {
        if (FPC_CALL(inst->who, v->name(inst->self, FPC_VAL, i, id, sizeof id)))
            return FPC_OK;
        if (!(name[i] = fpc_strdup(arena, id)))
            return FPC_ENOMEM;
    }
    *out = name;
    return FPC_OK;
}

static fpc_status write_counts(fpc_trainer *t, int64_t epoch, const int32_t *counts, const int64_t *confusion)
{
    const fpc_dataset_info *info = fpc_data_info(t->experiment->data);
    fpc_arena *arena = fpc_arena_new(t->ctx);
    fpc_validation v = {.epoch = epoch,
                        .images = t->val_images,
                        .batch = fpc_data_batch_size(t->experiment->data, FPC_VAL, 0),
                        .classes = t->experiment->classes,
                        .counts = counts,
                        .confusion = confusion,
                        .class_name = info->class_names,
                        .n_pairs = info->n_mirror_pairs,
                        .pairs = info->mirror_pairs};
    const char **name = NULL;
    fpc_status status = arena ? image_names(t, arena, &name) : FPC_ENOMEM;

    v.image_name = name;
    if (!status)
        status = fpc_validation_write(t->ctx, fpc_trainer_path(t, FPC_RUN_VALIDATION), &v);
    fpc_arena_free(arena);
    return status;
}

fpc_status fpc_trainer_save_validation(fpc_trainer *t, int64_t epoch)
{
    return t->val_images ? write_counts(t, epoch, t->val.counts, NULL) : FPC_OK;
}

/* ---- at the end of the run ---- */

static void count_pairs(const fpc_experiment *s, const fpc_batch *b, const uint8_t *guess, int64_t *confusion)
{
    const int64_t pixels = (int64_t)b->n * b->h * b->w;

    for (int64_t i = 0; i < pixels; i++)
        if (b->mask[i] != s->ignore && b->mask[i] < s->classes && guess[i] < s->classes)
            confusion[b->mask[i] * s->classes + guess[i]]++;
}

static fpc_status predict_all(fpc_trainer *t, fpc_arena *arena, int64_t *confusion)
{
    const fpc_dataset_info *info = fpc_data_info(t->experiment->data);
    const size_t batch = (size_t)fpc_data_batch_size(t->experiment->data, FPC_VAL, 0);
    uint8_t *guess = fpc_alloc(arena, batch * (size_t)info->h * (size_t)info->w);
    const fpc_batch *b = NULL;
    fpc_status status = guess ? fpc_data_start(t->experiment->data, FPC_VAL, t->epoch, 0) : FPC_ENOMEM;

    while (!status && !(status = fpc_data_next(t->experiment->data, &b)) && b) {
        if (fpc_ctx_cancelled(t->ctx))
            return FPC_ECANCEL;
        if (!(status = fpc_predict_step(t->experiment, b->n, b->h, b->w, b->image, guess)))
            count_pairs(t->experiment, b, guess, confusion);
    }
    return status;
}

/* The counts of the best epoch: those that were written then, or, where that file is gone, counted again. */
static fpc_status best_counts(fpc_trainer *t, const fpc_validation *was, const int32_t **counts)
{
    fpc_status status = FPC_OK;

    if (was)
        *counts = was->counts;
    else if (!(status = fpc_trainer_validate(t)))
        *counts = t->val.counts;
    return status;
}

static int same_names(fpc_trainer *t, fpc_arena *arena, const fpc_validation *v)
{
    const char **name = NULL;

    if (image_names(t, arena, &name) || !name != !v->image_name)
        return 0;
    for (int64_t i = 0; name && i < v->images; i++)
        if (strcmp(name[i], v->image_name[i]))
            return 0;
    return 1;
}

fpc_validation *fpc_trainer_validation(fpc_trainer *t, fpc_arena *arena, int64_t epoch)
{
    fpc_validation *v = NULL;

    if (!t->val_images)
        return NULL;
    const fpc_status status = fpc_validation_read(t->ctx, arena, fpc_trainer_path(t, FPC_RUN_VALIDATION), &v);

    if (status)
        fpc_ctx_clear(t->ctx);
    if (status || v->epoch != epoch || v->images != t->val_images || v->classes != t->experiment->classes ||
        !same_names(t, arena, v))
        return NULL;
    return v;
}

fpc_status fpc_trainer_confusion(fpc_trainer *t)
{
    const size_t classes = (size_t)t->experiment->classes;
    fpc_arena *arena = t->val_images ? fpc_arena_new(t->ctx) : NULL;
    const fpc_validation *was = arena ? fpc_trainer_validation(t, arena, t->best_epoch + 1) : NULL;
    const int32_t *counts = NULL;
    int64_t *confusion;
    fpc_status status = FPC_ENOMEM;

    if (!t->val_images || (was && was->confusion)) {
        fpc_arena_free(arena);
        return FPC_OK;
    }
    if (arena && (confusion = fpc_alloc(arena, classes * classes * sizeof *confusion)) &&
        !(status = best_counts(t, was, &counts)) && !(status = predict_all(t, arena, confusion)))
        status = write_counts(t, t->best_epoch + 1, counts, confusion);
    if (status == FPC_ECANCEL)
        fpc_fail(t->ctx, status, "interrupted while the best weights were looked at. To go on: fpcore --resume %s",
                 t->folder);
    fpc_arena_free(arena);
    return status;
}
