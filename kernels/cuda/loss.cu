/* loss.cu: the fused segmentation loss: upsampling, softmax, every term, the sums of Dice and the counts of the metrics
 * in one pass over the pixels (loss_tile.h; loss_any.cu where tiles do not fit). Each block leaves its sums in work
 * memory; one launch adds those of an image, in order, and a last one the images.
 *
 * Class weights are host memory, which a recorded launch cannot read later: they travel as arguments, 1 KiB for a term,
 * because those of all terms together would be more than the 4 KiB that a launch can take. A launch each, and only for
 * terms that have them. */
#include "kernels/cuda/loss_tile.h"

/* ---- attributes ---- */

loss_terms fpc_cuda_loss_terms(const fpc_node *node, const float *room)
{
    const fpc_seg_loss_attr *attr = static_cast<const fpc_seg_loss_attr *>(node->attr);
    loss_terms a = {attr->n_terms, node->in[0].shape.c, attr->ignore, attr->align_corners, 0, 0, 0, {}, room};
    for (int32_t i = 0; i < a.n; i++) {
        const fpc_seg_term &t = *attr->term[i];
        a.t[i] = {t.kind, t.class_weight != nullptr, t.smooth, t.eps, t.alpha, t.gamma, t.beta};
        a.overlaps += is_overlap(a.t[i]);
        a.smoothed += t.kind == FPC_TERM_CROSS_ENTROPY && t.smooth > 0;
        a.focal += t.kind == FPC_TERM_FOCAL;
    }
    return a;
}

struct weights_of_classes {
    float v[FPC_MAX_CLASSES];
};
static __global__ void write_weights(weights_of_classes w, int32_t k, float *to)
{
    if ((int32_t)threadIdx.x < k)
        to[threadIdx.x] = w.v[threadIdx.x];
}

fpc_status fpc_cuda_loss_weights(fpc_exec *x, const fpc_node *node, const float *weights, int32_t k, float *to)
{
    weights_of_classes w = {};
    for (int32_t c = 0; c < k; c++)
        w.v[c] = weights[c];
    return launch(write_weights, dim3(1), dim3(FPC_MAX_CLASSES), 0, x, node, w, k, to);
}

fpc_status fpc_cuda_terms_weights(fpc_exec *x, const fpc_node *node, const loss_terms &a, float *room)
{
    const fpc_seg_loss_attr *attr = static_cast<const fpc_seg_loss_attr *>(node->attr);
    fpc_status st = FPC_OK;
    for (int32_t t = 0; t < a.n && !st; t++)
        if (a.t[t].weighted)
            st = fpc_cuda_loss_weights(x, node, attr->term[t]->class_weight, a.k, room + (int64_t)t * a.k);
    return st;
}

/* ---- tiles ---- */

struct tile_job {
    tile_plan p;
    loss_terms a;
    loss_parts out;
    const float *logits;
    const uint8_t *mask;
    int32_t *fault;
    int32_t id;
    int32_t sums; /* where the sums lie in shared memory */
};

/* A thread's own sums, in shared memory because the label says which they are: number i of thread t at
 * [i * TILE_W + t]. */
struct own_sums {
    float *term, *hit; /* [terms], [classes]: sum of p of pixels of the class */
    uint32_t *seen;    /* [classes]: three counts in bytes: labelled, right, guessed */
    float *all;        /* [terms], one for the block: sum of the class weights */
};
static inline size_t own_bytes(int K)
{
    return (size_t)(FPC_MAX_TERMS + 2 * K) * TILE_W * sizeof(float) + FPC_MAX_TERMS * sizeof(float);
}
template <int K> DEVICE own_sums begin_sums(const loss_terms &a, unsigned char *shared)
{
    own_sums s;
    s.term = reinterpret_cast<float *>(shared);
    s.hit = s.term + FPC_MAX_TERMS * TILE_W;
    s.seen = reinterpret_cast<uint32_t *>(s.hit + K * TILE_W);
    s.all = reinterpret_cast<float *>(s.seen + K * TILE_W);
    for (int32_t i = (int32_t)threadIdx.x; i < (FPC_MAX_TERMS + K) * TILE_W; i += TILE_W)
        s.term[i] = 0;
    for (int32_t i = (int32_t)threadIdx.x; i < K * TILE_W; i += TILE_W)
        s.seen[i] = 0;
    if ((int32_t)threadIdx.x < a.n) {
        float all = 0;
        for (int32_t c = 0; c < a.k; c++)
            all += class_weight(a, (int32_t)threadIdx.x, c);
        s.all[threadIdx.x] = all;
    }
    __syncthreads();
    return s;
}

