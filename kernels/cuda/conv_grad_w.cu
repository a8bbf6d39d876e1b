/* conv_grad_w.cu: the gradient of a convolution by its weight as a product of matrices: lines are output channels,
 * columns are (tap, input channel), gathered, and the summed axis runs over all output pixels. It is cut into pieces
 * whose number depends on the shapes alone; each leaves a partial weight in work memory, and a second launch adds these
 * in order. cuDNN writes no float weight gradient from half precision inputs, so this file serves those beside it, too.
 */
#include "kernels/cuda/conv.h"

enum {
    MANY = 768,     /* blocks that keep every multiprocessor busy */
    PIECE = 256,    /* output pixels that are worth a block, at least */
    ADD_WIDTH = 32, /* numbers that a block adds up */
    ADD_THREADS = 8 /* threads for each of them */
};

/* How the sum over all output pixels is cut. */
typedef struct cut {
    int32_t pieces, pixels; /* of a piece */
    int32_t line_tiles, column_tiles;
} cut;

static cut cut_of(const conv_shape &s)
{
    const int64_t rows = (int64_t)s.n * s.ho * s.wo, most = (rows + PIECE - 1) / PIECE;
    const int32_t cg = s.c / s.groups, kg = s.k / s.groups;
    cut p = {1, 0, (kg + CONV_TILE - 1) / CONV_TILE,
             (int32_t)(((int64_t)s.kh * s.kw * cg + CONV_TILE - 1) / CONV_TILE)};
    const int64_t tiles = (int64_t)p.line_tiles * p.column_tiles * s.groups;
    int64_t pieces = tiles < MANY ? (MANY + tiles - 1) / tiles : 1;
    pieces = pieces < most ? pieces : most;
    const int64_t pixels = ((rows + pieces - 1) / pieces + CONV_TILE - 1) / CONV_TILE * CONV_TILE;
    p.pixels = (int32_t)pixels;
    p.pieces = (int32_t)((rows + pixels - 1) / pixels);
    return p;
}

/* dy: k is the output pixel, the line an output channel of the group. */
template <class T> struct gradient {
    const T *from; /* at the tile's first channel of the group */
    int32_t lines, end, k;

    DEVICE const T *at(int line, int32_t pixel) const
    {
        return line < lines && pixel < end ? from + (int64_t)pixel * k + line : nullptr;
    }
};

/* x: k is the output pixel, the line a (tap, input channel of the group). */
template <class T> struct patches {
    const T *from; /* at the group's first channel */
    int32_t first, lines, end, h, w, c, kw, stride, pad;
    divider channels, wide, width, height;

    DEVICE const T *at(int line, int32_t pixel) const
    {
        const int32_t index = first + line, tap = quotient(index, channels), ty = quotient(tap, wide);
        const int32_t row = quotient(pixel, width), image = quotient(row, height);
        const int32_t y = (row - image * (int32_t)height.by) * stride - pad + ty;
        const int32_t x = (pixel - row * (int32_t)width.by) * stride - pad + tap - ty * kw;
        if (index >= lines || pixel >= end || (uint32_t)y >= (uint32_t)h || (uint32_t)x >= (uint32_t)w)
            return nullptr;
        return from + (((int64_t)image * h + y) * w + x) * c + (index - tap * (int32_t)channels.by);
    }
};

/* Blocks: the tiles of a piece first, which read the same pixels. parts: a whole weight for each piece. */
template <class T, bool TENSOR, int VY, int VX>
__global__ void __launch_bounds__(CONV_THREADS, VX == 1 ? 3 : 4)
    weight_gradient(conv_shape s, cut p, const T *x, const T *dy, float *parts)
{
    __shared__ __align__(128) unsigned char room[conv_room<T, VY, false, VX, false>::BYTES];
    const int32_t cg = s.c / s.groups, kg = s.k / s.groups, columns = s.kh * s.kw * cg;
    const int32_t tiles = p.line_tiles * p.column_tiles, block = (int32_t)blockIdx.x;
    const int32_t column = block % p.column_tiles * CONV_TILE, line = block / p.column_tiles % p.line_tiles * CONV_TILE;
    const int32_t group = block / tiles % s.groups, piece = block / tiles / s.groups;
    const int32_t rows = s.n * s.ho * s.wo, first = piece * p.pixels;
    const int32_t end = rows - first < p.pixels ? rows : first + p.pixels;

    const gradient<T> a = {dy + (int64_t)group * kg + line, kg - line, end, s.k};
    const patches<T> b = {x + (int64_t)group * cg,
                          column,
                          columns,
                          end,
                          s.h,
                          s.w,
                          s.c,
                          s.kw,
                          s.stride,
                          s.pad,
                          divider_of((uint32_t)cg),
                          divider_of((uint32_t)s.kw),
                          divider_of((uint32_t)s.wo),
                          divider_of((uint32_t)s.ho)};
    conv_tile<T, TENSOR, VY, false, VX, false>(a, b, kg - line, columns - column, first, end, room);

    const float *tile = reinterpret_cast<const float *>(room);
    float *to = parts + ((int64_t)piece * s.k + (int64_t)group * kg) * columns;
    for (int i = (int)threadIdx.x; i < CONV_TILE * CONV_TILE; i += CONV_THREADS) {
        const int32_t o = line + i / CONV_TILE, j = column + i % CONV_TILE;
        if (o < kg && j < columns)
            to[(int64_t)o * columns + j] = tile[i / CONV_TILE * CONV_RESULT + i % CONV_TILE];
    }
}

