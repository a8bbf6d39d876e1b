/* image_filter.c (cpu): windows of k x k pixels with drawn weights, and medians. Both work on padded lines: a line of
 * the picture with r = k/2 pixels more on each side, as the border says, so that a window's offset is an offset in
 * memory and vectors run along the line without looking at where it ends. */
#include "image_picture.h"

enum { SLACK = 2 * VL }; /* numbers behind a padded line that vectors may touch */

/* Numbers of a padded line, in whole vectors. */
static int64_t padded(fpc_shape s, int32_t k)
{
    return (((int64_t)s.w + k - 1) * 3 + VL - 1) / VL * VL;
}

/* Numbers from one padded line to the next. */
static int64_t line_room(fpc_shape s, int32_t k)
{
    return padded(s, k) + SLACK;
}

/* By vectors: a line rarely begins where memcpy's string instructions are fast. */
static void copy_numbers(float *to, const float *from, int64_t count)
{
    for (FPC_COLUMNS(i, n, count))
        vf_put(to + i, vf_get(from + i, n), n);
}

/* Line y of an image, padded; zero where the border has nothing. */
static void pad_line(float *to, const float *image, fpc_shape s, int64_t y, int32_t k, int32_t border)
{
    const int32_t r = k / 2;
    const int64_t at = border_index(y, s.h, border);
    if (at < 0) {
        memset(to, 0, (size_t)line_room(s, k) * sizeof *to);
        return;
    }
    const float *from = image + at * s.w * 3;
    copy_numbers(to + r * 3, from, (int64_t)s.w * 3);
    for (int32_t i = 1; i <= r; i++) {
        const int64_t left = border_index(-i, s.w, border), right = border_index(s.w - 1 + i, s.w, border);
        for (int c = 0; c < 3; c++) {
            to[(r - i) * 3 + c] = left < 0 ? 0 : from[left * 3 + c];
            to[(r + s.w - 1 + i) * 3 + c] = right < 0 ? 0 : from[right * 3 + c];
        }
    }
    const int64_t end = ((int64_t)s.w + k - 1) * 3;
    memset(to + end, 0, (size_t)(line_room(s, k) - end) * sizeof *to);
}

/* A piece of one line of the output. */
struct piece {
    const float *image; /* the picture it belongs to */
    float *to;
    int64_t index, y, x, count; /* of the picture; pixels */
};

/* The next piece of the rows; 0: none is left. row: 0 at first. */
static int next_piece(const fpc_node *node, fpc_rows rows, int64_t *row, struct piece *p)
{
    const fpc_shape s = node->in[0].shape;
    const int64_t plane = (int64_t)s.h * s.w, at = rows.first + *row;
    if (*row >= rows.count)
        return 0;
    p->index = at / plane;
    p->y = at % plane / s.w;
    p->x = at % s.w;
    p->count = s.w - p->x < rows.count - *row ? s.w - p->x : rows.count - *row;
    p->image = (const float *)node->in[0].data + p->index * plane * 3;
    p->to = (float *)node->out[0].data + *row * 3;
    *row += p->count;
    return 1;
}

static void copy_pixels(const struct piece *p, fpc_shape s, int64_t first, int64_t end)
{
    if (end > first)
        memcpy(p->to + first * 3, p->image + (p->y * s.w + p->x + first) * 3,
               (size_t)(end - first) * 3 * sizeof *p->to);
}

/* ---- filter ---- */

/* Weights of one image. split: weight[i][j] = down[i] * along[j], as of blurs, boxes and straight strokes. */
struct window {
    const float *weight;
    int64_t image;
    int32_t k, empty, split;
    float down[31], along[31];
};

static void look_at_window(struct window *w, const float *weight, int32_t k)
{
    int32_t top = 0;
    w->weight = weight;
    w->k = k;
    for (int32_t i = 0; i < k * k; i++)
        if (__builtin_fabsf(weight[i]) > __builtin_fabsf(weight[top]))
            top = i;
    w->empty = weight[top] == 0;
    w->split = k > 3 && !w->empty;
    for (int32_t i = 0; i < k && w->split; i++) {
        w->down[i] = weight[i * k + top % k];
        w->along[i] = weight[top / k * k + i] / weight[top];
    }
    for (int32_t i = 0; i < k * k && w->split; i++)
        w->split = __builtin_fabsf(weight[i] - w->down[i / k] * w->along[i % k]) <= 4e-7f * __builtin_fabsf(weight[i]);
}

