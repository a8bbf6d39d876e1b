/* conv_grad.c: gradient of a convolution by its input, which is also the transposed convolution.
 *
 * Input pixels are sorted by phase ((y + pad) mod stride, (x + pad) mod stride): all pixels of a phase are reached by
 * the same taps of the kernel, so that each phase is a matrix product of gathered rows of dy with those taps of the
 * weight, and no product with a zero is computed. Taps run backwards along x: their dy then lie side by side. */
#include "conv.h"

static conv_shape shape_of(const fpc_node *node)
{
    return conv_shape_of(node->attr, node->out[0].shape, node->in[0].shape);
}

/* Taps k = phase, phase + stride, ... below size */
static int64_t taps_of(int64_t phase, int64_t size, int64_t stride)
{
    return phase < size ? (size - phase + stride - 1) / stride : 0;
}

static int64_t widest(conv_shape s)
{
    return taps_of(0, s.kh, s.stride) * taps_of(0, s.kw, s.stride) * (s.k / s.groups);
}

/* Packed weights: for each group, for each phase, room for the widest phase. */
static size_t phase_floats(conv_shape s)
{
    return gemm_packed(widest(s), s.c / s.groups);
}

typedef struct scratch {
    real *patches, *result;
    int64_t *row; /* where the rows of result belong, relative to the tile */
    int64_t ld, block;
    void *products; /* what gemm.h needs */
} scratch;

static size_t scratch_layout(conv_shape s, char *memory, scratch *to)
{
    to->block = conv_block_rows(widest(s));
    to->ld = conv_row_stride(widest(s));
    const size_t patches = ((size_t)(to->block * to->ld) * sizeof(real) + 63) / 64 * 64;
    const size_t result = (size_t)(to->block * conv_row_stride(s.c / s.groups)) * sizeof(real);
    if (memory) {
        to->patches = (real *)memory;
        to->result = (real *)(memory + patches);
        to->row = (int64_t *)(memory + patches + result);
    }
    return (patches + result + (size_t)to->block * sizeof(int64_t) + 63) / 64 * 64;
}

/* The packed weights of all phases, in bytes. Nothing bounds a stride, so its square may be more than can be counted.
 */
static size_t phases_bytes(conv_shape s)
{
    size_t bytes;
    return __builtin_mul_overflow((size_t)(s.groups * s.stride) * sizeof(float), (size_t)s.stride, &bytes) ||
                   __builtin_mul_overflow(bytes, phase_floats(s), &bytes) || bytes > SIZE_MAX / 2
               ? SIZE_MAX / 2
               : bytes;
}

void conv_grad_x_need(const fpc_node *node, fpc_need *need)
{
    const conv_shape s = shape_of(node);
    scratch layout = {0};
    need->shared = phases_bytes(s);
    need->thread = scratch_layout(s, NULL, &layout) + gemm_scratch(widest(s), s.c / s.groups);
    if (!conv_is_pointwise(s)) /* the taps of a phase, in the order of its patches */
        need->shared += (size_t)(widest(s) * (s.c / s.groups)) * sizeof(real);
}

/* Weights of a phase as rows (ky, kx falling, out channel) of c/groups numbers; returns the number of rows. */
static int64_t sort_taps(conv_shape s, const real *w, int64_t group, int64_t py, int64_t px, real *to)
{
    const int64_t cg = s.c / s.groups, kg = s.k / s.groups;
    const int64_t ny = taps_of(py, s.kh, s.stride), nx = taps_of(px, s.kw, s.stride);
    for (int64_t ty = 0; ty < ny; ty++)
        for (int64_t tx = nx; tx-- > 0;)
            for (int64_t o = 0; o < kg; o++, to += cg)
                memcpy(to, w + (((group * kg + o) * s.kh + py + ty * s.stride) * s.kw + px + tx * s.stride) * cg,
                       (size_t)cg * sizeof *to);
    return ny * nx * kg;
}

fpc_status conv_grad_x_begin(fpc_exec *x, const fpc_node *node)
{
    const conv_shape s = shape_of(node);
    const int64_t cg = s.c / s.groups;
    const real *w = reals(&node->in[1]);
    const float *bias = node->n_in > 2 ? floats(&node->in[2]) : NULL;
    float *packed = fpc_exec_shared(x);

    if (conv_is_pointwise(s)) {
        fpc_gemm_pack(packed, s.k, s.c, w, s.c, 1, bias);
        return FPC_OK;
    }
    real *sorted = (real *)(packed + phase_floats(s) * (size_t)(s.groups * s.stride * s.stride));
    for (int64_t g = 0; g < s.groups; g++)
        for (int64_t phase = 0; phase < s.stride * s.stride; phase++, packed += phase_floats(s)) {
            const int64_t width = sort_taps(s, w, g, phase / s.stride, phase % s.stride, sorted);
            fpc_gemm_pack(packed, width, cg, sorted, cg, 1, bias ? bias + g * cg : NULL);
        }
    return FPC_OK;
}

