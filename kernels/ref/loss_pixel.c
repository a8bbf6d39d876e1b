/* loss_pixel.c: further losses straight from low-resolution logits like loss.c:
 *   lovasz    Lovasz-softmax (Berman et al. 2018): for each class the errors e = |[label = c] - p_c|, largest first,
 *             times the growth of the Jaccard loss when one more of them counts as wrong; mean over classes
 *   ohem      cross entropy of the hardest pixels (Shrivastava et al. 2016)
 *   boundary  p times the signed distance to the border of each class (Kervadec et al. 2019)
 * Each gives the gradient by the logits on the way, so that the backward pass only scales it. Compiled for ref in float
 * and double and, through kernels/cpu/loss_pixel.c, for cpu. One task an image or a class; sums in double, in order. */
#include "loss_pixel.h"
#include "loss_rank.h"

typedef struct job {
    fpc_exec *exec;
    const fpc_node *node;
    const fpc_pixel_loss_attr *a;
    fpc_shape ls, ms;        /* of logits and mask */
    int64_t area, k, images; /* pixels of a mask; classes; images with a labelled pixel */
    int32_t *found;          /* [n][K]: labelled pixels of each class; those of all classes are in labelled[n] */
    int64_t *labelled;
    double *loss;                        /* [n] or [n][K]: what a task adds */
    real *planes;                        /* lovasz over the batch: [n][K][area] probabilities, then slopes; else NULL */
    size_t ranks, grads, plane, scratch; /* offsets into a thread's scratch, and its size */
    size_t shared, planes_at;            /* bytes of shared memory */
} job;

static size_t take(size_t *at, size_t bytes)
{
    const size_t here = *at;
    *at += (bytes + 63) & ~(size_t)63;
    return here;
}

/* Sizes alone; the memory comes later. whole: the batch is one list. */
static job plan(const fpc_node *node, int whole, int planes)
{
    job j = {.node = node, .a = node->attr, .ls = node->in[0].shape, .ms = node->in[1].shape};
    j.area = image_rows(j.ms);
    j.k = j.ls.c;
    const size_t n = (size_t)j.ls.n, area = (size_t)j.area, k = (size_t)j.k;
    j.ranks = take(&j.scratch, 2 * (whole ? n : 1) * area * sizeof(ranked));
    j.grads = take(&j.scratch, (size_t)(image_rows(j.ls) * j.k) * sizeof(double));
    j.plane = take(&j.scratch, planes && !whole ? k * area * sizeof(real) : 0);
    take(&j.shared, n * k * sizeof *j.found);
    take(&j.shared, n * k * sizeof *j.loss);
    take(&j.shared, n * sizeof *j.labelled);
    j.planes_at = take(&j.shared, planes && whole ? n * k * area * sizeof(real) : 0);
    return j;
}

static const uint8_t *mask_of(const job *j, int32_t n)
{
    return (const uint8_t *)j->node->in[1].data + n * j->area;
}

static real *slope_of(const job *j, int32_t n)
{
    return (real *)j->node->out[1].data + n * image_rows(j->ls) * j->k;
}

/* Lays out the memory and counts the labels; fails at one that is no class. */
static fpc_status begin(job *j, fpc_exec *exec)
{
    char *shared = fpc_exec_shared(exec);
    size_t at = 0;
    j->exec = exec;
    j->found = (int32_t *)(shared + take(&at, (size_t)(j->ls.n * j->k) * sizeof *j->found));
    j->loss = (double *)(shared + take(&at, (size_t)(j->ls.n * j->k) * sizeof *j->loss));
    j->labelled = (int64_t *)(shared + take(&at, (size_t)j->ls.n * sizeof *j->labelled));
    j->planes = (real *)(shared + j->planes_at);
    memset(j->found, 0, (size_t)(j->ls.n * j->k) * sizeof *j->found);
    memset(j->loss, 0, (size_t)(j->ls.n * j->k) * sizeof *j->loss);
    for (int32_t n = 0; n < j->ls.n; n++) {
        j->labelled[n] = 0;
        for (int64_t r = 0; r < j->area; r++) {
            const int32_t label = mask_of(j, n)[r];
            if (label == j->a->ignore)
                continue;
            if (label >= j->k)
                return bad_label(exec, j->node, n, r, j->ms.w, label, (int)j->k);
            j->found[n * j->k + label]++;
            j->labelled[n]++;
        }
        j->images += j->labelled[n] > 0;
    }
    return FPC_OK;
}

