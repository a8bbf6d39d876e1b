/* run.c: from a case to tensors, and a kernel's run over copies of them with everything around them watched: outputs
 * start as NaN, 64 bytes behind each buffer must stay as they were, inputs must not change. */
#define _GNU_SOURCE
#include "cases.h"
#include <fpcore/rng.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

double op_unit(uint32_t a, uint32_t b, uint64_t i)
{
    return (double)fpc_unit(fpc_philox4x32(a, b, (uint32_t)i, (uint32_t)(i >> 32), 1, 2).v[0]);
}

const fpc_op_def *op_def_of(const char *op)
{
    for (int32_t i = 0; i < fpc_n_builtin_ops; i++)
        if (!strcmp(fpc_builtin_ops[i].name, op))
            return &fpc_builtin_ops[i];
    return NULL;
}

const fpc_kernel *op_kernel_of(const op_backend *b, const fpc_node *node)
{
    const fpc_kernel *best = NULL;
    for (const fpc_kernel *k = b->kernel; k->op; k++)
        if (!strcmp(k->op, node->op) && (k->dtypes & FPC_DTYPE_BIT(b->real)) && (!k->match || k->match(node)) &&
            (!best || k->rank > best->rank))
            best = k;
    return best;
}

int32_t op_inputs_of(const op_case *c)
{
    int32_t n = 0;
    while (n < OP_MAX_IN && (c->in[n].shape.n > 0 || c->in[n].fill == FILL_FROM))
        n++;
    return n;
}

const char *op_label(fpc_arena *arena, const op_case *c)
{
    const fpc_shape s = c->in[0].shape, t = c->in[1].shape;
    const char *second = t.n > 0 ? fpc_sprintf(arena, ", %dx%dx%dx%d", t.n, t.h, t.w, t.c) : "";
    const char *note = *c->note ? fpc_sprintf(arena, " (%s)", c->note) : "";
    return fpc_sprintf(arena, "%s%s %dx%dx%dx%d%s", c->op, note, s.n, s.h, s.w, s.c, second);
}

/* ---- filling ---- */

static uint32_t dtype_of(op_fill fill)
{
    switch (fill) {
    case FILL_LABELS:
    case FILL_BYTES:
    case FILL_SWAPS:
    case FILL_BITS:
        return FPC_U8;
    case FILL_CLOCK:
        return FPC_I32;
    case FILL_COUNT:
        return FPC_I64;
    default:
        return FPC_F64;
    }
}

static uint8_t label(const op_input *in, uint32_t a, uint32_t b, int64_t i, int64_t image)
{
    const int one_image = in->lo > 1;
    if (one_image ? image == 0 || op_unit(a, b + 50, (uint64_t)i) < 0.125 : op_unit(a, b + 50, (uint64_t)i) < in->lo)
        return 255;
    return (uint8_t)(op_unit(a, b, (uint64_t)i) * in->hi);
}

static void fill_bytes(const op_input *in, uint32_t a, uint32_t b, uint8_t *p)
{
    const int64_t n = fpc_count(in->shape), each = n / in->shape.n;
    for (int64_t i = 0; i < n; i++)
        if (in->fill == FILL_LABELS)
            p[i] = label(in, a, b, i, i / each);
        else if (in->fill == FILL_SWAPS)
            p[i] = (uint8_t)(i / each % 2 ? (i % 256) ^ 1 : i % 256);
        else
            p[i] = (uint8_t)(op_unit(a, b, (uint64_t)i) * 256);
}

/* Pixel matrices for pictures of w x h: a mirror; a turn by 0.3 with zoom and shift; a perspective. */
static void fill_matrix(const op_input *in, fpc_shape s, double *p)
{
    const double w = s.w, h = s.h, c = 1.1 * cos(0.3), d = 1.1 * sin(0.3), cx = (w - 1) / 2, cy = (h - 1) / 2;
    const double kind[3][8] = {{-1, 0, w - 1, 0, 1, 0, 0, 0},
                               {c, -d, cx - c * cx + d * cy + 1.7, d, c, cy - d * cx - c * cy - 0.6, 0, 0},
                               {1.1, 0.05, -0.3, 0.02, 0.95, 0.4, 0.2 / w, -0.1 / h}};
    for (int32_t n = 0; n < in->shape.n; n++)
        for (int i = 0; i < 8; i++)
            p[n * 8 + i] = (double)(float)kind[n % 3][i];
}

