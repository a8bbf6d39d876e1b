/* linear.c (reference): linear maps of rows, y = x W^T + b, and their gradients; sums over rows. */
#include "ref.h"

/* linear(x, w[, b]) -> y: y[r,o] = sum_i x[r,i] w[o,i] + b[o]; linear_add(x, w, b, r) -> y: + r[r,o] */
static fpc_status linear(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const int64_t n_in = node->in[0].shape.c, n_out = node->out[0].shape.c;
    const real *x = node->in[0].data, *w = node->in[1].data, *b = node->n_in > 2 ? node->in[2].data : NULL;
    const real *add = node->n_in > 3 ? node->in[3].data : NULL;
    real *y = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++)
        for (int64_t o = 0; o < n_out; o++) {
            real sum = 0;
            for (int64_t i = 0; i < n_in; i++)
                sum += x[r * n_in + i] * w[o * n_in + i];
            y[r * n_out + o] = b ? sum + b[o] : sum;
            if (add)
                y[r * n_out + o] += add[r * n_out + o];
        }
    return FPC_OK;
}

static fpc_status linear_add(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    return linear(exec, node, rows);
}

/* linear_grad_x(dy, w) -> dx: dx[r,i] = sum_o dy[r,o] w[o,i] */
static fpc_status linear_grad_x(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const int64_t n_out = node->in[0].shape.c, n_in = node->out[0].shape.c;
    const real *dy = node->in[0].data, *w = node->in[1].data;
    real *dx = node->out[0].data;
    for (int64_t r = 0; r < rows.count; r++) {
        memset(dx + r * n_in, 0, (size_t)n_in * sizeof *dx);
        for (int64_t o = 0; o < n_out; o++)
            for (int64_t i = 0; i < n_in; i++)
                dx[r * n_in + i] += dy[r * n_out + o] * w[o * n_in + i];
    }
    return FPC_OK;
}

/* linear_grad_w(x, dy) -> dw: dw[o,i] = sum_r dy[r,o] x[r,i] */
static void linear_grad_w_need(const fpc_node *node, fpc_need *need)
{
    need->part = (size_t)fpc_count(node->out[0].shape) * sizeof(double);
}

static fpc_status linear_grad_w(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int64_t n_in = node->in[0].shape.c, n_out = node->in[1].shape.c;
    const real *x = node->in[0].data, *dy = node->in[1].data;
    double *sum = fpc_exec_part(exec, rows.part);
    for (int64_t r = 0; r < rows.count; r++)
        for (int64_t o = 0; o < n_out; o++)
            for (int64_t i = 0; i < n_in; i++)
                sum[o * n_in + i] += (double)dy[r * n_out + o] * (double)x[r * n_in + i];
    return FPC_OK;
}

static fpc_status linear_grad_w_end(fpc_exec *exec, const fpc_node *node)
{
    add_parts(exec, 0, fpc_count(node->out[0].shape), node->out[0].data);
    return FPC_OK;
}

/* sum_rows(dy) -> db: db[c] = sum_r dy[r,c] */
static void sum_rows_need(const fpc_node *node, fpc_need *need)
{
    need->part = (size_t)node->in[0].shape.c * sizeof(double);
}

static fpc_status sum_rows(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int64_t n = node->in[0].shape.c;
    const real *dy = node->in[0].data;
    double *sum = fpc_exec_part(exec, rows.part);
    for (int64_t r = 0; r < rows.count; r++)
        for (int64_t c = 0; c < n; c++)
            sum[c] += (double)dy[r * n + c];
    return FPC_OK;
}

static fpc_status sum_rows_end(fpc_exec *exec, const fpc_node *node)
{
    add_parts(exec, 0, node->in[0].shape.c, node->out[0].data);
    return FPC_OK;
}

const fpc_kernel REF_TABLE(linear)[] = {REF_ROW(linear),        REF_ROW(linear_add),
                                        REF_ROW(linear_grad_x), REF_SUM_ROW(linear_grad_w),
                                        REF_SUM_ROW(sum_rows),  {0}};
