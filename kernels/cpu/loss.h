/* loss.h: what loss.c and loss_grad.c share. */
#ifndef KERNELS_CPU_LOSS_H
#define KERNELS_CPU_LOSS_H

#include "../ref/loss_overlap.h"
#include "loss_upsample.h"

#define LOSS_LOG2E 1.44269504088896340736f
#define LOSS_LN2 0.693147180559945309417f

/* Of loss_grad.c and loss_label.c; their rows stand in the table of loss.c. */
void FPC_CAT(fpc_cpu_need_seg_loss_grad, FPC_ISA)(const fpc_node *node, fpc_need *need);
fpc_status FPC_CAT(fpc_cpu_run_seg_loss_grad, FPC_ISA)(fpc_exec *x, const fpc_node *node, fpc_rows rows);
void FPC_CAT(fpc_cpu_need_seg_argmax, FPC_ISA)(const fpc_node *node, fpc_need *need);
fpc_status FPC_CAT(fpc_cpu_run_seg_argmax, FPC_ISA)(fpc_exec *x, const fpc_node *node, fpc_rows rows);
fpc_status FPC_CAT(fpc_cpu_run_softmax, FPC_ISA)(fpc_exec *x, const fpc_node *node, fpc_rows rows);

static inline double loss_class_weight(const fpc_seg_term *t, int64_t c)
{
    return t->class_weight ? (double)t->class_weight[c] : 1;
}

/* What an image counts: input `slot`, where there is one. */
static inline float loss_share(const fpc_node *node, int32_t slot, int32_t image)
{
    return node->n_in > slot ? ((const float *)node->in[slot].data)[image] : 1;
}

static inline vf loss_lookup(const float *table, vi index)
{
#if VL == 16
    return (vf)_mm512_i32gather_ps((__m512i)index, table, 4);
#elif VL == 8
    return (vf)_mm256_i32gather_ps(table, (__m256i)index, 4);
#else
    return (vf){table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
#endif
}

/* q^gamma for 0 <= q <= 1 */
static inline vf loss_power(vf q, float gamma)
{
    if (gamma == 0)
        return vf_set(1);
    if (gamma == 1)
        return q;
    if (gamma == 2)
        return q * q;
    const vf y = vf_exp2(vf_log(vf_max(vf_set(1e-37f), q)) * (gamma * LOSS_LOG2E));
    return vm_only(vm_gt(q, vf_set(0)), y) + (q - q);
}

/* Bands of an image: rows [*begin, *end) of its logits. */
static inline void loss_band(const struct up *u, int32_t task, int32_t *image, int32_t *begin, int32_t *end)
{
    *image = task / u->bands;
    *begin = task % u->bands * UP_BAND;
    *end = *begin + UP_BAND < u->lh ? *begin + UP_BAND : u->lh;
}

/* The expanded row of an image's logits; the ring holds the last even and the last odd one. have: of this task. */
static inline const float *loss_row(const struct up *u, const char *shared, char *scratch, const float *logits,
                                    int32_t row, float scale, int32_t have[2])
{
    float *to = (float *)(scratch + u->ring[row & 1]);
    if (have[row & 1] != row)
        up_expand(u, shared, scratch, logits + (int64_t)row * u->lw * u->k, scale, to);
    have[row & 1] = row;
    return to;
}

#endif
