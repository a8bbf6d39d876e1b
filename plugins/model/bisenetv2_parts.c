/* bisenetv2_parts.c: the blocks of BiSeNetV2. Two kinds of pooling are made from what there is: a padded maximum of
 * ReLUs is one over a border of zeros, and a 3x3 mean is a depth-wise convolution with constant weights. */
#include "bisenetv2.h"
#include <fpcore/ops.h>

fpc_val fpc_bise_stem(fpc_graph *g, fpc_val image, int32_t out)
{
    fpc_enter(g, "stem");
    const fpc_val x = fpc_conv_bn(g, "conv", image, out, (conv_bn){.k = 3, .stride = 2, .relu = 1});
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_val left = fpc_conv_bn(g, "left.0", x, out / 2, (conv_bn){.k = 1, .stride = 1, .relu = 1});
    const fpc_val both[] = {fpc_conv_bn(g, "left.1", left, out, (conv_bn){.k = 3, .stride = 2, .relu = 1}),
                            fpc_max_pool(g, fpc_pad(g, x, 1, 1, s.h + 2, s.w + 2), 3, 2)};
    const fpc_val y = fpc_conv_bn(g, "fuse", fpc_concat(g, 2, both), out, (conv_bn){.k = 3, .stride = 1, .relu = 1});
    fpc_leave(g);
    return y;
}

fpc_val fpc_bise_gather(fpc_graph *g, fpc_val x, int32_t out, int32_t expansion, int32_t stride)
{
    const int32_t in = fpc_shape_of(g, x).c, wide = in * expansion;
    const int halves = stride == 2;
    fpc_val y = fpc_conv_bn(g, "conv1", x, in, (conv_bn){.k = 3, .stride = 1, .relu = 1}), past = x;

    y = fpc_conv_bn(g, "dw1", y, wide, (conv_bn){.k = 3, .stride = stride, .groups = in, .relu = !halves});
    if (halves) {
        y = fpc_conv_bn(g, "dw2", y, wide, (conv_bn){.k = 3, .stride = 1, .groups = wide, .relu = 1});
        past = fpc_conv_bn(g, "shortcut.0", x, in, (conv_bn){.k = 3, .stride = 2, .groups = in});
        past = fpc_conv_bn(g, "shortcut.1", past, out, (conv_bn){.k = 1, .stride = 1});
    }
    y = fpc_conv_bn(g, "conv2", y, out, (conv_bn){.k = 1, .stride = 1});
    return fpc_relu(g, fpc_add(g, y, past));
}

fpc_val fpc_bise_context(fpc_graph *g, fpc_val x)
{
    const int32_t c = fpc_shape_of(g, x).c;

    fpc_enter(g, "context");
    fpc_val all = fpc_batch_norm(g, "bn", fpc_pool_mean(g, x), 1e-5f, 0.1f);
    all = fpc_conv_bn(g, "gap", all, c, (conv_bn){.k = 1, .stride = 1, .relu = 1});
    x = fpc_conv_bn(g, "last", fpc_add(g, x, all), c, (conv_bn){.k = 3, .stride = 1, .relu = 1});
    fpc_leave(g);
    return x;
}

/* Mean of 3x3 at every other pixel; the border of zeros counts, as in torch. */
static fpc_val mean_pool(fpc_graph *g, fpc_arena *arena, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_conv_attr attr = {3, 3, 2, 1, s.c, s.h, s.w};
    double *ninth = fpc_alloc(arena, 9 * sizeof *ninth * (size_t)s.c);

    if (!ninth)
        return fpc_graph_fail(g, FPC_ENOMEM, "no memory for the weights of a mean");
    for (int32_t i = 0; i < 9 * s.c; i++)
        ninth[i] = 1. / 9;
    const fpc_val in[] = {x, fpc_const(g, (fpc_shape){s.c, 3, 3, 1}, ninth)};
    return fpc_op(g, "conv2d", "pool", 2, in, FPC_ATTR(attr), NULL);
}

/* A branch's own view: depth-wise 3x3, then a linear map. */
static fpc_val keep(fpc_graph *g, const char *name, fpc_val x, int32_t out)
{
    const int32_t c = fpc_shape_of(g, x).c;
    const fpc_conv_args point = {.size = sizeof point, .k = 1, .stride = 1};

    fpc_enter(g, "%s", name);
    x = fpc_conv2d(g, "1", fpc_conv_bn(g, "0", x, c, (conv_bn){.k = 3, .stride = 1, .groups = c}), out, &point);
    fpc_leave(g);
    return x;
}

fpc_val fpc_bise_aggregate(fpc_graph *g, fpc_arena *arena, fpc_val detail, fpc_val semantic, int32_t out)
{
    const fpc_shape s = fpc_shape_of(g, detail);

    fpc_enter(g, "aggregation");
    fpc_val gate = fpc_conv_bn(g, "semantic_up", semantic, out, (conv_bn){.k = 3, .stride = 1});
    gate = fpc_sigmoid(g, fpc_resize(g, gate, s.h, s.w, 0));
    const fpc_val fine = fpc_mul(g, keep(g, "detail_keep", detail, out), gate);
    fpc_val coarse = fpc_conv_bn(g, "detail_down", detail, out, (conv_bn){.k = 3, .stride = 2});
    coarse = mean_pool(g, arena, coarse);
    coarse = fpc_mul(g, coarse, fpc_sigmoid(g, keep(g, "semantic_keep", semantic, out)));
    coarse = fpc_resize(g, coarse, s.h, s.w, 0);
    const fpc_val y = fpc_conv_bn(g, "out", fpc_add(g, fine, coarse), out, (conv_bn){.k = 3, .stride = 1, .relu = 1});
    fpc_leave(g);
    return y;
}
