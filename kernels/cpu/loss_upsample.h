/* loss_upsample.h: bilinear upsampling of logits on the fly, for the loss kernels: the full-size logits never exist.
 *
 * Bilinear is separable. A row of the logits (w pixels of K numbers) is expanded horizontally once, to vectors of VL
 * output pixels for each class; an output row then is a blend of two expanded rows, and the gradient goes the opposite
 * way: added to two expanded rows, each collapsed once. Where the width grows by a whole factor s, output pixels are
 * kept in the order x % s, x / s: the pixels of one phase x % s have the same weights, so expanding and collapsing are
 * plain vector sums. In any other case the order is that of x and the work is done number by number.
 *
 * An expanded row is [vector][class][lane]. Lanes behind the last pixel carry the label K, which means ignored. */
#ifndef KERNELS_CPU_LOSS_UPSAMPLE_H
#define KERNELS_CPU_LOSS_UPSAMPLE_H

#include "math.h"

enum { UP_BAND = 8 /* rows of logits that one task handles */, UP_ROWS = VL == 16 ? 4 : 2 /* output rows at a time */ };

struct up {
    int32_t n, lh, lw, k, h, w; /* images; logits lh x lw x k; output h x w */
    int32_t phases;             /* w / lw, or 0 where that is no whole number */
    int32_t vectors, phase_vectors;
    int32_t bands; /* of an image */
    /* Offsets into shared memory. Output rows [first[r], first[r+1]) blend row r and the next, with weight wy of the
     * next; x0 and wx are the same for columns. shared: bytes so far. */
    size_t first, wy, x0, wx, shared;
    size_t ring[2], line, thread; /* offsets into a thread's scratch: expanded rows, a row by class; bytes so far */
    int64_t line_stride;
};

static inline size_t up_take(size_t *at, size_t bytes)
{
    const size_t here = *at;
    *at += (bytes + 63) & ~(size_t)63;
    return here;
}

static inline struct up up_plan(fpc_shape logits, int32_t h, int32_t w, int align_corners)
{
    struct up u = {.n = logits.n, .lh = logits.h, .lw = logits.w, .k = logits.c, .h = h, .w = w};
    u.phases = !align_corners && w % logits.w == 0 ? w / logits.w : 0;
    u.phase_vectors = ((u.phases ? logits.w : w) + VL - 1) / VL;
    u.vectors = u.phase_vectors * (u.phases ? u.phases : 1);
    u.bands = (logits.h + UP_BAND - 1) / UP_BAND;
    u.first = up_take(&u.shared, ((size_t)u.lh + 1) * sizeof(int32_t));
    u.wy = up_take(&u.shared, (size_t)h * sizeof(float));
    u.x0 = up_take(&u.shared, (size_t)(u.phases ? u.phases : w) * sizeof(int32_t));
    u.wx = up_take(&u.shared, (size_t)(u.phases ? u.phases : w) * sizeof(float));
    const size_t row = (size_t)u.vectors * (size_t)u.k * VL * sizeof(float);
    u.ring[0] = up_take(&u.thread, row);
    u.ring[1] = up_take(&u.thread, row);
    u.line_stride = ((int64_t)u.lw + VL - 1) / VL * VL + 2 * VL; /* a pixel in front, and at least one behind */
    u.line = up_take(&u.thread, (size_t)u.line_stride * (size_t)u.k * sizeof(float));
    return u;
}

/* Source position of output i: the lower neighbour and the weight of the upper one, 0 where there is none. */
static inline int32_t up_source(int32_t i, int32_t in, int32_t out, int align_corners, float *weight)
{
    const double at =
        align_corners ? (out > 1 ? i * ((double)(in - 1) / (out - 1)) : 0) : (i + 0.5) * ((double)in / out) - 0.5;
    int32_t low = at > 0 ? (int32_t)at : 0;
    low = low < in - 1 ? low : in - 1;
    *weight = low < in - 1 && at > 0 ? (float)(at - low) : 0;
    return low;
}

/* Fills the tables. */
static inline void up_begin(const struct up *u, int align_corners, char *shared)
{
    int32_t *first = (int32_t *)(shared + u->first), *x0 = (int32_t *)(shared + u->x0);
    float *wy = (float *)(shared + u->wy), *wx = (float *)(shared + u->wx);
    int32_t row = 0;
    for (int32_t y = 0; y < u->h; y++) {
        const int32_t low = up_source(y, u->lh, u->h, align_corners, &wy[y]);
        while (row <= low)
            first[row++] = y;
    }
    while (row <= u->lh)
        first[row++] = u->h;
    if (!u->phases)
        for (int32_t x = 0; x < u->w; x++)
            x0[x] = up_source(x, u->lw, u->w, align_corners, &wx[x]);
    for (int32_t p = 0; p < u->phases; p++) { /* lower neighbour of x = j * phases + p: j + x0[p] */
        const double at = (p + 0.5) / u->phases - 0.5;
        x0[p] = at < 0 ? -1 : 0;
        wx[p] = (float)(at < 0 ? at + 1 : at);
    }
}

/* Between (pixel, class) and [vector][class][lane], where nothing is resized. */
static inline void up_turn_in(const struct up *u, const float *logits, float scale, float *to)
{
    const int64_t k = u->k;
    for (int32_t v = 0; v < u->vectors; v++, to += k * VL, logits += k * VL) {
        const int64_t n = u->lw - v * VL < VL ? u->lw - v * VL : VL;
        for (int64_t c = 0; c < k; c++) {
            float lane[VL] = {0};
            for (int64_t i = 0; i < n; i++)
                lane[i] = logits[i * k + c] * scale;
            vf_store(to + c * VL, vf_load(lane));
        }
    }
}
static inline void up_turn_out(const struct up *u, const float *from, float *logits)
{
    const int64_t k = u->k;
    for (int32_t v = 0; v < u->vectors; v++, from += k * VL, logits += k * VL) {
        const int64_t n = u->lw - v * VL < VL ? u->lw - v * VL : VL;
        for (int64_t c = 0; c < k; c++)
            for (int64_t i = 0; i < n; i++)
                logits[i * k + c] = from[c * VL + i];
    }
}

