/* parts.h: what ends a sum over rows: the partial sums of all parts, added in pairs, pairs of pairs and so on. This
 * tree is a function of the number of parts alone. Its nodes are tasks that go to whatever threads there are, one for a
 * chunk of the numbers and PARTS_FOLD parts at a time, so the sum of many parts keeps many threads busy whether it is
 * long or short, and no thread shows in the result. */
#ifndef KERNELS_CPU_PARTS_H
#define KERNELS_CPU_PARTS_H

#include "simd.h"

enum {
    PARTS_FOLD = 8,     /* parts that become one in a task: three levels of the tree, in registers */
    PARTS_CHUNK = 2048, /* numbers of a task */
    PARTS_ALONE = 4096  /* fewer numbers in all are added where they are: a job for all threads takes longer */
};

/* ---- floats ---- */

/* `batch` sums of `parts` parts each. Afterwards part 0 of each holds the sum, or `out` has them, one after the other;
 * the other parts hold nothing of use. */
typedef struct parts_fold {
    float *base;
    int64_t stride, batch_stride, count; /* floats from part to part, from sum to sum; of a part that are added */
    int32_t parts, batch;
    float *out;                   /* NULL: none */
    int32_t step, groups, chunks; /* of the level at work: every step-th part is a sum already */
} parts_fold;

/* to[0..count) = the tree sum of m vectors that lie `stride` apart. */
FPC_INLINE void parts_add(int32_t m, const float *from, int64_t stride, float *to, int64_t count)
{
    for (FPC_COLUMNS(j, n, count)) {
        vf v[PARTS_FOLD] = {{0}};
        for (int32_t i = 0; i < m; i++)
            v[i] = vf_get(from + i * stride + j, n);
        for (int32_t s = 1; s < m; s *= 2)
            for (int32_t i = 0; i + s < m; i += 2 * s)
                v[i] += v[i + s];
        vf_put(to + j, v[0], n);
    }
}

static void parts_fold_task(void *arg, int32_t task, int32_t thread)
{
    const parts_fold *f = arg;
    const int32_t chunk = task % f->chunks, group = task / f->chunks % f->groups, sum = task / f->chunks / f->groups;
    const int64_t first = (int64_t)chunk * PARTS_CHUNK, stride = f->stride * f->step;
    const int64_t n = f->count - first < PARTS_CHUNK ? f->count - first : PARTS_CHUNK;
    const int32_t left = (f->parts - group * PARTS_FOLD * f->step + f->step - 1) / f->step;
    float *from = f->base + sum * f->batch_stride + group * PARTS_FOLD * stride + first, *to = from;
    (void)thread;
    if (f->out && f->groups == 1)
        to = f->out + sum * f->count + first;
    switch (left < PARTS_FOLD ? left : PARTS_FOLD) { /* with a known number of parts they stay in registers */
    case 8:
        parts_add(8, from, stride, to, n);
        break;
    case 4:
        parts_add(4, from, stride, to, n);
        break;
    case 2:
        parts_add(2, from, stride, to, n);
        break;
    case 1:
        if (to != from)
            memcpy(to, from, (size_t)n * sizeof *to);
        break;
    default:
        parts_add(left, from, stride, to, n);
    }
}

static inline void parts_fold_run(fpc_exec *x, parts_fold f)
{
    f.chunks = (int32_t)((f.count + PARTS_CHUNK - 1) / PARTS_CHUNK);
    f.step = 1;
    do {
        f.groups = (f.parts + PARTS_FOLD * f.step - 1) / (PARTS_FOLD * f.step);
        const int32_t tasks = f.chunks * f.groups * f.batch;
        if (f.count * f.batch * (f.parts / f.step) < PARTS_ALONE)
            for (int32_t i = 0; i < tasks; i++)
                parts_fold_task(&f, i, 0);
        else
            fpc_exec_parallel(x, tasks, parts_fold_task, &f);
        f.step *= PARTS_FOLD;
    } while (f.groups > 1);
}

/* out[0..count) = the sum over all parts of the `count` floats at `offset` of each; out NULL: it is in part 0. */
static inline void parts_sum(fpc_exec *x, float *out, int64_t count, int64_t offset)
{
    const int32_t parts = fpc_exec_parts(x);
    float *base = fpc_exec_part(x, 0);
    const int64_t stride = parts > 1 ? (float *)fpc_exec_part(x, 1) - base : 0;
    const parts_fold f = {
        .base = base + offset, .stride = stride, .count = count, .parts = parts, .batch = 1, .out = out};
    parts_fold_run(x, f);
}

/* ---- anything else ---- */

typedef struct parts_tree {
    fpc_exec *exec;
    /* Each part once, before it is joined; then part `from` goes into part `into`. */
    void (*prepare)(void *part, int64_t width);
    void (*join)(void *into, const void *from, int64_t width);
    int64_t width;
    int32_t step;
} parts_tree;

static void parts_tree_task(void *arg, int32_t group, int32_t thread)
{
    const parts_tree *t = arg;
    const int32_t first = group * PARTS_FOLD * t->step, most = fpc_exec_parts(t->exec) - first;
    const int32_t n = most < PARTS_FOLD * t->step ? most : PARTS_FOLD * t->step;
    (void)thread;
    for (int32_t i = 0; i < n && t->step == 1 && t->prepare; i++)
        t->prepare(fpc_exec_part(t->exec, first + i), t->width);
    for (int32_t s = t->step; s < n; s *= 2)
        for (int32_t i = 0; i + s < n; i += 2 * s)
            t->join(fpc_exec_part(t->exec, first + i), fpc_exec_part(t->exec, first + i + s), t->width);
}

/* Joins all parts, which are `width` numbers wide, into part 0. */
static inline void parts_tree_run(fpc_exec *x, void (*prepare)(void *, int64_t),
                                  void (*join)(void *, const void *, int64_t), int64_t width)
{
    parts_tree t = {x, prepare, join, width, 1};
    const int32_t parts = fpc_exec_parts(x);
    for (int32_t groups = 0; groups != 1; t.step *= PARTS_FOLD) {
        groups = (parts + PARTS_FOLD * t.step - 1) / (PARTS_FOLD * t.step);
        if (width * (parts / t.step) < PARTS_ALONE)
            for (int32_t g = 0; g < groups; g++)
                parts_tree_task(&t, g, 0);
        else
            fpc_exec_parallel(x, groups, parts_tree_task, &t);
    }
}

#endif
