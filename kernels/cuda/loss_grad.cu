/* loss_grad.cu: gradient of the fused segmentation loss. The softmax is computed again (reading its full-size result
 * back would cost more). With p the softmax of a pixel with label y, the gradient of all terms together by its logits
 * is dz_k = p_k (dice_k + s) - every_k + [k = y] h:   s, h of the pixel, dice_k of the image, every_k of the smoothing;
 * the numbers that depend on the image alone are made first (tables).
 *
 * The way back through the interpolation, without a full-size gradient and without atomics: a thread adds dz along its
 * column to the two rows of logits that it lies between, in registers. When no pixel of the tile blends a row any more,
 * the threads put theirs side by side in shared memory, and each logit of the row gathers the columns that read it. A
 * tile writes the lines that it owns; what it adds to the two lines next to them it leaves in work memory (edges), and
 * one more launch adds those to the lines' owners, in a fixed order. */
#include "kernels/cuda/loss_tile.h"

/* ---- tables ---- */

/* One class of image blockIdx.x for each thread. */
static __global__ void __launch_bounds__(TABLE_CLASSES)
    fill_tables(loss_terms a, const float *stats, const float *norm, const float *dterms, const float *weights,
                float *to)
{
    __shared__ double room[32];
    const int32_t n = (int32_t)blockIdx.x, c = (int32_t)threadIdx.x, k = a.k;
    const float *const s = stats + (int64_t)n * 3 * k + c;
    float *const t = to + (int64_t)n * TABLE_FLOATS;
    const double share = (double)image_weight(weights, n);
    double hot = 0, every = 0, off = 0, on = 0;
    for (int32_t i = 0; i < a.n; i++) {
        const double u = norm[i] > 0 ? share * (double)dterms[i] / (double)norm[i] : 0;
        if (c == 0)
            t[4 * TABLE_CLASSES + i] = (float)(u * (double)a.t[i].alpha);
        if (c >= k)
            continue;
        if (is_overlap(a.t[i])) {
            const overlap o = overlap_of(a.t[i], (double)s[0], (double)s[k], (double)s[2 * k]);
            off += u / k * o.by_p;
            on += u / k * o.by_hit;
        } else if (a.t[i].kind == FPC_TERM_CROSS_ENTROPY) {
            const double w = (double)class_weight(a, i, c), smooth = (double)a.t[i].smooth;
            hot += u * (1 - smooth) * w;
            every += u * smooth / k * w;
        }
    }
    t[c] = (float)hot;
    t[TABLE_CLASSES + c] = (float)every;
    t[2 * TABLE_CLASSES + c] = (float)off;
    t[3 * TABLE_CLASSES + c] = (float)on;
    every = block_sum(every, room);
    if (c == 0)
        t[4 * TABLE_CLASSES + FPC_MAX_TERMS] = (float)every;
}

/* ---- tiles ---- */

enum { EDGE = 2, PAD = 4 }; /* lines of a neighbour that a tile adds to; numbers that are loaded at once */

struct tile_grad {
    tile_plan p;
    loss_terms a;
    const float *logits, *tables;
    const uint8_t *mask;
    float *dlogits, *right, *below; /* edges: [tile][rows][EDGE][K], [tile][EDGE][columns][K] */
    int32_t line, windows;          /* where they lie in shared memory */
    int32_t window;                 /* packs of PAD columns that read a column of logits, at most */
};

/* Columns of a row side by side, [class][column]; odd multiples of PAD, so that classes lie in different banks. */
enum { LINE = TILE_W + PAD };

/* Which of the tile's columns read column i of logits, and their weights. */
struct windows {
    int32_t *begin, *packs; /* [columns] */
    float *weight;          /* [columns][window][PAD] */
    int32_t shift;          /* of the threads' columns, so that whole factors need as few packs as can be */
};
static inline size_t window_bytes(const tile_plan &p, int32_t window)
{
    return (size_t)p.columns * (2 * sizeof(int32_t) + (size_t)window * PAD * sizeof(float)) +
           (size_t)(p.columns + 2) * 4;
}

