/* image_jpeg.cu: what JPEG loses: 8 x 8 blocks of JFIF's colours (4:4:4), their cosine transform rounded to multiples
 * of the standard's steps, and back. A thread block has four such blocks side by side, a thread one pixel of them with
 * its three channels; the blocks go through shared memory between the four one-dimensional transforms. */
#include "kernels/cuda/image_picture.h"
#include "kernels/ref/image_jpeg.h"
#include <string.h>

enum { SIDE = 8, AREA = 64, BLOCKS = 4, WIDE = SIDE * BLOCKS, THREADS = AREA * BLOCKS };

struct jpeg_tables {
    float cosine[SIDE][SIDE]; /* t[u][x], the orthonormal cosine transform: t t' = 1 */
    uint8_t step[2][AREA];    /* of luma and chroma, at quality 50 */
};

struct pictures {
    const float *x, *quality;
    float *y;
    int32_t h, w, along; /* along: thread blocks along a line */
};

/* Three channels of 8 x 8 numbers; lines are padded so that columns are read without conflicts. */
typedef float planes[BLOCKS][3][SIDE][SIDE + 1];

/* out[c] = sum over n of m[n] a[c][n][j]: a thread's number of the product m a. */
DEVICE void down(float out[3], const float m[SIDE], const float (*a)[SIDE][SIDE + 1], int j)
{
    for (int c = 0; c < 3; c++) {
        out[c] = 0.0f;
        for (int n = 0; n < SIDE; n++)
            out[c] += m[n] * a[c][n][j];
    }
}

/* out[c] = sum over n of a[c][i][n] m[n]: a thread's number of the product a m. */
DEVICE void across(float out[3], const float m[SIDE], const float (*a)[SIDE][SIDE + 1], int i)
{
    for (int c = 0; c < 3; c++) {
        out[c] = 0.0f;
        for (int n = 0; n < SIDE; n++)
            out[c] += a[c][i][n] * m[n];
    }
}

DEVICE void put(float (*a)[SIDE][SIDE + 1], int i, int j, const float v[3])
{
    for (int c = 0; c < 3; c++)
        a[c][i][j] = v[c];
}

/* JFIF's colours, Y about 0: 0 .. 255 each. */
DEVICE void to_ycc(float v[3])
{
    const float r = v[0] * 255.0f, g = v[1] * 255.0f, b = v[2] * 255.0f;
    v[0] = 0.299f * r + 0.587f * g + 0.114f * b - 128.0f;
    v[1] = -0.168735892f * r - 0.331264108f * g + 0.5f * b;
    v[2] = 0.5f * r - 0.418687589f * g - 0.081312411f * b;
}

DEVICE void to_rgb(float v[3])
{
    const float y = v[0] + 128.0f, cb = v[1], cr = v[2];
    v[0] = clamp01((y + 1.402f * cr) / 255.0f);
    v[1] = clamp01((y - 0.344136286f * cb - 0.714136286f * cr) / 255.0f);
    v[2] = clamp01((y + 1.772f * cb) / 255.0f);
}

/* In shared memory: two sets of planes that take turns, the transform, the steps of the image's quality. */
struct workshop {
    planes a, b;
    float cosine[SIDE][SIDE + 1], step[2][AREA];
};

/* v: the thread's pixel (i, j) of block `at`, there and back. */
DEVICE void lose(float v[3], workshop &w, int at, int i, int j)
{
    float row[SIDE], column[SIDE], turned_row[SIDE], turned_column[SIDE];
    for (int n = 0; n < SIDE; n++) {
        row[n] = w.cosine[i][n];
        column[n] = w.cosine[j][n];
        turned_row[n] = w.cosine[n][i];
        turned_column[n] = w.cosine[n][j];
    }
    put(w.a[at], i, j, v);
    __syncthreads();
    down(v, row, w.a[at], j); /* t a t' */
    put(w.b[at], i, j, v);
    __syncthreads();
    across(v, column, w.b[at], i);
    for (int c = 0; c < 3; c++) {
        const float step = w.step[c > 0][i * SIDE + j];
        v[c] = rintf(v[c] / step) * step;
    }
    put(w.a[at], i, j, v);
    __syncthreads();
    down(v, turned_row, w.a[at], j); /* t' a t */
    put(w.b[at], i, j, v);
    __syncthreads();
    across(v, turned_column, w.b[at], i);
}

/* blockIdx.x: four blocks of pixels, blockIdx.y: the image */
static __global__ void __launch_bounds__(THREADS) jpeg_blocks(pictures s, jpeg_tables t)
{
    __shared__ workshop w;
    const int32_t tile = (int32_t)blockIdx.x, thread = (int32_t)threadIdx.x;
    const int32_t i = thread / WIDE, x = tile % s.along * WIDE + thread % WIDE, y = tile / s.along * SIDE + i;
    const float *image = s.x + (int64_t)blockIdx.y * s.h * s.w * 3;
    const int32_t quality = jpeg_quality((double)s.quality[blockIdx.y]);
    const int64_t from =
        ((int64_t)border_index(y, s.h, FPC_BORDER_EDGE) * s.w + border_index(x, s.w, FPC_BORDER_EDGE)) * 3;
    float v[3] = {image[from], image[from + 1], image[from + 2]};
    if (quality) {
        if (thread < AREA)
            w.cosine[thread / SIDE][thread % SIDE] = t.cosine[thread / SIDE][thread % SIDE];
        if (thread < 2 * AREA)
            w.step[thread / AREA][thread % AREA] = (float)jpeg_step(t.step[thread / AREA], thread % AREA, quality);
        __syncthreads();
        to_ycc(v);
        lose(v, w, thread % WIDE / SIDE, i, thread % SIDE);
        to_rgb(v);
    }
    if (x < s.w && y < s.h)
        for (int c = 0; c < 3; c++)
            s.y[(int64_t)blockIdx.y * s.h * s.w * 3 + from + c] = v[c];
}

static jpeg_tables tables(void)
{
    jpeg_tables t;
    for (int u = 0; u < SIDE; u++)
        for (int x = 0; x < SIDE; x++)
            t.cosine[u][x] =
                (float)((u ? 0.5 : 0.35355339059327376220) * cos(3.14159265358979323846 / 16 * ((2 * x + 1) * u)));
    memcpy(t.step[0], jpeg_luma, sizeof t.step[0]);
    memcpy(t.step[1], jpeg_chroma, sizeof t.step[1]);
    return t;
}

static fpc_status jpeg(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_shape shape = node->in[0].shape;
    const int32_t along = (shape.w + WIDE - 1) / WIDE, bands = (shape.h + SIDE - 1) / SIDE;
    const pictures s = {data_of<const float>(node->in[0]),
                        data_of<const float>(node->in[1]),
                        data_of<float>(node->out[0]),
                        shape.h,
                        shape.w,
                        along};
    return launch(jpeg_blocks, dim3((unsigned)(along * bands), (unsigned)shape.n), dim3(THREADS), 0, x, node, s,
                  tables());
}

const fpc_kernel fpc_cuda_image_jpeg[] = {FPC_CUDA_ROW("jpeg", "plain", 0, FPC_CUDA_FLOAT, nullptr, nullptr, jpeg),
                                          FPC_CUDA_END};
