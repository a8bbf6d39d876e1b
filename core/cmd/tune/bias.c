/* bias.c: a bias for each class, by coordinates: of one class after the other some values are tried around the one that
 * it has, and the best is taken whose gain is larger than its standard error, until a round over all of them changes
 * nothing. A value is judged by the pixels that it can change: counts of a picture's pixels are kept, and moved. */
#include "cmd/tune/tune.h"
#include "record/validation.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 6 };
#define LEAST 2e-5 /* of F, for a step to be taken: a smaller gain is not worth a number in a file */

static const float step[] = {-0.5f, -0.25f, -0.1f, -0.05f, 0.05f, 0.1f, 0.25f, 0.5f};
enum { STEPS = sizeof step / sizeof *step };

/* A picture as it stands with the biases so far. */
typedef struct standing {
    const fpc_tune_picture *p;
    uint8_t *label; /* by pixel with a second class */
    int32_t *count; /* [classes][3] */
    double f;
} standing;

typedef struct search {
    const fpc_tune_set *set;
    float bias[256];
    int32_t n;
    standing *of;
    int32_t *trial; /* [classes][3] */
    double *gain;   /* [n] of a value that is tried */
} search;

static double f_of(const search *s, const int32_t *count)
{
    const fpc_validation v = {.images = 1, .batch = 1, .classes = s->set->classes, .counts = count};

    return fpc_validation_f_image(&v, 0);
}

static uint8_t winner(const search *s, const fpc_tune_picture *p, int32_t i)
{
    float most = -INFINITY;
    uint8_t best = p->class[p->first[i]];

    for (int32_t k = p->first[i]; k < p->first[i + 1]; k++) {
        const float v = p->score[k] + s->bias[p->class[k]];
        if (v > most) {
            most = v;
            best = p->class[k];
        }
    }
    return best;
}

static void move(const fpc_tune_set *set, int32_t *count, uint8_t truth, uint8_t from, uint8_t to)
{
    if (from == to || truth == set->ignore || truth >= set->classes)
        return;
    count[3 * truth] += (to == truth) - (from == truth);
    count[3 * truth + 2] += (from == truth) - (to == truth);
    count[3 * from + 1] -= from != truth;
    count[3 * to + 1] += to != truth;
}

/* F of a picture with the biases as they are now, of which only that of class c has changed. */
static double try_one(const search *s, const standing *t, int32_t c)
{
    const fpc_tune_picture *p = t->p;

    if (p->of_first[c] == p->of_first[c + 1])
        return t->f;
    memcpy(s->trial, t->count, (size_t)s->set->classes * 3 * sizeof *s->trial);
    for (int32_t k = p->of_first[c]; k < p->of_first[c + 1]; k++) {
        const int32_t i = p->which[k];
        move(s->set, s->trial, p->mask[p->pixel[i]], t->label[i], winner(s, p, i));
    }
    return f_of(s, s->trial);
}

static void settle(const search *s, standing *t, int32_t c)
{
    const fpc_tune_picture *p = t->p;

    for (int32_t k = p->of_first[c]; k < p->of_first[c + 1]; k++) {
        const int32_t i = p->which[k];
        const uint8_t now = winner(s, p, i);
        move(s->set, t->count, p->mask[p->pixel[i]], t->label[i], now);
        t->label[i] = now;
    }
    t->f = f_of(s, t->count);
}

/* Takes the best value of a class; whether it is another one than before. */
static int improve(search *s, int32_t c)
{
    const float was = s->bias[c];
    float best = was;
    double most = LEAST;

    for (int k = 0; k < STEPS; k++) {
        const float value = roundf((was + step[k]) * 20) / 20; /* multiples of 0.05 */
        double gain;
        if (fabsf(value) > FPC_TUNE_BIAS)
            continue;
        s->bias[c] = value;
        for (int32_t i = 0; i < s->n; i++)
            s->gain[i] = try_one(s, &s->of[i], c) - s->of[i].f;
        gain = fpc_stats_mean(s->n, s->gain);
        if (gain > most && gain > fpc_stats_sd(s->n, s->gain) / sqrt(s->n)) {
            most = gain;
            best = value;
        }
    }
    s->bias[c] = best;
    for (int32_t i = 0; i < s->n && best != was; i++)
        settle(s, &s->of[i], c);
    return best != was;
}

static fpc_status begin(search *s, fpc_arena *scratch, const int32_t *which)
{
    const size_t counts = (size_t)s->set->classes * 3 * sizeof(int32_t);

    s->of = fpc_alloc(scratch, ((size_t)s->n + 1) * sizeof *s->of);
    s->trial = fpc_alloc(scratch, counts);
    s->gain = fpc_alloc(scratch, ((size_t)s->n + 1) * sizeof *s->gain);
    if (!s->of || !s->trial || !s->gain)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->n; i++) {
        standing *t = &s->of[i];
        const fpc_tune_picture *p = t->p = &s->set->picture[which[i]];
        if (!(t->label = fpc_alloc(scratch, (size_t)p->n + 1)) || !(t->count = fpc_alloc(scratch, counts)))
            return FPC_ENOMEM;
        for (int32_t k = 0; k < p->n; k++)
            t->label[k] = p->label[p->pixel[k]];
        for (int64_t k = 0; k < (int64_t)s->set->h * s->set->w; k++) {
            const uint8_t truth = p->mask[k], says = p->label[k];
            if (truth == s->set->ignore || truth >= s->set->classes)
                continue;
            t->count[3 * truth + (truth == says ? 0 : 2)]++;
            t->count[3 * says + 1] += truth != says;
        }
        t->f = f_of(s, t->count);
    }
    return FPC_OK;
}

fpc_status fpc_tune_biases(const fpc_tune_set *set, fpc_arena *scratch, int32_t n, const int32_t *which, fpc_post *post)
{
    search s = {.set = set, .n = n};
    int changed = 1;
    const fpc_status status = begin(&s, scratch, which);

    for (int round = 0; round < ROUNDS && changed && !status; round++) {
        changed = 0;
        for (int32_t c = 0; c < set->classes; c++)
            changed |= improve(&s, c);
    }
    post->biased = 0;
    for (int32_t c = 0; c < set->classes && !status; c++) {
        post->bias[c] = s.bias[c];
        post->biased |= s.bias[c] != 0;
    }
    return status;
}
