/* loss_pixel.cu: ohem, cross entropy of the hardest pixels (Shrivastava et al. 2016), and boundary, p times the
 * distance to the border of each class (Kervadec et al. 2019); kernels/ref/loss_pixel.c says what is computed. A thread
 * for each pixel finds its softmax and what the loss needs of it; the slope by each low-resolution logit is then
 * gathered from the pixels that read it. Sums are floats in a thread, doubles from there on, in the order of blocks and
 * images. */
#include "kernels/cuda/loss_pixel.h"

/* ---- labels ---- */

static __global__ void clear_counts(int32_t *found, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        found[i] = 0;
}

static __global__ void __launch_bounds__(PIXEL_BLOCK) count_labels(pixel_loss j)
{
    __shared__ int32_t counts[FPC_MAX_CLASSES];
    const int32_t n = (int32_t)blockIdx.y, me = (int32_t)threadIdx.x;
    counts[me] = 0;
    __syncthreads();
    for (int32_t r = (int32_t)blockIdx.x * PIXEL_BLOCK + me; r < j.area; r += (int32_t)gridDim.x * PIXEL_BLOCK) {
        const int32_t label = label_at(j, n, r);
        if (is_counted(label, j.u.k, j.ignore))
            atomicAdd(counts + label, 1);
        else if (label != j.ignore)
            report_label(j.fault, n, label, j.id);
    }
    __syncthreads();
    if (me < j.u.k && counts[me])
        atomicAdd(j.found + (int64_t)n * j.u.k + me, counts[me]);
}

static __global__ void __launch_bounds__(PIXEL_BLOCK) count_images(pixel_loss j)
{
    __shared__ int32_t room[32];
    int32_t images = 0;
    for (int32_t n = (int32_t)threadIdx.x; n < j.u.n; n += PIXEL_BLOCK) {
        int32_t labelled = 0;
        for (int32_t c = 0; c < j.u.k; c++)
            labelled += j.found[(int64_t)n * j.u.k + c];
        j.labelled[n] = labelled;
        images += labelled > 0;
    }
    images = block_sum(images, room);
    if (threadIdx.x == 0)
        *j.images = images;
}

fpc_status fpc_cuda_pixel_begin(fpc_exec *x, const fpc_node *node, const pixel_loss &j)
{
    const int64_t counts = (int64_t)j.u.n * j.u.k;
    const dim3 grid(blocks_for(j.area, PIXEL_BLOCK * 16).x, (unsigned)j.u.n);
    fpc_status st = queue_taps(x, node, j.u, j.corners);
    if (!st)
        st = launch(clear_counts, blocks_for(counts, PIXEL_BLOCK, INT32_MAX), dim3(PIXEL_BLOCK), 0, x, node, j.found,
                    counts);
    if (!st)
        st = launch(count_labels, grid, dim3(PIXEL_BLOCK), 0, x, node, j);
    return st ? st : launch(count_images, dim3(1), dim3(PIXEL_BLOCK), 0, x, node, j);
}

/* The mean over images with a labelled pixel, added up in their order. */
static __global__ void end_loss(pixel_loss j)
{
    double sum = 0;
    if (threadIdx.x)
        return;
    for (int32_t n = 0; n < j.u.n; n++)
        sum += j.image_loss[n];
    *j.loss = *j.images > 0 ? (float)(sum / *j.images) : 0;
}

/* ---- ohem(logits, mask[, weight]) -> loss, slope ---- */

struct ohem_job {
    pixel_loss p;
    rank_job rank;
    double threshold, keep;
    int32_t weighted;
    float *class_weight;
    int32_t *hard;   /* [n]: pixels below the threshold */
    float *chosen;   /* [image of the group][area]: the class weight of a pixel that is kept, else 0 */
    double *partial; /* [image of the group][tile][2]: sums of weights, and of weights times losses */
    float *scale;    /* [n]: of the slopes */
};

enum { LEFT_OUT = INT32_MIN }; /* as a key: behind all the others */

