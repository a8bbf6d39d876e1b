/* conv_bn.c: a convolution without bias, which its batch norm would take away again, the norm, and a ReLU. */
#include "conv_bn.h"

fpc_val fpc_conv_bn(fpc_graph *g, const char *name, fpc_val x, int32_t out, conv_bn how)
{
    const fpc_conv_args conv = {
        .size = sizeof conv, .k = how.k, .stride = how.stride, .pad = how.k / 2, .groups = how.groups};

    fpc_enter(g, "%s", name);
    x = fpc_batch_norm(g, "bn", fpc_conv2d(g, "conv", x, out, &conv), 1e-5f, 0.1f);
    fpc_leave(g);
    return how.relu ? fpc_relu(g, x) : x;
}
