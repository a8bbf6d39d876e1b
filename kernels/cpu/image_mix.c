/* image_mix.c (cpu): boxes that cover parts of a picture, and pictures of a batch laid over each other (fpc_mix of
 * augment.h). The rows are walked line by line; on a line a box is a run of pixels. Positions are computed in double,
 * so that the pixels and labels are those of the reference. */
#include "image_picture.h"
#include <fpcore/augment.h>

/* A piece of one line: pixels [x, x + count) of line y of an image; row: of its first pixel among the rows given. */
struct piece {
    int64_t image, y, x, count, row;
};

/* The next piece of the rows; 0: none is left. *p: all zero at first. */
static int next_piece(fpc_shape s, fpc_rows rows, struct piece *p)
{
    const int64_t plane = (int64_t)s.h * s.w;
    p->row += p->count;
    if (p->row >= rows.count)
        return 0;
    const int64_t at = rows.first + p->row;
    p->image = at / plane;
    p->y = at % plane / s.w;
    p->x = at % s.w;
    p->count = s.w - p->x < rows.count - p->row ? s.w - p->x : rows.count - p->row;
    return 1;
}

/* The run of pixels of the piece whose centres lie in a box (x0 y0 x1 y1, first edges included): [*first, *end),
 * counted from the piece's first. */
static int run_in_box(const float *box, fpc_shape s, const struct piece *p, int64_t *first, int64_t *end)
{
    const double y = (double)(2 * p->y + 1) / s.h - 1;
    int64_t from = 0, to = p->count;
    if (!(y >= (double)box[1] && y < (double)box[3]))
        return 0;
    while (from < to && !((double)(2 * (p->x + from) + 1) / s.w - 1 >= (double)box[0]))
        from++;
    while (to > from && !((double)(2 * (p->x + to - 1) + 1) / s.w - 1 < (double)box[2]))
        to--;
    *first = from;
    *end = to;
    return to > from;
}

static fpc_status run_erase(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape;
    const int64_t count = node->in[1].shape.c / 8;
    float *y = node->out[0].data;
    memcpy(y, node->in[0].data, (size_t)(rows.count * 3) * sizeof *y);
    for (struct piece p = {0}; next_piece(s, rows, &p);) {
        const float *box = (const float *)node->in[1].data + p.image * count * 8;
        int64_t from, to;
        for (int64_t b = 0; b < count; b++, box += 8)
            for (int in = box[7] != 0 && run_in_box(box, s, &p, &from, &to); in && from < to; from++)
                memcpy(y + (p.row + from) * 3, box + 4, 3 * sizeof *y);
    }
    return FPC_OK;
}

static fpc_status run_erase_mask(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape;
    const int64_t count = node->in[1].shape.c / 8;
    uint8_t *y = node->out[0].data;
    memcpy(y, node->in[0].data, (size_t)rows.count);
    for (struct piece p = {0}; next_piece(s, rows, &p);) {
        const float *box = (const float *)node->in[1].data + p.image * count * 8;
        int64_t from, to;
        for (int64_t b = 0; b < count; b++, box += 8)
            if (box[7] != 0 && run_in_box(box, s, &p, &from, &to))
                memset(y + p.row + from, ((const fpc_warp_attr *)node->attr)->fill, (size_t)(to - from));
    }
    return FPC_OK;
}

/* ---- mixing ---- */

enum { PLAN_NUMBERS = 12 };

/* One layer on one line. u(x) = u0 + du x, v: where pixel x reads the partner, in pixels from the picture's edge (pixel
 * i reaches from i to i + 1). */
struct layer {
    const float *image; /* the partner's */
    const uint8_t *mask;
    const uint8_t *table; /* NULL: all labels */
    float alpha;
    int here; /* at its own place: pixel x reads pixel x */
    double u0, du, v;
    int64_t from, to;
};

/* Layer k on the piece of a line; 0: it does not reach it. picture: NULL where only labels are wanted. */
static int layer_at(struct layer *l, const float *plan, const uint8_t *table, int k, const float *picture,
                    const uint8_t *mask, fpc_shape s, const struct piece *p)
{
    const float *draw = plan + (p->image * (FPC_MIX_LAYERS + 1) + k + 1) * PLAN_NUMBERS;
    int64_t partner = (int64_t)(draw[0] + 0.5f);
    if (draw[1] == 0 || !run_in_box(draw + 2, s, p, &l->from, &l->to))
        return 0;
    partner = partner < 0 ? 0 : partner < s.n ? partner : s.n - 1;
    const int unset = draw[6] == 0 && draw[7] == 0 && draw[8] == 0 && draw[9] == 0;
    const double sx = unset ? 1 : (double)draw[6], sy = unset ? 1 : (double)draw[7];
    l->alpha = draw[1];
    l->here = sx == 1 && sy == 1 && draw[8] == 0 && draw[9] == 0;
    l->du = sx;
    l->u0 = ((double)draw[8] + 1 - sx) * s.w / 2;
    l->v = sy * ((double)p->y + 0.5) + ((double)draw[9] + 1 - sy) * s.h / 2;
    l->image = picture ? picture + partner * s.h * s.w * 3 : NULL;
    l->mask = mask + partner * s.h * s.w;
    l->table = draw[10] != 0 ? NULL : table + (p->image * FPC_MIX_LAYERS + k) * 256;
    return 1;
}

