/* parts.h: what ends a sum over rows: the partial sums of all parts, added in the order of the parts. */
#ifndef KERNELS_CPU_PARTS_H
#define KERNELS_CPU_PARTS_H

#include "simd.h"

enum { PARTS_CHUNK = 4096 }; /* numbers that one thread adds at a time */

typedef struct parts_job {
    const fpc_exec *exec;
    float *out;
    int64_t count, offset;
} parts_job;

static void parts_add(void *arg, int32_t i, int32_t thread)
{
    const parts_job *job = arg;
    const int64_t first = (int64_t)i * PARTS_CHUNK;
    const int64_t n = job->count - first < PARTS_CHUNK ? job->count - first : PARTS_CHUNK;
    float *to = job->out + first;
    (void)thread;
    for (int32_t p = 0; p < fpc_exec_parts(job->exec); p++) {
        const float *from = (const float *)fpc_exec_part(job->exec, p) + job->offset + first;
        if (p == 0)
            memcpy(to, from, (size_t)n * sizeof *to);
        else
            for (int64_t j = 0; j < n; j++)
                to[j] += from[j];
    }
}

/* out[0..count) = the sum over all parts of the `count` floats at `offset` of each. */
static inline void parts_sum(fpc_exec *x, float *out, int64_t count, int64_t offset)
{
    parts_job job = {x, out, count, offset};
    fpc_exec_parallel(x, (int32_t)((count + PARTS_CHUNK - 1) / PARTS_CHUNK), parts_add, &job);
}

#endif
