/* run.c: from a case to tensors: fills the inputs, lets ref compute those that other ops make, infers the outputs, and
 * rounds what half precision stores as bf16 or fp16. watch.c runs kernels on them. */
#include "cases.h"
#include <fpcore/half.h>
#include <fpcore/rng.h>
#include <math.h>
#include <string.h>

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
    case FILL_INDEX:
        return FPC_I32;
    case FILL_BF16:
        return FPC_BF16;
    case FILL_F16:
        return FPC_F16;
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
    const int32_t experiment = in->shape.w;
    for (int64_t k = 0; k < in->shape.n * experiment; k++)
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

static void fill_index(const op_input *in, uint32_t a, uint32_t b, int32_t *p)
{
    for (int64_t i = 0; i < fpc_count(in->shape); i++)
        p[i] = (int32_t)(in->hi * op_unit(a, b, (uint64_t)i));
}

static void fill_half(const op_input *in, uint32_t a, uint32_t b, uint16_t *p)
{
    for (int64_t i = 0; i < fpc_count(in->shape); i++) {
        const float v = (float)(in->lo + op_unit(a, b, (uint64_t)i) * (in->hi - in->lo));
        p[i] = in->fill == FILL_BF16 ? fpc_float_to_bf16(v) : fpc_float_to_f16(v);
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
    case FILL_INDEX:
        fill_index(in, a, b, t->data);
        break;
    case FILL_BF16:
    case FILL_F16:
        fill_half(in, a, b, t->data);
        break;
    case FILL_STATE:
        memcpy(t->data, (double[]){in->lo, in->hi, 20, 3}, 4 * sizeof(double));
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

/* The letter of argument i in the column `half` of ops.def; after: that of the outputs. */
static char half_letter(const fpc_op_def *def, int output, int32_t i)
{
    const char *letter = def->half;
    if (!letter)
        return 'f';
    if (output)
        letter = strchr(letter, '>') + 1;
    while (i-- > 0 && letter[1] && letter[1] != '>')
        letter++;
    return *letter;
}

int op_is_half(const op_tensors *t, int output, int32_t i)
{
    return t->half && half_letter(t->def, output, i) == 'h' && (output ? t->out : t->in)[i].dtype == FPC_F64;
}

void op_view_of(const op_tensors *t, uint32_t real, op_view *v)
{
    *v = (op_view){.node = {.size = sizeof(fpc_node),
                            .op = t->def->name,
                            .name = t->c->note[0] ? t->c->note : t->def->name,
                            .n_in = t->n_in,
                            .n_out = t->n_out,
                            .in = v->in,
                            .out = v->out,
                            .attr = &t->c->attr}};
    for (int32_t i = 0; i < t->n_in; i++) {
        v->in[i] = t->in[i];
        if (t->in[i].dtype == FPC_F64)
            v->in[i].dtype = op_is_half(t, 0, i) ? t->half : real;
    }
    for (int32_t i = 0; i < t->n_out; i++) {
        v->out[i] = t->out[i];
        if (t->out[i].dtype == FPC_F64)
            v->out[i].dtype = op_is_half(t, 1, i) ? t->half : real;
    }
}

int op_takes(const op_backend *b, const fpc_kernel *k, const op_tensors *t)
{
    op_view v;
    op_view_of(t, b->real, &v);
    return !strcmp(k->op, t->def->name) && (k->dtypes & FPC_DTYPE_BIT(t->half ? t->half : b->real)) &&
           (!k->match || k->match(&v.node));
}

const fpc_kernel *op_kernel_of(const op_backend *b, const op_tensors *t)
{
    const fpc_kernel *best = NULL;
    for (const fpc_kernel *const *table = b->tables; *table; table++)
        for (const fpc_kernel *k = *table; k->op; k++)
            if ((!best || k->rank > best->rank) && op_takes(b, k, t))
                best = k;
    return best;
}

static fpc_status infer(fpc_ctx *ctx, op_tensors *t)
{
    t->n_out = t->def->n_out;
    for (int32_t i = 0; i < t->n_out; i++)
        t->out[i] = (fpc_tensor){.dtype = FPC_F64};
    const fpc_node node = {.size = sizeof node,
                           .op = t->def->name,
                           .name = t->c->note[0] ? t->c->note : t->def->name,
                           .n_in = t->n_in,
                           .n_out = t->n_out,
                           .in = t->in,
                           .out = t->out,
                           .attr = &t->c->attr};
    if (t->n_in < t->def->min_in || t->n_in > t->def->max_in)
        return fpc_fail(ctx, FPC_EINTERNAL, "%s takes %d to %d inputs, the case has %d", t->def->name, t->def->min_in,
                        t->def->max_in, t->n_in);
    return t->def->infer(ctx, (fpc_node *)&node);
}

double op_rounded(double x, uint32_t dtype)
{
    return dtype == FPC_BF16  ? (double)fpc_bf16_to_float(fpc_float_to_bf16((float)x))
           : dtype == FPC_F16 ? (double)fpc_f16_to_float(fpc_float_to_f16((float)x))
                              : (double)(float)x;
}

/* The truth starts from the numbers that the kernels get. */
static void round_input(op_tensors *t, int32_t at)
{
    double *p = t->in[at].data;
    for (int64_t i = 0; i < fpc_count(t->in[at].shape) && t->in[at].dtype == FPC_F64; i++)
        p[i] = op_rounded(p[i], op_is_half(t, 0, at) ? t->half : FPC_F32);
}

/* An input that another op computes from inputs of this case. */
static fpc_status make_from(fpc_ctx *ctx, fpc_arena *arena, const op_backend *exact, op_tensors *t, int32_t at)
{
    const op_input *in = &t->c->in[at];
    op_tensors sub = {.c = t->c, .def = op_def_of(in->op)};
    for (const char *digit = in->args; *digit; digit++)
        sub.in[sub.n_in++] = t->in[*digit - '0'];
    fpc_status status = sub.def ? infer(ctx, &sub) : FPC_EINTERNAL;
    op_result r;
    if (!status)
        status = op_run(ctx, arena, &sub, exact, op_kernel_of(exact, &sub), (op_split){1, 0}, &r);
    if (status)
        return status;
    t->in[at] = r.out[in->slot];
    round_input(t, at);
    return FPC_OK;
}

fpc_status op_make(fpc_ctx *ctx, fpc_arena *arena, const op_case *c, const op_backend *exact, op_tensors *t)
{
    return op_make_half(ctx, arena, c, exact, 0, t);
}

fpc_status op_make_half(fpc_ctx *ctx, fpc_arena *arena, const op_case *c, const op_backend *exact, uint32_t half,
                        op_tensors *t)
{
    *t = (op_tensors){.c = c, .def = op_def_of(c->op), .n_in = op_inputs_of(c), .half = half};
    if (!t->def)
        return fpc_fail(ctx, FPC_EINTERNAL, "cases.c has the op `%s`, which is not in ops.def", c->op);
    for (int pass = 0; pass < 2; pass++) /* what is computed comes last: it may read later inputs */
        for (int32_t i = 0; i < t->n_in; i++) {
            if ((c->in[i].fill == FILL_FROM) != pass)
                continue;
            if (pass) {
                const fpc_status status = make_from(ctx, arena, exact, t, i);
                if (status)
                    return status;
                continue;
            }
            const uint32_t dtype = dtype_of(c->in[i].fill);
            t->in[i] = (fpc_tensor){fpc_alloc(arena, fpc_bytes(c->in[i].shape, dtype)), c->in[i].shape, dtype, 0};
            if (!t->in[i].data)
                return FPC_ENOMEM;
            fill(c, i, &t->in[i]);
            if (half)
                round_input(t, i);
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

fpc_status op_jitter(fpc_arena *arena, const op_tensors *t, uint32_t seed, double most, op_tensors *out)
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
            to[j] = ((const double *)t->in[i].data)[j] * (1 + most * (2 * op_unit(seed, (uint32_t)i, (uint64_t)j) - 1));
    }
    return FPC_OK;
}
