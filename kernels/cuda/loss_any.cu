/* loss_any.cu: the segmentation loss and its gradient for shapes that tiles do not take: more than 32 classes, masks
 * that are smaller than the logits, very large factors. Two passes: a thread for each pixel finds its softmax and what
 * depends on the label, a few numbers that go to work memory; then each sum over pixels has its own thread: P and I of
 * a class, or one logit of the gradient. Images go in groups, so that work memory stays small. */
#include "kernels/cuda/loss_gather.h"

enum {
    LOOK_BLOCK = 128,
    LOOK_TURNS = 8,         /* pixels that a thread looks at */
    GROUP_PIXELS = 1 << 22, /* of the images that go together */
    CLASSES_WIDE = 32       /* classes of a block, next to each other */
};

/* A pixel that was seen, and what slopes_of says. */
struct seen_slopes {
    float most, inverse, s, h;
};

struct any_job {
    upsampling u;
    loss_terms a;
    loss_parts parts;
    const float *logits, *tables;
    const uint8_t *mask;
    seen *pixel;
    seen_slopes *slope;
    int32_t *fault;
    int32_t id, first_image;
};

static int32_t images_together(const fpc_node *node)
{
    const fpc_shape m = node->in[1].shape;
    const int64_t area = (int64_t)m.h * m.w, most = GROUP_PIXELS / area < 1 ? 1 : GROUP_PIXELS / area;
    return (int32_t)(most < m.n ? most : m.n);
}

int32_t fpc_cuda_loss_any_parts(const fpc_node *node)
{
    const fpc_shape m = node->in[1].shape;
    const int64_t each = LOOK_BLOCK * LOOK_TURNS;
    return (int32_t)(((int64_t)m.h * m.w + each - 1) / each);
}

/* ---- forward ---- */

/* What a pixel adds to term t. */
DEVICE float term_of(const any_job &j, int32_t t, const float *image, const corners &q, const soft &s, int32_t label)
{
    const loss_term &term = j.a.t[t];
    if (is_overlap(term))
        return 0;
    const float log_sum = logf(s.sum), ce = s.most - logit_at(image, q, label) + log_sum;
    if (term.kind == FPC_TERM_FOCAL) {
        const float p = exp2_fast((logit_at(image, q, label) - s.most) * LOG2E) / s.sum;
        return focal_power(fmaxf(0, 1 - p), term.gamma) * (ce * term.alpha);
    }
    float all = 0;
    for (int32_t c = 0; term.smooth > 0 && c < j.u.k; c++)
        all = fmaf(class_weight(j.a, t, c), s.most - logit_at(image, q, c) + log_sum, all);
    return (1 - term.smooth) * class_weight(j.a, t, label) * ce + term.smooth / (float)j.u.k * all;
}

/* Block (part, image of the group). */
static __global__ void __launch_bounds__(LOOK_BLOCK) look(any_job j)
{
    __shared__ int32_t counts[3 * FPC_MAX_CLASSES];
    __shared__ double room[32];
    const int32_t g = (int32_t)blockIdx.y, n = j.first_image + g, area = j.u.h * j.u.w, k = j.u.k;
    const int64_t part = (int64_t)n * j.parts.parts + blockIdx.x;
    const float *const image = j.logits + (int64_t)n * j.u.lh * j.u.lw * k;
    float sum[FPC_MAX_TERMS] = {};
    for (int32_t i = (int32_t)threadIdx.x; i < 3 * k; i += LOOK_BLOCK)
        counts[i] = 0;
    __syncthreads();
    for (int32_t turn = 0; turn < LOOK_TURNS; turn++) {
        const int32_t r = ((int32_t)blockIdx.x * LOOK_TURNS + turn) * LOOK_BLOCK + (int32_t)threadIdx.x;
        if (r >= area)
            break;
        const int32_t label = j.mask[(int64_t)n * area + r];
        seen out = {0, 0};
        if (is_counted(label, k, j.a.ignore)) {
            const corners q = corners_of(j.u.ty[r / j.u.w], j.u.tx[r % j.u.w], j.u.lh, j.u.lw, k);
            const soft s = softmax_at(image, q, k);
            out = seen_of(s);
            atomicAdd(counts + label * 3, 1);
            atomicAdd(counts + label * 3 + 1, (int32_t)(label == s.best));
            atomicAdd(counts + s.best * 3 + 2, 1);
#pragma unroll
            for (int32_t t = 0; t < FPC_MAX_TERMS; t++)
                if (t < j.a.n)
                    sum[t] += term_of(j, t, image, q, s, label);
        } else if (label != j.a.ignore) {
            report_label(j.fault, n, label, j.id);
        }
        j.pixel[(int64_t)g * area + r] = out;
    }
#pragma unroll
    for (int32_t t = 0; t < FPC_MAX_TERMS; t++) {
        const double all = block_sum((double)sum[t], room);
        if (threadIdx.x == 0)
            j.parts.sum[part * sums_of_part(k) + t] = all;
    }
    for (int32_t i = (int32_t)threadIdx.x; i < 3 * k; i += LOOK_BLOCK)
        j.parts.counts[part * 3 * k + i] = counts[i];
}

