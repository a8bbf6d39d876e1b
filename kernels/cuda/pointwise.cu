/* pointwise.cu: activations, sums, products, concat and slice, dropout, casts. All of them only move memory, so what
 * counts is that every access is 16 bytes wide and that each number is touched once (pointwise.h). Where the width of
 * a row is no multiple of a pack, the same kernels run with packs of one number. */
#include "kernels/cuda/pointwise.h"
#include <fpcore/rng.h>

static fpc_status gelu(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map1(x, node, [] __device__(float a) { return gelu_of(a); });
}

static fpc_status relu(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map1(x, node, [] __device__(float a) { return a <= 0 ? 0 : a; }); /* NaN stays NaN */
}

static fpc_status sigmoid(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map1(x, node, [] __device__(float a) { return 1 / (1 + expf(-a)); });
}

/* (x, dy) */
static fpc_status gelu_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map2(x, node, [] __device__(float a, float dy) { return dy * gelu_slope_of(a); });
}

/* (y, dy) */
static fpc_status relu_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map2(x, node, [] __device__(float y, float dy) { return y > 0 ? dy : 0; });
}

/* (y, dy) */
static fpc_status sigmoid_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map2(x, node, [] __device__(float y, float dy) { return dy * y * (1 - y); });
}

static fpc_status fake_quantize(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_quantize_attr *q = static_cast<const fpc_quantize_attr *>(node->attr);
    const float scale = q->scale, low = (float)(q->low - q->zero), high = (float)(q->high - q->zero);
    return map1(x, node, [=] __device__(float a) {
        const float whole = rintf(a / scale);
        return scale * (whole < low ? low : whole > high ? high : whole);
    });
}

static fpc_status add(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map2(x, node, [] __device__(float a, float b) { return a + b; });
}

static fpc_status mul(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map2(x, node, [] __device__(float a, float b) { return a * b; });
}

/* ---- rows: kernels that know the column of what they touch. An image is blockIdx.y, so that indices in it are 32 bits
 * wide; all counts are packs of N numbers. ---- */

enum { ROW_THREADS = 256, MOST_IMAGES = 32768 };

/* Blocks for `each` packs in each of n images. */
static dim3 image_blocks(int64_t each, int32_t n, int parts)
{
    const dim3 across = blocks_for(each, ROW_THREADS, INT32_MAX);
    return dim3(across.x, (unsigned)(n < MOST_IMAGES ? n : MOST_IMAGES), (unsigned)parts);
}

/* b: one row for each image (b_step: its packs), or one for all (0). */
template <bool PRODUCT, class T, int N>
__global__ void __launch_bounds__(256)
    bcast_kernel(T *y, const T *a, const T *b, int images, unsigned image_packs, unsigned row_packs, unsigned b_step)
{
    const unsigned i = blockIdx.x * ROW_THREADS + threadIdx.x;
    if (i >= image_packs)
        return;
    const unsigned column = i % row_packs;
    for (int image = blockIdx.y; image < images; image += gridDim.y) {
        const int64_t at = ((int64_t)image * image_packs + i) * N;
        const pack<T, N> u = load_pack<N>(a + at), v = load_pack<N>(b + ((int64_t)image * b_step + column) * N);
        pack<T, N> out;
#pragma unroll
        for (int k = 0; k < N; k++) {
            const float p = to_float(u.v[k]), q = to_float(v.v[k]);
            out.v[k] = from_float<T>(PRODUCT ? p * q : p + q);
        }
        store_pack<N>(y + at, out);
    }
}

template <bool PRODUCT, class T, int N> static fpc_status bcast_by(fpc_exec *x, const fpc_node *node)
{
    const fpc_shape s = node->out[0].shape;
    const unsigned row = (unsigned)(s.c / N), image = (unsigned)((int64_t)s.h * s.w * row);
    return launch(bcast_kernel<PRODUCT, T, N>, image_blocks(image, s.n, 1), dim3(ROW_THREADS), 0, x, node,
                  data_of<T>(node->out[0]), data_of<const T>(node->in[0]), data_of<const T>(node->in[1]), s.n, image,
                  row, node->in[1].shape.n > 1 ? row : 0);
}