/* The dy that reach input pixel (n, iy, ix), whose phase is (py, px). */
static void gather_row(conv_shape s, const real *dy, int64_t group, int64_t n, int64_t iy, int64_t ix, int64_t py,
                       int64_t px, real *to)
{
    const int64_t kg = s.k / s.groups, ny = taps_of(py, s.kh, s.stride), nx = taps_of(px, s.kw, s.stride);
    const int64_t x0 = (ix + s.pad - px) / s.stride - (nx - 1); /* of the last tap */
    const int64_t lo = x0 < 0 ? (-x0 < nx ? -x0 : nx) : 0;
    const int64_t hi = s.wo - x0 < nx ? (s.wo - x0 > lo ? s.wo - x0 : lo) : nx;

    for (int64_t ty = 0; ty < ny; ty++, to += nx * kg) {
        const int64_t oy = (iy + s.pad - py) / s.stride - ty;
        if (oy < 0 || oy >= s.ho || lo >= hi) {
            conv_zero(to, nx * kg);
            continue;
        }
        const real *from = dy + ((n * s.ho + oy) * s.wo + x0 + lo) * s.k + group * kg;
        if (lo > 0)
            conv_zero(to, lo * kg);
        if (s.groups == 1)
            real_copy(to + lo * kg, from, (hi - lo) * kg);
        else
            for (int64_t t = lo; t < hi; t++)
                real_copy(to + t * kg, from + (t - lo) * s.k, kg);
        if (hi < nx)
            conv_zero(to + hi * kg, (nx - hi) * kg);
    }
}

/* The product for `count` gathered rows, to their places in dx. */
static void flush(conv_shape s, scratch t, int64_t count, int64_t width, const float *packed, real *dx)
{
    const int64_t cg = s.c / s.groups;
    if (s.stride == 1) {
        fpc_gemm(t.products, count, cg, width, t.patches, t.ld, packed, dx + t.row[0] * s.c, s.c);
        return;
    }
    const int64_t ld = conv_row_stride(cg);
    fpc_gemm(t.products, count, cg, width, t.patches, t.ld, packed, t.result, ld);
    for (int64_t r = 0; r < count; r++)
        memcpy(dx + t.row[r] * s.c, t.result + r * ld, (size_t)cg * sizeof *dx);
}

/* All pixels of the tile in one phase. */
static void run_phase(conv_shape s, const real *dy, int64_t group, int64_t phase, const float *packed, fpc_rows rows,
                      scratch t, real *dx)
{
    const int64_t py = phase / s.stride, px = phase % s.stride;
    const int64_t width = taps_of(py, s.kh, s.stride) * taps_of(px, s.kw, s.stride) * (s.k / s.groups);
    int64_t count = 0, ix = rows.first % s.w, line = rows.first / s.w;

    for (int64_t r = 0; r < rows.count; line++, r += s.w - ix, ix = 0) {
        const int64_t iy = line % s.h, end = s.w - ix < rows.count - r ? s.w : ix + rows.count - r;
        if ((iy + s.pad) % s.stride != py)
            continue;
        const int64_t ahead = (px - (ix + s.pad) % s.stride + s.stride) % s.stride;
        for (int64_t at = ix + ahead; at < end; at += s.stride) {
            gather_row(s, dy, group, line / s.h, iy, at, py, px, t.patches + count * t.ld);
            t.row[count] = r + at - ix;
            if (++count == t.block) {
                flush(s, t, count, width, packed, dx);
                count = 0;
            }
        }
    }
    if (count > 0)
        flush(s, t, count, width, packed, dx);
}

fpc_status conv_grad_x_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const conv_shape s = shape_of(node);
    const float *packed = fpc_exec_shared(x);
    const real *dy = reals(&node->in[0]);
    real *dx = reals(&node->out[0]);
    scratch t;

    char *memory = fpc_exec_scratch(x, rows.thread);
    const size_t own = scratch_layout(s, memory, &t);
    t.products = memory + own;
    if (conv_is_pointwise(s)) {
        fpc_gemm(t.products, rows.count, s.c, s.k, dy + rows.first * s.k, s.k, packed, dx, s.c);
        return FPC_OK;
    }
    for (int64_t g = 0; g < s.groups; g++)
        for (int64_t phase = 0; phase < s.stride * s.stride; phase++, packed += phase_floats(s))
            run_phase(s, dy, g, phase, packed, rows, t, dx + g * (s.c / s.groups));
    return FPC_OK;
}