static void fill_colour(const op_input *in, uint32_t a, uint32_t b, double *p)
{
    const int32_t stages = in->shape.w;
    for (int64_t k = 0; k < in->shape.n * stages; k++)
        for (int i = 0; i < 16 && k % 3 != 2; i++) {
            const double u = 2 * op_unit(a, b, (uint64_t)(k * 16 + i)) - 1;
            const int diagonal = i < 12 && i % 4 == i / 4;
            p[k * 16 + i] = (double)(float)(i == 15 ? (double)(k % 2) : diagonal ? 1 + 0.3 * u : 0.15 * u);
        }
}

static void fill_real(const op_input *in, uint32_t a, uint32_t b, double *p)
{
    for (int64_t i = 0; i < fpc_count(in->shape); i++) {
        const double u = op_unit(a, b, (uint64_t)i);
        p[i] = in->fill == FILL_GRID ? in->lo + floor(u * (in->hi - in->lo + 1))
                                     : (double)(float)(in->lo + u * (in->hi - in->lo));
    }
}

static void fill(const op_case *c, int32_t at, fpc_tensor *t)
{
    const op_input *in = &c->in[at];
    const uint32_t a = fpc_hash(c->op) + (uint32_t)c->in[0].shape.c, b = (uint32_t)at * 100;
    switch (in->fill) {
    case FILL_LABELS:
    case FILL_BYTES:
    case FILL_SWAPS:
        fill_bytes(in, a, b, t->data);
        break;
    case FILL_CLOCK:
        memcpy(t->data, (int32_t[]){0x12345678, (int32_t)0x9abcdef0u, 7, 0}, 16);
        break;
    case FILL_COUNT:
        *(int64_t *)t->data = 41;
        break;
    case FILL_MATRIX:
        fill_matrix(in, c->in[0].shape, t->data);
        break;
    case FILL_COLOUR:
        fill_colour(in, a, b, t->data);
        break;
    default:
        if (!op_fill_picture(in, a, b, t->data))
            fill_real(in, a, b, t->data);
    }
}

/* ---- nodes ---- */

static fpc_node node_of(const op_tensors *t, fpc_tensor *in, fpc_tensor *out)
{
    return (fpc_node){.size = sizeof(fpc_node),
                      .op = t->def->name,
                      .name = t->c->note[0] ? t->c->note : t->def->name,
                      .n_in = t->n_in,
                      .n_out = t->n_out,
                      .in = in,
                      .out = out,
                      .attr = &t->c->attr};
}

static fpc_status infer(fpc_ctx *ctx, op_tensors *t)
{
    t->n_out = t->def->n_out;
    for (int32_t i = 0; i < t->n_out; i++)
        t->out[i] = (fpc_tensor){.dtype = FPC_F64};
    fpc_node node = node_of(t, t->in, t->out);
    if (t->n_in < t->def->min_in || t->n_in > t->def->max_in)
        return fpc_fail(ctx, FPC_EINTERNAL, "%s takes %d to %d inputs, the case has %d", t->def->name, t->def->min_in,
                        t->def->max_in, t->n_in);
    return t->def->infer(ctx, &node);
}

/* An input that another op computes from inputs of this case. */
static fpc_status make_from(fpc_ctx *ctx, fpc_arena *arena, const op_backend *exact, op_tensors *t, int32_t at)
{
    const op_input *in = &t->c->in[at];
    op_tensors sub = {.c = t->c, .def = op_def_of(in->op)};
    for (const char *digit = in->args; *digit; digit++)
        sub.in[sub.n_in++] = t->in[*digit - '0'];
    fpc_status st = sub.def ? infer(ctx, &sub) : FPC_EINTERNAL;
    op_result r;
    fpc_node node = node_of(&sub, sub.in, sub.out);
    if (!st)
        st = op_run(ctx, arena, &sub, exact, op_kernel_of(exact, &node), (op_split){1, 0}, &r);
    if (st)
        return st;
    t->in[at] = r.out[in->slot];
    double *p = t->in[at].data;
    for (int64_t i = 0; i < fpc_count(t->in[at].shape) && t->in[at].dtype == FPC_F64; i++)
        p[i] = (double)(float)p[i];
    return FPC_OK;
}

