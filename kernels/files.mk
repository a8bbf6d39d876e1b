# Written by .ci/sources from the tree; run it after adding or removing a file.
ref_sources = \
    kernels/ref/attention.c \
    kernels/ref/conv.c \
    kernels/ref/image.c \
    kernels/ref/image_border.h \
    kernels/ref/image_colour.c \
    kernels/ref/image_filter.c \
    kernels/ref/image_jpeg.c \
    kernels/ref/image_jpeg.h \
    kernels/ref/image_mix.c \
    kernels/ref/linear.c \
    kernels/ref/loss.c \
    kernels/ref/loss_distance.c \
    kernels/ref/loss_overlap.h \
    kernels/ref/loss_pixel.c \
    kernels/ref/loss_pixel.h \
    kernels/ref/loss_rank.h \
    kernels/ref/norm.c \
    kernels/ref/pointwise.c \
    kernels/ref/ref.h \
    kernels/ref/resize.c \
    kernels/ref/train.c
cpu_sources = \
    kernels/cpu/attention.c \
    kernels/cpu/attention.h \
    kernels/cpu/attention_grad.c \
    kernels/cpu/conv.c \
    kernels/cpu/conv.h \
    kernels/cpu/conv_depthwise.c \
    kernels/cpu/conv_grad.c \
    kernels/cpu/gemm.c \
    kernels/cpu/gemm.h \
    kernels/cpu/image.c \
    kernels/cpu/image_colour.c \
    kernels/cpu/image_filter.c \
    kernels/cpu/image_jpeg.c \
    kernels/cpu/image_mix.c \
    kernels/cpu/image_picture.h \
    kernels/cpu/linear.c \
    kernels/cpu/loss.c \
    kernels/cpu/loss.h \
    kernels/cpu/loss_distance.c \
    kernels/cpu/loss_grad.c \
    kernels/cpu/loss_label.c \
    kernels/cpu/loss_pixel.c \
    kernels/cpu/loss_upsample.h \
    kernels/cpu/math.h \
    kernels/cpu/norm.c \
    kernels/cpu/parts.h \
    kernels/cpu/philox.h \
    kernels/cpu/plain.h \
    kernels/cpu/pointwise.c \
    kernels/cpu/resize.c \
    kernels/cpu/simd.h \
    kernels/cpu/train.c
cpu_half_sources = \
    kernels/cpu/attention.c \
    kernels/cpu/attention_grad.c \
    kernels/cpu/conv.c \
    kernels/cpu/conv_depthwise.c \
    kernels/cpu/conv_grad.c \
    kernels/cpu/gemm_half.c \
    kernels/cpu/linear.c \
    kernels/cpu/norm.c \
    kernels/cpu/pointwise.c \
    kernels/cpu/resize.c
cpu_common_sources = \
    kernels/cpu/threads.c \
    kernels/cpu/threads.h
cuda_sources = \
    kernels/cuda/attention.cu \
    kernels/cuda/attention_grad.cu \
    kernels/cuda/conv.cu \
    kernels/cuda/conv_cudnn.cu \
    kernels/cuda/conv_depthwise.cu \
    kernels/cuda/conv_depthwise_grad.cu \
    kernels/cuda/conv_grad_w.cu \
    kernels/cuda/image.cu \
    kernels/cuda/image_colour.cu \
    kernels/cuda/image_filter.cu \
    kernels/cuda/image_jpeg.cu \
    kernels/cuda/image_mix.cu \
    kernels/cuda/linear.cu \
    kernels/cuda/linear_lt.cu \
    kernels/cuda/linear_mma.cu \
    kernels/cuda/loss.cu \
    kernels/cuda/loss_any.cu \
    kernels/cuda/loss_distance.cu \
    kernels/cuda/loss_grad.cu \
    kernels/cuda/loss_label.cu \
    kernels/cuda/loss_lovasz.cu \
    kernels/cuda/loss_pixel.cu \
    kernels/cuda/norm.cu \
    kernels/cuda/norm_batch.cu \
    kernels/cuda/norm_grad.cu \
    kernels/cuda/pointwise.cu \
    kernels/cuda/resize.cu \
    kernels/cuda/resize_pool.cu \
    kernels/cuda/train.cu
cuda_headers = \
    kernels/cuda/attention.h \
    kernels/cuda/columns.h \
    kernels/cuda/conv.h \
    kernels/cuda/conv_depthwise.h \
    kernels/cuda/device.h \
    kernels/cuda/image_picture.h \
    kernels/cuda/image_pixels.h \
    kernels/cuda/library.h \
    kernels/cuda/linear.h \
    kernels/cuda/loss.h \
    kernels/cuda/loss_gather.h \
    kernels/cuda/loss_pixel.h \
    kernels/cuda/loss_rank.h \
    kernels/cuda/loss_tile.h \
    kernels/cuda/machine.h \
    kernels/cuda/norm.h \
    kernels/cuda/norm_grad.h \
    kernels/cuda/packs.h \
    kernels/cuda/pointwise.h \
    kernels/cuda/ptx.h \
    kernels/cuda/reduce.h \
    kernels/cuda/warp_tile.h
