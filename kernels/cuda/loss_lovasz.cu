/* loss_lovasz.cu: the Lovasz-softmax loss (Berman et al. 2018) and its slope by the low-resolution logits. One class
 * after another, all images of a group together: the pixels' errors are sorted, largest first (loss_rank.h); how much
 * the Jaccard loss grows when one more pixel counts as wrong follows from how many pixels of the class came before, a
 * sum over tiles; that growth is the slope by the pixel's probability. Only what has to be known across classes is kept
 * for each pixel: its softmax and sum_c slope_c p_c. With g_c the slope of class c, the gradient by a pixel's logits is
 *   dz_c = p_c (g_c - sum_k g_k p_k): the first part is gathered class by class, the second at the end.
 * A list is an image, or the whole batch. */
#include "kernels/cuda/loss_pixel.h"

struct lovasz_job {
    pixel_loss p;
    rank_job rank;
    int32_t whole, present_only, c; /* c: the class at hand */
    int32_t *takes;                 /* [list][K]: whether class c counts */
    int32_t *found, *labelled;      /* [list][K], [list] */
    int32_t *own, *owns;            /* [list][tile], [list]: pixels of the class in a tile; then in those before */
    float *share;                   /* [list]: of a class */
    float *growth;                  /* [image][area]: slope by p[c] */
    float *mean;                    /* [image][area]: sum over the classes so far of slope * p */
    double *partial;                /* [list][tile]: of the loss */
};

enum { BEHIND = INT32_MIN };          /* the key of pixels that do not count */
static const uint32_t OWN = 1u << 31; /* of a place: the pixel is of the class */

/* ---- lists: a block for each ---- */

static __global__ void __launch_bounds__(FPC_MAX_CLASSES) begin_lists(lovasz_job j)
{
    __shared__ int32_t room[32];
    const int32_t list = (int32_t)blockIdx.x, c = (int32_t)threadIdx.x, k = j.p.u.k;
    const int32_t first = j.whole ? 0 : j.p.first + list, end = j.whole ? j.p.u.n : first + 1;
    int32_t found = 0, labelled = 0;
    for (int32_t n = first; n < end; n++) {
        found += c < k ? j.p.found[(int64_t)n * k + c] : 0;
        labelled += j.p.labelled[n];
    }
    const int32_t takes = c < k && labelled > 0 && (found > 0 || !j.present_only);
    const int32_t classes = block_sum(takes, room);
    if (c < k) {
        j.takes[(int64_t)list * k + c] = takes;
        j.found[(int64_t)list * k + c] = found;
    }
    if (c == 0) {
        j.labelled[list] = labelled;
        j.share[list] = classes ? 1 / (float)classes : 0;
    }
    for (int32_t tile = c; tile < j.rank.tiles; tile += FPC_MAX_CLASSES)
        j.partial[(int64_t)list * j.rank.tiles + tile] = 0;
}

/* The softmax of each pixel. */
static __global__ void __launch_bounds__(PIXEL_BLOCK) see_pixels(lovasz_job j)
{
    const int32_t g = (int32_t)blockIdx.y, n = j.p.first + g;
    const int32_t r = (int32_t)blockIdx.x * PIXEL_BLOCK + (int32_t)threadIdx.x;
    if (r >= j.p.area)
        return;
    j.mean[(int64_t)g * j.p.area + r] = 0;
    if (counts_at(j.p, n, r))
        j.p.pixel[(int64_t)g * j.p.area + r] = seen_of(softmax_at(image_at(j.p, n), pixel_at(j.p, r), j.p.u.k));
}

/* ---- a class ---- */

DEVICE int32_t list_of(const lovasz_job &j, int32_t g)
{
    return j.whole ? 0 : g;
}
DEVICE bool takes_class(const lovasz_job &j, int32_t list, int32_t c)
{
    return j.takes[(int64_t)list * j.p.u.k + c];
}

static __global__ void __launch_bounds__(PIXEL_BLOCK) list_errors(lovasz_job j)
{
    const int32_t g = (int32_t)blockIdx.y, n = j.p.first + g, list = list_of(j, g);
    const int32_t r = (int32_t)blockIdx.x * PIXEL_BLOCK + (int32_t)threadIdx.x;
    const int64_t place = (j.whole ? (int64_t)g * j.p.area : 0) + r;
    if (r >= j.p.area || !takes_class(j, list, j.c))
        return;
    ranked x = {(uint32_t)BEHIND, (uint32_t)place};
    if (counts_at(j.p, n, r)) {
        const bool own = label_at(j.p, n, r) == j.c;
        const seen s = j.p.pixel[(int64_t)g * j.p.area + r];
        const float p = probability(s, logit_at(image_at(j.p, n), pixel_at(j.p, r), j.c));
        x.key = 0x7fffffffu - (__float_as_uint(fabsf((own ? 1.0f : 0.0f) - p)) & 0x7fffffffu);
        x.at |= own ? OWN : 0;
    }
    j.rank.list[list * j.rank.length + place] = x;
}

