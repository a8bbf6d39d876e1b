/* progressive.c: the decoder that goes up step by step. A step costs what its size costs, so each is as narrow as it is
 * large: convolutions are depth-wise and pointwise ones, which is what leaves the parameters to the encoder. */
#include "progressive.h"

/* Depth-wise 3x3, then a pointwise convolution with its norm and ReLU. */
static fpc_val separable(fpc_graph *g, const char *name, fpc_val x, int32_t out)
{
    const int32_t c = fpc_shape_of(g, x).c;
    const fpc_conv_args around = {.size = sizeof around, .k = 3, .stride = 1, .pad = 1, .groups = c};

    fpc_enter(g, "%s", name);
    x = fpc_conv_bn(g, "point", fpc_conv2d(g, "depth", x, c, &around), out, (conv_bn){.k = 1, .stride = 1, .relu = 1});
    fpc_leave(g);
    return x;
}

static fpc_val at_size_of(fpc_graph *g, fpc_val x, fpc_val like)
{
    const fpc_shape to = fpc_shape_of(g, like);
    return fpc_resize(g, x, to.h, to.w, 0);
}

fpc_val fpc_prog_top_down(fpc_graph *g, int32_t maps, const fpc_val *map, int32_t dim)
{
    fpc_val x = {-1};

    for (int32_t i = maps - 1; i >= 0; i--) {
        fpc_enter(g, "step%d", i + 1);
        const fpc_val lateral = fpc_linear(g, "lateral", map[i], dim, 1);
        x = i == maps - 1 ? lateral : separable(g, "mix", fpc_add(g, at_size_of(g, x, lateral), lateral), dim);
        fpc_leave(g);
    }
    return x;
}

fpc_val fpc_prog_join(fpc_graph *g, fpc_val x, fpc_val skip, int32_t dim)
{
    const fpc_val both[] = {at_size_of(g, x, skip), skip};

    fpc_enter(g, "at_half");
    x = separable(g, "mix2", separable(g, "mix1", fpc_concat(g, 2, both), dim), dim);
    fpc_leave(g);
    return x;
}
