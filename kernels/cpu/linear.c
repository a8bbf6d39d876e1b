/* linear.c: y = x W^T + b over the rows of a tile, its two gradients, and the sum over rows that is the bias's. The
 * weight is packed once for all tiles; gemm.h has the arithmetic. */
#include "gemm.h"
#include "parts.h"

/* ---- linear(x, w[, b]) -> y, linear_add(x, w, b, r) -> y, linear_grad_x(dy, w) -> dx ---- */

static void linear_need(const fpc_node *node, fpc_need *need)
{
    need->shared = gemm_packed(node->in[0].shape.c, node->out[0].shape.c) * sizeof(float);
    need->thread = gemm_scratch(node->in[0].shape.c, node->out[0].shape.c);
}

static fpc_status linear_begin(fpc_exec *x, const fpc_node *node)
{
    const int64_t in = node->in[0].shape.c, out = node->out[0].shape.c;
    const float *bias = node->n_in > 2 ? floats(&node->in[2]) : NULL;
    fpc_gemm_pack(fpc_exec_shared(x), in, out, reals(&node->in[1]), 1, in, bias);
    return FPC_OK;
}

static fpc_status linear_grad_x_begin(fpc_exec *x, const fpc_node *node)
{
    const int64_t out = node->in[0].shape.c, in = node->out[0].shape.c;
    fpc_gemm_pack(fpc_exec_shared(x), out, in, reals(&node->in[1]), in, 1, NULL);
    return FPC_OK;
}

static fpc_status linear_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t from = node->in[0].shape.c, to = node->out[0].shape.c;
    fpc_gemm(fpc_exec_scratch(x, rows.thread), rows.count, to, from, reals(&node->in[0]), from, fpc_exec_shared(x),
             reals(&node->out[0]), to);
    return FPC_OK;
}

static fpc_status linear_add_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t from = node->in[0].shape.c, to = node->out[0].shape.c;
    fpc_gemm_add(fpc_exec_scratch(x, rows.thread), rows.count, to, from, reals(&node->in[0]), from, fpc_exec_shared(x),
                 reals(&node->in[3]), reals(&node->out[0]), to);
    return FPC_OK;
}

/* ---- linear_grad_w(x, dy) -> dw ---- */

static void grad_w_need(const fpc_node *node, fpc_need *need)
{
    need->part = (size_t)node->in[0].shape.c * (size_t)node->in[1].shape.c * sizeof(float);
    need->thread = gemm_outer_scratch(node->in[1].shape.c, node->in[0].shape.c);
}

static fpc_status grad_w_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t in = node->in[0].shape.c, out = node->in[1].shape.c;
    fpc_gemm_outer(fpc_exec_scratch(x, rows.thread), rows.count, out, in, reals(&node->in[1]), out, reals(&node->in[0]),
                   in, fpc_exec_part(x, rows.part), in);
    return FPC_OK;
}

static fpc_status sum_end(fpc_exec *x, const fpc_node *node)
{
    parts_sum(x, floats(&node->out[0]), fpc_count(node->out[0].shape), 0);
    return FPC_OK;
}

/* ---- sum_rows(dy) -> db ---- */

static void sum_rows_need(const fpc_node *node, fpc_need *need)
{
    need->part = (size_t)node->in[0].shape.c * sizeof(float);
}

static fpc_status sum_rows_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const int64_t c = node->in[0].shape.c;
    const real *dy = reals(&node->in[0]);
    float *sum = fpc_exec_part(x, rows.part);
    int64_t j = 0;

    for (; j + 4 * VL <= c; j += 4 * VL) {
        vf s[4] = {vf_load(sum + j), vf_load(sum + j + VL), vf_load(sum + j + 2 * VL), vf_load(sum + j + 3 * VL)};
        for (int64_t r = 0; r < rows.count; r++)
            for (int v = 0; v < 4; v++)
                s[v] += vr_load(dy + r * c + j + v * VL);
        for (int v = 0; v < 4; v++)
            vf_store(sum + j + v * VL, s[v]);
    }
    for (; j < c; j += VL) {
        const int64_t lanes = c - j < VL ? c - j : VL;
        vf s = vf_get(sum + j, lanes);
        for (int64_t r = 0; r < rows.count; r++)
            s += vr_get(dy + r * c + j, lanes);
        vf_put(sum + j, s, lanes);
    }
    return FPC_OK;
}

#define ROW(flags_)                                                                                                    \
    .size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC | (flags_),                                          \
    .dtypes = FPC_DTYPE_BIT(FPC_STORED_DTYPE), .rank = 10

/* linear_grad_x: of two weights it is the product of two linear maps, which predictions have too */
const fpc_kernel FPC_CPU_TABLE(linear)[] = {{ROW(FPC_KERNEL_PACKS), .op = "linear", .name = FPC_KNAME("linear"),
                                             .need = linear_need, .begin = linear_begin, .run = linear_run},
                                            {ROW(FPC_KERNEL_PACKS), .op = "linear_add", .name = FPC_KNAME("linear_add"),
                                             .need = linear_need, .begin = linear_begin, .run = linear_add_run},
                                            {ROW(FPC_KERNEL_PACKS), .op = "linear_grad_x",
                                             .name = FPC_KNAME("linear_grad_x"), .need = linear_need,
                                             .begin = linear_grad_x_begin, .run = linear_run},
                                            {0}};
const fpc_kernel FPC_CPU_TABLE(linear_grad)[] = {{ROW(0), .op = "linear_grad_w", .name = FPC_KNAME("linear_grad_w"),
                                                  .need = grad_w_need, .run = grad_w_run, .end = sum_end},
                                                 {ROW(0), .op = "sum_rows", .name = FPC_KNAME("sum_rows"),
                                                  .need = sum_rows_need, .run = sum_rows_run, .end = sum_end},
                                                 {0}};