template <bool PRODUCT> static fpc_status bcast(fpc_exec *x, const fpc_node *node)
{
    return with_type(node->out[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const int n = wide<T>::n;
        return node->out[0].shape.c % n ? bcast_by<PRODUCT, T, 1>(x, node) : bcast_by<PRODUCT, T, n>(x, node);
    });
}

static fpc_status add_bcast(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return bcast<false>(x, node);
}

static fpc_status mul_bcast(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return bcast<true>(x, node);
}

/* ---- concat, slice: ranges of columns that move from rows of one width to rows of another ---- */

enum { MOST_PARTS = 16 };

/* Columns [first, first + count) of the rows of `from` (`width` wide; NULL: zeros) become [at, at + count) of y. */
struct columns {
    const void *from;
    unsigned width, first, at, count;
};
struct columns_list {
    columns part[MOST_PARTS];
};

template <class T, int N>
__global__ void __launch_bounds__(256)
    columns_kernel(const columns_list list, T *y, unsigned width, int images, unsigned rows)
{
    const columns c = list.part[blockIdx.z];
    const unsigned i = blockIdx.x * ROW_THREADS + threadIdx.x;
    if (i >= c.count * rows)
        return;
    const unsigned row = i / c.count, column = i - row * c.count;
    for (int image = blockIdx.y; image < images; image += gridDim.y) {
        const int64_t at = (int64_t)image * rows + row;
        pack<T, N> v;
#pragma unroll
        for (int k = 0; k < N; k++)
            v.v[k] = from_float<T>(0);
        if (c.from)
            v = load_pack<N>(static_cast<const T *>(c.from) + (at * c.width + c.first + column) * N);
        store_pack<N>(y + (at * width + c.at + column) * N, v);
    }
}

template <class T, int N> static fpc_status columns_by(fpc_exec *x, const fpc_node *node, columns_list list, int parts)
{
    const fpc_shape s = node->out[0].shape;
    const unsigned rows = (unsigned)((int64_t)s.h * s.w);
    int64_t most = 0;
    for (int i = 0; i < parts; i++) {
        columns *c = &list.part[i];
        c->width /= N, c->first /= N, c->at /= N, c->count /= N;
        most = c->count > most ? c->count : most;
    }
    return launch(columns_kernel<T, N>, image_blocks(most * rows, s.n, parts), dim3(ROW_THREADS), 0, x, node, list,
                  data_of<T>(node->out[0]), (unsigned)(s.c / N), s.n, rows);
}

static fpc_status move_columns(fpc_exec *x, const fpc_node *node, const columns_list &list, int parts)
{
    unsigned all = (unsigned)node->out[0].shape.c; /* has the bits of everything that packs must divide */
    for (int i = 0; i < parts; i++)
        all |= list.part[i].width | list.part[i].first | list.part[i].at | list.part[i].count;
    return with_type(node->out[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        const int n = wide<T>::n;
        return all % n ? columns_by<T, 1>(x, node, list, parts) : columns_by<T, n>(x, node, list, parts);
    });
}

static fpc_status concat(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    columns_list list = {};
    unsigned at = 0;
    for (int i = 0; i < node->n_in; i++) {
        const unsigned c = (unsigned)node->in[i].shape.c;
        list.part[i] = {node->in[i].data, c, 0, at, c};
        at += c;
    }
    return move_columns(x, node, list, node->n_in);
}

static fpc_status slice(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_slice_attr *a = static_cast<const fpc_slice_attr *>(node->attr);
    columns_list list = {};
    list.part[0] = {node->in[0].data, (unsigned)node->in[0].shape.c, (unsigned)a->first, 0, (unsigned)a->count};
    return move_columns(x, node, list, 1);
}

static fpc_status slice_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_slice_attr *a = static_cast<const fpc_slice_attr *>(node->attr);
    const unsigned first = (unsigned)a->first, count = (unsigned)a->count, end = first + count;
    columns_list list = {};
    list.part[0] = {node->in[0].data, count, 0, first, count};
    list.part[1] = {nullptr, 0, 0, 0, first};
    list.part[2] = {nullptr, 0, 0, end, (unsigned)a->total - end};
    return move_columns(x, node, list, 3);
}

