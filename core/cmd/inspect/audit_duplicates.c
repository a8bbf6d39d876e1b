/* audit_duplicates.c: pictures that are nearly the same, also where one is the mirror image of the other. A pair is
 * looked at where its difference hashes (64 bits: is a cell of a 9 x 8 grid brighter than its left neighbour?) are
 * close, and counts where the small grey pictures correlate too: portraits have much the same light and shade, so that
 * hashes alone find pairs that are none. */
#include "cmd/inspect/audit.h"
#include "cmd/inspect/near_hashes.h"
#include <math.h>
#include <string.h>
#include "base/message.h"

/* Correlation of two different pictures stays below: 0.934 is the highest among the 604,450 pairs of the reference's
 * portraits. A picture that was compressed again, resized or brightened stays above 0.99. */
static const double alike = 0.96;

enum { ROWS = 8, COLUMNS = 9, MOST_DUPLICATES = 100000 };

/* Mean grey level of the cell (x0,y0)..(x1,y1), times 1000: weights of BT.601. */
static int64_t cell(const uint8_t *rgb, int32_t w, int32_t x0, int32_t y0, int32_t x1, int32_t y1, int mirrored)
{
    int64_t sum = 0;
    for (int32_t y = y0; y < y1; y++)
        for (int32_t x = x0; x < x1; x++) {
            const uint8_t *p = rgb + 3 * ((int64_t)y * w + (mirrored ? w - 1 - x : x));
            sum += 299 * p[0] + 587 * p[1] + 114 * p[2];
        }
    return sum / ((int64_t)(x1 - x0) * (y1 - y0));
}

/* Cells of a picture smaller than the grid overlap. */
static void shrink(const uint8_t *rgb, int32_t h, int32_t w, int mirrored, int32_t rows, int32_t columns, int64_t *out)
{
    for (int32_t r = 0; r < rows; r++)
        for (int32_t c = 0; c < columns; c++) {
            const int32_t y0 = (int32_t)((int64_t)r * h / rows), y1 = (int32_t)((int64_t)(r + 1) * h / rows);
            const int32_t x0 = (int32_t)((int64_t)c * w / columns), x1 = (int32_t)((int64_t)(c + 1) * w / columns);
            out[r * columns + c] = cell(rgb, w, x0, y0, x1 > x0 ? x1 : x0 + 1, y1 > y0 ? y1 : y0 + 1, mirrored);
        }
}

uint64_t fpc_picture_hash(const uint8_t *rgb, int32_t h, int32_t w, int mirrored)
{
    int64_t grey[ROWS * COLUMNS];
    uint64_t hash = 0;
    shrink(rgb, h, w, mirrored, ROWS, COLUMNS, grey);
    for (int32_t r = 0; r < ROWS; r++)
        for (int32_t c = 1; c < COLUMNS; c++)
            hash = hash << 1 | (grey[r * COLUMNS + c] > grey[r * COLUMNS + c - 1]);
    return hash;
}

void fpc_picture_thumb(const uint8_t *rgb, int32_t h, int32_t w, uint8_t *thumb)
{
    int64_t grey[FPC_THUMB * FPC_THUMB];
    shrink(rgb, h, w, 0, FPC_THUMB, FPC_THUMB, grey);
    for (int i = 0; i < FPC_THUMB * FPC_THUMB; i++)
        thumb[i] = (uint8_t)((grey[i] + 500) / 1000);
}

/* Flat pictures have no correlation: they are alike where their grey is. */
double fpc_thumb_similarity(const uint8_t *a, const uint8_t *b, int mirrored)
{
    const int64_t n = FPC_THUMB * FPC_THUMB;
    int64_t sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
    for (int32_t y = 0; y < FPC_THUMB; y++)
        for (int32_t x = 0; x < FPC_THUMB; x++) {
            const int64_t p = a[y * FPC_THUMB + x], q = b[y * FPC_THUMB + (mirrored ? FPC_THUMB - 1 - x : x)];
            sa += p, sb += q, aa += p * p, bb += q * q, ab += p * q;
        }
    const int64_t va = n * aa - sa * sa, vb = n * bb - sb * sb;
    if (va < n * n || vb < n * n) /* less than one grey level of deviation */
        return va < n * n && vb < n * n && sa - sb <= 2 * n && sb - sa <= 2 * n;
    return (double)(n * ab - sa * sb) / (sqrt((double)va) * sqrt((double)vb));
}

static fpc_status compare(fpc_audit *a, int64_t i, int64_t j)
{
    const fpc_audit_sample *s = &a->sample[i], *t = &a->sample[j];
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        const int32_t distance = __builtin_popcountll(s->hash[0] ^ t->hash[mirrored]);
        if (distance > a->near)
            continue;
        const double similarity = fpc_thumb_similarity(s->thumb, t->thumb, mirrored);
        if (similarity < alike)
            continue;
        if (a->n_duplicates == MOST_DUPLICATES)
            return FPC_OK;
        if (a->n_duplicates == a->cap_duplicates) {
            const int64_t cap = a->cap_duplicates ? 2 * a->cap_duplicates : 64;
            fpc_near_duplicate *more = fpc_alloc(a->arena, (size_t)cap * sizeof *more);
            if (!more)
                return FPC_ENOMEM;
            if (a->n_duplicates)
                memcpy(more, a->duplicate, (size_t)a->n_duplicates * sizeof *more);
            a->duplicate = more;
            a->cap_duplicates = cap;
        }
        a->duplicate[a->n_duplicates++] = (fpc_near_duplicate){i, j, distance, mirrored, similarity};
        return FPC_OK;
    }
    return FPC_OK;
}

/* Samples that can be read are compared with all behind them, in order; those of which no hash is close are passed over
 * by an index. */
fpc_status fpc_audit_duplicates(fpc_audit *a)
{
    uint64_t(*hash)[2] = fpc_alloc(a->arena, (size_t)(a->n + 1) * sizeof *hash);
    int64_t *sample = fpc_alloc(a->arena, (size_t)(a->n + 1) * sizeof *sample), n = 0;
    fpc_near_hashes *index;
    fpc_status status;

    if (!hash || !sample)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < a->n; i++)
        if (a->sample[i].usable) {
            memcpy(hash[n], a->sample[i].hash, sizeof *hash);
            sample[n++] = i;
        }
    status = fpc_near_hashes_new(a->arena, n, (const uint64_t(*)[2])hash, a->near, &index);
    for (int64_t i = 0; i < n && a->n_duplicates < MOST_DUPLICATES && !status; i++) {
        const int64_t *behind, found = fpc_near_hashes_behind(index, i, &behind);

        if (fpc_ctx_cancelled(a->ctx))
            return fpc_fail(a->ctx, FPC_ECANCEL, "interrupted while pictures were compared");
        for (int64_t k = 0; k < found && !status; k++)
            status = compare(a, sample[i], sample[behind[k]]);
    }
    return status;
}
