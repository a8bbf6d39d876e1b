/* labels.c: what losses are told of the training masks. A training counts them once and keeps the counts in its
 * weights, so that the loss of these weights means the same wherever they are measured, also beside pictures of which
 * none is for training. */
#include "experiment/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

fpc_status fpc_labels_answer(void *question, const int64_t **pixels, const int64_t **images)
{
    const fpc_label_question *q = question;
    fpc_label_numbers *known = &q->s->labels;
    fpc_status status;

    if (!known->pixels) {
        if (!q->s->data)
            return FPC_ENOENT;
        if ((status = fpc_data_label_counts(q->s->data, &known->pixels, &known->images, NULL)))
            return status;
    }
    q->term->assumed |= known->assumed;
    *pixels = known->pixels;
    *images = known->images;
    return FPC_OK;
}

fpc_status fpc_labels_assume(fpc_experiment *s)
{
    int64_t *one = fpc_alloc(s->arena, sizeof *one * 256);

    if (!one)
        return FPC_ENOMEM;
    for (int32_t c = 0; c < 256; c++)
        one[c] = 1;
    s->labels = (fpc_label_numbers){one, one, 1};
    return FPC_OK;
}

/* ---- in metadata ---- */

static const char *text_of(fpc_arena *arena, const int64_t *count, int32_t n)
{
    const char *text = "";

    for (int32_t c = 0; c < n && text; c++)
        text = fpc_sprintf(arena, "%s%s%lld", text, c ? " " : "", (long long)count[c]);
    return text;
}

int32_t fpc_labels_meta(const fpc_experiment *s, fpc_arena *arena, fpc_st_meta to[2])
{
    if (!s->labels.pixels || s->labels.assumed)
        return 0;
    to[0] = (fpc_st_meta){FPC_META_LABEL_PIXELS, text_of(arena, s->labels.pixels, s->classes)};
    to[1] = (fpc_st_meta){FPC_META_LABEL_IMAGES, text_of(arena, s->labels.images, s->classes)};
    return 2;
}

/* *out NULL: the file does not tell, or of another number of classes. */
static fpc_status read_counts(const fpc_experiment *s, const fpc_st_file *file, const char *key, const int64_t **out)
{
    const char *text = fpc_st_meta_find(file, key);
    int64_t *count = fpc_alloc(s->arena, sizeof *count * 256);
    int32_t n = 0;
    char *end;

    *out = NULL;
    if (!count)
        return FPC_ENOMEM;
    for (const char *p = text; p && *p; p = *end ? end + 1 : end, n++) {
        errno = 0;
        const long long k = strtoll(p, &end, 10);
        if (n == 256 || *p < '0' || *p > '9' || errno || (*end && *end != ' '))
            return fpc_fail(s->ctx, FPC_EFORMAT,
                            "%s: metadata %s = %.40s: a number for each class is wanted, 256 at most", file->path, key,
                            text);
        count[n] = k;
    }
    if (text && n == s->classes)
        *out = count;
    return FPC_OK;
}

fpc_status fpc_labels_know(fpc_experiment *s, const fpc_st_file *file)
{
    fpc_label_numbers told = {0};
    fpc_status status;

    if ((status = read_counts(s, file, FPC_META_LABEL_PIXELS, &told.pixels)) ||
        (status = read_counts(s, file, FPC_META_LABEL_IMAGES, &told.images)))
        return status;
    if (told.pixels && told.images)
        s->labels = told;
    return FPC_OK;
}
