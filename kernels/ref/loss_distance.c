/* loss_distance.c: signed_distance, the exact Euclidean distance of each pixel of a mask to each class that the mask
 * has: outside of a class the distance to its nearest pixel, inside it minus the distance to the nearest pixel of
 * another class, plus one, so that pixels at the border have 0 (Kervadec et al. 2019). Felzenszwalb and Huttenlocher
 * 2012: down the columns first, then along each row the lower envelope of parabolas. Squares are whole numbers, so the
 * only rounding is that of the square root. For ref and, through kernels/cpu/loss_distance.c, for cpu. */
#include "ref.h"

enum { FAR = 1 << 28 }; /* no site in this column */

typedef struct window {
    int32_t y0, x0, h, w;
} window;

typedef struct job {
    fpc_exec *exec;
    const fpc_node *node;
    const fpc_distance_attr *a;
    fpc_shape s; /* of the mask */
} job;

/* A thread's scratch: column distances and results of a window, the envelope of a row. */
typedef struct space {
    int32_t *column, *from;
    double *square, *at;
} space;

static size_t bytes_of_space(fpc_shape s)
{
    return ((size_t)s.h * (size_t)s.w + (size_t)s.w + 1) * (sizeof(double) + sizeof(int32_t));
}

static space space_at(fpc_shape s, void *base)
{
    const size_t area = (size_t)s.h * (size_t)s.w, row = (size_t)s.w + 1;
    space w = {.square = base};
    w.at = w.square + area;
    w.column = (int32_t *)(w.at + row);
    w.from = w.column + area;
    return w;
}

/* Whether a label is one to which distances are measured: class c, or any other class. */
static inline int is_site(int32_t label, int32_t c, int other, int32_t ignore)
{
    return other ? label != c && label != ignore : label == c;
}

/* The lower envelope of the parabolas that stand on the sites' columns of a row; square: the distances. */
static void scan_row(const int32_t *column, int32_t n, const space *w, double *square)
{
    int32_t top = -1;
    for (int32_t q = 0; q < n; q++) {
        const double f = (double)column[q] * column[q] + (double)q * q;
        double meet = -1;
        if (column[q] >= FAR)
            continue;
        for (; top >= 0; top--) {
            const int32_t v = w->from[top];
            meet = (f - ((double)column[v] * column[v] + (double)v * v)) / (2.0 * (q - v));
            if (meet > w->at[top])
                break;
        }
        top++;
        w->at[top] = top > 0 ? meet : -1;
        w->from[top] = q;
    }
    for (int32_t x = 0, k = 0; x < n; x++) {
        while (k < top && w->at[k + 1] < x)
            k++;
        const int32_t v = w->from[k];
        square[x] = top < 0 ? -1 : (double)(x - v) * (x - v) + (double)column[v] * column[v];
    }
}

/* Squared distances of the window's pixels to the nearest site in it; -1: there is none. */
static void measure(const job *j, const uint8_t *mask, window b, int32_t c, int other, const space *w)
{
    for (int32_t y = 0; y < b.h; y++) {
        const uint8_t *row = mask + (int64_t)(b.y0 + y) * j->s.w + b.x0;
        int32_t *to = w->column + (int64_t)y * b.w;
        for (int32_t x = 0; x < b.w; x++)
            to[x] = is_site(row[x], c, other, j->a->ignore) ? 0 : y > 0 && to[x - b.w] < FAR ? to[x - b.w] + 1 : FAR;
    }
    for (int32_t y = b.h - 2; y >= 0; y--) {
        int32_t *to = w->column + (int64_t)y * b.w;
        for (int32_t x = 0; x < b.w; x++)
            to[x] = to[x + b.w] + 1 < to[x] ? to[x + b.w] + 1 : to[x];
    }
    for (int32_t y = 0; y < b.h; y++)
        scan_row(w->column + (int64_t)y * b.w, b.w, w, w->square + (int64_t)y * b.w);
}

/* Where class c lies, with a margin of one pixel; h 0: nowhere. Everything where some pixels are ignored, because the
 * nearest pixel of another class may then lie beyond the margin. */
static window find_class(const job *j, const uint8_t *mask, int32_t c)
{
    int32_t top = j->s.h, left = j->s.w, bottom = -1, right = -1, ignored = 0;
    for (int32_t y = 0; y < j->s.h; y++)
        for (int32_t x = 0; x < j->s.w; x++) {
            const int32_t label = mask[(int64_t)y * j->s.w + x];
            ignored |= label == j->a->ignore;
            if (label == c) {
                top = y < top ? y : top, left = x < left ? x : left;
                bottom = y, right = x > right ? x : right;
            }
        }
    if (bottom < 0)
        return (window){0};
    if (ignored)
        return (window){0, 0, j->s.h, j->s.w};
    top -= top > 0, left -= left > 0, bottom += bottom + 1 < j->s.h, right += right + 1 < j->s.w;
    return (window){top, left, bottom + 1 - top, right + 1 - left};
}

/* Writes the distances of the window's pixels to class c: of those inside it, or of those outside. */
static void write_side(const job *j, const uint8_t *mask, window b, int32_t c, int inside, const space *w, real *out)
{
    const double unit = j->a->normalise ? 1 / sqrt((double)j->s.h * j->s.h + (double)j->s.w * j->s.w) : 1;
    for (int32_t y = 0; y < b.h; y++)
        for (int32_t x = 0; x < b.w; x++) {
            const int64_t r = (int64_t)(b.y0 + y) * j->s.w + b.x0 + x;
            const double square = w->square[(int64_t)y * b.w + x];
            if ((mask[r] == c) != inside || mask[r] == j->a->ignore || square < 0)
                continue;
            out[r * j->a->classes + c] = (real)(unit * (inside ? 1 - sqrt(square) : sqrt(square)));
        }
}

static void one_class(void *arg, int32_t i, int32_t thread)
{
    const job *j = arg;
    const int32_t n = i / j->a->classes, c = i % j->a->classes;
    const int64_t area = image_rows(j->s);
    const uint8_t *mask = (const uint8_t *)j->node->in[0].data + n * area;
    real *out = (real *)j->node->out[0].data + n * area * j->a->classes;
    const window near = find_class(j, mask, c), whole = {0, 0, j->s.h, j->s.w};
    const space w = space_at(j->s, fpc_exec_scratch(j->exec, thread));
    if (!near.h)
        return;
    measure(j, mask, whole, c, 0, &w);
    write_side(j, mask, whole, c, 0, &w, out);
    measure(j, mask, near, c, 1, &w);
    write_side(j, mask, near, c, 1, &w, out);
}

static void signed_distance_need(const fpc_node *node, fpc_need *need)
{
    need->thread = bytes_of_space(node->in[0].shape);
}

/* signed_distance(mask) -> d; a class is written by one task, and the classes of a pixel lie side by side */
static fpc_status signed_distance(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    job j = {exec, node, node->attr, node->in[0].shape};
    (void)rows;
    memset(node->out[0].data, 0, (size_t)fpc_count(node->out[0].shape) * sizeof(real));
    fpc_exec_parallel(exec, j.s.n * j.a->classes, one_class, &j);
    return FPC_OK;
}

const fpc_kernel REF_TABLE(loss_distance)[] = {REF_ROW(signed_distance, .need = signed_distance_need), {0}};
