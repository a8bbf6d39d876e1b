/* samples.c: a few validation pictures, their labels and what the model makes of them, for the loggers that show them:
 * where it is known what each picture scored, the worst and the best, since the first ones of a set tell little. */
#include "base/message.h"
#include "train/loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct choice {
    double score; /* NAN: not known */
    int64_t index;
} choice;

static int by_score(const void *a, const void *b)
{
    const choice *x = a, *y = b;

    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The n worst and best of the pictures that have labels, from the worst on. */
static fpc_status choose_by_score(fpc_arena *arena, const fpc_validation *scored, int32_t *n, choice **out)
{
    choice *all = fpc_alloc(arena, (size_t)scored->images * sizeof *all);
    int64_t count = 0;

    if (!all)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < scored->images; i++) {
        all[count] = (choice){fpc_validation_f_image(scored, i), i};
        count += !isnan(all[count].score);
    }
    qsort(all, (size_t)count, sizeof *all, by_score);
    *n = *n < count ? *n : (int32_t)count;
    const int32_t best = *n / 2, worst = *n - best;
    memmove(all + worst, all + count - best, (size_t)best * sizeof *all);
    *out = all;
    return FPC_OK;
}

static fpc_status choose_evenly(fpc_arena *arena, int64_t images, int32_t *n, choice **out)
{
    *n = *n < images ? *n : (int32_t)images;
    if (!(*out = fpc_alloc(arena, ((size_t)*n + 1) * sizeof **out)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < *n; i++)
        (*out)[i] = (choice){NAN, i * images / *n};
    return FPC_OK;
}

/* Pictures, labels and names of what was chosen. */
static fpc_status read_all(fpc_experiment *s, fpc_arena *arena, fpc_part part, int32_t n, const choice *chosen,
                           uint8_t *image, uint8_t *label, const char **name)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);
    const size_t pixels = (size_t)info->h * (size_t)info->w;
    fpc_status status;

    for (int32_t i = 0; i < n; i++) {
        char id[256];
        fpc_batch one;
        if ((status = fpc_data_read(s->data, arena, part, chosen[i].index, &one)) ||
            (status = fpc_data_name(s->data, part, chosen[i].index, id, sizeof id)))
            return status;
        if (!(name[i] = fpc_strdup(arena, id)))
            return FPC_ENOMEM;
        memcpy(image + (size_t)i * pixels * 3, one.image, pixels * 3);
        memcpy(label + (size_t)i * pixels, one.mask, pixels);
    }
    return FPC_OK;
}

fpc_status fpc_samples_read(fpc_experiment *s, fpc_arena *arena, int32_t n, const fpc_validation *scored,
                            fpc_pictures *out)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);
    const size_t pixels = (size_t)info->h * (size_t)info->w;
    const fpc_part part = info->count[FPC_VAL] > 0 && !info->unlabelled[FPC_VAL] ? FPC_VAL : FPC_TRAIN;
    choice *chosen;
    fpc_status status;

    *out = (fpc_pictures){.size = sizeof *out,
                          .h = info->h,
                          .w = info->w,
                          .classes = info->classes,
                          .class_names = info->class_names,
                          .palette = info->palette};
    if ((status = scored ? choose_by_score(arena, scored, &n, &chosen)
                         : choose_evenly(arena, info->count[part], &n, &chosen)) ||
        n < 1)
        return status;
    uint8_t *image = fpc_alloc(arena, (size_t)n * pixels * 3), *label = fpc_alloc(arena, (size_t)n * pixels);
    uint8_t *prediction = fpc_alloc(arena, (size_t)n * pixels);
    double *score = fpc_alloc(arena, (size_t)n * sizeof *score);
    const char **name = fpc_alloc(arena, (size_t)n * sizeof *name);
    if (!image || !label || !prediction || !score || !name)
        return FPC_ENOMEM;
    if ((status = read_all(s, arena, part, n, chosen, image, label, name)) ||
        (status = fpc_predict_step(s, n, info->h, info->w, image, prediction)))
        return status;
    for (int32_t i = 0; i < n; i++)
        score[i] = chosen[i].score;
    out->n = n;
    out->image = image;
    out->label = label;
    out->prediction = prediction;
    out->score = scored ? score : NULL;
    out->name = name;
    return FPC_OK;
}