/* Pixels of the class in each tile of the sorted list. */
static __global__ void __launch_bounds__(RANK_BLOCK) count_own(lovasz_job j)
{
    __shared__ int32_t room[32];
    const int32_t list = (int32_t)blockIdx.y;
    int32_t own = 0;
    if (!is_active(j.rank, list))
        return;
    for (int32_t turn = 0; turn < RANK_TURNS; turn++) {
        const int64_t s = (int64_t)blockIdx.x * RANK_TILE + turn * RANK_BLOCK + threadIdx.x;
        if (s < j.rank.length)
            own += (j.rank.list[list * j.rank.length + s].at & OWN) != 0;
    }
    own = block_sum(own, room);
    if (threadIdx.x == 0)
        j.own[(int64_t)list * j.rank.tiles + blockIdx.x] = own;
}

/* How much the Jaccard loss 1 - (Y - wrong)/(Y + others) grew with the last of `wrong` pixels of the class and `others`
 * of other classes; without the difference, which would cancel. */
DEVICE float step_of(bool own, int32_t pixels, int32_t wrong, int32_t others)
{
    const float all = (float)(pixels + others);
    if (own)
        return 1 / all;
    return pixels + others == 1 ? 1 : (float)(pixels - wrong) / all / (float)(pixels + others - 1);
}

static __global__ void __launch_bounds__(RANK_BLOCK) weigh_errors(lovasz_job j)
{
    __shared__ int32_t room[32];
    __shared__ double sums[32];
    const int32_t list = (int32_t)blockIdx.y, tile = (int32_t)blockIdx.x;
    if (!is_active(j.rank, list))
        return;
    const int32_t pixels = j.found[(int64_t)list * j.p.u.k + j.c], labelled = j.labelled[list];
    const float share = j.share[list], factor = j.whole ? share : share / (float)*j.p.images;
    int32_t before = j.own[(int64_t)list * j.rank.tiles + tile];
    float loss = 0;
    for (int32_t turn = 0; turn < RANK_TURNS; turn++) {
        const int64_t s = (int64_t)tile * RANK_TILE + turn * RANK_BLOCK + threadIdx.x;
        const ranked x = s < labelled ? j.rank.list[list * j.rank.length + s] : ranked{0, 0};
        const bool own = x.at & OWN;
        int32_t total;
        const int32_t wrong = before + sum_before(own, room, &total) + own;
        before += total;
        if (s >= labelled)
            continue;
        const int64_t at = (j.whole ? 0 : (int64_t)list * j.p.area) + (int64_t)(x.at & ~OWN);
        const float weight = j.p.weights ? j.p.weights[j.p.first + at / j.p.area] : 1;
        const float error = __uint_as_float(0x7fffffffu - x.key),
                    step = step_of(own, pixels, wrong, (int32_t)s + 1 - wrong);
        const float growth = (own ? -step : step) * weight * factor;
        loss = fmaf(weight * error, step, loss);
        j.growth[at] = growth;
        j.mean[at] = fmaf(own ? 1 - error : error, growth, j.mean[at]);
    }
    const double sum = block_sum((double)loss, sums);
    if (threadIdx.x == 0)
        j.partial[(int64_t)list * j.rank.tiles + tile] += (double)share * sum;
}

struct growth_slope {
    lovasz_job j;

    DEVICE bool skips(int32_t n, int32_t c) const { return !takes_class(j, list_of(j, n - j.p.first), c); }
    DEVICE float operator()(int32_t n, int32_t r, int32_t, float z) const
    {
        const int64_t at = (int64_t)(n - j.p.first) * j.p.area + r;
        return counts_at(j.p, n, r) ? probability(j.p.pixel[at], z) * j.growth[at] : 0;
    }
    DEVICE void put(float *to, float sum) const { *to = sum; }
};

struct mean_slope {
    lovasz_job j;

    DEVICE bool skips(int32_t n, int32_t) const { return !j.labelled[list_of(j, n - j.p.first)]; }
    DEVICE float operator()(int32_t n, int32_t r, int32_t, float z) const
    {
        const int64_t at = (int64_t)(n - j.p.first) * j.p.area + r;
        return counts_at(j.p, n, r) ? probability(j.p.pixel[at], z) * j.mean[at] : 0;
    }
    DEVICE void put(float *to, float sum) const { *to -= sum; }
};

/* ---- the loss ---- */