/* The mean over images of what the tasks added up, in order. */
static void finish(const job *j, double divisor)
{
    double sum = 0;
    for (int64_t i = 0; i < j->ls.n * j->k; i++)
        sum += j->loss[i];
    *(real *)j->node->out[0].data = divisor > 0 ? (real)(sum / divisor) : 0;
}

static void write_slope(const job *j, int32_t n, const double *grads)
{
    real *out = slope_of(j, n);
    for (int64_t i = 0; i < image_rows(j->ls) * j->k; i++)
        out[i] = (real)grads[i];
}

/* ---- lovasz(logits, mask[, weight]) -> loss, slope ---- */

/* Probabilities of an image's labelled pixels, class after class. */
static void fill_planes(const job *j, int32_t n, real *planes)
{
    pixel px;
    for (int64_t r = 0; r < j->area; r++) {
        if (mask_of(j, n)[r] == j->a->ignore)
            continue;
        look(&j->node->in[0], j->ms, place_of(j->ms, n * j->area + r), j->a->align_corners, &px);
        for (int64_t c = 0; c < j->k; c++)
            planes[c * j->area + r] = px.p[c];
    }
}

/* The Jaccard loss when the `wrong` pixels of the class, and `others` of other classes, are wrong. */
static double jaccard_loss(double pixels, double wrong, double others)
{
    return 1 - (pixels - wrong) / (pixels + others);
}

/* One class of images [first, first + count): returns its loss and puts the slopes by p, times factor, into the
 * planes. Each image counts as its weight says. */
static double rank_class(const job *j, int64_t c, int32_t first, int32_t count, real *planes, ranked *list,
                         double factor)
{
    const int64_t image = j->k * j->area;
    int64_t n = 0, pixels = 0, wrong = 0, others = 0;
    double before = 0, loss = 0;
    for (int32_t i = 0; i < count; i++) {
        const uint8_t *mask = mask_of(j, first + i);
        const real *p = planes + i * image + c * j->area;
        for (int64_t r = 0; r < j->area; r++)
            if (mask[r] != j->a->ignore)
                list[n++] = (ranked){rank_falling(fabs((real)(mask[r] == c) - p[r])), (int32_t)(i * j->area + r)};
        pixels += j->found[(first + i) * j->k + c];
    }
    const ranked *sorted = rank_sort(list, list + count * j->area, n);
    for (int64_t s = 0; s < n; s++) {
        const int32_t i = count > 1 ? sorted[s].at / (int32_t)j->area : 0, r = sorted[s].at - i * (int32_t)j->area;
        const int own = mask_of(j, first + i)[r] == c;
        wrong += own;
        others += !own;
        const double now = jaccard_loss((double)pixels, (double)wrong, (double)others), step = now - before;
        const double weight = image_weight(j->node, 2, first + i);
        before = now;
        loss += weight * (double)rank_value(~sorted[s].key) * step;
        planes[i * image + c * j->area + r] = (real)((own ? -step : step) * weight * factor);
    }
    return loss;
}

/* From slopes by p to the gradient by the image's logits: dz_j = p_j (g_j - sum_c g_c p_c). */
static void collapse(const job *j, int32_t n, const real *planes, double *grads)
{
    double dz[FPC_MAX_CLASSES];
    pixel px;
    memset(grads, 0, (size_t)(image_rows(j->ls) * j->k) * sizeof *grads);
    for (int64_t r = 0; r < j->area; r++) {
        double mean = 0;
        if (mask_of(j, n)[r] == j->a->ignore)
            continue;
        look(&j->node->in[0], j->ms, place_of(j->ms, n * j->area + r), j->a->align_corners, &px);
        for (int64_t c = 0; c < j->k; c++)
            mean += (double)planes[c * j->area + r] * (double)px.p[c];
        for (int64_t c = 0; c < j->k; c++)
            dz[c] = (double)px.p[c] * ((double)planes[c * j->area + r] - mean);
        spread(j->ls, n, &px, dz, grads);
    }
    write_slope(j, n, grads);
}

/* Whether class c counts in images [first, first + count). */
static int takes_class(const job *j, int64_t c, int32_t first, int32_t count)
{
    int64_t pixels = 0;
    for (int32_t i = first; i < first + count; i++)
        pixels += j->found[i * j->k + c];
    return pixels > 0 || !j->a->present_only;
}

