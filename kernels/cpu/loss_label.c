/* loss_label.c (cpu): what needs no label: the arg-max of upsampled logits (loss_upsample.h), which never exist in full
 * size, and softmax over the classes. */
#include "loss.h"
#include <math.h>

struct label_job {
    fpc_exec *x;
    const fpc_node *node;
    struct up up;
    size_t index, shared_bytes, thread_bytes;
    char *shared;
};

static struct label_job plan_labels(const fpc_node *node)
{
    const fpc_resize_attr *attr = node->attr;
    struct label_job job = {.node = node, .up = up_plan(node->in[0].shape, attr->h, attr->w, attr->align_corners)};
    job.thread_bytes = job.up.thread;
    job.index = up_take(&job.thread_bytes, (size_t)job.up.vectors * VL * sizeof(int32_t));
    job.shared_bytes = job.up.shared;
    return job;
}

void FPC_CAT(fpc_cpu_need_seg_argmax, FPC_ISA)(const fpc_node *node, fpc_need *need)
{
    const struct label_job job = plan_labels(node);
    need->shared = job.shared_bytes;
    need->thread = job.thread_bytes;
}

/* The lowest of the classes with the largest logit, for a row of pixels in the order of expanded rows. */
static void best_of_row(const struct up *u, const float *e0, const float *e1, float wy, int32_t *index)
{
    const int64_t step = (int64_t)u->k * VL;
    for (int32_t v = 0; v < u->vectors; v++, e0 += step, e1 += step) {
        vf most = vf_set(-INFINITY);
        vi best = {0};
        for (int32_t c = 0; c < u->k; c++) {
            const vf a = vf_load(e0 + c * VL), z = vf_fma(vf_load(e1 + c * VL) - a, vf_set(wy), a);
            best = vm_pick_i(vm_gt(z, most), vi_set(c), best);
            most = vf_max(most, z);
        }
        vi_store(index + v * VL, best);
    }
}

static void write_row(const struct up *u, const int32_t *index, uint8_t *to)
{
    for (int32_t x = 0; !u->phases && x < u->w; x++)
        to[x] = (uint8_t)index[x];
    for (int32_t p = 0; p < u->phases; p++, index += u->phase_vectors * VL)
        for (int32_t j = 0; j < u->lw; j++)
            to[j * u->phases + p] = (uint8_t)index[j];
}

static void label_task(void *arg, int32_t i, int32_t thread)
{
    const struct label_job *job = arg;
    const struct up *u = &job->up;
    char *scratch = fpc_exec_scratch(job->x, thread);
    int32_t image, row, end, have[2] = {-1, -1};
    loss_band(u, i, &image, &row, &end);
    const float *logits = (const float *)job->node->in[0].data + (int64_t)image * u->lh * u->lw * u->k;
    uint8_t *to = (uint8_t *)job->node->out[0].data + (int64_t)image * u->h * u->w;
    const int32_t *first = (const int32_t *)(job->shared + u->first);
    const float *wy = (const float *)(job->shared + u->wy);
    int32_t *index = (int32_t *)(scratch + job->index);
    for (; row < end; row++) {
        if (first[row] == first[row + 1])
            continue;
        const float *e0 = loss_row(u, job->shared, scratch, logits, row, 1, have);
        const float *e1 = row + 1 < u->lh ? loss_row(u, job->shared, scratch, logits, row + 1, 1, have) : e0;
        for (int32_t y = first[row]; y < first[row + 1]; y++) {
            best_of_row(u, e0, e1, wy[y], index);
            write_row(u, index, to + (int64_t)y * u->w);
        }
    }
}

fpc_status FPC_CAT(fpc_cpu_run_seg_argmax, FPC_ISA)(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    struct label_job job = plan_labels(node);
    job.x = x;
    job.shared = fpc_exec_shared(x);
    up_begin(&job.up, ((const fpc_resize_attr *)node->attr)->align_corners, job.shared);
    fpc_exec_parallel(x, job.up.bands * job.up.n, label_task, &job);
    return FPC_OK;
}

/* Each row twice over: its exponentials go to y first. */
fpc_status FPC_CAT(fpc_cpu_run_softmax, FPC_ISA)(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t c = node->in[0].shape.c;
    const float *a = node->in[0].data;
    float *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++, a += c, y += c) {
        float most = a[0];
        for (int64_t j = 1; j < c; j++)
            most = a[j] > most ? a[j] : most;
        vf sum = {0};
        for (FPC_COLUMNS(j, n, c)) {
            const vf e = vf_exp2((vf_get(a + j, n) - most) * LOSS_LOG2E);
            sum += n == VL ? e : vf_first(e, n);
            vf_put(y + j, e, n);
        }
        const float scale = 1.0f / vf_sum(sum);
        for (FPC_COLUMNS(j, n, c))
            vf_put(y + j, vf_get(y + j, n) * scale, n);
    }
    return FPC_OK;
}