/* The tiles of the group's lists; a list's loss is that of its image, the whole batch's that of image 0. */
static __global__ void __launch_bounds__(RANK_BLOCK) end_lists(lovasz_job j)
{
    __shared__ double room[32];
    const int32_t list = (int32_t)blockIdx.x;
    double sum = 0;
    for (int32_t tile = (int32_t)threadIdx.x; tile < j.rank.tiles; tile += RANK_BLOCK)
        sum += j.partial[(int64_t)list * j.rank.tiles + tile];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0)
        j.p.image_loss[j.whole ? 0 : j.p.first + list] = sum;
}

static __global__ void end_lovasz(lovasz_job j)
{
    double sum = 0;
    if (threadIdx.x)
        return;
    for (int32_t n = 0; n < (j.whole ? 1 : j.p.u.n); n++)
        sum += j.p.image_loss[n];
    *j.p.loss = *j.p.images > 0 ? (float)(sum / (j.whole ? 1 : *j.p.images)) : 0;
}

static lovasz_job plan_lovasz(const fpc_node *node, char *base, size_t *bytes)
{
    const fpc_pixel_loss_attr *attr = static_cast<const fpc_pixel_loss_attr *>(node->attr);
    lovasz_job j = {};
    *bytes = 0;
    j.whole = !attr->per_image;
    j.present_only = attr->present_only;
    j.p = pixel_loss_of(node, 2, j.whole, base, bytes);
    const int32_t lists = j.whole ? 1 : j.p.together;
    const int64_t pixels = (int64_t)j.p.together * j.p.area;
    j.rank = rank_job_of(lists, pixels / lists, base, bytes);
    j.takes = piece<int32_t>(base, bytes, (int64_t)lists * j.p.u.k);
    j.found = piece<int32_t>(base, bytes, (int64_t)lists * j.p.u.k);
    j.labelled = piece<int32_t>(base, bytes, lists);
    j.own = piece<int32_t>(base, bytes, (int64_t)lists * j.rank.tiles);
    j.owns = piece<int32_t>(base, bytes, lists);
    j.share = piece<float>(base, bytes, lists);
    j.growth = piece<float>(base, bytes, pixels);
    j.mean = piece<float>(base, bytes, pixels);
    j.partial = piece<double>(base, bytes, (int64_t)lists * j.rank.tiles);
    return j;
}

void fpc_cuda_need_lovasz(const fpc_node *node, fpc_need *need)
{
    plan_lovasz(node, nullptr, &need->shared);
}

static fpc_status lovasz_class(fpc_exec *x, const fpc_node *node, lovasz_job &j)
{
    const dim3 tiles((unsigned)j.rank.tiles, (unsigned)j.rank.segments), block(RANK_BLOCK);
    j.rank.active = j.takes + j.c;
    j.rank.step = j.p.u.k;
    fpc_status st = launch(list_errors, pixel_grid(j.p), dim3(PIXEL_BLOCK), 0, x, node, j);
    if (!st)
        st = queue_rank(x, node, j.rank);
    if (!st)
        st = launch(count_own, tiles, block, 0, x, node, j);
    if (!st)
        st = launch(sum_counts, dim3(1, (unsigned)j.rank.segments), block, 0, x, node, j.rank, j.own, j.rank.tiles,
                    j.owns);
    if (!st)
        st = launch(weigh_errors, tiles, block, 0, x, node, j);
    return st ? st : queue_gather(x, node, j.p.u, growth_slope{j}, j.p.first, j.p.count, j.c, 1, j.p.slope);
}

static fpc_status lovasz_group(fpc_exec *x, const fpc_node *node, lovasz_job &j)
{
    j.rank.segments = j.whole ? 1 : j.p.count;
    fpc_status st = launch(begin_lists, dim3((unsigned)j.rank.segments), dim3(FPC_MAX_CLASSES), 0, x, node, j);
    if (!st)
        st = launch(see_pixels, pixel_grid(j.p), dim3(PIXEL_BLOCK), 0, x, node, j);
    for (j.c = 0; j.c < j.p.u.k && !st; j.c++)
        st = lovasz_class(x, node, j);
    if (!st)
        st = queue_gather(x, node, j.p.u, mean_slope{j}, j.p.first, j.p.count, 0, j.p.u.k, j.p.slope);
    return st ? st : launch(end_lists, dim3((unsigned)j.rank.segments), dim3(RANK_BLOCK), 0, x, node, j);
}

fpc_status fpc_cuda_run_lovasz(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    size_t bytes;
    lovasz_job j = plan_lovasz(node, static_cast<char *>(fpc_exec_shared(x)), &bytes);
    j.p.fault = machine_of(x)->fault;
    fpc_status st = fpc_cuda_pixel_begin(x, node, j.p);
    for (j.p.first = 0; j.p.first < j.p.u.n && !st; j.p.first += j.p.together) {
        j.p.count = group_at(j.p, j.p.first);
        st = lovasz_group(x, node, j);
    }
    return st ? st : launch(end_lovasz, dim3(1), dim3(32), 0, x, node, j);
}
