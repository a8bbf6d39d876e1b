/* watch.c: a kernel's run over copies of a case's tensors with everything around them watched: outputs start as NaN, 64
 * bytes before and behind each buffer must stay as they were, inputs must not change. */
#define _GNU_SOURCE
#include "device.h"
#include <fpcore/half.h>
#include <math.h>
#include <string.h>
#include <time.h>

static void *guarded(fpc_arena *arena, size_t bytes, int fill_byte)
{
    char *p = fpc_alloc(arena, bytes + 2 * OP_GUARD);
    if (!p)
        return NULL;
    memset(p, OP_GUARD_BYTE, bytes + 2 * OP_GUARD);
    memset(p + OP_GUARD, fill_byte, bytes);
    return p + OP_GUARD;
}

static int guards_hold(const fpc_tensor *t)
{
    const char *before = (const char *)t->data - OP_GUARD,
               *behind = (const char *)t->data + fpc_bytes(t->shape, t->dtype);
    for (int i = 0; i < OP_GUARD; i++)
        if ((uint8_t)before[i] != OP_GUARD_BYTE || (uint8_t)behind[i] != OP_GUARD_BYTE)
            return 0;
    return 1;
}

/* A guarded copy in which numbers have the type `dtype`. */
static fpc_status copy_in(fpc_arena *arena, const fpc_tensor *from, uint32_t dtype, fpc_tensor *to)
{
    const double *x = from->data;
    const int64_t n = fpc_count(from->shape);
    *to = *from;
    to->dtype = dtype;
    to->data = guarded(arena, fpc_bytes(to->shape, dtype), 0);
    if (!to->data)
        return FPC_ENOMEM;
    if (dtype == from->dtype)
        memcpy(to->data, from->data, fpc_bytes(to->shape, dtype));
    else if (dtype == FPC_F32)
        for (int64_t i = 0; i < n; i++)
            ((float *)to->data)[i] = (float)x[i];
    else
        for (int64_t i = 0; i < n; i++)
            ((uint16_t *)to->data)[i] =
                dtype == FPC_BF16 ? fpc_float_to_bf16((float)x[i]) : fpc_float_to_f16((float)x[i]);
    return FPC_OK;
}

static double number(const fpc_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FPC_F64:
        return ((const double *)t->data)[i];
    case FPC_F32:
        return (double)((const float *)t->data)[i];
    case FPC_BF16:
        return (double)fpc_bf16_to_float(((const uint16_t *)t->data)[i]);
    case FPC_F16:
        return (double)fpc_f16_to_float(((const uint16_t *)t->data)[i]);
    case FPC_I32:
        return ((const int32_t *)t->data)[i];
    case FPC_I64:
        return (double)((const int64_t *)t->data)[i];
    default:
        return ((const uint8_t *)t->data)[i];
    }
}

static fpc_status check_memory(fpc_ctx *ctx, const op_tensors *t, const fpc_kernel *k, const op_view *v,
                               const fpc_tensor *before)
{
    for (int32_t i = 0; i < t->n_out; i++)
        if (!guards_hold(&v->out[i]))
            return fpc_fail(ctx, FPC_EINTERNAL, "%s writes beyond output %d", k->name, i);
    for (int32_t i = 0; i < t->n_in; i++) {
        const fpc_tensor *in = &v->in[i];
        const int in_place = (t->def->flags & FPC_OP_INPLACE) && i < t->n_out;
        if (!guards_hold(in) || (!in_place && memcmp(in->data, before[i].data, fpc_bytes(in->shape, in->dtype))))
            return fpc_fail(ctx, FPC_EINTERNAL, "%s writes to input %d", k->name, i);
    }
    return FPC_OK;
}

/* Copies of the inputs, and memory for the outputs. */
static fpc_status prepare(fpc_arena *arena, const op_tensors *t, const op_backend *b, op_view *v)
{
    op_view_of(t, b->real, v);
    for (int32_t i = 0; i < t->n_in; i++)
        if (copy_in(arena, &t->in[i], v->in[i].dtype, &v->in[i]))
            return FPC_ENOMEM;
    for (int32_t i = 0; i < t->n_out; i++) {
        v->out[i].data = t->def->flags & FPC_OP_INPLACE
                             ? v->in[i].data
                             : guarded(arena, fpc_bytes(v->out[i].shape, v->out[i].dtype), 0xff);
        if (!v->out[i].data)
            return FPC_ENOMEM;
    }
    return FPC_OK;
}