/* The part of label smoothing that depends on the classes: s/K sum_k w_k (most - z_k). */
template <int K> DEVICE void add_smoothing(const loss_terms &a, const own_sums &s, const float *z, float most)
{
    for (int32_t t = 0; t < a.n; t++) {
        if (a.t[t].kind != FPC_TERM_CROSS_ENTROPY || a.t[t].smooth <= 0)
            continue;
        float all = 0;
#pragma unroll
        for (int c = 0; c < K; c++)
            if (c < a.k)
                all = fmaf(class_weight(a, t, c), most - z[c], all);
        s.term[t * TILE_W + (int32_t)threadIdx.x] += a.t[t].smooth / (float)a.k * all;
    }
}

/* The rest of what a pixel adds: ce = -log p[label], p = p[label], log_sum: of the exponentials behind the largest. */
DEVICE void add_terms(const loss_terms &a, const own_sums &s, int32_t label, float ce, float p, float log_sum)
{
    for (int32_t t = 0; t < a.n; t++) {
        float v = 0;
        if (is_overlap(a.t[t]))
            continue;
        if (a.t[t].kind == FPC_TERM_CROSS_ENTROPY) {
            v = (1 - a.t[t].smooth) * class_weight(a, t, label) * ce;
            if (a.t[t].smooth > 0)
                v = fmaf(a.t[t].smooth / (float)a.k * s.all[t], log_sum, v);
        } else {
            v = focal_power(fmaxf(0, 1 - p), a.t[t].gamma) * (ce * a.t[t].alpha);
        }
        s.term[t * TILE_W + (int32_t)threadIdx.x] += v;
    }
}

/* Sum of a row of TILE_W numbers, over a warp. */
DEVICE double row_sum(const float *row)
{
    double sum = 0;
    for (int32_t i = (int32_t)threadIdx.x % 32; i < TILE_W; i += 32)
        sum += (double)row[i];
    return warp_sum(sum);
}

/* The threads' sums become the block's: a warp for each number. */
template <int K> DEVICE void end_sums(const tile_job &j, const own_sums &s, const float *p)
{
    const int32_t warp = (int32_t)threadIdx.x / 32, lane = (int32_t)threadIdx.x % 32, k = j.a.k;
    double *const to = j.out.sum + (int64_t)blockIdx.x * sums_of_part(k);
    int32_t *const counts = j.out.counts + (int64_t)blockIdx.x * 3 * k;
    for (int32_t i = warp; i < j.a.n + k; i += TILE_W / 32) {
        const int32_t c = i - j.a.n;
        const double sum = row_sum(c < 0 ? s.term + i * TILE_W : s.hit + c * TILE_W);
        if (lane == 0)
            to[c < 0 ? i : FPC_MAX_TERMS + k + c] = sum;
        if (c < 0)
            continue;
        int32_t labelled = 0, right = 0, guessed = 0;
        for (int32_t n = lane; n < TILE_W; n += 32) {
            const uint32_t seen = s.seen[c * TILE_W + n];
            labelled += (int32_t)(seen & 255), right += (int32_t)(seen >> 8 & 255), guessed += (int32_t)(seen >> 16);
        }
        labelled = warp_sum(labelled), right = warp_sum(right), guessed = warp_sum(guessed);
        if (lane == 0)
            counts[c * 3] = labelled, counts[c * 3 + 1] = right, counts[c * 3 + 2] = guessed;
    }
    __syncthreads(); /* the room of I becomes that of P */
#pragma unroll
    for (int c = 0; c < K; c++)
        s.hit[c * TILE_W + (int32_t)threadIdx.x] = p[c];
    __syncthreads();
    for (int32_t c = warp; c < k; c += TILE_W / 32) {
        const double sum = row_sum(s.hit + c * TILE_W);
        if (lane == 0)
            to[FPC_MAX_TERMS + c] = sum;
    }
}

