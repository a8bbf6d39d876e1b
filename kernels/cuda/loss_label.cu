/* loss_label.cu: what needs no label: the arg-max of upsampled logits, which never exist in full size, and softmax over
 * the classes. */
#include "kernels/cuda/loss_tile.h"

/* ---- seg_argmax(logits) -> u8 (n,h,w,1) ---- */

template <int K>
static __global__ void __launch_bounds__(TILE_W) label_tile(tile_plan p, const float *logits, uint8_t *labels)
{
    FPC_DYNAMIC_SHARED(unsigned char, shared);
    const tile t = begin_tile<K>(p, shared);
    uint8_t *const column = labels + (int64_t)t.n * p.y.out * p.x.out + t.x;
    const auto pixel = [&](int32_t y, float wy, const float *e0, const float *d, const float *, const float *) {
        float most = fmaf(d[0], wy, e0[0]);
        int32_t best = 0;
#pragma unroll
        for (int c = 1; c < K; c++) {
            const float z = fmaf(d[c], wy, e0[c]);
            best = z > most ? c : best;
            most = fmaxf(most, z);
        }
        if (t.inside)
            column[(int64_t)y * p.x.out] = (uint8_t)best;
    };
    walk<K>(logits, p, t, pixel, [](int32_t) {});
}

/* Any shape: a thread for each pixel. */
static __global__ void label_pixels(const float *logits, fpc_shape z, int32_t h, int32_t w, int32_t corners,
                                    int64_t pixels, uint8_t *labels)
{
    const int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= pixels)
        return;
    const int32_t n = (int32_t)(at / ((int64_t)h * w)), r = (int32_t)(at - (int64_t)n * h * w);
    const struct corners q = corners_of(tap_of(r / w, z.h, h, corners), tap_of(r % w, z.w, w, corners), z.h, z.w, z.c);
    const float *const image = logits + (int64_t)n * z.h * z.w * z.c;
    float most = logit_at(image, q, 0);
    int32_t best = 0;
    for (int32_t c = 1; c < z.c; c++) {
        const float v = logit_at(image, q, c);
        best = v > most ? c : best;
        most = fmaxf(most, v);
    }
    labels[at] = (uint8_t)best;
}

fpc_status fpc_cuda_run_seg_argmax(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_resize_attr *attr = static_cast<const fpc_resize_attr *>(node->attr);
    const fpc_shape z = node->in[0].shape;
    const float *const logits = data_of<const float>(node->in[0]);
    uint8_t *const labels = data_of<uint8_t>(node->out[0]);
    const tile_plan p = tile_plan_of(z, attr->h, attr->w, attr->align_corners);
    const int64_t pixels = count_of(node->out[0]);
    if (takes_tiles(p))
        return with_classes(z.c, [&](auto count) {
            constexpr int K = decltype(count)::k;
            return launch(label_tile<K>, tile_grid(p), dim3(TILE_W), walk_bytes(p, K), x, node, p, logits, labels);
        });
    return launch(label_pixels, blocks_for(pixels, 128, INT32_MAX), dim3(128), 0, x, node, logits, z, attr->h, attr->w,
                  attr->align_corners, pixels, labels);
}

/* ---- softmax(x) -> y over c: a warp for each row ---- */

enum { SOFTMAX_BLOCK = 256 };

static __global__ void __launch_bounds__(SOFTMAX_BLOCK) softmax_rows(const float *x, int64_t rows, int32_t c, float *y)
{
    const int32_t lane = (int32_t)threadIdx.x % 32, warps = SOFTMAX_BLOCK / 32;
    for (int64_t r = (int64_t)blockIdx.x * warps + threadIdx.x / 32; r < rows; r += (int64_t)gridDim.x * warps) {
        const float *const from = x + r * c;
        float *const to = y + r * c;
        float most = -INFINITY, sum = 0;
        for (int32_t i = lane; i < c; i += 32)
            most = fmaxf(most, from[i]);
        most = warp_max(most);
        for (int32_t i = lane; i < c; i += 32)
            sum += exp2_fast((from[i] - most) * LOG2E);
        const float inverse = 1 / warp_sum(sum);
        for (int32_t i = lane; i < c; i += 32)
            to[i] = exp2_fast((from[i] - most) * LOG2E) * inverse;
    }
}

fpc_status fpc_cuda_run_softmax(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const int64_t rows = rows_of(node->in[0]);
    return launch(softmax_rows, blocks_for(rows, SOFTMAX_BLOCK / 32), dim3(SOFTMAX_BLOCK), 0, x, node,
                  data_of<const float>(node->in[0]), rows, node->in[0].shape.c, data_of<float>(node->out[0]));
}
