/* post.c: see post.h. */
#include "image/post.h"
#include "image/blobs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fpc_post_scores(const fpc_post *p, int probabilities, int64_t n, float *score)
{
    float factor[256];

    for (int32_t c = 0; c < p->classes; c++)
        factor[c] = expf(p->bias[c]);
    for (int64_t i = 0; i < n; i++, score += p->classes)
        for (int32_t c = 0; c < p->classes; c++)
            score[c] = probabilities ? score[c] * factor[c] : score[c] + p->bias[c];
}

static int removes_blobs(const fpc_post *p)
{
    int any = p->holes > 0;

    for (int32_t c = 0; c < p->classes; c++)
        any |= p->smallest[c] > 0;
    return any;
}

int fpc_post_shapes(const fpc_post *p)
{
    return p->n_sides > 0 || removes_blobs(p);
}

/* ---- sides ---- */

/* Blobs of the two labels of a pair take one of them: found on a mask that calls both by the left one's label. */
static fpc_status unite(fpc_arena *scratch, const fpc_post *p, int32_t h, int32_t w, uint8_t *labels)
{
    const int64_t pixels = (int64_t)h * w;
    uint8_t left_of[256], right_of[256] = {0}, paired[256] = {0}, *merged = fpc_alloc(scratch, (size_t)pixels);
    fpc_blobs b;
    int64_t *right;
    fpc_status status;

    for (int32_t c = 0; c < 256; c++)
        left_of[c] = (uint8_t)c;
    for (int32_t i = 0; i < p->n_sides; i++) {
        left_of[p->side[i][1]] = p->side[i][0];
        right_of[p->side[i][0]] = p->side[i][1];
        paired[p->side[i][0]] = 1;
    }
    if (!merged)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < pixels; i++)
        merged[i] = left_of[labels[i]];
    if ((status = fpc_blobs_find(scratch, merged, h, w, &b)))
        return status;
    if (!(right = fpc_alloc(scratch, ((size_t)b.n + 1) * sizeof *right))) /* pixels of each blob with the right label */
        return FPC_ENOMEM;
    for (int to = 0; to < 2; to++)
        for (int32_t y = 0; y < h; y++)
            for (int32_t i = b.row_first[y]; i < b.row_first[y + 1]; i++) {
                const fpc_run *r = &b.run[i];
                const fpc_blob *blob = &b.blob[r->blob];
                uint8_t *at = labels + (int64_t)y * w;
                if (!paired[blob->label])
                    continue;
                if (to)
                    memset(at + r->x, 2 * right[r->blob] > blob->pixels ? right_of[blob->label] : blob->label,
                           (size_t)(r->end - r->x));
                for (int32_t x = r->x; !to && x < r->end; x++)
                    right[r->blob] += at[x] != blob->label;
            }
    return FPC_OK;
}

static void set_order(const fpc_post *p, int32_t h, int32_t w, uint8_t *labels)
{
    int64_t pixels[256] = {0};
    double sum[256] = {0};
    uint8_t becomes[256];
    int changes = 0;

    for (int32_t c = 0; c < 256; c++)
        becomes[c] = (uint8_t)c;
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            const uint8_t c = labels[(int64_t)y * w + x];
            pixels[c]++;
            sum[c] += x;
        }
    for (int32_t i = 0; i < p->n_sides; i++) {
        const uint8_t l = p->side[i][0], r = p->side[i][1];
        if (pixels[l] && pixels[r] && sum[l] / (double)pixels[l] > sum[r] / (double)pixels[r]) {
            becomes[l] = r, becomes[r] = l;
            changes = 1;
        }
    }
    for (int64_t i = 0; changes && i < (int64_t)h * w; i++)
        labels[i] = becomes[labels[i]];
}

/* ---- blobs and holes ---- */

enum { NOBODY = -1, SEVERAL = -2 };

typedef struct touch { /* a piece of border of a blob that goes */
    int32_t blob;
    int32_t label; /* on the other side */
    int64_t length;
} touch;

typedef struct removal {
    const fpc_blobs *b;
    int32_t *around; /* by blob: the one label that it touches, NOBODY or SEVERAL */
    uint8_t *goes;   /* by blob */
    touch *list;     /* NULL: only counted */
    int64_t n;
} removal;