/* What a pixel adds; p: the thread's sums of the probabilities. own_logit: of the label. */
template <int K>
DEVICE void add_pixel(const loss_terms &a, const own_sums &s, float *p, int32_t label, float wy, const float *e0,
                      const float *d, float own_logit)
{
    const int32_t me = (int32_t)threadIdx.x;
    float z[K], sum = 0;
#pragma unroll
    for (int c = 0; c < K; c++)
        z[c] = fmaf(d[c], wy, e0[c]);
    float most = z[0];
    int32_t best = 0;
#pragma unroll
    for (int c = 1; c < K; c++) {
        best = z[c] > most ? c : best;
        most = fmaxf(most, z[c]);
    }
    if (a.smoothed)
        add_smoothing<K>(a, s, z, most);
    const float behind = -most * LOG2E;
#pragma unroll
    for (int c = 0; c < K; c++) {
        z[c] = exp2_fast(fmaf(z[c], LOG2E, behind));
        sum += z[c];
    }
    const float inverse = __fdividef(1, sum), log_sum = logf(sum), own = fmaf(own_logit, LOG2E, behind);
    const float mine = exp2_fast(own) * inverse;
#pragma unroll
    for (int c = 0; c < K; c++)
        p[c] = fmaf(z[c], inverse, p[c]);
    s.hit[label * TILE_W + me] += mine;
    s.seen[label * TILE_W + me] += label == best ? 0x101 : 1;
    s.seen[best * TILE_W + me] += 0x10000;
    add_terms(a, s, label, fmaf(own, -LN2, log_sum), mine, log_sum);
}

template <int K> static __global__ void __launch_bounds__(TILE_W, K <= 19 ? 4 : 2) loss_of_tile(tile_job j)
{
    FPC_DYNAMIC_SHARED(unsigned char, shared);
    const tile t = begin_tile<K>(j.p, shared);
    const own_sums s = begin_sums<K>(j.a, shared + j.sums);
    const int32_t w = j.p.x.out, none = 256; /* none: no label of a pixel */
    const uint8_t *const mask = j.mask + (int64_t)t.n * j.p.y.out * w + t.x;
    int32_t coming = t.inside ? mask[(int64_t)t.y_begin * w] : none;
    float p[K] = {};
    const auto pixel = [&](int32_t y, float wy, const float *e0, const float *d, const float *top, const float *low) {
        const int32_t label = coming;
        if (t.inside && y + 1 < t.y_end)
            coming = mask[(int64_t)(y + 1) * w];
        if (is_counted(label, j.a.k, j.a.ignore))
            add_pixel<K>(j.a, s, p, label, wy, e0, d, logit_between(top, low, t, wy, label));
        else if (label != j.a.ignore && label != none)
            report_label(j.fault, t.n, label, j.id);
    };
    walk<K>(j.logits, j.p, t, pixel, [](int32_t) {});
    end_sums<K>(j, s, p);
}

/* ---- from blocks to images, from images to terms ---- */

enum { END_BLOCK = 128 };

struct end_job {
    loss_terms a;
    loss_parts parts;
    const float *weights; /* of images, or nullptr */
    double *sum, *norm;   /* [image][FPC_MAX_TERMS] */
    float *terms, *stats, *norms;
    int32_t *counts;
    int32_t n;
};