/* P and I of CLASSES_WIDE classes: block (part, classes, image of the group); a warp for each fourth pixel. */
static __global__ void __launch_bounds__(LOOK_BLOCK) sum_classes(any_job j)
{
    __shared__ double sums[2][LOOK_BLOCK];
    const int32_t me = (int32_t)threadIdx.x, warps = LOOK_BLOCK / 32, g = (int32_t)blockIdx.z, n = j.first_image + g;
    const int32_t k = j.u.k, c = (int32_t)blockIdx.y * CLASSES_WIDE + me % 32, area = j.u.h * j.u.w;
    const int32_t begin = (int32_t)blockIdx.x * LOOK_BLOCK * LOOK_TURNS,
                  end = min(begin + LOOK_BLOCK * LOOK_TURNS, area);
    const float *const image = j.logits + (int64_t)n * j.u.lh * j.u.lw * k;
    float p = 0, hit = 0;
    for (int32_t r = begin + me / 32; r < end && c < k; r += warps) {
        const seen s = j.pixel[(int64_t)g * area + r];
        if (s.inverse == 0)
            continue;
        const corners q = corners_of(j.u.ty[r / j.u.w], j.u.tx[r % j.u.w], j.u.lh, j.u.lw, k);
        const float v = probability(s, logit_at(image, q, c));
        p += v;
        hit += j.mask[(int64_t)n * area + r] == c ? v : 0;
    }
    sums[0][me] = (double)p;
    sums[1][me] = (double)hit;
    __syncthreads();
    if (me < 64 && c < k) {
        const double *const from = sums[me / 32] + me % 32;
        double *const to = j.parts.sum + ((int64_t)n * j.parts.parts + blockIdx.x) * sums_of_part(k);
        double all = 0;
        for (int32_t w = 0; w < warps; w++)
            all += from[w * 32];
        to[FPC_MAX_TERMS + me / 32 * k + c] = all;
    }
}

static any_job plan_any(const fpc_node *node, char *base, bool gradient, size_t *bytes)
{
    const fpc_seg_loss_attr *attr = static_cast<const fpc_seg_loss_attr *>(node->attr);
    const fpc_shape m = node->in[1].shape;
    const int64_t pixels = (int64_t)images_together(node) * m.h * m.w;
    any_job j = {};
    *bytes = 0;
    j.u = upsampling_of(node->in[0].shape, m, base, bytes);
    j.pixel = piece<seen>(base, bytes, gradient ? 0 : pixels);
    j.slope = piece<seen_slopes>(base, bytes, gradient ? pixels : 0);
    j.logits = data_of<const float>(node->in[0]);
    j.mask = data_of<const uint8_t>(node->in[1]);
    j.id = (int32_t)node->id;
    j.a.corners = attr->align_corners;
    return j;
}

size_t fpc_cuda_loss_any_bytes(const fpc_node *node)
{
    size_t bytes;
    plan_any(node, nullptr, false, &bytes);
    return bytes;
}

