/* image_mix.c (reference): boxes that cover parts of a picture, and pictures of a batch laid over each other (fpc_mix
 * of augment.h). Positions are computed in double from the numbers as drawn, so that every type of real finds the same
 * pixels and labels. */
#include <fpcore/augment.h>
#include "ref.h"

/* Whether the centre of pixel (x, y) lies in the box x0 y0 x1 y1, first edges included. */
static int covers(const real *box, fpc_shape s, place at)
{
    const double px = (double)(2 * at.x + 1) / (double)s.w - 1, py = (double)(2 * at.y + 1) / (double)s.h - 1;
    return px >= (double)box[0] && px < (double)box[2] && py >= (double)box[1] && py < (double)box[3];
}

/* The topmost box over a pixel; NULL: none. */
static const real *box_over(const fpc_tensor *boxes, fpc_shape s, place at)
{
    const int64_t count = boxes->shape.c / 8;
    const real *box = (const real *)boxes->data + at.n * count * 8;
    for (int64_t b = count - 1; b >= 0; b--)
        if (box[b * 8 + 7] != 0 && covers(box + b * 8, s, at))
            return box + b * 8;
    return NULL;
}

/* erase(x, boxes) -> y: pixels in a box take its colour */
static fpc_status erase(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const real *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        const real *box = box_over(&node->in[1], s, place_of(s, rows.first + r));
        memcpy(y + r * 3, box ? box + 4 : x + r * 3, 3 * sizeof *y);
    }
    return FPC_OK;
}

/* erase_mask(u8, boxes) -> u8 */
static fpc_status erase_mask(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const uint8_t *x = node->in[0].data;
    uint8_t *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++)
        y[r] = box_over(&node->in[1], s, place_of(s, rows.first + r))
                   ? (uint8_t)((const fpc_warp_attr *)node->attr)->fill
                   : x[r];
    return FPC_OK;
}

/* ---- mixing ---- */

/* Columns of a row of the plan. */
enum { PARTNER, ALPHA, X0, Y0, X1, Y1, SX, SY, TX, TY, ANY, PLAN_NUMBERS = 12 };

typedef struct plan {
    const real *head, *layer[FPC_MIX_LAYERS];
    const uint8_t *table[FPC_MIX_LAYERS];
} plan;

static plan plan_of(const fpc_tensor *draws, const fpc_tensor *table, int64_t image)
{
    plan p = {.head = (const real *)draws->data + image * (FPC_MIX_LAYERS + 1) * PLAN_NUMBERS};
    for (int k = 0; k < FPC_MIX_LAYERS; k++) {
        p.layer[k] = p.head + (k + 1) * PLAN_NUMBERS;
        p.table[k] = (const uint8_t *)table->data + (image * FPC_MIX_LAYERS + k) * 256;
    }
    return p;
}

static int64_t partner_of(const real *layer, fpc_shape s)
{
    const int64_t partner = (int64_t)(layer[PARTNER] + (real)0.5);
    return partner < 0 ? 0 : partner < s.n ? partner : s.n - 1;
}

/* Where the layer shows its partner's pixel: from the picture's edge, in pixels, so that pixel i reaches from i to i+1.
 * The point p in [-1,1] is (p + 1) n/2 there. */
static double from_edge(int32_t i, int32_t n, real scale, real shift)
{
    return (double)scale * ((double)i + 0.5) + ((double)shift + 1 - (double)scale) * (double)n / 2;
}
static void partner_place(const real *layer, fpc_shape s, place at, double *u, double *v)
{
    const int same = layer[SX] == 0 && layer[SY] == 0 && layer[TX] == 0 && layer[TY] == 0;
    *u = from_edge(at.x, s.w, same ? 1 : layer[SX], layer[TX]);
    *v = from_edge(at.y, s.h, same ? 1 : layer[SY], layer[TY]);
}

static int64_t clamped(double at, int32_t n)
{
    return at > 0 ? at < n - 1 ? (int64_t)at : n - 1 : 0;
}

/* The partner's label at (u, v). */
static uint8_t label_at(const uint8_t *mask, fpc_shape s, int64_t image, double u, double v)
{
    return mask[row_of(s, image, clamped(floor(v), s.h), clamped(floor(u), s.w))];
}

/* Whether the layer lies over the pixel; *label: what the partner has there. */
static int lies_over(const plan *p, int k, const uint8_t *mask, fpc_shape s, place at, uint8_t *label)
{
    const real *layer = p->layer[k];
    double u, v;
    if (layer[ALPHA] == 0 || !covers(layer + X0, s, at))
        return 0;
    partner_place(layer, s, at, &u, &v);
    *label = label_at(mask, s, partner_of(layer, s), u, v);
    return layer[ANY] != 0 || p->table[k][*label];
}

/* Bilinear at (u, v), clamped at the border. */
static real colour_at(const real *x, fpc_shape s, int64_t image, double u, double v, int c)
{
    const double left = floor(u - 0.5), top = floor(v - 0.5);
    const real fx = (real)(u - 0.5 - left), fy = (real)(v - 0.5 - top);
    real line[2];
    for (int k = 0; k < 2; k++) {
        const int64_t y = clamped(top + k, s.h);
        line[k] = (1 - fx) * x[row_of(s, image, y, clamped(left, s.w)) * 3 + c] +
                  fx * x[row_of(s, image, y, clamped(left + 1, s.w)) * 3 + c];
    }
    return (1 - fy) * line[0] + fy * line[1];
}

/* mix_image(x, mask, plan, table) -> y */
static fpc_status mix_image(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const real *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++, y += 3) {
        const place at = place_of(s, rows.first + r);
        const plan p = plan_of(&node->in[2], &node->in[3], at.n);
        memcpy(y, x + (rows.first + r) * 3, 3 * sizeof *y);
        for (int k = 0; k < FPC_MIX_LAYERS; k++) {
            uint8_t label;
            double u, v;
            if (!lies_over(&p, k, node->in[1].data, s, at, &label))
                continue;
            const real alpha = p.layer[k][ALPHA];
            partner_place(p.layer[k], s, at, &u, &v);
            for (int c = 0; c < 3; c++)
                y[c] = (1 - alpha) * y[c] + alpha * colour_at(x, s, partner_of(p.layer[k], s), u, v, c);
        }
    }
    return FPC_OK;
}

/* mix_mask(mask, plan, table) -> u8 */
static fpc_status mix_mask(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const int second = ((const fpc_mix_attr *)node->attr)->which == 1;
    const uint8_t *mask = node->in[0].data;
    uint8_t *y = node->out[0].data, label;
    for (int64_t r = 0; r < rows.count; r++) {
        const place at = place_of(s, rows.first + r);
        const plan p = plan_of(&node->in[1], &node->in[2], at.n);
        y[r] = mask[rows.first + r];
        if (p.head[0] != 0) { /* soft: lambda is the share of the picture's own mask */
            if ((p.head[1] < (real)0.5) != second)
                y[r] = mask[row_of(s, partner_of(p.layer[0], s), at.y, at.x)];
            continue;
        }
        for (int k = 0; k < FPC_MIX_LAYERS; k++)
            if (p.layer[k][ALPHA] >= (real)0.5 && lies_over(&p, k, mask, s, at, &label))
                y[r] = label;
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(image_mix)[] = {
    REF_ROW(erase), REF_ROW(erase_mask), REF_ROW(mix_image), REF_ROW(mix_mask), {0}};