/* Lists the pixels by p[label], and counts those below the threshold. */
static __global__ void __launch_bounds__(PIXEL_BLOCK) list_pixels(ohem_job j)
{
    const int32_t g = (int32_t)blockIdx.y, n = j.p.first + g;
    const int32_t r = (int32_t)blockIdx.x * PIXEL_BLOCK + (int32_t)threadIdx.x;
    int32_t hard = 0;
    if (r < j.p.area) {
        ranked x = {(uint32_t)LEFT_OUT, (uint32_t)r};
        if (counts_at(j.p, n, r)) {
            const corners q = pixel_at(j.p, r);
            const seen s = seen_of(softmax_at(image_at(j.p, n), q, j.p.u.k));
            const float p = probability(s, logit_at(image_at(j.p, n), q, label_at(j.p, n, r)));
            hard = (double)p < j.threshold;
            x.key = __float_as_uint(p) & 0x7fffffffu;
            j.p.pixel[(int64_t)g * j.p.area + r] = s;
        }
        j.rank.list[g * j.rank.length + r] = x;
    }
    hard = __syncthreads_count(hard);
    if (threadIdx.x == 0 && hard)
        atomicAdd(j.hard + n, hard);
}

/* The pixels that come first in the list: all below the threshold, and at least the share `keep`. */
static __global__ void __launch_bounds__(RANK_BLOCK) choose_pixels(ohem_job j)
{
    __shared__ double room[32];
    const int32_t g = (int32_t)blockIdx.y, n = j.p.first + g, labelled = j.p.labelled[n], hard = j.hard[n];
    const int64_t least = (int64_t)ceil(j.keep * (double)labelled - 1e-9);
    const int64_t kept = hard > least ? hard : least < labelled ? least : labelled;
    float total = 0, loss = 0;
    for (int32_t turn = 0; turn < RANK_TURNS; turn++) {
        const int64_t s = (int64_t)blockIdx.x * RANK_TILE + turn * RANK_BLOCK + threadIdx.x;
        if (s >= j.rank.length)
            break;
        const int32_t r = (int32_t)j.rank.list[g * j.rank.length + s].at;
        float weight = 0;
        if (s < kept) {
            const int32_t label = label_at(j.p, n, r);
            const seen v = j.p.pixel[(int64_t)g * j.p.area + r];
            const float z = logit_at(image_at(j.p, n), pixel_at(j.p, r), label);
            weight = j.weighted ? j.class_weight[label] : 1;
            total += weight;
            loss = fmaf(weight, fmaf(v.most - z * LOG2E, LN2, -logf(v.inverse)), loss);
        }
        j.chosen[(int64_t)g * j.p.area + r] = weight;
    }
    const double all = block_sum((double)total, room), sum = block_sum((double)loss, room);
    double *const to = j.partial + ((int64_t)g * j.rank.tiles + blockIdx.x) * 2;
    if (threadIdx.x == 0)
        to[0] = all, to[1] = sum;
}

static __global__ void scale_images(ohem_job j)
{
    const int32_t g = (int32_t)(blockIdx.x * blockDim.x + threadIdx.x), n = j.p.first + g;
    double total = 0, loss = 0;
    if (g >= j.p.count)
        return;
    for (int32_t tile = 0; tile < j.rank.tiles; tile++) {
        total += j.partial[((int64_t)g * j.rank.tiles + tile) * 2];
        loss += j.partial[((int64_t)g * j.rank.tiles + tile) * 2 + 1];
    }
    const double share = total > 0 ? (double)image_weight(j.p.weights, n) / total : 0;
    j.p.image_loss[n] = total > 0 ? share * loss : 0;
    j.scale[n] = total > 0 ? (float)(share / *j.p.images) : 0;
}

struct ohem_slope {
    ohem_job j;

    DEVICE bool skips(int32_t n, int32_t) const { return j.scale[n] == 0; }
    DEVICE float operator()(int32_t n, int32_t r, int32_t c, float z) const
    {
        const int64_t at = (int64_t)(n - j.p.first) * j.p.area + r;
        const float weight = j.chosen[at];
        if (weight == 0)
            return 0;
        return weight * j.scale[n] * (probability(j.p.pixel[at], z) - (label_at(j.p, n, r) == c ? 1.0f : 0.0f));
    }
    DEVICE void put(float *to, float sum) const { *to = sum; }
};