fpc_status op_make(fpc_ctx *ctx, fpc_arena *arena, const op_case *c, const op_backend *exact, op_tensors *t)
{
    *t = (op_tensors){.c = c, .def = op_def_of(c->op), .n_in = op_inputs_of(c)};
    if (!t->def)
        return fpc_fail(ctx, FPC_EINTERNAL, "cases.c has the op `%s`, which is not in ops.def", c->op);
    for (int pass = 0; pass < 2; pass++) /* what is computed comes last: it may read later inputs */
        for (int32_t i = 0; i < t->n_in; i++) {
            if ((c->in[i].fill == FILL_FROM) != pass)
                continue;
            if (pass) {
                const fpc_status st = make_from(ctx, arena, exact, t, i);
                if (st)
                    return st;
                continue;
            }
            const uint32_t dtype = dtype_of(c->in[i].fill);
            t->in[i] = (fpc_tensor){fpc_alloc(arena, fpc_bytes(c->in[i].shape, dtype)), c->in[i].shape, dtype, 0};
            if (!t->in[i].data)
                return FPC_ENOMEM;
            fill(c, i, &t->in[i]);
        }
    return infer(ctx, t);
}

fpc_status op_of(fpc_ctx *ctx, const op_case *c, int32_t n_in, const fpc_tensor *in, op_tensors *t)
{
    *t = (op_tensors){.c = c, .def = op_def_of(c->op), .n_in = n_in};
    if (!t->def || n_in > OP_MAX_IN)
        return fpc_fail(ctx, FPC_EINTERNAL, "no op `%s` of %d inputs", c->op, n_in);
    memcpy(t->in, in, (size_t)n_in * sizeof *in);
    return infer(ctx, t);
}

fpc_status op_jitter(fpc_arena *arena, const op_tensors *t, uint32_t seed, op_tensors *out)
{
    *out = *t;
    for (int32_t i = 0; i < t->n_in; i++) {
        if (t->in[i].dtype != FPC_F64)
            continue;
        const int64_t n = fpc_count(t->in[i].shape);
        double *to = out->in[i].data = fpc_alloc(arena, (size_t)n * sizeof(double));
        if (!to)
            return FPC_ENOMEM;
        for (int64_t j = 0; j < n; j++)
            to[j] = ((const double *)t->in[i].data)[j] *
                    (1 + OP_JITTER * (2 * op_unit(seed, (uint32_t)i, (uint64_t)j) - 1));
    }
    return FPC_OK;
}

/* ---- running ---- */

enum { GUARD = 64 };

/* Under the address sanitizer the guard may not even be read while a kernel runs. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

static char *guard_of(const fpc_tensor *t)
{
    return (char *)t->data + fpc_bytes(t->shape, t->dtype);
}

static void lock_guards(fpc_tensor *t, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ASAN_POISON_MEMORY_REGION(guard_of(&t[i]), GUARD);
}

static void unlock_guards(fpc_tensor *t, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ASAN_UNPOISON_MEMORY_REGION(guard_of(&t[i]), GUARD);
}

static void *guarded(fpc_arena *arena, size_t bytes, int fill_byte)
{
    char *p = fpc_alloc(arena, bytes + GUARD);
    if (p) {
        memset(p, fill_byte, bytes);
        memset(p + bytes, 0xA5, GUARD);
    }
    return p;
}

static int guard_holds(const fpc_tensor *t)
{
    const char *p = guard_of(t);
    for (int i = 0; i < GUARD; i++)
        if ((uint8_t)p[i] != 0xA5)
            return 0;
    return 1;
}

/* A guarded copy in which real numbers have the type `real`. */
static fpc_status copy_in(fpc_arena *arena, const fpc_tensor *from, uint32_t real, fpc_tensor *to)
{
    *to = *from;
    if (from->dtype == FPC_F64)
        to->dtype = real;
    to->data = guarded(arena, fpc_bytes(to->shape, to->dtype), 0);
    if (!to->data)
        return FPC_ENOMEM;
    if (to->dtype == from->dtype)
        memcpy(to->data, from->data, fpc_bytes(to->shape, to->dtype));
    else
        for (int64_t i = 0; i < fpc_count(to->shape); i++)
            ((float *)to->data)[i] = (float)((const double *)from->data)[i];
    return FPC_OK;
}

