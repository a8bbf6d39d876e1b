/* pictures.c: what is kept of pictures while numbers are tried on them. */
#include "cmd/tune/tune.h"
#include "record/validation.h"

#include <math.h>
#include <string.h>

/* Twice as far as biases go, and a little for rounding. */
#define BEHIND (2 * FPC_TUNE_BIAS + 0.001f)

static int counts(const fpc_tune_set *s, uint8_t truth)
{
    return truth != s->ignore && truth < s->classes;
}

static int32_t best_of(const float *score, int32_t classes)
{
    int32_t best = 0;

    for (int32_t c = 1; c < classes; c++)
        best = score[c] > score[best] ? c : best;
    return best;
}

static int32_t near_best(const float *score, int32_t classes, int32_t best)
{
    int32_t n = 0;

    for (int32_t c = 0; c < classes; c++)
        n += score[c] >= score[best] - BEHIND;
    return n;
}

static void count_rows(const fpc_tune_set *s, const float *score, fpc_tune_picture *p, int64_t *entries)
{
    *entries = 0;
    for (int64_t i = 0; i < (int64_t)s->h * s->w; i++, score += s->classes) {
        const int32_t best = best_of(score, s->classes), n = near_best(score, s->classes, best);
        p->label[i] = (uint8_t)best;
        p->n += n > 1;
        *entries += n > 1 ? n : 0;
    }
}

static void fill_rows(const fpc_tune_set *s, const float *score, fpc_tune_picture *p)
{
    int32_t n = 0, at = 0;

    for (int64_t i = 0; i < (int64_t)s->h * s->w; i++, score += s->classes) {
        const int32_t best = p->label[i];
        if (near_best(score, s->classes, best) < 2)
            continue;
        p->pixel[n] = (int32_t)i;
        p->first[n++] = at;
        for (int32_t c = 0; c < s->classes; c++)
            if (score[c] >= score[best] - BEHIND) {
                p->class[at] = (uint8_t)c;
                p->score[at++] = score[c];
                p->of_first[c + 1]++;
            }
    }
    p->first[n] = at;
}

static void fill_classes(const fpc_tune_set *s, fpc_tune_picture *p)
{
    int32_t at[256];

    for (int32_t c = 0; c < s->classes; c++) {
        p->of_first[c + 1] += p->of_first[c];
        at[c] = p->of_first[c];
    }
    for (int32_t i = 0; i < p->n; i++)
        for (int32_t k = p->first[i]; k < p->first[i + 1]; k++)
            p->which[at[p->class[k]]++] = i;
}

static fpc_status room_for_one(fpc_tune_set *s)
{
    const int32_t cap = s->cap ? 2 * s->cap : 64;
    fpc_tune_picture *more;

    if (s->n < s->cap)
        return FPC_OK;
    if (!(more = fpc_alloc(s->arena, (size_t)cap * sizeof *more)))
        return FPC_ENOMEM;
    if (s->n)
        memcpy(more, s->picture, (size_t)s->n * sizeof *more);
    s->picture = more;
    s->cap = cap;
    return FPC_OK;
}

fpc_status fpc_tune_add(fpc_tune_set *s, const float *score, const uint8_t *mask)
{
    const size_t pixels = (size_t)s->h * (size_t)s->w;
    fpc_tune_picture p = {0};
    int64_t entries, labelled = 0;
    fpc_status status;

    for (size_t i = 0; i < pixels; i++)
        labelled += counts(s, mask[i]);
    if (!labelled) {
        s->unlabelled++;
        return FPC_OK;
    }
    if ((status = room_for_one(s)))
        return status;
    p.mask = fpc_alloc(s->arena, pixels);
    p.label = fpc_alloc(s->arena, pixels);
    if (!p.mask || !p.label)
        return FPC_ENOMEM;
    memcpy(p.mask, mask, pixels);
    count_rows(s, score, &p, &entries);
    if (entries > INT32_MAX)
        return fpc_fail(s->ctx, FPC_EINVAL, "fpcore tune: a picture of %d x %d is too large for %d classes", s->w, s->h,
                        s->classes);
    p.pixel = fpc_alloc(s->arena, ((size_t)p.n + 1) * sizeof *p.pixel);
    p.first = fpc_alloc(s->arena, ((size_t)p.n + 1) * sizeof *p.first);
    p.class = fpc_alloc(s->arena, (size_t)entries + 1);
    p.score = fpc_alloc(s->arena, ((size_t)entries + 1) * sizeof *p.score);
    p.of_first = fpc_alloc(s->arena, ((size_t)s->classes + 1) * sizeof *p.of_first);
    p.which = fpc_alloc(s->arena, ((size_t)entries + 1) * sizeof *p.which);
    if (!p.pixel || !p.first || !p.class || !p.score || !p.of_first || !p.which)
        return FPC_ENOMEM;
    fill_rows(s, score, &p);
    fill_classes(s, &p);
    s->picture[s->n++] = p;
    return FPC_OK;
}

fpc_status fpc_tune_labels(const fpc_tune_set *s, fpc_arena *scratch, const fpc_tune_picture *p, const fpc_post *post,
                           uint8_t *labels)
{
    memcpy(labels, p->label, (size_t)s->h * (size_t)s->w);
    for (int32_t i = 0; i < p->n && post->biased; i++) {
        float most = -INFINITY;
        for (int32_t k = p->first[i]; k < p->first[i + 1]; k++) {
            const float v = p->score[k] + post->bias[p->class[k]];
            if (v > most) {
                most = v;
                labels[p->pixel[i]] = p->class[k];
            }
        }
    }
    return fpc_post_labels(scratch, post, s->h, s->w, labels);
}

double fpc_tune_f(const fpc_tune_set *s, const fpc_tune_picture *p, const uint8_t *labels)
{
    int32_t count[256 * 3] = {0};
    const fpc_validation v = {.images = 1, .batch = 1, .classes = s->classes, .counts = count};

    for (int64_t i = 0; i < (int64_t)s->h * s->w; i++) {
        if (!counts(s, p->mask[i]))
            continue;
        count[3 * p->mask[i] + (p->mask[i] == labels[i] ? 0 : 2)]++;
        count[3 * labels[i] + 1] += p->mask[i] != labels[i];
    }
    return fpc_validation_f_image(&v, 0);
}
