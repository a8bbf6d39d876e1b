/* conv.cu: convolutions without a library, any kernel, stride, padding and groups. Forward and the gradient by the
 * input (also the transposed convolution) are one product of matrices: rows are output pixels, the summed axis runs
 * over (tap, channel) and is gathered on the way to shared memory, columns are output channels. For the gradient,
 * pixels are sorted by phase ((y + pad) mod stride, (x + pad) mod stride): those of a phase are reached by the same
 * taps, so that no product with a zero is computed. The gradient by the weight is in conv_grad_w.cu. */
#include "kernels/cuda/conv.h"

/* One block's share: a phase (forward: the only one), a group, and of its matrix the rows and columns. */
typedef struct conv_share {
    int32_t group, py, px;    /* phase */
    int32_t first_y, first_x; /* of the phase's pixels, which are `step` apart */
    int32_t step, ny, nx;     /* how many of them: along y, along x */
    int32_t taps_y, taps_x;
    int64_t row;    /* first row of the tile */
    int32_t column; /* first column of the tile */
} conv_share;

/* The gathered picture: row `line` of the tile starts at pixel (y, x) of a picture that begins at `image`; further taps
 * lie at y + sign * ty, x + sign * tx. to: where the row's result goes. */
typedef struct conv_row {
    int64_t image, to;
    int32_t y, x;
} conv_row;

template <class T> struct gathered {
    const T *from;
    const conv_row *rows; /* shared memory */
    int32_t h, w, c, sign, depth;
    divider channels, wide;

    DEVICE const T *at(int line, int32_t k) const
    {
        const int32_t tap = quotient(k, channels), ty = quotient(tap, wide), tx = tap - ty * (int32_t)wide.by;
        const conv_row r = rows[line];
        const int32_t y = r.y + sign * ty, x = r.x + sign * tx;
        if (k >= depth || (uint32_t)y >= (uint32_t)h || (uint32_t)x >= (uint32_t)w)
            return nullptr;
        return from + r.image + ((int64_t)y * w + x) * c + (k - tap * (int32_t)channels.by);
    }
};

/* Forward: line o of the weight, (tap, channel) side by side. */
template <class T> struct weight_lines {
    const T *from; /* of the tile's first output channel */
    int32_t lines, depth;

    DEVICE const T *at(int line, int32_t k) const
    {
        return line < lines && k < depth ? from + (int64_t)line * depth + k : nullptr;
    }
};

/* Gradient: k runs over (tap of the phase, output channel), the line is the input channel. */
template <class T> struct weight_turned {
    const T *from; /* of the group, at the tile's first input channel */
    int32_t lines, depth, cg, kh, kw, stride, py, px;
    divider channels, wide;

    DEVICE const T *at(int line, int32_t k) const
    {
        const int32_t tap = quotient(k, channels), ty = quotient(tap, wide), tx = tap - ty * (int32_t)wide.by;
        const int32_t o = k - tap * (int32_t)channels.by, ky = py + ty * stride, kx = px + tx * stride;
        if (line >= lines || k >= depth)
            return nullptr;
        return from + (((int64_t)o * kh + ky) * kw + kx) * cg + line;
    }
};

/* Numbers start, start + step, ... below end. */
BOTH int32_t count_steps(int32_t start, int32_t end, int32_t step)
{
    return start < end ? (end - start - 1) / step + 1 : 0;
}

template <bool TURNED> BOTH conv_share share_of(const conv_shape &s, int32_t phase)
{
    conv_share p = {0, 0, 0, 0, 0, 1, s.ho, s.wo, s.kh, s.kw, 0, 0};
    if (TURNED) {
        p.py = phase / s.stride;
        p.px = phase % s.stride;
        p.step = s.stride;
        p.first_y = ((p.py - s.pad) % s.stride + s.stride) % s.stride;
        p.first_x = ((p.px - s.pad) % s.stride + s.stride) % s.stride;
        p.ny = count_steps(p.first_y, s.h, s.stride);
        p.nx = count_steps(p.first_x, s.w, s.stride);
        p.taps_y = count_steps(p.py, s.kh, s.stride);
        p.taps_x = count_steps(p.px, s.kw, s.stride);
    }
    return p;
}