static ohem_job plan_ohem(const fpc_node *node, char *base, size_t *bytes)
{
    const fpc_pixel_loss_attr *attr = static_cast<const fpc_pixel_loss_attr *>(node->attr);
    ohem_job j = {};
    *bytes = 0;
    j.p = pixel_loss_of(node, 2, false, base, bytes);
    j.rank = rank_job_of(j.p.together, j.p.area, base, bytes);
    j.threshold = attr->threshold;
    j.keep = attr->keep;
    j.weighted = attr->class_weight != nullptr;
    j.class_weight = piece<float>(base, bytes, j.p.u.k);
    j.hard = piece<int32_t>(base, bytes, j.p.u.n);
    j.chosen = piece<float>(base, bytes, (int64_t)j.p.together * j.p.area);
    j.partial = piece<double>(base, bytes, (int64_t)j.p.together * j.rank.tiles * 2);
    j.scale = piece<float>(base, bytes, j.p.u.n);
    return j;
}

static void ohem_need(const fpc_node *node, fpc_need *need)
{
    plan_ohem(node, nullptr, &need->shared);
}

static fpc_status ohem_group(fpc_exec *x, const fpc_node *node, ohem_job &j)
{
    const dim3 tiles((unsigned)j.rank.tiles, (unsigned)j.p.count);
    j.rank.segments = j.p.count;
    fpc_status st = launch(list_pixels, pixel_grid(j.p), dim3(PIXEL_BLOCK), 0, x, node, j);
    if (!st)
        st = queue_rank(x, node, j.rank);
    if (!st)
        st = launch(choose_pixels, tiles, dim3(RANK_BLOCK), 0, x, node, j);
    if (!st)
        st = launch(scale_images, blocks_for(j.p.count, 32), dim3(32), 0, x, node, j);
    return st ? st : queue_gather(x, node, j.p.u, ohem_slope{j}, j.p.first, j.p.count, 0, j.p.u.k, j.p.slope);
}

static fpc_status ohem(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_pixel_loss_attr *attr = static_cast<const fpc_pixel_loss_attr *>(node->attr);
    size_t bytes;
    ohem_job j = plan_ohem(node, static_cast<char *>(fpc_exec_shared(x)), &bytes);
    fpc_status st = FPC_OK;
    j.p.fault = machine_of(x)->fault;
    if (j.weighted) /* as those of the segmentation loss travel: loss.cu */
        st = fpc_cuda_loss_weights(x, node, attr->class_weight, j.p.u.k, j.class_weight);
    if (!st)
        st = fpc_cuda_pixel_begin(x, node, j.p);
    if (!st)
        st = launch(clear_counts, blocks_for(j.p.u.n, PIXEL_BLOCK), dim3(PIXEL_BLOCK), 0, x, node, j.hard, j.p.u.n);
    for (j.p.first = 0; j.p.first < j.p.u.n && !st; j.p.first += j.p.together) {
        j.p.count = group_at(j.p, j.p.first);
        st = ohem_group(x, node, j);
    }
    return st ? st : launch(end_loss, dim3(1), dim3(32), 0, x, node, j.p);
}

/* ---- boundary(logits, mask, distance[, weight]) -> loss, slope ---- */

struct boundary_job {
    pixel_loss p;
    int32_t present_only, blocks;
    const float *distance;
    float *mean;     /* [image of the group][area]: sum over the classes of p * distance */
    float *share;    /* [n]: weight / (labelled pixels * classes) */
    double *partial; /* [image of the group][block] */
};

static __global__ void __launch_bounds__(PIXEL_BLOCK) sum_distances(boundary_job j)
{
    __shared__ double room[32];
    const int32_t g = (int32_t)blockIdx.y, n = j.p.first + g, k = j.p.u.k;
    const int32_t r = (int32_t)blockIdx.x * PIXEL_BLOCK + (int32_t)threadIdx.x;
    const int64_t at = (int64_t)g * j.p.area + r;
    float mean = 0;
    if (r < j.p.area && counts_at(j.p, n, r)) {
        const float *const d = j.distance + ((int64_t)n * j.p.area + r) * k, *const image = image_at(j.p, n);
        const corners q = pixel_at(j.p, r);
        const seen s = seen_of(softmax_at(image, q, k));
        for (int32_t c = 0; c < k; c++)
            mean = fmaf(probability(s, logit_at(image, q, c)), d[c], mean);
        j.p.pixel[at] = s;
        j.mean[at] = mean;
    }
    const double sum = block_sum((double)mean, room);
    if (threadIdx.x == 0)
        j.partial[(int64_t)g * j.blocks + blockIdx.x] = sum;
}