/* All threads. first: room for [columns + 1] numbers: the tile's first column that lies in column i of logits or
 * behind. */
DEVICE windows begin_windows(const tile_grad &j, const tile &t, unsigned char *shared)
{
    windows v;
    const int32_t me = (int32_t)threadIdx.x, cols = t.cols, most = j.p.columns;
    v.weight = reinterpret_cast<float *>(shared);
    v.begin = reinterpret_cast<int32_t *>(v.weight + (int64_t)most * j.window * PAD);
    v.packs = v.begin + most;
    int32_t *const first = v.packs + most;
    const int32_t width = min(TILE_W, j.p.x.out - t.column * TILE_W);
    const tap mine = tap_of(min(t.x, j.p.x.out - 1), j.p.x.in, j.p.x.out, j.p.x.corners);
    const int32_t i = mine.i0 - t.first_col;
    const int32_t before = me > 0 ? tap_of(min(t.x, j.p.x.out - 1) - 1, j.p.x.in, j.p.x.out, j.p.x.corners).i0 : -1;
    for (int32_t o = me; o <= cols; o += TILE_W)
        first[o] = width;
    for (int32_t o = me; o < cols * j.window * PAD; o += TILE_W)
        v.weight[o] = 0;
    __syncthreads();
    if (t.inside && (me == 0 || before < mine.i0))
        first[i] = me;
    __syncthreads();
    v.shift = cols > 1 ? (PAD - first[1] % PAD) % PAD : 0;
    for (int32_t o = me; o < cols; o += TILE_W) {
        const int32_t begin = first[o > 0 ? o - 1 : 0] + v.shift, end = first[o + 1] + v.shift;
        v.begin[o] = begin / PAD * PAD;
        v.packs[o] = end > begin ? (end - v.begin[o] + PAD - 1) / PAD : 0;
    }
    __syncthreads();
    if (t.inside) {
        v.weight[i * j.window * PAD + me + v.shift - v.begin[i]] = 1 - mine.w1;
        if (i + 1 < cols)
            v.weight[(i + 1) * j.window * PAD + me + v.shift - v.begin[i + 1]] = mine.w1;
    }
    return v;
}

/* Gathers row i of the logits: from the columns side by side to the row's numbers. */
DEVICE void gather_line(const tile_grad &j, const tile &t, const windows &v, const float *line, int32_t i)
{
    const int32_t k = j.p.k, count = t.cols * k;
    const int32_t own_rows = first_line(j.p.y, t.row + 1), own_cols = first_line(j.p.x, t.column + 1);
    for (int32_t o = (int32_t)threadIdx.x; o < count; o += TILE_W) {
        const int32_t col = (int32_t)__umulhi((unsigned)o, j.p.over_k), c = o - col * k, x = t.first_col + col;
        const float *from = line + c * LINE + v.begin[col], *w = v.weight + col * j.window * PAD;
        float sum = 0;
        for (int32_t m = v.packs[col]; m > 0; m--, from += PAD, w += PAD) {
            const pack<float, PAD> a = *reinterpret_cast<const pack<float, PAD> *>(from);
            const pack<float, PAD> b = *reinterpret_cast<const pack<float, PAD> *>(w);
#pragma unroll
            for (int q = 0; q < PAD; q++)
                sum = fmaf(a.v[q], b.v[q], sum);
        }
        if (i >= own_rows)
            j.below[(((int64_t)blockIdx.x * EDGE + i - own_rows) * j.p.columns + col) * k + c] = sum;
        else if (x >= own_cols)
            j.right[(((int64_t)blockIdx.x * j.p.rows + i - t.first_row) * EDGE + x - own_cols) * k + c] = sum;
        else
            j.dlogits[(((int64_t)t.n * j.p.y.in + i) * j.p.x.in + x) * k + c] = sum;
    }
}

/* The gradient of a thread's column by the two rows of logits that it lies between. What the labels add: h of pixels
 * with the same label, one below the other, is added up apart and joins the column when the label changes. */