static int64_t classes_of(const job *j, int32_t first, int32_t count)
{
    int64_t classes = 0;
    for (int64_t c = 0; c < j->k; c++)
        classes += takes_class(j, c, first, count);
    return classes;
}

static void clear_plane(const job *j, int64_t c, int32_t count, real *planes)
{
    for (int32_t i = 0; i < count; i++)
        memset(planes + (i * j->k + c) * j->area, 0, (size_t)j->area * sizeof *planes);
}

/* An image by itself. */
static void lovasz_image(void *arg, int32_t n, int32_t thread)
{
    const job *j = arg;
    char *scratch = fpc_exec_scratch(j->exec, thread);
    real *planes = (real *)(scratch + j->plane);
    const int labelled = j->labelled[n] > 0;
    const double share = labelled ? 1 / (double)classes_of(j, n, 1) : 0, images = (double)j->images;
    if (labelled)
        fill_planes(j, n, planes);
    for (int64_t c = 0; c < j->k && labelled; c++)
        if (takes_class(j, c, n, 1))
            j->loss[n * j->k + c] =
                share * rank_class(j, c, n, 1, planes, (ranked *)(scratch + j->ranks), share / images);
        else
            clear_plane(j, c, 1, planes);
    collapse(j, n, planes, (double *)(scratch + j->grads));
}

/* The batch as one list: probabilities of each image, then each class, then the gradient of each image. */
static void fill_image(void *arg, int32_t n, int32_t thread)
{
    const job *j = arg;
    (void)thread;
    fill_planes(j, n, j->planes + n * j->k * j->area);
}

static void rank_batch(void *arg, int32_t c, int32_t thread)
{
    const job *j = arg;
    const double share = 1 / (double)classes_of(j, 0, j->ls.n);
    ranked *list = (ranked *)((char *)fpc_exec_scratch(j->exec, thread) + j->ranks);
    if (takes_class(j, c, 0, j->ls.n))
        j->loss[c] = share * rank_class(j, c, 0, j->ls.n, j->planes, list, share);
    else
        clear_plane(j, c, j->ls.n, j->planes);
}

static void collapse_image(void *arg, int32_t n, int32_t thread)
{
    const job *j = arg;
    collapse(j, n, j->planes + n * j->k * j->area, (double *)((char *)fpc_exec_scratch(j->exec, thread) + j->grads));
}

static void lovasz_need(const fpc_node *node, fpc_need *need)
{
    const job j = plan(node, !((const fpc_pixel_loss_attr *)node->attr)->per_image, 1);
    need->shared = j.shared;
    need->thread = j.scratch;
}

static fpc_status lovasz(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int whole = !((const fpc_pixel_loss_attr *)node->attr)->per_image;
    job j = plan(node, whole, 1);
    const fpc_status st = begin(&j, exec);
    (void)rows;
    if (st)
        return st;
    if (!whole) {
        fpc_exec_parallel(exec, j.ls.n, lovasz_image, &j);
    } else if (j.images) {
        fpc_exec_parallel(exec, j.ls.n, fill_image, &j);
        fpc_exec_parallel(exec, (int32_t)j.k, rank_batch, &j);
        fpc_exec_parallel(exec, j.ls.n, collapse_image, &j);
    } else {
        memset(node->out[1].data, 0, (size_t)fpc_count(node->out[1].shape) * sizeof(real));
    }
    finish(&j, whole ? 1 : (double)j.images);
    return FPC_OK;
}

/* ---- ohem(logits, mask[, weight]) -> loss, slope ---- */

static double weight_of(const job *j, int64_t label)
{
    return j->a->class_weight ? (double)j->a->class_weight[label] : 1;
}

/* The hardest labelled pixels, by rising p[label]: all below the threshold, and at least the share `keep`. Returns how
 * many; they come first in *sorted. */