/* A block for each image. */
static __global__ void __launch_bounds__(PIXEL_BLOCK) share_images(boundary_job j)
{
    __shared__ double room[32];
    __shared__ int32_t count[32];
    const int32_t g = (int32_t)blockIdx.x, n = j.p.first + g, me = (int32_t)threadIdx.x;
    double loss = 0;
    for (int32_t b = me; b < j.blocks; b += PIXEL_BLOCK)
        loss += j.partial[(int64_t)g * j.blocks + b];
    loss = block_sum(loss, room);
    const bool takes = me < j.p.u.k && (!j.present_only || j.p.found[(int64_t)n * j.p.u.k + me] > 0);
    const int32_t classes = block_sum((int32_t)takes, count), labelled = j.p.labelled[n];
    const double share = labelled > 0 ? (double)image_weight(j.p.weights, n) / ((double)labelled * (double)classes) : 0;
    if (me == 0) {
        j.p.image_loss[n] = share * loss;
        j.share[n] = labelled > 0 ? (float)(share / *j.p.images) : 0;
    }
}

struct boundary_slope {
    boundary_job j;

    DEVICE bool skips(int32_t n, int32_t) const { return j.share[n] == 0; }
    DEVICE float operator()(int32_t n, int32_t r, int32_t c, float z) const
    {
        const int64_t at = (int64_t)(n - j.p.first) * j.p.area + r;
        if (!counts_at(j.p, n, r))
            return 0;
        const float d = j.distance[((int64_t)n * j.p.area + r) * j.p.u.k + c];
        return j.share[n] * probability(j.p.pixel[at], z) * (d - j.mean[at]);
    }
    DEVICE void put(float *to, float sum) const { *to = sum; }
};

static boundary_job plan_boundary(const fpc_node *node, char *base, size_t *bytes)
{
    boundary_job j = {};
    *bytes = 0;
    j.p = pixel_loss_of(node, 3, false, base, bytes);
    j.present_only = static_cast<const fpc_pixel_loss_attr *>(node->attr)->present_only;
    j.blocks = pixel_blocks(j.p);
    j.distance = data_of<const float>(node->in[2]);
    j.mean = piece<float>(base, bytes, (int64_t)j.p.together * j.p.area);
    j.share = piece<float>(base, bytes, j.p.u.n);
    j.partial = piece<double>(base, bytes, (int64_t)j.p.together * j.blocks);
    return j;
}

static void boundary_need(const fpc_node *node, fpc_need *need)
{
    plan_boundary(node, nullptr, &need->shared);
}

static fpc_status boundary(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    size_t bytes;
    boundary_job j = plan_boundary(node, static_cast<char *>(fpc_exec_shared(x)), &bytes);
    j.p.fault = machine_of(x)->fault;
    fpc_status st = fpc_cuda_pixel_begin(x, node, j.p);
    for (j.p.first = 0; j.p.first < j.p.u.n && !st; j.p.first += j.p.together) {
        j.p.count = group_at(j.p, j.p.first);
        st = launch(sum_distances, pixel_grid(j.p), dim3(PIXEL_BLOCK), 0, x, node, j);
        if (!st)
            st = launch(share_images, dim3((unsigned)j.p.count), dim3(PIXEL_BLOCK), 0, x, node, j);
        if (!st)
            st = queue_gather(x, node, j.p.u, boundary_slope{j}, j.p.first, j.p.count, 0, j.p.u.k, j.p.slope);
    }
    return st ? st : launch(end_loss, dim3(1), dim3(32), 0, x, node, j.p);
}

const fpc_kernel fpc_cuda_loss_pixel[] = {
    FPC_CUDA_ROW("lovasz", "plain", 0, FPC_CUDA_FLOAT, nullptr, fpc_cuda_need_lovasz, fpc_cuda_run_lovasz),
    FPC_CUDA_ROW("ohem", "plain", 0, FPC_CUDA_FLOAT, nullptr, ohem_need, ohem),
    FPC_CUDA_ROW("boundary", "plain", 0, FPC_CUDA_FLOAT, nullptr, boundary_need, boundary),
    FPC_CUDA_END,
};