static fpc_status run_on_host(fpc_ctx *ctx, const op_tensors *t, const op_backend *b, const fpc_kernel *k,
                              op_split split, op_view *v)
{
    for (int32_t i = 0; i < t->n_in; i++)
        op_lock_guards(&v->in[i]);
    for (int32_t i = 0; i < t->n_out; i++)
        op_lock_guards(&v->out[i]);
    const fpc_status status = fpc_run_node(ctx, k, t->def, &v->node, split.parts, split.tile, b->device);
    for (int32_t i = 0; i < t->n_in; i++)
        op_unlock_guards(&v->in[i]);
    for (int32_t i = 0; i < t->n_out; i++)
        op_unlock_guards(&v->out[i]);
    return status;
}

static fpc_status run_on_device(fpc_ctx *ctx, const op_tensors *t, const op_backend *b, const fpc_kernel *k, op_view *v)
{
    op_loaded d;
    fpc_status status = op_load(ctx, b, k, t->def, &v->node, &d);
    if (!status)
        status = op_go(&d);
    if (!status)
        status = op_wait(&d);
    if (!status)
        status = op_fetch(&d, &v->node);
    op_unload(&d);
    return status;
}

fpc_status op_run(fpc_ctx *ctx, fpc_arena *arena, const op_tensors *t, const op_backend *b, const fpc_kernel *k,
                  op_split split, op_result *r)
{
    op_view v;
    fpc_tensor before[OP_MAX_IN];
    *r = (op_result){.n = t->n_out};
    if (!k)
        return fpc_fail(ctx, FPC_ENOSUPPORT, "%s has no kernel for %s", b->name, t->def->name);
    if (prepare(arena, t, b, &v))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < t->n_in; i++)
        if (copy_in(arena, &t->in[i], v.in[i].dtype, &before[i]))
            return FPC_ENOMEM;
    fpc_status status = b->vtbl ? run_on_device(ctx, t, b, k, &v) : run_on_host(ctx, t, b, k, split, &v);
    if (!status)
        status = check_memory(ctx, t, k, &v, before);
    for (int32_t i = 0; i < t->n_out && !status; i++) {
        r->out[i] = v.out[i];
        r->value[i] = fpc_alloc(arena, (size_t)fpc_count(r->out[i].shape) * sizeof(double));
        for (int64_t j = 0; r->value[i] && j < fpc_count(r->out[i].shape); j++)
            r->value[i][j] = number(&r->out[i], j);
        status = r->value[i] ? FPC_OK : FPC_ENOMEM;
    }
    return status;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Kernels are queued by the dozen: what the host takes to queue one and to wait is not the kernel's time. */
static fpc_status time_on_device(fpc_ctx *ctx, const op_tensors *t, const op_backend *b, const fpc_kernel *k,
                                 const op_view *v, double *seconds)
{
    enum { QUEUED = 20, ROUNDS = 5 };
    op_loaded d;
    fpc_status status = op_load(ctx, b, k, t->def, &v->node, &d);
    for (int round = 0; round < ROUNDS && !status; round++) {
        const double start = now();
        for (int i = 0; i < QUEUED && !status; i++)
            status = op_go(&d);
        if (!status)
            status = op_wait(&d);
        *seconds = fmin(*seconds, (now() - start) / QUEUED);
    }
    op_unload(&d);
    return status;
}

fpc_status op_time(fpc_ctx *ctx, fpc_arena *arena, const op_tensors *t, const op_backend *b, const fpc_kernel *k,
                   op_split split, double *seconds)
{
    op_view v;
    fpc_status status = prepare(arena, t, b, &v);
    const double from = now();
    *seconds = INFINITY;
    if (!status && b->vtbl)
        return time_on_device(ctx, t, b, k, &v, seconds);
    for (int runs = 0; !status && (runs < 3 || now() - from < 0.3); runs++) {
        const double start = now();
        status = fpc_run_node(ctx, k, t->def, &v.node, split.parts, split.tile, b->device);
        *seconds = fmin(*seconds, now() - start);
    }
    return status;
}
