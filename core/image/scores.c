/* scores.c: from the scores of classes on a network's grid to the labels of a picture of another size. Scores are
 * enlarged, not labels: labels give stairs, and lose the point of F that lies between two pixels of the grid. The
 * enlarged scores never exist: a picture of 64 megapixels and 19 classes would take 5 GiB. Where the four scores around
 * a stretch of pixels agree on their best class, every mean of them does, so only borders between classes are computed.
 */
#include <math.h>
#include <string.h>
#include "image/image.h"
#include "image/scores_private.h"

enum { LANES = FPC_SCORES_LANES };

/* Half-pixel centres, the border repeated: where PyTorch's interpolate(mode='bilinear', align_corners=False) looks. */
fpc_status fpc_scores_axis_make(fpc_arena *arena, int32_t in, int32_t out, fpc_scores_axis *a)
{
    int32_t next = 0;

    a->first = fpc_alloc(arena, ((size_t)in + 1) * sizeof *a->first);
    a->weight = fpc_alloc(arena, ((size_t)out + LANES) * sizeof *a->weight);
    if (!a->first || !a->weight)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < out; i++) {
        const double at = (i + 0.5) * ((double)in / out) - 0.5;
        int32_t low = at > 0 ? (int32_t)at : 0;
        low = low < in - 1 ? low : in - 1;
        a->weight[i] = low < in - 1 && at > 0 ? (float)(at - low) : 0;
        while (next <= low)
            a->first[next++] = i;
    }
    while (next <= in)
        a->first[next++] = out;
    return FPC_OK;
}

void fpc_scores_best(const float *score, int64_t n, int32_t classes, uint8_t *best)
{
    for (int64_t i = 0; i < n; i++, score += classes) {
        float most = -INFINITY;
        best[i] = 0;
        for (int32_t c = 0; c < classes; c++)
            if (score[c] > most) {
                most = score[c];
                best[i] = (uint8_t)c;
            }
    }
}

/* The n pixels of a row between two points whose scores are a and b. weight: readable in whole LANES. */
static void between(const float *a, const float *b, int32_t classes, const float *weight, int32_t n, uint8_t *to)
{
    for (int32_t x = 0; x < n; x += LANES) {
        float most[LANES];
        int32_t best[LANES] = {0};

        for (int i = 0; i < LANES; i++)
            most[i] = -INFINITY;
        for (int32_t c = 0; c < classes; c++) {
            const float low = a[c], step = b[c] - a[c];
            for (int i = 0; i < LANES; i++) {
                const float v = low + weight[x + i] * step;
                best[i] = v > most[i] ? c : best[i];
                most[i] = v > most[i] ? v : most[i];
            }
        }
        for (int i = 0; i < LANES && x + i < n; i++)
            to[x + i] = (uint8_t)best[i];
    }
}

struct grid {
    const float *score; /* (h,w,classes) */
    int32_t h, w, classes;
    const uint8_t *best; /* (h,w) */
    fpc_scores_axis across, down;
    float *left, *right; /* scores between two rows */
};

/* A row of labels, `share` of the way from the grid's row i to the next one. */
static void make_row(const struct grid *g, int32_t i, float share, uint8_t *to)
{
    const int64_t top = (int64_t)i * g->w, low = (int64_t)(i + 1 < g->h ? i + 1 : i) * g->w;
    const int32_t k = g->classes;

    for (int32_t j = 0; j < g->w; j++) {
        const int32_t x = g->across.first[j], n = g->across.first[j + 1] - x, next = j + 1 < g->w ? j + 1 : j;
        const uint8_t here = g->best[top + j];
        if (g->best[top + next] == here && g->best[low + j] == here && g->best[low + next] == here) {
            memset(to + x, here, (size_t)n);
            continue;
        }
        const float *a = g->score + (top + j) * k, *b = g->score + (top + next) * k;
        const float *under_a = g->score + (low + j) * k, *under_b = g->score + (low + next) * k;
        for (int32_t c = 0; c < k && n; c++) {
            g->left[c] = a[c] + share * (under_a[c] - a[c]);
            g->right[c] = b[c] + share * (under_b[c] - b[c]);
        }
        between(g->left, g->right, k, g->across.weight + x, n, to + x);
    }
}