template <int K> struct column_grad {
    float upper[K], lower[K], dice[K];
    int32_t label, over_label; /* of the pixels at hand, or -1; of those in the row before */
    float h_upper, h_lower;    /* of the pixels at hand */
    float over;                /* of those in the row before, by what is now the upper row */

    DEVICE void start_label(int32_t next)
    {
#pragma unroll
        for (int c = 0; c < K; c++)
            if (c == label)
                upper[c] += h_upper, lower[c] += h_lower;
        label = next;
        h_upper = h_lower = 0;
    }

    /* DICE, REST: whether there are terms from sums of images; whether there are smoothing or focal terms. */
    template <bool DICE, bool REST>
    DEVICE void add_pixel(const loss_terms &a, const tables &tab, int32_t y_label, float wy, const float *e0,
                          const float *d, float own_logit)
    {
        float z[K], most, sum = 0, along = 0;
#pragma unroll
        for (int c = 0; c < K; c++)
            z[c] = fmaf(d[c], wy, e0[c]);
        most = z[0];
#pragma unroll
        for (int c = 1; c < K; c++)
            most = fmaxf(most, z[c]);
        const float behind = -most * LOG2E;
#pragma unroll
        for (int c = 0; c < K; c++) {
            z[c] = exp2_fast(fmaf(z[c], LOG2E, behind));
            sum += z[c];
            if (DICE)
                along = fmaf(z[c], dice[c], along);
        }
        const float inverse = __fdividef(1, sum), own = fmaf(own_logit, LOG2E, behind);
        const float p = DICE || REST ? exp2_fast(own) * inverse : 0, hit = DICE ? p * tab.hit[y_label] : 0;
        const slopes q = REST ? slopes_of(a, tab, y_label, fmaf(own, -LN2, logf(sum)), p, along * inverse)
                              : slopes{tab.hot[y_label] - (along * inverse + hit), hit - tab.hot[y_label]};
        if (y_label != label)
            start_label(y_label);
        const float w0 = 1 - wy, all = q.s * inverse;
        h_upper = fmaf(w0, q.h, h_upper);
        h_lower = fmaf(wy, q.h, h_lower);
#pragma unroll
        for (int c = 0; c < K; c++) {
            float dz = z[c] * (DICE ? fmaf(inverse, dice[c], all) : all);
            if (REST)
                dz -= tab.every[c];
            upper[c] = fmaf(w0, dz, upper[c]);
            lower[c] = fmaf(wy, dz, lower[c]);
        }
    }

    /* Puts the upper row into the thread's column of the line; the lower row becomes the upper one. */
    DEVICE void end_line(float *column)
    {
#pragma unroll
        for (int c = 0; c < K; c++) {
            column[c * LINE] = upper[c];
            upper[c] = lower[c];
            lower[c] = 0;
        }
        const bool some = label >= 0;
        if (some)
            column[label * LINE] += h_upper;
        column[over_label * LINE] += over;
        over = some ? h_lower : 0;
        over_label = some ? label : 0;
        label = -1;
    }
};

template <int K, bool DICE, bool REST>
static __global__ void __launch_bounds__(TILE_W, K <= 19 ? 3 : 2) grad_of_tile(tile_grad j)
{
    FPC_DYNAMIC_SHARED(unsigned char, shared);
    const tile t = begin_tile<K>(j.p, shared);
    const windows v = begin_windows(j, t, shared + j.windows);
    float *const line = reinterpret_cast<float *>(shared + j.line);
    const tables tab = tables_of(j.tables, t.n);
    const int32_t w = j.p.x.out, none = 256; /* none: no label of a pixel */
    const uint8_t *const mask = j.mask + (int64_t)t.n * j.p.y.out * w + t.x;
    int32_t coming = t.inside ? mask[(int64_t)t.y_begin * w] : none;
    column_grad<K> s = {};
    s.label = -1;
#pragma unroll
    for (int c = 0; c < K; c++)
        s.dice[c] = DICE ? tab.dice[c] : 0;
    for (int32_t o = (int32_t)threadIdx.x; o < K * LINE; o += TILE_W)
        line[o] = 0;
    const auto pixel = [&](int32_t y, float wy, const float *e0, const float *d, const float *top, const float *low) {
        const int32_t label = coming;
        if (t.inside && y + 1 < t.y_end)
            coming = mask[(int64_t)(y + 1) * w];
        if (is_counted(label, j.a.k, j.a.ignore))
            s.template add_pixel<DICE, REST>(j.a, tab, label, wy, e0, d,
                                             DICE || REST ? logit_between(top, low, t, wy, label) : 0);
    };
    const auto end_line = [&](int32_t i) {
        s.end_line(line + (int32_t)threadIdx.x + v.shift);
        __syncthreads();
        gather_line(j, t, v, line, i);
    };
    walk<K>(j.logits, j.p, t, pixel, end_line);
}

