/* try.h: running single ops over given numbers, on every backend: what the property tests share. */
#ifndef TESTS_OPS_TRY_H
#define TESTS_OPS_TRY_H

#include "backends.h"

static op_backends *all;

static inline fpc_tensor reals(int32_t n, int32_t h, int32_t w, int32_t c)
{
    const fpc_shape s = {n, h, w, c};
    const fpc_tensor t = {fpc_alloc(all->scratch, fpc_bytes(s, FPC_F64)), s, FPC_F64, 0};
    assert_non_null(t.data);
    return t;
}

static inline fpc_tensor bytes(int32_t n, int32_t h, int32_t w, int32_t c)
{
    const fpc_shape s = {n, h, w, c};
    const fpc_tensor t = {fpc_alloc(all->scratch, fpc_bytes(s, FPC_U8)), s, FPC_U8, 0};
    assert_non_null(t.data);
    return t;
}

static inline fpc_tensor clock_at(int32_t low, int32_t high, int32_t step)
{
    const fpc_tensor t = {fpc_alloc(all->scratch, 16), {1, 1, 1, 4}, FPC_I32, 0};
    assert_non_null(t.data);
    memcpy(t.data, (int32_t[]){low, high, step, 0}, 16);
    return t;
}

/* Numbers in [lo, hi] that float holds. */
static inline fpc_tensor random_reals(int32_t n, int32_t h, int32_t w, int32_t c, double lo, double hi, uint32_t seed)
{
    const fpc_tensor t = reals(n, h, w, c);
    for (int64_t i = 0; i < fpc_count(t.shape); i++)
        ((double *)t.data)[i] = (double)(float)(lo + (hi - lo) * op_unit(seed, 17, (uint64_t)i));
    return t;
}

static inline double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Runs the op of the case by the best kernel of the backend. */
static inline fpc_status try_op(const op_backend *b, const op_case *c, int32_t n_in, const fpc_tensor *in, op_result *r)
{
    op_tensors t;
    const fpc_status status = op_of(all->b.ctx, c, n_in, in, &t);
    if (status)
        return status;
    return op_run(all->b.ctx, all->scratch, &t, b, op_kernel_of(b, &t), (op_split){1, 0}, r);
}

static inline op_result run_op(const op_backend *b, const op_case *c, int32_t n_in, const fpc_tensor *in)
{
    op_result r;
    if (try_op(b, c, n_in, in, &r))
        fail_msg("%s (%s): %s", c->op, b->name, op_error(all));
    return r;
}

/* Calls the check with each backend: ref in double, ref in float, the others. */
static inline void on_each(void (*check)(const op_backend *))
{
    check(&all->exact);
    check(&all->single);
    for (int32_t i = 0; i < all->n_others; i++)
        check(&all->other[i]);
    fpc_arena_reset(all->scratch);
}

static inline double accuracy(const op_backend *b)
{
    return b->real == FPC_F64 ? 1e-12 : 2e-6;
}

#endif