fpc_status fpc_scores_labels(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                             int32_t w, uint8_t *labels)
{
    uint8_t *best = fpc_alloc(scratch, (size_t)sh * (size_t)sw);
    float *mixed = fpc_alloc(scratch, (size_t)classes * 2 * sizeof *mixed);
    struct grid g = {.score = score, .h = sh, .w = sw, .classes = classes, .best = best, .left = mixed};
    fpc_status status;

    if (!best || !mixed)
        return FPC_ENOMEM;
    g.right = mixed + classes;
    if ((status = fpc_scores_axis_make(scratch, sw, w, &g.across)) ||
        (status = fpc_scores_axis_make(scratch, sh, h, &g.down)))
        return status;
    fpc_scores_best(score, (int64_t)sh * sw, classes, best);
    for (int32_t i = 0; i < sh; i++)
        for (int32_t y = g.down.first[i]; y < g.down.first[i + 1]; y++)
            make_row(&g, i, g.down.weight[y], labels + (int64_t)y * w);
    return FPC_OK;
}

void fpc_scores_within(const float *score, int32_t w, int32_t classes, const fpc_box *box, float *out)
{
    const size_t row = (size_t)box->w * (size_t)classes;

    for (int32_t y = 0; y < box->h; y++)
        memmove(out + (size_t)y * row, score + (((int64_t)box->y + y) * w + box->x) * classes, row * sizeof *out);
}

/* A row of enlarged scores, `share` of the way from the grid's row i to the next one. */
static void enlarge_row(const struct grid *g, int32_t i, float share, float *to)
{
    const int32_t k = g->classes;

    for (int32_t j = 0; j < g->w; j++) {
        const int64_t top = (int64_t)i * g->w, low = (int64_t)(i + 1 < g->h ? i + 1 : i) * g->w;
        const int32_t next = j + 1 < g->w ? j + 1 : j;
        const float *a = g->score + (top + j) * k, *b = g->score + (top + next) * k;
        const float *under_a = g->score + (low + j) * k, *under_b = g->score + (low + next) * k;
        for (int32_t x = g->across.first[j]; x < g->across.first[j + 1]; x++)
            for (int32_t c = 0; c < k; c++) {
                const float u = g->across.weight[x];
                const float over = a[c] + u * (b[c] - a[c]), under = under_a[c] + u * (under_b[c] - under_a[c]);
                to[(int64_t)x * k + c] = over + share * (under - over);
            }
    }
}

fpc_status fpc_scores_resize(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                             int32_t w, float *out)
{
    struct grid g = {.score = score, .h = sh, .w = sw, .classes = classes};
    fpc_status status;

    if ((status = fpc_scores_axis_make(scratch, sw, w, &g.across)) ||
        (status = fpc_scores_axis_make(scratch, sh, h, &g.down)))
        return status;
    for (int32_t i = 0; i < sh; i++)
        for (int32_t y = g.down.first[i]; y < g.down.first[i + 1]; y++)
            enlarge_row(&g, i, g.down.weight[y], out + (int64_t)y * w * classes);
    return FPC_OK;
}

fpc_status fpc_scores_rows(fpc_arena *scratch, const float *score, int32_t sh, int32_t sw, int32_t classes, int32_t h,
                           int32_t w, const uint8_t *labels, const fpc_score_rows *to)
{
    struct grid g = {.score = score, .h = sh, .w = sw, .classes = classes};
    float *row = fpc_alloc(scratch, (size_t)w * (size_t)classes * sizeof *row);
    fpc_status status = row ? FPC_OK : FPC_ENOMEM;

    if (status || (status = fpc_scores_axis_make(scratch, sw, w, &g.across)) ||
        (status = fpc_scores_axis_make(scratch, sh, h, &g.down)))
        return status;
    for (int32_t i = 0; i < sh; i++)
        for (int32_t y = g.down.first[i]; y < g.down.first[i + 1] && !status; y++) {
            enlarge_row(&g, i, g.down.weight[y], row);
            status = to->take(to->arg, row, labels + (int64_t)y * w);
        }
    return status;
}

/* The label's score takes the place of the highest: a difference above it is one of rounding, and counts as none. */
void fpc_scores_probabilities(float *score, int64_t n, int32_t classes, int logits, const uint8_t *labels)
{
    for (int64_t i = 0; i < n; i++, score += classes) {
        const float most = score[labels[i]];
        float sum = 0;
        for (int32_t c = 0; c < classes; c++) {
            const float v = score[c] > most ? most : score[c];
            score[c] = logits ? expf(v - most) : v;
            sum += score[c];
        }
        for (int32_t c = 0; c < classes; c++)
            score[c] /= sum;
    }
}
