/* conv.c: convolution and its gradient by the weight as matrix products over gathered patches: a block of output pixels
 * becomes rows of kh*kw*c numbers in the thread's scratch, in the order of the weight (k,kh,kw,c). Grouped convolutions
 * do so group by group. The gradient by the input is in conv_grad.c, the depth-wise case in conv_depthwise.c. */
#include "conv.h"
#include "parts.h"

/* Patches of output pixels [first, first + count), channels of one group; rows ld apart. */
static void gather(conv_shape s, const real *x, int64_t group, int64_t first, int64_t count, real *to, int64_t ld)
{
    const int64_t cg = s.c / s.groups;
    int64_t ox = first % s.wo, oy = first / s.wo % s.ho, n = first / (s.wo * s.ho);

    for (int64_t r = 0; r < count; r++, to += ld) {
        const int64_t x0 = ox * s.stride - s.pad, y0 = oy * s.stride - s.pad;
        const int64_t lo = x0 < 0 ? (-x0 < s.kw ? -x0 : s.kw) : 0; /* taps [lo, hi) are inside */
        const int64_t hi = s.w - x0 < s.kw ? (s.w - x0 > lo ? s.w - x0 : lo) : s.kw;
        real *at = to;
        for (int64_t ky = 0; ky < s.kh; ky++, at += s.kw * cg) {
            const int64_t iy = y0 + ky;
            if (iy < 0 || iy >= s.h || lo >= hi) {
                conv_zero(at, s.kw * cg);
                continue;
            }
            const real *from = x + ((n * s.h + iy) * s.w + x0 + lo) * s.c + group * cg;
            if (lo > 0)
                conv_zero(at, lo * cg);
            if (s.groups == 1)
                real_copy(at + lo * cg, from, (hi - lo) * cg);
            else
                for (int64_t kx = lo; kx < hi; kx++)
                    real_copy(at + kx * cg, from + (kx - lo) * s.c, cg);
            if (hi < s.kw)
                conv_zero(at + hi * cg, (s.kw - hi) * cg);
        }
        if (++ox == s.wo) {
            ox = 0;
            if (++oy == s.ho)
                oy = 0, n++;
        }
    }
}

static int64_t patch_width(conv_shape s)
{
    return s.kh * s.kw * (s.c / s.groups);
}

/* A thread's scratch: gathered patches, then what the products need. */
static size_t patch_bytes(conv_shape s)
{
    const int64_t width = patch_width(s);
    return conv_is_pointwise(s)
               ? 0
               : ((size_t)(conv_block_rows(width) * conv_row_stride(width)) * sizeof(real) + 63) / 64 * 64;
}

/* ---- conv2d(x, w[, b]) -> y ---- */

static conv_shape forward_shape(const fpc_node *node)
{
    return conv_shape_of(node->attr, node->in[0].shape, node->out[0].shape);
}

static void conv_need(const fpc_node *node, fpc_need *need)
{
    const conv_shape s = forward_shape(node);
    need->shared = (size_t)s.groups * gemm_packed(patch_width(s), s.k / s.groups) * sizeof(float);
    need->thread = patch_bytes(s) + gemm_scratch(patch_width(s), s.k / s.groups);
}

static fpc_status conv_begin(fpc_exec *x, const fpc_node *node)
{
    const conv_shape s = forward_shape(node);
    const int64_t kg = s.k / s.groups, width = patch_width(s);
    const float *bias = node->n_in > 2 ? floats(&node->in[2]) : NULL;
    float *packed = fpc_exec_shared(x);
    for (int64_t g = 0; g < s.groups; g++, packed += gemm_packed(width, kg))
        fpc_gemm_pack(packed, width, kg, reals(&node->in[1]) + g * kg * width, 1, width, bias ? bias + g * kg : NULL);
    return FPC_OK;
}

static fpc_status conv_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const conv_shape s = forward_shape(node);
    const int64_t kg = s.k / s.groups, width = patch_width(s), ld = conv_row_stride(width);
    const int64_t block = conv_block_rows(width);
    const float *packed = fpc_exec_shared(x);
    const real *image = reals(&node->in[0]);
    real *patches = fpc_exec_scratch(x, rows.thread), *y = reals(&node->out[0]);
    void *scratch = (char *)patches + patch_bytes(s);

    if (conv_is_pointwise(s)) {
        fpc_gemm(scratch, rows.count, s.k, s.c, image + rows.first * s.c, s.c, packed, y, s.k);
        return FPC_OK;
    }
    for (int64_t g = 0; g < s.groups; g++, packed += gemm_packed(width, kg))
        for (int64_t r = 0; r < rows.count; r += block) {
            const int64_t count = rows.count - r < block ? rows.count - r : block;
            gather(s, image, g, rows.first + r, count, patches, ld);
            fpc_gemm(scratch, count, kg, width, patches, ld, packed, y + r * s.k + g * kg, s.k);
        }
    return FPC_OK;
}