/* Adds the edges that the tiles to the left, above, and above to the left have left for the first lines of a tile:
 * first the columns, all the way down, then the rows without those. One number for each thread. */
static __global__ void add_edges(tile_grad j, int64_t count)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    const tile_plan &p = j.p;
    const int32_t k = p.k, columns = (p.x.tiles - 1) * EDGE * p.y.in, rows = (p.y.tiles - 1) * EDGE * p.x.in;
    if (at >= count)
        return;
    const int32_t c = (int32_t)(at % k);
    const int64_t place = at / k;
    const int32_t n = (int32_t)(place / (columns + rows)), o = (int32_t)(place % (columns + rows));
    int32_t row = 0, col = 0, i, x;
    if (o < columns) {
        col = 1 + o / p.y.in / EDGE;
        x = first_line(p.x, col) + o / p.y.in % EDGE;
        i = o % p.y.in;
        while (first_line(p.y, row + 1) <= i)
            row++;
    } else {
        row = 1 + (o - columns) / p.x.in / EDGE;
        i = first_line(p.y, row) + (o - columns) / p.x.in % EDGE;
        x = (o - columns) % p.x.in;
        while (first_line(p.x, col + 1) <= x)
            col++;
        if (i >= p.y.in || (col > 0 && x < first_line(p.x, col) + EDGE))
            return;
    }
    if (x >= p.x.in)
        return;
    const int64_t here = ((int64_t)n * p.y.tiles + row) * p.x.tiles + col;
    const int32_t dy = i - first_line(p.y, row), dx = x - first_line(p.x, col);
    const bool from_left = col > 0 && dx < EDGE && x <= last_line(p.x, col - 1);
    const bool from_above = row > 0 && dy < EDGE && i <= last_line(p.y, row - 1);
    float *const to = j.dlogits + (((int64_t)n * p.y.in + i) * p.x.in + x) * k + c;
    float sum = *to;
    if (from_left)
        sum += j.right[(((here - 1) * p.rows + dy) * EDGE + dx) * k + c];
    if (from_above)
        sum += j.below[(((here - p.x.tiles) * EDGE + dy) * p.columns + dx) * k + c];
    if (from_left && from_above)
        sum += j.below[(((here - p.x.tiles - 1) * EDGE + dy) * p.columns + x - first_line(p.x, col - 1)) * k + c];
    *to = sum;
}

/* ---- seg_loss_grad(logits, mask, stats, norm, dterms[, weight]) -> dlogits ---- */

struct grad_work {
    tile_plan p;
    float *weight, *tables, *right, *below;
    char *any;
    size_t bytes;
};