static void look_around(void *arg, int32_t a, int32_t b, int32_t length)
{
    const removal *r = arg;

    (void)length;
    for (int k = 0; k < 2; k++) {
        const int32_t me = k ? b : a, label = r->b->blob[k ? a : b].label;
        r->around[me] = r->around[me] == NOBODY || r->around[me] == label ? label : SEVERAL;
    }
}

static void note_touch(void *arg, int32_t a, int32_t b, int32_t length)
{
    removal *r = arg;

    if (r->goes[a] == r->goes[b])
        return;
    if (r->list)
        r->list[r->n] = (touch){r->goes[a] ? a : b, r->b->blob[r->goes[a] ? b : a].label, length};
    r->n++;
}

static int by_blob(const void *one, const void *two)
{
    const touch *a = one, *b = two;

    if (a->blob != b->blob)
        return a->blob < b->blob ? -1 : 1;
    return (a->label > b->label) - (a->label < b->label);
}

/* Each blob that goes takes the label with the longest border, which the sorted list has in one stretch. */
static void choose(removal *r, fpc_blob *blob)
{
    int64_t most = 0;

    qsort(r->list, (size_t)r->n, sizeof *r->list, by_blob);
    for (int64_t i = 0, next; i < r->n; i = next) {
        const touch *first = &r->list[i];
        int64_t length = 0;
        if (!i || r->list[i - 1].blob != first->blob)
            most = 0;
        for (next = i; next < r->n && !by_blob(&r->list[next], first); next++)
            length += r->list[next].length;
        if (length > most) {
            most = length;
            blob[first->blob].label = (uint8_t)first->label;
        }
    }
}

static fpc_status find_small(fpc_arena *scratch, const fpc_post *p, const fpc_blobs *b, removal *r)
{
    const double all = (double)b->h * b->w;

    *r = (removal){.b = b,
                   .around = fpc_alloc(scratch, ((size_t)b->n + 1) * sizeof *r->around),
                   .goes = fpc_alloc(scratch, (size_t)b->n + 1)};
    if (!r->around || !r->goes)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < b->n; i++)
        r->around[i] = NOBODY;
    if (p->holes > 0)
        fpc_blobs_borders(b, look_around, r);
    for (int32_t i = 0; i < b->n; i++) {
        const fpc_blob *blob = &b->blob[i];
        const double pixels = (double)blob->pixels;
        r->goes[i] = pixels < p->smallest[blob->label] * all ||
                     (r->around[i] >= 0 && !blob->at_border && pixels < p->holes * all);
    }
    return FPC_OK;
}

static fpc_status remove_blobs(fpc_arena *scratch, const fpc_post *p, int32_t h, int32_t w, uint8_t *labels)
{
    fpc_blobs b;
    removal r;
    fpc_status status;

    if ((status = fpc_blobs_find(scratch, labels, h, w, &b)) || (status = find_small(scratch, p, &b, &r)))
        return status;
    fpc_blobs_borders(&b, note_touch, &r);
    if (!r.n)
        return FPC_OK;
    if (!(r.list = fpc_alloc(scratch, (size_t)r.n * sizeof *r.list)))
        return FPC_ENOMEM;
    r.n = 0;
    fpc_blobs_borders(&b, note_touch, &r);
    choose(&r, b.blob);
    for (int32_t y = 0; y < h; y++)
        for (int32_t i = b.row_first[y]; i < b.row_first[y + 1]; i++)
            if (r.goes[b.run[i].blob])
                memset(labels + (int64_t)y * w + b.run[i].x, b.blob[b.run[i].blob].label,
                       (size_t)(b.run[i].end - b.run[i].x));
    return FPC_OK;
}

fpc_status fpc_post_labels(fpc_arena *scratch, const fpc_post *p, int32_t h, int32_t w, uint8_t *labels)
{
    fpc_status status;

    if (p->n_sides) {
        if ((status = unite(scratch, p, h, w, labels)))
            return status;
        set_order(p, h, w, labels);
    }
    return removes_blobs(p) ? remove_blobs(scratch, p, h, w, labels) : FPC_OK;
}