/* sum[i] += sum over j of weight[j] line[i + 3 j], for i in [0, count) */
static void add_along(float *sum, const float *line, const float *weight, int32_t k, int64_t count)
{
    for (int64_t i = 0; i < count; i += 2 * VL) {
        vf a = vf_load(sum + i), b = vf_load(sum + i + VL);
        for (int32_t j = 0; j < k; j++) {
            if (weight[j] == 0)
                continue;
            a = vf_fma(vf_set(weight[j]), vf_load(line + i + 3 * j), a);
            b = vf_fma(vf_set(weight[j]), vf_load(line + i + 3 * j + VL), b);
        }
        vf_store(sum + i, a);
        vf_store(sum + i + VL, b);
    }
}

/* work: two padded lines */
static void filter_piece(const struct window *w, const struct piece *p, fpc_shape s, int32_t border, float *work)
{
    const int32_t k = w->k, r = k / 2;
    float *line = work, *sum = work + line_room(s, k);
    const int64_t all = padded(s, k), count = p->count * 3;
    memset(sum, 0, (size_t)line_room(s, k) * sizeof *sum);
    for (int32_t i = 0; i < k; i++) {
        const float one = w->down[i], *weight = w->split ? &one : w->weight + i * k;
        int used = 0;
        for (int32_t j = 0; j < (w->split ? 1 : k); j++)
            used |= weight[j] != 0;
        if (!used)
            continue;
        pad_line(line, p->image, s, p->y + i - r, k, border);
        if (w->split)
            add_along(sum, line, &one, 1, all);
        else
            add_along(sum, line + p->x * 3, weight, k, count);
    }
    if (w->split) { /* what came down, padded already, goes along */
        memset(line, 0, (size_t)line_room(s, k) * sizeof *line);
        add_along(line, sum + p->x * 3, w->along, k, count);
        sum = line;
    }
    copy_numbers(p->to, sum, count);
}

static void need_filter(const fpc_node *node, fpc_need *need)
{
    const int32_t k = ((const fpc_filter_attr *)node->attr)->k;
    need->thread = (size_t)line_room(node->in[0].shape, k) * 2 * sizeof(float);
}

static fpc_status run_filter(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const fpc_shape s = node->in[0].shape;
    const fpc_filter_attr *a = node->attr;
    const int32_t k = a->k, r = k / 2, keep = a->border == FPC_BORDER_KEEP;
    struct window w = {.image = -1};
    struct piece p;
    for (int64_t row = 0; next_piece(node, rows, &row, &p);) {
        if (w.image != p.index)
            look_at_window(&w, (const float *)node->in[1].data + p.index * k * k, k);
        w.image = p.index;
        if (w.empty || (keep && (p.y < r || p.y + r >= s.h))) {
            copy_pixels(&p, s, 0, p.count);
            continue;
        }
        filter_piece(&w, &p, s, keep ? FPC_BORDER_EDGE : a->border, fpc_exec_scratch(x, rows.thread));
        for (int64_t i = 0; i < p.count * 3 && a->clamp; i += VL) {
            const int64_t n = p.count * 3 - i < VL ? p.count * 3 - i : VL;
            vf_put(p.to + i, clamp01(vf_get(p.to + i, n)), n);
        }
        if (keep) {
            const int64_t left = r - p.x < p.count ? r - p.x : p.count, right = s.w - r - p.x;
            copy_pixels(&p, s, 0, left);
            copy_pixels(&p, s, right > 0 ? right : 0, p.count);
        }
    }
    return FPC_OK;
}

/* ---- median ---- */

enum { NETWORK = 7 /* largest window that is sorted out by pairs */ };

FPC_INLINE void in_order(vf *a, vf *b)
{
    const vf low = vf_min(*a, *b);
    *b = vf_max(*a, *b);
    *a = low;
}

/* Of 9, by 19 exchanges (Smith, "Implementing median filters in XC4000E FPGAs", 1996). */
static vf median_9(vf v[9])
{
    static const uint8_t pair[19][2] = {{1, 2}, {4, 5}, {7, 8}, {0, 1}, {3, 4}, {6, 7}, {1, 2}, {4, 5}, {7, 8}, {0, 3},
                                        {5, 8}, {4, 7}, {3, 6}, {1, 4}, {2, 5}, {4, 7}, {4, 2}, {6, 4}, {4, 2}};
#pragma GCC unroll 19
    for (int i = 0; i < 19; i++)
        in_order(&v[pair[i][0]], &v[pair[i][1]]);
    return v[4];
}