/* Row `row` of the share. */
template <bool TURNED> DEVICE conv_row row_of(const conv_shape &s, const conv_share &p, int64_t row)
{
    const int64_t line = row / p.nx, image = line / p.ny;
    const int32_t y = p.first_y + (int32_t)(line % p.ny) * p.step, x = p.first_x + (int32_t)(row % p.nx) * p.step;
    conv_row r;
    if (TURNED) {
        r.image = image * s.ho * s.wo * s.k + (int64_t)p.group * (s.k / s.groups);
        r.to = ((image * s.h + y) * s.w + x) * s.c + (int64_t)p.group * (s.c / s.groups);
        r.y = (y + s.pad - p.py) / s.stride;
        r.x = (x + s.pad - p.px) / s.stride;
    } else {
        r.image = image * s.h * s.w * s.c + (int64_t)p.group * (s.c / s.groups);
        r.to = row * s.k + (int64_t)p.group * (s.k / s.groups);
        r.y = y * s.stride - s.pad;
        r.x = x * s.stride - s.pad;
    }
    if (image >= s.n) { /* behind the last row: outside of every picture */
        r.image = 0;
        r.y = r.x = -(1 << 30);
        r.to = -1;
    }
    return r;
}

/* The tile's numbers, plus bias, to their rows. */
template <class T>
DEVICE void put_tile(const float *tile, const conv_row *rows, const float *bias, int32_t columns, T *to, int32_t first)
{
    const int W = wide<T>::n;
    if (columns % W == 0) {
        for (int i = (int)threadIdx.x; i < CONV_TILE * (CONV_TILE / W); i += CONV_THREADS) {
            const int row = i / (CONV_TILE / W), j = i % (CONV_TILE / W) * W;
            if (rows[row].to < 0 || first + j >= columns)
                continue;
            pack<T, wide<T>::n> p;
            for (int v = 0; v < W; v++)
                p.v[v] = from_float<T>(tile[row * CONV_RESULT + j + v] + (bias ? bias[first + j + v] : 0.0f));
            *reinterpret_cast<pack<T, wide<T>::n> *>(to + rows[row].to + first + j) = p;
        }
    } else {
        for (int i = (int)threadIdx.x; i < CONV_TILE * CONV_TILE; i += CONV_THREADS) {
            const int row = i / CONV_TILE, j = i % CONV_TILE;
            if (rows[row].to >= 0 && first + j < columns)
                to[rows[row].to + first + j] =
                    from_float<T>(tile[row * CONV_RESULT + j] + (bias ? bias[first + j] : 0.0f));
        }
    }
}

/* Blocks: column tiles first, which share their gathered rows, then row tiles, then phases, then groups. */
template <class T, bool TENSOR, int V, bool TURNED>
__global__ void __launch_bounds__(CONV_THREADS, V == 1 ? 3 : 4)
    correlate(conv_shape s, int32_t row_tiles, int32_t column_tiles, const T *from, const T *weight, const float *bias,
              T *to)
{
    const bool B_INNER = !TURNED;
    __shared__ __align__(128) unsigned char room[conv_room<T, V, true, V, !TURNED>::BYTES];
    __shared__ conv_row rows[CONV_TILE];
    const int32_t cg = s.c / s.groups, kg = s.k / s.groups, phases = TURNED ? s.stride * s.stride : 1;
    const int32_t columns = TURNED ? cg : kg, deep = TURNED ? kg : cg;
    const int32_t block = (int32_t)blockIdx.x, line = block / column_tiles, share = line / row_tiles;
    conv_share p = share_of<TURNED>(s, share % phases);
    p.group = share / phases;
    p.row = (int64_t)(line % row_tiles) * CONV_TILE;
    p.column = block % column_tiles * CONV_TILE;
    if (p.row >= (int64_t)s.n * p.ny * p.nx) /* phases differ in size */
        return;

    if (threadIdx.x < CONV_TILE)
        rows[threadIdx.x] = row_of<TURNED>(s, p, p.row + threadIdx.x);
    __syncthreads();
    const int32_t depth = p.taps_y * p.taps_x * deep;
    const divider channels = divider_of((uint32_t)deep),
                  wide_taps = divider_of((uint32_t)(p.taps_x > 0 ? p.taps_x : 1));
    const gathered<T> a = {
        from,     rows,     TURNED ? s.ho : s.h, TURNED ? s.wo : s.w, TURNED ? s.k : s.c, TURNED ? -1 : 1, depth,
        channels, wide_taps};
    if (TURNED) {
        const T *w = weight + (int64_t)p.group * kg * s.kh * s.kw * cg + p.column;
        const weight_turned<T> b = {w, cg - p.column, depth, cg, s.kh, s.kw, s.stride, p.py, p.px, channels, wide_taps};
        conv_tile<T, TENSOR, V, true, V, B_INNER>(a, b, CONV_TILE, columns - p.column, 0, depth, room);
    } else {
        const T *w = weight + ((int64_t)p.group * kg + p.column) * depth;
        const weight_lines<T> b = {w, kg - p.column, depth};
        conv_tile<T, TENSOR, V, true, V, B_INNER>(a, b, CONV_TILE, columns - p.column, 0, depth, room);
    }
    put_tile(reinterpret_cast<const float *>(room), rows, bias ? bias + p.group * columns : nullptr, columns, to,
             p.column);
}