static int64_t choose(const job *j, int32_t n, ranked *list, const ranked **sorted)
{
    const uint8_t *mask = mask_of(j, n);
    int64_t all = 0, hard = 0;
    pixel px;
    for (int64_t r = 0; r < j->area; r++) {
        if (mask[r] == j->a->ignore)
            continue;
        look(&j->node->in[0], j->ms, place_of(j->ms, n * j->area + r), j->a->align_corners, &px);
        hard += (double)px.p[mask[r]] < j->a->threshold;
        list[all++] = (ranked){rank_rising(px.p[mask[r]]), (int32_t)r};
    }
    const int64_t least = (int64_t)ceil(j->a->keep * (double)all - 1e-9);
    *sorted = rank_sort(list, list + j->area, all);
    return hard > least ? hard : least < all ? least : all;
}

static void ohem_image(void *arg, int32_t n, int32_t thread)
{
    const job *j = arg;
    char *scratch = fpc_exec_scratch(j->exec, thread);
    double *grads = (double *)(scratch + j->grads), dz[FPC_MAX_CLASSES], total = 0, loss = 0;
    const uint8_t *mask = mask_of(j, n);
    const ranked *sorted;
    pixel px;
    const int64_t kept = choose(j, n, (ranked *)(scratch + j->ranks), &sorted);
    memset(grads, 0, (size_t)(image_rows(j->ls) * j->k) * sizeof *grads);
    for (int64_t s = 0; s < kept; s++)
        total += weight_of(j, mask[sorted[s].at]);
    for (int64_t s = 0; s < kept && total > 0; s++) {
        const int64_t r = sorted[s].at, label = mask[r];
        const double weight = image_weight(j->node, 2, n) * weight_of(j, label) / total;
        look(&j->node->in[0], j->ms, place_of(j->ms, n * j->area + r), j->a->align_corners, &px);
        loss -= weight * (double)px.log_p[label];
        for (int64_t c = 0; c < j->k; c++)
            dz[c] = weight / (double)j->images * ((double)px.p[c] - (c == label));
        spread(j->ls, n, &px, dz, grads);
    }
    j->loss[n * j->k] = loss;
    write_slope(j, n, grads);
}

static void image_need(const fpc_node *node, fpc_need *need)
{
    const job j = plan(node, 0, 0);
    need->shared = j.shared;
    need->thread = j.scratch;
}

static fpc_status ohem(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    job j = plan(node, 0, 0);
    const fpc_status st = begin(&j, exec);
    (void)rows;
    if (st)
        return st;
    fpc_exec_parallel(exec, j.ls.n, ohem_image, &j);
    finish(&j, (double)j.images);
    return FPC_OK;
}

/* ---- boundary(logits, mask, distance[, weight]) -> loss, slope ---- */

static void boundary_image(void *arg, int32_t n, int32_t thread)
{
    const job *j = arg;
    double *grads = (double *)((char *)fpc_exec_scratch(j->exec, thread) + j->grads), dz[FPC_MAX_CLASSES], loss = 0;
    const real *distance = (const real *)j->node->in[2].data + n * j->area * j->k;
    double share = 0;
    pixel px;
    if (j->labelled[n])
        share = image_weight(j->node, 3, n) / ((double)j->labelled[n] * (double)classes_of(j, n, 1));
    memset(grads, 0, (size_t)(image_rows(j->ls) * j->k) * sizeof *grads);
    for (int64_t r = 0; r < j->area; r++) {
        const real *d = distance + r * j->k;
        double mean = 0;
        if (mask_of(j, n)[r] == j->a->ignore)
            continue;
        look(&j->node->in[0], j->ms, place_of(j->ms, n * j->area + r), j->a->align_corners, &px);
        for (int64_t c = 0; c < j->k; c++)
            mean += (double)px.p[c] * (double)d[c];
        for (int64_t c = 0; c < j->k; c++)
            dz[c] = share / (double)j->images * (double)px.p[c] * ((double)d[c] - mean);
        loss += share * mean;
        spread(j->ls, n, &px, dz, grads);
    }
    j->loss[n * j->k] = loss;
    write_slope(j, n, grads);
}

static fpc_status boundary(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    job j = plan(node, 0, 0);
    const fpc_status st = begin(&j, exec);
    (void)rows;
    if (st)
        return st;
    fpc_exec_parallel(exec, j.ls.n, boundary_image, &j);
    finish(&j, (double)j.images);
    return FPC_OK;
}

const fpc_kernel REF_TABLE(loss_pixel)[] = {REF_ROW(lovasz, .need = lovasz_need),
                                            REF_ROW(ohem, .need = image_need),
                                            REF_ROW(boundary, .need = image_need),
                                            {0}};