/* The smallest of `have` numbers to the front and the largest to the end, by rounds of a knock-out. */
FPC_INLINE void forget_two(vf *v, int32_t have)
{
    const int32_t half = have / 2, low = have - half; /* the middle of an odd number may still be the smallest */
#pragma GCC unroll 32
    for (int32_t i = 0; i < half; i++)
        in_order(&v[i], &v[have - 1 - i]);
#pragma GCC unroll 8
    for (int32_t step = 1; step < low; step *= 2)
#pragma GCC unroll 32
        for (int32_t i = 0; i + step < low; i += 2 * step)
            in_order(&v[i], &v[i + step]);
#pragma GCC unroll 8
    for (int32_t step = 1; step < low; step *= 2)
#pragma GCC unroll 32
        for (int32_t i = have - 1; i - step >= half; i -= 2 * step)
            in_order(&v[i - step], &v[i]);
}

/* Of n (odd, known where this is inlined): among n/2 + 2 of them neither the smallest nor the largest can be the
 * median, so both are forgotten and the next one joins, until three are left. */
FPC_INLINE vf median_of(vf *v, int32_t n)
{
    int32_t next = n / 2 + 2;
#pragma GCC unroll 32
    for (int32_t have = n / 2 + 2; have > 3; have--) {
        forget_two(v, have);
        v[0] = v[next++];
    }
    forget_two(v, 3);
    return v[1];
}

/* Order of floats as order of integers; its own inverse. */
static vi ordered(vi bits)
{
    return bits ^ ((bits >> 31) & 0x7fffffff);
}

/* Of large windows: bit after bit, the largest number that has at most half of the window below it. lines: of ordered
 * integers; at: the offset of the window's first number. */
static vf median_by_bits(const float *lines, int64_t room, int32_t k, int64_t at)
{
    const vi half = vi_set(k * k / 2);
    vi found = vi_set(INT32_MIN);
    for (int bit = 31; bit >= 0; bit--) {
        const vi candidate = (vi)((vu)found ^ (1u << bit));
        vi below = vi_set(0);
        for (int32_t i = 0; i < k; i++)
            for (int32_t j = 0; j < k; j++)
                below -= (vi)vf_load(lines + i * room + at + 3 * j) < candidate;
        const vi take = below <= half;
        found = (candidate & take) | (found & ~take);
    }
    return (vf)ordered(found);
}

static void need_median(const fpc_node *node, fpc_need *need)
{
    const int32_t k = ((const fpc_filter_attr *)node->attr)->k;
    need->thread = (size_t)(line_room(node->in[0].shape, k) * k) * sizeof(float);
}

/* lines: of the window, padded. k: 3, 5 or 7, known where this is inlined. */
FPC_INLINE void median_line(const struct piece *p, const float *lines, int64_t room, int32_t k)
{
    for (int64_t i = 0; i < p->count * 3; i += VL) {
        const int64_t n = p->count * 3 - i < VL ? p->count * 3 - i : VL, at = p->x * 3 + i;
        vf v[NETWORK * NETWORK];
#pragma GCC unroll 49
        for (int32_t j = 0; j < k * k; j++)
            v[j] = vf_load(lines + j / k * room + at + j % k * 3);
        vf_put(p->to + i, k == 3 ? median_9(v) : median_of(v, k * k), n);
    }
}

static void median_piece(const struct piece *p, const float *lines, int64_t room, int32_t k)
{
    switch (k) {
    case 3:
        median_line(p, lines, room, 3);
        break;
    case 5:
        median_line(p, lines, room, 5);
        break;
    case 7:
        median_line(p, lines, room, 7);
        break;
    default:
        for (int64_t i = 0; i < p->count * 3; i += VL)
            vf_put(p->to + i, median_by_bits(lines, room, k, p->x * 3 + i),
                   p->count * 3 - i < VL ? p->count * 3 - i : VL);
    }
}

static fpc_status run_median(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const fpc_shape s = node->in[0].shape;
    const int32_t k = ((const fpc_filter_attr *)node->attr)->k;
    const int64_t room = line_room(s, k);
    float *lines = fpc_exec_scratch(x, rows.thread);
    struct piece p;
    for (int64_t row = 0; next_piece(node, rows, &row, &p);) {
        if (k == 1 || ((const float *)node->in[1].data)[p.index] == 0) {
            copy_pixels(&p, s, 0, p.count);
            continue;
        }
        for (int32_t i = 0; i < k; i++) {
            float *line = lines + i * room;
            pad_line(line, p.image, s, p.y + i - k / 2, k, FPC_BORDER_REFLECT);
            for (int64_t j = 0; j + VL <= room && k > NETWORK; j += VL)
                vf_store(line + j, (vf)ordered((vi)vf_load(line + j)));
        }
        median_piece(&p, lines, room, k);
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(image_filter)[] = {
    FPC_CPU_ROW(filter, .need = need_filter, .run = run_filter),
    FPC_CPU_ROW(median, .need = need_median, .run = run_median),
    {.op = NULL},
};