/* Adds the parts of image blockIdx.x: p, i and the terms' sums in doubles, y, right and guessed in whole numbers. */
DEVICE void add_parts(const end_job &j, double *sums, int32_t *counts)
{
    const int32_t k = j.a.k, stride = (int32_t)sums_of_part(k);
    const int64_t first = (int64_t)blockIdx.x * j.parts.parts;
    for (int32_t v = (int32_t)threadIdx.x; v < stride; v += END_BLOCK) {
        double sum = 0;
        for (int32_t b = 0; b < j.parts.parts && (v < j.a.n || v >= FPC_MAX_TERMS); b++)
            sum += j.parts.sum[(first + b) * stride + v];
        sums[v] = sum;
    }
    for (int32_t v = (int32_t)threadIdx.x; v < 3 * k; v += END_BLOCK) {
        int32_t sum = 0;
        for (int32_t b = 0; b < j.parts.parts; b++)
            sum += j.parts.counts[(first + b) * 3 * k + v];
        counts[v] = sum;
    }
    __syncthreads();
}

static __global__ void __launch_bounds__(END_BLOCK) end_image(end_job j)
{
    __shared__ double sums[FPC_MAX_TERMS + 2 * FPC_MAX_CLASSES], room[32];
    __shared__ int32_t counts[3 * FPC_MAX_CLASSES];
    const int32_t n = (int32_t)blockIdx.x, k = j.a.k;
    const double share = (double)image_weight(j.weights, n);
    add_parts(j, sums, counts);
    const double *const p = sums + FPC_MAX_TERMS, *const i = p + k;
    double labelled = 0;
    for (int32_t c = (int32_t)threadIdx.x; c < k; c += END_BLOCK) {
        const int32_t y = counts[c * 3], right = counts[c * 3 + 1], guessed = counts[c * 3 + 2];
        float *const stats = j.stats + (int64_t)n * 3 * k + c;
        int32_t *const to = j.counts + ((int64_t)n * k + c) * 3;
        stats[0] = (float)i[c], stats[k] = (float)p[c], stats[2 * k] = (float)y;
        to[0] = right, to[1] = guessed - right, to[2] = y - right;
        labelled += y;
    }
    labelled = block_sum(labelled, room);
    for (int32_t t = 0; t < j.a.n; t++) {
        double loss = 0, norm = 0;
        for (int32_t c = (int32_t)threadIdx.x; c < k; c += END_BLOCK) {
            const double y = counts[c * 3];
            if (is_overlap(j.a.t[t]))
                loss += overlap_of(j.a.t[t], i[c], p[c], y).loss;
            else if (j.a.t[t].kind == FPC_TERM_CROSS_ENTROPY)
                norm += y * (double)class_weight(j.a, t, c);
        }
        loss = block_sum(loss, room);
        norm = block_sum(norm, room);
        if (threadIdx.x == 0) {
            const bool overlaps = is_overlap(j.a.t[t]);
            j.sum[n * FPC_MAX_TERMS + t] = share * (!overlaps ? sums[t] : labelled > 0 ? loss / k : 0);
            j.norm[n * FPC_MAX_TERMS + t] = overlaps ? labelled > 0 : j.a.t[t].kind == FPC_TERM_FOCAL ? labelled : norm;
        }
    }
}

static __global__ void end_terms(end_job j)
{
    const int32_t t = (int32_t)threadIdx.x;
    double sum = 0, norm = 0;
    if (t >= j.a.n)
        return;
    for (int32_t n = 0; n < j.n; n++) {
        sum += j.sum[n * FPC_MAX_TERMS + t];
        norm += j.norm[n * FPC_MAX_TERMS + t];
    }
    j.terms[t] = norm > 0 ? (float)(sum / norm) : 0;
    j.norms[t] = (float)norm;
}

/* ---- seg_loss(logits, mask[, weight]) -> terms, stats, norm, counts ---- */

struct loss_work {
    tile_plan p;
    float *weight;
    loss_parts parts;
    double *sum, *norm;
    char *any;
    size_t bytes;
};