template <class T, bool TENSOR, bool TURNED>
static fpc_status launch_correlate(fpc_exec *x, const fpc_node *node, const conv_shape &s)
{
    const int32_t columns = (TURNED ? s.c : s.k) / s.groups;
    int64_t rows = 0;
    for (int32_t i = 0; i < (TURNED ? s.stride * s.stride : 1); i++) {
        const conv_share p = share_of<TURNED>(s, i);
        const int64_t here = (int64_t)s.n * p.ny * p.nx;
        rows = here > rows ? here : rows;
    }
    const int64_t row_tiles = (rows + CONV_TILE - 1) / CONV_TILE;
    const int32_t column_tiles = (columns + CONV_TILE - 1) / CONV_TILE;
    const int64_t blocks = row_tiles * column_tiles * s.groups * (TURNED ? (int64_t)s.stride * s.stride : 1);
    if (blocks > INT32_MAX)
        return fpc_cuda_fail(x, node, NULL, "the tensors are too large for a launch");

    const int32_t cg = s.c / s.groups, v = conv_pack<T>(cg, TURNED ? s.k / s.groups : cg);
    void (*kernel)(conv_shape, int32_t, int32_t, const T *, const T *, const float *, T *) =
        v == wide<T>::n ? correlate<T, TENSOR, wide<T>::n, TURNED>
        : v == 4        ? correlate<T, TENSOR, 4, TURNED>
                        : correlate<T, TENSOR, 1, TURNED>;
    return launch(kernel, dim3((unsigned)blocks), dim3(CONV_THREADS), 0, x, node, s, (int32_t)row_tiles, column_tiles,
                  data_of<T>(node->in[0]), data_of<T>(node->in[1]),
                  node->n_in > 2 ? data_of<float>(node->in[2]) : nullptr, data_of<T>(node->out[0]));
}

template <bool TURNED> static fpc_status run_correlate(fpc_exec *x, const fpc_node *node, const conv_shape &s)
{
    switch (node->in[0].dtype) {
    case FPC_BF16:
        return launch_correlate<bf16, true, TURNED>(x, node, s);
    case FPC_F16:
        return launch_correlate<f16, true, TURNED>(x, node, s);
    default:
        return machine_of(x)->tf32 ? launch_correlate<float, true, TURNED>(x, node, s)
                                   : launch_correlate<float, false, TURNED>(x, node, s);
    }
}

fpc_status fpc_cuda_conv2d_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return run_correlate<false>(x, node, conv_shape_of(node, node->in[0].shape, node->out[0].shape));
}

fpc_status fpc_cuda_conv2d_grad_x_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return run_correlate<true>(x, node, conv_shape_of(node, node->out[0].shape, node->in[0].shape));
}

extern "C" {
const fpc_kernel fpc_cuda_conv[] = {
    FPC_CUDA_ROW("conv2d", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, fpc_cuda_conv2d_run),
    FPC_CUDA_ROW("conv2d_grad_x", "plain", 0, FPC_CUDA_ALL, nullptr, nullptr, fpc_cuda_conv2d_grad_x_run),
    FPC_CUDA_ROW("conv2d_grad_w", "plain", 0, FPC_CUDA_ALL, nullptr, fpc_cuda_conv_grad_w_need,
                 fpc_cuda_conv_grad_w_run),
    FPC_CUDA_END};
}
