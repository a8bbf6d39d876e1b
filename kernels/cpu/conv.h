/* conv.h: what the files of the conv family share: the geometry of a node, and patches gathered into rows. */
#ifndef KERNELS_CPU_CONV_H
#define KERNELS_CPU_CONV_H

#include "gemm.h"

/* x (n,h,w,c), y (n,ho,wo,k), weight (k,kh,kw,c/groups). */
typedef struct conv_shape {
    int64_t n, h, w, c, ho, wo, k, kh, kw, stride, pad, groups;
} conv_shape;

static inline conv_shape conv_shape_of(const fpc_conv_attr *a, fpc_shape x, fpc_shape y)
{
    return (conv_shape){x.n, x.h, x.w, x.c, y.h, y.w, y.c, a->kh, a->kw, a->stride, a->pad, a->groups};
}

static inline int conv_is_depthwise(conv_shape s)
{
    return s.groups == s.c && s.k == s.c && s.groups > 1;
}
/* A patch is a row of x as it lies. */
static inline int conv_is_pointwise(conv_shape s)
{
    return s.kh == 1 && s.kw == 1 && s.stride == 1 && s.pad == 0 && s.groups == 1;
}

/* Distance between gathered rows of `width` numbers. Rows a multiple of 4 KiB apart would share one set of the cache.
 */
static inline int64_t conv_row_stride(int64_t width)
{
    const int64_t stride = (width + 15) / 16 * 16;
    return stride % 512 == 0 ? stride + 16 : stride;
}

/* Rows gathered at a time: about a quarter of the level 2 cache. */
static inline int64_t conv_block_rows(int64_t width)
{
    const int64_t fit = 65536 / conv_row_stride(width > 0 ? width : 1) / 24 * 24;
    return fit < 24 ? 24 : fit > 96 ? 96 : fit;
}

static inline void conv_zero(real *to, int64_t n)
{
    memset(to, 0, (size_t)n * sizeof *to);
}

/* The kernels of the family that have files of their own. */
#define conv_grad_x_need FPC_CAT(fpc_conv_grad_x_need, FPC_ISA)
#define conv_grad_x_begin FPC_CAT(fpc_conv_grad_x_begin, FPC_ISA)
#define conv_grad_x_run FPC_CAT(fpc_conv_grad_x_run, FPC_ISA)
#define depthwise_need FPC_CAT(fpc_depthwise_need, FPC_ISA)
#define depthwise_begin FPC_CAT(fpc_depthwise_begin, FPC_ISA)
#define depthwise_run FPC_CAT(fpc_depthwise_run, FPC_ISA)
#define depthwise_grad_x_run FPC_CAT(fpc_depthwise_grad_x_run, FPC_ISA)
#define depthwise_grad_w_need FPC_CAT(fpc_depthwise_grad_w_need, FPC_ISA)
#define depthwise_grad_w_run FPC_CAT(fpc_depthwise_grad_w_run, FPC_ISA)
#define depthwise_grad_w_end FPC_CAT(fpc_depthwise_grad_w_end, FPC_ISA)

void conv_grad_x_need(const fpc_node *, fpc_need *);
fpc_status conv_grad_x_begin(fpc_exec *, const fpc_node *);
fpc_status conv_grad_x_run(fpc_exec *, const fpc_node *, fpc_rows);
void depthwise_need(const fpc_node *, fpc_need *);
fpc_status depthwise_begin(fpc_exec *, const fpc_node *);
fpc_status depthwise_run(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status depthwise_grad_x_run(fpc_exec *, const fpc_node *, fpc_rows);
void depthwise_grad_w_need(const fpc_node *, fpc_need *);
fpc_status depthwise_grad_w_run(fpc_exec *, const fpc_node *, fpc_rows);
fpc_status depthwise_grad_w_end(fpc_exec *, const fpc_node *);

#endif
