/* image_jpeg.c (cpu): what JPEG loses: 8 x 8 blocks of JFIF's colours (4:4:4), their cosine transform rounded to
 * multiples of the standard's steps, and back. A task is a line of blocks. A block's lines are vectors of 8; a product
 * of two 8 x 8 matrices adds multiples of lines, whichever side the constant matrix stands on, so nothing is ever
 * transposed. */
#include "kernels/ref/image_jpeg.h"
#include "image_picture.h"

typedef float f8 __attribute__((vector_size(32), aligned(4), may_alias));

/* t[u][x], the orthonormal cosine transform: t t' = 1. */
static const float cosines[8][8] = {
    {0.353553391f, 0.353553391f, 0.353553391f, 0.353553391f, 0.353553391f, 0.353553391f, 0.353553391f, 0.353553391f},
    {0.490392640f, 0.415734806f, 0.277785117f, 0.097545161f, -0.097545161f, -0.277785117f, -0.415734806f,
     -0.490392640f},
    {0.461939766f, 0.191341716f, -0.191341716f, -0.461939766f, -0.461939766f, -0.191341716f, 0.191341716f,
     0.461939766f},
    {0.415734806f, -0.097545161f, -0.490392640f, -0.277785117f, 0.277785117f, 0.490392640f, 0.097545161f,
     -0.415734806f},
    {0.353553391f, -0.353553391f, -0.353553391f, 0.353553391f, 0.353553391f, -0.353553391f, -0.353553391f,
     0.353553391f},
    {0.277785117f, -0.490392640f, 0.097545161f, 0.415734806f, -0.415734806f, -0.097545161f, 0.490392640f,
     -0.277785117f},
    {0.191341716f, -0.461939766f, 0.461939766f, -0.191341716f, -0.191341716f, 0.461939766f, -0.461939766f,
     0.191341716f},
    {0.097545161f, -0.277785117f, 0.415734806f, -0.490392640f, 0.490392640f, -0.415734806f, 0.277785117f,
     -0.097545161f}};

enum { LUMA, CHROMA };

/* What the blocks of an image share. */
struct jpeg_job {
    const fpc_node *node;
    int64_t bands;         /* lines of blocks of an image */
    float cosines_t[8][8]; /* transposed */
};

/* a = left a right: t a t' there, t' a t back. */
FPC_INLINE void transform(float a[64], const float left[8][8], const float right[8][8])
{
    float half[64];
    for (int i = 0; i < 8; i++) {
        f8 line = {0};
        for (int k = 0; k < 8; k++)
            line += left[i][k] * *(const f8 *)(a + k * 8);
        *(f8 *)(half + i * 8) = line;
    }
    for (int i = 0; i < 8; i++) {
        f8 line = {0};
        for (int k = 0; k < 8; k++)
            line += half[i * 8 + k] * *(const f8 *)right[k];
        *(f8 *)(a + i * 8) = line;
    }
}

/* To the nearest multiple of the step; halves to the even one. */
static void round_to_steps(float a[64], const float step[64])
{
    for (int i = 0; i < 64; i += 8) {
        const f8 q = *(const f8 *)(a + i) / *(const f8 *)(step + i);
        *(f8 *)(a + i) = ((q + 12582912.0f) - 12582912.0f) * *(const f8 *)(step + i);
    }
}

/* The block at pixel (x0, y0) in JFIF's colours, Y about 0. Beyond the picture its last pixels go on. */
static void read_block(float plane[3][64], const float *image, fpc_shape s, int64_t x0, int64_t y0)
{
    float rgb[3][64];
    for (int64_t i = 0; i < 8; i++) {
        const int64_t y = y0 + i < s.h ? y0 + i : s.h - 1;
        for (int64_t j = 0; j < 8; j++) {
            const float *p = image + (y * s.w + (x0 + j < s.w ? x0 + j : s.w - 1)) * 3;
            for (int c = 0; c < 3; c++)
                rgb[c][i * 8 + j] = p[c] * 255;
        }
    }
    for (int i = 0; i < 64; i += 8) {
        const f8 r = *(const f8 *)(rgb[0] + i), g = *(const f8 *)(rgb[1] + i), b = *(const f8 *)(rgb[2] + i);
        *(f8 *)(plane[0] + i) = 0.299f * r + 0.587f * g + 0.114f * b - 128;
        *(f8 *)(plane[1] + i) = -0.168735892f * r - 0.331264108f * g + 0.5f * b;
        *(f8 *)(plane[2] + i) = 0.5f * r - 0.418687589f * g - 0.081312411f * b;
    }
}

static void write_block(float plane[3][64], float *image, fpc_shape s, int64_t x0, int64_t y0)
{
    float rgb[3][64];
    for (int i = 0; i < 64; i += 8) {
        const f8 y = *(const f8 *)(plane[0] + i) + 128, cb = *(const f8 *)(plane[1] + i);
        const f8 cr = *(const f8 *)(plane[2] + i);
        *(f8 *)(rgb[0] + i) = (y + 1.402f * cr) / 255;
        *(f8 *)(rgb[1] + i) = (y - 0.344136286f * cb - 0.714136286f * cr) / 255;
        *(f8 *)(rgb[2] + i) = (y + 1.772f * cb) / 255;
    }
    for (int64_t i = 0; i < 8 && y0 + i < s.h; i++)
        for (int64_t j = 0; j < 8 && x0 + j < s.w; j++)
            for (int c = 0; c < 3; c++) {
                const float v = rgb[c][i * 8 + j];
                image[((y0 + i) * s.w + x0 + j) * 3 + c] = v < 0 ? 0 : v > 1 ? 1 : v;
            }
}

static void jpeg_band(void *arg, int32_t i, int32_t thread)
{
    (void)thread;
    const struct jpeg_job *job = arg;
    const fpc_shape s = job->node->in[0].shape;
    const int64_t image = i / job->bands, y0 = i % job->bands * 8, first = image * s.h * s.w * 3;
    const float *from = (const float *)job->node->in[0].data + first;
    float *to = (float *)job->node->out[0].data + first, step[2][64], plane[3][64];
    const int32_t quality = jpeg_quality((double)((const float *)job->node->in[1].data)[image]);
    const int64_t lines = s.h - y0 < 8 ? s.h - y0 : 8;
    if (!quality) {
        memcpy(to + y0 * s.w * 3, from + y0 * s.w * 3, (size_t)(lines * s.w * 3) * sizeof *to);
        return;
    }
    for (int32_t k = 0; k < 64; k++) {
        step[LUMA][k] = (float)jpeg_step(jpeg_luma, k, quality);
        step[CHROMA][k] = (float)jpeg_step(jpeg_chroma, k, quality);
    }
    for (int64_t x0 = 0; x0 < s.w; x0 += 8) {
        read_block(plane, from, s, x0, y0);
        for (int c = 0; c < 3; c++) {
            transform(plane[c], cosines, job->cosines_t);
            round_to_steps(plane[c], step[c ? CHROMA : LUMA]);
            transform(plane[c], job->cosines_t, cosines);
        }
        write_block(plane, to, s, x0, y0);
    }
}

static fpc_status run_jpeg(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const fpc_shape s = node->in[0].shape;
    struct jpeg_job job = {.node = node, .bands = ((int64_t)s.h + 7) / 8};
    for (int i = 0; i < 64; i++)
        job.cosines_t[i % 8][i / 8] = cosines[i / 8][i % 8];
    fpc_exec_parallel(x, (int32_t)(s.n * job.bands), jpeg_band, &job);
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(image_jpeg)[] = {
    FPC_CPU_ROW(jpeg, .run = run_jpeg),
    {.op = NULL},
};