fpc_status fpc_cuda_loss_any(fpc_exec *x, const fpc_node *node, const loss_terms &a, const loss_parts &parts,
                             char *work)
{
    const int32_t together = images_together(node);
    size_t bytes;
    any_job j = plan_any(node, work, false, &bytes);
    j.a = a;
    j.parts = parts;
    j.fault = machine_of(x)->fault;
    fpc_status st = queue_taps(x, node, j.u, a.corners);
    for (; j.first_image < j.u.n && !st; j.first_image += together) {
        const unsigned images = (unsigned)(j.u.n - j.first_image < together ? j.u.n - j.first_image : together);
        const unsigned groups = (unsigned)((a.k + CLASSES_WIDE - 1) / CLASSES_WIDE), blocks = (unsigned)parts.parts;
        st = launch(look, dim3(blocks, images), dim3(LOOK_BLOCK), 0, x, node, j);
        if (!st)
            st = launch(sum_classes, dim3(blocks, groups, images), dim3(LOOK_BLOCK), 0, x, node, j);
    }
    return st;
}

/* ---- backward ---- */

static __global__ void __launch_bounds__(LOOK_BLOCK) look_slopes(any_job j)
{
    const int32_t g = (int32_t)blockIdx.y, n = j.first_image + g, area = j.u.h * j.u.w, k = j.u.k;
    const int32_t r = (int32_t)blockIdx.x * LOOK_BLOCK + (int32_t)threadIdx.x;
    const float *const image = j.logits + (int64_t)n * j.u.lh * j.u.lw * k;
    if (r >= area)
        return;
    const int32_t label = j.mask[(int64_t)n * area + r];
    seen_slopes out = {0, 0, 0, 0};
    if (is_counted(label, k, j.a.ignore)) {
        const corners q = corners_of(j.u.ty[r / j.u.w], j.u.tx[r % j.u.w], j.u.lh, j.u.lw, k);
        const tables t = tables_of(j.tables, n);
        const soft s = softmax_at(image, q, k);
        const float behind = -s.most * LOG2E, inverse = 1 / s.sum;
        float along = 0;
        for (int32_t c = 0; j.a.overlaps && c < k; c++)
            along = fmaf(exp2_fast(fmaf(logit_at(image, q, c), LOG2E, behind)) * inverse, t.dice[c], along);
        const float own = logit_at(image, q, label), p = exp2_fast(fmaf(own, LOG2E, behind)) * inverse;
        const slopes v = slopes_of(j.a, t, label, s.most - own + logf(s.sum), p, along);
        out = {-behind, inverse, v.s, v.h};
    }
    j.slope[(int64_t)g * area + r] = out;
}

struct slope_by_logit {
    const seen_slopes *slope;
    const uint8_t *mask;
    const float *tables;
    int32_t area, first_image;

    DEVICE bool skips(int32_t, int32_t) const { return false; }
    DEVICE float operator()(int32_t n, int32_t r, int32_t c, float z) const
    {
        const seen_slopes s = slope[(int64_t)(n - first_image) * area + r];
        if (s.inverse == 0)
            return 0;
        const ::tables t = tables_of(tables, n);
        const float dz = exp2_fast(fmaf(z, LOG2E, -s.most)) * s.inverse * (t.dice[c] + s.s) - t.every[c];
        return mask[(int64_t)n * area + r] == c ? dz + s.h : dz;
    }
    DEVICE void put(float *to, float sum) const { *to = sum; }
};

size_t fpc_cuda_loss_grad_any_bytes(const fpc_node *node)
{
    size_t bytes;
    plan_any(node, nullptr, true, &bytes);
    return bytes;
}

fpc_status fpc_cuda_loss_grad_any(fpc_exec *x, const fpc_node *node, const loss_terms &a, const float *tables,
                                  char *work)
{
    const int32_t together = images_together(node), area = node->in[1].shape.h * node->in[1].shape.w;
    size_t bytes;
    any_job j = plan_any(node, work, true, &bytes);
    j.a = a;
    j.tables = tables;
    fpc_status st = queue_taps(x, node, j.u, a.corners);
    for (; j.first_image < j.u.n && !st; j.first_image += together) {
        const int32_t images = j.u.n - j.first_image < together ? j.u.n - j.first_image : together;
        const slope_by_logit g = {j.slope, j.mask, tables, area, j.first_image};
        st = launch(look_slopes, dim3(blocks_for(area, LOOK_BLOCK, INT32_MAX).x, (unsigned)images), dim3(LOOK_BLOCK), 0,
                    x, node, j);
        if (!st)
            st = queue_gather(x, node, j.u, g, j.first_image, images, 0, a.k, data_of<float>(node->out[0]));
    }
    return st;
}
