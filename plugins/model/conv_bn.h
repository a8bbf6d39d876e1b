/* conv_bn.h: the layer that most convolutional networks are made of. */
#ifndef PLUGINS_MODEL_CONV_BN_H
#define PLUGINS_MODEL_CONV_BN_H

#include <fpcore/model.h>

/* groups 0: one. relu 0: ends with the batch norm. */
typedef struct conv_bn {
    int32_t k, stride, groups, relu;
} conv_bn;

/* NAME.conv without bias, NAME.bn, ReLU; padded so that stride alone decides the size. */
fpc_val fpc_conv_bn(fpc_graph *, const char *name, fpc_val x, int32_t out, conv_bn);

#endif
