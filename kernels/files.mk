# Written by .ci/sources from the tree; run it after adding or removing a file.
ref_sources = \
    kernels/ref/attention.c \
    kernels/ref/colour.c \
    kernels/ref/conv.c \
    kernels/ref/distance.c \
    kernels/ref/filter.c \
    kernels/ref/image.c \
    kernels/ref/jpeg.h \
    kernels/ref/linear.c \
    kernels/ref/loss.c \
    kernels/ref/loss_pixel.c \
    kernels/ref/mix.c \
    kernels/ref/norm.c \
    kernels/ref/overlap.h \
    kernels/ref/pixel.h \
    kernels/ref/pointwise.c \
    kernels/ref/rank.h \
    kernels/ref/ref.h \
    kernels/ref/resize.c \
    kernels/ref/train.c
cpu_sources = \
    kernels/cpu/attention.c \
    kernels/cpu/attention.h \
    kernels/cpu/attention_grad.c \
    kernels/cpu/colour.c \
    kernels/cpu/conv.c \
    kernels/cpu/conv.h \
    kernels/cpu/conv_grad.c \
    kernels/cpu/depthwise.c \
    kernels/cpu/distance.c \
    kernels/cpu/filter.c \
    kernels/cpu/gemm.c \
    kernels/cpu/gemm.h \
    kernels/cpu/image.c \
    kernels/cpu/jpeg.c \
    kernels/cpu/linear.c \
    kernels/cpu/loss.c \
    kernels/cpu/loss.h \
    kernels/cpu/loss_grad.c \
    kernels/cpu/loss_label.c \
    kernels/cpu/loss_pixel.c \
    kernels/cpu/math.h \
    kernels/cpu/mix.c \
    kernels/cpu/norm.c \
    kernels/cpu/parts.h \
    kernels/cpu/philox.h \
    kernels/cpu/picture.h \
    kernels/cpu/plain.h \
    kernels/cpu/pointwise.c \
    kernels/cpu/resize.c \
    kernels/cpu/simd.h \
    kernels/cpu/train.c \
    kernels/cpu/upsample.h
cpu_common_sources = \
    kernels/cpu/pool.c \
    kernels/cpu/pool.h