/* Blocks of 32 numbers by 8 threads: thread t adds pieces t, t + 8, ..., then one adds the eight. */
static __global__ void add_pieces(const float *parts, int32_t pieces, int64_t count, float *to)
{
    __shared__ float room[ADD_THREADS][ADD_WIDTH];
    const int lane = (int)threadIdx.x % ADD_WIDTH, t = (int)threadIdx.x / ADD_WIDTH;
    const int64_t i = (int64_t)blockIdx.x * ADD_WIDTH + lane;
    float sum = 0.0f;
    if (i < count)
        for (int32_t piece = t; piece < pieces; piece += ADD_THREADS)
            sum += parts[piece * count + i];
    room[t][lane] = sum;
    __syncthreads();
    if (t > 0 || i >= count)
        return;
    for (int j = 1; j < ADD_THREADS; j++)
        sum += room[j][lane];
    to[i] = sum;
}

fpc_status fpc_cuda_add_pieces(fpc_exec *x, const fpc_node *node, const float *parts, int32_t pieces, int64_t count,
                               float *to)
{
    const int64_t blocks = (count + ADD_WIDTH - 1) / ADD_WIDTH;
    return launch(add_pieces, dim3((unsigned)blocks), dim3(ADD_WIDTH * ADD_THREADS), 0, x, node, parts, pieces, count,
                  to);
}

template <class T, bool TENSOR>
static fpc_status launch_gradient(fpc_exec *x, const fpc_node *node, const conv_shape &s)
{
    const cut p = cut_of(s);
    const int64_t blocks = (int64_t)p.pieces * p.line_tiles * p.column_tiles * s.groups;
    if (blocks > INT32_MAX || (int64_t)s.n * s.ho * s.wo + p.pixels > INT32_MAX)
        return fpc_cuda_fail(x, node, NULL, "the tensors are too large for a launch");

    const int32_t cg = s.c / s.groups, kg = s.k / s.groups, vx = conv_pack<T>(cg, cg), vy = conv_pack<T>(kg, kg);
    float *const to = data_of<float>(node->out[0]);
    float *const parts = p.pieces > 1 ? static_cast<float *>(fpc_exec_shared(x)) : to;
    const int W = wide<T>::n;
    void (*kernel)(conv_shape, cut, const T *, const T *, float *) =
        vx == W && vy == W   ? weight_gradient<T, TENSOR, wide<T>::n, wide<T>::n>
        : vx >= 4 && vy >= 4 ? weight_gradient<T, TENSOR, 4, 4>
        : vy >= 4            ? weight_gradient<T, TENSOR, 4, 1> /* the first layer: three colours */
                             : weight_gradient<T, TENSOR, 1, 1>;
    const fpc_status st = launch(kernel, dim3((unsigned)blocks), dim3(CONV_THREADS), 0, x, node, s, p,
                                 data_of<T>(node->in[0]), data_of<T>(node->in[1]), parts);
    return st || p.pieces == 1 ? st : fpc_cuda_add_pieces(x, node, parts, p.pieces, count_of(node->out[0]), to);
}

fpc_status fpc_cuda_conv_grad_w_run(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const conv_shape s = conv_shape_of(node, node->in[0].shape, node->in[1].shape);
    switch (node->in[0].dtype) {
    case FPC_BF16:
        return launch_gradient<bf16, true>(x, node, s);
    case FPC_F16:
        return launch_gradient<f16, true>(x, node, s);
    default:
        return machine_of(x)->tf32 ? launch_gradient<float, true>(x, node, s)
                                   : launch_gradient<float, false>(x, node, s);
    }
}

void fpc_cuda_conv_grad_w_need(const fpc_node *node, fpc_need *need)
{
    const cut p = cut_of(conv_shape_of(node, node->in[0].shape, node->in[1].shape));
    need->shared = p.pieces > 1 ? (size_t)p.pieces * (size_t)count_of(node->out[0]) * sizeof(float) : 0;
}
