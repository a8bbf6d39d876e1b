/* loss_gather.h: for loss kernels that take any shape: the taps of both axes as tables in work memory, and the way back
 * of a gradient: each low-resolution logit has a thread that adds up what the pixels that read it say, line by line, in
 * their order. */
#ifndef KERNELS_CUDA_LOSS_GATHER_H
#define KERNELS_CUDA_LOSS_GATHER_H

#include "kernels/cuda/loss.h"

/* ---- tables ---- */

struct upsampling {
    int32_t n, h, w, lh, lw, k;
    tap *ty, *tx;             /* [h], [w] */
    int32_t *from_y, *from_x; /* [lh + 1], [lw + 1]: first pixel with i0 >= i */
};

static inline upsampling upsampling_of(fpc_shape logits, fpc_shape mask, char *base, size_t *at)
{
    upsampling u = {logits.n, mask.h, mask.w, logits.h, logits.w, logits.c, nullptr, nullptr, nullptr, nullptr};
    u.ty = piece<tap>(base, at, u.h);
    u.tx = piece<tap>(base, at, u.w);
    u.from_y = piece<int32_t>(base, at, u.lh + 1);
    u.from_x = piece<int32_t>(base, at, u.lw + 1);
    return u;
}

static __global__ void fill_taps(upsampling u, int32_t corners)
{
    const int32_t axis = (int32_t)blockIdx.y, in = axis ? u.lw : u.lh, out = axis ? u.w : u.h;
    tap *const taps = axis ? u.tx : u.ty;
    int32_t *const from = axis ? u.from_x : u.from_y;
    const int32_t step = (int32_t)(gridDim.x * blockDim.x), first = (int32_t)(blockIdx.x * blockDim.x + threadIdx.x);
    for (int32_t i = first; i < out; i += step)
        taps[i] = tap_of(i, in, out, corners);
    for (int32_t i = first; i <= in; i += step) {
        int32_t low = 0, high = out; /* the answer lies in [low, high] */
        while (low < high) {
            const int32_t middle = (low + high) / 2;
            if (tap_of(middle, in, out, corners).i0 >= i)
                high = middle;
            else
                low = middle + 1;
        }
        from[i] = low;
    }
}

static inline fpc_status queue_taps(fpc_exec *x, const fpc_node *node, const upsampling &u, int32_t corners)
{
    const int32_t out = u.h > u.w ? u.h : u.w, in = u.lh > u.lw ? u.lh : u.lw;
    return launch(fill_taps, dim3(blocks_for(out > in ? out : in + 1, 128).x, 2), dim3(128), 0, x, node, u, corners);
}

/* ---- the way back ---- */

/* dlogits[i,j,c] = sum over the pixels r that read row (i,j) of their share * g(n, r, c, z), z the logit of pixel r.
 * Classes [first, first + classes); image first_image + blockIdx.y. */
enum { GATHER_BLOCK = 256 };
template <class G>
__global__ void __launch_bounds__(GATHER_BLOCK)
    gather(upsampling u, const float *logits, G g, int32_t first_image, int32_t first, int32_t classes, float *dlogits)
{
    const int64_t at = (int64_t)blockIdx.x * GATHER_BLOCK + threadIdx.x;
    const int32_t n = first_image + (int32_t)blockIdx.y, area = u.lh * u.lw;
    if (at >= (int64_t)area * classes)
        return;
    const int32_t row = (int32_t)(at / classes), c = first + (int32_t)(at % classes), i = row / u.lw, j = row % u.lw;
    const float *image = logits + (int64_t)n * area * u.k;
    const int32_t y_end = u.from_y[i + 1], x_end = u.from_x[j + 1], x_begin = u.from_x[j > 0 ? j - 1 : 0];
    float sum = 0;
    for (int32_t y = u.from_y[i > 0 ? i - 1 : 0]; y < y_end && !g.skips(n, c); y++) {
        const tap ty = u.ty[y];
        const float wy = ty.i0 == i ? 1 - ty.w1 : ty.w1;
        float line = 0;
        for (int32_t x = x_begin; x < x_end; x++) {
            const tap tx = u.tx[x];
            const float wx = tx.i0 == j ? 1 - tx.w1 : tx.w1;
            if (wx * wy == 0)
                continue;
            line = fmaf(wx, g(n, y * u.w + x, c, logit_at(image, corners_of(ty, tx, u.lh, u.lw, u.k), c)), line);
        }
        sum = fmaf(wy, line, sum);
    }
    g.put(dlogits + ((int64_t)n * area + row) * u.k + c, sum);
}

template <class G>
static fpc_status queue_gather(fpc_exec *x, const fpc_node *node, const upsampling &u, const G &g, int32_t first_image,
                               int32_t images, int32_t first, int32_t classes, float *dlogits)
{
    const int64_t blocks = ((int64_t)u.lh * u.lw * classes + GATHER_BLOCK - 1) / GATHER_BLOCK;
    return launch(gather<G>, dim3((unsigned)blocks, (unsigned)images), dim3(GATHER_BLOCK), 0, x, node, u,
                  data_of<const float>(node->in[0]), g, first_image, first, classes, dlogits);
}

#endif