static loss_work plan_loss(const fpc_node *node, char *base)
{
    const fpc_seg_loss_attr *attr = static_cast<const fpc_seg_loss_attr *>(node->attr);
    const fpc_shape z = node->in[0].shape, mask = node->in[1].shape;
    loss_work w = {tile_plan_of(z, mask.h, mask.w, attr->align_corners), nullptr, {}, nullptr, nullptr, nullptr, 0};
    const bool tiles = takes_tiles(w.p);
    w.weight = piece<float>(base, &w.bytes, (int64_t)attr->n_terms * z.c);
    w.sum = piece<double>(base, &w.bytes, (int64_t)z.n * FPC_MAX_TERMS);
    w.norm = piece<double>(base, &w.bytes, (int64_t)z.n * FPC_MAX_TERMS);
    w.parts = loss_parts_of(z.n, tiles ? tiles_of_image(w.p) : fpc_cuda_loss_any_parts(node), z.c, base, &w.bytes);
    w.any = piece<char>(base, &w.bytes, tiles ? 0 : (int64_t)fpc_cuda_loss_any_bytes(node));
    return w;
}

static void seg_loss_need(const fpc_node *node, fpc_need *need)
{
    need->shared = plan_loss(node, nullptr).bytes;
}

static fpc_status queue_tiles(fpc_exec *x, const fpc_node *node, const loss_terms &a, const loss_work &w)
{
    return with_classes(a.k, [&](auto count) {
        constexpr int K = decltype(count)::k;
        const size_t sums = (walk_bytes(w.p, K) + 15) & ~(size_t)15;
        const tile_job j = {w.p,
                            a,
                            w.parts,
                            data_of<const float>(node->in[0]),
                            data_of<const uint8_t>(node->in[1]),
                            machine_of(x)->fault,
                            (int32_t)node->id,
                            (int32_t)sums};
        return launch(loss_of_tile<K>, tile_grid(w.p), dim3(TILE_W), sums + own_bytes(K), x, node, j);
    });
}

static fpc_status seg_loss(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const loss_work w = plan_loss(node, static_cast<char *>(fpc_exec_shared(x)));
    const loss_terms a = fpc_cuda_loss_terms(node, w.weight);
    fpc_status st = fpc_cuda_terms_weights(x, node, a, w.weight);
    if (!st)
        st = takes_tiles(w.p) ? queue_tiles(x, node, a, w) : fpc_cuda_loss_any(x, node, a, w.parts, w.any);
    const end_job j = {a,
                       w.parts,
                       node->n_in > 2 ? data_of<const float>(node->in[2]) : nullptr,
                       w.sum,
                       w.norm,
                       data_of<float>(node->out[0]),
                       data_of<float>(node->out[1]),
                       data_of<float>(node->out[2]),
                       data_of<int32_t>(node->out[3]),
                       w.p.n};
    if (!st)
        st = launch(end_image, dim3((unsigned)w.p.n), dim3(END_BLOCK), 0, x, node, j);
    return st ? st : launch(end_terms, dim3(1), dim3(32), 0, x, node, j);
}

const fpc_kernel fpc_cuda_loss[] = {
    FPC_CUDA_ROW("seg_loss", "plain", 0, FPC_CUDA_FLOAT, nullptr, seg_loss_need, seg_loss),
    FPC_CUDA_ROW("seg_loss_grad", "plain", 0, FPC_CUDA_FLOAT, nullptr, fpc_cuda_need_seg_loss_grad,
                 fpc_cuda_run_seg_loss_grad),
    FPC_CUDA_ROW("seg_argmax", "plain", 0, FPC_CUDA_FLOAT, nullptr, nullptr, fpc_cuda_run_seg_argmax),
    FPC_CUDA_ROW("softmax", "plain", 0, FPC_CUDA_FLOAT, nullptr, nullptr, fpc_cuda_run_softmax),
    FPC_CUDA_END,
};