/* ---- dropout: a thread makes the decisions of 8 elements of a row with one call of Philox (rng.h) ---- */

enum { DROP_EIGHT = 8 };

struct drop {
    uint32_t threshold, stream;
    float scale;
    int images, per_channel, width;
    unsigned rows, groups; /* of an image; of 8 in a row, the last of which may be short */
};

template <class T> DEVICE void drop_whole(T *y, const T *a, fpc_u32x4 words, const drop &d)
{
    const int N = wide<T>::n;
#pragma unroll
    for (int from = 0; from < DROP_EIGHT; from += N) {
        pack<T, N> v = load_pack<N>(a + from);
#pragma unroll
        for (int k = 0; k < N; k++)
            v.v[k] = from_float<T>(fpc_half(words, from + k) >= d.threshold ? to_float(v.v[k]) * d.scale : 0);
        store_pack<N>(y + from, v);
    }
}

template <class T> DEVICE void drop_some(T *y, const T *a, int count, fpc_u32x4 words, const drop &d)
{
#pragma unroll
    for (int k = 0; k < DROP_EIGHT; k++) /* unrolled, so that the words stay in registers */
        if (k < count)
            y[k] = from_float<T>(fpc_half(words, k) >= d.threshold ? to_float(a[k]) * d.scale : 0);
}

template <class T, bool WHOLE>
__global__ void __launch_bounds__(256) dropout_kernel(drop d, T *y, const T *a, const uint32_t *clock)
{
    const unsigned i = blockIdx.x * ROW_THREADS + threadIdx.x;
    if (i >= d.rows * d.groups)
        return;
    const unsigned in_image = i / d.groups, group = i - in_image * d.groups;
    for (int image = blockIdx.y; image < d.images; image += gridDim.y) {
        const int64_t row = (int64_t)image * d.rows + in_image, at = row * d.width + group * DROP_EIGHT;
        const fpc_u32x4 words =
            fpc_philox4x32(clock[0], clock[1], group, (uint32_t)(d.per_channel ? image : row), clock[2], d.stream);
        if constexpr (WHOLE)
            drop_whole(y + at, a + at, words, d);
        else
            drop_some(y + at, a + at, d.width - (int)group * DROP_EIGHT, words, d);
    }
}

static fpc_status dropout(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_dropout_attr *attr = static_cast<const fpc_dropout_attr *>(node->attr);
    const fpc_shape s = node->out[0].shape;
    drop d = {fpc_drop_threshold(attr->p), attr->stream, fpc_drop_scale(attr->p), s.n, attr->per_channel, s.c, 0, 0};
    d.rows = (unsigned)((int64_t)s.h * s.w);
    d.groups = (unsigned)((s.c + DROP_EIGHT - 1) / DROP_EIGHT);
    const dim3 grid = image_blocks((int64_t)d.rows * d.groups, s.n, 1);
    return with_type(node->out[0].dtype, [&](auto t) {
        typedef decltype(t) T;
        return launch(s.c % DROP_EIGHT ? dropout_kernel<T, false> : dropout_kernel<T, true>, grid, dim3(ROW_THREADS), 0,
                      x, node, d, data_of<T>(node->out[0]), data_of<const T>(node->in[0]),
                      data_of<const uint32_t>(node->in[1]));
    });
}

/* ---- copies ---- */

/* Bytes, whatever they mean: 16 at once, then what is left. */
__global__ void __launch_bounds__(256) copy_kernel(uint8_t *y, const uint8_t *a, int64_t bytes)
{
    const int64_t packs = bytes / 16, i = (int64_t)blockIdx.x * MAP_THREADS + threadIdx.x,
                  rest = packs * 16 + threadIdx.x;
    if (i < packs)
        reinterpret_cast<uint4 *>(y)[i] = reinterpret_cast<const uint4 *>(a)[i];
    if (blockIdx.x == 0 && rest < bytes)
        y[rest] = a[rest];
}