/* ---- conv2d_grad_w(x, dy) -> dw ---- */

static conv_shape grad_w_shape(const fpc_node *node)
{
    return conv_shape_of(node->attr, node->in[0].shape, node->in[1].shape);
}

static void grad_w_need(const fpc_node *node, fpc_need *need)
{
    const conv_shape s = grad_w_shape(node);
    need->part = (size_t)(s.k * patch_width(s)) * sizeof(float);
    need->thread = patch_bytes(s) + gemm_outer_scratch(s.k / s.groups, patch_width(s));
}

static fpc_status grad_w_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const conv_shape s = grad_w_shape(node);
    const int64_t kg = s.k / s.groups, width = patch_width(s), ld = conv_row_stride(width);
    const int64_t block = conv_block_rows(width);
    const real *image = reals(&node->in[0]), *dy = reals(&node->in[1]);
    real *patches = fpc_exec_scratch(x, rows.thread);
    float *dw = fpc_exec_part(x, rows.part);
    void *scratch = (char *)patches + patch_bytes(s);

    if (conv_is_pointwise(s)) {
        fpc_gemm_outer(scratch, rows.count, s.k, s.c, dy, s.k, image + rows.first * s.c, s.c, dw, s.c);
        return FPC_OK;
    }
    for (int64_t g = 0; g < s.groups; g++)
        for (int64_t r = 0; r < rows.count; r += block) {
            const int64_t count = rows.count - r < block ? rows.count - r : block;
            gather(s, image, g, rows.first + r, count, patches, ld);
            fpc_gemm_outer(scratch, count, kg, width, dy + r * s.k + g * kg, s.k, patches, ld, dw + g * kg * width,
                           width);
        }
    return FPC_OK;
}

static fpc_status grad_w_end(fpc_exec *x, const fpc_node *node)
{
    parts_sum(x, floats(&node->out[0]), fpc_count(node->out[0].shape), 0);
    return FPC_OK;
}

/* The channels of x and y: equal to the number of groups? */
static int match_depthwise(const fpc_node *node)
{
    return conv_is_depthwise(forward_shape(node));
}
static int match_depthwise_grad_w(const fpc_node *node)
{
    return conv_is_depthwise(grad_w_shape(node));
}
static int match_depthwise_grad_x(const fpc_node *node)
{
    return conv_is_depthwise(conv_shape_of(node->attr, node->out[0].shape, node->in[0].shape));
}

#define ROW(flags_)                                                                                                    \
    .size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC | (flags_), .dtypes = FPC_DTYPE_BIT(FPC_STORED_DTYPE)

const fpc_kernel FPC_CPU_TABLE(conv)[] = {
    {ROW(FPC_KERNEL_PACKS), .rank = 10, .op = "conv2d", .name = FPC_KNAME("conv2d"), .need = conv_need,
     .begin = conv_begin, .run = conv_run},
    {ROW(FPC_KERNEL_PACKS), .rank = 10, .op = "conv2d_grad_x", .name = FPC_KNAME("conv2d_grad_x"),
     .need = conv_grad_x_need, .begin = conv_grad_x_begin, .run = conv_grad_x_run},
    {ROW(FPC_KERNEL_PACKS), .rank = 20, .op = "conv2d", .name = FPC_KNAME("depthwise"), .match = match_depthwise,
     .need = depthwise_need, .begin = depthwise_begin, .run = depthwise_run},
    {ROW(FPC_KERNEL_PACKS), .rank = 20, .op = "conv2d_grad_x", .name = FPC_KNAME("depthwise_grad_x"),
     .match = match_depthwise_grad_x, .need = depthwise_need, .begin = depthwise_begin, .run = depthwise_grad_x_run},
    {0}};
const fpc_kernel FPC_CPU_TABLE(conv_grad)[] = {
    {ROW(0), .rank = 10, .op = "conv2d_grad_w", .name = FPC_KNAME("conv2d_grad_w"), .need = grad_w_need,
     .run = grad_w_run, .end = grad_w_end},
    {ROW(0), .rank = 20, .op = "conv2d_grad_w", .name = FPC_KNAME("depthwise_grad_w"), .match = match_depthwise_grad_w,
     .need = depthwise_grad_w_need, .run = depthwise_grad_w_run, .end = depthwise_grad_w_end},
    {0}};
