/* plain.h: makes a file of kernels/ref a file of this backend: the same loops in float, compiled for each level of
 * instructions and with its exponential, for ops that take little time beside the network. */
#ifndef KERNELS_CPU_PLAIN_H
#define KERNELS_CPU_PLAIN_H

#include "math.h"
#define FPC_REAL float
#include "../ref/ref.h"

#undef REF_TABLE
#undef REF_ROW
#define REF_TABLE(family) FPC_CPU_TABLE(family)
#define REF_ROW(op_, ...) FPC_CPU_ROW(op_, .run = op_, __VA_ARGS__)

/* As in loss_pixel.h. */
#define PIXEL_LOG_SOFTMAX
static inline void log_softmax(const float *z, int64_t n, float *log_p, float *p)
{
    const float log2e = 1.44269504088896340736f;
    float most = z[0];
    vf sum = {0};
    for (int64_t c = 1; c < n; c++)
        most = z[c] > most ? z[c] : most;
    for (FPC_COLUMNS(j, m, n)) {
        const vf e = vf_exp2((vf_get(z + j, m) - most) * log2e);
        sum += m == VL ? e : vf_first(e, m);
        vf_put(p + j, e, m);
    }
    const float total = vf_sum(sum), scale = 1.0f / total, log_total = logf(total);
    for (FPC_COLUMNS(j, m, n)) {
        vf_put(p + j, vf_get(p + j, m) * scale, m);
        vf_put(log_p + j, vf_get(z + j, m) - most - log_total, m);
    }
}

#endif