/* floor, within a line of n pixels */
FPC_INLINE int64_t clamped(double at, int32_t n)
{
    return at > 0 ? at < n - 1 ? (int64_t)at : n - 1 : 0;
}

FPC_INLINE double u_of(const struct layer *l, int64_t x)
{
    return l->du * ((double)x + 0.5) + l->u0;
}

FPC_INLINE uint8_t label_of(const struct layer *l, fpc_shape s, int64_t y, int64_t x)
{
    return l->here ? l->mask[y * s.w + x] : l->mask[clamped(l->v, s.h) * s.w + clamped(u_of(l, x), s.w)];
}

/* Bilinear, clamped at the border. */
static void colour_of(float to[3], const struct layer *l, fpc_shape s, int64_t x)
{
    const double u = u_of(l, x) - 0.5, v = l->v - 0.5;
    const int64_t x0 = clamped(u, s.w), y0 = clamped(v, s.h), x1 = x0 + 1 < s.w ? x0 + 1 : x0;
    const int64_t y1 = y0 + 1 < s.h ? y0 + 1 : y0;
    const float fx = u > 0 ? (float)(u - (double)x0) : 0, fy = v > 0 ? (float)(v - (double)y0) : 0;
    for (int c = 0; c < 3; c++) {
        const float a = l->image[(y0 * s.w + x0) * 3 + c], b = l->image[(y0 * s.w + x1) * 3 + c];
        const float d = l->image[(y1 * s.w + x0) * 3 + c], e = l->image[(y1 * s.w + x1) * 3 + c];
        const float top = (1 - fx) * a + fx * b, bottom = (1 - fx) * d + fx * e;
        to[c] = (1 - fy) * top + fy * bottom;
    }
}

/* y: the piece's pixels, which the layer is laid over. */
static void lay_over(float *y, const struct layer *l, fpc_shape s, const struct piece *p)
{
    if (l->here && !l->table) {
        const float *from = l->image + (p->y * s.w + p->x) * 3;
        for (int64_t i = l->from * 3; i < l->to * 3; i += VL) {
            const int64_t n = l->to * 3 - i < VL ? l->to * 3 - i : VL;
            vf_put(y + i, vf_fma(vf_set(l->alpha), vf_get(from + i, n), (1 - l->alpha) * vf_get(y + i, n)), n);
        }
        return;
    }
    for (int64_t i = l->from; i < l->to; i++) {
        const int64_t x = p->x + i;
        float colour[3];
        if (l->table && !l->table[label_of(l, s, p->y, x)])
            continue;
        if (l->here)
            memcpy(colour, l->image + (p->y * s.w + x) * 3, sizeof colour);
        else
            colour_of(colour, l, s, x);
        for (int c = 0; c < 3; c++)
            y[i * 3 + c] = (1 - l->alpha) * y[i * 3 + c] + l->alpha * colour[c];
    }
}

static fpc_status run_mix_image(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape;
    const float *picture = node->in[0].data;
    float *y = node->out[0].data;
    memcpy(y, picture + rows.first * 3, (size_t)(rows.count * 3) * sizeof *y);
    for (struct piece p = {0}; next_piece(s, rows, &p);)
        for (int k = 0; k < FPC_MIX_LAYERS; k++) {
            struct layer l;
            if (layer_at(&l, node->in[2].data, node->in[3].data, k, picture, node->in[1].data, s, &p))
                lay_over(y + p.row * 3, &l, s, &p);
        }
    return FPC_OK;
}

/* The labels of a picture of which the loss sees both masks: its own, or that of the first layer's partner. */
static void soft_labels(uint8_t *y, const float *plan, const uint8_t *mask, int second, fpc_shape s,
                        const struct piece *p)
{
    const float *head = plan + p->image * (FPC_MIX_LAYERS + 1) * PLAN_NUMBERS;
    int64_t image = (int64_t)(head[PLAN_NUMBERS] + 0.5f);
    image = (head[1] < 0.5f) == second ? p->image : image < 0 ? 0 : image < s.n ? image : s.n - 1;
    memcpy(y, mask + (image * s.h + p->y) * s.w + p->x, (size_t)p->count);
}

static fpc_status run_mix_mask(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape;
    const uint8_t *mask = node->in[0].data;
    const float *plan = node->in[1].data;
    for (struct piece p = {0}; next_piece(s, rows, &p);) {
        uint8_t *y = (uint8_t *)node->out[0].data + p.row;
        if (plan[p.image * (FPC_MIX_LAYERS + 1) * PLAN_NUMBERS] != 0) {
            soft_labels(y, plan, mask, ((const fpc_mix_attr *)node->attr)->which == 1, s, &p);
            continue;
        }
        memcpy(y, mask + rows.first + p.row, (size_t)p.count);
        for (int k = 0; k < FPC_MIX_LAYERS; k++) {
            struct layer l;
            if (!layer_at(&l, plan, node->in[2].data, k, NULL, mask, s, &p) || l.alpha < 0.5f)
                continue;
            for (int64_t i = l.from; i < l.to; i++) {
                const uint8_t label = label_of(&l, s, p.y, p.x + i);
                y[i] = !l.table || l.table[label] ? label : y[i];
            }
        }
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(image_mix)[] = {
    FPC_CPU_ROW(erase, .run = run_erase),
    FPC_CPU_ROW(erase_mask, .run = run_erase_mask),
    FPC_CPU_ROW(mix_image, .run = run_mix_image),
    FPC_CPU_ROW(mix_mask, .run = run_mix_mask),
    {.op = NULL},
};