static grad_work plan_grad(const fpc_node *node, char *base)
{
    const fpc_seg_loss_attr *attr = static_cast<const fpc_seg_loss_attr *>(node->attr);
    const fpc_shape z = node->in[0].shape, mask = node->in[1].shape;
    grad_work w = {
        tile_plan_of(z, mask.h, mask.w, attr->align_corners), nullptr, nullptr, nullptr, nullptr, nullptr, 0};
    const bool tiles = takes_tiles(w.p);
    const int64_t blocks = tiles ? (int64_t)tiles_of_image(w.p) * z.n : 0;
    w.weight = piece<float>(base, &w.bytes, (int64_t)attr->n_terms * z.c);
    w.tables = piece<float>(base, &w.bytes, (int64_t)z.n * TABLE_FLOATS);
    w.right = piece<float>(base, &w.bytes, blocks * w.p.rows * EDGE * z.c);
    w.below = piece<float>(base, &w.bytes, blocks * EDGE * w.p.columns * z.c);
    w.any = piece<char>(base, &w.bytes, tiles ? 0 : (int64_t)fpc_cuda_loss_grad_any_bytes(node));
    return w;
}

void fpc_cuda_need_seg_loss_grad(const fpc_node *node, fpc_need *need)
{
    need->shared = plan_grad(node, nullptr).bytes;
}

/* How many packs hold the columns that read one column of logits, at most. */
static int32_t window_of(const tile_plan &p)
{
    int32_t most = 1;
    for (int32_t x = 0, begin = 0, end = 0; x < p.x.in; x++) { /* the pixels whose i0 is x - 1 or x */
        while (end < p.x.out && tap_of(end, p.x.in, p.x.out, p.x.corners).i0 <= x)
            end++;
        while (begin < end && tap_of(begin, p.x.in, p.x.out, p.x.corners).i0 < x - 1)
            begin++;
        most = end - begin > most ? end - begin : most;
    }
    return (most + 2 * PAD - 2) / PAD;
}

static fpc_status queue_edges(fpc_exec *x, const fpc_node *node, const tile_grad &j)
{
    const tile_plan &p = j.p;
    const int64_t places = (int64_t)(p.x.tiles - 1) * EDGE * p.y.in + (int64_t)(p.y.tiles - 1) * EDGE * p.x.in;
    const int64_t count = places * p.n * p.k;
    return count ? launch(add_edges, blocks_for(count, 256, INT32_MAX), dim3(256), 0, x, node, j, count) : FPC_OK;
}

static fpc_status queue_tiles(fpc_exec *x, const fpc_node *node, const loss_terms &a, const grad_work &w)
{
    tile_grad j = {w.p,
                   a,
                   data_of<const float>(node->in[0]),
                   w.tables,
                   data_of<const uint8_t>(node->in[1]),
                   data_of<float>(node->out[0]),
                   w.right,
                   w.below,
                   0,
                   0,
                   window_of(w.p)};
    const fpc_status st = with_classes(a.k, [&](auto count) {
        constexpr int K = decltype(count)::k;
        const size_t line = (walk_bytes(w.p, K) + 15) & ~(size_t)15, windows = line + K * LINE * sizeof(float);
        const size_t bytes = windows + window_bytes(w.p, j.window);
        const auto kernel = a.smoothed || a.focal ? grad_of_tile<K, true, true>
                            : a.overlaps          ? grad_of_tile<K, true, false>
                                                  : grad_of_tile<K, false, false>;
        j.line = (int32_t)line;
        j.windows = (int32_t)windows;
        return launch(kernel, tile_grid(w.p), dim3(TILE_W), bytes, x, node, j);
    });
    return st ? st : queue_edges(x, node, j);
}

fpc_status fpc_cuda_run_seg_loss_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const grad_work w = plan_grad(node, static_cast<char *>(fpc_exec_shared(x)));
    const loss_terms a = fpc_cuda_loss_terms(node, w.weight);
    fpc_status st = fpc_cuda_terms_weights(x, node, a, w.weight);
    if (!st)
        st = launch(fill_tables, dim3((unsigned)w.p.n), dim3(TABLE_CLASSES), 0, x, node, a,
                    data_of<const float>(node->in[2]), data_of<const float>(node->in[3]),
                    data_of<const float>(node->in[4]), node->n_in > 5 ? data_of<const float>(node->in[5]) : nullptr,
                    w.tables);
    if (st)
        return st;
    return takes_tiles(w.p) ? queue_tiles(x, node, a, w) : fpc_cuda_loss_grad_any(x, node, a, w.tables, w.any);
}