static double number(const fpc_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FPC_F64:
        return ((const double *)t->data)[i];
    case FPC_F32:
        return (double)((const float *)t->data)[i];
    case FPC_I32:
        return ((const int32_t *)t->data)[i];
    case FPC_I64:
        return (double)((const int64_t *)t->data)[i];
    default:
        return ((const uint8_t *)t->data)[i];
    }
}

static fpc_status check_memory(fpc_ctx *ctx, const op_tensors *t, const fpc_kernel *k, const fpc_tensor *in,
                               const fpc_tensor *before, const fpc_tensor *out)
{
    for (int32_t i = 0; i < t->n_out; i++)
        if (!guard_holds(&out[i]))
            return fpc_fail(ctx, FPC_EINTERNAL, "%s writes beyond output %d", k->name, i);
    for (int32_t i = 0; i < t->n_in; i++) {
        const int in_place = (t->def->flags & FPC_OP_INPLACE) && i < t->n_out;
        if (!guard_holds(&in[i]) ||
            (!in_place && memcmp(in[i].data, before[i].data, fpc_bytes(in[i].shape, in[i].dtype))))
            return fpc_fail(ctx, FPC_EINTERNAL, "%s writes to input %d", k->name, i);
    }
    return FPC_OK;
}

/* Copies of the inputs, and memory for the outputs. */
static fpc_status prepare(fpc_arena *arena, const op_tensors *t, const op_backend *b, fpc_tensor *in, fpc_tensor *out)
{
    for (int32_t i = 0; i < t->n_in; i++)
        if (copy_in(arena, &t->in[i], b->real, &in[i]))
            return FPC_ENOMEM;
    for (int32_t i = 0; i < t->n_out; i++) {
        out[i] = t->out[i];
        if (out[i].dtype == FPC_F64)
            out[i].dtype = b->real;
        out[i].data =
            t->def->flags & FPC_OP_INPLACE ? in[i].data : guarded(arena, fpc_bytes(out[i].shape, out[i].dtype), 0xff);
        if (!out[i].data)
            return FPC_ENOMEM;
    }
    return FPC_OK;
}

fpc_status op_run(fpc_ctx *ctx, fpc_arena *arena, const op_tensors *t, const op_backend *b, const fpc_kernel *k,
                  op_split split, op_result *r)
{
    fpc_tensor in[OP_MAX_IN], before[OP_MAX_IN];
    *r = (op_result){.n = t->n_out};
    if (!k)
        return fpc_fail(ctx, FPC_ENOSUPPORT, "%s has no kernel for %s", b->name, t->def->name);
    if (prepare(arena, t, b, in, r->out))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < t->n_in; i++)
        if (copy_in(arena, &t->in[i], b->real, &before[i]))
            return FPC_ENOMEM;
    fpc_node node = node_of(t, in, r->out);
    lock_guards(in, t->n_in);
    lock_guards(r->out, t->n_out);
    fpc_status st = fpc_run_node(ctx, k, t->def, &node, split.parts, split.tile, b->exec);
    unlock_guards(in, t->n_in);
    unlock_guards(r->out, t->n_out);
    if (!st)
        st = check_memory(ctx, t, k, in, before, r->out);
    for (int32_t i = 0; i < t->n_out && !st; i++) {
        r->value[i] = fpc_alloc(arena, (size_t)fpc_count(r->out[i].shape) * sizeof(double));
        for (int64_t j = 0; r->value[i] && j < fpc_count(r->out[i].shape); j++)
            r->value[i][j] = number(&r->out[i], j);
        st = r->value[i] ? FPC_OK : FPC_ENOMEM;
    }
    return st;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

fpc_status op_time(fpc_ctx *ctx, fpc_arena *arena, const op_tensors *t, const op_backend *b, const fpc_kernel *k,
                   op_split split, double *seconds)
{
    fpc_tensor in[OP_MAX_IN], out[OP_MAX_OUT];
    fpc_status st = prepare(arena, t, b, in, out);
    fpc_node node = node_of(t, in, out);
    const double from = now();
    *seconds = INFINITY;
    for (int runs = 0; !st && (runs < 3 || now() - from < 0.3); runs++) {
        const double start = now();
        st = fpc_run_node(ctx, k, t->def, &node, split.parts, split.tile, b->exec);
        *seconds = fmin(*seconds, now() - start);
    }
    return st;
}