/* A row of logits (lw, k) times `scale`, expanded. */
static inline void up_expand(const struct up *u, const char *shared, char *scratch, const float *logits, float scale,
                             float *to)
{
    const int32_t *x0 = (const int32_t *)(shared + u->x0);
    const float *wx = (const float *)(shared + u->wx);
    const int64_t k = u->k, lw = u->lw;
    if (u->phases == 1) {
        up_turn_in(u, logits, scale, to);
        return;
    }
    for (int64_t c = 0; c < k; c++) { /* the border repeats on both sides, so neighbours need no test */
        float *line = (float *)(scratch + u->line) + c * u->line_stride + VL;
        for (int64_t j = 0; j < lw; j++)
            line[j] = logits[j * k + c] * scale;
        line[-1] = line[0];
        for (int64_t j = lw; j < u->line_stride - VL; j++)
            line[j] = line[lw - 1];
        if (u->phases) {
            for (int32_t p = 0; p < u->phases; p++) {
                const float *low = line + x0[p];
                const vf w = vf_set(wx[p]);
                float *at = to + ((int64_t)p * u->phase_vectors * k + c) * VL;
                for (int32_t v = 0; v < u->phase_vectors; v++, at += k * VL) {
                    const vf a = vf_load(low + v * VL);
                    vf_store(at, vf_fma(w, vf_load(low + v * VL + 1) - a, a));
                }
            }
        } else {
            for (int32_t x = 0; x < u->vectors * VL; x++) {
                const float *low = line + (x < u->w ? x0[x] : 0), w = x < u->w ? wx[x] : 0;
                to[(x / VL * k + c) * VL + x % VL] = low[0] + w * (low[1] - low[0]);
            }
        }
    }
}

/* The adjoint: an expanded row of gradients to a row of logits (lw, k). */
static inline void up_collapse(const struct up *u, const char *shared, char *scratch, const float *from, float *logits)
{
    const int32_t *x0 = (const int32_t *)(shared + u->x0);
    const float *wx = (const float *)(shared + u->wx);
    const int64_t k = u->k, lw = u->lw;
    /* contributions of the pixels over j to j - 1 and to j + 1 */
    float *below = (float *)(scratch + u->line), *above = below + u->phase_vectors * VL;
    if (u->phases == 1) {
        up_turn_out(u, from, logits);
        return;
    }
    for (int64_t c = 0; c < k; c++) {
        if (!u->phases) {
            for (int64_t j = 0; j < lw; j++)
                logits[j * k + c] = 0;
            for (int32_t x = 0; x < u->w; x++) {
                const float g = from[(x / VL * k + c) * VL + x % VL], high = wx[x] * g;
                logits[x0[x] * k + c] += g - high;
                if (wx[x] > 0)
                    logits[(x0[x] + 1) * k + c] += high;
            }
            continue;
        }
        for (int32_t v = 0; v < u->phase_vectors; v++) {
            vf here = {0}, down = {0}, up = {0};
            const float *at = from + (v * k + c) * VL;
            for (int32_t p = 0; p < u->phases; p++, at += (int64_t)u->phase_vectors * k * VL) {
                const vf g = vf_load(at);
                if (x0[p] < 0) {
                    here = vf_fma(vf_set(wx[p]), g, here);
                    down = vf_fma(vf_set(1 - wx[p]), g, down);
                } else {
                    here = vf_fma(vf_set(1 - wx[p]), g, here);
                    up = vf_fma(vf_set(wx[p]), g, up);
                }
            }
            const int64_t n = lw - v * VL < VL ? lw - v * VL : VL;
            for (int64_t i = 0; i < n; i++)
                logits[(v * VL + i) * k + c] = here[i];
            vf_store(below + v * VL, down);
            vf_store(above + v * VL, up);
        }
        for (int64_t j = 0; j < lw; j++) { /* the border's neighbour is itself */
            logits[(j > 0 ? j - 1 : 0) * k + c] += below[j];
            logits[(j + 1 < lw ? j + 1 : j) * k + c] += above[j];
        }
    }
}

/* Labels of an output row in the order of expanded rows. map: label to class, K for ignored ones. */
static inline void up_labels(const struct up *u, const uint8_t *mask, const int32_t *map, int32_t *to)
{
    if (!u->phases) {
        for (int32_t x = 0; x < u->w; x++)
            to[x] = map[mask[x]];
        for (int32_t x = u->w; x < u->vectors * VL; x++)
            to[x] = u->k;
        return;
    }
    for (int32_t p = 0; p < u->phases; p++, to += u->phase_vectors * VL) {
        for (int32_t j = 0; j < u->lw; j++)
            to[j] = map[mask[j * u->phases + p]];
        for (int32_t j = u->lw; j < u->phase_vectors * VL; j++)
            to[j] = u->k;
    }
}

/* map[label] = class, K where ignored, -1 where there is no such class. */
static inline void up_label_map(int32_t k, int32_t ignore, int32_t *map)
{
    for (int32_t i = 0; i < 256; i++)
        map[i] = i == ignore ? k : i < k ? i : -1;
}

#endif