static fpc_status copy(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &a = node->in[0], &y = node->out[0];
    const int64_t bytes = (int64_t)fpc_bytes(y.shape, y.dtype);
    if (y.data == a.data)
        return FPC_OK;
    return launch(copy_kernel, blocks_for(bytes, 16 * MAP_THREADS, INT32_MAX), dim3(MAP_THREADS), 0, x, node,
                  data_of<uint8_t>(y), data_of<const uint8_t>(a), bytes);
}

template <class Y, class A> static fpc_status cast_from(fpc_exec *x, const fpc_node *node)
{
    const int64_t n = count_of(node->out[0]);
    const auto same = [] __device__(float a) { return a; };
    return launch(map1_kernel<decltype(same), Y, A>, map_blocks(n, map_width<Y, A>::n), dim3(MAP_THREADS), 0, x, node,
                  same, n, data_of<Y>(node->out[0]), data_of<const A>(node->in[node->n_in - 1]));
}

/* cast(x) -> y, narrow(y, x) -> y: the last input. */
static int match_cast(const fpc_node *node) /* this backend has no double */
{
    return node->in[0].dtype <= FPC_F16 && static_cast<const fpc_cast_attr *>(node->attr)->dtype <= FPC_F16;
}

static fpc_status cast(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return with_type(node->out[0].dtype, [&](auto to) {
        typedef decltype(to) Y;
        return with_type(node->in[node->n_in - 1].dtype, [&](auto from) {
            typedef decltype(from) A;
            return cast_from<Y, A>(x, node);
        });
    });
}

/* ---- sums of losses ---- */

struct scalars {
    const float *at[MOST_PARTS];
};

__global__ void combine_kernel(const scalars list, int n, const float *weights, float *y)
{
    double sum = 0;
    if (threadIdx.x != 0)
        return;
    for (int i = 0; i < n; i++)
        sum += (double)weights[i] * (double)*list.at[i];
    *y = (float)sum;
}

static fpc_status combine(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    scalars list = {};
    for (int i = 1; i < node->n_in; i++)
        list.at[i - 1] = data_of<const float>(node->in[i]);
    return launch(combine_kernel, dim3(1), dim3(32), 0, x, node, list, node->n_in - 1,
                  data_of<const float>(node->in[0]), data_of<float>(node->out[0]));
}

/* (weights, dy) */
static fpc_status combine_grad(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const float *dy = data_of<const float>(node->in[1]);
    return map1(x, node, [=] __device__(float w) { return w * *dy; });
}

const fpc_kernel fpc_cuda_pointwise[] = {
    FPC_CUDA_ROW("gelu", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, gelu),
    FPC_CUDA_ROW("gelu_grad", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, gelu_grad),
    FPC_CUDA_ROW("relu", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, relu),
    FPC_CUDA_ROW("relu_grad", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, relu_grad),
    FPC_CUDA_ROW("sigmoid", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, sigmoid),
    FPC_CUDA_ROW("sigmoid_grad", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, sigmoid_grad),
    FPC_CUDA_ROW("add", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, add),
    FPC_CUDA_ROW("mul", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, mul),
    FPC_CUDA_ROW("add_bcast", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, add_bcast),
    FPC_CUDA_ROW("mul_bcast", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, mul_bcast),
    FPC_CUDA_ROW("concat", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, concat),
    FPC_CUDA_ROW("slice", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, slice),
    FPC_CUDA_ROW("slice_grad", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, slice_grad),
    FPC_CUDA_ROW("dropout", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, dropout),
    FPC_CUDA_ROW("copy", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, copy),
    FPC_CUDA_ROW("cast", "plain", 1, FPC_CUDA_ALL, match_cast, nullptr, cast),
    FPC_CUDA_ROW("fake_quantize", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, fake_quantize),
    FPC_CUDA_ROW("narrow", "plain", 1, FPC_CUDA_ALL, nullptr, nullptr, cast),
    FPC_CUDA_ROW("combine", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, combine),
    FPC_CUDA_ROW("combine_grad", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, combine_grad),
    FPC_CUDA_END,
};
