/* image_filter.c (reference): ops that look at a pixel's neighbours: filters with drawn weights, and the
 * median. */
#include "image_border.h"
#include "ref.h"

static int all_zero(const real *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (v[i] != 0)
            return 0;
    return 1;
}

/* filter(x, kernel) -> y: y[i,j] = sum over the window of kernel[a,b] x[i+a-r, j+b-r] */
static fpc_status filter(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const fpc_filter_attr *a = node->attr;
    const int32_t k = a->k, r = k / 2;
    const real *x = node->in[0].data;
    real *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count; row++, y += 3) {
        const place at = place_of(s, rows.first + row);
        const real *weight = (const real *)node->in[1].data + (int64_t)at.n * k * k;
        const int leaves = at.x < r || at.y < r || at.x + r >= s.w || at.y + r >= s.h;
        if (all_zero(weight, (int64_t)k * k) || (leaves && a->border == FPC_BORDER_KEEP)) {
            memcpy(y, x + (rows.first + row) * 3, 3 * sizeof *y);
            continue;
        }
        real sum[3] = {0};
        for (int32_t i = 0; i < k * k; i++) {
            const int64_t fy = border_index(at.y + i / k - r, s.h, a->border),
                          fx = border_index(at.x + i % k - r, s.w, a->border);
            for (int c = 0; c < 3 && fy >= 0 && fx >= 0; c++)
                sum[c] += weight[i] * x[row_of(s, at.n, fy, fx) * 3 + c];
        }
        for (int c = 0; c < 3; c++)
            y[c] = a->clamp ? clamp01(sum[c]) : sum[c];
    }
    return FPC_OK;
}

/* median(x, on) -> y: of the k x k pixels around, channel by channel, the border reflected */
static fpc_status median(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    const fpc_shape s = node->in[0].shape;
    const int32_t k = ((const fpc_filter_attr *)node->attr)->k, r = k / 2;
    const real *x = node->in[0].data, *on = node->in[1].data;
    real *y = node->out[0].data, sorted[31 * 31];
    for (int64_t row = 0; row < rows.count; row++)
        for (int c = 0; c < 3; c++, y++) {
            const place at = place_of(s, rows.first + row);
            *y = x[(rows.first + row) * 3 + c];
            for (int32_t i = 0; i < k * k && on[at.n] != 0; i++) {
                const int64_t fy = border_index(at.y + i / k - r, s.h, FPC_BORDER_REFLECT);
                const int64_t fx = border_index(at.x + i % k - r, s.w, FPC_BORDER_REFLECT);
                const real v = x[row_of(s, at.n, fy, fx) * 3 + c];
                int32_t j = i;
                for (; j > 0 && sorted[j - 1] > v; j--)
                    sorted[j] = sorted[j - 1];
                sorted[j] = v;
                if (i == k * k - 1)
                    *y = sorted[k * k / 2];
            }
        }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(image_filter)[] = {REF_ROW(filter), REF_ROW(median), {0}};
