/* attrs.c: see attrs.h. */
#include "graph/attrs.h"
#include <fpcore/ops.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* Sizes, counts and channels; a larger number is a mistake or worse, and sums of two of them still fit 32 bits. Counts
 * of 64 bits, the pixels of a picture among them, are as large as a double states exactly. */
#define LARGEST (1 << 24)
#define LARGEST_I64 (INT64_C(1) << 53)

#define I32(T, f)                                                                                                      \
    {                                                                                                                  \
#f, FPC_ATTR_I32, offsetof(T, f)                                                                               \
    }
#define I64(T, f)                                                                                                      \
    {                                                                                                                  \
#f, FPC_ATTR_I64, offsetof(T, f)                                                                               \
    }
#define F32(T, f)                                                                                                      \
    {                                                                                                                  \
#f, FPC_ATTR_F32, offsetof(T, f)                                                                               \
    }

static const fpc_attr_field conv[] = {
    I32(fpc_conv_attr, kh),     I32(fpc_conv_attr, kw), I32(fpc_conv_attr, stride), I32(fpc_conv_attr, pad),
    I32(fpc_conv_attr, groups), I32(fpc_conv_attr, h),  I32(fpc_conv_attr, w),      {0}};
static const fpc_attr_field norm[] = {
    F32(fpc_norm_attr, eps), F32(fpc_norm_attr, momentum), I64(fpc_norm_attr, rows), {0}};
/* Without dropout, whose stream is a number of 32 bits: a prediction draws nothing. */
static const fpc_attr_field attention[] = {I32(fpc_attention_attr, heads), F32(fpc_attention_attr, scale), {0}};
static const fpc_attr_field slice[] = {
    I32(fpc_slice_attr, first), I32(fpc_slice_attr, count), I32(fpc_slice_attr, total), {0}};
static const fpc_attr_field resize[] = {
    I32(fpc_resize_attr, h), I32(fpc_resize_attr, w), I32(fpc_resize_attr, align_corners), {0}};
static const fpc_attr_field broadcast[] = {
    I32(fpc_broadcast_attr, h), I32(fpc_broadcast_attr, w), F32(fpc_broadcast_attr, scale), {0}};
static const fpc_attr_field pool[] = {I32(fpc_pool_attr, k), I32(fpc_pool_attr, stride), {0}};
static const fpc_attr_field window[] = {
    I32(fpc_window_attr, top), I32(fpc_window_attr, left), I32(fpc_window_attr, h), I32(fpc_window_attr, w), {0}};

const fpc_attr_row fpc_attr_rows[] = {{"linear", NULL},
                                      {"linear_add", NULL},
                                      {"linear_grad_x", NULL}, /* of two weights: the product of two linear maps */
                                      {"conv2d", conv},
                                      {"conv2d_grad_x", conv},
                                      {"layer_norm", norm},
                                      {"add_layer_norm", norm},
                                      {"batch_norm", norm},
                                      {"attention", attention},
                                      {"gelu", NULL},
                                      {"relu", NULL},
                                      {"sigmoid", NULL},
                                      {"add", NULL},
                                      {"mul", NULL},
                                      {"add_bcast", NULL},
                                      {"mul_bcast", NULL},
                                      {"concat", NULL},
                                      {"slice", slice},
                                      {"copy", NULL},
                                      {"resize", resize},
                                      {"resize_add", resize},
                                      {"pool_mean", NULL},
                                      {"pool_sum", NULL},
                                      {"broadcast", broadcast},
                                      {"max_pool", pool},
                                      {"window", window},
                                      {"to_real", NULL},
                                      {"seg_argmax", resize},
                                      {"softmax", NULL},
                                      {0}};

const fpc_attr_row *fpc_attr_find(const char *op)
{
    for (const fpc_attr_row *row = fpc_attr_rows; row->op; row++)
        if (!strcmp(row->op, op))
            return row;
    return NULL;
}

double fpc_attr_get(const fpc_attr_field *f, const void *attr)
{
    const char *at = (const char *)attr + f->offset;

    return f->type == FPC_ATTR_F32   ? (double)*(const float *)(const void *)at
           : f->type == FPC_ATTR_I64 ? (double)*(const int64_t *)(const void *)at
                                     : (double)*(const int32_t *)(const void *)at;
}

int fpc_attr_set(const fpc_attr_field *f, void *attr, double value)
{
    void *at = (char *)attr + f->offset;

    if (!isfinite(value) || fabs(value) > (f->type == FPC_ATTR_I64 ? (double)LARGEST_I64 : LARGEST) ||
        (f->type != FPC_ATTR_F32 && value != floor(value)))
        return 0;
    if (f->type == FPC_ATTR_F32)
        *(float *)at = (float)value;
    else if (f->type == FPC_ATTR_I64)
        *(int64_t *)at = (int64_t)value;
    else
        *(int32_t *)at = (int32_t)value;
    return 1;
}
